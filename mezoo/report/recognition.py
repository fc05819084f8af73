"""From a loaded recognition run to what its page shows."""

from collections.abc import Mapping
from itertools import groupby
from typing import Any

from markupsafe import Markup

from mezoo.report.figures import chances
from mezoo.report.reading import Answer, Run
from mezoo.report.view import asked, frame, panels, score, subject_rows

TEMPLATE = "recognition.html.j2"
HELD_OUT = ("overall_accuracy",)
"""Held-out ratios that may be drawn by epoch."""
OPEN_CLIPS = 40
"""Clips that are open at first."""


def context(run: Run) -> dict[str, Any]:
    """Everything that the page of a recognition run names."""
    result = run.result
    page = frame(run, "uf1")
    counts = score(result, *reversed(asked(result)))
    page["head"] |= {"right": counts.get("correct"), "clips": counts.get("n")}
    return {
        **page,
        "confusion": confusion(result),
        "scores": score_rows(result),
        "subjects": subject_rows(result, "accuracy"),
        "groups": groups(run),
        "panels": panels(run, HELD_OUT),
    }


def confusion(result: Mapping[str, Any]) -> dict[str, Any]:
    """Rows of the confusion matrix with the ratios of their class; {} without one."""
    classes = [str(c) for c in (result.get("model") or {}).get("classes") or []]
    counts = score(result, *reversed(asked(result)))
    matrix, by_class = counts.get("confusion") or [], counts.get("by_class") or {}
    rows: list[dict[str, Any]] = []
    for index, (name, row) in enumerate(zip(classes, matrix, strict=False)):
        total = sum(row)
        cells = [
            {"name": other, "count": n, "share": n / total if total else 0.0, "right": i == index}
            | {"percent": f"{100 * n / total:.0f} %" if total else "–"}
            for i, (other, n) in enumerate(zip(classes, row, strict=False))
        ]
        rows.append({"name": name, "total": total, "cells": cells, **{k: v[index] for k, v in by_class.items()}})
    return {"classes": classes, "rows": rows} if counts.get("n") else {}


def score_rows(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows of the score table: all clips, then those of each dataset."""
    parts = ((result.get("scores") or {}).get(asked(result)[1]) or {}).items()
    return [{"name": "all" if part == "overall" else part, **counts} for part, counts in parts]


def groups(run: Run) -> list[dict[str, Any]]:
    """Clips by subject; groups are open until `OPEN_CLIPS` clips are shown."""
    several = len({a.key[0] for a in run.answers}) > 1
    found, shown = list[dict[str, Any]](), 0
    for (dataset, subject), answers in groupby(run.answers, key=lambda a: a.key[:2]):
        clips = [_clip(a) for a in answers]
        name = f"{dataset}, subject {subject}" if several else f"Subject {subject}"
        right = sum(clip["right"] for clip in clips)
        found.append({"name": name, "clips": clips, "right": right, "open": not found or shown < OPEN_CLIPS})
        shown += len(clips)
    return found


def _clip(answer: Answer) -> dict[str, Any]:
    names = [*answer.chances]
    truth = names.index(answer.truth) if answer.truth in names else -1
    bar = Markup(chances([*answer.chances.values()], truth))
    right = answer.truth == answer.answer
    return {"code": answer.key[2], "truth": answer.truth, "answer": answer.answer, "right": right, "bar": bar}
