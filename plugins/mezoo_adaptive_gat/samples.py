"""From examples to arrays: motion of regions, mirror images, scale, counts of classes. Pure functions."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mezoo import DataError, Example, Sample

Motion = NDArray[np.float32]
"""(rows of flow, nodes, 2): u to the right, v downwards."""
Pairs = Sequence[Sequence[int]]
"""Nodes that change places in a mirror image of the face."""


def motion_of(example: Example) -> Motion:
    """The features of a clip, (T, N, 2) float32."""
    return np.asarray(example.features.values, dtype=np.float32)


def mirrored(motion: Motion, pairs: Pairs) -> Motion:
    """What the mirror image of the face shows: paired nodes of (..., N, 2) change places, u changes its sign."""
    order = np.arange(motion.shape[-2])
    for a, b in pairs:
        order[[a, b]] = b, a
    return motion[..., order, :] * np.array([-1, 1], dtype=np.float32)


def scale(examples: Sequence[Example], pairs: Pairs | None) -> tuple[list[float], list[float]]:
    """Mean and deviation of u and v over clips and, with `pairs`, their mirror images (so u has mean 0)."""
    motion = np.concatenate([motion_of(e) for e in examples])
    if pairs is not None:
        motion = np.concatenate([motion, mirrored(motion, pairs)])
    mean, std = motion.mean((0, 1), dtype=np.float64), motion.std((0, 1), dtype=np.float64)
    return mean.tolist(), np.maximum(std, 1e-6).tolist()


def shape_of(examples: Sequence[Example], pairs: Pairs) -> tuple[int, int]:
    """(T, N) of all clips. Raises DataError for other features than motion of regions, and clips of other lengths."""
    shapes = sorted({example.features.values.shape for example in examples})
    polar = any(e.features.facts.get("components", ["x", "y"]) != ["x", "y"] for e in examples)
    if len(shapes) != 1 or len(shapes[0]) != 3 or shapes[0][-1] != 2 or not shapes[0][0] or polar:
        raise DataError(
            f"AdaptiveGAT needs (x, y) motion of the same regions in as many rows of every clip; it is {shapes}",
            hint="use `clips: {take: key_frames}` and `features: {use: roi_flow, flow: {use: tvl1}}`",
        )
    most = max((node for pair in pairs for node in pair), default=0)
    if most >= shapes[0][1]:
        raise DataError(
            f"the mirror image swaps node {most}, but the features have {shapes[0][1]} nodes",
            hint="give `mirror` the pairs of your regions, or [] with `flip: false`",
        )
    return shapes[0][:2]


def counts_of(examples: Sequence[Example], classes: int) -> list[int]:
    """Training clips of every class."""
    return np.bincount([e.label for e in examples if e.label is not None], minlength=classes).tolist()


def training_samples(examples: Sequence[Example], pairs: Pairs | None, rng: np.random.Generator) -> list[Sample]:
    """One sample a clip with target "label" () int64; with `pairs`, about half of them mirror images."""
    turn = rng.random(len(examples)) < (0.5 if pairs is not None else 0.0)
    made: list[Sample] = []
    for example, turned in zip(examples, turn, strict=True):
        motion = mirrored(motion_of(example), pairs or ()) if turned else motion_of(example)
        made.append(Sample(example.video.key, 0, {"motion": motion}, {"label": np.asarray(example.label, np.int64)}))
    return made


def asked_samples(examples: Sequence[Example], pairs: Pairs | None) -> list[Sample]:
    """One sample a clip without target; with `pairs` its mirror image as a second view, at start 1."""
    views = [(0, None)] if pairs is None else [(0, None), (1, pairs)]
    return [
        Sample(e.video.key, start, {"motion": motion_of(e) if swap is None else mirrored(motion_of(e), swap)})
        for e in examples
        for start, swap in views
    ]
