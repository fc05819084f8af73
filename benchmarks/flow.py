"""TV-L1 on one core: the fused sweep beside OpenCV's, in turn on the same rendered faces; and how far apart they are.

python benchmarks/flow.py [--rounds 3] [--pairs 16] [--json benchmarks/flow.json]

Alone it also tells how accurate both are; `run.py` takes the times.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from mezoo_flow.tvl1 import Settings, fast_solver, opencv_solver
from numpy.typing import NDArray
from table import Row, machine

from mezoo import synthetic

SIZES = ((128, 128), (140, 170), (256, 256))
NOISE = 1e-4
"""Grey levels: far below what a camera or a byte can tell."""
DRAWS = 2
"""Noises tried a pair: some tip OpenCV into another answer, the others do next to nothing."""

Field = NDArray[np.float32]
Solver = Callable[..., Field]


def rendered(height: int, width: int, seed: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8], Field]:
    """A resting face, its apex with a slightly moved head, and the true motion between them in px."""
    rng = np.random.default_rng(seed)
    head = np.zeros((3, 3), dtype=np.float32)
    head[1] = *rng.uniform(-1, 1, 2), rng.uniform(-0.004, 0.004)
    emotion = ("happiness", "surprise", "disgust")[seed % 3]
    aus = tuple((au, "") for au in synthetic.AUS_BY_EMOTION[emotion])
    movement = synthetic.Movement("micro", 0, 1, 2, aus[:2], emotion, float(rng.uniform(1, 4)))
    face = synthetic.make_face(seed)
    spec = synthetic.FilmSpec(height, width, 0.8 * min(height, width), noise=1.5, seed=seed)
    film = synthetic.Film(face, synthetic.Script(30.0, 3, (movement,), (), head, 1.0), spec)
    rest = synthetic.Film(face, synthetic.Script(30.0, 1, (), (), head[:1], 1.0), spec)
    return rest.frame(0), film.frame(1), film.motion(1)


def apart(flow: Field, other: Field) -> float:
    """Mean end-point error, px."""
    return float(np.hypot(*np.moveaxis(flow - other, 2, 0)).mean())


def milliseconds(solve: Solver, *pictures: NDArray[np.uint8]) -> float:
    """Processor time of one flow."""
    start = time.process_time()
    solve(*pictures)
    return 1000 * (time.process_time() - start)


def noisy(picture: NDArray[np.uint8], rng: np.random.Generator) -> Field:
    return ((picture + NOISE * rng.standard_normal(picture.shape)) / 255).astype(np.float32)


def measure(height: int, width: int, pairs: int, rounds: int) -> dict[str, Any]:
    """All figures of one size."""
    opencv, fast = opencv_solver(Settings()), fast_solver(Settings())
    rng = np.random.default_rng(0)
    rows: list[tuple[float, float]] = []
    errors: dict[str, list[float]] = {
        "fast to opencv": [],
        "opencv to itself under noise": [],
        "opencv to truth": [],
        "fast to truth": [],
    }
    for seed in range(pairs):
        first, second, motion = rendered(height, width, seed)
        ours, theirs = fast(first, second), opencv(first, second)
        moved = [opencv(noisy(first, rng), noisy(second, rng)) for _ in range(DRAWS)]
        errors["fast to opencv"].append(apart(ours, theirs))
        errors["opencv to itself under noise"].append(statistics.mean(apart(flow, theirs) for flow in moved))
        errors["opencv to truth"].append(apart(theirs, motion))
        errors["fast to truth"].append(apart(ours, motion))
        rows += [(milliseconds(opencv, first, second), milliseconds(fast, first, second)) for _ in range(rounds)]
    ratios = [a / b for a, b in rows]
    return {
        "times": rows,
        "opencv_ms": statistics.median(a for a, _ in rows),
        "fast_ms": statistics.median(b for _, b in rows),
        "ratio": {"median": statistics.median(ratios), "min": min(ratios), "max": max(ratios), "n": len(ratios)},
        "epe_px": {name: {"mean": statistics.mean(row), "pairs": row} for name, row in errors.items()},
    }


def rows(quick: bool) -> list[Row]:
    """Processor time of one flow of each size."""
    begin()
    made: list[Row] = []
    for height, width in SIZES[:2] if quick else SIZES:
        times = measure(height, width, 4 if quick else 12, 1)["times"]
        name = f"TV-L1 flow, {height} x {width}"
        made.append(Row(name, "OpenCV / fused sweep, one core", *zip(*times, strict=True), "ms CPU"))
    return made


def begin() -> None:
    """One thread; compile, or read what was compiled before."""
    cv2.setNumThreads(1)
    fast_solver(Settings())(*rendered(64, 64, 0)[:2])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pairs", type=int, default=16)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    begin()
    result: dict[str, Any] = {"machine": machine(), "noise_grey_levels": NOISE, "sizes": {}}
    print(f"{result['machine']}\nprocessor time on one core; px are mean end-point errors")
    print(f"{'size':<9}{'opencv ms':>10}{'fast ms':>9}{'ratio':>7}{'min':>6}{'max':>6}", end="")
    print(f"{'fast-opencv':>13}{'opencv+noise':>14}{'true: opencv':>14}{'fast':>8}")
    for height, width in SIZES:
        row = result["sizes"][f"{height}x{width}"] = measure(height, width, arguments.pairs, arguments.rounds)
        ratio, epe = row["ratio"], [part["mean"] for part in row["epe_px"].values()]
        print(f"{height}x{width:<5}{row['opencv_ms']:>10.0f}{row['fast_ms']:>9.1f}{ratio['median']:>7.1f}", end="")
        print(f"{ratio['min']:>6.1f}{ratio['max']:>6.1f}{epe[0]:>13.4f}{epe[1]:>14.4f}{epe[2]:>14.4f}{epe[3]:>8.4f}")
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
