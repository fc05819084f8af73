import json
from collections import Counter

import numpy as np
import openpyxl
import pytest
from mezoo_casme.casme2 import Casme2

from mezoo import DataError
from mezoo.datasets import StandIn

HEADER_2014 = ["Subject", "Filename", None, "OnsetFrame", "ApexFrame", "OffsetFrame", None, "Action Units"]
HEADER_2014 += ["Estimated Emotion"]
HEADER_2019 = [*HEADER_2014, "Objective Classes"]
TABLE_2014, TABLE_2019 = "CASME2-coding-20140508.xlsx", "CASME2-coding-20190701.xlsx"
CROPPED = "CASME2_preprocessed_Li Xiaobai/Cropped"
SELECTED, RAW = "CASME2_RAW_selected", "CASME2-RAW"
MEGC_LEFT_OUT = {
    ("04", "EP12_01f"),
    ("05", "EP09_05f"),
    ("24", "EP07_01"),
    ("24", "EP07_04f"),
    ("24", "EP10_03"),
}


def row(subject, clip, onset=46, apex=60, offset=86, emotion="happiness", aus=12, objective=1):
    return [subject, clip, None, onset, apex, offset, None, aus, emotion, objective]


def write_table(path, rows, header=HEADER_2019):
    path.parent.mkdir(parents=True, exist_ok=True)
    book = openpyxl.Workbook()
    book.worksheets[0].title = "Sheet1"
    for line in [header, *rows]:
        book.worksheets[0].append(line[: len(header)])
    book.create_sheet("Sheet2")
    book.create_sheet("Sheet3")
    book.save(path)


def add_clip(tree, subject, clip, first=46, last=86, name="img{n}.jpg"):
    folder = tree / f"sub{subject}" / clip
    folder.mkdir(parents=True)
    for n in range(first, last + 1):
        (folder / name.format(n=n)).touch()
    return folder


def release(root, *rows, tree=SELECTED, first=46, last=86, table=TABLE_2019, header=HEADER_2019, name="img{n}.jpg"):
    for line in rows:
        add_clip(root / tree, line[0], line[1], first, last, name)
    write_table(root / table, rows, header)
    return root


def only(dataset):
    (video,) = dataset.videos()
    (expression,) = video.expressions
    return video, expression


def ends(expression):
    return expression.onset, expression.apex, expression.offset


def reports(dataset):
    found = dataset.verify()
    return [f"{x.what} {x.reason} {x.action}" for x in found.excluded] + list(found.problems)


def reported(dataset, *words):
    return any(all(word in line for word in words) for line in reports(dataset))


def of_release(emotions, objective=None):
    """Rows of 26 subjects with that many of each emotion."""
    words = [word for word, count in emotions.items() for _ in range(count)]
    return [
        row(f"{i % 26 + 1:02d}", f"EP02_{i:03d}", emotion=word, objective=objective) for i, word in enumerate(words)
    ]


EMOTIONS_2019 = {
    "others": 99,
    "disgust": 63,
    "happiness": 32,
    "repression": 27,
    "surprise": 28,
    "sadness": 4,
    "fear": 2,
}
EMOTIONS_2014 = {**EMOTIONS_2019, "surprise": 25, "sadness": 7}
EMOTIONS_257 = {**EMOTIONS_2014, "happiness": 33, "sadness": 8}


# One row and its frames


def test_a_row_becomes_an_expression_counted_from_the_first_file(tmp_path):
    video, e = only(Casme2(release(tmp_path, row("01", "EP02_01f"))))
    assert (video.dataset, video.subject, video.code, video.fps) == ("casme2", "01", "EP02_01f", 200.0)
    assert (video.key, len(video.frames), video.frames.number(0)) == ("casme2/01/EP02_01f", 41, 46)
    assert ends(e) == (0, 14, 40)
    assert (e.code, e.kind, e.emotion, e.aus, e.objective) == ("EP02_01f", "micro", "happiness", "12", 1)
    assert (e.published["OnsetFrame"], e.published["Action Units"]) == ("46", "12")


