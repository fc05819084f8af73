"""The misses and false alarms of a run: bars, tables, and for each word an event to look at."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from markupsafe import Markup

from mezoo.report.figures import figure
from mezoo.report.misses import FOUND, SPOT, TRUTH, counted, sort, unknown
from mezoo.report.reading import Event, Film
from mezoo.report.timeline import WORDS, name_of
from mezoo.report.words import plural
from mezoo.svg import element, pct, text

SIDES = {"t": TRUTH, "s": SPOT}
LEAST = 0.045
"""Share of a bar from which on a segment has its number written in it."""
BRIEF = {"blink": "blinks (AU 45)", "head motion": "movements of the head (AU 51 to 58)"}


@dataclass(frozen=True, slots=True)
class Side:
    """One side of one kind over all films: `t` truth or `s` spots; count and first example (film, index) of words."""

    side: str
    kind: str
    counts: dict[str, int]
    first: dict[str, tuple[Film, int, Event]]

    @property
    def total(self) -> int:
        """All events."""
        return sum(self.counts.values())


def sides(films: Sequence[Film], kinds: Sequence[str]) -> list[Side]:
    """Truth and spots of each kind that the model looks for, those of films whose fold has ended."""
    return [_side(films, kind, side) for kind in kinds for side in SIDES]


def _side(films: Sequence[Film], kind: str, side: str) -> Side:
    first: dict[str, tuple[Film, int, Event]] = {}
    pairs: list[tuple[Event, str]] = []
    for film in films:
        found = sort(film.truth, film.spots, kind)
        own = found.truth if side == "t" else found.spots
        for index, (event, word) in enumerate(own):
            first.setdefault(word, (film, index, event))
        pairs += own
    return Side(side, kind, counted(pairs, SIDES[side]), first)


def context(films: Sequence[Film], kinds: Sequence[str]) -> dict[str, Any]:
    """What the page shows; {} where there is neither truth nor a spot."""
    drawn = [s for s in sides(films, kinds) if s.total]
    missing = unknown(e for f in films for e in f.truth)
    shown = [_shown(s, missing) for s in drawn]
    return {"sides": shown, "unknown": " and ".join(BRIEF[word] for word in missing)} if drawn else {}


def _shown(side: Side, missing: Sequence[str]) -> dict[str, Any]:
    return {
        "head": headline(side),
        "side": "in truth" if side.side == "t" else "spotted",
        "svg": Markup(bar(side)),
        "rows": [_row(side, word) for word, n in side.counts.items() if n],
        "none": ", ".join(called(w, side.side) for w, n in side.counts.items() if not n and w not in missing),
    }


def headline(side: Side) -> str:
    """96 micro-expressions, 68 spots of micro-expressions."""
    name = WORDS[side.kind][1]
    return plural(side.total, name) if side.side == "t" else f"{plural(side.total, 'spot')} of {name}s"


def _row(side: Side, word: str) -> dict[str, Any]:
    film, index, event = side.first[word]
    when = f"{event.onset / film.fps:.2f} s" if film.fps else f"frame {event.onset}"
    return {
        "word": called(word, side.side),
        "look": look(word),
        "means": SIDES[side.side][word],
        "n": side.counts[word],
        "share": f"{100 * side.counts[word] / side.total:.0f} %",
        "link": f"#{name_of(film, side.side, side.kind, index)}",
        "example": f"{film.key[2]}, {when}",
    }


def called(word: str, side: str) -> str:
    """The word of a row; a spot that was matched is a hit."""
    return "hit" if word == FOUND and side == "s" else word


def look(word: str) -> str:
    """The class of a word: cat-too-long; what nothing explains looks alike on both sides."""
    return f"cat-{'elsewhere' if word == 'not seen' else word.replace(' ', '-')}"


def legend(sides: Sequence[Side]) -> str:
    """The words that occur and their colours, four a line."""
    shown = {w for side in sides for w, n in side.counts.items() if n}
    labels: dict[str, list[str]] = {}
    for word in (w for w in {**TRUTH, **SPOT} if w in shown):
        labels.setdefault(look(word), []).append("found, hit" if word == FOUND else word)
    parts = list[str]()
    for i, (kind, words) in enumerate(labels.items()):
        x, y = pct((i % 4) / 4), 4 + 20 * (i // 4)
        parts.append(element("rect", class_=f"cat {kind}", x=x, y=y, width="12", height="12"))
        parts.append(text(", ".join(words), x, y + 10, dx="18"))
    return figure("legend", 8 + 20 * -(-len(labels) // 4), "what the colours mean", "".join(parts))


def bar(side: Side) -> str:
    """All events of a side as one bar, a segment for each word, its number in it where there is room."""
    parts, left = list[str](), 0.0
    for word, n in side.counts.items():
        share = n / side.total
        if n:
            tip = element("title", escape(f"{called(word, side.side)}: {n} of {side.total}"))
            box = {"x": pct(left), "y": "1", "width": pct(share), "height": "26"}
            parts.append(element("rect", tip, class_=f"cat {look(word)}", **box))
        if share >= LEAST:
            parts.append(text(str(n), pct(left + share / 2), 18.5, text_anchor="middle", class_=f"on-{look(word)}"))
        left += share
    spoken = ", ".join(f"{called(w, side.side)} {n}" for w, n in side.counts.items() if n)
    return figure("taxonomy", 28, spoken, "".join(parts))
