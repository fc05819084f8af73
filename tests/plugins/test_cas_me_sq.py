import json
from itertools import pairwise

import numpy as np
import openpyxl
import pytest
from mezoo_casme.cas_me_sq import CasMeSq
from mezoo_casme.cas_me_sq_clips import CasMeSqClips
from mezoo_casme.cas_me_sq_table import STIMULI

from mezoo import DataError
from mezoo.datasets import StandIn

ME, MAE = "micro-expression", "macro-expression"
TABLE = "CAS(ME)^2code_final(Updated).xlsx"
VIDEO = "15_0101disgustingteeth"
NUMBERS = [15, 16, 19, 20, 21, 22, 23, 24, 25, 26, 27, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 40]
CODES = {
    "disgust1": "0101",
    "disgust2": "0102",
    "anger1": "0401",
    "anger2": "0402",
    "happy1": "0502",
    "happy2": "0503",
    "happy3": "0505",
    "happy4": "0507",
    "happy5": "0508",
}


def row(code, onset, apex, offset, kind=ME, participant=1, aus="4", emotion="negative", felt="disgust"):
    return [participant, code, onset, apex, offset, aus, emotion, kind, felt]


def write_book(path, rows, rules=True, as_number=False):
    book = openpyxl.Workbook()
    book.active.title = "CASFEcode_final"
    for line in rows:
        book.active.append(line)
    if rules:
        first, second = book.create_sheet("naming rule1"), book.create_sheet("naming rule2")
        for line in rows:
            number = NUMBERS[line[0] - 1]
            first.append([number, f"s{number}", line[0]])
        for stem, code in CODES.items():
            second.append([int(code) if as_number else code, stem])
    path.parent.mkdir(parents=True, exist_ok=True)
    book.save(path)
    return path


def add_frames(folder, n=50, name="img{:03d}.jpg", first=1):
    folder.mkdir(parents=True)
    for k in range(first, first + n):
        (folder / name.format(k)).touch()
    return folder


def release(root, rows, videos=(f"s15/{VIDEO}",), **more):
    for video in videos:
        add_frames(root / "rawpic" / video, **more)
    write_book(root / TABLE, rows)
    return root


def expressions(root, dataset=CasMeSq, **options):
    return [e for video in dataset(root, **options).videos() for e in video.expressions]


def excluded(root, dataset=CasMeSq, **options):
    return {(x.what, x.reason, x.action) for x in dataset(root, **options).verify().excluded}


def not_reported(root, dataset):
    report = dataset(root).verify()
    lines = [f"{x.what} {x.reason} {x.action}" for x in report.excluded] + list(report.problems)
    planted = json.loads((root / "SYNTHETIC.json").read_text())["planted"]
    return [p for p in planted if not any(p["where"] in line and p["shows"] in line for line in lines)], len(planted)


# ---------------------------------------------------------------------------------------------------- long videos


def test_a_row_becomes_an_expression_counted_from_zero(tmp_path):
    (video,) = CasMeSq(release(tmp_path, [row("disgust1_12", 11, 20, 40, aus="4+10")])).videos()
    (found,) = video.expressions
    assert (video.key, video.fps, len(video.frames)) == (f"cas_me_sq/s15/{VIDEO}", 30.0, 50)
    assert (found.code, found.kind, found.onset, found.apex, found.offset) == ("disgust1_12", "micro", 10, 19, 39)
    assert (found.emotion, found.aus, found.published["Self-report"]) == ("negative", "4+10", "disgust")
    assert not video.synthetic


def test_participants_and_stimuli_are_joined_through_the_naming_rules(tmp_path):
    release(tmp_path, [row("anger1_12", 11, 20, 40, participant=15)], ["s32/32_0401girlcrashing"])
    (video,) = CasMeSq(tmp_path).videos()
    assert (video.subject, video.code, video.expressions[0].code) == ("s32", "32_0401girlcrashing", "anger1_12")


@pytest.mark.parametrize("as_number", [False, True])
def test_stimulus_codes_may_have_lost_their_zero(tmp_path, as_number):
    add_frames(tmp_path / "rawpic" / "s15" / VIDEO)
    write_book(tmp_path / TABLE, [row("disgust1_1", 11, 20, 40)], as_number=as_number)
    assert len(expressions(tmp_path)) == 1


