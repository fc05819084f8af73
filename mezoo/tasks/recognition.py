"""Recognition: the class of a clip, scored from one confusion matrix that all folds are pooled into."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mezoo.clips import blind
from mezoo.errors import PluginError
from mezoo.fold_folder import FoldFolder
from mezoo.metrics import Confusion, confusion
from mezoo.promises import FINITE, asking, lost
from mezoo.records import Example, Window
from mezoo.statistics import confusion_intervals


@dataclass(frozen=True, slots=True)
class RecognitionTask:
    """Name the class of a clip. One confusion matrix over all left-out subjects and a fixed list of classes.

    `datasets`: where clips come from several, each is a part of the scores beside "overall" (MEGC 2019).
    """

    classes: tuple[str, ...]
    datasets: tuple[str, ...] = ()
    metric: str = "UF1"
    headline: str = "overall"
    ratio: str = "uf1"
    fold_ratio: str = "accuracy"
    """A subject seldom shows every class, so that UF1 of one subject says little."""

    def blind(self, example: Example) -> Example:
        """The clip with onset, apex and offset, but without label, emotion and action units."""
        return Example(blind(example.video), example.features)

    def decode(self, model: Any, windows: Sequence[Window], example: Example) -> NDArray[np.float32]:
        """(classes,) probabilities. Raises PluginError for an answer of another shape, DataError for NaN in it."""
        with asking(model, "decode"):
            given = np.asarray(model.decode(windows, example), dtype=np.float32)
        if given.shape != (len(self.classes),):
            raise PluginError(
                f"{type(model).__name__}.decode gave {given.shape} for {example.video.key}, "
                f"not {len(self.classes)} finite probabilities",
                hint="predict_step gives one probability a class, in the order of `classes`",
            )
        if not np.isfinite(given).all():
            raise lost(model, "decode", f"NaN or infinity for {example.video.key}", FINITE)
        return given

    def tally(self, decoded: Sequence[tuple[Example, NDArray[np.float32]]]) -> dict[str, dict[str, Any]]:
        """The confusion matrix of some clips and its ratios, overall and by dataset."""
        parts: dict[str, dict[str, Any]] = {}
        for part in self._parts():
            chosen = [(e, p) for e, p in decoded if part in {"overall", e.video.dataset}]
            truth = [e.label for e, _ in chosen if e.label is not None]
            predicted = [int(p.argmax()) for _, p in chosen]
            parts[part] = confusion(truth, predicted, len(self.classes)).as_dict()
        return parts

    def score(self, by_subject: Sequence[Mapping[str, Mapping[str, Any]]]) -> dict[str, dict[str, Any]]:
        """UF1, UAR and accuracy of the pooled matrix, each with a subject-bootstrap 95 % interval."""
        scores: dict[str, dict[str, Any]] = {}
        for part in self._parts():
            matrices = [np.array(t[part]["confusion"], dtype=np.int64) for t in by_subject if t[part]["n"]]
            whole = Confusion(sum(matrices, np.zeros((len(self.classes),) * 2, dtype=np.int64)))
            intervals = confusion_intervals(matrices)
            spans = {f"ci95_{name}": list(span) for name, span in intervals.items()}
            scores[part] = {**whole.as_dict(), "ci95": spans["ci95_uf1"], **spans}
        return scores

    def save(self, folder: FoldFolder, decoded: Sequence[tuple[Example, NDArray[np.float32]]]) -> None:
        """Write truth, answer and probabilities of every clip."""
        folder.save_answers(self.classes, [(e.video.key, e.label, p) for e, p in decoded])

    def describe(self, counts: Mapping[str, Any]) -> str:
        """Clips that were named right."""
        return f"{counts['correct']} of {counts['n']} clips right"

    def _parts(self) -> tuple[str, ...]:
        return ("overall", *(self.datasets if len(self.datasets) > 1 else ()))
