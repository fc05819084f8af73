"""What the stand-ins of CASME and CASME II share: films, one table, a mark, and dirt where it is asked for."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mezoo import datasets, tables


@dataclass(frozen=True, slots=True)
class Release:
    """Films of clips (`.../sub01/EP02_01f`), each with its row and emotion; `spoiled` are shots that dirt may spoil.

    `header` names the table's columns, None for a blank one; the first of `sheets` holds the rows, others are empty.
    """

    name: str
    table: str
    sheets: Sequence[str]
    header: Sequence[str | None]
    shots: Sequence[datasets.stand_ins.Shot]
    lines: list[datasets.stand_ins.Line]
    emotions: Sequence[str]
    spoiled: Sequence[datasets.stand_ins.Shot]


Soil = Callable[[list[datasets.stand_ins.Line]], list[datasets.stand_ins.Planted]]
"""Plants the defects of a set in its rows."""


def write(out: Path, release: Release, soil: Soil, spec: datasets.StandIn, bars: datasets.Bars) -> None:
    """Write frames, landmarks, table and at last the mark below `out`. Raises DataError where clips exist."""
    datasets.stand_ins.write_shots(out, release.shots, spec.frames, bars)
    planted = soil(release.lines) if spec.dirty else []
    header: list[tables.Cell] = [*release.header]
    grid = [header, *([line.get(c) if c else None for c in release.header] for line in release.lines)]
    if spec.dirty:
        grid, more = datasets.stand_ins.soil_grid(grid[0], grid[1:])
        planted += more
    first, *others = release.sheets
    datasets.stand_ins.write_book(out / release.table, {first: grid, **{name: [] for name in others}})
    if spec.dirty and spec.frames != "none":
        folders = [out / shot.folder for shot in release.spoiled]
        planted += datasets.stand_ins.soil_folders(folders, lambda f: f"{f.parent.name[3:]}/{f.name}")
    datasets.stand_ins.finish(out, release.name, spec, _expected(release), planted)


def _expected(release: Release) -> dict[str, int]:
    clips = len(release.shots)
    return {
        "subjects": len({Path(shot.folder).parent for shot in release.shots}),
        "clips": clips,
        "frames": sum(len(shot.frames()) for shot in release.shots),
        "rows": clips,
        "micro": clips,
        **Counter(release.emotions),
    }
