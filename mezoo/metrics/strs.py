"""Spot-then-recognise score: F1 of spotting times F1 of the emotions of what was found (Liong, See, Chan, 2023)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mezoo.intervals import match
from mezoo.metrics.spotting import Counts

Named = tuple[int, int, str]
"""Onset, offset (both included) and emotion."""
Pair = tuple[str, str]
"""Emotion of a truth that was found, and the one predicted for it."""


@dataclass(frozen=True, slots=True)
class Analysis:
    """Emotions of found expressions: `matrix[truth, answer]` (emotions, emotions + 1), last column: any other."""

    emotions: tuple[str, ...]
    matrix: NDArray[np.int64]

    @property
    def precision(self) -> float:
        """Macro precision, 0 for an emotion that was never predicted."""
        return self._mean(self._hits, self.matrix[:, :-1].sum(axis=0))

    @property
    def recall(self) -> float:
        """Macro recall, 0 for an emotion of which nothing was found."""
        return self._mean(self._hits, self.matrix.sum(axis=1))

    @property
    def f1(self) -> float:
        """Harmonic mean of macro precision and macro recall, 0 where both are: not the mean of F1s."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0

    @property
    def uf1(self) -> float:
        """Mean of the F1 of each emotion."""
        return self._mean(2 * self._hits, self.matrix[:, :-1].sum(axis=0) + self.matrix.sum(axis=1))

    @property
    def uar(self) -> float:
        """Unweighted average recall, which is macro recall."""
        return self.recall

    @property
    def _hits(self) -> NDArray[np.int64]:
        return self.matrix[:, :-1].diagonal()

    @staticmethod
    def _mean(above: NDArray[np.int64], below: NDArray[np.int64]) -> float:
        return float((above / np.maximum(1, below)).mean()) if len(above) else 0.0


def found_pairs(predicted: Sequence[Named], truth: Sequence[Named]) -> list[Pair]:
    """Emotions of matched intervals of one video: one to one, IoU >= 1/2, as `mezoo.intervals.match`."""
    pairs = match([p[:2] for p in predicted], [t[:2] for t in truth])
    return [(truth[t][2], predicted[p][2]) for p, t in pairs]


def analysis(pairs: Iterable[Pair], emotions: Sequence[str]) -> Analysis:
    """Count pairs of all videos whose true emotion is among `emotions`, the fixed list; the others are left out."""
    place = {name: i for i, name in enumerate(emotions)}
    matrix = np.zeros((len(place), len(place) + 1), dtype=np.int64)
    for true, given in pairs:
        if true in place:
            matrix[place[true], place.get(given, len(place))] += 1
    return Analysis(tuple(emotions), matrix)


def strs(spotting: Counts, found: Analysis) -> float:
    """F1 of spotting, of counts over all videos, times F1 of analysis."""
    return spotting.f1 * found.f1
