"""What AUW-GCN learns from: labels of rows, cut into windows and turned into classes and scores.

Labels are (rows, 8) of 0 and 1: micro start, apex, end, action, then macro start, apex, end, action.
"""

from collections.abc import Iterable
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[Any]
KINDS = ("micro", "macro")
REACH = (1, 3)
"""Rows on each side of an annotated start, apex or end that count with it, micro and macro."""
WINDOW, MARGIN = 256, 7
_NEAR = np.exp(-(np.arange(1, 4) ** 2) / (2 * 4.0**2))
"""Apex score at a distance of 1, 2, 3 rows: a bell of deviation 4."""


class Span(NamedTuple):
    """An annotated expression in rows, 0-based, both ends included."""

    kind: Literal["micro", "macro"]
    start: int
    apex: int
    end: int


class Targets(NamedTuple):
    """Targets of rows for micro and macro: `phase` (2, rows) int64, 0 start, 1 end, 2 none; the others float32."""

    phase: NDArray[np.int64]
    apex: NDArray[np.float32]
    action: NDArray[np.float32]


def mended(kind: Literal["micro", "macro"], start: int, apex: int | None, end: int | None, rows: int) -> Span | None:
    """The official repair of an annotation in rows, None for an unknown one; None if it cannot be used.

    A missing end mirrors the start at the apex, a missing apex is the middle (rounded down); what reaches past the last
    row is cut, what has its apex there is left out.
    """
    if apex is None and end is None:
        return None
    if apex is None:
        assert end is not None
        apex = (start + end) // 2
    end = 2 * apex - start if end is None else end
    return None if apex >= rows else Span(kind, start, apex, min(end, rows - 1))


def labels_of(spans: Iterable[Span], rows: int) -> NDArray[np.int8]:
    """Labels (rows, 8) of a video."""
    labels = np.zeros((rows, 8), dtype=np.int8)
    for kind, start, apex, end in spans:
        first = 4 * KINDS.index(kind)
        labels[start, first] = labels[apex, first + 1] = labels[end, first + 2] = 1
        labels[start : end + 1, first + 3] = 1
    return labels


def cut(values: NDArray[Any], start: int, window: int = WINDOW, margin: int = MARGIN) -> NDArray[Any]:
    """Rows start - margin to start + window + margin of values (rows, ...), with zeros where there is none."""
    first, last = start - margin, start + window + margin
    inside = values[max(0, first) : max(0, last)]
    before = max(0, -first)
    after = last - first - before - len(inside)
    return np.pad(inside, [(before, after), *[(0, 0)] * (values.ndim - 1)])


def targets(labels: Labels, margin: int = MARGIN, *, edge_bugs: bool = False) -> Targets:
    """Targets of the rows of a window (rows + 2 * margin, 8) without its margins.

    Starts and ends reach `REACH` rows to both sides, ends over starts; the apex score falls along a bell as far, a
    later apex over an earlier one. `edge_bugs`: as the official code, which does not reach right into the last
    2 * margin rows, and in the apex score not into row 0.
    """
    rows = len(labels)
    border = rows - 2 * margin if edge_bugs else rows
    phase, apex = np.full((2, rows), 2, dtype=np.int64), np.zeros((2, rows), dtype=np.float32)
    for kind, reach in enumerate(REACH):
        starts, apexes, ends = (np.flatnonzero(labels[:, 4 * kind + column]) for column in range(3))
        for value, centres in enumerate((starts, ends)):
            for centre in centres:
                phase[kind, max(0, centre - reach) : centre + 1] = value
                phase[kind, centre : max(centre + 1, min(centre + reach + 1, border))] = value
        for centre in apexes:
            apex[kind, centre] = 1
            for j, score in enumerate(_NEAR[:reach], start=1):
                if centre - j >= (1 if edge_bugs else 0):
                    apex[kind, centre - j] = score
                if centre + j < border:
                    apex[kind, centre + j] = score
    core = slice(margin, rows - margin)
    action = labels[:, [3, 7]].T.astype(np.float32)
    return Targets(phase[:, core], apex[:, core], action[:, core])
