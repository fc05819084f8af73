"""Flow of a face reduced to two numbers a region: array by array beside vector by vector, in turn, in one process.

python benchmarks/regions.py [--rounds 9] [--frames 64] [--json FILE]

`auwgcn12`: head motion from the nose, 12 patches of 11 x 11 px, 4 bins, the longest 60 %, 8-bit flow of 200 x 200 px.
`mdmo36`: 36 polygons, 8 bins, polar, on float flow of 400 x 400 px; where the polygons lie is the same code for both.
The loop keeps vectors in Python lists, bin by bin, as published code does. Both must give the same numbers.
"""

import argparse
import json
import math
import platform
import statistics
import time
from pathlib import Path

import cv2
import numpy as np
from mezoo_face import detector, mdmo
from mezoo_face.regions import AUWGCN12, NoseBox, mdmo36, place

PATCHES = (18, 19, 20, 23, 24, 25, 28, 30, 48, 51, 54, 57)


def smooth_flow(frames: int, side: int, size: float) -> np.ndarray:
    """Random, smooth motion: (frames, side, side, 2) float32 px."""
    rng = np.random.default_rng(0)
    fields = [cv2.GaussianBlur(rng.normal(size=(side, side, 2)), (0, 0), side / 25) for _ in range(frames)]
    return np.stack([size * field / field.std() for field in fields]).astype(np.float32)


def face(frames: int, side: int) -> np.ndarray:
    """Landmarks (frames, 68, 2) of a face of nearly half the picture that wanders a little."""
    shape = detector.approximate_landmarks(np.array([0.25, 0.22, 0.72, 0.69]) * side)
    return np.rint(shape + np.random.default_rng(1).normal(size=(frames, 1, 2)) * side / 60)


def loop_bins(vectors: np.ndarray, edges: tuple[float, ...]) -> list[list[float]]:
    """The vectors of the fullest bin, one after the other."""
    angles = cv2.cartToPolar(vectors[:, 0].copy(), vectors[:, 1].copy())[1].ravel()
    bins: list[list[list[float]]] = [[] for _ in edges]
    limits = [float(np.float32(edge)) for edge in edges]
    for vector, angle in zip(vectors.tolist(), angles.tolist(), strict=True):
        for b in range(len(limits) - 1):
            if limits[b] <= angle < limits[b + 1]:
                bins[b].append(vector)
                break
        else:
            bins[-1].append(vector)
    return max(bins, key=len)


def loop_main(vectors: np.ndarray, rule: mdmo.Rule) -> np.ndarray:
    main = np.array(loop_bins(vectors, rule.edges), dtype=np.float32)
    order = np.argsort(np.linalg.norm(main, axis=-1), kind="stable")
    kept = main[order][len(main) - int(rule.share * len(main)) :]
    total = kept.sum(0)
    return total / (np.linalg.norm(total) + 1e-6) * np.linalg.norm(kept, axis=1).mean()


def loop_auwgcn(flow: np.ndarray, points: np.ndarray) -> np.ndarray:
    made = np.zeros((len(flow), 12, 2), dtype=np.float32)
    for i, (field, frame) in enumerate(zip(flow, points.astype(int), strict=True)):
        grow = int((frame[42, 0] - frame[39, 0]) / 2 * 0.35)
        (left, top), (right, bottom) = frame[29:31].min(0) - grow, frame[29:31].max(0) + grow
        head = loop_main(field[top : bottom + 1, left : right + 1].reshape(-1, 2), mdmo.HEAD).astype(np.float32)
        for node, (x, y) in enumerate(frame[list(PATCHES)]):
            patch = field[y - 5 : y + 6, x - 5 : x + 6].reshape(-1, 2)
            made[i, node] = loop_main(patch - head, mdmo.REGION)
    return made


def auwgcn(flow: np.ndarray, points: np.ndarray) -> np.ndarray:
    shape = flow.shape[1:3]
    head = mdmo.main_direction(place([NoseBox()], points, shape).cut(flow), mdmo.HEAD)[:, 0]
    return mdmo.main_direction(place(AUWGCN12, points, shape).cut(flow).minus(head))


def loop_mdmo(flow: np.ndarray, points: np.ndarray) -> np.ndarray:
    cut = place(mdmo36(), points, flow.shape[1:3]).cut(flow)
    made = np.zeros((len(flow) * 36, 2), dtype=np.float32)
    bins: list[list[list[list[float]]]] = [[[] for _ in range(8)] for _ in made]
    for owner, (x, y) in zip(cut.owners.tolist(), cut.vectors.tolist(), strict=True):
        bins[owner][int(math.atan2(y, x) % (2 * math.pi) / (math.pi / 4)) % 8].append([x, y])
    for owner, vectors in enumerate(bins):
        main = max(vectors, key=len)
        x, y = (sum(v[c] for v in main) / max(1, len(main)) for c in (0, 1))
        made[owner] = math.hypot(x, y), math.atan2(y, x) % (2 * math.pi)
    return made.reshape(len(flow), 36, 2)


def arrays_mdmo(flow: np.ndarray, points: np.ndarray) -> np.ndarray:
    return mdmo.polar(place(mdmo36(), points, flow.shape[1:3]).cut(flow))


def measure(pair: tuple, flow: np.ndarray, points: np.ndarray, rounds: int) -> dict[str, object]:
    """Milliseconds a frame of both, one after the other, round by round; the first round is not counted."""
    times: tuple[list[float], list[float]] = ([], [])
    made = [np.zeros(0), np.zeros(0)]
    for _ in range(rounds + 1):
        for which in (0, 1):
            start = time.perf_counter()
            made[which] = pair[which](flow, points)
            times[which].append((time.perf_counter() - start) / len(flow) * 1e3)
    loop, arrays = (column[1:] for column in times)
    ratios = [a / b for a, b in zip(loop, arrays, strict=True)]
    return {
        "loop_ms": loop,
        "arrays_ms": arrays,
        "ratio": statistics.median(ratios),
        "ratio_spread": [min(ratios), max(ratios)],
        "largest_difference": float(np.abs(made[0] - made[1]).max()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--frames", type=int, default=64)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    n = arguments.frames
    jobs = {
        "auwgcn12": ((loop_auwgcn, auwgcn), mdmo.official_units(smooth_flow(n, 200, 1.5)), face(n, 200)),
        "mdmo36": ((loop_mdmo, arrays_mdmo), smooth_flow(n // 4, 400, 1.5), face(n // 4, 400)),
    }
    results: dict[str, dict[str, object]] = {}
    print(f"{'regions':<10}{'loop ms/frame':>15}{'arrays':>9}{'ratio':>8}{'min':>7}{'max':>7}{'difference':>13}")
    for name, (pair, flow, points) in jobs.items():
        results[name] = row = measure(pair, flow, points, arguments.rounds)
        low, high = row["ratio_spread"]
        loop, arrays = (statistics.median(row[key]) for key in ("loop_ms", "arrays_ms"))
        print(f"{name:<10}{loop:>15.2f}{arrays:>9.2f}{row['ratio']:>8.1f}{low:>7.1f}{high:>7.1f}", end="")
        print(f"{row['largest_difference']:>13.1e}", flush=True)
    if arguments.json:
        about = {"machine": platform.platform(), "python": platform.python_version(), "numpy": np.__version__}
        arguments.json.write_text(json.dumps({**about, "opencv": cv2.__version__, "results": results}, indent=1) + "\n")


if __name__ == "__main__":
    main()
