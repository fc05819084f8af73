"""Boards: rows that may be compared, ranked, with those that cannot be told apart from the best and what is chance."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mezoo.leaderboard.reading import Run
from mezoo.leaderboard.rows import RATIOS, Row, join_seeds, row_of

TRIVIAL = {"majority": "always the largest class", "random": "any class, at random", "prior": "as often as they occur"}
UNITS = {"loso": "subject", "lodo": "dataset", "lovo": "video"}
TOLD_ELSEWHERE = {"protocol.labels", "protocol.epoch"}
MOST_VARIANTS = 4
"""More settings than this are not named one by one."""


@dataclass(frozen=True, slots=True)
class Key:
    """What rows must share to be compared; `stand_in` is the synthetic data they were measured on, "" for real data."""

    task: str
    dataset: str
    protocol: str
    digest: str
    metric: str
    stand_in: str


@dataclass(frozen=True, slots=True)
class Placed:
    """A row on its board. `rank` counts from 1, None below the line; `p` is against the best, Holm-adjusted.

    `tied`: cannot be told apart from the best, or is it. `variant`: settings that differ from other rows of the recipe.
    """

    row: Row
    rank: int | None = None
    p: float | None = None
    tied: bool = False
    variant: str = ""


@dataclass(frozen=True, slots=True)
class Trivial:
    """A row of no method: expected ratios of a fixed or random answer."""

    name: str
    value: float
    others: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Board:
    """Rows of one key, best first; `below` are never ranked. `counts`: dataset -> class or kind -> number of truths.

    `unit`: what a fold leaves out, and so what is resampled and compared: subject, dataset or video.
    """

    key: Key
    title: str
    unit: str
    counts: Mapping[str, Mapping[str, int]]
    classes: tuple[str, ...]
    rows: tuple[Placed, ...]
    trivial: tuple[Trivial, ...]
    below: tuple[Placed, ...]

    @property
    def synthetic(self) -> bool:
        """Whether this says nothing about real data."""
        return bool(self.key.stand_in)

    @property
    def compared(self) -> str:
        """What of a `unit` the test against the best looks at."""
        words = {"recognition": "number of clips named right", "spotting": "F1"}
        return words.get(self.key.task, "score")


def boards_of(runs: Iterable[Run]) -> list[Board]:
    """Boards of all runs: real data first, then by task, dataset, protocol and metric."""
    rows = [row_of(group, repeats) for group, repeats in join_seeds(runs)]
    grouped: dict[Key, list[Row]] = {}
    for row in rows:
        grouped.setdefault(key_of(row), []).append(row)
    for key, more in _seen_from_one_kind(rows, grouped):
        grouped[key].append(more)
    order = sorted(grouped, key=lambda k: (bool(k.stand_in), k.task, k.dataset, k.protocol, k.metric, k.stand_in))
    return [board_of(key, grouped[key]) for key in order]


def key_of(row: Row) -> Key:
    """What a row may be compared within."""
    result = row.first.result
    protocol = result.protocol
    name = str(protocol.get("id") or protocol.get("name") or "?")
    counts = json.dumps([counts_of(row.first), sorted(result.model.get("classes") or ())], sort_keys=True)
    stand_in = ""
    if result.synthetic:
        stand_in = json.dumps((row.first.settings.get("synthetic") or {}).get("data") or "a stand-in", sort_keys=True)
    digest = f"{protocol.get('digest', '')} {counts}"
    return Key(result.task, str(result.data.get("dataset", "?")), name, digest, row.metric, stand_in)


def counts_of(run: Run) -> dict[str, dict[str, int]]:
    """Truths that were scored: dataset -> class, or kind of expression -> number."""
    data: Mapping[str, Any] = run.result.data
    found = run.result.protocol.get("counts")
    if found:
        return {d: dict(parts) for d, parts in found.items()}
    kinds = {k: int(data[k]) for k in ("micro", "macro") if k in data}
    return {str(data.get("dataset", "?")): dict(data.get("classes") or kinds)}


def _seen_from_one_kind(rows: Sequence[Row], boards: Mapping[Key, object]) -> list[tuple[Key, Row]]:
    """A spotter of both kinds also stands where a spotter of one kind has opened a board, with that part of it."""
    found: list[tuple[Key, Row]] = []
    for row in rows:
        if row.first.result.task == "spotting" and row.part == "overall":
            seen = [row_of(row.runs, part=part) for part in ("micro", "macro")]
            found += [(key, part) for part in seen if (key := replace(key_of(row), metric=part.metric)) in boards]
    return found


def board_of(key: Key, rows: Sequence[Row]) -> Board:
    """Rank what may be ranked, test it against the best, and list the rest below."""
    variants = variants_of(rows)
    best_first = sorted(range(len(rows)), key=lambda i: -(rows[i].value or 0.0))
    honest = [i for i in best_first if not rows[i].reasons]
    placed = _placed([rows[i] for i in honest], [variants[i] for i in honest])
    below = [Placed(rows[i], variant=variants[i]) for i in best_first if rows[i].reasons]
    first = rows[0].first
    counts, classes = counts_of(first), tuple(first.result.model.get("classes") or ())
    title = str(first.result.protocol.get("title", ""))
    unit = UNITS.get(str(first.result.protocol.get("split")), "subject")
    return Board(key, title, unit, counts, classes, tuple(placed), _trivial(key, classes, counts), tuple(below))


def _placed(rows: Sequence[Row], variants: Sequence[str]) -> list[Placed]:
    if len(rows) < 2:
        return [Placed(row, 1, None, True, variant) for row, variant in zip(rows, variants, strict=True)]
    from mezoo.leaderboard.compare import ALPHA, against_best

    placed = [Placed(rows[0], 1, None, True, variants[0])]
    for row, p, variant in zip(rows[1:], against_best(rows), variants[1:], strict=True):
        rank = placed[-1].rank if row.value == placed[-1].row.value else len(placed) + 1
        placed.append(Placed(row, rank, p, p is not None and p >= ALPHA, variant))
    return placed


def _trivial(key: Key, classes: Sequence[str], counts: Mapping[str, Mapping[str, int]]) -> tuple[Trivial, ...]:
    """Majority and random rows of a recognition board, from the clips of each class."""
    clips = {name: sum(parts.get(name, 0) for parts in counts.values()) for name in classes}
    if key.task != "recognition" or not any(clips.values()):
        return ()
    from mezoo.statistics import majority_and_random

    ratio = RATIOS[key.task]
    return tuple(
        Trivial(TRIVIAL.get(name, name), found[ratio], {"UAR": found["uar"], "accuracy": found["accuracy"]})
        for name, found in majority_and_random(clips).items()
    )


def variants_of(rows: Sequence[Row]) -> list[str]:
    """For each row the settings that set it apart from most rows of the same recipe, as `model.lr=0.1`; or ""."""
    flat = [_flat(row.first.settings) for row in rows]
    found: list[str] = []
    for row, own in zip(rows, flat, strict=True):
        alike = [f for r, f in zip(rows, flat, strict=True) if r.recipe == row.recipe]
        told = [f"{k}={own[k]}" for k in sorted(own) if k not in TOLD_ELSEWHERE and _unusual(k, own, alike)]
        more = [f"and {len(told) - MOST_VARIANTS} more"] if len(told) > MOST_VARIANTS else []
        found.append(", ".join([*told[:MOST_VARIANTS], *more]))
    return found


def _unusual(key: str, own: Mapping[str, str], alike: Sequence[Mapping[str, str]]) -> bool:
    """Whether at most half of the rows have this value."""
    return 2 * sum(other.get(key) == own[key] for other in alike) <= len(alike)


def _flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in settings.items():
        name = f"{prefix}{key}"
        found |= _flat(value, f"{name}.") if isinstance(value, Mapping) else {name: str(value)}
    return found
