"""ResNet34-LSTM: sizes, the modules against plain formulae, augmentation, samples, weights, training."""

import inspect
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mezoo_resnet_lstm import pretrained, samples
from mezoo_resnet_lstm.attention import ComplementaryAttention, GeneralisedMean, MultiRegion, SpatialAttention
from mezoo_resnet_lstm.augment import Augmentation, moved
from mezoo_resnet_lstm.fusion import PAIRS, Interaction, MultiLevel
from mezoo_resnet_lstm.model import ResNet34LSTM
from mezoo_resnet_lstm.network import WIDTHS, ResNetLSTM, Sizes, plain_trunk, widen
from mezoo_toy.frames import NoFrames
from safetensors.torch import load_file, save_file
from torch.nn import functional

from mezoo import Batch, DataError, Example, Expression, Features, Video, Window
from mezoo.data import Loaders
from mezoo.data import collate as stack

PAPER = Sizes("resnet34", WIDTHS, True, "pairs", 16, 3.0, 3, False, 256, 0.3, 0.5)
NARROW = replace(PAPER, backbone="resnet18", widths=(4, 6, 8, 10), hidden=8)
TINY: dict[str, Any] = {
    "frames": 3, "backbone": "resnet18", "widths": (4, 6, 8, 10), "hidden": 8, "fim_kernel": 1, "batch_size": 4,
}  # fmt: skip


def example(values: np.ndarray, label: int | None = 0, code: str = "v") -> Example:
    rows = len(values)
    seen = Expression(code, "micro", 0, rows, rows)
    features = Features(values, np.arange(1, rows + 1), rows + 1, 100.0)
    return Example(Video("toy", code, code, 200.0, NoFrames(), (seen,)), features, label)


def noise(seed: int = 0, rows: int = 3, size: int = 32) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (rows, size, size, 3)).astype(np.uint8)


def moving(seed: int, label: int) -> Example:
    """A random face whose upper part moves up (label 0) or whose lower part moves down (1), more from row to row."""
    rng = np.random.default_rng(seed)
    values = np.full((3, 32, 32, 3), 128, np.uint8)
    values[..., 0] = rng.integers(60, 200, (32, 32))
    values[..., 1:] = rng.integers(124, 133, (3, 32, 32, 2))
    for row in range(3):
        part = slice(18, 26) if label else slice(6, 14)
        values[row, part, 8:24, 2] = 128 + (1 if label else -1) * (20 + 10 * row)
    return example(values, label, f"c{seed}")


def built(train: Sequence[Example], **arguments: Any) -> ResNet34LSTM:
    torch.manual_seed(0)
    model = ResNet34LSTM(**{**TINY, **arguments})
    model.classes = ("up", "down")
    model.build(model.prepare(train))
    return model


def windows(model: ResNet34LSTM, examples: Sequence[Example]) -> list[Window]:
    given = model.samples(examples, np.random.default_rng(0))
    with torch.inference_mode():
        return model.eval().predict_step(stack(given), 0)


def count(module: torch.nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


# --------------------------------------------------------------------------------------------------------------- sizes


def test_the_default_model_has_the_parameters_of_the_specification() -> None:
    model = ResNet34LSTM()
    with torch.device("meta"):  # shapes alone
        model.build({"classes": 5, "size": [224, 224], "mean": 0.0, "deviation": 1.0, "motion": 1.0})
    net = model.network
    assert count(model) == 40_692_933
    assert count(net.trunk) == 21_284_672 + 1_720_320
    assert [count(region) for region in net.regions] == [2_772, 9_444, 35_076, 135_492]
    assert net.levels is not None
    assert (count(net.levels), net.levels.length, count(net.lstm)) == (12_255_616, 2304, 5_246_976)
    assert [len(net.trunk.get_submodule(f"layer{k}")) for k in (1, 2, 3, 4)] == [3, 4, 6, 3]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("mfem", "mffm", "trunk", "length"),
    [(False, "none", 21_284_672, 512), (True, "none", 23_004_992, 512), (False, "pairs", 21_284_672, 2304)],
)
def test_variants_of_the_ablation(mfem: bool, mffm: Any, trunk: int, length: int) -> None:
    with torch.device("meta"):
        net = ResNetLSTM(replace(PAPER, mfem=mfem, mffm=mffm), 5)
    assert (count(net.trunk), net.lstm.input_size) == (trunk, length)
    assert (len(net.regions) == 4) == mfem
    assert (net.levels is None) == (mffm == "none")


