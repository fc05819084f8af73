import json
from collections import Counter

import numpy as np
import openpyxl
import pytest
from mezoo_samm.samm import Samm

from mezoo import DataError
from mezoo.datasets import StandIn

HEADER = [
    "Subject",
    "Filename",
    "Inducement Code",
    "Onset Frame",
    "Apex Frame",
    "Offset Frame",
    "Duration",
    "Micro",
    "Action Units",
    "Estimated Emotion",
    "Objective Classes",
    "Notes",
]
TABLE = "SAMM_Micro_FACS_Codes_v2.xlsx"
CODES = (
    6,
    7,
    9,
    10,
    11,
    12,
    13,
    14,
    15,
    16,
    17,
    18,
    19,
    20,
    21,
    22,
    23,
    24,
    25,
    26,
    28,
    30,
    31,
    32,
    33,
    34,
    35,
    36,
    37,
)
CLIPS = (11, 10, 4, 4, 20, 3, 6, 11, 3, 5, 6, 4, 3, 9, 2, 5, 1, 1, 4, 13, 3, 3, 1, 6, 5, 3, 9, 1, 3)
PER_SUBJECT = {f"{code:03d}": clips for code, clips in zip(CODES, CLIPS, strict=True)}


def row(filename, onset, apex, offset, emotion="Anger", aus="4+7", objective=3):
    start = [filename[:3], filename, int(filename[4]), onset, apex, offset, offset - onset + 1]
    return [*start, "Micro - 1/2", aus, emotion, objective, None]


def write_table(path, rows, header=HEADER, sheet="MICRO_ONLY", above=13):
    book = openpyxl.Workbook()
    book.worksheets[0].title = sheet
    for _ in range(above):
        book.worksheets[0].append(["Free text on the Apex Frame", None, "and the Emotional and Objective Classes"])
    for line in [header, *rows]:
        book.worksheets[0].append(line)
    path.parent.mkdir(parents=True, exist_ok=True)
    book.save(path)


def add_clip(tree, code, first, last, name="{subject}_{n:05d}.jpg"):
    subject = code[:3]
    folder = tree / subject / code
    folder.mkdir(parents=True)
    for n in range(first, last + 1):
        (folder / name.format(subject=subject, code=code, n=n)).touch()
    return folder


def release(root, *rows):
    """The rows' table and, for each, a clip from its onset to its offset."""
    for line in rows:
        add_clip(root, line[1], line[3], line[5])
    write_table(root / TABLE, rows)
    return root


def only(root, **options):
    (video,) = Samm(root, **options).videos()
    (expression,) = video.expressions
    return expression


def said(root, **options):
    """What was done to which row or folder; lines above the header and the spelling of `Other` apart."""
    found = {(x.what.split(" ")[0], x.action) for x in Samm(root, **options).verify().excluded}
    return found - {(TABLE, "skipped")}


def test_a_row_is_a_clip_whose_frames_are_found_by_number(tmp_path):
    release(tmp_path, row("006_1_2", 5562, 5588, 5632, "Happiness", "R12", 1))
    (video,) = Samm(tmp_path).videos()
    (found,) = video.expressions
    assert (video.dataset, video.subject, video.code, video.fps, len(video.frames)) == (
        "samm",
        "006",
        "006_1_2",
        200,
        71,
    )
    assert (found.code, found.kind, found.onset, found.apex, found.offset) == ("006_1_2", "micro", 0, 26, 70)
    assert (found.emotion, found.aus, found.objective) == ("happiness", "R12", 1)
    assert (found.published["Onset Frame"], found.published["Micro"]) == ("5562", "Micro - 1/2")
    assert [video.frames.number(i) for i in (0, 70)] == [5562, 5632]
    assert not video.synthetic
    assert said(tmp_path) == set()


@pytest.mark.parametrize("level", [".", "..", "../.."])
def test_root_may_be_above_and_levels_may_be_doubled(tmp_path, level):
    release(tmp_path / "SAMM" / "SAMM", row("006_1_2", 5562, 5588, 5632))
    assert only(tmp_path / "SAMM" / "SAMM" / level).onset == 0


@pytest.mark.parametrize("place", [TABLE, f"SAMM/{TABLE}", f"../{TABLE}"])
def test_the_table_may_lie_beside_below_or_above_the_frames(tmp_path, place):
    add_clip(tmp_path / "root" / "SAMM", "006_1_2", 5562, 5632)
    write_table(tmp_path / "root" / place, [row("006_1_2", 5562, 5588, 5632)])
    assert only(tmp_path / "root").apex == 26


