"""What the graph layers learnt, to be drawn: attention and adjacency, on a face where nodes are the twelve regions."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mezoo import Graph, outline

TWELVE = (18, 19, 20, 23, 24, 25, 28, 30, 48, 51, 54, 57)
"""Landmarks of the regions `auwgcn12`, in order."""
_PARTS = (("brow", range(17, 27)), ("nose", range(27, 36)), ("lips", range(48, 68)))
_RULES = {
    "add": "added to the attention scores before their softmax",
    "mul": "the attention is multiplied by 1 + A",
    "static": "its softmax is the attention",
}
Matrix = NDArray[Any]


def nodes(count: int) -> tuple[tuple[str, ...], tuple[tuple[float, float], ...]]:
    """Names and places of the nodes; numbers without places unless they are as many as `auwgcn12` has."""
    if count != len(TWELVE):
        return tuple(f"node {i}" for i in range(count)), ()
    names = tuple(f"{part} {k}" for k in TWELVE for part, marks in _PARTS if k in marks)
    return names, outline.places(TWELVE)


def pictures(attention: Sequence[Matrix], learnt: Sequence[Matrix | None], rule: str) -> list[Graph]:
    """Graphs of each layer: attention (N, N), rows sum to 1 (to about 1 with "mul"), and the learnt A (N, N)."""
    told = "Mean over heads, flows and held-out clips; without any preference every weight is {:.3f}."
    made = [
        Graph(f"Attention, layer {i}", m.astype(np.float32), *nodes(len(m)), told.format(1 / len(m)))
        for i, m in enumerate(attention, start=1)
    ]
    return made + [
        Graph(f"Learnt adjacency A, layer {i}", m.astype(np.float32), *nodes(len(m)), f"Starts at 0; {_RULES[rule]}.")
        for i, m in enumerate(learnt, start=1)
        if m is not None
    ]
