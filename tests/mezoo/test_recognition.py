"""The line from recipe to report for recognition, on the toy guest."""

import csv
import json
import shutil
from html.parser import HTMLParser

import numpy as np
import pytest
import torch


@pytest.fixture
def runs(tmp_path, cache):
    return tmp_path / "runs"


def fit(mezoo, runs, *more):
    return mezoo("fit", "toy_sides", "--synthetic", "--runs", runs, *more)


def result_of(runs):
    (found,) = runs.glob("*/result.json")
    return json.loads(found.read_text())


def test_a_run_is_scored_from_one_confusion_matrix(mezoo, runs):
    code, out, err = fit(mezoo, runs)
    assert code == 0, err
    result = result_of(runs)
    overall = result["scores"]["last"]["overall"]
    assert result["headline"]["metric"] == "UF1"
    assert result["headline"]["value"] == overall["uf1"] > 0.8
    assert np.sum(overall["confusion"]) == overall["n"] == 16
    by_subject = [s["scores"]["last"]["overall"]["confusion"] for s in result["subjects"]]
    assert np.sum(by_subject, axis=0).tolist() == overall["confusion"]
    assert result["model"]["classes"] == ["left", "right"]
    assert result["data"]["classes"] == {"left": 8, "right": 8}
    assert "UF1 (last)" in out
    assert "16 clips of 4 subjects, left 8, right 8" in err


def test_tables_hold_every_number(mezoo, runs):
    assert fit(mezoo, runs)[0] == 0
    (folder,) = runs.glob("toy_sides-*")
    with (folder / "predictions.csv").open() as file:
        rows = [*csv.DictReader(file)]
    assert len(rows) == 16
    assert all(float(r[f"p_{r['answer']}"]) >= 0.5 for r in rows)
    right = sum(r["truth"] == r["answer"] for r in rows)
    assert right == result_of(runs)["scores"]["last"]["overall"]["correct"]
    with (folder / "clips.csv").open() as file:
        clips = [*csv.DictReader(file)]
    assert {c["clip"]: c["class"] for c in clips} == {r["clip"]: r["truth"] for r in rows}
    assert all(int(c["last"]) - int(c["first"]) == 9 for c in clips)


class Words(HTMLParser):
    def __init__(self):
        super().__init__()
        self.words, self.cells = [], []

    def handle_data(self, data):
        self.words += [data.strip()] if data.strip() else []


def test_the_page_shows_matrix_subjects_and_clips(mezoo, runs):
    assert fit(mezoo, runs)[0] == 0
    page = next(runs.glob("*/report.html")).read_text(encoding="utf-8")
    read = Words()
    read.feed(page)
    assert page.count('<td class="right"') == 2
    assert page.count('<td class="wrong"') == 2
    for words in ("true class", "UAR", "Subject 00", "v0_e0_65", "held-out accuracy"):
        assert words in read.words, words
    assert "timelines" not in page


def test_shuffled_classes_are_chance_and_marked(mezoo, runs):
    code, out, _ = fit(mezoo, runs, "--set", "protocol.labels=shuffled", "--set", "trainer.max_epochs=3")
    assert code == 0
    result = result_of(runs)
    assert result["control"] == "shuffled labels"
    assert "CONTROL" in out
    assert result["headline"]["value"] < 0.8


def test_shuffling_deals_label_and_units_together():
    from mezoo import Example, Expression, Features, Video
    from mezoo.splits import shuffle_classes

    made = [
        Example(
            Video("d", "1", str(i), 1.0, [], (Expression(str(i), "micro", 0, i, 0, f"e{i}", f"{i}"),)),
            Features(np.zeros((1, 1)), np.zeros(1, dtype=np.int64), 1, 1.0),
            i,
        )
        for i in range(20)
    ]
    dealt = shuffle_classes(made, 1, "fold")
    assert [e.video.key for e in dealt] == [e.video.key for e in made]
    assert [e.video.expressions[0].offset for e in dealt] == [*range(20)]
    labels = [e.label for e in dealt]
    assert sorted(labels) == [*range(20)] != labels
    assert all(e.video.expressions[0].aus == str(e.label) for e in dealt)
    assert [e.label for e in shuffle_classes(made, 1, "fold")] == labels
    assert [e.label for e in shuffle_classes(made, 1, "other")] != labels


