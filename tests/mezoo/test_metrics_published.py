"""Metrics beside the headline ones, and the rules of published code, against vectors of independent and public code."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mezoo.metrics import Counts, spotting_counts
from mezoo.metrics.action_units import by_dataset, unit_scores
from mezoo.metrics.apex import apex_scores
from mezoo.metrics.average_precision import interval_ap
from mezoo.metrics.frames import FrameCounts, average_precision, frame_counts, frame_mask, roc_auc
from mezoo.metrics.published import SCORERS, PublishedCounts, megc2020, megc2020_iou
from mezoo.metrics.published_strs import strs_official
from mezoo.metrics.strs import analysis, found_pairs, strs

DATA = Path(__file__).parents[1] / "data"
interval = st.tuples(st.integers(0, 40), st.integers(0, 15)).map(lambda p: (p[0], p[0] + p[1]))


def cases(name: str) -> list:
    return json.loads((DATA / f"eval_{name}.json").read_text())


def ids(name: str):
    return pytest.mark.parametrize("case", cases(name), ids=lambda c: c["name"])


@ids("frame_metrics")
def test_frames_equal_scikit_learn(case):
    counts, expected = frame_counts(case["preds"], case["gts"], case["n_frames"]), case["expected"]
    for name in ("tp", "fp", "fn", "tn", "precision", "recall", "f1"):
        assert getattr(counts, name) == pytest.approx(expected[name])
    truth = frame_mask(case["gts"], case["n_frames"])
    for found, name in ((roc_auc(truth, case["scores"]), "auc"), (average_precision(truth, case["scores"]), "ap")):
        assert found == (None if expected[name] is None else pytest.approx(expected[name]))


@given(st.lists(interval, max_size=5), st.lists(interval, max_size=5), st.integers(1, 60))
def test_frames_are_those_of_the_intervals_inside_the_video(predicted, truth, n_frames):
    p, t = ({f for a, b in spans for f in range(a, b + 1) if f < n_frames} for spans in (predicted, truth))
    expected = FrameCounts(len(p & t), len(p - t), len(t - p), n_frames - len(p | t))
    assert frame_counts(predicted, truth, n_frames) == expected
    assert frame_mask([(-5, 0)], n_frames).tolist() == [True] + [False] * (n_frames - 1)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=1, max_size=30))
def test_areas_of_tied_scores_equal_scikit_learn(rows):
    from sklearn.metrics import average_precision_score, roc_auc_score

    truth, scores = zip(*rows, strict=True)
    both = len({*truth}) == 2
    assert roc_auc(truth, scores) == (pytest.approx(roc_auc_score(truth, scores)) if both else None)
    expected = pytest.approx(average_precision_score(truth, scores)) if any(truth) else None
    assert average_precision(truth, scores) == expected


@ids("tal_ap")
def test_average_precision_of_intervals(case):
    names = [*case["expected_ap"]]
    found = interval_ap(case["preds"], case["gts"], [float(n) for n in names])
    assert found == pytest.approx([case["expected_ap"][n] for n in names])
    steps = interval_ap(case["preds"], case["gts"], [(50 + 5 * i) / 100 for i in range(10)])
    assert np.mean(steps) == pytest.approx(case["expected_map_50_95"])


def test_average_precision_without_truth_is_undefined():
    assert interval_ap({"a": [(0, 9, 0.5)]}, {"a": []}, (0.5, 0.7)) == [None, None]
    assert interval_ap({}, {"a": [(0, 9)]}) == [0.0]


@ids("apex")
def test_apex(case):
    scores, expected = apex_scores(case["pred_apex"], case["gt_onset_apex_offset"]), case["expected"]
    found = (scores.asr_open, scores.asr_closed, scores.mae)
    assert found == pytest.approx(tuple(expected[k] for k in ("asr_open_interval", "asr_closed_interval", "mae")))


def test_an_apex_error_in_milliseconds_needs_the_rate():
    assert apex_scores([12, 40], [(0, 10, 20), (0, 20, 30)]).mae_ms is None
    assert apex_scores([12, 40], [(0, 10, 20), (0, 20, 30)], fps=[200, 100]).mae_ms == pytest.approx((10 + 200) / 2)
    with pytest.raises(ValueError, match="0 predictions"):
        apex_scores([], [])


@ids("cd6me")
def test_action_units(case):
    scores, expected = unit_scores(case["labels"], case["logits"]), case["expected"]
    for name, key in (("f1", "f1_binary"), ("f1_macro", "f1_macro"), ("auc", "auc")):
        assert getattr(scores, name).tolist() == pytest.approx(expected[f"{key}_per_au"])
    parts = by_dataset(case["labels"], case["logits"], case["dataset"])
    for name, part in expected["per_dataset"].items():
        assert parts[name].means == pytest.approx(tuple(part[k] for k in ("binary_mean", "macro_mean", "auc_mean")))
    assert np.mean([p.means[0] for p in parts.values()]) == pytest.approx(expected["mean_of_dataset_binary"])


@given(st.lists(st.tuples(st.booleans(), st.sampled_from([-1.0, 0.0, 0.5])), min_size=1, max_size=12))
def test_units_equal_scikit_learn(rows):
    from sklearn.metrics import f1_score

    truth, logits = zip(*rows, strict=True)
    given_ = [x > 0 for x in logits]
    scores = unit_scores([[t] for t in truth], [[x] for x in logits])
    assert scores.f1[0] == pytest.approx(f1_score(truth, given_, zero_division=0))
    assert scores.f1_macro[0] == pytest.approx(f1_score(truth, given_, average="macro", zero_division=0))


PUBLISHED = cases("published")


@pytest.mark.parametrize("name", SCORERS)
def test_rules_of_public_code(name):
    for row in PUBLISHED["ltp" if name == "ltp" else "rows"]:
        found = SCORERS[name](row["preds"], row["gts"])
        assert [found.tp, found.fp, found.fn] == row[name], row
        assert (found.n_pred, found.n_gt) == (len(row["preds"]), len(row["gts"]))


@pytest.mark.parametrize("name", SCORERS)
def test_rules_of_public_code_are_not_the_ruler(name):
    rows = PUBLISHED["ltp" if name == "ltp" else "rows"]
    assert any(SCORERS[name](r["preds"], r["gts"]).f1 != spotting_counts(r["preds"], r["gts"]).f1 for r in rows)


def test_the_baseline_of_megc2020():
    with np.load(DATA / "megc2020_metric.npz") as given_:
        found = [megc2020_iou([a], [b])[0, 0] for a, b in zip(given_["iou_a"], given_["iou_b"], strict=True)]
        assert found == pytest.approx(given_["iou"])
        predicted, labels = given_["preds"], given_["labels"]
        total = PublishedCounts()
        for video in np.unique(np.concatenate((predicted[:, 0], labels[:, 0]))):
            total += megc2020(*(x[x[:, 0] == video, 1:] for x in (predicted, labels)))
        assert (total.tp, total.n_pred, total.n_gt) == tuple(
            given_[k] for k in ("N_find_labels", "N_clips", "N_labels")
        )
        assert total.f1 == pytest.approx(float(given_["F1_small"]))
        assert total.precision == pytest.approx(float(given_["precision_small"]))


def by_video(rows: list) -> dict:
    videos: dict = {}
    for subject, video, onset, offset, emotion in rows:
        videos.setdefault((str(subject), video), []).append((onset, offset, emotion))
    return videos


@ids("strs")
def test_strs(case):
    predicted, truth, expected = by_video(case["pred"]), by_video(case["gt"]), case["expected"]
    counts, pairs = Counts(), []
    for key in {**predicted, **truth}:
        sides = predicted.get(key, []), truth.get(key, [])
        counts += spotting_counts(*([s[:2] for s in side] for side in sides))
        pairs += found_pairs(*sides)
    assert (counts.tp, counts.n_pred - counts.tp, counts.n_gt - counts.tp) == tuple(
        expected[k] for k in ("tp", "fp", "fn")
    )
    if case["matching_tie"]:
        return
    found = analysis(pairs, case["analysis_emotion"] or sorted({row[4] for row in case["gt"]}))
    assert (strs(counts, found), found.matrix.sum()) == pytest.approx((expected["strs"], expected["n_pairs_scored"]))
    for name in ("precision", "recall", "f1", "uf1", "uar"):
        assert getattr(found, name) == pytest.approx(expected[f"{name}_analysis"])


@ids("strs")
def test_the_public_strs_scorer_with_its_defects(case):
    found, printed = (
        strs_official(by_video(case["pred"]), by_video(case["gt"]), case["analysis_emotion"]),
        case["official"],
    )
    s = found.spotting
    assert (s.tp, s.fp, s.fn) == tuple(printed[f"{k} spotting"] for k in ("TP", "FP", "FN"))
    assert (found.tp, found.fp) == tuple(printed[f"{k} analysis"] for k in ("TP", "FN"))
    names = {"f1": "F1-score", "precision": "Precision", "recall": "Recall", "uf1": "UF1"}
    for value, key in [(found.strs, "STRS"), *((getattr(found, k), f"{v} analysis") for k, v in names.items())]:
        assert value == (None if printed[key] is None else pytest.approx(printed[key])), key
    assert found.as_dict()["analysis"]["uar"] == pytest.approx(printed["UAR analysis"]), "which is macro precision"
    assert bool(found.reason) == (printed["STRS"] is None)


def test_the_public_strs_scorer_crashes_without_a_hit():
    found = strs_official({("1", "a"): [(0, 5, "x")]}, {("1", "a"): [(20, 30, "x")]})
    assert found.strs is None
    assert "crashes" in found.reason
    assert (found.spotting.fp, found.spotting.fn) == (1, 1)
