"""The table of CAS(ME)^2: three sheets without headers, read by position and by what stands in them."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Literal

from mezoo import DataError, datasets, tables

ERRATA = Path(__file__).with_name("errata_cas_me_sq.csv")
COLUMNS: tuple[str, ...] = (
    "Participant",
    "Code",
    "Onset",
    "Apex",
    "Offset",
    "Action Units",
    "Emotion",
    "Type",
    "Self-report",
)
ROLES = datasets.annotations.Roles("Onset", "Offset", "Apex", "Emotion", "Action Units", kind="Type")
PUBLISHED = {
    "subjects": 22,
    "rows": 357,
    "micro": 57,
    "macro": 300,
    "negative": 126,
    "positive": 124,
    "surprise": 25,
    "others": 82,
}
NUMBERS = (15, 16, *range(19, 28), *range(29, 39), 40)
"""Folder number of participant 1, 2, ... 22: for tables without the sheet `naming rule1`."""
STIMULI = {
    "disgust1": "0101disgustingteeth",
    "disgust2": "0102eatingworms",
    "anger1": "0401girlcrashing",
    "anger2": "0402beatingpregnantwoman",
    "happy1": "0502funnyerrors",
    "happy2": "0503unnyfarting",
    "happy3": "0505funnyinnovations",
    "happy4": "0507climbingthewall",
    "happy5": "0508funnydunkey",
}
"""Code and title of a stimulus as in the names of folders, the owner's spelling; the codes are in `naming rule2`."""
VIDEO = re.compile(r"(?P<number>\d{2})_(?P<stimulus>\d{4})(?:\D.*)?")
CODE = re.compile(r"(?P<stem>[a-z]+\d)_(?P<n>\d{1,2})", re.IGNORECASE)
LEAF = re.compile(rf"{VIDEO.pattern}|[a-z]+\d_\d{{1,2}}", re.IGNORECASE)
_FIRST = re.compile(r"^(?!.*(?:blink|updated)).*code[ _-]?final.*\.(?:xlsx|xls|csv)$", re.IGNORECASE)
_UPDATED = re.compile(r"^(?!.*blink).*code[ _-]?final.*updated.*\.(?:xlsx|xls|csv)$", re.IGNORECASE)
_WANTED = "CAS(ME)^2code_final(Updated).xlsx"

Revision = Literal["auto", "first", "updated"]


@dataclass(frozen=True, slots=True)
class CodeTable:
    """The rows of a table, and what reading them found. `Annotation.clip` is the canonical name of the long video."""

    path: Path
    annotations: list[datasets.Annotation]
    excluded: list[datasets.Excluded]
    problems: list[str]


def read(root: Path, revision: Revision, errata: bool | Path, title: str, hint: str) -> CodeTable:
    """Find and read the table of a revision; `auto` takes the updated one where both are there.

    Raises DataError where there is no such table or the sheet of annotations has too few columns.
    """
    patterns = {"auto": [_UPDATED, _FIRST], "first": [_FIRST], "updated": [_UPDATED]}[revision]
    found = [path for name in patterns for path in datasets.folders.find_files(root, name, LEAF)]
    wanted = _WANTED if revision == "auto" else f"{_WANTED}, the {revision} revision,"
    search = datasets.folders.find_table
    path = found[0] if found else search(root, patterns[0], LEAF, wanted=wanted, title=title, hint=hint)
    sheets = tables.read_sheets(path)
    table = _rows(path, sheets[0])
    numbers, stimuli, notes = _naming(path, sheets)
    rows, done, in_vain = datasets.corrected(table.rows, errata, ERRATA, subject="Participant", clip="Code")
    codes, repeated = _codes(rows)
    key = _key(numbers, stimuli, codes)
    annotations, unread = datasets.annotations.read(rows, table.rows, ROLES, key)
    habits = datasets.annotations.habits(table, ROLES)
    return CodeTable(path, annotations, [*habits, *notes, *done, *repeated, *unread], in_vain)


def _key(
    numbers: Mapping[int, str], stimuli: Mapping[str, str], codes: Mapping[int, str]
) -> Callable[[tables.Row], tuple[str, str, str] | str]:
    """Subject (`s15`), video (`15_0401girlcrashing`) and code (`anger1_12`) of a row."""

    def key(row: tables.Row) -> tuple[str, str, str] | str:
        participant, code = tables.text(row["Participant"]), tables.text(row["Code"])
        named, number = CODE.fullmatch(code), numbers.get(tables.frame(row["Participant"]) or 0)
        if not named:
            return f"Code {code!r} is not stimulus_number"
        if number is None:
            return f"participant {participant!r} of {code} has no folder number"
        video = stimuli.get(named["stem"].casefold())
        if video is None:
            return f"the stimulus of {code} has no code"
        return f"s{number}", f"{number}_{video}", codes[row.line]

    return key


def _codes(rows: Sequence[tables.Row]) -> tuple[dict[int, str], list[datasets.Excluded]]:
    """Code of each row by its line; where rows of other frames share one, the later get their onset: `anger1_1@843`."""
    first: dict[tuple[str, str], tuple[str, ...]] = {}
    codes: dict[int, str] = {}
    named: dict[str, set[tuple[str, ...]]] = {}
    for row in rows:
        participant, code, kind, *frames = (tables.text(row[c]) for c in ("Participant", "Code", "Type", *COLUMNS[2:5]))
        name = f"{participant}/{code}"
        known = first.setdefault((name, kind), tuple(frames))
        codes[row.line] = code if known == tuple(frames) else f"{code}@{frames[0]}"
        named.setdefault(name, set()).add((kind, *frames))
    again = [(name, len(rows)) for name, rows in named.items() if len(rows) > 1 and _is_code(name.partition("/")[2])]
    return codes, [datasets.Excluded(name, f"names {n} rows", "told apart by type and frames") for name, n in again]


