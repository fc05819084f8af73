import datetime

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mezoo import DataError, tables
from mezoo.tables import Column, Erratum, Row

WANTED = (Column("Subject"), Column("Onset", ("Onset Frame",)), Column("Notes", required=False))


def workbook(path, **sheets):
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def test_header_is_found_below_free_text_and_between_blank_columns(tmp_path):
    rows = [["Some remark about Subject"], [None], ["Onset"], ["SUBJECT", None, " onset_frame "], ["006", None, 73]]
    table = tables.read_table(workbook(tmp_path / "t.xlsx", One=rows), WANTED)
    assert table.rows == (Row(5, {"Subject": "006", "Onset": 73}),)


@pytest.mark.parametrize("name", ["onset", "Onset Frame", "ONSET_FRAME", "Onset\nframe"])
def test_spelling_of_a_column_does_not_matter(tmp_path, name):
    table = tables.read_table(workbook(tmp_path / "t.xlsx", One=[["Subject", name], ["006", 1]]), WANTED)
    assert table.rows[0]["Onset"] == 1


def test_missing_column_is_named_with_file_sheet_and_what_is_there(tmp_path):
    path = workbook(tmp_path / "t.xlsx", Codes=[["Subject", "Apex", "Notes"], ["006", 1, "x"]])
    with pytest.raises(DataError, match=r"t\.xlsx.*'Codes'.*no column 'Onset'.*'Subject', 'Apex', 'Notes'"):
        tables.read_table(path, WANTED)


def test_table_without_any_header_says_what_was_looked_for(tmp_path):
    path = workbook(tmp_path / "t.xlsx", One=[["a", "b"], [1, 2]])
    with pytest.raises(DataError, match=r"no header row.*'One'.*'Subject', 'Onset'"):
        tables.read_table(path, WANTED)


def test_the_sheet_that_has_the_columns_is_taken_whatever_its_place(tmp_path):
    path = workbook(tmp_path / "t.xlsx", Cover=[["hello"]], Data=[["Subject", "Onset"], ["006", 1]])
    assert tables.read_table(path, WANTED).sheet == "Data"


def test_the_named_sheet_wins_among_equals(tmp_path):
    rows = [["Subject", "Onset"], ["006", 1]]
    path = workbook(tmp_path / "t.xlsx", Old=rows, New_Codes=rows)
    assert tables.read_table(path, WANTED, sheet="new codes").sheet == "New_Codes"


def test_cells_are_given_as_they_are(tmp_path):
    cells = [" 006 ", 6, 566.4, 7.0, "", "#REF!", "=1+1", datetime.date(2020, 2, 1)]
    (sheet,) = tables.read_sheets(workbook(tmp_path / "t.xlsx", One=[cells]))
    assert sheet.grid[0] == ("006", 6, 566.4, 7, None, None, None, "2020-02-01T00:00:00")


def test_empty_rows_are_left_out_and_lines_keep_counting(tmp_path):
    path = workbook(tmp_path / "t.xlsx", One=[["Subject", "Onset"], [None, None], ["006", 1]])
    assert [row.line for row in tables.read_table(path, WANTED).rows] == [3]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_with_byte_order_mark(tmp_path, delimiter):
    path = tmp_path / "t.csv"
    path.write_text(f"Subject{delimiter}Onset\n006{delimiter}12\n", encoding="utf-8-sig")
    assert dict(tables.read_table(path, WANTED).rows[0].cells) == {"Subject": "006", "Onset": "12"}


def test_old_excel_files_are_read_and_the_ending_may_lie(tmp_path):
    path = workbook(tmp_path / "t.xlsx", One=[["Subject", "Onset"], ["006", 1]])
    renamed = path.rename(tmp_path / "t.xls")
    assert len(tables.read_table(renamed, WANTED).rows) == 1


@pytest.mark.parametrize("raw", [b"", b"PK\x03\x04 cut", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 cut", b"<html>no</html>"])
def test_damaged_files_are_named(tmp_path, raw):
    path = tmp_path / "t.xlsx"
    path.write_bytes(raw)
    with pytest.raises(DataError, match=r"t\.xlsx"):
        tables.read_table(path, WANTED)


def test_truncated_workbook_is_named(tmp_path):
    path = workbook(tmp_path / "t.xlsx", One=[["Subject", "Onset"], ["006", 1]])
    path.write_bytes(path.read_bytes()[:-400])
    with pytest.raises(DataError, match="damaged"):
        tables.read_table(path, WANTED)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"none\.xlsx"):
        tables.read_table(tmp_path / "none.xlsx", WANTED)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (12, 12),
        ("12", 12),
        (" 7 ", 7),
        (566.4, 566),
        ("566.6", 567),
        ("/", None),
        ("\\", None),
        (None, None),
        ("nan", None),
    ],
)
def test_frame_numbers(cell, expected):
    assert tables.frame(cell) == expected


@given(st.floats(-1e6, 1e6))
def test_a_number_stored_as_text_is_the_same_number(value):
    assert tables.number(repr(value)) == value
    assert abs(tables.frame(value) - value) <= 0.5


@pytest.mark.parametrize(("cell", "expected"), [(6, "006"), (6.0, "006"), ("6", "006"), ("006", "006"), ("s6", "s6")])
def test_codes_keep_their_zeros(cell, expected):
    assert tables.code(cell, 3) == expected


ROWS = (
    Row(2, {"Subject": 6, "Filename": "006_1_2", "Apex": 1143}),
    Row(3, {"Subject": 6, "Filename": "006_1_3", "Apex": 1143}),
)


def test_errata_apply_to_their_own_row_only():
    erratum = Erratum("006", "006_1_2", "Apex", "1143", "1105", "apex after offset")
    rows, applied = tables.apply_errata(ROWS, [erratum])
    assert [row["Apex"] for row in rows] == ["1105", 1143]
    assert applied == (erratum,)


@pytest.mark.parametrize("change", [{"published": "999"}, {"clip": "006_1_9"}, {"field": "Offset"}, {"subject": "007"}])
def test_errata_of_another_revision_touch_nothing(change):
    fields = {"subject": "006", "clip": "006_1_2", "field": "Apex", "published": "1143", "corrected": "1", "reason": ""}
    rows, applied = tables.apply_errata(ROWS, [Erratum(**{**fields, **change})])
    assert rows == ROWS
    assert applied == ()


def test_errata_are_read_from_csv(tmp_path):
    path = tmp_path / "errata.csv"
    path.write_text("subject,clip,field,published,corrected,reason\n06,EP01,Apex,/,291,was empty\n", encoding="utf-8")
    assert tables.read_errata(path) == (Erratum("06", "EP01", "Apex", "/", "291", "was empty"),)
