"""Matching and suppression of many intervals: mezoo beside the plain Python loops, in turn, in one process.

`match`: predictions against a tenth as many truths of one film, one to one, IoU >= 1/2: predictions that lie around the
truths ("near"), and of no relation to them in a film five times shorter ("crowded"). `nms`: intervals of which
none is dropped ("keep all": each overlaps its neighbours by less than the threshold), or many. The loops compare every
pair and, for matching, look for augmenting paths. Both must give the same number of pairs and keep the same intervals.
Times are processor time on one core.
"""

import sys
from collections.abc import Sequence
from functools import partial

import numpy as np
from table import Row, cpu_pair

from mezoo.intervals import match, nms

Spans = list[tuple[int, int]]


def random_spans(rng: np.random.Generator, count: int, frames: int) -> np.ndarray:
    """(count, 2) inclusive frames, 10 to 69 long."""
    onsets = rng.integers(0, frames, count)
    return np.stack([onsets, onsets + rng.integers(9, 69, count)], 1)


def loop_match(predicted: Spans, truth: Spans) -> int:
    """Size of the largest one-to-one matching: every pair compared, then augmenting paths (Kuhn)."""
    near: list[list[int]] = [[] for _ in truth]
    for t, (onset, offset) in enumerate(truth):
        for p, (a, b) in enumerate(predicted):
            shared = min(b, offset) - max(a, onset) + 1
            if shared > 0 and 3 * shared >= (b - a + 1) + (offset - onset + 1):
                near[t].append(p)
    owner: dict[int, int] = {}

    def place(t: int, seen: set[int]) -> bool:
        for p in near[t]:
            if p not in seen:
                seen.add(p)
                if p not in owner or place(owner[p], seen):
                    owner[p] = t
                    return True
        return False

    return sum(place(t, set()) for t in range(len(truth)))


def loop_nms(spans: Spans, scores: list[float], threshold: float) -> list[int]:
    kept: list[int] = []
    for i in sorted(range(len(spans)), key=lambda i: -scores[i]):
        a, b = spans[i]
        for j in kept:
            c, d = spans[j]
            shared = min(b, d) - max(a, c) + 1
            if shared > 0 and shared / ((b - a + 1) + (d - c + 1) - shared) > threshold:
                break
        else:
            kept.append(i)
    return kept


def jobs(n: int) -> dict[str, tuple]:
    """Name -> loop, mezoo's, and what they give must be equal."""
    rng = np.random.default_rng(0)
    truth = random_spans(rng, n // 10, 10 * n)
    near = np.sort(truth[rng.integers(0, len(truth), n)] + rng.integers(-4, 5, (n, 2)), axis=1)
    short, many = random_spans(rng, n // 10, 2 * n), random_spans(rng, n, 2 * n)
    onsets = 10 * np.arange(n)
    apart, scores = np.stack([onsets, onsets + 24], 1), rng.random(n)
    wide = random_spans(rng, n, 10 * n)

    def matching(p: np.ndarray, t: np.ndarray) -> tuple:
        lists = [[tuple(row) for row in x.tolist()] for x in (p, t)]
        return lambda: loop_match(*lists), lambda: len(match(p, t))

    def suppressing(spans: np.ndarray) -> tuple:
        rows, values = [tuple(row) for row in spans.tolist()], scores.tolist()
        return lambda: loop_nms(rows, values, 0.5), lambda: nms(spans, scores, 0.5).tolist()

    pairs = {f"match near, {n:,}": (near, truth), f"match crowded, {n:,}": (many, short)}
    made = {name: matching(*pair) for name, pair in pairs.items()}
    return {**made, f"nms keep all, {n:,}": suppressing(apart), f"nms, {n:,}": suppressing(wide)}


def growth(quick: bool) -> list[Row]:
    """Twice as many predictions and truths, of twice as many frames: mezoo's time beside that for half of it."""
    rng = np.random.default_rng(1)
    sizes = (20_000, 40_000) if quick else (40_000, 80_000)
    truths = [random_spans(rng, n // 10, 10 * n) for n in sizes]
    spans = [random_spans(rng, n, 10 * n) for n in sizes]
    scores = [rng.random(n) for n in sizes]
    matching = [partial(match, p, t) for p, t in zip(spans, truths, strict=True)]
    suppressing = [partial(nms, p, c, 0.5) for p, c in zip(spans, scores, strict=True)]
    made: list[Row] = []
    for name, (half, whole) in {"match": matching, "nms": suppressing}.items():
        times = milliseconds(*cpu_pair(whole, half, 5)[:2])
        made.append(Row(f"{name}, growth", f"{sizes[1]:,} / {sizes[0]:,} intervals", *times, "ms CPU", "2"))
    return made


def rows(quick: bool) -> list[Row]:
    """Processor time of matching and suppression, and whether both find the same."""
    sys.setrecursionlimit(20_000)
    made: list[Row] = []
    for name, (loop, own) in jobs(3_000 if quick else 10_000).items():
        *times, found = cpu_pair(loop, own, 3)
        equal = found[0] == found[1]
        mark = "" if equal else "DIFFERENT"
        made.append(Row(name, "plain loops / mezoo", *milliseconds(*times), "ms CPU", mark, {"equal": equal}))
    return [*made, *growth(quick)]


def milliseconds(*sides: Sequence[float]) -> list[list[float]]:
    return [[1000 * seconds for seconds in side] for side in sides]
