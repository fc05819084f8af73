"""Folds trained in one: equal to folds alone, whatever they draw; resumed; failing alone; refused with a reason."""

import csv
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mezoo_auwgcn import together
from mezoo_auwgcn.network import Network
from mezoo_toy.model import ToyThreshold
from mezoo_toy.recogniser import ToySide
from safetensors.numpy import load_file

from mezoo.envelope import ExecutorBlock
from mezoo.executors import ROOMS, stacked
from mezoo.executors.stack_turns import Seat
from mezoo.executors.stacked import choose

GUEST = Path(__file__).parents[1] / "guest"
CLOSE = {"rtol": 1e-4, "atol": 1e-5}


def run_of(place: Path) -> Path:
    return next(p.parent for p in place.glob("*/folds"))


def table(file: Path) -> dict[str, list[float]]:
    with file.open(newline="") as rows:
        return {f"{r['epoch']} {k}": float(v or "nan") for r in csv.DictReader(rows) for k, v in r.items()}


def same(a: Path, b: Path) -> None:
    """Both runs left the same files, and in them the same numbers, as near as float32 allows."""
    kept = [{str(p.relative_to(r)) for p in r.rglob("*") if p.is_file()} for r in (a, b)]
    assert kept[0] == kept[1]
    for fold in sorted((a / "folds").iterdir()):
        other = b / "folds" / fold.name
        states = [json.loads((f / "fold.json").read_text()) for f in (fold, other)]
        assert {k: v for k, v in states[0].items() if k not in ("at", "seconds")} == {
            k: v for k, v in states[1].items() if k not in ("at", "seconds")
        }
        weights = [load_file(f / "weights.safetensors") for f in (fold, other)]
        scores = [np.load(f / "scores" / p.name) for p in sorted(fold.glob("scores/*.npz")) for f in (fold, other)]
        curves = [table(f / "metrics.csv") for f in (fold, other)]
        for one, two in [weights, curves, *zip(scores[::2], scores[1::2], strict=True)]:
            assert set(one) == set(two)
            for name in one:
                np.testing.assert_allclose(one[name], two[name], **CLOSE, err_msg=f"{fold.name} {name}")
    results = [json.loads((r / "result.json").read_text()) for r in (a, b)]
    assert results[0]["headline"] == results[1]["headline"]
    assert results[0]["scores"] == results[1]["scores"]


@pytest.fixture
def pair(mezoo, cache, tmp_path):
    """Fit a recipe inline and stacked; the two runs, and what the stacked one said."""

    def call(*arguments: str) -> tuple[Path, Path, str]:
        said = ""
        for executor in ("inline", "stacked"):
            code, _, said = mezoo(
                "fit", *arguments, "--synthetic", "--runs", tmp_path / executor, "--executor", executor
            )
            assert code == 0, said
        return run_of(tmp_path / "inline"), run_of(tmp_path / "stacked"), said

    return call


def test_folds_that_draw_noise_equal_folds_alone(pair):
    inline, stacked, said = pair("toy")
    same(inline, stacked)
    assert "16 of 16 training steps were taken together" in said


def test_a_trainer_clips_and_gathers_gradients_of_each_fold_for_itself(pair):
    settings = ["trainer.gradient_clip_val=0.05", "trainer.accumulate_grad_batches=2", "executor.workers=3"]
    inline, stacked, said = pair("toy_sides", *(part for s in settings for part in ("--set", s)))
    same(inline, stacked)
    assert "18 of 18 training" in said, "three at once"
    assert "0 of 6 training" in said, "then one alone"


def test_dropout_and_uneven_batches_and_rates_that_fall(pair, monkeypatch):
    """Folds of 12 clips but one of 11, whose last batch of 3 fits no other."""
    _dropping(monkeypatch)
    inline, stacked, said = pair("toy_sides")
    same(inline, stacked)
    together, steps = (int(said.split(" training steps")[0].rsplit("\n", 1)[-1].split()[i]) for i in (0, 2))
    assert 0 < together < steps, "the fold with another last batch took it alone"


