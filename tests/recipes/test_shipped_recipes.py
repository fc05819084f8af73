"""Every shipped recipe holds, tells its story first, and is fitted small on its own stand-in."""

import json
import os
from pathlib import Path

import pytest

from mezoo.registry import plugins

RECIPES = [p for p in plugins() if p.kind == "recipe" and p.distribution == "mezoo"]
TWO_FILMS = "synthetic.data={subjects: 2, videos: 1, seconds: 6}"
TWO_EPOCHS = "trainer.max_epochs=2"
MESNET = (TWO_FILMS, "features.size=16", "model.channels=[2, 2, 4, 4]", "model.pretrain_epochs=1", TWO_EPOCHS)
AUW_GCN = (TWO_FILMS, "model.adjacency=symmetric", TWO_EPOCHS)
TWO_PEOPLE = "synthetic.data={subjects: 2}"
ADAPTIVE_GAT = (TWO_PEOPLE, TWO_EPOCHS)
MER_GCN = (TWO_PEOPLE, "features.size=32", "model.width=2", "model.min_au_samples=1", TWO_EPOCHS)
RESNET_LSTM = (TWO_PEOPLE, "features.crop.size=32", "model.widths=[4, 4, 4, 4]", TWO_EPOCHS)
SMALL = {
    "mesnet_samm": MESNET,
    "mesnet_cas_me_sq": MESNET,
    "auw_gcn_samm": (*AUW_GCN, "features.flow.crop.size=48"),
    "auw_gcn_cas_me_sq": (*AUW_GCN, "features.flow.crop.size=48"),
    "auw_gcn_segments": AUW_GCN,
    **{f"adaptive_gat_{name}": ADAPTIVE_GAT for name in ("casme2", "megc2019", "samm", "smic")},
    **{f"mer_gcn_{name}": MER_GCN for name in ("casme2_3", "casme2_7", "megc2019", "samm_3", "samm_8")},
    **{f"resnet34_lstm_casme2{part}": RESNET_LSTM for part in ("", "_base", "_mfem", "_mffm")},
    "resnet34_lstm_samm": RESNET_LSTM,
    "mesnet_adaptive_gat_cas_me_sq": (
        "synthetic.data={subjects: 2, videos: 1, seconds: 20}",
        *(f"spotter.{text}" for text in MESNET[1:]),
        f"recognizer.{TWO_EPOCHS}",
    ),
}
"""Overrides that make a recipe's fit a matter of seconds."""


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda p: p.name)
def test_a_recipe_begins_with_its_story_and_command(recipe):
    lines = Path(recipe.target).read_text(encoding="utf-8").splitlines()
    story = lines[: next(i for i, line in enumerate(lines) if line.startswith("task:"))]
    assert all(line.startswith("#") for line in story)
    assert any(f"mezoo fit recipes/{recipe.name}.yaml --synthetic" in line for line in story)


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda p: p.name)
def test_a_recipe_holds(recipe, mezoo):
    assert mezoo("check", recipe.target)[0] == 0
    assert mezoo("check", recipe.name, "--synthetic")[0] == 0
    assert recipe.name in SMALL, "say how this recipe is made small"


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda p: p.name)
def test_a_recipe_is_fitted_small(recipe, mezoo, shared_cache, tmp_path, monkeypatch):
    monkeypatch.setenv("MEZOO_CACHE", str(shared_cache))
    overrides = [part for text in SMALL[recipe.name] for part in ("--set", text)]
    code, out, err = mezoo("fit", recipe.name, "--synthetic", "--runs", tmp_path, *overrides)
    assert code == 0, err
    result = json.loads(next(tmp_path.glob("*/result.json")).read_text())
    assert result["synthetic"] is True
    assert result["status"] == "complete"
    if result["task"] != "strs":
        assert {"last", "oracle"} <= set(result["scores"])
        assert result["model"]["sources"].keys() == result["model"]["arguments"].keys(), "each default has a source tag"
    page = next(tmp_path.glob("*/report.html")).read_text(encoding="utf-8")
    assert "synthetic" in page


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda p: p.name)
def test_without_data_the_error_says_where_from(recipe, mezoo, tmp_path, monkeypatch):
    monkeypatch.setenv("MEZOO_CACHE", str(tmp_path))
    for root in (None, tmp_path / "nowhere", tmp_path):
        if root is None:
            monkeypatch.delenv("MEZOO_DATA", raising=False)
        else:
            monkeypatch.setenv("MEZOO_DATA", os.fspath(root))
        code, _, err = mezoo("fit", recipe.name, "--runs", tmp_path / "runs")
        assert code == 2
        assert "--synthetic" in err
        assert "Traceback" not in err
        assert not (tmp_path / "runs").exists()
