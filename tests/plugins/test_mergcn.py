"""MER-GCN: sizes, the figure against plain algebra, samples, losses, weights on disk, and that it learns."""

from collections.abc import Sequence
from typing import Any

import lightning as L
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mezoo_mergcn import samples as cut
from mezoo_mergcn.losses import unit_loss
from mezoo_mergcn.model import MERGCN
from mezoo_mergcn.network import Graph, MERGCNNet, PooledGraph, Sizes
from mezoo_mergcn.trunks import SmallC3D, VideoResNetTrunk, load_pretrained, make
from mezoo_toy.frames import NoFrames
from safetensors.torch import load_file, save_file
from torch.nn import functional

from mezoo import Batch, DataError, Example, Expression, Features, Sample, Video, Window
from mezoo.data import Loaders
from mezoo.data import collate as stack

TINY: dict[str, Any] = {
    "backbone": "c3d", "width": 2, "node_features": 4, "gcn_width": 6, "aus": (1, 4, 12), "batch_size": 4,
}  # fmt: skip
SIZES = Sizes("c3d", 2, 4, 6, 2, 0.2, "mean", 0.5, 0.5)


def example(values: np.ndarray, label: int | None = 0, aus: str = "", code: str = "v") -> Example:
    rows = len(values)
    features = Features(values, np.arange(rows), rows, 25.0)
    expression = Expression(code, "micro", 0, rows - 1, rows // 2, aus=aus)
    return Example(Video("toy", code, code, 25.0, NoFrames(), (expression,)), features, label)


def noise(seed: int = 0, rows: int = 4, size: int = 16, channels: int = 0) -> np.ndarray:
    shape = (rows, size, size, *([channels] if channels else []))
    return np.random.default_rng(seed).integers(0, 255, shape).astype(np.uint8)


def moving(seed: int, label: int) -> Example:
    """A still, random picture in which, from row to row, the upper or the lower half gets lighter."""
    still = np.random.default_rng(seed).integers(0, 200, (16, 16))
    values = np.repeat(still[None], 4, axis=0)
    values[:, 8 * label : 8 * label + 8] += 10 * np.arange(4)[:, None, None]
    return example(values.astype(np.uint8), label, ("4", "R12A+1")[label], f"v{seed}")


def toys(count: int = 8) -> list[Example]:
    return [moving(seed, seed % 2) for seed in range(count)]


def built(train: Sequence[Example], **arguments: Any) -> MERGCN:
    torch.manual_seed(0)
    model = MERGCN(**{**TINY, **arguments})
    model.classes = ("a", "b")
    model.build(model.prepare(train))
    model.log_dict = lambda *_, **__: None  # type: ignore[method-assign]
    return model


def batch_of(model: MERGCN, examples: Sequence[Example], epoch: int | None = 0) -> Batch:
    return stack(model.samples(examples, np.random.default_rng(0), epoch))


def windows(model: MERGCN, examples: Sequence[Example]) -> list[Window]:
    with torch.no_grad():
        return model.eval().predict_step(batch_of(model, examples, None), 0)


def count(module: torch.nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize(("units", "whole"), [(9, 33_490_126), (12, 33_588_817)])
def test_sizes_at_the_default_are_those_of_the_specification(units: int, whole: int) -> None:
    with torch.device("meta"):
        trunk = VideoResNetTrunk("r3d_18")
    assert count(trunk) == 33_166_272
    size = MERGCN().sizes
    parts = torch.nn.ModuleList([
        torch.nn.Linear(512, units * size.node_features),
        torch.nn.Conv1d(units * size.node_features, units, 1, groups=units),
        Graph(np.eye(units).tolist(), size),
        torch.nn.Linear(512 + size.gcn_width, 5),
    ])  # fmt: skip
    assert [count(p) for p in parts] == [units * 512 * 64 + units * 64, units * 65, 24_576, 3_205]
    assert count(trunk) + count(parts) == whole


def test_the_default_network_has_those_parts_and_takes_a_clip() -> None:
    model = MERGCN()
    model.classes = tuple("abcde")
    units = np.eye(9)
    model.build({"shape": [3, 16, 112, 112], "aus": [*range(9)], "adjacency": units, "positive_weights": [1.0] * 9,
                 "scale": 1.0, "classes": 5})  # fmt: skip
    assert count(model) == 33_490_126
    with torch.no_grad():
        answer = model.eval().network(torch.zeros(1, 3, 4, 32, 32))
    assert (answer.emotions.shape, answer.units.shape) == ((1, 5), (1, 9))


@pytest.mark.parametrize(("name", "parameters"), [("mc3_18", 11_490_240), ("r2plus1d_18", 31_300_125)])
def test_other_trunks_of_torchvision_by_their_published_sizes(name: Any, parameters: int) -> None:
    with torch.device("meta"):
        assert count(make(name, (3, 16, 112, 112), 64)) == parameters


def test_a_trunk_is_torchvisions_network_without_its_last_layer() -> None:
    from torchvision.models.video import r3d_18

    torch.manual_seed(0)
    whole = r3d_18(weights=None).eval()
    state = whole.state_dict()
    whole.fc = torch.nn.Identity()  # type: ignore[assignment]
    with torch.device("meta"):
        trunk = VideoResNetTrunk("r3d_18")
    names = {
        f"layers.{int(n[5]) - 1}{n[6:]}" if n.startswith("layer") else n: t for n, t in state.items() if "fc" not in n
    }
    trunk.load_state_dict(names, assign=True)
    clip = torch.rand(1, 1, 4, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(trunk.eval()(clip), whole(clip.expand(-1, 3, -1, -1, -1)), atol=1e-4, rtol=1e-4)


def test_the_small_trunk_serves_any_size() -> None:
    for shape in ((1, 2, 16, 16), (3, 8, 40, 40), (1, 5, 17, 33)):
        trunk = SmallC3D(shape, 2)
        assert trunk(torch.rand(2, *shape)).shape == (2, 16)
    assert SmallC3D((3, 16, 112, 112), 64).features == 512


def nodes_by_algebra(net: Graph, adjacency: np.ndarray, x: torch.Tensor) -> torch.Tensor:
    for layer in net.layers:
        x = functional.leaky_relu(torch.tensor(adjacency, dtype=torch.float32) @ x @ layer.lin.weight.T, 0.2)
    return x


@given(st.integers(1, 12), st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_a_graph_convolution_is_the_product_a_x_w_for_any_adjacency(n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    adjacency = rng.random((n, n)) * (rng.random((n, n)) < 0.6) * 3  # rows that do not sum to 1, with holes
    net, x = Graph(adjacency.tolist(), SIZES), torch.randn(2, n, 4)
    torch.testing.assert_close(net(x), nodes_by_algebra(net, adjacency, x).mean(1), atol=1e-4, rtol=1e-4)


def test_sagpool_keeps_the_best_half_at_each_stage_of_each_clip() -> None:
    torch.manual_seed(0)
    size = Sizes("c3d", 2, 4, 6, 3, 0.2, "sagpool", 0.5, 0.5)
    adjacency = np.random.default_rng(0).random((5, 5)).round(2)
    net, x = PooledGraph(adjacency.tolist(), size), torch.randn(3, 5, 4)
    assert net(x).shape == (3, 12)
    for clip in range(3):  # as if alone, by plain algebra
        states, links, total = x[clip], torch.tensor(adjacency, dtype=torch.float32), torch.zeros(12)
        for layer, pool in zip(net.layers, net.pools, strict=True):
            states = functional.leaky_relu(links @ states @ layer.lin.weight.T, 0.2)
            near = (links > 0).float() @ states
            raw = (pool.gnn.lin_rel(near) + pool.gnn.lin_root(states))[:, 0]
            chance = torch.tanh(raw * pool.select.weight[0, 0] / pool.select.weight.norm())
            kept = chance.topk(-(-len(states) // 2)).indices
            states, links = states[kept] * chance[kept, None], links[kept][:, kept]
            total = total + torch.cat([states.mean(0), states.max(0).values])
        torch.testing.assert_close(net(x)[clip], total, atol=1e-4, rtol=1e-4)
    assert built(toys(), readout="sagpool").network.graph.features == 12


def test_each_node_has_an_au_layer_of_its_own() -> None:
    net = MERGCNNet((1, 2, 16, 16), np.eye(3).tolist(), 2, SIZES).eval()
    net.units.weight.data[1] = 0
    net.units.bias.data[:] = torch.tensor([0.0, 7.0, 0.0])
    units = net(torch.rand(4, 1, 2, 16, 16)).units
    assert (units[:, 1] == 7).all()
    assert (units[:, [0, 2]] != 7).all()


def test_au_loss_counts_labelled_clips_only() -> None:
    torch.manual_seed(0)
    logits = torch.randn(3, 2, requires_grad=True)
    shown, weights = torch.tensor([[1.0, 0.0], [0.0, 0.0], [0.0, 1.0]]), torch.tensor([3.0, 1.0])
    loss = unit_loss(logits, shown, torch.tensor([True, False, True]), weights)
    p = logits.sigmoid()
    by_hand = -(3 * p[0, 0].log() + (1 - p[0, 1]).log() + (1 - p[2, 0]).log() + p[2, 1].log()) / 4
    torch.testing.assert_close(loss, by_hand)
    none = unit_loss(logits, shown, torch.zeros(3, dtype=torch.bool), weights)
    assert none == 0
    assert not torch.autograd.grad(none, logits)[0].any()


def test_training_samples_carry_label_units_and_whether_they_are_known() -> None:
    train = [example(noise(0), 1, "R4B+L12+12"), example(noise(1), 0, "", "w")]
    first, second = built([*train, *toys()]).samples(train, np.random.default_rng(0), 0)
    assert first.inputs["clip"].shape == (4, 16, 16, 1)
    assert {k: v.tolist() for k, v in first.targets.items()} == {"label": 1, "units": [0, 1, 1], "labelled": True}
    assert {k: v.tolist() for k, v in second.targets.items()} == {"label": 0, "units": [0, 0, 0], "labelled": False}


def test_balanced_sampling_makes_classes_as_likely_and_keeps_the_size() -> None:
    labels = [0] * 90 + [1] * 10
    drawn = np.array(cut.chosen(labels, True, np.random.default_rng(0)))
    assert len(drawn) == 100
    assert 35 <= (drawn >= 90).sum() <= 65
    assert cut.chosen(labels, False, np.random.default_rng(0)) == [*range(100)]


def test_asked_samples_are_blind_and_the_second_view_is_the_mirror_image() -> None:
    one = example(noise(channels=3), None)
    plain, turned = cut.asked_samples([one], True)
    assert (plain.start, turned.start, plain.targets) == (0, 1, {})
    np.testing.assert_array_equal(turned.inputs["clip"], plain.inputs["clip"][:, :, ::-1])
    assert len(cut.asked_samples([one], False)) == 1


def test_views_are_exact_where_nothing_varies_and_alike_for_all_frames() -> None:
    clips = torch.rand(6, 1, 3, 16, 16)
    torch.testing.assert_close(cut.varied(clips, cut.Views(False, 0.0, 0.0)), clips, atol=1e-5, rtol=0)
    seen = cut.varied(clips, cut.Views(True, 0.0, 0.0))
    turned = [bool(torch.allclose(a, b.flip(-1), atol=1e-5)) for a, b in zip(seen, clips, strict=True)]
    same = [bool(torch.allclose(a, b, atol=1e-5)) for a, b in zip(seen, clips, strict=True)]
    assert all(a != b for a, b in zip(turned, same, strict=True))
    still = torch.rand(5, 1, 1, 16, 16).expand(-1, -1, 3, -1, -1)
    seen = cut.varied(still, cut.Views(True, 20.0, 0.3))
    torch.testing.assert_close(seen[:, :, 0], seen[:, :, 2])
    assert not torch.allclose(seen, still, atol=0.05)


def test_a_crop_lies_inside_the_picture_and_a_turn_is_a_turn() -> None:
    across = torch.linspace(0, 1, 32).expand(64, 1, 1, 32, 32)
    seen = cut.varied(across, cut.Views(False, 0.0, 0.5))
    spread = seen[..., -1] - seen[..., 0]
    assert 0.45 < spread.min() < 0.6 < 0.9 < spread.max() <= 1.0
    assert torch.allclose(seen[..., 0, :], seen[..., -1, :], atol=1e-5)
    turned = cut.varied(across, cut.Views(False, 30.0, 0.0))[:, 0, 0, 8:24, 8:24]
    down, along = (turned[:, -1] - turned[:, 0]).mean(-1), (turned[..., -1] - turned[..., 0]).mean(-1)
    angle = torch.rad2deg(torch.atan2(down, along))
    assert 20 < angle.abs().max() <= 31
    assert angle.min() < 0 < angle.max()


def test_input_is_light_or_the_difference_to_the_first_frame() -> None:
    train = [example(noise(i, channels=3), i % 2, "4") for i in range(4)]
    plain = built(train)
    light = torch.rand(2, 3, 4, 16, 16)
    torch.testing.assert_close(plain._scaled(light), light)
    apart = built(train, input="difference")
    values = np.stack([e.features.values for e in train]).astype(np.float64) / 255
    rms = np.sqrt(np.square(values - values[:, :1]).mean())
    torch.testing.assert_close(apart._scaled(light), (light - light[:, :, :1]) / rms, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(apart._scaled(light + 0.3), apart._scaled(light), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    "values", [np.zeros((4, 16, 16, 2), np.uint8), np.zeros((4, 8, 8), np.uint8), np.zeros((4, 16, 16), np.float32)]
)
def test_prepare_refuses_features_that_are_no_crops(values: np.ndarray) -> None:
    with pytest.raises(DataError, match="uint8 crops of one size"):
        MERGCN(**TINY).prepare([example(values, 0, "4")])


def test_prepare_refuses_clips_of_other_lengths_and_lists_with_repeats() -> None:
    with pytest.raises(DataError, match="as many frames in every clip"):
        MERGCN(**TINY).prepare([example(noise(), 0, "4"), example(noise(rows=5), 0, "4")])
    for wrong in ((), (4, 4)):
        with pytest.raises(DataError, match="each once"):
            MERGCN(**{**TINY, "aus": wrong}).prepare([example(noise(), 0, "4")])


def test_an_answer_depends_on_the_pixels_alone() -> None:
    model, one = built(toys(), input="difference", flip_when_asked=True), moving(20, 1)
    blind = Example(Video("toy", one.video.subject, one.video.code, 25.0, NoFrames()), one.features)
    for a, b in zip(windows(model, [one]), windows(model, [blind]), strict=True):
        assert np.array_equal(a.scores["probability"], b.scores["probability"])
    answer = model.decode(windows(model, [one]), one)
    assert (answer.shape, answer.dtype) == ((2,), np.float32)
    assert answer.sum() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("readout", ["mean", "sagpool"])
def test_a_step_in_bf16_has_a_float32_loss_and_gradients_everywhere(readout: str) -> None:
    model = built(toys(), readout=readout)
    with torch.autocast("cpu", torch.bfloat16):
        loss = model.training_step(batch_of(model, toys()), 0)
        found = windows(model.train(), toys())
    assert loss.dtype == torch.float32
    loss.backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in model.parameters())
    assert {w.scores["probability"].dtype for w in found} == {np.dtype(np.float32)}


def test_without_au_loss_the_heads_get_zeros_and_the_emotions_still_learn() -> None:
    model = built(toys(), au_loss_weight=0.0)
    model.training_step(batch_of(model, toys()), 0).backward()
    heads = model.network.units.weight.grad
    assert heads is not None
    assert not heads.any()
    assert model.network.trunk.all_places.weight.grad.abs().sum() > 0


def test_a_batch_without_any_au_label_still_trains() -> None:
    model = built(toys())
    blank = [example(noise(i), i % 2, "", f"w{i}") for i in range(4)]
    loss = model.training_step(batch_of(model, blank), 0)
    loss.backward()
    assert torch.isfinite(loss)


def test_weights_go_through_safetensors_and_answer_the_same(tmp_path: Any) -> None:
    model = built(toys(), readout="sagpool", input="difference")
    model.training_step(batch_of(model, toys()), 0)  # moves the batch statistics
    save_file({k: v.contiguous() for k, v in model.state_dict().items()}, tmp_path / "w.safetensors")
    again = MERGCN(**{**TINY, "readout": "sagpool", "input": "difference"})
    again.build(model.prepare(toys()))
    again.load_state_dict(load_file(tmp_path / "w.safetensors"))
    for a, b in zip(windows(model, toys()), windows(again, toys()), strict=True):
        assert np.array_equal(a.scores["probability"], b.scores["probability"])


def test_pretrained_weights_from_a_file_are_put_in_before_training_only(tmp_path: Any) -> None:
    from torchvision.models.video import mc3_18

    state = mc3_18(weights=None).state_dict()
    state["stem.0.weight"] += 5
    torch.save(state, tmp_path / "k.pth")
    model = built(toys(), backbone="mc3_18", pretrained=str(tmp_path / "k.pth"))
    torch.testing.assert_close(model.network.trunk.stem[0].weight, state["stem.0.weight"])
    torch.testing.assert_close(model.network.trunk.layers[3][1].conv2[0].weight, state["layer4.1.conv2.0.weight"])
    grey = torch.full((1, 3, 1, 1, 1), 0.5)
    by_hand = (0.5 - torch.tensor(cut.KINETICS_MEAN)) / torch.tensor(cut.KINETICS_STD)
    torch.testing.assert_close(model._scaled(grey).flatten(), by_hand)
    loaded = MERGCN(**{**TINY, "backbone": "mc3_18", "pretrained": "/nowhere.pth"})
    loaded.build(model.prepare(toys()))  # not prepared itself: its weights come from disk
    torch.save({"stem.0.weight": torch.zeros(1)}, tmp_path / "bad.pth")
    for name, message in (("nowhere.pth", "no weights can be read"), ("bad.pth", "do not fit")):
        with pytest.raises(DataError, match=message):
            load_pretrained(model.network.trunk, "mc3_18", str(tmp_path / name))


def test_without_a_network_kinetics_weights_are_a_clear_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    from urllib.error import URLError

    def offline(*_: Any, **__: Any) -> None:
        raise URLError("no route")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("torch.hub.download_url_to_file", offline)
    with pytest.raises(DataError, match="could not fetch"):
        built(toys(), backbone="r3d_18", pretrained=True)
    with pytest.raises(DataError, match="no pre-trained weights for the trunk 'c3d'"):
        built(toys(), pretrained=True)


def fit(model: MERGCN, train: Sequence[Example], epochs: int) -> MERGCN:
    del model.log_dict  # type: ignore[attr-defined]
    torch.manual_seed(3)
    trainer = L.Trainer(
        max_epochs=epochs, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, reload_dataloaders_every_n_epochs=1,
    )  # fmt: skip
    trainer.fit(model, datamodule=Loaders(model, train, 1))
    return model


@pytest.mark.parametrize("readout", ["mean", "sagpool"])
def test_learns_a_movement_that_no_picture_tells_and_its_units(readout: str) -> None:
    arguments = {
        "input": "difference",
        "readout": readout,
        "lr": 1e-2,
        "rotation": 0.0,
        "dropout": 0.0,
        "node_features": 16,
    }
    model = fit(built(toys(12), **arguments), toys(12), 15)
    fresh = [moving(100 + i, i % 2) for i in range(10)]
    found = windows(model, fresh)
    assert sum(int(w.scores["probability"].argmax()) == e.label for w, e in zip(found, fresh, strict=True)) >= 9
    shown = np.stack([w.scores["units"] for w in found])
    np.testing.assert_array_equal(shown[::2] > 0.5, [[False, True, False]] * 5)
    np.testing.assert_array_equal(shown[1::2] > 0.5, [[True, False, True]] * 5)


def test_a_seed_fixes_a_training() -> None:
    one, two = (fit(built(toys()), toys(), 2) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), two.state_dict().values(), strict=True))
    state = one.state_dict()
    assert all(not name.startswith(("centre", "scale", "positive")) for name in state)
    assert any(name.startswith(MERGCN.trunk) for name in state)


def test_every_argument_has_a_source() -> None:
    import inspect

    assert set(MERGCN.sources) == set(inspect.signature(MERGCN).parameters)
    assert all(text.startswith("[") for text in MERGCN.sources.values())


def test_samples_of_an_epoch_are_as_many_as_clips() -> None:
    made: list[Sample] = [*built(toys(), balanced=True).samples(toys(), np.random.default_rng(0), 0)]
    assert len(made) == 8
