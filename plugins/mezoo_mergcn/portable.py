"""MER-GCN for other programs: raw crops of a clip in, probabilities out. Graph layers as products of matrices."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from .network import Graph, MERGCNNet, PooledGraph
from .samples import light, scaled


class DenseGraph(nn.Module):
    """What `Graph` and `PooledGraph` compute, with the whole adjacency (N, N) in place of a list of edges."""

    def __init__(self, graph: Graph, nodes: int) -> None:
        super().__init__()
        self.sparse = graph
        source, target = graph.get_buffer("edges")
        adjacency = torch.zeros(nodes, nodes, device=source.device)
        adjacency[target, source] = graph.get_buffer("weights")
        self.register_buffer("adjacency", adjacency)

    def forward(self, nodes: Tensor) -> Tensor:
        """(B, N, node_features) -> (B, features)."""
        own, x, adjacency = self.sparse, nodes, self.get_buffer("adjacency")
        if not isinstance(own, PooledGraph):
            for layer in own.layers:
                x = own.activate(adjacency @ layer.get_submodule("lin")(x))  # (B, N, gcn_width)
            return x.mean(1)
        adjacency, stages = adjacency.expand(x.shape[0], -1, -1), []
        for layer, pool in zip(own.layers, own.pools, strict=True):
            x, adjacency = _pooled(own.activate(adjacency @ layer.get_submodule("lin")(x)), adjacency, pool)
            stages.append(torch.cat([x.mean(1), x.amax(1)], dim=1))
        return torch.stack(stages).sum(0)  # (B, 2 gcn_width)


def _pooled(x: Tensor, adjacency: Tensor, pool: Any) -> tuple[Tensor, Tensor]:
    """The best nodes of (B, N, F), times their scores, and the adjacency (B, K, K) between them: SAGPooling.

    The score of a node is a graph convolution over the bare edges, without weights. Lee et al., ICML 2019.
    """
    raw = pool.gnn.lin_rel((adjacency != 0).to(x.dtype) @ x) + pool.gnn.lin_root(x)  # (B, N, 1)
    weight = pool.select.weight  # (1, 1)
    best, order = torch.tanh(raw @ (weight / weight.norm()))[..., 0].topk(_kept(x.shape[1], pool.ratio), dim=1)
    x = x.gather(1, order[..., None].expand(-1, -1, x.shape[2])) * best[..., None]
    adjacency = adjacency.gather(1, order[..., None].expand(-1, -1, adjacency.shape[2]))
    return x, adjacency.gather(2, order[:, None].expand(-1, adjacency.shape[1], -1))


def _kept(nodes: int, ratio: float) -> int:
    """Nodes that SAGPooling keeps, counted in single precision as there: K."""
    return int(np.ceil(np.float32(ratio) * np.float32(nodes))) if ratio < 1 else min(int(ratio), nodes)


class Portable(nn.Module):
    """The network with the scale of the training clips before it, a softmax and a sigmoid behind it."""

    def __init__(self, network: MERGCNNet, difference: bool, centre: Tensor, scale: Tensor) -> None:
        super().__init__()
        self.network, self.difference = network, difference
        self.mixing = DenseGraph(network.graph, network.units.out_channels)
        self.register_buffer("centre", centre)
        self.register_buffer("scale", scale)

    def forward(self, clip: Tensor) -> dict[str, Tensor]:
        """Probability of every class, and of every action unit, of clips.

        - `clip` (batch, frames, height, width, 1 or 3) uint8: grey or RGB crops.
        - `probability` (batch, classes) float32. With `flip_when_asked` in the recipe, mezoo takes the mean over a clip
          and its mirror image.
        - `units` (batch, action units) float32, in the order of the weights' card.
        """
        own = self.network
        seen = own.trunk(scaled(light(clip), self.difference, self.get_buffer("centre"), self.get_buffer("scale")))
        nodes = own.nodes(seen).relu()  # (B, N node_features)
        units = own.units(nodes.unsqueeze(-1)).squeeze(-1)  # (B, N)
        mixed = self.mixing(nodes.unflatten(1, (units.shape[1], -1)))  # (B, graph features)
        emotions = own.classifier(torch.cat([seen, mixed], dim=1))
        return {"probability": emotions.softmax(-1), "units": units.sigmoid()}
