"""Uncertainty of pooled scores, and tests between two methods. Subjects, not videos or clips, are the unit."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mezoo.metrics import Confusion, Counts

Span = tuple[float, float]
EXACT_SUBJECTS = 16
"""Up to so many subjects that differ, every flip of signs is tried; beyond, some are drawn."""
RATIOS = ("uf1", "uar", "accuracy", "weighted_f1")


def subject_draws(subjects: int, draws: int = 2000, seed: int = 0) -> NDArray[np.int64]:
    """(draws, subjects) 0-based subjects drawn with replacement: the subject-cluster bootstrap."""
    return np.random.default_rng(seed).integers(subjects, size=(draws, subjects))


def interval(values: ArrayLike) -> Span:
    """95 % percentile interval of (draws,) values, linear between ranks."""
    low, high = np.percentile(np.asarray(values, dtype=np.float64), [2.5, 97.5])
    return float(low), float(high)


def f1_interval(by_subject: Sequence[Counts], draws: int = 2000, seed: int = 0, picks: ArrayLike | None = None) -> Span:
    """95 % interval of pooled F1 under a subject-cluster bootstrap; (0, 0) without subjects.

    `picks`: (draws, any) 0-based subjects, to be used in place of those drawn by `seed`.
    """
    if not by_subject:
        return 0.0, 0.0
    table = np.array([(c.tp, c.n_pred + c.n_gt) for c in by_subject], dtype=np.int64)
    times = _times(len(table), draws, seed, picks)
    hits, totals = (times @ table).T
    return interval(np.divide(2 * hits, totals, out=np.zeros(len(hits)), where=totals > 0))


def confusion_intervals(
    by_subject: Sequence[NDArray[np.int64]], draws: int = 2000, seed: int = 0, picks: ArrayLike | None = None
) -> dict[str, Span]:
    """95 % intervals of the pooled ratios in `RATIOS` under a subject-cluster bootstrap; (0, 0) without subjects.

    Matrices and `picks` as in `drawn_ratios`.
    """
    if not by_subject:
        return dict.fromkeys(RATIOS, (0.0, 0.0))
    return {name: interval(values) for name, values in drawn_ratios(by_subject, draws, seed, picks).items()}


def drawn_ratios(
    by_subject: Sequence[NDArray[np.int64]], draws: int = 2000, seed: int = 0, picks: ArrayLike | None = None
) -> dict[str, NDArray[np.float64]]:
    """(draws,) values of each of `RATIOS`, of matrices (classes, classes) [truth, answer] of drawn subjects added up.

    Classes stay fixed in every draw. `picks`: (draws, any) 0-based subjects in place of those drawn by `seed`.
    """
    table = np.stack(by_subject)
    drawn = np.tensordot(_times(len(table), draws, seed, picks), table, 1)  # (draws, classes, classes)
    hits, truth, answers = drawn.diagonal(axis1=1, axis2=2), drawn.sum(axis=2), drawn.sum(axis=1)
    clips, f1 = np.maximum(1, truth.sum(axis=1)), 2 * hits / np.maximum(1, truth + answers)
    return {
        "uf1": f1.mean(axis=1),
        "uar": (hits / np.maximum(1, truth)).mean(axis=1),
        "accuracy": hits.sum(axis=1) / clips,
        "weighted_f1": (truth * f1).sum(axis=1) / clips,
    }


def _times(subjects: int, draws: int, seed: int, picks: ArrayLike | None) -> NDArray[np.int64]:
    """(draws, subjects): how often each subject is in a draw."""
    drawn = subject_draws(subjects, draws, seed) if picks is None else np.asarray(picks, dtype=np.int64)
    times = np.zeros((len(drawn), subjects), dtype=np.int64)
    np.add.at(times, (np.arange(len(drawn))[:, None], drawn), 1)
    return times


def strs_interval(by_subject: Sequence[tuple[Counts, NDArray[np.int64]]], draws: int = 2000, seed: int = 0) -> Span:
    """95 % interval of pooled STRS under a subject-cluster bootstrap; (0, 0) without subjects.

    By subject: counts of spotting, and the matrix of `mezoo.metrics.strs.Analysis`.
    """
    if not by_subject:
        return 0.0, 0.0
    times = _times(len(by_subject), draws, seed, None)
    counts = times @ np.array([(c.tp, c.n_pred + c.n_gt) for c, _ in by_subject], dtype=np.int64)
    drawn = np.tensordot(times, np.stack([matrix for _, matrix in by_subject]), 1)
    hits = drawn[..., :-1].diagonal(axis1=1, axis2=2)
    precision, recall = ((hits / np.maximum(1, n)).mean(axis=1) for n in (drawn[..., :-1].sum(1), drawn.sum(2)))
    f1 = 2 * precision * recall / np.maximum(1e-12, precision + recall)
    return interval(2 * counts[:, 0] / np.maximum(1, counts[:, 1]) * f1)


def paired_sign_flip(a: Sequence[float], b: Sequence[float], draws: int = 20_000, seed: int = 0) -> float:
    """Two-sided p that a and b, one value a subject in the same order, differ in their sum.

    Signs of the differences are flipped subject by subject: in every way where at most 16 subjects differ, else in
    `draws` ways drawn by `seed`, the observed one counted among them. Raises ValueError for unequal lengths.
    """
    differences = np.array([x - y for x, y in zip(a, b, strict=True)], dtype=np.float64)
    differences = differences[differences != 0]
    count = len(differences)
    exact = count <= EXACT_SUBJECTS
    if exact:
        flips = (np.arange(2**count)[:, None] >> np.arange(count)) & 1
    else:
        flips = np.random.default_rng(seed).integers(2, size=(draws, count), dtype=np.int8)
    size = np.abs(differences).sum()
    sums = np.abs(_flipped_sums(differences, flips))
    extreme = int((sums >= abs(differences.sum()) - 1e-9 * size).sum())
    return extreme / len(flips) if exact else (extreme + 1) / (len(flips) + 1)


def _flipped_sums(differences: NDArray[np.float64], flips: NDArray[np.integer]) -> NDArray[np.float64]:
    """(ways,) sums of (subjects,) differences whose sign is turned where `flips` (ways, subjects) is 1."""
    return differences.sum() - 2 * (flips @ differences)


def holm(p_values: Sequence[float]) -> list[float]:
    """p values adjusted for being several, in the given order (Holm, Scandinavian Journal of Statistics 6, 1979)."""
    adjusted, highest = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = highest
    return adjusted


@dataclass(frozen=True, slots=True)
class McNemar:
    """Clips that only one of two methods named right, and p that this is chance, as if clips had no subjects."""

    only_a: int
    only_b: int

    @property
    def exact(self) -> float:
        """Two-sided binomial p."""
        return min(1.0, 2 * self._tail)

    @property
    def mid(self) -> float:
        """Twice the one-sided mid-p, where what was observed counts half (Fagerland, Lydersen, Laake 2013)."""
        total = self.only_a + self.only_b
        return 2 * self._tail - math.comb(total, self.only_a) / 2**total

    @property
    def _tail(self) -> float:
        """Probability of so few or fewer for the lesser of the two."""
        total = self.only_a + self.only_b
        few = min(self.only_a, self.only_b)
        return sum(math.comb(total, k) for k in range(few + 1)) / 2**total

    @property
    def chi2(self) -> float:
        """Statistic with continuity correction, 1 degree of freedom; 0 where no clip tells the two apart."""
        total = self.only_a + self.only_b
        return max(0, abs(self.only_a - self.only_b) - 1) ** 2 / total if total else 0.0

    @property
    def chi2_p(self) -> float:
        """p of `chi2`."""
        return math.erfc(math.sqrt(self.chi2 / 2))


def mcnemar(a_right: Sequence[bool], b_right: Sequence[bool]) -> McNemar:
    """Compare two methods clip by clip, as a side note to `paired_sign_flip`. Raises ValueError for unequal lengths."""
    pairs = [(bool(a), bool(b)) for a, b in zip(a_right, b_right, strict=True)]
    return McNemar(pairs.count((True, False)), pairs.count((False, True)))


def seed_summary(values: Sequence[float]) -> tuple[float, float | None]:
    """Mean and sample standard deviation (n - 1) over seeds; None for one seed. ValueError without values."""
    if not values:
        raise ValueError("no seed was given")
    return float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else None


def majority_and_random(clips: Mapping[str, int]) -> dict[str, dict[str, float]]:
    """Rows that any method must beat, from the clips of each class: ratios of the expected confusion matrix.

    "majority" always names the largest class, "random" every class alike, "prior" each as often as it occurs.
    """
    counts = np.array([*clips.values()], dtype=np.int64)
    n, classes = max(1, int(counts.sum())), len(counts)
    largest = np.arange(classes) == counts.argmax()
    # Whole numbers: every row times n * classes, which no ratio sees.
    shares = {"majority": largest * n * classes, "random": np.full(classes, n), "prior": counts * classes}
    matrices = {name: Confusion(np.outer(counts, share)) for name, share in shares.items()}
    return {name: {ratio: getattr(matrix, ratio) for ratio in RATIOS} for name, matrix in matrices.items()}