def test_the_pyramid_is_longer() -> None:
    with torch.device("meta"):
        levels = MultiLevel(WIDTHS, "pyramid")
    assert (count(levels), levels.length) == (22_989_824, 3072)


def test_stages_at_224_px() -> None:
    net = ResNetLSTM(replace(PAPER, mffm="none"), 5).eval()
    with torch.no_grad():
        maps = net.stages(torch.randn(1, 3, 224, 224))
    assert [tuple(m.shape[1:]) for m in maps] == [(64, 56, 56), (128, 28, 28), (256, 14, 14), (512, 7, 7)]


@pytest.mark.parametrize("mffm", ["none", "pairs", "pyramid"])
@pytest.mark.parametrize("mfem", [True, False])
@pytest.mark.parametrize("backbone", ["resnet18", "resnet10t"])
def test_every_variant_runs_and_all_of_it_learns(backbone: str, mfem: bool, mffm: Any) -> None:
    net = ResNetLSTM(replace(NARROW, backbone=backbone, mfem=mfem, mffm=mffm), 3)
    logits = net(torch.randn(2, 3, 3, 48, 40))
    assert logits.shape == (2, 3)
    logits.square().sum().backward()
    assert [name for name, p in net.named_parameters() if p.grad is None] == []


# ------------------------------------------------------------------------------------------------------------- modules


def test_without_modules_the_stages_are_those_of_timm() -> None:
    net = ResNetLSTM(replace(NARROW, mfem=False, mffm="none"), 3).eval()
    pictures = torch.randn(2, 3, 64, 64)
    torch.testing.assert_close(net.stages(pictures)[-1], net.trunk.forward_features(pictures))


def test_a_widened_stage_gives_the_same_for_a_repeated_input() -> None:
    for backbone in ("resnet18", "resnet10t"):
        trunk = plain_trunk(replace(NARROW, backbone=backbone)).eval()
        stage, maps = trunk.get_submodule("layer2"), torch.randn(2, 4, 16, 16)
        before = stage(maps)
        widen(stage)
        torch.testing.assert_close(stage(torch.cat([maps, maps], 1)), before)
        assert not torch.allclose(stage(torch.cat([maps, 0 * maps], 1)), before)


def test_the_next_stage_is_given_the_attention_and_the_stage() -> None:
    net = ResNetLSTM(NARROW, 3).eval()
    seen: list[torch.Tensor] = []
    for k in range(1, 5):
        net.trunk.get_submodule(f"layer{k}").register_forward_hook(lambda _, inputs, out: seen.extend([*inputs, out]))
    maps = net.stages(torch.randn(2, 3, 64, 64))
    for k in range(3):
        torch.testing.assert_close(seen[2 * k + 2], torch.cat([maps[k], seen[2 * k + 1]], 1))
        torch.testing.assert_close(maps[k], net.regions[k](seen[2 * k + 1]))


@given(st.floats(1, 30), st.integers(0, 99))
def test_the_generalised_mean_is_its_formula(power: float, seed: int) -> None:
    maps = torch.rand(2, 3, 4, 5, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) * 3
    pool = GeneralisedMean(3, power)
    p = float(pool.power[0].detach())
    expected = maps.pow(p).mean((2, 3)).pow(1 / p)
    torch.testing.assert_close(pool(maps.float()).double(), expected, rtol=1e-4, atol=1e-5)


def test_the_generalised_mean_at_its_ends() -> None:
    maps = 60 * torch.rand(2, 3, 8, 8)
    maps[0, 0] = 0
    torch.testing.assert_close(GeneralisedMean(3, 1)(maps), maps.mean((2, 3)), rtol=1e-4, atol=1e-4)
    assert torch.isfinite(GeneralisedMean(3, 200)(maps)).all()
    torch.testing.assert_close(GeneralisedMean(3, 200)(maps), maps.amax((2, 3)), rtol=0.03, atol=1e-4)
    torch.testing.assert_close(GeneralisedMean(3, -2)(maps), GeneralisedMean(3, 1)(maps))


