"""The official matching and metrics, for parity only: mezoo scores every method with its own ruler.

They differ: lengths are end - start, an IoU of exactly one half is no hit, and a prediction is found when it is the
best one of some truth, so that two truths may share it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .proposals import overlap
from .targets import KINDS


class Counts(NamedTuple):
    """True positives, predictions, truths."""

    tp: int
    n: int
    m: int


def found(spans: NDArray[Any], truth: NDArray[Any]) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Which predictions (n, 2) are found by truths (m, 2) of one video and kind, and with which IoU: (n,) each, else 0.

    Each truth takes the prediction that overlaps it most, and finds it if their IoU is above one half; the IoU is that
    with the last truth that does.
    """
    flags, values = np.zeros(len(spans), dtype=np.bool_), np.zeros(len(spans))
    if not len(spans) or not len(truth):
        return flags, values
    iou = overlap(spans, truth)
    for column, best in enumerate(iou.argmax(axis=0)):
        if iou[best, column] > 0.5:
            flags[best], values[best] = True, iou[best, column]
    return flags, values


def metrics(counts: Mapping[str, Counts]) -> dict[str, float]:
    """Precision, recall, F1 and counts of micro, macro and all: 18 numbers in the official order, 0 for 0 / 0."""
    micro, macro = (counts[kind] for kind in KINDS)
    parts = {"micro": micro, "macro": macro, "all": Counts(*(a + b for a, b in zip(micro, macro, strict=True)))}
    ratios = {f"{name}_{key}": value for name, c in parts.items() for key, value in _ratios(c).items()}
    return {**ratios, **{f"{name}_{key}": float(v) for name, c in parts.items() for key, v in c._asdict().items()}}


def pooled(subjects: Sequence[Mapping[str, Counts]]) -> dict[str, float]:
    """`metrics` of the counts of all subjects together, as the final score is made."""
    sums = {kind: Counts(*(sum(column) for column in zip(*(s[kind] for s in subjects), strict=True))) for kind in KINDS}
    return metrics(sums)


def _ratios(c: Counts) -> dict[str, float]:
    precision, recall = c.tp / c.n if c.n else 0.0, c.tp / c.m if c.m else 0.0
    both = precision + recall
    return {"precision": precision, "recall": recall, "f1": 2 * precision * recall / both if both else 0.0}
