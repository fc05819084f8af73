import json

import numpy as np
import openpyxl
import pytest
from mezoo_mmew.mmew import Mmew

from mezoo import DataError
from mezoo.datasets import StandIn

HEADER = [
    "Subject",
    "Filename",
    "OnsetFrame",
    "ApexFrame",
    "OffsetFrame",
    "Action Units",
    "Estimated Emotion",
    "remarks",
]
TABLE = "MMEW_Micro_Exp.xlsx"
EMOTIONS = {"happiness": 36, "surprise": 89, "anger": 8, "disgust": 72, "fear": 16, "sadness": 13, "others": 66}


def row(filename, onset=1, apex=15, offset=40, emotion="happiness", aus="6+12"):
    return [filename[:3], filename, onset, apex, offset, aus, emotion, None]


def write_table(path, rows, header=HEADER):
    book = openpyxl.Workbook()
    for line in [header, *rows]:
        book.worksheets[0].append(line)
    path.parent.mkdir(parents=True, exist_ok=True)
    book.save(path)


def add_clip(root, where, first=1, last=40):
    folder = root / "MMEW_Final" / "Micro_Expression" / where
    folder.mkdir(parents=True)
    for n in range(first, last + 1):
        (folder / f"{n}.jpg").touch()
    return folder


def release(root, *rows, tree="{emotion}/{code}"):
    for line in rows:
        add_clip(root, tree.format(subject=line[1][:3], code=line[1], emotion=line[6]))
    write_table(root / "MMEW_Final" / TABLE, rows)
    return root


def only(root, **options):
    (video,) = Mmew(root, **options).videos()
    (expression,) = video.expressions
    return expression


def said(root, **options):
    return {(x.what, x.action) for x in Mmew(root, **options).verify().excluded}


@pytest.mark.parametrize("tree", ["{emotion}/{code}", "{subject}/{emotion}/{code}"])
@pytest.mark.parametrize("level", [".", "..", "MMEW_Final", "MMEW_Final/Micro_Expression"])
def test_both_depths_from_every_level(tmp_path, tree, level):
    root = release(tmp_path / "a", row("S03-01-002"), row("S04-01-001", emotion="fear"), tree=tree)
    first, second = Mmew(root / level).videos()
    (found,) = first.expressions
    assert (first.dataset, first.subject, first.code, first.fps, len(first.frames)) == (
        "mmew",
        "S03",
        "S03-01-002",
        90,
        40,
    )
    assert (found.code, found.kind, found.onset, found.apex, found.offset) == ("S03-01-002", "micro", 0, 14, 39)
    assert (found.emotion, found.aus, found.published["OnsetFrame"]) == ("happiness", "6+12", "1")
    assert (second.subject, second.expressions[0].emotion) == ("S04", "fear")
    assert said(root / level) == set()


def test_frames_are_sorted_as_numbers(tmp_path):
    release(tmp_path, row("S03-01-002"))
    (video,) = Mmew(tmp_path).videos()
    assert [video.frames.number(i) for i in (0, 1, 9, 39)] == [1, 2, 10, 40]


def test_a_doubled_level(tmp_path):
    release(tmp_path / "MMEW", row("S03-01-002"), tree="{subject}/{emotion}/{code}")
    assert only(tmp_path).apex == 14


@pytest.mark.parametrize("name", ["MMEW_Micro_Exp.xlsx", "MMEW_Micro_Exp_v2.xlsx", "MMEW_Micro_Exp (20).xlsx"])
@pytest.mark.parametrize("place", ["", "MMEW_Final", "..", "MMEW_Final/Micro_Expression"])
def test_names_and_places_of_the_table(tmp_path, name, place):
    root = tmp_path / "root"
    add_clip(root, "happiness/S03-01-002")
    write_table(root / place / name, [row("S03-01-002")])
    assert only(root).apex == 14


def test_the_higher_version_of_the_table_wins(tmp_path):
    release(tmp_path, row("S03-01-002"))
    write_table(tmp_path / "MMEW_Final" / "MMEW_Micro_Exp_v2 (1).xlsx", [row("S03-01-002", apex=20)])
    assert only(tmp_path).apex == 19


def test_macro_expressions_are_not_read(tmp_path):
    release(tmp_path, row("S03-01-002"))
    macro = tmp_path / "MMEW_Final" / "Macro_Expression" / "S01" / "anger"
    macro.mkdir(parents=True)
    (macro / "S01-07-001.jpg").touch()
    report = Mmew(tmp_path).verify()
    assert (report.found["clips"], report.found["macro"], report.found["subjects"]) == (1, 0, 1)
    assert said(tmp_path) == set()


