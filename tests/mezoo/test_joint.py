"""Spot, then recognise: two recipes in one, no subject seen by either part, and the error split."""

import csv
import json
from dataclasses import astuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mezoo.errors import RecipeError
from mezoo.joint.score import NAMELESS, Split, added, split_of
from mezoo.joint_recipe import Joint, read_any
from mezoo.recipe import Recipe
from mezoo.records import Video
from mezoo.splits import folds_of_people

TOY = """
task: spot_then_recognize
dataset: {use: toy, root: nowhere}
wandb: {mode: disabled}
spotter:
  features: {use: toy_mean, step: 2}
  model: {use: toy_threshold}
  trainer: {max_epochs: 4, accelerator: cpu}
recognizer:
  clips: {classes: native}
  features: {use: toy_sides}
  model: {use: toy_side}
  trainer: {max_epochs: 6, accelerator: cpu}
synthetic:
  data: {subjects: 3}
  spotter: {trainer: {max_epochs: 3}}
"""


@pytest.fixture
def toy(tmp_path):
    path = tmp_path / "joint.yaml"
    path.write_text(TOY)
    return path


def read(path, *overrides, synthetic=True):
    joint = read_any(str(path), overrides, synthetic=synthetic)
    assert isinstance(joint, Joint)
    return joint


def test_a_joint_recipe_is_two(toy):
    joint = read(toy)
    assert (joint.spotter.task, joint.recognizer.task) == ("spotting", "recognition")
    assert joint.spotter.trainer["max_epochs"] == 3
    assert joint.recognizer.trainer["max_epochs"] == 6
    assert joint.spotter.stand_in == joint.recognizer.stand_in
    assert joint.spotter.stand_in.subjects == 3
    assert joint.digest() == read(toy).digest() != read(toy, "protocol.seed=2").digest()


def test_overrides_reach_their_part(toy):
    joint = read(toy, "spotter.model.lr=0.5", "recognizer.features.gain=3", "protocol.seed=7")
    assert joint.spotter.model.arguments["lr"] == 0.5
    assert joint.recognizer.features.arguments["gain"] == 3
    assert joint.spotter.protocol.seed == joint.recognizer.protocol.seed == 7
    with pytest.raises(RecipeError, match="which part"):
        read(toy, "model.lr=1")


def test_problems_of_both_parts_are_shown_with_their_lines(toy):
    toy.write_text(TOY.replace("toy_threshold", "toy_treshold").replace("toy_sides", "toy_side_s"))
    with pytest.raises(RecipeError) as caught:
        read(toy)
    assert f"{toy}:7:" in caught.value.what
    assert f"{toy}:11:" in caught.value.what
    assert "did you mean" in caught.value.what


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("wandb:", "wandbb:", "unknown key 'wandbb'"),
        ("recognizer:", "recogniser:", "unknown key 'recogniser'"),
        ("{classes: native}", "{classes: native, kind: both}", "STRS is of micro-expressions"),
        ("wandb:", "protocol: {use: lovo}\nwandb:", "leaves one subject out"),
        ("spotter:\n", "spotter:\n  clips: {classes: native}\n", "leave the block `clips` out"),
    ],
)
def test_what_does_not_hold_is_refused(toy, old, new, words):
    toy.write_text(TOY.replace(old, new, 1))
    with pytest.raises(RecipeError, match=words):
        read(toy)


def test_other_recipes_are_read_as_before():
    assert isinstance(read_any("toy", synthetic=True), Recipe)


def test_a_subject_without_a_clip_is_left_out_all_the_same():
    people = [Video("toy", str(i), f"v{i}", 30.0, ()) for i in range(3)]
    clips = [Video("toy", v.subject, f"{v.code}_c", 30.0, ()) for v in people[:2]]
    folds = folds_of_people(people, clips)
    assert [f.name for f in folds] == ["0", "1", "2"]
    assert folds[0].train == ("toy/1/v1_c",)
    assert folds[2].test == ()
    assert folds[2].train == ("toy/0/v0_c", "toy/1/v1_c")


events = st.lists(
    st.tuples(st.integers(0, 90), st.integers(1, 20), st.sampled_from(["a", "b", NAMELESS])), max_size=6
).map(lambda rows: [(a, a + n, name) for a, n, name in rows])


@given(events, events)
def test_every_expression_and_every_spot_is_counted_once(predicted, truth):
    predicted = [(a, b, "a" if name == NAMELESS else name) for a, b, name in predicted]
    split = split_of(predicted, truth)
    found = split.right + split.misnamed + split.without_class
    assert found + split.missed == len(truth)
    assert found + split.wrong == len(predicted)
    assert all(n >= 0 for n in astuple(split))


