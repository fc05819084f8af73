"""Spotting: frames are inclusive at both ends; counts are pooled before any ratio is taken."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from mezoo.intervals import match


@dataclass(frozen=True, slots=True)
class Counts:
    """Hits (tp), predictions and ground truths of interval spotting; add them up over videos and kinds."""

    tp: int = 0
    n_pred: int = 0
    n_gt: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.tp + other.tp, self.n_pred + other.n_pred, self.n_gt + other.n_gt)

    @property
    def precision(self) -> float:
        """tp / n_pred, 0 without predictions."""
        return self.tp / self.n_pred if self.n_pred else 0.0

    @property
    def recall(self) -> float:
        """tp / n_gt, 0 without ground truth."""
        return self.tp / self.n_gt if self.n_gt else 0.0

    @property
    def f1(self) -> float:
        """2 tp / (n_pred + n_gt), 0 when both are empty (MEGC 2019 guideline: R = A/M, P = A/N)."""
        total = self.n_pred + self.n_gt
        return 2 * self.tp / total if total else 0.0

    def as_dict(self) -> dict[str, float | int]:
        """Counts and ratios under their usual names."""
        ratios = {"precision": self.precision, "recall": self.recall, "f1": self.f1}
        return {"tp": self.tp, "n_pred": self.n_pred, "n_gt": self.n_gt, **ratios}


def spotting_counts(predicted: ArrayLike, truth: ArrayLike) -> Counts:
    """Counts of one video and one kind: (n, 2) and (m, 2) inclusive frames, hit if 2 * inter >= union, one to one."""
    spots, events = (np.asarray(x, dtype=np.int64).reshape(-1, 2) for x in (predicted, truth))
    return Counts(len(match(spots, events)), len(spots), len(events))


def pooled(counts: Iterable[Counts]) -> Counts:
    """Sum of counts: a dataset is scored as one long video."""
    return sum(counts, Counts())
