import json

import numpy as np
import openpyxl
import pytest
from mezoo_smic.four_dme import FourDME

from mezoo import DataError
from mezoo.datasets import StandIn, action_units

HEADER = ["sub_ID", "fold_name", "Emotion", "Onset", "Apex", "Offset", "AUs", "AU4", "AU12", "eye blink", "Positive"]
HEADER += ["Negative", "Surprise", "Repression", "Others"]
TABLE = "4DME_Labelling_Micro_release v1.xlsx"


def row(fold, onset=11, apex=20, offset=40, emotion="Positive", aus=12, subject="S01"):
    return [subject, fold, emotion, onset, apex, offset, aus, 0, 1, 0, 1, 0, 0, 0, 0]


def write_table(root, rows, name=TABLE, header=HEADER):
    book = openpyxl.Workbook()
    for line in [header, *rows]:
        book.worksheets[0].append(line)
    root.mkdir(parents=True, exist_ok=True)
    book.save(root / name)


def add_clip(root, fold, numbers=range(11, 41), tree="gray_micro_crop", subject="S01", form="{}.jpg"):
    folder = root / tree / subject / fold
    folder.mkdir(parents=True)
    for n in numbers:
        (folder / form.format(n)).touch()
    return folder


def release(root, *rows):
    for line in rows:
        add_clip(root, str(line[1]), subject=str(line[0]))
    write_table(root, rows)
    return root


def lines(report):
    return [f"{n.what} {n.reason} {n.action}" for n in report.excluded] + list(report.problems)


def test_a_row_becomes_an_expression_counted_from_zero(tmp_path):
    (video,) = FourDME(release(tmp_path, row("001"))).videos()
    (found,) = video.expressions
    assert (video.key, video.fps, len(video.frames)) == ("4dme/S01/001", 60.0, 30)
    assert (found.code, found.kind, found.onset, found.apex, found.offset) == ("001", "micro", 0, 9, 29)
    assert (found.emotion, found.aus) == ("positive", "12")
    assert (found.published["Positive"], found.published["Emotion"], "code" in found.published) == (
        "1",
        "Positive",
        False,
    )


@pytest.mark.parametrize("written", ["Surprise+Positive", "surprise + Positive", "Surprise+ positive "])
def test_several_emotions_stay_one_label_and_are_in_no_native_class(tmp_path, written):
    dataset = FourDME(release(tmp_path, row("a1", emotion=written), row("a2", emotion="Others")))
    assert [a.emotion for a in dataset.annotations()] == ["surprise+positive", "others"]
    assert [v.expressions[0].emotion for v in dataset.videos()] == ["surprise+positive", "others"]
    report = dataset.verify()
    assert report.found["surprise+positive"] == 1
    assert report.classes["native"] == {
        "positive": 0,
        "negative": 0,
        "surprise": 0,
        "repression": 0,
        "others": 1,
    }


@pytest.mark.parametrize(
    ("cell", "numbers", "held"),
    [("AU4(k)+L7", {4, 7}, {4}), ("AUR2+12(k)+45", {2, 12, 45}, {12}), ("AU12", {12}, set())],
)
def test_held_action_units_are_flagged(tmp_path, cell, numbers, held):
    dataset = FourDME(release(tmp_path, row("a1", aus=cell)))
    parsed = action_units.parse(dataset.videos()[0].expressions[0].aus)
    assert (parsed.numbers, parsed.numbers - parsed.certain) == (numbers, held)
    told = "row 2 1 AU cell(s) with (k) read, flagged as held from before" in lines(dataset.verify())
    assert told == bool(held)


def test_several_movements_of_one_folder_and_a_row_twice(tmp_path):
    add_clip(tmp_path, "a1")
    write_table(tmp_path, [row("a1", 11, 12, 20), row("a1", 25, 30, 40), row("a1", 11, 12, 20)])
    dataset = FourDME(tmp_path)
    assert [(e.code, e.onset) for e in dataset.videos()[0].expressions] == [("a1", 0), ("a1#2", 14)]
    assert "S01/a1 (micro, row 4) same clip and kind as row 2 dropped" in lines(dataset.verify())


