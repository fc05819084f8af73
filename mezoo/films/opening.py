"""Opening a film with PyAV: what is wrong with a file is told in words that a person can act on."""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mezoo.errors import DataError

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet as AnyPacket
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

    Packet = AnyPacket[VideoStream]

AGAIN = "copy it from the owner's archive again"


@contextmanager
def opened(path: Path, options: dict[str, str] | None = None) -> "Generator[tuple[InputContainer, VideoStream]]":
    """A film, closed in the end; see `open_film`."""
    container, stream = open_film(path, options)
    with container:
        yield container, stream


def open_film(path: Path, options: dict[str, str] | None = None) -> "tuple[InputContainer, VideoStream]":
    """A film's container and its pictures. Raises DataError if the file is missing, empty, unreadable or no film."""
    import av
    from av.error import FFmpegError

    _look(path)
    try:
        # Absolute, so that a colon in a file name is not taken for a protocol.
        container = av.open(str(path.absolute()), options=options or {}, **_lenient(av.__version__))
    except (FFmpegError, OSError) as error:
        raise DataError(
            f"{path} is not a film, or its beginning or end is missing ({_words(error)})", hint=AGAIN
        ) from error
    stream = _pictures(container)
    if stream is None:
        container.close()
        raise DataError(f"{path} has no pictures that can be decoded ({container.format.long_name})", hint=AGAIN)
    # One thread: processes share the cores, and frames in flight cost memory.
    stream.codec_context.thread_count = 1
    return container, stream


def _lenient(version: str) -> dict[str, Any]:
    """What lets PyAV read titles that are no UTF-8; from version 19 on it has no such option."""
    return {"metadata_errors": "replace"} if int(version.partition(".")[0]) < 19 else {}


def decoded(packets: "Iterator[Packet]", stream: "VideoStream") -> "Iterator[VideoFrame]":
    """Frames in the order they are shown, without those cut off, undecodable or corrupt by the decoder's own word."""
    from av.error import FFmpegError

    context = stream.codec_context
    for packet in whole(packets):
        try:
            yield from (frame for frame in context.decode(packet) if not frame.is_corrupt)
        except FFmpegError:
            continue
    try:
        yield from (frame for frame in context.decode(None) if not frame.is_corrupt)
    except FFmpegError:
        return


def whole(packets: "Iterator[Packet]") -> "Iterator[Packet]":
    """Packets that hold a whole coded frame, up to where the file cannot be read on."""
    from av.error import FFmpegError

    try:
        # An empty packet would end the decoder; avi files repeat a frame with one.
        yield from (p for p in packets if p.size and not p.is_corrupt)
    except (FFmpegError, IndexError):
        # PyAV looks up streams by number, and a damaged file may name one that it has not.
        return


def count_sound(path: Path) -> int:
    """How many frames are decoded without any error in their data; reads the whole film."""
    with opened(path) as (container, stream):
        stream.codec_context.options = {"err_detect": "crccheck+explode"}
        return sum(1 for _ in decoded(container.demux(stream), stream))


def _look(path: Path) -> None:
    if path.is_dir():
        raise DataError(f"{path} is a folder, not a film", hint="frames in a folder are read with ImageFolder")
    try:
        if path.exists() and not path.is_file():
            raise DataError(f"{path} is a pipe or a device, not a film", hint="give the film as a file")
        with path.open("rb") as file:
            empty = not file.read(1)
    except FileNotFoundError as error:
        raise DataError(f"there is no film {path}", hint="check the path, or unpack the films again") from error
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}", hint="check the disk and the permissions") from error
    if empty:
        raise DataError(f"{path} is empty (0 bytes)", hint=AGAIN)


def _pictures(container: "InputContainer") -> "VideoStream | None":
    """The first stream of pictures with a known coding; a still that stands for a title page is none."""
    usable = [s for s in container.streams.video if getattr(s.codec_context, "format", None)]
    moving = [s for s in usable if s.frames != 1]
    return next(iter(moving or usable), None)


def _words(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)
