"""Uncertainty of pooled scores. Subjects, not videos, are the unit that is resampled."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mezoo.metrics import Counts


def f1_interval(by_subject: Sequence[Counts], draws: int = 2000, seed: int = 0) -> tuple[float, float]:
    """95 % percentile interval of pooled F1 under a subject-cluster bootstrap; (0, 0) without subjects."""
    if not by_subject:
        return 0.0, 0.0
    table = np.array([(c.tp, c.n_pred + c.n_gt) for c in by_subject], dtype=np.int64)
    picks = np.random.default_rng(seed).integers(len(table), size=(draws, len(table)))
    return _percentiles(table, picks)


def _percentiles(table: NDArray[np.int64], picks: NDArray[np.int64]) -> tuple[float, float]:
    hits, totals = table[picks].sum(axis=1).T
    f1 = np.divide(2 * hits, totals, out=np.zeros(len(hits)), where=totals > 0)
    low, high = np.percentile(f1, [2.5, 97.5])
    return float(low), float(high)


def confusion_intervals(
    by_subject: Sequence[NDArray[np.int64]], draws: int = 2000, seed: int = 0
) -> dict[str, tuple[float, float]]:
    """95 % percentile intervals of pooled `uf1`, `uar` and `accuracy` under a subject-cluster bootstrap.

    Matrices are (classes, classes) [truth, answer]; classes stay fixed in every draw. (0, 0) without subjects.
    """
    if not by_subject:
        return dict.fromkeys(("uf1", "uar", "accuracy"), (0.0, 0.0))
    table = np.stack(by_subject)
    picks = np.random.default_rng(seed).integers(len(table), size=(draws, len(table)))
    times = np.zeros((draws, len(table)), dtype=np.int64)
    np.add.at(times, (np.arange(draws)[:, None], picks), 1)
    drawn = np.tensordot(times, table, 1)  # (draws, classes, classes)
    hits, truth, answers = drawn.diagonal(axis1=1, axis2=2), drawn.sum(axis=2), drawn.sum(axis=1)
    values = {
        "uf1": (2 * hits / np.maximum(1, truth + answers)).mean(axis=1),
        "uar": (hits / np.maximum(1, truth)).mean(axis=1),
        "accuracy": hits.sum(axis=1) / np.maximum(1, truth.sum(axis=1)),
    }
    return {
        name: (float(low), float(high)) for name, v in values.items() for low, high in [np.percentile(v, [2.5, 97.5])]
    }
