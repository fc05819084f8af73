"""The page: one self-contained HTML file, sortable and filterable, readable without its script."""

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment
from markupsafe import Markup

import mezoo
from mezoo.files import write_atomic
from mezoo.leaderboard.boards import Board, Placed, Trivial
from mezoo.leaderboard.figures import axis, bar, chance_bar, top_of
from mezoo.leaderboard.published import STANDINGS, Table
from mezoo.leaderboard.text import note_of, other_names, spread, truths
from mezoo.leaderboard.words import f3, p_value, plural, short_count, short_time, signed, span

FILTERS: dict[str, Any] = {f.__name__: f for f in (f3, signed, span, short_count, short_time, plural, p_value)}


def write_page(path: Path, boards: Sequence[Board], tables: Sequence[Table], notes: Sequence[str]) -> Path:
    """Write the page and return its path."""
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(FILTERS)
    source = files("mezoo.leaderboard").joinpath("page.html.j2").read_text(encoding="utf-8")
    write_atomic(path, environment.from_string(source).render(context(boards, tables, notes)))
    return path


def context(boards: Sequence[Board], tables: Sequence[Table], notes: Sequence[str]) -> dict[str, Any]:
    """Everything that the page names."""
    names = [(b.key.task, b.key.dataset, b.key.protocol) for b in boards]
    names += [(t.task, t.plugin or t.dataset, t.protocol) for t in tables]
    tasks, datasets, protocols = (sorted({n[i] for n in names}, key=str.casefold) for i in range(3))
    return {
        "boards": [board_view(board, tables) for board in boards],
        "tables": tables,
        "notes": notes,
        "tasks": tasks,
        "datasets": datasets,
        "protocols": protocols,
        "standings": STANDINGS,
        "version": mezoo.__version__,
        "ranked": sum(len(b.rows) for b in boards if not b.synthetic),
        "unranked": sum(len(b.below) for b in boards),
        "numbers": sum(len(line.cells) for table in tables for line in table.lines),
    }


def board_view(board: Board, tables: Sequence[Table]) -> dict[str, Any]:
    """A board with its bars drawn; rows of no method stand among the ranked ones where their value belongs."""
    top = top_of(board)
    chance = [t.value for t in board.trivial]
    ranked = [_row_view(placed, chance, top) for placed in board.rows]
    trivial = [_trivial_view(t, chance, top) for t in board.trivial]
    alike = [t for t in tables if (t.task, t.plugin) == (board.key.task, board.key.dataset)]
    return {
        "board": board,
        "truths": truths(board),
        "axis": Markup(axis(top)),
        "names": other_names(board),
        "rows": sorted([*ranked, *trivial], key=lambda view: -(view["value"] or 0.0)),
        "below": [_row_view(placed, chance, top) for placed in board.below],
        "tied": sum(placed.tied for placed in board.rows),
        "published": sum(len(t.lines) for t in alike),
    }


def _row_view(placed: Placed, chance: Sequence[float], top: float) -> dict[str, Any]:
    row = placed.row
    return {
        "placed": placed,
        "row": row,
        "value": row.value,
        "others": row.others,
        "bar": Markup(bar(row, chance, top)),
        "note": "; ".join((*row.reasons, *row.notes)) if row.reasons else note_of(placed),
        "spread": spread(row),
        "seeds": {run.seed: value for run, value in zip(row.runs, row.values, strict=False)},
        "paths": [str(run.path) for run in row.runs],
    }


def _trivial_view(trivial: Trivial, chance: Sequence[float], top: float) -> dict[str, Any]:
    drawn = Markup(chance_bar(trivial.value, chance, top))
    return {"trivial": trivial, "value": trivial.value, "others": trivial.others, "bar": drawn}
