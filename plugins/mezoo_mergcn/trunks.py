"""3D convolutional trunks: a clip (B, c, T, h, w) becomes one vector (B, features)."""

from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from mezoo import DataError

Backbone = Literal["r3d_18", "mc3_18", "r2plus1d_18", "c3d"]
KINETICS = "KINETICS400_V1"


class VideoResNetTrunk(nn.Module):
    """A video ResNet of torchvision without its classifier: 512 features. One channel is served to all three."""

    features = 512

    def __init__(self, name: str) -> None:
        super().__init__()
        from torchvision.models import get_model

        whole: Any = get_model(name, weights=None)
        self.stem: nn.Module = whole.stem
        self.layers = nn.Sequential(whole.layer1, whole.layer2, whole.layer3, whole.layer4)

    def forward(self, clip: Tensor) -> Tensor:
        """(B, 1 or 3, T, h, w) -> (B, 512)."""
        x = self.stem(clip.expand(-1, 3, -1, -1, -1))  # (B, 64, T, h/2, w/2)
        x = self.layers(x)  # (B, 512, T/8, h/16, w/16); mc3_18 keeps T
        # As the library's global pooling, whose gradient has no deterministic kernel on a GPU.
        return x.mean((2, 3, 4))  # (B, 512)


class SmallC3D(nn.Module):
    """A small relative of C3D: four 3x3x3 convolutions with max pooling, then a layer over all places.

    `width` channels in the first, twice as many in each later one; 8 `width` features. Unlike C3D it has one
    convolution a stage, batch normalisation, and a mean over what is left of time. `shape` is (c, T, h, w).
    """

    def __init__(self, shape: tuple[int, int, int, int], width: int) -> None:
        super().__init__()
        channels, _, height, wide = shape
        sizes = [channels, *(width * 2**stage for stage in range(4))]
        self.features = sizes[-1]
        self.stages = nn.Sequential(*(_stage(*sizes[i : i + 2], time=2 if i else 1) for i in range(4)))
        places = -(-height // 16) * -(-wide // 16)
        self.all_places = nn.Linear(self.features * places, self.features)

    def forward(self, clip: Tensor) -> Tensor:
        """(B, c, T, h, w) -> (B, 8 width)."""
        x = self.stages(clip)  # (B, 8 width, T/8, h/16, w/16), rounded up
        x = x.mean(2).flatten(1)  # (B, 8 width * h/16 * w/16)
        return self.all_places(x).relu()  # (B, 8 width)


def _stage(before: int, after: int, time: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv3d(before, after, 3, padding=1, bias=False),
        nn.MaxPool3d((time, 2, 2), ceil_mode=True),  # first, so that what follows has less to do
        nn.BatchNorm3d(after),
        nn.ReLU(inplace=True),
    )


def make(backbone: Backbone, shape: tuple[int, int, int, int], width: int) -> VideoResNetTrunk | SmallC3D:
    """The trunk of a name with fresh weights, for clips of `shape` (c, T, h, w)."""
    return SmallC3D(shape, width) if backbone == "c3d" else VideoResNetTrunk(backbone)


def load_pretrained(trunk: nn.Module, backbone: Backbone, given: bool | str) -> None:
    """Put pre-trained weights into a trunk: torchvision's Kinetics-400 ones, or those of a file in its layout.

    Raises DataError where there are none, where they cannot be fetched or read, and where they do not fit.
    """
    if not isinstance(trunk, VideoResNetTrunk):
        raise DataError(
            f"there are no pre-trained weights for the trunk {backbone!r}", hint="leave `pretrained` out, or use r3d_18"
        )
    found = _fetch(backbone) if isinstance(given, bool) else _read(Path(given).expanduser())
    renamed = {_own_name(name): tensor for name, tensor in found.items() if not name.startswith("fc.")}
    try:
        trunk.load_state_dict(renamed)
    except RuntimeError as error:
        raise DataError(
            f"the pre-trained weights do not fit {backbone}: {error}",
            hint=f"give the state dict of torchvision's {backbone}",
        ) from error


def _own_name(name: str) -> str:
    """`layer1.0.conv1...` of the library is `layers.0.0.conv1...` here."""
    return f"layers.{int(name[5]) - 1}{name[6:]}" if name.startswith("layer") else name


def _fetch(backbone: str) -> dict[str, Tensor]:
    from torchvision.models import get_model_weights

    weights: Any = get_model_weights(backbone)[KINETICS]  # pyright: ignore[reportIndexIssue]
    try:
        return weights.get_state_dict(progress=False, check_hash=True)
    except (OSError, RuntimeError) as error:
        raise DataError(
            f"torchvision could not fetch the Kinetics weights of {backbone}: {error}",
            hint=f"fetch {weights.url} elsewhere and give `pretrained` its path, or say `pretrained: false`",
        ) from error


def _read(path: Path) -> dict[str, Tensor]:
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        return dict(torch.load(path, map_location="cpu", weights_only=True))
    except Exception as error:
        raise DataError(
            f"no weights can be read from {path} ({type(error).__name__}: {error})",
            hint="give a .pth or .safetensors file with the state dict of torchvision's model",
        ) from error
