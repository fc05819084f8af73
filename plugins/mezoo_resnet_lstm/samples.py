"""From features to samples: rows of a clip, and statistics of the training clips."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mezoo import DataError, Example, Features, Sample, sampling

from .evm_flow import STEPS, STILL


def rows_of(features: Features, frames: int) -> NDArray[np.uint8]:
    """`frames` rows at equal steps, halves up, repeated where there are fewer: (frames, h, w, 3) uint8."""
    if len(features) == frames:
        return features.values
    return features.values[sampling.between(0, len(features) - 1, frames)]


def sample(example: Example, frames: int, *, target: bool) -> Sample:
    """Input "clip" (frames, h, w, 3) uint8; target "label" () int64 if asked for."""
    targets = {"label": np.asarray(example.label)} if target else {}
    return Sample(example.video.key, 0, {"clip": rows_of(example.features, frames)}, targets)


def shape_of(examples: Sequence[Example]) -> list[int]:
    """Height and width of the rows of all examples. Raises DataError where they are not (rows, h, w, 3) uint8."""
    shapes = {(e.features.values.shape[1:], str(e.features.values.dtype)) for e in examples}
    shape, dtype = min(shapes, default=((), ""))
    if len(shapes) != 1 or dtype != "uint8" or len(shape) != 3 or shape[2] != 3 or min(shape[:2]) < 32:
        given = ", ".join(f"{dtype} (rows, {', '.join(map(str, shape))})" for shape, dtype in sorted(shapes))
        raise DataError(
            f"ResNet34LSTM needs grey, u and v in pictures of one size, at least 32 x 32; the features are {given}",
            hint="use `features: {use: evm_flow, ...}` as in recipes/resnet34_lstm_casme2.yaml",
        )
    return [int(side) for side in shape[:2]]


def statistics(examples: Sequence[Example]) -> dict[str, float]:
    """Mean and deviation (at least 1) of the grey levels, and the root mean square of motion in shares of the bound.

    The last is at least a thousandth. Each clip counts alike, however many rows it has.
    """
    sums = np.zeros(3)
    for example in examples:
        grey = example.features.values[..., 0]
        roots = (example.features.values[..., 1:].astype(np.float32) - STILL) / STEPS
        sums += (grey.mean(dtype=np.float64), np.square(grey, dtype=np.float32).mean(), (roots**4).mean())
    mean, square, motion = (sums / len(examples)).tolist()
    return {
        "mean": mean,
        "deviation": max(1.0, float(max(0.0, square - mean**2) ** 0.5)),
        "motion": max(1e-3, float(motion**0.5)),
    }
