"""Published numbers as they were printed, with what is known against them; never ranked with measured ones."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files

from mezoo.leaderboard.words import NONE

STANDINGS = {
    "leak": "leak: test data had a part in it",
    "tuned": "tuned on the data that are scored",
    "clean": "nothing chosen on test data",
    "hidden": "truth held back by the organisers",
    "unaudited": "no leak known, code not read",
}
ORDER = ("UF1", "UAR", "accuracy", "F1", "ME F1", "MaE F1", "STRS", "F1 spotting", "F1 analysis")
"""Columns that come first, in this order."""


@dataclass(frozen=True, slots=True)
class Published:
    """One number of one paper. `plugin` is the dataset's name in mezoo, "" where there is none.

    `printed` is the number with its digits; `value` is None where none was printed. `flag` says why it cannot be right.
    """

    method: str
    year: int
    venue: str
    task: str
    dataset: str
    plugin: str
    protocol: str
    classes: str
    metric: str
    printed: str
    value: float | None
    standing: str
    leak_notes: str
    flag: str
    source: str


@dataclass(frozen=True, slots=True)
class Line:
    """One method of one paper: its numbers by metric."""

    method: str
    year: int
    venue: str
    standing: str
    leak_notes: str
    source: str
    cells: Mapping[str, Published]

    @property
    def known(self) -> str:
        """What is known about how these numbers came to be."""
        words = [STANDINGS[self.standing], self.leak_notes]
        return "; ".join(w for w in words if w)

    @property
    def flags(self) -> tuple[str, ...]:
        """Why some of them cannot be right."""
        return tuple(dict.fromkeys(cell.flag for cell in self.cells.values() if cell.flag))


@dataclass(frozen=True, slots=True)
class Table:
    """Numbers of one task, dataset and protocol, by year."""

    task: str
    dataset: str
    plugin: str
    protocol: str
    classes: str
    metrics: tuple[str, ...]
    lines: tuple[Line, ...]


def read_published() -> list[Published]:
    """All numbers that come with mezoo, in the order of the file."""
    text = files("mezoo.leaderboard").joinpath("published_results.csv").read_text(encoding="utf-8")
    return [_published(row) for row in csv.DictReader(text.splitlines())]


def _published(row: Mapping[str, str]) -> Published:
    words = {k: v for k, v in row.items() if k not in {"year", "value"}}
    value = float(row["value"]) if row["value"] else None
    return Published(**words, year=int(row["year"]), printed=row["value"] or NONE, value=value)


def tables_of(rows: Iterable[Published]) -> list[Table]:
    """Tables by task, dataset and protocol, in the order of their first row."""
    grouped: dict[tuple[str, ...], list[Published]] = {}
    for row in rows:
        grouped.setdefault((row.task, row.dataset, row.plugin, row.protocol, row.classes), []).append(row)
    found = [
        Table(task, dataset, plugin, protocol, classes, _metrics(group), _lines(group))
        for (task, dataset, plugin, protocol, classes), group in grouped.items()
    ]
    return sorted(found, key=lambda table: (table.task, -len(table.lines)))


def _metrics(rows: Sequence[Published]) -> tuple[str, ...]:
    names = dict.fromkeys(row.metric for row in rows)
    return (*(name for name in ORDER if name in names), *(name for name in names if name not in ORDER))


def _lines(rows: Sequence[Published]) -> tuple[Line, ...]:
    grouped: dict[tuple[str, int, str, str, str], list[Published]] = {}
    for row in rows:
        grouped.setdefault((row.method, row.year, row.venue, row.standing, row.leak_notes), []).append(row)
    lines = [
        Line(*head, "; ".join(dict.fromkeys(row.source for row in group)), {row.metric: row for row in group})
        for head, group in grouped.items()
    ]
    return tuple(sorted(lines, key=lambda line: line.year))