def test_without_naming_rules_the_usual_numbers_are_taken(tmp_path):
    rows = [row(f"{stem}_1", 1, 2, 9, participant=p) for p in range(1, 23) for stem in CODES]
    write_book(tmp_path / TABLE, rows, rules=False)
    found = CasMeSq(tmp_path).annotations()
    assert [int(a.subject[1:]) for a in found[::9]] == NUMBERS
    assert [a.clip for a in found[:9]] == [f"15_{video}" for video in STIMULI.values()]
    assert [a.clip[3:7] for a in found[:9]] == list(CODES.values())
    notes = {x.reason for x in CasMeSq(tmp_path).verify().excluded}
    assert {"no sheet 'naming rule1'", "no sheet 'naming rule2'"} <= notes


def test_the_sheet_of_naming_rules_is_believed_over_the_usual_numbers(tmp_path):
    path = write_book(tmp_path / TABLE, [row("happy1_1", 1, 2, 9)])
    book = openpyxl.load_workbook(path)
    book["naming rule1"]["A1"], book["naming rule1"]["B1"] = 40, "s40"
    book.save(path)
    (found,) = CasMeSq(tmp_path).annotations()
    assert (found.subject, found.clip) == ("s40", "40_0502funnyerrors")


@pytest.mark.parametrize("level", [".", "..", "rawpic"])
def test_root_may_be_above_or_the_frames_themselves(tmp_path, level):
    release(tmp_path / "CASME_sq", [row("disgust1_1", 11, 20, 40)])
    assert len(expressions(tmp_path / "CASME_sq" / level)) == 1


def test_a_doubled_level_is_seen_through(tmp_path):
    add_frames(tmp_path / "CAS(ME)^2" / "rawpic" / "rawpic" / "s15" / VIDEO)
    write_book(tmp_path / "CAS(ME)^2" / TABLE, [row("disgust1_1", 11, 20, 40)])
    assert len(expressions(tmp_path)) == 1


@pytest.mark.parametrize("name", [TABLE, "CAS(ME)^2code_final.xlsx", "code_final.xlsx", "code_final.xls"])
def test_names_of_the_table(tmp_path, name):
    add_frames(tmp_path / "rawpic" / "s15" / VIDEO)
    write_book(tmp_path / name, [row("disgust1_1", 11, 20, 40)])
    assert len(expressions(tmp_path)) == 1


def test_the_updated_table_wins_and_either_can_be_chosen(tmp_path):
    release(tmp_path, [row("disgust1_1", 11, 20, 40, aus="4+10+14+15")])
    write_book(tmp_path / "CAS(ME)^2code_final.xlsx", [row("disgust1_1", 11, 20, 40, aus="4+10+14")])
    assert expressions(tmp_path)[0].aus == "4+10+14+15"
    assert expressions(tmp_path, revision="updated")[0].aus == "4+10+14+15"
    assert expressions(tmp_path, revision="first")[0].aus == "4+10+14"
    (tmp_path / TABLE).unlink()
    assert expressions(tmp_path)[0].aus == "4+10+14"
    with pytest.raises(DataError, match="the updated revision"):
        CasMeSq(tmp_path, revision="updated").videos()


def test_the_table_of_blinks_is_not_the_annotation(tmp_path):
    add_frames(tmp_path / "rawpic" / "s15" / VIDEO)
    write_book(tmp_path / "CAS(ME)^2blink-code.xlsx", [["s15", "0101", 1, 20, 30]], rules=False)
    with pytest.raises(DataError, match="no table CAS"):
        CasMeSq(tmp_path).videos()
    write_book(tmp_path / TABLE, [row("disgust1_1", 11, 20, 40)])
    assert len(expressions(tmp_path)) == 1


