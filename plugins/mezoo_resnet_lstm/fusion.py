"""MFFM, the multi-level feature fusion module: stages of the trunk in pairs, pooled and put side by side.

N pictures (clips times frames). Section 2.1.3 of the paper.
"""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

Pairing = Literal["pairs", "pyramid"]
PAIRS: dict[Pairing, tuple[tuple[int, int], ...]] = {
    "pairs": ((0, 1), (1, 2), (2, 3), (0, 2), (1, 3)),
    "pyramid": ((0, 1), (1, 2), (2, 3), (4, 5), (5, 6)),
}
"""Of each interaction: the larger and the smaller map. 0 to 3 are X_1 to X_4, and 4 on are the interactions before."""


class Interaction(nn.Module):
    """FIM, equation 12: BN(conv(X1 beside up(conv(X2)))), where X1 is the larger map."""

    def __init__(self, larger: int, smaller: int, kernel: int, relu: bool) -> None:
        super().__init__()
        both = larger + smaller
        self.inner = nn.Conv2d(smaller, smaller, 1)
        self.outer = nn.Conv2d(both, both, kernel, padding=kernel // 2)
        self.norm = nn.BatchNorm2d(both)
        self.relu = relu

    def forward(self, larger: Tensor, smaller: Tensor) -> Tensor:
        """(N, C1, H1, W1) and (N, C2, H2, W2) -> Y (N, C1 + C2, H1, W1)."""
        raised = functional.interpolate(self.inner(smaller), larger.shape[2:], mode="bilinear")  # (N, C2, H1, W1)
        mixed = self.norm(self.outer(torch.cat([larger, raised], dim=1)))  # (N, C1 + C2, H1, W1)
        return functional.relu(mixed) if self.relu else mixed


class MultiLevel(nn.Module):
    """MFFM, equation 13: X_1 to X_4, each (N, C_k, H_k, W_k) -> F (N, length), five interactions averaged over places.

    With ResNet34 `length` is 2304 for "pairs" (192 + 384 + 768 + 320 + 640) and 3072 for "pyramid" (192 + 384 + 768 +
    576 + 1152, the last two of neighbouring interactions).
    """

    def __init__(self, widths: Sequence[int], pairing: Pairing, kernel: int = 3, relu: bool = False) -> None:
        super().__init__()
        self.pairs = PAIRS[pairing]
        wide = list(widths)
        self.interactions = nn.ModuleList()
        for a, b in self.pairs:
            self.interactions.append(Interaction(wide[a], wide[b], kernel, relu))
            wide.append(wide[a] + wide[b])
        self.length = sum(wide[4:])

    def forward(self, stages: Sequence[Tensor]) -> Tensor:
        """F (N, length)."""
        maps = list(stages)
        for interact, (a, b) in zip(self.interactions, self.pairs, strict=True):
            maps.append(interact(maps[a], maps[b]))  # Y_i (N, C_a + C_b, H_a, W_a)
        return torch.cat([made.mean((2, 3)) for made in maps[4:]], dim=1)
