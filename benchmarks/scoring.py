"""Matching and suppression of many intervals: mezoo beside the plain Python loops, in turn, in one process.

python benchmarks/scoring.py [--rounds 3] [--json FILE]

`match`: 10,000 predictions against 1,000 truths of one film, one to one, IoU >= 1/2: predictions that lie around the
truths ("near"), and of no relation to them in a film five times shorter ("crowded"). `nms`: 10,000 intervals of which
none is dropped ("keep all": each overlaps its neighbours by less than the threshold), or many. The loops compare every
pair and, for matching, look for augmenting paths. Both must give the same number of pairs and keep the same intervals.
Times are processor time on one core.
"""

import argparse
import json
import platform
import statistics
import sys
import time
from pathlib import Path

import numpy as np

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


def jobs() -> dict[str, tuple]:
    """Name -> loop, mezoo's, and what they give must be equal."""
    rng = np.random.default_rng(0)
    truth = random_spans(rng, 1000, 100_000)
    near = np.sort(truth[rng.integers(0, 1000, 10_000)] + rng.integers(-4, 5, (10_000, 2)), axis=1)
    short, many = random_spans(rng, 1000, 20_000), random_spans(rng, 10_000, 20_000)
    onsets = 10 * np.arange(10_000)
    apart, scores = np.stack([onsets, onsets + 24], 1), rng.random(10_000)
    wide = random_spans(rng, 10_000, 100_000)

    def matching(p: np.ndarray, t: np.ndarray) -> tuple:
        lists = [[tuple(row) for row in x.tolist()] for x in (p, t)]
        return lambda: loop_match(*lists), lambda: len(match(p, t))

    def suppressing(spans: np.ndarray) -> tuple:
        rows, values = [tuple(row) for row in spans.tolist()], scores.tolist()
        return lambda: loop_nms(rows, values, 0.5), lambda: nms(spans, scores, 0.5).tolist()

    pairs = {"match near": (near, truth), "match crowded": (many, short)}
    made = {name: matching(*pair) for name, pair in pairs.items()}
    return {**made, "nms keep all": suppressing(apart), "nms": suppressing(wide)}


def measure(pair: tuple, rounds: int) -> dict[str, object]:
    """Milliseconds of both, one after the other, round by round; mezoo's own first call is not counted."""
    times: tuple[list[float], list[float]] = ([], [])
    found: list[object] = [None, pair[1]()]
    for _ in range(rounds):
        for which in (0, 1):
            start = time.process_time()
            found[which] = pair[which]()
            times[which].append((time.process_time() - start) * 1e3)
    ratios = [a / b for a, b in zip(*times, strict=True)]
    size = found[1] if isinstance(found[1], int) else len(found[1])
    return {
        "loop_ms": times[0],
        "mezoo_ms": times[1],
        "ratio": statistics.median(ratios),
        "ratio_spread": [min(ratios), max(ratios)],
        "found": size,
        "equal": found[0] == found[1],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    sys.setrecursionlimit(20_000)
    results: dict[str, dict[str, object]] = {}
    print(f"{'job':<14}{'loop ms':>9}{'mezoo ms':>10}{'min':>7}{'max':>7}{'ratio':>8}{'min':>7}{'max':>7}{'found':>7}")
    for name, pair in jobs().items():
        results[name] = row = measure(pair, arguments.rounds)
        loop, own = (statistics.median(row[key]) for key in ("loop_ms", "mezoo_ms"))
        spread = (min(row["mezoo_ms"]), max(row["mezoo_ms"]))
        low, high = row["ratio_spread"]
        print(f"{name:<14}{loop:>9.0f}{own:>10.1f}{spread[0]:>7.1f}{spread[1]:>7.1f}{row['ratio']:>8.0f}", end="")
        print(f"{low:>7.0f}{high:>7.0f}{row['found']:>7}{'' if row['equal'] else '  DIFFERENT'}", flush=True)
    if arguments.json:
        about = {"machine": platform.platform(), "python": platform.python_version(), "numpy": np.__version__}
        arguments.json.write_text(json.dumps({**about, "results": results}, indent=1) + "\n")


if __name__ == "__main__":
    main()
