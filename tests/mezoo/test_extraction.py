"""Features of many videos: blocks on disk, what is done stays done, what fails is told, films from the command line."""

import json
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load_file

from mezoo import FeatureStream, extraction
from mezoo.contracts import StandIn
from mezoo.errors import PluginError, RecipeError
from mezoo.progress import LineProgress
from mezoo.recipe import read_block
from mezoo.registry import find, load
from mezoo.store import FeatureStore
from mezoo.tensor_file import write_blocks


def blocks(values, sizes):
    starts = np.cumsum([0, *sizes])
    for a, b in pairwise(starts):
        yield values[a:b], np.arange(a, b)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=6), st.sampled_from(["uint8", "float16", "float32", "int64"]))
def test_blocks_on_disk_are_read_by_safetensors(tmp_path_factory, sizes, dtype):
    path = tmp_path_factory.mktemp("blocks") / "f.safetensors"
    values = (np.arange(sum(sizes) * 6).reshape(-1, 2, 3) % 100).astype(dtype)
    shape, name = write_blocks(path, blocks(values, sizes))
    read = load_file(path)
    assert (shape, name) == ([sum(sizes), 2, 3], dtype)
    np.testing.assert_array_equal(read["values"], values)
    np.testing.assert_array_equal(read["positions"], np.arange(sum(sizes)))


@pytest.mark.parametrize(
    "second",
    [
        (np.zeros((1, 3), np.float32), np.arange(1)),
        (np.zeros((1, 2), np.float64), np.arange(1)),
        (np.zeros((2, 2), np.float32), np.arange(1)),
    ],
)
def test_blocks_that_do_not_fit_together_are_refused(tmp_path, second):
    first = (np.zeros((1, 2), np.float32), np.arange(1))
    with pytest.raises(PluginError, match="block of features"):
        write_blocks(tmp_path / "f", [first, second])
    with pytest.raises(PluginError, match="no block"):
        write_blocks(tmp_path / "f", [])


def test_a_stream_collects_to_features():
    values = np.arange(8, dtype=np.float32).reshape(4, 2)
    facts = {"seen": 0}

    def made():
        for block in blocks(values, [1, 3]):
            facts["seen"] += len(block[0])
            yield block

    whole = FeatureStream(made(), 10, 25.0, facts).collect()
    np.testing.assert_array_equal(whole.values, values)
    assert (whole.positions.tolist(), whole.n_frames, whole.facts) == ([0, 1, 2, 3], 10, {"seen": 4})


@pytest.fixture
def toy(tmp_path):
    root = tmp_path / "toy"
    load(find("dataset", "toy")).write_synthetic(root, StandIn())
    return root


def videos(root):
    return load(find("dataset", "toy"))(root).videos()


def test_what_is_stored_is_not_made_again(toy, cache, monkeypatch):
    block = read_block("feature", "toy_mean", ["step=2"])
    assert extraction.extract(block, videos(toy), cache, LineProgress(), 1) == []
    assert len([*FeatureStore(cache).entries()]) == 8
    monkeypatch.setattr(load(block.plugin), "__call__", lambda *_: pytest.fail("made again"))
    assert extraction.extract(block, videos(toy), cache, LineProgress(), 1) == []


def test_processes_make_what_one_makes(toy, cache, tmp_path):
    block = read_block("feature", "{use: toy_scaled, inner: {use: toy_mean, step: 3}, factor: 3}")
    extraction.extract(block, videos(toy), cache, LineProgress(), 2)
    extraction.extract(block, videos(toy), tmp_path / "other", LineProgress(), 1)
    here, there = (sorted(root.glob("features/*/*/*.safetensors")) for root in (cache, tmp_path / "other"))
    assert [p.name for p in here] == [p.name for p in there]
    assert [p.read_bytes() for p in here] == [p.read_bytes() for p in there]