def test_a_header_or_free_text_above_and_blank_columns_are_skipped(tmp_path):
    add_frames(tmp_path / "rawpic" / "s15" / VIDEO)
    header = ["Participant", "Code", None, "Onset", "Apex", "Offset", "AU", "Emotion", "Type", None, "Self-report"]
    line = row("disgust1_1", "11", 20, 40)
    book = openpyxl.Workbook()
    for cells in (["coded by two people"], header, [*line[:2], None, *line[2:8], None, line[8]]):
        book.active.append(cells)
    book.save(tmp_path / TABLE)
    (found,) = expressions(tmp_path)
    assert (found.onset, found.apex, found.offset, found.emotion) == (10, 19, 39, "negative")
    assert (TABLE, "2 row(s) above the header", "skipped") in excluded(tmp_path)
    assert (TABLE, "1 blank column(s)", "skipped") in excluded(tmp_path)


@pytest.mark.parametrize("title", ["unnyfarting", "funnyfarting", "", "FunnyFarting(1)"])
def test_titles_of_folders_do_not_matter(tmp_path, title):
    release(tmp_path, [row("happy2_1", 11, 20, 40)], [f"s15/15_0503{title}"])
    (video,) = CasMeSq(tmp_path).videos()
    assert (video.code, len(video.expressions)) == (f"15_0503{title}", 1)


def test_a_misplaced_folder_belongs_to_the_subject_in_its_name(tmp_path):
    rows = [row("happy1_1", 11, 20, 40, MAE, 7), row("happy1_2", 30, 40, 45, MAE, 7), row("disgust1_1", 5, 6, 9, ME, 3)]
    release(tmp_path, rows, ["s19/23_0502funnyerrors", "s19/19_0101disgustingteeth"])
    videos = CasMeSq(tmp_path).videos()
    assert [(v.subject, v.code, len(v.expressions)) for v in videos] == [
        ("s19", "19_0101disgustingteeth", 1),
        ("s23", "23_0502funnyerrors", 2),
    ]
    assert ("s23/23_0502funnyerrors", "lies in s19", "counted to s23") in excluded(tmp_path)


def test_a_misplaced_copy_gives_way_to_the_folder_in_its_place(tmp_path):
    videos = ["s19/23_0502funnyerrors", "s23/23_0502funnyerrors"]
    release(tmp_path, [row("happy1_1", 11, 20, 40, participant=7)], videos)
    (video,) = CasMeSq(tmp_path).videos()
    assert video.frames.folder.parent.name == "s23"
    (problem,) = CasMeSq(tmp_path).verify().problems
    assert problem.startswith("23_0502funnyerrors: two folders of this video")


def test_whole_frames_win_over_faces_and_either_can_be_chosen(tmp_path):
    release(tmp_path, [row("disgust1_1", 11, 20, 40)])
    faces = tmp_path / "CAS(ME)2_longVideoFaceCropped" / "longVideoFaceCropped" / "s15" / VIDEO
    add_frames(faces, name="img_{}.jpg")
    add_frames(tmp_path / "selectedpic" / "s15" / VIDEO / "disgust1_1")
    add_frames(tmp_path / "cropped" / "s15" / VIDEO)
    for layout, tree in (("auto", "rawpic"), ("raw", "rawpic"), ("cropped", "longVideoFaceCropped")):
        (video,) = CasMeSq(tmp_path, layout=layout).videos()
        assert video.frames.folder.parents[1].name == tree
        assert CasMeSq(tmp_path, layout=layout).verify().problems == ()
    assert [video.frames.number(i) for i in (0, 9, 49)] == [1, 10, 50]
    (video,) = CasMeSq(tmp_path / "CAS(ME)2_longVideoFaceCropped").videos()
    assert video.frames.folder == faces


def test_a_layout_that_is_not_there(tmp_path):
    release(tmp_path, [row("disgust1_1", 11, 20, 40)])
    with pytest.raises(DataError, match="no frames"):
        CasMeSq(tmp_path, layout="cropped").videos()


def test_frames_are_sorted_as_numbers_beyond_999_and_strays_are_named(tmp_path):
    release(tmp_path, [row("disgust1_1", 998, 1000, 1003)], first=990)
    folder = tmp_path / "rawpic" / "s15" / VIDEO
    for name in ("img260.jpg2.jpg", ".DS_Store", "Thumbs.db"):
        (folder / name).touch()
    (video,) = CasMeSq(tmp_path).videos()
    assert [video.frames.number(i) for i in (0, 9, 10, 49)] == [990, 999, 1000, 1039]
    assert (video.expressions[0].onset, video.expressions[0].offset) == (8, 13)
    strays = (f"s15/{VIDEO}", "1 file(s) not named like a frame, such as img260.jpg2.jpg", "ignored")
    assert strays in excluded(tmp_path)


