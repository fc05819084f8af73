"""What a run will cost: counted and measured on the toy guest, and nothing left behind."""

import json
import os
import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mezoo.costs.child import in_child
from mezoo.costs.reckoning import Costs, makespan, reckon, run_bytes
from mezoo.costs.trial import Stage, Trial, limited, one_device
from mezoo.costs.words import duration, operations, rows, size
from mezoo.errors import DataError
from mezoo.plan import Options, plan
from mezoo.progress import LineProgress
from mezoo.recipe import read_recipe


def told(mezoo, tmp_path, *more):
    code, out, err = mezoo("plan", "toy", "--synthetic", "--runs", tmp_path / "runs", "--json", *more)
    return code, json.loads(out) if out else None, err


def files(folder: Path) -> set[Path]:
    return {p for p in folder.rglob("*") if p.is_file()}


@pytest.fixture
def inside(monkeypatch):
    """Measure in this process: starting one costs seconds."""
    for module in ("reckoning", "features"):
        monkeypatch.setattr(f"mezoo.costs.{module}.in_child", lambda call, *given, limit_s=None: call(*given))


def test_it_says_what_is_unknown_until_features_are_there_and_measures_them_then(mezoo, cache, tmp_path, inside):
    code, costs, _ = told(mezoo, tmp_path)
    assert code == 0
    assert costs["trial"] is costs["time"] is None
    assert "mezoo extract" in costs["unknown"]
    assert costs["features"]["missing"] == 8
    assert costs["features"]["seconds"] > 0
    assert costs["features"]["tried"]["frames"] == 50
    assert not [*(cache / "features").rglob("*.safetensors")], "what was tried is not kept"

    assert mezoo("extract", "toy", "--synthetic")[0] == 0
    before = files(tmp_path)
    code, costs, _ = told(mezoo, tmp_path)
    assert code == 0
    assert files(tmp_path) == before
    trial = costs["trial"]
    assert costs["counts"]["classes"] == {"micro-expressions": 16, "macro-expressions": 0}
    assert costs["counts"]["test"] == {"least": 2, "middle": 2, "most": 2}
    assert (trial["parameters"], trial["trainable"], trial["weight_bytes"]) == (2, 2, 8)
    (stage,) = trial["stages"]
    assert (stage["steps"], stage["samples"], stage["batch"]) == (1, 6, 6)
    assert stage["flops"] == 2 * 2 * 6 * 60, "a product of 360 rows with one weight, forward and for the weight"
    assert trial["peak_rss"] > 10**8
    assert costs["time"]["total"] > 0
    out = mezoo("plan", "toy", "--synthetic", "--runs", tmp_path / "runs")[1]
    assert "2 parameters" in out
    assert "4 folds of 4 epochs" in out


def test_folds_that_are_done_are_not_counted_again(mezoo, cache, tmp_path, inside):
    assert mezoo("fit", "toy", "--synthetic", "--runs", tmp_path / "runs")[0] == 0
    code, costs, _ = told(mezoo, tmp_path)
    assert code == 0
    assert costs["counts"]["folds_done"] == 4
    assert costs["time"]["total"] == 0
    assert costs["disk"]["run"] == 0


def test_a_fold_that_fails_is_told_and_a_mistake_is_one(mezoo, cache, tmp_path, inside):
    mezoo("extract", "toy", "--synthetic")
    code, costs, _ = told(mezoo, tmp_path, "--set", "model.fail_in=nowhere")
    assert code == 1
    assert "planted" in costs["unknown"]
    code, _, err = told(mezoo, tmp_path, "--set", "trainer.max_epochs=0.5")
    assert code == 2
    assert "max_epochs" in err


@pytest.fixture
def work(cache, tmp_path):
    recipe = read_recipe("toy", (), synthetic=True)
    return plan(recipe, Options(tmp_path / "runs", cache, ""), LineProgress())


def measured(work, **more) -> Trial:
    frames = sum(len(v.frames) for v in work.videos)
    stage = Stage("training", 0, 10, 60, 6, 600, 0.5, 0.25, 3.0, 1.0)
    known = Trial(
        fold=work.folds[0].name, device="cpu", device_free=None, parameters=2, trainable=1, weight_bytes=8,
        optimizer_bytes=0, peak_rss=10**9, peak_device=None, start_s=5.0, load_s=1.0, prepare_s=2.0, choose_s=0.5,
        stages=(stage,), weights_file=100, checkpoint_file=300, scores_file=10,
        train=frames * 3 // 4, asked=frames // 4,
    )  # fmt: skip
    return replace(known, **more)


def test_the_reckoning_by_hand(work):
    found = reckon(work, measured(work))
    folds, epochs = 4, 4
    assert found.steps == folds * epochs * 10 * 0.5
    assert found.draws == folds * epochs * 0.25
    assert found.held_out == folds * epochs * 2.0, "without the checkpoint, every epoch"
    assert found.checkpoints == folds * epochs * 1.0
    assert found.rest == 6.0 + folds * (2.0 + epochs * 0.5)
    assert found.total == pytest.approx(found.steps + found.draws + found.held_out + found.checkpoints + found.rest)
    assert run_bytes(work, measured(work)) == folds * (100 + epochs * 10) + 300


