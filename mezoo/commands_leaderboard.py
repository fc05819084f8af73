"""What `mezoo leaderboard` does. Imports stand inside, so that a command pays only for what it does."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mezoo.tables_out import print_json

if TYPE_CHECKING:
    from mezoo.leaderboard import Board, Table, Wanted

Arguments = argparse.Namespace


def leaderboard(arguments: Arguments) -> int:
    """Measured rows by board and published ones apart: on the terminal, as Markdown, JSON or a page."""
    from mezoo.leaderboard import Wanted
    from mezoo.leaderboard import leaderboard as make

    wanted = Wanted(arguments.task or "", arguments.dataset or "", arguments.protocol or "")
    boards, tables, notes = make(arguments.runs, wanted)
    if arguments.html:
        from mezoo.leaderboard.page import write_page

        page = write_page(Path(arguments.html), boards, tables, notes)
        if not (arguments.json or arguments.md):
            print(page)
    if arguments.json:
        from mezoo.leaderboard.text import board_data, table_data

        published = [row for table in tables for row in table_data(table)]
        print_json({"boards": [board_data(b) for b in boards], "published": published, "notes": notes})
    elif arguments.md:
        from mezoo.leaderboard.text import board_sheet, markdown, table_sheet

        print(markdown([*map(board_sheet, boards), *map(table_sheet, tables)], notes))
    elif not arguments.html:
        _print(boards, tables, notes, wanted)
    return 0


def _print(boards: "list[Board]", tables: "list[Table]", notes: list[str], wanted: "Wanted") -> None:
    from mezoo.leaderboard.text import board_sheet, table_sheet
    from mezoo.tables_out import print_table

    for board in boards:
        print_table(*board_sheet(board, brief=sys.stdout.isatty()))
        print()
    for note in notes:
        print(f"note: {note}")
    if not boards:
        print("nothing measured is shown; the published numbers below were not measured by mezoo\n")
    measured = {(board.key.task, name) for board in boards for name in (board.key.dataset, board.key.protocol)}
    shown = [t for t in tables if wanted or not boards or (t.task, t.plugin) in measured]
    for table in shown:
        print_table(*table_sheet(table))
        print()
    if len(shown) < len(tables):
        print(
            f"{len(tables) - len(shown)} tables of published numbers not shown: choose with --dataset, --task or --md"
        )
