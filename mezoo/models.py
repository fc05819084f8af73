"""What a model plugin promises: a LightningModule that cuts samples, learns, and says raw scores. Imports torch."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple

import lightning as L
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mezoo.records import Example, Graph, Kind, Sample, Spotting, Window


class Batch(NamedTuple):
    """Samples stacked along a new first axis, as tensors on the model's device."""

    videos: list[str]
    starts: Tensor
    inputs: dict[str, Tensor]
    targets: dict[str, Tensor]

    @classmethod
    def of(cls, samples: Sequence[Sample]) -> "Batch":
        """Stack at least one sample; all have the same names and shapes."""
        return cls(
            videos=[s.video for s in samples],
            starts=torch.tensor([s.start for s in samples], dtype=torch.int64),
            inputs={k: torch.from_numpy(np.stack([s.inputs[k] for s in samples])) for k in samples[0].inputs},
            targets={k: torch.from_numpy(np.stack([s.targets[k] for s in samples])) for k in samples[0].targets},
        )

    def to(self, device: torch.device | str) -> "Batch":
        """The batch on a device; from pinned memory to CUDA it is copied while this process goes on.

        Lightning asks whatever has this method, instead of looking into each of the names.
        """
        on_the_way = torch.device(device).type == "cuda"
        inputs, targets = (
            {name: tensor.to(device, non_blocking=on_the_way) for name, tensor in part.items()}
            for part in (self.inputs, self.targets)
        )
        return self._replace(starts=self.starts.to(device, non_blocking=on_the_way), inputs=inputs, targets=targets)


@dataclass(frozen=True, slots=True, eq=False)
class SampleTable(Sequence[Sample]):
    """Samples that lie stacked in memory, so that a batch is cut at once and not collected one by one.

    `rows` are those of `whole` that are served, in this order; `take` gives another choice of the same samples.
    """

    whole: Batch
    rows: Sequence[int]

    @classmethod
    def of(cls, samples: Sequence[Sample]) -> "SampleTable":
        """All of at least one sample."""
        return cls(Batch.of(samples), range(len(samples)))

    def take(self, indices: Sequence[int]) -> "SampleTable":
        """Those at `indices` of this table; nothing is copied."""
        return SampleTable(self.whole, [self.rows[i] for i in indices])

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Sample:  # pyright: ignore[reportIncompatibleMethodOverride]
        videos, starts, *named = self.whole
        row = self.rows[index]
        inputs, targets = ({name: values[row].numpy() for name, values in part.items()} for part in named)
        return Sample(videos[row], int(starts[row]), inputs, targets)

    def __getitems__(self, indices: Sequence[int]) -> Batch:
        """A whole batch: what PyTorch's loader asks for where it is there."""
        rows = [self.rows[i] for i in indices]
        videos, starts, *named = self.whole
        inputs, targets = ({name: values[rows] for name, values in part.items()} for part in named)
        return Batch([videos[row] for row in rows], starts[rows], inputs, targets)


class Model(L.LightningModule, ABC):
    """A method. Constructor arguments are what a recipe may set; nothing is built or estimated there.

    `sources` names for each constructor argument where its default comes from; a report lists them.
    """

    task: ClassVar[Literal["recognition", "spotting"]]
    sources: ClassVar[Mapping[str, str]] = {}
    trunk: ClassVar[tuple[str, ...]] = ()
    """Beginnings of the names of the tensors that another task can start from (`init: {part: trunk}`)."""
    stackable: ClassVar[bool] = False
    """Folds can be trained in one (`--executor stacked`): the loss of `training_step` follows from parameters, buffers,
    epoch, number and tensors of the batch alone, without a branch on values; buffers are changed in place only."""
    stacked: bool = False
    """Set while `training_step` is taken for several folds at once, by `torch.func.vmap`."""
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
        """What the loader serves: training samples of one 0-based epoch, or, without epoch, windows that cover all.

        Where the samples of all epochs are the same, or chosen among the same, keep a `SampleTable`.
        """

    @abstractmethod
    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Loss of a batch; `self.log_dict` what is worth a curve."""

    @abstractmethod
    def predict_step(self, batch: Batch, batch_idx: int) -> list[Window]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Raw scores, one Window a sample, as small NumPy arrays."""

    def portable(self) -> tuple[nn.Module, Mapping[str, Tensor]] | None:
        """The network alone, for programs without mezoo, and four different samples of plausible random inputs by name.

        The module takes raw features by these names, batch first, whatever scale they are brought to being inside it,
        and returns raw scores by name; the docstring of its `forward` says what each is. Called of a built model in
        evaluation mode. None: it cannot be written for other programs.
        """
        return None

    def graphs(self, examples: Sequence[Example]) -> Sequence[Graph]:
        """Weights between regions worth a picture, of the trained model; means over examples where they depend on them.

        Called without gradients, in evaluation mode, with the unlabelled examples of the left-out subject.
        """
        del examples
        return ()


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
