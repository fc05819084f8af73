"""The network: a ResNet with attention after its stages, fused, and an LSTM over the frames of a clip."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import timm
import torch
from timm.models.resnet import ResNet
from torch import Tensor, nn

from mezoo import DataError

from .attention import MultiRegion
from .evm_flow import STEPS, STILL
from .fusion import MultiLevel

WIDTHS = (64, 128, 256, 512)


@dataclass(frozen=True, slots=True)
class Sizes:
    """What the network is made of; fields as the arguments of ResNet34LSTM of these names."""

    backbone: str
    widths: tuple[int, ...]
    mfem: bool
    mffm: Literal["none", "pairs", "pyramid"]
    reduction: int
    power: float
    fim_kernel: int
    fim_relu: bool
    hidden: int
    dropout_lstm: float
    dropout_fc: float


class ResNetLSTM(nn.Module):
    """Clips (B, T, 3, H, W) float32 -> logits (B, classes).

    `weights`, if given, are those of the plain trunk: see `pretrained`. With MFEM, stages 2 to 4 take twice the
    channels: X_k beside what the stage itself gave.
    """

    def __init__(self, size: Sizes, classes: int, weights: Mapping[str, Tensor] | None = None) -> None:
        super().__init__()
        self.trunk = plain_trunk(size)
        if weights is not None:
            self.trunk.load_state_dict(weights)
        stages = [self.trunk.get_submodule(f"layer{k}") for k in range(1, 5)]
        widths = [int(info["num_chs"]) for info in self.trunk.feature_info[-4:]]
        self.regions = nn.ModuleList()
        if size.mfem:
            self.regions.extend(MultiRegion(width, size.reduction, size.power) for width in widths)
            for stage in stages[1:]:
                widen(stage)
        self.levels = None
        if size.mffm != "none":
            self.levels = MultiLevel(widths, size.mffm, size.fim_kernel, size.fim_relu)
        length = widths[-1] if self.levels is None else self.levels.length
        self.lstm = nn.LSTM(length, size.hidden, batch_first=True, bidirectional=True)
        self.dropout = nn.Sequential(nn.Dropout(size.dropout_lstm), nn.Dropout(size.dropout_fc))
        self.classify = nn.Linear(2 * size.hidden, classes)

    def forward(self, clips: Tensor) -> Tensor:
        """Logits (B, classes)."""
        maps = self.stages(clips.flatten(0, 1))  # X_1 to X_4 of B*T pictures
        vectors = maps[-1].mean((2, 3)) if self.levels is None else self.levels(maps)  # F (B*T, 2304)
        _, (states, _) = self.lstm(vectors.unflatten(0, clips.shape[:2]))  # (2, B, 256), last forward, first backward
        return self.classify(self.dropout(states.transpose(0, 1).flatten(1)))  # (B, 512) -> (B, classes)

    def stages(self, pictures: Tensor) -> list[Tensor]:
        """X_1 to X_4 of pictures (N, 3, H, W); at 224 px 64x56x56, 128x28x28, 256x14x14, 512x7x7."""
        trunk = self.trunk
        for name in ("conv1", "bn1", "act1", "maxpool"):
            pictures = trunk.get_submodule(name)(pictures)  # at last (N, 64, 56, 56)
        found: list[Tensor] = []
        given = pictures
        for k in range(4):
            made = trunk.get_submodule(f"layer{k + 1}")(given)  # (N, C_k, H_k, W_k)
            found.append(self.regions[k](made) if self.regions else made)
            given = torch.cat([found[-1], made], dim=1) if self.regions else made  # (N, 2 C_k, H_k, W_k)
        return found


def scaled(clips: Tensor, centre: Tensor, spread: Tensor) -> Tensor:
    """Clips of `evm_flow` (B, T, h, w, 3) uint8, decoded, centred and scaled by (3,) each: (B, T, 3, h, w) float32."""
    clips = clips.float()
    roots = (clips[..., 1:] - STILL) / STEPS
    clips = torch.cat([clips[..., :1], roots * roots.abs()], dim=-1)  # motion as a share of the bound
    return ((clips - centre) / spread).movedim(-1, 2)


def plain_trunk(size: Sizes, pretrained: bool = False) -> ResNet:
    """The residual network without its classifier, as timm makes it. Raises DataError if it is none, or unknown."""
    if not timm.is_model(size.backbone) or timm.model_entrypoint(size.backbone).__module__ != ResNet.__module__:
        raise DataError(
            f"timm has no residual network {size.backbone!r}", hint="such as resnet34, resnet18, resnet10t or resnet50"
        )
    widths: dict[str, Any] = {} if size.widths == WIDTHS else {"channels": size.widths}
    return timm.create_model(size.backbone, pretrained, num_classes=0, global_pool="", **widths)  # pyright: ignore


def widen(stage: nn.Module) -> None:
    """Let a stage take twice the channels: both convolutions on the input of its first block are doubled in place."""
    block = stage.get_submodule("0")
    double(block.get_submodule("conv1"))
    double(next(layer for layer in block.get_submodule("downsample").children() if isinstance(layer, nn.Conv2d)))


def double(layer: nn.Module) -> None:
    """Give a convolution twice the input, each half with half the weights: a repeated input gives what it gave."""
    assert isinstance(layer, nn.Conv2d)
    layer.weight = nn.Parameter(torch.cat([layer.weight, layer.weight], dim=1).detach() / 2)
    layer.in_channels *= 2
