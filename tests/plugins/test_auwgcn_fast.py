"""AUW-GCN's fast network and samples against the plain ones: the port that the benchmark measures it beside."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mezoo_auwgcn import au_graph, rows, samples
from mezoo_auwgcn.losses import losses
from mezoo_auwgcn.model import AUWGCN
from mezoo_auwgcn.network import from_official
from mezoo_auwgcn.samples import Cutting
from mezoo_auwgcn.targets import Span, labels_of, targets
from torch.nn import functional

from mezoo import Batch, Example, Expression, Features, SampleTable, Video
from mezoo.data import Loaders, collate

SOURCE = importlib.util.spec_from_file_location(
    "auwgcn_official", Path(__file__).parents[2] / "benchmarks" / "auwgcn_official.py"
)
assert SOURCE is not None
assert SOURCE.loader is not None
plain = importlib.util.module_from_spec(SOURCE)
SOURCE.loader.exec_module(plain)

GRAPHS = {
    "annotated": au_graph.row_normalised(au_graph.co_occurrence(["1+12", "2", "12+14", "25", "26+1"], "official")),
    "whole": au_graph.symmetric(),
    "one row": np.eye(12, dtype=np.float32)[:, [3]] @ np.full((1, 12), 0.05, np.float32),
}


def batch_of(seed: int, windows: int) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """Motion (B, 270, 12, 2), in pixels, and targets of random expressions."""
    rng = np.random.default_rng(seed)
    motion = rng.normal(0.01, 0.5, (windows, 270, 12, 2)).astype(np.float32)
    found = []
    for _ in range(windows):
        spans = []
        for start in rng.integers(7, 240, 4):
            kind = ("micro", "macro")[int(rng.integers(2))]
            half = int(rng.integers(2, 12))
            spans.append(Span(kind, int(start), int(start) + half, min(269, int(start) + 2 * half)))
        found.append(targets(labels_of(spans, 270), edge_bugs=True)._asdict())
    return torch.from_numpy(motion), {k: torch.from_numpy(np.stack([f[k] for f in found])) for k in found[0]}


def both(seed: int, graph: np.ndarray) -> tuple[AUWGCN, torch.nn.Module]:
    """The model, and the plain network in float64 in the same state, norms and all."""
    torch.manual_seed(seed)
    model = AUWGCN("samm_long", official=True)
    mean, std = (list(part) for part in samples.OFFICIAL_SCALE)
    model.build({"adjacency": graph.tolist(), "mean": mean, "std": std})
    for norm in (m for m in model.network.modules() if isinstance(m, torch.nn.BatchNorm1d)):
        for values in (norm.weight, norm.bias, norm.running_mean):
            assert values is not None
            values.data += 0.3 * torch.randn_like(values)
    net = plain.Net(torch.from_numpy(graph)).double()
    net.load_state_dict({name: ours(model, name) for name in net.state_dict()})
    return model.train(), net.train()


def ours(model: AUWGCN, name: str, gradient: bool = False) -> torch.Tensor:
    """A tensor of the model, or its gradient, that has this official name."""
    mine = next(iter(from_official({name: np.zeros((2, 16))})))
    tensor = dict(model.network.named_parameters())[mine].grad if gradient else model.network.state_dict()[mine]
    assert tensor is not None
    return tensor.T if name.endswith("gc1.weight") else tensor


def plain_batch(motion: torch.Tensor, wanted: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The same batch as the plain code takes it, in float64."""
    mean, std = (torch.tensor(part, dtype=torch.float64) for part in samples.OFFICIAL_SCALE)
    batch = {"feature": (motion.double() - mean) / std}
    for kind in range(2):
        batch |= {f"phase{kind}": wanted["phase"][:, kind]}
        batch |= {f"{name}{kind}": wanted[name][:, kind].double() for name in ("apex", "action")}
    return batch


