"""The feature store: what decides a key, atomic writes, many processes, explain and prune."""

import json
import multiprocessing
import time
from pathlib import Path

import numpy as np
import pytest

from mezoo import FeatureExtractor, Features, Video
from mezoo.store import FeatureStore, key_of, recipe_of


class Frames:
    def __init__(self, file: Path) -> None:
        self.file = file

    def __len__(self):
        return 10

    def files(self):
        return (self.file,)


class Counting(FeatureExtractor):
    """Counts how often it is asked."""

    version = "1"

    def __init__(self, log: Path, wait: float = 0.0) -> None:
        self.log, self.wait = log, wait

    def __call__(self, video):
        with self.log.open("a") as file:
            file.write("x")
        time.sleep(self.wait)
        return Features(np.arange(10, dtype=np.float32)[:, None], np.arange(10), 10, 25.0, {"fact": 1})


@pytest.fixture
def video(tmp_path):
    (tmp_path / "f.jpg").write_bytes(b"abc")
    return Video("set", "s1", "v1", 25.0, Frames(tmp_path / "f.jpg"))  # pyright: ignore


@pytest.fixture
def log(tmp_path):
    (tmp_path / "log").write_text("")
    return tmp_path / "log"


def calls(log):
    return len(log.read_text())


def test_computed_once_and_equal_when_read(tmp_path, video, log):
    store, extractor = FeatureStore(tmp_path), Counting(log)
    made = recipe_of(extractor, "counting", {})
    first, second = store.get(video, extractor, made), store.get(video, extractor, made)
    assert calls(log) == 1
    np.testing.assert_array_equal(first.values, second.values)
    np.testing.assert_array_equal(first.positions, second.positions)
    assert (second.n_frames, second.fps, dict(second.facts)) == (10, 25.0, {"fact": 1})


@pytest.mark.parametrize("change", ["argument", "version", "environment", "file", "fps", "name"])
def test_whatever_decides_the_numbers_decides_the_key(tmp_path, video, log, change):
    store, extractor = FeatureStore(tmp_path), Counting(log)
    store.get(video, extractor, recipe_of(extractor, "counting", {"a": 1}))
    other, arguments, name = Counting(log), {"a": 1}, "counting"
    if change == "argument":
        arguments = {"a": 2}
    elif change == "version":
        other.version = "2"  # pyright: ignore
    elif change == "environment":
        other.environment = lambda: {"opencv": "9"}
    elif change == "file":
        (tmp_path / "f.jpg").write_bytes(b"abcd")
    elif change == "fps":
        video = Video("set", "s1", "v1", 30.0, video.frames)
    else:
        name = "other"
    store.get(video, other, recipe_of(other, name, arguments))
    assert calls(log) == 2


@pytest.mark.parametrize("harm", ["flip", "cut", "no sidecar", "bad sidecar"])
def test_a_damaged_entry_is_computed_again(tmp_path, video, log, harm):
    store, extractor = FeatureStore(tmp_path), Counting(log)
    made = recipe_of(extractor, "counting", {})
    store.get(video, extractor, made)
    (path,) = tmp_path.rglob("*.safetensors")
    raw = bytearray(path.read_bytes())
    if harm == "flip":
        raw[-5] ^= 1
        path.write_bytes(raw)
    elif harm == "cut":
        path.write_bytes(raw[:-7])
    elif harm == "no sidecar":
        path.with_suffix(".json").unlink()
    else:
        path.with_suffix(".json").write_text("{")
    np.testing.assert_array_equal(store.get(video, extractor, made).values[:, 0], np.arange(10))
    assert calls(log) == 2
    assert store.load(key_of(video, extractor, made)) is not None


def ask(root, video, log):
    extractor = Counting(log, wait=0.3)
    FeatureStore(root).get(video, extractor, recipe_of(extractor, "counting", {}))


def test_many_processes_compute_it_once(tmp_path, video, log):
    context = multiprocessing.get_context("fork")
    children = [context.Process(target=ask, args=(tmp_path, video, log)) for _ in range(4)]
    for child in children:
        child.start()
    for child in children:
        child.join()
    assert [child.exitcode for child in children] == [0] * 4
    assert calls(log) == 1
    assert not list(tmp_path.rglob("*.part*"))


def test_explain_names_what_differs(tmp_path, video, log):
    store, extractor = FeatureStore(tmp_path), Counting(log)
    made = recipe_of(extractor, "counting", {"a": 1})
    assert store.explain(key_of(video, extractor, made)) == "never extracted"
    store.get(video, extractor, made)
    assert store.explain(key_of(video, extractor, made)) == "stored"
    other = recipe_of(extractor, "counting", {"a": 2})
    assert store.explain(key_of(video, extractor, other)) == "differs from what is stored in: arguments"


def test_prune_removes_the_unused(tmp_path, video, log):
    store, extractor = FeatureStore(tmp_path), Counting(log)
    store.get(video, extractor, recipe_of(extractor, "counting", {}))
    assert store.prune(older_than=3600) == (0, 0)
    assert len([*store.entries()]) == 1
    removed, freed = store.prune()
    assert removed == 1
    assert freed > 0
    assert [*store.entries()] == []


def test_the_commands(mezoo, cache, tmp_path):
    assert mezoo("fit", "toy", "--synthetic", "--runs", tmp_path / "runs")[0] == 0
    rows = json.loads(mezoo("store", "list", "--json")[1])
    assert len(rows) == 8
    assert rows[0]["key"]["extractor"] == "toy_mean"
    states = json.loads(mezoo("store", "explain", "toy", "--synthetic", "--json")[1])
    assert {s["state"] for s in states} == {"stored"}
    states = json.loads(mezoo("store", "explain", "toy", "--synthetic", "--set", "features.step=3", "--json")[1])
    assert {s["state"] for s in states} == {"differs from what is stored in: arguments"}
    assert "removed 8 entries" in mezoo("store", "prune", "--yes")[1]
