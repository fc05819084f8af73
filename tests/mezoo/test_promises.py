"""What a model hands over, held against its contract: NaN costs a fold, a wrong form ends the run."""

import json

import lightning as L
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from mezoo_toy.frames import NoFrames
from mezoo_toy.model import ToyThreshold
from mezoo_toy.recogniser import ToySide

from mezoo import Example, Features, Spot, Spotting, Video, Window
from mezoo.errors import DataError, PluginError
from mezoo.learning import Learns, refused
from mezoo.promises import check_fitted, check_spotting, check_windows

FEW = ("--synthetic", "--set", "dataset.limit=4", "--set", "trainer.max_epochs=1")
FILM = Example(
    Video("toy", "01", "v1", 30.0, NoFrames(50)), Features(np.zeros((10, 1)), np.arange(0, 50, 5), 50, 6.0), None
)


def states(runs):
    (result,) = runs.glob("*/result.json")
    told = json.loads(result.read_text())
    return {s["subject"]: s["state"] for s in told["subjects"]}, told, result.parent


@pytest.mark.parametrize(
    ("owner", "recipe", "name"), [(ToyThreshold, "toy", "p"), (ToySide, "toy_sides", "probability")]
)
def test_scores_that_are_no_numbers_cost_their_fold_alone(mezoo, cache, tmp_path, monkeypatch, owner, recipe, name):
    honest = owner.predict_step

    def step(self, batch, index):
        windows = honest(self, batch, index)
        pairs = zip(batch.videos, windows, strict=True)
        return [Window(w.start, {name: w.scores[name] * (np.nan if "/01/" in v else 1)}) for v, w in pairs]

    monkeypatch.setattr(owner, "predict_step", step)
    command = ("fit", recipe, *FEW, "--runs", tmp_path)
    code, out, err = mezoo(*command)
    found, told, folder = states(tmp_path)
    assert code == 1
    assert found == {"00": "done", "01": "failed"}
    assert told["status"] == "partial"
    sentence = f"{owner.__name__}.predict_step gave scores '{name}' with NaN or infinity for toy/01/"
    assert sentence in out
    assert sentence in (folder / "report.html").read_text().replace("&#39;", "'")
    assert sentence in (folder / "folds/01/error.txt").read_text()
    assert "Traceback" not in out + err
    monkeypatch.setattr(owner, "predict_step", honest)
    assert mezoo(*command)[0] == 0, "the same command tries the fold again"


def test_a_promise_broken_in_every_fold_ends_the_run_at_once(mezoo, cache, tmp_path, monkeypatch):
    monkeypatch.setattr(ToyThreshold, "training_step", lambda *_: "loss")
    code, out, err = mezoo("fit", "toy", *FEW, "--runs", tmp_path)
    assert code == 2
    assert "ToyThreshold.training_step gave what Lightning refuses" in err
    assert "mend it in mezoo_toy.model" in err
    assert "Traceback" not in out + err
    (status,) = tmp_path.glob("*/folds/*/fold.json")
    assert json.loads(status.read_text())["state"] == "pending"


class Line(L.LightningModule):
    """A line whose step and optimizer are those of a test."""

    def __init__(self, step, optimizer=torch.optim.Adam, *, by_hand=False):
        super().__init__()
        self.line = torch.nn.Linear(1, 1)
        self.step, self.optimizer, self.automatic_optimization = step, optimizer, not by_hand

    def training_step(self, batch, batch_idx):
        return self.step(self.line(batch), batch_idx)

    def configure_optimizers(self):
        return self.optimizer and self.optimizer(self.parameters())


def learn(model, batches=4):
    quiet = {"enable_progress_bar": False, "enable_model_summary": False, "enable_checkpointing": False}
    L.Trainer(max_epochs=1, accelerator="cpu", logger=False, callbacks=[Learns()], **quiet).fit(
        model, torch.utils.data.DataLoader(torch.ones(batches, 1))
    )


GOOD = {
    "a number": lambda y, _: y.mean(),
    "one in a list": lambda y, _: y.reshape(1),
    "a dict": lambda y, _: {"loss": y.mean(), "more": 3},
    "left out at times": lambda y, i: y.mean() if i == 2 else None,
}


@pytest.mark.parametrize("name", GOOD)
def test_what_lightning_allows_and_learns_from_is_allowed(name):
    model = Line(GOOD[name])
    before = model.line.weight.clone()
    learn(model)
    assert not torch.equal(before, model.line.weight)


def test_a_model_that_learns_by_hand_or_not_at_all_is_free():
    learn(Line(lambda y, _: None, by_hand=True))
    frozen = Line(lambda y, _: None, None)
    frozen.requires_grad_(False)
    learn(frozen)


