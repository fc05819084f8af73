"""AUW-GCN as a spotter: graph, windows, decoding, options, and that it learns what is planted."""

import inspect
from collections.abc import Sequence
from typing import Any

import lightning as L
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mezoo_auwgcn import au_graph, proposals, samples
from mezoo_auwgcn.model import AUWGCN
from mezoo_auwgcn.network import Network, from_official
from mezoo_auwgcn.presets import PRESETS, Search, preset
from mezoo_auwgcn.targets import targets

from mezoo import DataError, Example, Expression, Features, Video, Window
from mezoo.data import Loaders
from mezoo.data import collate as stack


class NoFrames:
    """Frames that nobody may read: the model works on features."""

    def __init__(self, n: int) -> None:
        self.n = n

    def __len__(self) -> int:
        return self.n

    def read(self, index: int, *, grey: bool = False) -> np.ndarray:
        raise AssertionError("a model never reads frames")

    def number(self, index: int) -> int:
        return index

    def files(self) -> tuple:
        return ()


def example(values: np.ndarray, found: Sequence[Expression] = (), step: int = 1, code: str = "v") -> Example:
    """Features of pairs: row r stands at frame (r + 1) * step."""
    rows = len(values)
    frames = NoFrames((rows + 1) * step)
    features = Features(values.astype(np.float32), (np.arange(rows) + 1) * step, len(frames), 25.0)
    return Example(Video("toy", code, code, 25.0 * step, frames, tuple(found)), features)


def noise(rows: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.1, (rows, 12, 2))


def me(onset: int, apex: int | None, offset: int, kind: Any = "micro", aus: str = "1+12") -> Expression:
    return Expression(f"{kind}{onset}", kind, onset, offset, apex, aus=aus)


def planted(seed: int, rows: int = 300) -> Example:
    """Noise in which the lips rise and fall: fast (micro, 9 frames), and slowly (macro, 33 frames)."""
    rng = np.random.default_rng(seed)
    values, found = noise(rows, seed), []
    for i, part in enumerate(range(20, rows - 60, 60)):
        onset, half = int(part + rng.integers(0, 15)), 4 if i % 2 else 16
        rise = slice(onset - 1, onset - 1 + half), slice(onset - 1 + half, onset + 2 * half)
        for rows_of, sign in zip(rise, (-1, 1), strict=True):
            values[rows_of, 8:12, 1] += sign * (0.9 if i % 2 else 0.4)
        found.append(me(onset, onset + half, onset + 2 * half, "micro" if i % 2 else "macro"))
    return example(values, found, code=f"v{seed}")


def built(train: Sequence[Example], **arguments: Any) -> AUWGCN:
    torch.manual_seed(0)
    model = AUWGCN(**arguments)
    model.build(model.prepare(train))
    return model


def windows(model: AUWGCN, one: Example) -> list[Window]:
    parts = model.samples([one], np.random.default_rng(0))
    with torch.no_grad():
        return model.eval().predict_step(stack(parts), 0)


def fit(model: AUWGCN, train: Sequence[Example], epochs: int, **trainer: Any) -> None:
    L.seed_everything(1, verbose=False)
    L.Trainer(
        max_epochs=epochs, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, reload_dataloaders_every_n_epochs=1, **trainer,
    ).fit(model, datamodule=Loaders(model, train, 1))  # fmt: skip


def hits(model: AUWGCN, one: Example) -> tuple[int, int, int]:
    """Spots of the right kind with both ends within two frames; spots; expressions."""
    spots = model.decode(windows(model, one), Example(one.video.unlabelled(), one.features)).spots
    near = [
        any(s.kind == e.kind and abs(s.onset - e.onset) <= 2 and abs(s.offset - e.offset) <= 2 for s in spots)
        for e in one.video.expressions
    ]
    return sum(near), len(spots), len(near)


@pytest.fixture(scope="module")
def learnt() -> tuple[AUWGCN, list[Example]]:
    train = [planted(seed) for seed in range(6)]
    model = built(train, preset="samm_long", batch_size=4, adjacency="symmetric")
    fit(model, train, 12)
    return model, train


