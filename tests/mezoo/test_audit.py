"""Planted leaks, each caught by the check that is there for it; and nothing said of an honest recipe."""

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from mezoo import Expression, Features, Video
from mezoo.audit import blind, control, split
from mezoo.records import Example, Window
from mezoo.splits import folds_of, leave_one_video_out


@dataclass(frozen=True)
class Noise:
    """Pictures of noise, another for each seed; `mirror` turns them round."""

    seed: int
    mirror: bool = False
    gain: float = 1.0

    def __len__(self):
        return 12

    def read(self, index, *, grey=False):
        picture = np.random.default_rng((self.seed, index)).integers(0, 256, (32, 32))
        picture = picture[:, ::-1] if self.mirror else picture
        return (self.gain * picture).astype(np.uint8)

    def number(self, index):
        return index

    def files(self):
        return (Path("x"),)


def film(subject, code, seed, dataset="samm", **more):
    return Video(dataset, subject, code, 10.0, Noise(seed, **more), (Expression("e", "micro", 2, 6, 4, "anger"),))


HONEST = [film(f"{s:03d}", f"v{v}", 10 * s + v) for s in range(4) for v in range(2)]


def verdicts(findings):
    return {f.check: f.passed for f in findings}


def test_an_honest_split_passes():
    folds = folds_of(HONEST, "loso")
    assert split.subjects(folds, HONEST).passed
    assert split.parts(folds, HONEST).passed
    assert split.duplicates(folds, HONEST).passed
    assert split.epoch("last").passed
    assert split.epoch("validation").passed


def test_the_oracle_epoch_is_caught():
    assert split.epoch("oracle").passed is False


def test_bare_subject_names_that_split_a_person_are_caught():
    spelled = [*HONEST, film("1", "v9", 99)]
    found = split.subjects(folds_of(spelled, "loso"), spelled)
    assert found.passed is False
    assert "written samm/001, samm/1" in found.detail


def test_releases_of_one_family_are_caught():
    both = [*HONEST, film("002", "long", 77, dataset="samm_long")]
    assert split.subjects(folds_of(both, "loso"), both).passed is False
    strangers = [*HONEST, film("002", "x", 77, dataset="casme2")]
    assert split.subjects(folds_of(strangers, "loso"), strangers).passed


@pytest.mark.parametrize("how", [{}, {"mirror": True}, {"gain": 0.8}])
def test_copies_made_before_the_split_are_caught(how):
    doubled = [*HONEST, film("077", "copy", 11, **how)]
    found = split.duplicates(folds_of(doubled, "loso"), doubled)
    assert found.passed is False
    assert "samm/001/v1" in found.detail
    at_home = [*HONEST, film("001", "copy", 11, **how)]
    assert split.duplicates(folds_of(at_home, "loso"), at_home).passed, "with the subject, they stay on one side"
    assert split.duplicates(leave_one_video_out(at_home), at_home).passed is False


def test_folds_that_overlap_or_forget_are_caught():
    folds = folds_of(HONEST, "loso")
    leaky = [replace(folds[0], train=(*folds[0].train, folds[0].test[0])), *folds[1:]]
    assert split.parts(leaky, HONEST).passed is False
    assert split.parts(folds[1:], HONEST).passed is False
    assert split.parts([*folds, folds[0]], HONEST).passed is False


def test_features_that_tell_who_is_seen_need_the_split():
    means = {v.key: np.array([float(v.subject), 0.0]) for v in HONEST}
    found = split.identity(folds_of(HONEST, "loso"), HONEST, means)
    assert found.passed
    assert found.found.startswith("who is seen: 1.00 right")
    assert split.identity(leave_one_video_out(HONEST), HONEST, means).passed is False


def test_an_extractor_that_reads_labels_is_caught():
    class Peeks:
        def __call__(self, video):
            return Features(np.full((3, 1), len(video.expressions)), np.arange(3), 12, 10.0)

    class Honest(Peeks):
        def __call__(self, video):
            return Features(np.full((3, 1), len(video.frames)), np.arange(3), 12, 10.0)

    assert blind.features(Peeks(), HONEST[0]).passed is False
    assert blind.features(Honest(), HONEST[0]).passed


EXAMPLES = {v.key: Example(v, Features(np.full((3, 1), float(v.frames.seed)), np.arange(3), 12, 10.0)) for v in HONEST}


