import json
from pathlib import Path

import numpy as np
import openpyxl
import pytest
from mezoo_samm.long import SammLong

from mezoo import DataError
from mezoo.datasets import StandIn

HEADER = [
    "Subject",
    "Filename",
    "Inducement Code",
    "Onset",
    "Apex",
    "Offset",
    "Duration",
    "Type",
    "Action Units",
    "Notes",
]
MICRO, MACRO = "Micro - 1/2", "Macro"
TABLE = "SAMM_LongVideos_V3_Release.xlsx"


def row(filename, onset, apex, offset, kind=MICRO, aus=12):
    return [filename[:3], filename, int(filename[4]), onset, apex, offset, offset - onset + 1, kind, aus, None]


def write_table(path, rows, header=HEADER, sheet="FACS_Movement_Only"):
    book = openpyxl.Workbook()
    book.worksheets[0].title = sheet
    for _ in range(9):
        book.worksheets[0].append(["Free text, with an Apex Frame and a Type of its own"])
    for line in [header, *rows]:
        book.worksheets[0].append(line)
    book.save(path)


def add_video(root, code, n_frames=100, first=1, padding=4):
    folder = root / "SAMM_longvideos" / code
    folder.mkdir(parents=True)
    for n in range(first, first + n_frames):
        (folder / f"{code}_{n:0{padding}d}.jpg").touch()
    return folder


def release(root, rows, videos=("006_1",), n_frames=100):
    for code in videos:
        add_video(root, code, n_frames)
    write_table(root / TABLE, rows)
    return root


def expressions(root, **options):
    return [e for video in SammLong(root, **options).videos() for e in video.expressions]


def actions(root, **options):
    """What was done to which row, video or table; the nine lines above the header are always there."""
    found = {(x.what.split(" ")[0], x.action) for x in SammLong(root, **options).verify().excluded}
    return found - {(TABLE, "skipped")}


def test_a_row_becomes_an_expression_counted_from_zero(tmp_path):
    (video,) = SammLong(release(tmp_path, [row("006_1_2", 11, 20, 40, aus="R12+14")])).videos()
    (found,) = video.expressions
    assert (video.subject, video.code, video.fps, len(video.frames)) == ("006", "006_1", 200.0, 100)
    assert (found.code, found.kind, found.onset, found.apex, found.offset) == ("006_1_2", "micro", 10, 19, 39)
    assert (found.aus, found.published["Onset"], found.published["Type"]) == ("R12+14", "11", MICRO)
    assert not video.synthetic


@pytest.mark.parametrize("level", [".", "..", "SAMM_longvideos"])
def test_root_may_be_the_folder_above_or_the_videos_themselves(tmp_path, level):
    release(tmp_path / "a", [row("006_1_2", 11, 20, 40)])
    assert len(expressions(tmp_path / "a" / level)) == 1


def test_a_doubled_level_is_seen_through(tmp_path):
    add_video(tmp_path / "SAMM_longvideos" / "SAMM_longvideos", "006_1")
    write_table(tmp_path / TABLE, [row("006_1_2", 11, 20, 40)])
    assert len(expressions(tmp_path)) == 1


def test_the_highest_version_of_the_table_wins(tmp_path):
    release(tmp_path, [row("006_1_2", 11, 20, 40)])
    write_table(tmp_path / "SAMM_LongVideos_V1_Release.xlsx", [])
    write_table(tmp_path / "SAMM_longvideos" / "SAMM_LongVideos_V10_Release.xlsx", [row("006_1_2", 12, 20, 40)])
    assert [e.onset for e in expressions(tmp_path)] == [11]


@pytest.mark.parametrize("padding", [4, 5])
def test_both_paddings_and_stray_files(tmp_path, padding):
    folder = add_video(tmp_path, "006_1", padding=padding)
    for name in (".DS_Store", "006_1_0001.jpg.jpg", "007_1_0001.jpg", "006_1_001.jpg"):
        (folder / name).touch()
    write_table(tmp_path / TABLE, [row("006_1_2", 11, 20, 40)])
    (video,) = SammLong(tmp_path).videos()
    assert (len(video.frames), video.frames.number(0), video.frames.number(99)) == (100, 1, 100)
    assert ("006_1", "ignored") in actions(tmp_path)