def test_it_learns_what_is_planted_and_finds_it_in_another_video(learnt):
    model, train = learnt
    for one in (*train[:2], planted(99)):
        hit, spots, truth = hits(model, one)
        assert hit >= truth - 1
        assert spots <= truth + 2


def test_weights_go_through_safetensors(learnt, tmp_path):
    from safetensors.torch import load_file, save_file

    model, train = learnt
    save_file({k: v.contiguous() for k, v in model.state_dict().items()}, tmp_path / "w.safetensors")
    again = AUWGCN(preset="samm_long", adjacency="symmetric")
    again.build(model.prepare(train))
    again.load_state_dict(load_file(tmp_path / "w.safetensors"))
    for a, b in zip(windows(model, train[0]), windows(again, train[0]), strict=True):
        np.testing.assert_array_equal(a.scores["curves"], b.scores["curves"])


def test_prediction_is_label_blind(learnt):
    model, train = learnt
    blind = Example(train[0].video.unlabelled(), train[0].features)
    for a, b in zip(windows(model, train[0]), windows(model, blind), strict=True):
        np.testing.assert_array_equal(a.scores["curves"], b.scores["curves"])


def test_a_seed_fixes_a_run():
    train = [planted(1), planted(2)]
    states = []
    for _ in range(2):
        model = built(train, batch_size=2, quiet_windows=1.0)
        fit(model, train, 2)
        states.append(model.state_dict())
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_it_trains_in_bfloat16_and_predicts_float32():
    train = [planted(1), planted(2)]
    model = built(train)
    fit(model, train, 1, precision="bf16-mixed")
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = windows(model, train[0])
    assert all(w.scores["curves"].dtype == np.float32 and np.isfinite(w.scores["curves"]).all() for w in found)


def test_every_argument_has_a_source():
    assert list(AUWGCN.sources) == list(inspect.signature(AUWGCN).parameters)


def test_official_sets_what_is_not_set_and_nothing_else():
    def settings_of(model: AUWGCN) -> list[Any]:
        return [model.norm, model.eval_mode, model.edge_bugs, model.au_node_map, model.au_cells]

    assert settings_of(AUWGCN()) == ["train_fold", "full_video", False, "facs", "parsed"]
    assert settings_of(AUWGCN(official=True)) == ["official", "windowed", True, "official", "exact"]
    mixed = AUWGCN(official=True, norm="train_fold", edge_bugs=False, au_node_map="facs")
    assert settings_of(mixed) == ["train_fold", "windowed", False, "facs", "exact"]
    frames, rows = example(noise(20)).features, Features(noise(20), np.arange(20), 20, 25.0)
    assert AUWGCN().shifts(frames) == AUWGCN().shifts(rows) == (0, 0)
    assert AUWGCN(official=True).shifts(frames) == (2, -1)
    assert AUWGCN("samm_long", official=True).shifts(frames) == (1, 0)
    assert AUWGCN(official=True).shifts(rows) == (0, 1)
    assert AUWGCN(official=True, label_shift=0).shifts(frames) == (0, -1)


def test_official_scale_and_adjacency_are_taken_as_given(tmp_path):
    train = [planted(1)]
    fitted = AUWGCN(official=True).prepare(train)
    assert (fitted["mean"], fitted["std"]) == ([0.003463, 0.003873], [0.548588, 0.645621])
    matrix = np.full((12, 12), 1 / 12)
    np.save(tmp_path / "a.npy", matrix)
    np.savetxt(tmp_path / "a.csv", matrix, delimiter=",")
    for given_matrix in (matrix.tolist(), str(tmp_path / "a.npy"), str(tmp_path / "a.csv")):
        np.testing.assert_allclose(AUWGCN(adjacency=given_matrix).prepare(train)["adjacency"], matrix, rtol=1e-6)


@pytest.mark.parametrize(
    ("matrix", "said"),
    [("nowhere.npy", "cannot be read"), ([[1.0]], "shape"), ((2 * np.eye(12)).tolist(), "sum to more than 1")],
)
def test_a_wrong_adjacency_is_refused(matrix, said):
    with pytest.raises(DataError, match=said):
        AUWGCN(adjacency=matrix).prepare([planted(1)])


