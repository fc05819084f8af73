"""Samples cut from crops, (rows, h, w) or (rows, h, w, 3) uint8: tiles, and clips for the pre-training."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mezoo import Example, Sample

from .proposals import tile_starts

Crops = NDArray[np.uint8]
Span = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Cutting:
    """How samples are cut: lengths in rows; the other fields as the arguments of MESNet of these names."""

    clip_frames: int
    overlap: int
    pretrain_frames: int
    pretrain_copies: int
    jitter: float
    negative_tiles: float
    centre: Literal["video", "clip"]


@dataclass(frozen=True, slots=True)
class Rows:
    """The annotation of a video in rows: micro and macro (n, 2) int64, both ends included."""

    micro: NDArray[np.int64]
    macro: NDArray[np.int64]


def rows_of(example: Example) -> Rows:
    """Annotated intervals of a video in rows of its features."""
    found = [(e.kind, example.features.rows(e.onset, e.offset)) for e in example.video.expressions]
    micro, macro = ([span for kind, span in found if kind == wanted] for wanted in ("micro", "macro"))
    return Rows(np.array(micro, np.int64).reshape(-1, 2), np.array(macro, np.int64).reshape(-1, 2))


def statistics(values: Crops) -> tuple[NDArray[np.float32], np.float32]:
    """Mean frame (grey levels, float32), and the standard deviation of all pixels about it, at least 0.1."""
    mean = values.mean(axis=0, dtype=np.float32)
    some = values[:: max(1, len(values) // 64)].astype(np.float32)
    return mean, np.float32(max(0.1, float((some - mean).std())))


def tile(values: Crops, start: int, length: int) -> Crops:
    """`length` rows from `start` on: a view, or a copy that repeats the last row where the video is shorter."""
    cut = values[start : start + length]
    missing = length - len(cut)
    return np.concatenate([cut, np.repeat(cut[-1:], missing, axis=0)]) if missing else cut


def resample(values: Crops, first: float, last: float, frames: int) -> Crops:
    """`frames` equidistant rows from `first` to `last`, both included, by linear interpolation in time, rounded."""
    points = np.linspace(first, last, frames).clip(0, len(values) - 1)
    low = np.floor(points).astype(np.int64)
    part = (points - low).astype(np.float32).reshape(-1, *[1] * (values.ndim - 1))
    high = np.minimum(low + 1, len(values) - 1)
    return np.rint(values[low] * (1 - part) + values[high] * part).astype(np.uint8)


def scale(values: Crops, centre: str) -> dict[str, NDArray[Any]]:
    """What a sample carries to be standardised about its video: "mean" (h, w[, 3]) and "std" () float32, or nothing."""
    if centre == "clip":
        return {}
    mean, std = statistics(values)
    return {"mean": mean, "std": np.asarray(std)}


def tiles(example: Example, cutting: Cutting, shift: int = 0) -> list[Sample]:
    """Every tile of a video: inputs "clip" (clip_frames, h, w[, 3]) uint8, "rows" () not padding, and its scale."""
    values = example.features.values
    about = scale(values, cutting.centre)
    found: list[Sample] = []
    for start in tile_starts(len(values), cutting.clip_frames, cutting.overlap, shift):
        rows = np.asarray(min(cutting.clip_frames, len(values) - start))
        found.append(
            Sample(example.video.key, start, {"clip": tile(values, start, cutting.clip_frames), "rows": rows, **about})
        )
    return found


def training_tiles(examples: Sequence[Example], cutting: Cutting, rng: np.random.Generator) -> list[Sample]:
    """Tiles with a whole ME and random others, the grid shifted for each video; target "intervals" (G, 2) float32."""
    with_me: list[tuple[Sample, Span]] = []
    without: list[tuple[Sample, Span]] = []
    for example in examples:
        spans = rows_of(example).micro
        for sample in tiles(example, cutting, int(rng.integers(cutting.clip_frames - cutting.overlap))):
            here, rows = spans - sample.start, int(sample.inputs["rows"])
            here = here[(here[:, 1] >= 0) & (here[:, 0] < rows)]
            whole = bool(((here[:, 0] >= 0) & (here[:, 1] < rows)).any())
            (with_me if whole else without).append((sample, here))
    wanted = min(len(without), round(min(len(without), cutting.negative_tiles * max(1, len(with_me)))))
    chosen = with_me + [without[int(i)] for i in rng.choice(len(without), wanted, replace=False)]
    size = max([1, *(len(here) for _, here in chosen)])
    return [Sample(s.video, s.start, s.inputs, {"intervals": padded(here, size)}) for s, here in chosen]


def padded(spans: Span, size: int) -> NDArray[np.float32]:
    """Intervals (n, 2) with the empty interval (0, -1) appended up to `size`: (size, 2) float32."""
    out = np.tile(np.array([0, -1], np.float32), (size, 1))
    out[: len(spans)] = spans
    return out


def pretraining_clips(examples: Sequence[Example], cutting: Cutting, rng: np.random.Generator) -> list[Sample]:
    """Each ME with jittered ends and, for each, a clip as long that is free of ME; target "label" () int64, 1 for ME.

    About every other clip without ME lies on a macro-expression where any is annotated.
    """
    annotated = [(len(example.features), rows_of(example)) for example in examples]
    scales = [scale(example.features.values, cutting.centre) for example in examples]
    macros = any(len(spans.macro) for _, spans in annotated)
    places: list[tuple[int, tuple[float, float], int]] = []
    for index, (rows, spans) in enumerate(annotated):
        for span in np.repeat(spans.micro, cutting.pretrain_copies, axis=0):
            places.append((index, jittered(span, cutting.jitter, rows, rng), 1))
            other = negative(annotated, int(span[1] - span[0]) + 1, macros and bool(rng.integers(2)), rng)
            places += [(*other, 0)] if other else []
    return [_clip(examples[index], span, label, cutting, scales[index]) for index, span, label in places]


def _clip(
    example: Example, span: tuple[float, float], label: int, cutting: Cutting, about: Mapping[str, NDArray[Any]]
) -> Sample:
    clip = resample(example.features.values, *span, cutting.pretrain_frames)
    return Sample(example.video.key, int(span[0]), {"clip": clip, **about}, {"label": np.asarray(label)})


def jittered(span: NDArray[np.int64], jitter: float, rows: int, rng: np.random.Generator) -> tuple[float, float]:
    """The interval with each end moved by up to `jitter` of its length, inside the video."""
    length = span[1] - span[0] + 1
    ends = np.clip(span + rng.uniform(-jitter, jitter, 2) * length, 0, rows - 1)
    return float(ends[0]), float(max(ends))


def free_starts(rows: int, length: int, taken: NDArray[np.int64]) -> NDArray[np.int64]:
    """First rows of the intervals of `length` rows that touch none of `taken` (n, 2)."""
    starts = np.arange(max(0, rows - length + 1))
    touches = (starts[:, None] <= taken[:, 1]) & (starts[:, None] + length > taken[:, 0])
    return starts[~touches.any(axis=1)]


def negative(
    annotated: Sequence[tuple[int, Rows]], length: int, on_macro: bool, rng: np.random.Generator
) -> tuple[int, tuple[float, float]] | None:
    """A random interval free of ME, on a macro-expression if `on_macro`: index of its video, and rows; or None.

    `annotated` holds rows and annotation of each video; they are tried in random order, long ones sooner.
    """
    lengths = np.array([rows for rows, _ in annotated], dtype=np.float64)
    for index in rng.choice(len(annotated), len(annotated), replace=False, p=lengths / lengths.sum()):
        rows, spans = annotated[index]
        starts = free_starts(rows, length, spans.micro)
        if on_macro:
            starts = np.setdiff1d(starts, free_starts(rows, length, spans.macro))
        if len(starts):
            first = float(rng.choice(starts))
            return int(index), (first, first + length - 1)
    return None
