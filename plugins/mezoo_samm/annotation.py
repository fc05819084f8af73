"""Rows of the SAMM Long Videos table: what a row says, and where its movement lies in the frames on disk."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from mezoo import Excluded, Expression, tables

SHEET = "FACS_Movement_Only"
COLUMNS = (
    tables.Column("Subject", ("Participant",)),
    tables.Column("Filename", ("File name", "File", "Video")),
    tables.Column("Inducement Code", ("Inducement",), required=False),
    tables.Column("Onset", ("Onset Frame", "OnsetF")),
    tables.Column("Apex", ("Apex Frame", "ApexF")),
    tables.Column("Offset", ("Offset Frame", "OffsetF")),
    tables.Column("Duration", required=False),
    tables.Column("Type", ("Expression Type", "Movement Type")),
    tables.Column("Action Units", ("Action Unit", "AU", "AUs")),
    tables.Column("Notes", ("Note", "Remarks"), required=False),
)
FILENAME = re.compile(r"(?P<subject>\d{1,3})_(?P<task>\d)_(?P<n>\d+)\W*")


@dataclass(frozen=True, slots=True)
class Movement:
    """One row: frame numbers as published (from 1, both ends included), rounded; apex None where not annotated."""

    line: int
    code: str
    video: str
    kind: Literal["micro", "macro"]
    onset: int
    apex: int | None
    offset: int
    aus: str
    published: dict[str, str]

    @property
    def name(self) -> str:
        """Row as a person finds it in the table: `037_4_1 (macro, row 431)`."""
        return f"{self.code} ({self.kind}, row {self.line})"

    @property
    def began_before(self) -> bool:
        """Published onset 0: the movement was under way when the video began, whatever a correction says."""
        onset = tables.frame(self.published["Onset"])
        return onset is not None and onset < 1


def parse(rows: Iterable[tables.Row], originals: Iterable[tables.Row]) -> tuple[list[Movement], list[Excluded]]:
    """Movements of table rows, and the rows that cannot be read; `originals` are the same rows before corrections.

    The key of a row is (Filename, Type): 037_4_1 is the name of a macro- and of a micro-expression.
    """
    movements: dict[tuple[str, str], Movement] = {}
    unread: list[Excluded] = []
    for row, original in zip(rows, originals, strict=True):
        movement = _movement(row, original)
        if isinstance(movement, str):
            unread.append(Excluded(_row_name(row), movement, "dropped"))
            continue
        first = movements.setdefault((movement.code, movement.kind), movement)
        if first is not movement:
            unread.append(Excluded(movement.name, f"same Filename and Type as row {first.line}", "dropped"))
    return list(movements.values()), unread


def _movement(row: tables.Row, original: tables.Row) -> Movement | str:
    """The movement of a row, or the reason why there is none."""
    named = FILENAME.fullmatch(tables.text(row["Filename"]))
    if not named:
        return f"Filename {tables.text(row['Filename'])!r} is not subject_task_number"
    kind = _kind(tables.text(row["Type"]))
    if kind is None:
        return f"Type {tables.text(row['Type'])!r} is neither Macro nor Micro"
    onset, apex, offset = (tables.frame(row[name]) for name in ("Onset", "Apex", "Offset"))
    if onset is None or offset is None:
        return f"onset {tables.text(row['Onset'])!r} or offset {tables.text(row['Offset'])!r} is not a number"
    if onset > offset:
        return f"onset {onset} is after offset {offset}"
    video = f"{named['subject'].zfill(3)}_{named['task']}"
    published = {name: tables.text(cell) for name, cell in original.cells.items()}
    apex = None if apex is None or apex < 0 else apex
    aus = tables.text(row["Action Units"])
    return Movement(row.line, f"{video}_{named['n']}", video, kind, onset, apex, offset, aus, published)


def _kind(cell: str) -> Literal["micro", "macro"] | None:
    """The Type column decides, never the duration: some published macro-expressions are short."""
    match = re.match(r"\W*(micro|macro)", cell.casefold())
    return None if match is None else ("micro" if match[1] == "micro" else "macro")


def _row_name(row: tables.Row) -> str:
    return f"{tables.text(row['Filename']) or 'a row without Filename'} (row {row.line})"


def place(movement: Movement, numbers: Sequence[int]) -> tuple[Expression | None, list[Excluded]]:
    """The movement on the frames whose file numbers are `numbers` (sorted), and what had to be changed for that.

    Index = place of the file number in the folder (number - first number where none is missing). An onset before
    the first file is clamped to it, an offset behind the last one is clipped to it; None if nothing is left.
    """
    onset = bisect_left(numbers, movement.onset)
    offset = bisect_right(numbers, movement.offset) - 1
    if onset > offset:
        reason = f"{movement.onset}..{movement.offset} is outside the frames {numbers[0]}..{numbers[-1]}"
        return None, [Excluded(movement.name, reason, "dropped")]
    apex = None if movement.apex is None else bisect_left(numbers, movement.apex)
    if apex is not None and not onset <= apex <= offset:
        apex = None
    notes = [Excluded(movement.name, reason, action) for reason, action in _changes(movement, numbers, apex)]
    return Expression(movement.code, movement.kind, onset, offset, apex, "", movement.aus, movement.published), notes


def _changes(movement: Movement, numbers: Sequence[int], apex: int | None) -> Iterator[tuple[str, str]]:
    """Reason and action of every value that does not stand as published."""
    if movement.onset < numbers[0]:
        yield f"onset {movement.onset} is before the first frame {numbers[0]}", "clamped to the first frame"
    if movement.offset > numbers[-1]:
        yield f"offset {movement.offset} is past the last frame {numbers[-1]}", "clipped to the last frame"
    if movement.apex is None:
        yield "apex not annotated", "kept without apex"
    elif apex is None:
        yield f"apex {movement.apex} is not between onset and offset on disk", "kept without apex"