def test_the_graph_counts_training_expressions_only_and_says_when_there_is_none():
    train = [example(noise(300), [me(20, 25, 30, aus="R12B+25"), me(60, 65, 70, aus="4+7"), me(90, 95, 99, aus="1")])]
    fitted = AUWGCN().prepare(train)
    expected = np.zeros((12, 12))
    expected[2, 2] = expected[3, 3] = 1
    expected[[[8], [10]], [9, 11]] = expected[[[9], [11]], [8, 10]] = 0.5
    np.testing.assert_allclose(fitted["adjacency"], expected, atol=1e-5)
    official = np.array(AUWGCN(official=True).prepare(train)["adjacency"])
    assert official[[0, 1, 4, 5], [0, 1, 4, 5]].tolist() == pytest.approx([1, 1, 1, 1], abs=1e-5)
    assert official[[9, 11], [9, 11]].tolist() == pytest.approx([1, 1], abs=1e-5)  # of R12B+25 only 25 is a bare number
    assert official.sum() == pytest.approx(6, abs=1e-4)
    for cell in ("", "4+7"):
        with pytest.raises(DataError, match="none of 1 training expressions") as caught:
            AUWGCN().prepare([example(noise(300), [me(20, 25, 30, aus=cell)])])
        assert "adjacency: symmetric" in str(caught.value)
    assert AUWGCN(adjacency="symmetric").prepare([example(noise(300), [me(20, 25, 30, aus="")])])["adjacency"]


def test_the_graph_without_annotation_joins_mirror_images():
    graph = au_graph.symmetric()
    np.testing.assert_allclose(graph.sum(1), 1)
    np.testing.assert_array_equal(graph, graph.T)
    assert graph[0, 5] == graph[2, 3] == graph[8, 10] == graph[0, 0] == 0.5
    assert graph[6, 6] == graph[9, 9] == 1


def test_features_of_another_kind_and_videos_without_expressions_are_refused():
    with pytest.raises(DataError, match="12 regions"):
        AUWGCN().prepare([example(np.zeros((50, 36, 2)), [me(20, 25, 30)])])
    with pytest.raises(DataError, match="none of the 1 training videos"):
        AUWGCN().prepare([example(noise(50))])


def test_features_are_standardised_by_the_training_subjects():
    train = [example(noise(300) * [3, 0.5] + [1, -2], [me(20, 25, 30)])]
    model = built(train)
    batch = stack(model.samples([Example(train[0].video, train[0].features)], np.random.default_rng(0)))
    scaled = samples.normalise(batch.inputs["motion"], model.mean, model.std)[:, 7:-7].reshape(-1, 2)[: 256 * 12]
    torch.testing.assert_close(scaled.mean(0), torch.zeros(2), atol=0.1, rtol=0)
    torch.testing.assert_close(scaled.std(0), torch.ones(2), atol=0.1, rtol=0)


def test_training_leaves_out_quiet_windows_unless_some_are_asked_for():
    one = example(noise(256 * 6), [me(20, 25, 30), me(256 + 250, 256 + 254, 256 + 260, "macro")])
    for share, starts in ((0.0, {0, 256, 512}), (1.0, {0, 256, 512, 768, 1024, 1280})):
        model = built([one], quiet_windows=share)
        found = model.samples([one], np.random.default_rng(0), 0)
        assert {s.start for s in found} == starts
        assert [len(s.targets) for s in found] == [3] * len(starts)
        assert found[0].inputs["motion"].shape == (270, 12, 2)
    assert {s.start for s in model.samples([one], np.random.default_rng(0))} == set(range(0, 1536, 256))


