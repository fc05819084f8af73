"""Folds side by side, each in a process of its own; one that dies takes only its fold with it."""

import multiprocessing as mp
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager, closing, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from typing import Any

import mezoo.errors as errors
from mezoo import signals
from mezoo.contracts import Bar
from mezoo.executors.one import Bench, told
from mezoo.executors.worker import serve
from mezoo.machine import GIB, cores, free_memory
from mezoo.progress import Progress
from mezoo.side_by_side import of_death


@dataclass
class _Worker:
    process: Any
    pipe: Connection
    fold: str = ""
    bar: Bar | None = None
    close: Callable[[], object] = field(default=lambda: None)

    def open(self, bars: Callable[[str, int, int], AbstractContextManager[Bar]], total: int, done: int) -> None:
        """Show the epochs of the fold in hand."""
        opened = bars(f"  {self.fold}: epochs", total, done)
        self.bar = opened.__enter__()
        self.close = lambda: opened.__exit__(None, None, None)

    def shut(self) -> None:
        """End the bar of the fold in hand."""
        self.close()
        self.bar, self.close = None, lambda: None


def train(bench: Bench, progress: Progress) -> None:
    """Train every pending fold in as many processes as were asked for and fit into memory.

    The first begins alone: when its first epoch tells what a fold needs, others start as long as that is free.
    Raises the error of a worker that a user must mend.
    """
    left = deque(fold.name for fold in bench.work.pending)
    most = min(len(left), bench.work.options.workers or cores())
    if most:
        _Pool(bench, progress, left, most).run()


class _Pool:
    def __init__(self, bench: Bench, progress: Progress, left: deque[str], most: int) -> None:
        self.bench, self.progress, self.left, self.most = bench, progress, left, most
        self.workers: list[_Worker] = []
        self.peak = 0
        self.short = False

    def run(self) -> None:
        """Hand out folds until none is left."""
        total = len(self.bench.work.folds)
        with self.progress.bar("folds", total, total - len(self.left)) as self.outer, closing(self):
            self._start()
            while self.workers:
                for ready in wait([w.pipe for w in self.workers]):
                    worker = next(w for w in self.workers if w.pipe is ready)
                    self._hear(worker)

    def close(self) -> None:
        """End every process at once, and the bar of what it had in hand."""
        begun = [worker for worker in self.workers if worker.process.pid is not None]
        for worker in begun:
            worker.process.kill()
        for worker in begun:
            worker.process.join()
            worker.shut()
        self.workers.clear()

    def _start(self) -> None:
        context = mp.get_context("spawn")
        here, there = context.Pipe()
        threads = max(1, cores() // self.most)
        process = context.Process(target=serve, args=(there, self.bench.work, threads), daemon=True)
        worker = _Worker(process, here)
        self.workers.append(worker)  # first, so that it is ended with the others whenever Ctrl-C comes
        signals.start(process)
        there.close()
        self._give(worker)

    def _give(self, worker: _Worker) -> None:
        """The next fold; None, the end, if there is none. A process that is gone is heard of by its pipe."""
        worker.fold = self.left.popleft() if self.left else ""
        with suppress(OSError):
            worker.pipe.send(worker.fold or None)

    def _hear(self, worker: _Worker) -> None:
        try:
            kind, value = worker.pipe.recv()
        except (EOFError, OSError):
            self._gone(worker)
            return
        match kind:
            case "begun":
                worker.open(self.progress.bar, *value)
            case "epoch":
                text, peak = value
                assert worker.bar is not None
                worker.bar.advance(text)
                self.peak = max(self.peak, peak)
                self._grow()
            case "say":
                self.progress.say(value)
            case "error":
                name, what, hint = value
                raise getattr(errors, name, errors.MezooError)(what, hint=hint)
            case _:
                self._ended(worker, value)

    def _ended(self, worker: _Worker, outcome: dict[str, Any]) -> None:
        worker.shut()
        self.progress.say(told(worker.fold, outcome, self.bench.task))
        self.outer.advance()
        self._give(worker)
        self._grow()

    def _gone(self, worker: _Worker) -> None:
        """A worker that was told to end has ended; any other has died, and its fold has failed."""
        worker.process.join()
        self.workers.remove(worker)
        if not worker.fold:
            return
        worker.shut()
        reason = of_death(worker.process.exitcode)
        folder = self.bench.work.folder.fold(worker.fold)
        with suppress(errors.RunError), folder.held():  # not where another command has begun it meanwhile
            folder.record("failed", error=reason, seconds=folder.status().get("seconds", 0.0))
        self.progress.say(f"{worker.fold} failed: {reason}; the same command tries it again")
        self.outer.advance()
        if self.left:
            self._start()

    def _grow(self) -> None:
        """Start another process if a fold waits for one and memory is free for it."""
        if not self.left or len(self.workers) >= self.most:
            return
        free = free_memory()
        if free is None or free > self.peak:
            self._start()
        elif not self.short:
            self.short = True
            self.progress.say(
                f"{len(self.workers)} instead of {self.most} processes: a fold needs {self.peak / GIB:.1f} GiB, "
                f"{free / GIB:.1f} GiB are free"
            )
