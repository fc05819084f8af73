"""Kills where folds are trained side by side, in one, alone, for a final model, or gathered; and no orphans."""

import json

import pytest

from .conftest import KILLED, SIGNALS, numbers

WORKER = [
    ("prepare", "", 0, "before", "SIGKILL"),
    ("training_step", "", 1, "before", "SIGKILL"),
    ("savez_compressed", "0000.", 0, "half", "SIGKILL"),
    ("save_checkpoint", "", 0, "half", "SIGKILL"),
    ("replace", "last.ckpt", 1, "after", "SIGTERM"),
    ("PipeBar.advance", "", 0, "after", "SIGKILL"),
    ("replace", "predictions.csv", 0, "after", "SIGKILL"),
    ("unlink", "last.ckpt", 0, "before", "SIGKILL"),
]
"""What a worker does when it is killed: what, on which file, which of them, when, by what."""
PARENT = [
    ("prepare", "", 0, "before", "SIGKILL"),
    ("training_step", "", 1, "before", "SIGTERM"),
    ("save_checkpoint", "", 0, "half", "SIGINT"),
    ("PipeBar.advance", "", 1, "after", "SIGKILL"),
    ("unlink", "last.ckpt", 0, "after", "SIGTERM"),
]
"""What a worker does when its parent is killed."""
ALONE = [
    ("stacked", "prepare", "", 1, "before", "SIGTERM"),
    ("stacked", "together", "", 0, "after", "SIGINT"),
    ("stacked", "savez_compressed", "0000.", 1, "half", "SIGKILL"),
    ("stacked", "replace", "last.ckpt", 1, "after", "SIGTERM"),
    ("stacked", "choose", "", 1, "before", "SIGINT"),
    ("fold 01", "training_step", "", 1, "before", "SIGTERM"),
    ("fold 01", "replace", "last.ckpt", 0, "after", "SIGKILL"),
    ("fold 01", "replace", "fold.json", 3, "after", "SIGKILL"),
    ("final", "prepare", "", 0, "before", "SIGINT"),
    ("final", "save_checkpoint", "", 1, "half", "SIGKILL"),
    ("final", "write_bytes", "weights", 0, "half", "SIGKILL"),
    ("gather", "replace", "predictions.csv", 0, "after", "SIGTERM"),
    ("gather", "summarise", "", 0, "before", "SIGINT"),
    ("gather", "replace", "result.json", 0, "after", "SIGKILL"),
    ("gather", "replace", "report.html", 0, "before", "SIGKILL"),
]
"""Commands of one process, and the event of each at which it is killed."""


def named(case):
    return "-".join(str(part) for part in case if part != "").replace("/", "_")


def fault(what, file, nth, when, how, **more):
    return {"at": [what, file, nth], "when": when, "how": how, **more}


@pytest.mark.faults("killed, a worker")
@pytest.mark.parametrize("case", WORKER, ids=named)
def test_a_worker_that_is_killed_loses_its_fold_until_the_same_command(breaker, same_in_the_end, whole_files, case):
    room = breaker.room()
    ended = breaker.run("workers", room, fault(*case, who="worker"))
    assert ended["code"] == 1, ended
    assert "its process " in ended["err"]
    assert "Traceback" not in ended["err"]
    assert ended["left"] == 0
    states = [json.loads(f.read_text())["state"] for f in room.glob("runs/*/folds/*/fold.json")]
    assert sorted(states) == ["done", "failed"]
    (result,) = room.glob("runs/*/result.json")
    assert json.loads(result.read_text())["status"] == "partial"
    whole_files(room)
    same_in_the_end("workers", room)


@pytest.mark.faults("killed, the parent of workers")
@pytest.mark.parametrize("case", PARENT, ids=named)
def test_a_parent_that_is_killed_leaves_no_worker(breaker, same_in_the_end, whole_files, case):
    room = breaker.room()
    ended = breaker.run("workers", room, fault(*case, who="worker", whom="parent"))
    assert ended["code"] == SIGNALS[case[-1]], ended
    assert ended["left"] == 0
    assert_told(ended)
    assert not [*room.glob("runs/*/folds/*/error.txt")]
    whole_files(room)
    same_in_the_end("workers", room)


@pytest.mark.faults("killed: stacked, one fold, final, gather")
@pytest.mark.parametrize("case", ALONE, ids=named)
def test_a_command_of_one_process_goes_on_where_it_was_killed(breaker, same_in_the_end, whole_files, case):
    command, *event = case
    room = breaker.room()
    ended = breaker.run(command, room, fault(*event))
    assert ended["code"] == (-9 if case[-2] == "half" else SIGNALS[case[-1]]), ended
    assert ended["left"] == 0
    assert_told(ended)
    whole_files(room)
    same_in_the_end(command, room)


def assert_told(ended):
    """One sentence where there is somebody left to say it, and no traceback."""
    assert "Traceback" not in ended["err"]
    if ended["code"] in KILLED[1:]:
        word = "terminated" if ended["code"] == 143 else "interrupted"
        assert ended["err"].count("error:") == 1
        assert f"error: {word}\n  -> the same command continues where this one stopped\n" in ended["err"]


def test_wherever_a_fold_is_trained_it_is_the_same(breaker):
    """Same seed, same machine: equal numbers to the last bit; in a stack, where rounding differs, equal scores."""
    inline, workers, gathered = (numbers(breaker.whole(name)[1]) for name in ("toy", "workers", "gather"))
    assert inline == workers == gathered
    stacked = numbers(breaker.whole("stacked")[1])
    assert stacked["scores"] == inline["scores"]


@pytest.mark.faults("killed, the parent of workers")
@pytest.mark.parametrize("how", ["SIGINT", "SIGTERM"])
def test_a_worker_that_is_still_loading_says_nothing(breaker, how):
    """Ctrl-C on a terminal, and what a scheduler ends a job with, reach every process at once."""
    ended = breaker.run("workers", breaker.room(), fault("signals.start", "", 0, "after", how, whom="group"))
    assert ended["code"] == SIGNALS[how]
    assert ended["left"] == 0
    assert_told(ended)
