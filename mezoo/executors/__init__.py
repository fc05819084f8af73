"""Where the folds of a run are trained: here, one by one or in one; in processes; on a cluster. Equal results."""

from collections.abc import Callable, Mapping
from importlib import import_module

from mezoo.executors.one import Bench
from mezoo.progress import Progress

Executor = Callable[[Bench, Progress], None]
"""Trains every pending fold of a bench; one that fails, or whose process dies, does not stop the others."""
ROOMS: Mapping[str, str] = {"inline": "inline", "process": "process", "ray": "ray_tasks", "stacked": "stacked"}
"""Modules of this package, each with a function `train`, by the name that a recipe uses."""


def train_folds(bench: Bench, progress: Progress) -> None:
    """Train what is left of a run with the executor that was asked for."""
    executor: Executor = import_module(f"mezoo.executors.{ROOMS[bench.work.options.executor]}").train
    executor(bench, progress)
