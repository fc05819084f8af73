"""Commands until they are done, beside a bare interpreter; `mezoo fit` until its first step, beside importing torch.

Whole processes in turn. `fit` runs on features that are in the store, and leaves where its first step would begin.
"""

import tempfile
from pathlib import Path

from table import Row, Spent, process

CLI = ("-m", "mezoo.cli")
LIGHT = {
    "mezoo --help": ("--help",),
    "mezoo plan --help": ("plan", "--help"),
    "mezoo list": ("list",),
    "mezoo data list": ("data", "list"),
    "mezoo check": ("check", "mesnet_samm"),
    "mezoo show": ("show", "mesnet_samm"),
    "mezoo leaderboard": ("leaderboard", "RUNS"),
    "mezoo report": ("report", "RUN"),
    "mezoo predict, no such film": ("predict", "nowhere.mp4", "--run", "RUN"),
}
AIMED = ("mezoo list", "mezoo check", "mezoo leaderboard")
RECIPES = ("auw_gcn_segments", "mesnet_samm", "toy")
BASE = ("-c", "import torch, lightning.pytorch")
FIRST_STEP = """
import os, sys
from mezoo.cli import main
from mezoo.fold import EveryEpoch
EveryEpoch.on_train_batch_start = lambda *_: os._exit(0)
main(sys.argv[1:])
os._exit(3)
"""


def rows(quick: bool) -> list[Row]:
    """Light commands, then `fit`."""
    with tempfile.TemporaryDirectory(prefix="mezoo-startup-") as folder:
        return [*light(Path(folder), 3 if quick else 7), *first_steps(Path(folder), quick)]


def light(folder: Path, rounds: int) -> list[Row]:
    """Wall time of commands that need no torch."""
    runs, more = folder / "light", {"MEZOO_CACHE": str(folder / "cache")}
    process([*CLI, "fit", "toy", "--synthetic", "--runs", str(runs)], WANDB_MODE="disabled", **more)
    (run,) = runs.glob("toy-*")
    words = {"RUNS": str(runs), "RUN": str(run)}
    commands = {name: [*CLI, *(words.get(word, word) for word in typed)] for name, typed in LIGHT.items()}
    bare: list[Spent] = []
    spent: dict[str, list[Spent]] = {name: [] for name in commands}
    for turn in range(rounds + 1):  # the first round warms byte code and disk
        bare += [process(["-c", "pass"])] if turn else []
        for name, command in commands.items():
            spent[name] += [process(command, codes=(0, 2), **more)][: 1 if turn else 0]
    return [_row(name, "whole command / bare python", found, bare) for name, found in spent.items()]


def first_steps(folder: Path, quick: bool) -> list[Row]:
    """Wall and processor time of `fit` until its first step, beside that of importing torch and Lightning."""
    more = {"MEZOO_CACHE": str(folder / "cache")}
    found: list[Row] = []
    for recipe in RECIPES[:1] if quick else RECIPES:
        command = ["-c", FIRST_STEP, "fit", recipe, "--synthetic", "--runs", str(folder / "fit"), "--fresh"]
        process([*CLI, "extract", recipe, "--synthetic"], **more)
        pairs = [(process(command, **more), process(BASE)) for _ in range(3 if quick else 6)][1:]
        first, second = zip(*pairs, strict=True)
        for kind, unit in (("wall", "s"), ("cpu", "s CPU")):
            sides = [[getattr(spent, kind) for spent in side] for side in (first, second)]
            found.append(Row(f"fit {recipe}", "to first step / import torch, lightning", *sides, unit, "<= 1.3"))
    return found


def _row(name: str, compared: str, first: list[Spent], second: list[Spent]) -> Row:
    """The aim is one of seconds, not of the ratio."""
    aim = "0.15 s" if name.endswith("--help") else "0.3 s" if name in AIMED else ""
    facts = {"cpu_s": [spent.cpu for spent in first]}
    return Row(name, compared, [s.wall for s in first], [s.wall for s in second], "s", aim, facts)
