"""`compile: true`: the same method, the same names of tensors, and a way on where there is no compiler."""

import json

import pytest
from safetensors.numpy import load_file


def fit(mezoo, runs, *changes):
    small = ("--set", "synthetic.data.subjects=2", "--set", "trainer.max_epochs=2")
    code, _, err = mezoo("fit", "toy_sides", "--synthetic", "--runs", runs, *small, *changes)
    assert code == 0, err
    return next(runs.glob("toy_sides-*"))


@pytest.mark.parametrize("compiler", ["as it is", "none"])
def test_a_compiled_model_learns_the_same(mezoo, cache, tmp_path, monkeypatch, compiler):
    plain = fit(mezoo, tmp_path / "plain")
    if compiler == "none":
        monkeypatch.setenv("CXX", str(tmp_path / "no-compiler"))
        monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "inductor"))
    fast = fit(mezoo, tmp_path / "fast", "--set", "compile=true")
    assert plain.name != fast.name
    for fold in ("00", "01"):
        one, two = (load_file(run / "folds" / fold / "weights.safetensors") for run in (plain, fast))
        assert one.keys() == two.keys()
        for name, values in one.items():
            assert two[name] == pytest.approx(values, abs=1e-4)
    assert json.loads((fast / "result.json").read_text())["status"] == "complete"


def test_a_recipe_that_does_not_ask_keeps_its_name(mezoo):
    assert (
        mezoo("check", "toy_sides", "--synthetic")[1]
        == mezoo("check", "toy_sides", "--synthetic", "--set", "compile=false")[1]
    )
