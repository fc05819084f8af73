"""`mezoo doctor`: what is fine is said, what is wrong ends in exit code 1 with what to do."""

import json

import pytest

from mezoo.contracts import no_bars
from mezoo.doctor.machine import disks, places, wandb_login
from mezoo.doctor.stored import stored
from mezoo.doctor.versions import bad_together, requirements, versions

GOOD = {"lightning": "2.6.6", "opencv-contrib-python": "5.0.0", "decord": "0.6.0"}


@pytest.mark.parametrize(
    ("change", "topic", "state", "words"),
    [
        ({}, None, "fine", ""),
        ({"lightning": "2.6.2"}, "lightning", "wrong", "steals passwords"),
        ({"pytorch-lightning": "2.6.3"}, "lightning", "wrong", "steals passwords"),
        ({"opencv-python": "4.9"}, "opencv", "wrong", "same folder cv2"),
        ({"opencv-contrib-python": None}, "opencv", "wrong", "none of its wheels"),
        ({"decord": None}, "decord", "note", "PyAV"),
        ({"torch": "1.0", "torchvision": "0.1"}, "torchvision", "wrong", "built for torch"),
    ],
)
def test_combinations_known_to_be_bad(change, topic, state, words):
    found = [*bad_together({**GOOD, **change}.get)]
    assert [(f.topic, f.state) for f in found] == ([] if topic is None else [(topic, state)])
    assert all(words in f.what and f.hint for f in found)


def test_what_is_installed_here_is_what_is_asked_for():
    assert [f.topic for f in versions()] == ["python", "libraries"]
    assert [f.state for f in requirements()] in ([], ["fine"], ["note"])


def test_places_and_disks(tmp_path, monkeypatch):
    monkeypatch.setenv("MEZOO_DATA", str(tmp_path / "nowhere"))
    assert [f.state for f in places()] == ["wrong"]
    monkeypatch.setenv("MEZOO_DATA", str(tmp_path))
    assert [f.state for f in places()] == ["fine"]
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 1 << 20}))
    assert [f.state for f in disks(tmp_path, tmp_path / "not/yet")] == ["wrong", "wrong"]


def test_no_key_is_printed(monkeypatch, tmp_path):
    monkeypatch.setenv("WANDB_MODE", "online")
    monkeypatch.setenv("WANDB_API_KEY", "k" * 40)
    assert wandb_login().what == "logged in"
    monkeypatch.delenv("WANDB_API_KEY")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert wandb_login().state == "note"
    (tmp_path / "netrc").write_text("machine api.wandb.ai\n  login user\n  password " + "k" * 40)
    assert "k" * 8 not in str(wandb_login())
    assert wandb_login().what == "logged in"


def test_a_damaged_entry_is_found_and_named(mezoo, cache, tmp_path):
    assert mezoo("extract", "toy", "--synthetic")[0] == 0
    assert [f.state for f in stored(cache, no_bars)] == ["fine"]
    entry = next((cache / "features").glob("*/*/*.safetensors"))
    raw = entry.read_bytes()
    entry.write_bytes(raw[:-1] + bytes([raw[-1] ^ 1]))
    (entry.parent / "killed.123.part").write_bytes(b"x")
    wrong, note = stored(cache, no_bars)
    assert (wrong.state, note.state) == ("wrong", "note")
    assert entry.name in wrong.what
    code, out, _ = mezoo("doctor", "--json")
    told = json.loads(out)
    assert code == 1
    assert not told["fine"]
    assert any(entry.name in f["what"] for f in told["findings"] if f["state"] == "wrong")
    code, out, _ = mezoo("doctor")
    assert code == 1
    assert "WRONG  store" in out