def test_a_video_that_fails_does_not_stop_the_others(toy, cache, mezoo, monkeypatch):
    from mezoo import DataError

    kind = load(find("feature", "toy_mean"))
    own = kind.__call__

    def fails(self, video):
        if video.code == "v3":
            raise DataError("no face in v3", hint="leave it out")
        return own(self, video)

    monkeypatch.setattr(kind, "__call__", fails)
    typed = ("extract", "--dataset", "toy", "--root", toy, "--feature", "toy_mean", "--workers", "1")
    code, out, _ = mezoo(*typed, "--json")
    told = json.loads(out)
    assert (code, told["stored"], told["videos"]) == (1, 7, 8)
    assert told["failed"] == [{"video": "toy/01/v3", "reason": "no face in v3", "next": "leave it out"}]
    monkeypatch.setattr(kind, "__call__", own)
    assert mezoo(*typed)[0] == 0


def test_an_interruption_loses_the_video_in_hand_only(toy, cache, monkeypatch):
    kind = load(find("feature", "toy_mean"))
    own = kind.__call__

    def interrupted(self, video):
        if video.code == "v3":
            raise KeyboardInterrupt
        return own(self, video)

    monkeypatch.setattr(kind, "__call__", interrupted)
    block = read_block("feature", "toy_mean")
    with pytest.raises(KeyboardInterrupt):
        extraction.extract(block, videos(toy), cache, LineProgress(), 1)
    assert len([*FeatureStore(cache).entries()]) == 3
    assert not [*cache.rglob("*.part")]


def test_the_leavings_of_a_killed_process_go_when_the_video_is_made(toy, cache):
    block = read_block("feature", "toy_mean")
    extraction.extract(block, videos(toy), cache, LineProgress(), 1)
    made = sorted(cache.glob("features/*/*/*.safetensors"))[0]
    made.unlink()
    made.with_suffix(".999999.part").write_bytes(b"half")
    extraction.extract(block, videos(toy), cache, LineProgress(), 1)
    assert made.is_file()
    assert not [*cache.rglob("*.part")]


def test_features_as_files(toy, cache, mezoo, tmp_path):
    typed = (
        "--dataset",
        "toy",
        "--root",
        toy,
        "--feature",
        "toy_mean",
        "--set",
        "feature.step=4",
        "--out",
        tmp_path / "o",
    )
    assert mezoo("extract", *typed)[0] == 0
    made = np.load(tmp_path / "o" / "00" / "v0.npz")
    assert made["values"].shape == (30, 1)
    assert made["fps"] == 7.5


def test_of_a_film_cut_short_the_frames_that_are_left_are_used(cache, mezoo, tmp_path):
    import av

    with av.open(str(tmp_path / "a.avi"), "w") as film:
        stream = film.add_stream("mjpeg", rate=30)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p"
        for i in range(40):
            noise = np.random.default_rng(i).integers(0, 255, (48, 64, 3), dtype=np.uint8)
            film.mux(stream.encode(av.VideoFrame.from_ndarray(noise, format="rgb24")))
        film.mux(stream.encode())
    whole = (tmp_path / "a.avi").read_bytes()
    (tmp_path / "a.avi").write_bytes(whole[: len(whole) // 2])
    code, out, err = mezoo("extract", "--film", tmp_path, "--feature", "toy_mean", "--out", tmp_path / "o")
    assert code == 0
    assert "a.avi is damaged" in err
    assert 5 < len(np.load(tmp_path / "o" / "a.npz")["values"]) < 30


def test_a_recipe_names_both(toy, cache, mezoo):
    assert mezoo("extract", "toy", "--set", f"dataset.root={toy}")[0] == 0


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ((), "say what to look at"),
        (("--dataset", "toy"), "where is toy"),
        (("--dataset", "toy", "--root", "."), "no feature is named"),
        (("--dataset", "toi", "--root", "."), "did you mean 'toy'"),
        (("--dataset", "toy", "--root", ".", "--feature", "toy_maen"), "did you mean 'toy_mean'"),
        (("--dataset", "toy", "--root", ".", "--feature", "toy_mean", "--set", "feature.stp=2"), "did you mean 'step'"),
        (("--dataset", "toy", "--root", ".", "--feature", "toy_mean", "--set", "step=2"), "feature.KEY=VALUE"),
        (("--film", "nowhere.mp4", "--feature", "toy_mean"), "nowhere.mp4"),
    ],
)
def test_slips_are_told_and_exit_with_two(mezoo, toy, monkeypatch, typed, words):
    monkeypatch.chdir(toy)
    monkeypatch.delenv("MEZOO_DATA", raising=False)
    code, _, err = mezoo("extract", *typed)
    assert code == 2
    assert words in err
    assert "Traceback" not in err


