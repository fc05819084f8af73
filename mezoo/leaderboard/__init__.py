"""The leaderboard: measured runs ranked where they may be compared, and published numbers beside them, apart.

What is not measured honestly (a control, a leak, an epoch chosen on test data, a part of the folds) is never ranked.
"""

from collections.abc import Sequence

from mezoo.leaderboard.boards import Board, boards_of
from mezoo.leaderboard.choose import Wanted, chosen
from mezoo.leaderboard.published import Table, read_published, tables_of
from mezoo.leaderboard.reading import find_runs

__all__ = ["Board", "Table", "Wanted", "leaderboard"]


def leaderboard(runs: Sequence[str], wanted: Wanted) -> tuple[list[Board], list[Table], list[str]]:
    """Boards of measured rows, tables of published ones, and notes on what could not be read.

    `runs`: run folders or folders of them; none means ./runs. Raises RunError for a folder that does not exist, and
    for a choice that nothing meets.
    """
    found, notes = find_runs(runs)
    boards, tables = chosen(wanted, boards_of(found), tables_of(read_published()))
    return boards, tables, notes