def test_frames_are_sorted_as_numbers_beyond_9999(tmp_path):
    add_video(tmp_path, "006_1", n_frames=12, first=9995)
    write_table(tmp_path / TABLE, [row("006_1_2", 9996, 9998, 10003)])
    (video,) = SammLong(tmp_path).videos()
    assert [video.frames.number(i) for i in (0, 4, 5, 11)] == [9995, 9999, 10000, 10006]
    assert (video.expressions[0].onset, video.expressions[0].offset) == (1, 8)


def test_the_same_number_in_two_paddings_counts_once(tmp_path):
    folder = add_video(tmp_path, "006_1")
    (folder / "006_1_00001.jpg").touch()
    write_table(tmp_path / TABLE, [row("006_1_2", 11, 20, 40)])
    (video,) = SammLong(tmp_path).videos()
    assert len(video.frames) == 100
    assert ("006_1", "the file in the commoner padding is read") in actions(tmp_path)


def test_apex_minus_one_is_none(tmp_path):
    release(tmp_path, [row("006_1_2", 11, -1, 40)])
    assert [e.apex for e in expressions(tmp_path)] == [None]
    assert ("006_1_2", "kept without apex") in actions(tmp_path)


def test_an_apex_outside_its_interval_is_none(tmp_path):
    release(tmp_path, [row("006_1_2", 11, 60, 40)])
    assert [e.apex for e in expressions(tmp_path)] == [None]


def test_fractions_of_frames_are_rounded_and_numbers_may_be_text(tmp_path):
    release(
        tmp_path, [row("006_1_2", 11.4, 20, 40.6, MACRO), ["006", "006_1_3", 1, "50", "55", "60", 11, MICRO, 4, None]]
    )
    assert [(e.onset, e.offset) for e in expressions(tmp_path)] == [(10, 40), (49, 59)]
    assert expressions(tmp_path)[0].published["Onset"] == "11.4"


def test_one_name_for_two_types_is_two_expressions(tmp_path):
    release(tmp_path, [row("006_1_2", 11, 20, 60, MACRO), row("006_1_2", 12, 20, 40, MICRO)])
    assert [(e.code, e.kind) for e in expressions(tmp_path)] == [("006_1_2", "macro"), ("006_1_2", "micro")]
    assert actions(tmp_path) == set()


def test_the_same_name_and_type_twice_is_dropped_and_reported(tmp_path):
    release(tmp_path, [row("006_1_2", 11, 20, 60), row("006_1_2", 12, 20, 40)])
    assert [e.onset for e in expressions(tmp_path)] == [10]
    assert ("006_1_2", "dropped") in actions(tmp_path)


def test_onset_zero_is_clamped_and_kept_as_published(tmp_path):
    release(tmp_path, [row("006_1_1", 0, 5, 30, MACRO), row("006_1_2", 1, 5, 30)])
    assert [(e.code, e.onset, e.published["Onset"]) for e in expressions(tmp_path)] == [
        ("006_1_1", 0, "0"),
        ("006_1_2", 0, "1"),
    ]
    assert ("006_1_1", "clamped to the first frame") in actions(tmp_path)


def test_onset_zero_can_be_dropped_and_is_still_counted(tmp_path):
    release(tmp_path, [row("006_1_1", 0, 5, 30, MACRO), row("006_1_2", 1, 5, 30)])
    assert [e.code for e in expressions(tmp_path, onset_zero="drop")] == ["006_1_2"]
    assert SammLong(tmp_path, onset_zero="drop").verify().found["macro"] == 1
    assert ("006_1_1", "left out (option)") in actions(tmp_path, onset_zero="drop")


