"""ResNet34-LSTM as a mezoo recogniser: samples, training, probabilities."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torchmetrics.functional.classification import multiclass_accuracy

from mezoo import Batch, Example, Recognizer, Sample, Window

from . import samples
from .augment import Augmentation, moved
from .network import ResNetLSTM, Sizes, scaled
from .portable import Portable
from .pretrained import trunk_weights


class ResNet34LSTM(Recognizer):
    """ResNet34 and a bidirectional LSTM, with multi-region attention (MFEM) and multi-level fusion (MFFM).

    Features: those of `evm_flow`, (rows, h, w, 3) uint8, h and w >= 32, the same for all clips, which go from onset to
    apex. `mfem: false, mffm: none` is the paper's base.
    """

    trunk = ("network.trunk.",)
    sources: ClassVar[Mapping[str, str]] = {
        "frames": "[inferred] a fixed number at equal steps is [paper]; the number is not given",
        "backbone": "[paper] ResNet34; any residual network of basic blocks in timm",
        "widths": "[paper] of ResNet34; smaller for a quick look",
        "pretrained": "[inferred] not mentioned; true is ImageNet, a path a file of weights",
        "mfem": "[paper] after each of the four stages",
        "mffm": "[inferred] five interactions are [paper]; which stages interact is not given",
        "reduction": "[inferred] the ratio r is [paper], its value is not given",
        "gem_power": "[inferred] start of the learned p; a p for each channel is [paper]",
        "fim_kernel": "[inferred] of the outer convolution in FIM",
        "fim_relu": "[paper] equation 12 has no activation",
        "hidden": "[inferred] of each direction; a bidirectional LSTM is [paper]",
        "dropout_lstm": "[paper] 0.3 in the dropout layer",
        "dropout_fc": "[paper] 0.5 at the fully connected layer",
        "scale": "[inferred] of motion, by its root mean square in training, or as a share of the bound; not described",
        "flip": "[paper] mirror images in training",
        "rotation": "[inferred] degrees; random turns are [paper]",
        "zoom": "[inferred] share; scaling is [paper]",
        "optimizer": "[paper] SGD; its momentum (0.9, 0.99) looks like Adam's betas, so `adam` has these",
        "lr": "[paper] 1e-2 with cosine annealing",
        "weight_decay": "[inferred] not given",
        "batch_size": "[inferred] clips; not given",
    }

    def __init__(
        self,
        frames: int = 10,
        backbone: str = "resnet34",
        widths: tuple[int, int, int, int] = (64, 128, 256, 512),
        pretrained: bool | Path = False,
        mfem: bool = True,
        mffm: Literal["none", "pairs", "pyramid"] = "pairs",
        reduction: int = 16,
        gem_power: float = 3.0,
        fim_kernel: int = 3,
        fim_relu: bool = False,
        hidden: int = 256,
        dropout_lstm: float = 0.3,
        dropout_fc: float = 0.5,
        scale: Literal["deviation", "bound"] = "deviation",
        flip: bool = True,
        rotation: float = 10.0,
        zoom: float = 0.1,
        optimizer: Literal["sgd", "adam"] = "sgd",
        lr: float = 1e-2,
        weight_decay: float = 5e-4,
        batch_size: int = 8,
    ) -> None:
        super().__init__()
        self.frames, self.pretrained, self.scaling = frames, pretrained, scale
        self.size = Sizes(
            backbone, tuple(widths), mfem, mffm, reduction, gem_power, fim_kernel, fim_relu, hidden, dropout_lstm,
            dropout_fc,
        )  # fmt: skip
        self.augmentation = Augmentation(flip, rotation, zoom)
        self.optimizer, self.lr, self.weight_decay = optimizer, lr, weight_decay
        self.batch_size = batch_size
        self._weights: Mapping[str, Tensor] | None = None

    def prepare(self, train: Sequence[Example]) -> Mapping[str, Any]:
        """Number of classes, size of the pictures, and statistics of grey levels and motion, in bytes.

        Weights to begin with are fetched here, since `build` is called for a trained model too. Raises DataError for
        features that it cannot use, and for weights that cannot be had.
        """
        size = samples.shape_of(train)
        if self.pretrained:
            self._weights = trunk_weights(self.size, self.pretrained)
        return {"classes": len(self.classes), "size": size, **samples.statistics(train)}

    def build(self, fitted: Mapping[str, Any]) -> None:
        """Create the network; its input is centred and scaled with the fitted statistics."""
        self.side: tuple[int, int] = tuple(fitted["size"])
        motion = fitted["motion"] if self.scaling == "deviation" else 1.0
        self.network = ResNetLSTM(self.size, fitted["classes"], self._weights)
        self._weights = None
        self.network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        self.register_buffer("centre", torch.tensor([fitted["mean"], 0.0, 0.0]))
        self.register_buffer("spread", torch.tensor([fitted["deviation"], motion, motion]))

    def samples(
        self, examples: Sequence[Example], rng: np.random.Generator, epoch: int | None = None
    ) -> Sequence[Sample]:
        """Every clip once."""
        del rng
        return [samples.sample(example, self.frames, target=epoch is not None) for example in examples]

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:  # noqa: ARG002
        """Cross entropy of augmented clips (equation 14)."""
        clips = self._clips(batch)
        clips = moved(clips, self.augmentation.draw(len(clips), clips.device))
        logits, labels = self.network(clips).float(), batch.targets["label"]
        loss = functional.cross_entropy(logits, labels)
        right = multiclass_accuracy(logits, labels, len(self.classes), "micro")
        self.log_dict(
            {"train/loss": loss, "train/accuracy": right}, on_step=False, on_epoch=True, batch_size=len(clips)
        )
        return loss

    def predict_step(self, batch: Batch, batch_idx: int) -> list[Window]:  # noqa: ARG002
        """Of each clip: "probability" (classes,) float32."""
        chances = self.network(self._clips(batch)).float().softmax(1).cpu().numpy()
        return [Window(int(start), {"probability": row}) for start, row in zip(batch.starts, chances, strict=True)]

    def portable(self) -> tuple[nn.Module, Mapping[str, Tensor]]:
        """Probabilities of raw pictures."""
        clips = np.random.default_rng(0).integers(0, 256, (4, self.frames, *self.side, 3), dtype=np.uint8)
        module = Portable(self.network, self.get_buffer("centre"), self.get_buffer("spread"))
        return module, {"clip": torch.from_numpy(clips)}

    def configure_optimizers(self) -> Any:
        """SGD with momentum 0.9, or Adam with betas 0.9 and 0.99; rates fall along a half cosine, epoch by epoch."""
        settings: dict[str, Any] = {"lr": self.lr, "weight_decay": self.weight_decay}
        if self.optimizer == "sgd":
            optimizer: torch.optim.Optimizer = torch.optim.SGD(self.parameters(), momentum=0.9, **settings)
        else:
            optimizer = torch.optim.Adam(self.parameters(), betas=(0.9, 0.99), **settings)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, self.trainer.max_epochs or 1000)
        return {"optimizer": optimizer, "lr_scheduler": schedule}

    def _clips(self, batch: Batch) -> Tensor:
        """Centred and scaled clips (B, T, 3, h, w) float32."""
        return scaled(batch.inputs["clip"], self.get_buffer("centre"), self.get_buffer("spread"))
