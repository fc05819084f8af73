import json

import numpy as np
import openpyxl
import pytest
from mezoo_casme.cas_me_cubed import CasMeCubed

from mezoo import DataError
from mezoo.datasets import StandIn

HEADER = ["Subject", "Filename", "Onset", "Apex", "Offset", "AU", "Expression type", "Objective class"]
LABEL_HEADER = ["Subject", "Filename", "Onset", "Apex", "Offset", "AU", "Objective class", "emotion"]
ME, MAE = "Micro-expression", "Macro-expression"
MAIN = "part_A/annotation/CAS(ME)3_part_A_v2.xls"
LABELS = "part_A/annotation/cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx"
MACRO_LABELS = "part_A/annotation/cas(me)3_part_A_MaE_label_JpgIndex_v2_emotion.xlsx"
FRAMES = "part_A/data/part_A"


def row(letter, onset, apex, offset, kind=ME, subject="spNO.1", aus="4", objective="III"):
    return [subject, letter, str(onset), str(apex), str(offset), aus, kind, objective]


def label(letter, onset, apex, offset, emotion="disgust", subject="spNO.1", aus="4", objective="III"):
    return [subject, letter, str(onset), str(apex), str(offset), aus, objective, emotion]


def write_table(path, lines, header, sheet):
    book = openpyxl.Workbook()
    book.active.title = sheet
    for line in [header, *lines]:
        book.active.append(line)
    if header == HEADER:
        blinks = book.create_sheet("eye blink")
        for line in (["Subject", "Filename", "Onset", "Offset"], ["spNO.1", "a", "20", "30"]):
            blinks.append(line)
    path.parent.mkdir(parents=True, exist_ok=True)
    book.save(path)
    return path


def add_frames(folder, n=50, first=8):
    folder.mkdir(parents=True)
    for k in range(first, first + n):
        (folder / f"{k}.jpg").touch()
    return folder


def release(root, rows, labels=(), videos=("spNO.1/a/color",), **more):
    for video in videos:
        add_frames(root / FRAMES / video, **more)
    write_table(root / MAIN, rows, HEADER, "AU+Emotion")
    write_table(root / LABELS, labels, LABEL_HEADER, "label")
    return root


def expressions(root, **options):
    return [e for video in CasMeCubed(root, **options).videos() for e in video.expressions]


def excluded(root, **options):
    return {(x.what, x.reason, x.action) for x in CasMeCubed(root, **options).verify().excluded}


def test_frames_are_found_by_number_not_by_place(tmp_path):
    release(tmp_path, [row("a", 18, 20, 30, aus="4+R10", objective="VII")], [label("a", 18, 20, 30)])
    (video,) = CasMeCubed(tmp_path).videos()
    (found,) = video.expressions
    assert (video.key, video.fps, len(video.frames)) == ("cas_me_cubed/spNO.1/a", 30.0, 50)
    assert (found.code, found.kind, found.onset, found.apex, found.offset) == ("a_18", "micro", 10, 12, 22)
    assert (found.emotion, found.aus, found.objective) == ("disgust", "4+R10", 7)
    assert found.published["Onset"] == "18"
    assert "Code" not in found.published


def test_frames_that_were_dropped_inside_do_not_move_what_follows(tmp_path):
    release(tmp_path, [row("a", 18, 20, 30)])
    for n in (12, 13, 19, 25):
        (tmp_path / FRAMES / "spNO.1/a/color" / f"{n}.jpg").unlink()
    (video,) = CasMeCubed(tmp_path).videos()
    (found,) = video.expressions
    assert [video.frames.number(i) for i in (found.onset, found.apex, found.offset)] == [18, 20, 30]
    assert ("spNO.1/a", "4 frame(s) missing in the numbering, the first is 12", "kept; frames are found by number") in (
        excluded(tmp_path)
    )


def test_several_rows_of_one_file_are_told_apart_by_onset(tmp_path):
    release(tmp_path, [row("a", 10, 12, 20), row("a", 25, 26, 30, MAE), row("a", 25, 26, 30, MAE)])
    assert [(e.code, e.kind) for e in expressions(tmp_path)] == [("a_10", "micro"), ("a_25", "macro")]
    assert ("spNO.1/a_25 (macro, row 4)", "same clip and kind as row 3", "dropped") in excluded(tmp_path)


