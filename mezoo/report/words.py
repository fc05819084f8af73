"""Values as words: pure functions, shared by the page and its figures' labels."""

import re
from collections.abc import Mapping
from datetime import datetime
from math import isfinite
from typing import Any

TAG = re.compile(r"\[(?P<tag>[^\]]+)\][\s:,;]*")


def number(value: object) -> float | None:
    """A finite number, or None."""
    return float(value) if isinstance(value, int | float) and isfinite(value) else None


def show(value: object) -> str:
    """A value as a person would write it in a recipe."""
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "none"}[value]
    if isinstance(value, list | tuple):
        return ", ".join(show(v) for v in value)
    if isinstance(value, Mapping):
        return ", ".join(f"{k}: {show(v)}" for k, v in value.items())
    return f"{value:g}" if isinstance(value, float) else str(value) or "(empty)"


def plural(count: int, noun: str) -> str:
    """1 subject, 2 subjects."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def f3(value: object) -> str:
    """A ratio with three decimals, or a dash."""
    found = number(value)
    return "–" if found is None else f"{found:.3f}"


def grouped(value: object) -> str:
    """A count with its thousands apart; anything else as it stands."""
    return f"{value:,}".replace(",", "\N{NARROW NO-BREAK SPACE}") if isinstance(value, int) else str(value)


def duration(seconds: object) -> str:
    """Seconds in words: 31 s, 3 min 30 s, 2 h 5 min."""
    found = number(seconds)
    if found is None:
        return "–"
    whole = round(found)
    if whole < 60:
        return f"{found:.1f} s" if found < 10 else f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def day(stamp: object) -> str:
    """An ISO time as 21 November 2026, 10:00 UTC; anything else as it stands."""
    try:
        when = datetime.fromisoformat(str(stamp))
    except ValueError:
        return str(stamp or "")
    return f"{when.day} {when:%B %Y, %H:%M} {when.tzname() or ''}".strip()


def arguments(part: Mapping[str, Any]) -> list[dict[str, str]]:
    """Name, value and source of each argument; the tag in brackets, if any, is split from the rest of the source."""
    sources = part.get("sources") or {}
    rows: list[dict[str, str]] = []
    for name, value in (part.get("arguments") or {}).items():
        source = str(sources.get(name) or "")
        found = TAG.match(source)
        tag, rest = (found["tag"], source[found.end() :]) if found else ("", source)
        rows.append({"name": str(name), "value": show(value), "tag": tag, "source": rest})
    return rows


FILTERS: dict[str, Any] = {f.__name__: f for f in (f3, grouped, duration, day, plural, show)}
"""Formats that the template uses, by name."""