def test_frames_are_sorted_as_numbers(tmp_path):
    video, e = only(Casme2(release(tmp_path, row("01", "EP02_01f", 8, 9, 101), first=8, last=101)))
    assert [video.frames.number(i) for i in (0, 1, 2, 92, 93)] == [8, 9, 10, 100, 101]
    assert ends(e) == (0, 1, 93)


def test_raw_frames_count_from_one_and_hold_more_than_the_movement(tmp_path):
    release(tmp_path, row("01", "EP02_01f"), tree=RAW, first=1, last=150)
    video, e = only(Casme2(tmp_path))
    assert (len(video.frames), ends(e)) == (150, (45, 59, 85))
    assert not reported(Casme2(tmp_path), "01/EP02_01f", "first frame")


def test_raw_frames_that_do_not_begin_at_one_are_reported(tmp_path):
    release(tmp_path, row("01", "EP02_01f"), tree=RAW, first=4, last=150)
    assert ends(only(Casme2(tmp_path))[1]) == (42, 56, 82)
    assert reported(Casme2(tmp_path), "01/EP02_01f", "the first frame is number 4, not 1")


@pytest.mark.parametrize("name", ["img{n}.jpg", "img{n:03d}.jpg", "reg_img{n}.jpg", "reg_img{n:04d}.png", "{n}.jpg"])
def test_names_of_frames(tmp_path, name):
    folder = release(tmp_path, row("01", "EP02_01f"), name=name) / SELECTED / "sub01/EP02_01f"
    for stray in (".DS_Store", "Thumbs.db", "img50 (copy).jpg", "img260.jpg2.jpg"):
        (folder / stray).touch()
    video, e = only(Casme2(tmp_path))
    assert (len(video.frames), ends(e)) == (41, (0, 14, 40))
    assert reported(Casme2(tmp_path), "01/EP02_01f", "2 file(s) not named like a frame")


def test_clip_names_shared_by_subjects_stay_apart(tmp_path):
    rows = [row("01", "EP02_01f"), row("13", "EP02_01f", 50, 55, 70, "disgust", 4, 3)]
    first, second = Casme2(release(tmp_path, *rows)).videos()
    assert [(v.subject, v.code, v.expressions[0].emotion) for v in (first, second)] == [
        ("01", "EP02_01f", "happiness"),
        ("13", "EP02_01f", "disgust"),
    ]


@pytest.mark.parametrize("clip", ["EP01_2", "EP08_1", "EP06_02_01", "EP06_02_02", "EP09f"])
def test_odd_clip_names(tmp_path, clip):
    assert only(Casme2(release(tmp_path, row("01", clip))))[0].code == clip


@pytest.mark.parametrize("cell", ["01", "1", 1, 1.0, "sub01"])
def test_subjects_are_two_digits_whatever_the_cell(tmp_path, cell):
    add_clip(tmp_path / SELECTED, "01", "EP02_01f")
    write_table(tmp_path / TABLE_2019, [row(cell, "EP02_01f")])
    assert only(Casme2(tmp_path))[0].subject == "01"


def test_rows_that_name_no_clip_are_dropped_and_reported(tmp_path):
    release(tmp_path, row("01", "EP02_01f"))
    write_table(tmp_path / TABLE_2019, [row("01", "EP02_01f"), row("total", 255)])
    assert len(Casme2(tmp_path).annotations()) == 1
    assert reported(Casme2(tmp_path), "row 3", "'total'", "dropped")


# Where things lie