def test_an_offset_past_the_end_is_clipped(tmp_path):
    release(tmp_path, [row("006_1_2", 90, 95, 147, MACRO)])
    assert [(e.offset, e.published["Offset"]) for e in expressions(tmp_path)] == [(99, "147")]
    assert ("006_1_2", "clipped to the last frame") in actions(tmp_path)


def test_a_movement_wholly_past_the_end_is_dropped(tmp_path):
    release(tmp_path, [row("006_1_1", 5, 6, 7), row("006_1_2", 190, 195, 247)])
    assert [e.code for e in expressions(tmp_path)] == ["006_1_1"]
    assert ("006_1_2", "dropped") in actions(tmp_path)


def test_the_type_column_decides_not_the_length(tmp_path):
    release(tmp_path, [row("006_1_1", 5, 6, 7, MACRO), row("006_1_2", 1, 50, 100, MICRO)])
    assert {e.code: e.kind for e in expressions(tmp_path)} == {"006_1_1": "macro", "006_1_2": "micro"}


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (["006", "006_1_9", 1, "?", 5, 30, 1, MICRO, 1, None], "onset is unknown"),
        (["006", "006_1_9", 1, 3, 5, 0, 1, MICRO, 1, None], "offset is unknown"),
        (row("006_1_9", 30, 35, 20), "after offset"),
        (row("006_1_9", 3, 5, 20, "Mirco"), "neither macro nor micro"),
        (["006", "total", 1, 1, 5, 30, 1, MICRO, 1, None], "not subject_task_number"),
    ],
)
def test_rows_that_cannot_be_read_are_reported(tmp_path, bad, reason):
    dataset = SammLong(release(tmp_path, [row("006_1_2", 11, 20, 40), bad]))
    (dropped,) = [x for x in dataset.verify().excluded if x.action == "dropped"]
    assert reason in dropped.reason
    assert "row 12" in dropped.what
    assert len(dataset.videos()[0].expressions) == 1


def test_rows_without_frames_and_frames_without_rows_are_reported(tmp_path):
    dataset = SammLong(release(tmp_path, [row("006_1_2", 1, 9, 60), row("007_1_2", 1, 2, 3)], ("006_1", "006_2")))
    report = dataset.verify()
    assert [video.code for video in dataset.videos()] == ["006_1", "006_2"]
    assert report.problems == ("007_1: no frames on disk for 1 row(s)",)
    assert ("006_2", "kept without expressions") in actions(tmp_path)
    assert report.expected == {"subjects": 30, "videos": 147, "rows": 502, "micro": 159, "macro": 343}
    assert report.found == {"subjects": 2, "videos": 2, "frames": 200, "rows": 2, "micro": 2, "macro": 0}
    assert not report.complete


def test_gaps_and_empty_folders_are_reported_and_indices_stay_right(tmp_path):
    folder = add_video(tmp_path, "006_1")
    (folder / "006_1_0010.jpg").unlink()
    (tmp_path / "SAMM_longvideos" / "006_2").mkdir()
    write_table(tmp_path / TABLE, [row("006_1_2", 11, 20, 40), row("006_2_1", 1, 2, 3)])
    (video,) = SammLong(tmp_path).videos()
    assert video.frames.number(video.expressions[0].onset) == 11
    report = SammLong(tmp_path).verify()
    said = {(x.what, x.reason) for x in report.excluded}
    assert ("006_1", "1 frame(s) missing in the numbering, the first is 10") in said
    assert ("006_2", "the folder holds no frame") in said
    assert report.problems == ("006_2: no frames on disk for 1 row(s)",)


def test_index_is_number_minus_first_number(tmp_path):
    add_video(tmp_path, "006_1", first=501)
    write_table(tmp_path / TABLE, [row("006_1_2", 511, 520, 540)])
    assert [(e.onset, e.apex, e.offset) for e in expressions(tmp_path)] == [(10, 19, 39)]


