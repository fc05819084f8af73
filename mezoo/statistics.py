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
