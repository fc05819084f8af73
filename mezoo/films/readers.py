"""Readers of films: exact at any index, with one small window of decoded frames in memory."""

from collections import deque
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mezoo.films.index import FilmIndex
from mezoo.films.opening import decoded, open_film, whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

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

    def close(self) -> None:
        """Free file, decoder and window; the reader cannot be used afterwards."""
        ...


class PyavReader:
    """Frames through PyAV, found by the time at which they are shown."""

    name = "pyav"

    def __init__(self, path: Path, index: FilmIndex) -> None:
        self.path, self.index = path, index
        self.window: deque[tuple[int, VideoFrame]] = deque(maxlen=WINDOW)
        self._firsts = np.searchsorted(index.pts, index.keys)
        self._to_rgb = _rgb_converter()
        self._container, self._stream = open_film(path)
        self._begin(self._container.demux(self._stream), None)

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
        return None if frame is None else self._image(frame)

    def _image(self, frame: "VideoFrame") -> Image:
        converted = self._to_rgb(frame)
        image = np.asarray(converted.to_ndarray(), dtype=np.uint8)
        # A frame that is RGB already comes back as it is, and is still in the window.
        return self.index.orientation.apply(image.copy() if converted is frame else image)

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
        container, self._stream = open_film(self.path)
        self._container.close()
        self._container = container
        self._begin(self._container.demux(self._stream), None)

    def _jump(self, key: int) -> bool:
        """Go to the key frame at time `key`, or to one before it; False if the file does not lead there."""
        from av.error import FFmpegError

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
        self._frames = _numbered(packets, first, self._stream, self.index)

    def close(self) -> None:
        """Free everything now: left to the garbage collector, it may be freed in a forked child, which crashes."""
        self.window.clear()
        self._frames = iter(())
        self._container.close()
        del self._to_rgb


class DecordReader:
    """Frames through decord, for films that it reads as PyAV does."""

    name = "decord"

    def __init__(self, path: Path) -> None:
        # decord brings a zlib of its own; OpenCV cannot read PNG any more if it is loaded after that.
        import cv2 as _first  # noqa: F401  # pyright: ignore[reportUnusedImport]
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

    def close(self) -> None:
        """Stop the threads of the decoder, which frees itself."""
        self.window.clear()
        del self._film


def open_reader(path: Path, index: FilmIndex, *, alone: bool = False) -> Reader:
    """decord where it is installed and agrees with the index, else PyAV; `alone`: PyAV in any case."""
    if index.plain and not alone:
        try:
            reader = DecordReader(path)
            if reader.agrees(index):
                return reader
            reader.close()
        except decord_errors():
            pass
    return PyavReader(path, index)


def decord_errors() -> tuple[type[Exception], ...]:
    """What decord raises when it cannot be used or cannot decode; it is not there on every platform."""
    try:
        from decord import DECORDError
    except (ImportError, OSError):
        return ImportError, OSError
    return DECORDError, RuntimeError, ImportError, OSError


def _rgb_converter() -> "Callable[[VideoFrame], VideoFrame]":
    """Turns frames into RGB with one converter for all: PyAV's own, one a frame, starts threads for each."""
    from av.video.frame import VideoFrame
    from av.video.reformatter import VideoReformatter

    convert = partial(VideoReformatter().reformat, format="rgb24")
    try:
        convert(VideoFrame(16, 16, "yuv420p"), threads=1)
    except TypeError:
        # PyAV before it converted in threads.
        return convert
    return partial(convert, threads=1)


def _numbered(
    packets: "Iterator[Packet]", first: "Packet | None", stream: "VideoStream", index: FilmIndex
) -> "Iterator[tuple[int, VideoFrame]]":
    """Frames with their numbers. Those shown before the key frame that was jumped to may be broken: left out.

    No method: a reader that holds a running method of its own is freed by the garbage collector only.
    """
    queue = packets if first is None else _after(first, packets)
    floor = None if first is None else first.pts
    for count, frame in enumerate(decoded(queue, stream)):
        if not index.timed:
            yield count, frame
        elif frame.pts is not None and (floor is None or frame.pts >= floor):
            at = int(np.searchsorted(index.pts, frame.pts))
            if at < len(index) and index.pts[at] == frame.pts:
                yield at, frame


def _after(first: "Packet", packets: "Iterator[Packet]") -> "Iterator[Packet]":
    yield first
    yield from packets
