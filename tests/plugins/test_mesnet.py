"""MESNet: sizes and receptive fields, intervals, samples of both stages, decoding, and that it learns."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mezoo_mesnet import clips, proposals
from mezoo_mesnet.model import MESNet, moved
from mezoo_mesnet.network import ClassificationRegressionNet, ClipProposalNet, resampling
from mezoo_toy.frames import NoFrames
from torch.nn import functional

from mezoo import Batch, DataError, Example, Expression, Features, Sample, Spotting, Video, Window, intervals
from mezoo.data import Loaders
from mezoo.data import collate as stack

TINY = {"channels": (8, 8, 8, 8), "temporal_channels": 16, "hidden": 16, "cpn_channels": 8, "pretrain_epochs": 2}


def example(values: np.ndarray, micro: Sequence = (), macro: Sequence = (), step: int = 1, code: str = "v") -> Example:
    spans = [("micro", *s) for s in micro] + [("macro", *s) for s in macro]
    found = tuple(Expression(f"{code}{i}", kind, a, b) for i, (kind, a, b) in enumerate(spans))
    rows = len(values)
    features = Features(values, np.arange(rows) * step, rows * step, 25.0)
    return Example(Video("toy", code, code, 25.0 * step, NoFrames(), found), features)


def noise(rows: int = 160, size: int = 16, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(100, 8, (rows, size, size)).clip(0, 255).astype(np.uint8)


def planted(seed: int) -> Example:
    """Noise with a bright square that moves for 8 rows, twice."""
    rng = np.random.default_rng(seed)
    values, spans = noise(160, 16, seed).astype(np.int64), []
    for part in (10, 80):
        onset, (row, column) = int(part + rng.integers(0, 40)), rng.integers(3, 9, 2)
        spans.append((onset, onset + 7))
        for i in range(8):
            values[onset + i, row + i // 2 : row + i // 2 + 4, column : column + 4] += 60
    return example(values.clip(0, 255).astype(np.uint8), spans, code=f"v{seed}")


def batches(samples: Sequence[Sample], size: int) -> list[Batch]:
    return [stack(samples[i : i + size]) for i in range(0, len(samples), size)]


def built(train: Sequence[Example], **arguments: object) -> MESNet:
    torch.manual_seed(0)
    model = MESNet(**{**TINY, **arguments})  # type: ignore[arg-type]
    model.build(model.prepare(train))
    return model


def windows(model: MESNet, one: Example) -> list[Window]:
    samples = model.samples([one], np.random.default_rng(0))
    with torch.no_grad():
        return [w for batch in batches(samples, model.batch_size) for w in model.eval().predict_step(batch, 0)]


def count(module: torch.nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def test_sizes_at_the_default_are_those_of_the_specification() -> None:
    model = MESNet()
    model.build({"input": [1, 112, 112]})
    assert model.spatial.length == 3136
    assert (count(model.spatial), count(model.temporal), count(model.cpn)) == (60_224, 1_253_632, 125_130)
    assert count(model.crn) == 1_253_632 + 262_788
    assert count(model.pretrain_head) == 262_530
    assert count(model) - count(model.pretrain_head) == 2_955_406


def test_spatial_features_are_one_column_a_frame() -> None:
    model = built([example(noise(), [(3, 9)])])
    frames = torch.randn(2, 5, 1, 16, 16)
    features = model.spatial(frames)
    assert features.shape == (2, 8, 5)
    torch.testing.assert_close(features[1, :, 3], model.spatial(frames[1:, 3:4])[0, :, 0])


def test_windows_of_the_branches_are_5_9_13_17_21_rows_of_s() -> None:
    torch.manual_seed(0)
    net = ClipProposalNet(MESNet().sizes)
    spans = proposals.anchors(64, (1, 2, 3, 4, 5))[:, 32]
    for scale, wide in enumerate((5, 9, 13, 17, 21)):
        states = torch.randn(1, 128, 64, requires_grad=True)
        net(states)[0, scale, 32].sum().backward()
        assert states.grad is not None
        seen = states.grad[0].abs().sum(0).nonzero().flatten()
        assert (int(seen[0]), int(seen[-1])) == (32 - wide // 2, 32 + wide // 2) == tuple(spans[scale].int().tolist())


def test_crn_resamples_as_if_before_its_first_convolution() -> None:
    torch.manual_seed(0)
    net = ClassificationRegressionNet(7, replace(MESNet().sizes, temporal=6, hidden=5, crn_frames=8))
    features, spans = torch.randn(2, 7, 20), torch.tensor([[[0.0, 19.0], [3.2, 8.7], [5, 7]]]).repeat(2, 1, 1)
    resampled = torch.einsum("bkmn,bln->bklm", resampling(spans, 8, 20), features).flatten(0, 1)
    states = functional.relu(net.second(functional.relu(net.first(resampled))))
    hidden = functional.relu(net.hidden(states.flatten(1)))
    logits, shifts = net(features, spans)
    torch.testing.assert_close(logits, net.classes(hidden).unflatten(0, (2, 3)), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(shifts, net.shifts(hidden).unflatten(0, (2, 3)), rtol=1e-4, atol=1e-5)


def test_resampling_is_linear_interpolation_with_both_ends() -> None:
    weights = resampling(torch.tensor([[2.0, 5.0], [1.5, 3.5]]), 3, 8)
    torch.testing.assert_close(weights @ torch.arange(8.0), torch.tensor([[2, 3.5, 5], [1.5, 2.5, 3.5]]))
    torch.testing.assert_close(weights.sum(-1), torch.ones(2, 3))


span = st.tuples(st.integers(0, 60), st.integers(2, 40)).map(lambda s: [float(s[0]), float(s[0] + s[1])])


@given(span, span)
def test_boundary_targets_lead_back_to_the_truth(clip: list[float], truth: list[float]) -> None:
    a, goal = torch.tensor([clip]), torch.tensor([truth])
    torch.testing.assert_close(proposals.decode(a, proposals.encode(a, goal)), goal, atol=1e-3, rtol=0)


def test_boundary_shifts_are_those_of_the_paper() -> None:
    shifts = proposals.encode(torch.tensor([10.0, 20.0]), torch.tensor([12.0, 25.0]))
    torch.testing.assert_close(shifts, torch.tensor([0.2, 0.5]))


@given(st.integers(1, 300), st.integers(2, 70), st.data())
def test_every_interval_up_to_the_overlap_is_whole_in_a_tile(rows: int, length: int, data: st.DataObject) -> None:
    overlap = data.draw(st.integers(0, length - 1))
    starts = proposals.tile_starts(rows, length, overlap, data.draw(st.integers(0, 100)))
    assert all(s >= 0 and (s + length <= rows or s == 0) for s in starts)
    assert starts == sorted(set(starts))
    assert starts[-1] + length >= rows
    wide = data.draw(st.integers(1, max(1, overlap)))
    for first in range(rows - wide + 1):
        assert any(s <= first and first + wide <= s + length for s in starts)


def test_overlap_counts_rows_with_both_ends_as_the_toolbox_does() -> None:
    a, b = [[10, 20], [0, 4], [3, 3]], [[15, 25], [0, 9], [0, -1]]
    ours = proposals.overlaps(torch.tensor(a).float(), torch.tensor(b).float())
    np.testing.assert_allclose(ours[:, :2].numpy(), intervals.iou(a, b[:2]), rtol=1e-6)
    assert not ours[:, 2].any()


def test_labels_are_me_none_or_ignored_and_a_cut_me_is_ignored() -> None:
    truth = torch.tensor([[[10.0, 19.0], [60.0, 69.0], [0.0, -1.0]]])
    spans = torch.tensor([[[10.0, 19.0], [15.0, 24.0], [18.0, 27.0], [58.0, 67.0], [40.0, 44.0]]])
    labels, nearest = proposals.label(spans, truth, torch.tensor([64]), MESNet().rule)
    assert labels.tolist() == [[1, -1, 0, -1, 0]]  # IoU 1, 1/3, 1/9, a cut one, 0
    assert nearest[0, 0] == 0


def test_weight_of_me_is_negatives_over_positives_and_capped() -> None:
    logits, labels = torch.zeros(1, 6, 2), torch.tensor([[1, 0, 0, 0, -1, -1]])
    log2 = float(np.log(2))
    assert float(proposals.weighted_cross_entropy(logits, labels, 50)) == pytest.approx(6 / 4 * log2)
    assert float(proposals.weighted_cross_entropy(logits, labels, 2)) == pytest.approx(5 / 4 * log2)
    assert float(proposals.weighted_cross_entropy(logits, torch.full((1, 6), -1), 50)) == 0


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 3))
def test_a_quarter_of_the_sampled_proposals_are_me(seed: int, amount: int) -> None:
    torch.manual_seed(seed)
    onsets = torch.randint(0, 50, (1, 3)).float()
    truth = torch.stack([onsets, onsets + torch.randint(4, 14, (1, 3))], -1)
    truth[:, amount:] = torch.tensor([0.0, -1.0])
    anchors = proposals.anchors(64, (1, 2, 3, 4, 5)).flatten(0, 1)
    rows = torch.tensor([64])
    chosen = proposals.sample(anchors, torch.rand(1, 320), truth, rows, MESNet().sampling)
    assert chosen.shape == (1, 32, 2)
    assert chosen.min() >= 0
    assert chosen.max() <= 63
    labels, _ = proposals.label(chosen, truth, rows, replace(MESNet().rule, positive=0.49))
    assert (labels == 1).sum() >= 8 * (amount > 0)
    for me in truth[0, :amount]:
        assert (chosen[0] == me).all(-1).any()


def test_sampled_proposals_stay_off_the_padding() -> None:
    anchors = proposals.anchors(64, (1, 2)).flatten(0, 1)
    truth = torch.tensor([[[0.0, -1.0]]])
    chosen = proposals.sample(anchors, torch.ones(1, 128), truth, torch.tensor([20]), MESNet().sampling)
    assert chosen.max() <= 19
    assert (chosen[..., 1] - chosen[..., 0] >= 2).all()


def test_prepare_names_the_shape_and_refuses_what_cannot_be_learnt() -> None:
    assert MESNet().prepare([example(noise(size=24), [(3, 9)])]) == {"input": [1, 24, 24]}
    colour = np.zeros((40, 20, 18, 3), np.uint8)
    assert MESNet().prepare([example(colour, [(3, 9)])]) == {"input": [3, 20, 18]}
    with pytest.raises(DataError, match="none of the 1 training videos has an annotated micro-expression"):
        MESNet().prepare([example(noise(), macro=[(3, 40)])])
    with pytest.raises(DataError, match="overlap by 32 do not suit ME of 75 rows"):
        MESNet().prepare([example(noise(), [(30, 104)])])
    with pytest.raises(DataError, match="overlap by 64 do not suit"):
        MESNet(overlap=64).prepare([example(noise(), [(3, 9)])])
    with pytest.raises(DataError, match="crops of one size"):
        MESNet().prepare([example(noise(), [(3, 9)]), example(noise(size=20), [(3, 9)])])


def test_pretraining_clips_are_balanced_of_one_length_and_negatives_free_of_me() -> None:
    values = np.tile(np.arange(200, dtype=np.uint8)[:, None, None], (1, 16, 16))
    model = built([example(values, [(50, 59), (120, 129)], [(20, 40)])], pretrain_copies=10)
    samples = model.samples([example(values, [(50, 59), (120, 129)], [(20, 40)])], np.random.default_rng(0), 0)
    labels = [int(s.targets["label"]) for s in samples]
    assert (labels.count(0), labels.count(1)) == (20, 20)
    assert model.batch_size == 16
    assert {s.inputs["clip"].shape for s in samples} == {(16, 16, 16)}
    for sample, kind in zip(samples, labels, strict=True):
        first, last = (int(sample.inputs["clip"][i, 0, 0]) for i in (0, -1))
        touches = any(first <= b and last >= a for a, b in ((50, 59), (120, 129)))
        assert touches == (kind == 1)


def test_negatives_of_pretraining_also_lie_on_macro_expressions() -> None:
    annotated = [(2000, clips.Rows(np.array([[50, 59]]), np.array([[700, 730]])))]
    rng = np.random.default_rng(0)
    for _ in range(20):
        found = clips.negative(annotated, 10, True, rng)
        assert found is not None
        assert found[1][0] <= 730
        assert found[1][1] >= 700


def test_training_tiles_carry_their_intervals_and_a_share_without() -> None:
    one = example(noise(1000), [(200, 209), (215, 222)])
    model = built([one], negative_tiles=2.0)
    samples = model.samples([one], np.random.default_rng(0), 2)
    assert model.batch_size == 4
    assert {s.targets["intervals"].shape for s in samples} == {(2, 2)}
    with_me = [s for s in samples if (s.targets["intervals"][:, 1] > 0).any()]
    assert 1 <= len(with_me) <= 4
    assert len(samples) == 3 * len([s for s in with_me if proposals_whole(s)])
    for sample in with_me:
        truth = {tuple(s) for s in (sample.targets["intervals"] + sample.start).tolist() if s[1] >= sample.start}
        assert truth <= {(200.0, 209.0), (215.0, 222.0)}


def proposals_whole(sample: Sample) -> bool:
    truth = torch.as_tensor(sample.targets["intervals"])[None]
    return bool(proposals.is_whole(truth, torch.as_tensor(sample.inputs["rows"])[None]).any())


def test_epochs_are_drawn_from_the_generator_alone() -> None:
    train = [planted(1), planted(2)]
    model = built(train)
    for epoch in (0, 2):
        a, b, other = (model.samples(train, np.random.default_rng(seed), epoch) for seed in (5, 5, 6))
        assert [(s.video, s.start) for s in a] == [(s.video, s.start) for s in b]
        assert [(s.video, s.start) for s in a] != [(s.video, s.start) for s in other]


def test_frames_are_standardised_about_the_video_or_the_clip() -> None:
    values = noise(100)
    values[:50] += 40
    one = example(values, [(3, 9)])
    for centre in ("video", "clip"):
        model = built([one], centre=centre)
        batch = stack(model.samples([one], np.random.default_rng(0)))
        frames = model._frames(batch.inputs)
        assert frames.shape == (3, 64, 1, 16, 16)
        if centre == "clip":
            mean, std = frames.mean(dim=1), frames.flatten(1).std(dim=1)
            torch.testing.assert_close(mean, torch.zeros_like(mean), atol=1e-4, rtol=0)
            torch.testing.assert_close(std, torch.ones(3), atol=1e-3, rtol=0)
        else:
            assert frames[0, :50].mean() > 0.5 > -0.5 > frames[1, 20:].mean()
    assert float(clips.statistics(values)[1]) == pytest.approx(values.astype(float).std(axis=0).mean(), rel=0.1)


def test_grey_and_colour_agree_in_shape() -> None:
    colour = np.random.default_rng(0).integers(0, 255, (70, 16, 16, 3), dtype=np.uint8)
    one = example(colour, [(3, 9)])
    model = built([one])
    assert windows(model, one)[0].scores["cpn"].shape == (5, 64)
    assert torch.isfinite(model.train().training_step(stack(model.samples([one], np.random.default_rng(0), 0)), 0))


def hand_made(start: int, spans: list, scores: list, chances: list, cpn: float = 0.0) -> Window:
    arrays = {"candidates": np.array(spans, np.float32).reshape(-1, 2), "score": np.array(scores, np.float32)}
    return Window(start, {**arrays, "chance": np.array(chances, np.float32), "cpn": np.full((5, 64), cpn, np.float16)})


def test_decode_merges_tiles_applies_thresholds_and_maps_rows_to_frames() -> None:
    one = example(noise(100), step=8)
    found = MESNet().decode(
        [
            hand_made(0, [[40.2, 49.8], [10, 20], [1, 9], [5, 6.2]], [0.9, 0.4, 0.8, 0.95], [0.9, 0.9, 0.4, 0.9], 0.2),
            hand_made(36, [[4.6, 12.6], [60, 70]], [0.7, 0.6], [0.5, 0.6], 0.6),
        ],
        one,
    )
    # kept, too little CRN, too little CPN, too short; overlaps the first, is clamped at the end
    frames = [one.features.interval(40, 50), one.features.interval(96, 99)]
    assert [(s.onset, s.offset) for s in found.spots] == frames == [(316, 403), (764, 799)]
    assert [s.score for s in found.spots] == pytest.approx([0.9, 0.6])
    assert {(s.kind, s.video) for s in found.spots} == {("micro", "toy/v/v")}
    curve = found.curves["micro"]
    assert curve.shape == (100,)
    assert curve.dtype == np.float32
    np.testing.assert_allclose(curve[[0, 50, 99]], [0.2, 0.4, 0.6], atol=1e-3)


def test_decode_of_nothing_is_nothing() -> None:
    found = MESNet().decode([hand_made(0, [], [], [])], example(noise(64)))
    assert found == Spotting((), found.curves)


def test_prediction_is_label_blind_and_repeatable() -> None:
    one = planted(3)
    model = built([one])
    blind = Example(one.video.unlabelled(), one.features)
    for a, b in zip(windows(model, one), windows(model, blind), strict=True):
        assert a.start == b.start
        assert all(np.array_equal(a.scores[name], b.scores[name]) for name in a.scores)


@pytest.mark.parametrize("rows", [1, 2, 10, 63])
def test_a_short_video_is_padded_and_spots_stay_inside(rows: int) -> None:
    model = built([planted(1)], t_cpn=0.0, t_crn=0.0)
    one = example(noise(rows))
    found = windows(model, one)
    assert [w.start for w in found] == [0]
    assert not found[0].scores["cpn"][:, rows:].any()
    spotted = model.decode(found, one)
    assert all(s.onset >= 0 and s.offset < rows for s in spotted.spots)
    assert bool(spotted.spots) == (rows >= 3)
    assert spotted.curves["micro"].shape == (rows,)


def test_an_example_without_me_gives_negatives_only() -> None:
    model = built([planted(1)])
    quiet = example(noise(200, seed=9), code="quiet")
    samples = model.samples([quiet], np.random.default_rng(0), 5)
    assert samples
    assert all((s.targets["intervals"] == [0, -1]).all() for s in samples)
    assert torch.isfinite(model.training_step(stack(samples), 0))
    pretraining = model.samples([planted(1), quiet], np.random.default_rng(0), 0)
    assert {int(s.targets["label"]) for s in pretraining if s.video == quiet.video.key} <= {0}


def test_output_layers_are_free_of_decay_and_all_parameters_are_optimised() -> None:
    model = built([planted(1)])
    groups = {g["name"]: g for g in model.configure_optimizers().param_groups}
    assert {name: g["weight_decay"] for name, g in groups.items()} == {"trunk": 1e-4, "heads": 1e-4, "outputs": 0.0}
    assert sum(p.numel() for g in groups.values() for p in g["params"]) == count(model)
    outputs = [model.pretrain_head.output, model.crn.classes, model.crn.shifts, *(b.output for b in model.cpn.branches)]
    assert {id(p) for p in groups["outputs"]["params"]} == {id(p) for m in outputs for p in m.parameters()}


def test_every_argument_has_a_source() -> None:
    import inspect

    assert set(MESNet.sources) == set(inspect.signature(MESNet).parameters)
    assert MESNet(pretrain_epochs=7).warmup_epochs == 7


def test_each_stage_trains_its_own_modules() -> None:
    train = [planted(1)]
    model = built(train)
    for epoch, untouched in ((0, (model.cpn, model.crn)), (2, (model.pretrain_head,))):
        model.zero_grad(set_to_none=True)
        model.training_step(stack(model.samples(train, np.random.default_rng(0), epoch)), 0).backward()
        still = {name for name, p in model.named_parameters() if p.grad is None}
        assert still == {
            f"{n}.{q}" for n, m in model.named_children() if m in untouched for q, _ in m.named_parameters()
        }


def fit(model: MESNet, train: Sequence[Example], epochs: int, *callbacks: L.Callback, start: str | None = None) -> None:
    trainer = L.Trainer(
        max_epochs=epochs, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, reload_dataloaders_every_n_epochs=1, callbacks=list(callbacks),
    )  # fmt: skip
    trainer.fit(model, datamodule=Loaders(model, train, 1), ckpt_path=start)


class Steps(L.Callback):
    """Seeds each step, notes the rate of the (2+1)D network, and keeps each epoch's checkpoint in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.rates = folder, []

    def on_train_batch_start(self, trainer: L.Trainer, *args: Any) -> None:
        torch.manual_seed(1000 * trainer.current_epoch + args[-1])  # the batch's number

    def on_train_epoch_end(self, trainer: L.Trainer, *args: Any) -> None:
        self.rates.append(trainer.optimizers[0].param_groups[0]["lr"])
        trainer.save_checkpoint(self.folder / f"{trainer.current_epoch}.ckpt")


