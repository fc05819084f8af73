"""Action units (AUs) as annotators write them: one grammar for the tables of all datasets. It never raises."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Literal

Flag = Literal["ref", "or", "keep", "unsure"]
"""`ref`: scored with doubt, "refer"; `or`: one of several alternatives; `keep`: held all along; `unsure`: a "?"."""

LARGEST = 85
"""Highest FACS code: 1-46 action units, 51-58 head, 61-69 eyes, 80 swallow, 85 nod."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One AU: FACS number; side "", "L", "R", "A" (asymmetric), "T", "B" (top, bottom), "L/A"; intensity "A", "B/C"."""

    number: int
    side: str = ""
    intensity: str = ""
    flags: frozenset[Flag] = frozenset()

    @property
    def certain(self) -> bool:
        """Neither scored with doubt, nor one of several alternatives, nor held from before."""
        return not self.flags & {"ref", "or", "keep"}


@dataclass(frozen=True, slots=True)
class ActionUnits:
    """The AUs of one cell in the order written, and the cell as it stands."""

    raw: str
    units: tuple[Unit, ...] = ()

    def __iter__(self) -> Iterator[Unit]:
        return iter(self.units)

    def __len__(self) -> int:
        return len(self.units)

    @property
    def numbers(self) -> frozenset[int]:
        """FACS numbers, however sure, sides and intensities left out."""
        return frozenset(u.number for u in self.units)

    @property
    def certain(self) -> frozenset[int]:
        """FACS numbers that are scored without doubt."""
        return frozenset(u.number for u in self.units if u.certain)


_SIDE = r"[LRATB](?:\s*/\s*[LRATB])*"
_UNIT = re.compile(
    rf"""(?<![A-Za-z\d])
    (?: \(\s*(?P<bracketed>{_SIDE})\s*\)\s*/?\s* | (?P<before>{_SIDE})\s*/?\s*(?=A?U?\s*[LRATB]?\s*\d) )?
    (?:AU\s*)?
    (?P<after>{_SIDE})?\s*/?\s*
    (?P<number>\d{{1,2}})(?!\d)
    (?: \s?\(\s*(?P<graded>[A-E](?:\s*/\s*[A-E])*)\s*\) | (?P<grade>[A-E](?:\s*/\s*[A-E](?!\d))*)(?![A-Za-z\d]) )?
    (?P<keep>\s?\(\s*k\s*\))?
    (?P<unsure>\s?\?)?""",
    re.VERBOSE | re.IGNORECASE,
)
_OR = re.compile(r"\s+or\s+|(?<=[\dA-E)?])\s*or\s*(?=\(|[LRATB]{0,2}\s*\d|AU)", re.IGNORECASE)
_REF = re.compile(r"\bref(?:er)?\s*\(", re.IGNORECASE)
_DOUBTED: frozenset[Flag] = frozenset({"ref"})
_CHOICE: frozenset[Flag] = frozenset({"or"})
_LONGEST = 1000
"""Letters of a cell that may hold AUs; a longer one is prose, and would take minutes to look through."""
_NOTHING = {"", "?", "null", "nan", "none", "/", "\\", "-"}


@lru_cache(maxsize=4096)
def parse(cell: str | int | float | None) -> ActionUnits:
    """AUs of a table cell: `R6A+ref(12)`, `14or23`, `(L/A)12(B/A)`, `AU4(k)+L7`, 12; prose gives none.

    Terms are joined by plus signs, commas (full-width too), semicolons; alternatives by `or` and slashes.
    """
    raw = "" if cell is None else f"{cell:.10g}" if isinstance(cell, float) else str(cell)
    text = unicodedata.normalize("NFKC", raw).replace("、", ",").strip()
    if text.casefold() in _NOTHING or len(text) > _LONGEST:
        return ActionUnits(raw)
    return ActionUnits(raw, tuple(unit for term in _terms(text) for unit in _term(term, frozenset())))


def _terms(text: str) -> list[str]:
    """Split at joining signs outside brackets; everywhere, where the brackets do not close."""
    if text.count("(") != text.count(")"):
        return re.split(r"[+,;&\n]", text)
    terms, depth = [""], 0
    for sign in text:
        depth += (sign == "(") - (sign == ")")
        if depth == 0 and sign in "+,;&\n":
            terms.append("")
        else:
            terms[-1] += sign
    return terms


def _term(term: str, flags: frozenset[Flag]) -> Iterator[Unit]:
    term = term.strip()
    doubted = _REF.search(term)
    if doubted:
        yield from _term(term[: doubted.start()], flags)
        inside, _, after = term[doubted.end() :].partition(")")
        for part in _terms(inside):
            yield from _term(part, flags | _DOUBTED)
        yield from _term(after, flags)
        return
    if term.startswith("(") and term.endswith(")") and len(_terms(term[1:-1])) > 1:
        for part in _terms(term[1:-1]):
            yield from _term(part, flags)
        return
    choices = _OR.split(term)
    if len(choices) > 1:
        for choice in choices:
            yield from _units(choice, flags | _CHOICE)
        return
    yield from _units(term, flags)


def _units(text: str, flags: frozenset[Flag]) -> Iterator[Unit]:
    found = [m for m in _UNIT.finditer(text) if 1 <= int(m["number"]) <= LARGEST]
    between = [text[a.end() : b.start()] for a, b in pairwise(found)]
    for i, match in enumerate(found):
        neighbours = between[max(0, i - 1) : i + 1]
        own: set[Flag] = set(flags)
        if any("/" in gap for gap in neighbours):
            own.add("or")
        if match["keep"]:
            own.add("keep")
        if match["unsure"]:
            own.add("unsure")
        side = "/".join(_plain(match[k]) for k in ("bracketed", "before", "after") if match[k])
        grade = _plain(match["graded"] or match["grade"] or "")
        yield Unit(int(match["number"]), side, grade, frozenset(own))


def _plain(letters: str) -> str:
    return re.sub(r"\s", "", letters).upper()
