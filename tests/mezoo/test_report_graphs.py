"""Graphs of a model: written by a fold, averaged over folds, drawn in the report."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mezoo import Graph, outline
from mezoo.fold_folder import FoldFolder
from mezoo.report.graphs import averaged, edges, most_spread
from mezoo.report.heat import face, heat_map, short
from mezoo.report.reading import load

NAMES = ("brow 18", "brow 25", "nose 30")


def graph(matrix: list[list[float]], names: tuple[str, ...] = NAMES, title: str = "A") -> Graph:
    return Graph(title, np.array(matrix, np.float32), names, outline.places([18, 25, 30][: len(names)]), "a note")


def test_mean_and_spread_over_folds() -> None:
    one, two = [[1, 0, 0], [0, 1, 0], [0.25, 0, 1]], [[1, 0, 0], [0, 1, 0], [0.75, 0, 1]]
    (found,) = averaged({"01": [graph(one)], "02": [graph(two)]})
    assert found.folds == 2
    assert found.mean[2, 0] == 0.5
    assert found.spread[2, 0] == pytest.approx(np.std([0.25, 0.75], ddof=1))
    assert most_spread(found) == pytest.approx(found.spread[2, 0])
    assert [(e.a, e.b, e.weight, e.share) for e in edges(found)] == [(0, 2, 0.5, 1.0)]


def test_folds_may_differ_in_their_nodes() -> None:
    (found,) = averaged({"01": [graph([[1, 2], [3, 4]], ("AU 1", "AU 2"))], "02": [graph([[5]], ("AU 4",))]})
    assert found.names == ("AU 1", "AU 2", "AU 4")
    assert found.mean[1, 0] == 3
    assert np.isnan(found.mean[2, 0])
    assert most_spread(found) is None
    assert "in no fold" in heat_map(found)


@given(st.integers(2, 8), st.integers(0, 2**32 - 1))
def test_edges_are_the_strongest_pairs(n: int, seed: int) -> None:
    matrix = np.random.default_rng(seed).normal(size=(n, n)).round(2)
    names = tuple(f"n {i}" for i in range(n))
    (found,) = averaged({"01": [Graph("A", matrix.astype(np.float32), names)]})
    drawn = edges(found)
    assert len(drawn) <= 2 * n
    assert len({(e.a, e.b) for e in drawn}) == len(drawn)
    assert all(0 < e.share <= 1 and e.a < e.b for e in drawn)
    weights = [abs(e.weight) for e in drawn]
    assert weights == sorted(weights)
    off = np.abs(found.mean[~np.eye(n, dtype=bool)])
    assert not drawn or weights[-1] == off.max()
    assert face(found) == "", "without places there is no face"


def test_what_is_written_is_read(tmp_path: Path) -> None:
    folder = FoldFolder(tmp_path / "folds" / "01")
    folder.save_graphs([graph([[1, 0, 0], [0, 1, 0], [0.1, -0.2, 1]])])
    result = {"schema": 2, "subjects": [{"subject": "01", "state": "done"}, {"subject": "02", "state": "done"}]}
    (tmp_path / "result.json").write_text(json.dumps(result))
    run = load(tmp_path)
    assert [*run.graphs] == ["01"]
    assert run.graphs["01"][0].matrix[2].tolist() == pytest.approx([0.1, -0.2, 1])
    assert run.graphs["01"][0].places == graph([[0] * 3] * 3).places
    assert not any("graphs" in note for note in run.notes), "older runs have no graphs, and lack nothing"
    (folder.path / "graphs.json").write_text('{"graphs": [{"title": "A", "names": ["x"], "matrix": [[1, 2]]}]}')
    assert any("graphs.json cannot be read" in note for note in load(tmp_path).notes)


@pytest.mark.parametrize(
    "bad",
    [graph([[1, 2], [3, 4]]), graph([[np.nan] * 3] * 3), Graph("A", np.eye(3, dtype=np.float32), NAMES, ((0, 0),))],
    ids=["shape", "nan", "places"],
)
def test_a_graph_that_does_not_fit_is_refused(tmp_path: Path, bad: Graph) -> None:
    with pytest.raises(ValueError, match="names"):
        FoldFolder(tmp_path).save_graphs([bad])
    assert not (tmp_path / "graphs.json").exists()


@pytest.mark.parametrize(
    ("value", "top", "expected"),
    [(0.25, 1, ".25"), (-0.031, 0.05, "-.031"), (1.24, 2, "1.2"), (0.001, 1, ""), (0.5, 0.001, ""), (0.999, 1, "1.0")],
)
def test_weights_in_cells(value: float, top: float, expected: str) -> None:
    assert short(value, top) == expected


def test_the_face_is_a_face() -> None:
    points = np.array(outline.FACE68)
    assert points.shape == (68, 2)
    assert points.min(0).tolist() == [0, 0]
    assert points.max(0).tolist() == [1, 1]
    pairs = [*zip(range(17), range(16, -1, -1), strict=True), *zip(range(17, 22), range(26, 21, -1), strict=True)]
    pairs += [(36, 45), (39, 42), (41, 46), (48, 54), (50, 52), (59, 55), (60, 64), (67, 65), (31, 35)]
    for a, b in pairs:
        assert points[a] == pytest.approx([1 - points[b, 0], points[b, 1]], abs=2e-3)
    assert outline.middle(48, 54)[0] == 0.5


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=2, max_size=8))
def test_smooth_lines_go_through_their_points(points: list[tuple[int, int]]) -> None:
    pieces = outline.smooth(points)
    assert [end for _, _, end in pieces] == points[1:]
