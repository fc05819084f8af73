"""Folds as tasks on a Ray cluster; one whose node dies goes on from its last epoch on another.

Run folder and feature store lie on a disk that all nodes share: what a fold leaves there is all that travels.
"""

from contextlib import ExitStack, closing
from typing import Any

import torch

from mezoo.cluster import Errand, has_gpus, spread
from mezoo.contracts import Bar, no_bars
from mezoo.errors import RunError
from mezoo.executors.one import Bench, bench_of, told
from mezoo.executors.sole_writer import sole_writer
from mezoo.executors.worker import keep_output
from mezoo.plan import Work
from mezoo.progress import Progress


def train(bench: Bench, progress: Progress) -> None:
    """Train every pending fold on the cluster; one that fails, or is lost too often, does not stop the others.

    Raises the error of a task that a user must mend.
    """
    work = bench.work
    pending = [fold.name for fold in work.pending]
    if not pending:
        return
    places = work.folder.path, work.options.cache
    errand = Errand(_bench, _train, work, places, work.recipe.executor.cpus, gpus_of(work))
    board = _Board(bench, progress)
    total = len(work.folds)
    with (
        progress.bar("folds", total, total - len(pending)) as outer,
        closing(board),
        closing(spread(errand, pending, work.options.workers)) as events,
    ):
        for kind, fold, value in events:
            match kind:
                case "given":
                    board.watch(fold)
                case "look":
                    board.look()
                case "note":
                    progress.say(value)
                case "again":
                    board.shut(fold)
                    progress.say(f"{fold} was lost: {value}; it goes on from its last epoch on another node")
                case "done" | "lost":
                    board.shut(fold)
                    outcome = value if kind == "done" else _lost(work, fold, value)
                    progress.say(told(fold, outcome, bench.task))
                    outer.advance()


def gpus_of(work: Work) -> float:
    """GPUs of a fold: what the recipe says, else as many as its trainer asks for where the cluster has any."""
    asked, trainer = work.recipe.executor.gpus, work.recipe.trainer
    if asked is not None:
        return asked
    if trainer.get("accelerator", "auto") not in {"auto", "gpu", "cuda"} or not has_gpus():
        return 0
    devices = trainer.get("devices", 1)
    return devices if isinstance(devices, int) and devices > 0 else 1


def _lost(work: Work, name: str, reason: str) -> dict[str, Any]:
    """Write down that a fold was lost as often as it was tried."""
    folder = work.folder.fold(name)
    facts = {"error": f"{reason}, each time", "seconds": folder.status().get("seconds", 0.0)}
    try:
        with sole_writer(folder):
            folder.record("failed", **facts)
    except RunError as error:
        facts["error"] += f"; {error.what}"
    return {"state": "failed", **facts}


def _bench(work: Work) -> Bench:
    """Once a process."""
    torch.set_num_threads(work.recipe.executor.cpus)
    return bench_of(work, lambda text: print(text, flush=True))


def _train(bench: Bench, name: str) -> dict[str, Any]:
    """Train one fold; what it prints is kept in its `log.txt`."""
    keep_output(bench.work, name)
    folder = bench.work.folder.fold(name)
    with ExitStack() as held:
        try:
            held.enter_context(sole_writer(folder))
        except RunError as error:
            return {"state": "failed", "error": error.what}
        # The task before this one may have been lost after its last line was written: then the fold is done.
        return bench.train(name, held.enter_context(no_bars("", 0)))


class _Board:
    """The epochs of folds in training, read from their folders."""

    def __init__(self, bench: Bench, progress: Progress) -> None:
        self.bench, self.progress = bench, progress
        self.before: dict[str, Any] = {}
        self.bars: dict[str, tuple[ExitStack, Bar]] = {}
        self.done: dict[str, int] = {}

    def watch(self, fold: str) -> None:
        """A fold waits for its turn: what its folder says now is of an earlier time."""
        self.before[fold] = self._status(fold).get("at")

    def look(self) -> None:
        """Show what was done since."""
        for fold, before in self.before.items():
            status = self._status(fold)
            if status.get("at") == before:
                continue
            if fold not in self.bars:
                self._open(fold)
            while self.done[fold] < status.get("epochs_done", 0):
                self.done[fold] += 1
                self.bars[fold][1].advance()

    def shut(self, fold: str) -> None:
        """A fold is no longer in training."""
        self.before.pop(fold)
        if fold in self.bars:
            self.bars.pop(fold)[0].close()

    def close(self) -> None:
        """End every bar."""
        while self.bars:
            self.bars.popitem()[1][0].close()

    def _open(self, fold: str) -> None:
        total, self.done[fold] = self.bench.epochs(fold)
        stack = ExitStack()
        self.bars[fold] = stack, stack.enter_context(self.progress.bar(f"  {fold}: epochs", total, self.done[fold]))

    def _status(self, fold: str) -> dict[str, Any]:
        return self.bench.work.folder.fold(fold).status()
