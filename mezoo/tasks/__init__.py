"""What is asked of a model and how the answer is scored: the core's own ruler, no plugin may bring another."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from mezoo.fold_folder import FoldFolder
from mezoo.records import Example, Window
from mezoo.tasks.recognition import RecognitionTask
from mezoo.tasks.spotting import SpottingTask

if TYPE_CHECKING:
    from mezoo.models import Model

__all__ = ["Decoded", "RecognitionTask", "SpottingTask", "Tally", "Task"]

Tally = Mapping[str, Mapping[str, Any]]
"""Counts and ratios of some examples as JSON, by part: kinds of expression, or datasets, and "overall"."""
Decoded = Sequence[tuple[Example, Any]]
"""Labelled examples, each with what was decoded for it without its labels."""


class Task(Protocol):
    """Spotting or recognition, as the line over the folds sees them."""

    @property
    def metric(self) -> str:
        """Name of the headline."""
        ...

    @property
    def headline(self) -> str:
        """Part of a tally that the headline is of."""
        ...

    @property
    def ratio(self) -> str:
        """Key of the headline in a tally."""
        ...

    @property
    def fold_ratio(self) -> str:
        """Key of the ratio that is drawn epoch by epoch for one subject, and that an oracle would maximise."""
        ...

    def blind(self, example: Example) -> Example:
        """What a model may see of a left-out subject."""
        ...

    def decode(self, model: "Model", windows: Sequence[Window], example: Example) -> Any:
        """The model's answer for one blind example from its raw scores."""
        ...

    def tally(self, decoded: Decoded) -> Tally:
        """Counts of some examples."""
        ...

    def score(self, by_subject: Sequence[Tally]) -> dict[str, dict[str, Any]]:
        """Counts of all subjects pooled, the ratios of the pool, and a 95 % interval of the headline's."""
        ...

    def save(self, folder: FoldFolder, decoded: Decoded) -> None:
        """Write what was predicted of a fold, and what is worth a picture."""
        ...

    def describe(self, counts: Mapping[str, Any]) -> str:
        """A part of a tally in a few words."""
        ...
