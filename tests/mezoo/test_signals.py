"""Signals: a command that is terminated closes what it has open; a process that it started never outlives it."""

import multiprocessing
import os
import signal
import time

import pytest

from mezoo import signals

FORK = multiprocessing.get_context("fork")


def test_sigterm_is_raised_as_ctrl_c_is_and_told_apart():
    ending = signals.Ending()
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        with pytest.raises(KeyboardInterrupt), signals.answered(ending):
            signal.raise_signal(signal.SIGTERM)
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    finally:
        signal.signal(signal.SIGTERM, before)
    assert (ending.code, ending.word) == (143, "terminated")


def test_a_handler_of_somebody_else_is_left_alone():
    seen = []
    before = signal.signal(signal.SIGTERM, lambda *_: seen.append(1))
    try:
        with signals.answered(signals.Ending()) as _:
            os.kill(os.getpid(), signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert seen == [1]


def _obedient(told):
    told.send("loading")
    told.recv()
    signals.leave_to_parent()
    told.send("ready")
    time.sleep(60)


def _parent(told, ready):
    here, there = FORK.Pipe()
    process = FORK.Process(target=_obedient, args=(there,))
    signals.start(process)
    here.recv()
    told.send(process.pid)
    if ready:
        here.send("go on")
        here.recv()
    else:
        here.send("go on")  # it comes to `leave_to_parent` when this process is no more
    os._exit(0)


@pytest.mark.parametrize("ready", [True, False])
def test_a_process_ends_when_its_parent_is_gone(ready):
    here, there = FORK.Pipe()
    parent = FORK.Process(target=_parent, args=(there, ready))
    parent.start()
    child = here.recv()
    parent.join()
    end = time.monotonic() + 20
    while _runs(child):
        assert time.monotonic() < end
        time.sleep(0.01)


def _runs(process):
    try:
        with open(f"/proc/{process}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_process_that_is_started_is_not_ended_by_what_is_meant_for_its_parent():
    here, there = FORK.Pipe()
    process = FORK.Process(target=_obedient, args=(there,))
    signals.start(process)
    assert here.recv() == "loading"
    os.kill(process.pid, signal.SIGINT)
    here.send("go on")
    assert here.recv() == "ready"
    os.kill(process.pid, signal.SIGTERM)
    process.join()
    assert process.exitcode == -signal.SIGTERM
