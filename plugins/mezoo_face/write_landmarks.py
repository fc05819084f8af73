"""Write landmark files for other machines: `python -m mezoo_face.write_landmarks FILM_OR_FOLDER OUT`.

MediaPipe wants older versions of NumPy and others. So it may live in an environment of its own, which writes one .npz a
video; the datasets' folder `landmarks/` and the option `landmarks` of extractors take it from there.
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mezoo import DataError, ImageFolder, Video
from mezoo_face import landmarker as lm
from mezoo_face import landmarks

FILMS = {".mp4", ".avi", ".mov", ".mkv", ".webm", ".wmv", ".m4v", ".mpg", ".mpeg"}


@dataclass
class Film:
    """The frames of a film file, decoded by PyAV as they are asked for; going back starts it again."""

    path: Path
    _images: Iterator[Any] = field(default_factory=lambda: iter(()), init=False)
    _next: int = field(default=0, init=False)
    _last: Any = field(default=None, init=False)

    def __len__(self) -> int:
        return self._length

    @cached_property
    def fps(self) -> float:
        """Mean frames per second."""
        with self._open() as film:
            return float(film.streams.video[0].average_rate or 25)

    def read(self, index: int, *, grey: bool = False) -> NDArray[np.uint8]:
        """Frame `index` (0-based): (height, width) uint8 if grey, else (height, width, 3) uint8 RGB."""
        if index < self._next - 1 or self._next == 0:
            self._images, self._next = self._decoded(), 0
        while self._next <= index:
            self._last, self._next = next(self._images), self._next + 1
        return np.asarray(self._last.to_ndarray(format="gray" if grey else "rgb24"), dtype=np.uint8)

    def number(self, index: int) -> int:
        """Frames of a film are numbered from 0."""
        return index

    def files(self) -> tuple[Path, ...]:
        """The film."""
        return (self.path,)

    @cached_property
    def _length(self) -> int:
        return sum(1 for _ in self._decoded())

    def _decoded(self) -> Iterator[Any]:
        with self._open() as film:
            yield from film.decode(video=0)

    def _open(self) -> Any:
        import av

        try:
            return av.open(str(self.path))
        except OSError as error:
            raise DataError(f"{self.path} cannot be opened as a film: {error}", hint="copy it again") from error


def videos_in(place: Path, fps: float) -> Iterator[tuple[str, Video]]:
    """Films and folders of images at or below a path, each with its name in the output: its path without ending.

    `fps` is said of folders of images; a film knows its own. Raises DataError if there is none.
    """
    if place.is_file():
        yield place.stem, _video(place, fps)
        return
    folders = [place, *sorted(p for p in place.rglob("*") if p.is_dir())]
    shows = [f for f in folders if len(ImageFolder(f).listing.numbers)]
    shows += sorted(p for p in place.rglob("*") if p.suffix.lower() in FILMS)
    if not shows:
        raise DataError(
            f"{place} holds no film and no folder of images", hint=f"films end in {', '.join(sorted(FILMS))}"
        )
    for show in shows:
        relative = show.relative_to(place) if show != place else Path(place.resolve().name)
        yield (relative if show.is_dir() else relative.with_suffix("")).as_posix(), _video(show, fps)


def write(video: Video, out: Path, wanted: lm.Wanted) -> str:
    """Write the landmarks of every frame of a video to `out` (.npz), frames without a face as NaN; one line on it."""
    kind = lm.kind_of(video, wanted)
    n_frames = len(video.frames)
    found = lm.found_in(video, wanted, kind, np.arange(n_frames), video.fps)
    if not found.known.any():
        raise lm.nothing_found(video, wanted, n_frames)
    landmarks.write(out, found)
    return f"{out}: {n_frames} frames, {int((~found.known).sum())} without a face, {lm.SAID[kind]}"


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0, or 1 if a video failed; the others are written all the same."""
    parser = argparse.ArgumentParser(prog="mezoo_face.write_landmarks", description="68 landmarks a frame, as .npz")
    parser.add_argument("source", type=Path, help="a film, a folder of images, or a folder of such")
    parser.add_argument("out", type=Path, help="folder to write to, as the datasets' landmarks/")
    parser.add_argument("--landmarker", choices=("auto", "mesh", "approximate"), default="auto")
    parser.add_argument("--fps", type=float, default=100.0, help="frames per second of folders of images")
    given = parser.parse_args(arguments)
    wanted = lm.Wanted("write_landmarks", given.landmarker)
    failed = 0
    try:
        for name, video in videos_in(given.source, given.fps):
            try:
                print(write(video, given.out / f"{name}.npz", wanted), flush=True)
            except DataError as error:
                failed += 1
                print(error, file=sys.stderr)
    except DataError as error:
        failed += 1
        print(error, file=sys.stderr)
    return 1 if failed else 0


def _video(place: Path, fps: float) -> Video:
    if place.is_dir():
        return Video("", place.parent.name, place.name, fps, ImageFolder(place))
    film = Film(place)
    return Video("", place.parent.name, place.stem, film.fps, film)


if __name__ == "__main__":
    raise SystemExit(main())
