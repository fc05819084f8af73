"""MER-GCN's graph of action units: by hand, by an independent count, and per fold."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from mezoo_mergcn import graph
from mezoo_mergcn.model import MERGCN

from mezoo import DataError, Example, Expression, Features, Video

CELLS = ("1+2", "R1B+L2+2", "4", "4+L12A", "", "14")


def clips(cells: Sequence[str]) -> list[Example]:
    features = Features(np.zeros((4, 16, 16), np.uint8), np.arange(4), 4, 25.0)
    made = []
    for i, cell in enumerate(cells):
        expression = Expression(f"c{i}", "micro", 0, 3, 1, aus=cell)
        made.append(Example(Video("toy", f"s{i}", f"c{i}", 25.0, None, (expression,)), features, 0))  # type: ignore[arg-type]
    return made


def test_units_of_a_clip_leave_sides_letters_and_repeats_out() -> None:
    assert [graph.units_of(e) for e in clips(CELLS)] == [{1, 2}, {1, 2}, {4}, {4, 12}, None, {14}]


def test_the_table_leaves_out_clips_without_units_but_not_those_with_others() -> None:
    np.testing.assert_array_equal(
        graph.table(clips(CELLS), (1, 2, 4, 12)),
        np.array([[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 1, 1], [0, 0, 0, 0]], bool),
    )
    with pytest.raises(DataError, match="none of the 2 training clips has action units"):
        graph.table(clips(["", "?"]), (1, 2))


def test_adjacency_of_a_toy_table_by_hand() -> None:
    # AU 1 and 2 always together; AU 4 twice, once with 12; AU 12 once; AU 5 never.
    shown = graph.table(clips(CELLS), (1, 2, 4, 12, 5))
    share = [[0, 1, 0, 0, 0], [1, 0, 0, 0, 0], [0, 0, 0, 1 / 2, 0], [0, 0, 1, 0, 0], [0, 0, 0, 0, 0]]
    np.testing.assert_allclose(graph.conditional(shown), share)
    row = [[1 / 2, 1 / 2, 0, 0, 0], [1 / 2, 1 / 2, 0, 0, 0], [0, 0, 2 / 3, 1 / 3, 0], [0, 0, 1 / 2, 1 / 2, 0],
           [0, 0, 0, 0, 1]]  # fmt: skip
    np.testing.assert_allclose(graph.adjacency(shown, "row", None), row)
    sibling = [[1 / 2, 1 / 2, 0, 0, 0], [1 / 2, 1 / 2, 0, 0, 0], [0, 0, 1 / 2, 1 / 2, 0], [0, 0, 1 / 4, 1 / 2, 0],
               [0, 0, 0, 0, 1]]  # fmt: skip
    np.testing.assert_allclose(graph.adjacency(shown, "sibling", None), sibling)
    hard = [[1 / 2, 1 / 2, 0, 0, 0], [1 / 2, 1 / 2, 0, 0, 0], [0, 0, 1, 0, 0], [0, 0, 1 / 2, 1 / 2, 0], [0, 0, 0, 0, 1]]
    np.testing.assert_allclose(graph.adjacency(shown, "row", 0.6), hard)
    np.testing.assert_allclose(graph.positive_weights(shown, 3.0), [1.5, 1.5, 1.5, 3.0, 3.0])


TABLES = arrays.arrays(bool, st.tuples(st.integers(1, 20), st.integers(1, 8)))


@given(TABLES)
def test_conditional_shares_equal_a_count_clip_by_clip(shown: np.ndarray) -> None:
    share = graph.conditional(shown)
    for i in range(shown.shape[1]):
        having = [row for row in shown if row[i]]
        for j in range(shown.shape[1]):
            together = sum(bool(row[j]) for row in having) / len(having) if having and i != j else 0.0
            assert share[i, j] == pytest.approx(together)


@given(TABLES, st.sampled_from([None, 0.0, 0.4, 1.0]))
def test_rows_sum_to_one_every_node_keeps_itself_and_clips_have_no_order(
    shown: np.ndarray, threshold: float | None
) -> None:
    matrix = graph.adjacency(shown, "row", threshold)
    np.testing.assert_allclose(matrix.sum(1), 1)
    assert (np.diag(matrix) > 0).all()
    np.testing.assert_allclose(graph.adjacency(shown[::-1], "row", threshold), matrix)


@given(TABLES)
def test_edges_are_the_matrix_seen_from_its_targets(shown: np.ndarray) -> None:
    matrix = graph.adjacency(shown, "sibling", None)
    edges, weights = graph.edges(matrix)
    again = np.zeros_like(matrix)
    again[edges[1], edges[0]] = weights
    np.testing.assert_allclose(again, matrix, atol=1e-6)


def test_frequent_units_are_those_of_enough_clips() -> None:
    assert graph.frequent(clips(CELLS), 2) == (1, 2, 4)
    assert graph.frequent(clips(CELLS), 1) == (1, 2, 4, 12, 14)
    with pytest.raises(DataError, match="no action unit is shown by 3 or more of the 6 training clips"):
        graph.frequent(clips(CELLS), 3)


def test_each_fold_has_the_graph_of_its_own_training_clips() -> None:
    every = clips(["1+2", "1+4", "1+4", "4+12", "12", "2"])
    model = MERGCN(aus=None, min_au_samples=2)
    folds = [model.prepare([e for e in every if e is not left_out]) for left_out in every]
    assert [fold["aus"] for fold in folds] == [
        [1, 4, 12],
        [1, 2, 4, 12],
        [1, 2, 4, 12],
        [1, 2, 4],
        [1, 2, 4],
        [1, 4, 12],
    ]
    assert folds[1]["adjacency"] != folds[3]["adjacency"]
    # Without the second clip AU 1 was twice shown, with 2 and with 4 once each: (1, 1/2, 1/2, 0) / 2.
    assert folds[1]["adjacency"][0] == [0.5, 0.25, 0.25, 0.0]
    assert folds[1] == folds[2]
    listed = MERGCN(aus=(12, 1)).prepare(every)
    assert listed["aus"] == [12, 1]
    assert listed["adjacency"] == [[1.0, 0.0], [0.0, 1.0]]