def test_file_letters_in_upper_case(tmp_path):
    release(
        tmp_path, [row("J", 18, 20, 30, subject="spNO.11")], [label("j", 18, 20, 30, subject="spNO.11")], ["spNO.11/j"]
    )
    (video,) = CasMeCubed(tmp_path).videos()
    assert (video.code, video.expressions[0].code, video.expressions[0].emotion) == ("j", "j_18", "disgust")
    assert ("row 2", "1 Filename(s) in upper case", "read as lower case") in excluded(tmp_path)


@pytest.mark.parametrize(
    ("written", "read"), [("Others", "others"), ("happy", "happiness"), ("sad", "sadness"), ("fear", "fear")]
)
def test_emotions_are_joined_and_named_as_classes(tmp_path, written, read):
    release(tmp_path, [row("a", 18, 20, 30), row("a", 35, 36, 40, MAE)], [label("a", 18, 20, 30, written)])
    assert [e.emotion for e in expressions(tmp_path)] == [read, ""]
    spelt = ("row 2", f"emotion {written!r} in 1 row(s)", f"read as {read}") in excluded(tmp_path)
    assert spelt == (written != "fear")


@pytest.mark.parametrize("frames", [(19, 20, 30), (18, 20, 0), (18, 83, 30)])
def test_a_label_that_differs_in_one_frame_is_still_joined(tmp_path, frames):
    rows = [row("a", 18, 20, 30), row("a", 35, 36, 40)]
    release(tmp_path, rows, [label("a", *frames, "fear"), label("a", 35, 36, 40, "sad")])
    assert [e.emotion for e in expressions(tmp_path)] == ["fear", "sadness"]
    notes = {reason for _, reason, _ in excluded(tmp_path)}
    assert ("row 2 has other frames" in notes) == (frames[1] == 20)


def test_a_label_without_a_row_is_reported(tmp_path):
    release(tmp_path, [row("a", 18, 20, 30, MAE)], [label("a", 18, 20, 30)])
    assert [e.emotion for e in expressions(tmp_path)] == [""]
    what = "spNO.1/a_18 (micro, row 2 of the emotions)"
    assert (what, "no row has its frames", "emotion not used") in excluded(tmp_path)


def test_emotions_of_macro_expressions_where_they_are_there(tmp_path):
    release(tmp_path, [row("a", 18, 20, 30), row("a", 35, 36, 40, MAE)], [label("a", 18, 20, 30)])
    assert CasMeCubed(tmp_path).verify().expected["disgust"] == 250
    header = ["sub", "seq", "onset", "apex", "offset", "em"]
    write_table(tmp_path / MACRO_LABELS, [[1, "a", 35, 36, 40, "happy"]], header, "Sheet1")
    assert [e.emotion for e in expressions(tmp_path)] == ["disgust", "happiness"]
    assert "disgust" not in CasMeCubed(tmp_path).verify().expected
    assert CasMeCubed(tmp_path).verify().classes["native"]["happiness"] == 0


def test_an_unreadable_table_of_macro_emotions_is_a_problem(tmp_path):
    release(tmp_path, [row("a", 18, 20, 30)], [label("a", 18, 20, 30)])
    write_table(tmp_path / MACRO_LABELS, [[1, "a", 35, 36, 40]], ["sub", "seq", "onset", "apex", "offset"], "Sheet1")
    (problem,) = CasMeCubed(tmp_path).verify().problems
    assert problem.startswith("emotions of macro-expressions are unknown")
    assert "'emotion'" in problem
    assert len(expressions(tmp_path)) == 1


def test_without_the_table_of_emotions(tmp_path):
    release(tmp_path, [row("a", 18, 20, 30)])
    (tmp_path / LABELS).unlink()
    report = CasMeCubed(tmp_path).verify()
    assert report.problems == ("no table cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx: emotions are unknown",)
    assert "disgust" not in report.expected
    assert [e.emotion for e in expressions(tmp_path)] == [""]


def test_the_table_of_emotions_alone(tmp_path):
    release(tmp_path, [], [label("a", 18, 20, 30, "happy", objective="I")])
    (tmp_path / MAIN).unlink()
    (found,) = expressions(tmp_path)
    assert (found.kind, found.onset, found.emotion, found.objective) == ("micro", 10, "happiness", 1)
    expected = CasMeCubed(tmp_path).verify().expected
    assert (expected["rows"], expected["micro"], expected["macro"], expected["fear"]) == (860, 860, 0, 86)


