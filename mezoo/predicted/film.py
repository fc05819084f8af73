"""The film again with everything drawn on it, written frame by frame."""

import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from mezoo.contracts import Bars, no_bars
from mezoo.errors import DataError
from mezoo.predicted.clock import clock_of
from mezoo.predicted.overlay import Overlay, fitted
from mezoo.prediction import Prediction
from mezoo.records import Frames

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.video.stream import VideoStream

_H264 = ("libx264", "libopenh264")
_MOST_TICKS = 65535
"""MPEG-4 part 2 keeps the rate as two numbers of 16 bits."""


def write_mp4(prediction: Prediction, path: Path, bars: Bars = no_bars) -> None:
    """Every frame with the face's box, and below it the curve, a cursor, and what was found there; no sound.

    The film runs at its mean rate; the seconds written on it are its own. The longer side of a frame has at most
    1280 px. A frame that cannot be read is grey and says so. One frame is held at a time. H.264 where this libav
    can write it, else MPEG-4 part 2.

    Raises DataError if no frame can be read.
    """
    frames, clock = prediction.film.frames, clock_of(prediction.film)
    images = _images(frames)
    lost, first = _first(images)
    overlay = Overlay(prediction, clock, fitted(*first.shape[:2]))
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with (
            _opened(part, overlay.canvas, prediction.film.fps) as (container, stream),
            bars("film", len(frames)) as bar,
        ):
            for i, image in enumerate(chain([None] * lost, [first], images)):
                _encode(container, stream, overlay.draw(i, image), i)
                bar.advance()
            container.mux(stream.encode(None))
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _images(frames: Frames) -> Iterator[NDArray[np.uint8] | None]:
    """Every frame in order, None for one that cannot be read."""
    for index in range(len(frames)):
        try:
            yield frames.read(index)
        except DataError:
            yield None


def _first(images: Iterator[NDArray[np.uint8] | None]) -> tuple[int, NDArray[np.uint8]]:
    """How many frames are lost before the first that can be read, and that one."""
    for lost, image in enumerate(images):
        if image is not None:
            return lost, image
    raise DataError("no frame of the film can be read", hint="play the film; leave the annotated film out")


def rate_of(fps: float, coder: str) -> Fraction:
    """Frames a second as a fraction: 23.976 is 24000/1001; both numbers as small as the coder wants them."""
    exact = Fraction(fps).limit_denominator(1001)
    # Three digits of a rate are nearly always those of television, which is a thousandth below a whole number.
    television = Fraction(round(fps * 1.001) * 1000, 1001)
    exact = television if abs(float(television) - fps) < 6e-4 else exact
    return exact if coder in _H264 else exact.limit_denominator(max(1, int(_MOST_TICKS / fps)))


@contextmanager
def _opened(part: Path, canvas: tuple[int, int], fps: float) -> "Generator[tuple[OutputContainer, VideoStream]]":
    """A file to write frames of `canvas` (height, width) into; `+faststart`, so that a page can begin to play it."""
    import av

    coder = next((name for name in _H264 if name in av.codecs_available), "mpeg4")
    with av.open(str(part), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        stream = cast("VideoStream", container.add_stream(coder, rate=rate_of(fps, coder)))
        stream.height, stream.width = canvas
        stream.pix_fmt = "yuv420p"
        if coder == "libx264":
            stream.options = {"crf": "20", "preset": "veryfast"}
        else:
            stream.bit_rate = 4_000_000
        yield container, stream


def _encode(container: "OutputContainer", stream: "VideoStream", image: NDArray[np.uint8], index: int) -> None:
    from av import VideoFrame

    frame = VideoFrame.from_ndarray(image, format="rgb24")
    frame.pts = index
    container.mux(stream.encode(frame))
