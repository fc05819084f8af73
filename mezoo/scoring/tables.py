"""CSV tables of truth and predictions, read strictly: what cannot be understood is refused with file, line, reason."""

import csv
import io
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from mezoo.errors import DataError
from mezoo.files import read_plain

Place = tuple[str, str, str]
"""Dataset, subject and video or clip; "" where the table has no such column."""
PLACE = ("dataset", "subject")


@dataclass(frozen=True, slots=True)
class Options:
    """What `mezoo score` was asked, and what it has to say beside the numbers."""

    classes: tuple[str, ...] = ()
    """The fixed list; that of the protocol, else every name that occurs, where empty."""
    protocol: str = ""
    scorer: str = ""
    notes: list[str] = field(default_factory=list[str])


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table, cells by column, stripped."""

    file: Path
    line: int
    """1-based."""
    cells: Mapping[str, str]

    def fail(self, reason: str, hint: str = "") -> NoReturn:
        """Raise DataError with file, line and reason."""
        raise DataError(f"{self}: {reason}", hint=hint)

    def frame(self, column: str) -> int:
        """A whole number. Raises DataError."""
        text = self.cells[column]
        try:
            value = float(text)
            if value != int(value):
                raise ValueError
        except (ValueError, OverflowError):
            self.fail(f"{column} {text!r} is no frame number", "frames are whole numbers, both ends included")
        return int(value)

    def number(self, column: str) -> float:
        """A finite number. Raises DataError."""
        text = self.cells[column]
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            self.fail(f"{column} {text!r} is no number")
        return value

    def text(self, column: str) -> str:
        """A cell that must not be empty. Raises DataError."""
        return self.cells[column] or self.fail(f"{column} is empty")

    def place(self, what: str) -> Place:
        """Where the row belongs; `what` is the column of the video or clip."""
        dataset, subject = (self.text(c) if c in self.cells else "" for c in PLACE)
        return dataset, subject, self.text(what)

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Table:
    """A table read."""

    file: Path
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


def read_table(file: Path, needed: Sequence[str], known_as: Mapping[str, str] | None = None) -> Table:
    """All rows of a CSV file with a header. `known_as`: other name of a column -> its name, taken where that is absent.

    Raises DataError for a file that cannot be read, a missing column, or a row of another width.
    """
    found = _lines(file)
    if not found:
        raise DataError(f"{file}:1: is empty", hint=f"columns: {','.join(needed)}")
    line, header = found[0]
    columns = _columns(header, known_as or {})
    lacking = [c for c in needed if c not in columns]
    if lacking or len({*columns}) < len(columns):
        fault = f"no column {lacking[0]!r}" if lacking else "a column is named twice"
        raise DataError(f"{file}:{line}: {fault} in {','.join(header)}", hint=f"needed: {','.join(needed)}")
    return Table(file, columns, tuple(_row(file, number, columns, cells) for number, cells in found[1:]))


def _lines(file: Path) -> list[tuple[int, list[str]]]:
    """Number (1-based) and stripped cells of every line that is not blank."""
    found: list[tuple[int, list[str]]] = []
    line = 1
    try:
        text = read_plain(file).decode("utf-8-sig")
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        for cells in reader:
            if any(cell.strip() for cell in cells):
                found.append((line, [cell.strip() for cell in cells]))
            line = reader.line_num + 1
    except OSError as error:
        raise DataError(f"{file}: {error.strerror or error}", hint="give a CSV file with a header") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{file}:{line}: no CSV in UTF-8: {error}", hint="save it as comma-separated UTF-8") from error
    return found


def _columns(header: Sequence[str], known_as: Mapping[str, str]) -> tuple[str, ...]:
    columns = [*header]
    for other, name in known_as.items():
        if name not in columns and other in columns:
            columns[columns.index(other)] = name
    return tuple(columns)


def _row(file: Path, line: int, columns: Sequence[str], cells: Sequence[str]) -> Row:
    if len(cells) != len(columns):
        raise DataError(
            f"{file}:{line}: {len(cells)} cells under {len(columns)} columns", hint=f"columns: {','.join(columns)}"
        )
    return Row(file, line, dict(zip(columns, cells, strict=True)))


def locator(truth: Table, predicted: Table, places: Sequence[Place], what: str) -> Callable[[Row], Place | None]:
    """What finds the place of the truth that a row of the predictions means; None where the truth has none.

    Dataset and subject tell places apart where both tables have them. Raises DataError where a name is that of two
    places and the column that would tell them apart is missing from one table.
    """
    shared = [c in truth.columns and c in predicted.columns for c in PLACE] + [True]
    real, asked = dict[Place, set[Place]](), dict[Place, set[Place]]()
    for place in places:
        real.setdefault(_kept(place, shared), set()).add(place)

    def find(row: Row) -> Place | None:
        own = row.place(what)
        key = _kept(own, shared)
        asked.setdefault(key, set()).add(own)
        for several, table in ((real.get(key, ()), predicted), (asked[key], truth)):
            if len(several) > 1:
                lacking = " or ".join(c for c in PLACE if c not in table.columns)
                row.fail(f"{what} {own[2]!r} is more than one", f"{table.file} needs the column {lacking}")
        return next(iter(real.get(key, ())), None)

    return find


def _kept(place: Place, shared: Sequence[bool]) -> Place:
    dataset, subject, name = (part if kept else "" for part, kept in zip(place, shared, strict=True))
    return dataset, subject, name
