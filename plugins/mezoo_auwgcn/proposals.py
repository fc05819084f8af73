"""From logits to spots: candidates around every probable apex, and non-maximum suppression."""

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .presets import Preset, Search

Curves = NDArray[Any]
"""(3, rows): probability that a row is the start, the end and the apex of one kind."""


class Candidates(NamedTuple):
    """`spans` (n, 2) int64 rows, both ends included; `parts` (n, 3): probabilities of start, end and apex."""

    spans: NDArray[np.int64]
    parts: NDArray[np.float64]

    @property
    def scores(self) -> NDArray[np.float64]:
        """(n,) product of the three."""
        return self.parts.prod(axis=1)


class Raw(NamedTuple):
    """Candidates of several windows: all micro, then all macro, each by window, then by apex.

    `window` (n,) is the index of the window, `kind` (n,) 0 micro or 1 macro; the others as in `Candidates`.
    """

    window: NDArray[np.int64]
    kind: NDArray[np.int64]
    spans: NDArray[np.int64]
    parts: NDArray[np.float64]


def probabilities(logits: Tensor) -> Tensor:
    """Logits (B, 10, T) -> (B, 2, 3, T) float32: of micro and macro, the probability of start, end and apex."""
    logits = logits.float()
    phases = [logits[:, 3 * kind : 3 * kind + 3].softmax(dim=1)[:, :2] for kind in range(2)]
    kinds = [torch.cat([phase, logits[:, 6 + kind, None].sigmoid()], dim=1) for kind, phase in enumerate(phases)]
    return torch.stack(kinds, dim=1)


def candidates(curves: Curves, search: Search, threshold: float = 0.5) -> Candidates:
    """Every row whose apex probability is above the threshold, with its best start before and its best end after it.

    Of equal ones the nearest is taken; places beyond the first and last row are these rows. Kept if start is more
    probable than end at the start, the other way round at the end, and end - start is within `search.length`.
    """
    start, end, apex = np.asarray(curves)
    centres = np.flatnonzero(apex > threshold)
    before = np.maximum(centres[:, None] - np.arange(search.left[0], search.left[1] + 1), 0)
    after = np.minimum(centres[:, None] + np.arange(search.right[0], search.right[1] + 1), len(apex) - 1)
    every = np.arange(len(centres))
    first = before[every, start[before].argmax(axis=1)]
    last = after[every, end[after].argmax(axis=1)]
    length = last - first
    kept = (start[first] > end[first]) & (start[last] < end[last])
    kept &= (length >= search.length[0]) & (length <= search.length[1])
    parts = np.stack([start[first], end[last], apex[centres]], axis=1).astype(np.float64)
    return Candidates(np.stack([first, last], axis=1)[kept].astype(np.int64), parts[kept])


def raw_proposals(curves: NDArray[Any], offsets: NDArray[Any], preset: Preset, threshold: float = 0.5) -> Raw:
    """Candidates of windows (W, 2, 3, T), each on its own, moved by the window's first row `offsets` (W,)."""
    found = [
        (window, kind, candidates(curves[window, kind], search, threshold))
        for kind, search in enumerate(preset.searches)
        for window in range(len(curves))
    ]
    counts = [len(c.spans) for *_, c in found]
    window = np.repeat(np.array([w for w, *_ in found], dtype=np.int64), counts)
    kind = np.repeat(np.array([k for _, k, _ in found], dtype=np.int64), counts)
    spans = np.concatenate([c.spans for *_, c in found]) + np.asarray(offsets, dtype=np.int64)[window][:, None]
    return Raw(window, kind, spans, np.concatenate([c.parts for *_, c in found]))


def overlap(a: NDArray[Any], b: NDArray[Any]) -> NDArray[np.float64]:
    """The official IoU of intervals (n, 2) and (m, 2), lengths being end - start: (n, m), 0 where nothing is shared."""
    low = np.maximum(a[:, None, 0], b[None, :, 0])
    high = np.minimum(a[:, None, 1], b[None, :, 1])
    shared = np.maximum(high - low, 0).astype(np.float64)
    union = (a[:, 1] - a[:, 0])[:, None] + (b[:, 1] - b[:, 0])[None] - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


def suppress(spans: NDArray[Any], scores: NDArray[np.float64], keep: int, threshold: float = 0.5) -> NDArray[np.int64]:
    """Greedy suppression by the official IoU: indices of at most `keep` intervals, best first.

    What overlaps a kept one by more than `threshold` goes; a score of 0 is never kept.
    """
    left = np.asarray(scores, dtype=np.float64).copy()
    kept: list[int] = []
    while len(kept) < keep and left.max(initial=0.0) > 0:
        best = int(left.argmax())
        left[overlap(spans[best : best + 1], spans)[0] > threshold] = 0.0
        left[best] = 0.0
        kept.append(best)
    return np.array(kept, dtype=np.int64)
