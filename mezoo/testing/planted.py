"""A signal that nobody can miss, laid over the features of clips: who does not learn it does not learn."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mezoo.records import Cut, Example, Expression, Features, Video

STRENGTH = 3.0
"""Deviations of the features that the pattern of a class moves them by, in the last row."""
_BLOCKS = 3
_DRAWS = 16


def planted(examples: Sequence[Example], classes: int, seed: int = 0) -> list[Example]:
    """Clips whose features also carry their label: a coarse pattern of the class that grows from row to row.

    The pattern has at most three blocks along each axis, so that it survives pooling; dtype and shape stay.
    """
    values = np.concatenate([np.asarray(e.features.values, dtype=np.float64).ravel() for e in examples])
    unit = float(values.std()) or 1.0
    shape = examples[0].features.values.shape[1:]
    patterns = _patterns(shape, classes, np.random.default_rng(seed))
    return [_with(e, patterns[e.label or 0] * unit * STRENGTH) for e in examples]


def _patterns(shape: tuple[int, ...], classes: int, rng: np.random.Generator) -> list[NDArray[np.float64]]:
    """One a class, as far apart as some draws are; of a row too small for that, multiples of one."""
    chosen = [_pattern(shape, rng)]
    while len(chosen) < classes:
        drawn = [_pattern(shape, rng) for _ in range(_DRAWS)]
        apart = [min(float(np.abs(d - c).mean()) for c in chosen) for d in drawn]
        best = int(np.argmax(apart))
        chosen.append(drawn[best] if apart[best] > 0 else chosen[0] * (1 + len(chosen)))
    return chosen


def _pattern(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float64]:
    """(...) of -1 and 1 in blocks."""
    coarse = rng.choice([-1.0, 1.0], size=[min(_BLOCKS, n) for n in shape])
    for axis, n in enumerate(shape):
        coarse = coarse.take(np.arange(n) * min(_BLOCKS, n) // n, axis=axis)
    return coarse


def _with(example: Example, pattern: NDArray[np.float64]) -> Example:
    given = np.asarray(example.features.values)
    grows = np.arange(1, len(given) + 1).reshape(-1, *[1] * pattern.ndim) / len(given)
    told = given + grows * pattern
    if given.dtype.kind in "iu":
        limits = np.iinfo(given.dtype)
        told = told.round().clip(limits.min, limits.max)
    return replace(example, features=replace(example.features, values=told.astype(given.dtype)))


class _NoFrames:
    """Frames that a model does not look at."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __len__(self) -> int:
        return self.count

    def read(self, index: int, *, grey: bool = False) -> NDArray[np.uint8]:
        raise AssertionError(f"frame {index} (grey: {grey}): a model works on features and never reads frames")

    def number(self, index: int) -> int:
        return index

    def files(self) -> tuple[()]:
        return ()


def noise_clips(
    shape: tuple[int, ...], classes: Sequence[str], subjects: int = 6, clips: int = 6, seed: int = 0
) -> list[Example]:
    """Labelled clips of made-up people whose features (rows, ...) are standard normal noise, float32.

    For a test of a model without any dataset: `ModelCase(make, noise_clips((1, 28, 28, 3), ("a", "b")))`.
    """
    rng = np.random.default_rng(seed)
    made: list[Example] = []
    for number in range(subjects * clips):
        label, rows = number % len(classes), shape[0]
        told = Expression("", "micro", 0, rows - 1, rows // 2, classes[label], "4")
        frames, cut = _NoFrames(rows), Cut(rows, tuple(range(rows)))
        subject = f"{number // clips:02d}"
        video = Video("noise", subject, f"c{number}", 30.0, frames, (told,), synthetic=True, cut=cut)
        values = rng.standard_normal(shape).astype(np.float32)
        features = Features(values, np.arange(rows, dtype=np.int64), rows, 30.0)
        made.append(Example(video, features, label))
    return made
