"""The five methods as networks for other programs: the same numbers as mezoo's own, and the same in ONNX."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch
from mezoo_adaptive_gat.model import AdaptiveGAT
from mezoo_auwgcn.model import AUWGCN
from mezoo_mergcn.model import MERGCN
from mezoo_mergcn.network import Graph, PooledGraph, Sizes
from mezoo_mergcn.portable import DenseGraph
from mezoo_mesnet.model import MESNet
from mezoo_resnet_lstm.model import ResNet34LSTM

from mezoo import Batch, Window
from mezoo.models import Model
from mezoo.predictor.onnx import TOLERANCE, Network, write

CLASSES = ("negative", "positive", "surprise")


def rows_of_one(n: int, share: float = 1.0) -> list[list[float]]:
    """A random (n, n) with rows that sum to 1, or to 0 where they are empty; no two alike."""
    matrix = np.random.default_rng(n).random((n, n)) * (np.random.default_rng(n + 1).random((n, n)) < share)
    matrix[0] = 0
    return (matrix / np.maximum(matrix.sum(1, keepdims=True), 1e-9)).tolist()


TILES: dict[str, Any] = {
    "clip_frames": 32, "overlap": 16, "channels": (4, 6), "temporal_channels": 8, "dilations": (1, 3), "hidden": 8,
    "cpn_channels": 4, "crn_frames": 8,
}  # fmt: skip
MESNET = {"input": [1, 20, 16]}
AUW = {"adjacency": rows_of_one(12), "mean": [0.001, -0.002], "std": [0.03, 0.02]}
GAT = {"flows": 3, "nodes": 12, "mean": [0.0, 0.003], "std": [0.03, 0.2], "weights": [1.0, 1.2, 0.8]}
CLIPS: dict[str, Any] = {"backbone": "c3d", "width": 2, "node_features": 4, "gcn_width": 6}
MER = {
    "shape": [1, 4, 16, 16], "classes": 3, "aus": [*range(5)], "adjacency": rows_of_one(5, 0.6),
    "positive_weights": [1.0] * 5, "scale": 0.1,
}  # fmt: skip
NARROW: dict[str, Any] = {"frames": 3, "backbone": "resnet10t", "widths": (4, 6, 8, 10), "hidden": 6, "reduction": 2}
RESNET = {"classes": 3, "size": [64, 48], "mean": 110.0, "deviation": 40.0, "motion": 0.02}

FIVE = {
    "mesnet": (MESNet(**TILES), MESNET),
    "auw_gcn": (AUWGCN(), AUW),
    "mer_gcn": (MERGCN(**CLIPS, input="difference"), MER),
    "adaptive_gat": (AdaptiveGAT(), GAT),
    "resnet34_lstm": (ResNet34LSTM(**NARROW), RESNET),
}
VARIANTS = {
    "mesnet in colour about the clip": (MESNet(**TILES, centre="clip", group_norm=True), {"input": [3, 16, 20]}),
    "mer_gcn with pooling": (MERGCN(**CLIPS, readout="sagpool"), MER),
    "adaptive_gat with a GRU": (AdaptiveGAT(adjacency="mul", temporal="gru"), {**GAT, "flows": 5}),
    "resnet34_lstm without MFEM": (ResNet34LSTM(**NARROW, mfem=False, mffm="pyramid"), RESNET),
}


def trained(model: Model, fitted: Mapping[str, Any]) -> Model:
    """Built, with random values in place of those that are all alike before training."""
    torch.manual_seed(0)
    model.classes = CLASSES
    model.build(fitted)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.numel() > 1 and not parameter.std():
                parameter += 0.1 * torch.randn_like(parameter)
        for name, buffer in model.named_buffers():
            if name.endswith(("running_mean", "running_var")):
                buffer += torch.rand_like(buffer)
    return model.eval()


@pytest.fixture(scope="module", params=[*FIVE, *VARIANTS])
def asked(request):
    """A model, its network for other programs, and four samples of the inputs."""
    model = trained(*{**FIVE, **VARIANTS}[request.param])
    module, inputs = model.portable()
    return request.param, model, module.eval(), inputs


def answers(module: torch.nn.Module, inputs: Mapping[str, torch.Tensor]) -> dict[str, np.ndarray]:
    with torch.no_grad():
        return {name: tensor.numpy() for name, tensor in module(**inputs).items()}


def windows(model: Model, inputs: Mapping[str, torch.Tensor]) -> list[Window]:
    n = len(next(iter(inputs.values())))
    with torch.no_grad():
        return model.predict_step(Batch(["v"] * n, torch.arange(n), dict(inputs), {}), 0)


def test_a_network_says_what_mezoo_says(asked):
    name, model, module, inputs = asked
    found = answers(module, inputs)
    for key in {*found} - {"proposal"}:
        assert len({row.tobytes() for row in found[key]}) == 4, (
            "an answer that does not depend on the input tests nothing"
        )
    for i, window in enumerate(windows(model, inputs)):
        if name.startswith("mesnet"):
            best_of(window, {key: values[i] for key, values in found.items()})
            continue
        assert set(window.scores) == set(found)
        for key, values in window.scores.items():
            np.testing.assert_allclose(found[key][i], values, atol=2e-6)


def best_of(window: Window, found: Mapping[str, np.ndarray]) -> None:
    """mezoo's proposals of a tile are those of the network with a chance of a tenth or more, likeliest first."""
    np.testing.assert_allclose(found["chance"], window.scores["cpn"], atol=1e-3)
    chance = found["chance"].ravel()
    order = np.argsort(-chance, kind="stable")
    order = order[chance[order] >= 0.1][:64]
    assert len(order) == len(window.scores["score"]) > 3
    for ours, theirs in (("proposal", "proposal"), ("candidate", "candidates"), ("score", "score")):
        values = found[ours].reshape(len(chance), -1)[order]
        np.testing.assert_allclose(values, np.reshape(window.scores[theirs], values.shape), atol=1e-4)


@pytest.mark.parametrize("asked", [*FIVE], indirect=True)
def test_onnx_says_what_pytorch_says(asked, tmp_path):
    name, _, module, inputs = asked
    written = write(Network(name, module, inputs, {}), tmp_path / "a.onnx")
    assert max(written.differences.values()) < TOLERANCE / 5
    assert [port.name for port in written.inputs] == [*inputs]
    assert [port.shape for port in written.inputs] == [("batch", *t.shape[1:]) for t in inputs.values()]
    told = type(module).forward.__doc__
    assert all(f"`{port.name}` (batch" in told for port in (*written.inputs, *written.outputs))


@pytest.mark.parametrize("nodes", [2, 5, 9])
@pytest.mark.parametrize("ratio", [0.3, 0.5, 0.9])
def test_a_dense_graph_is_the_sparse_one(nodes, ratio):
    torch.manual_seed(nodes)
    for readout, layers in (("mean", 2), ("sagpool", 3)):
        sizes = Sizes("c3d", 2, 4, 6, layers, 0.2, readout, ratio, 0.5)
        graph = (PooledGraph if readout == "sagpool" else Graph)(rows_of_one(nodes, 0.5), sizes).eval()
        x = torch.randn(3, nodes, 4)
        with torch.no_grad():
            torch.testing.assert_close(DenseGraph(graph, nodes)(x), graph(x), atol=1e-5, rtol=1e-5)
