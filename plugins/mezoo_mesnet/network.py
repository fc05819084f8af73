"""The modules of MESNet.

B clips of N rows (frames), L spatial features a row, D dilations, K proposals a clip, M rows of a resampled proposal.
"""

from dataclasses import dataclass
from math import gcd

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True, slots=True)
class Sizes:
    """Widths, lengths and dilations of all modules."""

    channels: tuple[int, ...]
    temporal: int
    dilations: tuple[int, ...]
    cpn: int
    hidden: int
    pretrain_frames: int
    crn_frames: int
    group_norm: bool


class SpatialNet(nn.Module):
    """Four convolutions with pooling, on each frame alone: (B, N, c, h, w) float32 -> F (B, L, N).

    Pooling before the ReLU gives what pooling after it gives, for a quarter of the work.
    """

    def __init__(self, image: tuple[int, int, int], size: Sizes) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for wide, out in zip((image[0], *size.channels), size.channels, strict=False):
            layers += [nn.Conv2d(wide, out, 3, padding=1), *_norm(out, size), nn.MaxPool2d(2), nn.ReLU()]
        self.layers = nn.Sequential(*layers).to(memory_format=torch.channels_last)
        halvings = 2 ** len(size.channels)
        self.length = size.channels[-1] * (image[1] // halvings) * (image[2] // halvings)
        _he(self)

    def forward(self, frames: Tensor) -> Tensor:
        """At 1x112x112: 16x56x56, 32x28x28, 64x14x14, 64x7x7, so L = 3136."""
        maps = self.layers(frames.flatten(0, 1))  # (B*N, 64, h/16, w/16)
        return maps.flatten(1).unflatten(0, frames.shape[:2]).transpose(1, 2)  # (B, L, N)


class TemporalNet(nn.Module):
    """Two convolutions along time: F (B, L, N) -> S (B, C, N)."""

    def __init__(self, length: int, size: Sizes) -> None:
        super().__init__()
        wide = size.temporal
        self.layers = nn.Sequential(
            nn.Conv1d(length, wide, 3, padding=1), *_norm(wide, size), nn.ReLU(),  # (B, 128, N)
            nn.Conv1d(wide, wide, 3, padding=1), *_norm(wide, size), nn.ReLU(),  # (B, 128, N)
        )  # fmt: skip
        _he(self)

    def forward(self, features: Tensor) -> Tensor:
        """S (B, C, N)."""
        return self.layers(features)


class PretrainHead(nn.Module):
    """Says ME or not of a clip of fixed length: S (B, C, N_pre) -> logits (B, 2)."""

    def __init__(self, size: Sizes) -> None:
        super().__init__()
        self.hidden = nn.Linear(size.temporal * size.pretrain_frames, size.hidden)
        self.output = nn.Linear(size.hidden, 2)
        _he(self, (self.output,))

    def forward(self, states: Tensor) -> Tensor:
        """Logits (B, 2): no ME, ME."""
        hidden = functional.relu(self.hidden(states.flatten(1)))  # (B, 128)
        return self.output(hidden)


class Branch(nn.Module):
    """One scale of the CPN, a window of 1 + 4d rows on S: S (B, C, N) -> logits (B, N, 2)."""

    def __init__(self, size: Sizes, dilation: int) -> None:
        super().__init__()
        self.hidden = nn.Conv1d(size.temporal, size.cpn, 3, padding=dilation, dilation=dilation)
        self.output = nn.Conv1d(size.cpn, 2, 3, padding=dilation, dilation=dilation)
        _he(self, (self.output,))

    def forward(self, states: Tensor) -> Tensor:
        """Logits (B, N, 2) of the clip [t - 2d, t + 2d]."""
        hidden = functional.relu(self.hidden(states))  # (B, 64, N)
        return self.output(hidden).transpose(1, 2)


class ClipProposalNet(nn.Module):
    """CPN, parallel branches of different dilation: S (B, C, N) -> logits (B, D, N, 2)."""

    def __init__(self, size: Sizes) -> None:
        super().__init__()
        self.branches = nn.ModuleList(Branch(size, dilation) for dilation in size.dilations)

    def forward(self, states: Tensor) -> Tensor:
        """Logits (B, D, N, 2): no ME, ME."""
        return torch.stack([branch(states) for branch in self.branches], dim=1)


class ClassificationRegressionNet(nn.Module):
    """CRN: F (B, L, N) and proposals (B, K, 2) in rows -> logits (B, K, 2) and boundary shifts (B, K, 2).

    Has its own two temporal convolutions. The first is applied to F before F is resampled, tap by tap: both steps are
    linear, so the result is that of resampling first, for one product a clip instead of one a proposal.
    """

    def __init__(self, length: int, size: Sizes) -> None:
        super().__init__()
        self.frames = size.crn_frames
        self.first = nn.Conv1d(length, size.temporal, 3, padding=1)
        self.second = nn.Conv1d(size.temporal, size.temporal, 3, padding=1)
        self.hidden = nn.Linear(size.temporal * size.crn_frames, size.hidden)
        self.classes = nn.Linear(size.hidden, 2)
        self.shifts = nn.Linear(size.hidden, 2)
        _he(self, (self.classes, self.shifts))

    def forward(self, features: Tensor, proposals: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (no ME, ME) and shifts (r1, r2), each (B, K, 2)."""
        batch = proposals.shape[:2]
        resampled = functional.relu(self._first(features, proposals))  # (B*K, 128, M)
        states = functional.relu(self.second(resampled))  # (B*K, 128, M)
        hidden = functional.relu(self.hidden(states.flatten(1)))  # (B*K, 128)
        return self.classes(hidden).unflatten(0, batch), self.shifts(hidden).unflatten(0, batch)

    def _first(self, features: Tensor, proposals: Tensor) -> Tensor:
        taps = torch.einsum("ocj,bcn->bnjo", self.first.weight, features)  # (B, N, 3, 128)
        weights = resampling(proposals, self.frames, features.shape[2])  # (B, K, M, N)
        rows = torch.einsum("bkmn,bnjo->bkjom", weights, taps).flatten(0, 1)  # (B*K, 3, 128, M)
        left = functional.pad(rows[:, 0], (1, 0))[..., :-1]
        right = functional.pad(rows[:, 2], (0, 1))[..., 1:]
        bias = self.first.bias
        assert bias is not None
        return left + rows[:, 1] + right + bias[:, None]


def standardised(clip: Tensor, mean: Tensor | None, std: Tensor | None) -> Tensor:
    """Crops (B, N, h, w[, c]) uint8 about a mean crop (B, h, w[, c]), divided by std (B,): (B, N, c, h, w) float32.

    Without these two about the clip's own mean crop, divided by the deviation from it, which is at least 0.1.
    """
    clip = clip.float()
    if mean is None or std is None:
        about = clip.mean(dim=1, keepdim=True)
        std = (clip - about).flatten(1).std(dim=1).clamp(min=0.1)
    else:
        about = mean[:, None]
    frames = (clip - about) / std.reshape(-1, *[1] * (clip.ndim - 1))
    return frames.unsqueeze(2) if frames.ndim == 4 else frames.movedim(-1, 2)


def resampling(proposals: Tensor, frames: int, rows: int) -> Tensor:
    """Weights of linear interpolation at `frames` equidistant points of a..b: (..., 2) -> (..., frames, rows)."""
    steps = torch.linspace(0, 1, frames, device=proposals.device)
    points = proposals[..., :1] + (proposals[..., 1:] - proposals[..., :1]) * steps  # (..., frames)
    grid = torch.arange(rows, device=proposals.device)
    return (1 - (points[..., None] - grid).abs()).clamp(min=0)


def _norm(channels: int, size: Sizes) -> list[nn.Module]:
    return [nn.GroupNorm(gcd(8, channels), channels)] if size.group_norm else []


def _he(module: nn.Module, outputs: tuple[nn.Module, ...] = ()) -> None:
    """He initialisation of every layer before a ReLU; without normalisation the default one lets the signal fade."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv1d | nn.Conv2d | nn.Linear) and layer not in outputs:
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
