"""Uncertainty and tests between methods, against SciPy, explicit draws and brute force."""

import json
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mezoo.metrics import Counts, confusion, pooled
from mezoo.metrics.strs import Analysis, strs
from mezoo.statistics import (
    McNemar,
    confusion_intervals,
    drawn_ratios,
    f1_interval,
    holm,
    interval,
    majority_and_random,
    mcnemar,
    paired_sign_flip,
    seed_summary,
    strs_interval,
    subject_draws,
)

CASES = json.loads((Path(__file__).parents[1] / "data/eval_stats.json").read_text())
values = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=9)


@pytest.mark.parametrize("case", CASES, ids=lambda c: c["name"])
def test_statistics_equal_independent_vectors(case):
    truth, a, b, subjects = (np.array(case[k]) for k in ("gt", "pred_a", "pred_b", "subject"))
    expected, everyone = case["expected"], range(subjects.max() + 1)
    test = mcnemar(a == truth, b == truth)
    found = (test.only_a, test.only_b, test.exact, test.mid, test.chi2, test.chi2_p)
    names = ("b", "c", "exact_p", "midp", "chi2_cc", "chi2_p")
    assert found == pytest.approx(tuple(expected[f"mcnemar_{k}"] for k in names))
    tables = [confusion(truth[subjects == s], a[subjects == s], case["n_classes"]).matrix for s in everyone]
    picks = case["bootstrap_subject_draws"]
    assert drawn_ratios(tables, picks=picks)["uf1"].mean() == pytest.approx(expected["boot_uf1_mean"])
    assert confusion_intervals(tables, picks=picks)["uf1"] == pytest.approx(expected["boot_uf1_ci95_percentile"])
    right = [[(x == truth)[subjects == s].sum() for s in everyone] for x in (a, b)]
    assert paired_sign_flip(*right) == pytest.approx(expected["paired_subject_signflip_exact_p_accuracy"])


@given(values)
def test_sign_flip_equals_brute_force(rows):
    a, b = zip(*rows, strict=True)
    differences = [x - y for x, y in rows]
    sums = [
        abs(sum(s * d for s, d in zip(signs, differences, strict=True))) for signs in product((1, -1), repeat=len(rows))
    ]
    p = paired_sign_flip(a, b)
    assert p == pytest.approx(np.mean([s >= abs(sum(differences)) for s in sums]))
    assert p == pytest.approx(paired_sign_flip(b, a))


def test_sign_flip_of_many_subjects_is_drawn_and_near_the_exact_one():
    rng = np.random.default_rng(3)
    a, b = rng.normal(0.4, 1, 16), np.zeros(16)
    exact = paired_sign_flip(a, b)
    more = [*a, 1e-6], [*b, 0.0]
    assert paired_sign_flip(*more) == pytest.approx(exact, abs=0.015)
    assert paired_sign_flip(*more) == paired_sign_flip(*more)
    assert paired_sign_flip(np.ones(30), np.zeros(30)) == pytest.approx(1 / 20_001), "never 0"
    assert paired_sign_flip([0.1 + 0.2], [0.3]) == 1.0
    assert paired_sign_flip([], []) == 1.0
    with pytest.raises(ValueError, match="shorter"):
        paired_sign_flip([1.0, 2.0], [1.0])


def test_subjects_that_do_not_differ_change_nothing():
    a, b = [3, 1, 4, 1, 5], [2, 7, 1, 0, 2]
    assert paired_sign_flip([*a, *[5] * 30], [*b, *[5] * 30]) == paired_sign_flip(a, b)


@given(st.lists(st.floats(0, 1), max_size=8))
def test_holm_lies_between_raw_and_bonferroni_and_keeps_the_order(p_values):
    adjusted = holm(p_values)
    for raw, p in zip(p_values, adjusted, strict=True):
        assert raw <= p <= min(1, len(p_values) * raw) or p == pytest.approx(raw)
    order = np.argsort(p_values, kind="stable")
    assert (np.diff(np.array(adjusted)[order]) >= 0).all()


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


@given(st.integers(0, 40), st.integers(0, 40))
@settings(max_examples=40)
def test_mcnemar_equals_scipy(b, c):
    from scipy.stats import binom, binomtest, chi2

    test = McNemar(b, c)
    few, total = min(b, c), b + c
    assert test.exact == pytest.approx(binomtest(b, total, 0.5).pvalue if total else 1.0)
    assert test.mid == pytest.approx(2 * (binom.cdf(few, total, 0.5) - binom.pmf(few, total, 0.5) / 2))
    assert test.chi2_p == pytest.approx(chi2.sf(test.chi2, 1))


def test_draws_are_of_whole_subjects():
    counts = [Counts(3, 5, 4), Counts(0, 2, 6), Counts(1, 1, 1)]
    picks = subject_draws(3, draws=200, seed=4)
    drawn = [pooled(counts[i] for i in pick).f1 for pick in picks]
    assert f1_interval(counts, picks=picks) == interval(drawn) == f1_interval(counts, draws=200, seed=4)


def test_interval_of_strs():
    rng = np.random.default_rng(0)
    parts = [(Counts(int(rng.integers(0, 5)), 6, 7), rng.integers(0, 3, (3, 4))) for _ in range(8)]
    picks = subject_draws(8, draws=300, seed=0)
    drawn = [
        strs(pooled(parts[i][0] for i in pick), Analysis(("a", "b", "c"), sum(parts[i][1] for i in pick)))
        for pick in picks
    ]
    assert strs_interval(parts, draws=300) == pytest.approx(interval(drawn))
    assert strs_interval([]) == (0, 0)
    assert strs_interval([(Counts(0, 2, 2), np.zeros((2, 3), dtype=int))]) == (0, 0)


def test_seeds():
    assert seed_summary([0.5, 0.7, 0.6]) == pytest.approx((0.6, 0.1))
    assert seed_summary([0.5]) == (0.5, None)
    with pytest.raises(ValueError, match="seed"):
        seed_summary([])


def test_rows_of_chance():
    rows = majority_and_random({"negative": 250, "positive": 109, "surprise": 83})
    assert rows["majority"]["uf1"] == pytest.approx(0.2408, abs=1e-4)
    assert rows["majority"]["accuracy"] == pytest.approx(250 / 442)
    assert rows["prior"]["uf1"] == pytest.approx(1 / 3)
    assert [row["uar"] for row in rows.values()] == pytest.approx([1 / 3] * 3)
    rng, truth = np.random.default_rng(0), np.repeat(np.arange(3), (250, 109, 83))
    drawn = [confusion(truth, rng.integers(0, 3, 442), 3).uf1 for _ in range(300)]
    assert rows["random"]["uf1"] == pytest.approx(np.mean(drawn), abs=0.01)
