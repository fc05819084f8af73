"""Features of many films: one worker beside two, and beside what two cores could do at best at the same moment.

`tvl1` of the stand-in of CASME II, into an empty store each time, by `mezoo.extraction.extract`. The ideal: the films
dealt out to two processes that know nothing of each other. Wall time says little on a busy machine; processor seconds
tell what the second worker costs. Starting Python and importing are not in it, except in the workers, whose start is.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from typing import Any

from table import Row, environment, process

WAYS = ("one worker", "two workers", "two halves")


def rows(quick: bool) -> list[Row]:
    """Wall and processor time of all films."""
    films, rounds = (24, 1) if quick else (40, 3)
    found: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory(prefix="mezoo-extraction-") as folder:
        root = Path(folder) / "data"
        process(["-m", "mezoo.cli", "data", "synth", "casme2", "--out", str(root)])
        for turn in range(rounds):
            for way in WAYS:
                found[way].append(measure(way, root, films, Path(folder) / f"{way}{turn}"))
    return [*_rows(found, films, "wall", "s"), *_rows(found, films, "cpu", "s CPU")]


def _rows(found: dict[str, list[dict[str, float]]], films: int, kind: str, unit: str) -> list[Row]:
    one, two, halves = ([spent[kind] for spent in found[way]] for way in WAYS)
    ideal = "2" if kind == "wall" else "1"
    name = f"extract tvl1 of {films} films"
    return [
        Row(name, "1 worker / 2 workers", one, two, unit, ideal),
        Row(name, "1 worker / the films in two halves", one, halves, unit, ideal),
    ]


def measure(way: str, root: Path, films: int, cache: Path) -> dict[str, float]:
    """Wall seconds of the slowest process, processor seconds of all."""
    shares = [(0, 2), (1, 2)] if way == "two halves" else [(0, 1)]
    workers = 2 if way == "two workers" else 1
    command = [sys.executable, __file__, str(root), str(films)]
    children = [
        subprocess.Popen(
            [*command, *map(str, share), str(workers), str(cache)], stdout=subprocess.PIPE, text=True, env=environment()
        )
        for share in shares
    ]
    told: list[dict[str, float]] = [json.loads(child.communicate()[0]) for child in children]
    return {"wall": max(t["wall"] for t in told), "cpu": sum(t["cpu"] for t in told)}


def child(root: Path, films: int, share: tuple[int, int], workers: int, cache: Path) -> dict[str, Any]:
    """Extract every second film, or all; what it took this process and its own."""
    from mezoo import datasets
    from mezoo.extraction import extract
    from mezoo.progress import LineProgress
    from mezoo.recipe import read_block

    videos = datasets.find("casme2")(root).videos()[:films][share[0] :: share[1]]
    block = read_block("feature", "{use: tvl1, size: 128}")
    before, start = cpu_seconds(), time.perf_counter()
    with redirect_stderr(StringIO()):
        failures = extract(block, videos, cache, LineProgress(), workers)
    spent = {"wall": time.perf_counter() - start, "cpu": cpu_seconds() - before}
    if failures:
        raise SystemExit(f"{failures[0]}")
    return spent


def cpu_seconds() -> float:
    """Of this process and of those of its own that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


if __name__ == "__main__":
    place, count, number, of, many, store = sys.argv[1:]
    print(json.dumps(child(Path(place), int(count), (int(number), int(of)), int(many), Path(store))))
