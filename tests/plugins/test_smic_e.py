import json

import numpy as np
import openpyxl
import pytest
from mezoo_smic.smic_e import SmicE

from mezoo import DataError
from mezoo.datasets import StandIn

HS_TITLES = (
    "Subject Filename - OnsetF OffsetF Onset2F Offset2F Onset3F Offset3F - FirstF LastF TotalMF1 TotalMF2 TotalMF3 "
    "TotalVL Emotion - -"
)
VIS_TITLES = "Subject Filename - OnsetF OffsetF Onset2F Offset2F - FirstF TotalMF1 TotalMF2 TotalVL Emotion"
HS, VIS = HS_TITLES.split(), VIS_TITLES.split()
TREE = "SMIC-E_raw image/HS_long/SMIC-HS-E"
TABLE = "SMIC-E_raw image/HS_long/SMIC-HS-E_annotation.xlsx"
EMOTIONS = {"ne": "negative", "po": "positive", "sur": "surprise"}


def row(name, onset=131, offset=160, first=101, length=200, **cells):
    """Cells of a clip of 200 frames from 101 on; further micro-expressions and wrong cells by column name."""
    own, tag, _ = name.split("_")
    return {
        "Subject": int(own[1:]),
        "Filename": name,
        "OnsetF": onset,
        "OffsetF": offset,
        "FirstF": first,
        "LastF": first + length - 1,
        "TotalMF1": offset - onset + 1,
        "TotalVL": length,
        "Emotion": EMOTIONS[tag],
        **cells,
    }


def write_table(root, rows, path=TABLE, header=HS, sheets=None):
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for title, (columns, content) in (sheets or {"HS": (header, rows)}).items():
        sheet = book.create_sheet(title)
        sheet.append([None if c == "-" else c for c in columns])
        for line in content:
            sheet.append(line if isinstance(line, list) else [line.get(c) for c in columns])
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    book.save(root / path)


def add_clip(root, name, numbers=range(101, 301), tree=TREE, subject=None):
    folder = root / tree / (subject or f"s{int(name.split('_')[0][1:]):02d}") / name
    folder.mkdir(parents=True)
    for n in numbers:
        (folder / f"image{n:06d}.jpg").touch()
    return folder


def release(root, *rows):
    for line in rows:
        add_clip(root, line["Filename"])
    write_table(root, rows)
    return root


def lines(report):
    return [f"{n.what} {n.reason} {n.action}" for n in report.excluded] + list(report.problems)


def rows_of(root, **options):
    return [(a.clip, a.code, a.onset, a.offset) for a in SmicE(root, **options).annotations()]


def test_a_row_becomes_an_expression_counted_from_zero(tmp_path):
    (video,) = SmicE(release(tmp_path, row("s20_ne_01"))).videos()
    (found,) = video.expressions
    assert (video.key, video.subject, video.fps, len(video.frames)) == ("smic_e/s20/s20_ne_01", "s20", 100.0, 200)
    assert (found.code, found.kind, found.onset, found.apex, found.offset) == ("s20_ne_01", "micro", 30, None, 59)
    assert (found.emotion, found.aus, found.published["OnsetF"]) == ("negative", "", "131")
    assert found.published["Filename"] == "s20_ne_01"
    assert "clip" not in found.published