@pytest.mark.parametrize(
    "name",
    ["SAMM_20181215_Micro_FACS_Codes_v2.xlsx", "SAMM_Micro_FACS_Codes_v2 (1).xlsx", "samm_micro_facs_codes.xlsx"],
)
def test_other_names_of_the_table(tmp_path, name):
    add_clip(tmp_path, "006_1_2", 5562, 5632)
    write_table(tmp_path / name, [row("006_1_2", 5562, 5588, 5632)])
    assert only(tmp_path).apex == 26


def test_the_highest_version_wins_and_long_videos_beside_are_no_concern(tmp_path):
    release(tmp_path, row("006_1_2", 5562, 5588, 5632))
    write_table(tmp_path / "SAMM_Micro_FACS_Codes_v1.xlsx", [row("006_1_2", 1, 2, 3)])
    write_table(tmp_path / "SAMM_LongVideos_V3_Release.xlsx", [row("006_1_2", 4, 5, 6)])
    (tmp_path / "SAMM_longvideos" / "006_1").mkdir(parents=True)
    (tmp_path / "SAMM_longvideos" / "006_1" / "006_1_0001.jpg").touch()
    assert only(tmp_path).apex == 26
    assert said(tmp_path) == set()


@pytest.mark.parametrize("above", [0, 13, 20])
@pytest.mark.parametrize("sheet", ["MICRO_ONLY", "Sheet1"])
def test_the_header_is_found_by_its_content(tmp_path, above, sheet):
    add_clip(tmp_path, "006_1_2", 5562, 5632)
    write_table(tmp_path / TABLE, [row("006_1_2", 5562, 5588, 5632)], above=above, sheet=sheet)
    assert only(tmp_path).apex == 26


def test_codes_are_strings_whatever_the_cell_holds(tmp_path):
    line = row("006_1_2", 5562, 5588, 5632)
    release(tmp_path, line)
    write_table(tmp_path / TABLE, [[6, "6_1_2 *", *map(str, line[2:])]])
    (video,) = Samm(tmp_path).videos()
    assert (video.subject, video.code, video.expressions[0].apex) == ("006", "006_1_2", 26)


@pytest.fixture
def both_trees(tmp_path):
    write_table(tmp_path / "SAMM" / TABLE, [row("006_1_2", 5562, 5588, 5632)])
    add_clip(tmp_path / "SAMM", "006_1_2", 5562, 5632)
    add_clip(tmp_path / "SAMM_CROP", "006_1_2", 5562, 5632, name="reg_{n}.png")
    return tmp_path


@pytest.mark.parametrize(
    ("layout", "root", "tree"),
    [
        ("auto", ".", "SAMM_CROP"),
        ("raw", ".", "SAMM"),
        ("cropped", ".", "SAMM_CROP"),
        ("auto", "SAMM", "SAMM"),
    ],
)
def test_layout_chooses_among_trees(both_trees, layout, root, tree):
    (video,) = Samm(both_trees / root, layout=layout).videos()
    assert video.frames.folder == both_trees / tree / "006" / "006_1_2"
    assert (len(video.frames), video.expressions[0].apex) == (71, 26)


def test_cropped_faces_alone_are_taken(tmp_path):
    add_clip(tmp_path / "SAMM_CROP", "006_1_2", 5562, 5632, name="{n}.jpg")
    write_table(tmp_path / TABLE, [row("006_1_2", 5562, 5588, 5632)])
    for root in (tmp_path, tmp_path / "SAMM_CROP"):
        (video,) = Samm(root).videos()
        assert video.frames.number(0) == 5562
    with pytest.raises(DataError, match="no frames in"):
        Samm(tmp_path, layout="raw").videos()


def test_frames_that_were_counted_anew_are_found_by_their_order(tmp_path):
    add_clip(tmp_path / "SAMM_CROP", "006_1_2", 1, 71, name="{n:03d}.jpg")
    write_table(tmp_path / TABLE, [row("006_1_2", 5562, 5588, 5632)])
    found = only(tmp_path)
    assert (found.onset, found.apex, found.offset, found.published["Apex Frame"]) == (0, 26, 70, "5588")
    assert said(tmp_path) == {("006_1_2", "found by their order")}


def test_clips_without_a_level_of_subjects(tmp_path):
    release(tmp_path, row("006_1_2", 5562, 5588, 5632))
    (tmp_path / "006" / "006_1_2").rename(tmp_path / "006_1_2")
    assert only(tmp_path).apex == 26