@pytest.mark.parametrize(("rule", "offset"), [("apex", 19), ("apex+20", 39), ("mirror", 28), ("keep", None)])
def test_missing_offsets(tmp_path, rule, offset):
    release(tmp_path, [row("disgust1_1", 11, 20, 0, MAE), row("disgust1_2", 1, 2, 9)])
    found = {e.code: e.offset for e in expressions(tmp_path, missing_offset=rule)}
    assert found.get("disgust1_1") == offset
    action = "dropped" if rule == "keep" else f"offset {offset + 1} (missing_offset: {rule})"
    assert ("s15/disgust1_1 (macro, row 1)", "offset is unknown", action) in excluded(tmp_path, missing_offset=rule)
    assert len(CasMeSq(tmp_path, missing_offset=rule).annotations()) == 2


@pytest.mark.parametrize(
    ("code", "participant", "published", "field", "corrected"),
    [
        ("disgust1_5", 11, (1200, 1230, 1224), "offset", 1250),
        ("happy2_1", 14, (2190, 2203, 2202), "offset", 2223),
        ("anger1_12", 15, (2440, 2455, 2451), "offset", 2475),
        ("anger1_1", 17, (1763, 0, 1787), "apex", 1775),
    ],
)
def test_shipped_errata(tmp_path, code, participant, published, field, corrected):
    write_book(tmp_path / TABLE, [row(code, *published, MAE, participant)])
    (mended,) = CasMeSq(tmp_path).annotations()
    assert getattr(mended, field) == corrected
    assert mended.published["Offset"] == str(published[2])
    (raw,) = CasMeSq(tmp_path, errata=False).annotations()
    assert getattr(raw, field) == ({"offset": published[2], "apex": None}[field])
    write_book(tmp_path / TABLE, [row(code, published[0], published[0] + 5, corrected + 1, MAE, participant)])
    assert not [action for *_, action in excluded(tmp_path) if "corrected" in action]


def test_a_misspelt_feeling_is_mended_and_reported(tmp_path):
    write_book(tmp_path / TABLE, [row("happy1_1", 1, 2, 9, felt="happyiness"), row("happy1_2", 11, 12, 19)])
    assert ("*", "spelling", "Self-report corrected: happyiness -> happiness") in excluded(tmp_path)


def test_own_errata(tmp_path):
    release(tmp_path, [row("disgust1_1", 11, 0, 40)])
    lines = ["subject,clip,field,published,corrected,reason", "1,disgust1_1,Apex,0,25,seen", "1,x,Onset,9,1,old"]
    (tmp_path / "mine.csv").write_text("\n".join(lines), encoding="utf-8")
    dataset = CasMeSq(tmp_path, errata=tmp_path / "mine.csv")
    assert dataset.annotations()[0].apex == 25
    assert "errata: no row x with Onset = 9" in dataset.verify().problems


def test_an_apex_after_its_offset_or_of_zero_is_none(tmp_path):
    release(tmp_path, [row("disgust1_1", 11, 25, 20, MAE), row("disgust1_2", 30, 0, 40, MAE)])
    assert [e.apex for e in expressions(tmp_path)] == [None, None]
    notes = {(what[:14], reason) for what, reason, _ in excluded(tmp_path)}
    assert ("s15/disgust1_1", "apex 25 is not between onset 11 and offset 20") in notes
    assert ("s15/disgust1_2", "apex not annotated") in notes


@pytest.mark.parametrize(
    ("cell", "units"), [("NULL", 0), ("null", 0), ("4,7", 2), ("4+10 or 9", 3), (12, 1), ("14,L24,", 2), ("4+10 ", 2)]
)
def test_aus_of_the_updated_table(tmp_path, cell, units):
    release(tmp_path, [row("disgust1_1", 11, 20, 40, aus=cell)])
    assert expressions(tmp_path)[0].aus == str(cell).strip()
    assert sum(CasMeSq(tmp_path).verify().classes.get("action_units", {}).values()) == units


