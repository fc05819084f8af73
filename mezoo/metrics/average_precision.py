"""Average precision of scored intervals at thresholds of temporal IoU, as THUMOS and ActivityNet count it."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mezoo.intervals import iou

Scored = tuple[int, int, float]
"""Onset, offset (both included) and score of one prediction."""


def interval_ap(
    predicted: Mapping[str, Sequence[Scored]], truth: Mapping[str, ArrayLike], thresholds: Sequence[float] = (0.5,)
) -> list[float | None]:
    """AP at each threshold over videos, of one kind; None without any truth.

    Best score first over all videos, each prediction takes the best free truth, (n, 2) inclusive frames a video, of
    its own video with IoU >= threshold; precision is interpolated at all points.
    """
    rows = [(video, spot) for video, spots in predicted.items() for spot in spots]
    order = np.argsort([-spot[2] for _, spot in rows], kind="stable").tolist()
    total = sum(len(np.reshape(t, (-1, 2))) for t in truth.values())
    if not total:
        return [None] * len(thresholds)
    ious = [iou([rows[i][1][:2]], truth.get(rows[i][0], ()))[0] for i in order]
    videos = [rows[i][0] for i in order]
    return [_area(_hits(videos, ious, threshold), total) for threshold in thresholds]


def _hits(videos: Sequence[str], ious: Sequence[NDArray[np.float64]], threshold: float) -> NDArray[np.bool_]:
    """Whether each prediction, best score first, takes a truth."""
    hits = np.zeros(len(videos), dtype=bool)
    taken: dict[str, set[int]] = {}
    for i, (video, row) in enumerate(zip(videos, ious, strict=True)):
        used = taken.setdefault(video, set())
        free = [j for j in np.flatnonzero(row >= threshold).tolist() if j not in used]
        if free:
            used.add(max(free, key=row.__getitem__))
            hits[i] = True
    return hits


def _area(hits: NDArray[np.bool_], total: int) -> float:
    """Area under precision over recall, precision made to fall only."""
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float(envelope[hits].sum() / total)