def test_the_split_by_hand():
    truth = [(0, 9, "a"), (20, 29, "a"), (40, 49, NAMELESS), (60, 69, "b")]
    spots = [(1, 9, "a"), (20, 30, "b"), (40, 48, "a"), (80, 90, "a")]
    assert split_of(spots, truth) == Split(right=1, misnamed=1, without_class=1, missed=1, wrong=1)
    assert added([Split(1, 0, 0, 2, 3), Split(1, 1, 1, 1, 1)]) == Split(2, 1, 1, 3, 4)


def test_a_joint_run_ends_in_strs_that_can_be_computed_again(mezoo, cache, tmp_path):
    code, out, err = mezoo("fit", "toy_both", "--synthetic", "--runs", tmp_path / "runs")
    assert code == 0, err
    run = next((tmp_path / "runs").glob("toy_both-*"))
    result = json.loads((run / "result.json").read_text())
    assert result["task"] == "strs"
    assert f"STRS (last): {result['headline']['value']:.3f}" in out
    table = ("--truth", run / "truth.csv", "--pred", run / "predictions.csv", "--classes", "left,right", "--json")
    again = json.loads(mezoo("score", "--task", "strs", *table)[1])
    overall = result["scores"]["last"]["overall"]
    assert again["strs"] == overall["strs"] == result["headline"]["value"]
    split = overall["split"]
    assert split["right"] + split["misnamed"] + split["missed"] == again["spotting"]["n_gt"]
    assert (run / "spotter" / "report.html").is_file()
    assert (run / "recognizer" / "result.json").is_file()
    with (run / "predictions.csv").open() as file:
        rows = [*csv.DictReader(file)]
    assert all(float(r["p_left"]) + float(r["p_right"]) == pytest.approx(1, abs=1e-3) for r in rows)
    assert "nothing left to do" in mezoo("fit", "toy_both", "--synthetic", "--runs", tmp_path / "runs")[2]


def test_neither_part_has_seen_the_subject_that_it_is_asked_about(mezoo, cache, tmp_path):
    from mezoo.transfer import read_source

    assert mezoo("fit", "toy_both", "--synthetic", "--runs", tmp_path / "runs")[0] == 0
    run = next((tmp_path / "runs").glob("toy_both-*"))
    for part in ("spotter", "recognizer"):
        for fold in (run / part / "folds").glob("*"):
            source = read_source(fold / "weights.safetensors")
            assert fold.name.lstrip("0") not in {subject.lstrip("0") for _, subject in source.trained}


def test_a_fold_that_fails_makes_the_joint_run_partial(mezoo, cache, tmp_path):
    fail = ("--set", "spotter.model.fail_in=toy/00")
    assert mezoo("fit", "toy_both", "--synthetic", "--runs", tmp_path / "runs", *fail)[0] == 1
    result = json.loads(next((tmp_path / "runs").glob("toy_both-*/result.json")).read_text())
    assert result["status"] == "partial"
    assert "failed" in {s["state"] for s in result["subjects"]}
    assert all(s["error"] for s in result["subjects"] if s["state"] == "failed")


@pytest.fixture
def joint_run(mezoo, cache, tmp_path):
    assert mezoo("fit", "toy_both", "--synthetic", "--runs", tmp_path / "runs")[0] == 0
    return next((tmp_path / "runs").glob("toy_both-*"))


def test_its_page_board_figures_and_export(mezoo, joint_run, tmp_path):
    page = (joint_run / "report.html").read_text()
    assert "STRS" in page
    assert "spotter/report.html" in page
    assert "found and named right" in page
    assert mezoo("report", joint_run, "--figures", tmp_path / "figures")[0] == 0
    code, out, _ = mezoo("leaderboard", joint_run, "--json")
    assert code == 0
    assert '"STRS"' in out
    assert mezoo("export", joint_run, "--out", tmp_path / "out")[0] == 0


def test_claims_are_of_its_parts(mezoo, joint_run, tmp_path):
    for command in (("submit", joint_run, "--out", tmp_path / "c.zip"), ("diff", joint_run, joint_run)):
        code, _, err = mezoo(*command)
        assert code == 2
        assert "spotter" in err
    assert mezoo("submit", joint_run / "spotter", "--out", tmp_path / "c.zip", "--diagnostic")[0] == 0
    assert mezoo("verify", tmp_path / "c.zip")[0] == 0


def test_a_part_may_be_asked_for_alone(mezoo, cache, tmp_path):
    assert mezoo("audit", "toy_both:spotter", "--synthetic", "--quick")[0] == 0
    fold = ("fit", "toy_both:spotter", "--synthetic", "--runs", tmp_path, "--fold", "01")
    assert mezoo(*fold)[0] == 0
    run = next(tmp_path.glob("toy_both-*"))
    assert mezoo("gather", run)[0] == 1
    assert json.loads((run / "result.json").read_text())["subjects"][1]["state"] == "done"
    code, _, err = mezoo("audit", "toy_both", "--synthetic", "--quick")
    assert code == 2
    assert "toy_both:recognizer" in err
