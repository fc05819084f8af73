"""wandb as it is: what an offline run holds when read back, and that its failures cost nothing."""

import csv
import os
import struct
import time
from pathlib import Path

import pytest

from mezoo.envelope import WandbBlock
from mezoo.tracking import EpochCsv, WandbTracker, choose_mode


def whole(file: Path, patience_s: float = 30.0):
    """Records of a file whose last one is the run's end; wandb's own process may still be writing it."""
    from google.protobuf.message import DecodeError

    until = time.monotonic() + patience_s
    while True:
        try:
            rows = [*records(file)]
            if rows[-1].HasField("exit") or time.monotonic() > until:
                return rows
        except (DecodeError, IndexError):
            if time.monotonic() > until:
                raise
        time.sleep(0.1)


def records(file: Path):
    """Records of an offline wandb file: a 7-byte header, then blocks of 32 KiB with chunks of crc, length, type."""
    from wandb.proto import wandb_internal_pb2 as pb

    raw, position, parts = file.read_bytes(), 7, b""
    while position + 7 <= len(raw):
        if 32768 - position % 32768 < 7:
            position += 32768 - position % 32768
            continue
        _, length, kind = struct.unpack_from("<IHB", raw, position)
        parts += raw[position + 7 : position + 7 + length]
        position += 7 + length
        if kind in (1, 4):
            record = pb.Record()
            record.ParseFromString(parts)
            yield record
            parts = b""


@pytest.fixture
def offline(monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "offline")


def test_a_run_leaves_one_wandb_run_a_fold_and_a_summary(mezoo, cache, tmp_path, offline):
    assert mezoo("fit", "toy", "--synthetic", "--runs", tmp_path)[0] == 0
    (run,) = tmp_path.glob("toy-*/")
    files = sorted(run.glob("wandb/offline-run-*/*.wandb"))
    assert len(files) == 5
    seen = {}
    for file in files:
        rows = whole(file)
        info = next(r.run for r in rows if r.HasField("run"))
        keys = {i.key or i.nested_key[0] for r in rows if r.HasField("history") for i in r.history.item}
        summary = {u.key or u.nested_key[0] for r in rows if r.HasField("summary") for u in r.summary.update}
        config = {c.key for c in info.config.update}
        seen[info.display_name] = (info.run_group, info.job_type, keys, summary, config, info.project)
    assert set(seen) == {"00", "01", "02", "03", "summary"}
    assert {s[0] for s in seen.values()} == {run.name}
    assert {s[1] for n, s in seen.items() if n != "summary"} == {"fold"}
    group, job, keys, summary, config, project = seen["00"]
    assert {"train/loss", "held_out/micro_f1", "epoch"} <= keys
    assert "last/micro_f1" in summary
    assert {"model", "features", "protocol"} <= config
    assert project == "mezoo"
    assert {"last/micro/f1", "headline", "synthetic"} <= seen["summary"][3]
    assert {"subjects", "report"} <= seen["summary"][2]


def test_wandb_that_cannot_start_or_breaks_costs_nothing(mezoo, cache, tmp_path, offline, monkeypatch):
    import wandb

    def refuse(**_):
        raise wandb.errors.CommError("the server says no")

    monkeypatch.setattr(wandb, "init", refuse)
    code, out, err = mezoo("fit", "toy", "--synthetic", "--runs", tmp_path)
    assert code == 0
    assert "the server says no" in err
    assert "training is not affected" in err
    assert "ME F1" in out


def test_an_expired_key_falls_back_to_offline(tmp_path, monkeypatch):
    import wandb

    asked = []

    def init(**arguments):
        asked.append(arguments["mode"])
        if arguments["mode"] == "online":
            raise wandb.errors.AuthenticationError("key expired")
        return object()

    monkeypatch.delenv("WANDB_MODE")
    monkeypatch.setenv("WANDB_API_KEY", "x" * 40)
    monkeypatch.setattr(wandb, "init", init)
    said = []
    tracker = WandbTracker(WandbBlock(), "g", tmp_path, said.append)
    tracker.open("00", "fold", {})
    tracker.open("01", "fold", {})
    assert asked == ["online", "offline", "offline"]
    assert len(said) == 1
    assert "key expired" in said[0]


def test_a_run_that_breaks_in_the_middle_is_let_go(tmp_path, offline):
    class Broken:
        def log(self, _):
            raise OSError("disk full")

    said = []
    tracker = WandbTracker(WandbBlock(mode="offline"), "g", tmp_path, said.append)
    tracker._init = lambda *_: Broken()  # type: ignore
    run = tracker.open("00", "fold", {})
    run.log_metrics({"a": 1.0}, 1)
    run.log_metrics({"a": 1.0}, 2)
    run.finish()
    assert len(said) == 1
    assert "disk full" in said[0]


def test_the_mode_is_offline_unless_logged_in(tmp_path, monkeypatch):
    for name in ("WANDB_MODE", "WANDB_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert choose_mode(WandbBlock()) == "offline"
    (tmp_path / "netrc").write_text("machine api.wandb.ai login user password key")
    os.chmod(tmp_path / "netrc", 0o600)
    assert choose_mode(WandbBlock()) == "online"
    assert choose_mode(WandbBlock(mode="disabled")) == "disabled"
    monkeypatch.setenv("WANDB_MODE", "offline")
    assert choose_mode(WandbBlock(mode="online")) == "offline"


def test_csv_averages_steps_and_keeps_earlier_epochs(tmp_path):
    path = tmp_path / "metrics.csv"
    logger = EpochCsv(path)
    logger.log_metrics({"loss": 1.0, "epoch": 0}, 0)
    logger.log_metrics({"loss": 3.0, "epoch": 0}, 1)
    logger.log_metrics({"loss": 5.0, "epoch": 1}, 2)
    logger.save()
    again = EpochCsv(path)
    again.log_metrics({"loss": 7.0, "f1": 0.5, "epoch": 1}, 2)
    again.finalize("success")
    rows = [*csv.DictReader(path.open())]
    assert rows == [{"epoch": "0", "f1": "", "loss": "2"}, {"epoch": "1", "f1": "0.5", "loss": "7"}]
