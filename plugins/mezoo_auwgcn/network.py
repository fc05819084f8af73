"""The network of AUW-GCN: one graph convolution over facial regions, four convolutions along time.

B windows of T rows, N = 12 regions with a vector (x, y) each; A is the fixed graph of regions. The modules are those of
the paper's figure; what they compute is computed over rows with channels last, which is several times faster: the graph
layer and its norm are linear in the motion, so both are one product.
"""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch_geometric.nn.dense import DenseGCNConv

from .rows import NormRelu, TwoProducts

NODES = 12
CHANNELS = 10
"""Logits a row: micro {start, end, none}, macro {start, end, none}, apex {micro, macro}, action {micro, macro}."""
OFFICIAL_NAMES = {
    "graph_embedding.0.gc1.weight": "graph.lin.weight",
    "graph_embedding.0.gc1.bias": "graph.bias",
    "graph_embedding.0.gc1.adj": "adjacency",
    "graph_embedding.0.bn1.": "graph_norm.",
    "_sequential.": "layers.",
    "_classification.": "head.",
}


class Network(nn.Module):
    """Motion of regions (B, T, 12, 2) float32 -> logits (B, 10, T); `adjacency` (12, 12), rows that sum to at most 1.

    A row sees 5 rows before and after itself. DenseGCNConv scales A by degrees that it takes to be 1 at least; with
    rows that sum to at most 1 nothing is scaled, so the layer is A (X W) + b. With the default widths 39 248
    parameters, as in the official code.
    """

    adjacency: Tensor
    graph: Any
    graph_norm: Any
    layers: Any

    def __init__(self, adjacency: Tensor, graph_channels: int = 16, channels: int = 64) -> None:
        super().__init__()
        self.register_buffer("adjacency", adjacency.float())
        self.graph = DenseGCNConv(2, graph_channels)
        self.graph_norm = nn.BatchNorm1d(graph_channels)
        wide = NODES * graph_channels
        self.layers = nn.Sequential(
            nn.Conv1d(wide, channels, 1, bias=False), nn.BatchNorm1d(channels), nn.ReLU(),  # (B, 64, T)
            nn.Conv1d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm1d(channels), nn.ReLU(),
            nn.Conv1d(channels, channels, 3, padding=2, dilation=2, bias=False), nn.BatchNorm1d(channels), nn.ReLU(),
        )  # fmt: skip
        self.head = nn.Conv1d(channels, CHANNELS, 3, padding=2, dilation=2, bias=False)
        self._initialise()

    def forward(self, motion: Tensor) -> Tensor:
        """Logits (B, 10, T), no activation."""
        b, t = motion.shape[:2]
        with torch.autocast(motion.device.type, enabled=False):
            rows = self._first(motion.reshape(b * t, 2 * NODES).to(self.adjacency.dtype))  # (B*T, 64)
        for convolution, norm in ((3, 4), (6, 7)):
            seen = _norm_relu(rows, self.layers[norm - 3]).view(b, 1, t, -1).permute(0, 3, 1, 2)  # (B, 64, 1, T)
            rows = _along_time(seen, self.layers[convolution]).permute(0, 2, 3, 1).reshape(b * t, -1)
        seen = _norm_relu(rows, self.layers[7]).view(b, 1, t, -1).permute(0, 3, 1, 2)
        return _along_time(seen, self.head).squeeze(2)

    def _first(self, rows: Tensor) -> Tensor:
        """Graph layer, norm, ReLU and the first convolution of rows (R, 24) -> (R, 64).

        Before the ReLU a channel is v (A x) + d: v is the layer's weight over the deviation that the norm finds, which
        follows from mean and covariance of the motion. Regions that receive nothing are the same in every row.
        """
        weight, norm, wide = self.graph.lin.weight, self.graph_norm, self.layers[0].weight[..., 0]
        if self.training:
            centre, spread = _moments(rows, self.adjacency)
            mean = weight @ centre + self.graph.bias
            variance = ((weight @ spread) * weight).sum(1)
            keep(norm, mean, variance, len(rows) * NODES)
        else:
            mean, variance = norm.running_mean, norm.running_var
        scale = norm.weight * (variance + norm.eps).rsqrt()
        shift = norm.bias + scale * (self.graph.bias - mean)
        there = self.adjacency.any(1)
        reach = self.adjacency[there].T  # (12, live): from a region to those that receive
        first = (reach[:, None, :, None] * (weight * scale[:, None]).T[None, :, None, :]).reshape(2 * NODES, -1)
        wide = wide.view(len(wide), NODES, -1)  # (64, 12, 16)
        still = wide[:, ~there].sum(1) @ shift.relu()
        found = TwoProducts.apply(rows, first, shift.repeat(reach.shape[1]), wide[:, there].flatten(1).T)
        return found.add_(still)

    def decayed(self) -> list[nn.Parameter]:
        """What weight decay acts on: the weights of the graph and of the convolutions, not biases and norms."""
        return [p for name, p in self.named_parameters() if name.endswith("weight") and p.ndim > 1]

    def _initialise(self) -> None:
        """Convolutions as He et al. (normal, fan in); the graph uniform in 1 / sqrt(channels) both ways."""
        for module in self.modules():
            if isinstance(module, nn.Conv1d):
                nn.init.kaiming_normal_(module.weight)
        bound = 1 / math.sqrt(self.graph.out_channels)
        nn.init.uniform_(self.graph.lin.weight, -bound, bound)
        nn.init.uniform_(self.graph.bias, -bound, bound)


