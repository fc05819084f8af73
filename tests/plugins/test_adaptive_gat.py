"""Adaptive GAT: samples and their mirror images, training, checkpoints, prediction. Its layers have their own file."""

import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from mezoo_adaptive_gat import samples as cut
from mezoo_adaptive_gat.model import AdaptiveGAT
from mezoo_toy.frames import NoFrames
from safetensors.torch import load, save

from mezoo import Batch, DataError, Example, Expression, Features, Sample, Video, Window
from mezoo.data import Loaders
from mezoo.data import collate as stack

PAIRS = ((0, 5), (1, 4), (2, 3), (8, 10))
CLASSES = ("negative", "positive", "surprise")
SMALL = {"heads": 2, "head_width": 4, "fused": 8}


def example(motion: np.ndarray, label: int | None, code: str, **facts: Any) -> Example:
    features = Features(motion, np.arange(1, len(motion) + 1), len(motion) + 1, 20.0, facts)
    video = Video("toy", f"s{code}", code, 20.0, NoFrames(4), (Expression("", "micro", 0, 3, 2),))
    return Example(video, features, label)


def planted(count: int, seed: int = 0) -> list[Example]:
    """Noise, and brows up, or lip corners up, or brows down and inwards; the classes in turn."""
    rng = np.random.default_rng(seed)
    found = []
    for i in range(count):
        motion = rng.normal(0, 0.1, (3, 12, 2)).astype(np.float32)
        course = np.array([0.5, 0.5, -1], np.float32)[:, None] * rng.uniform(0.7, 1.3)
        if i % 3 == 1:
            motion[:, [8, 10], 1] -= course
        else:
            motion[:, :6, 1] += course if i % 3 == 0 else -course
        found.append(example(motion, i % 3, f"{seed}_{i}"))
    return found


def built(train: Sequence[Example], **arguments: Any) -> AdaptiveGAT:
    torch.manual_seed(0)
    model = AdaptiveGAT(**{**SMALL, **arguments})
    model.classes = CLASSES
    model.build(model.prepare(train))
    return model


@torch.no_grad()
def windows(model: AdaptiveGAT, examples: Sequence[Example]) -> dict[str, list[Window]]:
    batch = stack(model.samples(examples, np.random.default_rng(0)))
    found: dict[str, list[Window]] = {}
    for video, window in zip(batch.videos, model.eval().predict_step(batch, 0), strict=True):
        found.setdefault(video, []).append(window)
    return found


def answers(model: AdaptiveGAT, examples: Sequence[Example]) -> np.ndarray:
    found = windows(model, examples)
    return np.stack([model.decode(found[e.video.key], e) for e in examples])


# ------------------------------------------------------------------------------------------------ samples


@given(arrays(np.float32, (2, 12, 2), elements=st.floats(-9, 9, width=32)))
def test_a_mirror_image_of_a_mirror_image_is_the_face(motion: np.ndarray) -> None:
    once = cut.mirrored(motion, PAIRS)
    np.testing.assert_array_equal(cut.mirrored(once, PAIRS), motion)
    swapped = [5, 4, 3, 2, 1, 0, 6, 7, 10, 9, 8, 11]
    np.testing.assert_array_equal(once[..., 0], -motion[:, swapped, 0])
    np.testing.assert_array_equal(once[..., 1], motion[:, swapped, 1])


def test_epochs_are_drawn_from_the_generator_alone_and_half_is_mirrored() -> None:
    train = planted(200)
    model = built(train)
    a, b, other = (model.samples(train, np.random.default_rng(seed), 3) for seed in (5, 5, 6))
    assert [s.video for s in a] == [e.video.key for e in train]
    assert all(np.array_equal(x.inputs["motion"], y.inputs["motion"]) for x, y in zip(a, b, strict=True))
    assert not all(np.array_equal(x.inputs["motion"], y.inputs["motion"]) for x, y in zip(a, other, strict=True))
    turned = sum(not np.array_equal(s.inputs["motion"], e.features.values) for s, e in zip(a, train, strict=True))
    assert 70 < turned < 130
    assert [int(s.targets["label"]) for s in a] == [e.label for e in train]
    plain = built(train, flip=False).samples(train, np.random.default_rng(5), 3)
    assert all(np.array_equal(s.inputs["motion"], e.features.values) for s, e in zip(plain, train, strict=True))