def spatial(module: SpatialAttention, x: torch.Tensor) -> torch.Tensor:
    """Equations 1 to 4, written out."""
    pooled = torch.stack([x.max(1).values, x.mean(1)], 1)
    return x * torch.sigmoid(functional.conv2d(pooled, module.conv.weight, padding=3))


def channel(x: torch.Tensor, module: Any) -> torch.Tensor:
    """Equations 5 to 7, written out."""
    pooled = x.pow(3).mean((2, 3)).pow(1 / 3)
    first, last = module.mlp[0], module.mlp[2]
    hidden = torch.relu(pooled @ first.weight.T + first.bias)
    return torch.sigmoid(hidden @ last.weight.T + last.bias)[:, :, None, None]


def complementary(module: ComplementaryAttention, x: torch.Tensor) -> torch.Tensor:
    """Equations 8 to 11, written out."""
    g1 = channel(x, module.main)
    rest = x * (torch.ones_like(g1) - g1)
    return x * g1 + rest * channel(rest, module.rest)


def test_mfem_is_its_equations() -> None:
    torch.manual_seed(0)
    module, x = MultiRegion(32, 16, 3.0), torch.rand(2, 32, 9, 7) + 0.1
    s1, c1 = module.spatial_first
    c2, s2 = module.channel_first
    expected = complementary(c1, spatial(s1, x)) + spatial(s2, complementary(c2, x))
    torch.testing.assert_close(module(x), expected, rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_the_two_parts_of_ccam_add_up() -> None:
    module, x = ComplementaryAttention(32, 16, 3.0), torch.rand(2, 32, 5, 5)
    main, rest = module.split(x)
    torch.testing.assert_close(main + rest, x)
    weights = main / x
    assert 0 < float(weights.min()) <= float(weights.max()) < 1
    torch.testing.assert_close(weights, weights.mean((2, 3), keepdim=True).expand_as(weights))


def test_fim_is_its_equation() -> None:
    fim = Interaction(4, 6, 3, relu=False).eval()
    fim.norm.running_mean.normal_()  # type: ignore[union-attr]
    large, small = torch.randn(2, 4, 8, 8), torch.randn(2, 6, 4, 4)
    raised = functional.interpolate(
        functional.conv2d(small, fim.inner.weight, fim.inner.bias), scale_factor=2, mode="bilinear"
    )
    mixed = functional.conv2d(torch.cat([large, raised], 1), fim.outer.weight, fim.outer.bias, padding=1)
    mean = fim.norm.running_mean
    assert mean is not None
    torch.testing.assert_close(fim(large, small), (mixed - mean[:, None, None]) / math.sqrt(1 + 1e-5))
    relu = Interaction(4, 6, 3, relu=True).eval()
    relu.load_state_dict(fim.state_dict())
    torch.testing.assert_close(relu(large, small), fim(large, small).clamp(min=0))


def test_interactions_are_of_a_larger_and_a_smaller_map() -> None:
    assert [(a + 1, b + 1) for a, b in PAIRS["pairs"]] == [(1, 2), (2, 3), (3, 4), (1, 3), (2, 4)]
    maps = [torch.randn(2, c, s, s) for c, s in ((4, 16), (6, 8), (8, 4), (10, 2))]
    for pairing in PAIRS:
        levels = MultiLevel((4, 6, 8, 10), pairing).eval()
        made = levels(maps)
        assert made.shape == (2, levels.length)
        first = levels.interactions[0](maps[0], maps[1]).mean((2, 3))
        torch.testing.assert_close(made[:, :10], first)
    levels = MultiLevel((4, 6, 8, 10), "pyramid").eval()
    y = [levels.interactions[i](maps[i], maps[i + 1]) for i in range(3)]
    torch.testing.assert_close(levels(maps)[:, -32:], levels.interactions[4](y[1], y[2]).mean((2, 3)))


def test_the_lstm_is_read_at_both_ends() -> None:
    net = ResNetLSTM(replace(NARROW, mffm="none"), 3).eval()
    clips = torch.randn(2, 4, 3, 32, 32)
    vectors = net.stages(clips.flatten(0, 1))[-1].mean((2, 3)).unflatten(0, (2, 4))
    out, _ = net.lstm(vectors)
    torch.testing.assert_close(net(clips), net.classify(torch.cat([out[:, -1, :8], out[:, 0, 8:]], 1)))


# -------------------------------------------------------------------------------------------------------- augmentation


def maps_of(*rows: Sequence[Sequence[float]]) -> torch.Tensor:
    return torch.tensor(rows, dtype=torch.float32)


def test_a_mirror_image_negates_u() -> None:
    clips = torch.randn(2, 3, 3, 6, 9)
    out = moved(clips, maps_of([[-1, 0], [0, 1]], [[1, 0], [0, 1]]))
    torch.testing.assert_close(out[0], clips[0].flip(-1) * torch.tensor([1, -1, 1])[:, None, None], atol=1e-5, rtol=0)
    torch.testing.assert_close(out[1], clips[1], atol=1e-5, rtol=0)


def test_a_quarter_turn_turns_the_vectors() -> None:
    clips = torch.randn(1, 2, 3, 8, 8)
    out = moved(clips, maps_of([[0, -1], [1, 0]]))  # x goes to y: clockwise on the screen
    turned = torch.rot90(clips, -1, (-2, -1))
    expected = torch.stack([turned[:, :, 0], -turned[:, :, 2], turned[:, :, 1]], 2)
    torch.testing.assert_close(out, expected, atol=1e-5, rtol=0)


@settings(max_examples=25)
@given(st.integers(0, 999))
def test_a_point_and_its_motion_go_together(seed: int) -> None:
    """What is at x and moves to x + v is, once mapped, at Ax and moves to A(x + v)."""
    torch.manual_seed(seed)
    height, width = 64, 96
    a = Augmentation(True, 10.0, 0.1).draw(1, torch.device("cpu"))
    middle = torch.tensor([(width - 1) / 2, (height - 1) / 2])
    spot, motion = torch.tensor([30.0, 25.0]), torch.tensor([3.0, -2.0])
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    blob = torch.exp(-((x - spot[0]) ** 2 + (y - spot[1]) ** 2) / 8)
    field = motion[:, None, None].expand(2, height, width)
    out = moved(torch.cat([blob[None], field])[None, None], a)[0, 0]
    weight = out[0] / out[0].sum()
    found = torch.stack([(weight * x).sum(), (weight * y).sum()])
    torch.testing.assert_close(found, a[0] @ (spot - middle) + middle, atol=0.1, rtol=0)
    torch.testing.assert_close((weight * out[1:]).sum((1, 2)), a[0] @ motion, atol=1e-3, rtol=0)


def test_maps_are_within_what_is_asked() -> None:
    torch.manual_seed(0)
    a = Augmentation(True, 10.0, 0.1).draw(4000, torch.device("cpu"))
    scale, angle = a[:, :, 1].norm(dim=1), torch.atan2(-a[:, 0, 1], a[:, 1, 1]).rad2deg()
    assert 0.9 - 1e-4 <= float(scale.min()) < 0.91 < 1.09 < float(scale.max()) <= 1.1 + 1e-4
    assert -10 - 1e-3 <= float(angle.min()) < -9.8 < 9.8 < float(angle.max()) <= 10 + 1e-3
    assert 0.45 < float((torch.linalg.det(a) < 0).float().mean()) < 0.55
    still = Augmentation(False, 0.0, 0.0).draw(3, torch.device("cpu"))
    torch.testing.assert_close(still, torch.eye(2).expand(3, 2, 2))


# ----------------------------------------------------------------------------------------------- features and samples


def test_statistics_are_those_of_the_training_clips() -> None:
    train = [example(noise(1)), example(noise(2, rows=5))]
    fitted = built(train).prepare(train)
    each = [e.features.values.astype(float) for e in train]
    mean = np.mean([v[..., 0].mean() for v in each])
    roots = [(v[..., 1:] - 128) / 127 for v in each]
    assert fitted["mean"] == pytest.approx(mean, rel=1e-5)
    square = np.mean([(v[..., 0] ** 2).mean() for v in each])
    assert fitted["deviation"] == pytest.approx(np.sqrt(square - mean**2), rel=1e-4)
    assert fitted["motion"] == pytest.approx(np.sqrt(np.mean([(r**4).mean() for r in roots])), rel=1e-4)
    assert (fitted["classes"], fitted["size"]) == (2, [32, 32])


@pytest.mark.parametrize("scale", ["deviation", "bound"])
def test_clips_are_centred_and_motion_is_decoded(scale: str) -> None:
    train = [example(noise(1)), example(noise(2))]
    model = built(train, scale=scale)
    clips = model._clips(stack(model.samples(train, np.random.default_rng(0))))
    assert clips.shape == (2, 3, 3, 32, 32)
    assert float(clips[:, :, 0].mean()) == pytest.approx(0, abs=1e-4)
    assert float(clips[:, :, 0].std()) == pytest.approx(1, abs=1e-3)
    if scale == "deviation":
        assert float(clips[:, :, 1:].square().mean()) == pytest.approx(1, rel=1e-4)
    else:
        byte = noise(1)[0, 0, 0, 1]
        m = (float(byte) - 128) / 127
        assert float(clips[0, 0, 1, 0, 0]) == pytest.approx(m * abs(m), abs=1e-6)


def test_short_clips_repeat_rows_and_full_ones_are_not_copied() -> None:
    values = noise(0, rows=2)
    np.testing.assert_array_equal(samples.rows_of(example(values).features, 4), values[[0, 0, 1, 1]])
    np.testing.assert_array_equal(samples.rows_of(example(values[:1]).features, 3), values[[0, 0, 0]])
    whole = example(noise(0, rows=4))
    assert samples.rows_of(whole.features, 4) is whole.features.values


def test_features_that_are_none_of_evm_flow_are_refused() -> None:
    model = ResNet34LSTM(**TINY)
    for values in (noise()[..., 0], noise().astype(np.float32), noise(size=16), noise()[..., :2]):
        with pytest.raises(DataError, match="needs grey, u and v"):
            model.prepare([example(values)])
    with pytest.raises(DataError, match="of one size"):
        model.prepare([example(noise()), example(noise(size=40))])


def test_prediction_is_label_blind_and_a_distribution() -> None:
    one = example(noise(), 1)
    model = built([one, example(noise(2), 0)])
    blind = Example(one.video.unlabelled(), one.features)
    a, b = windows(model, [one])[0].scores["probability"], windows(model, [blind])[0].scores["probability"]
    np.testing.assert_array_equal(a, b)
    assert (a.shape, a.dtype) == ((2,), np.float32)
    assert a.sum() == pytest.approx(1)
    assert not model.samples([one], np.random.default_rng(0))[0].targets
    assert int(model.samples([one], np.random.default_rng(0), 0)[0].targets["label"]) == 1


def test_every_argument_has_a_source() -> None:
    assert set(ResNet34LSTM.sources) == set(inspect.signature(ResNet34LSTM).parameters)


# ------------------------------------------------------------------------------------------------------------- weights


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_weights_of_a_file_start_the_trunk(tmp_path: Path, suffix: str) -> None:
    plain = {n: t + 0.01 for n, t in plain_trunk(NARROW).state_dict().items() if "num_batches" not in n}
    file = tmp_path / f"weights{suffix}"
    whole = {**plain, "fc.weight": torch.zeros(3, 10), "fc.bias": torch.zeros(3)}
    save_file(whole, file) if suffix == ".safetensors" else torch.save(whole, file)
    model = built([example(noise())], pretrained=file)
    state = model.network.trunk.state_dict()
    torch.testing.assert_close(state["conv1.weight"], plain["conv1.weight"])
    half = plain["layer3.0.conv1.weight"] / 2
    torch.testing.assert_close(state["layer3.0.conv1.weight"], torch.cat([half, half], 1))
    again = ResNet34LSTM(**TINY, pretrained=file)
    again.build(
        {"classes": 2, "size": [32, 32], "mean": 0.0, "deviation": 1.0, "motion": 1.0}
    )  # a trained one: no file
    assert again.state_dict().keys() == model.state_dict().keys()


def test_weights_that_cannot_be_had_are_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(size: Sizes, pretrained: bool = False) -> Any:
        raise OSError("no route to host")

    wrong, broken = tmp_path / "wrong.safetensors", tmp_path / "broken.pth"
    save_file({"conv1.weight": torch.zeros(3)}, wrong)
    broken.write_bytes(b"nothing")
    for path, message in ((tmp_path / "none.pth", "no file"), (wrong, "do not fit"), (broken, "cannot be read")):
        with pytest.raises(DataError, match=message):
            pretrained.trunk_weights(NARROW, path)
    monkeypatch.setattr(pretrained, "plain_trunk", fails)
    with pytest.raises(DataError, match="no route to host") as caught:
        built([example(noise())], pretrained=True)
    assert "pretrained: PATH" in str(caught.value.hint)


def test_an_unknown_backbone_is_refused() -> None:
    for name in ("resnet35", "vgg16"):
        with pytest.raises(DataError, match=f"no residual network '{name}'"):
            built([example(noise())], backbone=name, widths=WIDTHS)


def test_a_model_comes_back_from_its_file(tmp_path: Path) -> None:
    train = [moving(i, i % 2) for i in range(4)]
    model = built(train)
    fit(model, train, 1)
    save_file({n: t.contiguous() for n, t in model.state_dict().items()}, tmp_path / "weights.safetensors")
    again = ResNet34LSTM(**TINY)
    again.build(model.prepare(train))
    again.load_state_dict(load_file(tmp_path / "weights.safetensors"))
    for a, b in zip(windows(model, train), windows(again, train), strict=True):
        np.testing.assert_array_equal(a.scores["probability"], b.scores["probability"])


# ------------------------------------------------------------------------------------------------------------ training


class Rates(L.Callback):
    """Seeds each step, and notes the learning rate of every epoch."""

    def __init__(self) -> None:
        self.found: list[float] = []

    def on_train_batch_start(self, trainer: L.Trainer, *args: Any) -> None:
        torch.manual_seed(1000 * trainer.current_epoch + args[-1])  # the batch's number

    def on_train_epoch_start(self, trainer: L.Trainer, *args: Any) -> None:
        self.found.append(trainer.optimizers[0].param_groups[0]["lr"])


def fit(model: ResNet34LSTM, train: Sequence[Example], epochs: int, **settings: Any) -> list[float]:
    rates = Rates()
    trainer = L.Trainer(
        max_epochs=epochs, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, reload_dataloaders_every_n_epochs=1, callbacks=[rates], **settings,
    )  # fmt: skip
    trainer.fit(model.train(), datamodule=Loaders(model, train, 1))
    return rates.found


@pytest.mark.parametrize(("optimizer", "kind"), [("sgd", torch.optim.SGD), ("adam", torch.optim.Adam)])
def test_the_rate_falls_along_a_half_cosine(optimizer: str, kind: type) -> None:
    train = [moving(i, i % 2) for i in range(4)]
    model = built(train, optimizer=optimizer, lr=0.01)
    rates = fit(model, train, 4)
    assert rates == pytest.approx([0.005 * (1 + math.cos(math.pi * k / 4)) for k in range(4)])
    made = model.configure_optimizers()["optimizer"]
    assert type(made) is kind
    group = made.param_groups[0]
    assert group["weight_decay"] == 5e-4
    assert group.get("momentum", 0.9) == 0.9
    assert group.get("betas", (0.9, 0.99)) == (0.9, 0.99)


def test_a_seed_fixes_the_training() -> None:
    train = [moving(i, i % 2) for i in range(4)]
    one, other = built(train), built(train)
    for model in (one, other):
        fit(model, train, 2)
    for name, value in one.state_dict().items():
        assert torch.equal(value, other.state_dict()[name]), name


def test_a_step_in_mixed_precision() -> None:
    train = [moving(i, i % 2) for i in range(4)]
    model = built(train)
    fit(model, train, 1, precision="bf16-mixed")
    assert all(torch.isfinite(p).all() for p in model.parameters())
    batch: Batch = stack(model.samples(train, np.random.default_rng(0)))
    with torch.autocast("cpu", dtype=torch.bfloat16), torch.inference_mode():
        found = model.eval().predict_step(batch, 0)
    assert {w.scores["probability"].dtype for w in found} == {np.dtype(np.float32)}


def test_learns_where_something_moves() -> None:
    train, held_out = [moving(i, i % 2) for i in range(16)], [moving(i, i % 2) for i in range(50, 58)]
    model = built(train, optimizer="adam", lr=1e-2, dropout_lstm=0.0, dropout_fc=0.0)
    fit(model, train, 12)
    found = [int(w.scores["probability"].argmax()) for w in windows(model, held_out)]
    assert sum(a == e.label for a, e in zip(found, held_out, strict=True)) >= 7