@pytest.mark.parametrize(
    ("tree", "level"),
    [(t, level) for t in (RAW, SELECTED, CROPPED, f"{SELECTED}/{SELECTED}", "mine") for level in ("..", ".", "tree")]
    + [(f"CASME2_preprocessed_Li Xiaobai/{CROPPED}", level) for level in (".", "tree")],
)
def test_root_may_be_any_level(tmp_path, tree, level):
    root = release(tmp_path / "data" / "CASME2", row("01", "EP02_01f"), tree=tree, first=1, last=90)
    assert ends(only(Casme2(root / (tree if level == "tree" else level)))[1]) == (45, 59, 85)


def test_auto_prefers_crops_then_selected_then_raw(tmp_path):
    trees = {"raw": (RAW, 1, 150), "selected": (SELECTED, 46, 86), "cropped": (CROPPED, 46, 85)}
    sizes = {"raw": 150, "selected": 41, "cropped": 40}
    seen = []
    for layout, (tree, first, last) in trees.items():
        add_clip(tmp_path / tree, "01", "EP02_01f", first, last)
        write_table(tmp_path / TABLE_2019, [row("01", "EP02_01f")])
        seen.append(len(only(Casme2(tmp_path))[0].frames))
        assert seen[-1] == sizes[layout]
    for layout, size in sizes.items():
        assert len(only(Casme2(tmp_path, layout=layout))[0].frames) == size


def test_a_layout_that_is_not_there_is_refused_with_those_that_are(tmp_path):
    dataset = Casme2(release(tmp_path, row("01", "EP02_01f")), layout="raw")
    with pytest.raises(DataError, match="no raw frames, but selected") as caught:
        dataset.videos()
    assert "layout='selected'" in str(caught.value)


def test_compressed_films_are_left_alone(tmp_path):
    release(tmp_path, row("01", "EP02_01f"))
    films = tmp_path / "CASME2_Compressed video" / "sub01"
    films.mkdir(parents=True)
    (films / "EP02_01f.avi").touch()
    assert len(Casme2(tmp_path).videos()) == 1
    assert Casme2(tmp_path).verify().problems == ()
    (tmp_path / SELECTED).rename(tmp_path.with_name(f"{tmp_path.name} elsewhere"))
    assert len(Casme2(tmp_path, layout="raw").annotations()) == 1


def test_the_same_clip_in_two_trees_of_a_layout_is_read_once(tmp_path):
    release(tmp_path, row("01", "EP02_01f"))
    add_clip(tmp_path / "CASME2_RAW_selected copy", "01", "EP02_01f", 46, 50)
    assert len(only(Casme2(tmp_path))[0].frames) == 41
    assert reported(Casme2(tmp_path), "CASME2_RAW_selected copy: 1 clip(s) are in another folder already")


def test_the_newest_table_is_read_and_the_list_of_objective_classes_never(tmp_path):
    release(tmp_path, row("01", "EP02_01f", emotion="surprise"))
    write_table(tmp_path / TABLE_2014, [row("01", "EP02_01f", emotion="sadness")], HEADER_2014)
    write_table(tmp_path / "CASME2-ObjectiveClasses-20990101.xlsx", [])
    write_table(tmp_path / "CASME-coded-20990101.xlsx", [])
    assert only(Casme2(tmp_path))[1].emotion == "surprise"


@pytest.mark.parametrize("name", [TABLE_2014, "CASME2-coding-updated.xlsx", "CASME2_label_Ver_2.xls", "CASME II.xlsx"])
def test_names_of_tables(tmp_path, name):
    path = release(tmp_path, row("01", "EP02_01f")) / TABLE_2019
    path.rename(tmp_path / name)
    assert len(Casme2(tmp_path).videos()) == 1


@pytest.mark.parametrize("keep", [range(10), (0, 1, 3, 4, 5, 7, 8, 9), (0, 1, 3, 4, 5, 7, 8), (9, 8, 7, 5, 4, 3, 1, 0)])
def test_columns_are_found_by_name(tmp_path, keep):
    add_clip(tmp_path / SELECTED, "01", "EP02_01f")
    write_table(tmp_path / TABLE_2019, [[row("01", "EP02_01f")[i] for i in keep]], [HEADER_2019[i] for i in keep])
    e = only(Casme2(tmp_path))[1]
    assert (ends(e), e.aus, e.emotion, e.objective) == ((0, 14, 40), "12", "happiness", 1 if 9 in keep else None)
    assert reported(Casme2(tmp_path), "no column 'Objective Classes'") == (9 not in keep)


