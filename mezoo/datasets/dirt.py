"""The defects of real releases, planted on purpose: a loader must survive each and say what it did."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mezoo.datasets.annotations import Roles
from mezoo.tables import Cell

Line = dict[str, Cell]
"""One row of a table about to be written: cells by column."""


@dataclass(frozen=True, slots=True)
class Planted:
    """A defect: where it was put ("" for the table as a whole), and words that a report on it must hold."""

    defect: str
    where: str
    shows: str


@dataclass(frozen=True, slots=True)
class _Defect:
    name: str
    shows: str
    change: Callable[[Line, Roles], Cell]
    column: str


def _value(cell: Cell) -> int:
    return int(float(cell or 0))


def _fixed(name: str, shows: str, column: str, value: Cell) -> _Defect:
    return _Defect(name, shows, lambda _line, _roles: value, column)


_NO_APEX = "apex not annotated"
_DEFECTS = (
    _fixed("apex /", _NO_APEX, "apex", "/"),
    _fixed("apex \\", _NO_APEX, "apex", "\\"),
    _fixed("apex -1", _NO_APEX, "apex", -1),
    _fixed("apex 0", _NO_APEX, "apex", 0),
    _fixed("apex empty", _NO_APEX, "apex", None),
    _Defect("apex after offset", "is not between onset", lambda line, r: _value(line[r.offset]) + 9, "apex"),
    _Defect("apex is onset", "is the onset", lambda line, r: line[r.onset], "apex"),
    _fixed("offset 0", "offset is unknown", "offset", 0),
    _Defect("offset past the end", "is past the last frame", lambda line, r: _value(line[r.offset]) + 9000, "offset"),
    _fixed("onset 0", "is before the first frame", "onset", 0),
    _Defect("onset with a fraction", "with a fraction", lambda line, r: _value(line[r.onset]) + 0.4, "onset"),
    _Defect("number as text", "stored as text", lambda line, r: str(_value(line[r.onset])), "onset"),
    _fixed("AU ?", "without an AU", "aus", "?"),
    _fixed("AU NULL", "without an AU", "aus", "NULL"),
    _fixed("AU or", "with alternatives", "aus", "R12 or 14"),
    _fixed("AU comma", "with commas", "aus", "6+12,24"),
    _fixed("AU full-width comma", "with commas", "aus", "14，L24，"),
    _fixed("AU trailing space", "outer spaces", "aus", "12+15 "),
    _fixed("emotion typo", "'happyiness'", "emotion", "happyiness"),
    _fixed("emotion Others", "'Others'", "emotion", "Others"),
    _fixed("emotion Other", "'Other'", "emotion", "Other"),
)


def soil_rows(
    lines: list[Line], roles: Roles, where: Callable[[Line], str], rng: np.random.Generator, *, usable: Sequence[int]
) -> list[Planted]:
    """Plant one defect a row, in place, in the rows with the indices `usable`; a row repeated at the end, too.

    `where` names a row as a report does (`01/EP02_01f`). Defects of columns that the table lacks are left out, and
    the last ones where there are too few rows.
    """
    planted: list[Planted] = []
    rows: Iterator[int] = iter(rng.permutation(usable).tolist())
    for defect in _DEFECTS:
        column = getattr(roles, defect.column)
        index = next(rows, None) if column else None
        if index is None:
            continue
        lines[index][column] = defect.change(lines[index], roles)
        named = defect.column in {"apex", "offset"} or defect.name == "onset 0"
        planted.append(Planted(defect.name, where(lines[index]) if named else "", defect.shows))
    index = next(rows, None)
    if index is not None:
        lines.append(dict(lines[index]))
        planted.append(Planted("row twice", where(lines[index]), "same clip and kind"))
    return planted


def soil_grid(header: Sequence[Cell], rows: Sequence[Sequence[Cell]]) -> tuple[list[list[Cell]], list[Planted]]:
    """Header and rows with a preamble of free text above and a blank column after the second and the last column."""
    text = "Free text of the owner about Onset, Apex and Offset"
    grid: list[list[Cell]] = [[text], [None], ["Symbols: / = or"]]
    grid += [[*line[:2], None, *line[2:], None] for line in (header, *rows)]
    return grid, [Planted("preamble", "", "above the header"), Planted("blank column", "", "blank column")]


def soil_folders(folders: Sequence[Path], label: Callable[[Path], str]) -> list[Planted]:
    """Spoil written clip folders on disk: a stray file, missing first frames, a hole, an empty folder, one gone.

    `label` names a folder as a report does. The first five folders are used, so rows of theirs should not be soiled
    as well; with fewer folders, later defects are left out.
    """
    planted: list[Planted] = []
    for folder, (defect, shows, spoil) in zip(folders, _SPOILS, strict=False):
        spoil(folder)
        planted.append(Planted(defect, label(folder), shows))
    return planted


def _stray(folder: Path) -> None:
    (folder / "img260.jpg2.jpg").touch()
    (folder / ".DS_Store").touch()


def _behead(folder: Path) -> None:
    for path in _frames(folder)[:3]:
        path.unlink()


def _hole(folder: Path) -> None:
    frames = _frames(folder)
    frames[len(frames) // 2].unlink()


def _empty(folder: Path) -> None:
    for path in _frames(folder):
        path.unlink()


_SPOILS: tuple[tuple[str, str, Callable[[Path], None]], ...] = (
    ("stray file", "not named like a frame", _stray),
    ("missing frame", "missing in the numbering", _hole),
    ("empty folder", "holds no frame", _empty),
    ("folder gone", "no frames on disk", shutil.rmtree),
    ("missing first frames", "first frame", _behead),
)


def _frames(folder: Path) -> list[Path]:
    import re

    return sorted(folder.iterdir(), key=lambda p: int(re.findall(r"\d+", p.stem)[-1]))
