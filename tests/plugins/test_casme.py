import json
from collections import Counter

import numpy as np
import openpyxl
import pytest
from mezoo_casme.casme import Casme

from mezoo import DataError
from mezoo.datasets import StandIn

HEADER = ["Subject", "Filename", None, "OnsetF", "ApexF1", "ApexF2", "OffsetF", None, "Onset", "Total", "AU", "Emotion"]
TABLE = "CASME-coded-20190721.xls"
SELECTED = "CASME_raw_selected"
FIRST = [1, "EP01_12", None, 73, 81, "\\", 91, None, 150.0, 316.67, 4, "tense"]
SECOND = [1, "EP01_5", None, 113, 121, 125, 133, None, 150, 350, 12, "happiness"]
CLASSES = {
    "tense": 69,
    "disgust": 44,
    "repression": 38,
    "surprise": 20,
    "happiness": 9,
    "sadness": 6,
    "fear": 2,
    "contempt": 1,
}


def row(subject, clip, onset=73, apex=81, offset=91, emotion="tense", aus=4, apex2="\\"):
    return [subject, clip, None, onset, apex, apex2, offset, None, None, None, aus, emotion]


def write_table(path, rows, header=HEADER):
    path.parent.mkdir(parents=True, exist_ok=True)
    book = openpyxl.Workbook()
    for line in [header, *rows]:
        book.worksheets[0].append(line)
    book.save(path)


def add_clip(tree, subject, clip, first=73, last=91, name="{clip}-{n}.jpg"):
    folder = tree / f"sub{subject:02d}" / clip
    folder.mkdir(parents=True)
    for n in range(first, last + 1):
        (folder / name.format(clip=clip, n=n)).touch()
    return folder


def release(root, *rows, tree=SELECTED, first=73, last=91, table=TABLE, name="{clip}-{n}.jpg"):
    for line in rows:
        add_clip(root / tree, line[0], line[1], first, last, name)
    write_table(root / table, rows)
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


# One row and its frames


def test_the_first_rows(tmp_path):
    add_clip(tmp_path / SELECTED, 1, "EP01_12", 73, 91)
    add_clip(tmp_path / SELECTED, 1, "EP01_5", 113, 133)
    write_table(tmp_path / TABLE, [FIRST, SECOND])
    tense, happy = Casme(tmp_path, strict=True).videos()
    assert (tense.key, tense.subject, tense.fps, len(tense.frames)) == ("casme/01/EP01_12", "01", 60.0, 19)
    e = tense.expressions[0]
    assert (ends(e), e.kind, e.emotion, e.aus) == ((0, 8, 18), "micro", "tense", "4")
    assert (e.published["ApexF1"], e.published["ApexF2"], e.published["Total"]) == ("81", "\\", "316.67")
    assert (happy.code, ends(happy.expressions[0])) == ("EP01_5", (0, 8, 20))
    assert happy.expressions[0].published["ApexF2"] == "125"
    assert not any(word in line for line in reports(Casme(tmp_path)) for word in ("apex", " ms", "offset"))


@pytest.mark.parametrize(
    "name", ["{clip}-{n}.jpg", "{clip}-{n:03d}.jpg", "reg_{clip}-{n}.jpg", "reg_{clip}-{n:03d}.jpg"]
)
def test_names_of_frames(tmp_path, name):
    folder = release(tmp_path, row(1, "EP01_12", 8, 80, 101), first=8, last=101, name=name) / SELECTED / "sub01/EP01_12"
    for stray in (".DS_Store", "img260.jpg2.jpg", "EP01_12.jpg"):
        (folder / stray).touch()
    video, e = only(Casme(tmp_path))
    assert [video.frames.number(i) for i in (0, 1, 2, 92, 93)] == [8, 9, 10, 100, 101]
    assert ends(e) == (0, 72, 93)
    assert reported(Casme(tmp_path), "01/EP01_12", "2 file(s) not named like a frame")


@pytest.mark.parametrize(("cell", "subject"), [(1, 1), (1.0, 1), ("1", 1), ("01", 1), (35, 35)])
def test_subjects_are_two_digits(tmp_path, cell, subject):
    add_clip(tmp_path / SELECTED, subject, "EP01_12")
    write_table(tmp_path / TABLE, [row(cell, "EP01_12")])
    assert only(Casme(tmp_path))[0].subject == f"{subject:02d}"


