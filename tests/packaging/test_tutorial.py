"""The tutorial is run as it stands, block by block, in one folder and one process."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_tutorial_runs(cache, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", os.pathsep.join([str(tools(tmp_path)), os.environ["PATH"]]))
    text = (ROOT / "recipes/TUTORIAL.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```(python|sh)\n(.*?)```", text, re.DOTALL)
    assert len(blocks) >= 6
    names: dict[str, object] = {}
    for kind, code in blocks:
        if kind == "python":
            exec(code, names)
        else:
            done = subprocess.run(["bash", "-ec", code], capture_output=True, text=True, check=False)
            assert done.returncode in {0, 1}, done.stderr
            assert "Traceback" not in done.stderr, done.stderr
    assert (tmp_path / "tutorial.png").stat().st_size > 1000


def tools(place: Path) -> Path:
    """A folder with the command `mezoo` of this environment."""
    folder = place / "bin"
    folder.mkdir()
    (folder / "mezoo").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m mezoo.cli "$@"\n')
    (folder / "mezoo").chmod(0o755)
    return folder