def test_overlapping_rows_and_shared_codes_are_kept_and_a_repeated_row_is_not(tmp_path):
    rows = [row("disgust1_1", 5, 8, 30, MAE), row("disgust1_1", 9, 12, 20, ME), row("disgust1_2", 15, 20, 25, MAE)]
    rows += [row("disgust1_2", 31, 35, 40, MAE), row("disgust1_2", 15, 20, 25, MAE)]
    release(tmp_path, rows)
    assert [(e.code, e.kind, e.onset) for e in expressions(tmp_path)] == [
        ("disgust1_1", "macro", 4),
        ("disgust1_1", "micro", 8),
        ("disgust1_2", "macro", 14),
        ("disgust1_2@31", "macro", 30),
    ]
    notes = excluded(tmp_path)
    assert ("1/disgust1_1", "names 2 rows", "told apart by type and frames") in notes
    assert ("s15/disgust1_2 (macro, row 5)", "same clip and kind as row 3", "dropped") in notes


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (row("total", 1, 2, 3), "is not stimulus_number"),
        (row("sad1_1", 1, 2, 3), "the stimulus of sad1_1 has no code"),
        (row("disgust1_9", 1, 2, 3, "mirco"), "neither macro nor micro"),
    ],
)
def test_rows_that_cannot_be_read_are_reported(tmp_path, bad, reason):
    release(tmp_path, [row("disgust1_1", 11, 20, 40), bad])
    dropped = [r for what, r, action in excluded(tmp_path) if action == "dropped" and what == "row 2"]
    assert len(dropped) == 1
    assert reason in dropped[0]
    assert len(expressions(tmp_path)) == 1


def test_a_participant_without_folder_number_is_reported(tmp_path):
    write_book(tmp_path / TABLE, [row("disgust1_1", 1, 2, 3), row("disgust1_2", 1, 2, 3, participant=23)], rules=False)
    assert ("row 2", "participant '23' of disgust1_2 has no folder number", "dropped") in excluded(tmp_path)


def test_videos_without_a_row_are_kept_without_expressions(tmp_path):
    release(tmp_path, [row("disgust1_1", 11, 20, 40)], [f"s15/{VIDEO}", "s15/15_0508funnydunkey"])
    assert [len(v.expressions) for v in CasMeSq(tmp_path).videos()] == [1, 0]
    assert ("s15/15_0508funnydunkey", "no row in the table", "kept without expressions") in excluded(tmp_path)


def test_the_table_alone(tmp_path):
    write_book(tmp_path / TABLE, [row("disgust1_1", 11, 20, 40), row("happy1_1", 1, 5, 60, MAE, 2, emotion="positive")])
    dataset = CasMeSq(tmp_path)
    assert [(a.subject, a.clip, a.code) for a in dataset.annotations()] == [
        ("s15", VIDEO, "disgust1_1"),
        ("s16", "16_0502funnyerrors", "happy1_1"),
    ]
    report = dataset.verify()
    assert report.problems == (f"no frames of CAS(ME)^2 in {tmp_path}: only the table was read",)
    found = {"subjects": 2, "videos": 0, "frames": 0, "rows": 2, "micro": 1, "macro": 1, "negative": 1, "positive": 1}
    assert report.found == found
    assert report.expected == {
        "subjects": 22,
        "rows": 357,
        "micro": 57,
        "macro": 300,
        "negative": 126,
        "positive": 124,
        "surprise": 25,
        "others": 82,
        "videos": 97,
    }
    with pytest.raises(DataError, match="no frames"):
        dataset.videos()


@pytest.mark.parametrize(("column", "named"), [(0, "Participant"), (1, "Code"), (7, "Type"), (3, "Apex")])
def test_a_missing_column_is_named(tmp_path, column, named):
    lines = [[cell for i, cell in enumerate(row("disgust1_1", 1, 2, 3)) if i != column] for _ in range(3)]
    write_book(tmp_path / TABLE, lines, rules=False)
    with pytest.raises(DataError, match=f"CASFEcode_final.*no column .*{named}"):
        CasMeSq(tmp_path).annotations()


