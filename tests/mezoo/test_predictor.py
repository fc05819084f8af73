"""Trained weights asked about new films: which weights, which frames, and one answer out of many."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mezoo as api
from mezoo.errors import DataError, RecipeError, RunError
from mezoo.intervals import iou
from mezoo.predictor.ensemble import agreed, apex_of
from mezoo.predictor.export import export
from mezoo.predictor.faces import face_track, lost_runs
from mezoo.predictor.film import Rate, open_film, paced
from mezoo.predictor.trained import find
from mezoo.records import Spot, Video


def write_film(path: Path, bright: tuple[int, int], n: int = 100, fps: int = 30, codec: str = "mpeg4") -> Path:
    """A grey film that is brighter from frame bright[0] to bright[1], both included."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=fps)
        stream.width = stream.height = 64
        for i in range(n):
            level = 130 if bright[0] <= i <= bright[1] else 60
            image = np.full((64, 64, 3), level, np.uint8)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        out.mux(stream.encode())
    return path


@pytest.fixture(scope="session")
def toy_runs(tmp_path_factory):
    """A run of the toy spotter with its final model, one of its recogniser, and a joint one."""
    from _pytest.monkeypatch import MonkeyPatch

    from mezoo.cli import main

    place = tmp_path_factory.mktemp("toys")
    with MonkeyPatch.context() as patch:
        patch.setenv("MEZOO_CACHE", str(place / "cache"))
        for recipe, *more in (("toy",), ("toy", "--final"), ("toy_sides",), ("toy_both",)):
            assert main(["fit", recipe, "--synthetic", "--runs", str(place), *more]) == 0
    return {name: next(place.glob(f"{name}-*")) for name in ("toy", "toy_sides", "toy_both")}


def film_of(n: int, fps: float) -> Video:
    class Blank:
        def __len__(self):
            return n

    return Video("film", "-", "f", fps, Blank())


def test_three_lines_find_what_is_there(toy_runs, cache, tmp_path):
    model = api.load_model(toy_runs["toy"])
    prediction = model.predict(write_film(tmp_path / "a.mp4", (40, 59)))
    assert [f.spot.kind for f in prediction.found] == ["micro"]
    assert iou([(prediction.found[0].spot.onset, prediction.found[0].spot.offset)], [(40, 59)])[0, 0] > 0.8
    assert prediction.found[0].votes > 1
    assert 40 <= prediction.found[0].apex <= 59
    assert len(prediction.members) == 4
    assert prediction.methods[0].synthetic
    assert "4 subjects" in prediction.methods[0].measured
    assert any("no face" in note for note in prediction.notes)


def test_asking_twice_gives_the_same_and_reads_the_store(toy_runs, cache, tmp_path):
    film = write_film(tmp_path / "a.avi", (20, 35))
    one, two = (api.load_model(toy_runs["toy"]).predict(film) for _ in range(2))
    assert one.found == two.found
    assert np.array_equal(one.curves["micro"], two.curves["micro"])


def test_one_member_or_the_final_model_may_be_asked(toy_runs, cache, tmp_path):
    film = write_film(tmp_path / "a.mp4", (40, 59))
    for fold in ("02", "final"):
        prediction = api.load_model(toy_runs["toy"], fold=fold).predict(film)
        assert prediction.methods[0].members == (fold,)
    with pytest.raises(RunError, match="has no fold '9'") as caught:
        api.load_model(toy_runs["toy"], fold="9")
    assert "final" in caught.value.hint


def test_what_is_spotted_is_named(toy_runs, cache, tmp_path):
    film = write_film(tmp_path / "a.mp4", (40, 59))
    for model in (api.load_model(toy_runs["toy"], toy_runs["toy_sides"]), api.load_model(toy_runs["toy_both"])):
        found = model.predict(film).found
        assert found
        assert {*found[0].chances} == {"left", "right"}
        assert sum(found[0].chances.values()) == pytest.approx(1, abs=1e-5)
        assert found[0].emotion in {"left", "right"}


def test_a_recogniser_alone_takes_the_film_as_one_clip(toy_runs, cache, tmp_path):
    prediction = api.load_model(toy_runs["toy_sides"]).predict(write_film(tmp_path / "a.mp4", (0, 99)))
    assert (prediction.found[0].spot.onset, prediction.found[0].spot.offset) == (0, 99)
    assert any("one clip" in note for note in prediction.notes)


