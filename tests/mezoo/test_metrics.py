"""The ruler: interval arithmetic, matching, NMS and pooled counts, against brute force and independent vectors."""

import json
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mezoo.intervals import iou, match, nms, overlap
from mezoo.metrics import Confusion, Counts, confusion, pooled, spotting_counts
from mezoo.statistics import confusion_intervals, f1_interval

DATA = Path(__file__).parents[1] / "data"
interval = st.tuples(st.integers(0, 30), st.integers(0, 12)).map(lambda p: (p[0], p[0] + p[1]))
intervals = st.lists(interval, max_size=5)


def frames_of(span: tuple[int, int]) -> set[int]:
    return set(range(span[0], span[1] + 1))


@given(interval, interval)
def test_overlap_counts_frames(a, b):
    inter, union = overlap([a], [b])
    assert inter[0, 0] == len(frames_of(a) & frames_of(b))
    assert union[0, 0] == len(frames_of(a) | frames_of(b))


@given(intervals, intervals)
@settings(max_examples=150)
def test_matching_is_as_large_as_brute_force_finds(predicted, truth):
    hit = [[2 * len(frames_of(p) & frames_of(t)) >= len(frames_of(p) | frames_of(t)) for t in truth] for p in predicted]
    slots = [*range(len(truth)), *[None] * len(predicted)]
    best = 0
    for choice in set(permutations(slots, len(predicted))) if len(predicted) + len(truth) <= 6 else ():
        best = max(best, sum(t is not None and hit[p][t] for p, t in enumerate(choice)))
    pairs = match(predicted, truth)
    assert len({p for p, _ in pairs}) == len({t for _, t in pairs}) == len(pairs)
    assert all(hit[p][t] for p, t in pairs)
    if len(predicted) + len(truth) <= 6:
        assert len(pairs) == best


crowded = st.lists(interval, max_size=40)


@given(crowded, crowded, st.sampled_from([(1, 2), (1, 10), (9, 10), (1, 1)]))
def test_matching_is_as_large_and_overlaps_as_much_as_a_dense_assignment(predicted, truth, k):
    from scipy.optimize import linear_sum_assignment

    inter, union = overlap(predicted, truth)
    hit = inter * k[1] >= union * k[0]
    gain = np.where(hit, 100 + inter / union, 0.0)
    rows, columns = linear_sum_assignment(gain, maximize=True)
    pairs = match(predicted, truth, k)
    assert len(pairs) == hit[rows, columns].sum()
    assert sum(gain[p, t] for p, t in pairs) == pytest.approx(gain[rows, columns].sum())
    assert all(hit[p, t] for p, t in pairs)
    assert len({p for p, _ in pairs}) == len({t for _, t in pairs}) == len(pairs)


def test_matching_equals_independent_vectors():
    for predicted, truth, hits, pairs in json.loads((DATA / "spotting_matching.json").read_text())["rows"]:
        found = match(predicted, truth)
        assert len(found) == hits
        if pairs is not None:
            assert sorted(found) == sorted(map(tuple, pairs))
        assert spotting_counts(predicted, truth) == Counts(hits, len(predicted), len(truth))


def test_pooled_counts_equal_independent_vectors():
    for row in json.loads((DATA / "spotting_dataset.json").read_text())["rows"]:
        every: dict[str, list[Counts]] = {"ME": [], "MaE": [], "all": []}
        for name, videos in row["data"].items():
            for kind in ("ME", "MaE"):
                counts = [spotting_counts(v[kind]["preds"], v[kind]["gts"]) for v in videos.values()]
                assert_equal(pooled(counts), row["expected"][name][kind])
                every[kind] += counts
                every["all"] += counts
        for kind, counts in every.items():
            assert_equal(pooled(counts), row["expected"]["combined"][kind])


def assert_equal(counts: Counts, expected: dict) -> None:
    assert (counts.tp, counts.n_pred, counts.n_gt) == (expected["tp"], expected["n"], expected["m"])
    for name in ("precision", "recall", "f1"):
        assert getattr(counts, name) == pytest.approx(expected[name])


def test_exact_half_counts_and_ends_are_included():
    assert match([(0, 9)], [(0, 19)]) == [(0, 0)]
    assert match([(0, 8)], [(0, 19)]) == []
    assert match([(10, 20)] * 2, [(10, 20)]) == [(0, 0)], "a second hit of the same truth is a false alarm"


@given(st.lists(st.tuples(interval, st.floats(0, 1)), max_size=12), st.floats(0, 0.9))
def test_nms_keeps_the_best_and_drops_only_overlapping(rows, threshold):
    spans, scores = [r[0] for r in rows], [r[1] for r in rows]
    kept = nms(spans, scores, threshold).tolist()
    assert kept == sorted(kept, key=lambda i: -scores[i])
    for position, i in enumerate(kept):
        assert all(iou([spans[i]], [spans[j]])[0, 0] <= threshold for j in kept[:position])
    for i in set(range(len(rows))) - set(kept):
        assert any(iou([spans[i]], [spans[j]])[0, 0] > threshold and scores[j] >= scores[i] for j in kept)


