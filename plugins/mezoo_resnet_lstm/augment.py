"""Mirror images, turns and scalings of whole clips, in which vectors of motion turn too."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True, slots=True)
class Augmentation:
    """Whether clips are mirrored (half of them), degrees that they turn at most, share that they grow or shrink."""

    flip: bool
    rotation: float
    zoom: float

    def draw(self, clips: int, device: torch.device) -> Tensor:
        """A map (clips, 2, 2) of each clip, x before y, from torch's generator: mirror, then turn and scale."""
        chance = torch.rand(3, clips, device=device)
        angle = (2 * chance[0] - 1) * math.radians(self.rotation)
        scale = 1 + (2 * chance[1] - 1) * self.zoom
        mirror = torch.where(chance[2] < 0.5, -1.0, 1.0) if self.flip else torch.ones_like(scale)
        cos, sin = scale * angle.cos(), scale * angle.sin()
        return torch.stack([mirror * cos, -sin, mirror * sin, cos], dim=1).view(-1, 2, 2)


def moved(clips: Tensor, maps: Tensor) -> Tensor:
    """Clips (B, T, 3, H, W) of grey, u and v, moved about their middle by maps (B, 2, 2), x before y.

    A place x goes to Ax, and a motion v seen there becomes Av. What comes in from outside is 0.
    """
    frames, _, height, width = clips.shape[1:]
    back = torch.linalg.inv(maps.float())
    aspect = torch.tensor([[1, height / width], [width / height, 1]], device=clips.device)
    affine = functional.pad(back * aspect, (0, 1))  # (B, 2, 3): affine_grid counts in halves of a side
    grid = functional.affine_grid(affine, [len(clips), 1, height, width], align_corners=False)
    places = functional.grid_sample(clips.flatten(1, 2), grid, align_corners=False).unflatten(1, (frames, 3))
    grey, u, v = places.unbind(2)  # (B, T, H, W) each
    a = maps.view(-1, 4, 1, 1, 1)
    return torch.stack([grey, a[:, 0] * u + a[:, 1] * v, a[:, 2] * u + a[:, 3] * v], dim=2)
