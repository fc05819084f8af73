"""Three shallow streams over one 28 x 28 map of u, v and strain."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from mezoo import Batch, DataError, Example, Recognizer, Sample, Window


class STSTNet(Recognizer):
    """Three streams of 3, 5 and 8 filters, pooled and joined. Features: maps (1, 28, 28, 3)."""

    sources: ClassVar[Mapping[str, str]] = {
        "filters": "[paper] Liong et al., FG 2019",
        "lr": "[inferred] ten times that of the paper: the stand-in is easy",
        "batch_size": "[paper]",
    }

    def __init__(self, filters: tuple[int, ...] = (3, 5, 8), lr: float = 5e-4, batch_size: int = 256) -> None:
        super().__init__()
        self.filters, self.lr, self.batch_size = filters, lr, batch_size

    def prepare(self, train: Sequence[Example]) -> Mapping[str, Any]:
        shapes = {example.features.values.shape for example in train}
        if shapes != {(1, 28, 28, 3)}:
            raise DataError(f"STSTNet needs (1, 28, 28, 3), got {sorted(shapes)}", hint="use the feature flow_maps")
        return {"classes": len(self.classes)}

    def build(self, fitted: Mapping[str, Any]) -> None:
        self.streams = nn.ModuleList(
            nn.Sequential(nn.Conv2d(3, n, 3, padding=1), nn.ReLU(), nn.MaxPool2d(3, 3, 1), nn.Dropout(0.2))
            for n in self.filters
        )
        self.pool = nn.AvgPool2d(2)
        self.output = nn.Linear(25 * sum(self.filters), fitted["classes"])

    def samples(self, examples: Sequence[Example], rng: np.random.Generator, epoch: int | None = None) -> list[Sample]:
        def target(example: Example) -> dict[str, Any]:
            return {} if epoch is None else {"label": np.asarray(example.label)}

        return [Sample(e.video.key, 0, {"map": e.features.values[0]}, target(e)) for e in examples]

    def forward(self, maps: Tensor) -> Tensor:
        image = maps.movedim(-1, 1)
        joined = torch.cat([stream(image) for stream in self.streams], dim=1)
        return self.output(self.pool(joined).flatten(1))

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        loss = nn.functional.cross_entropy(self(batch.inputs["map"]), batch.targets["label"])
        self.log("train/loss", loss, on_step=False, on_epoch=True, batch_size=len(batch.videos))
        return loss

    def predict_step(self, batch: Batch, batch_idx: int) -> list[Window]:
        chances = self(batch.inputs["map"]).softmax(-1).cpu().numpy()
        return [Window(int(s), {"probability": p}) for s, p in zip(batch.starts, chances, strict=True)]

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.parameters(), lr=self.lr)
