"""Boards and tables as rows of text: for a terminal, as Markdown, and as plain data for JSON."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mezoo.leaderboard.boards import Board, Placed, Trivial
from mezoo.leaderboard.published import Published, Table
from mezoo.leaderboard.rows import Row
from mezoo.leaderboard.words import NONE, f3, p_value, short_count, short_time, signed, span

LEFT_OUT = {"recipe", "epoch", "oracle gap", "parameters", "time", "device"}
Sheet = tuple[str, list[str], list[list[str]]]
"""Title, header and rows of text."""


def board_sheet(board: Board, brief: bool = False) -> Sheet:
    """A board as text: ranked rows and chance by value, then those below the line with the reason.

    `brief`: without the columns of `LEFT_OUT`, for a terminal; the recipe stands under the method.
    """
    names = other_names(board)
    header = ["rank", "method", "recipe", board.key.metric, "95 % interval", "sd (seeds)", "epoch", "oracle gap"]
    header += [*names, "parameters", "time", "device", "note"]
    rows = [(placed.row.value or 0.0, _cells(placed, names)) for placed in board.rows]
    rows += [(t.value, _chance_cells(t, names)) for t in board.trivial]
    rows = sorted(rows, key=lambda row: -row[0])
    lines = [*(cells for _, cells in rows), *(_cells(placed, names) for placed in board.below)]
    if brief:
        kept = [i for i, name in enumerate(header) if name not in LEFT_OUT]
        lines = [[line[0], "\n".join(w for w in line[1:3] if w), *line[2:]] for line in lines]
        header, lines = [header[i] for i in kept], [[line[i] for i in kept] for line in lines]
    return board_title(board), header, lines


def _chance_cells(t: Trivial, names: Sequence[str]) -> list[str]:
    others = [f3(t.others.get(n)) for n in names]
    return [NONE, t.name, "", f3(t.value), *[NONE] * 4, *others, NONE, NONE, "", "chance"]


def board_title(board: Board) -> str:
    """Task, dataset, protocol and number of truths in a line."""
    mark = " [SYNTHETIC]" if board.synthetic else ""
    return f"{board.key.task}, {board.key.dataset}, {board.key.protocol}: {truths(board)}{mark}"


def truths(board: Board) -> str:
    """What was there to be found or named: `left 18, right 18`."""
    total: dict[str, int] = {}
    for parts in board.counts.values():
        for name, n in parts.items():
            total[name] = total.get(name, 0) + n
    return ", ".join(f"{name} {n}" for name, n in total.items())


def other_names(board: Board) -> list[str]:
    """Names of the ratios beside the headline that any row has."""
    rows = [*board.rows, *board.below]
    return [*dict.fromkeys(name for placed in rows for name in placed.row.others)]


def note_of(placed: Placed) -> str:
    """Why a row is not ranked, or how it stands to the best one."""
    row = placed.row
    if row.reasons:
        return "; ".join(("not ranked", *row.reasons, *row.notes))
    if placed.rank is not None and placed.p is not None:
        words = (
            "cannot be told apart from the best" if placed.tied else "differs from the best"
        ) + f", {p_value(placed.p)}"
        return "; ".join((words, *row.notes))
    return "; ".join(row.notes)


def spread(row: Row) -> str:
    """Standard deviation over seeds and how many there are."""
    return f"{f3(row.sd)} ({len(row.values)})" if row.sd is not None else f"{NONE} ({len(row.values)})"


def _cells(placed: Placed, names: Sequence[str]) -> list[str]:
    row = placed.row
    recipe = f"{row.recipe} ({placed.variant})" if placed.variant else row.recipe
    rank = NONE if placed.rank is None else f"{placed.rank}{'=' if placed.tied and placed.p is not None else ''}"
    head = [rank, row.method, recipe, f3(row.value), span(row.interval), spread(row), row.first.rule]
    rest = [short_count(row.parameters), short_time(row.seconds), ", ".join(row.devices), note_of(placed)]
    return [*head, signed(row.oracle_gap), *(f3(row.others.get(n)) for n in names), *rest]


def table_sheet(table: Table) -> Sheet:
    """A table of published numbers as text; a number that cannot be right has a `!`."""
    rows: list[list[str]] = []
    for line in table.lines:
        notes = "; ".join([line.known, *(f"! {flag}" for flag in line.flags)])
        cells = [_printed(line.cells[m]) if m in line.cells else "" for m in table.metrics]
        rows.append([line.method, str(line.year), line.venue, *cells, notes])
    return table_title(table), ["method", "year", "venue", *table.metrics, "what is known"], rows


def table_title(table: Table) -> str:
    """Task, dataset, protocol and number of classes in a line."""
    classes = f", {table.classes} classes" if table.classes else ""
    return f"published: {table.task}, {table.dataset}, {table.protocol}{classes}"


def _printed(cell: Published) -> str:
    return f"{cell.printed} !" if cell.flag else cell.printed


def markdown(sheets: Iterable[Sheet], notes: Sequence[str]) -> str:
    """Sheets as Markdown tables, then notes."""
    blocks: list[str] = []
    for title, header, rows in sheets:
        lines = [header, ["---"] * len(header), *rows]
        blocks.append("\n".join([f"### {title}", "", *(f"| {' | '.join(map(_escaped, line))} |" for line in lines)]))
    blocks += ["\n".join(f"- {_escaped(note)}" for note in notes)] if notes else []
    return "\n\n".join(blocks)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


def board_data(board: Board) -> dict[str, Any]:
    """A board as plain data."""
    key = board.key
    head = {"task": key.task, "dataset": key.dataset, "protocol": key.protocol, "title": board.title}
    facts = {"metric": key.metric, "synthetic": board.synthetic, "classes": board.classes, "counts": board.counts}
    trivial = [{"name": t.name, "value": t.value, **_keyed(t.others)} for t in board.trivial]
    rows = [_row_data(placed) for placed in (*board.rows, *board.below)]
    return {**head, **facts, "rows": rows, "chance": trivial}


def _row_data(placed: Placed) -> dict[str, Any]:
    row, first = placed.row, placed.row.first
    return {
        "rank": placed.rank,
        "tied_with_best": placed.tied,
        "p_against_best": placed.p,
        "method": row.method,
        "recipe": row.recipe,
        "settings_that_differ": placed.variant,
        "value": row.value,
        "ci95": row.interval,
        "seeds": {run.seed: value for run, value in zip(row.runs, row.values, strict=False)},
        "sd": row.sd,
        "epoch_rule": first.rule,
        "oracle_gap": row.oracle_gap,
        "others": row.others,
        "parameters": row.parameters,
        "seconds": row.seconds,
        "devices": row.devices,
        "not_ranked": row.reasons,
        "notes": row.notes,
        "runs": [str(run.path) for run in row.runs],
    }


def table_data(table: Table) -> list[dict[str, Any]]:
    """The numbers of a table as plain data."""
    names = ("method", "year", "venue", "task", "dataset", "plugin", "protocol", "classes", "metric", "value")
    names = (*names, "standing", "leak_notes", "flag", "source")
    return [{name: getattr(cell, name) for name in names} for line in table.lines for cell in line.cells.values()]


def _keyed(others: Mapping[str, float]) -> dict[str, float]:
    return {name.lower(): value for name, value in others.items()}