def test_rows_that_name_no_clip_are_dropped_and_reported(tmp_path):
    release(tmp_path, row(1, "EP01_12"))
    write_table(tmp_path / TABLE, [row(1, "EP01_12"), row("sum", "189")])
    assert len(Casme(tmp_path).annotations()) == 1
    assert reported(Casme(tmp_path), "row 3", "'sum'", "dropped")


@pytest.mark.parametrize("cell", ["\\", "/", None, -1, 0])
def test_a_missing_apex_is_none(tmp_path, cell):
    release(tmp_path, row(1, "EP01_12", apex=cell))
    assert ends(only(Casme(tmp_path))[1]) == (0, None, 18)
    assert reported(Casme(tmp_path), "01/EP01_12", "apex not annotated")


def test_a_backslash_for_the_offset_is_the_last_frame_of_a_selected_clip(tmp_path):
    release(tmp_path, row(1, "EP01_12", offset="\\"))
    assert ends(only(Casme(tmp_path))[1]) == (0, 8, 18)
    assert reported(Casme(tmp_path), "01/EP01_12", "offset is unknown", "last frame is taken")
    assert Casme(tmp_path).annotations()[0].published["OffsetF"] == "\\"


def test_a_backslash_for_the_offset_drops_a_row_of_other_frames(tmp_path):
    release(tmp_path, row(1, "EP01_12", offset="\\"), row(2, "EP01_12"), tree="CASME_A/Section A")
    assert [v.subject for v in Casme(tmp_path).videos()] == ["02"]
    assert reported(Casme(tmp_path), "01/EP01_12", "offset is unknown", "dropped")


# Milliseconds


@pytest.mark.parametrize(
    ("onset_ms", "total_ms", "shown"),
    [
        (150.0, 316.67, ()),
        (150, 317, ()),
        (None, None, ()),
        ("?", "\\", ()),
        (133.33, 316.67, ("Onset is 133.33 ms, but 73..81 lasts 150.00 ms",)),
        (150, 300, ("Total is 300 ms, but 73..91 lasts 316.67 ms",)),
        (100, 200, ("Onset is 100 ms", "; ", "Total is 200 ms")),
    ],
)
def test_milliseconds_are_held_against_frame_numbers(tmp_path, onset_ms, total_ms, shown):
    line = row(1, "EP01_12")
    line[8:10] = [onset_ms, total_ms]
    dataset = Casme(release(tmp_path, line))
    found = [x for x in dataset.verify().excluded if x.action == "kept; frames count"]
    assert len(found) == bool(shown)
    assert all(word in found[0].reason for word in shown)
    assert not shown or found[0].what == "01/EP01_12 (row 2)"
    assert ends(only(dataset)[1]) == (0, 8, 18)


def test_milliseconds_of_unknown_ends_are_not_checked(tmp_path):
    line = row(1, "EP01_12", apex="\\", offset="\\")
    line[8:10] = [150, 316.67]
    assert not reported(Casme(release(tmp_path, line)), "frames count")


# Where things lie


@pytest.mark.parametrize("tree", [SELECTED, "Cropped", f"{SELECTED}/{SELECTED}", "CASME_A/Section A", "mine"])
@pytest.mark.parametrize("level", ["..", ".", "tree"])
def test_root_may_be_any_level(tmp_path, tree, level):
    root = release(tmp_path / "data" / "CASME", row(1, "EP01_12"), tree=tree, first=70, last=95)
    assert ends(only(Casme(root / (tree if level == "tree" else level)))[1]) == (3, 11, 21)


def test_both_sections_of_the_older_split_are_read(tmp_path):
    add_clip(tmp_path / "CASME_A" / "Section A", 1, "EP01_12")
    add_clip(tmp_path / "CASME_B" / "Section B", 1, "EP02_3", name="{clip}-{n:03d}.jpg")
    add_clip(tmp_path / "CASME_B" / "Section B", 20, "EP01_12", name="{clip}-{n:03d}.jpg")
    write_table(tmp_path / "casme.xlsx", [row(1, "EP01_12"), row(1, "EP02_3"), row(20, "EP01_12")])
    assert [v.key for v in Casme(tmp_path).videos()] == ["casme/01/EP01_12", "casme/01/EP02_3", "casme/20/EP01_12"]
    assert len(Casme(tmp_path, layout="raw").videos()) == 3


