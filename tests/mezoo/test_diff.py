"""Two runs side by side: the first layer where they part, with what differs in it."""

import json
import shutil
from pathlib import Path

import pytest

ORDER = ["data index", "features", "labels", "split", "parameters", "seed", "versions", "predictions"]
RUNS = {
    "spotting": ("toy",),
    "recognition": ("toy_sides",),
    "feature": ("toy", "--set", "features.step=3"),
    "model": ("toy", "--set", "model.lr=0.1"),
    "seed": ("toy_sides", "--set", "protocol.seed=2"),
    "shuffled": ("toy_sides", "--set", "protocol.labels=shuffled"),
}


@pytest.fixture(scope="session")
def run(tmp_path_factory):
    """A run of the toy guest by name, made once."""
    root, made = tmp_path_factory.mktemp("diff"), {}

    def get(name: str) -> Path:
        if name not in made:
            from mezoo.cli import main

            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("MEZOO_CACHE", str(root / "cache"))
                recipe, *more = RUNS[name]
                assert main(["fit", recipe, "--synthetic", "--runs", str(root / name), *more]) == 0
            (made[name],) = (p.parent for p in (root / name).glob("*/result.json"))
        return made[name]

    return get


@pytest.fixture
def copy(run, tmp_path):
    """A copy of a run, to be changed."""

    def get(name: str) -> Path:
        target = tmp_path / run(name).name
        shutil.copytree(run(name), target)
        return target

    return get


@pytest.fixture
def told(mezoo):
    """Exit code, first layer that differs, and layers by name."""

    def get(a, b):
        code, out, err = mezoo("diff", a, b, "--json")
        assert "Traceback" not in err
        said = json.loads(out)
        assert [layer["layer"] for layer in said["layers"]] == ORDER
        return code, said["first"], {layer["layer"]: layer for layer in said["layers"]}

    return get


def change(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.mark.parametrize("name", ["spotting", "recognition"])
def test_a_run_equals_its_copy_and_its_claim(mezoo, run, copy, told, tmp_path, name):
    code, first, layers = told(run(name), copy(name))
    assert (code, first) == (0, None)
    assert {layer["state"] for layer in layers.values()} == {"equal"}
    assert mezoo("submit", run(name), "--out", tmp_path / "claim.zip")[0] == 0
    assert told(run(name), tmp_path / "claim.zip")[:2] == (0, None)
    code, out, _ = mezoo("diff", tmp_path / "claim.zip", run(name))
    assert (code, out.splitlines()[-1]) == (0, "no layer differs")


@pytest.mark.parametrize(
    ("a", "b", "layer", "item"),
    [
        ("spotting", "feature", "features", "recipe.step"),
        ("spotting", "model", "parameters", "model.lr"),
        ("recognition", "seed", "seed", "protocol.seed"),
        ("recognition", "shuffled", "labels", "training labels"),
        ("recognition", "spotting", "data index", "task"),
    ],
)
def test_settings_that_differ_are_found_in_their_layer(run, told, a, b, layer, item):
    code, first, layers = told(run(a), run(b))
    assert (code, first) == (1, layer)
    assert item in [i["item"] for i in layers[layer]["differing"]]
    before = ORDER[: ORDER.index(layer)]
    assert {layers[name]["state"] for name in before} <= {"equal"}


@pytest.mark.parametrize(
    ("name", "file", "old", "new", "layer", "item"),
    [
        ("spotting", "videos.csv", "v3,30.0,120", "v3,30.0,119", "data index", "toy/01/v3"),
        ("recognition", "clips.csv", ",75,10", ",75,11", "data index", "toy/00/v0_e0_65"),
        ("spotting", "result.json", '"facts": {\n   "kind": "mean"', '"facts": {\n   "kind": "?"', "features", None),
        ("spotting", "truth.csv", "v0,micro,65", "v0,micro,66", "labels", "toy/00/v0"),
        ("recognition", "clips.csv", "v0_e0_65,right", "v0_e0_65,left", "labels", "toy/00/v0_e0_65"),
        ("spotting", "folds/02/fold.json", '"03"', '"04"', "split", "fold 02.people.train"),
        ("spotting", "recipe.yaml", "epoch: last", "epoch: oracle", "split", "protocol.epoch"),
        ("spotting", "recipe.yaml", "max_epochs: 4", "max_epochs: 5", "parameters", "trainer.max_epochs"),
        ("spotting", "environment.json", '"device": "', '"device": "other ', "versions", "device"),
        ("spotting", "predictions.csv", ",85,94,", ",85,95,", "predictions", "toy/01/v2"),
        ("recognition", "predictions.csv", "v0_e0_65,right,right", "v0_e0_65,right,left", "predictions", None),
    ],
)
def test_files_that_differ_are_found_in_their_layer_alone(run, copy, told, name, file, old, new, layer, item):
    other = copy(name)
    change(other / file, old, new)
    code, first, layers = told(run(name), other)
    assert (code, first) == (1, layer)
    assert [n for n, found in layers.items() if found["state"] == "differs"] == [layer]
    assert item is None or [i["item"] for i in layers[layer]["differing"]] == [item]


def test_the_place_of_the_data_is_no_difference(run, copy, told):
    other = copy("spotting")
    change(other / "recipe.yaml", "root: ${TOY_ROOT}", "root: /elsewhere")
    assert told(run("spotting"), other)[0] == 0


def test_a_layer_that_cannot_be_compared_says_why(mezoo, run, copy, told):
    other = copy("spotting")
    (other / "truth.csv").unlink()
    (other / "environment.json").write_text("[]")
    code, first, layers = told(run("spotting"), other)
    assert (code, first) == (1, None)
    assert layers["labels"]["state"] == "unknown"
    assert "truth.csv is missing" in layers["labels"]["reason"]
    assert "environment.json holds no keys" in layers["versions"]["reason"]
    out = mezoo("diff", run("spotting"), other)[1]
    assert out.splitlines()[-1] == "no layer differs; not compared: labels, versions"


def test_what_is_printed_names_the_cells(mezoo, run, copy):
    other = copy("spotting")
    change(other / "predictions.csv", ",85,94,", ",85,95,")
    code, out, _ = mezoo("diff", run("spotting"), other)
    assert code == 1
    assert "toy/01/v2\toffset 94\toffset 95" in out
    assert out.splitlines()[-1] == "first difference: predictions"
    with (other / "predictions.csv").open("a") as file:
        file.write("toy,01,v2,micro,1,2,0.5\r\n")
    assert "toy/01/v2\t2 rows\t3 rows" in mezoo("diff", run("spotting"), other)[1]


def test_what_is_no_run(mezoo, run, tmp_path):
    (tmp_path / "file.zip").write_bytes(b"nothing")
    for wrong in (tmp_path, tmp_path / "absent", tmp_path / "file.zip"):
        code, _, err = mezoo("diff", run("spotting"), wrong)
        assert code == 2
        assert "Traceback" not in err


def test_damaged_files_are_no_crash(run, copy, told):
    other = copy("spotting")
    for file in ("recipe.yaml", "folds/01/fold.json", "predictions.csv"):
        (other / file).write_bytes(b"\xff\x00[")
    code, first, layers = told(run("spotting"), other)
    assert (code, first) == (1, None)
    assert layers["predictions"]["state"] == layers["split"]["state"] == "unknown"