@pytest.mark.parametrize(
    ("rows", "lost"),
    [
        ([row("006_1_2", 1, 9, 60), row("006_1_3", 30, 20, 10)], "after offset"),
        ([row("006_1_2", 1, 9, 60), row("006_2_1", 1, 9, 60)], "006_2: no frames on disk"),
    ],
)
def test_strict_refuses_what_is_lost(tmp_path, rows, lost):
    release(tmp_path, rows)
    assert len(SammLong(tmp_path).videos()) == 1
    with pytest.raises(DataError, match=lost):
        SammLong(tmp_path, strict=True).videos()


def test_the_table_alone_gives_rows_and_counts_but_no_videos(tmp_path):
    write_table(tmp_path / TABLE, [row("006_1_2", 11, 20, 40), row("007_3_1", 1, 2, 300, MACRO)])
    dataset = SammLong(tmp_path)
    assert [(a.subject, a.clip, a.code, a.kind, a.onset) for a in dataset.annotations()] == [
        ("006", "006_1", "006_1_2", "micro", 11),
        ("007", "007_3", "007_3_1", "macro", 1),
    ]
    assert dataset.verify().found == {"subjects": 2, "videos": 0, "frames": 0, "rows": 2, "micro": 1, "macro": 1}
    assert "only the table was read" in dataset.verify().problems[0]
    with pytest.raises(DataError, match="no frames in"):
        dataset.videos()


def test_longest_leaves_out_long_expressions(tmp_path):
    release(tmp_path, [row("006_1_1", 1, 5, 80, MACRO), row("006_1_2", 1, 5, 79)])
    assert [e.code for e in expressions(tmp_path, longest=79)] == ["006_1_2"]
    assert actions(tmp_path, longest=79) == {("006_1_1", "left out (option)")}


def test_a_duration_that_is_not_that_of_onset_and_offset_is_reported(tmp_path):
    wrong = [*row("006_1_2", 11, 20, 40)[:6], 99, MICRO, 12, None]
    release(tmp_path, [row("006_1_1", 11.4, 20, 40, MACRO), wrong, row("006_1_3", 50, 55, 60)])
    said = [x for x in SammLong(tmp_path).verify().excluded if "Duration" in x.reason]
    assert [(x.what, x.reason) for x in said] == [("006_1_2 (row 12)", "Duration 99, but 11..40 is 30 frames")]


def codes(path, *rows):
    """A table of SAMM: Filename, onset, offset, emotion, objective class."""
    header = ["Subject", "Filename", "Onset Frame", "Apex Frame", "Offset Frame", "Action Units"]
    path.parent.mkdir(exist_ok=True)
    lines = [[f[:3], f, on, on + 1, off, 12, emotion, objective] for f, on, off, emotion, objective in rows]
    write_table(path, lines, [*header, "Estimated Emotion", "Objective Classes"], sheet="MICRO_ONLY")
    return path


SAMM = "SAMM_Micro_FACS_Codes_v2.xlsx"


@pytest.mark.parametrize(
    ("place", "given"),
    [(SAMM, None), (f"SAMM/{SAMM}", None), (f"../{SAMM}", None), (f"../x/{SAMM}", "x"), (f"../x/{SAMM}", f"x/{SAMM}")],
)
def test_emotions_are_those_of_samm_wherever_its_table_lies(tmp_path, place, given):
    root = release(tmp_path / "long", [row("006_1_2", 11, 20, 40), row("006_1_3", 50, 55, 60)])
    codes(root / place, ("006_1_2", 2011, 2040, "Other", 7), ("006_1_3", 2050, 2060, "Anger", 3))
    dataset = SammLong(root, samm=tmp_path / given if given else None)
    found = dataset.videos()[0].expressions
    assert [(e.emotion, e.objective) for e in found] == [("others", 7), ("anger", 3)]
    assert (found[0].published["Estimated Emotion"], found[0].published["Onset"]) == ("Other", "11")
    assert dataset.verify().expected["anger"] == 57
    assert not [x for x in dataset.verify().excluded if "SAMM" in x.reason]


