"""Decoders of films: one small window of frames in memory, exact at any index, never shared with a forked process."""

import os
from collections import deque
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol
from weakref import WeakSet

import numpy as np
from numpy.typing import NDArray

from mezoo.errors import DataError
from mezoo.films.index import FilmIndex
from mezoo.films.opening import decoded, open_film, whole

if TYPE_CHECKING:
    from collections.abc import Iterator

    from av.video.frame import VideoFrame

    from mezoo.films.opening import Packet

Image = NDArray[np.uint8]

WINDOW = 8
"""Decoded frames that a reader keeps: for pairs of frames, for grey after colour, and for steps back."""
NEAR = 3
"""Frames up to the next useful key frame that are rather decoded than jumped over."""


class Reader(Protocol):
    """One open decoder; `window` holds at most `WINDOW` frames."""

    name: str
    window: deque[Any]

    def read(self, index: int) -> Image | None:
        """Frame `index` as (height, width, 3) uint8 RGB, an array of its own; None if it cannot be decoded."""
        ...


class PyavReader:
    """Frames through PyAV, found by the time at which they are shown."""

    name = "pyav"

    def __init__(self, path: Path, index: FilmIndex) -> None:
        self.path, self.index = path, index
        self.window: deque[tuple[int, VideoFrame]] = deque(maxlen=WINDOW)
        self._firsts = np.searchsorted(index.pts, index.keys)
        self._container = None
        self._restart()

    def read(self, index: int) -> Image | None:
        """Frame `index`, see `Reader`: from the window, decoded forward, or after a jump to a key frame before it."""
        key = int(np.searchsorted(self._firsts, index, side="right")) - 1
        ahead = key >= 0 and self._firsts[key] > self._at + NEAR
        frame = self._kept(index)
        if frame is None and index > self._at and not ahead:
            frame = self._forward(index)
        # An open group of pictures may not give the frame from its nearest key frame: one before it, then the start.
        for start in (key, key - 1):
            if frame is None and start >= 0 and self._jump(int(self.index.keys[start])):
                frame = self._forward(index)
        if frame is None:
            self._restart()
            frame = self._forward(index)
        if frame is None:
            return None
        return self.index.orientation.apply(np.asarray(frame.to_ndarray(format="rgb24"), dtype=np.uint8))

    def _kept(self, index: int) -> "VideoFrame | None":
        return next((frame for at, frame in self.window if at == index), None)

    def _forward(self, index: int) -> "VideoFrame | None":
        """Decode up to frame `index`; None if the film goes past it or ends."""
        for at, frame in self._frames:
            self._at = at
            self.window.append((at, frame))
            if at >= index:
                return frame if at == index else None
        return None

    def _restart(self) -> None:
        if self._container is not None:
            self._container.close()
        self._container, self._stream = open_film(self.path)
        self._begin(self._container.demux(self._stream), None)

    def _jump(self, key: int) -> bool:
        """Go to the key frame at time `key`, or to one before it; False if the file does not lead there."""
        from av.error import FFmpegError

        assert self._container is not None
        try:
            self._container.seek(key, stream=self._stream)
        except FFmpegError:
            return False
        packets = self._container.demux(self._stream)
        first = next(whole(packets), None)
        if first is None or first.pts is None or first.pts > key or not first.is_keyframe:
            return False
        self._begin(packets, first)
        return True

    def _begin(self, packets: "Iterator[Packet]", first: "Packet | None") -> None:
        self.window.clear()
        floor = None if first is None else first.pts
        self._at = -1 if floor is None else int(np.searchsorted(self.index.pts, floor)) - 1
        self._frames = self._numbered(packets, first)

    def _numbered(self, packets: "Iterator[Packet]", first: "Packet | None") -> "Iterator[tuple[int, VideoFrame]]":
        """Frames with their numbers. Those shown before the key frame that was jumped to may be broken: left out."""
        queue = packets if first is None else _after(first, packets)
        floor = None if first is None else first.pts
        for count, frame in enumerate(decoded(queue, self._stream)):
            if not self.index.timed:
                yield count, frame
            elif frame.pts is not None and (floor is None or frame.pts >= floor):
                at = int(np.searchsorted(self.index.pts, frame.pts))
                if at < len(self.index) and self.index.pts[at] == frame.pts:
                    yield at, frame


