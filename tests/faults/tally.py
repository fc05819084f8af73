"""Faults that tests inject: told by the mark `faults(row, each)`, counted by their parameters, judged by running them.

`each` is how many faults one case injects; a case that passes has survived them all.
"""

import importlib.util
import os
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
MODULES = [
    *(HERE / "kills" / f"test_{name}.py" for name in ("kills", "executors", "together", "disks")),
    *(HERE / f"test_{name}.py" for name in ("bad_plugins", "numbers")),
]


def marked() -> Iterator[tuple[str, int]]:
    """Row and number of faults of every marked test."""
    for file in MODULES:
        for name, test in vars(_module(file)).items():
            marks = {mark.name: mark for mark in getattr(test, "pytestmark", ()) if name.startswith("test_")}
            if "faults" in marks:
                cases = prod(len(m.args[1]) for m in test.pytestmark if m.name == "parametrize")
                yield marks["faults"].args[0], cases * marks["faults"].kwargs.get("each", 1)


def _module(file: Path) -> Any:
    """A module of tests as pytest imports it, by its path."""
    package = ".".join(file.relative_to(HERE.parent).with_suffix("").parts)
    found = importlib.util.spec_from_file_location(package, file)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def injected() -> dict[str, int]:
    """Faults that the tests inject, by row."""
    counts: dict[str, int] = defaultdict(int)
    for row, count in marked():
        counts[row] += count
    return dict(counts)


def run() -> dict[str, Counter[str]]:
    """Faults `survived` and `lost` by row: the marked tests are run, in a process of their own."""
    paths = os.pathsep.join([str(HERE.parent), *sys.path])
    command = [sys.executable, "-m", "pytest", "-q", "-p", "faults.tally", "-p", "no:cacheprovider", *map(str, MODULES)]
    done = subprocess.run(
        command,
        env={**os.environ, "PYTHONPATH": paths},
        cwd=HERE.parents[1],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for line in done.stdout.splitlines():
        if line.startswith(_SAID):
            row, kind, count = line.removeprefix(_SAID).rsplit("|", 2)
            counts[row][kind] += int(count)
    if done.returncode not in (0, 1) or not counts:
        raise RuntimeError(done.stdout[-2000:])
    return dict(counts)


_SAID = "faults: "
_told: Counter[tuple[str, str]] = Counter()


def pytest_runtest_makereport(item: Any, call: Any) -> None:
    """As a plugin of pytest: count the faults of a test that was run."""
    mark = item.get_closest_marker("faults")
    if mark is not None and (call.when == "call" or call.excinfo is not None):
        _told[mark.args[0], "lost" if call.excinfo else "survived"] += mark.kwargs.get("each", 1)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """As a plugin of pytest: tell the counts."""
    for (row, kind), count in _told.items():
        terminalreporter.write_line(f"{_SAID}{row}|{kind}|{count}")
