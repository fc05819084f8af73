"""A process that runs commands and breaks them, and what a run is compared by."""

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

SIGNALS = {"SIGKILL": -9, "SIGTERM": 143, "SIGINT": 130}
"""With the exit code of a command that is ended by each."""
KILLED = (-9, 143, 130)
TOLD = {"report.html": "a page", "log.txt": "what was said"}
VOLATILE = {"seconds", "at", "created"}
QUICK = ("--runs", "{runs}", "--synthetic", "--set", "dataset.limit=4")
TOY = ("fit", "toy", *QUICK, "--set", "trainer.max_epochs=2")
FITS = {
    "toy": TOY,
    "toy_sides": ("fit", "toy_sides", *QUICK, "--set", "trainer.max_epochs=2"),
    "toy_both": ("fit", "toy_both", *QUICK, "--set", "recognizer.trainer.max_epochs=2"),
    "workers": (*TOY, "--workers", "2"),
    "stacked": (*TOY, "--executor", "stacked"),
    "final": (*TOY, "--final"),
    "fold 00": (*TOY, "--fold", "00"),
    "fold 01": (*TOY, "--fold", "01"),
    "gather": ("gather", "{run}"),
    "extract": ("extract", "toy", "--synthetic", "--set", "dataset.limit=4", "--workers", "1"),
}
"""Commands; the runs have two subjects and two epochs, and take a second each."""
BEFORE = {"gather": ("fold 00", "fold 01")}
"""Commands that another needs."""


class Breaker:
    """Runs commands in a room, breaks them on demand, and knows how they end when nothing breaks."""

    def __init__(self, rooms: Path) -> None:
        self.rooms, self.count = rooms, 0
        harness = Path(__file__).with_name("harness.py")
        pipe = subprocess.PIPE
        self.process = subprocess.Popen([sys.executable, str(harness)], stdin=pipe, stdout=pipe, text=True)
        self._whole: dict[str, tuple[list[list[str]], dict[str, Any]]] = {}

    def room(self) -> Path:
        """An empty folder for a store and a run."""
        self.count += 1
        return self.rooms / str(self.count)

    def run(self, recipe: str, room: Path, fault: dict[str, Any] | None = None) -> Any:
        """The ending of a command, see harness.py."""
        return self.together([recipe], room, [fault])[0]

    def together(self, recipes: Sequence[str], room: Path, faults: Sequence[dict[str, Any] | None] = ()) -> Any:
        """The endings of commands that begin at the same moment."""
        if not (room / "runs").is_dir():
            for needed in BEFORE.get(recipes[0], ()):
                assert self.run(needed, room)["code"] == 0
        given = [*faults, *[None] * (len(recipes) - len(faults))]
        jobs = [
            {"arguments": FITS[recipe], "room": str(room), "fault": fault, "name": f".{number}"}
            for number, (recipe, fault) in enumerate(zip(recipes, given, strict=True))
        ]
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(json.dumps(jobs), file=self.process.stdin, flush=True)
        return json.loads(self.process.stdout.readline())

    def whole(self, recipe: str) -> tuple[list[list[str]], dict[str, Any]]:
        """The events of an unbroken run, and what it leaves."""
        if recipe not in self._whole:
            room = self.room()
            ended = self.run(recipe, room)
            assert ended["code"] == 0, ended["err"]
            self._whole[recipe] = ended["events"], left_in(room)
        return self._whole[recipe]

    def events(self, recipe: str, what: str, file: str = "") -> list[int]:
        """Numbers of the events of a kind on files with this in their name."""
        return [i for i, (w, f) in enumerate(self.whole(recipe)[0]) if what in w and file in f]


def left_in(room: Path) -> dict[str, Any]:
    """Every file of a room's run and store by name, without locks, times, and what depends on the room."""
    found = {}
    for file in sorted(p for top in ("runs", "cache") for p in (room / top).rglob("*")):
        if file.is_dir() or file.name.endswith(".lock") or file.name == "environment.json":
            continue
        name = re.sub(r"-[0-9a-f]{16}\.", ".", str(file.relative_to(room)))
        found[name] = TOLD.get(file.name) or _content(file)
    return found


def numbers(left: dict[str, Any]) -> dict[str, Any]:
    """Scores, predictions, weights and curves in what `left_in` found: what must be the same whoever trained."""
    (result,) = [facts for name, facts in left.items() if name.endswith("result.json")]
    kept = ("predictions.csv", "weights.safetensors", "curves.npz", "metrics.csv")
    return {"scores": result["scores"]} | {name: raw for name, raw in left.items() if name.endswith(kept)}


def _content(file: Path) -> Any:
    if file.suffix != ".json":
        return file.read_bytes()
    return _lasting(json.loads(file.read_text(encoding="utf-8")))


def _lasting(value: Any) -> Any:
    if isinstance(value, dict):
        key_of_an_entry = {"frames", "sources"} if "extractor" in value else set()
        return {k: _lasting(v) for k, v in value.items() if k not in VOLATILE | key_of_an_entry | {"environment"}}
    return [_lasting(v) for v in value] if isinstance(value, list) else value


@pytest.fixture(scope="session")
def breaker(tmp_path_factory):
    made = Breaker(tmp_path_factory.mktemp("kills"))
    yield made
    made.process.stdin.close()
    made.process.wait()


@pytest.fixture
def same_in_the_end(breaker):
    """Give a broken command once more: it must end as if nothing had been, and nothing may be left over."""

    def check(recipe: str, room: Path) -> None:
        ended = breaker.run(recipe, room)
        assert ended["code"] == 0, ended["err"]
        expected, found = breaker.whole(recipe)[1], left_in(room)
        assert sorted(found) == sorted(expected)
        assert [name for name in expected if found[name] != expected[name]] == []

    return check


@pytest.fixture
def whole_files():
    """No file under its final name is empty or cut off: those of JSON can be read, arrays too."""
    import numpy as np

    def check(room: Path) -> None:
        for file in (room / "runs").rglob("*"):
            if ".part" in file.name or file.is_dir() or file.name in (".lock", "log.txt"):
                continue
            assert file.stat().st_size, file
            if file.suffix == ".json":
                json.loads(file.read_text(encoding="utf-8"))
            if file.suffix == ".npz":
                with np.load(file) as arrays:
                    assert all(arrays[name] is not None for name in arrays.files)

    return check