def _dropping(monkeypatch) -> None:
    def build(self, fitted, plain=ToySide.build):
        plain(self, fitted)
        self.norm = torch.nn.BatchNorm1d(self.width)
        self.drop = torch.nn.Dropout(0.3)

    def forward(self, x):
        return self.output(self.drop(torch.relu(self.norm(self.hidden(x)))) + 0.1 * torch.rand(4))

    def optimisers(self):
        groups = [{"params": [*self.hidden.parameters()], "lr": 0.02}, {"params": [*self.output.parameters()]}]
        sgd = torch.optim.SGD(groups, lr=0.1, momentum=0.9)
        return [sgd], [torch.optim.lr_scheduler.ExponentialLR(sgd, 0.8)]

    def samples(self, examples, rng, epoch=None, plain=ToySide.samples):
        found = plain(self, examples, rng, epoch)
        return found if epoch is None or examples[0].video.subject != "01" else found[:-1]

    for name, method in {
        "build": build,
        "forward": forward,
        "configure_optimizers": optimisers,
        "samples": samples,
    }.items():
        monkeypatch.setattr(ToySide, name, method)
    monkeypatch.setattr(ToySide, "batch_size", 4)


def test_a_fold_that_fails_leaves_the_others_where_they_are(mezoo, cache, tmp_path, monkeypatch):
    def samples(self, examples, rng, epoch=None, plain=ToyThreshold.samples):
        if epoch == 2 and not any(e.video.subject == "01" for e in examples):
            raise ValueError("planted")
        return plain(self, examples, rng, epoch)

    monkeypatch.setattr(ToyThreshold, "samples", samples)
    runs = []
    for executor in ("inline", "stacked"):
        code, out, _ = mezoo("fit", "toy", "--synthetic", "--runs", tmp_path / executor, "--executor", executor)
        assert code == 1
        assert "fold 01 failed: " in out
        assert "ValueError: planted" in out
        runs.append(run_of(tmp_path / executor))
    results = [json.loads((r / "result.json").read_text()) for r in runs]
    assert [s["state"] for s in results[1]["subjects"]] == ["done", "failed", "done", "done"]
    assert results[0]["scores"] == results[1]["scores"]
    states = [json.loads((r / "folds/01/fold.json").read_text()) for r in runs]
    assert states[0]["error"] == states[1]["error"]


def test_a_killed_stack_goes_on_in_the_stack(mezoo, cache, tmp_path):
    slow = ["fit", "toy", "--synthetic", "--set", "model.sleep=0.3", "--runs"]
    command = [sys.executable, "-m", "mezoo.cli", *slow, str(tmp_path / "stacked"), "--executor", "stacked"]
    path = os.pathsep.join([str(GUEST), os.environ.get("PYTHONPATH", "")])
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": path})
    while not any("\n0," in file.read_text() for file in tmp_path.glob("stacked/*/folds/03/metrics.csv")):
        assert process.poll() is None
        time.sleep(0.05)
    process.kill()
    process.wait()
    states = [json.loads(f.read_text()) for f in run_of(tmp_path / "stacked").glob("folds/*/fold.json")]
    assert {s["state"] for s in states} == {"running"}
    code, _, err = mezoo(*slow, tmp_path / "stacked", "--executor", "stacked")
    assert code == 0
    together = int(err.split(" training steps")[0].rsplit("\n", 1)[-1].split()[0])
    assert 0 < together < 16, "epochs that were done are not done again"
    assert mezoo(*slow, tmp_path / "inline")[0] == 0
    same(run_of(tmp_path / "inline"), run_of(tmp_path / "stacked"))


