"""Examples to windows of motion and their targets, and windows of probabilities back to a whole video."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mezoo import DataError, Example, Sample, SampleTable, Window

from .targets import WINDOW, Span, cut, labels_of, mended, targets

OFFICIAL_SCALE = ((0.003463, 0.003873), (0.548588, 0.645621))
"""Mean and deviation of x and y by which the official code standardises both datasets: pixels, by their size."""


@dataclass(frozen=True, slots=True)
class Cutting:
    """How training windows are made; the fields as the arguments of AUWGCN of these names."""

    missing_offset: Literal["mirror", "keep"]
    edge_bugs: bool
    label_shift: int


def normalise(values: Any, mean: Any, std: Any) -> Any:
    """Motion (..., 2), array or tensor, standardised by mean (2,) and std (2,) of x and y; padding comes before."""
    return (values - mean) / std


def scale_of(examples: Sequence[Example]) -> tuple[list[float], list[float]]:
    """Mean and deviation of x and y over all rows and regions of the examples: (2,) each, deviations at least 1e-6."""
    rows = np.concatenate([e.features.values.reshape(-1, 2) for e in examples]).astype(np.float64)
    return rows.mean(axis=0).tolist(), np.maximum(rows.std(axis=0), 1e-6).tolist()


def check(examples: Sequence[Example]) -> None:
    """Raise DataError unless the features are motion of twelve regions and there is something annotated."""
    shapes = sorted({e.features.values.shape[1:] for e in examples})
    if shapes != [(12, 2)]:
        raise DataError(
            f"AUW-GCN needs the motion of 12 regions, (rows, 12, 2); the features are (rows, ...) of {shapes}",
            hint="use `features: {use: roi_flow, flow: {use: tvl1}, regions: auwgcn12}`, or auwgcn_segments",
        )
    if not any(e.video.expressions for e in examples):
        raise DataError(
            f"none of the {len(examples)} training videos has an annotated expression, so AUW-GCN cannot learn",
            hint="train on a dataset with annotated intervals, such as CAS(ME)^2 or SAMM Long Videos",
        )


def spans_of(example: Example, cutting: Cutting) -> list[Span]:
    """The annotation of a video in rows, mended as officially."""
    found: list[Span | None] = []
    rows = len(example.features)
    for e in example.video.expressions:
        first, last = (row + cutting.label_shift for row in example.features.rows(e.onset, e.offset))
        apex = None if e.apex is None else example.features.rows(e.apex, e.apex)[0] + cutting.label_shift
        unknown = cutting.missing_offset == "mirror" and e.apex == e.offset > e.onset
        found.append(mended(e.kind, first, apex, None if unknown else last, rows))
    return [span for span in found if span is not None and span.start < rows]


def starts(rows: int) -> range:
    """First rows of the windows of a video."""
    return range(0, max(1, rows), WINDOW)


def motion(example: Example, start: int) -> dict[str, NDArray[np.float32]]:
    """Inputs of one window: "motion" (270, 12, 2) float32, not standardised, zeros outside the video."""
    return {"motion": cut(example.features.values, start).astype(np.float32)}


def windows(examples: Sequence[Example]) -> list[Sample]:
    """Every window of every video, without targets."""
    return [Sample(e.video.key, s, motion(e, s)) for e in examples for s in starts(len(e.features))]


@dataclass(frozen=True, slots=True, eq=False)
class TrainingWindows:
    """All windows of a fold's training videos with their targets, cut once; `table` has the `moving` ones first.

    A window counts as with an expression if any of its 270 rows does. Targets are those of `targets.Targets`.
    """

    table: SampleTable
    moving: int
    examples: Sequence[Example] = field(repr=False)

    def drawn(self, quiet_windows: float, rng: np.random.Generator) -> SampleTable:
        """Windows with an expression, and `quiet_windows` times as many without, drawn anew."""
        quiet = len(self.table) - self.moving
        extra = min(quiet, round(quiet_windows * self.moving))
        drawn = self.moving + rng.choice(quiet, extra, replace=False)
        return self.table.take([*range(self.moving), *drawn.tolist()])


def training_windows(examples: Sequence[Example], cutting: Cutting) -> TrainingWindows:
    """Cut all windows of at least one video."""
    moving: list[Sample] = []
    quiet: list[Sample] = []
    for example in examples:
        labels = labels_of(spans_of(example, cutting), len(example.features))
        for start in starts(len(labels)):
            part = cut(labels, start)
            wanted = targets(part, edge_bugs=cutting.edge_bugs)._asdict()
            sample = Sample(example.video.key, start, motion(example, start), wanted)
            (moving if part[:, [3, 7]].any() else quiet).append(sample)
    return TrainingWindows(SampleTable.of([*moving, *quiet]), len(moving), examples)


def stitched(windows: Sequence[Window], rows: int) -> NDArray[np.float32]:
    """Probabilities (2, 3, rows) of a whole video from the windows' "curves" (2, 3, 256); 0 where there is none.

    A margin of 7 rows holds all that a row can see, so these are the probabilities of the video at one go.
    """
    whole = np.zeros((2, 3, rows), dtype=np.float32)
    for window in windows:
        part = whole[..., window.start : window.start + WINDOW]
        part[:] = window.scores["curves"][..., : part.shape[-1]]
    return whole