def test_without_a_table_of_samm_emotions_are_unknown(tmp_path):
    root = release(tmp_path / "long", [row("006_1_2", 11, 20, 40)])
    assert [(e.emotion, e.objective) for e in expressions(root)] == [("", None)]
    assert "anger" not in SammLong(root).verify().expected
    with pytest.raises(DataError, match=r"SAMM_Micro_FACS_Codes_v\*\.xlsx"):
        SammLong(root, samm=root).videos()
    with pytest.raises(DataError, match="does not exist"):
        SammLong(root, samm=root / "nowhere").videos()


def test_a_macro_expression_never_gets_an_emotion(tmp_path):
    rows = [row("037_4_1", 11, 20, 60, MACRO), row("037_4_1", 12, 20, 40), row("037_4_2", 70, 75, 80, MACRO)]
    release(tmp_path, rows, ("037_4",))
    codes(tmp_path / SAMM, ("037_4_1", 112, 140, "Fear", 6), ("037_4_2", 170, 180, "Anger", 3))
    assert {(e.code, e.kind): (e.emotion, e.objective) for e in expressions(tmp_path)} == {
        ("037_4_1", "macro"): ("", None),
        ("037_4_1", "micro"): ("fear", 6),
        ("037_4_2", "macro"): ("", None),
    }


def test_rows_without_a_partner_are_reported_on_both_sides(tmp_path):
    release(tmp_path, [row("006_1_2", 11, 20, 40), row("006_1_3", 50, 55, 60)])
    codes(tmp_path / SAMM, ("006_1_2", 11, 40, "Fear", 6), ("006_1_4", 1, 2, "Anger", 3))
    assert [e.emotion for e in expressions(tmp_path)] == ["fear", ""]
    said = {(x.what, x.reason, x.action) for x in SammLong(tmp_path).verify().excluded}
    assert ("006_1_3 (micro, row 12)", f"no row of this name in {SAMM}", "kept without emotion") in said
    what = f"{SAMM}: 006_1_4 (micro, row 12)"
    assert (what, "no micro-expression of this name in the long videos", "not used") in said


def test_a_row_that_is_not_shifted_like_its_video_is_reported_and_kept(tmp_path):
    rows = [
        row("006_1_1", 11, 20, 40),
        row("006_1_2", 50, 55, 60),
        row("006_1_3", 70, 75, 90),
        row("007_1_1", 1, 2, 30),
    ]
    release(tmp_path, rows, ("006_1", "007_1"))
    moved = [("006_1_1", 2011, 2040, "Fear", 6), ("006_1_2", 2050, 2060, "Fear", 6), ("006_1_3", 2071, 2091, "Fear", 6)]
    codes(tmp_path / SAMM, *moved, ("007_1_1", 1, 31, "Anger", 3))
    said = {x.what: (x.reason, x.action) for x in SammLong(tmp_path).verify().excluded if "apart" in x.reason}
    assert said == {
        "006_1_3 (micro, row 13)": (
            "70..90 here and 2071..2091 in SAMM, not 2000 frames apart as 006_1 is on the whole",
            "kept",
        ),
        "007_1_1 (micro, row 14)": (
            "1..30 here and 1..31 in SAMM, not 0 frames apart as 007_1 is on the whole",
            "kept",
        ),
    }
    assert [e.emotion for e in expressions(tmp_path)] == ["fear", "fear", "fear", "anger"]


def test_subset_micro_leaves_out_videos_without_one(tmp_path):
    release(tmp_path, [row("006_1_2", 1, 2, 3), row("006_2_1", 1, 2, 3, MACRO)], ("006_1", "006_2"))
    assert [video.code for video in SammLong(tmp_path, subset="micro").videos()] == ["006_1"]
    assert [video.code for video in SammLong(tmp_path).videos()] == ["006_1", "006_2"]


