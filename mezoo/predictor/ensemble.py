"""What several models say of one film, as one answer: pure functions over intervals and curves."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from mezoo.intervals import iou
from mezoo.prediction import Found
from mezoo.records import Kind, Spot, Spotting

Curve = NDArray[np.float32]
AGREED = 0.5
"""Intervals of two members are the same movement if their IoU is at least so large."""


def mean_curves(members: Sequence[Spotting]) -> dict[Kind, Curve]:
    """Mean score of every row over the members that draw a curve of a kind: (rows,) float32 in [0, 1]."""
    kinds = dict.fromkeys(kind for spotting in members for kind in spotting.curves)
    stacks = {kind: [s.curves[kind] for s in members if kind in s.curves] for kind in kinds}
    return {kind: np.mean(stack, axis=0, dtype=np.float64).astype(np.float32) for kind, stack in stacks.items()}  # pyright: ignore


def agreed(members: Sequence[Sequence[Spot]]) -> list[tuple[Spot, int]]:
    """Intervals that at least half of the members found, in order of their onset, and how many did.

    From the best score down, each spot joins the group (of its kind, without a spot of its member) whose mean interval
    it meets best, with an IoU of 1/2 or more, else it begins one. Of a group, onset and offset are means weighted by
    score, rounded; the score is the sum over all members, those without a spot counting 0, divided by their number.
    After Solovyev, Wang, Gabruseva, "Weighted boxes fusion", Image and Vision Computing 107, 2021.
    """
    ranked = sorted(
        ((member, spot) for member, found in enumerate(members) for spot in found),
        key=lambda item: (-item[1].score, item[0], item[1].onset, item[1].offset),
    )
    kept: list[tuple[Spot, int]] = []
    for kind in dict.fromkeys(spot.kind for _, spot in ranked):
        for group in _groups([item for item in ranked if item[1].kind == kind]):
            if 2 * len(group) >= len(members):
                kept.append((_fused(group, len(members)), len(group)))
    return sorted(kept, key=lambda item: (item[0].onset, item[0].offset, item[0].kind))


def found(spot: Spot, votes: int, curves: Mapping[Kind, Curve], positions: NDArray[np.int64]) -> Found:
    """A spot with its apex: the frame of the highest score inside, else the middle, rounded down."""
    return Found(spot, apex_of(spot, curves.get(spot.kind), positions), votes)


def apex_of(spot: Spot, curve: Curve | None, positions: NDArray[np.int64]) -> int:
    """Frame of the highest score of `curve` (rows,) inside a spot; the middle where no row lies inside."""
    first, last = np.searchsorted(positions, [spot.onset, spot.offset + 1])
    if curve is None or first >= last:
        return (spot.onset + spot.offset) // 2
    return int(positions[first + int(curve[first:last].argmax())])


def _groups(ranked: Sequence[tuple[int, Spot]]) -> list[list[Spot]]:
    """Spots of one kind, best first, by the movement they mean; the mean interval of each group moves as it grows."""
    groups: list[list[Spot]] = []
    inside: list[set[int]] = []
    means = np.zeros((len(ranked), 2), dtype=np.int64)
    for member, spot in ranked:
        fit = iou([(spot.onset, spot.offset)], means[: len(groups)])[0]
        open_to = np.array([member not in members for members in inside], dtype=bool)
        best = int(np.where(open_to, fit, -1.0).argmax()) if groups else -1
        if best < 0 or not open_to[best] or fit[best] < AGREED:
            best = len(groups)
            groups.append([])
            inside.append(set())
        groups[best].append(spot)
        inside[best].add(member)
        means[best] = _mean_ends(groups[best])
    return groups


def _mean_ends(group: Sequence[Spot]) -> tuple[int, int]:
    weights = np.array([max(s.score, 1e-6) for s in group])
    ends = np.array([(s.onset, s.offset) for s in group], dtype=np.float64)
    onset, offset = np.floor(np.average(ends, axis=0, weights=weights) + 0.5)
    return int(onset), int(offset)


def _fused(group: Sequence[Spot], members: int) -> Spot:
    return Spot(group[0].video, group[0].kind, *_mean_ends(group), sum(s.score for s in group) / members)
