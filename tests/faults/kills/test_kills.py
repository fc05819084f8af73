"""A run that is killed anywhere: the same command ends as if it had never been."""

import random

import pytest

from .conftest import KILLED, SIGNALS

STAGES = [
    ("write_text", "toy.json", 0),
    ("rename", "synthetic", 0),
    ("replace", "run.json", 0),
    ("ToyMean.__call__", "", 1),
    ("write_blocks", "", 2),
    ("replace", ".safetensors", 3),
    ("replace", "v1-", 1),
    ("replace", "fold.json", 0),
    ("prepare", "", 1),
    ("training_step", "", 1),
    ("predict_step", "", 2),
    ("savez_compressed", "0001.", 0),
    ("replace", "0001.npz", 1),
    ("save_checkpoint", "", 1),
    ("replace", "last.ckpt", 0),
    ("replace", "metrics.csv", 2),
    ("write_bytes", "weights", 0),
    ("choose", "", 1),
    ("replace", "01/predictions.csv", 0),
    ("savez_compressed", "curves", 1),
    ("unlink", "last.ckpt", 0),
    ("write_tables", "", 0),
    ("replace", "truth.csv", 0),
    ("summarise", "", 0),
    ("write_text", "result.json", 0),
    ("replace", "result.json", 0),
    ("write_text", "report.html", 0),
    ("replace", "report.html", 0),
    ("log_summary", "", 0),
]
"""An event of every stage of a run: what, on which file, which of them."""


@pytest.mark.faults("killed, one process")
@pytest.mark.parametrize("stage", STAGES, ids=lambda s: "-".join(map(str, s)).replace("/", "_"))
def test_killed_at_any_stage_it_continues_to_the_same_result(breaker, same_in_the_end, whole_files, stage):
    turn, (what, file, nth) = STAGES.index(stage), stage
    fault = {
        "at": breaker.events("toy", what, file)[nth],
        "when": ("before", "half", "after")[turn % 3],
        "how": [*SIGNALS][turn // 3 % 3],
    }
    room = breaker.room()
    ended = breaker.run("toy", room, fault)
    assert ended["code"] in KILLED, ended
    assert "Traceback" not in ended["err"]
    whole_files(room)
    same_in_the_end("toy", room)


@pytest.mark.faults("killed, one process", each=2)
@pytest.mark.parametrize(("recipe", "seed"), [*(("toy", s) for s in range(4)), ("toy_sides", 5), ("toy_both", 6)])
def test_killed_twice_at_random_it_continues_to_the_same_result(breaker, same_in_the_end, recipe, seed):
    chance, room = random.Random(seed), breaker.room()
    count = len(breaker.whole(recipe)[0])
    for most in (2 * count // 3, count // 8):  # the second finds less to do
        fault = {"at": chance.randrange(most), "when": chance.choice(["before", "half", "after"])}
        ended = breaker.run(recipe, room, {**fault, "how": chance.choice([*SIGNALS])})
        assert ended["code"] in KILLED, ended
        assert "Traceback" not in ended["err"]
    same_in_the_end(recipe, room)


@pytest.mark.faults("killed, one process", each=2)
def test_a_partial_result_is_never_taken_for_the_last_word(breaker):
    """Killed after the failed fold was mended and before the result was written, the old result still says partial."""
    room, broken = breaker.room(), {"how": "EINVAL", "when": "before", "at": breaker.events("toy", "training_step")[0]}
    assert breaker.run("toy", room, broken)["code"] == 1
    (again,) = [i for i, (w, _) in enumerate(_second(breaker, broken)) if "summarise" in w]
    assert breaker.run("toy", room, {"how": "SIGKILL", "when": "before", "at": again})["code"] == -9
    ended = breaker.run("toy", room)
    assert ended["code"] == 0, ended["out"]
    assert "nothing left to do" not in ended["err"]
    assert "failed" not in ended["out"]
    assert "nothing left to do" in breaker.run("toy", room)["err"]


def _second(breaker, fault):
    """Events of the command that mends a run with such a fault."""
    room = breaker.room()
    breaker.run("toy", room, fault)
    return breaker.run("toy", room)["events"]


@pytest.mark.faults("two at once")
def test_two_at_once_are_kept_apart_with_a_sentence(breaker, same_in_the_end):
    from mezoo.run_folder import RunFolder

    room = breaker.room()
    first = {"at": breaker.events("toy", "prepare")[0], "when": "before", "how": "SIGKILL"}
    assert breaker.run("toy", room, first)["code"] == -9
    (folder,) = (room / "runs").glob("toy-*")
    with RunFolder(folder).opened({}):
        ended = breaker.run("toy", room)
    assert ended["code"] == 2
    assert "is being written by another mezoo" in ended["err"]
    assert "Traceback" not in ended["err"]
    same_in_the_end("toy", room)
