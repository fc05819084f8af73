"""Signals that end a command: SIGTERM is answered as Ctrl-C is, and processes that it started end with it.

Ctrl-C on a terminal reaches every process at once. It is the command's to answer: a process that it starts is started
by `start`, and begins with `leave_to_parent`.
"""

import os
import signal
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

_ENDING = {signal.SIGINT, signal.SIGTERM}


@dataclass(slots=True)
class Ending:
    """What ended a command: its exit code (128 plus the signal's number, as a shell has it), and that in a word."""

    code: int = 130
    word: str = "interrupted"


@contextmanager
def answered(ending: Ending) -> Generator[None]:
    """Raise KeyboardInterrupt on SIGTERM meanwhile, so that what is open is closed; `ending` then tells of it.

    A handler of somebody else is left alone, and so is a thread that is not the main one.
    """
    ours = threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    if not ours:
        yield
        return

    def end(*_: object) -> None:
        ending.code, ending.word = 143, "terminated"
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def start(process: Any) -> None:
    """Start a process of `multiprocessing`, which begins with `leave_to_parent`.

    No signal that would end this process comes between, as the other would be left with half of what it is to do; and
    none that is meant for this one reaches the other while it loads.
    """
    if not hasattr(signal, "pthread_sigmask"):
        process.start()
        return
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()  # which lets them through again, when it starts
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    try:
        process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def leave_to_parent() -> None:
    """In a process that was started: leave Ctrl-C to the parent, and end when that is gone, however it ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)
    _die_with_parent()
    from multiprocessing import parent_process

    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_follow, args=(parent,), daemon=True).start()


def _follow(parent: Any) -> None:
    parent.join()
    os._exit(1)  # nothing may be written from here on, not even by what tidies up


def _die_with_parent() -> None:
    """Ask Linux to end this process with its parent: at once, also where a library holds the interpreter's lock."""
    if not sys.platform.startswith("linux"):
        return
    import ctypes

    parent_death_signal = 1  # PR_SET_PDEATHSIG of <linux/prctl.h>
    ctypes.CDLL(None).prctl(parent_death_signal, signal.SIGKILL)