def test_strict_refuses_what_is_missing(tmp_path):
    release(tmp_path, [row("disgust1_1", 11, 20, 40)])
    assert len(CasMeSq(tmp_path, strict=True).videos()) == 1
    write_book(tmp_path / TABLE, [row("disgust1_1", 11, 20, 40), row("disgust2_1", 1, 2, 3)])
    with pytest.raises(DataError, match="s15/15_0102eatingworms: no frames on disk"):
        CasMeSq(tmp_path, strict=True).videos()


def test_landmarks_beside_the_tree_or_in_a_given_folder(tmp_path):
    release(tmp_path / "data", [row("disgust1_1", 1, 2, 3)])
    for folder in (tmp_path / "data" / "landmarks", tmp_path / "mine"):
        (folder / "s15").mkdir(parents=True)
        (folder / "s15" / f"{VIDEO}.csv").touch()
    (beside,) = CasMeSq(tmp_path / "data").videos()
    (given,) = CasMeSq(tmp_path / "data", landmarks=tmp_path / "mine").videos()
    assert beside.landmarks == tmp_path / "data" / "landmarks" / "s15" / f"{VIDEO}.csv"
    assert given.landmarks == tmp_path / "mine" / "s15" / f"{VIDEO}.csv"


# ---------------------------------------------------------------------------------------------------- cut-outs


def clips(root, rows, folders, **more):
    for folder in folders:
        add_frames(root / folder, **more)
    write_book(root / TABLE, rows)
    return root


@pytest.mark.parametrize(
    "folder",
    [
        "selectedpic/s15/anger1_12",
        "selectedpic/selectedpic/15/anger1_12",
        "cropped/sub15/anger1_12",
        "selectedpic/s15/15_0401girlcrashing/anger1_12",
        "selectedpic/15_0401girlcrashing/anger1_12",
        "selectedpic/micro/s15/anger1_12",
        "selectedpic/s15_anger1_12",
        "selectedpic/s15/15_0401girlcrashing_12",
    ],
)
def test_cut_outs_are_found_by_subject_and_code(tmp_path, folder):
    clips(tmp_path, [row("anger1_12", 11, 20, 24)], [folder], n=14, first=11)
    (clip,) = CasMeSqClips(tmp_path).videos()
    assert (clip.key, len(clip.frames)) == ("cas_me_sq_clips/s15/anger1_12", 14)
    (found,) = clip.expressions
    assert (found.onset, found.apex, found.offset) == (0, 9, 13)


def test_long_videos_are_no_cut_outs(tmp_path):
    clips(tmp_path, [row("disgust1_1", 11, 20, 24)], ["selectedpic/s15/disgust1_1"], n=14, first=11)
    add_frames(tmp_path / "rawpic" / "s15" / VIDEO)
    assert CasMeSqClips(tmp_path).verify().found["clips"] == 1
    assert CasMeSqClips(tmp_path).verify().problems == ()


@pytest.mark.parametrize("level", [".", "..", "selectedpic"])
def test_root_of_cut_outs(tmp_path, level):
    clips(tmp_path / "a", [row("disgust1_1", 11, 20, 24)], ["selectedpic/s15/disgust1_1"], n=14, first=11)
    assert len(CasMeSqClips(tmp_path / "a" / level).videos()) == 1


def test_whole_frames_win_over_faces_of_cut_outs(tmp_path):
    folders = ["selectedpic/s15/disgust1_1", "cropped/s15/disgust1_1"]
    clips(tmp_path, [row("disgust1_1", 11, 20, 24)], folders, n=14, first=11)
    for layout, tree in (("auto", "selectedpic"), ("selected", "selectedpic"), ("cropped", "cropped")):
        (clip,) = CasMeSqClips(tmp_path, layout=layout).videos()
        assert clip.frames.folder.parents[1].name == tree
    (tmp_path / "selectedpic").rename(tmp_path / "rawpic")
    assert CasMeSqClips(tmp_path).videos()[0].frames.folder.parents[1].name == "cropped"


def test_cut_outs_numbered_from_one_are_counted_from_the_onset(tmp_path):
    clips(tmp_path, [row("disgust1_1", 111, 118, 124)], ["selectedpic/s15/disgust1_1"], n=14)
    (found,) = expressions(tmp_path, CasMeSqClips)
    assert (found.onset, found.apex, found.offset, found.published["Onset"]) == (0, 7, 13, "111")
    assert [a.onset for a in CasMeSqClips(tmp_path).annotations()] == [111]
    note = ("s15/disgust1_1 (micro, row 1)", "frames are numbered from 1", "counted from the onset")
    assert note in excluded(tmp_path, CasMeSqClips)