class DecordReader:
    """Frames through decord, for films that it reads as PyAV does."""

    name = "decord"

    def __init__(self, path: Path) -> None:
        import decord

        decord.logging.set_level(decord.logging.QUIET)
        self.window: deque[tuple[int, Image]] = deque(maxlen=WINDOW)
        self._film = decord.VideoReader(str(path.absolute()), ctx=decord.cpu(0), num_threads=1)

    def agrees(self, index: FilmIndex) -> bool:
        """Whether decord finds the same frames at the same times, to half a frame."""
        n = len(index)
        if len(self._film) != n:
            return False
        shown = np.asarray(self._film.get_frame_timestamp(range(n)), dtype=np.float64)[:, 0]
        return bool(np.all(np.abs(shown - shown[0] - index.times()) < 0.5 / index.fps))

    def read(self, index: int) -> Image | None:
        """Frame `index`, see `Reader`."""
        kept = next((image for at, image in self.window if at == index), None)
        if kept is None:
            kept = np.asarray(self._film[index].asnumpy(), dtype=np.uint8)
            self.window.append((index, kept))
        return kept.copy()


def open_reader(path: Path, index: FilmIndex, *, alone: bool = False) -> Reader:
    """decord where it is installed and agrees with the index, else PyAV; `alone`: PyAV in any case."""
    if index.plain and not alone:
        try:
            reader = DecordReader(path)
            if reader.agrees(index):
                return reader
        except _decord_errors():
            pass
    return PyavReader(path, index)


class Player:
    """The reader of one film, opened when first asked, locked while it reads, closed before the process forks."""

    def __init__(self, path: Path, index: FilmIndex, *, alone: bool = False) -> None:
        self.path, self.index, self.alone = path, index, alone
        self.lock = Lock()
        self.reader: Reader | None = None
        _PLAYERS.add(self)

    @property
    def name(self) -> str:
        """The library in use."""
        with self.lock:
            return self._open().name

    def read(self, index: int) -> Image:
        """Frame `index` (0 to frames - 1): (height, width, 3) uint8 RGB. Raises DataError if it cannot be decoded."""
        with self.lock:
            image = None if index in self.index.lost else self._read(index)
        if image is None:
            raise DataError(
                f"frame {index} of {self.path} cannot be decoded, though it is in the file",
                hint="copy the film from the owner's archive again, or leave this part of it out",
            )
        return image

    def _read(self, index: int) -> Image | None:
        try:
            return self._open().read(index)
        except _decord_errors():
            self.alone, self.reader = True, None
            return self._open().read(index)

    def _open(self) -> Reader:
        if self.reader is None:
            self.reader = open_reader(self.path, self.index, alone=self.alone)
        return self.reader


def _decord_errors() -> tuple[type[Exception], ...]:
    """What decord raises when it cannot be used or cannot decode; it is not there on every platform."""
    try:
        from decord import DECORDError
    except (ImportError, OSError):
        return ImportError, OSError
    return DECORDError, RuntimeError, ImportError, OSError


def _after(first: "Packet", packets: "Iterator[Packet]") -> "Iterator[Packet]":
    yield first
    yield from packets


_PLAYERS: WeakSet[Player] = WeakSet()
_held: list[Player] = []


def _before_fork() -> None:
    """A child would share the position in the file and inherit decoder threads that do not run in it."""
    _held.extend(_PLAYERS)
    for player in _held:
        player.lock.acquire()
        player.reader = None


def _after_fork() -> None:
    for player in _held:
        player.lock.release()
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork)