def _rows(path: Path, sheet: tables.Sheet) -> tables.Table:
    """The annotation by position: columns are found from those of codes and types; rows above the first are skipped."""
    places = _places(path, sheet)
    width = max(map(len, sheet.grid))
    unused = [c for i, c in enumerate(zip_longest(*sheet.grid)) if i < places["Type"] and i not in places.values()]
    blank = sum(all(v is None for v in column) for column in unused)
    code, kind = places["Code"], places["Type"]
    grid = [(*line, *[None] * (width - len(line))) for line in sheet.grid]
    start = next(i for i, line in enumerate(grid) if _is_code(line[code]) or _is_type(line[kind]))
    rows = [tables.Row(i, {n: line[c] for n, c in places.items()}) for i, line in enumerate(grid, 1) if i > start]
    kept = tuple(row for row in rows if any(v is not None for v in row.cells.values()))
    return tables.Table(path, sheet.name, kept, start + 1, blank, sheet.padded)


def _places(path: Path, sheet: tables.Sheet) -> dict[str, int]:
    columns = list(zip_longest(*sheet.grid))
    code, kind = _most(columns, _is_code), _most(columns, _is_type)
    before = [c for c in range(code or 0) if any(v is not None for v in columns[c])]
    between = range((code or 0) + 1, kind or 0)
    if len(between) > 5:
        between = [c for c in between if any(v is not None for v in columns[c])]
    missing = [n for n, gone in (("Participant", not before), ("Code", code is None), ("Type", kind is None)) if gone]
    if not missing and len(between) != 5:
        missing = [f"for one of {', '.join(COLUMNS[2:7])} ({len(between)} between Code and Type)"]
    if missing or code is None or kind is None:
        raise DataError(
            f"{path}, sheet {sheet.name!r}: no column {' and no column '.join(missing)}",
            hint=f"use the owner's file as released: no header, and the columns {', '.join(COLUMNS)} in this order",
        )
    places: dict[str, int] = dict(zip(COLUMNS, (before[-1], code, *between, kind), strict=False))
    return {**places, "Self-report": kind + 1} if kind + 1 < len(columns) else places


def _most(columns: Sequence[Sequence[tables.Cell]], holds: Callable[[tables.Cell], bool]) -> int | None:
    """The column with most cells of a kind; None where there is none."""
    hits = [sum(map(holds, column)) for column in columns]
    return hits.index(max(hits)) if any(hits) else None


def _is_code(cell: tables.Cell) -> bool:
    return CODE.fullmatch(tables.text(cell)) is not None


def _is_type(cell: tables.Cell) -> bool:
    return datasets.annotations.movement_kind(cell) is not None


def _naming(
    path: Path, sheets: Sequence[tables.Sheet]
) -> tuple[dict[int, str], dict[str, str], list[datasets.Excluded]]:
    """Folder number of each participant and video of each stimulus, and a note where a sheet of them is missing."""
    notes: list[datasets.Excluded] = []
    numbers = dict(_folder_numbers(_sheet(sheets, 1)))
    if not numbers:
        numbers = {i: str(n) for i, n in enumerate(NUMBERS, start=1)}
        notes.append(datasets.Excluded(path.name, "no sheet 'naming rule1'", "the usual folder numbers are taken"))
    titles = {video[:4]: video for video in STIMULI.values()}
    stimuli = {stem: titles.get(code, code) for stem, code in _stimulus_codes(_sheet(sheets, 2))}
    if not stimuli:
        notes.append(datasets.Excluded(path.name, "no sheet 'naming rule2'", "the usual stimulus codes are taken"))
    return numbers, stimuli or STIMULI, notes


def _sheet(sheets: Sequence[tables.Sheet], rule: int) -> tables.Sheet | None:
    """The sheet of a naming rule: by name, else by place (the first sheet is the annotation)."""
    named = [s for s in sheets[1:] if re.search(rf"rule\W*{rule}$", s.name.strip(), re.IGNORECASE)]
    return named[0] if named else sheets[rule] if len(sheets) > rule else None


def _folder_numbers(sheet: tables.Sheet | None) -> Iterator[tuple[int, str]]:
    """Participant and folder number of each line `15, s15, 1`: one line a row of the annotation, so most repeat."""
    for line in sheet.grid if sheet else ():
        cells = [cell for cell in line if cell is not None]
        folder = next((m for c in cells if (m := re.fullmatch(r"s0*(\d+)", tables.text(c), re.IGNORECASE))), None)
        participant = tables.frame(cells[-1]) if cells else None
        if folder and participant is not None:
            yield participant, folder[1].zfill(2)


def _stimulus_codes(sheet: tables.Sheet | None) -> Iterator[tuple[str, str]]:
    """Stem and four-digit code of each line `0101, disgust1`; a code that is stored as a number lost its zero."""
    for line in sheet.grid if sheet else ():
        words = [tables.text(cell).casefold() for cell in line if cell is not None]
        stem = next((w for w in words if re.fullmatch(r"[a-z]+\d", w)), None)
        code = next((w for w in words if re.fullmatch(r"\d{3,4}", w)), None)
        if stem and code:
            yield stem, code.zfill(4)