def test_cut_outs_that_lack_frames_keep_their_numbers(tmp_path):
    clips(tmp_path, [row("disgust1_1", 5, 9, 18)], ["selectedpic/s15/disgust1_1"], n=13, first=5)
    assert [(e.onset, e.apex, e.offset) for e in expressions(tmp_path, CasMeSqClips)] == [(0, 4, 12)]


@pytest.mark.parametrize("first", [111, 1])
def test_a_cut_out_without_offset_ends_with_its_last_frame(tmp_path, first):
    rows = [row("disgust1_1", 111, 118, 0, MAE)]
    clips(tmp_path, rows, ["selectedpic/s15/disgust1_1"], n=30, first=first)
    assert [(e.onset, e.apex, e.offset) for e in expressions(tmp_path, CasMeSqClips)] == [(0, 7, 29)]
    note = ("s15/disgust1_1 (macro, row 1)", "offset is unknown", "the clip's last frame is taken")
    assert note in excluded(tmp_path, CasMeSqClips)


@pytest.mark.parametrize(("kinds", "codes"), [("micro", ["disgust1_1"]), ("macro", ["disgust1_2"])])
def test_kinds(tmp_path, kinds, codes):
    rows = [row("disgust1_1", 11, 20, 24), row("disgust1_2", 11, 20, 24, MAE)]
    clips(tmp_path, rows, ["selectedpic/s15/disgust1_1", "selectedpic/s15/disgust1_2"], n=14, first=11)
    report = CasMeSqClips(tmp_path, kinds=kinds).verify()
    assert [v.code for v in CasMeSqClips(tmp_path, kinds=kinds).videos()] == codes
    assert (report.found["clips"], report.found["rows"]) == (1, 2)
    assert report.expected["clips"] == {"micro": 57, "macro": 300}[kinds]
    assert len(CasMeSqClips(tmp_path).videos()) == 2


def test_an_expression_met_twice_is_a_problem(tmp_path):
    folders = ["selectedpic/s15/disgust1_1", "selectedpic/s15/15_0101x/disgust1_1"]
    clips(tmp_path, [row("disgust1_1", 11, 20, 24)], folders, n=14, first=11)
    (problem,) = CasMeSqClips(tmp_path).verify().problems
    assert problem.startswith("s15/disgust1_1: two folders of this expression")


def test_an_expression_without_a_subject_is_no_clip(tmp_path):
    clips(tmp_path, [row("disgust1_1", 11, 20, 24)], ["selectedpic/disgust1_1"], n=14, first=11)
    with pytest.raises(DataError, match="no frames"):
        CasMeSqClips(tmp_path).videos()


# ---------------------------------------------------------------------------------------------------- stand-ins


@pytest.fixture(scope="module")
def tables_of_the_full_set(tmp_path_factory):
    out = tmp_path_factory.mktemp("full")
    CasMeSq.write_synthetic(out, StandIn(preset="full", frames="none"))
    return out


@pytest.mark.parametrize("dataset", [CasMeSq, CasMeSqClips])
def test_full_tables_have_the_published_counts(tables_of_the_full_set, dataset):
    report = dataset(tables_of_the_full_set).verify()
    counts = {"subjects": 22, "rows": 357, "micro": 57, "macro": 300}
    emotions = {"negative": 126, "positive": 124, "surprise": 25, "others": 82}
    assert {k: report.found[k] for k in (*counts, *emotions)} == {**counts, **emotions}
    assert report.classes["cas_me_sq_3"] == {"negative": 21, "positive": 8, "surprise": 9}
    assert report.classes["cas_me_sq_4"] == {"negative": 21, "positive": 8, "surprise": 9, "others": 19}
    assert report.classes["native"] == report.classes["cas_me_sq_4"]