def test_auto_prefers_crops_then_selected_then_the_split(tmp_path):
    trees = {"raw": ("CASME_A/Section A", 30), "selected": (SELECTED, 20), "cropped": ("Cropped", 19)}
    write_table(tmp_path / TABLE, [row(1, "EP01_12")])
    for tree, size in trees.values():
        add_clip(tmp_path / tree, 1, "EP01_12", 73, 72 + size)
        assert len(only(Casme(tmp_path))[0].frames) == size
    for layout, (_, size) in trees.items():
        assert len(only(Casme(tmp_path, layout=layout))[0].frames) == size
    with pytest.raises(DataError, match="no other frames, but cropped and raw and selected"):
        Casme(tmp_path, layout="other").videos()


@pytest.mark.parametrize(
    "name", ["casme.xls", "CASME.xls", "casme.xlsx", "CASME-coded-20190721.xls", "CASME_coded.xls"]
)
def test_names_of_tables(tmp_path, name):
    assert len(Casme(release(tmp_path, row(1, "EP01_12"), table=name)).videos()) == 1


@pytest.mark.parametrize("name", ["CASME2-coding-20190701.xlsx", "casme2.xlsx", "CASME II.xlsx", "casme3.xlsx"])
def test_tables_of_its_younger_sisters_are_not_taken(tmp_path, name):
    release(tmp_path, row(1, "EP01_12"), table=name)
    with pytest.raises(DataError, match="no table"):
        Casme(tmp_path).videos()


def test_the_newest_whole_table_is_preferred_to_sections(tmp_path):
    release(tmp_path, row(1, "EP01_12", emotion="disgust"))
    write_table(tmp_path / "CASME.xls", [row(1, "EP01_12", emotion="fear")])
    write_table(tmp_path / "CASME_SectionA_20200101.xlsx", [row(1, "EP01_12", emotion="sadness")])
    assert only(Casme(tmp_path))[1].emotion == "disgust"


@pytest.mark.parametrize(
    "names", [("CASME_SectionA.xls", "CASME_SectionB.xls"), ("CASME_A/Section A.xls", "CASME_B/Section B.xls")]
)
def test_the_tables_of_two_sections_are_joined(tmp_path, names):
    for subject, name in zip((1, 20), names, strict=True):
        add_clip(tmp_path / SELECTED, subject, "EP01_12")
        write_table(tmp_path / name, [row(subject, "EP01_12")])
    assert [v.subject for v in Casme(tmp_path).videos()] == ["01", "20"]
    assert not reported(Casme(tmp_path), "section")
    (tmp_path / names[1]).unlink()
    assert [v.subject for v in Casme(tmp_path).videos()] == ["01"]
    assert reported(Casme(tmp_path), "holds section A only")


@pytest.mark.parametrize("column", ["Subject", "Filename", "OnsetF", "ApexF1", "OffsetF", "AU", "Emotion"])
def test_a_missing_column_is_named(tmp_path, column):
    keep = [i for i, name in enumerate(HEADER) if name != column]
    write_table(tmp_path / TABLE, [[FIRST[i] for i in keep]], [HEADER[i] for i in keep])
    with pytest.raises(DataError, match=f"{TABLE}.*'{column}'"):
        Casme(tmp_path).annotations()


def test_onset_in_milliseconds_is_never_the_frame(tmp_path):
    keep = [0, 1, 3, 4, 6, 10, 11]
    add_clip(tmp_path / SELECTED, 1, "EP01_12")
    write_table(tmp_path / TABLE, [[FIRST[i] for i in keep]], [HEADER[i] for i in keep])
    assert ends(only(Casme(tmp_path))[1]) == (0, 8, 18)
    write_table(
        tmp_path / TABLE, [[FIRST[i] for i in [0, 1, 4, 6, 8, 10, 11]]], [HEADER[i] for i in [0, 1, 4, 6, 8, 10, 11]]
    )
    with pytest.raises(DataError, match="'OnsetF'"):
        Casme(tmp_path).annotations()