@pytest.mark.parametrize(
    "column", ["Subject", "Filename", "OnsetFrame", "ApexFrame", "OffsetFrame", "Action Units", "Estimated Emotion"]
)
def test_a_missing_column_is_named(tmp_path, column):
    keep = [i for i, name in enumerate(HEADER_2019) if name != column]
    write_table(tmp_path / TABLE_2019, [[row("01", "EP02_01f")[i] for i in keep]], [HEADER_2019[i] for i in keep])
    with pytest.raises(DataError, match=f"{TABLE_2019}.*Sheet1.*'{column}'"):
        Casme2(tmp_path).annotations()


def test_landmarks_beside_the_frames_or_in_a_given_folder(tmp_path):
    release(tmp_path / "data", row("01", "EP02_01f"), row("02", "EP02_01f"))
    for folder in (tmp_path / "data/landmarks/sub01", tmp_path / "mine/sub01"):
        folder.mkdir(parents=True)
        (folder / "EP02_01f.csv").touch()
    found = [v.landmarks for v in Casme2(tmp_path / "data").videos()]
    assert found == [tmp_path / "data/landmarks/sub01/EP02_01f.csv", None]
    given = Casme2(tmp_path / "data", landmarks=tmp_path / "mine").videos()
    assert given[0].landmarks == tmp_path / "mine/sub01/EP02_01f.csv"


# What is missing


def test_the_constructor_reads_nothing(tmp_path):
    assert Casme2(tmp_path / "nowhere").root == tmp_path / "nowhere"


def test_the_table_alone_gives_all_rows(tmp_path):
    write_table(tmp_path / TABLE_2019, [row("01", "EP02_01f"), row("02", "EP02_01f")])
    dataset = Casme2(tmp_path)
    assert [(a.subject, a.clip, a.onset) for a in dataset.annotations()] == [
        ("01", "EP02_01f", 46),
        ("02", "EP02_01f", 46),
    ]
    assert (dataset.verify().found["rows"], dataset.verify().found["clips"]) == (2, 0)
    assert reported(dataset, "no frames of CASME II")
    with pytest.raises(DataError, match="no frames"):
        dataset.videos()


def test_frames_alone_are_counted_but_are_no_videos(tmp_path):
    add_clip(tmp_path / SELECTED, "01", "EP02_01f")
    dataset = Casme2(tmp_path)
    assert (dataset.verify().found["subjects"], dataset.verify().found["frames"]) == (1, 41)
    assert reported(dataset, "no table CASME2-coding-*.xlsx")
    assert not dataset.verify().complete
    with pytest.raises(DataError, match=r"no table CASME2-coding-\*\.xlsx"):
        dataset.videos()


def test_rows_without_frames_and_frames_without_rows(tmp_path):
    release(tmp_path, row("01", "EP02_01f"), row("01", "EP03_02"))
    write_table(tmp_path / TABLE_2019, [row("01", "EP02_01f"), row("02", "EP02_01f")])
    (tmp_path / SELECTED / "sub01" / "EP04_02f").mkdir()
    assert [v.code for v in Casme2(tmp_path).videos()] == ["EP02_01f"]
    assert reported(Casme2(tmp_path), "02/EP02_01f: no frames on disk")
    assert reported(Casme2(tmp_path), "01/EP03_02", "no row in the table", "left out")
    assert reported(Casme2(tmp_path), "01/EP04_02f", "holds no frame", "left out")
    with pytest.raises(DataError, match="strict"):
        Casme2(tmp_path, strict=True).videos()


