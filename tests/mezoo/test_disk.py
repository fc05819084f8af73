"""Files that outlive a power cut, and disks that are full: a sentence, nothing half-written, and the same end."""

import errno
import json
import os
from pathlib import Path

import pytest

from mezoo import disk, files
from mezoo.errors import RunError, StoreError

FEW = ("--synthetic", "--set", "dataset.limit=4", "--set", "trainer.max_epochs=2")


def full(*_, **__):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_file_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    done = []
    fsync, replace = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda n: (done.append(Path(os.readlink(f"/proc/self/fd/{n}")).name), fsync(n)))
    monkeypatch.setattr(Path, "replace", lambda part, to: (done.append(f"-> {to.name}"), replace(part, to)))
    files.write_atomic(tmp_path / "fold.json", "{}")
    assert done == [f"fold.json.{os.getpid()}.part", "-> fold.json", tmp_path.name]
    files.write_atomic(tmp_path / "steps", "1", lasting=False)
    assert len(done) == 3, "what a power cut may take waits for no disk"
    assert (tmp_path / "steps").read_text() == "1"


@pytest.mark.parametrize("where", ["fsync", "write"])
def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path, monkeypatch, where):
    table = tmp_path / "a.csv"
    files.write_csv(table, ["a"], [[1]])
    rows = iter([[2], full]) if where == "write" else [[2]]
    if where == "fsync":
        monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        files.write_csv(table, ["a"], (row() if callable(row) else row for row in rows))
    assert table.read_text().split() == ["a", "1"]
    assert [p.name for p in tmp_path.iterdir()] == ["a.csv"]


def run_of(runs):
    (folder,) = runs.glob("*-*")
    return folder


def kept(runs):
    folder = run_of(runs)
    return json.loads((folder / "result.json").read_text())["scores"], (folder / "predictions.csv").read_bytes()


@pytest.fixture
def whole(mezoo, cache, tmp_path):
    """Arguments of a run, and its result where nothing goes wrong."""
    command = ("fit", "toy", *FEW, "--runs")
    assert mezoo(*command, tmp_path / "whole")[0] == 0
    return command, kept(tmp_path / "whole")


def test_all_that_a_run_stands_on_is_synced(mezoo, cache, tmp_path, monkeypatch):
    synced, fsync = set(), os.fsync
    monkeypatch.setattr(os, "fsync", lambda n: (synced.add(os.readlink(f"/proc/self/fd/{n}")), fsync(n)))
    assert mezoo("fit", "toy", *FEW, "--runs", tmp_path / "runs")[0] == 0
    names = {Path(path).name.replace(f".{os.getpid()}.part", "") for path in synced}
    assert {"fold.json", "weights.safetensors", "0000.npz", "0001.npz", "curves.npz", "predictions.csv"} <= names
    assert {"run.json", "result.json", "recipe.yaml", "environment.json", "report.html", "last.part"} <= names
    assert any(path.startswith(str(cache / "features")) for path in synced)


@pytest.mark.parametrize("writes", [1, 9, 16, 24])
def test_a_disk_that_fills_up_ends_the_run_and_costs_nothing(mezoo, tmp_path, monkeypatch, whole, writes):
    command, expected = whole
    real, count = files.put, [0]

    def put(part, path):
        count[0] += 1
        if count[0] >= writes:
            full()
        real(part, path)

    for module in ("mezoo.files", "mezoo.fold", "mezoo.store"):
        monkeypatch.setattr(f"{module}.put", put)
    code, out, err = mezoo(*command, tmp_path / "runs")
    assert count[0] >= writes
    assert code == 2, (out, err)
    assert "No space left on device, " in err
    assert "MB are left there" in err
    assert "Traceback" not in out + err
    assert not (run_of(tmp_path / "runs") / "result.json").exists() or writes > 20
    assert not [*tmp_path.rglob("*.part*")], "what was half-written is gone"
    monkeypatch.undo()
    monkeypatch.setenv("MEZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("WANDB_MODE", "disabled")
    assert mezoo(*command, tmp_path / "runs")[0] == 0
    assert kept(tmp_path / "runs") == expected


def test_a_full_temporary_folder_is_not_blamed_on_the_run(tmp_path, monkeypatch):
    other = tmp_path / "tmp"
    monkeypatch.setattr(disk, "left", lambda folder: 0 if folder == other else 5 << 30)
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(other))
    words = f"cannot write in {other}: No space left on device, 0.0 MB are left"
    with pytest.raises(RunError, match=words), disk.watched(tmp_path):
        full()
    words = r"cannot write in /data/runs: Read-only file system\n"
    with pytest.raises(RunError, match=words), disk.watched(tmp_path):
        raise OSError(errno.EROFS, "Read-only file system", "/data/runs/fold.json")


def test_other_errors_of_files_are_not_the_disks(tmp_path):
    with pytest.raises(FileNotFoundError), disk.watched(tmp_path):
        (tmp_path / "none").read_text()


def test_half_a_stand_in_does_not_go_on_filling_the_disk(tmp_path, monkeypatch):
    from mezoo_toy.data import Toy

    from mezoo.contracts import StandIn
    from mezoo.progress import LineProgress
    from mezoo.stand_in import stand_in_root

    def write(cls, out, spec, bars):
        out.mkdir(parents=True)
        (out / "film").write_bytes(bytes(1000))
        full()

    monkeypatch.setattr(Toy, "write_synthetic", classmethod(write))
    with pytest.raises(StoreError, match=r"cannot write a stand-in: .*No space left on device, .* MB are left"):
        stand_in_root(Toy, "toy", StandIn(), tmp_path, LineProgress())
    assert not [*tmp_path.rglob("film")]


def test_a_full_disk_of_wandb_is_told_once_and_nothing_is_promised(tmp_path, monkeypatch, capsys):
    """wandb's own log cannot be written either, and its file of the run stays empty."""
    import logging

    import wandb

    from mezoo.envelope import WandbBlock
    from mezoo.tracking import WandbTracker

    own = logging.StreamHandler()
    own.emit = lambda record: own.handleError(record)
    log = logging.getLogger("wandb_of_a_test")
    log.addHandler(own)
    empty = tmp_path / "wandb" / "offline-run-1-g-00" / "run-g-00.wandb"

    def init(**_):
        empty.parent.mkdir(parents=True)
        empty.write_bytes(b"")
        log.error("it is full")
        full()

    monkeypatch.setattr(logging, "raiseExceptions", True)
    monkeypatch.setattr(wandb, "init", init)
    monkeypatch.setenv("WANDB_MODE", "offline")
    said = []
    tracker = WandbTracker(WandbBlock(), "g", tmp_path, said.append)
    run = tracker.open("00", "fold", {})
    run.log_metrics({"loss": 1.0}, 0)
    run.log_metrics({"loss": 1.0}, 1)
    assert len(said) == 1
    assert "No space left on device" in said[0]
    assert "Traceback" not in capsys.readouterr().err
    assert tracker.unsent() == ""