def test_landmarks(tmp_path):
    release(tmp_path / "data", row(1, "EP01_12"), row(2, "EP01_12"))
    (tmp_path / "data/landmarks/sub01").mkdir(parents=True)
    path = tmp_path / "data/landmarks/sub01/EP01_12.csv"
    path.touch()
    assert [v.landmarks for v in Casme(tmp_path / "data").videos()] == [path, None]
    assert [v.landmarks for v in Casme(tmp_path / "data", landmarks=tmp_path).videos()] == [None, None]


# What is missing or does not fit


def test_the_table_alone_gives_all_rows(tmp_path):
    write_table(tmp_path / TABLE, [FIRST, SECOND])
    assert [(a.subject, a.clip, a.onset, a.apex, a.offset) for a in Casme(tmp_path).annotations()] == [
        ("01", "EP01_12", 73, 81, 91),
        ("01", "EP01_5", 113, 121, 133),
    ]
    assert reported(Casme(tmp_path), "no frames of CASME")
    with pytest.raises(DataError, match="no frames"):
        Casme(tmp_path).videos()


def test_frames_alone_are_counted_but_are_no_videos(tmp_path):
    add_clip(tmp_path / SELECTED, 1, "EP01_12")
    assert Casme(tmp_path).verify().found["frames"] == 19
    assert reported(Casme(tmp_path), "no table CASME-coded-*.xls")
    with pytest.raises(DataError, match=r"no table CASME-coded-\*\.xls"):
        Casme(tmp_path).videos()


def test_rows_without_frames_and_strict(tmp_path):
    release(tmp_path, row(1, "EP01_12"))
    write_table(tmp_path / TABLE, [row(1, "EP01_12"), row(2, "EP01_12")])
    assert len(Casme(tmp_path).videos()) == 1
    assert reported(Casme(tmp_path), "02/EP01_12: no frames on disk")
    with pytest.raises(DataError, match="strict"):
        Casme(tmp_path, strict=True).videos()


@pytest.mark.parametrize(
    ("first", "last", "found", "words"),
    [
        (76, 91, (0, 5, 15), "onset 73 is before the first frame 76 clamped to the first frame"),
        (73, 88, (0, 8, 15), "offset 91 is past the last frame 88 clipped to the last frame"),
        (73, 79, (0, None, 6), "apex 81 is not among the frames 73..79 kept without apex"),
        (100, 149, (0, None, 49), "73..91 is outside the frames 100..149"),
        (60, 85, (0, 21, 25), "73..91 does not fit the frames 60..85"),
        (80, 99, (0, 1, 19), "73..91 does not fit the frames 80..99"),
    ],
)
@pytest.mark.parametrize("tree", [SELECTED, "Cropped"])
def test_frames_named_in_the_table_but_not_on_disk(tmp_path, tree, first, last, found, words):
    release(tmp_path, row(1, "EP01_12"), tree=tree, first=first, last=last)
    assert ends(only(Casme(tmp_path))[1]) == found
    assert reported(Casme(tmp_path), "01/EP01_12", words)


def test_own_errata(tmp_path):
    release(tmp_path, row(1, "EP01_12"))
    errata = tmp_path / "errata.csv"
    errata.write_text("subject,clip,field,published,corrected,reason\n01,EP01_12,ApexF1,81,85,seen\n", encoding="utf-8")
    assert ends(only(Casme(tmp_path, errata=errata))[1]) == (0, 12, 18)
    assert reported(Casme(tmp_path, errata=errata), "01/EP01_12", "seen", "ApexF1 corrected: 81 -> 85")


# Counts


def test_expected_counts_go_by_the_number_of_rows(tmp_path):
    def expected(rows):
        write_table(tmp_path / TABLE, [row(1, f"EP01_{n}") for n in range(rows)])
        return Casme(tmp_path).verify().expected

    assert expected(189) == {"subjects": 19, "clips": 189, "rows": 189, "micro": 189, **CLASSES}
    assert expected(193) == {"subjects": 19, "clips": 193, "rows": 193, "micro": 193}
    assert expected(195)["rows"] == 195
    assert expected(92) == expected(193)


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    out = tmp_path_factory.mktemp("full")
    Casme.write_synthetic(out, StandIn(preset="full", frames="none"))
    return out