@pytest.mark.parametrize(
    ("folder", "word", "expected"), [("repression", "others", "others"), ("others", "repression", "repression")]
)
def test_the_word_of_the_table_wins_over_that_of_the_folder(tmp_path, folder, word, expected):
    add_clip(tmp_path, f"{folder}/S03-06-001")
    write_table(tmp_path / TABLE, [row("S03-06-001", emotion=word)])
    assert only(tmp_path).emotion == expected
    (note,) = Mmew(tmp_path).verify().excluded
    assert (note.what, note.reason, note.action) == (
        "S03-06-001 (micro, row 2)",
        f"lies in the folder {folder}, the table says {word}",
        "the table's word is kept",
    )


def test_folders_that_are_no_emotion_say_nothing(tmp_path):
    add_clip(tmp_path, "S03-01-002")
    write_table(tmp_path / TABLE, [row("S03-01-002")])
    assert only(tmp_path).emotion == "happiness"
    assert said(tmp_path) == set()


@pytest.mark.parametrize(("subject", "filename"), [(3, "S03-01-002"), ("S3", "s3-1-2"), ("03", "03-01-002 ")])
def test_codes_are_those_of_the_clip_however_the_table_pads_them(tmp_path, subject, filename):
    add_clip(tmp_path, "happiness/S03-01-002")
    write_table(tmp_path / TABLE, [[subject, filename, *row("S03-01-002")[2:]]])
    (video,) = Mmew(tmp_path).videos()
    assert (video.subject, video.code) == ("S03", "S03-01-002")


def test_apex_and_offset_past_the_end(tmp_path):
    release(tmp_path, row("S03-01-002", 1, 50, 60), row("S03-01-003", 100, 110, 130))
    first, second = (v.expressions[0] for v in Mmew(tmp_path).videos())
    assert (first.onset, first.apex, first.offset, first.published["ApexFrame"]) == (0, None, 39, "50")
    assert (second.onset, second.apex, second.offset) == (0, None, 39)
    assert said(tmp_path) == {
        ("S03-01-002 (micro, row 2)", "clipped to the last frame"),
        ("S03-01-002 (micro, row 2)", "kept without apex"),
        ("S03-01-003 (micro, row 3)", "the clip's first and last frame are taken"),
    }


def test_own_errata(tmp_path):
    release(tmp_path, row("S03-01-002", 1, 50, 60))
    own = tmp_path / "own.csv"
    lines = ["subject,clip,field,published,corrected,reason", "S03,S03-01-002,ApexFrame,50,12,seen"]
    own.write_text("\n".join([*lines, "S03,S03-01-002,OffsetFrame,61,40,other revision"]))
    assert only(tmp_path, errata=own).apex == 11
    assert ("S03-01-002", "ApexFrame corrected: 50 -> 12") in said(tmp_path, errata=own)
    assert Mmew(tmp_path, errata=own).verify().problems == ("errata: no row S03-01-002 with OffsetFrame = 61",)


def test_strays_gaps_and_late_beginnings(tmp_path):
    release(tmp_path, row("S03-01-002"), row("S03-01-003"))
    first, second = (tmp_path / "MMEW_Final/Micro_Expression/happiness" / c for c in ("S03-01-002", "S03-01-003"))
    (first / "img260.jpg2.jpg").touch()
    (first / "Thumbs.db").touch()
    (first / "10.jpg").unlink()
    (second / "1.jpg").unlink()
    videos = Mmew(tmp_path).videos()
    assert [videos[0].frames.number(v) for v in (videos[0].expressions[0].apex, 0)] == [15, 1]
    assert said(tmp_path) == {
        ("S03-01-002", "ignored"),
        ("S03-01-002", "kept; frames are found by number"),
        ("S03-01-003", "kept; frames are found by number"),
        ("S03-01-003 (micro, row 3)", "clamped to the first frame"),
    }


def test_rows_without_frames_and_frames_without_rows(tmp_path):
    add_clip(tmp_path, "happiness/S03-01-002")
    add_clip(tmp_path, "fear/S05-04-001")
    write_table(tmp_path / TABLE, [row("S03-01-002"), row("S04-01-002"), row("total"), row("S03-01-002")])
    report = Mmew(tmp_path).verify()
    assert report.problems == ("S04-01-002: no frames on disk for 1 row(s)",)
    assert said(tmp_path) == {
        ("S05-04-001", "left out"),
        ("row 4", "dropped"),
        ("S03-01-002 (micro, row 5)", "dropped"),
    }
    assert only(tmp_path).code == "S03-01-002"
    with pytest.raises(DataError, match="S04-01-002: no frames on disk"):
        Mmew(tmp_path, strict=True).videos()