def test_folds_side_by_side_end_sooner_and_cost_a_start_each(work):
    at_once = replace(work, options=replace(work.options, executor="process", workers=3))
    alone, three = reckon(work, measured(work)), reckon(at_once, measured(work))
    assert (alone.until_end, alone.processes) == (pytest.approx(alone.total), 1)
    assert three.total == pytest.approx(alone.total + 2 * 6.0)
    fold = (alone.total - 6.0) / 4
    assert (three.until_end, three.processes) == (pytest.approx(6.0 + 2 * fold), 3), "the fourth fold waits for one"


@given(st.lists(st.floats(0, 1000), min_size=1), st.integers(1, 40), st.floats(0, 100))
def test_no_schedule_ends_before_its_work_or_its_longest_fold(seconds, processes, start):
    end = makespan(seconds, processes, start)
    assert end >= max(start + max(seconds), start + sum(seconds) / processes) * (1 - 1e-9)
    assert end <= start + sum(seconds) / processes + max(seconds) + 1e-6
    assert makespan(seconds, 1, start) == pytest.approx(start + sum(seconds))


def test_workers_are_planned_with(mezoo, cache, tmp_path, inside):
    mezoo("extract", "toy", "--synthetic")
    code, costs, _ = told(mezoo, tmp_path, "--workers", "2")
    assert code == 0
    assert costs["time"]["processes"] == 2
    assert costs["time"]["until_end"] < costs["time"]["total"]
    out = mezoo(
        "plan", "toy", "--synthetic", "--runs", tmp_path / "runs", "--set", "executor={use: process, workers: 2}"
    )[1]
    assert "4 folds of 4 epochs, 2 at a time" in out
    assert "in 2 processes" in out


def test_shares_of_a_node_are_refused_where_nothing_is_shared_out(mezoo):
    code, _, err = mezoo("check", "toy", "--set", "executor={use: process, gpus: 0.5}")
    assert code == 2
    assert "gpus of a fold are for `use: ray`" in err


def test_pre_training_keeps_no_scores(work):
    (stage,) = measured(work).stages
    first = replace(stage, name="pre-training", step_s=2.0, end_s=1.0)
    found = reckon(work, measured(work, stages=(first, replace(stage, first_epoch=3))))
    assert found.steps == 4 * 10 * (3 * 2.0 + 1 * 0.5)
    assert found.held_out == 4 * 1 * 2.0


@given(st.integers(1, 9))
def test_a_fold_n_times_as_large_takes_n_times_as_many_steps(n):
    from types import SimpleNamespace

    from mezoo.records import Fold

    videos = [SimpleNamespace(key=str(i), frames=range(10)) for i in range(n + 2)]
    small, large = Fold("a", ("0",), ("1",)), Fold("b", tuple(str(i) for i in range(1, n + 1)), ("0",))
    recipe = SimpleNamespace(trainer={"max_epochs": 1})
    options = SimpleNamespace(executor="inline", workers=None)
    work = SimpleNamespace(
        recipe=recipe, options=options, clips=None, videos=videos, folds=[small, large], pending=[large]
    )
    stage = Stage("training", 0, 3, 3, 1, None, 1.0, 0.0, 0.0, 0.0)
    trial = Trial("a", "cpu", None, 1, 1, 1, 1, 1, None, 0.0, 0.0, 0.0, 0.0, (stage,), 1, 1, 1, 10, 10)
    assert reckon(work, trial).steps == 3 * n


def fail_in_child(kind: str) -> int:
    if kind == "sleep":
        time.sleep(60)
    if kind == "die":
        os._exit(9)
    if kind == "user":
        raise DataError("no such film", hint="look there")
    return os.getpid()


def test_a_child_answers_fails_dies_or_is_ended():
    assert in_child(fail_in_child, "") != os.getpid()
    assert in_child(fail_in_child, "sleep", limit_s=0.2) is None
    with pytest.raises(DataError, match="no such film") as caught:
        in_child(fail_in_child, "user")
    assert caught.value.hint == "look there"
    with pytest.raises(RuntimeError, match="ended with code 9"):
        in_child(fail_in_child, "die")


def test_limits_and_devices_of_the_trainer_block():
    assert [limited(10, limit) for limit in (None, 3, 30, 0.5)] == [10, 3, 10, 5]
    given_block = {"devices": 4, "strategy": "ddp", "precision": "bf16-mixed", "min_epochs": 9}
    assert one_device(given_block) == {"devices": 1, "precision": "bf16-mixed"}


def test_numbers_in_words(work):
    assert [size(n) for n in (0, 999, 1000, 3.4e6, 2.5e11)] == ["0 B", "999 B", "1.0 kB", "3.4 MB", "250 GB"]
    assert [operations(n) for n in (240, 2.064e9)] == ["240 FLOP", "2.06 GFLOP"]
    assert duration(61) == "1 min 01 s"
    from mezoo.costs.counts import count
    from mezoo.costs.features import FeatureCosts
    from mezoo.costs.reckoning import Disk

    trial = measured(work)
    made = FeatureCosts(8, 100, 0, 0, 1, None, "")
    costs = Costs("r", True, 4, count(work), made, trial, reckon(work, trial), Disk(1.0, 2, 0.0, 2), "")
    shown = {row[0]: row[1] for row in rows(costs, datetime(2026, 1, 1, 23, 59)) if row[0]}
    assert shown["end"] == "Fri 02 Jan, 00:01"
    assert "1 of them trained" in shown["model"]
