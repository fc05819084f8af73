"""A film or a folder of images as a video without annotation, at the rate that weights were trained on."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mezoo import sampling
from mezoo.clips import TakenFrames
from mezoo.contracts import Bar, Bars, no_bars
from mezoo.errors import DataError
from mezoo.films import VideoFile
from mezoo.frames import ImageFolder
from mezoo.records import Features, Frames, Video

FILM = "film"
"""Name of the dataset that a new film belongs to."""
_CLOSE = 1.1
"""A film up to so many times faster than the training data is taken frame by frame."""


@dataclass(frozen=True, slots=True)
class Rate:
    """Frames a second of the films, and rows a second of the features, that weights were trained on."""

    frames: float
    rows: float

    @property
    def sampled(self) -> bool:
        """Whether the extractor itself takes fewer rows than there are frames."""
        return self.rows < 0.99 * self.frames


@dataclass(frozen=True, slots=True)
class Paced:
    """A film at another rate: `video` is what extractors see, frame i of it being frame `indices[i]` of the film."""

    video: Video
    indices: NDArray[np.int64]
    note: str

    def unpaced(self, features: Features, film: Video) -> Features:
        """The same features with their rows placed on the film's own frames."""
        positions = self.indices[np.asarray(features.positions)]
        return replace(features, positions=positions, n_frames=len(film.frames))


def open_film(path: Path, fps: float | None = None) -> tuple[Video, tuple[str, ...]]:
    """A film (avi, mp4, mov, mkv ...) or a folder of images as a Video, and what must be said of it.

    `fps` is needed for images, and corrects a film whose header lies. Raises DataError for what is neither.
    """
    if path.is_dir():
        return _images(path, fps)
    film = VideoFile(path)
    length = len(film)
    notes = [f"{path.name} is damaged: {film.damage}; its first {length} frames are used"] if film.damage else []
    return Video(FILM, "-", path.stem, fps or film.fps, film), tuple(notes)


def paced(film: Video, rate: Rate) -> Paced:
    """A film as near to the rate of the training data as its own frames allow; none is invented.

    Where the extractor samples by itself, and where the film is about as fast, every frame is taken; a faster film
    gives the frames nearest in time. A slower one is read as if it had the rate: its movements look faster.
    """
    n, wanted = len(film.frames), rate.rows if rate.sampled else rate.frames
    every = np.arange(n, dtype=np.int64)
    if film.fps < 0.999 * wanted:
        factor = wanted / film.fps
        note = (
            f"the film has {film.fps:.4g} frames a second and the weights were trained on {wanted:.4g}: it is read "
            f"as if it had as many, so that movements look {factor:.3g} times as fast"
        )
        return Paced(replace(film, fps=wanted), every, note)
    if rate.sampled or film.fps <= _CLOSE * wanted:
        return Paced(film, every, "")
    taken = sampling.every(n, film.fps, wanted)
    slower = replace(film, fps=wanted, frames=TakenFrames(film.frames, tuple(taken.tolist())))
    return Paced(slower, taken, f"of {film.fps:.4g} frames a second, {wanted:.4g} are looked at, as in training")


@dataclass(frozen=True)
class WatchedFrames:
    """Frames that tell a bar how far they have been read; a new bar for each time the film is read from the front."""

    frames: Frames
    bars: "_Passes"

    def __len__(self) -> int:
        return len(self.frames)

    def read(self, index: int, *, grey: bool = False) -> NDArray[np.uint8]:
        """Frame `index` of the film."""
        image = self.frames.read(index, grey=grey)
        self.bars.at(index)
        return image

    def number(self, index: int) -> int:
        """Published number of frame `index`."""
        return self.frames.number(index)

    def files(self) -> tuple[Path, ...]:
        """The files that are read."""
        return self.frames.files()


class _Passes:
    def __init__(self, title: str, total: int, bars: Bars) -> None:
        self.title, self.total, self.bars = title, total, bars
        self.count, self.last = 0, -1
        self.bar: Bar | None = None
        self._close = no_bars("", 0).__exit__

    def at(self, index: int) -> None:
        """Frame `index` was read: forward is progress, back to the front is a new pass, other jumps are nothing."""
        if self.bar is None or index < self.last - self.total // 2:
            self.close()
            self.count += 1
            opened = self.bars(f"{self.title}, pass {self.count}", self.total)
            self.bar, self._close, self.last = opened.__enter__(), opened.__exit__, -1
        for _ in range(index - self.last):
            self.bar.advance()
        self.last = max(self.last, index)

    def close(self) -> None:
        """End the bar that is open: what a sampled pass has not read, it did not have to."""
        if self.bar is not None:
            for _ in range(self.total - 1 - self.last):
                self.bar.advance()
            self._close(None, None, None)
            self.bar = None


def watched(video: Video, title: str, bars: Bars) -> tuple[Video, _Passes]:
    """The video with frames that tell of progress; `close` the second when they have been read."""
    passes = _Passes(title, len(video.frames), bars)
    return replace(video, frames=WatchedFrames(video.frames, passes)), passes


def _images(folder: Path, fps: float | None) -> tuple[Video, tuple[str, ...]]:
    frames = ImageFolder(folder)
    if not len(frames.listing.numbers):
        films = [p.name for p in sorted(folder.iterdir()) if p.is_file()][:4]
        raise DataError(
            f"{folder} holds no numbered images (img0001.jpg, 12.png ...)",
            hint=f"give one film at a time{f': {_some(films)}' if films else ''}",
        )
    if fps is None:
        raise DataError(f"how fast are the {len(frames)} images of {folder}?", hint="give --fps, such as --fps 30")
    missing = frames.numbers.missing
    notes = [f"{missing} numbers are missing among the images: time is counted without them"] if missing else []
    return Video(FILM, "-", folder.resolve().name, fps, frames), tuple(notes)


def _some(names: Sequence[str]) -> str:
    return ", ".join(names)