def test_strict_accepts_a_whole_set(tmp_path):
    assert len(Casme2(release(tmp_path, row("01", "EP02_01f")), strict=True).videos()) == 1


# Releases


@pytest.mark.parametrize(
    ("emotions", "objective", "header"),
    [
        (EMOTIONS_2019, 7, HEADER_2019),
        (EMOTIONS_2019, None, HEADER_2014),
        (EMOTIONS_2014, None, HEADER_2014),
        (EMOTIONS_2014, 7, HEADER_2019),
        (EMOTIONS_257, None, HEADER_2014),
    ],
)
def test_every_release_is_held_against_its_own_counts(tmp_path, emotions, objective, header):
    write_table(tmp_path / "CASME2-coding.xlsx", of_release(emotions, objective), header)
    report = Casme2(tmp_path).verify()
    total = sum(emotions.values())
    wanted = {"subjects": 26, "clips": total, "rows": total, "micro": total, **emotions}
    assert report.expected == wanted
    assert {k: n for k, n in report.found.items() if k in wanted} == {**wanted, "clips": 0}


def test_of_the_revision_with_256_rows_no_classes_are_expected(tmp_path):
    rows = of_release({**EMOTIONS_2014, "happiness": 33})
    for line in rows[:21]:
        line[4] = None
    write_table(tmp_path / "CASME2-coding-updated.xlsx", rows, HEADER_2014)
    assert Casme2(tmp_path).verify().expected == {"subjects": 26, "clips": 256, "rows": 256, "micro": 256}
    assert sum(a.apex is None for a in Casme2(tmp_path).annotations()) == 21


def test_a_cut_table_is_incomplete(tmp_path):
    write_table(tmp_path / TABLE_2019, of_release({"others": 99}), HEADER_2014)
    assert Casme2(tmp_path).verify().expected["rows"] == 255
    assert Casme2(tmp_path).verify().found["rows"] == 99


@pytest.mark.parametrize(("emotions", "five", "surprise"), [(EMOTIONS_2014, 246, 25), (EMOTIONS_2019, 249, 28)])
def test_class_maps(tmp_path, emotions, five, surprise):
    write_table(tmp_path / TABLE_2019, of_release(emotions), HEADER_2014)
    classes = Casme2(tmp_path).verify().classes
    assert sum(classes["casme2_5"].values()) == five
    assert classes["megc2019_3"] == {"negative": 90, "positive": 32, "surprise": surprise}
    negative = 63 + emotions["sadness"] + 2
    assert classes["casme2_4"] == {"negative": negative, "positive": 32, "surprise": surprise, "others": 126}
    assert classes["native"] == emotions


def test_objective_classes_come_from_the_column_and_from_the_aus_without_one(tmp_path):
    rows = [row("01", "EP02_01f", aus="4+L10", objective=4), row("02", "EP02_01f", aus="L1+R2", objective=2)]
    write_table(tmp_path / TABLE_2019, rows)
    assert list(Casme2(tmp_path).verify().classes["objective_7"].values()) == [0, 1, 0, 1, 0, 0, 0]
    write_table(tmp_path / TABLE_2019, rows, HEADER_2014)
    assert list(Casme2(tmp_path).verify().classes["objective_7"].values()) == [0, 1, 0, 0, 0, 0, 1]


# Errors on record


def test_the_apex_that_was_never_annotated(tmp_path):
    release(tmp_path, row("04", "EP12_01f", 261, "/", 321, "disgust"), first=261, last=321)
    e = only(Casme2(tmp_path))[1]
    assert (ends(e), e.published["ApexFrame"]) == ((0, 30, 60), "/")
    assert reported(Casme2(tmp_path), "04/EP12_01f", "ApexFrame corrected: / -> 291")
    assert ends(only(Casme2(tmp_path, errata=False))[1]) == (0, None, 60)
    assert reported(Casme2(tmp_path, errata=False), "04/EP12_01f", "apex not annotated")


