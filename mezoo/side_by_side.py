"""Items done by several processes of this machine; one that dies takes only the item in its hands with it."""

import multiprocessing as mp
import os
import signal
import sys
import traceback
from collections import deque
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any, NamedTuple

from mezoo.machine import cores
from mezoo.signals import leave_to_parent, start

_GRACE_S = 5.0
"""How long a process that is told to stop may take to tidy up."""
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "OPENCV_FOR_THREADS_NUM")


class Done(NamedTuple):
    """An item and what became of it: a value, or, where its process died, why."""

    item: Any
    value: Any = None
    death: str = ""


@dataclass(slots=True)
class _Worker:
    process: Any
    pipe: Connection
    item: Any = None
    busy: bool = False


class Processes:
    """`prepare(given)` once a process, then `call(tool, item)`: functions of a module; what goes in and out is pickled.

    Together the processes use about as many threads as there are cores, unless the environment says how many.
    """

    def __init__(self, prepare: Callable[[Any], Any], call: Callable[[Any, Any], Any], given: Any) -> None:
        self._start = prepare, call, given
        self._workers: list[_Worker] = []

    def each(self, items: Sequence[Any], most: int) -> Generator[Done]:
        """Every item as it is done, by at most `most` processes and no more than there are items.

        Raises what `prepare` or `call` raise. Closed early, it ends the processes; what they had begun is lost.
        """
        left, self._most = deque(items), min(most, len(items))
        try:
            while left or self._workers:
                while left and len(self._workers) < self._most:
                    self._hire()
                    self._give(self._workers[-1], left)
                for ready in wait([w.pipe for w in self._workers]):
                    worker = next(w for w in self._workers if w.pipe is ready)
                    if (done := self._hear(worker)) is not None:
                        yield done
                    if worker in self._workers:
                        self._give(worker, left)
        finally:
            self._stop()

    def _hire(self) -> None:
        context = mp.get_context("spawn")
        here, there = context.Pipe()
        process = context.Process(target=_serve, args=(there, *self._start), daemon=True)
        self._workers.append(_Worker(process, here))  # first, so that an interruption finds it
        with _threads(max(1, cores() // self._most)):
            start(process)
        there.close()

    def _give(self, worker: _Worker, left: deque[Any]) -> None:
        """The next item; None, the end, if there is none. A process that is gone is heard of by its pipe."""
        worker.busy = bool(left)
        worker.item = left.popleft() if left else None
        with suppress(OSError):
            worker.pipe.send((worker.item,) if worker.busy else None)

    def _hear(self, worker: _Worker) -> Done | None:
        try:
            kind, value = worker.pipe.recv()
        except (EOFError, OSError):
            self._workers.remove(worker)
            worker.process.join()
            return Done(worker.item, death=of_death(worker.process.exitcode)) if worker.busy else None
        if kind == "error":
            raise value
        return Done(worker.item, value)

    def _stop(self) -> None:
        started = [worker.process for worker in self._workers if worker.process.pid is not None]
        for process in started:
            process.terminate()
        for process in started:
            process.join(_GRACE_S)
            process.kill()
        self._workers.clear()


def of_death(code: int | None) -> str:
    """Why a process ended, by its exit code; minus the number of a signal is what Python makes of one."""
    if code is not None and code < 0:
        memory = " (killed: was there too little memory?)" if code == -9 else ""
        return f"its process died of signal {-code}{memory}"
    return f"its process ended with code {code}"


@contextmanager
def _threads(count: int) -> Generator[None]:
    """Libraries of a process that is started meanwhile use `count` threads, where the user has not said how many."""
    new = [name for name in _THREADS if name not in os.environ]
    os.environ.update(dict.fromkeys(new, str(count)))
    try:
        yield
    finally:
        for name in new:
            os.environ.pop(name, None)


def _serve(pipe: Connection, prepare: Callable[[Any], Any], call: Callable[[Any, Any], Any], given: Any) -> None:
    """A process: items as they come, until None or until the parent is gone."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that half a file is removed
    leave_to_parent()
    with suppress(EOFError, BrokenPipeError):
        try:
            tool = prepare(given)
            while (message := pipe.recv()) is not None:
                pipe.send(("done", call(tool, message[0])))
        except (EOFError, BrokenPipeError):
            raise
        except Exception as error:
            error.add_note(f"in a process of its own:\n{traceback.format_exc()}")
            pipe.send(("error", error))
