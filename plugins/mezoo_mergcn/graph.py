"""The graph of action units (AUs) of a fold: labels, how often two occur together, adjacency. Pure functions."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mezoo import DataError, Example, Graph, datasets, outline

Normalisation = Literal["row", "sibling"]
Reals = NDArray[np.float64]
Table = NDArray[np.bool_]
"""(clips, AUs): which clip shows which AU."""


SITES: Mapping[int, tuple[int, ...]] = {
    1: (22,), 2: (18,), 4: (21, 22), 5: (44,), 6: (1, 41), 7: (46,), 9: (29, 31), 10: (33, 51), 11: (33, 54), 12: (48,),
    13: (54, 26), 14: (54,), 15: (5, 48), 16: (57, 8), 17: (8,), 18: (50,), 20: (54, 13), 22: (52,), 23: (58,),
    24: (56,), 25: (62, 66), 26: (9, 57), 27: (7, 57), 28: (61,), 43: (37, 41), 45: (37, 41),
}  # fmt: skip
"""Landmarks in whose middle an AU is drawn; of an AU on both sides, one, so that lines keep apart."""


def units_of(example: Example) -> frozenset[int] | None:
    """FACS numbers of a clip, sides and intensities left out; None where its annotation names no AU at all."""
    shown = frozenset[int]().union(*(datasets.action_units.parse(e.aus).numbers for e in example.video.expressions))
    return shown or None


def frequent(examples: Sequence[Example], least: int) -> tuple[int, ...]:
    """FACS numbers that at least `least` clips show, ascending. Raises DataError where there is none."""
    cells = [units_of(example) or frozenset() for example in examples]
    found = tuple(unit for unit in sorted(frozenset().union(*cells)) if sum(unit in c for c in cells) >= least)
    if not found:
        raise DataError(
            f"no action unit is shown by {least} or more of the {len(examples)} training clips",
            hint="lower `min_au_samples`, or name the units in `aus`",
        )
    return found


def table(examples: Sequence[Example], units: Sequence[int]) -> Table:
    """The table of the clips that have AU labels. Raises DataError where none has."""
    rows = [[unit in shown for unit in units] for e in examples if (shown := units_of(e)) is not None]
    if not rows:
        raise DataError(
            f"none of the {len(examples)} training clips has action units, so MER-GCN has no graph to estimate",
            hint="use a dataset with coded action units, such as CASME II or SAMM, or a composite that holds one",
        )
    return np.array(rows, dtype=np.bool_)


def conditional(shown: Table) -> Reals:
    """P (AUs, AUs): share of the clips with AU i that also show AU j; 0 on the diagonal and where AU i never occurs.

    P_ij = C_ij / n_i, so it is not symmetric. The identity is added afterwards, hence no self co-occurrence here.
    """
    counts = shown.astype(np.float64)
    together = counts.T @ counts
    occurrences = np.diag(together).copy()
    np.fill_diagonal(together, 0.0)
    return together / np.maximum(occurrences, 1.0)[:, None]


def adjacency(shown: Table, normalisation: Normalisation, threshold: float | None) -> Reals:
    """Normalised (AUs, AUs) of A = P + I; row i mixes node i from nodes j.

    `threshold` first makes P 0 or 1 (P >= threshold). "row": D^-1 A with the row sums D. "sibling", as in same-lab code
    for another AU graph: (A D^-1/2)^T D^-1/2 with D the number of non-zeros of each row.
    """
    share = conditional(shown)
    if threshold is not None:
        share = (share >= threshold).astype(np.float64) * (1 - np.eye(len(share)))
    joined = share + np.eye(len(share))
    if normalisation == "row":
        return joined / joined.sum(axis=1, keepdims=True)
    scale = 1 / np.sqrt(np.count_nonzero(joined, axis=1))
    return (joined * scale).T * scale


def shares(normalised: Reals, normalisation: Normalisation) -> Reals:
    """P (AUs, AUs) from what `adjacency` made of it: its inverse. The diagonal of A = P + I tells the scale."""
    own = np.diag(normalised)
    joined = normalised / own[:, None]
    if normalisation == "sibling":
        joined = (normalised / np.sqrt(np.outer(own, own))).T
    return joined - np.eye(len(own))


def pictures(normalised: Reals, normalisation: Normalisation, units: Sequence[int]) -> list[Graph]:
    """Co-occurrence and adjacency of a fold, on a face where all AUs have a place there."""
    names = tuple(f"AU {unit}" for unit in units)
    known = all(unit in SITES for unit in units)
    places = tuple(outline.middle(*SITES[unit]) for unit in units) if known else ()
    occur = shares(normalised, normalisation)
    told = "P: share of the training clips with the AU of the row that also show the AU of the column."
    fixed = f"The same with itself added and normalised ({normalisation}), as the graph convolutions use it: fixed."
    made = (("Co-occurrence of action units", occur, told), ("Adjacency", normalised, fixed))
    return [Graph(title, matrix.astype(np.float32), names, places, note) for title, matrix, note in made]


def positive_weights(shown: Table, most: float) -> Reals:
    """(AUs,): clips without an AU for each clip with it, at most `most`."""
    positives = shown.sum(axis=0)
    return np.minimum((len(shown) - positives) / np.maximum(positives, 1), most)


def edges(matrix: Sequence[Sequence[float]] | NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Non-zeros A_ij as edges from j to i: (2, E) int64 sources and targets, (E,) float32 weights."""
    dense = np.asarray(matrix, dtype=np.float32)
    target, source = np.nonzero(dense)
    return np.stack([source, target]), dense[target, source]