def test_own_errata_are_applied_and_reported(tmp_path):
    release(tmp_path, [row("006_1_2", 11, -1, 40)])
    errata = tmp_path / "errata.csv"
    lines = [
        "subject,clip,field,published,corrected,reason",
        "006,006_1_2,Apex,-1,25,seen",
        "006,006_1_2,Onset,99,1,old",
    ]
    errata.write_text("\n".join(lines), encoding="utf-8")
    (found,) = expressions(tmp_path, errata=errata)
    assert (found.apex, found.published["Apex"]) == (24, "-1")
    assert ("006_1_2", "Apex corrected: -1 -> 25") in actions(tmp_path, errata=errata)
    assert "errata: no row 006_1_2 with Onset = 99" in SammLong(tmp_path, errata=errata).verify().problems


def test_shipped_errata_apply_where_the_published_value_still_stands(tmp_path):
    release(tmp_path, [row("020_6_5", 10, 20, 5476), row("020_6_3", 0, 5, 30)], ("020_6",))
    assert ("020_6_5", "Offset corrected: 5476 -> 5001") in actions(tmp_path)
    assert ("020_6_3", "Onset corrected: 0 -> 1") in actions(tmp_path)
    assert not [a for _, a in actions(tmp_path, errata=False) if "corrected" in a]
    assert [e.code for e in expressions(tmp_path, onset_zero="drop")] == ["020_6_5"]
    write_table(tmp_path / TABLE, [row("020_6_5", 10, 20, 5001)])
    assert not [a for _, a in actions(tmp_path) if "corrected" in a]


def test_landmarks_beside_the_videos_or_in_a_given_folder(tmp_path):
    release(tmp_path / "data", [row("006_1_2", 1, 2, 3)], ("006_1", "006_2"))
    for folder in (tmp_path / "data" / "landmarks", tmp_path / "mine"):
        folder.mkdir()
        (folder / "006_1.csv").touch()
    beside = SammLong(tmp_path / "data").videos()
    given = SammLong(tmp_path / "data", landmarks=tmp_path / "mine").videos()
    assert [v.landmarks for v in beside] == [tmp_path / "data" / "landmarks" / "006_1.csv", None]
    assert given[0].landmarks == tmp_path / "mine" / "006_1.csv"


def test_videos_without_table(tmp_path):
    add_video(tmp_path, "006_1")
    with pytest.raises(DataError, match=r"SAMM_LongVideos_V\*_Release\.xlsx"):
        SammLong(tmp_path).videos()


def test_folders_without_a_frame(tmp_path):
    with pytest.raises(DataError, match=r"no frames in .*SAMM_longvideos"):
        SammLong(release(tmp_path, [row("006_1_2", 1, 2, 3)], n_frames=0)).videos()


def test_a_table_of_other_videos(tmp_path):
    dataset = SammLong(release(tmp_path, [row("001_1_2", 1, 2, 3)]))
    with pytest.raises(DataError, match="no row"):
        dataset.videos()
    assert dataset.verify().problems


@pytest.mark.parametrize("column", ["Subject", "Filename", "Onset", "Apex", "Offset", "Type", "Action Units"])
def test_a_missing_column_is_named(tmp_path, column):
    add_video(tmp_path, "006_1")
    keep = [i for i, name in enumerate(HEADER) if name != column]
    path = tmp_path / TABLE
    write_table(path, [[row("006_1_2", 1, 2, 3)[i] for i in keep]], [HEADER[i] for i in keep])
    with pytest.raises(DataError, match=f"{path.name}.*FACS_Movement_Only.*'{column}'"):
        SammLong(tmp_path).videos()


@pytest.fixture(scope="module")
def stand_in(tmp_path_factory):
    out = tmp_path_factory.mktemp("stand_in")
    SammLong.write_synthetic(out, StandIn(subjects=2, videos=1, seconds=5))
    return out


