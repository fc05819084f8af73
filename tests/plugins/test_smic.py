import json
from pathlib import Path

import numpy as np
import pytest
from mezoo_smic.release import code_of
from mezoo_smic.smic import Smic

from mezoo import DataError
from mezoo.datasets import StandIn

FOLDERS = {"ne": "negative", "po": "positive", "sur": "surprise"}
PER_SUBJECT = {
    "s01": 6,
    "s02": 6,
    "s03": 39,
    "s04": 19,
    "s05": 2,
    "s06": 4,
    "s08": 13,
    "s09": 4,
    "s11": 7,
    "s12": 9,
    "s13": 10,
    "s14": 10,
    "s15": 4,
    "s18": 7,
    "s19": 2,
    "s20": 22,
}


def add_clip(root, name, numbers=range(559740, 559760), tree="SMIC_all_cropped/HS", subject=None, emotion=None):
    own, tag, *_ = name.split("_")
    folder = root / tree / (subject or own) / "micro" / (emotion or FOLDERS[tag]) / name
    folder.mkdir(parents=True)
    prefix = "reg_" if "crop" in tree else ""
    for n in numbers:
        (folder / f"{prefix}image{n:06d}.bmp").touch()
    return folder


def lines(report):
    return [f"{n.what} {n.reason} {n.action}" for n in report.excluded] + list(report.problems)


@pytest.mark.parametrize("name", ["s3_ne_03", "s03_ne_03", "S03_NE_3", "s003_ne_003"])
def test_one_form_for_every_padding(name):
    code = code_of(name)
    assert (code.subject, code.code, code.emotion, code.name) == ("s03", "s3_ne_03", "negative", "s03/s3_ne_03")


@pytest.mark.parametrize("name", ["s3_xx_03", "s3_ne", "s3_ne_03b", "xs3_ne_03", "s123_ne_01", ""])
def test_other_names_are_no_code(name):
    assert code_of(name) is None


def test_a_clip_is_one_expression_from_its_first_file_to_its_last(tmp_path):
    add_clip(tmp_path, "s1_ne_01")
    (video,) = Smic(tmp_path).videos()
    (found,) = video.expressions
    assert (video.key, video.subject, video.fps, len(video.frames)) == ("smic/s01/s1_ne_01", "s01", 100.0, 20)
    assert (found.code, found.kind, found.onset, found.apex, found.offset) == ("s1_ne_01", "micro", 0, None, 19)
    assert (found.emotion, found.aus) == ("negative", "")
    assert found.published == {"folder": "s1/micro/negative/s1_ne_01"}
    assert (video.frames.number(0), video.frames.files()[0].name) == (559740, "reg_image559740.bmp")
    (row,) = Smic(tmp_path).annotations()
    assert (row.subject, row.clip, row.code, row.onset, row.offset) == ("s01", "s1_ne_01", "s1_ne_01", 559740, 559759)
    assert not video.synthetic


def test_files_are_sorted_as_numbers_and_may_have_eight_digits(tmp_path):
    add_clip(tmp_path, "s20_sur_02", range(9_999_995, 10_000_005))
    (video,) = Smic(tmp_path).videos()
    assert [video.frames.number(i) for i in (0, 4, 5, 9)] == [9_999_995, 9_999_999, 10_000_000, 10_000_004]


def test_an_apex_that_nobody_annotated_is_not_worth_a_note(tmp_path):
    for name in ("s1_ne_01", "s1_po_01", "s2_sur_01"):
        add_clip(tmp_path, name)
    assert lines(Smic(tmp_path).verify()) == []
    assert [e.apex for v in Smic(tmp_path).videos() for e in v.expressions] == [None] * 3


def test_codes_are_the_same_in_every_padding(tmp_path):
    add_clip(tmp_path, "s3_ne_03", subject="s03")
    add_clip(tmp_path, "s04_po_08", subject="s4")
    dataset = Smic(tmp_path)
    assert [(v.subject, v.code) for v in dataset.videos()] == [("s03", "s3_ne_03"), ("s04", "s4_po_08")]
    note = "s03/s3_ne_03 ... 2 clip(s) with a zero-padded or unpadded subject read as s03, s3_ne_03"
    assert note in lines(dataset.verify())
    assert dataset.verify().problems == ()


def test_two_folders_of_one_clip_are_a_problem(tmp_path):
    add_clip(tmp_path, "s3_ne_03")
    add_clip(tmp_path, "s03_ne_03", range(12))
    dataset = Smic(tmp_path)
    (problem,) = dataset.verify().problems
    assert problem.startswith("s03/s3_ne_03: two folders of this name")
    assert len(dataset.videos()) == 1


