"""wandb as it is: what an offline run holds when read back, and that its failures cost nothing."""

import csv
import json
import os
import struct
import time
from pathlib import Path
from unittest.mock import MagicMock

import pytest

from mezoo.envelope import WandbBlock
from mezoo.tracking import EpochCsv, WandbTracker, choose_mode
from mezoo.tracking.summary_run import section


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


def contents(file: Path) -> dict:
    """What an offline run holds: its head, and the names of what was logged."""
    rows = whole(file)
    return {
        "run": next(r.run for r in rows if r.HasField("run")),
        "history": [
            {i.key or "/".join(i.nested_key): json.loads(i.value_json) for i in r.history.item}
            for r in rows
            if r.HasField("history")
        ],
        "summary": {u.key or u.nested_key[0] for r in rows if r.HasField("summary") for u in r.summary.update},
        "axes": {r.metric.glob_name: r.metric.step_metric for r in rows if r.HasField("metric")},
        "artifacts": {
            r.artifact.type: {c.path: Path(c.local_path) for c in r.artifact.manifest.contents}
            for r in rows
            if r.HasField("artifact")
        },
    }


def test_a_run_leaves_one_wandb_run_a_fold_and_a_summary(mezoo, cache, tmp_path, offline, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    given = ("--set", "wandb.tags=[a]", "--set", "wandb.notes=why")
    code, _, err = mezoo("fit", "toy", "--synthetic", "--runs", tmp_path, *given)
    assert code == 0
    (run,) = tmp_path.glob("toy-*/")
    found = {}
    for file in sorted(run.glob("wandb/offline-run-*/*.wandb")):
        one = contents(file)
        found[one["run"].display_name] = one
    assert set(found) == {"toy 00", "toy 01", "toy 02", "toy 03", "toy summary"}
    assert {f["run"].run_group for f in found.values()} == {run.name}
    fold, summary = found["toy 00"], found["toy summary"]
    assert (fold["run"].job_type, summary["run"].job_type) == ("fold", "summary")
    assert (fold["run"].project, fold["run"].notes, [*fold["run"].tags]) == ("mezoo", "why", ["a"])
    assert {"model", "features", "protocol", "fold"} <= {c.key for c in fold["run"].config.update}
    assert fold["axes"]["held_out/*"] == "epoch"
    curve = [(row["epoch"], row["held_out/micro_f1"]) for row in fold["history"] if "held_out/micro_f1" in row]
    assert [epoch for epoch, _ in curve] == [0, 1, 2, 3]
    assert sum("train/loss" in row for row in fold["history"]) == 4
    assert {"last/micro_f1", "oracle/micro_f1"} <= fold["summary"]
    pooled = {"last/micro/f1", "oracle/micro/f1", "last/micro/ci95_low", "headline", "headline_low", "synthetic"}
    assert pooled <= summary["summary"]
    logged = {key.split("/")[0] for row in summary["history"] for key in row}
    assert {"subjects", "predictions", "timelines", "report"} <= logged
    files = summary["artifacts"]["result"]
    assert set(files) == {
        *("result.json", "predictions.csv", "truth.csv", "videos.csv"),
        *("recipe.yaml", "environment.json", "report.html"),
    }
    assert files["result.json"].read_bytes() == (run / "result.json").read_bytes()
    assert all(path.is_relative_to(run.resolve()) for path in files.values())
    assert not [p for p in (tmp_path / "home").rglob("*") if p.is_file()]
    assert f"wandb sync {run}/wandb/offline-run-*" in err


def test_a_fold_that_continues_stays_the_same_wandb_run_and_counts_on(tmp_path, offline):
    for epoch in (0, 1):
        tracker = WandbTracker(WandbBlock(), "g-1", tmp_path, print)
        run = tracker.open("00", "fold", {})
        run.log_metrics({"train/loss": 1.0, "epoch": epoch}, epoch)
        run.log_metrics({"train/loss": 1.0, "epoch": epoch}, epoch)
        run.finish()
        time.sleep(1.1 * (1 - epoch))  # the folder's name has seconds in it
    first, second = (contents(f) for f in sorted(tmp_path.glob("wandb/offline-run-*/*.wandb")))
    assert first["run"].run_id == second["run"].run_id == "g-1-00"
    assert [row["_step"] for row in (*first["history"], *second["history"])] == [0, 1, 2, 3]
    if "resume" in type(second["run"]).DESCRIPTOR.fields_by_name:
        assert second["run"].resume


def test_wandb_starts_with_the_first_row_and_not_before(tmp_path, offline, monkeypatch):
    begun = []
    (tmp_path / "wandb").mkdir()
    tracker = WandbTracker(WandbBlock(), "g", tmp_path, print)
    monkeypatch.setattr(tracker, "_init", lambda names, config: begun.append((names, config)) or MagicMock(step=4))
    run = tracker.open("00", "fold", {"lr": 1})
    assert not begun
    run.log_metrics({"a": 1.0}, 0)
    run.log_metrics({"a": 2.0}, 1)
    assert begun == [(("g-00", "00", "fold"), {"run": "g", "fold": "00", "lr": 1})]
    assert (tmp_path / "wandb/g-00.steps").read_text() == "6"


def test_an_offline_run_that_was_killed_at_once_is_not_left_to_stop_the_others(tmp_path):
    for when, name, size in (("1", "g-a", 7), ("2", "g-a", 8), ("1", "g-b", 7)):
        folder = tmp_path / f"wandb/offline-run-{when}-{name}"
        folder.mkdir(parents=True)
        (folder / f"run-{name}.wandb").write_bytes(b"x" * size)
    tracker = WandbTracker(WandbBlock(mode="disabled"), "g", tmp_path, print)
    tracker.open("a", "fold", {})
    kept = sorted(tmp_path.glob("wandb/*/*.wandb"))
    assert [p.parent.name for p in kept] == ["offline-run-1-g-b", "offline-run-2-g-a"], "b may be open elsewhere"
    assert tracker.unsent().endswith("/wandb/offline-run-*")
    for file in kept:
        file.with_name(f"{file.name}.synced").touch()
    assert tracker.unsent() == ""


def test_recognition_shows_its_confusions_and_every_answer(mezoo, cache, tmp_path):
    from mezoo.result import Result
    from mezoo.tracking.summary_run import flat, media

    assert mezoo("fit", "toy_sides", "--synthetic", "--runs", tmp_path)[0] == 0
    (run,) = tmp_path.glob("toy_sides-*/")
    result = Result.read(run / "result.json")
    shown = media(result, run)
    assert {"confusion matrix", "confusion table", "predictions", "subjects", "clips", "report"} <= set(shown)
    with (run / "predictions.csv").open() as file:
        answers = [*csv.DictReader(file)]
    assert shown["predictions"].columns == ["clip", "truth", "answer", "right", "p left", "p right"]
    assert [row[2] for row in shown["predictions"].data] == [a["answer"] for a in answers]
    counted = [row[1:] for row in shown["confusion table"].data]
    assert sum(map(sum, counted)) == len(answers)
    assert "last/overall/by_class/f1/left" in flat(result)


def test_a_section_of_the_report_stands_alone():
    page = '<style>p{}</style><body><section id="a">one</section><section id="b">two</section>'
    assert "two" in section(page, "b")
    assert "<style>p{}</style>" in section(page, "b")
    assert "one" not in section(page, "b")
    assert section(page, "c") == ""


def test_a_recipe_names_loggers_of_lightning(mezoo, cache, tmp_path):
    chosen = ("--synthetic", "--runs", tmp_path, "--set", "loggers=[csv]")
    assert mezoo("fit", "toy", *chosen)[0] == 0
    (run,) = tmp_path.glob("toy-*/")
    table = (run / "folds/02/logs/csv/version_0/metrics.csv").read_text()
    assert "held_out/micro_f1" in table.splitlines()[0]
    assert mezoo("check", "toy", "--synthetic")[1] == mezoo("check", "toy", "--synthetic", "--set", "loggers=[csv]")[1]
    assert 'loggers: ["csv"]' in mezoo("show", "toy", "--set", "loggers=[csv]")[1]
    code, _, err = mezoo("check", "toy", "--set", "loggers=[comet]")
    assert code == 2
    assert "tensorboard" in err


def test_a_logger_that_is_not_installed_is_told_before_anything_is_trained(mezoo, cache, tmp_path, monkeypatch):
    monkeypatch.setattr("mezoo.recipe.find_spec", lambda name: None)
    code, _, err = mezoo("fit", "toy", "--synthetic", "--runs", tmp_path, "--set", "loggers=[csv, tensorboard]")
    assert code == 2
    assert "pip install tensorboard" in err
    assert not [*tmp_path.glob("toy-*")]


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
        return MagicMock(step=0)

    monkeypatch.delenv("WANDB_MODE")
    monkeypatch.setenv("WANDB_API_KEY", "x" * 40)
    monkeypatch.setattr(wandb, "init", init)
    said = []
    tracker = WandbTracker(WandbBlock(), "g", tmp_path, said.append)
    for name in ("00", "01"):
        tracker.open(name, "fold", {}).log_metrics({"a": 1.0}, 0)
    assert asked == ["online", "offline", "offline"]
    assert len(said) == 1
    assert "key expired" in said[0]


def test_a_run_that_breaks_in_the_middle_is_let_go(tmp_path, offline):
    class Broken:
        def define_metric(self, *_, **__):
            pass

        def log(self, _, step):
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
