"""The table of SAMM: its columns, its rows, where it lies. SAMM reads it for itself, SAMM Long Videos for emotions."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mezoo import datasets, tables

ERRATA = Path(__file__).with_name("errata_samm.csv")
WANTED = "SAMM_Micro_FACS_Codes_v*.xlsx"
TABLE = re.compile(
    r"samm(?!.*long).*?(?:micro|facs).*?(?:v(?P<version>\d+)\D*)?\.(?:xlsx|xls|csv)$",
    re.IGNORECASE,
)
LEAF = re.compile(r"\d{3}(?:_\d+){0,2}")
"""Folders of a subject, a long video or a clip: no table lies in them."""
SHEET = "MICRO_ONLY"
COLUMNS = (
    tables.Column("Subject", ("Participant",)),
    tables.Column("Filename", ("File name", "File", "Clip")),
    tables.Column("Inducement Code", ("Inducement",), required=False),
    tables.Column("Onset Frame", ("Onset", "OnsetF")),
    tables.Column("Apex Frame", ("Apex", "ApexF")),
    tables.Column("Offset Frame", ("Offset", "OffsetF")),
    tables.Column("Duration", required=False),
    tables.Column("Micro", required=False),
    tables.Column("Action Units", ("Action Unit", "AU", "AUs")),
    tables.Column("Estimated Emotion", ("Emotion",)),
    tables.Column("Objective Classes", ("Objective Class",), required=False),
    tables.Column("Notes", ("Note", "Remarks"), required=False),
)
ROLES = datasets.annotations.Roles(
    "Onset Frame", "Offset Frame", "Apex Frame", "Estimated Emotion", "Action Units", "Objective Classes"
)
EMOTIONS = {
    "anger": 57,
    "happiness": 26,
    "others": 26,
    "surprise": 15,
    "contempt": 12,
    "disgust": 9,
    "fear": 8,
    "sadness": 6,
}
"""Rows of each emotion; the owner writes the third as `Other`."""
FILENAME = re.compile(r"(?P<subject>\d{1,3})_(?P<task>\d)_(?P<n>\d+)\W*")


@dataclass(frozen=True, slots=True)
class FacsTable:
    """What was read: rows after corrections, what was changed or lost, corrections of the user's that met no row."""

    path: Path
    annotations: Sequence[datasets.Annotation]
    excluded: Sequence[datasets.Excluded]
    problems: Sequence[str]


def parts(row: tables.Row) -> tuple[str, str, str] | str:
    """Subject, inducement and number of a row's Filename: `006_1_2` -> 006, 1, 2; a sentence for any other name."""
    named = FILENAME.fullmatch(tables.text(row["Filename"]))
    if not named:
        return f"Filename {tables.text(row['Filename'])!r} is not subject_task_number"
    return named["subject"].zfill(3), named["task"], named["n"]


def key(row: tables.Row) -> tuple[str, str, str] | str:
    """Subject, clip and code of a row, clip and code being the same."""
    named = parts(row)
    if isinstance(named, str):
        return named
    code = "_".join(named)
    return named[0], code, code


def read(path: Path, errata: bool | Path = True) -> FacsTable:
    """Rows of a SAMM table, published frame numbers. Raises DataError for a damaged file or a missing column."""
    table = tables.read_table(path, COLUMNS, sheet=SHEET)
    rows, done, in_vain = datasets.corrected(table.rows, errata, ERRATA)
    annotations, unread = datasets.annotations.read(rows, table.rows, ROLES, key)
    noted = [*datasets.annotations.habits(table, ROLES), *done, *unread, *wrong_durations(table.rows, ROLES)]
    return FacsTable(path, annotations, noted, in_vain)


def wrong_durations(rows: Sequence[tables.Row], roles: datasets.annotations.Roles) -> Iterator[datasets.Excluded]:
    """Rows as published whose Duration is not offset - onset + 1: one of the three is a slip (offset 0 is unknown)."""
    for row in rows:
        onset, offset, duration = (tables.number(row[column]) for column in (roles.onset, roles.offset, "Duration"))
        if onset is None or not offset or duration is None or abs(offset - onset + 1 - duration) < 1e-3:
            continue
        reason = f"Duration {duration:g}, but {onset:g}..{offset:g} is {offset - onset + 1:g} frames"
        yield datasets.Excluded(
            f"{tables.text(row['Filename'])} (row {row.line})", reason, "kept; onset and offset count"
        )


def locate(place: Path) -> Path:
    """The table in a folder of SAMM, or `place` itself if it is a file. Raises DataError if there is none."""
    if place.is_file():
        return place
    hint = f"give the folder of SAMM or its table {WANTED}"
    datasets.folders.require_folder(place, "SAMM", hint)
    return datasets.folders.find_table(place, TABLE, LEAF, wanted=WANTED, title="SAMM", hint=hint)