@pytest.mark.parametrize("level", [".", "..", "SMIC_all_cropped", "SMIC_all_cropped/HS"])
def test_root_may_be_any_level(tmp_path, level):
    add_clip(tmp_path / "SMIC", "s1_ne_01")
    add_clip(tmp_path / "SMIC", "s11_po_01", range(7), tree="SMIC_all_cropped/VIS")
    assert [v.code for v in Smic(tmp_path / "SMIC" / level).videos()] == ["s1_ne_01"]


def test_a_doubled_level_is_seen_through(tmp_path):
    add_clip(tmp_path, "s1_ne_01", tree="SMIC/SMIC_all_cropped/SMIC_all_cropped/HS")
    assert len(Smic(tmp_path).videos()) == 1


def test_layouts(tmp_path):
    add_clip(tmp_path, "s1_ne_01", range(20), tree="SMIC_all_raw/SMIC_all_raw/HS")
    add_clip(tmp_path, "s1_po_01", range(20), tree="SMIC_all_raw/SMIC_all_raw/HS")
    add_clip(tmp_path, "s1_ne_01", range(100, 120))
    assert [v.code for v in Smic(tmp_path).videos()] == ["s1_ne_01"]
    assert Smic(tmp_path).videos()[0].frames.files()[0].name == "reg_image000100.bmp"
    assert [v.code for v in Smic(tmp_path, layout="raw").videos()] == ["s1_ne_01", "s1_po_01"]
    assert Smic(tmp_path, layout="raw").videos()[0].frames.files()[0].name == "image000000.bmp"
    assert len(Smic(tmp_path / "SMIC_all_raw").videos()) == 2
    with pytest.raises(DataError, match=r"no cropped clips in .*SMIC_all_raw"):
        Smic(tmp_path / "SMIC_all_raw", layout="cropped").videos()


def test_raw_clips_under_a_folder_named_otherwise(tmp_path):
    add_clip(tmp_path, "s1_ne_01", tree="data/HS")
    for layout in ("auto", "raw", "cropped"):
        assert len(Smic(tmp_path, layout=layout).videos()) == 1


@pytest.mark.parametrize(("camera", "fps", "title"), [("vis", 25, "SMIC-VIS"), ("nir", 25, "SMIC-NIR")])
def test_other_cameras(tmp_path, camera, fps, title):
    add_clip(tmp_path, "s11_ne_01", range(20))
    add_clip(tmp_path, "s11_ne_01", range(30, 38), tree=f"SMIC_all_cropped/{camera.upper()}")
    dataset = Smic(tmp_path, camera=camera)
    (video,) = dataset.videos()
    assert (video.fps, len(video.frames), video.frames.number(0)) == (fps, 8, 30)
    assert dataset.verify().expected == {
        "subjects": 8,
        "clips": 71,
        "micro": 71,
        "negative": 24,
        "positive": 28,
        "surprise": 19,
    }
    assert (dataset.info.title, Smic.info.title, Smic(tmp_path).info.fps) == (title, "SMIC-HS", 100.0)


def test_a_camera_that_is_not_there_is_named(tmp_path):
    add_clip(tmp_path, "s11_ne_01", tree="SMIC_all_cropped/VIS")
    with pytest.raises(DataError, match=r"SMIC-HS: no clips in .*it holds .*VIS"):
        Smic(tmp_path).videos()


def test_clips_without_a_movement_are_never_entered(tmp_path):
    add_clip(tmp_path, "s1_ne_01")
    for folder in ("non_micro/s1_ne_09", "non_micro/negative/s1_ne_08", "non_micro/s1_01"):
        target = tmp_path / "SMIC_all_cropped/HS/s1" / folder
        target.mkdir(parents=True)
        (target / "reg_image000001.bmp").touch()
    dataset = Smic(tmp_path)
    assert [v.code for v in dataset.videos()] == ["s1_ne_01"]
    assert dataset.verify().excluded == ()


def test_long_clips_and_tables_of_others_beside_it_are_ignored(tmp_path):
    add_clip(tmp_path, "s1_ne_01")
    long_clip = tmp_path / "SMIC-E_raw image/HS_long/SMIC-HS-E/s02/s2_ne_01"
    long_clip.mkdir(parents=True)
    (long_clip / "image000001.jpg").touch()
    (tmp_path / "smic.xlsx").write_bytes(b"no table at all")
    (tmp_path / "SMIC_all_cropped/HS/SMIC-HS-E_annotation_2019.xlsx").touch()
    dataset = Smic(tmp_path)
    assert [v.code for v in dataset.videos()] == ["s1_ne_01"]
    assert dataset.verify().problems == ()