def test_the_plain_network_has_the_official_numbers():
    with np.load(Path(__file__).parents[1] / "data" / "auwgcn_net.npz", allow_pickle=False) as golden:
        state = {key[4:]: torch.from_numpy(golden[key]) for key in golden.files if key.startswith("sd0/")}
        x, expected = torch.from_numpy(golden["x"]), torch.from_numpy(golden["y_eval"])
    net = plain.Net(torch.eye(12))
    net.load_state_dict(state)
    torch.testing.assert_close(net.eval()(x), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("graph", GRAPHS)
@pytest.mark.parametrize("seed", range(4))
def test_a_step_is_the_plain_one(seed, graph):
    model, net = both(seed, GRAPHS[graph])
    motion, wanted = batch_of(seed, 6)
    (optimizer,), _ = model.configure_optimizers()
    total = losses(model(motion), **wanted).total(model.preset.macro_weight)
    total.backward()
    optimizer.step()
    expected = plain.step(net, plain.optimizer_of(net)[0], plain_batch(motion, wanted))
    assert total.item() == pytest.approx(expected, rel=1e-5)
    theirs = {name: p.grad for name, p in net.named_parameters()}
    for name, grad in theirs.items():
        torch.testing.assert_close(ours(model, name, gradient=True).double(), grad, atol=1e-5, rtol=1e-5)
    for name, after in net.state_dict().items():
        # AdamW's first step is its rate times the sign of the gradient, which in what is next to 0 is chance.
        sure = theirs[name].abs() > 1e-5 if name in theirs else torch.ones_like(after, dtype=torch.bool)
        torch.testing.assert_close(ours(model, name)[sure].double(), after[sure].double(), atol=1e-5, rtol=1e-5)


def test_a_graph_without_an_edge_is_survived():
    model, _ = both(0, np.zeros((12, 12), np.float32))
    assert torch.isfinite(model(batch_of(0, 2)[0])).all()


@given(st.integers(0, 10_000), st.integers(1, 3))
@settings(max_examples=8)
def test_predictions_are_the_plain_ones(seed, windows):
    model, net = both(seed, GRAPHS["annotated"])
    motion, wanted = batch_of(seed, windows)
    model.eval()
    shown = net.eval()(plain_batch(motion, wanted)["feature"])[..., 7:-7]
    with torch.inference_mode():
        torch.testing.assert_close(model(motion).double(), shown.detach(), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("block", [1, 64, rows.BLOCK])
def test_gradients_by_hand_are_those_of_autograd(monkeypatch, block):
    monkeypatch.setattr(rows, "BLOCK", block)
    torch.manual_seed(0)
    sizes = ((23, 4), (4, 6), (6,), (6, 5))
    four = [torch.randn(size, dtype=torch.float64, requires_grad=True) for size in sizes]
    assert torch.autograd.gradcheck(rows.TwoProducts.apply, four)
    x, weight, bias = (torch.randn(s, dtype=torch.float64, requires_grad=True) for s in ((23, 5), (5,), (5,)))
    assert torch.autograd.gradcheck(lambda *a: rows.NormRelu.apply(*a, 1e-5)[0], (x, weight, bias))
    found, mean, variance = rows.NormRelu.apply(x, weight, bias, 1e-5)
    torch.testing.assert_close(found, functional.batch_norm(x, None, None, weight, bias, True).relu())
    torch.testing.assert_close((mean, variance), (x.mean(0), x.var(0, correction=0)), check_dtype=False)


def test_targets_are_those_of_loops_over_rows():
    rng = np.random.default_rng(0)
    label = (rng.random((270, 8)) < 0.03).astype(np.int64)
    found = targets(label, edge_bugs=True)
    for kind, reach in enumerate(plain.REACH):
        phase, apex, action = (part[7:-7] for part in plain.targets(label[:, 4 * kind : 4 * kind + 4], reach))
        assert found.phase[kind].tolist() == phase
        np.testing.assert_allclose(found.apex[kind], apex, rtol=1e-6)
        assert found.action[kind].tolist() == action


class NoFrames:
    """Frames that nobody may read."""

    def __len__(self) -> int:
        return 1301


def film(seed: int) -> Example:
    rng = np.random.default_rng(seed)
    features = Features(rng.normal(size=(1300, 12, 2)).astype(np.float32), np.arange(1300) + 1, 1301, 30.0)
    found = (Expression("e", "micro", 300, 306, 303, aus="12"), Expression("f", "macro", 900, 930, 915, aus="1+2"))
    return Example(Video("toy", f"s{seed}", f"v{seed}", 30.0, NoFrames(), found), features)  # pyright: ignore


@pytest.mark.parametrize("quiet", [0.0, 0.5, 9.0])
def test_a_batch_of_a_table_is_that_of_its_samples(quiet):
    train = [film(1), film(2)]
    model = AUWGCN(quiet_windows=quiet)
    model.build(model.prepare(train))
    cut = {(s.video, s.start): s for s in samples.windows(train)}
    for epoch in range(2):
        table = model.samples(train, np.random.default_rng(epoch), epoch)
        assert isinstance(table, SampleTable)
        assert len({(s.video, s.start) for s in table}) == len(table) == 4 + min(8, round(4 * quiet))
        for sample in table:
            np.testing.assert_array_equal(sample.inputs["motion"], cut[sample.video, sample.start].inputs["motion"])
        same(table.__getitems__([3, 0]), collate([table[3], table[0]]))


def same(a: Batch, b: Batch) -> None:
    assert a.videos == b.videos
    for one, other in ((a.inputs, b.inputs), (a.targets, b.targets), ({"starts": a.starts}, {"starts": b.starts})):
        assert {name: (t.dtype, t.tolist()) for name, t in one.items()} == {
            name: (t.dtype, t.tolist()) for name, t in other.items()
        }


def test_windows_are_cut_once_a_fold_and_served_in_the_order_of_a_list(monkeypatch):
    train = [film(1), film(2)]
    model = AUWGCN(batch_size=3)
    model.build(model.prepare(train))
    calls: list[Cutting] = []
    whole = samples.training_windows
    monkeypatch.setattr(samples, "training_windows", lambda e, c: (calls.append(c), whole(e, c))[1])
    loaders = Loaders(model, train, 5)
    first = [*loaders.train_dataloader()]
    listed = [*model.samples(train, np.random.default_rng(0), 0)]
    monkeypatch.setattr(model, "samples", lambda *_: listed)
    again = [*loaders.train_dataloader()]
    for a, b in zip(first, again, strict=True):
        same(a, b)
    assert len(calls) == 1