@pytest.mark.parametrize(
    ("code", "number"), [("I", 1), ("II", 2), ("III", 3), ("IV", 4), ("V", 5), ("VI", 6), ("VII", 7)]
)
def test_objective_classes_in_roman_numerals(tmp_path, code, number):
    release(tmp_path, [row("a", 18, 20, 30, objective=code)])
    assert expressions(tmp_path)[0].objective == number
    assert CasMeCubed(tmp_path).verify().classes["objective_7"][code] == 1


def test_an_odd_au_keeps_its_text(tmp_path):
    release(tmp_path, [row("a", 18, 20, 30, aus="r18")])
    assert expressions(tmp_path)[0].aus == "r18"
    assert CasMeCubed(tmp_path).verify().classes["action_units"] == {"AU18": 1}


@pytest.mark.parametrize("level", [".", "..", "part_A", "part_A/data", "part_A/data/part_A"])
def test_roots(tmp_path, level):
    release(tmp_path / "CASME3", [row("a", 18, 20, 30)], [label("a", 18, 20, 30)])
    assert [e.emotion for e in expressions(tmp_path / "CASME3" / level)] == ["disgust"]


@pytest.mark.parametrize(
    "video", ["spNO.1/a/color", "spNO.1/a", "spNO.1/color/a", "spNO.1/A/Colour", "spNO1/a", "part_A/spNO.1/a"]
)
def test_unpackings(tmp_path, video):
    release(tmp_path, [row("a", 18, 20, 30)], videos=[video])
    (found,) = CasMeCubed(tmp_path).videos()
    assert (found.subject, found.code, len(found.frames)) == ("spNO.1", "a", 50)


def test_depth_and_the_other_parts_are_left_alone(tmp_path):
    release(tmp_path, [row("a", 18, 20, 30)])
    depth = tmp_path / FRAMES / "spNO.1/a/depth"
    depth.mkdir()
    (depth / "355.png").touch()
    add_frames(tmp_path / "part_B/data/spNO.1/b/color")
    add_frames(tmp_path / "part_C/data/spNO.9/a/color")
    (found,) = CasMeCubed(tmp_path).videos()
    assert found.frames.folder == tmp_path / FRAMES / "spNO.1/a/color"
    assert CasMeCubed(tmp_path).verify().found["videos"] == 1


def test_a_video_met_twice_is_a_problem(tmp_path):
    release(tmp_path, [row("a", 18, 20, 30)], [label("a", 18, 20, 30)], ["spNO.1/a/color", "again/spNO.1/a"])
    (problem,) = CasMeCubed(tmp_path).verify().problems
    assert problem.startswith("spNO.1/a: two folders of this video")


def test_videos_without_a_row_are_kept_and_rows_without_frames_reported(tmp_path):
    release(tmp_path, [row("a", 18, 20, 30), row("c", 1, 2, 3)], [label("a", 18, 20, 30)], ["spNO.1/a", "spNO.1/b"])
    assert [(v.code, len(v.expressions)) for v in CasMeCubed(tmp_path).videos()] == [("a", 1), ("b", 0)]
    assert CasMeCubed(tmp_path).verify().problems == ("spNO.1/c: no frames on disk for 1 row(s)",)
    with pytest.raises(DataError, match=r"spNO\.1/c: no frames on disk"):
        CasMeCubed(tmp_path, strict=True).videos()


def test_the_highest_version_wins_and_the_first_has_its_own_counts(tmp_path):
    release(tmp_path, [row("a", 18, 20, 30)])
    write_table(tmp_path / "part_A/annotation/CAS(ME)3_part_A_v1.xls", [row("a", 28, 30, 40)], HEADER, "AU+Emotion")
    assert [a.onset for a in CasMeCubed(tmp_path).annotations()] == [18]
    (tmp_path / MAIN).unlink()
    rows = [row("a", n, n, n + 1) for n in range(1, 922)] + [row("b", n, n, n + 1, MAE) for n in range(1, 9)]
    write_table(tmp_path / "part_A/annotation/CAS(ME)3_part_A_v1.xls", rows, HEADER, "AU+Emotion")
    expected = CasMeCubed(tmp_path).verify().expected
    assert (expected["micro"], expected["macro"], "disgust" in expected) == (921, 3285, False)


