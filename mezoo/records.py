"""The frozen nouns. Frame numbers count from 0 inside the video and both ends are included, everywhere."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Kind = Literal["micro", "macro"]


class Frames(Protocol):
    """The images of one video, read when asked; `mezoo.frames` has the implementations."""

    def __len__(self) -> int: ...

    def read(self, index: int, *, grey: bool = False) -> NDArray[np.uint8]:
        """Frame `index` (0-based): (height, width) uint8 if grey, else (height, width, 3) uint8 RGB."""
        ...

    def number(self, index: int) -> int:
        """The published number of frame `index`, as in its file name."""
        ...

    def files(self) -> tuple[Path, ...]:
        """Every file that the frames are read from, in order."""
        ...


@dataclass(frozen=True, slots=True)
class Expression:
    """One annotated movement of a video; `published` keeps the cells as they stand in the owner's table.

    `emotion` is the owner's word in lower case ("" where there is none), `aus` the raw cell of action units,
    `objective` the objective class 1..7 of the owner's column.
    """

    code: str
    kind: Kind
    onset: int
    offset: int
    apex: int | None = None
    emotion: str = ""
    aus: str = ""
    objective: int | None = None
    published: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def length(self) -> int:
        """Frames from onset to offset, both included."""
        return self.offset - self.onset + 1


def full_code(subject: str, code: str) -> str:
    """A code as a message names it: with its subject in front (`01/EP02_01f`), unless it begins with it (`006_1_2`)."""
    return code if code.startswith(subject) else f"{subject}/{code}"


@dataclass(frozen=True, slots=True)
class Annotation:
    """One row of an owner's table, read and corrected: published frame numbers, both ends included, None if unknown.

    `clip` names the folder of frames, `code` the row itself (the same where a clip has one expression); `line` is the
    row that a spreadsheet shows, `published` the cells before corrections. Other fields as in `Expression`.
    """

    subject: str
    clip: str
    code: str
    kind: Kind
    onset: int | None
    offset: int | None
    apex: int | None = None
    emotion: str = ""
    aus: str = ""
    objective: int | None = None
    line: int = 0
    published: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def name(self) -> str:
        """The row as a person finds it in the table: `01/EP02_01f (micro, row 2)`."""
        return f"{full_code(self.subject, self.code)} ({self.kind}{f', row {self.line}' if self.line else ''})"

    def expression(self) -> Expression:
        """The row as an expression in published numbers, for class maps; unknown ends are 0."""
        a = self
        ends = a.onset or 0, a.offset or 0
        return Expression(a.code, a.kind, *ends, a.apex, a.emotion, a.aus, a.objective, a.published)


@dataclass(frozen=True, slots=True)
class Cut:
    """Where the frames of a clip lie in the video that it was cut from: `indices` (0-based) of its `n_frames`."""

    n_frames: int
    indices: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Video:
    """One film of one subject: a long video with many expressions, or a clip with one.

    `landmarks` is a file with a row for every frame; of a clip, for every frame of the video that `cut` tells of.
    """

    dataset: str
    subject: str
    code: str
    fps: float
    frames: Frames
    expressions: tuple[Expression, ...] = ()
    landmarks: Path | None = None
    synthetic: bool = False
    cut: Cut | None = None

    @property
    def key(self) -> str:
        """Name of the video that is unique across datasets: `dataset/subject/code`."""
        return f"{self.dataset}/{self.subject}/{self.code}"

    def unlabelled(self) -> "Video":
        """The same video without its annotation: what a model may see of a left-out subject."""
        return replace(self, expressions=())


@dataclass(frozen=True, slots=True)
class Spot:
    """A predicted interval: 0-based frames of the video, both ends included; score in [0, 1]."""

    video: str
    kind: Kind
    onset: int
    offset: int
    score: float = 1.0


@dataclass(frozen=True, slots=True)
class Features:
    """What an extractor made of a video.

    `values` is (rows, ...); row r was taken from frame `positions[r]` (0-based, increasing int64) of `n_frames`;
    `fps` is rows per second; `facts` is JSON that the report shows (landmark source, fallbacks).
    """

    values: NDArray[Any]
    positions: NDArray[np.int64]
    n_frames: int
    fps: float
    facts: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def __len__(self) -> int:
        return len(self.values)

    def rows(self, onset: int, offset: int) -> tuple[int, int]:
        """First and last row of a frame interval, both included; a row owns the frames nearest to its own."""
        ends = np.searchsorted(self._borders(), [onset, offset], side="right")
        return int(ends[0]), int(ends[1])

    def interval(self, first: int, last: int) -> tuple[int, int]:
        """First and last frame owned by a row interval (both included), the inverse of `rows`."""
        borders = np.concatenate([[0], self._borders(), [self.n_frames]])
        first, last = max(0, first), min(len(self) - 1, last)
        return int(borders[first]), int(borders[last + 1]) - 1

    def _borders(self) -> NDArray[np.int64]:
        return (self.positions[:-1] + self.positions[1:] + 1) // 2


@dataclass(frozen=True, slots=True)
class FeatureStream:
    """Features that come in blocks, so that memory does not grow with the length of a video.

    `blocks` yields (values (rows, ...), positions (rows,)) in order, all of one dtype and row shape; the other fields
    are those of `Features`. `facts` may be filled while blocks are made: it is read after the last one.
    """

    blocks: Iterator[tuple[NDArray[Any], NDArray[np.int64]]]
    n_frames: int
    fps: float
    facts: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def collect(self) -> Features:
        """All blocks at once."""
        values, positions = zip(*self.blocks, strict=True)
        where = np.concatenate(positions).astype(np.int64, copy=False)
        return Features(np.concatenate(values), where, self.n_frames, self.fps, dict(self.facts))


@dataclass(frozen=True, slots=True)
class Example:
    """A video and its features: what a model is prepared, trained and asked with.

    For recognition the video is one clip with one expression, and `label` the 0-based index of its class, None when a
    model is asked: its expression then has onset, apex and offset, but neither emotion nor action units.
    """

    video: Video
    features: Features
    label: int | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """One item for a batch: named arrays cut from `video` from row `start` on; no targets when predicting."""

    video: str
    start: int
    inputs: Mapping[str, NDArray[Any]]
    targets: Mapping[str, NDArray[Any]] = field(default_factory=dict[str, NDArray[Any]])


@dataclass(frozen=True, slots=True)
class Window:
    """Raw scores of a model for one predicted sample: named arrays, kept on disk after every epoch."""

    start: int
    scores: Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Spotting:
    """Decoded windows of a video: spots, and a curve (rows,) float32 in [0, 1] for each kind, to be drawn."""

    spots: tuple[Spot, ...]
    curves: Mapping[str, NDArray[np.float32]] = field(default_factory=dict[str, NDArray[np.float32]])


@dataclass(frozen=True, slots=True)
class Graph:
    """Weights between regions, to be drawn: row i of `matrix` (n, n) float32 is what node i receives from each node j.

    `places` are (x, y) of the nodes on a face, x right, y down, in the box around its 68 landmarks as a unit square
    (`mezoo.outline` has them); () where nodes have no place. `note` is a sentence on what the weights are.
    """

    title: str
    matrix: NDArray[np.float32]
    names: tuple[str, ...]
    places: tuple[tuple[float, float], ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Fold:
    """A split by video key: `test` holds every video of the left-out subject(s), and nothing of `train`."""

    name: str
    train: tuple[str, ...]
    test: tuple[str, ...]
