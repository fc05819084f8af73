"""Bars of a board as inline SVG on one axis for all its rows; colours are classes of the page."""

from collections.abc import Sequence

from mezoo.leaderboard.boards import Board
from mezoo.leaderboard.rows import Row
from mezoo.svg import element, pct, text

CEILINGS = (0.05, 0.1, 0.2, 0.4, 0.6, 0.8)


def top_of(board: Board) -> float:
    """End of the axis: the first of a few round numbers that holds every value and interval."""
    rows = [placed.row for placed in (*board.rows, *board.below)]
    highs = [row.interval[1] for row in rows if row.interval] + [row.value for row in rows if row.value is not None]
    highest = max([*highs, *(t.value for t in board.trivial)], default=1.0)
    return next((c for c in CEILINGS if highest <= 0.97 * c), 1.0)


def axis(top: float) -> str:
    """The axis above the bars: 0, middle, end."""
    ends = ((0.0, "start"), (0.5, "middle"), (1.0, "end"))
    labels = [text(f"{share * top:g}", pct(share), 11, text_anchor=anchor) for share, anchor in ends]
    return _figure("axis", 14, "".join(labels))


def bar(row: Row, chance: Sequence[float], top: float) -> str:
    """95 % interval as a band, seeds as ticks, their mean as a dot; thin lines where chance is."""
    parts = _rails(chance, top)
    if row.interval:
        low, high = (min(v, top) / top for v in row.interval)
        parts.append(element("rect", class_="band", x=pct(low), y="6", width=pct(high - low), height="10", rx="5"))
    if len(row.values) > 1:
        ends = (pct(min(v, top) / top) for v in row.values)
        parts += [element("line", class_="seed", x1=x, x2=x, y1="5", y2="17") for x in ends]
    if row.value is not None:
        parts.append(element("circle", class_="dot", cx=pct(min(row.value, top) / top), cy="11", r="5"))
    return _figure("bar", 22, "".join(parts))


def chance_bar(value: float, chance: Sequence[float], top: float) -> str:
    """A hollow dot for a row of no method."""
    dot = element("circle", class_="dot hollow", cx=pct(min(value, top) / top), cy="11", r="4")
    return _figure("bar", 22, "".join([*_rails(chance, top), dot]))


def _rails(chance: Sequence[float], top: float) -> list[str]:
    rails = [element("line", class_="rail", x1="0", x2="100%", y1="11", y2="11")]
    return rails + [
        element("line", class_="luck", x1=pct(c / top), x2=pct(c / top), y1="1", y2="19") for c in chance if c <= top
    ]


def _figure(kind: str, height: int, body: str) -> str:
    return element("svg", body, class_=f"fig {kind}", width="100%", height=height, aria_hidden="true")