@given(
    st.lists(st.tuples(interval, st.integers(0, 5)), max_size=60),
    st.sampled_from([0.0, 0.1, 0.25, 1 / 3, 0.5, 0.7, 0.9, 1.0]),
)
def test_nms_equals_a_plain_loop(rows, threshold):
    spans, scores = [r[0] for r in rows], [r[1] for r in rows]
    overlaps = iou(spans, spans)
    kept: list[int] = []
    for i in sorted(range(len(rows)), key=lambda i: -scores[i]):
        if all(overlaps[i, j] <= threshold for j in kept):
            kept.append(i)
    assert nms(spans, scores, threshold).tolist() == kept


def test_nms_of_many_that_overlap_equals_a_plain_loop():
    """So many pairs that disputes are not looked for first."""
    rng = np.random.default_rng(2)
    onsets = rng.integers(0, 60, 400)
    spans, scores = np.stack([onsets, onsets + rng.integers(5, 90, 400)], 1), rng.random(400)
    kept: list[int] = []
    for i in np.argsort(-scores).tolist():
        if not kept or (iou(spans[i], spans[kept]) <= 0.4).all():
            kept.append(i)
    assert nms(spans, scores, 0.4).tolist() == kept


def test_bootstrap_interval_holds_the_score_and_is_wider_for_few_subjects():
    rng = np.random.default_rng(0)
    many = [Counts(int(t), 10, 10) for t in rng.integers(2, 9, 60)]
    low, high = f1_interval(many)
    assert low < pooled(many).f1 < high
    few = f1_interval(many[:6])
    assert few[1] - few[0] > high - low
    assert f1_interval([]) == (0.0, 0.0)
    assert f1_interval([Counts(0, 0, 0)] * 3) == (0.0, 0.0)


RECOGNITION = json.loads((DATA / "recognition.json").read_text())["rows"]


@pytest.mark.parametrize("row", RECOGNITION, ids=lambda r: r[0])
def test_recognition_equals_independent_vectors(row):
    _, classes, truth, answers, (accuracy, uf1, uar), matrix, f1, subjects = row
    by_subject = {s: [i for i, t in enumerate(subjects) if t == s] for s in subjects}
    parts = [confusion([truth[i] for i in own], [answers[i] for i in own], classes) for own in by_subject.values()]
    found = Confusion(sum(p.matrix for p in parts))
    assert found.matrix.tolist() == matrix
    assert (found.accuracy, found.uf1, found.uar) == pytest.approx((accuracy, uf1, uar), abs=1e-12)
    assert found.f1 == pytest.approx(f1, abs=1e-12)


classes_of = st.integers(2, 7).flatmap(
    lambda n: st.tuples(
        st.just(n), st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), min_size=1, max_size=60)
    )
)


@given(classes_of)
def test_recognition_equals_scikit_learn(case):
    from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, recall_score

    classes, pairs = case
    truth, answers = zip(*pairs, strict=True)
    found, names = confusion(truth, answers, classes), range(classes)
    assert (found.matrix == confusion_matrix(truth, answers, labels=names)).all()
    options = {"labels": names, "average": "macro", "zero_division": 0}
    assert found.uf1 == pytest.approx(f1_score(truth, answers, **options))
    assert found.uar == pytest.approx(recall_score(truth, answers, **options))
    assert found.accuracy == pytest.approx(accuracy_score(truth, answers))
    weighted = f1_score(truth, answers, labels=names, average="weighted", zero_division=0)
    assert found.weighted_f1 == found.as_dict()["weighted_f1"] == pytest.approx(weighted)


def test_truth_is_the_row_and_the_answer_the_column():
    """Two public scorers have it the other way round, and so print precision as recall."""
    found = confusion([0, 0, 0, 1], [1, 1, 0, 1], 2)
    assert found.matrix.tolist() == [[1, 2], [0, 1]]
    assert found.recall.tolist() == pytest.approx([1 / 3, 1])
    assert found.precision.tolist() == pytest.approx([1, 1 / 3])


def test_a_class_that_never_occurs_scores_nothing_and_is_not_skipped():
    assert confusion([0, 1], [0, 1], 3).uf1 == pytest.approx(2 / 3)
    with pytest.raises(ValueError, match="outside"):
        confusion([0], [3], 3)


def test_the_interval_resamples_subjects():
    rng = np.random.default_rng(1)
    tables = rng.integers(0, 4, (9, 3, 3))
    picks = np.random.default_rng(0).integers(9, size=(200, 9))
    draws = [Confusion(tables[p].sum(axis=0)) for p in picks]
    spans = confusion_intervals([*tables], draws=200)
    for name in ("uf1", "uar", "accuracy", "weighted_f1"):
        assert spans[name] == pytest.approx(np.percentile([getattr(d, name) for d in draws], [2.5, 97.5]))
    assert confusion_intervals([])["uf1"] == (0, 0)
