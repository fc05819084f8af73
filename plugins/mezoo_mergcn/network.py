"""MER-GCN's figure: 3D trunk, a node for each action unit (AU), graph convolutions, fusion."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch_geometric.nn import GCNConv, SAGPooling, global_max_pool, global_mean_pool

from . import graph
from .trunks import Backbone, make

Readout = Literal["mean", "sagpool"]


@dataclass(frozen=True, slots=True)
class Sizes:
    """Fields as the arguments of MERGCN of these names; `gcn_layers` is resolved."""

    backbone: Backbone
    width: int
    node_features: int
    gcn_width: int
    gcn_layers: int
    slope: float
    readout: Readout
    pool_ratio: float
    dropout: float


class Answer(NamedTuple):
    """Logits of the emotions (B, C) and of the AUs (B, N)."""

    emotions: Tensor
    units: Tensor


class Graph(nn.Module):
    """Graph convolutions over the AU nodes with a fixed adjacency, H' = LeakyReLU(A H W), and the mean of the nodes.

    PyG's GCNConv without its own normalisation is that product for any A; its dense layer would normalise once more.
    `adjacency` (N, N) is not kept with the weights: it belongs to the fold, whose `prepare` estimated it.
    """

    def __init__(self, adjacency: Sequence[Sequence[float]], size: Sizes) -> None:
        super().__init__()
        edges, weights = graph.edges(adjacency)
        self.register_buffer("edges", torch.from_numpy(edges), persistent=False)
        self.register_buffer("weights", torch.from_numpy(weights), persistent=False)
        self.slope = size.slope
        self.features = size.gcn_width
        self.layers = nn.ModuleList(
            GCNConv(size.gcn_width if i else size.node_features, size.gcn_width, bias=False, normalize=False)
            for i in range(size.gcn_layers)
        )

    def forward(self, nodes: Tensor) -> Tensor:
        """(B, N, node_features) -> (B, gcn_width)."""
        x = nodes
        for layer in self.layers:
            x = self.activate(layer(x, self.get_buffer("edges"), self.get_buffer("weights")))  # (B, N, gcn_width)
        return x.mean(1)  # (B, gcn_width)

    def activate(self, x: Tensor) -> Tensor:
        """What follows a graph convolution."""
        return functional.leaky_relu(x, self.slope)


class PooledGraph(Graph):
    """The variant in the manner of AU-GACN: after each graph convolution self-attention pooling keeps the best nodes.

    Means and maxima over the nodes that are left are summed over the stages, as in hierarchical SAGPool.
    """

    def __init__(self, adjacency: Sequence[Sequence[float]], size: Sizes) -> None:
        super().__init__(adjacency, size)
        self.features = 2 * size.gcn_width
        self.pools = nn.ModuleList(SAGPooling(size.gcn_width, size.pool_ratio) for _ in self.layers)

    def forward(self, nodes: Tensor) -> Tensor:
        """(B, N, node_features) -> (B, 2 gcn_width)."""
        clips, n = nodes.shape[:2]
        first = n * torch.arange(clips, device=nodes.device)  # (B,) first node of each clip
        edges = (self.get_buffer("edges")[:, None] + first[:, None]).flatten(1)  # (2, B E)
        weights: Any = self.get_buffer("weights").repeat(clips)  # (B E,)
        owner = torch.arange(clips, device=nodes.device).repeat_interleave(n)  # (B N,)
        x, stages = nodes.flatten(0, 1).float(), []  # (B N, node_features)
        for layer, pool in zip(self.layers, self.pools, strict=True):
            x = self.activate(layer(x, edges, weights))  # (nodes left, gcn_width)
            x, edges, weights, owner, _, _ = pool(x, edges, weights, owner)
            stages.append(torch.cat([global_mean_pool(x, owner, clips), global_max_pool(x, owner, clips)], dim=1))
        return torch.stack(stages).sum(0)  # (B, 2 gcn_width)


class MERGCNNet(nn.Module):
    """`adjacency` (N, N) as estimated; `shape` (c, T, h, w) of the clips; `classes` emotions."""

    def __init__(
        self, shape: tuple[int, int, int, int], adjacency: Sequence[Sequence[float]], classes: int, size: Sizes
    ) -> None:
        super().__init__()
        n = len(adjacency)
        self.trunk = make(size.backbone, shape, size.width)
        self.nodes = nn.Linear(self.trunk.features, n * size.node_features)  # N parallel layers
        self.units = nn.Conv1d(n * size.node_features, n, 1, groups=n)  # a layer of its own for each node
        self.graph = (PooledGraph if size.readout == "sagpool" else Graph)(adjacency, size)
        self.dropout = nn.Dropout(size.dropout)
        self.classifier = nn.Linear(self.trunk.features + self.graph.features, classes)

    def forward(self, clips: Tensor) -> Answer:
        """(B, c, T, h, w) -> emotions (B, C), AUs (B, N)."""
        clip = self._seen(clips)  # (B, features)
        nodes = self.nodes(clip).relu()  # (B, N node_features)
        units = self.units(nodes.unsqueeze(-1)).squeeze(-1)  # (B, N)
        mixed = self.graph(nodes.unflatten(1, (units.shape[1], -1)))  # (B, graph features)
        fused = torch.cat([clip, mixed.to(clip.dtype)], dim=1)  # (B, features + graph features)
        return Answer(self.classifier(self.dropout(fused)), units)

    def _seen(self, clips: Tensor) -> Tensor:
        """What the trunk makes of clips. On a CPU not in bfloat16: there, gradients of Conv3d are NaN now and then."""
        if clips.device.type != "cpu":
            return self.trunk(clips)
        with torch.autocast("cpu", enabled=False):
            return self.trunk(clips.to(self.nodes.weight.dtype))