def test_an_interrupt_ends_every_fold_where_it_is(mezoo, cache, tmp_path, monkeypatch):
    calls = []

    def together(asks, plain=stacked.together):
        calls.append(len(asks))
        if len(calls) == 3:
            raise KeyboardInterrupt
        return plain(asks)

    monkeypatch.setattr(stacked, "together", together)
    arguments = ("fit", "toy", "--synthetic", "--runs", tmp_path, "--executor", "stacked")
    before = threading.active_count()
    assert mezoo(*arguments)[0] == 130
    assert threading.active_count() == before
    states = [json.loads(f.read_text()) for f in run_of(tmp_path).glob("folds/*/fold.json")]
    assert [(s["state"], s["epochs_done"]) for s in states] == [("running", 2)] * 4
    assert mezoo(*arguments)[0] == 0
    assert calls == [4] * 5


@pytest.mark.parametrize(
    ("setting", "why"),
    [
        ("trainer.devices=2", "one device"),
        ("trainer.strategy=ddp", "trainer.strategy: ddp"),
        ("trainer.precision=bf16-mixed", "float32 only"),
        ("compile=true", "compile: true"),
        ("trainer.detect_anomaly=true", "trainer.detect_anomaly"),
    ],
)
def test_settings_that_a_stack_cannot_honour_are_refused_by_name(mezoo, cache, tmp_path, setting, why):
    code, _, err = mezoo("fit", "toy", "--synthetic", "--runs", tmp_path, "--executor", "stacked", "--set", setting)
    assert code == 2
    assert why in err
    assert "--executor inline or process" in err


def test_a_model_that_does_not_offer_it_is_refused(mezoo, cache, tmp_path, monkeypatch):
    monkeypatch.setattr(ToyThreshold, "stackable", False)
    code, _, err = mezoo("fit", "toy", "--synthetic", "--runs", tmp_path, "--executor", "stacked")
    assert code == 2
    assert "`stackable`" in err
    assert "--executor inline or process" in err


def _branching(self, batch, batch_idx, plain=ToyThreshold.training_step):
    loss = plain(self, batch, batch_idx)
    return 2 * loss if loss > 0.1 else loss


def _of_its_fold(self, batch, batch_idx, plain=ToyThreshold.training_step):
    return plain(self, batch, batch_idx) * (1 + self.fitted["mean"])


def _growing(self, batch, batch_idx, plain=ToyThreshold.training_step):
    self.register_buffer("count", torch.ones(()))
    return plain(self, batch, batch_idx)


def _reading_names(self, batch, batch_idx, plain=ToyThreshold.training_step):
    return plain(self, batch, batch_idx) * (1 if "toy" in batch.videos[0] else 2)


def _drawing(self, batch, batch_idx, plain=ToyThreshold.training_step):
    return plain(self, batch, batch_idx) * torch.rand_like(self.line.bias).bernoulli().sum()


@pytest.mark.parametrize("step", [_branching, _of_its_fold, _growing, _reading_names, _drawing])
def test_a_step_that_is_not_what_it_says_is_found_out_at_once(mezoo, cache, tmp_path, monkeypatch, step):
    monkeypatch.setattr(ToyThreshold, "training_step", step)
    code, _, err = mezoo("fit", "toy", "--synthetic", "--runs", tmp_path, "--executor", "stacked")
    assert code == 2, err
    assert "ToyThreshold cannot be stacked: " in err
    assert not [*tmp_path.glob("*/folds/*/scores/0001.npz")]


def test_a_tiny_auw_gcn_equals_folds_alone(pair):
    """With a small rate: AdamW makes rounding as large as the rate."""
    settings = ["trainer.max_epochs=2", "model.lr=1e-4", "wandb.mode=disabled", "synthetic.data.subjects=4"]
    inline, stacked, said = pair("auw_gcn_segments", *(part for s in settings for part in ("--set", s)))
    results = [json.loads((r / "result.json").read_text()) for r in (inline, stacked)]
    assert results[0]["headline"] == results[1]["headline"]
    for fold in (inline / "folds").iterdir():
        for part in sorted(fold.glob("scores/*.npz")):
            one, two = np.load(part), np.load(stacked / "folds" / fold.name / "scores" / part.name)
            for name in one.files:
                np.testing.assert_allclose(one[name], two[name], atol=1e-4)
        one, two = (table(r / "folds" / fold.name / "metrics.csv") for r in (inline, stacked))
        for name in one:
            np.testing.assert_allclose(one[name], two[name], rtol=1e-4, err_msg=f"{fold.name} {name}")
    assert not said.startswith("0 of")