def test_holes_of_the_cropped_release_are_reported(tmp_path):
    add_clip(tmp_path, "s18_sur_03", [])
    add_clip(tmp_path, "s3_po_08", [100, 101, 103, 104, *range(106, 120)])
    dataset = Smic(tmp_path)
    report = dataset.verify()
    assert [v.code for v in dataset.videos()] == ["s3_po_08"]
    assert "s18_sur_03 the folder holds no frame left out" in lines(report)
    assert report.problems == ("s18_sur_03: no frames on disk for 1 row(s)",)
    missing = "s03/s3_po_08 2 frame(s) missing in the numbering, the first is 102 kept; frames are found by number"
    assert missing in lines(report)
    assert (report.found["clips"], report.found["rows"], report.found["surprise"]) == (1, 2, 1)
    assert [(a.code, a.onset, a.offset) for a in dataset.annotations()] == [
        ("s3_po_08", 100, 119),
        ("s18_sur_03", None, None),
    ]
    (found,) = dataset.videos()[0].expressions
    assert (found.onset, found.offset) == (0, 17)
    with pytest.raises(DataError, match="strict: s18_sur_03: no frames on disk"):
        Smic(tmp_path, strict=True).videos()


def test_a_clip_in_another_emotions_folder_is_a_problem_and_its_name_decides(tmp_path):
    add_clip(tmp_path, "s1_ne_01", emotion="positive")
    dataset = Smic(tmp_path)
    problem = "s01/s1_ne_01: lies in the folder positive; read as negative, as its name says"
    assert dataset.verify().problems == (problem,)
    assert dataset.videos()[0].expressions[0].emotion == "negative"


def test_a_clip_in_another_subjects_folder_belongs_to_its_own(tmp_path):
    add_clip(tmp_path, "s11_ne_01", subject="s12")
    dataset = Smic(tmp_path)
    assert dataset.videos()[0].subject == "s11"
    assert "s11_ne_01 the folder lies in that of subject s12 read as s11" in lines(dataset.verify())


def test_folders_with_other_names_and_stray_files(tmp_path):
    folder = add_clip(tmp_path, "s1_ne_01")
    (folder.parent / "s1_ne_old").mkdir()
    for name in ("Thumbs.db", "image000001.bmp.bmp", "notes.txt"):
        (folder / name).touch()
    report = Smic(tmp_path).verify()
    assert "s1_ne_old not named like a clip (s3_ne_03) left out" in lines(report)
    stray = "s01/s1_ne_01 2 file(s) not named like a frame, such as image000001.bmp.bmp ignored"
    assert stray in lines(report)
    assert report.found["frames"] == 20


def test_published_counts(tmp_path):
    add_clip(tmp_path, "s1_ne_01")
    report = Smic(tmp_path).verify()
    assert report.expected == {
        "subjects": 16,
        "clips": 164,
        "micro": 164,
        "negative": 70,
        "positive": 51,
        "surprise": 43,
    }
    assert not report.complete


@pytest.mark.parametrize("relative", ["HS/s03/s3_ne_03", "s03/s3_ne_03", "s3_ne_03", "HS/s3/micro/negative/s3_ne_03"])
def test_landmarks(tmp_path, relative):
    add_clip(tmp_path / "data", "s3_ne_03")
    for place in ("data/SMIC_all_cropped/landmarks", "data/landmarks", "mine"):
        path = tmp_path / place / f"{relative}.csv"
        path.parent.mkdir(parents=True)
        path.touch()
    beside = tmp_path / "data/SMIC_all_cropped/landmarks" / f"{relative}.csv"
    assert Smic(tmp_path / "data").videos()[0].landmarks == beside
    beside.unlink()
    assert Smic(tmp_path / "data").videos()[0].landmarks == tmp_path / "data/landmarks" / f"{relative}.csv"
    given = Smic(tmp_path / "data", landmarks=tmp_path / "mine").videos()
    assert given[0].landmarks == tmp_path / "mine" / f"{relative}.csv"


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    out = tmp_path_factory.mktemp("full")
    Smic.write_synthetic(out, StandIn(preset="full", frames="none"))
    return out


def test_full_has_the_published_subjects_and_classes(full):
    dataset = Smic(full)
    rows = dataset.annotations()
    assert {s: sum(a.subject == s for a in rows) for s in sorted({a.subject for a in rows})} == PER_SUBJECT
    report = dataset.verify()
    classes = {"negative": 70, "positive": 51, "surprise": 43}
    assert report.classes == {"native": classes, "megc2019_3": classes}
    assert {k: report.found[k] for k in ("subjects", "rows", "micro", "clips")} == {
        "subjects": 16,
        "rows": 164,
        "micro": 164,
        "clips": 0,
    }
    assert [p.split(" ")[0] for p in report.problems] == ["no"]
    with pytest.raises(DataError, match="no frames"):
        dataset.videos()


