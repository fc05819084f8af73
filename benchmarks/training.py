"""AUW-GCN's training, the official way beside mezoo's: `auwgcn.py` in a process of its own."""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from table import HERE, Row, process

WAYS = ("official", "mezoo")
STEPS = 10
"""Pairs of steps that `auwgcn.py` takes."""
Spread = Mapping[str, float]


def rows(quick: bool) -> list[Row]:
    """A fold and epoch, in wall and processor time, and a step alone."""
    size = ("--folds", "2", "--epochs", *(("4", "--rounds", "2") if quick else ("20",)))
    with tempfile.TemporaryDirectory(prefix="mezoo-training-") as folder:
        file = Path(folder) / "auwgcn.json"
        process([str(HERE / "auwgcn.py"), *size, "--json", str(file)])
        made = json.loads(file.read_text())
    whole, step, rounds = made["per_fold_and_epoch"], made["step_cpu_ms"], made["rounds"]
    facts = {key: made[key] for key in ("folds", "epochs", "rounds", "first_epoch")}
    sides = {key: [whole[way][key] for way in WAYS] for key in ("wall_s", "cpu_s")}
    return [
        _row("AUW-GCN, a fold and epoch", sides["wall_s"], whole["ratio_wall_s"], (rounds, "s"), facts),
        _row("AUW-GCN, a fold and epoch", sides["cpu_s"], whole["ratio_cpu_s"], (rounds, "s CPU"), facts),
        _row("AUW-GCN, a step of 128", [step[way] for way in WAYS], step["ratio"], (STEPS, "ms CPU"), {}),
    ]


def _row(name: str, sides: list[Spread], ratio: Spread, how: tuple[int, str], facts: Mapping[str, Any]) -> Row:
    first, second = ([side[key] for key in ("min", "median", "max")] for side in sides)
    pairs, unit = how
    summed = ratio["min"], ratio["median"], ratio["max"], pairs
    return Row(name, "official way / mezoo", first, second, unit, facts=facts, summed=summed)