def test_two_spotters_are_refused(toy_runs):
    with pytest.raises(RunError, match="both for spotting"):
        api.load_model(toy_runs["toy"], toy_runs["toy"])


def test_an_exported_folder_says_the_same(toy_runs, cache, tmp_path):
    film = write_film(tmp_path / "a.mp4", (40, 59))
    files = {p.relative_to(tmp_path / "out").as_posix() for p in export(toy_runs["toy"], tmp_path / "out")}
    assert {"model.json", "README.md", "recipe.yaml", "result.json", "weights/00.safetensors"} <= files
    assert "weights/final.safetensors" not in files
    here, there = (api.load_model(place).predict(film) for place in (toy_runs["toy"], tmp_path / "out"))
    assert here.found == there.found
    assert here.methods[0].measured == there.methods[0].measured
    text = "".join(p.read_text() for p in (tmp_path / "out").glob("*.*"))
    assert str(toy_runs["toy"].parent) not in text, "a folder to pass on tells nothing of its maker's disk"
    card = (tmp_path / "out" / "README.md").read_text()
    assert "SYNTHETIC" in card
    assert "tell truth from lies" in card
    with pytest.raises(RunError, match="is there already"):
        export(toy_runs["toy"], tmp_path / "out")


def test_a_joint_run_is_exported_in_two_parts(toy_runs, cache, tmp_path):
    export(toy_runs["toy_both"], tmp_path / "out")
    model = api.load_model(tmp_path / "out")
    assert model.spotter is not None
    assert model.recognizer is not None


def copied(run: Path, to: Path) -> Path:
    return Path(shutil.copytree(run, to))


def test_features_of_another_version_are_refused(toy_runs, tmp_path, monkeypatch):
    from mezoo.registry import find as plugin
    from mezoo.registry import load

    monkeypatch.setattr(load(plugin("feature", "toy_mean")), "version", "99")
    with pytest.raises(RunError, match=r"version .*installed is 99"):
        api.load_model(toy_runs["toy"])


def test_a_plugin_that_is_gone_is_named(toy_runs, tmp_path):
    from safetensors.torch import load_file, save_file

    from mezoo.weights import Card, read_card

    run = copied(toy_runs["toy"], tmp_path / "run")
    for path in run.glob("folds/*/weights.safetensors"):
        card: Card = read_card(path)
        made = {**card.made, "model": {**card.made["model"], "name": "gone"}}
        told = {"fitted": card.fitted, "people": card.people, "made": made}
        save_file(load_file(path), path, metadata={"mezoo": json.dumps(told)})
    with pytest.raises(RecipeError, match="gone"):
        api.load_model(run)


def test_weights_of_two_recipes_do_not_mix(toy_runs, tmp_path):
    run = copied(toy_runs["toy"], tmp_path / "run")
    shutil.copyfile(
        next(toy_runs["toy_sides"].glob("folds/*/weights.safetensors")), run / "folds/00/weights.safetensors"
    )
    with pytest.raises(RunError, match="mixes weights of 2 recipes"):
        find(run)


def test_folders_without_weights_are_refused(tmp_path):
    for place, word in ((tmp_path, "holds no trained weights"), (tmp_path / "nowhere", "there is no")):
        with pytest.raises(RunError, match=word):
            find(place)


def test_films_that_are_none(tmp_path, toy_runs, cache):
    model = api.load_model(toy_runs["toy"])
    (tmp_path / "bad.mp4").write_bytes(b"no film at all" * 50)
    for place in (tmp_path / "bad.mp4", tmp_path / "absent.mp4", tmp_path):
        with pytest.raises(DataError):
            model.predict(place)


def test_images_need_their_rate(tmp_path, toy_runs, cache):
    import cv2

    folder = tmp_path / "images"
    folder.mkdir()
    for i in range(80):
        cv2.imwrite(str(folder / f"img{i + 1:03d}.png"), np.full((16, 16), 130 if 30 <= i < 50 else 60, np.uint8))
    model = api.load_model(toy_runs["toy"])
    with pytest.raises(DataError, match="how fast") as caught:
        model.predict(folder)
    assert "--fps" in caught.value.hint
    assert len(model.predict(folder, fps=30).found) == 1
    (folder / "img010.png").unlink()
    assert any("missing" in note for note in open_film(folder, 30)[1])