@pytest.mark.parametrize("camera", ["vis", "nir"])
def test_full_has_the_published_classes_of_the_other_cameras(full, camera):
    report = Smic(full, camera=camera).verify()
    assert report.classes["native"] == {"negative": 24, "positive": 28, "surprise": 19}
    assert (report.found["subjects"], report.found["rows"], report.expected["clips"]) == (8, 71, 71)
    hs = {a.code for a in Smic(full).annotations()}
    assert {a.code for a in Smic(full, camera=camera).annotations()} < hs


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    out = tmp_path_factory.mktemp("clean")
    Smic.write_synthetic(out, StandIn(frames="empty"))
    return out


@pytest.mark.parametrize(("camera", "clips"), [("hs", 48), ("vis", 36), ("nir", 36)])
def test_clean_stand_in_is_complete(clean, camera, clips):
    dataset = Smic(clean, camera=camera, strict=True)
    report = dataset.verify()
    assert report.complete, report
    assert report.excluded == ()
    assert min(report.classes["native"].values()) >= 6
    videos = dataset.videos()
    assert len(videos) == clips
    assert all(v.synthetic for v in videos)
    assert all(e.onset == 0 and e.offset == len(v.frames) - 1 for v in videos for e in v.expressions)
    seconds = np.array([len(v.frames) / v.fps for v in videos])
    assert seconds.min() >= 0.19
    assert seconds.max() <= 0.59
    assert 0.30 < seconds.mean() < 0.40


@pytest.mark.parametrize("level", [".", "SMIC_all_cropped", "SMIC_all_cropped/HS"])
def test_stand_in_is_known_as_one(clean, level):
    assert all(v.synthetic for v in Smic(clean / level).videos())
    assert Smic(clean / level).verify().complete


def test_numbers_count_on_from_clip_to_clip_of_a_subject(clean):
    first = [v.frames.number(0) for v in Smic(clean).videos() if v.subject == "s03"]
    assert first == sorted(first)
    assert first[0] >= 100_000
    assert first[-1] - first[0] < 100_000


def test_dirty_stand_in_reports_everything_that_was_planted(tmp_path):
    Smic.write_synthetic(tmp_path, StandIn(frames="empty", dirty=True, subjects=4))
    dataset = Smic(tmp_path)
    told = lines(dataset.verify())
    planted = json.loads((tmp_path / "SYNTHETIC.json").read_text())["planted"]
    assert {p["defect"] for p in planted} == {
        "stray file",
        "missing frame",
        "empty folder",
        "clip in another emotion's folder",
        "subject padding variants",
    }
    for p in planted:
        assert any(p["where"] in line and p["shows"] in line for line in told), p
    assert len(dataset.videos()) == 23
    assert not dataset.verify().complete


def test_full_writes_both_layouts(tmp_path):
    Smic.write_synthetic(tmp_path, StandIn(preset="full", frames="empty", subjects=1, videos=2))
    for layout in ("raw", "cropped"):
        assert [v.subject for v in Smic(tmp_path, layout=layout).videos()] == ["s11", "s11"]
    assert Smic(tmp_path, layout="raw").verify().complete


def test_pictures_landmarks_and_cameras(tmp_path):
    Smic.write_synthetic(tmp_path, StandIn(subjects=1, videos=1))
    for camera, grey in (("hs", False), ("vis", False), ("nir", True)):
        (video,) = Smic(tmp_path, camera=camera).videos()
        image = video.frames.read(3)
        assert (image.shape, image.dtype) == ((170, 140, 3), np.uint8)
        assert np.std(image) > 10
        assert bool(np.ptp(image.astype(int), axis=2).max() == 0) == grey
        assert Path(video.frames.files()[0]).read_bytes()[:2] == b"BM"
        assert len(video.landmarks.read_text().splitlines()) == len(video.frames) + 1


def test_stand_in_refuses_what_it_cannot_write(clean, tmp_path):
    with pytest.raises(DataError, match="exists already"):
        Smic.write_synthetic(clean, StandIn(frames="empty"))
    with pytest.raises(DataError, match="small, full"):
        Smic.write_synthetic(tmp_path, StandIn(preset="tiny"))
    with pytest.raises(DataError, match="1 to 16"):
        Smic.write_synthetic(tmp_path, StandIn(subjects=17))
    assert list(tmp_path.iterdir()) == []
