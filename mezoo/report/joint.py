"""From a loaded spot-then-recognise run to what its page shows."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from markupsafe import Markup

from mezoo.report.figures import figure
from mezoo.report.reading import Run
from mezoo.report.view import asked, frame, lanes_of, score, strips
from mezoo.svg import element, pct, text

TEMPLATE = "joint.html.j2"
PARTS = {"spotter": "the spotter's own report", "recognizer": "the recogniser's own report"}
"""Folders of the parts, each with a report of its own."""
LOOKS = {
    "right": ("cat-found", "found and named right"),
    "misnamed": ("cat-split", "found, named otherwise"),
    "without_class": ("cat-blink", "found, but of none of the classes"),
    "missed": ("cat-named-the-other-kind", "missed"),
    "wrongly_spotted": ("cat-elsewhere", "on no micro-expression"),
}
LEAST = 0.04
"""Share of a bar from which on a segment has its number written in it."""


def context(run: Run) -> dict[str, Any]:
    """Everything that the page names."""
    result = run.result
    counts = score(result, *reversed(asked(result)))
    lanes = lanes_of(run)
    return {
        **frame(run, "strs"),
        "counts": counts,
        "sides": sides(counts.get("split") or {}),
        "analysis": analysis(counts.get("analysis") or {}),
        "subjects": sorted(result.get("subjects") or [], key=lambda s: str(s.get("subject", ""))),
        "rule_of": asked(result)[1],
        "parts": PARTS,
        "strips": strips(run, lanes),
        "lanes": lanes,
        "looks": {name: (look.removeprefix("cat-"), words) for name, (look, words) in LOOKS.items()},
        "panels": [],
    }


def sides(split: Mapping[str, int]) -> list[dict[str, Any]]:
    """Expressions and spots, each as one bar of what became of them; [] without a split."""
    both = ("right", "misnamed", "without_class")
    asked_for = {"micro-expressions": (*both, "missed"), "spots": (*both, "wrongly_spotted")}
    found: list[dict[str, Any]] = []
    for name, keys in asked_for.items():
        counts = {key: int(split.get(key, 0)) for key in keys}
        total = sum(counts.values())
        if total:
            rows = [{"name": key, "n": n, "share": f"{100 * n / total:.0f} %"} for key, n in counts.items() if n]
            found.append({"head": f"{total} {name}", "svg": Markup(bar(counts, total)), "rows": rows})
    return found


def bar(counts: Mapping[str, int], total: int) -> str:
    """Counts as one bar, a segment for each, its number in it where there is room."""
    parts, left = list[str](), 0.0
    for name, n in counts.items():
        look, words = LOOKS[name]
        share = n / total
        if n:
            tip = element("title", escape(f"{words}: {n} of {total}"))
            parts.append(element("rect", tip, class_=f"cat {look}", x=pct(left), y="1", width=pct(share), height="26"))
        if share >= LEAST:
            parts.append(text(str(n), pct(left + share / 2), 18.5, text_anchor="middle", class_=f"on-{look}"))
        left += share
    spoken = ", ".join(f"{LOOKS[name][1]} {n}" for name, n in counts.items() if n)
    return figure("taxonomy", 28, spoken, "".join(parts))


def analysis(found: Mapping[str, Any]) -> dict[str, Any]:
    """Rows of the table of found expressions: true class against the class given; {} where none was found."""
    names, matrix = [str(e) for e in found.get("emotions") or []], found.get("confusion") or []
    if not found.get("n_pairs"):
        return {}
    heads = names if not any(row[-1] for row in matrix) else [*names, "another"]
    return {"heads": heads, "rows": [_row(names, i, matrix[i][: len(heads)]) for i in range(len(names))]}


def _row(names: Sequence[str], index: int, row: Sequence[int]) -> dict[str, Any]:
    total = sum(row)
    cells = [{"count": n, "share": n / total if total else 0.0, "right": i == index} for i, n in enumerate(row)]
    return {"name": names[index], "total": total, "cells": cells}