def test_a_run_resumed_in_either_stage_equals_an_unbroken_one(tmp_path: Path) -> None:
    train = [planted(1), planted(2)]
    whole = built(train, lr=1e-3)
    steps = Steps(tmp_path)
    fit(whole, train, 4, steps)
    assert steps.rates == pytest.approx([1e-3, 1e-3, 1e-4, 1e-4])
    for last in (0, 1, 2):
        resumed = built(train, lr=1e-3)
        fit(resumed, train, 4, Steps(tmp_path / "again"), start=str(tmp_path / f"{last}.ckpt"))
        for name, value in whole.state_dict().items():
            assert torch.equal(value, resumed.state_dict()[name]), (last, name)


def test_a_run_trains_the_classifier_first_and_proposals_after_it(tmp_path: Path) -> None:
    train = [planted(1), planted(2)]
    model = built(train, lr=1e-3)
    states = [{name: value.clone() for name, value in model.state_dict().items()}]
    fit(model, train, 3, Steps(tmp_path))
    states += [torch.load(tmp_path / f"{epoch}.ckpt", weights_only=True)["state_dict"] for epoch in (1, 2)]
    moved_in = [{name.split(".")[0] for name in a if not torch.equal(a[name], b[name])} for a, b in pairwise(states)]
    assert moved_in == [{"spatial", "temporal", "pretrain_head"}, {"spatial", "temporal", "cpn", "crn"}]


def test_learns_a_planted_movement(tmp_path: Path) -> None:
    train, held_out = [planted(i) for i in range(8)], [planted(i) for i in range(8, 12)]
    model = built(train, lr=3e-3, trunk_lr_factor=0.5)
    fit(model, train, 10, Steps(tmp_path))
    hits = total = 0
    for one in held_out:
        spots = [(s.onset, s.offset) for s in model.decode(windows(model, one), one).spots]
        total += len(spots)
        hits += len(intervals.match(spots, [(e.onset, e.offset) for e in one.video.expressions]))
    assert hits >= 6
    assert total <= 24


def test_a_moved_clip_is_the_clip_moved_by_whole_pixels():
    frames = torch.rand(3, 2, 1, 9, 9)
    torch.manual_seed(0)
    out = moved(frames, 2)
    assert out.shape == frames.shape
    for clip, shifted in zip(frames, out, strict=True):
        inner = shifted[..., 2:-2, 2:-2]
        windows = [clip[..., y : y + 5, x : x + 5] for y in range(5) for x in range(5)]
        assert sum(torch.equal(inner, window) for window in windows) == 1