def test_the_apex_that_is_the_onset(tmp_path):
    release(tmp_path, row("05", "EP09_05f", 69, 69, 123, "disgust"), first=69, last=123)
    assert ends(only(Casme2(tmp_path))[1]) == (0, 27, 54)
    assert ends(only(Casme2(tmp_path, errata=False))[1]) == (0, 0, 54)
    assert reported(Casme2(tmp_path, errata=False), "05/EP09_05f", "apex 69 is the onset", "kept")


@pytest.mark.parametrize("subject", ["04", "03"])
def test_corrections_are_bound_to_key_and_published_value(tmp_path, subject):
    apex = 279 if subject == "04" else "/"
    release(tmp_path, row(subject, "EP12_01f", 261, apex, 321), first=261, last=321)
    assert not reported(Casme2(tmp_path), "corrected")
    assert only(Casme2(tmp_path))[1].apex == (18 if subject == "04" else None)


@pytest.mark.parametrize(
    ("subject", "clip", "aus"),
    [
        ("05", "EP05_03", "16+24"),
        ("05", "EP07_01", "6"),
        ("05", "EP13_04f", "12+16"),
        ("19", "EP11_01f", "14"),
        ("26", "EP13_01", "14+24"),
    ],
)
def test_aus_missing_in_2014_have_the_values_of_2019(tmp_path, subject, clip, aus):
    release(tmp_path, row(subject, clip, aus="?"), table=TABLE_2014, header=HEADER_2014)
    assert only(Casme2(tmp_path))[1].aus == aus
    assert only(Casme2(tmp_path, errata=False))[1].aus == "?"
    assert reported(Casme2(tmp_path, errata=False), "row 2", "without an AU")


def test_an_apex_at_the_offset_is_legal(tmp_path):
    release(tmp_path, row("12", "EP09_06", 66, 111, 111), first=66, last=111)
    assert ends(only(Casme2(tmp_path))[1]) == (0, 45, 45)
    assert not reported(Casme2(tmp_path), "12/EP09_06")


@pytest.mark.parametrize(
    ("clip", "table", "first", "last"),
    [("EP06_01", (56, None, 116), 15, 68), ("EP09_02", (161, None, 206), 16, 101), ("EP09_03", (15, 49, 68), 56, 116)],
)
@pytest.mark.parametrize("tree", [SELECTED, CROPPED])
def test_frames_of_another_revision_on_disk_are_right(tmp_path, clip, table, first, last, tree):
    release(tmp_path, row("07", clip, *table), tree=tree, first=first, last=last)
    e = only(Casme2(tmp_path))[1]
    assert ends(e) == (0, None, last - first)
    assert e.published["OnsetFrame"] == str(table[0])
    assert reported(Casme2(tmp_path), f"07/{clip}", "first and last frame are taken")


def test_whole_clips_keep_the_table_where_it_fits(tmp_path):
    release(tmp_path, row("07", "EP06_01", 56, None, 116), tree=RAW, first=1, last=120)
    assert ends(only(Casme2(tmp_path))[1]) == (55, None, 115)


def test_missing_frames_are_clamped_and_indices_stay_right(tmp_path):
    folder = release(tmp_path, row("16", "EP01_08", 73, 94, 110), tree=CROPPED, first=75, last=105) / CROPPED
    (folder / "sub16/EP01_08/img80.jpg").unlink()
    video, e = only(Casme2(tmp_path))
    assert (ends(e), video.frames.number(e.apex)) == ((0, 18, 29), 94)
    assert reported(Casme2(tmp_path), "16/EP01_08", "onset 73 is before the first frame 75", "clamped")
    assert reported(Casme2(tmp_path), "16/EP01_08", "offset 110 is past the last frame 105", "clipped")
    assert reported(Casme2(tmp_path), "16/EP01_08", "1 frame(s) missing", "the first is 80")


