"""Adaptive GAT's layers against torch-geometric, NumPy and their own definitions."""

from typing import Any

import numpy as np
import pytest
import torch
from mezoo_adaptive_gat import samples as cut
from mezoo_adaptive_gat.model import AdaptiveGAT
from mezoo_adaptive_gat.network import AdaptiveGraphAttention, AdaptiveGraphNet, GraphLayer, Sizes, TemporalFusion
from torch.nn import functional

PAIRS = ((0, 5), (1, 4), (2, 3), (8, 10))


def count(module: torch.nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def sizes(**changes: Any) -> Sizes:
    return Sizes(**{**{f: getattr(AdaptiveGAT().sizes, f) for f in Sizes.__slots__}, **changes})


def test_sizes_at_the_default_are_those_of_the_specification() -> None:
    net = AdaptiveGraphNet(12, 3, AdaptiveGAT().sizes)
    assert [count(layer) for layer in net.layers] == [528, 4_496]
    assert (count(net.fusion.project), count(net.fusion.norm), count(net.classifier)) == (295_040, 256, 387)
    assert count(net) == 300_707
    model = AdaptiveGAT()
    model.build({"nodes": 12, "mean": [0, 0], "std": [1, 1], "weights": [1, 1, 1]})
    assert count(model) == 300_707


@pytest.mark.parametrize("heads", [1, 3])
def test_without_adjacency_the_layer_is_torch_geometrics_gatconv(heads: int) -> None:
    from torch_geometric.nn import GATConv

    torch.manual_seed(heads)
    ours = AdaptiveGraphAttention(5, 12, sizes(adjacency="attention", heads=heads, head_width=4))
    theirs = GATConv(5, 4, heads=heads, negative_slope=0.2, add_self_loops=False, bias=False)
    with torch.no_grad():
        theirs.lin.weight.copy_(ours.project.weight)
        theirs.att_dst[0].copy_(ours.left)
        theirs.att_src[0].copy_(ours.right)
    assert count(ours) == count(theirs)
    edges = torch.cartesian_prod(torch.arange(12), torch.arange(12)).T
    nodes = torch.randn(2, 12, 5, requires_grad=True)
    mine = ours(nodes)
    reference = torch.stack([theirs(graph, edges) for graph in nodes])
    torch.testing.assert_close(mine, reference, atol=1e-6, rtol=1e-5)
    gradients = [torch.autograd.grad(out.square().sum(), nodes, retain_graph=True)[0] for out in (mine, reference)]
    torch.testing.assert_close(*gradients, atol=1e-5, rtol=1e-4)


def reference_attention(layer: AdaptiveGraphAttention, nodes: np.ndarray) -> np.ndarray:
    """One graph (N, F), written out edge by edge in NumPy."""
    p = {name: t.detach().double().numpy() for name, t in layer.named_parameters()}
    n, (heads, wide) = len(nodes), layer.split
    states = (nodes @ p["project.weight"].T).reshape(n, heads, wide)
    out = np.zeros((n, heads, wide))
    for i in range(n):
        for h in range(heads):
            row = np.zeros(n)
            for j in range(n):
                score = 0.0
                if layer.rule != "static":
                    score = p["left"][h] @ states[i, h] + p["right"][h] @ states[j, h]
                    score = score if score > 0 else layer.slope * score
                row[j] = score + (p["adjacency"][i, j] if layer.rule in ("add", "static") else 0.0)
            row = np.exp(row) / np.exp(row).sum()
            row = row * (1 + p["adjacency"][i]) if layer.rule == "mul" else row
            out[i, h] = row @ states[:, h]
    return out.reshape(n, -1)


@pytest.mark.parametrize("rule", ["add", "mul", "static", "attention"])
def test_layer_is_its_definition_edge_by_edge(rule: str) -> None:
    torch.manual_seed(1)
    layer = AdaptiveGraphAttention(3, 6, sizes(adjacency=rule, heads=2, head_width=5))
    if rule != "attention":
        torch.nn.init.normal_(layer.adjacency)
    nodes = torch.randn(4, 2, 6, 3)
    expected = np.stack([[reference_attention(layer, g) for g in clip] for clip in nodes.double().numpy()])
    np.testing.assert_allclose(layer(nodes).detach().numpy(), expected, atol=1e-5)


def test_adjacency_is_learnt_and_starts_as_plain_attention() -> None:
    nodes = torch.randn(2, 6, 3)
    made = {}
    for rule in ("add", "mul", "attention"):
        torch.manual_seed(0)
        made[rule] = AdaptiveGraphAttention(3, 6, sizes(adjacency=rule))
    for rule in ("add", "mul"):
        torch.testing.assert_close(made[rule](nodes), made["attention"](nodes))
        made[rule](nodes).square().sum().backward()
        assert made[rule].adjacency.grad.abs().max() > 0
    with torch.no_grad():
        made["add"].adjacency[2, 4] = 60.0
    gathered = made["add"](nodes)[:, 2]
    torch.testing.assert_close(gathered, made["add"].project(nodes)[:, 4], atol=1e-5, rtol=1e-5)


def test_product_of_two_softmaxes_made_to_sum_to_one_would_be_add_again() -> None:
    scores, adjacency = torch.randn(6, 6, dtype=torch.float64), torch.randn(6, 6, dtype=torch.float64)
    product = scores.softmax(-1) * adjacency.softmax(-1)
    torch.testing.assert_close(product / product.sum(-1, keepdim=True), (scores + adjacency).softmax(-1))


@pytest.mark.parametrize("rule", ["add", "mul", "static", "attention"])
def test_renaming_nodes_renames_what_a_layer_says(rule: str) -> None:
    torch.manual_seed(2)
    layer = GraphLayer(2, 12, sizes(adjacency=rule)).eval()
    motion = torch.randn(2, 3, 12, 2)
    order = torch.from_numpy(cut.mirrored(np.arange(24.0).reshape(12, 2), PAIRS)[:, 1] // 2).long()
    if rule != "attention":
        torch.nn.init.normal_(layer.attention.adjacency)
    plain = layer(motion)
    if rule != "attention":
        layer.attention.adjacency.data = layer.attention.adjacency.data[order][:, order]
    torch.testing.assert_close(layer(motion[..., order, :]), plain[..., order, :])


def test_a_node_stands_beside_itself_where_a_layer_is_as_wide_as_its_input() -> None:
    layer = GraphLayer(64, 12, AdaptiveGAT().sizes).eval()
    torch.nn.init.zeros_(layer.norm.weight)
    nodes = torch.randn(1, 3, 12, 64)
    torch.testing.assert_close(layer(nodes), nodes)


def test_temporal_fusion_is_what_its_name_says() -> None:
    torch.manual_seed(0)
    rows = torch.randn(4, 3, 10)
    gru = TemporalFusion(10, sizes(temporal="gru", fused=6))
    torch.testing.assert_close(gru(rows), gru.gru(rows)[0][:, -1])
    conv = TemporalFusion(10, sizes(temporal="conv", fused=6)).eval()
    padded = functional.pad(rows, (0, 0, 1, 1))
    weight, bias = conv.project.weight, conv.project.bias
    steps = [torch.einsum("bkc,ock->bo", padded[:, t : t + 3], weight) + bias for t in range(3)]
    expected = torch.stack([functional.relu(conv.norm(s)) for s in steps]).mean(0)
    torch.testing.assert_close(conv(rows), expected, atol=1e-5, rtol=1e-5)
    pool = TemporalFusion(10, sizes(temporal="attention", fused=6)).eval()
    states = functional.relu(pool.norm(functional.linear(rows, pool.project.weight[..., 0], pool.project.bias).mT)).mT
    shares = torch.softmax(pool.score(states)[..., 0], 1)
    torch.testing.assert_close(pool(rows), torch.einsum("bt,bta->ba", shares, states), atol=1e-5, rtol=1e-5)
    assert torch.allclose(pool(rows), pool(rows.flip(1)), atol=1e-6)
    assert not torch.allclose(conv(rows), conv(rows.flip(1)), atol=1e-3)
