"""Strangers' packages, installed as strangers install them, in an environment that is thrown away."""

import json
import os
import shutil
import site
import subprocess
import sys
import venv
from pathlib import Path

import pytest

HERE = Path(__file__).parent
GOOD = ("maps", "ststnet")
BAD = ("broken", "clashing", "newer")


def environment(folder: Path) -> Path:
    """A new environment that also sees everything that this one has; nothing is downloaded."""
    venv.create(folder, with_pip=False)
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    own = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    seen = "\n".join(f"import site; site.addsitedir({path!r})" for path in site.getsitepackages())
    Path(own, "seen.pth").write_text(seen)
    return python


def pip(python: Path, *arguments: object) -> None:
    """Install without network and without dependencies: those are there."""
    command = [sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check", "install", "--no-index"]
    command += ["--no-deps", "--no-build-isolation", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def sources(names: tuple[str, ...], folder: Path) -> list[Path]:
    """Copies of guests, so that building them leaves nothing here."""
    return [shutil.copytree(HERE / "guests" / name, folder / name) for name in names]


@pytest.fixture(scope="module", params=["wheel", "editable"])
def guests(request, tmp_path_factory):
    """An environment with all guests; what runs in it gets its arguments from the test."""
    folder = tmp_path_factory.mktemp(request.param)
    python = environment(folder / "environment")
    flags = ["-e"] if request.param == "editable" else []
    given = [part for source in sources(GOOD + BAD, folder) for part in (*flags, source)]
    pip(python, *given)

    def call(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [python, "-m", *map(str, arguments)]
        # No guest of ours on the path: what is found was installed.
        variables = {**os.environ, "MEZOO_CACHE": str(folder / "cache"), "OMP_NUM_THREADS": "1"}
        return subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)

    call.how = request.param
    return call


def test_guests_are_listed_and_bad_ones_harm_nobody(guests):
    done = guests("mezoo.cli", "list", "--json")
    assert done.returncode == 0, done.stderr
    rows = {(row["distribution"], row["kind"], row["name"]): row for row in json.loads(done.stdout)}
    assert rows["mezoo-maps", "dataset", "flow_maps"]["status"] == "ok"
    assert rows["mezoo-maps", "feature", "flow_maps"]["status"] == "ok"
    assert rows["mezoo-ststnet", "recipe", "ststnet_maps"]["status"] == "ok"
    assert "a_module_that_nobody_has" in rows["mezoo-broken", "model", "broken_net"]["status"]
    assert "mezoo-ststnet:ststnet" in rows["mezoo-ststnet", "model", "ststnet"]["status"]
    assert "mezoo-ststnet" in rows["mezoo-clashing", "model", "ststnet"]["status"]
    newer = rows["mezoo-newer", "model", "newer_net"]["status"]
    assert "needs mezoo API 2-3, this is mezoo" in newer
    assert "with API 1: pip install --upgrade mezoo" in newer
    assert rows["mezoo", "model", "mesnet"]["status"] == "ok"


def test_a_plugin_for_another_api_is_refused_before_it_is_imported(guests):
    done = guests("mezoo.cli", "check", "ststnet_maps", "--synthetic", "--set", "model={use: newer_net}")
    assert done.returncode == 2
    assert "needs mezoo API 2-3" in done.stderr
    assert "imported" not in done.stderr


def test_the_guest_trains_under_loso_through_its_own_recipe(guests, tmp_path):
    clash = guests("mezoo.cli", "check", "ststnet_maps", "--synthetic")
    assert clash.returncode == 2
    assert "mezoo-clashing:ststnet" in clash.stderr
    pick = ("--set", "model.use=mezoo-ststnet:ststnet")
    whole = guests.how == "wheel"
    size = () if whole else ("--set", "trainer.max_epochs=1", "--set", "synthetic.data.subjects=2")
    done = guests("mezoo.cli", "fit", "ststnet_maps", "--synthetic", *pick, *size, "--runs", tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads(next(tmp_path.glob("ststnet_maps-*/result.json")).read_text())
    text = json.dumps(result)
    assert '"mezoo-ststnet"' in text
    folds = {p.name for p in next(tmp_path.glob("ststnet_maps-*/folds")).iterdir() if p.is_dir()}
    assert {"first-00", "second-00"} <= folds, "the same number in two datasets is two people"
    assert len(folds) == (6 if whole else 4)
    scores = json.loads(text)["scores"]["last"]["overall"]
    assert not whole or scores["uf1"] > 0.6, scores
