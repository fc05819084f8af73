"""Run folders, found and read; what cannot be read is noted and left out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from mezoo.errors import RunError
from mezoo.files import read_plain
from mezoo.result import Result
from mezoo.yaml_marks import shallow

DEFAULT = "runs"


@dataclass(frozen=True, slots=True)
class Run:
    """A run that has ended. `settings` are its resolved recipe without seed and place of the data."""

    path: Path
    result: Result
    settings: dict[str, Any]

    @property
    def seed(self) -> int:
        """The seed of training."""
        return int(self.result.protocol.get("seed", 0))

    @property
    def rule(self) -> str:
        """Which epoch counts: last, validation or oracle."""
        return str(self.result.headline.get("epoch_rule", ""))


def find_runs(arguments: Sequence[str]) -> tuple[list[Run], list[str]]:
    """Runs in the folders named, or in folders inside them, and notes. Raises RunError for a folder that is not there.

    Without arguments ./runs is looked at, which may be missing.
    """
    if not arguments and not Path(DEFAULT).is_dir():
        return [], [f"there is no folder {DEFAULT} here: name run folders, or measure something with mezoo fit"]
    runs: dict[Path, Run] = {}
    notes: list[str] = []
    for folder in [Path(a).expanduser() for a in arguments or [DEFAULT]]:
        if not folder.exists():
            raise RunError(f"{folder} does not exist", hint="name folders of runs, such as runs/mesnet_samm-1a2b3c4d")
        results = _results(folder)
        if not results:
            notes.append(f"{folder} holds no result.json: nothing in it has ended")
        for path in results:
            try:
                runs[path.resolve()] = _read(path)
            except RunError as error:
                notes.append(f"left out: {error.what}")
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                notes.append(f"left out: {path} is not a result of mezoo ({type(error).__name__}: {error})")
    return [*runs.values()], notes


def _results(folder: Path) -> list[Path]:
    if folder.is_file():
        return [folder]
    own = folder / "result.json"
    return [own] if own.is_file() else sorted(folder.glob("*/result.json"))


def _read(path: Path) -> Run:
    result = Result.read(path)
    return Run(path.parent, result, _settings(path.parent / "recipe.yaml", result))


def _settings(path: Path, result: Result) -> dict[str, Any]:
    """Everything that decides the result but the seed; from result.json where the recipe is missing or damaged."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        text = read_plain(path).decode("utf-8")
        shallow(text, aliases=False)
        settings: Any = yaml.load(text, loader)  # a safe loader, the quick one
    except (OSError, ValueError, TypeError, yaml.YAMLError):
        settings = None
    if not isinstance(settings, dict) or not isinstance(settings.get("protocol"), dict):
        blocks = {"model": result.model["name"], "features": result.features["name"]}
        settings = {
            name: {"use": use, **getattr(result, name).get("arguments", {})} for name, use in blocks.items()
        } | {"protocol": dict(result.protocol), "trainer": dict(result.trainer)}
    settings["protocol"] = {k: v for k, v in settings["protocol"].items() if k != "seed"}
    settings["dataset"] = {k: v for k, v in (settings.get("dataset") or {}).items() if k != "root"}
    settings["versions"] = [[b.get("distribution"), b.get("version")] for b in (result.model, result.features)]
    return settings
