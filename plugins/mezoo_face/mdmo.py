"""What flow inside a region comes down to: two numbers. Vectors have x right and y down, in any unit of length.

Every reduction takes a `Cut` and gives (frames, regions, 2) float32; a region without a vector gives zeros.
"""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mezoo_face.regions import Cut, Flow


@dataclass(frozen=True, slots=True)
class Rule:
    """Bins of direction, and the share of the fullest that is kept.

    Bin b is edges[b] <= angle < edges[b + 1] (radians, ascending); the last one wraps round to edges[0].
    """

    edges: tuple[float, ...]
    share: float


HEAD = Rule(tuple(k * math.pi / 4 for k in (1, 3, 5, 7)), 0.88)
"""Four bins of 90 degrees: AUW-GCN's motion of the head."""
REGION = Rule(tuple(k * math.pi / 6 for k in (1, 5, 7, 11)), 0.6)
"""Down 120, left 60, up 120 and right 60 degrees: AUW-GCN's motion of a region."""


def main_direction(cut: Cut, rule: Rule = REGION) -> Flow:
    """AUW-GCN's reduction: the longest vectors of the fullest bin; their direction, their mean length.

    Of the n vectors of the bin the int(share * n) longest are kept, at least one: (sum / (|sum| + 1e-6)) * mean length.
    Equally full bins: the first. Equally long vectors: the last ones, row by row. Yin et al., ICME 2023, official code.
    """
    longest = _longest(_fullest(cut, _bins(cut.vectors, rule.edges), len(rule.edges)), rule.share)
    total = _sums(longest, longest.vectors)
    length = _sums(longest, _lengths(longest.vectors)[:, None]) / _counts(longest)
    return (total / (np.linalg.norm(total, axis=-1, keepdims=True) + 1e-6) * length).astype(np.float32)


def mean(cut: Cut) -> Flow:
    """The mean vector of each region."""
    return (_sums(cut, cut.vectors) / _counts(cut)).astype(np.float32)


def polar(cut: Cut) -> Flow:
    """MDMO's reduction: length and angle (radians, 0 to 2 pi) of the mean of the fullest octant.

    Octant b is b * 45 <= angle < (b + 1) * 45 degrees; equally full ones: the first. Liu et al., IEEE TAFFC 7(4), 2016:
    8 bins, the mean of the fullest, polar. Where the bins begin is [inferred].
    """
    main = _fullest(cut, octants(cut.vectors), 8)
    x, y = np.moveaxis(_sums(main, main.vectors) / _counts(main), -1, 0)
    angle = np.arctan2(y, x)
    return np.stack([np.hypot(x, y), np.where(angle < 0, angle + 2 * np.pi, angle)], axis=-1).astype(np.float32)


def octants(vectors: Flow) -> NDArray[np.int8]:
    """Which eighth of the circle each of (n, 2) vectors points to, exactly: no angle is computed. A zero is in 0."""
    x, y = vectors[:, 0], vectors[:, 1]
    back = (y < 0) | ((y == 0) & (x < 0))
    x, y = np.where(back, -x, x), np.where(back, -y, y)
    down = (x <= 0) & (y > 0)
    x, y = np.where(down, y, x), np.where(down, -x, y)
    return (4 * back + 2 * down + ((y >= x) & (y > 0))).astype(np.int8)


def official_units(flow: NDArray[Any], bound: float = 10.0) -> Flow:
    """Flow as AUW-GCN reads it, float32 in [-0.5, 0.5]: byte / 255 - 0.5, where 1 is 2 * bound px.

    uint8 is taken as these bytes; px are clipped to [-bound, bound] and rounded to one of 256 steps first, as the
    denseflow tool does. No movement is not among the steps: 0 px becomes 0.00196.
    """
    if flow.dtype != np.uint8:
        flow = np.rint((np.clip(flow.astype(np.float32), -bound, bound) + bound) * (255 / (2 * bound))).astype(np.uint8)
    return np.asarray(flow / np.float32(255) - np.float32(0.5), dtype=np.float32)


def _fullest(cut: Cut, bins: NDArray[np.int8], n_bins: int) -> Cut:
    """What is left of each region when only its fullest bin is kept."""
    n = math.prod(cut.shape)
    counts = np.bincount(cut.owners * n_bins + bins, minlength=n * n_bins).reshape(n, n_bins)
    kept = bins == counts.argmax(1)[cut.owners]
    return replace(cut, vectors=cut.vectors[kept], owners=cut.owners[kept])


def _longest(cut: Cut, share: float) -> Cut:
    """What is left of each region when only its int(share * n) longest vectors, at least one, are kept."""
    order = np.lexsort((_lengths(cut.vectors), cut.owners))
    counts = np.bincount(cut.owners, minlength=math.prod(cut.shape))
    top = np.maximum(1, np.floor(counts * share))
    kept = np.arange(len(order)) >= (np.cumsum(counts) - top)[cut.owners]
    return replace(cut, vectors=cut.vectors[order[kept]], owners=cut.owners[kept])


def _bins(vectors: Flow, edges: tuple[float, ...]) -> NDArray[np.int8]:
    """Bin of each of (n, 2) vectors.

    The angle is OpenCV's, an approximation that is off by up to 0.01 degrees: the official numbers rest on it where
    8-bit flow lies on the border of two bins, as (a, a) does.
    """
    import cv2

    if not len(vectors):
        return np.zeros(0, dtype=np.int8)
    angle = np.asarray(cv2.cartToPolar(vectors[:, 0], vectors[:, 1])[1], dtype=np.float32).reshape(-1)
    reached = sum(((angle >= np.float32(edge)).astype(np.int8) for edge in edges), np.int8(-1))
    return np.asarray(reached, dtype=np.int8) % np.int8(len(edges))


def _lengths(vectors: Flow) -> Flow:
    return np.sqrt(vectors[:, 0] ** 2 + vectors[:, 1] ** 2)


def _sums(cut: Cut, values: NDArray[Any]) -> NDArray[np.float64]:
    """Sums (frames, regions, columns) of values (n, columns) by owner."""
    n = math.prod(cut.shape)
    columns = [np.bincount(cut.owners, column, n) for column in values.T]
    return np.asarray(np.stack(columns, axis=-1), dtype=np.float64).reshape(*cut.shape, -1)


def _counts(cut: Cut) -> NDArray[np.float64]:
    """Vectors a region, (frames, regions, 1), at least 1: what sums are divided by."""
    counts = np.bincount(cut.owners, minlength=math.prod(cut.shape))
    return counts.clip(1).astype(np.float64).reshape(*cut.shape, 1)
