"""Adaptive graph attention over facial regions, fused over time.

B clips of T flows, N nodes (regions), F channels of a node, H heads of D channels, A = width of the fused feature.
"""

from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

Adjacency = Literal["add", "mul", "static", "attention"]
Temporal = Literal["conv", "gru", "attention"]


@dataclass(frozen=True, slots=True)
class Sizes:
    """Widths of all layers and which variants they are."""

    heads: int
    head_width: int
    layers: int
    fused: int
    adjacency: Adjacency
    temporal: Temporal
    slope: float
    dropout: float

    @property
    def width(self) -> int:
        """Channels of a node after a layer."""
        return self.heads * self.head_width


class AdaptiveGraphAttention(nn.Module):
    """Attention of each node to all N, with a learnable adjacency A (N, N): (..., N, F) -> (..., N, H * D).

    e_ij = LeakyReLU(a_l . h_i + a_r . h_j) of each head, h = W x; row i of the weights of node i is, over j:
    "add" softmax(e + A), "mul" softmax(e) * (1 + A), "static" softmax(A), "attention" softmax(e). A starts at 0 and is
    shared by the heads. "attention" is graph attention (Velickovic et al., ICLR 2018) on the full graph.
    """

    def __init__(self, wide: int, nodes: int, size: Sizes) -> None:
        super().__init__()
        self.rule, self.slope = size.adjacency, size.slope
        self.split = (size.heads, size.head_width)
        self.project = nn.Linear(wide, size.width, bias=False)
        nn.init.xavier_uniform_(self.project.weight)
        if size.adjacency != "attention":
            self.adjacency = nn.Parameter(torch.zeros(nodes, nodes))
        if size.adjacency != "static":
            self.left = nn.Parameter(nn.init.xavier_uniform_(torch.empty(self.split)))
            self.right = nn.Parameter(nn.init.xavier_uniform_(torch.empty(self.split)))

    def forward(self, nodes: Tensor) -> Tensor:
        """What each node gathers, heads side by side."""
        states = self.project(nodes).unflatten(-1, self.split)  # (..., N, H, D)
        weights = self.weights(states)  # (..., N, N, H)
        if self.rule == "static":
            return torch.einsum("ij,...jhd->...ihd", weights, states).flatten(-2)  # (..., N, H * D)
        return torch.einsum("...ijh,...jhd->...ihd", weights, states).flatten(-2)  # (..., N, H * D)

    def gathered(self, nodes: Tensor) -> Tensor:
        """Weight of node j for node i, mean over clips, flows and heads: (N, N)."""
        weights = self.weights(self.project(nodes).unflatten(-1, self.split))
        return weights if self.rule == "static" else weights.mean(-1).flatten(0, -3).mean(0)

    def weights(self, states: Tensor) -> Tensor:
        """Weight of node j for node i: (..., N, N, H), or (N, N) where it does not depend on the states."""
        if self.rule == "static":
            return self.adjacency.softmax(-1)  # (N, N)
        towards, away = (states * self.left).sum(-1), (states * self.right).sum(-1)  # (..., N, H) each
        scores = functional.leaky_relu(towards.unsqueeze(-2) + away.unsqueeze(-3), self.slope)  # (..., N, N, H)
        if self.rule == "add":
            scores = scores + self.adjacency[..., None]
        shares = scores.softmax(-2)
        return shares * (1 + self.adjacency[..., None]) if self.rule == "mul" else shares


class GraphLayer(nn.Module):
    """Attention, batch normalisation of channels, ELU, dropout, and the input added where it is as wide."""

    def __init__(self, wide: int, nodes: int, size: Sizes) -> None:
        super().__init__()
        self.attention = AdaptiveGraphAttention(wide, nodes, size)
        self.norm = nn.BatchNorm1d(size.width)
        self.dropout = nn.Dropout(size.dropout)

    def forward(self, nodes: Tensor) -> Tensor:
        """Nodes (B, T, N, F) -> (B, T, N, H * D)."""
        gathered = self.attention(nodes)  # (B, T, N, 64)
        normed = self.norm(gathered.flatten(0, 2)).view_as(gathered)  # statistics over B, T, N
        out = self.dropout(functional.elu(normed))
        return out + nodes if out.shape == nodes.shape else out


class TemporalFusion(nn.Module):
    """One vector of a clip from its T graphs, nodes side by side: (B, T, N * F) -> (B, A).

    "conv": a convolution along time, averaged over it. "gru": the last state. "attention": rows projected, then
    averaged with learnt weights.
    """

    def __init__(self, wide: int, size: Sizes) -> None:
        super().__init__()
        self.rule = size.temporal
        if size.temporal == "gru":
            self.gru = nn.GRU(wide, size.fused, batch_first=True)
            return
        self.project = nn.Conv1d(wide, size.fused, 3 if size.temporal == "conv" else 1, padding="same")
        self.norm = nn.BatchNorm1d(size.fused)
        if size.temporal == "attention":
            self.score = nn.Linear(size.fused, 1)

    def forward(self, rows: Tensor) -> Tensor:
        """Fused feature z (B, A)."""
        if self.rule == "gru":
            return self.gru(rows)[1][0]  # (B, 128)
        states = functional.relu(self.norm(self.project(rows.transpose(1, 2))))  # (B, 128, T)
        if self.rule == "conv":
            return states.mean(-1)  # (B, 128)
        shares = self.score(states.transpose(1, 2)).softmax(1)  # (B, T, 1)
        return (states @ shares)[..., 0]  # (B, 128)


class AdaptiveGraphNet(nn.Module):
    """The whole network without its classifier's application: (B, T, N, 2) -> z (B, A)."""

    def __init__(self, nodes: int, classes: int, size: Sizes) -> None:
        super().__init__()
        widths = [2, *[size.width] * size.layers]
        self.layers = nn.Sequential(*(GraphLayer(wide, nodes, size) for wide in widths[:-1]))
        self.fusion = TemporalFusion(nodes * widths[-1], size)
        self.classifier = nn.Linear(size.fused, classes)

    def forward(self, motion: Tensor) -> Tensor:
        """The feature that `classifier` turns into logits (B, classes); the loss needs both."""
        nodes = self.layers(motion)  # (B, 3, 12, 64)
        return self.fusion(nodes.flatten(2))  # (B, 128)

    def gathered(self, motion: Tensor) -> list[Tensor]:
        """Mean weights (N, N) of each graph layer over clips (B, T, N, 2)."""
        found: list[Tensor] = []
        nodes: Any = motion
        for layer in self.layers:
            assert isinstance(layer, GraphLayer)
            found.append(layer.attention.gathered(nodes))
            nodes = layer(nodes)
        return found

    def adjacencies(self) -> list[Tensor | None]:
        """The learnt A (N, N) of each graph layer, None where it has none."""
        return [getattr(layer.attention, "adjacency", None) for layer in self.layers]
