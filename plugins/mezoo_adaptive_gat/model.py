"""Adaptive GAT with temporal fusion as a mezoo recogniser: samples, the loss and its schedule, probabilities."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torchmetrics.functional.classification import multiclass_accuracy

from mezoo import Batch, Example, Graph, Recognizer, Sample, Window

from . import pictures
from . import samples as cut
from .losses import ISDA, Weighting, class_weights, isda_loss
from .network import AdaptiveGraphNet, Sizes
from .portable import Portable


class AdaptiveGAT(Recognizer):
    """Graph attention over facial regions with a learnt adjacency, fused over the flows of a clip.

    Features: motion of regions (rows, nodes, 2), as `roi_flow` makes it, as many rows in every clip; four key frames
    give (3, 12, 2). A fold's training clips alone give scale and class weights.
    """

    trunk = ("network.layers.", "network.fusion.")
    sources: ClassVar[Mapping[str, str]] = {
        "heads": "[inferred] their number and width; that attention is used is [paper]",
        "head_width": "[inferred]",
        "layers": "[inferred]",
        "adjacency": "[inferred] rule; that the spatial graph is learnt is [paper]",
        "temporal": "[inferred] module; that graphs are fused over time is [paper]",
        "fused": "[inferred] width of the feature that ISDA works on",
        "slope": "[inferred] as in graph attention networks",
        "dropout": "[inferred]",
        "isda": "[code] of ISDA: strength at the end, growing with the epoch; that ISDA is used is [paper]",
        "shrinkage": "[inferred] 0 is ISDA as published; more for rare classes",
        "class_weight": "[inferred] form; that the loss is weighted by the data is [paper]",
        "effective_beta": "[inferred] only for class_weight: effective",
        "flip": "[inferred] mirror images in training",
        "mirror": "[inferred] nodes that a mirror image swaps; the twelve regions are [code]",
        "flip_when_asked": "[inferred] average over a clip and its mirror image when predicting",
        "noise": "[inferred] deviation of noise on standardised motion",
        "lr": "[inferred] Adam",
        "weight_decay": "[inferred]",
        "cosine": "[inferred] half a cosine to 0: a calm last epoch",
        "batch_size": "[inferred] clips",
    }

    def __init__(
        self,
        heads: int = 4,
        head_width: int = 16,
        layers: int = 2,
        adjacency: Literal["add", "mul", "static", "attention"] = "add",
        temporal: Literal["conv", "gru", "attention"] = "conv",
        fused: int = 128,
        slope: float = 0.2,
        dropout: float = 0.3,
        isda: float = 0.5,
        shrinkage: float = 0.0,
        class_weight: Literal["inverse", "effective", "none"] = "inverse",
        effective_beta: float = 0.99,
        flip: bool = True,
        mirror: Sequence[Sequence[int]] = ((0, 5), (1, 4), (2, 3), (8, 10)),
        flip_when_asked: bool = False,
        noise: float = 0.05,
        lr: float = 1e-3,
        weight_decay: float = 1e-4,
        cosine: bool = True,
        batch_size: int = 32,
    ) -> None:
        super().__init__()
        self.batch_size = batch_size
        self.sizes = Sizes(heads, head_width, layers, fused, adjacency, temporal, slope, dropout)
        self.strength, self.shrinkage = isda, shrinkage
        self.class_weight: Weighting = class_weight
        self.effective_beta = effective_beta
        self.flip, self.mirror, self.flip_when_asked = flip, mirror, flip_when_asked
        self.noise = noise
        self.lr, self.weight_decay, self.cosine = lr, weight_decay, cosine

    def prepare(self, train: Sequence[Example]) -> Mapping[str, Any]:
        """{"flows", "nodes", "mean" [u, v], "std" [u, v], "weights" of the classes}.

        Raises DataError for other features.
        """
        turning = self.flip or self.flip_when_asked
        flows, nodes = cut.shape_of(train, self.mirror if turning else ())
        mean, std = cut.scale(train, self.mirror if self.flip else None)
        counts = cut.counts_of(train, len(self.classes))
        weights = class_weights(counts, self.class_weight, self.effective_beta)
        return {"flows": flows, "nodes": nodes, "mean": mean, "std": std, "weights": weights}

    def build(self, fitted: Mapping[str, Any]) -> None:
        """Create the network and ISDA's statistics; scale and weights, being fitted, are no state."""
        classes = len(fitted["weights"])
        self.fitted = fitted
        self.network = AdaptiveGraphNet(fitted["nodes"], classes, self.sizes)
        self.isda = ISDA(classes, self.sizes.fused, self.shrinkage)
        for name in ("mean", "std", "weights"):
            self.register_buffer(name, torch.tensor(fitted[name], dtype=torch.float32), persistent=False)

    def samples(
        self, examples: Sequence[Example], rng: np.random.Generator, epoch: int | None = None
    ) -> Sequence[Sample]:
        """Each clip once, about half of them mirrored in training; when asked as it stands, or in both views."""
        if epoch is None:
            return cut.asked_samples(examples, self.mirror if self.flip_when_asked else None)
        return cut.training_samples(examples, self.mirror if self.flip else None, rng)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:  # noqa: ARG002
        """Class-weighted ISDA loss; its strength grows in proportion to the epoch."""
        motion = self._standard(batch.inputs["motion"])
        motion = motion + self.noise * torch.randn_like(motion)
        features, labels = self.network(motion), batch.targets["label"]
        loss, logits = isda_loss(
            self.isda, features, labels, self.network.classifier, self._strength(), self.get_buffer("weights")
        )
        shown = {"train/loss": loss, "train/accuracy": multiclass_accuracy(logits, labels, len(self.classes), "micro")}
        self.log_dict(shown, on_step=False, on_epoch=True, batch_size=len(labels))
        return loss

    def predict_step(self, batch: Batch, batch_idx: int) -> list[Window]:  # noqa: ARG002
        """ "probability" (classes,) float32 of each sample."""
        features = self.network(self._standard(batch.inputs["motion"]))
        chances = self.network.classifier(features).float().softmax(-1)  # (B, C)
        return [
            Window(int(start), {"probability": chance.cpu().numpy()})
            for start, chance in zip(batch.starts, chances, strict=True)
        ]

    def portable(self) -> tuple[nn.Module, Mapping[str, Tensor]]:
        """Probabilities of raw motion."""
        shape = self.fitted["flows"], self.fitted["nodes"], 2
        mean, std = self.get_buffer("mean"), self.get_buffer("std")
        motion = mean.cpu() + std.cpu() * torch.randn(4, *shape, generator=torch.Generator().manual_seed(0))
        return Portable(self.network, mean, std), {"motion": motion}

    def graphs(self, examples: Sequence[Example]) -> Sequence[Graph]:
        """Of each graph layer, where its nodes look in these clips, and the adjacency that it has learnt."""
        found = []
        if examples:
            motion = torch.from_numpy(np.stack([cut.motion_of(e) for e in examples])).to(self.device)
            found = [w.float().cpu().numpy() for w in self.network.gathered(self._standard(motion))]
        learnt = [None if a is None else a.detach().float().cpu().numpy() for a in self.network.adjacencies()]
        return pictures.pictures(found, learnt, self.sizes.adjacency)

    def configure_optimizers(self) -> Any:
        """Adam, its rate falling to 0 behind the last epoch."""
        adam = torch.optim.Adam(self.parameters(), lr=self.lr, weight_decay=self.weight_decay)
        if not self.cosine:
            return adam
        return [adam], [torch.optim.lr_scheduler.CosineAnnealingLR(adam, self._epochs())]

    def _standard(self, motion: Tensor) -> Tensor:
        """(B, T, N, 2) float32 with the mean and deviation of the training clips taken out."""
        return (motion.float() - self.get_buffer("mean")) / self.get_buffer("std")

    def _strength(self) -> float:
        """Lambda: 0 in the first epoch, `isda` behind the last."""
        return self.strength * self.current_epoch / self._epochs()

    def _epochs(self) -> int:
        """Epochs of the training; Lightning's own default is 1000."""
        return self.trainer.max_epochs or 1000
