"""Graphs of all folds as one: mean and spread of every weight, and which edges are worth a line. Pure functions."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mezoo.records import Graph

Reals = NDArray[np.float64]
EDGES_PER_NODE = 2
"""At most so many lines for each node are drawn on the face."""


@dataclass(frozen=True, slots=True)
class Averaged:
    """One graph over folds: `mean` and `spread` (n, n), sample standard deviation, NaN where it is not known.

    Row i is what node i receives; `folds` is how many have the graph. Folds may differ in their nodes: a weight is
    averaged over those that have both.
    """

    title: str
    names: tuple[str, ...]
    places: tuple[tuple[float, float], ...]
    note: str
    mean: Reals
    spread: Reals
    folds: int


@dataclass(frozen=True, slots=True)
class Edge:
    """Two nodes by index, a < b; of both directions the weight that is further from 0.

    `share` in (0, 1] is what it has above the median pair, as a share of the strongest: small for all where weights
    hardly differ. Loops are left to the heat map.
    """

    a: int
    b: int
    weight: float
    share: float


def averaged(by_fold: Mapping[str, Sequence[Graph]]) -> list[Averaged]:
    """Graphs of the same title together, in the order in which they first appear."""
    titles = dict.fromkeys(g.title for graphs in by_fold.values() for g in graphs)
    return [_average([g for graphs in by_fold.values() for g in graphs if g.title == title]) for title in titles]


def _average(graphs: Sequence[Graph]) -> Averaged:
    names = tuple(dict.fromkeys(name for g in graphs for name in g.names))
    where = {name: place for g in graphs for name, place in zip(g.names, g.places, strict=False)}
    stack = np.full((len(graphs), len(names), len(names)), np.nan)
    for layer, graph in zip(stack, graphs, strict=True):
        rows = [names.index(name) for name in graph.names]
        layer[np.ix_(rows, rows)] = graph.matrix
    known = ~np.isnan(stack)
    count = known.sum(axis=0)
    mean = np.where(count > 0, np.nansum(stack, axis=0) / np.maximum(count, 1), np.nan)
    squares = np.where(known, stack - mean, 0.0) ** 2
    spread = np.where(count > 1, np.sqrt(squares.sum(axis=0) / np.maximum(count - 1, 1)), np.nan)
    places = tuple(where[name] for name in names) if set(names) <= set(where) else ()
    return Averaged(graphs[0].title, names, places, graphs[0].note, mean, spread, len(graphs))


def edges(graph: Averaged) -> list[Edge]:
    """The strongest pairs, weakest first: those above the median of all (above 0 where all are
    alike), at most `EDGES_PER_NODE` for each node."""
    mean = np.nan_to_num(graph.mean)
    pairs = [(i, j, _further(mean[i, j], mean[j, i])) for i in range(len(mean)) for j in range(i + 1, len(mean))]
    sizes = [abs(w) for _, _, w in pairs]
    usual = float(np.median(sizes)) if sizes and max(sizes) > np.median(sizes) else 0.0
    strong = sorted((p for p in pairs if abs(p[2]) > usual), key=lambda p: abs(p[2]), reverse=True)
    most = abs(strong[0][2]) if strong else 1.0
    chosen = strong[: EDGES_PER_NODE * len(mean)][::-1]
    return [Edge(i, j, w, (abs(w) - usual) / most) for i, j, w in chosen]


def _further(a: float, b: float) -> float:
    return float(a if abs(a) >= abs(b) else b)


def largest(values: Iterable[float]) -> float:
    """The largest absolute value, at least something that can be divided by; NaN counts nothing."""
    return max((abs(v) for v in values if v == v), default=0.0) or 1.0


def most_spread(graph: Averaged) -> float | None:
    """The largest standard deviation of a weight between folds; None with a single fold."""
    known = graph.spread[~np.isnan(graph.spread)]
    return float(known.max()) if len(known) else None