def test_ends_unknown_or_swapped_are_the_folder_s_own(tmp_path):
    rows = [row("01", "EP02_01f", offset=0), row("02", "EP02_01f", onset=None), row("03", "EP02_01f", 86, 60, 46)]
    release(tmp_path, *rows)
    assert [ends(v.expressions[0]) for v in Casme2(tmp_path).videos()] == [(0, 14, 40)] * 3
    assert reported(Casme2(tmp_path), "01/EP02_01f", "offset is unknown", "last frame is taken")
    assert reported(Casme2(tmp_path), "02/EP02_01f", "onset is unknown", "first frame is taken")
    (tmp_path / SELECTED).rename(tmp_path / RAW)
    with pytest.raises(DataError, match="no row"):
        Casme2(tmp_path).videos()
    assert reported(Casme2(tmp_path), "03/EP02_01f", "onset 86 is after offset 46", "dropped")


def test_own_errata(tmp_path):
    release(tmp_path, row("01", "EP02_01f"))
    errata = tmp_path / "errata.csv"
    errata.write_text(
        "subject,clip,field,published,corrected,reason\n"
        "01,EP02_01f,ApexFrame,60,70,seen\n01,EP02_01f,OnsetFrame,1,2,old\n",
        encoding="utf-8",
    )
    dataset = Casme2(tmp_path, errata=errata)
    assert ends(only(dataset)[1]) == (0, 24, 40)
    assert reported(dataset, "01/EP02_01f", "seen", "ApexFrame corrected: 60 -> 70")
    assert reported(dataset, "errata: no row EP02_01f with OnsetFrame = 1")


# Stand-ins


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    out = tmp_path_factory.mktemp("full")
    Casme2.write_synthetic(out, StandIn(preset="full", frames="none"))
    return out


def test_full_has_the_real_subjects_and_classes(full):
    report = Casme2(full).verify()
    assert (report.found["subjects"], report.found["rows"], report.found["micro"]) == (26, 255, 255)
    assert report.classes["native"] == EMOTIONS_2019
    assert sum(report.classes["casme2_5"].values()) == 249
    assert report.classes["casme2_4"] == {"negative": 69, "positive": 32, "surprise": 28, "others": 126}
    assert report.classes["megc2019_3"] == {"negative": 90, "positive": 32, "surprise": 28}
    assert sum(report.classes["objective_7"].values()) == 255
    clips = Counter(a.subject for a in Casme2(full).annotations())
    assert [clips[f"{n:02d}"] for n in range(1, 27)] == [
        *(9, 13, 7, 5, 19, 5, 9, 3, 14, 14, 10, 12, 8),
        *(4, 3, 4, 36, 3, 16, 11, 2, 2, 12, 10, 7, 17),
    ]


def test_full_has_the_rule_of_megc_2019(full):
    to = {"disgust": "negative", "repression": "negative", "happiness": "positive", "surprise": "surprise"}
    rows = [a for a in Casme2(full).annotations() if a.emotion in to]
    assert {(a.subject, a.clip) for a in rows} >= MEGC_LEFT_OUT
    kept = [a for a in rows if (a.subject, a.clip) not in MEGC_LEFT_OUT]
    assert Counter(to[a.emotion] for a in kept) == {"negative": 88, "positive": 32, "surprise": 25}
    assert len({a.subject for a in kept}) == 24
    assert Casme2.info.emotions == tuple(EMOTIONS_2019)


def test_full_is_in_the_layout_of_2019(full):
    book = openpyxl.load_workbook(full / TABLE_2019)
    assert book.sheetnames == ["Sheet1", "Sheet2", "Sheet3"]
    assert [cell.value for cell in book["Sheet1"][1]] == HEADER_2019
    subjects = {line[0] for line in book["Sheet1"].iter_rows(min_row=2, values_only=True)}
    assert subjects == {f"{n:02d}" for n in range(1, 27)}
    rows = Casme2(full, errata=False).annotations()
    assert {(a.subject, a.clip): a.published["ApexFrame"] for a in rows}["04", "EP12_01f"] == "/"
    assert min(a.onset for a in rows) >= 4
    assert max(a.offset for a in rows) <= 446
    names = Counter(a.clip for a in rows)
    assert sum(n for n in names.values() if n > 1) > 141