def test_the_network_of_a_stack_is_the_network():
    torch.manual_seed(0)
    graph = torch.rand(12, 12).tril() / 12  # the first row receives little, none receives too much
    graph[3] = 0
    networks = [Network(graph).train() for _ in range(2)]
    networks[1].load_state_dict(networks[0].state_dict())
    motion = torch.randn(3, 40, 12, 2)
    for network, forward in zip(networks, (Network.forward, together.forward), strict=True):
        (forward(network, motion) * torch.linspace(-1, 1, 1200).reshape(3, 10, 40)).sum().backward()
    for (name, one), two in zip(networks[0].state_dict().items(), networks[1].state_dict().values(), strict=True):
        torch.testing.assert_close(one, two, rtol=1e-5, atol=1e-6, msg=name)
    for (name, one), two in zip(networks[0].named_parameters(), networks[1].parameters(), strict=True):
        torch.testing.assert_close(one.grad, two.grad, rtol=1e-3, atol=1e-4, msg=name)
    assert not networks[1].graph.bias.grad.any(), "rounding must not be learned from"


def test_wandb_has_a_run_of_each_fold_with_all_its_rows(mezoo, cache, tmp_path, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "offline")
    code, _, err = mezoo("fit", "toy", "--synthetic", "--runs", tmp_path, "--executor", "stacked")
    assert code == 0
    assert "stopped working" not in err
    folder = run_of(tmp_path) / "wandb"
    assert len([*folder.glob("offline-run-*-0?")]) == 4
    assert {file.read_text() for file in folder.glob("*-0?.steps")} == {"8"}, "a loss and a score an epoch"


class _Waiting:
    def __init__(self, kind: tuple[int, int, str]) -> None:
        self.ask = self
        self.kind = lambda: kind


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), st.sampled_from("ab")), min_size=1))
def test_those_behind_go_first_and_never_two_kinds_together(kinds):
    seats = [_Waiting(kind) for kind in kinds]
    group = choose(seats)
    (kind,) = {seat.ask.kind() for seat in group}
    assert kind[0] == min(epoch for epoch, *_ in kinds)
    rest = [kinds.count(other) for other in kinds if other[0] == kind[0]]
    assert len(group) == kinds.count(kind) == max(rest)


@settings(max_examples=20)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=5), st.integers(0, 6))
def test_threads_take_turns_and_end_when_told(counts, rounds):
    running, most, ended = [0], [0], []

    def work(seat):
        try:
            for number in range(counts[int(seat.name)]):
                running[0] += 1
                most[0] = max(most[0], running[0])
                running[0] -= 1
                assert seat.wait(number) == number + 10
        finally:
            ended.append(seat.name)

    seats = [Seat(str(i), work) for i in range(len(counts))]
    for seat in seats:
        seat.go_on()
    for _ in range(rounds):
        for seat in seats:
            if not seat.ended:
                seat.go_on(seat.ask + 10)
    for seat in seats:
        seat.stop()
    assert sorted(ended) == [seat.name for seat in seats]
    assert most[0] <= 1


def test_what_ends_a_thread_is_raised_to_who_waits_for_it():
    def work(seat):
        seat.wait(1)
        raise KeyError("planted")

    seat = Seat("a", work)
    seat.go_on()
    with pytest.raises(KeyError, match="planted"):
        seat.go_on(2)
    seat.stop()


def test_every_executor_can_be_asked_for():
    assert set(ROOMS) == set(ExecutorBlock.model_fields["use"].annotation.__args__)