def test_three_micro_expressions_in_one_clip(tmp_path):
    more = {"Onset2F": 181, "Offset2F": 210, "TotalMF2": 30, "Onset3F": 241, "Offset3F": 270, "TotalMF3": 30}
    (video,) = SmicE(release(tmp_path, row("s4_ne_04", **more))).videos()
    assert (video.subject, video.code) == ("s04", "s4_ne_04")
    assert [(e.code, e.onset, e.offset, e.emotion) for e in video.expressions] == [
        ("s4_ne_04", 30, 59, "negative"),
        ("s4_ne_04#2", 80, 109, "negative"),
        ("s4_ne_04#3", 140, 169, "negative"),
    ]
    assert SmicE(tmp_path).verify().found["micro"] == 3


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"Onset3F": 118997, "Offset3F": 0, "TotalMF3": -118996}, "TotalMF3 is -118996"),
        ({"Onset3F": 131, "Offset3F": 160, "TotalMF3": 30}, "it repeats ME 1"),
        ({"Onset3F": 210, "Offset3F": 181, "TotalMF3": 1}, "onset 210 is not before offset 181"),
        ({"Onset3F": 210, "Offset3F": 210, "TotalMF3": 1}, "onset 210 is not before offset 210"),
        ({"Onset3F": None, "Offset3F": 210, "TotalMF3": 211}, "onset None is not before offset 210"),
        ({"Onset3F": 99, "Offset3F": 120, "TotalMF3": 22}, "99..120 is outside FirstF..LastF, 101..300"),
        ({"Onset3F": 290, "Offset3F": 301, "TotalMF3": 12}, "290..301 is outside FirstF..LastF, 101..300"),
        ({"Onset3F": 181, "Offset3F": 210, "TotalMF3": 0}, "TotalMF3 is 0"),
    ],
)
def test_leavings_of_formulas_are_no_third_micro_expression(tmp_path, cells, reason):
    root = release(tmp_path, row("s18_ne_01", **cells))
    assert rows_of(root) == [("s18_ne_01", "s18_ne_01", 131, 160)]
    assert f"s18_ne_01#3 (micro, row 2) no ME 3: {reason} ignored" in lines(SmicE(root).verify())
    assert len(SmicE(root, strict=True).videos()) == 1


def test_a_copy_of_the_second_is_no_third(tmp_path):
    more = {"Onset2F": 181, "Offset2F": 210, "TotalMF2": 30, "Onset3F": 181, "Offset3F": 210, "TotalMF3": 30}
    root = release(tmp_path, row("s9_sur_01", **more))
    assert [code for _, code, *_ in rows_of(root)] == ["s9_sur_01", "s9_sur_01#2"]
    assert "s09/s9_sur_01#3 (micro, row 2) no ME 3: it repeats ME 2 ignored" in lines(SmicE(root).verify())


def test_zeros_are_no_micro_expression_and_not_worth_a_word(tmp_path):
    empty = {"Onset2F": 0, "Offset2F": 0, "TotalMF2": 1, "Onset3F": 0, "Offset3F": 0, "TotalMF3": 1}
    root = release(tmp_path, row("s18_ne_01", **empty))
    assert len(rows_of(root)) == 1
    assert not [line for line in lines(SmicE(root).verify()) if "ME 2" in line or "ME 3" in line]


def test_formulas_without_a_value_are_read_as_empty(tmp_path):
    formulas = {"TotalMF1": "=E2-D2+1", "TotalMF2": "=G2-F2+1", "LastF": "=K2+P2-1", "Onset3F": "=K2"}
    root = release(tmp_path, row("s18_ne_01", Onset2F=181, Offset2F=210, **formulas))
    assert rows_of(root) == [("s18_ne_01", "s18_ne_01", 131, 160), ("s18_ne_01", "s18_ne_01#2", 181, 210)]


def test_the_first_micro_expression_is_clipped_to_the_frames(tmp_path):
    root = release(tmp_path, row("s18_ne_01", onset=281, offset=302))
    (video,) = SmicE(root).videos()
    assert [(e.onset, e.offset) for e in video.expressions] == [(180, 199)]
    clipped = "s18_ne_01 (micro, row 2) offset 302 is past the last frame 300 clipped to the last frame"
    assert clipped in lines(SmicE(root).verify())


def test_text_in_first_f_is_reported_and_the_row_dropped(tmp_path):
    add_clip(tmp_path, "s3_ne_02")
    write_table(tmp_path, [row("s3_ne_02"), row("s3_ne_20") | {"FirstF": "MISSING <-426679"}])
    assert [code for _, code, *_ in rows_of(tmp_path)] == ["s3_ne_02"]
    report = SmicE(tmp_path).verify()
    told = "s03/s3_ne_20 (micro, row 3) FirstF is 'MISSING <-426679', no frame number dropped"
    assert told in lines(report)
    assert report.problems == ()


