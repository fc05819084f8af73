"""Items done by several processes: all of them, once each; errors come here; the dead take one item; nobody is left."""

import os
import time
from contextlib import closing

import pytest

from mezoo.machine import cores
from mezoo.side_by_side import Processes, of_death


def given(factor):
    return factor


def times(factor, item):
    if item == "error":
        raise ValueError("planted")
    if item == "dies":
        os._exit(7)
    if item == "pid":
        return os.getpid()
    if item == "threads":
        return os.environ["OMP_NUM_THREADS"], os.environ["OPENCV_FOR_THREADS_NUM"]
    return factor * item


def each(items, most):
    return list(Processes(given, times, 3).each(items, most))


def test_every_item_is_done_once_with_its_value():
    done = each([*range(5)], 2)
    assert sorted((d.item, d.value, d.death) for d in done) == [(i, 3 * i, "") for i in range(5)]


def test_a_process_that_dies_takes_one_item():
    done = {d.item: d for d in each([1, "dies", 2, 3], 2)}
    assert done["dies"].death == "its process ended with code 7"
    assert {d.value for d in done.values() if not d.death} == {3, 6, 9}


def test_when_all_die_all_are_told():
    assert [d.death for d in each(["dies"] * 3, 2)] == ["its process ended with code 7"] * 3


def test_an_error_comes_here_with_where_it_was_raised():
    with pytest.raises(ValueError, match="planted") as raised:
        each(["error", 1], 2)
    assert "in times" in "".join(raised.value.__notes__)


def test_closed_early_no_process_is_left():
    with closing(Processes(given, times, 3).each(["pid", "pid", "pid"], 2)) as done:
        pid = next(done).value
    with pytest.raises(ProcessLookupError):  # noqa: PT012
        for _ in range(100):
            os.kill(pid, 0)
            time.sleep(0.05)


def test_processes_share_the_cores_unless_told_otherwise(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    monkeypatch.delenv("OPENCV_FOR_THREADS_NUM", raising=False)
    (done,) = each(["threads"], 8)
    assert done.value == ("5", str(cores()))
    assert "OPENCV_FOR_THREADS_NUM" not in os.environ


@pytest.mark.parametrize(("code", "words"), [(-9, "memory"), (-11, "signal 11"), (3, "code 3"), (None, "code None")])
def test_words_for_a_death(code, words):
    assert words in of_death(code)