def test_stand_in_is_complete_by_its_own_mark(stand_in):
    report = SammLong(stand_in).verify()
    assert report.complete, report
    assert report.found["videos"] == 2
    assert report.found["frames"] == 2 * 1000
    assert report.found["micro"] > 0
    assert report.found["macro"] > 0


@pytest.mark.parametrize("level", [".", "SAMM_longvideos"])
def test_stand_in_is_known_as_one(stand_in, level):
    videos = SammLong(stand_in / level).videos()
    assert all(video.synthetic for video in videos)
    assert [video.subject for video in videos] == ["006", "007"]
    assert all(video.landmarks for video in videos)


def test_stand_in_has_the_slips_of_the_real_table(stand_in):
    done = {x.action for x in SammLong(stand_in).verify().excluded}
    assert done >= {"clamped to the first frame", "clipped to the last frame", "kept without apex"}
    names = [e.code for v in SammLong(stand_in).videos() for e in v.expressions]
    assert len(names) == len(set(names)) + 1
    sheet = openpyxl.load_workbook(stand_in / TABLE)["FACS_Movement_Only"]
    assert [cell.value for cell in sheet[10]] == HEADER


def test_stand_in_frames_are_grey_pictures(stand_in):
    image = SammLong(stand_in).videos()[0].frames.read(0, grey=True)
    assert image.shape == (256, 192)
    assert np.std(image) > 10


def test_stand_in_has_emotions_from_its_table_of_samm(stand_in):
    videos = SammLong(stand_in).videos()
    assert all((e.emotion != "") == (e.kind == "micro") for v in videos for e in v.expressions)
    assert not [x for x in SammLong(stand_in).verify().excluded if SAMM in x.what or "SAMM" in x.reason]
    assert (stand_in / SAMM).is_file()


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    out = tmp_path_factory.mktemp("full")
    SammLong.write_synthetic(out, StandIn(preset="full", frames="none"))
    return SammLong(out)


def test_full_stand_in_has_the_counts_of_the_real_table(full):
    report, rows = full.verify(), full.annotations()
    wanted = {"subjects": 30, "rows": 502, "micro": 159, "macro": 343}
    assert {k: report.found[k] for k in wanted} == wanted
    assert {k: report.expected[k] for k in wanted} == wanted
    assert report.expected["videos"] == 147
    micro, macro = ([a for a in rows if a.kind == kind] for kind in ("micro", "macro"))
    assert len({a.clip for a in micro}) == 79
    everybody = {a.subject for a in rows}
    assert everybody - {a.subject for a in micro} == {"008"}
    assert everybody - {a.subject for a in macro} == {"031"}
    assert sum(a.subject == "011" for a in micro) == 20
    assert sum(report.classes["native"].values()) == 159


@pytest.mark.parametrize("seed", [0, 3])
def test_every_defect_of_a_dirty_stand_in_is_reported(tmp_path, seed):
    SammLong.write_synthetic(tmp_path, StandIn(subjects=8, frames="empty", dirty=True, seed=seed))
    report = SammLong(tmp_path).verify()
    lines = [f"{x.what} {x.reason} {x.action}" for x in report.excluded] + list(report.problems)
    planted = json.loads((tmp_path / "SYNTHETIC.json").read_text())["planted"]
    assert len(planted) == 29
    assert [p for p in planted if not any(p["where"] in line and p["shows"] in line for line in lines)] == []
    assert not report.complete
    assert len(SammLong(tmp_path).videos()) == 14


def test_stand_in_is_never_written_over_data(stand_in, tmp_path):
    with pytest.raises(DataError, match="006_1 exists already"):
        SammLong.write_synthetic(stand_in, StandIn())
    assert json.loads((stand_in / "SYNTHETIC.json").read_text())["spec"]["subjects"] == 2
    with pytest.raises(DataError, match="small, full"):
        SammLong.write_synthetic(tmp_path, StandIn(preset="tiny"))
    assert list(Path(tmp_path).iterdir()) == []
