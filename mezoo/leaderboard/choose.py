"""Which boards and tables are looked at."""

from collections.abc import Sequence
from dataclasses import dataclass

from mezoo.errors import RunError
from mezoo.leaderboard.boards import Board
from mezoo.leaderboard.published import Table


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for, "" for everything. Case and punctuation do not matter, a part of a name is enough."""

    task: str = ""
    dataset: str = ""
    protocol: str = ""

    def __bool__(self) -> bool:
        return bool(self.task or self.dataset or self.protocol)


Names = dict[str, tuple[str, ...]]


def chosen(wanted: Wanted, boards: Sequence[Board], tables: Sequence[Table]) -> tuple[list[Board], list[Table]]:
    """Boards and tables that meet every choice. Raises RunError, with what is known, where nothing does."""
    named = [*((b, _names_of_board(b)) for b in boards), *((t, _names_of_table(t)) for t in tables)]
    for what in ("task", "dataset", "protocol"):
        asked = str(getattr(wanted, what))
        if not asked:
            continue
        kept = [(item, names) for item, names in named if _matches(asked, names[what], exact=True)]
        if what == "protocol" or not kept:
            kept = [(item, names) for item, names in named if _matches(asked, names[what], exact=False)]
        if not kept:
            known = dict.fromkeys(names[what][0] for _, names in named)
            raise RunError(f"nothing on the leaderboard has the {what} {asked!r}", hint=f"known: {', '.join(known)}")
        named = kept
    return [b for b, _ in named if isinstance(b, Board)], [t for t, _ in named if isinstance(t, Table)]


def _names_of_board(board: Board) -> Names:
    key = board.key
    return {"task": (key.task,), "dataset": (key.dataset,), "protocol": (key.protocol, board.title)}


def _names_of_table(table: Table) -> Names:
    return {
        "task": (table.task,),
        "dataset": (table.plugin or table.dataset, table.dataset),
        "protocol": (table.protocol,),
    }


def _matches(asked: str, names: Sequence[str], *, exact: bool) -> bool:
    wanted = _plain(asked)
    return any(wanted == _plain(n) if exact else wanted in _plain(n) for n in names)


def _plain(text: str) -> str:
    return "".join(c for c in text.casefold() if c.isalnum())