def test_clips_numbered_from_one_are_whole(tmp_path):
    add_clip(tmp_path, "a1", range(1, 31))
    write_table(tmp_path, [row("a1", 511, 520, 540)])
    dataset = FourDME(tmp_path)
    (found,) = dataset.videos()[0].expressions
    assert (found.onset, found.apex, found.offset) == (0, None, 29)
    assert (
        "S01/a1 (micro, row 2) 511..540 is outside the frames 1..30 the clip's first and last frame are taken"
        in lines(dataset.verify())
    )


def test_layouts(tmp_path):
    for tree in ("gray_micro", "gray_micro_crop"):
        add_clip(tmp_path, "a1", tree=tree)
    write_table(tmp_path, [row("a1")])
    assert FourDME(tmp_path).videos()[0].frames.files()[0].parts[-4] == "gray_micro_crop"
    assert FourDME(tmp_path, layout="raw").videos()[0].frames.files()[0].parts[-4] == "gray_micro"
    assert FourDME(tmp_path / "gray_micro").videos()[0].frames.files()[0].parts[-4] == "gray_micro"
    with pytest.raises(DataError, match=r"no cropped clips in .*gray_micro"):
        FourDME(tmp_path / "gray_micro", layout="cropped").videos()


@pytest.mark.parametrize("tree", ["gray_micro_crop", "gray_micro/gray_micro", "4DME/gray_micro", "grey micro cropped"])
@pytest.mark.parametrize("level", ["..", "."])
def test_root_may_be_any_level(tmp_path, tree, level):
    add_clip(tmp_path / "a", "a1", tree=tree)
    write_table(tmp_path / "a", [row("a1")])
    assert len(FourDME(tmp_path / "a" / level).videos()) == 1


def test_names_are_text_and_meet_their_folders_in_other_paddings(tmp_path):
    add_clip(tmp_path, "007", subject="sub03")
    add_clip(tmp_path, "A2", subject="S04")
    write_table(tmp_path, [row(7, subject=3), row("'a2'", subject="'s04'")])
    dataset = FourDME(tmp_path)
    assert [(v.subject, v.code) for v in dataset.videos()] == [("3", "7"), ("s04", "a2")]
    assert dataset.verify().problems == ()


def test_frames_are_sorted_by_their_last_number_and_strays_left_out(tmp_path):
    folder = add_clip(tmp_path, "a1", range(8, 42), form="S01_2nd_{}.png")
    (folder / "img260.jpg2.jpg").touch()
    write_table(tmp_path, [row("a1")])
    (video,) = FourDME(tmp_path).videos()
    assert [video.frames.number(i) for i in (0, 1, 2, 33)] == [8, 9, 10, 41]
    assert video.expressions[0].onset == 3
    told = "S01/a1 1 file(s) not named like a frame, such as img260.jpg2.jpg ignored"
    assert told in lines(FourDME(tmp_path).verify())


def test_rows_without_frames_frames_without_rows_and_text_rows(tmp_path):
    for fold in ("a1", "a3"):
        add_clip(tmp_path, fold)
    add_clip(tmp_path, "a4", [])
    write_table(tmp_path, [row("a1"), row("a2"), row("a4"), [None, None, 267], row("a5", 40, 30, 20)])
    dataset = FourDME(tmp_path)
    report = dataset.verify()
    assert [v.code for v in dataset.videos()] == ["a1"]
    assert [p.split(":")[0] for p in report.problems] == ["S01/a2", "S01/a4", "S01/a5"]
    assert "S01/a3 no row in the table left out" in lines(report)
    assert "S01/a4 the folder holds no frame left out" in lines(report)
    assert "row 5 1 row(s) without a clip skipped" in lines(report)
    with pytest.raises(DataError, match="strict: S01/a2: no frames on disk"):
        FourDME(tmp_path, strict=True).videos()


