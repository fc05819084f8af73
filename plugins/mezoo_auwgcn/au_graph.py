"""The graph of AUW-GCN: how often action units of two facial regions occur together in the annotation.

Regions 0 to 11 are patches at landmarks 18, 19, 20 | 23, 24, 25 (brows), 28, 30 (nose), 48, 51, 54, 57 (lips).
"""

from collections.abc import Iterable, Mapping
from itertools import combinations
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mezoo import DataError, Graph, datasets, outline, tables

NODES = 12
MIRROR = (5, 4, 3, 2, 1, 0, 6, 7, 10, 9, 8, 11)
"""The region of the other half of the face; nose and middle of the lips are their own."""
NAMES = (
    "brow 18", "brow 19", "brow 20", "brow 23", "brow 24", "brow 25", "nose 28", "nose 30", "lips 48", "lips 51",
    "lips 54", "lips 57",
)  # fmt: skip
"""What a region is, and its landmark."""
_MOUTH = {12: (8, 10), 14: (8, 10), 25: (9, 11), 26: (9, 11)}
NODES_OF_AU: Mapping[str, Mapping[int, tuple[int, ...]]] = {
    "official": {1: (0, 1, 4, 5), 2: (2, 3), **_MOUTH},
    "facs": {1: (2, 3), 2: (0, 1, 4, 5), **_MOUTH},
}
"""Regions that an AU moves. AU 1 raises the inner brow, regions 2 and 3; the official code has AU 1 and 2 swapped."""


def units(cell: str, how: Literal["parsed", "exact"] = "parsed") -> list[int]:
    """AUs of an annotation cell that have regions, each once, in order of their number.

    "parsed" reads sides, intensities and alternatives (`R12B+14`: 12 and 14); "exact" keeps, as the official code,
    only those parts between plus signs that are nothing but one of the numbers.
    """
    known = NODES_OF_AU["facs"]
    if how == "exact":
        return sorted({int(part) for part in cell.split("+") if part in map(str, known)})
    return sorted(datasets.action_units.parse(cell).numbers & set(known))


def co_occurrence(
    cells: Iterable[str], node_map: Literal["facs", "official"] = "facs", how: Literal["parsed", "exact"] = "parsed"
) -> NDArray[np.int64]:
    """Counts (12, 12) of regions that occur together, from the AU cell of each expression; symmetric.

    An expression with one AU counts for each of its regions with itself; one with more counts, for every two AUs, each
    region of one with each of the other. Cells without a known AU count nothing.
    """
    counts = np.zeros((NODES, NODES), dtype=np.int64)
    nodes = NODES_OF_AU[node_map]
    for found in (units(cell, how) for cell in cells):
        if len(found) == 1:
            for node in nodes[found[0]]:
                counts[node, node] += 1
        for a, b in combinations(found, 2):
            for i in nodes[a]:
                for j in nodes[b]:
                    counts[i, j] += 1
                    counts[j, i] += 1
    return counts


def row_normalised(counts: NDArray[Any]) -> NDArray[np.float32]:
    """(12, 12) float32: each row divided by its sum + 1e-6, so that rows without a count stay zero."""
    total = np.abs(counts).sum(axis=1, keepdims=True)
    return (counts / (total + 1e-6)).astype(np.float32)


def picture(adjacency: NDArray[Any], source: str) -> Graph:
    """The graph of a fold on a face; `source` says in a few words where it is from."""
    note = f"A, {source}. It is fixed: what AUW-GCN learns acts on all regions alike."
    places = outline.places(int(name.split()[-1]) for name in NAMES)
    return Graph("Graph of facial regions", adjacency.astype(np.float32), NAMES, places, note)


def symmetric() -> NDArray[np.float32]:
    """A graph without any annotation: half of each region itself, half its mirror image; rows sum to 1."""
    graph = np.eye(NODES) / 2
    graph[np.arange(NODES), MIRROR] += 0.5
    return graph.astype(np.float32)


def given(matrix: Any) -> NDArray[np.float32]:
    """A graph from nested lists or from a file (.npy, else text with commas or blanks): (12, 12) float32 as it stands.

    Raises DataError for a file that cannot be read, another shape, and rows that are negative or sum to more than 1.
    """
    hint = "give 12 rows of 12 numbers of at least 0, each row divided by its sum"
    try:
        values = _read(Path(matrix)) if isinstance(matrix, str | Path) else np.asarray(matrix, dtype=np.float64)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DataError(f"the adjacency {matrix} cannot be read: {str(error)[:300]}", hint=hint) from error
    if values.shape != (NODES, NODES):
        raise DataError(f"the adjacency has the shape {values.shape}", hint=hint)
    if not np.isfinite(values).all() or values.min() < 0 or values.sum(axis=1).max() > 1 + 1e-5:
        raise DataError("rows of the adjacency are negative, not finite, or sum to more than 1", hint=hint)
    return values.astype(np.float32)


def _read(path: Path) -> NDArray[np.float64]:
    if path.suffix == ".npy":
        return np.asarray(datasets.load_arrays(path)[""], dtype=np.float64)
    lines = tables.read_plain(path).decode("utf-8").replace(",", " ").splitlines()
    return np.array([[float(v) for v in line.split()] for line in lines if line.strip()], dtype=np.float64)
