"""Folds of AUW-GCN trained one after the other, in processes, and stacked in one: the three executors, in turn.

    python benchmarks/stacked.py --device cpu --folds 4 --epochs 3 --rounds 3 --json benchmarks/stacked.json
    python benchmarks/stacked.py --device cuda --folds 30 --epochs 20 --json stacked_cuda.json     on a GPU

Windows are those of the full stand-in of stored features: 30 subjects, 300 windows, as many as of SAMM Long Videos, of
which a fold learns from 290 or so, in batches of 128. Timed is what the executor does: models, training, a checkpoint
and held-out scores after every epoch, the start of its processes; not the start of the command, features and report.
"""

import argparse
import json
import os
import platform
import resource
import statistics
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mezoo.executors import train_folds
from mezoo.executors.one import bench_of
from mezoo.jobs import extracted
from mezoo.plan import Options, Work, plan
from mezoo.recipe import read_recipe

EXECUTORS = ("inline", "process", "stacked")
ACCELERATORS = {"cpu": "cpu", "cuda": "gpu", "mps": "mps"}


class Quiet:
    """Progress that is not shown; what is said is kept."""

    def __init__(self) -> None:
        self.said: list[str] = []

    @contextmanager
    def bar(self, title: str, total: int, done: int = 0) -> Generator["Quiet"]:
        """A bar that shows nothing."""
        del title, total, done
        yield self

    def advance(self, text: str = "") -> None:
        """Nothing."""

    def say(self, text: str) -> None:
        """Keep it."""
        self.said.append(text)


def work_of(executor: str, arguments: argparse.Namespace, place: Path) -> Work:
    """The first folds of the recipe, not begun."""
    given = [
        "synthetic.data.preset=full", "model.batch_size=128", f"trainer.max_epochs={arguments.epochs}",
        f"trainer.accelerator={ACCELERATORS[arguments.device]}", "wandb.mode=disabled",
    ]  # fmt: skip
    recipe = read_recipe("auw_gcn_segments", given, synthetic=True)
    workers = arguments.workers if executor == "process" else None
    options = Options(place, arguments.cache, "benchmarks/stacked.py", executor=executor, workers=workers)
    work = plan(recipe, options, Quiet())
    return replace(work, folds=work.folds[: arguments.folds], pending=work.folds[: arguments.folds])


def timed(executor: str, arguments: argparse.Namespace) -> tuple[dict[str, float], dict[str, Any]]:
    """Seconds of one run of all folds, and what it left: losses and scores of each fold by epoch, and what was said."""
    with tempfile.TemporaryDirectory() as place:
        work, progress = work_of(executor, arguments, Path(place)), Quiet()
        bench = bench_of(work, progress.say, extracted(work, Quiet()))
        if arguments.device == "cuda":
            torch.cuda.reset_peak_memory_stats()
        cpu, wall = cpu_seconds(), time.perf_counter()
        train_folds(bench, progress)
        spent = {"wall_s": time.perf_counter() - wall, "cpu_s": cpu_seconds() - cpu}
        if arguments.device == "cuda":
            spent["peak_gpu_mb"] = torch.cuda.max_memory_allocated() / 1e6
        return spent, {"folds": left(work), "said": [text for text in progress.said if "together" in text]}


def left(work: Work) -> dict[str, dict[str, list[Any]]]:
    """Losses, and held-out curves as one array, of every epoch of every fold."""
    found: dict[str, dict[str, list[Any]]] = {}
    for fold in work.folds:
        folder = work.folder.fold(fold.name)
        assert folder.status()["state"] == "done", folder.status()
        head, *rows = (line.split(",") for line in (folder.path / "metrics.csv").read_text().splitlines())
        scores = [folder.load_scores(epoch) for epoch in folder.epochs()]
        found[fold.name] = {
            "loss": [float(row[head.index("train/loss")]) for row in rows],
            "curves": [np.stack([w.scores["curves"] for v in sorted(s) for w in s[v]]) for s in scores],
        }
    return found


def agreement(one: dict[str, Any], two: dict[str, Any]) -> dict[str, list[float]]:
    """Of each epoch the largest difference between two runs over folds: losses relative, probabilities absolute."""
    loss = [[abs(a - b) / a for a, b in zip(one[f]["loss"], two[f]["loss"], strict=True)] for f in one]
    curves = [[float(abs(a - b).max()) for a, b in zip(one[f]["curves"], two[f]["curves"], strict=True)] for f in one]
    return {"loss": np.max(loss, axis=0).tolist(), "held_out": np.max(curves, axis=0).tolist()}


def cpu_seconds() -> float:
    """Of this process and the children that it has seen end."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def spread(values: list[float]) -> dict[str, float]:
    """Median, least and most."""
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=sorted(ACCELERATORS), default="cpu")
    parser.add_argument("--folds", type=int, default=4)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, help="processes of the executor process (default: all cores)")
    parser.add_argument("--cache", type=Path, help="where the stand-in and its features are kept (default: nowhere)")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        arguments.cache = arguments.cache or Path(folder)
        extracted(work_of("inline", arguments, Path(folder) / "runs"), Quiet())
        report(arguments)


def report(arguments: argparse.Namespace) -> None:
    """Run the executors in turn; print and write what they took."""
    count = arguments.folds * arguments.epochs
    spent: dict[str, list[dict[str, float]]] = {name: [] for name in EXECUTORS}
    kept: dict[str, dict[str, Any]] = {}
    for turn in range(arguments.rounds):
        for name in EXECUTORS:
            seconds, kept[name] = timed(name, arguments)
            spent[name].append(seconds)
            row = ", ".join(
                f"{key} {value / count if key.endswith('_s') else value:.3f}" for key, value in seconds.items()
            )
            print(f"round {turn + 1} {name:<8} a fold and epoch: {row}", flush=True)
    table: dict[str, Any] = {
        name: {key: spread([r[key] / (count if key.endswith("_s") else 1) for r in rows]) for key in rows[0]}
        for name, rows in spent.items()
    }
    for name in ("process", "stacked"):
        for key in ("wall_s", "cpu_s"):
            pairs = zip(spent["inline"], spent[name], strict=True)
            table[f"inline / {name} {key}"] = spread([a[key] / b[key] for a, b in pairs])
    same = agreement(kept["inline"]["folds"], kept["stacked"]["folds"])
    for name, row in table.items():
        print(name, json.dumps(row))
    print("stacked against inline, epoch by epoch:", json.dumps(same), kept["stacked"]["said"])
    if arguments.json:
        about = {
            "machine": platform.platform(), "cores": os.cpu_count(), "torch": torch.__version__,
            "load": os.getloadavg(),
            "device": torch.cuda.get_device_name() if arguments.device == "cuda" else arguments.device,
            "threads": torch.get_num_threads(), "folds": arguments.folds, "epochs": arguments.epochs,
            "rounds": arguments.rounds,
        }  # fmt: skip
        whole = {**about, "per_fold_and_epoch": table, "stacked_and_inline": same, "steps": kept["stacked"]["said"]}
        arguments.json.write_text(json.dumps(whole, indent=1) + "\n")


if __name__ == "__main__":
    main()
