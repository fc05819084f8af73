"""From runs to rows: the seeds of one recipe are one row, with their mean, spread and interval."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mezoo.leaderboard.reading import Run

RATIOS = {"recognition": "uf1", "spotting": "f1"}
"""Key of the headline in a part of the scores, by task."""
PARTS = {"micro": "ME F1", "macro": "MaE F1", "overall": "F1"}
"""Names of the parts of a spotting score."""
Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Row:
    """One recipe as measured, `runs` being its seeds. Ratios are means over seeds; times in seconds of a whole run.

    `part` and `metric` say which score stands in `value`; `interval` is 95 %, of subjects resampled. `oracle_gap`: what
    an epoch chosen on test data would add. `reasons` why it must not be ranked; none for an honest, whole result.
    """

    runs: tuple[Run, ...]
    method: str
    recipe: str
    part: str
    metric: str
    value: float | None
    values: tuple[float, ...]
    sd: float | None
    interval: Span | None
    oracle_gap: float | None
    others: Mapping[str, float]
    parameters: int | None
    seconds: float
    devices: tuple[str, ...]
    reasons: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def first(self) -> Run:
        """The run of the lowest seed, which has what all seeds share."""
        return self.runs[0]


def join_seeds(runs: Iterable[Run]) -> list[tuple[list[Run], int]]:
    """Runs that differ in nothing but the seed, ordered by it, and how many repeats of a seed were left out.

    Of several runs of one seed the newest counts. A run with a mark (partial, leak, control) is not joined with others.
    """
    groups: dict[str, list[Run]] = {}
    for run in runs:
        r = run.result
        same = [r.task, r.recipe, r.protocol.get("id"), r.protocol.get("digest"), r.data, r.model.get("parameters")]
        marks = [r.status, r.synthetic, r.control, r.leaks]
        groups.setdefault(json.dumps([same, marks, run.settings], sort_keys=True, default=str), []).append(run)
    joined: list[tuple[list[Run], int]] = []
    for group in groups.values():
        newest = {run.seed: run for run in sorted(group, key=lambda run: run.result.created)}
        joined.append(([newest[seed] for seed in sorted(newest)], len(group) - len(newest)))
    return joined


def row_of(runs: Sequence[Run], repeats: int = 0, part: str | None = None) -> Row:
    """The row of joined runs at the part of the headline, or another one, such as "micro"."""
    first, result = runs[0], runs[0].result
    part = part or str(result.headline["kind"])
    ratio = ratio_of(first)
    scores = [score(run, run.rule, part) for run in runs]
    scored = any(s.get("state") == "done" for s in result.subjects)
    values = tuple(float(s[ratio]) for s in scores if scored and ratio in s)
    gaps = [
        float(best[ratio]) - float(s[ratio])
        for run, s in zip(runs, scores, strict=True)
        if ratio in s and ratio in (best := score(run, "oracle", part))
    ]
    return Row(
        runs=tuple(runs),
        method=str(result.model.get("title") or result.model.get("name") or result.recipe),
        recipe=result.recipe,
        part=part,
        metric=PARTS.get(part, part) if result.task == "spotting" else str(result.headline["metric"]),
        value=mean(values),
        values=values,
        sd=_sd(values),
        interval=_interval(runs, scores, part) if values else None,
        oracle_gap=mean(gaps) if first.rule != "oracle" else None,
        others=_others(runs, part, ratio) if values else {},
        parameters=result.model.get("parameters"),
        seconds=mean([float(run.result.seconds) for run in runs]) or 0.0,
        devices=tuple(sorted({str(run.result.environment.get("device") or "?") for run in runs})),
        reasons=_reasons(first, bool(values)),
        notes=(f"{repeats} older of the same seed left out",) if repeats else (),
    )


def ratio_of(run: Run) -> str:
    """Key of the headline's ratio in a part of the scores."""
    known = RATIOS.get(run.result.task)
    if known:
        return known
    part, value = score(run, run.rule, str(run.result.headline["kind"])), run.result.headline["value"]
    return next((k for k, v in part.items() if isinstance(v, float) and v == value), "")


def score(run: Run, rule: str, part: str) -> Mapping[str, Any]:
    """One part of the scores under an epoch rule; {} where there is none."""
    return (run.result.scores.get(rule) or {}).get(part) or {}


def mean(values: Sequence[float]) -> float | None:
    """Mean, None without values."""
    return sum(values) / len(values) if values else None


def _sd(values: Sequence[float]) -> float | None:
    from mezoo.statistics import seed_summary

    return seed_summary(values)[1] if len(values) > 1 else None


def _interval(runs: Sequence[Run], scores: Sequence[Mapping[str, Any]], part: str) -> Span | None:
    if len(runs) > 1:
        from mezoo.leaderboard.compare import seed_interval

        return seed_interval(runs, part)
    ends = scores[0].get("ci95")
    return (float(ends[0]), float(ends[1])) if ends else None


def _others(runs: Sequence[Run], part: str, ratio: str) -> dict[str, float]:
    """Means over seeds of what stands beside the headline: UAR and accuracy, and the ratio of the other parts."""
    first = runs[0]
    spotting = first.result.task == "spotting"
    wanted = [] if spotting else [("UAR", part, "uar"), ("accuracy", part, "accuracy")]
    parts: Mapping[str, Any] = first.result.scores.get(first.rule) or {}
    asked = [*(first.result.model.get("kinds") or ()), "overall"] if spotting else [*parts]
    if spotting and len(asked) == 2:
        asked = []  # a model of one kind has no other score
    metric = "" if spotting else f"{first.result.headline['metric']} "
    wanted += [(PARTS.get(p, p) if spotting else f"{metric}{p}", p, ratio) for p in asked if p != part]
    found: dict[str, float] = {}
    for name, which, key in wanted:
        values = [float(s[key]) for run in runs if key in (s := score(run, run.rule, which))]
        if values:
            found[name] = sum(values) / len(values)
    return found


def _reasons(run: Run, scored: bool) -> tuple[str, ...]:
    result = run.result
    reasons = [f"control: {result.control}"] if result.control else []
    if run.rule == "oracle" and not result.leaks:
        reasons.append("leak: the epoch was chosen on test data")
    reasons += [f"leak: {leak}" for leak in result.leaks]
    if result.status != "complete":
        done = sum(s.get("state") == "done" for s in result.subjects)
        reasons.append(f"partial: {done} of {len(result.subjects)} folds")
    return tuple(reasons) if scored else (*reasons, "no score")