def test_the_epoch_on_inner_subjects_and_the_oracle(mezoo, runs):
    assert fit(mezoo, runs, "--set", "protocol={epoch: validation, validation_subjects: 1}")[0] == 0
    result = result_of(runs)
    assert set(result["scores"]) == {"last", "oracle", "validation"}
    assert result["leaks"] == []
    shutil.rmtree(runs)
    code, out, _ = fit(mezoo, runs, "--set", "protocol.epoch=oracle")
    assert code == 0
    result = result_of(runs)
    assert result["headline"]["epoch_rule"] == "oracle"
    assert "own test data" in result["leaks"][0]
    assert "LEAK" in out
    assert "leak: each subject" in next(runs.glob("*/report.html")).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("clips.classes=nativ", "did you mean"),
        ("clips.classes=megc2019_3", "has a class of megc2019_3"),
        ("clips={classes: native, frames: 8}", "go together"),
        ("clips={classes: native, take: key_frames, end: apex}", "key frames go from onset to offset"),
        ("task=spotting", "leave the block `clips` out"),
        ("model={use: toy_threshold}", "is a model for spotting"),
    ],
)
def test_a_recipe_that_asks_for_nonsense(mezoo, runs, change, words):
    code, _, err = fit(mezoo, runs, "--set", change)
    assert code == 2
    assert words in err
    assert "Traceback" not in err


def test_recognition_needs_clips(mezoo, tmp_path):
    recipe = tmp_path / "r.yaml"
    recipe.write_text(
        "task: recognition\ndataset: {use: toy, root: x}\nfeatures: {use: toy_sides}\nmodel: {use: toy_side}\n"
    )
    code, _, err = mezoo("check", recipe)
    assert code == 2
    assert "clips: {classes: NAME}" in err


def test_an_answer_of_another_shape_is_the_plugins_fault(mezoo, runs, monkeypatch):
    from mezoo_toy.recogniser import ToySide

    monkeypatch.setattr(ToySide, "decode", lambda self, windows, example: np.zeros(3))
    code, _, err = fit(mezoo, runs)
    assert code != 0
    assert "not 2 finite probabilities" in err


@pytest.mark.parametrize("precision", ["bf16-mixed", "bf16-true"])
def test_other_precisions(mezoo, runs, precision):
    code, _, err = fit(mezoo, runs, "--set", f"trainer.precision={precision}")
    assert code == 0, err
    assert result_of(runs)["headline"]["value"] > 0.8


def test_a_seed_decides_everything(mezoo, tmp_path, cache):
    from safetensors.torch import load_file

    for name in ("a", "b"):
        assert fit(mezoo, tmp_path / name)[0] == 0
    weights = [load_file(next((tmp_path / n).glob("*/folds/02/weights.safetensors"))) for n in ("a", "b")]
    assert weights[0].keys() == weights[1].keys()
    assert all(torch.equal(weights[0][k], weights[1][k]) for k in weights[0])


@pytest.mark.parametrize("recipe", ["toy", "toy_sides"])
def test_several_devices_share_a_fold(mezoo_process, runs, recipe):
    done = mezoo_process("fit", recipe, "--synthetic", "--runs", runs, "--set", "trainer.devices=2")
    assert done.returncode == 0, done.stderr
    assert "reducer.cpp" not in done.stderr
    result = result_of(runs)
    assert result["status"] == "complete"
    assert len([*runs.glob("*/folds/*/weights.safetensors")]) == 4
    assert len([*runs.glob("*/folds/00/scores/*.npz")]) == result["trainer"]["max_epochs"]
    assert result["headline"]["value"] > 0.5