def test_targets_stand_at_the_rows_of_their_frames_and_an_unknown_end_mirrors_the_start():
    found = [me(41, 45, 49), me(101, 111, 111, "macro"), me(201, None, 211, "macro")]
    one = example(noise(256), found)
    (sample,) = built([one]).samples([one], np.random.default_rng(0), 0)
    starts, ends = (np.flatnonzero(sample.targets["phase"][1] == value).tolist() for value in (0, 1))
    assert starts == [*range(97, 104), *range(197, 204)]
    assert ends == [*range(117, 124), *range(207, 214)]
    assert np.flatnonzero(sample.targets["apex"].max(0) == 1).tolist() == [44, 110, 205]
    assert np.flatnonzero(sample.targets["action"][0]).tolist() == [*range(40, 49)]
    (kept,) = built([one], missing_offset="keep").samples([one], np.random.default_rng(0), 0)
    assert np.flatnonzero(kept.targets["phase"][1] == 1).tolist() == [*range(107, 114), *range(207, 214)]
    (late,) = built([one], label_shift=2).samples([one], np.random.default_rng(0), 0)
    assert np.flatnonzero(late.targets["action"][0]).tolist() == [*range(42, 51)]


def test_windows_see_over_their_borders_so_that_a_video_is_predicted_as_one():
    model = built([planted(1)]).eval()
    one = example(noise(600, 3))
    whole = samples.stitched(windows(model, one), 600)
    padded = torch.tensor(np.pad(one.features.values, [(7, 7), (0, 0), (0, 0)]))[None]
    with torch.no_grad():
        at_once = proposals.probabilities(model(padded))[0].numpy()
    np.testing.assert_allclose(whole, at_once, atol=1e-5)


def bumps(rows: int, at: Sequence[tuple[int, int, int]], kind: int) -> np.ndarray:
    """Curves (2, 3, rows) that are 0.9 at the given starts, apexes and ends of one kind, else 0.05."""
    curves = np.full((2, 3, rows), 0.05, dtype=np.float32)
    for place in at:
        curves[kind, range(3), [place[0], place[2], place[1]]] = 0.9
    return curves


def cut_up(curves: np.ndarray) -> list[Window]:
    padded = np.pad(curves, [(0, 0), (0, 0), (0, -curves.shape[-1] % 256)], constant_values=0.05)
    return [Window(s, {"curves": padded[..., s : s + 256]}) for s in range(0, padded.shape[-1], 256)]


def test_a_spot_may_cross_a_window_unless_windows_are_decoded_alone():
    one = example(noise(400), step=8)
    found = cut_up(bumps(400, [(30, 34, 40), (251, 255, 259)], 0))
    spots = AUWGCN().decode(found, one).spots
    frames = [one.features.interval(30, 40), one.features.interval(251, 259)]
    assert [(s.onset, s.offset) for s in spots] == frames == [(244, 331), (2012, 2083)]
    assert {s.kind for s in spots} == {"micro"}
    assert spots[0].score == pytest.approx(0.9**3, rel=1e-5)
    alone = AUWGCN(eval_mode="windowed").decode(found, one)
    assert [(s.onset, s.offset) for s in alone.spots] == frames[:1]
    moved = AUWGCN(spot_shift=1).decode(found, one)
    assert (moved.spots[0].onset, moved.spots[0].offset) == one.features.interval(31, 41)
    assert alone.curves["micro"].shape == (400,)
    assert alone.curves["micro"].max() == pytest.approx(0.9)


def test_only_the_best_spots_are_kept_of_each_kind():
    places = [(40 * i + 10, 40 * i + 14, 40 * i + 20) for i in range(9)]
    one, found = example(noise(400)), cut_up(bumps(400, places, 0))
    assert len(AUWGCN().decode(found, one).spots) == 5
    assert len(AUWGCN(micro={"keep": 8}).decode(found, one).spots) == 8
    assert not AUWGCN(apex_threshold=0.95).decode(found, one).spots
    assert not AUWGCN(micro={"length": [11, 30]}).decode(found, one).spots


def test_decode_of_nothing_is_nothing():
    for mode in ("full_video", "windowed"):
        assert AUWGCN(eval_mode=mode).decode([], example(noise(40))).spots == ()


