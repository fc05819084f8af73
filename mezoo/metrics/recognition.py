"""Recognition: one confusion matrix over all folds and a fixed list of classes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Confusion:
    """`matrix[truth, answer]` (classes, classes) int64 counts of clips; add matrices before any ratio is taken.

    The list of classes is fixed: one that never occurs scores 0 and is not skipped. See, Yap, Li, Hong, Wang,
    MEGC 2019: UF1 and UAR of counts summed over all folds.
    """

    matrix: NDArray[np.int64]

    @property
    def f1(self) -> NDArray[np.float64]:
        """(classes,) 2 TP / (2 TP + FP + FN), 0 where all three are 0."""
        return _ratio(2 * self.matrix.diagonal(), self.matrix.sum(axis=0) + self.matrix.sum(axis=1))

    @property
    def recall(self) -> NDArray[np.float64]:
        """(classes,) TP / clips of the class, 0 where there are none."""
        return _ratio(self.matrix.diagonal(), self.matrix.sum(axis=1))

    @property
    def precision(self) -> NDArray[np.float64]:
        """(classes,) TP / answers of the class, 0 where there are none."""
        return _ratio(self.matrix.diagonal(), self.matrix.sum(axis=0))

    @property
    def uf1(self) -> float:
        """Unweighted F1: the mean of `f1`."""
        return float(self.f1.mean())

    @property
    def uar(self) -> float:
        """Unweighted average recall: the mean of `recall`."""
        return float(self.recall.mean())

    @property
    def accuracy(self) -> float:
        """Share of clips named right, 0 without clips."""
        return float(self.matrix.trace() / max(1, self.matrix.sum()))

    @property
    def weighted_f1(self) -> float:
        """Mean of `f1` weighted by the clips of each class, 0 without clips."""
        return float((self.matrix.sum(axis=1) * self.f1).sum() / max(1, self.matrix.sum()))

    def as_dict(self) -> dict[str, Any]:
        """Counts and ratios under their usual names."""
        by_class = {name: getattr(self, name).tolist() for name in ("precision", "recall", "f1")}
        n, correct = int(self.matrix.sum()), int(self.matrix.trace())
        ratios = {"uf1": self.uf1, "uar": self.uar, "accuracy": self.accuracy, "weighted_f1": self.weighted_f1}
        return {"n": n, "correct": correct, **ratios, "by_class": by_class, "confusion": self.matrix.tolist()}


def confusion(truth: Sequence[int], predicted: Sequence[int], classes: int) -> Confusion:
    """Counts of 0-based class indices, one pair a clip. Raises ValueError for an index outside the fixed list."""
    pairs = np.array([*zip(truth, predicted, strict=True)], dtype=np.int64).reshape(-1, 2)
    if len(pairs) and not (pairs.min() >= 0 and pairs.max() < classes):
        raise ValueError(f"a class index is outside 0..{classes - 1}")
    matrix = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(matrix, (pairs[:, 0], pairs[:, 1]), 1)
    return Confusion(matrix)


def _ratio(above: NDArray[np.int64], below: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.divide(above, below, out=np.zeros(len(above)), where=below > 0)
