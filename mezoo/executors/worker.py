"""The process that trains folds for another: told names through a pipe, tells epochs and outcomes back."""

import os
import sys
from multiprocessing.connection import Connection
from typing import Any

from mezoo.machine import peak_memory
from mezoo.plan import Work
from mezoo.signals import leave_to_parent

Message = tuple[str, Any]
"""`begun` (epochs in all, done), `epoch` (text, peak bytes), `say` text, `done` outcome, `error` (what, hint)."""


class PipeBar:
    """A progress bar whose steps are told to the parent."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    def advance(self, text: str = "") -> None:
        """One epoch is done. Ends this process if the parent is gone: no fold has failed by that."""
        try:
            self._pipe.send(("epoch", (text, peak_memory())))
        except OSError:
            os._exit(1)


def serve(pipe: Connection, work: Work, threads: int) -> None:
    """Train folds as their names come, until None; what a fold prints is kept in its `log.txt`."""
    leave_to_parent()
    # Read when torch and its libraries are loaded.
    os.environ.update(OMP_NUM_THREADS=str(threads), MKL_NUM_THREADS=str(threads))
    import torch

    from mezoo.errors import MezooError
    from mezoo.executors.one import bench_of

    torch.set_num_threads(threads)
    try:
        bench = bench_of(work, lambda text: pipe.send(("say", text)))
        while (name := pipe.recv()) is not None:
            keep_output(work, name)
            pipe.send(("begun", bench.epochs(name)))
            pipe.send(("done", bench.train(name, PipeBar(pipe))))
    except MezooError as error:
        pipe.send(("error", (type(error).__name__, error.what, error.hint)))
    except (ConnectionError, EOFError):
        os._exit(1)  # the parent is gone: nobody would read the rest


def keep_output(work: Work, name: str) -> None:
    """Send what this process prints to `log.txt` of the fold, also what libraries of C print."""
    folder = work.folder.fold(name).path
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "log.txt").open("ab") as log:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
            os.dup2(log.fileno(), stream.fileno())