@pytest.mark.parametrize("flip", [True, False])
def test_scale_is_that_of_the_training_clips_and_their_mirror_images(flip: bool) -> None:
    train = planted(9)
    shifted = [example(e.features.values + np.float32([0.5, 0.2]), e.label, e.video.code) for e in train]
    model = built(shifted, flip=flip)
    samples = model.samples(shifted, np.random.default_rng(0))
    if flip:
        samples = [*samples, *(Sample("", 0, {"motion": cut.mirrored(s.inputs["motion"], PAIRS)}) for s in samples)]
    motion = model._standard(stack(samples).inputs["motion"]).flatten(0, 2)
    torch.testing.assert_close(motion.mean(0), torch.zeros(2), atol=1e-5, rtol=0)
    torch.testing.assert_close(motion.std(0, correction=0), torch.ones(2), atol=1e-5, rtol=0)
    assert model.prepare(shifted)["mean"][0] == pytest.approx(0.0 if flip else 0.5, abs=0.02)


def test_prepare_refuses_what_it_cannot_use() -> None:
    model = AdaptiveGAT()
    model.classes = CLASSES
    good = planted(3)
    assert set(model.prepare(good)) == {"flows", "nodes", "mean", "std", "weights"}
    with pytest.raises(DataError, match="as many rows of every clip"):
        model.prepare([*good, example(np.zeros((5, 12, 2), np.float32), 0, "long")])
    with pytest.raises(DataError, match="motion of the same regions"):
        model.prepare([example(np.zeros((3, 64, 64), np.uint8), 0, "crop")])
    with pytest.raises(DataError, match="motion of the same regions"):
        model.prepare([example(np.zeros((3, 12, 2), np.float32), 0, "polar", components=["length", "angle"])])
    six = [example(np.zeros((3, 6, 2), np.float32), 0, "six")]
    with pytest.raises(DataError, match="swaps node 10, but the features have 6 nodes"):
        model.prepare(six)
    free = AdaptiveGAT(flip=False)
    free.classes = CLASSES
    assert free.prepare(six)["nodes"] == 6


# ------------------------------------------------------------------------------------------------ training


