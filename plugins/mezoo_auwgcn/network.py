"""The network of AUW-GCN: one graph convolution over facial regions, four convolutions along time.

B windows of T rows, N = 12 regions with a vector (x, y) each; A is the fixed graph of regions.
"""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch_geometric.nn.dense import DenseGCNConv

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
        nodes = self.graph(motion.flatten(0, 1), self.adjacency, add_loop=False)  # (B*T, 12, 16)
        # Channels before regions: over (B*T*12, 16) PyTorch's statistics on a CPU are off by 1e-4.
        normed = self.graph_norm(nodes.transpose(1, 2)).relu()  # (B*T, 16, 12)
        rows = normed.transpose(1, 2).reshape(*motion.shape[:2], -1).transpose(1, 2)  # (B, 192, T), region by region
        return self.head(self.layers(rows))  # (B, 10, T)

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
