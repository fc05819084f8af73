"""Flow of a face reduced to two numbers a region: array by array beside vector by vector, in turn, in one process.

`auwgcn12`: head motion from the nose, 12 patches of 11 x 11 px, 4 bins, the longest 60 %, 8-bit flow of 200 x 200 px.
`mdmo36`: 36 polygons, 8 bins, polar, on float flow of 400 x 400 px; where the polygons lie is the same code for both.
The loop keeps vectors in Python lists, bin by bin, as published code does. Both must give the same numbers.
"""

import math
from functools import partial

import cv2
import numpy as np
from mezoo_face import detector, mdmo
from mezoo_face.regions import AUWGCN12, NoseBox, mdmo36, place
from table import Row, cpu_pair

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


def rows(quick: bool) -> list[Row]:
    """Processor time of all frames, and how far the results are apart."""
    cv2.setNumThreads(1)
    n, rounds = (24, 3) if quick else (64, 9)
    jobs = {
        "12 regions of AUW-GCN": ((loop_auwgcn, auwgcn), mdmo.official_units(smooth_flow(n, 200, 1.5)), face(n, 200)),
        "36 regions of MDMO": ((loop_mdmo, arrays_mdmo), smooth_flow(n // 4, 400, 1.5), face(n // 4, 400)),
    }
    made: list[Row] = []
    for name, ((loop, arrays), flow, points) in jobs.items():
        first, second, made_by = cpu_pair(partial(loop, flow, points), partial(arrays, flow, points), rounds)
        apart = float(np.abs(made_by[0] - made_by[1]).max())
        frames = [[1000 * seconds / len(flow) for seconds in side] for side in (first, second)]
        facts = {"largest_difference": apart, "frames": len(flow)}
        made.append(Row(name, "loop over vectors / arrays, a frame", *frames, "ms CPU", facts=facts))
    return made
