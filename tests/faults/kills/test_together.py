"""Commands at the same moment: safe sharing, or a sentence; never another result than one after the other has."""

import json

import pytest

from .conftest import left_in, numbers

HELD = ("is being written by another mezoo", "is in another process")


@pytest.fixture
def kept_apart(breaker):
    """Some commands at once: each ends well or says who holds what it wants; how many ended well."""

    def check(room, *commands):
        ends = breaker.together(commands, room)
        for ended in ends:
            assert "Traceback" not in ended["err"]
            assert ended["left"] == 0
            assert ended["code"] in (0, 2), ended
            if ended["code"] == 2:
                assert any(words in ended["err"] for words in HELD), ended["err"]
        return [ended["code"] for ended in ends].count(0)

    return check


@pytest.mark.faults("two at once")
@pytest.mark.parametrize(
    "commands",
    [("toy", "toy"), ("workers", "workers"), ("toy", "workers"), ("fold 01", "fold 01"), ("final", "final")],
    ids="-".join,
)
def test_commands_for_one_thing_do_it_once(breaker, kept_apart, same_in_the_end, commands):
    room = breaker.room()
    assert kept_apart(room, *commands) >= 1
    if len({*commands}) == 1:
        same_in_the_end(commands[0], room)
        return
    ended = breaker.run("toy", room)
    assert ended["code"] == 0, ended["err"]
    assert numbers(left_in(room)) == numbers(breaker.whole("toy")[1])


@pytest.mark.faults("two at once")
def test_folds_are_trained_beside_one_another(breaker, kept_apart):
    """Whichever came first wrote its command into `run.json`."""
    room = breaker.room()
    assert kept_apart(room, "fold 00", "fold 01") == 2, "none waits for the other"
    ended = breaker.run("gather", room)
    assert ended["code"] == 0, ended["err"]
    assert numbers(left_in(room)) == numbers(breaker.whole("toy")[1])


@pytest.mark.faults("two at once")
def test_a_run_beside_one_of_its_folds(breaker, kept_apart):
    room = breaker.room()
    assert kept_apart(room, "workers", "fold 01") >= 1
    ended = breaker.run("toy", room)
    assert ended["code"] == 0, ended["err"]
    assert numbers(left_in(room)) == numbers(breaker.whole("toy")[1])


@pytest.mark.faults("two at once")
def test_features_are_made_once_and_by_whom_asks_first(breaker, kept_apart, same_in_the_end):
    room = breaker.room()
    assert kept_apart(room, "extract", "extract", "extract") == 3
    same_in_the_end("extract", room)


@pytest.mark.faults("two at once")
def test_a_run_gathered_while_a_fold_is_trained_is_partial(breaker):
    """And its numbers are those of the fold that is done."""
    room = breaker.room()
    assert breaker.run("fold 00", room)["code"] == 0
    _, gathered = breaker.together(["fold 01", "gather"], room)
    assert gathered["code"] in (0, 1), gathered
    (file,) = room.glob("runs/*/result.json")
    result = json.loads(file.read_text())
    assert (result["status"] == "complete") == (gathered["code"] == 0)
    assert gathered["code"] == 0 or "fold 01 is " in gathered["out"]
    assert result["subjects"][0]["state"] == "done"
    ended = breaker.run("gather", room)
    assert ended["code"] == 0, ended["err"]
    assert numbers(left_in(room)) == numbers(breaker.whole("toy")[1])


@pytest.mark.faults("two at once")
def test_a_fold_that_another_command_finished_is_not_trained_again(breaker):
    """A command that looked before the fold was done, and comes to it afterwards."""
    room = breaker.room()
    assert breaker.run("fold 01", room)["code"] == 0
    (status,) = room.glob("runs/*/folds/01/fold.json")
    done = status.read_text()
    status.write_text(json.dumps({"state": "pending"}))
    meanwhile = {"at": ["prepare", "", 0], "when": "before", "how": "another", "file": str(status), "text": done}
    ended = breaker.run("toy", room, meanwhile)
    assert ended["code"] == 0, ended["err"]
    trained = [what for what, _ in ended["events"] if what.endswith("training_step")]
    assert len(trained) == len(breaker.events("toy", "training_step")) / 2, "fold 00 alone"
    assert status.read_text() == done
