"""The wheel holds everything that runs: plugins, recipes, the report's template, errata, licence."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return next(out.glob("*.whl"))


def test_the_wheel_has_every_file(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder in ("mezoo", "plugins", "recipes"):
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                inside = path.relative_to(ROOT).as_posix().removeprefix("plugins/")
                inside = f"mezoo/{inside}" if inside.startswith("recipes/") else inside
                assert inside in names, inside
    assert not [n for n in names if n.split("/")[0] in {"plugins", "recipes", "tests"}]
    assert any(n.endswith("licenses/LICENSE") for n in names)


def test_installed_from_the_wheel_it_lists_and_checks(wheel, tmp_path):
    zipfile.ZipFile(wheel).extractall(tmp_path)
    code = (
        "import sys; sys.path.insert(0, sys.argv.pop(1)); import mezoo; print(mezoo.__file__);"
        "from mezoo.cli import main; main(['list', '--json']); sys.exit(main(['show', 'mesnet_samm']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(os.fspath(tmp_path))
    assert str(tmp_path / "mezoo" / "recipes" / "mesnet_samm.yaml") in done.stdout


def test_every_folder_is_typed():
    for folder in [ROOT / "mezoo", *(p for p in (ROOT / "plugins").iterdir() if p.is_dir())]:
        if (folder / "__init__.py").is_file():
            assert (folder / "py.typed").is_file(), folder.name
