"""Predictions made up: frames drawn when asked, curves with known peaks, intervals where the test wants them."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from mezoo.errors import DataError
from mezoo.prediction import FaceTrack, Found, Method, Prediction
from mezoo.records import Spot, Video


@dataclass(frozen=True)
class Pictures:
    """`count` frames; `lost` ones cannot be read; `asked` is the order in which they were read."""

    count: int
    shape: tuple[int, int, int] = (60, 80, 3)
    lost: tuple[int, ...] = ()
    noise: bool = False
    asked: list[int] | None = None
    file: Path | None = None

    def __len__(self) -> int:
        return self.count

    def read(self, index, *, grey=False):
        if self.asked is not None:
            self.asked.append(index)
        if index in self.lost:
            raise DataError(f"frame {index} <is> gone", hint="copy it again")
        if self.noise:
            return np.random.default_rng(index).integers(0, 256, self.shape, dtype=np.uint8)
        return np.full(self.shape, 40 + 2 * index % 200, dtype=np.uint8)

    def number(self, index):
        return index + 1

    def files(self):
        return (self.file,) if self.file else ()


class Timed(Pictures):
    """The second half of the film runs at half the rate."""

    def times(self):
        steps = np.where(np.arange(self.count) < self.count // 2, 0.04, 0.08)
        return np.concatenate([[0.0], np.cumsum(steps)[:-1]])


def found(onset, offset, score=0.8, kind="micro", **more) -> Found:
    apex = more.pop("apex", (onset + offset) // 2)
    return Found(Spot("film/-/a film", kind, onset, offset, score), apex, **more)


def method(**more) -> Method:
    given = {
        "name": "toy",
        "task": "spotting",
        "source": "runs/toy-12345678",
        "members": ("01", "02", "03"),
        "trained_on": "TOY",
        "measured": "F1 0.25 under leave-one-subject-out",
        "synthetic": False,
        "limits": ("Not for decisions about people.",),
    }
    return Method(**{**given, **more})


def prediction(*intervals: Found, n=100, frames=None, rows=None, members=3, fps=25.0, **more) -> Prediction:
    """A film of n frames; curves are flat but for a peak of 0.9 in the row of each apex."""
    frames = Pictures(n) if frames is None else frames
    positions = np.arange(len(frames), dtype=np.int64) if rows is None else np.asarray(rows, dtype=np.int64)
    curves = {}
    for kind in ("micro", "macro"):
        curve = np.full(len(positions), 0.1, dtype=np.float32)
        apexes = [f.apex for f in intervals if f.spot.kind == kind]
        curve[np.isin(positions, apexes)] = 0.9
        curves[kind] = curve
    spread = {f"{i:02d}": {k: c * np.float32(0.8 + 0.1 * i) for k, c in curves.items()} for i in range(members)}
    film = Video("film", "-", "a film", fps, frames)
    made = Prediction(film, tuple(intervals), curves, positions, (method(),), spread if members > 1 else {})
    return replace(made, **more)


def face(n=100, lost=()) -> FaceTrack:
    frames = np.array([i for i in range(n) if not any(a <= i <= b for a, b in lost)], dtype=np.int64)
    boxes = np.tile(np.array([20, 10, 50, 45], dtype=np.float32), (len(frames), 1))
    return FaceTrack(frames, boxes, tuple(lost), "a made-up detector")


@pytest.fixture
def made():
    """The makers above, under one name."""

    class Made:
        pass

    for maker in (Pictures, Timed, found, method, prediction, face):
        setattr(Made, maker.__name__, staticmethod(maker))
    return Made