@pytest.mark.parametrize("rows", [1, 8, 255, 256, 257])
def test_short_videos_are_padded_and_spots_stay_inside(rows):
    model = built([planted(1)], apex_threshold=0.0, micro={"length": [0, 30]})
    one = example(noise(rows))
    found = windows(model, one)
    assert [w.start for w in found] == [*range(0, rows, 256)]
    spotting = model.decode(found, one)
    assert all(0 <= s.onset <= s.offset <= rows for s in spotting.spots)
    assert spotting.curves["macro"].shape == (rows,)


def slow_candidates(curves: np.ndarray, search: Search) -> list[tuple[int, int, float]]:
    """The rule in words, row by row."""
    start, end, apex = curves.tolist()
    found = []
    for t, p in enumerate(apex):
        if p > 0.5:
            s = max((max(t - k, 0) for k in range(search.left[0], search.left[1] + 1)), key=start.__getitem__)
            e = max(
                (min(t + k, len(apex) - 1) for k in range(search.right[0], search.right[1] + 1)), key=end.__getitem__
            )
            if start[s] > end[s] and start[e] < end[e] and search.length[0] <= e - s <= search.length[1]:
                found.append((s, e, start[s] * end[e] * p))
    return found


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 10_000),
    st.integers(12, 90),
    st.sampled_from([PRESETS[p].searches[k] for p in PRESETS for k in (0, 1)]),
)
def test_candidates_follow_the_rule(seed, rows, search):
    curves = np.random.default_rng(seed).random((3, rows)).round(1)  # many ties
    found = proposals.candidates(curves, search)
    expected = slow_candidates(curves, search)
    assert found.spans.tolist() == [[s, e] for s, e, _ in expected]
    np.testing.assert_allclose(found.scores, [p for *_, p in expected])


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 30), st.integers(1, 6))
def test_what_is_kept_does_not_overlap_and_what_is_dropped_does(seed, n, keep):
    rng = np.random.default_rng(seed)
    first = rng.integers(0, 60, n)
    spans = np.stack([first, first + rng.integers(1, 30, n)], axis=1)
    scores = rng.random(n)
    kept = proposals.suppress(spans, scores, keep)
    assert (np.diff(scores[kept]) <= 0).all()
    iou = proposals.overlap(spans[kept], spans)
    assert (iou[:, kept] - np.eye(len(kept)) <= 0.5).all()
    if len(kept) < keep:
        assert (iou > 0.5).any(axis=0).all()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000))
def test_targets_of_a_window_are_those_of_the_whole_video(seed):
    rng = np.random.default_rng(seed)
    labels = (rng.random((700, 8)) < 0.02).astype(np.int8)
    whole = targets(np.pad(labels, [(7, 7), (0, 0)]))
    for start in (0, 256, 512):
        part = targets(samples.cut(labels, start))
        for a, b in zip(whole, part, strict=True):
            rows = min(256, 700 - start)
            np.testing.assert_array_equal(a[:, start : start + rows], b[:, :rows])


def test_presets_are_changed_by_field_and_wrong_ones_are_refused():
    changed = preset("samm_long", macro={"keep": 3, "left": [5, 20]}, macro_weight=1.0)
    assert (changed.macro.keep, changed.macro.left, changed.macro.right, changed.macro_weight) == (
        3,
        (5, 20),
        (6, 27),
        1,
    )
    assert changed.micro == PRESETS["samm_long"].micro
    for wrong in ({"micro": {"most": 3}}, {"micro": {"left": 3}}, {"macro": {"length": [9, 4]}}):
        with pytest.raises(DataError):
            AUWGCN(**wrong)
    with pytest.raises(DataError, match="no preset"):
        preset("casme9")


def test_names_of_the_official_code_are_mapped_one_to_one():
    state = Network(torch.eye(12)).state_dict()
    assert from_official({"graph_embedding.0.gc1.weight": np.zeros((2, 16))})["graph.lin.weight"].shape == (16, 2)
    assert {n.split(".")[0] for n in state} == {"adjacency", "graph", "graph_norm", "layers", "head"}
    with pytest.raises(KeyError, match="no tensor of the official"):
        from_official({"fc.weight": np.zeros(3)})