def test_full_with_frames_is_complete(tmp_path):
    Casme2.write_synthetic(tmp_path, StandIn(preset="full", subjects=5, frames="empty"))
    report = Casme2(tmp_path).verify()
    assert report.complete, report
    assert (report.found["clips"], report.found["subjects"]) == (53, 5)
    assert len(Casme2(tmp_path, strict=True).videos()) == 53


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    out = tmp_path_factory.mktemp("small")
    Casme2.write_synthetic(out, StandIn(subjects=2, videos=1))
    return out


@pytest.mark.parametrize("level", [".", "CASME2_preprocessed_Li Xiaobai", CROPPED])
def test_small_can_be_seen_and_is_known_as_synthetic(small, level):
    videos = Casme2(small / level).videos()
    assert [(v.subject, v.synthetic, v.landmarks is not None) for v in videos] == [
        ("01", True, True),
        ("02", True, True),
    ]
    picture = videos[0].frames.read(0, grey=True)
    assert picture.shape == (170, 140)
    assert np.std(picture) > 10
    assert len(np.loadtxt(videos[0].landmarks, delimiter=",", skiprows=1)) == len(videos[0].frames)
    e = videos[0].expressions[0]
    assert (e.onset, e.offset) == (0, len(videos[0].frames) - 1)
    assert 0 < e.apex < e.offset


def test_small_is_complete_and_has_enough_of_every_common_class(tmp_path):
    Casme2.write_synthetic(tmp_path, StandIn(frames="empty"))
    report = Casme2(tmp_path).verify()
    assert report.complete, report
    assert (report.found["subjects"], report.found["clips"]) == (8, 40)
    assert min(report.classes["casme2_5"].values()) >= 6
    clips = {(v.subject, v.code): v.expressions[0] for v in Casme2(tmp_path).videos()}
    assert ends(clips["04", "EP12_01f"]) == (0, 30, 60)
    assert ends(clips["05", "EP09_05f"]) == (0, 27, 54)


def test_seed_and_intensity(tmp_path):
    def rows(name, **more):
        Casme2.write_synthetic(tmp_path / name, StandIn(frames="none", **more))
        return [(a.clip, a.onset, a.emotion) for a in Casme2(tmp_path / name).annotations()]

    assert rows("a") == rows("b") == rows("still", intensity=0.0)
    assert rows("a2", seed=1) != rows("c")


def test_every_planted_defect_is_reported_and_the_rest_survives(tmp_path):
    Casme2.write_synthetic(tmp_path, StandIn(dirty=True, frames="empty"))
    dataset = Casme2(tmp_path)
    planted = json.loads((tmp_path / "SYNTHETIC.json").read_text())["planted"]
    assert len(planted) == 30
    missed = [p for p in planted if not reported(dataset, p["where"], p["shows"])]
    assert missed == []
    assert not dataset.verify().complete
    assert len(dataset.videos()) == 38


def test_a_stand_in_is_never_written_over_data_and_refuses_what_it_cannot_be(tmp_path):
    release(tmp_path, row("01", "EP02_01"), tree=CROPPED)
    with pytest.raises(DataError, match="exists already"):
        Casme2.write_synthetic(tmp_path, StandIn(frames="empty"))
    with pytest.raises(DataError, match="small, full"):
        Casme2.write_synthetic(tmp_path / "new", StandIn(preset="tiny"))
    with pytest.raises(DataError, match="1 to 26"):
        Casme2.write_synthetic(tmp_path / "new", StandIn(preset="full", subjects=27))
    assert not (tmp_path / "new").exists()