def test_a_clip_in_two_places_is_a_problem(tmp_path):
    release(tmp_path, row("S03-01-002"))
    again = add_clip(tmp_path, "sadness/S03-01-002")
    assert Mmew(tmp_path).verify().problems == (f"S03-01-002: two folders of this name; {again} is not used",)


def test_landmarks(tmp_path):
    release(tmp_path, row("S03-01-002"))
    for place in (tmp_path / "landmarks", tmp_path / "mine"):
        (place / "S03").mkdir(parents=True)
        (place / "S03" / "S03-01-002.csv").touch()
    assert Mmew(tmp_path).videos()[0].landmarks == tmp_path / "landmarks" / "S03" / "S03-01-002.csv"
    given = Mmew(tmp_path, landmarks=tmp_path / "mine").videos()[0]
    assert given.landmarks == tmp_path / "mine" / "S03" / "S03-01-002.csv"


@pytest.mark.parametrize("column", HEADER[:-1])
def test_a_missing_column_is_named(tmp_path, column):
    keep = [i for i, name in enumerate(HEADER) if name != column]
    write_table(tmp_path / TABLE, [[row("S03-01-002")[i] for i in keep]], [HEADER[i] for i in keep])
    with pytest.raises(DataError, match=f"no column '{column}'"):
        Mmew(tmp_path).verify()


def test_full_table_alone_has_the_counts_that_are_published(tmp_path):
    Mmew.write_synthetic(tmp_path, StandIn(preset="full", frames="none"))
    (tmp_path / "SYNTHETIC.json").unlink()
    report = Mmew(tmp_path).verify()
    assert report.found == {**report.found, "subjects": 36, "rows": 300, "micro": 300, "clips": 0, **EMOTIONS}
    assert {k for k, n in report.expected.items() if report.found[k] != n} == {"clips"}
    assert report.classes["native"] == EMOTIONS
    assert len(Mmew(tmp_path).annotations()) == 300
    assert "only the table was read" in report.problems[0]
    with pytest.raises(DataError, match="no frames in"):
        Mmew(tmp_path).videos()


def test_clean_stand_in(tmp_path):
    Mmew.write_synthetic(tmp_path, StandIn(frames="empty"))
    report = Mmew(tmp_path).verify()
    assert report.complete, report
    assert (report.found["subjects"], report.found["clips"], len(Mmew(tmp_path).videos())) == (8, 56, 56)
    assert {x.action for x in report.excluded} == {"the table's word is kept"}
    assert min(report.classes["native"][c] for c in ("happiness", "surprise", "disgust", "others", "anger")) >= 6


@pytest.mark.parametrize(("seed", "count"), [(0, 29), (4, 30)])
def test_every_defect_of_a_dirty_stand_in_is_reported(tmp_path, seed, count):
    Mmew.write_synthetic(tmp_path, StandIn(frames="empty", dirty=True, seed=seed))
    report = Mmew(tmp_path).verify()
    lines = [f"{x.what} {x.reason} {x.action}" for x in report.excluded] + list(report.problems)
    planted = json.loads((tmp_path / "SYNTHETIC.json").read_text())["planted"]
    assert len(planted) == count
    assert [p for p in planted if not any(p["where"] in line and p["shows"] in line for line in lines)] == []
    assert not report.complete
    assert len(Mmew(tmp_path).videos()) == 53


def test_rendered_stand_in(tmp_path):
    Mmew.write_synthetic(tmp_path, StandIn(subjects=1))
    videos = Mmew(tmp_path).videos()
    assert Mmew(tmp_path).verify().complete
    assert all(v.synthetic and v.landmarks and v.subject == "S01" for v in videos)
    assert all((e.onset, e.offset) == (0, len(v.frames) - 1) for v in videos for e in v.expressions)
    image = videos[0].frames.read(0)
    assert image.shape == (140, 140, 3)
    assert np.std(image) > 10
    with pytest.raises(DataError, match="exists already"):
        Mmew.write_synthetic(tmp_path, StandIn(subjects=1))
    with pytest.raises(DataError, match="cannot have 9 subjects"):
        Mmew.write_synthetic(tmp_path / "x", StandIn(subjects=9))
