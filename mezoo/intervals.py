"""Arithmetic of frame intervals: integer numbers, both ends included."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linear_sum_assignment


def overlap(a: ArrayLike, b: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Frames in the intersection and in the union of each pair: a (n, 2), b (m, 2) int -> two (n, m) int64."""
    p = np.asarray(a, dtype=np.int64).reshape(-1, 2)[:, None]
    q = np.asarray(b, dtype=np.int64).reshape(-1, 2)[None]
    inter = np.minimum(p[..., 1], q[..., 1]) - np.maximum(p[..., 0], q[..., 0]) + 1
    inter = np.maximum(inter, 0)
    lengths = (p[..., 1] - p[..., 0] + 1) + (q[..., 1] - q[..., 0] + 1)
    return inter, lengths - inter


def iou(a: ArrayLike, b: ArrayLike) -> NDArray[np.float64]:
    """Intersection over union in frames of each pair: a (n, 2), b (m, 2) int -> (n, m) float64."""
    inter, union = overlap(a, b)
    return inter / np.maximum(union, 1)


def nms(intervals: ArrayLike, scores: ArrayLike, threshold: float) -> NDArray[np.int64]:
    """Greedy non-maximum suppression: indices kept, best score first; drops IoU > threshold with a better one."""
    spans = np.asarray(intervals, dtype=np.int64).reshape(-1, 2)
    order = np.argsort(-np.asarray(scores, dtype=np.float64), kind="stable")
    kept: list[int] = []
    while len(order):
        best, order = order[0], order[1:]
        kept.append(int(best))
        order = order[iou(spans[best], spans[order])[0] <= threshold]
    return np.asarray(kept, dtype=np.int64)


def match(predicted: ArrayLike, truth: ArrayLike, k: tuple[int, int] = (1, 2)) -> list[tuple[int, int]]:
    """One-to-one pairs (index predicted, index truth) with IoU >= k[0]/k[1], as many as possible.

    The IoU test is in integers. Among matchings of maximum size the one with the largest total IoU is taken.
    """
    inter, union = overlap(predicted, truth)
    hit = inter * k[1] >= union * k[0]
    if not hit.any():
        return []
    gain = np.where(hit, 1.0 + inter / np.maximum(union, 1) / (2.0 * min(hit.shape) + 2.0), 0.0)
    rows, columns = linear_sum_assignment(gain, maximize=True)
    return [(int(r), int(c)) for r, c in zip(rows, columns, strict=True) if hit[r, c]]