@pytest.mark.parametrize(
    ("subject", "frames", "field", "corrected"),
    [
        ("spNO.149", ("d", 112, 83, 358), "apex", 123),
        ("spNO.214", ("c", 5, 5, 3460), "offset", 34),
        ("spNO.216", ("e", 0, 0, 25), "onset", 1),
        ("spNO.216", ("e", 0, 0, 25), "apex", 1),
        ("spNO.40", ("e", 1812, 1824, 0), "offset", 1845),
        ("spNO.40", ("e", 2327, 2363, 0), "offset", 2403),
    ],
)
def test_shipped_errata(tmp_path, subject, frames, field, corrected):
    letter, onset, apex, offset = frames
    release(tmp_path, [row(*frames, subject=subject)], videos=[])
    (mended,) = CasMeCubed(tmp_path).annotations()
    assert (getattr(mended, field), mended.code) == (corrected, f"{letter}_{onset}")
    (raw,) = CasMeCubed(tmp_path, errata=False).annotations()
    assert getattr(raw, field) != corrected
    right = {"onset": onset or 1, "apex": apex or 1, "offset": offset or 1, field: corrected}
    release(tmp_path, [row(letter, *right.values(), subject=subject)], videos=[])
    assert not [a for *_, a in excluded(tmp_path) if "corrected" in a and field.title() in a]


def test_own_errata(tmp_path):
    release(tmp_path, [row("a", 18, 0, 30)], videos=[])
    lines = ["subject,clip,field,published,corrected,reason", "spNO.1,a_18,Apex,0,25,seen", "spNO.1,a_9,Onset,9,1,old"]
    (tmp_path / "mine.csv").write_text("\n".join(lines), encoding="utf-8")
    dataset = CasMeCubed(tmp_path, errata=tmp_path / "mine.csv")
    assert dataset.annotations()[0].apex == 25
    assert "errata: no row a_9 with Onset = 9" in dataset.verify().problems


def test_the_tables_alone(tmp_path):
    release(tmp_path, [row("a", 18, 20, 30), row("b", 1, 2, 900, MAE)], [label("a", 18, 20, 30)], videos=[])
    report = CasMeCubed(tmp_path).verify()
    assert report.problems == (f"no frames of CAS(ME)^3 in {tmp_path}: only the table was read",)
    assert report.found == {"subjects": 1, "videos": 0, "frames": 0, "rows": 2, "micro": 1, "macro": 1, "disgust": 1}
    assert report.expected == {
        "subjects": 100,
        "videos": 1300,
        "rows": 4206,
        "micro": 860,
        "macro": 3346,
        "disgust": 250,
        "surprise": 187,
        "others": 161,
        "fear": 86,
        "anger": 64,
        "sadness": 57,
        "happiness": 55,
    }
    with pytest.raises(DataError, match="no frames"):
        CasMeCubed(tmp_path).videos()


@pytest.mark.parametrize("column", ["Subject", "Filename", "Onset", "Apex", "Offset", "AU", "Expression type"])
def test_a_missing_column_is_named(tmp_path, column):
    keep = [i for i, name in enumerate(HEADER) if name != column]
    path = write_table(tmp_path / MAIN, [[row("a", 1, 2, 3)[i] for i in keep]], [HEADER[i] for i in keep], "AU+Emotion")
    with pytest.raises(DataError) as caught:
        CasMeCubed(tmp_path).annotations()
    assert f"'{column}'" in str(caught.value)
    assert path.name in str(caught.value)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (row("z", 1, 2, 3), "'spNO.1', 'z' is no subject and letter of a video"),
        (row("a", 1, 2, 3, "macro or micro?"), ""),
        (row("a", 1, 2, 3, "blink"), "Expression type 'blink' of a_1 is neither macro nor micro"),
    ],
)
def test_rows_that_cannot_be_read_are_reported(tmp_path, bad, reason):
    release(tmp_path, [row("a", 18, 20, 30), bad])
    dropped = {r for what, r, action in excluded(tmp_path) if what == "row 3" and action == "dropped"}
    assert dropped == ({reason} if reason else set())