@pytest.mark.parametrize(
    ("step", "kind", "words"),
    [
        (lambda y, _: torch.cat([y, y]), PluginError, r"Line.training_step gave a tensor of shape \(2, 1\)"),
        (lambda y, _: y.mean().detach(), DataError, "Line.training_step gave a tensor without a gradient"),
        (lambda y, _: torch.tensor(3), DataError, "Line.training_step gave a tensor without a gradient"),
        (lambda y, _: None, DataError, "Line.training_step gave None in every step of epoch 1"),
    ],
)
def test_a_step_that_nothing_is_learned_from(step, kind, words):
    with pytest.raises(kind, match=words):
        learn(Line(step))


def test_parameters_without_an_optimizer_are_refused():
    with pytest.raises(PluginError, match=r"Line\.configure_optimizers gave no optimizer"):
        learn(Line(lambda y, _: y.mean(), None))


@pytest.mark.parametrize(
    ("model", "method"),
    [
        (Line(lambda y, _: 1.0), "training_step"),
        (Line(lambda y, _: {"l": y}), "training_step"),
        (Line(lambda y, _: y.mean(), lambda _: "adam"), "configure_optimizers"),
    ],
)
def test_what_lightning_refuses_is_told_with_the_method(model, method):
    from lightning.fabric.utilities.exceptions import MisconfigurationException

    with pytest.raises(MisconfigurationException) as caught:
        learn(model)
    told = refused(model, caught.value)
    assert told is not None
    assert told.what.startswith(f"Line.{method} gave what Lightning refuses")
    assert "mend it in" in told.hint
    assert refused(model, MisconfigurationException("no such accelerator")) is None


def test_spots_inside_the_film_of_declared_kinds_pass():
    spots = (Spot("toy/01/v1", "micro", 0, 49), Spot("toy/01/v1", "micro", 7, 7, 0.5))
    answer = Spotting(spots, {"micro": np.zeros(10, np.float32)})
    assert check_spotting(ToyThreshold, answer, FILM, ("micro",)) is answer


@given(onset=st.integers(-60, 120), offset=st.integers(-60, 120))
def test_spots_lie_inside_their_film_with_onset_before_offset(onset, offset):
    answer = Spotting((Spot("toy/01/v1", "micro", onset, offset),))
    if 0 <= onset <= offset <= 49:
        assert check_spotting(ToyThreshold, answer, FILM, ("micro",)) is answer
        return
    with pytest.raises(DataError, match=r"ToyThreshold.decode gave Spot\(") as caught:
        check_spotting(ToyThreshold, answer, FILM, ("micro",))
    assert "0 <= onset <= offset <= 49" in caught.value.hint


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (Spotting((Spot("toy/01/v1", "macro", 1, 2),)), PluginError, "'macro'"),
        (Spotting((), {"macro": np.zeros(10)}), PluginError, "a curve 'macro'"),
        (Spotting((), {"micro": np.zeros(9)}), PluginError, r"array \(9,\)"),
        (Spotting((), {"micro": np.full(10, np.nan)}), DataError, "a curve 'micro' with NaN or infinity for toy/01/v1"),
        (Spotting((), {"micro": np.full(10, np.inf)}), DataError, "a curve 'micro' with NaN or infinity for toy/01/v1"),
        (Spotting((Spot("toy/01/v1", "micro", 1, 2, float("nan")),)), DataError, "score=nan"),
    ],
)
def test_answers_that_break_the_contract_of_a_spotter(answer, kind, words):
    with pytest.raises(kind, match=words) as caught:
        check_spotting(ToyThreshold, answer, FILM, ("micro",))
    assert caught.value.what.startswith("ToyThreshold.decode gave ")
    assert "mend it in mezoo_toy.model" in caught.value.hint


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_raw_scores_are_finite(bad):
    with pytest.raises(DataError, match="'p' with NaN or infinity for toy/01/v1"):
        check_windows(ToyThreshold, [Window(0, {"p": np.array([0.5, bad])})], ["toy/01/v1"], {"toy/01/v1": []})


@pytest.mark.parametrize("bad", [None, [1], {"mean": np.zeros(3)}, {"std": np.float32(1)}])
def test_what_prepare_gives_must_come_back_from_the_weights(bad):
    with pytest.raises(PluginError, match=r"ToyThreshold.prepare gave .*"):
        check_fitted(ToyThreshold, bad)
    assert check_fitted(ToyThreshold, {"mean": 0.5, "graph": [[1, 2]]})
