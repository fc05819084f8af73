"""mezoo from a notebook: the same numbers as the commands, in a line each."""

import inspect
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mezoo.errors import DataError, MezooError, RecipeError, RunError
from mezoo.notebook import extract, fit, load_dataset, load_run

ROOT = Path(__file__).parents[2]


def test_a_dataset_and_a_feature_of_its_videos(cache):
    videos = load_dataset("toy", synthetic=True).videos()
    made = extract("toy_mean", videos[0], step=2)
    assert made.values.shape == (60, 1)
    assert made.positions.tolist() == [*range(0, 120, 2)]
    nested = extract("toy_scaled", videos[0], inner={"use": "toy_mean"}, factor=3.0)
    assert nested.values == pytest.approx(3 * extract("toy_mean", videos[0]).values)


def test_options_and_names_are_checked(cache, tmp_path):
    assert len(load_dataset("toy", load_dataset("toy", synthetic=True).root, limit=3).videos()) == 3
    with pytest.raises(DataError, match="where is toy"):
        load_dataset("toy")
    with pytest.raises(MezooError, match="toyy"):
        load_dataset("toyy", tmp_path)
    with pytest.raises(RecipeError, match="lmit"):
        load_dataset("toy", tmp_path, lmit=3)
    for wrong in ({"subject": 3}, {"subjects": "many"}):
        with pytest.raises(RecipeError, match="known: preset, subjects"):
            load_dataset("toy", synthetic=wrong)
    with pytest.raises(RecipeError, match="mesnet_adaptive_gat_cas_me_sq:spotter"):
        fit("mesnet_adaptive_gat_cas_me_sq", synthetic=True)


def test_a_run_as_tables_and_pictures(mezoo, cache, tmp_path):
    fitted = fit("toy", {"trainer.max_epochs": 3}, synthetic=True, runs=tmp_path)
    assert "ME F1" in str(fitted)
    assert "SYNTHETIC" in str(fitted)
    scores = fitted.scores()
    last = scores[(scores.epoch == "last") & (scores.part == "micro")].iloc[0]
    assert last.f1 == json.loads((fitted.path / "result.json").read_text())["scores"]["last"]["micro"]["f1"]
    assert last.ci95_low <= last.f1 <= last.ci95_high
    assert {*fitted.subjects().subject} == {"00", "01", "02", "03"}
    assert {"onset", "offset", "score"} <= {*fitted.predictions().columns}
    assert np.asarray(fitted.plot().get_axes()).size
    assert len(fitted.figures()) == len(set(fitted.figures())) > 1
    with pytest.raises(RunError, match="no figure 'cube'"):
        fitted.plot("cube")
    typed = mezoo("fit", "toy", "--synthetic", "--set", "trainer.max_epochs=3", "--runs", tmp_path)
    assert "nothing left to do" in typed[2], "a notebook and the command share a run"


def test_one_fold(cache, tmp_path):
    fitted = fit("toy_sides", synthetic=True, folds=["02"], runs=tmp_path)
    states = {s["subject"]: s["state"] for s in fitted.result.subjects}
    assert states == {"00": "pending", "01": "pending", "02": "done", "03": "pending"}
    assert fitted.result.status == "partial"
    assert fit("toy_sides", synthetic=True, folds="02", runs=tmp_path).path == fitted.path
    with pytest.raises(RecipeError, match="no fold '7'"):
        fit("toy_sides", synthetic=True, folds=["7"], runs=tmp_path)


def test_a_folder_that_is_no_run(tmp_path):
    with pytest.raises(RunError):
        load_run(tmp_path)


def test_a_script_without_a_main_guard_runs_once(tmp_path):
    """Processes that write a stand-in would run it again, and wait for each other."""
    script = tmp_path / "script.py"
    script.write_text(
        "import __main__, mezoo\n"
        "print('begun', flush=True)\n"
        "data = mezoo.load_dataset('casme', synthetic={'subjects': 2, 'videos': 1})\n"
        "print(len(data.videos()), __main__.__file__ == __file__)\n"
    )
    paths = os.pathsep.join([str(ROOT), str(ROOT / "plugins"), os.environ.get("PYTHONPATH", "")])
    env = {**os.environ, "MEZOO_CACHE": str(tmp_path / "cache"), "PYTHONPATH": paths}
    done = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, env=env, timeout=120, cwd=tmp_path, check=False
    )
    assert done.returncode == 0, done.stderr
    said = done.stdout.split()
    assert (said[0], said[2]) == ("begun", "True")
    assert said.count("begun") == 1


def test_help_shows_the_lines_that_a_newcomer_types():
    import mezoo

    assert {"load_dataset", "extract", "fit", "load_run", "load_model"} <= {*dir(mezoo)}
    lines = re.findall(r"mezoo\.(\w+)\(", mezoo.__doc__ or "")
    assert {*lines} >= {"load_dataset", "extract", "fit", "load_run"}
    for name in lines:
        assert inspect.getdoc(getattr(mezoo, name))
        assert all(p.annotation is not p.empty for p in inspect.signature(getattr(mezoo, name)).parameters.values())
