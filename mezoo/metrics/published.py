"""Rules of published scoring code, under their own names. They reproduce printed numbers; none is mezoo's ruler.

Each takes one video and one kind, (n, 2) and (m, 2) inclusive frames in the order of the file, and gives counts to be
added up. Where they leave the one-to-one rule is said with each.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mezoo.intervals import iou

Spans = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class PublishedCounts:
    """Counts as the code has them: tp + fp need not be n_pred, and fp can be below 0."""

    tp: int = 0
    fp: int = 0
    fn: int = 0
    n_pred: int = 0
    n_gt: int = 0

    def __add__(self, other: "PublishedCounts") -> "PublishedCounts":
        return PublishedCounts(
            self.tp + other.tp,
            self.fp + other.fp,
            self.fn + other.fn,
            self.n_pred + other.n_pred,
            self.n_gt + other.n_gt,
        )

    @property
    def precision(self) -> float:
        """tp / (tp + fp), 0 where that is 0; above 1 where fp is below 0."""
        return _ratio(self.tp, self.tp + self.fp)

    @property
    def recall(self) -> float:
        """tp / (tp + fn), 0 where that is 0."""
        return _ratio(self.tp, self.tp + self.fn)

    @property
    def f1(self) -> float:
        """2 tp / (2 tp + fp + fn), 0 where that is 0."""
        return _ratio(2 * self.tp, 2 * self.tp + self.fp + self.fn)

    def as_dict(self) -> dict[str, float | int]:
        """Counts and ratios under their usual names."""
        counts = {"tp": self.tp, "fp": self.fp, "fn": self.fn, "n_pred": self.n_pred, "n_gt": self.n_gt}
        return {**counts, "precision": self.precision, "recall": self.recall, "f1": self.f1}


def auwgcn(predicted: ArrayLike, truth: ArrayLike) -> PublishedCounts:
    """AUW-GCN (Yin et al. 2023): each truth finds its best prediction, lengths without + 1, IoU > 1/2 strictly.

    A prediction found by two truths counts once. xjtupanda/AUW-GCN, `iou_for_find`; USTC_ME_Spotting has the same.
    """
    p, t = _spans(predicted), _spans(truth)
    if not len(p):
        return _paired(0, p, t)
    start, end = np.maximum(p[None, :, 0], t[:, None, 0]), np.minimum(p[None, :, 1], t[:, None, 1])
    inter = np.maximum(end - start, 0)
    union = (p[None, :, 1] - p[None, :, 0]) + (t[:, None, 1] - t[:, None, 0]) - inter
    best = (inter / np.maximum(union, 1)).argmax(axis=1)
    rows = np.arange(len(t))
    return _paired(len({*best[2 * inter[rows, best] > union[rows, best]].tolist()}), p, t)


def megc2020(predicted: ArrayLike, truth: ArrayLike) -> PublishedCounts:
    """Baseline of MEGC 2020 (He et al. 2020, its "F1_small"): a truth is a hit with any prediction of IoU >= 1/2.

    A prediction may count for two truths, an interval of one frame never matches, and two that are apart share a
    frame. HeyingGithub/Baseline-project-for-MEGC2020_spotting, `pred_clips_analysis`.
    """
    p, t = _spans(predicted), _spans(truth)
    return _paired(int((megc2020_iou(p, t) >= 0.5).any(axis=0).sum()), p, t)


def megc2020_iou(a: ArrayLike, b: ArrayLike) -> NDArray[np.float64]:
    """IoU of that baseline: (n, 2), (m, 2) inclusive frames -> (n, m); disjoint ones share a frame, 0 for one frame."""
    p, q = _spans(a)[:, None], _spans(b)[None]
    inter = np.maximum(np.minimum(p[..., 1], q[..., 1]) - np.maximum(p[..., 0], q[..., 0]), 0) + 1
    lengths = (p[..., 1] - p[..., 0]), (q[..., 1] - q[..., 0])
    union = lengths[0] + lengths[1] + 2 - inter
    valid = (lengths[0] > 0) & (lengths[1] > 0) & (union > 0)
    return np.where(valid, inter / np.maximum(union, 1), 0.0)


def strs_pairs(predicted: ArrayLike, truth: ArrayLike) -> list[tuple[int, int]]:
    """Pairs (prediction, truth) of STRS-Metric: in file order, a prediction takes every free truth of IoU >= 1/2."""
    taken: set[int] = set()
    pairs: list[tuple[int, int]] = []
    for i, row in enumerate(iou(predicted, truth) >= 0.5):
        found = [j for j in np.flatnonzero(row).tolist() if j not in taken]
        taken.update(found)
        pairs += [(i, j) for j in found]
    return pairs


def strs_spotting(predicted: ArrayLike, truth: ArrayLike) -> PublishedCounts:
    """Spotting of STRS-Metric (MEGC 2024, 2025), see `strs_pairs`: tp counts truths, fp predictions without any."""
    pairs, n, m = strs_pairs(predicted, truth), len(_spans(predicted)), len(_spans(truth))
    return PublishedCounts(len(pairs), n - len({i for i, _ in pairs}), m - len(pairs), n, m)


def ltp(predicted: ArrayLike, truth: ArrayLike, threshold: float = 0.5) -> PublishedCounts:
    """Baseline of MEGC 2019 (Li et al.): what touches a truth is merged from the first to the last, then compared.

    Its ratio has (end - start + 1) above and (end - start) below; a merge that fails costs one false positive however
    many it merged, and fails also where no prediction touches a truth that lies between two. Predictions are taken in
    order of time. jingtingEmmaLi/MEGC_spotting, `samm/compareGT.m`.
    """
    p, t = _spans(predicted), _spans(truth)
    p = p[np.argsort(p[:, 0], kind="stable")]
    merged: set[int] = set()
    tp = failed = 0
    for onset, offset in t.tolist():
        before, after = np.flatnonzero(p[:, 0] <= offset), np.flatnonzero(p[:, 1] >= onset)
        if not len(before) or not len(after):
            continue
        first, last = int(after[0]), int(before[-1])
        merged.update(range(first, last + 1))
        hit = _ltp_ratio(p, first, last, (onset, offset)) >= threshold
        tp, failed = tp + hit, failed + (not hit)
    return PublishedCounts(tp, failed + len(p) - len(merged), len(t) - tp, len(p), len(t))


def _ltp_ratio(p: Spans, first: int, last: int, truth: tuple[int, int]) -> float:
    """Frames shared by a truth and the predictions first..last, gaps taken off, over the frames that both span."""
    gaps = sum(int(p[i + 1, 0] - p[i, 1]) + 1 for i in range(first, last))
    start, end = int(p[first, 0]), int(p[last, 1])
    shared = min(truth[1], end) - max(truth[0], start) - gaps + 1
    spanned = max(truth[1], end) - min(truth[0], start)
    return shared / spanned if spanned else math.copysign(math.inf, shared)


SCORERS: Mapping[str, Callable[[ArrayLike, ArrayLike], PublishedCounts]] = {
    "auwgcn": auwgcn,
    "megc2020": megc2020,
    "strs_official": strs_spotting,
    "ltp": ltp,
}
"""Rules for spotting, by the name that `mezoo score --scorer` takes."""


def _paired(tp: int, p: Spans, t: Spans) -> PublishedCounts:
    return PublishedCounts(tp, len(p) - tp, len(t) - tp, len(p), len(t))


def _spans(intervals: ArrayLike) -> Spans:
    return np.asarray(intervals, dtype=np.int64).reshape(-1, 2)


def _ratio(above: int, below: int) -> float:
    return above / below if below else 0.0