def test_text_below_the_table_and_other_rows(tmp_path):
    add_clip(tmp_path, "s3_ne_02")
    odd = row("s3_ne_04") | {"Filename": "s3_xx_04"}
    end = [[None], ["Frames are numbered by the camera"], [None, "total 157"]]
    write_table(tmp_path, [row("s3_ne_02"), odd, *end])
    dataset = SmicE(tmp_path)
    assert len(dataset.annotations()) == 1
    told = lines(dataset.verify())
    assert "row 5 ... 2 row(s) without a clip skipped" in told
    assert "row 3 Filename 's3_xx_04' is not like s3_ne_03 dropped" in told


def test_subject_and_emotion_that_contradict_the_code(tmp_path):
    root = release(
        tmp_path, row("s3_ne_02", Subject=4), row("s3_po_01", Emotion="surprise"), row("s3_ne_03", Subject="s03")
    )
    dataset = SmicE(root)
    assert [(a.subject, a.emotion) for a in dataset.annotations()] == [
        ("s03", "negative"),
        ("s03", "positive"),
        ("s03", "negative"),
    ]
    report = dataset.verify()
    assert "s03/s3_ne_02 (row 2) Subject is '4' read as s03" in lines(report)
    assert report.problems == ("s03/s3_po_01 (row 3): Emotion is 'surprise'; read as positive, as its code says",)


def test_the_vis_sheet_has_no_last_frame(tmp_path):
    tree = "SMIC-E_raw image/VIS_long/SMIC_VIS_E"
    add_clip(tmp_path, "s11_ne_01", range(101, 251), tree=tree)
    late = {"Onset2F": 245, "Offset2F": 252, "TotalMF2": 8}
    good = {"Onset2F": 241, "Offset2F": 250, "TotalMF2": 10}
    rows = [row("s11_ne_01", 131, 138, length=150, **late), row("s11_po_01", 131, 138, length=150, **good)]
    write_table(tmp_path, rows, f"{tree}_annotation.xlsx", VIS, {"VIS": (VIS, rows)})
    dataset = SmicE(tmp_path, camera="vis")
    assert rows_of(tmp_path, camera="vis") == [
        ("s11_ne_01", "s11_ne_01", 131, 138),
        ("s11_po_01", "s11_po_01", 131, 138),
        ("s11_po_01", "s11_po_01#2", 241, 250),
    ]
    (video,) = dataset.videos()
    assert (video.fps, video.expressions[0].onset) == (25.0, 30)
    assert dataset.verify().expected == {"subjects": 8, "videos": 71}
    assert dataset.info.title == "SMIC-E-VIS"


def test_the_sheet_of_the_camera_is_read(tmp_path):
    sheets = {"HS": (HS, [row("s3_ne_02")]), "VIS": (VIS, [row("s11_ne_01", 131, 138)])}
    for camera in ("HS", "VIS"):
        write_table(tmp_path, [], f"{camera}_long/SMIC-{camera}-E_annotation.xlsx", sheets=sheets)
    assert [code for _, code, *_ in rows_of(tmp_path)] == ["s3_ne_02"]
    assert [code for _, code, *_ in rows_of(tmp_path, camera="vis")] == ["s11_ne_01"]


@pytest.mark.parametrize("camera", ["hs", "vis", "nir"])
def test_each_camera_has_its_table_and_frames(tmp_path, camera):
    for n, name in enumerate(("HS", "VIS", "NIR"), start=1):
        add_clip(tmp_path, f"s11_ne_0{n}", tree=f"{name}_long/SMIC-{name}-E/{name}")
        columns = HS if name == "HS" else VIS
        rows = [row(f"s11_ne_0{n}", 131, 150)]
        write_table(tmp_path, rows, f"{name}_long/SMIC-{name}-E_annotation.xlsx", columns, {name: (columns, rows)})
    (video,) = SmicE(tmp_path, camera=camera).videos()
    assert video.code == f"s11_ne_0{['hs', 'vis', 'nir'].index(camera) + 1}"
    assert len(video.expressions) == 1