def test_full_has_the_real_subjects_and_classes(full):
    report = Casme(full).verify()
    assert (report.found["subjects"], report.found["rows"]) == (19, 189)
    assert report.classes["native"] == CLASSES
    assert report.classes["casme_4"] == {"tense": 69, "disgust": 44, "repression": 38, "surprise": 20}
    assert sum(report.classes["casme_4"].values()) == 171
    assert Casme.info.emotions == tuple(CLASSES)


def test_full_has_the_layout_and_oddities_of_the_table(full):
    (sheet,) = openpyxl.load_workbook(full / "casme.xlsx").worksheets
    header, *lines = sheet.iter_rows(values_only=True)
    assert [*header] == HEADER
    assert {type(line[0]) for line in lines} == {int}
    assert 0.25 < Counter(line[5] == "\\" for line in lines)[True] / 189 < 0.5
    assert all(line[5] == "\\" or line[4] <= line[5] <= line[6] for line in lines)
    assert not reported(Casme(full), "frames count")


def test_full_with_frames_is_complete_and_pads_section_b(tmp_path):
    Casme.write_synthetic(tmp_path, StandIn(preset="full", frames="empty"))
    assert Casme(tmp_path).verify().complete
    videos = Casme(tmp_path, strict=True).videos()
    assert len(videos) == 189
    section_a = [v for v in videos if int(v.subject) <= 8]
    assert len(section_a) == 92
    digits = {v.frames.files()[0].stem.rsplit("-")[-1] for v in videos if v.frames.number(0) < 100}
    assert {len(d) for d in digits} == {2, 3}
    b = [v for v in videos if int(v.subject) > 8]
    assert {len(v.frames.files()[0].stem.rsplit("-")[-1]) for v in b} == {3}


@pytest.mark.parametrize("level", [".", "Cropped"])
def test_small_can_be_seen_and_is_known_as_synthetic(small, level):
    videos = Casme(small / level).videos()
    assert [(v.subject, v.synthetic, v.landmarks is not None) for v in videos] == [
        ("01", True, True),
        ("02", True, True),
    ]
    picture = videos[0].frames.read(0)
    assert picture.shape[2] == 3
    assert 186 <= picture.shape[0] <= 194
    assert 146 <= picture.shape[1] <= 154
    assert np.std(picture) > 10
    assert (picture[..., 0] != picture[..., 2]).any()
    assert videos[0].expressions[0].offset == len(videos[0].frames) - 1


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    out = tmp_path_factory.mktemp("small")
    Casme.write_synthetic(out, StandIn(subjects=2, videos=1))
    return out


def test_small_is_complete_and_has_enough_of_every_common_class(tmp_path):
    Casme.write_synthetic(tmp_path, StandIn(frames="empty"))
    report = Casme(tmp_path).verify()
    assert report.complete, report
    assert (report.found["subjects"], report.found["clips"]) == (8, 40)
    assert min(report.classes["casme_4"].values()) >= 6


@pytest.mark.parametrize("preset", ["small", "full"])
def test_every_planted_defect_is_reported_and_the_rest_survives(tmp_path, preset):
    Casme.write_synthetic(tmp_path, StandIn(preset=preset, dirty=True, frames="empty"))
    dataset = Casme(tmp_path)
    planted = json.loads((tmp_path / "SYNTHETIC.json").read_text())["planted"]
    assert len(planted) == 31
    lines = reports(dataset)
    missed = [p for p in planted if not any(p["where"] in line and p["shows"] in line for line in lines)]
    assert missed == []
    assert not dataset.verify().complete
    assert len(dataset.videos()) == {"small": 38, "full": 187}[preset]


def test_a_stand_in_is_never_written_over_data_and_refuses_what_it_cannot_be(tmp_path):
    release(tmp_path, row(1, "EP01_1"), tree="Cropped")
    with pytest.raises(DataError, match="exists already"):
        Casme.write_synthetic(tmp_path, StandIn(frames="empty"))
    with pytest.raises(DataError, match="small, full"):
        Casme.write_synthetic(tmp_path / "new", StandIn(preset="tiny"))
    with pytest.raises(DataError, match="1 to 8"):
        Casme.write_synthetic(tmp_path / "new", StandIn(subjects=9))