def test_a_clip_in_two_places_is_a_problem(tmp_path):
    release(tmp_path, row("006_1_2", 5562, 5588, 5632))
    add_clip(tmp_path / "copy", "006_1_2", 5562, 5632)
    assert only(tmp_path).apex == 26
    (problem,) = Samm(tmp_path).verify().problems
    assert problem == f"006_1_2: two folders of this name; {tmp_path / 'copy' / '006' / '006_1_2'} is not used"


def test_stray_files_and_short_numbers(tmp_path):
    folder = add_clip(tmp_path, "006_1_2", 998, 1068, name="{subject}_{n:04d}.jpg")
    for name in (".DS_Store", "img260.jpg2.jpg", "007_01000.jpg", "006_100.jpg"):
        (folder / name).touch()
    write_table(tmp_path / TABLE, [row("006_1_2", 998, 1024, 1068)])
    (video,) = Samm(tmp_path).videos()
    assert (len(video.frames), video.frames.number(2), video.expressions[0].apex) == (71, 1000, 26)
    assert said(tmp_path) == {("006_1_2", "ignored")}


@pytest.mark.parametrize(
    ("line", "field", "frames"),
    [
        (row("028_4_1", 1071, 1143, 1134), "Apex Frame corrected: 1143 -> 1102", (0, 31, 63)),
        (row("032_3_1", 4896, 1930, 4970), "Apex Frame corrected: 1930 -> 4930", (0, 34, 74)),
        (row("032_3_2", 5126, 5127, 5200), "Apex Frame corrected: 5127 -> 5130", (0, 4, 74)),
        (row("013_1_9", 5660, 5700, 5793), "Offset Frame corrected: 5793 -> 5739", (0, 40, 79)),
    ],
)
def test_known_slips_are_corrected_and_listed(tmp_path, line, field, frames):
    root = release(tmp_path, line)
    found = only(root)
    assert (found.onset, found.apex, found.offset) == frames
    assert found.published == {**found.published, "Apex Frame": str(line[4]), "Offset Frame": str(line[5])}
    assert (line[1], field) in said(root)
    assert (line[1], field) not in said(root, errata=False)


def test_without_errata_the_slips_stay(tmp_path):
    release(tmp_path, row("028_4_1", 1071, 1143, 1134))
    assert only(tmp_path, errata=False).apex is None
    assert said(tmp_path, errata=False) == {("028_4_1", "kept without apex")}


def test_errata_leave_a_table_alone_that_is_right_already(tmp_path):
    release(tmp_path, row("013_1_9", 5660, 5700, 5739), row("028_4_1", 1071, 1100, 1134))
    assert said(tmp_path) == set()


def test_own_errata(tmp_path):
    release(tmp_path, row("028_4_1", 1071, 1143, 1134))
    own = tmp_path / "own.csv"
    own.write_text(
        "subject,clip,field,published,corrected,reason\n28,028_4_1,Apex Frame,1143,1105,seen\n*,001_1_1,Notes,a,b,c\n"
    )
    assert only(tmp_path, errata=own).apex == 1105 - 1071
    assert Samm(tmp_path, errata=own).verify().problems == ("errata: no row 001_1_1 with Notes = a",)


def test_words_and_alternatives_are_read_and_reported(tmp_path):
    release(
        tmp_path,
        row("007_6_1", 100, 120, 170, "Other", "(R6 or R12) + R15", 7),
        row("035_7_2", 100, 120, 170, "Contempt", "R14A or 17A or 24A", 7),
    )
    report = Samm(tmp_path).verify()
    assert [v.expressions[0].emotion for v in Samm(tmp_path).videos()] == ["others", "contempt"]
    assert {(x.what, x.reason, x.action) for x in report.excluded if "row(s) above" not in x.reason} == {
        ("row 15 ...", "2 AU cell(s) with alternatives", "read, flagged as alternatives"),
        ("row 15", "emotion 'Other' in 1 row(s)", "read as others"),
    }
    assert report.classes["action_units"] == {f"AU{n}": 1 for n in (6, 12, 14, 15, 17, 24)}


def test_a_wrong_duration_is_reported(tmp_path):
    line = row("006_1_2", 5562, 5588, 5632)
    release(tmp_path, line)
    write_table(tmp_path / TABLE, [[*line[:6], 70, *line[7:]]])
    (found,) = [x for x in Samm(tmp_path).verify().excluded if "Duration" in x.reason]
    assert (found.what, found.reason) == ("006_1_2 (row 15)", "Duration 70, but 5562..5632 is 71 frames")


def test_frames_that_the_table_does_not_name_are_the_whole_clip(tmp_path):
    add_clip(tmp_path, "006_1_2", 5562, 5632)
    write_table(tmp_path / TABLE, [row("006_1_2", 100, 120, 160)])
    found = only(tmp_path)
    assert (found.onset, found.apex, found.offset) == (0, None, 70)
    assert said(tmp_path) == {("006_1_2", "the clip's first and last frame are taken")}