def test_the_newest_table_wins_and_the_original_comes_last(tmp_path):
    add_clip(tmp_path, "s3_ne_02")
    stem = "SMIC-E_raw image/HS_long/SMIC-HS-E_annotation"
    for suffix, onset in (("_orig", 111), ("", 121), ("_2019", 131)):
        write_table(tmp_path, [row("s3_ne_02", onset)], f"{stem}{suffix}.xlsx")
    assert [onset for *_, onset, _ in rows_of(tmp_path)] == [131]
    (tmp_path / f"{stem}_2019.xlsx").unlink()
    assert [onset for *_, onset, _ in rows_of(tmp_path)] == [121]
    assert SmicE(tmp_path).verify().expected == {"subjects": 16, "videos": 157, "micro": 166}
    (tmp_path / f"{stem}.xlsx").unlink()
    assert [onset for *_, onset, _ in rows_of(tmp_path)] == [111]
    assert SmicE(tmp_path).verify().expected == {"subjects": 16, "videos": 157}


def test_the_original_table_has_several_rows_for_one_clip(tmp_path):
    add_clip(tmp_path, "s4_ne_04")
    rows = [
        row("s4_ne_04"),
        row("s4_ne_05", 181, 210),
        row("s4_ne_06", 241, 270),
        row("s3_ne_20") | {"FirstF": "MISSING <-426679"},
    ]
    write_table(tmp_path, rows, "SMIC-E_raw image/HS_long/SMIC-HS-E_annotation_orig.xlsx")
    (video,) = SmicE(tmp_path).videos()
    assert [(e.code, e.onset) for e in video.expressions] == [("s4_ne_04", 30), ("s4_ne_05", 80), ("s4_ne_06", 140)]
    assert SmicE(tmp_path).verify().problems == ()


def test_rows_with_one_first_frame_are_clips_of_their_own_in_other_tables(tmp_path):
    write_table(tmp_path, [row("s4_ne_04"), row("s4_ne_05", 181, 210)])
    assert [clip for clip, *_ in rows_of(tmp_path)] == ["s4_ne_04", "s4_ne_05"]


@pytest.mark.parametrize(
    "tree",
    [
        "SMIC-E_raw image/HS_long/SMIC-HS-E",
        "SMIC-E_raw image/HS_long/SMIC_HS_E",
        "SMIC-E_raw image/HS_long/SMIC_HS_E/HS",
        "SMIC-E_raw image/SMIC-E_raw image/HS_long/SMIC-HS-E",
    ],
)
def test_trees(tmp_path, tree):
    add_clip(tmp_path, "s3_ne_02", tree=tree)
    write_table(tmp_path, [row("s3_ne_02")])
    assert [len(v.expressions) for v in SmicE(tmp_path).videos()] == [1]
    assert [len(v.expressions) for v in SmicE(tmp_path / "SMIC-E_raw image").videos()] == [1]


@pytest.mark.parametrize("level", ["..", ".", "SMIC-E_raw image", "SMIC-E_raw image/HS_long", TREE])
def test_root_may_be_any_level(tmp_path, level):
    release(tmp_path / "a", row("s3_ne_02"))
    assert [len(v.expressions) for v in SmicE(tmp_path / "a" / level).videos()] == [1]


def test_codes_are_the_same_in_every_padding(tmp_path):
    add_clip(tmp_path, "s03_ne_02", subject="s3")
    add_clip(tmp_path, "s4_ne_02", subject="s04")
    write_table(tmp_path, [row("s3_ne_02"), row("s04_ne_02")])
    dataset = SmicE(tmp_path)
    assert [(v.key, len(v.expressions)) for v in dataset.videos()] == [
        ("smic_e/s03/s3_ne_02", 1),
        ("smic_e/s04/s4_ne_02", 1),
    ]
    note = "s04/s4_ne_02 ... 2 clip(s) with a zero-padded or unpadded subject read as s04, s4_ne_02"
    assert note in lines(dataset.verify())


def test_clips_of_smic_beside_it_are_ignored(tmp_path):
    release(tmp_path, row("s3_ne_02"))
    core = tmp_path / "SMIC_all_cropped/HS/s3/micro/negative/s3_ne_09"
    core.mkdir(parents=True)
    (core / "reg_image000001.bmp").touch()
    assert [v.code for v in SmicE(tmp_path).videos()] == ["s3_ne_02"]