def test_a_graph_or_scale_of_all_subjects_is_caught():
    folds = folds_of(HONEST, "loso")
    everyone = float(np.mean([e.features.values.mean() for e in EXAMPLES.values()])) + 0.25

    def honest(train):
        return {"mean": float(np.mean([e.features.values.mean() for e in train])), "size": [12, 2]}

    (fine,) = blind.provenance(folds, EXAMPLES, honest)
    assert fine.passed
    assert len(set(fine.detail.split("saw ")[1:])) == 3, "another hash of people in every fold"
    (caught,) = blind.provenance(folds, EXAMPLES, lambda train: {**honest(train), "scale": everyone})
    assert caught.passed is False
    assert "scale" in caught.detail
    matrix = [[0.25, 0.75], [0.5, 0.5]]
    (caught,) = blind.provenance(folds, EXAMPLES, lambda train: {**honest(train), "adjacency": matrix})
    assert caught.passed is False
    assert "adjacency" in caught.detail


def test_predictions_that_change_with_labels_are_caught():
    scores = {"a": [Window(0, {"p": np.zeros(3)})], "b": [Window(0, {"p": np.ones(3)})]}
    other = {**scores, "b": [Window(0, {"p": np.full(3, 0.5)})]}
    assert blind.same_scores(scores, dict(scores)).passed
    found = blind.same_scores(scores, other)
    assert found.passed is False
    assert found.found == "1 of 2 videos changed"


def test_a_control_that_knows_the_answers_is_caught():
    from mezoo.tasks import RecognitionTask

    task, rng = RecognitionTask(("a", "b")), np.random.default_rng(0)
    truth = [i % 2 for i in range(40)]
    every = [
        Example(film(f"{i // 2}", f"v{i}", i), next(iter(EXAMPLES.values())).features, t) for i, t in enumerate(truth)
    ]
    knows = [(e, np.eye(2)[t]) for e, t in zip(every, truth, strict=True)]
    guesses = [(e, np.eye(2)[int(rng.integers(2))]) for e in every]
    assert control.shuffled(task, knows).passed is False
    assert control.shuffled(task, guesses).passed


def audit(mezoo, runs, recipe, *more):
    code, out, err = mezoo("audit", recipe, "--synthetic", "--runs", runs, "--json", *more)
    return code, {f["check"]: f for f in json.loads(out)} if out.startswith("[") else {}, err


@pytest.mark.parametrize("recipe", ["toy", "toy_sides"])
def test_an_honest_recipe_passes_whole(mezoo, tmp_path, cache, recipe):
    code, found, err = audit(mezoo, tmp_path, recipe)
    assert code == 0, (found, err)
    assert len(found) == 9
    assert found["shuffled labels"]["passed"] is True
    assert [f["check"] for f in found.values() if not f["passed"]] == ["near-duplicates"]
    assert found["near-duplicates"]["passed"] is None, "films of 4 x 4 px"


def test_leaks_of_a_recipe_and_its_model_are_caught(mezoo, tmp_path, cache, monkeypatch):
    from mezoo_toy.model import ToyThreshold

    prepare = ToyThreshold.prepare
    monkeypatch.setattr(ToyThreshold, "prepare", lambda self, train: {**prepare(self, train), "std": 0.125})
    code, found, _ = audit(mezoo, tmp_path, "toy", "--quick", "--set", "protocol.epoch=oracle")
    assert code == 1
    assert {check for check, f in found.items() if f["passed"] is False} == {"epoch", "fitted quantities"}
    assert found["shuffled labels"]["verdict"] == "not made"


def test_a_model_that_reads_held_out_labels_is_caught(mezoo, tmp_path, cache, monkeypatch):
    from mezoo.tasks import SpottingTask

    monkeypatch.setattr(SpottingTask, "blind", lambda self, example: example)
    from mezoo_toy.model import ToyThreshold

    sample = ToyThreshold.sample

    def peeking(self, example, learn):
        made = sample(self, example, learn)
        return replace(made, inputs={"x": made.inputs["x"] + np.float32(len(example.video.expressions))})

    monkeypatch.setattr(ToyThreshold, "sample", peeking)
    code, found, _ = audit(mezoo, tmp_path, "toy", "--quick")
    assert code == 1
    assert found["predictions are label-blind"]["passed"] is False


def test_the_table_for_people(mezoo, tmp_path, cache):
    code, out, _ = mezoo("audit", "toy", "--synthetic", "--quick", "--runs", tmp_path)
    assert code == 0
    assert "shuffled labels\tnot made" in out
