"""Folds side by side: equal results, a worker that dies, folds of a cluster, and folds that are held."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mezoo import machine
from mezoo.errors import RunError
from mezoo.fold_folder import FoldFolder


def run_of(place: Path) -> Path:
    return next(place.glob("toy-*"))


def weights(run: Path) -> dict[str, bytes]:
    return {f.parent.name: f.read_bytes() for f in run.glob("folds/*/weights.safetensors")}


@pytest.fixture
def one_after_another(mezoo, cache, tmp_path):
    assert mezoo("fit", "toy", "--synthetic", "--runs", tmp_path / "inline")[0] == 0
    return run_of(tmp_path / "inline")


def test_processes_give_equal_weights_scores_and_logs(mezoo_process, one_after_another, tmp_path):
    done = mezoo_process("fit", "toy", "--synthetic", "--runs", tmp_path / "two", "--workers", 2)
    assert done.returncode == 0, done.stderr
    run = run_of(tmp_path / "two")
    assert weights(run) == weights(one_after_another)
    scores = [json.loads((r / "result.json").read_text())["scores"] for r in (run, one_after_another)]
    assert scores[0] == scores[1]
    assert all((fold / "log.txt").is_file() for fold in run.glob("folds/*"))


def test_a_worker_that_dies_loses_its_fold_only(cache, tmp_path):
    command = [sys.executable, "-m", "mezoo.cli", "fit", "toy", "--synthetic", "--runs", tmp_path / "runs"]
    slow = ["--workers", "2", "--set", "model.sleep=0.3"]
    path = os.pathsep.join([str(Path(__file__).parents[1] / "guest"), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path}
    process = subprocess.Popen([*map(str, command), *slow], stderr=subprocess.PIPE, text=True, env=environment)
    victim = _worker_of(process)
    os.kill(victim, signal.SIGKILL)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "died of signal 9" in err
    result = json.loads((run_of(tmp_path / "runs") / "result.json").read_text())
    assert [s["state"] for s in result["subjects"]].count("failed") == 1
    assert result["status"] == "partial"


def _worker_of(process: subprocess.Popen) -> int:
    """The process that trains the first fold, once its first epoch is done."""
    assert process.stderr is not None
    for line in process.stderr:
        if "epochs 1/" in line:
            break
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    names = {child: Path(f"/proc/{child}/cmdline").read_text() for child in children}
    return int(next(child for child, name in names.items() if "spawn_main" in name))


def test_folds_trained_one_by_one_are_gathered(mezoo, one_after_another, tmp_path):
    for fold in ("00", "01", "03"):
        assert mezoo("fit", "toy", "--synthetic", "--runs", tmp_path / "cluster", "--fold", fold)[0] == 0
    run = run_of(tmp_path / "cluster")
    assert not (run / "result.json").exists()
    code, out, _ = mezoo("gather", run)
    assert code == 1
    assert "fold 02 is pending" in out
    assert json.loads((run / "result.json").read_text())["status"] == "partial"
    assert mezoo("fit", "toy", "--synthetic", "--runs", tmp_path / "cluster", "--fold", "02")[0] == 0
    assert mezoo("gather", run)[0] == 0
    assert weights(run) == weights(one_after_another)
    headlines = [json.loads((r / "result.json").read_text())["headline"] for r in (run, one_after_another)]
    assert headlines[0] == headlines[1]


def test_a_fold_that_is_not_there_and_a_run_that_is_none(mezoo, cache, tmp_path):
    code, _, err = mezoo("fit", "toy", "--synthetic", "--runs", tmp_path, "--fold", "9")
    assert code == 2
    assert "there are 00, 01, 02, 03" in err
    code, _, err = mezoo("gather", tmp_path)
    assert code == 2
    assert "no run folder" in err


def test_nothing_trained_is_nothing_to_gather(mezoo, one_after_another, tmp_path):
    for status in one_after_another.glob("folds/*/fold.json"):
        status.unlink()
    code, _, err = mezoo("gather", one_after_another)
    assert code == 2
    assert "no fold" in err


def test_a_fold_is_held_by_one_process(tmp_path):
    folder = FoldFolder(tmp_path / "run" / "folds" / "01")
    code = (
        "import sys, time; from pathlib import Path; from mezoo.fold_folder import FoldFolder\n"
        "with FoldFolder(Path(sys.argv[1])).held(): print('held', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen([sys.executable, "-c", code, str(folder.path)], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(RunError, match=r"fold 01 of .* is in another process"), folder.held():
            pass
    finally:
        holder.kill()
        holder.wait()
    with folder.held():
        pass


def test_a_recipe_may_say_where_its_folds_are_trained(mezoo, cache, tmp_path):
    recipe = tmp_path / "r.yaml"
    toy = Path(__file__).parents[1] / "guest/mezoo_toy/recipes/toy.yaml"
    recipe.write_text(toy.read_text() + "executor: {use: process, workers: 0}\n")
    code, _, err = mezoo("check", recipe, "--synthetic")
    assert code == 2
    assert "executor.workers" in err


def test_the_machine_is_known():
    assert machine.cores() >= 1
    assert machine.peak_memory() > 10 * 2**20
    free = machine.free_memory()
    assert free is None or free > 0


def test_a_container_with_a_limit_counts(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "_CGROUP", tmp_path)
    for name, text in (
        ("memory.max", "1000\n"),
        ("memory.current", "700"),
        ("memory.stat", "anon 5\ninactive_file 200\n"),
    ):
        (tmp_path / name).write_text(text)
    assert machine.free_memory() == 500
    (tmp_path / "memory.max").write_text("max\n")
    assert machine.free_memory() != 500


@pytest.mark.parametrize("name", ["../../00", "a/b", "..", "", "a\\b"])
def test_a_fold_is_never_written_outside_its_run(name):
    from mezoo.errors import DataError
    from mezoo.plan import check_names
    from mezoo.records import Fold

    with pytest.raises(DataError, match="cannot be the name"):
        check_names([Fold("ok", ("a",), ("b",)), Fold(name, ("a",), ("b",))])