class Steps(L.Callback):
    """Seeds each step, notes strength and rate, and keeps each epoch's checkpoint in a folder."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder, self.seen = folder, []

    def on_train_batch_start(self, trainer: L.Trainer, pl_module: Any, batch: Any, batch_idx: int) -> None:
        torch.manual_seed(1000 * trainer.current_epoch + batch_idx)
        self.seen.append((pl_module._strength(), trainer.optimizers[0].param_groups[0]["lr"]))

    def on_train_epoch_end(self, trainer: L.Trainer, *args: Any) -> None:
        if self.folder is not None:
            trainer.save_checkpoint(self.folder / f"{trainer.current_epoch}.ckpt")


def fit(
    model: AdaptiveGAT, train: Sequence[Example], epochs: int, steps: Steps | None = None, *, start: str | None = None,
    precision: Any = "32",
) -> AdaptiveGAT:  # fmt: skip
    trainer = L.Trainer(
        max_epochs=epochs, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, reload_dataloaders_every_n_epochs=1, callbacks=[steps or Steps()],
        precision=precision,
    )  # fmt: skip
    trainer.fit(model, datamodule=Loaders(model, train, 1), ckpt_path=start, weights_only=True)
    return model


def test_every_argument_has_a_source() -> None:
    assert set(AdaptiveGAT.sources) == set(inspect.signature(AdaptiveGAT).parameters)


def test_strength_grows_with_the_epoch_and_the_rate_falls(tmp_path: Path) -> None:
    steps = Steps()
    fit(built(planted(6), isda=0.8, lr=1e-3), planted(6), 4, steps)
    assert [s for s, _ in steps.seen] == pytest.approx([0, 0.2, 0.4, 0.6])
    assert [r for _, r in steps.seen] == pytest.approx([1e-3 * (0.5 + 0.5 * np.cos(np.pi * e / 4)) for e in range(4)])


def test_overfits_a_handful_and_learns_what_is_common() -> None:
    train, held_out = planted(24), planted(30, seed=1)
    model = fit(built(train, lr=1e-2, batch_size=8), train, 12)
    truth = [e.label for e in held_out]
    assert (answers(model, train).argmax(1) == [e.label for e in train]).all()
    assert (answers(model, held_out).argmax(1) == truth).mean() > 0.85


def test_a_seed_fixes_a_run() -> None:
    train = planted(9)
    first, second = (fit(built(train, batch_size=4), train, 2).state_dict() for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_resumed_run_equals_an_unbroken_one_statistics_too(tmp_path: Path) -> None:
    train = planted(9)
    whole = fit(built(train, batch_size=4), train, 3, Steps(tmp_path))
    state = whole.state_dict()
    assert {"isda.mean", "isda.covariance", "isda.count"} <= set(state)
    assert state["isda.count"].tolist() == [9, 9, 9]
    for last in (0, 1):
        resumed = built(train, batch_size=4)
        fit(resumed, train, 3, Steps(tmp_path / "again"), start=str(tmp_path / f"{last}.ckpt"))
        for name, value in state.items():
            assert torch.equal(value, resumed.state_dict()[name]), (last, name)


def test_weights_and_what_was_fitted_bring_back_the_model() -> None:
    train = planted(9)
    model = fit(built(train), train, 2)
    fitted = model.prepare(train)
    other = AdaptiveGAT(**SMALL)
    other.build(fitted)
    other.load_state_dict(load(save(model.state_dict())))
    np.testing.assert_array_equal(answers(other, train), answers(model, train))


@pytest.mark.parametrize("temporal", ["conv", "gru", "attention"])
@pytest.mark.parametrize("adjacency", ["add", "mul", "static", "attention"])
def test_every_variant_trains_all_its_parameters_in_bf16(temporal: str, adjacency: str) -> None:
    train = planted(7)
    model = built(train, temporal=temporal, adjacency=adjacency, batch_size=4)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    fit(model, train, 2, precision="bf16-mixed")
    assert not [name for name, p in model.named_parameters() if torch.equal(p, before[name])]
    assert model.isda.covariance.dtype == torch.float32
    with torch.autocast("cpu", torch.bfloat16):
        found = answers(model, train)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found.sum(1), 1, atol=1e-3)


def test_loss_in_bf16_is_computed_in_float32() -> None:
    train = planted(6)
    model = built(train, dropout=0.0, noise=0.0)
    batch = stack(model.samples(train, np.random.default_rng(0), 0))
    model.log_dict = lambda *args, **kw: None
    model._strength = lambda: 0.5
    with torch.autocast("cpu", torch.bfloat16):
        loss = model.training_step(batch, 0)
    assert loss.dtype == torch.float32
    assert model.isda.mean.dtype == torch.float32
    loss.backward()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters())


# ------------------------------------------------------------------------------------------------ prediction


def test_prediction_is_label_blind_and_each_clip_is_judged_alone() -> None:
    train = planted(9)
    model = fit(built(train), train, 1)
    blind = [Example(e.video.unlabelled(), e.features) for e in train]
    together = answers(model, train)
    np.testing.assert_array_equal(together, answers(model, blind))
    np.testing.assert_allclose(together[4:5], answers(model, blind[4:5]), atol=1e-6)
    assert together.shape == (9, 3)
    np.testing.assert_allclose(together.sum(1), 1, atol=1e-5)


def test_asked_in_both_views_a_mirror_image_gets_the_same_answer() -> None:
    train = planted(9)
    model = fit(built(train, flip_when_asked=True), train, 1)
    views = windows(model, train[:1])[train[0].video.key]
    assert [w.start for w in views] == [0, 1]
    turned = [example(cut.mirrored(e.features.values, PAIRS), None, e.video.code) for e in train]
    np.testing.assert_allclose(answers(model, train), answers(model, turned), atol=1e-6)
    alone = built(train)
    alone.load_state_dict(model.state_dict())
    assert np.abs(answers(alone, train) - answers(alone, turned)).max() > 1e-4


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 6), st.integers(1, 9))
def test_any_number_of_flows_and_clips_is_answered(rows: int, clips: int) -> None:
    model = built(planted(3))
    rng = np.random.default_rng(rows)
    asked = [example(rng.normal(size=(rows, 12, 2)).astype(np.float32), None, str(i)) for i in range(clips)]
    assert answers(model, asked).shape == (clips, 3)


def test_batch_is_a_batch() -> None:
    batch = stack(built(planted(3)).samples(planted(3), np.random.default_rng(0), 0))
    assert isinstance(batch, Batch)
    assert batch.inputs["motion"].shape == (3, 3, 12, 2)
    assert batch.inputs["motion"].dtype == torch.float32
