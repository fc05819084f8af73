"""A plugin that breaks its word gets a sentence with its name, the method and the mend, never a traceback."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from mezoo_toy.data import Toy
from mezoo_toy.feature import ToyMean
from mezoo_toy.model import ToyThreshold
from mezoo_toy.recogniser import ToySide

from mezoo import Spot, Spotting, Window

features, sample, predict = ToyMean.__call__, ToyThreshold.sample, ToyThreshold.predict_step


def boom(*_, **__):
    raise ValueError("planted")


def made(**changes):
    """An extractor whose answer is changed: each name with a function of the honest features."""
    return lambda self, video: replace(
        features(self, video), **{k: change(features(self, video)) for k, change in changes.items()}
    )


def said(change):
    """A step whose windows are changed."""
    return lambda self, batch, index: [change(w) for w in predict(self, batch, index)]


def spot(*told, curves=None):
    """A decoder that spots this, of the right video where it says None."""

    def decode(self, windows, example):
        video, *rest = told
        return Spotting((Spot(video or example.video.key, *rest),), curves or {})

    return decode


BAD = {
    "extractor raises": (ToyMean, "__call__", boom, "raised ValueError: planted"),
    "no features": (ToyMean, "__call__", lambda *_: None, "gave a NoneType"),
    "few positions": (ToyMean, "__call__", made(positions=lambda _: np.arange(3)), "3 positions for 60 rows"),
    "falling positions": (ToyMean, "__call__", made(positions=lambda f: f.positions[::-1]), "integers that increase"),
    "positions outside": (ToyMean, "__call__", made(positions=lambda f: f.positions + 500), "0 to n_frames - 1"),
    "broken positions": (ToyMean, "__call__", made(positions=lambda f: f.positions + 0.5), "float64"),
    "objects": (ToyMean, "__call__", made(values=lambda f: f.values.astype(object)), "of object"),
    "a list": (ToyMean, "__call__", made(values=lambda f: f.values.tolist()), "values that are a list"),
    "a tensor": (ToyMean, "__call__", made(values=lambda f: torch.tensor(f.values)), "values that are a Tensor"),
    "no row": (ToyMean, "__call__", made(values=lambda f: f.values[:0], positions=lambda f: f.positions[:0]), "no row"),
    "negative fps": (ToyMean, "__call__", made(fps=lambda _: -3.0), "fps -3.0"),
    "fps of text": (ToyMean, "__call__", made(fps=lambda _: "x"), "fps 'x'"),
    "facts in a list": (ToyMean, "__call__", made(facts=lambda _: [1]), "facts"),
    "videos raises": (Toy, "videos", boom, "raised ValueError: planted"),
    "videos of text": (Toy, "videos", lambda _: ["a"], "a str among its videos"),
    "verify raises": (Toy, "verify", boom, "raised ValueError: planted"),
    "verify says nothing": (Toy, "verify", lambda _: None, "gave a NoneType"),
    "no stand-in": (Toy, "write_synthetic", classmethod(boom), "raised ValueError: planted"),
    "constructor": (ToyThreshold, "__init__", boom, "refuses its arguments: ValueError: planted"),
    "samples say nothing": (ToyThreshold, "samples", lambda *_, **__: None, "gave a NoneType"),
    "no sample": (ToyThreshold, "samples", lambda *_, **__: [], "no sample to train on"),
    "samples of text": (ToyThreshold, "samples", lambda *_, **__: ["a"] * 8, "items that are a str"),
    "a sample of nobody": (
        ToyThreshold,
        "sample",
        lambda self, e, learn: replace(sample(self, e, learn), video="nobody"),
        "a sample of the video 'nobody'",
    ),
    "step says nothing": (ToyThreshold, "predict_step", lambda *_: None, "a NoneType for"),
    "a window is missing": (ToyThreshold, "predict_step", lambda *a: predict(*a)[:-1], "1 items for 2 samples"),
    "bare arrays": (ToyThreshold, "predict_step", said(lambda w: w.scores["p"]), "one Window a sample"),
    "objects as scores": (
        ToyThreshold,
        "predict_step",
        said(lambda w: Window(w.start, {"p": w.scores["p"].astype(object)})),
        "of object",
    ),
    "a name with a bar": (ToyThreshold, "predict_step", said(lambda w: Window(0, {"p|q": w.scores["p"]})), "p|q"),
    "a start between": (ToyThreshold, "predict_step", said(lambda w: Window(0.5, w.scores)), "no integer start"),
    "nothing decoded": (ToyThreshold, "decode", lambda *_: None, "gave a NoneType"),
    "an unknown kind": (ToyThreshold, "decode", spot(None, "mini", 1, 5), "kind in micro"),
    "frames between": (ToyThreshold, "decode", spot(None, "micro", 1.5, 5.5), "integer frames"),
    "another video": (ToyThreshold, "decode", spot("toy/99/x", "micro", 1, 5), "toy/99/x"),
    "a score of text": (ToyThreshold, "decode", spot(None, "micro", 1, 5, "high"), "'high'"),
    "a short curve": (ToyThreshold, "decode", spot(None, "micro", 1, 5, curves={"micro": np.zeros(3)}), "of 60 rows"),
    "a class too many": (ToySide, "decode", lambda *_: np.zeros(5), "2 finite probabilities"),
    "a class in words": (ToySide, "decode", lambda *_: "left", "raised ValueError"),
    "scores by another name": (
        ToySide,
        "predict_step",
        lambda _, batch, __: [Window(0, {"p": np.zeros(2)}) for _ in batch.videos],
        "raised KeyError: 'probability'",
    ),
}
"""Class, method, what it does instead, and words of the sentence."""
FEW = ("--synthetic", "--set", "dataset.limit=4", "--set", "trainer.max_epochs=1")


@pytest.mark.faults("plugins that break their word")
@pytest.mark.parametrize("bad", BAD)
def test_a_broken_promise_is_told_in_a_sentence(mezoo, cache, tmp_path, monkeypatch, bad):
    owner, method, other, words = BAD[bad]
    monkeypatch.setattr(owner, method, other)
    recipe = "toy_sides" if owner is ToySide else "toy"
    code, out, err = mezoo("fit", recipe, *FEW, "--runs", tmp_path / "runs")
    assert code == 2, (out, err)
    assert words in err
    assert "error: " in err
    assert "->" in err
    assert owner.__name__ in err or "toy_threshold" in err
    assert "Traceback" not in out + err


@pytest.mark.faults("plugins that break their word")
def test_a_score_that_is_no_number_fails_the_fold_that_met_it(mezoo, cache, tmp_path, monkeypatch):
    """Other folds may learn better."""
    monkeypatch.setattr(ToyThreshold, "decode", spot(None, "micro", 1, 5, float("nan")))
    code, out, err = mezoo("fit", "toy", *FEW, "--runs", tmp_path / "runs")
    assert code == 1
    assert "failed: ToyThreshold.decode gave" in out
    assert "finite numbers" in out
    assert "Traceback" not in out + err


@pytest.mark.faults("plugins that break their word")
@pytest.mark.parametrize("method", ["prepare", "build", "samples", "training_step", "predict_step", "decode"])
def test_what_a_model_raises_fails_the_fold_under_its_name(mezoo, cache, tmp_path, monkeypatch, method):
    honest = getattr(ToyThreshold, method)
    code = f"def {method}(self, *given, **named): raise ValueError('planted')"
    told = {"__name__": ToyThreshold.__module__}
    exec(code, told)
    monkeypatch.setattr(ToyThreshold, method, told[method])
    code, out, err = mezoo("fit", "toy", *FEW, "--runs", tmp_path / "runs")
    assert code == 1
    assert f"failed: ToyThreshold.{method}: ValueError: planted" in out
    assert "Traceback" not in out + err
    monkeypatch.setattr(ToyThreshold, method, honest)
    assert mezoo("fit", "toy", *FEW, "--runs", tmp_path / "runs")[0] == 0


@pytest.mark.faults("plugins that break their word")
def test_a_plugin_that_prints_leaves_json_readable(mezoo, cache, monkeypatch):
    monkeypatch.setattr(ToyMean, "__call__", lambda self, video: (print("noise"), features(self, video))[1])
    code, out, err = mezoo("extract", "toy", "--synthetic", "--workers", "1", "--json")
    assert code == 0, err
    assert json.loads(out)
