"""Annotation tables as owners publish them: .xlsx, .xls or .csv, with preambles, odd cells and known mistakes."""

import csv
import datetime
import io
import math
import re
import warnings
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mezoo.errors import DataError
from mezoo.files import read_plain as read_plain

Cell = str | int | float | None
"""A cell as given: text stripped of outer spaces, a number, or None (empty, an error, or a formula without value)."""

_EXCEL_ERRORS = {"#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!"}
_AGAIN = "copy the file from the owner's archive again, or open it once in a spreadsheet program and save it as .xlsx"


_LARGEST = 64 << 20
"""Bytes of a table, packed or unpacked; the largest published one has about a megabyte."""
_MOST_CELLS = 20_000_000


@dataclass(frozen=True, slots=True)
class Column:
    """A column wanted from a table, and its other spellings; case, spaces, punctuation and underscores do not count."""

    name: str
    aliases: tuple[str, ...] = ()
    required: bool = True


@dataclass(frozen=True, slots=True)
class Row:
    """One data row: `line` is the row number that a spreadsheet shows (from 1), `cells` are keyed by `Column.name`."""

    line: int
    cells: Mapping[str, Cell]

    def __getitem__(self, name: str) -> Cell:
        return self.cells.get(name)


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet as it stands, header or not: `grid[r][c]` is the cell in spreadsheet row r + 1.

    `padded` counts text cells that had outer spaces.
    """

    name: str
    grid: tuple[tuple[Cell, ...], ...]
    padded: int = 0


@dataclass(frozen=True, slots=True)
class Table:
    """The rows below the header of one sheet; rows that are empty in every known column are left out.

    `header` is the header's spreadsheet row, `blank_columns` those without a title between titled ones, `padded` the
    text cells of the sheet that had outer spaces.
    """

    path: Path
    sheet: str
    rows: tuple[Row, ...]
    header: int = 1
    blank_columns: int = 0
    padded: int = 0


@dataclass(frozen=True, slots=True)
class Erratum:
    """A correction of one cell, bound to the value that it replaces, so that it never touches another revision."""

    subject: str
    clip: str
    field: str
    published: str
    corrected: str
    reason: str


def read_table(path: Path, columns: Sequence[Column], *, sheet: str = "", within: int = 30) -> Table:
    """Rows of the sheet whose header, found by content in its first `within` rows, has every required column.

    `sheet` names the sheet to try first. Raises DataError for a file that is missing or damaged, and for a missing
    column: the message names file, sheet, what is missing and what was found.
    """
    sheets = sorted(read_sheets(path), key=lambda s: _plain(s.name) != _plain(sheet))
    headers = [_header(s, columns, within) for s in sheets]
    best = max(range(len(sheets)), key=lambda i: headers[i].score, default=None)
    if best is None or not headers[best].places:
        raise _no_header(path, sheets, columns, within)
    chosen, header = sheets[best], headers[best]
    missing = [c.name for c in columns if c.required and c.name not in header.places]
    if missing:
        found = ", ".join(repr(text(c)) for c in chosen.grid[header.line - 1] if c is not None)
        raise DataError(
            f"{path}, sheet {chosen.name!r}: no column {' and no column '.join(repr(m) for m in missing)}; "
            f"row {header.line} has the columns {found}",
            hint="use the owner's file as released, or give the column its published name again",
        )
    titles = chosen.grid[header.line - 1]
    last = max(i for i, title in enumerate(titles) if title is not None)
    blank = sum(title is None for title in titles[:last])
    return Table(path, chosen.name, tuple(_rows(chosen, header)), header.line, blank, chosen.padded)


def read_sheets(path: Path) -> tuple[Sheet, ...]:
    """Every sheet of a file, told apart by its content and not by its ending. Raises DataError if it cannot be read."""
    try:
        raw = read_plain(path, _LARGEST)
    except OSError as error:
        raise DataError(f"cannot read the table {path}: {error.strerror}", hint="check the path") from error
    if not raw.strip():
        raise DataError(f"the table {path} is empty ({len(raw)} bytes)", hint=_AGAIN)
    try:
        if raw.startswith(b"PK\x03\x04"):
            return _xlsx(raw)
        if raw.startswith(b"\xd0\xcf\x11\xe0"):
            return _xls(raw)
        if path.suffix.lower() in {".csv", ".tsv", ".txt"}:
            return (_sheet(path.stem, _delimited(raw)),)
    except Exception as error:  # the readers raise a dozen unrelated kinds on a damaged file
        raise DataError(f"the table {path} is damaged or protected: {error}", hint=_AGAIN) from error
    raise DataError(f"{path} is no spreadsheet, whatever its name says ({len(raw)} bytes)", hint=_AGAIN)


def text(cell: Cell) -> str:
    """A cell as text: '' for an empty one, no trailing '.0' on a whole number."""
    if cell is None:
        return ""
    return f"{cell:.10g}" if isinstance(cell, float) else str(cell)


def number(cell: Cell) -> float | None:
    """A cell as a number, also when it is stored as text; None for anything else ('', '/', 'NULL', nan)."""
    try:
        value = float(cell) if cell is not None else math.nan
    except (ValueError, OverflowError):
        return None
    return value if math.isfinite(value) else None


def frame(cell: Cell) -> int | None:
    """A frame number: `number` rounded to the nearest integer (566.4 -> 566); None where there is no number."""
    value = number(cell)
    return None if value is None else round(value)


def code(cell: Cell, width: int = 0) -> str:
    """An identifier as text, zero-padded to `width` where it is made of digits only: 6, 6.0 and '6' -> '006'."""
    plain = text(cell)
    return plain.zfill(width) if plain.isdigit() else plain


def read_errata(path: Path) -> tuple[Erratum, ...]:
    """Corrections from a CSV with the columns subject, clip, field, published, corrected, reason."""
    names = tuple(Erratum.__dataclass_fields__)
    table = read_table(path, [Column(n) for n in names])
    return tuple(Erratum(**{n: text(row[n]) for n in names}) for row in table.rows)


def apply_errata(
    rows: Iterable[Row], errata: Sequence[Erratum], *, subject: str = "Subject", clip: str = "Filename"
) -> tuple[tuple[Row, ...], tuple[Erratum, ...]]:
    """Rows with corrections put in, and the corrections that were applied.

    A correction is applied where the row has its subject and clip (leading zeros do not count) and the cell still
    holds the published value; `subject` and `clip` are the names of the two key columns.
    """
    applied: list[Erratum] = []
    mended: list[Row] = []
    for row in rows:
        hits = [e for e in errata if _concerns(e, row, subject, clip)]
        applied += hits
        mended.append(replace(row, cells={**row.cells, **{e.field: e.corrected for e in hits}}) if hits else row)
    return tuple(mended), tuple(applied)


def _concerns(erratum: Erratum, row: Row, subject: str, clip: str) -> bool:
    given, key = (erratum.subject, erratum.clip), (text(row[subject]), text(row[clip]))
    same_key = all(g == "*" or g.lstrip("0") == k.lstrip("0") for g, k in zip(given, key, strict=True))
    return same_key and erratum.field in row.cells and _same(row[erratum.field], erratum.published)


def _same(cell: Cell, published: str) -> bool:
    a, b = number(cell), number(published)
    return text(cell) == published if a is None or b is None else abs(a - b) < 1e-6


@dataclass(frozen=True, slots=True)
class _Header:
    line: int = 0
    score: tuple[int, int] = (0, 0)
    places: Mapping[str, int] = field(default_factory=dict[str, int])


def _header(sheet: Sheet, columns: Sequence[Column], within: int) -> _Header:
    """The row that carries most of the required columns, then most of all columns; the first of equals."""
    best = _Header()
    for line, cells in enumerate(sheet.grid[:within], start=1):
        places = _places(cells, columns)
        score = (sum(c.required for c in columns if c.name in places), len(places))
        if score > best.score:
            best = _Header(line, score, places)
    # One matching word may be a title or a remark; a header has at least two, unless only one column was asked for.
    return best if best.score[1] >= min(2, len(columns)) else _Header()


def _places(cells: Sequence[Cell], columns: Sequence[Column]) -> dict[str, int]:
    where: dict[str, int] = {}
    for index, cell in enumerate(cells):
        if isinstance(cell, str):
            where.setdefault(_plain(cell), index)
    found: dict[str, int] = {}
    for column in columns:
        names = [_plain(n) for n in (column.name, *column.aliases)]
        hit = next((where[n] for n in names if n in where), None)
        if hit is not None:
            found[column.name] = hit
    return found


def _rows(sheet: Sheet, header: _Header) -> Iterable[Row]:
    for line, cells in enumerate(sheet.grid[header.line :], start=header.line + 1):
        values = {name: cells[i] if i < len(cells) else None for name, i in header.places.items()}
        if any(v is not None for v in values.values()):
            yield Row(line, values)


def _no_header(path: Path, sheets: Sequence[Sheet], columns: Sequence[Column], within: int) -> DataError:
    wanted = ", ".join(repr(c.name) for c in columns if c.required)
    names = ", ".join(repr(s.name) for s in sheets) or "none"
    return DataError(
        f"{path}: no header row in the first {within} rows of any sheet ({names}); looked for the columns {wanted}",
        hint="check that this is the owner's annotation table of this dataset, as released",
    )


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.casefold())


def _cell(value: Any) -> Cell:
    if isinstance(value, str):
        stripped = value.strip()
        return None if not stripped or stripped in _EXCEL_ERRORS else stripped
    if isinstance(value, bool) or value is None:
        return None if value is None else int(value)
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return value.isoformat()
    return value if isinstance(value, int) else str(value)


def _xlsx(raw: bytes) -> tuple[Sheet, ...]:
    import openpyxl

    with zipfile.ZipFile(io.BytesIO(raw)) as file:
        # No member is read beyond the size that its header gives.
        size = sum(info.file_size for info in file.infolist())
    if size > _LARGEST:
        raise ValueError(f"it unpacks to {size >> 20} MB, more than {_LARGEST >> 20} MB")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # extensions of newer spreadsheet programs, no concern of ours
        book = openpyxl.load_workbook(io.BytesIO(raw), data_only=True)
    for s in book.worksheets:
        if s.max_row * s.max_column > _MOST_CELLS:
            spans = f"{s.max_row} rows and {s.max_column} columns"
            raise ValueError(f"sheet {s.title!r} spans {spans}: clear what lies far out")
    return tuple(_sheet(s.title, s.iter_rows(values_only=True)) for s in book.worksheets)


def _xls(raw: bytes) -> tuple[Sheet, ...]:
    import xlrd

    book = xlrd.open_workbook(file_contents=raw, logfile=io.StringIO())
    error = xlrd.XL_CELL_ERROR
    return tuple(
        _sheet(s.name, ([None if c.ctype == error else c.value for c in s.row(r)] for r in range(s.nrows)))
        for s in book.sheets()
    )


def _delimited(raw: bytes) -> Iterable[Iterable[str]]:
    try:
        content = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        content = raw.decode("cp1252", errors="replace")
    delimiter = max(",;\t", key=content[:4096].count)
    return csv.reader(io.StringIO(content, newline=""), delimiter=delimiter)


def _sheet(name: str, rows: Iterable[Iterable[Any]]) -> Sheet:
    raw = [tuple(row) for row in rows]
    padded = sum(isinstance(v, str) and v.strip() not in ("", v) for row in raw for v in row)
    return Sheet(name, tuple(tuple(map(_cell, row)) for row in raw), padded)
