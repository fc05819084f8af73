"""The pool of worker processes, where one is gone at a bad moment, and where it is ended early."""

import multiprocessing
from collections import deque
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from mezoo.errors import RunError
from mezoo.executors import process


class Bars:
    """Remembers which bars are open."""

    def __init__(self):
        self.open, self.order = [], []

    @contextmanager
    def bar(self, title, total, done=0):
        self.open.append(title)
        try:
            yield SimpleNamespace(advance=lambda text="": None)
        finally:
            self.open.remove(title)
            self.order.append(title)


def pool(bars, *folds):
    bench = SimpleNamespace(work=SimpleNamespace(folds=folds))
    return process._Pool(bench, bars, deque(folds), 2)


def test_a_worker_that_is_gone_when_it_gets_its_next_fold_is_heard_of_by_its_pipe():
    """And does not end the command as a closed terminal would: with exit code 0."""
    here, there = multiprocessing.Pipe()
    there.close()
    worker = process._Worker(SimpleNamespace(pid=1), here)
    pool(Bars(), "a")._give(worker)
    assert worker.fold == "a"
    with pytest.raises((EOFError, OSError)):
        here.recv()


@pytest.mark.parametrize("ended_by", [KeyboardInterrupt, RunError("planted")])
def test_ended_early_it_ends_its_processes_and_closes_inner_bars_first(monkeypatch, ended_by):
    """A terminal's bars stop drawing when the outermost is closed last."""
    bars, killed = Bars(), []
    made = pool(bars, "a", "b")

    def start():
        here, _ = multiprocessing.Pipe()
        told = SimpleNamespace(pid=1, kill=lambda: killed.append("kill"), join=lambda: killed.append("join"))
        worker = process._Worker(told, here, "a")
        worker.open(bars.bar, 2, 0)
        made.workers += [worker, process._Worker(SimpleNamespace(pid=None), here)]

    def wait(_):
        raise ended_by

    monkeypatch.setattr(made, "_start", start)
    monkeypatch.setattr(process, "wait", wait)
    with pytest.raises(ended_by if isinstance(ended_by, type) else RunError):
        made.run()
    assert killed == ["kill", "join"], "the one that was not started yet is left alone"
    assert bars.order == ["  a: epochs", "folds"]