def _moments(rows: Tensor, adjacency: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (2,) and covariance (2, 2) over all rows and regions of A x, from motion x in rows (R, 24)."""
    mean = rows.mean(0)
    apart = rows - mean
    spread = (apart.T @ apart / len(rows)).view(NODES, 2, NODES, 2)
    received = adjacency @ mean.view(NODES, 2)
    centre = received.mean(0)
    between = received - centre
    within = torch.einsum("nm,mipj,np->ij", adjacency, spread, adjacency)
    return centre, (within + between.T @ between) / NODES


def _norm_relu(rows: Tensor, norm: Any) -> Tensor:
    """ReLU of a batch norm over rows (R, C)."""
    if not norm.training:
        return functional.batch_norm(rows, norm.running_mean, norm.running_var, norm.weight, norm.bias).relu()
    found, mean, variance = NormRelu.apply(rows.to(norm.weight.dtype), norm.weight, norm.bias, norm.eps)
    keep(norm, mean, variance, len(rows))
    return found


@torch.no_grad()
def keep(norm: Any, mean: Tensor, variance: Tensor, count: int) -> None:
    """Move a norm's running statistics as PyTorch does; `variance` is over `count`, not count - 1."""
    norm.num_batches_tracked += 1
    norm.running_mean.add_(mean - norm.running_mean, alpha=norm.momentum)
    norm.running_var.add_(variance * (count / max(1, count - 1)) - norm.running_var, alpha=norm.momentum)


def _along_time(seen: Tensor, layer: nn.Conv1d) -> Tensor:
    """A convolution along T of (B, C, 1, T)."""
    padding, dilation = (0, int(layer.padding[0])), (1, layer.dilation[0])
    return functional.conv2d(seen, layer.weight[:, :, None], padding=padding, dilation=dilation)


def from_official(tensors: Mapping[str, Any]) -> dict[str, Tensor]:
    """A state dict, or gradients, under the official code's names as those of `Network`; arrays become tensors.

    The official graph weight is (2, 16) and applied from the right: it is turned. Raises KeyError for another name.
    """
    found: dict[str, Tensor] = {}
    for name, value in tensors.items():
        theirs = next((n for n in OFFICIAL_NAMES if name == n or (n.endswith(".") and name.startswith(n))), None)
        if theirs is None:
            raise KeyError(f"{name} is no tensor of the official AUW-GCN")
        ours = OFFICIAL_NAMES[theirs] + name[len(theirs) :]
        tensor = torch.as_tensor(value)
        found[ours] = tensor.T.contiguous() if ours == "graph.lin.weight" else tensor
    return found
