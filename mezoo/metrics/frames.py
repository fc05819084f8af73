"""Frame-wise detection. Long videos are almost all negative: read F1 and AP, not AUC or accuracy alone."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, slots=True)
class FrameCounts:
    """Frames inside and outside of predictions and truth; add them up over videos."""

    tp: int = 0
    fp: int = 0
    fn: int = 0
    tn: int = 0

    def __add__(self, other: "FrameCounts") -> "FrameCounts":
        return FrameCounts(self.tp + other.tp, self.fp + other.fp, self.fn + other.fn, self.tn + other.tn)

    @property
    def precision(self) -> float:
        """tp / predicted frames, 0 without any."""
        return self.tp / max(1, self.tp + self.fp)

    @property
    def recall(self) -> float:
        """tp / true frames, 0 without any."""
        return self.tp / max(1, self.tp + self.fn)

    @property
    def f1(self) -> float:
        """2 tp / (2 tp + fp + fn), 0 where all three are 0."""
        return 2 * self.tp / max(1, 2 * self.tp + self.fp + self.fn)


def frame_mask(intervals: ArrayLike, n_frames: int) -> NDArray[np.bool_]:
    """(n_frames,) bool: frames inside any of (n, 2) intervals, 0-based, both ends included; cut at the ends."""
    spans = np.asarray(intervals, dtype=np.int64).reshape(-1, 2)
    steps = np.zeros(n_frames + 1, dtype=np.int64)
    kept = spans[(spans[:, 1] >= 0) & (spans[:, 0] < n_frames)]
    np.add.at(steps, np.maximum(kept[:, 0], 0), 1)
    np.add.at(steps, np.minimum(kept[:, 1] + 1, n_frames), -1)
    return np.cumsum(steps[:-1]) > 0


def frame_counts(predicted: ArrayLike, truth: ArrayLike, n_frames: int) -> FrameCounts:
    """Counts of one video of `n_frames` from two tables of intervals, see `frame_mask`."""
    p, t = frame_mask(predicted, n_frames), frame_mask(truth, n_frames)
    return FrameCounts(int((p & t).sum()), int((p & ~t).sum()), int((~p & t).sum()), int((~p & ~t).sum()))


def roc_auc(truth: ArrayLike, scores: ArrayLike) -> float | None:
    """Area under the ROC curve of (n,) scores for (n,) bool truth, ties counting half; None where truth is all one."""
    positive, ranks = np.asarray(truth, dtype=bool), _middle_ranks(np.asarray(scores, dtype=np.float64))
    n, m = int(positive.sum()), int((~positive).sum())
    return float((ranks[positive].sum() - n * (n + 1) / 2) / (n * m)) if n and m else None


def average_precision(truth: ArrayLike, scores: ArrayLike) -> float | None:
    """Sum of precision times gain in recall over thresholds, not interpolated; None without positives."""
    positive, values = np.asarray(truth, dtype=bool), np.asarray(scores, dtype=np.float64)
    if not positive.any():
        return None
    order = np.argsort(-values, kind="stable")
    last_of_tie = np.append(np.diff(values[order]) != 0, True)
    hits, found = np.cumsum(positive[order])[last_of_tie], np.flatnonzero(last_of_tie) + 1
    return float((np.diff(hits, prepend=0) * hits / found).sum() / positive.sum())


def _middle_ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """1-based ranks, the mean of its ranks for each of a tie."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[inverse]
