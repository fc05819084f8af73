from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mezoo import tables
from mezoo.datasets import Annotation, annotations

CLIP = Annotation("01", "EP02", "EP02", "micro", onset=46, offset=86, apex=59, line=2)


def placed(numbers, whole_clip=False, **changes):
    found = annotations.place(replace(CLIP, **changes), numbers, whole_clip=whole_clip)
    e = found.expression
    return None if e is None else (e.onset, e.apex, e.offset), [n.action for n in found.notes]


def test_index_is_the_place_of_the_number():
    assert placed(range(46, 87)) == ((0, 13, 40), [])
    assert placed(range(1, 200)) == ((45, 58, 85), [])
    assert placed([*range(1, 50), *range(55, 200)]) == ((45, 53, 80), [])


def test_ends_outside_are_clamped():
    assert placed(range(50, 80)) == ((0, 9, 29), ["clamped to the first frame", "clipped to the last frame"])


@pytest.mark.parametrize("apex", [None, 20, 90])
def test_a_wrong_apex_is_none(apex):
    assert placed(range(1, 200), apex=apex) == ((45, None, 85), ["kept without apex"])


def test_an_apex_on_a_missing_frame_is_none():
    assert placed(range(60, 87)) == ((0, None, 26), ["clamped to the first frame", "kept without apex"])


def test_apex_on_the_onset_is_kept_and_said():
    assert placed(range(1, 200), apex=46) == ((45, 45, 85), ["kept"])


def test_wholly_outside():
    assert placed(range(100, 120)) == (None, ["dropped"])
    assert placed(range(100, 120), whole_clip=True) == ((0, None, 19), ["the clip's first and last frame are taken"])


@pytest.mark.parametrize("changes", [{"onset": None}, {"offset": None}, {"onset": 90}])
def test_without_an_interval_it_is_dropped(changes):
    assert placed(range(1, 200), **changes) == (None, ["dropped"])


@given(
    st.sets(st.integers(1, 300), min_size=1, max_size=80),
    st.integers(0, 320),
    st.integers(0, 60),
    st.one_of(st.none(), st.integers(0, 320)),
)
def test_what_is_placed_lies_on_frames(chosen, onset, length, apex):
    numbers = sorted(chosen)
    found = annotations.place(replace(CLIP, onset=onset, offset=onset + length, apex=apex), numbers).expression
    inside = [i for i, n in enumerate(numbers) if onset <= n <= onset + length]
    if not inside:
        assert found is None
    else:
        assert (found.onset, found.offset) == (inside[0], inside[-1])
        assert found.apex is None or found.onset <= found.apex <= found.offset


@pytest.mark.parametrize(
    ("cell", "word"),
    [
        ("Other", "others"),
        ("Others", "others"),
        ("happyiness", "happiness"),
        ("Sad", "sadness"),
        ("NULL", ""),
        (None, ""),
    ],
)
def test_emotions_are_one_word_each(cell, word):
    assert annotations.emotion(cell) == word


@pytest.mark.parametrize(("cell", "number"), [("VII", 7), (3, 3), ("4", 4), (0, None), (8, None), ("?", None)])
def test_objective_classes(cell, number):
    assert annotations.objective(cell) == number


@pytest.mark.parametrize(("cell", "frame"), [("/", None), ("\\", None), (-1, None), (0, None), ("", None), ("12", 12)])
def test_apex_cells(cell, frame):
    assert annotations.apex_frame(cell) == frame


@pytest.mark.parametrize(("rule", "offset"), [("apex", 59), ("apex+20", 79), ("mirror", 72), ("keep", None)])
def test_unknown_offsets(rule, offset):
    (filled,), notes = annotations.with_offsets([replace(CLIP, offset=None)], rule)
    assert filled.offset == offset
    assert len(notes) == (rule != "keep")


@pytest.mark.parametrize("code", ["sub01", "s01", "s1", "1", "01"])
def test_subject_codes_compare_by_number(code):
    assert annotations.digits(code) == "1"


ROLES = annotations.Roles("Onset", "Offset", "Apex", emotion="Emotion", aus="AU", kind="Type")


def row(line, **cells):
    usual = {"Subject": "01", "Filename": f"EP{line}", "Onset": 1, "Apex": 5, "Offset": 9, "Emotion": "fear"}
    return tables.Row(line, {**usual, "AU": 4, "Type": "Micro - 1/2", **cells})


def read(*rows):
    return annotations.read(rows, rows, ROLES, lambda r: (str(r["Subject"]), str(r["Filename"]), str(r["Filename"])))


def test_rows_become_annotations():
    (found,), unread = read(row(2, Onset="1.4", Apex="/", Offset=0))
    assert (found.onset, found.apex, found.offset, found.aus, found.kind) == (1, None, None, "4", "micro")
    assert (found.published["Apex"], found.published["Offset"]) == ("/", "0")
    assert found.name == "01/EP2 (micro, row 2)"
    assert unread == []


def test_the_same_clip_and_kind_twice_is_dropped_but_another_kind_is_not():
    found, unread = read(row(2, Filename="a"), row(3, Filename="a", Type="Macro"), row(4, Filename="a"))
    assert [(a.code, a.kind) for a in found] == [("a", "micro"), ("a", "macro")]
    assert unread[0].reason == "same clip and kind as row 2"


def test_a_kind_that_is_none_is_reported():
    found, unread = read(row(2, Type="Mirco"))
    assert found == []
    assert "neither macro nor micro" in unread[0].reason


def test_habits_of_a_table_are_told_once_each():
    rows = (row(5, Onset=1.5), row(6, Onset="1"), row(7, AU="?"), row(8, AU="12 or 14"), row(9, AU="4,7"))
    rows += (row(10, Emotion="Others"), row(11, Emotion="happyiness"), row(12, Onset=2.5), row(13, Emotion="Fear"))
    table = tables.Table(__import__("pathlib").Path("t.xlsx"), "s", rows, header=4, blank_columns=2, padded=3)
    told = [f"{n.what}: {n.reason}, {n.action}" for n in annotations.habits(table, ROLES)]
    assert told == [
        "t.xlsx: 3 row(s) above the header, skipped",
        "t.xlsx: 2 blank column(s), skipped",
        "t.xlsx: 3 cell(s) with outer spaces, spaces removed",
        "row 5 ...: 2 frame number(s) with a fraction, rounded",
        "row 6: 1 frame number(s) stored as text, read as numbers",
        "row 7: 1 AU cell(s) without an AU, kept without AUs",
        "row 8: 1 AU cell(s) with alternatives, read, flagged as alternatives",
        "row 9: 1 AU cell(s) with commas, read as joined",
        "row 10: emotion 'Others' in 1 row(s), read as others",
        "row 11: emotion 'happyiness' in 1 row(s), read as happiness",
    ]