def test_full_tables_are_spread_as_in_the_real_set(tables_of_the_full_set):
    rows = CasMeSq(tables_of_the_full_set).annotations()
    micro, macro = ([a for a in rows if a.kind == kind] for kind in ("micro", "macro"))
    assert (len({a.clip for a in rows}), len({a.clip for a in micro}), len({a.clip for a in macro})) == (95, 33, 89)
    assert (len({a.subject for a in micro}), len({a.subject for a in macro})) == (14, 20)
    assert {a.subject for a in rows} - {a.subject for a in micro} == {f"s{n}" for n in (20, 21, 22, 26, 33, 34, 36, 40)}
    assert {a.subject for a in rows} - {a.subject for a in macro} == {"s29", "s35"}
    assert sum(a.published["Offset"] == "0" for a in rows) == 44
    assert sum(a.published["Action Units"] in ("NULL", "null") for a in rows) == 11
    by_video = {clip: sorted((a.onset, a.offset) for a in rows if a.clip == clip) for clip in {a.clip for a in rows}}
    assert sum(b[0] <= a[1] for found in by_video.values() for a, b in pairwise(found)) >= 12
    assert not {"15_0508funnydunkey", "23_0503unnyfarting"} & {a.clip for a in rows}
    assert all(9 <= a.offset - a.onset + 1 <= 17 for a in micro)
    mark = json.loads((tables_of_the_full_set / "SYNTHETIC.json").read_text())
    assert mark["expected"]["videos"] == 97
    assert abs(mark["expected"]["frames"] - 251_822) < 2_000


@pytest.mark.parametrize(("dataset", "unit"), [(CasMeSq, "videos"), (CasMeSqClips, "clips")])
def test_a_clean_stand_in_is_complete(tmp_path, dataset, unit):
    dataset.write_synthetic(tmp_path, StandIn(subjects=3, seconds=8.0, frames="empty"))
    report = dataset(tmp_path).verify()
    assert report.complete, report
    assert report.found[unit] == {"videos": 6, "clips": 18}[unit]
    assert all(v.synthetic for v in dataset(tmp_path).videos())
    said = " ".join(f"{x.reason} {x.action}" for x in report.excluded)
    slips = ["happyiness ->", "with alternatives", "with commas", "is not between", "apex not annotated"]
    assert [slip for slip in slips if slip not in said] == []
    with pytest.raises(DataError, match="exists already"):
        dataset.write_synthetic(tmp_path, StandIn(subjects=3, seconds=8.0, frames="empty"))


def test_the_stand_in_has_the_misplaced_video(tmp_path):
    CasMeSq.write_synthetic(tmp_path, StandIn(subjects=7, seconds=5.0, frames="empty"))
    assert (tmp_path / "rawpic" / "s19" / "23_0502funnyerrors" / "img150.jpg").is_file()
    assert CasMeSq(tmp_path).verify().complete


@pytest.mark.parametrize(("dataset", "most"), [(CasMeSq, 30), (CasMeSqClips, 29)])
def test_every_planted_defect_is_reported(tmp_path, dataset, most):
    dataset.write_synthetic(tmp_path, StandIn(seconds=8.0, dirty=True, frames="empty"))
    silent, planted = not_reported(tmp_path, dataset)
    assert silent == []
    assert planted == most
    assert not dataset(tmp_path).verify().complete
    assert len(dataset(tmp_path).videos()) > 10


def test_a_rendered_stand_in_can_be_read(tmp_path):
    CasMeSqClips.write_synthetic(tmp_path, StandIn(subjects=1, videos=1, seconds=5.0))
    clip = CasMeSqClips(tmp_path).videos()[0]
    assert clip.frames.read(0).shape == (192, 256, 3)
    assert np.std(clip.frames.read(0, grey=True)) > 10
    assert clip.landmarks is not None


@pytest.mark.parametrize(
    ("spec", "hint"),
    [
        (StandIn(preset="tiny"), "small, full"),
        (StandIn(subjects=23), "1 to 22"),
        (StandIn(videos=10), "1 to 9 videos"),
        (StandIn(seconds=2.0), "4.5 to 300 seconds"),
    ],
)
def test_a_stand_in_that_cannot_be_written(tmp_path, spec, hint):
    with pytest.raises(DataError, match=hint):
        CasMeSq.write_synthetic(tmp_path, spec)
    assert list(tmp_path.iterdir()) == []