def test_rows_without_frames_and_frames_without_rows(tmp_path):
    add_clip(tmp_path, "s3_ne_02")
    add_clip(tmp_path, "s3_ne_05")
    add_clip(tmp_path, "s3_ne_06", [])
    write_table(tmp_path, [row("s3_ne_02"), row("s3_ne_04"), row("s3_ne_06")])
    dataset = SmicE(tmp_path)
    report = dataset.verify()
    assert [(v.code, len(v.expressions)) for v in dataset.videos()] == [("s3_ne_02", 1), ("s3_ne_05", 0)]
    assert report.problems == (
        "s03/s3_ne_04: no frames on disk for 1 row(s)",
        "s03/s3_ne_06: no frames on disk for 1 row(s)",
    )
    assert "s03/s3_ne_05 no row in the table kept without expressions" in lines(report)
    assert "s03/s3_ne_06 the folder holds no frame left out" in lines(report)
    assert report.found["videos"] == 2
    with pytest.raises(DataError, match="strict: s03/s3_ne_04: no frames on disk"):
        SmicE(tmp_path, strict=True).videos()


def test_clips_that_are_cut_on_disk_are_reported_and_frames_found_by_number(tmp_path):
    add_clip(tmp_path, "s3_ne_02", [*range(104, 110), *range(111, 291)])
    write_table(tmp_path, [row("s3_ne_02")])
    told = lines(SmicE(tmp_path).verify())
    assert "s03/s3_ne_02 its first frame on disk is 104, FirstF is 101 kept; frames are found by number" in told
    assert "s03/s3_ne_02 its last frame on disk is 290, LastF is 300 kept; frames are found by number" in told
    assert any("1 frame(s) missing in the numbering, the first is 110" in line for line in told)
    (video,) = SmicE(tmp_path).videos()
    assert video.frames.number(video.expressions[0].onset) == 131


def test_tables_alone(tmp_path):
    write_table(tmp_path, [row("s3_ne_02"), row("s11_po_02")])
    dataset = SmicE(tmp_path)
    assert [(a.subject, a.code, a.emotion) for a in dataset.annotations()] == [
        ("s03", "s3_ne_02", "negative"),
        ("s11", "s11_po_02", "positive"),
    ]
    (problem,) = dataset.verify().problems
    assert problem.startswith("no frames of SMIC-E-HS")
    with pytest.raises(DataError, match="no frames"):
        dataset.videos()


@pytest.mark.parametrize("column", ["Subject", "Filename", "OnsetF", "OffsetF", "FirstF", "Emotion"])
def test_a_missing_column_is_named(tmp_path, column):
    write_table(tmp_path, [row("s3_ne_02")], header=[c for c in HS if c != column])
    with pytest.raises(DataError, match=rf"SMIC-HS-E_annotation\.xlsx.*HS.*'{column}'"):
        SmicE(tmp_path).videos()


def test_frames_without_a_table(tmp_path):
    add_clip(tmp_path, "s3_ne_02")
    with pytest.raises(DataError, match=r"SMIC-HS-E_annotation\.xlsx"):
        SmicE(tmp_path).videos()


def test_landmarks(tmp_path):
    release(tmp_path, row("s3_ne_02"))
    path = tmp_path / "landmarks/HS/s03/s3_ne_02.npy"
    path.parent.mkdir(parents=True)
    path.touch()
    assert SmicE(tmp_path).videos()[0].landmarks == path
    assert SmicE(tmp_path, landmarks=tmp_path / "none").videos()[0].landmarks is None


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    out = tmp_path_factory.mktemp("full")
    SmicE.write_synthetic(out, StandIn(preset="full", frames="none"))
    return out


