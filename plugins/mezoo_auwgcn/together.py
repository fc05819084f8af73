"""AUW-GCN's network in plain products, which `torch.func.vmap` turns into one for all folds of a training.

It computes what `Network` computes in training, with the same parameters and running statistics, and branches on no
value: regions that receive nothing are computed with the others.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from .network import NODES, Network, keep


def forward(network: Network, motion: Tensor) -> Tensor:
    """Motion (B, T, 12, 2) -> logits (B, 10, T), in training."""
    b, t = motion.shape[:2]
    layers, graph = network.layers, network.graph
    first = torch.einsum("nm,ci->minc", network.adjacency, graph.lin.weight).reshape(2 * NODES, -1)
    nodes = (motion.reshape(b * t, 2 * NODES) @ first).reshape(b * t * NODES, -1)  # (B*T*12, 16)
    wide = _norm_relu(nodes, network.graph_norm, graph.bias).reshape(b * t, -1)  # (B*T, 192)
    rows = _norm_relu(wide @ layers[0].weight[..., 0].T, layers[1])  # (B*T, 64)
    for convolution, norm in ((3, 4), (6, 7)):
        rows = _norm_relu(_along_time(rows, t, layers[convolution]), layers[norm])
    return _along_time(rows, t, network.head).reshape(b, t, -1).transpose(1, 2)


def _norm_relu(rows: Tensor, norm: Any, bias: Tensor | float = 0.0) -> Tensor:
    """Batch norm in training and ReLU of rows (R, C) + `bias`.

    The norm takes the bias away again. Added to the mean only, it gets a gradient of 0, as in `Network`; added to the
    rows it would get one of rounding, which Adam makes as large as any other.
    """
    mean = rows.mean(0)
    apart = rows - mean
    variance = apart.square().mean(0)
    keep(norm, mean + bias, variance, len(rows))
    scale = (variance + norm.eps).rsqrt() * norm.weight
    return (apart * scale + norm.bias + scale * (bias - bias)).relu()


def _along_time(rows: Tensor, length: int, layer: Any) -> Tensor:
    """A convolution along time that keeps the length, of rows (B*T, C) with T = `length` -> (B*T, O)."""
    weight, reach = layer.weight, int(layer.dilation[0])  # (O, C, 3)
    padded = functional.pad(rows.reshape(-1, length, rows.shape[-1]), (0, 0, reach, reach))
    seen = torch.cat([padded[:, k * reach : k * reach + length] for k in range(3)], dim=-1)  # (B, T, 3 C)
    return seen.flatten(0, 1) @ weight.permute(2, 1, 0).reshape(-1, weight.shape[0])