def test_landmarks_beside_the_subjects_or_in_a_given_folder(tmp_path):
    release(tmp_path, [row("a", 18, 20, 30)])
    for folder in (tmp_path / FRAMES / "landmarks", tmp_path / "mine"):
        (folder / "spNO.1").mkdir(parents=True)
        (folder / "spNO.1" / "a.csv").touch()
    (beside,) = CasMeCubed(tmp_path).videos()
    (given,) = CasMeCubed(tmp_path, landmarks=tmp_path / "mine").videos()
    assert beside.landmarks == tmp_path / FRAMES / "landmarks/spNO.1/a.csv"
    assert given.landmarks == tmp_path / "mine/spNO.1/a.csv"


def test_full_tables_have_the_published_counts(tmp_path):
    CasMeCubed.write_synthetic(tmp_path, StandIn(preset="full", frames="none"))
    dataset = CasMeCubed(tmp_path)
    report, rows = dataset.verify(), dataset.annotations()
    assert {k: report.found[k] for k in ("rows", "micro", "macro")} == {"rows": 4206, "micro": 860, "macro": 3346}
    emotions = {"disgust": 250, "surprise": 187, "others": 161, "fear": 86, "anger": 64, "sadness": 57, "happiness": 55}
    assert report.classes["native"] == report.classes["cas_me_cubed_7"] == emotions
    assert report.classes["cas_me_cubed_3"] == {"negative": 457, "positive": 55, "surprise": 187}
    assert sum(report.classes["objective_7"].values()) == 860
    micro = [a for a in rows if a.kind == "micro"]
    assert (len({a.subject for a in rows}), len({a.subject for a in micro})) == (98, 94)
    assert (len({(a.subject, a.clip) for a in rows}), len({(a.subject, a.clip) for a in micro})) == (956, 463)
    assert {"spNO.16", "spNO.140", "spNO.151", "spNO.218"}.isdisjoint({a.subject for a in micro})
    mark = json.loads((tmp_path / "SYNTHETIC.json").read_text())["expected"]
    assert (mark["subjects"], mark["videos"]) == (100, 1300)


def test_a_clean_stand_in_is_complete(tmp_path):
    CasMeCubed.write_synthetic(tmp_path, StandIn(subjects=2, seconds=8.0, frames="empty"))
    report = CasMeCubed(tmp_path).verify()
    assert report.complete, report
    assert (report.found["videos"], report.found["frames"], report.found["rows"]) == (4, 959, 12)
    videos = CasMeCubed(tmp_path).videos()
    assert all(v.synthetic and v.frames.number(0) > 1 for v in videos)
    with pytest.raises(DataError, match="exists already"):
        CasMeCubed.write_synthetic(tmp_path, StandIn(subjects=2, seconds=8.0, frames="empty"))


def test_every_planted_defect_is_reported(tmp_path):
    CasMeCubed.write_synthetic(tmp_path, StandIn(seconds=8.0, dirty=True, frames="empty"))
    report = CasMeCubed(tmp_path).verify()
    lines = [f"{x.what} {x.reason} {x.action}" for x in report.excluded] + list(report.problems)
    planted = json.loads((tmp_path / "SYNTHETIC.json").read_text())["planted"]
    assert [p for p in planted if not any(p["where"] in line and p["shows"] in line for line in lines)] == []
    assert len(planted) == 28
    assert not report.complete
    assert len(CasMeCubed(tmp_path).videos()) > 10


def test_a_rendered_stand_in_can_be_read(tmp_path):
    CasMeCubed.write_synthetic(tmp_path, StandIn(subjects=1, videos=1, seconds=4.5))
    (video,) = CasMeCubed(tmp_path).videos()
    assert video.frames.read(0).shape == (192, 256, 3)
    assert np.std(video.frames.read(0, grey=True)) > 10
    assert video.landmarks is not None


@pytest.mark.parametrize(
    ("spec", "hint"),
    [
        (StandIn(preset="tiny"), "small, full"),
        (StandIn(subjects=101), "1 to 100"),
        (StandIn(videos=14), "1 to 13 videos"),
    ],
)
def test_a_stand_in_that_cannot_be_written(tmp_path, spec, hint):
    with pytest.raises(DataError, match=hint):
        CasMeCubed.write_synthetic(tmp_path, spec)
    assert list(tmp_path.iterdir()) == []
