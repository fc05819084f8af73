"""MFEM, the multi-region feature extraction module: two branches of spatial and complementary channel attention.

N pictures (clips times frames) of C channels. Section 2.1.2 of the paper.
"""

import math

import torch
from torch import Tensor, nn

_TINY = 1e-6


class SpatialAttention(nn.Module):
    """SAM, equations 1 to 4: (N, C, H, W) -> the same, times one weight a place. The pooling is over channels."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 1, 7, padding=3, bias=False)

    def forward(self, maps: Tensor) -> Tensor:
        """X_s (N, C, H, W)."""
        pooled = torch.cat([maps.amax(1, keepdim=True), maps.mean(1, keepdim=True)], dim=1)  # (N, 2, H, W)
        return maps * self.conv(pooled).sigmoid()  # weights (N, 1, H, W)


class GeneralisedMean(nn.Module):
    """Equation 5, (mean of x^p)^(1/p) of every channel with a p of its own: (N, C, H, W) -> (N, C) float32.

    p = 1 is the mean, p -> infinity the maximum; a p below 1 counts as 1, and x below 1e-6 as that. In logarithms,
    since x^p overflows.
    """

    def __init__(self, channels: int, power: float) -> None:
        super().__init__()
        self.power = nn.Parameter(torch.full((channels,), float(power)))

    def forward(self, maps: Tensor) -> Tensor:
        """One value a channel (N, C)."""
        logs = maps.float().clamp(min=_TINY).log().flatten(2)  # (N, C, HW)
        power = self.power.float().clamp(min=1)[:, None]  # (C, 1)
        sums = (logs * power).logsumexp(2) - math.log(logs.shape[2])  # (N, C)
        return (sums / power[:, 0]).exp()


class ChannelAttention(nn.Module):
    """CAM, equations 5 to 7: weights (N, C, 1, 1) in (0, 1) of the channels of (N, C, H, W)."""

    def __init__(self, channels: int, reduction: int, power: float) -> None:
        super().__init__()
        narrow = max(1, channels // reduction)
        self.pool = GeneralisedMean(channels, power)
        self.mlp = nn.Sequential(nn.Linear(channels, narrow), nn.ReLU(), nn.Linear(narrow, channels))

    def forward(self, maps: Tensor) -> Tensor:
        """g (N, C, 1, 1)."""
        return self.mlp(self.pool(maps)).sigmoid()[..., None, None]


class ComplementaryAttention(nn.Module):
    """CCAM, equations 6 to 11: the channels that stand out, and what stands out in the rest, added."""

    def __init__(self, channels: int, reduction: int, power: float) -> None:
        super().__init__()
        self.main = ChannelAttention(channels, reduction, power)
        self.rest = ChannelAttention(channels, reduction, power)

    def forward(self, maps: Tensor) -> Tensor:
        """X_c1 + X_c2s (N, C, H, W)."""
        main, rest = self.split(maps)
        return main + rest * self.rest(rest)

    def split(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """X_c1 = X g1 and X_c2 = X g2 with g2 = 1 - g1, (N, C, H, W) each: they add up to X."""
        weights = self.main(maps)  # g1 (N, C, 1, 1)
        return maps * weights, maps * (1 - weights)


class MultiRegion(nn.Module):
    """MFEM: SAM then CCAM, beside CCAM then SAM, added: (N, C, H, W) -> X_k (N, C, H, W)."""

    def __init__(self, channels: int, reduction: int, power: float) -> None:
        super().__init__()
        self.spatial_first = nn.Sequential(SpatialAttention(), ComplementaryAttention(channels, reduction, power))
        self.channel_first = nn.Sequential(ComplementaryAttention(channels, reduction, power), SpatialAttention())

    def forward(self, maps: Tensor) -> Tensor:
        """X_k (N, C, H, W)."""
        return self.spatial_first(maps) + self.channel_first(maps)
