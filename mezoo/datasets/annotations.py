"""Rows of an owner's table: what a row says, and where its movement lies in the frames on disk."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from mezoo.contracts import Excluded
from mezoo.datasets.action_units import parse
from mezoo.datasets.class_maps import OBJECTIVE
from mezoo.records import Annotation, Expression, Kind
from mezoo.tables import Cell, Row, Table, frame, number, text

_EMOTIONS = {
    "other": "others",
    "sad": "sadness",
    "happy": "happiness",
    "happyiness": "happiness",
    "happyness": "happiness",
    "angry": "anger",
    "disgusted": "disgust",
    "surprised": "surprise",
    "repressed": "repression",
    "regression": "repression",
    "contemptuous": "contempt",
}


NO_APEX = "apex not annotated"
"""Reason in the note on an expression without apex."""


@dataclass(frozen=True, slots=True)
class Roles:
    """Which column holds what; "" where the table has no such column."""

    onset: str
    offset: str
    apex: str = ""
    emotion: str = ""
    aus: str = ""
    objective: str = ""
    kind: str = ""


Key = Callable[[Row], tuple[str, str, str] | str]
"""Subject, clip (the folder of frames) and code (the row's own name) of a row; a sentence where it has none."""


def read(
    rows: Iterable[Row], published: Iterable[Row], roles: Roles, key: Key
) -> tuple[list[Annotation], list[Excluded]]:
    """Annotations of table rows, and the rows that cannot be read; `published` are the same rows before corrections.

    A row that repeats another's subject, clip, code and kind is dropped.
    """
    found: dict[tuple[object, ...], Annotation] = {}
    unread: list[Excluded] = []
    for row, original in zip(rows, published, strict=True):
        annotation = _annotation(row, original, roles, key)
        if isinstance(annotation, str):
            unread.append(Excluded(f"row {row.line}", annotation, "dropped"))
            continue
        a = annotation
        first = found.setdefault((a.subject, a.clip, a.code, a.kind), a)
        if first is not a:
            unread.append(Excluded(a.name, f"same clip and kind as row {first.line}", "dropped"))
    return [*found.values()], unread


def _annotation(row: Row, original: Row, roles: Roles, key: Key) -> Annotation | str:
    named = key(row)
    if isinstance(named, str):
        return named
    kind = movement_kind(row[roles.kind]) if roles.kind else "micro"
    if kind is None:
        return f"{roles.kind} {text(row[roles.kind])!r} of {named[2]} is neither macro nor micro"
    subject, clip, code = named
    onset, offset = frame(row[roles.onset]), frame(row[roles.offset])
    return Annotation(
        subject,
        clip,
        code,
        kind,
        onset=onset,
        offset=None if offset is not None and offset <= 0 else offset,
        apex=apex_frame(row[roles.apex]) if roles.apex else None,
        emotion=emotion(row[roles.emotion]) if roles.emotion else "",
        aus=text(row[roles.aus]) if roles.aus else "",
        objective=objective(row[roles.objective]) if roles.objective else None,
        line=row.line,
        published={name: text(cell) for name, cell in original.cells.items()},
    )


def apex_frame(cell: Cell) -> int | None:
    """Apex frame; None where it was not annotated: empty, "/", a backslash, -1, 0."""
    apex = frame(cell)
    return None if apex is None or apex <= 0 else apex


def emotion(cell: Cell) -> str:
    """The owner's word in lower case, slips and variants mended (`Other` -> `others`, `happyiness`); "" for none."""
    word = re.sub(r"\s+", " ", text(cell)).casefold()
    return "" if word in {"?", "/", "\\", "null", "nan", "none"} else _EMOTIONS.get(word, word)


def objective(cell: Cell) -> int | None:
    """Objective class 1..7 from a number or a Roman numeral; None for anything else."""
    roman = text(cell).upper()
    value = OBJECTIVE.index(roman) + 1 if roman in OBJECTIVE else frame(cell)
    return value if value is not None and 1 <= value <= len(OBJECTIVE) else None


def movement_kind(cell: Cell) -> Kind | None:
    """Micro or macro as the table says it, never by duration: some published macro-expressions are short."""
    match = re.match(r"\W*(micro|macro)", text(cell).casefold())
    return None if match is None else ("micro" if match[1] == "micro" else "macro")


def digits(code: str) -> str:
    """A subject code without letters and zero padding, to compare variants: `sub01`, `s01`, `s1`, `01` -> `1`."""
    found = re.search(r"\d+", code)
    return found[0].lstrip("0") or "0" if found else code


@dataclass(frozen=True, slots=True)
class Placed:
    """An annotation on the frames of its folder, None if nothing is left of it, and what was changed for that."""

    expression: Expression | None
    notes: tuple[Excluded, ...] = field(default=())


def place(annotation: Annotation, numbers: Sequence[int], *, whole_clip: bool = False) -> Placed:
    """The movement of an annotation on the frames whose file numbers are `numbers` (ascending).

    Index = place of the file number in the folder (number - first number where none is missing). Ends outside the
    folder are clamped to its first or last frame. An interval wholly outside is dropped, or, with `whole_clip`
    (folders that hold onset..offset only), is the folder from its first frame to its last.
    """
    a = annotation
    if a.onset is None or a.offset is None:
        missing = "onset" if a.onset is None else "offset"
        return Placed(None, (Excluded(a.name, f"{missing} is unknown", "dropped"),))
    if a.onset > a.offset:
        return Placed(None, (Excluded(a.name, f"onset {a.onset} is after offset {a.offset}", "dropped"),))
    onset, offset = bisect_left(numbers, a.onset), bisect_right(numbers, a.offset) - 1
    if onset > offset:
        outside = f"{a.onset}..{a.offset} is outside the frames {numbers[0]}..{numbers[-1]}"
        if not whole_clip:
            return Placed(None, (Excluded(a.name, outside, "dropped"),))
        last = len(numbers) - 1
        note = Excluded(a.name, outside, "the clip's first and last frame are taken")
        return Placed(_expression(a, 0, last, None), (note,))
    apex = None if a.apex is None else bisect_left(numbers, a.apex)
    if a.apex is not None and not (a.onset <= a.apex <= a.offset and numbers[0] <= a.apex <= numbers[-1]):
        apex = None
    elif apex is not None:
        apex = min(apex, offset)  # its own frame may be missing, and the next one lie behind the offset
    notes = tuple(Excluded(a.name, reason, action) for reason, action in _changes(a, numbers, apex))
    return Placed(_expression(a, onset, offset, apex), notes)


def _expression(a: Annotation, onset: int, offset: int, apex: int | None) -> Expression:
    return Expression(a.code, a.kind, onset, offset, apex, a.emotion, a.aus, a.objective, a.published)


def _changes(a: Annotation, numbers: Sequence[int], apex: int | None) -> Iterator[tuple[str, str]]:
    """Reason and action of every value that does not stand as published."""
    assert a.onset is not None
    assert a.offset is not None
    if a.onset < numbers[0]:
        yield f"onset {a.onset} is before the first frame {numbers[0]}", "clamped to the first frame"
    if a.offset > numbers[-1]:
        yield f"offset {a.offset} is past the last frame {numbers[-1]}", "clipped to the last frame"
    if a.apex is None:
        yield NO_APEX, "kept without apex"
    elif apex is None and a.onset <= a.apex <= a.offset:
        yield f"apex {a.apex} is not among the frames {numbers[0]}..{numbers[-1]}", "kept without apex"
    elif apex is None:
        yield f"apex {a.apex} is not between onset {a.onset} and offset {a.offset}", "kept without apex"
    elif a.apex == a.onset:
        yield f"apex {a.apex} is the onset", "kept"


def with_offsets(annotations: Iterable[Annotation], rule: str) -> tuple[list[Annotation], list[Excluded]]:
    """Fill unknown offsets from the apex: `apex`, `apex+20` or `mirror` (apex + (apex - onset)); `keep` leaves them."""
    filled: list[Annotation] = []
    notes: list[Excluded] = []
    for a in annotations:
        if a.offset is None and a.apex is not None and a.onset is not None and rule != "keep":
            offset = {"apex": a.apex, "apex+20": a.apex + 20, "mirror": 2 * a.apex - a.onset}[rule]
            notes.append(Excluded(a.name, "offset is unknown", f"offset {offset} (missing_offset: {rule})"))
            a = replace(a, offset=offset)
        filled.append(a)
    return filled, notes


def habits(table: Table, roles: Roles) -> list[Excluded]:
    """How a table is written where it matters to a reader: preamble, blank columns, numbers as text, odd AUs, words.

    One entry a habit, with its count and first row, since none of them loses anything.
    """
    numeric = [c for c in (roles.onset, roles.apex, roles.offset) if c]
    checks: list[tuple[str, str, list[int]]] = [
        ("frame number(s) with a fraction", "rounded", _lines(table.rows, numeric, _fraction)),
        ("frame number(s) stored as text", "read as numbers", _lines(table.rows, numeric, _number_as_text)),
    ]
    if roles.aus:
        aus = [roles.aus]
        checks += [
            ("AU cell(s) without an AU", "kept without AUs", _lines(table.rows, aus, _not_scored)),
            ("AU cell(s) with alternatives", "read, flagged as alternatives", _lines(table.rows, aus, _alternatives)),
            ("AU cell(s) with commas", "read as joined", _lines(table.rows, aus, _commas)),
        ]
    noted = [
        Excluded(f"row {lines[0]}{' ...' if len(lines) > 1 else ''}", f"{len(lines)} {what}", action)
        for what, action, lines in checks
        if lines
    ]
    return [*_frame_of(table), *noted, *_words(table.rows, roles)]


def _frame_of(table: Table) -> Iterator[Excluded]:
    if table.header > 1:
        yield Excluded(table.path.name, f"{table.header - 1} row(s) above the header", "skipped")
    if table.blank_columns:
        yield Excluded(table.path.name, f"{table.blank_columns} blank column(s)", "skipped")
    if table.padded:
        yield Excluded(table.path.name, f"{table.padded} cell(s) with outer spaces", "spaces removed")


def _words(rows: Sequence[Row], roles: Roles) -> Iterator[Excluded]:
    """Emotions that are not written as the class is named; a mere capital letter at the front is no matter."""
    if not roles.emotion:
        return
    written: dict[str, list[int]] = {}
    for row in rows:
        word = text(row[roles.emotion])
        if (word and emotion(word) != word.casefold()) or word.casefold() == "others" != word:
            written.setdefault(word, []).append(row.line)
    for word, lines in written.items():
        what = f"row {lines[0]}{' ...' if len(lines) > 1 else ''}"
        yield Excluded(what, f"emotion {word!r} in {len(lines)} row(s)", f"read as {emotion(word) or 'unknown'}")


def _lines(rows: Sequence[Row], columns: Sequence[str], holds: Callable[[Cell], bool]) -> list[int]:
    return [row.line for row in rows if any(holds(row[c]) for c in columns)]


def _fraction(cell: Cell) -> bool:
    value = number(cell)
    return value is not None and not value.is_integer()


def _number_as_text(cell: Cell) -> bool:
    return isinstance(cell, str) and number(cell) is not None


def _not_scored(cell: Cell) -> bool:
    return cell is not None and not len(parse(cell))


def _alternatives(cell: Cell) -> bool:
    return any("or" in unit.flags for unit in parse(cell))


def _commas(cell: Cell) -> bool:
    return isinstance(cell, str) and ("," in cell or "，" in cell)