def test_full_has_the_published_clips_and_classes(full):
    dataset = SmicE(full)
    rows = dataset.annotations()
    clips = {(a.subject, a.clip): a.emotion for a in rows}
    classes = [*clips.values()]
    assert len(clips) == 157
    assert {c: classes.count(c) for c in sorted(set(classes))} == {"negative": 66, "positive": 51, "surprise": 40}
    assert [sum(a.code.endswith(end) for a in rows) for end in ("#2", "#3")] == [8, 1]
    report = dataset.verify()
    assert (report.found["micro"], report.found["subjects"], report.expected["videos"]) == (166, 16, 157)
    assert sum(report.classes["megc2019_3"].values()) == 166
    lengths = [int(a.published["TotalVL"]) for a in rows]
    assert min(lengths) >= 120
    assert max(lengths) <= 1200
    assert 550 < np.mean(lengths) < 650


@pytest.mark.parametrize("camera", ["vis", "nir"])
def test_full_has_the_published_clips_of_the_other_cameras(full, camera):
    report = SmicE(full, camera=camera).verify()
    assert report.classes["native"] == {"negative": 24, "positive": 28, "surprise": 19}
    assert (report.found["subjects"], report.found["rows"], report.expected["videos"]) == (8, 71, 71)


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    out = tmp_path_factory.mktemp("clean")
    SmicE.write_synthetic(out, StandIn(frames="empty", subjects=4, seconds=2.5))
    return out


@pytest.mark.parametrize("camera", ["hs", "vis", "nir"])
def test_clean_stand_in_is_complete(clean, camera):
    dataset = SmicE(clean, camera=camera, strict=True)
    report = dataset.verify()
    assert report.complete, report
    assert len(dataset.videos()) == {"hs": 12, "vis": 6, "nir": 6}[camera]
    assert all(v.synthetic for v in dataset.videos())
    assert max(len(v.expressions) for v in dataset.videos()) == (3 if camera == "hs" else 1)
    assert report.expected["micro"] == (14 if camera == "hs" else 6)


def test_dirty_stand_in_reports_everything_that_was_planted(tmp_path):
    SmicE.write_synthetic(tmp_path, StandIn(frames="empty", dirty=True, subjects=6, seconds=2.5))
    dataset = SmicE(tmp_path)
    told = lines(dataset.verify())
    planted = json.loads((tmp_path / "SYNTHETIC.json").read_text())["planted"]
    assert {p["defect"] for p in planted} == {
        *("stray file", "missing frame", "empty folder", "folder gone", "missing first frames"),
        *("formula debris in the third ME", "text in FirstF", "second ME outside its clip", "ME repeated"),
        *("offset 0", "offset past the end", "onset 0", "onset with a fraction", "number as text", "row twice"),
        *("preamble", "blank column", "subject padding variants"),
    }
    for p in planted:
        assert any(p["where"] in line and p["shows"] in line for line in told), p
    assert len(dataset.videos()) == 16
    assert not dataset.verify().complete


def test_the_small_stand_in_has_enough_of_every_class(tmp_path):
    SmicE.write_synthetic(tmp_path, StandIn(frames="none"))
    report = SmicE(tmp_path).verify()
    assert (report.found["subjects"], min(report.classes["native"].values()) >= 6) == (8, True)


def test_pictures_and_landmarks(tmp_path):
    SmicE.write_synthetic(tmp_path, StandIn(subjects=1, videos=1, seconds=2.5))
    (video,) = SmicE(tmp_path, camera="vis").videos()
    image = video.frames.read(3)
    assert (image.shape, image.dtype) == ((150, 200, 3), np.uint8)
    assert np.std(image) > 10
    assert len(video.landmarks.read_text().splitlines()) == len(video.frames) + 1
    nir = SmicE(tmp_path, camera="nir").videos()[0].frames.read(0)
    assert np.ptp(nir.astype(int), axis=2).max() == 0


def test_stand_in_refuses_what_it_cannot_write(clean, tmp_path):
    with pytest.raises(DataError, match="exists already"):
        SmicE.write_synthetic(clean, StandIn(frames="empty"))
    with pytest.raises(DataError, match="small, full"):
        SmicE.write_synthetic(tmp_path, StandIn(preset="tiny"))
    with pytest.raises(DataError, match=r"2\.5 to 300"):
        SmicE.write_synthetic(tmp_path, StandIn(seconds=1))
    assert list(tmp_path.iterdir()) == []
