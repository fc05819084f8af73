"""Action units as a multi-label task over several datasets: the CD6ME protocol of Varanka et al., IEEE TAFFC 2023."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mezoo.metrics.frames import roc_auc

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class UnitScores:
    """(units,) scores of each action unit; their means are the scores of the clips that they were taken over."""

    f1: Values
    """Of the positive class, 0 where the unit is neither there nor predicted: the headline."""
    f1_macro: Values
    """Mean over the positive and the negative class, as far as they occur; about 0.24 higher on chance."""
    auc: Values
    """Area under the ROC curve, 0.5 where all clips agree."""

    @property
    def means(self) -> tuple[float, float, float]:
        """Means of f1, f1_macro and auc over the units."""
        return float(self.f1.mean()), float(self.f1_macro.mean()), float(self.auc.mean())


def unit_scores(labels: ArrayLike, logits: ArrayLike) -> UnitScores:
    """Scores of (clips, units) 0/1 labels and logits; a unit is predicted where its logit > 0."""
    truth, values = np.asarray(labels, dtype=bool), np.asarray(logits, dtype=np.float64)
    given = values > 0
    tp, wrong, tn = (truth & given).sum(axis=0), (truth != given).sum(axis=0), (~truth & ~given).sum(axis=0)
    positive, negative = (2 * hits / np.maximum(1, 2 * hits + wrong) for hits in (tp, tn))
    occurring = np.maximum(1, (tp + wrong > 0).astype(int) + (tn + wrong > 0))
    areas = [roc_auc(t, v) for t, v in zip(truth.T, values.T, strict=True)]
    auc = np.array([0.5 if a is None else a for a in areas])
    return UnitScores(positive, (positive + negative) / occurring, auc)


def by_dataset(labels: ArrayLike, logits: ArrayLike, datasets: Sequence[str]) -> dict[str, UnitScores]:
    """`unit_scores` inside each dataset, one name a clip; the mean of their means is not that of the pool."""
    truth, values, names = np.asarray(labels), np.asarray(logits), np.asarray(datasets)
    return {str(name): unit_scores(truth[names == name], values[names == name]) for name in np.unique(names)}
