"""A shallow convolutional network on the motion of a clip: a place to begin. Replace what you like."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from mezoo import Batch, Example, Recognizer, Sample, Window


class Newcomer(Recognizer):
    """Names the emotion of a clip from its flow.

    Features: motion of a clip (rows, height, width, channels), as `farneback` makes it; rows are averaged.
    """

    sources: ClassVar[Mapping[str, str]] = {
        "width": "[inferred] channels of the first layer; write [paper] where a paper says it",
        "side": "[inferred] pixels that the flow is averaged to",
        "dropout": "[inferred]",
        "lr": "[inferred] Adam",
        "batch_size": "[inferred] clips",
    }

    def __init__(
        self,
        width: int = 8,
        side: int = 28,
        dropout: float = 0.3,
        lr: float = 3e-3,
        batch_size: int = 16,
    ) -> None:
        super().__init__()
        self.width, self.side, self.dropout, self.lr = width, side, dropout, lr
        self.batch_size = batch_size

    def prepare(self, train: Sequence[Example]) -> Mapping[str, Any]:
        """What is estimated, from training subjects alone, as plain numbers: mean and deviation of each channel."""
        values = np.stack([_motion(e) for e in train])  # (clips, height, width, channels)
        spread = np.maximum(values.std((0, 1, 2)), 1e-6)
        return {"mean": values.mean((0, 1, 2)).tolist(), "std": spread.tolist(), "classes": len(self.classes)}

    def build(self, fitted: Mapping[str, Any]) -> None:
        """Create the layers from what `prepare` returned."""
        self.register_buffer("mean", torch.tensor(fitted["mean"], dtype=torch.float32))
        self.register_buffer("std", torch.tensor(fitted["std"], dtype=torch.float32))
        channels, width = len(fitted["mean"]), self.width
        self.network = nn.Sequential(
            nn.AdaptiveAvgPool2d(self.side),
            nn.Conv2d(channels, width, 5, stride=2, padding=2),
            nn.ReLU(),
            nn.Conv2d(width, 2 * width, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(4),
            nn.Flatten(),
            nn.Dropout(self.dropout),
            nn.Linear(2 * width * 16, fitted["classes"]),
        )

    def samples(
        self, examples: Sequence[Example], rng: np.random.Generator, epoch: int | None = None
    ) -> Sequence[Sample]:
        """Each clip once; a target only in training, when there is an epoch."""
        del rng
        return [_sample(example, learn=epoch is not None) for example in examples]

    def forward(self, motion: Tensor) -> Tensor:
        """Logits (clips, classes) of motion (clips, height, width, channels)."""
        scaled = (motion - self.get_buffer("mean")) / self.get_buffer("std")
        return self.network(scaled.movedim(-1, 1))

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Cross entropy."""
        loss = functional.cross_entropy(self(batch.inputs["motion"]).float(), batch.targets["label"])
        self.log("train/loss", loss, on_step=False, on_epoch=True, batch_size=len(batch.videos))
        return loss

    def predict_step(self, batch: Batch, batch_idx: int) -> list[Window]:
        """Of each clip: "probability" (classes,) float32."""
        chances = self(batch.inputs["motion"]).float().softmax(-1).cpu().numpy()
        return [Window(int(start), {"probability": row}) for start, row in zip(batch.starts, chances, strict=True)]

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Adam."""
        return torch.optim.Adam(self.parameters(), lr=self.lr)


def _motion(example: Example) -> NDArray[np.float32]:
    """Mean over the rows of a clip: (height, width, channels) float32."""
    return np.asarray(example.features.values, dtype=np.float32).mean(axis=0)


def _sample(example: Example, *, learn: bool) -> Sample:
    target = {"label": np.asarray(example.label, dtype=np.int64)} if learn else {}
    return Sample(example.video.key, 0, {"motion": _motion(example)}, target)
