"""A small temporal network on the motion of a long video: a place to begin. Replace what you like."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from mezoo import Batch, Example, Sample, Spot, Spotter, Spotting, Window

KINDS = ("micro", "macro")


class Newcomer(Spotter):
    """Finds micro- and macro-expressions: says of each row how likely one is there, and joins likely rows to spots.

    Features: motion (rows, ...) from frame to frame, as `roi_flow` makes it; each row is taken as one vector.
    """

    kinds = KINDS
    sources: ClassVar[Mapping[str, str]] = {
        "width": "[inferred] channels of each layer; write [paper] where a paper says it",
        "rows": "[inferred] rows of a window; the next one begins half a window later",
        "positive_weight": "[inferred] of rows inside an expression, which are few",
        "threshold": "[inferred] chosen on no test fold",
        "shortest": "[inferred] rows",
        "dropout": "[inferred]",
        "lr": "[inferred] Adam",
        "batch_size": "[inferred] windows",
    }

    def __init__(
        self,
        width: int = 32,
        rows: int = 128,
        positive_weight: float = 4.0,
        threshold: float = 0.5,
        shortest: int = 5,
        dropout: float = 0.3,
        lr: float = 3e-3,
        batch_size: int = 8,
    ) -> None:
        super().__init__()
        self.width, self.rows, self.dropout, self.lr = width, rows, dropout, lr
        self.positive_weight, self.threshold, self.shortest = positive_weight, threshold, shortest
        self.batch_size = batch_size

    def prepare(self, train: Sequence[Example]) -> Mapping[str, Any]:
        """What is estimated, from training subjects alone, as plain numbers: mean and deviation of each number."""
        values = np.concatenate([_motion(e) for e in train])  # (rows, numbers)
        return {"mean": values.mean(0).tolist(), "std": np.maximum(values.std(0), 1e-6).tolist()}

    def build(self, fitted: Mapping[str, Any]) -> None:
        """Create the layers from what `prepare` returned."""
        self.register_buffer("mean", torch.tensor(fitted["mean"], dtype=torch.float32))
        self.register_buffer("std", torch.tensor(fitted["std"], dtype=torch.float32))
        width, layers = self.width, list[nn.Module]()
        for channels, step in ((len(fitted["mean"]), 1), (width, 2), (width, 4), (width, 8)):
            layers += [nn.Conv1d(channels, width, 5, padding=2 * step, dilation=step), nn.ReLU()]
        self.network = nn.Sequential(*layers, nn.Dropout(self.dropout), nn.Conv1d(width, len(KINDS), 1))

    def samples(
        self, examples: Sequence[Example], rng: np.random.Generator, epoch: int | None = None
    ) -> Sequence[Sample]:
        """Windows that overlap by half and cover every row; targets only in training, when there is an epoch."""
        del rng
        return [sample for example in examples for sample in self._windows(example, learn=epoch is not None)]

    def _windows(self, example: Example, *, learn: bool) -> Iterator[Sample]:
        motion, labels = _motion(example), _labels(example) if learn else None
        for start in range(0, max(1, len(motion) - self.rows // 2), self.rows // 2):
            part = motion[start : start + self.rows]
            inputs = {"motion": self._filled(part), "real": self._filled(np.ones(len(part), dtype=np.float32))}
            targets = {} if labels is None else {"inside": self._filled(labels[start : start + self.rows])}
            yield Sample(example.video.key, start, inputs, targets)

    def _filled(self, part: NDArray[np.float32]) -> NDArray[np.float32]:
        """With zeros up to the length of a window."""
        return np.concatenate([part, np.zeros((self.rows - len(part), *part.shape[1:]), dtype=np.float32)])

    def forward(self, motion: Tensor, real: Tensor) -> Tensor:
        """Logits (windows, rows, kinds) of motion (windows, rows, numbers); `real` (windows, rows): 0 past the end."""
        scaled = (motion - self.get_buffer("mean")) / self.get_buffer("std") * real[..., None]
        return self.network(scaled.movedim(-1, 1)).movedim(1, -1)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Cross entropy of each row and kind."""
        real = batch.inputs["real"]
        weight = torch.full((len(KINDS),), self.positive_weight, device=real.device)
        logits = self(batch.inputs["motion"], real).float()
        each = functional.binary_cross_entropy_with_logits(
            logits, batch.targets["inside"], pos_weight=weight, reduction="none"
        )
        loss = (each.mean(-1) * real).sum() / real.sum()
        self.log("train/loss", loss, on_step=False, on_epoch=True, batch_size=len(batch.videos))
        return loss

    def predict_step(self, batch: Batch, batch_idx: int) -> list[Window]:
        """Of each window: "chance" (rows, kinds) float32, that the row lies inside such an expression."""
        chances = self(batch.inputs["motion"], batch.inputs["real"]).float().sigmoid().cpu().numpy()
        return [Window(int(start), {"chance": rows}) for start, rows in zip(batch.starts, chances, strict=True)]

    def decode(self, windows: Sequence[Window], example: Example) -> Spotting:
        """Runs of rows above the threshold, as spots in frames; their score is the mean chance of their rows."""
        chances = self._joined(windows, len(example.features))
        spots = [spot for number in range(len(KINDS)) for spot in self._spots(chances[:, number], number, example)]
        return Spotting(tuple(spots), {kind: chances[:, number] for number, kind in enumerate(KINDS)})

    def _joined(self, windows: Sequence[Window], rows: int) -> NDArray[np.float32]:
        """The mean over all windows of a row: (rows, kinds) float32."""
        total, count = np.zeros((rows, len(KINDS)), dtype=np.float32), np.zeros((rows, 1), dtype=np.float32)
        for window in windows:
            part = window.scores["chance"][: rows - window.start]
            total[window.start : window.start + len(part)] += part
            count[window.start : window.start + len(part)] += 1
        return np.asarray(total / np.maximum(count, 1), dtype=np.float32)

    def _spots(self, chance: NDArray[np.float32], number: int, example: Example) -> Iterator[Spot]:
        edges = np.flatnonzero(np.diff(np.concatenate([[False], chance > self.threshold, [False]])))
        for first, end in edges.reshape(-1, 2).tolist():
            if end - first >= self.shortest:
                onset, offset = example.features.interval(first, end - 1)
                yield Spot(example.video.key, KINDS[number], onset, offset, float(chance[first:end].mean()))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Adam."""
        return torch.optim.Adam(self.parameters(), lr=self.lr)


def _motion(example: Example) -> NDArray[np.float32]:
    """(rows, numbers) float32."""
    values = np.asarray(example.features.values, dtype=np.float32)
    return values.reshape(len(values), -1)


def _labels(example: Example) -> NDArray[np.float32]:
    """(rows, kinds) float32: 1 inside an expression of that kind, both ends included."""
    labels = np.zeros((len(example.features), len(KINDS)), dtype=np.float32)
    for expression in example.video.expressions:
        first, last = example.features.rows(expression.onset, expression.offset)
        labels[first : last + 1, KINDS.index(expression.kind)] = 1
    return labels