def test_tables_alone_and_published_counts(tmp_path):
    write_table(tmp_path, [row("a1")])
    dataset = FourDME(tmp_path)
    report = dataset.verify()
    assert [a.code for a in dataset.annotations()] == ["a1"]
    assert report.expected == {"subjects": 41, "rows": 267, "micro": 267}
    assert [p.split(":")[0] for p in report.problems] == [f"no frames of 4DME in {tmp_path}"]
    with pytest.raises(DataError, match="no frames"):
        dataset.videos()


@pytest.mark.parametrize("column", ["sub_ID", "fold_name", "Emotion", "Onset", "Apex", "Offset", "AUs"])
def test_a_missing_column_is_named(tmp_path, column):
    keep = [i for i, name in enumerate(HEADER) if name != column]
    write_table(tmp_path, [[row("a1")[i] for i in keep]], header=[HEADER[i] for i in keep])
    with pytest.raises(DataError, match=f"{TABLE}.*'{column}'"):
        FourDME(tmp_path).videos()


def test_landmarks(tmp_path):
    release(tmp_path / "data", row("a1"))
    for place in ("data/landmarks", "data/gray_micro_crop/landmarks", "mine"):
        path = tmp_path / place / "S01/a1.csv"
        path.parent.mkdir(parents=True)
        path.touch()
    found = FourDME(tmp_path / "data")
    assert found.videos()[0].landmarks == tmp_path / "data/gray_micro_crop/landmarks/S01/a1.csv"
    assert len(found.verify().excluded) == 0
    given = FourDME(tmp_path / "data", landmarks=tmp_path / "mine").videos()
    assert given[0].landmarks == tmp_path / "mine/S01/a1.csv"


def test_full_has_the_published_counts(tmp_path):
    FourDME.write_synthetic(tmp_path, StandIn(preset="full", frames="none"))
    report = FourDME(tmp_path).verify()
    assert {k: report.found[k] for k in ("subjects", "rows", "micro")} == {"subjects": 41, "rows": 267, "micro": 267}
    assert report.found["surprise+positive"] > 0
    assert sum(report.classes["native"].values()) == 267 - 20


def test_clean_stand_in_is_complete(tmp_path):
    FourDME.write_synthetic(tmp_path, StandIn(frames="empty"))
    dataset = FourDME(tmp_path, strict=True)
    report = dataset.verify()
    assert report.complete, report
    assert (report.found["subjects"], len(dataset.videos())) == (8, 56)
    assert report.classes["native"] == {"positive": 13, "negative": 16, "surprise": 13, "repression": 0, "others": 14}
    assert all(v.synthetic and v.expressions[0].apex for v in dataset.videos())
    assert all(e.offset == len(v.frames) - 1 for v in dataset.videos() for e in v.expressions)


def test_dirty_stand_in_reports_everything_that_was_planted(tmp_path):
    FourDME.write_synthetic(tmp_path, StandIn(frames="empty", dirty=True))
    dataset = FourDME(tmp_path)
    told = lines(dataset.verify())
    planted = json.loads((tmp_path / "SYNTHETIC.json").read_text())["planted"]
    assert len(planted) == 29
    for p in planted:
        assert any(p["where"] in line and p["shows"] in line for line in told), p
    assert len(dataset.videos()) == 53
    assert not dataset.verify().complete


def test_pictures_and_landmarks(tmp_path):
    FourDME.write_synthetic(tmp_path, StandIn(subjects=1, videos=2))
    videos = FourDME(tmp_path).videos()
    image = videos[0].frames.read(3, grey=True)
    assert (image.shape, image.dtype) == ((170, 140), np.uint8)
    assert np.std(image) > 10
    assert all(len(v.landmarks.read_text().splitlines()) == len(v.frames) + 1 for v in videos)
    assert FourDME(tmp_path).verify().complete


def test_stand_in_refuses_what_it_cannot_write(tmp_path):
    with pytest.raises(DataError, match="small, full"):
        FourDME.write_synthetic(tmp_path, StandIn(preset="tiny"))
    with pytest.raises(DataError, match="1 to 41"):
        FourDME.write_synthetic(tmp_path, StandIn(subjects=42))
    assert list(tmp_path.iterdir()) == []
