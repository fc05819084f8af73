"""From examples to arrays, and what is done to clips on the device: chance views, scale. Pure functions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from mezoo import DataError, Example, Sample

from . import graph

KINETICS_MEAN = (0.43216, 0.394666, 0.37645)
KINETICS_STD = (0.22803, 0.22145, 0.216989)
Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Views:
    """How training clips vary: mirror images, turns up to `rotation` degrees, crops that lose up to a share `crop`."""

    flip: bool
    rotation: float
    crop: float


def shape_of(examples: Sequence[Example]) -> tuple[int, int, int, int]:
    """(c, T, h, w) of all clips. Raises DataError for other features than crops, and for clips that differ."""
    shapes = sorted({e.features.values.shape for e in examples})
    first = shapes[0] if shapes else ()
    dtypes = {e.features.values.dtype for e in examples}
    good = len(first) in (3, 4) and first[3:] in ((), (3,)) and min(first[:3]) >= 2 and min(first[1:3]) >= 16
    if len(shapes) != 1 or not good or dtypes != {np.dtype(np.uint8)}:
        raise DataError(
            f"MER-GCN needs uint8 crops of one size, at least 16x16, as many frames in every clip; they are {shapes}",
            hint="use `clips: {frames: 16, take: linear}` and `features: {use: align, size: 112, grey: false}`",
        )
    return (first[3] if len(first) == 4 else 1, *first[:3])


def pixels(example: Example) -> Pixels:
    """The crops of a clip: (T, h, w, c) uint8."""
    values: Any = example.features.values
    return values if values.ndim == 4 else values[..., None]


def deviation(examples: Sequence[Example]) -> float:
    """Deviation of the clips less their first frames, as a share of full light; at least a tenth of a grey level."""
    total = count = 0.0
    for example in examples:
        clip = pixels(example).astype(np.float32)
        total += float(np.square(clip - clip[:1]).sum(dtype=np.float64))
        count += clip.size
    return max(float(np.sqrt(total / count)), 0.1) / 255


def chosen(labels: Sequence[int], balanced: bool, rng: np.random.Generator) -> list[int]:
    """Clips of an epoch by index: each once, or as many drawn so that every class is as likely."""
    if not balanced:
        return [*range(len(labels))]
    share = 1 / np.bincount(labels)[np.asarray(labels)]
    return rng.choice(len(labels), len(labels), p=share / share.sum()).tolist()


def training_samples(
    examples: Sequence[Example], units: Sequence[int], balanced: bool, rng: np.random.Generator
) -> list[Sample]:
    """Samples with targets "label" () int64, "units" (N,) float32, "labelled" () bool: whether AUs are known."""
    order = chosen([0 if e.label is None else e.label for e in examples], balanced, rng)
    made = [(Sample(e.video.key, 0, {"clip": pixels(e)}, _targets(e, units))) for e in examples]
    return [made[i] for i in order]


def _targets(example: Example, units: Sequence[int]) -> dict[str, NDArray[Any]]:
    shown = graph.units_of(example)
    return {
        "label": np.asarray(example.label, np.int64),
        "units": np.array([unit in (shown or ()) for unit in units], np.float32),
        "labelled": np.asarray(shown is not None),
    }


def asked_samples(examples: Sequence[Example], flip: bool) -> list[Sample]:
    """One sample a clip, without targets; with `flip` its mirror image as a second view, at start 1."""
    return [
        Sample(e.video.key, turned, {"clip": np.ascontiguousarray(pixels(e)[:, :, ::-1]) if turned else pixels(e)})
        for e in examples
        for turned in ((0, 1) if flip else (0,))
    ]


def light(clips: Tensor) -> Tensor:
    """Crops (B, T, h, w, c) uint8 as light (B, c, T, h, w) float32 in [0, 1]."""
    return clips.movedim(-1, 1).float() / 255


def scaled(light: Tensor, difference: bool, centre: Tensor, scale: Tensor) -> Tensor:
    """The network's input: light, or its difference to the first frame, centred and scaled by (c,) or (1,) each."""
    x = light - light[:, :, :1] if difference else light
    return (x - centre.view(1, -1, 1, 1, 1)) / scale.view(1, -1, 1, 1, 1)


def varied(clips: Tensor, views: Views) -> Tensor:
    """Clips (B, c, T, h, w) float seen a little otherwise, all frames of a clip alike, from torch's generator."""
    count, device = len(clips), clips.device
    draw = torch.rand(5, count, device=device)
    angle = torch.deg2rad(views.rotation * (2 * draw[0] - 1))
    side = 1 - views.crop * draw[1]  # share of the picture that is seen
    shift = (2 * draw[2:4] - 1) * (1 - side)  # (2, B): wherever the crop still lies inside
    mirror = 1 - 2 * ((draw[4] < 0.5) & torch.tensor(views.flip, device=device)).float()
    cos, sin = side * angle.cos(), side * angle.sin()
    rows = torch.stack(
        [torch.stack([cos * mirror, -sin, shift[0]], 1), torch.stack([sin * mirror, cos, shift[1]], 1)], 1
    )
    flat = clips.flatten(1, 2)  # (B, c T, h, w)
    grid = functional.affine_grid(rows, [*flat.shape], align_corners=False)  # (B, h, w, 2)
    return functional.grid_sample(flat, grid, padding_mode="border", align_corners=False).view_as(clips)
