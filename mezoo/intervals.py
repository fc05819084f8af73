"""Arithmetic of frame intervals: integer numbers, both ends included."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray

Ints = NDArray[np.int64]


def overlap(a: ArrayLike, b: ArrayLike) -> tuple[Ints, Ints]:
    """Frames in the intersection and in the union of each pair: a (n, 2), b (m, 2) int -> two (n, m) int64."""
    return _overlap(_spans(a)[:, None], _spans(b)[None])


def iou(a: ArrayLike, b: ArrayLike) -> NDArray[np.float64]:
    """Intersection over union in frames of each pair: a (n, 2), b (m, 2) int -> (n, m) float64."""
    inter, union = overlap(a, b)
    return inter / np.maximum(union, 1)


def nms(intervals: ArrayLike, scores: ArrayLike, threshold: float) -> Ints:
    """Greedy non-maximum suppression: indices kept, best score first; drops IoU > threshold (0..1) with a better one.

    What can come near an interval stands in one slice of all, sorted by onset: only that is compared.
    """
    spans = _spans(intervals)
    order = np.argsort(spans[:, 0], kind="stable")
    near, places = spans[order], np.argsort(order, kind="stable")
    ranked = np.argsort(-np.asarray(scores, dtype=np.float64), kind="stable")
    low, high = _slices(near, spans, threshold)
    alive = np.ones(len(spans), dtype=bool)
    for index in ranked[_disputed(spans, low, high, threshold)[ranked]].tolist():
        if alive[places[index]]:
            part = slice(low[index], high[index])
            inter, union = _overlap(spans[index], near[part])
            alive[part] &= inter / np.maximum(union, 1) <= threshold
            alive[places[index]] = True
    return ranked[alive[places[ranked]]]


def match(predicted: ArrayLike, truth: ArrayLike, k: tuple[int, int] = (1, 2)) -> list[tuple[int, int]]:
    """One-to-one pairs (index predicted, index truth) with IoU >= k[0]/k[1] > 0, as many as possible.

    The IoU test is in integers. Among matchings of maximum size the one with the largest total IoU is taken. Pairs
    are sorted.
    """
    spots, events = _spans(predicted), _spans(truth)
    p, t = _candidates(spots, events, k)
    inter, union = _overlap(spots[p], events[t])
    hit = inter * k[1] >= union * k[0]
    p, t, gain = p[hit], t[hit], inter[hit] / union[hit]
    alone_p, alone_t = (np.bincount(x)[x] == 1 if len(x) else hit[:0] for x in (p, t))
    star = _all_of(t, alone_p) | _all_of(p, alone_t)
    chosen = [*_best(p[star], t[star], gain[star])]
    if not star.all():
        chosen += _largest(p[~star], t[~star], gain[~star])
    return sorted(chosen)


def _spans(intervals: ArrayLike) -> Ints:
    return np.asarray(intervals, dtype=np.int64).reshape(-1, 2)


def _overlap(p: Ints, q: Ints) -> tuple[Ints, Ints]:
    """Intersection and union of (..., 2) intervals that broadcast."""
    inter = np.minimum(p[..., 1], q[..., 1]) - np.maximum(p[..., 0], q[..., 0]) + 1
    inter = np.maximum(inter, 0)
    return inter, (p[..., 1] - p[..., 0] + 1) + (q[..., 1] - q[..., 0] + 1) - inter


def _slices(near: Ints, spans: Ints, threshold: float) -> tuple[Ints, Ints]:
    """First and last + 1 of `near`, sorted by onset, that can have an IoU of `threshold` with each of `spans`.

    One that starts d frames after an interval of L frames shares at most L - d of them, so d <= (1 - threshold) L.
    """
    lengths = spans[:, 1] - spans[:, 0] + 1
    longest = np.minimum(lengths / max(threshold, 1e-9), lengths.max(initial=0))
    low = np.searchsorted(near[:, 0], spans[:, 0] - (1 - threshold) * longest - 1, "left")
    return low, np.searchsorted(near[:, 0], spans[:, 0] + (1 - threshold) * lengths + 1, "right")


def _disputed(spans: Ints, low: Ints, high: Ints, threshold: float) -> NDArray[np.bool_]:
    """Intervals with another one of IoU > threshold; all of them where to find out would cost more than it saves."""
    if (high - low).sum() > 100 * len(spans):
        return np.ones(len(spans), dtype=bool)
    lengths = spans[:, 1] - spans[:, 0] + 1
    a, b = _starting_in(spans, spans, np.ceil((1 - threshold) * lengths).astype(np.int64), 0)
    inter, union = _overlap(spans[a], spans[b])
    close = (inter / np.maximum(union, 1) > threshold) & (a != b)
    found = np.zeros(len(spans), dtype=bool)
    found[a[close]] = found[b[close]] = True
    return found


def _candidates(spots: Ints, events: Ints, k: tuple[int, int]) -> tuple[Ints, Ints]:
    """Indices of all pairs that can reach IoU k, see `_slices`: the later one starts early enough in the other."""
    reach = [(x[:, 1] - x[:, 0] + 1) * (k[1] - k[0]) // k[1] for x in (spots, events)]
    spot, event = _starting_in(spots, events, reach[0], 0)
    other_event, other_spot = _starting_in(events, spots, reach[1], 1)
    return np.concatenate((spot, other_spot)), np.concatenate((event, other_event))


def _starting_in(outer: Ints, inner: Ints, reach: Ints, after: int) -> tuple[Ints, Ints]:
    """Pairs (outer, inner) whose inner onset is from `after` to `reach` frames, one a row of outer, after its own."""
    order = np.argsort(inner[:, 0], kind="stable")
    onsets = inner[order, 0]
    low = np.searchsorted(onsets, outer[:, 0] + after, "left")
    high = np.searchsorted(onsets, outer[:, 0] + reach, "right")
    counts = np.maximum(high - low, 0)
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.repeat(np.arange(len(outer)), counts), order[np.repeat(low, counts) + within]


def _all_of(group: Ints, holds: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """For every pair, whether `holds` is true of all pairs of its group."""
    return np.bincount(group, ~holds)[group] == 0 if len(group) else holds


def _best(p: Ints, t: Ints, gain: NDArray[np.float64]) -> Iterable[tuple[int, int]]:
    """The best pair of each star, in which all pairs share a prediction or a truth; of equal ones the first."""
    order = np.lexsort((t, p, -gain))
    for side in (p, t):
        order = order[np.sort(np.unique(side[order], return_index=True)[1])]
    return zip(p[order].tolist(), t[order].tolist(), strict=True)


def _largest(p: Ints, t: Ints, gain: NDArray[np.float64]) -> Iterable[tuple[int, int]]:
    """The largest matching, and of those the one with most gain: a full one in which each truth may stay alone."""
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import min_weight_full_bipartite_matching

    events, row = np.unique(t, return_inverse=True)
    spots, column = np.unique(p, return_inverse=True)
    size = len(events)
    # All gains together weigh less than one pair more; to stay alone costs more than any pair.
    cost = np.concatenate((1 - gain / (2 * size + 2), np.full(size, 2.0)))
    rows = np.concatenate((row, np.arange(size)))
    columns = np.concatenate((column, len(spots) + np.arange(size)))
    graph = csr_matrix((cost, (rows, columns)), shape=(size, len(spots) + size))
    row, column = min_weight_full_bipartite_matching(graph)
    real = column < len(spots)
    return zip(spots[column[real]].tolist(), events[row[real]].tolist(), strict=True)
