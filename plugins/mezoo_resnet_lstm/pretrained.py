"""Weights to begin with: ImageNet's through timm, or a file of the user's."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from torch import Tensor

from mezoo import DataError

from .network import Sizes, plain_trunk


def trunk_weights(size: Sizes, source: Literal[True] | Path) -> Mapping[str, Tensor]:
    """State of the plain trunk: `True` asks timm to download it, a path is read (.safetensors, .pth, .pt, .bin).

    A classifier in the file is left out. Raises DataError where that fails, with what to do without a network.
    """
    if source is True:
        return _from_timm(size)
    weights = {name: tensor for name, tensor in _read(source).items() if not name.startswith("fc.")}
    trunk = plain_trunk(size)
    own = {name: tensor for name, tensor in trunk.state_dict().items() if not name.endswith("num_batches_tracked")}
    wrong = sorted(n for n, tensor in own.items() if getattr(weights.get(n), "shape", None) != tensor.shape)
    if wrong or weights.keys() - trunk.state_dict().keys():
        names = ", ".join((wrong or sorted(weights.keys() - own.keys()))[:3])
        raise DataError(
            f"the weights in {source} are not those of {size.backbone}: {names} do not fit",
            hint="give the state dict of this network from timm or torchvision, with its published widths",
        )
    return {**trunk.state_dict(), **weights}


def _from_timm(size: Sizes) -> Mapping[str, Tensor]:
    try:
        return plain_trunk(size, pretrained=True).state_dict()
    except Exception as error:  # timm, its hub and the network beneath raise whatever they like
        raise DataError(
            f"ImageNet weights of {size.backbone} could not be had: {type(error).__name__}: {error}",
            hint="without a network, get the file elsewhere and set pretrained: PATH; or set pretrained: false",
        ) from error


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise DataError(f"there is no file of weights {path}", hint="pretrained is false, true, or the path of a file")
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        import torch

        found = torch.load(path, map_location="cpu", weights_only=True)
        return dict(found.get("state_dict", found))
    except Exception as error:
        raise DataError(
            f"{path} cannot be read as weights: {type(error).__name__}: {error}",
            hint="give a .safetensors file, or a .pth file that holds a state dict and nothing else",
        ) from error
