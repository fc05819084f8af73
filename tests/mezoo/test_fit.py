"""The line from recipe to report, on the toy guest."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture
def runs(tmp_path, cache):
    return tmp_path / "runs"


def fit(mezoo, runs, *more):
    return mezoo("fit", "toy", "--synthetic", "--runs", runs, *more)


def result_of(runs: Path) -> dict:
    (found,) = runs.glob("toy-*/result.json")
    return json.loads(found.read_text())


def test_a_run_ends_with_score_tables_and_report(mezoo, runs):
    code, out, err = fit(mezoo, runs)
    assert code == 0, err
    result = result_of(runs)
    assert result["synthetic"] is True
    assert result["status"] == "complete"
    assert result["headline"]["metric"] == "ME F1"
    assert result["headline"]["value"] > 0.8
    assert "[SYNTHETIC]" in out
    folder = next(runs.glob("toy-*"))
    for name in (
        "recipe.yaml",
        "predictions.csv",
        "truth.csv",
        "videos.csv",
        "environment.json",
        "report.html",
        "folds/00/weights.safetensors",
    ):
        assert (folder / name).is_file(), name
    assert not list(folder.glob("folds/*/last.ckpt"))
    assert len(list((folder / "folds/00/scores").glob("*.npz"))) == 4


def test_training_cannot_watch_the_held_out_score(mezoo, runs, monkeypatch):
    from mezoo_toy.model import ToyThreshold

    seen = set()
    monkeypatch.setattr(ToyThreshold, "on_train_epoch_start", lambda self: seen.update(self.trainer.callback_metrics))
    assert fit(mezoo, runs)[0] == 0
    assert "train/loss" in seen
    assert not [name for name in seen if name.startswith("held_out")]
    curves = next(runs.glob("toy-*/folds/00/metrics.csv")).read_text().splitlines()
    assert "held_out/micro_f1" in curves[0]
    assert len(curves) == 5


def test_the_score_can_be_computed_again_from_the_tables(mezoo, runs):
    from mezoo.metrics import pooled, spotting_counts

    fit(mezoo, runs)
    folder = next(runs.glob("toy-*"))
    import csv

    tables = {
        name: list(csv.DictReader((folder / f"{name}.csv").open())) for name in ("predictions", "truth", "videos")
    }

    def spans(table, video):
        return [(int(r["onset"]), int(r["offset"])) for r in tables[table] if r["video"] == video]

    counts = pooled(
        spotting_counts(spans("predictions", v["video"]), spans("truth", v["video"])) for v in tables["videos"]
    )
    assert counts.f1 == result_of(runs)["scores"]["last"]["micro"]["f1"]


def test_a_second_call_has_nothing_to_do(mezoo, runs):
    fit(mezoo, runs)
    stamp = next(runs.glob("toy-*/result.json")).stat().st_mtime_ns
    code, out, err = fit(mezoo, runs)
    assert code == 0
    assert "nothing left to do" in err
    assert "ME F1" in out
    assert next(runs.glob("toy-*/result.json")).stat().st_mtime_ns == stamp


def test_shuffled_labels_are_a_control_with_a_folder_of_its_own(mezoo, runs):
    fit(mezoo, runs)
    code, out, err = fit(mezoo, runs, "--set", "protocol.labels=shuffled")
    assert code == 0
    assert "CONTROL" in err
    results = [json.loads(p.read_text()) for p in runs.glob("toy-*/result.json")]
    by_control = {r["control"]: r["headline"]["value"] for r in results}
    assert by_control["shuffled labels"] < by_control[""]


def test_a_failed_fold_does_not_stop_the_others_and_is_tried_again(mezoo, runs):
    code, out, err = fit(mezoo, runs, "--set", "model.fail_in=toy/00")
    assert code == 1
    result = result_of(runs)
    assert result["status"] == "partial"
    states = {s["subject"]: s["state"] for s in result["subjects"]}
    assert "failed" in states.values()
    assert "planted" in out
    assert fit(mezoo, runs, "--set", "model.fail_in=toy/00")[0] == 1


def test_validation_chooses_the_epoch_on_inner_subjects(mezoo, runs):
    code, _, err = fit(mezoo, runs, "--set", "protocol.epoch=validation", "--set", "protocol.validation_subjects=1")
    assert code == 0, err
    result = result_of(runs)
    assert set(result["scores"]) == {"last", "oracle", "validation"}
    assert result["headline"]["epoch_rule"] == "validation"


def test_the_oracle_is_never_below_the_last_epoch(mezoo, runs):
    fit(mezoo, runs)
    for row in result_of(runs)["subjects"]:
        assert row["scores"]["oracle"]["micro"]["f1"] >= row["scores"]["last"]["micro"]["f1"]


def predictions(runs: Path) -> list[str]:
    return [p.read_text() for p in sorted(runs.glob("toy-*/folds/*/predictions.csv"))]


def weights(runs: Path) -> list[bytes]:
    return [p.read_bytes() for p in sorted(runs.glob("toy-*/folds/*/weights.safetensors"))]


def test_killed_in_the_middle_it_continues_to_the_same_result(mezoo, runs, tmp_path, cache):
    slow = ("--set", "model.sleep=0.2", "--set", "trainer.max_epochs=6")
    command = [sys.executable, "-m", "mezoo.cli", "fit", "toy", "--synthetic", "--runs", str(runs), *slow]
    path = os.pathsep.join([str(Path(__file__).parents[1] / "guest"), os.environ.get("PYTHONPATH", "")])
    child = subprocess.Popen(
        command, env={**os.environ, "PYTHONPATH": path}, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not list(runs.glob("toy-*/folds/01/scores/0001.npz")):
        time.sleep(0.05)
    child.send_signal(signal.SIGKILL)
    child.wait()
    kept = {p: p.stat().st_mtime_ns for p in runs.glob("toy-*/folds/*/scores/*.npz")}
    assert any("/01/" in str(p) for p in kept)
    code, _, err = fit(mezoo, runs, *slow)
    assert code == 0, err
    assert "continuing: 1 of 4 folds are done" in err
    assert all(p.stat().st_mtime_ns == at for p, at in kept.items() if "/00/" in str(p) or p.stem == "0000")
    broken, whole = weights(runs), (predictions(runs), result_of(runs)["scores"])
    shutil.rmtree(runs)
    fit(mezoo, runs, *slow)
    assert weights(runs) == broken
    assert (predictions(runs), result_of(runs)["scores"]) == whole


def test_stopped_between_the_last_epoch_and_the_score_nothing_is_trained_again(mezoo, runs, monkeypatch):
    fit(mezoo, runs)
    whole = (weights(runs), predictions(runs), result_of(runs)["scores"])
    shutil.rmtree(runs)

    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("mezoo.fold.choose", stop)
        assert fit(mezoo, runs)[0] == 130
    stamps = {p: p.stat().st_mtime_ns for p in runs.glob("toy-*/folds/00/scores/*.npz")}
    assert len(stamps) == 4
    assert fit(mezoo, runs)[0] == 0
    assert {p: p.stat().st_mtime_ns for p in stamps} == stamps
    assert (weights(runs), predictions(runs), result_of(runs)["scores"]) == whole


def test_interrupted_by_hand_it_says_how_to_go_on(runs, cache):
    command = [sys.executable, "-m", "mezoo.cli", "fit", "toy", "--synthetic", "--runs", str(runs)]
    path = os.pathsep.join([str(Path(__file__).parents[1] / "guest"), os.environ.get("PYTHONPATH", "")])
    child = subprocess.Popen(
        [*command, "--set", "model.sleep=0.2"],
        env={**os.environ, "PYTHONPATH": path},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a background shell has it ignored
    )
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not list(runs.glob("toy-*/folds/00/scores/0000.npz")):
        time.sleep(0.05)
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=60)
    assert child.returncode == 130
    assert "the same command continues" in err
    assert "Traceback" not in err


def test_other_data_under_the_same_run_are_refused(mezoo, runs, tmp_path, monkeypatch):
    mezoo("data", "synth", "toy", "--out", tmp_path / "a")
    mezoo("data", "synth", "toy", "--out", tmp_path / "b", "--seed", 5)
    monkeypatch.setenv("TOY_ROOT", str(tmp_path / "a"))
    code, out, _ = mezoo("fit", "toy", "--runs", runs)
    assert code == 0
    assert "[SYNTHETIC]" in out, "a stand-in named as root is still marked"
    shutil.rmtree(next(runs.glob("toy-*/folds")) / "00")
    monkeypatch.setenv("TOY_ROOT", str(tmp_path / "b"))
    code, _, err = mezoo("fit", "toy", "--runs", runs)
    assert code == 2
    assert "other data" in err
    assert mezoo("fit", "toy", "--runs", runs, "--fresh")[0] == 0


def test_user_mistakes_exit_with_two(mezoo, runs, tmp_path):
    readonly = tmp_path / "file"
    readonly.write_text("not a folder")
    for arguments, words in [
        (("fit", "toy", "--runs", runs), "TOY_ROOT"),
        (("fit", "no_such_recipe"), "no recipe"),
        (("fit", "toy", "--synthetic", "--set", "modell.lr=1"), "did you mean 'model'"),
        (("fit", "toy", "--synthetic", "--set", "trainer.max_epochs=0.5", "--runs", runs), "max_epochs"),
        (("fit", "toy", "--synthetic", "--runs", readonly), "cannot write the run folder"),
    ]:
        code, _, err = mezoo(*arguments)
        assert code == 2, arguments
        assert words in err
        assert "Traceback" not in err


def test_scores_of_an_epoch_survive_the_disk(tmp_path):
    from mezoo.fold_folder import FoldFolder
    from mezoo.records import Window

    folder = FoldFolder(tmp_path)
    folder.save_scores(3, {"a/b/c": [Window(0, {"p": np.arange(3)}), Window(32, {"p": np.arange(2)})], "a/b/d": []})
    windows = folder.load_scores(3)["a/b/c"]
    assert [w.start for w in windows] == [0, 32]
    assert windows[1].scores["p"].tolist() == [0, 1]
    assert folder.epochs() == [3]