def test_a_block_may_be_written_out():
    block = read_block("feature", "{use: toy_scaled, inner: {use: toy_mean}}", ["inner.step=2", "factor=1.5"])
    assert block.resolved()["inner"] == {"use": "toy_mean", "step": 2}
    with pytest.raises(RecipeError, match="did you mean 'step'"):
        read_block("feature", "{use: toy_mean, stride: 1}")


def test_view_writes_a_page_and_a_sheet(toy, cache, mezoo, tmp_path):
    typed = ("view", "toy/00/v1", "--root", toy, "--feature", "toy_mean", "--out", tmp_path / "views")
    code, out, _ = mezoo(*typed)
    assert code == 0
    page = tmp_path / "views" / "toy" / "00" / "v1.html"
    assert str(page) in out
    assert "toy_mean" in page.read_text()
    assert page.with_suffix(".png").is_file()


@pytest.mark.parametrize(("what", "words"), [("toy/v9", "there are 00/v0"), ("toi/v1", "did you mean 'toy'")])
def test_view_of_what_is_not_there(toy, cache, mezoo, what, words):
    code, _, err = mezoo("view", what, "--root", toy)
    assert code == 2
    assert words in err


@pytest.mark.parametrize("workers", [1, 2, 30])
def test_however_many_processes_each_video_is_made_once(toy, cache, workers):
    block = read_block("feature", "toy_mean", [])
    assert extraction.extract(block, videos(toy), cache, LineProgress(), workers) == []
    assert len([*FeatureStore(cache).entries()]) == 8


def test_a_process_that_dies_loses_its_video_only(toy, cache, tmp_path, mezoo_process):
    fatal = tmp_path / "mezoo_fatal"
    (fatal / "mezoo_fatal-0.1.dist-info").mkdir(parents=True)
    (fatal / "mezoo_fatal-0.1.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: mezoo-fatal\nVersion: 0.1\n"
    )
    (fatal / "mezoo_fatal-0.1.dist-info" / "entry_points.txt").write_text(
        "[mezoo.features]\nfatal = mezoo_fatal:Fatal\n"
    )
    (fatal / "mezoo_fatal.py").write_text(
        "from mezoo import FeatureExtractor, Features\n"
        "class Fatal(FeatureExtractor):\n"
        "    '''Dies of two videos.'''\n"
        "    version = '1'\n"
        "    def __call__(self, video):\n"
        "        import os, numpy as np\n"
        "        if video.code in {'v2', 'v5'}:\n"
        "            os.kill(os.getpid(), 9)\n"
        "        n = len(video.frames)\n"
        "        return Features(np.zeros((n, 1), np.float32), np.arange(n), n, video.fps)\n"
    )
    typed = ("extract", "--dataset", "toy", "--root", toy, "--feature", "fatal", "--workers", "2", "--json")
    done = mezoo_process(*typed, paths=(fatal,))
    assert done.returncode == 1, done.stderr
    told = json.loads(done.stdout)
    assert (told["stored"], {row["video"] for row in told["failed"]}) == (6, {"toy/01/v2", "toy/02/v5"})
    assert all("signal 9" in row["reason"] and row["next"] for row in told["failed"])
    assert "Traceback" not in done.stderr
