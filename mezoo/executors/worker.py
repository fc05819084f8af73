"""The process that trains folds for another: told names through a pipe, tells epochs and outcomes back."""

import os
import signal
import sys
from multiprocessing.connection import Connection
from typing import Any

from mezoo.executors.machine import peak_memory
from mezoo.plan import Work

Message = tuple[str, Any]
"""`begun` (epochs in all, done), `epoch` (text, peak bytes), `say` text, `done` outcome, `error` (what, hint)."""


class PipeBar:
    """A progress bar whose steps are told to the parent."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    def advance(self, text: str = "") -> None:
        """One epoch is done."""
        self._pipe.send(("epoch", (text, peak_memory())))


def serve(pipe: Connection, work: Work, threads: int) -> None:
    """Train folds as their names come, until None; what a fold prints is kept in its `log.txt`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer
    die_with_parent()
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
    except (BrokenPipeError, EOFError):
        os._exit(1)  # the parent is gone: nobody would read the rest


def keep_output(work: Work, name: str) -> None:
    """Send what this process prints to `log.txt` of the fold, also what libraries of C print."""
    folder = work.folder.fold(name).path
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "log.txt").open("ab") as log:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
            os.dup2(log.fileno(), stream.fileno())


def die_with_parent() -> None:
    """Ask Linux to end this process when its parent is killed, so that no orphan writes into a run."""
    if not sys.platform.startswith("linux"):
        return
    import ctypes

    parent_death_signal = 1  # PR_SET_PDEATHSIG of <linux/prctl.h>
    ctypes.CDLL(None).prctl(parent_death_signal, signal.SIGKILL)
