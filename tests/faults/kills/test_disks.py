"""A disk that is full, read-only or over its quota: a sentence, no half file, and later the same result."""

import errno
import os

import pytest

FULL = [
    ("rename", "synthetic", 0, "before", "EROFS"),
    ("write_text", "run.json", 0, "half", "EDQUOT"),
    ("write_blocks", "", 1, "half", "ENOSPC"),
    ("replace", ".safetensors", 1, "before", "EROFS"),
    ("write_text", "fold.json", 0, "half", "ENOSPC"),
    ("savez_compressed", "0000.", 0, "half", "ENOSPC"),
    ("save_checkpoint", "", 0, "half", "EDQUOT"),
    ("open", "metrics.csv", 1, "after", "ENOSPC"),
    ("write_bytes", "weights", 0, "half", "ENOSPC"),
    ("savez_compressed", "curves", 0, "half", "EDQUOT"),
    ("open", "01/predictions.csv", 0, "after", "ENOSPC"),
    ("write_text", "result.json", 0, "half", "ENOSPC"),
    ("replace", "result.json", 0, "before", "EROFS"),
    ("write_text", "report.html", 0, "half", "ENOSPC"),
]


@pytest.mark.faults("disk full, read-only, over quota")
@pytest.mark.parametrize("lasting", [True, False], ids=["stays", "passes"])
@pytest.mark.parametrize("full", FULL, ids=lambda f: "-".join(map(str, f)).replace("/", "_"))
def test_a_disk_that_takes_no_more_is_said_and_survived(breaker, same_in_the_end, whole_files, full, lasting):
    what, file, nth, when, how = full
    room, at = breaker.room(), breaker.events("toy", what, file)[nth]
    ended = breaker.run("toy", room, {"at": at, "when": when, "how": how, "lasting": lasting})
    assert ended["code"] in (1, 2), ended
    assert os.strerror(getattr(errno, how)) in ended["err"] + ended["out"]
    assert "Traceback" not in ended["err"]
    if "result.json" in file:
        assert not list(room.glob("runs/*/result.json"))
    whole_files(room)
    same_in_the_end("toy", room)


@pytest.mark.faults("store and checkpoints damaged")
@pytest.mark.parametrize("harm", ["flip", "cut", "empty", "gone", "no sidecar"])
def test_a_damaged_feature_is_made_again_before_anything_is_trained(breaker, same_in_the_end, harm):
    room = breaker.room()
    last = breaker.events("toy", "write_blocks")[-1] + 4  # all features are stored, the first fold is not begun
    assert breaker.run("toy", room, {"at": last + 1, "when": "before", "how": "SIGKILL"})["code"] == -9
    entry = sorted(room.rglob("*.safetensors"))[0]
    raw = bytearray(entry.read_bytes())
    if harm == "flip":
        raw[600] ^= 4
    match harm:
        case "gone":
            entry.unlink()
        case "no sidecar":
            entry.with_suffix(".json").unlink()
        case _:
            entry.write_bytes({"flip": raw, "cut": raw[:-40], "empty": b""}[harm])
    same_in_the_end("toy", room)


@pytest.mark.faults("store and checkpoints damaged")
@pytest.mark.parametrize("harm", ["flip", "cut", "empty"])
def test_a_damaged_checkpoint_is_said_and_the_fold_trained_anew(breaker, harm):
    room = breaker.room()
    at = breaker.events("toy", "training_step")[1]
    assert breaker.run("toy", room, {"at": at, "when": "before", "how": "SIGKILL"})["code"] == -9
    (checkpoint,) = room.glob("runs/*/folds/*/last.ckpt")
    raw = bytearray(checkpoint.read_bytes())
    middle = raw.index(b"lr")  # inside what is pickled
    raw[middle] ^= 1
    checkpoint.write_bytes({"flip": bytes(raw), "cut": raw[: len(raw) // 2], "empty": b""}[harm])
    ended = breaker.run("toy", room)
    assert ended["code"] == 0, ended["err"]
    assert "its checkpoint was damaged" in ended["err"]
    weights = sorted(p.read_bytes() for p in room.rglob("weights.safetensors"))
    whole = breaker.whole("toy")[1]
    assert weights == sorted(raw for name, raw in whole.items() if name.endswith("weights.safetensors"))
