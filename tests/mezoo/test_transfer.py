"""Weights to begin with: fold by fold, never from a model that has seen the left-out subject."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from mezoo.transfer import Source, read_source

ONCE = "trainer.max_epochs=1"


@pytest.fixture
def runs(tmp_path, cache):
    return tmp_path / "runs"


@pytest.fixture
def before(mezoo, tmp_path, cache):
    """A finished run to start from."""
    code, _, err = mezoo("fit", "toy_sides", "--synthetic", "--runs", tmp_path / "before")
    assert code == 0, err
    return next((tmp_path / "before").glob("*"))


def fit(mezoo, runs, *changes):
    sets = [part for change in changes for part in ("--set", change)]
    return mezoo("fit", "toy_sides", "--synthetic", "--runs", runs, *sets)


def facts(runs):
    return {p.parent.name: json.loads(p.read_text()) for p in runs.glob("*/folds/*/fold.json")}


def test_weights_say_whom_they_have_seen(before):
    source = read_source(before / "folds" / "02" / "weights.safetensors")
    assert source.trained == {("toy", "0"), ("toy", "1"), ("toy", "3")}
    assert source.left_out == {("toy", "2")}


def test_every_fold_starts_from_the_one_that_left_the_same_subject_out(mezoo, runs, before):
    code, _, err = fit(mezoo, runs, f"init={{from: {before}}}", ONCE, "model.lr=0")
    assert code == 0, err
    for name, fold in facts(runs).items():
        assert fold["start"]["from"].endswith(f"folds/{name}/weights.safetensors")
        ours, theirs = (load_file(f / "folds" / name / "weights.safetensors") for f in (next(runs.glob("*")), before))
        assert all(torch.equal(ours[k], theirs[k]) for k in theirs)
    result = json.loads(next(runs.glob("*/result.json")).read_text())
    assert result["leaks"] == []
    assert result["headline"]["value"] > 0.8


def test_the_trunk_alone(mezoo, runs, before):
    given = load_file(before / "folds" / "00" / "weights.safetensors")
    code, _, err = fit(mezoo, runs, f"init={{from: {before}, part: trunk}}", ONCE, "model.lr=0")
    assert code == 0, err
    ours = load_file(next(runs.glob("*/folds/00/weights.safetensors")))
    assert torch.equal(ours["hidden.weight"], given["hidden.weight"])
    assert not torch.equal(ours["output.weight"], given["output.weight"])


def test_weights_that_saw_the_subject_are_refused_or_marked(mezoo, runs, before):
    one = before / "folds" / "00" / "weights.safetensors"
    code, _, err = fit(mezoo, runs, f"init.from={one}", ONCE)
    assert code == 2
    assert "has seen subject 1 of toy, who is left out here" in err
    assert "Traceback" not in err
    code, out, err = fit(mezoo, runs, f"init={{from: {one}, seen: mark}}", ONCE)
    assert code == 0, err
    assert "LEAK: weights to begin with" in out
    result = json.loads(next(runs.glob("*/result.json")).read_text())
    assert len(result["leaks"]) == 3


def test_weights_without_a_history_are_refused(mezoo, runs, before, tmp_path):
    save_file(load_file(before / "folds" / "00" / "weights.safetensors"), tmp_path / "bare.safetensors")
    code, _, err = fit(mezoo, runs, f"init.from={tmp_path / 'bare.safetensors'}")
    assert code == 2
    assert "does not say whom it was trained on" in err


def test_what_the_start_has_seen_is_inherited(mezoo, runs, before, tmp_path):
    one = before / "folds" / "00" / "weights.safetensors"
    assert fit(mezoo, runs, f"init={{from: {one}, seen: mark}}", ONCE)[0] == 0
    heir = read_source(next(runs.glob("*/folds/01/weights.safetensors")))
    assert heir.trained == {("toy", str(i)) for i in range(4)}
    assert not heir.left_out


def test_another_dataset_is_free_and_an_unknown_subject_is_not():
    from pathlib import Path

    source = Source(Path("w"), frozenset({("samm", "6"), ("samm", "7")}), frozenset({("samm", "9")}))
    assert source.trouble([("casme2", "6")]) == ""
    assert source.trouble([("samm", "9")]) == ""
    assert "has seen" in source.trouble([("samm", "7")])
    assert "does not say that it left" in source.trouble([("samm", "11")])


def test_releases_of_the_same_films_are_one_family():
    from mezoo.datasets import family_of

    assert family_of("samm_long") == family_of("samm") == "samm"
    assert family_of("cas_me_sq_clips") == family_of("cas_me_sq")
    assert family_of("smic_e") == family_of("smic")
    assert family_of("casme") != family_of("casme2")
    assert family_of("film") == "film"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("init.from=nowhere", "holds no weights"),
        ("init={from: BEFORE, fold: '77'}", "holds no weights of fold 77"),
        ("init={from: BEFORE/result.json}", "cannot be read as weights"),
        ("init={from: BEFORE, whole: yes}", "unknown key 'whole'"),
        ("init={from: BEFORE}\nmodel.width=5", "do not fit, such as hidden.weight: (4, 2) there, (5, 2) here"),
    ],
)
def test_a_start_that_is_none(mezoo, runs, before, change, words):
    code, _, err = fit(mezoo, runs, *change.replace("BEFORE", str(before)).split("\n"))
    assert code == 2
    assert words in err
    assert "Traceback" not in err