def test_a_film_of_another_rate_is_taken_at_the_rate_of_training():
    same = paced(film_of(100, 30), Rate(30, 30))
    assert (len(same.indices), same.note) == (100, "")
    faster = paced(film_of(200, 60), Rate(30, 30))
    assert faster.indices.tolist() == [*range(0, 200, 2)]
    assert faster.video.fps == 30
    slower = paced(film_of(100, 24), Rate(200, 25))
    assert (len(slower.indices), slower.video.fps) == (100, 25)
    assert "1.04 times" in slower.note
    sampled = paced(film_of(100, 60), Rate(200, 25))
    assert (len(sampled.indices), sampled.video.fps) == (100, 60), "the extractor samples by itself"


def test_a_faster_film_is_spotted_on_its_own_frames(toy_runs, cache, tmp_path):
    found = api.load_model(toy_runs["toy"]).predict(write_film(tmp_path / "a.mp4", (80, 119), 200, 60)).found
    assert iou([(found[0].spot.onset, found[0].spot.offset)], [(80, 119)])[0, 0] > 0.8


spots = st.lists(
    st.tuples(st.integers(0, 200), st.integers(0, 30), st.floats(0.1, 1), st.sampled_from(["micro", "macro"])),
    max_size=8,
).map(lambda rows: [Spot("v", kind, a, a + n, score) for a, n, score, kind in rows])


@given(spots, st.integers(1, 4))
def test_members_that_agree_are_believed(found, members):
    disjoint = [s for i, s in enumerate(found) if all(s.onset > o.offset or o.onset > s.offset for o in found[:i])]
    merged = agreed([disjoint] * members)
    assert [(s.onset, s.offset, s.kind) for s, _ in merged] == sorted((s.onset, s.offset, s.kind) for s in disjoint)
    assert all(votes == members for _, votes in merged)


@given(st.lists(spots, min_size=1, max_size=5))
def test_a_group_has_at_most_one_spot_of_a_member_and_half_of_them(members):
    for spot, votes in agreed(members):
        assert len(members) / 2 <= votes <= len(members)
        same = [s for found in members for s in found if s.kind == spot.kind]
        assert min(s.onset for s in same) <= spot.onset <= spot.offset <= max(s.offset for s in same)
        assert 0 < spot.score <= 1


def test_a_lone_spot_is_outvoted():
    one, two = Spot("v", "micro", 10, 20, 1.0), Spot("v", "micro", 60, 70, 0.9)
    merged = agreed([[one, two], [Spot("v", "micro", 11, 21, 0.5)], []])
    assert merged == [(Spot("v", "micro", 10, 20, 0.5), 2)]


def test_the_apex_is_where_the_curve_is_highest():
    curve = np.array([0.1, 0.2, 0.9, 0.3, 0.95], np.float32)
    positions = np.array([0, 2, 4, 6, 8])
    assert apex_of(Spot("v", "micro", 1, 7), curve, positions) == 4
    assert apex_of(Spot("v", "micro", 3, 3), curve, positions) == 3
    assert apex_of(Spot("v", "micro", 1, 8), None, positions) == 4


def test_frames_without_a_face_are_counted_by_runs():
    assert lost_runs(np.array([0, 6, 12, 18, 24]), np.array([0, 18]), 28) == ((6, 17), (24, 27))
    assert lost_runs(np.array([0, 6]), np.array([0, 6]), 9) == ()


def test_a_film_without_a_face_has_no_track(cache, tmp_path):
    film, _ = open_film(write_film(tmp_path / "a.mp4", (3, 4), n=10))
    assert face_track(film, cache, api.datasets.no_bars) is None


def test_images_are_read_after_a_film(tmp_path):
    """decord's zlib must not come before OpenCV's: PNG files could not be read any more."""
    write_film(tmp_path / "a.mp4", (3, 4), n=10)
    code = (
        "import sys; from pathlib import Path; from mezoo.films import VideoFile\n"
        "film = VideoFile(Path(sys.argv[1])); film.read(3)\n"
        "from PIL import Image; Image.fromarray(film.read(0)).save(sys.argv[2])\n"
        "from mezoo.frames import read_image\n"
        "assert (read_image(Path(sys.argv[2])) == film.read(0)).all()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "a.mp4", tmp_path / "a.png"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
