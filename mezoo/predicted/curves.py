"""Score curves as SVG paths that stay small for a film of any length: pure functions over arrays."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

POINTS = 2000
"""Points that a curve may have on the page."""
WIDTH, HEIGHT = 2000, 1000
"""The box that paths are drawn in, y down."""
Curve = NDArray[np.float32]


def band(members: Mapping[str, Mapping[str, Curve]], kind: str, rows: int) -> tuple[Curve, Curve] | None:
    """Lowest and highest score of the members in each row, (rows,) float32 each; None for fewer than two members.

    A member whose curve is not finite in a row is left out of it.
    """
    given = [m[kind] for m in members.values() if kind in m and len(m[kind]) == rows]
    if len(given) < 2:
        return None
    stack = np.stack(given).astype(np.float32)
    finite = np.isfinite(stack)
    low = np.where(finite, stack, np.inf).min(axis=0)
    high = np.where(finite, stack, -np.inf).max(axis=0)
    some = finite.any(axis=0)
    return np.where(some, low, np.nan).astype(np.float32), np.where(some, high, np.nan).astype(np.float32)


def slices(rows: int, most: int) -> NDArray[np.int64]:
    """Where each of at most `most` slices of rows begins, (slices,) int64 increasing; as many as rows if they fit."""
    return np.unique(np.linspace(0, rows, min(rows, most), endpoint=False).astype(np.int64))


def extremes(values: Curve, most: int = POINTS) -> NDArray[np.int64]:
    """Rows to draw, increasing: all, or of each of `most` / 2 slices the lowest and the highest, so that peaks survive.

    A slice without a finite number gives its first row, at which the line breaks.
    """
    if len(values) <= most:
        return np.arange(len(values))
    finite = np.isfinite(values)
    picks: list[int] = []
    edges = slices(len(values), most // 2)
    for start, stop in zip(edges.tolist(), [*edges[1:].tolist(), len(values)], strict=True):
        part, sound = values[start:stop], finite[start:stop]
        if not sound.any():
            picks.append(start)
            continue
        picks.append(start + int(np.where(sound, part, np.inf).argmin()))
        picks.append(start + int(np.where(sound, part, -np.inf).argmax()))
    return np.unique(np.array(picks, dtype=np.int64))


def line(values: Curve, positions: NDArray[np.int64], n: int, top: float) -> str:
    """A curve (rows,) at frames `positions` of `n` as an SVG path; `top` is the score at the upper edge.

    It breaks where a number is not finite.
    """
    keep = extremes(values)
    xs, ys = _x(positions[keep], n), _y(values[keep], top)
    return "".join(_run(part, xs, ys) for part in _sound(np.isfinite(values[keep])))


def area(low: Curve, high: Curve, positions: NDArray[np.int64], n: int, top: float) -> str:
    """What lies between two curves as a closed SVG path; a long one is drawn as wide as each of its slices is."""
    if not len(low):
        return ""
    starts = slices(len(low), POINTS // 2)
    ends = np.append(starts[1:], len(low)) - 1
    xs = (_x(positions[starts], n) + _x(positions[ends], n)) / 2
    under = np.minimum.reduceat(np.where(np.isfinite(low), low, np.inf), starts)
    over = np.maximum.reduceat(np.where(np.isfinite(high), high, -np.inf), starts)
    finite = np.isfinite(under) & np.isfinite(over)
    lower, upper = _y(under, top), _y(over, top)
    return "".join(_run(r, xs, upper) + _run(r[::-1], xs, lower).replace("M", "L", 1) + "Z" for r in _sound(finite))


def _sound(finite: NDArray[np.bool_]) -> list[NDArray[np.int64]]:
    """The runs of places that are finite."""
    places = np.flatnonzero(finite)
    return [r for r in np.split(places, np.flatnonzero(np.diff(places) > 1) + 1) if len(r)]


def _run(places: NDArray[np.int64], xs: NDArray[np.float64], ys: NDArray[np.float64]) -> str:
    points: Sequence[str] = [f"{x:.0f} {y:.0f}" for x, y in zip(xs[places], ys[places], strict=True)]
    # A lone point is drawn by the cap of a line of no length.
    return "M" + "L".join(points if len(points) > 1 else [*points, *points])


def _x(positions: NDArray[np.int64], n: int) -> NDArray[np.float64]:
    return WIDTH * (positions + 0.5) / n


def _y(values: NDArray[np.floating], top: float) -> NDArray[np.float64]:
    return HEIGHT * (1 - np.clip(values.astype(np.float64), 0, top) / top)
