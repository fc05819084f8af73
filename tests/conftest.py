"""Shared fixtures. The toy guest stands on the path as an installed distribution does: through its entry points."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import settings

HERE = Path(__file__).parent
os.environ["WANDB_MODE"] = "disabled"
os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.append(str(HERE / "guest"))
# Machines are slow and shared: no deadlines; and what lands must not depend on the day's random examples.
settings.register_profile("mezoo", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("mezoo")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty feature store and stand-in folder for this test."""
    monkeypatch.setenv("MEZOO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def mezoo(capsys):
    """Run the command line in this process: exit code, standard output, standard error."""

    def call(*arguments: object) -> tuple[int, str, str]:
        from mezoo.cli import main

        capsys.readouterr()
        try:
            code = main([str(a) for a in arguments])
        except SystemExit as stop:
            code = int(stop.code or 0)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


@pytest.fixture
def mezoo_process():
    """Run the command line in a process of its own, with further folders on its path."""

    def call(*arguments: object, paths: tuple[Path, ...] = (), **more) -> subprocess.CompletedProcess[str]:
        path = os.pathsep.join([*map(str, paths), str(HERE / "guest"), os.environ.get("PYTHONPATH", "")])
        command = [sys.executable, "-m", "mezoo.cli", *map(str, arguments)]
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": path},
            timeout=300,
            check=False,
            **more,
        )

    return call