def test_missing_frames_do_not_move_the_others(tmp_path):
    folder = add_clip(tmp_path, "006_1_2", 5562, 5632)
    for n in (5562, 5563, 5570):
        (folder / f"006_{n:05d}.jpg").unlink()
    write_table(tmp_path / TABLE, [row("006_1_2", 5562, 5588, 5632)])
    (video,) = Samm(tmp_path).videos()
    (found,) = video.expressions
    assert (found.onset, found.offset, video.frames.number(found.apex)) == (0, 67, 5588)
    assert said(tmp_path) == {
        ("006_1_2", "clamped to the first frame"),
        ("006_1_2", "kept; frames are found by number"),
    }


def test_rows_without_frames_and_frames_without_rows(tmp_path):
    release(tmp_path, row("006_1_2", 5562, 5588, 5632))
    add_clip(tmp_path, "006_1_9", 100, 170)
    write_table(tmp_path / TABLE, [row("006_1_2", 5562, 5588, 5632), row("007_1_1", 1, 40, 80)])
    report = Samm(tmp_path).verify()
    assert report.problems == ("007_1_1: no frames on disk for 1 row(s)",)
    assert said(tmp_path) == {("006_1_9", "left out")}
    assert (report.found["rows"], report.found["clips"], report.found["subjects"]) == (2, 1, 2)
    assert only(tmp_path).code == "006_1_2"
    with pytest.raises(DataError, match="007_1_1: no frames on disk"):
        Samm(tmp_path, strict=True).videos()


def test_rows_that_name_no_clip_are_dropped(tmp_path):
    release(tmp_path, row("006_1_2", 5562, 5588, 5632))
    write_table(
        tmp_path / TABLE,
        [row("006_1_2", 5562, 5588, 5632), row("006_1_2", 1, 2, 3), ["006", "total", *row("006_1_2", 1, 2, 3)[2:]]],
    )
    assert only(tmp_path).apex == 26
    assert said(tmp_path) == {("006_1_2", "dropped"), ("row", "dropped")}


def test_the_table_alone_gives_rows_and_counts(tmp_path):
    write_table(tmp_path / TABLE, [row("006_1_2", 5562, 5588, 5632)])
    (found,) = Samm(tmp_path).annotations()
    assert (found.subject, found.clip, found.onset, found.emotion, found.line) == ("006", "006_1_2", 5562, "anger", 15)
    assert Samm(tmp_path).verify().found["rows"] == 1
    with pytest.raises(DataError, match="no frames in"):
        Samm(tmp_path).videos()


def test_landmarks_beside_the_subjects_or_in_a_given_folder(tmp_path):
    release(tmp_path / "data", row("006_1_2", 5562, 5588, 5632))
    for folder in (tmp_path / "data" / "landmarks", tmp_path / "mine"):
        (folder / "006").mkdir(parents=True)
        (folder / "006" / "006_1_2.csv").touch()
    (beside,) = Samm(tmp_path / "data").videos()
    (given,) = Samm(tmp_path / "data", landmarks=tmp_path / "mine").videos()
    assert beside.landmarks == tmp_path / "data" / "landmarks" / "006" / "006_1_2.csv"
    assert given.landmarks == tmp_path / "mine" / "006" / "006_1_2.csv"


def test_frames_without_a_table_name_what_is_wanted(tmp_path):
    add_clip(tmp_path, "006_1_2", 1, 3)
    with pytest.raises(DataError, match=r"SAMM_Micro_FACS_Codes_v\*\.xlsx"):
        Samm(tmp_path).videos()


@pytest.mark.parametrize(
    "column", ["Subject", "Filename", "Onset Frame", "Apex Frame", "Offset Frame", "Action Units", "Estimated Emotion"]
)
def test_a_missing_column_is_named(tmp_path, column):
    keep = [i for i, name in enumerate(HEADER) if name != column]
    line = row("006_1_2", 5562, 5588, 5632)
    write_table(tmp_path / TABLE, [[line[i] for i in keep]], [HEADER[i] for i in keep])
    with pytest.raises(DataError, match=f"MICRO_ONLY.*'{column}'"):
        Samm(tmp_path).verify()


