"""Labels of rows back to expressions, and the action units of an annotation table beside them."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mezoo import DataError, Expression, datasets, tables

from .targets import KINDS

COLUMNS = (
    tables.Column("video_name", ("video", "name", "filename")),
    tables.Column("start", ("onset", "start_frame", "onset_frame")),
    tables.Column("type", ("type_idx", "kind", "expression_type")),
    tables.Column("au", ("aus", "action_unit", "action_units")),
)
_NEAR = 2
"""Rows by which a table's start may differ from the labels'."""


class TableRow(NamedTuple):
    """Action units of one expression: `start` in rows of the features."""

    video: str
    kind: Literal["micro", "macro"]
    start: int
    aus: str


def expressions(labels: NDArray[Any], video: str) -> tuple[list[Expression], list[str]]:
    """Expressions of a video's labels (rows, 8), sorted, and in words what is odd about the labels."""
    found: list[Expression] = []
    notes: list[str] = []
    for kind in KINDS:
        spans, odd = _spans(labels[:, 4 * KINDS.index(kind) : 4 * KINDS.index(kind) + 4])
        notes += [f"{kind} {note}" for note in odd]
        for start, apex, end in spans:
            found.append(Expression(f"{video}_{kind}_{start}", kind, start, end, apex))
    return sorted(found, key=lambda e: (e.onset, e.offset, e.kind)), notes


def _spans(labels: NDArray[Any]) -> tuple[list[tuple[int, int | None, int]], list[str]]:
    """Start, apex and end of each expression of one kind, from its labels (rows, 4).

    A start goes with the first end after it that is free, an apex with the first of them that holds it. A start or end
    without partner takes the border of its run of action.
    """
    starts, apexes, ends = (np.flatnonzero(labels[:, c]).tolist() for c in range(3))
    action, spans, notes = labels[:, 3] > 0, list[tuple[int, int]](), list[str]()
    for start in starts:
        end = next((e for e in ends if e >= start and action[start : e + 1].all()), None)
        if end is None:
            end = _border(action, start, 1)
            notes.append(f"start {start} has no end: {end} is taken, the last row of action")
        else:
            ends.remove(end)
        spans.append((start, end))
    for end in ends:
        start = _border(action, end, -1)
        notes.append(f"end {end} has no start: {start} is taken, the first row of action")
        spans.append((start, end))
    whole: list[tuple[int, int | None, int]] = []
    for start, end in sorted(spans):
        apex = next((a for a in apexes if start <= a <= end), None)
        if apex is None:
            notes.append(f"{start}..{end} has no apex")
        else:
            apexes.remove(apex)
        whole.append((start, apex, end))
    return whole, notes + [f"apex {apex} lies in no expression" for apex in apexes]


def _border(action: NDArray[np.bool_], row: int, step: int) -> int:
    while 0 <= row + step < len(action) and action[row + step]:
        row += step
    return row


def read_table(path: Path) -> list[TableRow]:
    """Rows of an annotation table with the columns video_name, start, type (1 macro, 2 micro, or words) and au.

    `start` counts as in the labels. Raises DataError for a file without these columns, and for a row without a number.
    """
    rows: list[TableRow] = []
    for row in tables.read_table(path, COLUMNS).rows:
        start, word = tables.frame(row["start"]), tables.text(row["type"])
        number = {"1": "macro", "2": "micro"}.get(word)
        kind = datasets.annotations.movement_kind(number or word)
        if start is None or kind is None:
            raise DataError(
                f"{path}, row {row.line}: start {row['start']!r} and type {row['type']!r} are no expression",
                hint="start is a number, type is 1 or macro, 2 or micro",
            )
        rows.append(TableRow(tables.text(row["video_name"]), kind, start, tables.text(row["au"])))
    return rows


def with_units(
    found: Sequence[Expression], video: str, rows: Sequence[TableRow]
) -> tuple[list[Expression], list[TableRow]]:
    """Expressions with the action units of the row of their video and kind that starts nearest, and rows left over."""
    left = [row for row in rows if row.video == video]
    done: list[Expression] = []
    for e in found:
        near = [r for r in left if r.kind == e.kind and abs(r.start - e.onset) <= _NEAR]
        best = min(near, key=lambda r: abs(r.start - e.onset), default=None)
        if best is not None:
            left.remove(best)
        done.append(e if best is None else replace(e, aus=best.aus))
    return done, left
