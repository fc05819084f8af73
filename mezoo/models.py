"""What a model plugin promises: a LightningModule that cuts samples, learns, and says raw scores. Imports torch."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, NamedTuple

import lightning as L
import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from mezoo.records import Example, Kind, Sample, Spotting, Window


class Batch(NamedTuple):
    """Samples stacked along a new first axis, as tensors on the model's device."""

    videos: list[str]
    starts: Tensor
    inputs: dict[str, Tensor]
    targets: dict[str, Tensor]


class Model(L.LightningModule, ABC):
    """A method. Constructor arguments are what a recipe may set; nothing is built or estimated there.

    `sources` names for each constructor argument where its default comes from; a report lists them.
    """

    task: ClassVar[Literal["recognition", "spotting"]]
    sources: ClassVar[Mapping[str, str]] = {}
    trunk: ClassVar[tuple[str, ...]] = ()
    """Beginnings of the names of the tensors that another task can start from (`init: {part: trunk}`)."""
    batch_size: int = 16
    warmup_epochs: int = 0
    """Epochs (pre-training) after which raw scores begin to mean something; none are kept before."""

    def prepare(self, train: Sequence[Example]) -> Mapping[str, Any]:
        """Estimate what the method needs (normalisation, graph, shapes) from training subjects only, as JSON."""
        del train
        return {}

    @abstractmethod
    def build(self, fitted: Mapping[str, Any]) -> None:
        """Create the layers from what `prepare` returned; also called, with the stored value, to load weights."""

    @abstractmethod
    def samples(
        self, examples: Sequence[Example], rng: np.random.Generator, epoch: int | None = None
    ) -> Sequence[Sample]:
        """What the loader serves: training samples of one 0-based epoch, or, without epoch, windows that cover all."""

    @abstractmethod
    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Loss of a batch; `self.log_dict` what is worth a curve."""

    @abstractmethod
    def predict_step(self, batch: Batch, batch_idx: int) -> list[Window]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Raw scores, one Window a sample, as small NumPy arrays."""


class Spotter(Model):
    """Finds intervals in long videos; `kinds` are those it can find at all."""

    task: ClassVar[Literal["recognition", "spotting"]] = "spotting"
    kinds: ClassVar[tuple[Kind, ...]] = ("micro", "macro")

    @abstractmethod
    def decode(self, windows: Sequence[Window], example: Example) -> Spotting:
        """Spots of one video from all its windows: pure in its arguments and the constructor's thresholds."""


class Recognizer(Model):
    """Names the emotion of a clip. `classes` are their names in the order of the labels, set before `prepare`."""

    task: ClassVar[Literal["recognition", "spotting"]] = "recognition"
    classes: tuple[str, ...] = ()

    def decode(self, windows: Sequence[Window], example: Example) -> NDArray[np.float32]:
        """(classes,) float32 probabilities of one clip: the mean of "probability" (classes,) over its windows."""
        del example
        return np.stack([window.scores["probability"] for window in windows]).mean(axis=0, dtype=np.float32)
