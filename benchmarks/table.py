"""What every part of the benchmark gives, a row a comparison; how pairs are timed, and what the machine was."""

import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
PATHS = (HERE, ROOT, ROOT / "plugins", ROOT / "tests" / "guest")
PACKAGES = ("numpy", "torch", "lightning", "numba", "opencv-contrib-python", "pydantic", "wandb")


@dataclass(frozen=True, slots=True)
class Row:
    """A comparison: what each pair of readings gave. The ratio is the first over the second, pair by pair.

    Of what comes summed up already, `summed` are least, median and most of the ratios, and how many pairs there were.
    """

    name: str
    compared: str
    first: Sequence[float]
    second: Sequence[float]
    unit: str = "s"
    ideal: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict[str, Any])
    summed: tuple[float, float, float, int] | None = None

    @property
    def ratio(self) -> tuple[float, float, float, int]:
        """Least, median and most of first over second, and how many."""
        if self.summed is not None:
            return self.summed
        ratios = [a / b for a, b in zip(self.first, self.second, strict=True)]
        return min(ratios), statistics.median(ratios), max(ratios), len(ratios)

    def as_json(self) -> dict[str, Any]:
        """Everything, as plain values."""
        least, median, most, pairs = self.ratio
        return {
            **{key: getattr(self, key) for key in ("name", "compared", "unit", "ideal", "first", "second")},
            "ratio": {"median": median, "min": least, "max": most, "pairs": pairs},
            **({"facts": dict(self.facts)} if self.facts else {}),
        }

    def as_text(self) -> str:
        """A line of the table."""
        least, median, most, pairs = self.ratio
        spread = f"{number(least)} - {number(most)}"
        sides = "".join(f"{number(statistics.median(side)):>10}" for side in (self.first, self.second))
        line = f"{self.name:<28}{self.compared:<38}{number(median):>8}{spread:>18}{pairs:>5}"
        return f"{line}{sides} {self.unit:<8}{self.ideal}".rstrip()


HEADER = f"{'what':<28}{'compared':<38}{'ratio':>8}{'min - max':>18}{'n':>5}{'first':>10}{'second':>10} unit    ideal"


def number(value: float) -> str:
    """Three digits, never an exponent."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.3g}"


class Spent(NamedTuple):
    """What a process took: wall and processor seconds; and what it printed."""

    wall: float
    cpu: float
    output: str


def environment(**more: str) -> dict[str, str]:
    """That of a checkout: mezoo, plugins the guest of the tests on the path; byte code is kept as when installed."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    path = os.pathsep.join([*map(str, PATHS), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**kept, "PYTHONPATH": path, "WANDB_MODE": "offline", "OMP_NUM_THREADS": "1", **more}


def process(command: Sequence[str], codes: Sequence[int] = (0,), **more: str) -> Spent:
    """Run Python with these arguments to its end. Raises RuntimeError with its last words for another exit code."""
    start = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment(**more),
        cwd=ROOT,
    ) as child:
        assert child.stdout is not None
        output = child.stdout.read()
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - start
    if child.returncode not in codes:
        raise RuntimeError(f"{' '.join(command)[:200]}: exit code {child.returncode}: {output[-800:]}")
    return Spent(wall, used.ru_utime + used.ru_stime, output)


def cpu_pair(
    first: Callable[[], Any], second: Callable[[], Any], rounds: int
) -> tuple[list[float], list[float], list[Any]]:
    """Processor seconds of both in turn, and what they gave last; a first call of `second` is not counted."""
    times: tuple[list[float], list[float]] = ([], [])
    made: list[Any] = [None, second()]
    for _ in range(rounds):
        for side, job in enumerate((first, second)):
            start = time.process_time()
            made[side] = job()
            times[side].append(time.process_time() - start)
    return *times, made


def machine() -> dict[str, Any]:
    """Processor, cores, memory, versions, load and date."""
    versions: dict[str, str] = {}
    for name in PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = "absent"
    return {
        "cpu": _first_value("/proc/cpuinfo", "model name") or platform.processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(int((_first_value("/proc/meminfo", "MemTotal") or "0 kB").split()[0]) / 2**20, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
        "versions": versions,
        "load_average": [round(value, 2) for value in os.getloadavg()],
        "date": time.strftime("%Y-%m-%d %H:%M %Z"),
    }


def _first_value(file: str, key: str) -> str:
    path = Path(file)
    lines = path.read_text().splitlines() if path.is_file() else []
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith(key)), "")