@pytest.mark.parametrize("column", ["Inducement Code", "Duration", "Micro", "Objective Classes", "Notes"])
def test_columns_that_may_be_absent(tmp_path, column):
    keep = [i for i, name in enumerate(HEADER) if name != column]
    line = row("006_1_2", 5562, 5588, 5632)
    release(tmp_path, line)
    write_table(tmp_path / TABLE, [[line[i] for i in keep]], [HEADER[i] for i in keep])
    assert only(tmp_path).apex == 26


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    out = tmp_path_factory.mktemp("full")
    Samm.write_synthetic(out, StandIn(preset="full", frames="empty"))
    return out


def test_full_stand_in_has_the_counts_of_the_real_set(full):
    report = Samm(full).verify()
    assert report.complete, report
    emotions = {"anger": 57, "happiness": 26, "others": 26, "surprise": 15}
    emotions |= {"contempt": 12, "disgust": 9, "fear": 8, "sadness": 6}
    counts = {"subjects": 29, "clips": 159, "rows": 159, "micro": 159, "macro": 0, **emotions}
    assert {k: n for k, n in report.found.items() if k != "frames"} == counts
    assert report.classes["native"] == emotions
    assert report.classes["samm_5"] == {"anger": 57, "contempt": 12, "happiness": 26, "surprise": 15, "others": 26}
    assert report.classes["megc2019_3"] == {"negative": 92, "positive": 26, "surprise": 15}
    assert sum(report.classes["objective_7"].values()) == 159


def test_full_stand_in_has_the_subjects_of_the_real_set(full):
    videos = Samm(full).videos()
    assert Counter(v.subject for v in videos) == PER_SUBJECT
    emotion = {v.key: v.expressions[0].emotion for v in videos}
    in_three = {v.subject for v in videos if emotion[v.key] != "others"}
    in_five = {v.subject for v in videos if emotion[v.key] not in {"disgust", "fear", "sadness"}}
    assert (len(in_three), len(in_five)) == (28, 27)
    lengths = [v.expressions[0].length for v in videos]
    assert min(lengths) >= 30
    assert max(lengths) <= 101
    assert all(len(v.frames) == e.length and e.apex is not None for v in videos for e in v.expressions)


def test_full_table_alone_has_the_counts_that_are_published(tmp_path):
    Samm.write_synthetic(tmp_path, StandIn(preset="full", frames="none"))
    (tmp_path / "SYNTHETIC.json").unlink()
    report = Samm(tmp_path).verify()
    assert {k for k, n in report.expected.items() if report.found[k] != n} == {"clips"}
    assert report.found["clips"] == 0


@pytest.mark.parametrize("seed", [0, 5])
def test_every_defect_of_a_dirty_stand_in_is_reported(tmp_path, seed):
    Samm.write_synthetic(tmp_path, StandIn(frames="empty", dirty=True, seed=seed))
    report = Samm(tmp_path).verify()
    lines = [f"{x.what} {x.reason} {x.action}" for x in report.excluded] + list(report.problems)
    planted = json.loads((tmp_path / "SYNTHETIC.json").read_text())["planted"]
    assert len(planted) == 30
    assert [p for p in planted if not any(p["where"] in line and p["shows"] in line for line in lines)] == []
    assert not report.complete
    # Gone are one empty folder, one that was deleted, and the row without offset.
    assert len(Samm(tmp_path).videos()) == 57


def test_small_stand_in_has_enough_of_every_common_class(tmp_path):
    Samm.write_synthetic(tmp_path, StandIn(frames="none"))
    report = Samm(tmp_path).verify()
    assert report.found["subjects"] == 10
    assert report.found["rows"] == 60
    assert min(report.classes["samm_5"].values()) >= 6
    assert min(report.classes["megc2019_3"].values()) >= 6


def test_rendered_stand_in(tmp_path):
    Samm.write_synthetic(tmp_path, StandIn(subjects=1))
    videos = Samm(tmp_path).videos()
    assert Samm(tmp_path).verify().complete
    assert len(videos) == 6
    assert all(v.synthetic and v.landmarks for v in videos)
    image = videos[0].frames.read(0, grey=True)
    assert image.shape == (200, 170)
    assert np.std(image) > 10
    sheet = openpyxl.load_workbook(tmp_path / TABLE)["MICRO_ONLY"]
    assert [cell.value for cell in sheet[14]] == HEADER
    with pytest.raises(DataError, match="exists already"):
        Samm.write_synthetic(tmp_path, StandIn(subjects=1))


@pytest.mark.parametrize("spec", [StandIn(preset="tiny"), StandIn(subjects=11), StandIn(subjects=0)])
def test_stand_ins_that_cannot_be(tmp_path, spec):
    with pytest.raises(DataError, match="samm"):
        Samm.write_synthetic(tmp_path, spec)
    assert list(tmp_path.iterdir()) == []
