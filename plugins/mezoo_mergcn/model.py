"""MER-GCN as a mezoo recogniser: graph of a fold, samples, losses, probabilities."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torchmetrics.functional.classification import multiclass_accuracy

from mezoo import Batch, DataError, Example, Graph, Recognizer, Sample, Window

from . import graph, trunks
from . import samples as cut
from .graph import Normalisation
from .losses import unit_loss
from .network import MERGCNNet, Sizes
from .portable import Portable


class MERGCN(Recognizer):
    """A 3D convolutional network whose features become nodes of action units (AUs), mixed by a graph of the AUs.

    Features: crops (T, h, w) or (T, h, w, 3) uint8, of one size and as many in every clip. The graph is estimated from
    the AU labels of a fold's training clips; clips without AU labels count for the emotions only.
    """

    trunk = ("network.trunk.",)
    sources: ClassVar[Mapping[str, str]] = {
        "backbone": "[inferred] which one; 3D ConvNets are [paper]",
        "width": "[inferred] channels of the first layer of `c3d`; no other trunk has a choice",
        "pretrained": "[inferred] Kinetics weights are not mentioned in what could be read",
        "input": "[inferred] `difference` takes the first frame away, and with it the looks of the person",
        "aus": "[third-party] list of same-lab code for CASME II and SAMM; null takes those that are frequent enough",
        "min_au_samples": "[inferred] training clips that an AU needs where `aus` is null",
        "normalisation": "[inferred] row; `sibling` is [third-party], same-lab code",
        "threshold": "[inferred] null: shares of co-occurrence as they are",
        "node_features": "[inferred]",
        "gcn_width": "[inferred]",
        "gcn_layers": "[inferred] null: 2, or 3 with sagpool, which is [seed] for AU-GACN",
        "slope": "[third-party] same-lab code; so are layers without bias",
        "readout": "[inferred] mean; `sagpool` is the variant in the manner of AU-GACN, [seed]",
        "pool_ratio": "[inferred] share of the nodes that sagpool keeps at each stage",
        "dropout": "[inferred] on the fused features; concatenation is [seed]",
        "au_loss_weight": "[inferred] AU features are [paper]; that they are supervised is not confirmed",
        "max_positive_weight": "[inferred] cap of clips without an AU for each with it",
        "flip": "[inferred] mirror images in training",
        "rotation": "[inferred] degrees, each way, in training",
        "crop": "[inferred] share of the side that a training crop loses at most",
        "flip_when_asked": "[inferred] average over a clip and its mirror image when predicting",
        "balanced": "[inferred] draw training clips so that classes are as likely",
        "lr": "[inferred] Adam",
        "weight_decay": "[inferred]",
        "cosine": "[inferred] half a cosine to 0: a calm last epoch",
        "batch_size": "[inferred] clips",
    }

    def __init__(
        self,
        backbone: Literal["r3d_18", "mc3_18", "r2plus1d_18", "c3d"] = "r3d_18",
        width: int = 64,
        pretrained: bool | str = False,
        input: Literal["rgb", "difference"] = "rgb",
        aus: Sequence[int] | None = (1, 2, 4, 10, 12, 14, 15, 17, 25),
        min_au_samples: int = 5,
        normalisation: Literal["row", "sibling"] = "row",
        threshold: float | None = None,
        node_features: int = 64,
        gcn_width: int = 128,
        gcn_layers: int | None = None,
        slope: float = 0.2,
        readout: Literal["mean", "sagpool"] = "mean",
        pool_ratio: float = 0.5,
        dropout: float = 0.5,
        au_loss_weight: float = 0.5,
        max_positive_weight: float = 20.0,
        flip: bool = True,
        rotation: float = 5.0,
        crop: float = 0.1,
        flip_when_asked: bool = False,
        balanced: bool = False,
        lr: float = 1e-4,
        weight_decay: float = 5e-4,
        cosine: bool = True,
        batch_size: int = 16,
    ) -> None:
        super().__init__()
        self.batch_size = batch_size
        layers = gcn_layers or (3 if readout == "sagpool" else 2)
        self.sizes = Sizes(backbone, width, node_features, gcn_width, layers, slope, readout, pool_ratio, dropout)
        self.pretrained, self.input = pretrained, input
        self.aus, self.min_au_samples = aus, min_au_samples
        self.normalisation: Normalisation = normalisation
        self.threshold, self.max_positive_weight = threshold, max_positive_weight
        self.au_loss_weight = au_loss_weight
        self.views = cut.Views(flip, rotation, crop)
        self.flip_when_asked, self.balanced = flip_when_asked, balanced
        self.lr, self.weight_decay, self.cosine = lr, weight_decay, cosine
        self.prepared = False

    def prepare(self, train: Sequence[Example]) -> Mapping[str, Any]:
        """Shape (c, T, h, w), "aus", "adjacency" (N, N), "positive_weights" (N,), "scale" of the input, "classes".

        From the training clips only. Raises DataError for other features than crops, and where no clip has AUs.
        """
        shape = cut.shape_of(train)
        units = tuple(self.aus) if self.aus is not None else graph.frequent(train, self.min_au_samples)
        if not units or len(set(units)) != len(units):
            raise DataError(f"`aus` is {[*units]}: it must name action units, each once", hint="such as [1, 2, 4, 12]")
        shown = graph.table(train, units)
        self.prepared = True
        return {
            "shape": [*shape],
            "classes": len(self.classes),
            "aus": [*units],
            "adjacency": graph.adjacency(shown, self.normalisation, self.threshold).tolist(),
            "positive_weights": graph.positive_weights(shown, self.max_positive_weight).tolist(),
            "scale": cut.deviation(train) if self.input == "difference" else 1.0,
        }

    def build(self, fitted: Mapping[str, Any]) -> None:
        """Create the network; Kinetics weights are put in only before a training, not where weights are loaded."""
        channels, frames, height, width = self.shape = tuple(fitted["shape"])
        self.units: tuple[int, ...] = tuple(fitted["aus"])
        self.adjacency = np.asarray(fitted["adjacency"], dtype=np.float64)
        self.network = MERGCNNet((channels, frames, height, width), fitted["adjacency"], fitted["classes"], self.sizes)
        if self.pretrained is not False and self.prepared:
            trunks.load_pretrained(self.network.trunk, self.sizes.backbone, self.pretrained)
        centre, scale = (0.0,), (fitted["scale"],)
        if self.pretrained is not False and self.input == "rgb":
            centre, scale = cut.KINETICS_MEAN, cut.KINETICS_STD
        fixed = {"centre": centre, "scale": scale, "positive_weights": fitted["positive_weights"]}
        for name, values in fixed.items():
            self.register_buffer(name, torch.tensor(values, dtype=torch.float32), persistent=False)

    def samples(
        self, examples: Sequence[Example], rng: np.random.Generator, epoch: int | None = None
    ) -> Sequence[Sample]:
        """Each training clip once, or drawn with balanced classes; when asked the clip as it stands, or both views."""
        if epoch is None:
            return cut.asked_samples(examples, self.flip_when_asked)
        return cut.training_samples(examples, self.units, self.balanced, rng)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:  # noqa: ARG002
        """Cross entropy of the emotion + `au_loss_weight` * binary cross entropy of the AUs."""
        answer = self.network(self._scaled(cut.varied(self._light(batch), self.views)))
        targets = batch.targets
        emotion = functional.cross_entropy(answer.emotions.float(), targets["label"])
        units = unit_loss(answer.units, targets["units"], targets["labelled"], self.get_buffer("positive_weights"))
        # Weight 0 too: gradients of zero, not none, keep training on several devices in step.
        loss = emotion + self.au_loss_weight * units
        right = multiclass_accuracy(answer.emotions, targets["label"], len(self.classes), "micro")
        shown = {"train/loss": loss, "train/emotion": emotion, "train/units": units, "train/accuracy": right}
        self.log_dict(shown, on_step=False, on_epoch=True, batch_size=len(batch.videos))
        return loss

    def predict_step(self, batch: Batch, batch_idx: int) -> list[Window]:  # noqa: ARG002
        """ "probability" (C,) float32 of the emotions and "units" (N,) float32 of the AUs, of each sample."""
        answer = self.network(self._scaled(self._light(batch)))
        emotions = answer.emotions.float().softmax(-1).cpu().numpy()  # (B, C)
        units = answer.units.float().sigmoid().cpu().numpy()  # (B, N)
        return [
            Window(int(start), {"probability": emotions[i], "units": units[i]}) for i, start in enumerate(batch.starts)
        ]

    def graphs(self, examples: Sequence[Example]) -> Sequence[Graph]:
        """Co-occurrence of AUs and the adjacency made of it; both are fixed."""
        del examples
        return graph.pictures(self.adjacency, self.normalisation, self.units)

    def portable(self) -> tuple[nn.Module, Mapping[str, Tensor]]:
        """Probabilities of raw crops."""
        channels, *sides = self.shape
        clips = np.random.default_rng(0).integers(0, 256, (4, *sides, channels), dtype=np.uint8)
        fixed = self.get_buffer("centre"), self.get_buffer("scale")
        return Portable(self.network, self.input == "difference", *fixed), {"clip": torch.from_numpy(clips)}

    def configure_optimizers(self) -> Any:
        """Adam, its rate falling to 0 behind the last epoch."""
        adam = torch.optim.Adam(self.parameters(), lr=self.lr, weight_decay=self.weight_decay)
        if not self.cosine:
            return adam
        epochs = self.trainer.max_epochs or 1000
        return [adam], [torch.optim.lr_scheduler.CosineAnnealingLR(adam, epochs)]

    def _light(self, batch: Batch) -> Tensor:
        """Crops (B, T, h, w, c) uint8 as light (B, c, T, h, w) float32 in [0, 1]."""
        return cut.light(batch.inputs["clip"])

    def _scaled(self, light: Tensor) -> Tensor:
        """The network's input: light, or its difference to the first frame, centred and scaled."""
        return cut.scaled(light, self.input == "difference", self.get_buffer("centre"), self.get_buffer("scale"))
