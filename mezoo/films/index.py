"""The index of a film: when each frame is shown and where decoding may begin, without holding any frame."""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mezoo.errors import DataError
from mezoo.films.opening import AGAIN, decoded, opened
from mezoo.films.packets import Packets, read_packets, unique

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

HONEST = ("mov", "matroska")
"""Containers that keep the time at which each frame is shown, not only the order in which frames are coded."""
ONE_TO_ONE = {
    *("h264", "hevc", "vp9", "libvpx-vp9", "av1", "libdav1d", "libaom-av1", "mpeg4"),
    *("mjpeg", "ffv1", "prores", "png", "rawvideo", "huffyuv", "ffvhuff", "utvideo", "dnxhd"),
}
"""Codings whose every packet becomes one shown frame, as the decoders are called."""

UNTIMED = np.iinfo(np.int64).min


@dataclass(frozen=True, slots=True)
class Orientation:
    """How a decoded image becomes the one that is shown: transposed first, then mirrored."""

    transposed: bool = False
    left_right: bool = False
    upside_down: bool = False

    def apply(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(height, width, 3) as shown, from (h, w, 3) as decoded; the same array where nothing is to be done."""
        shown = image.transpose(1, 0, 2) if self.transposed else image
        return np.ascontiguousarray(shown[:: -1 if self.upside_down else 1, :: -1 if self.left_right else 1])


@dataclass(frozen=True, slots=True)
class FilmIndex:
    """Where the frames of a film are: `pts` (frames,) int64 increasing, in units of `tick` seconds.

    `keys` (n,) int64 are the times of key frames that may be jumped to; none: the film must be decoded from its
    start. Without `timed` the decoder does not know the times, they are made up, and frames are told by counting.
    `lost` frames cannot be decoded. `plain`: nothing that decord reads differently.
    """

    pts: NDArray[np.int64]
    tick: float
    keys: NDArray[np.int64]
    fps: float
    orientation: Orientation
    timed: bool = True
    lost: frozenset[int] = frozenset()
    damage: str = ""
    plain: bool = False

    def __len__(self) -> int:
        return len(self.pts)

    def times(self) -> NDArray[np.float64]:
        """Seconds after the first frame, (frames,) float64."""
        return (self.pts - self.pts[0]) * self.tick


@dataclass(frozen=True, slots=True)
class _Counted:
    """The frames of a film; fields as in `FilmIndex`. No `pts` but -1 where the decoder does not know them."""

    pts: NDArray[np.int64]
    keys: NDArray[np.int64]
    timed: bool = True
    lost: frozenset[int] = frozenset()


def scan(path: Path) -> FilmIndex:
    """Index a film: from its packets where that is exact, else by decoding it once. Raises DataError if it is none."""
    with opened(path) as (container, stream):
        packets = read_packets(path, container, stream)
        honest = container.format.name.startswith(HONEST)
        one_to_one = stream.codec_context.name in ONE_TO_ONE
        deep = any(part.bits > 8 for part in stream.format.components)
        tick, stated = float(stream.time_base or 1), float(stream.average_rate or stream.guessed_rate or 0)
    orientation = orientation_of(_first_frame(path))
    exact = one_to_one and (honest or len(packets.keys) == len(packets)) and packets.complete and not packets.trouble
    counted = _Counted(packets.times(), unique(packets.keys)) if exact else _decode_all(path, packets, honest=honest)
    damage = _damage(packets, counted, one_to_one=one_to_one)
    usual = orientation == Orientation() and not (packets.hidden or packets.ahead or deep or damage)
    pts = counted.pts
    if not counted.timed:
        pts, tick = np.arange(len(pts)), 1 / (stated or 25.0)
    fps, plain = _rate(pts, tick, stated), usual and len(counted.keys) > 0
    return FilmIndex(pts, tick, counted.keys, fps, orientation, counted.timed, counted.lost, damage, plain)


def orientation_of(frame: "VideoFrame") -> Orientation:
    """The display matrix of a frame, for turns by quarters and mirrors; other angles are left as they are.

    The matrix is nine int32, rows (a, b, u), (c, d, v), (x, y, w): a pixel (x, y) is shown at (ax + cy, bx + dy).
    """
    raw = frame.side_data.get("DISPLAYMATRIX")
    if raw is None:
        return Orientation()
    a, b, _, c, d = np.frombuffer(bytes(raw), dtype=np.int32)[:5].tolist()
    if b == c == 0:
        return Orientation(False, a < 0, d < 0)
    return Orientation(True, c < 0, b < 0) if a == d == 0 else Orientation()


def _first_frame(path: Path) -> "VideoFrame":
    with opened(path) as (container, stream):
        frame = next(decoded(container.demux(stream), stream), None)
    if frame is None:
        raise DataError(f"{path} holds no frame that can be decoded ({stream.codec_context.name})", hint=AGAIN)
    return frame


def _decode_all(path: Path, packets: Packets, *, honest: bool) -> _Counted:
    """Count frames by decoding them once, holding none.

    Lost frames keep their place, so that later ones keep their number; at the end of the film they are no frames.
    """
    with opened(path) as (container, stream):
        times: Iterator[int] = (UNTIMED if f.pts is None else f.pts for f in decoded(container.demux(stream), stream))
        seen = np.asarray(array("q", times), dtype=np.int64)
    nowhere = np.empty(0, dtype=np.int64)
    if np.any(np.diff(seen) <= 0) or np.any(seen == UNTIMED):
        return _Counted(np.full(len(seen) - (_delay(seen) if packets.trouble else 0), -1), nowhere, timed=False)
    coded = packets.times()
    pts = np.union1d(seen, coded[(honest | (coded > seen[0])) & (coded < seen[-1])])
    if packets.trouble and packets.decoded_until is not None:
        # Frames that went missing with the end may have been shown between later ones: numbers are sure up to here.
        pts = pts[pts <= max(packets.decoded_until, seen[0])]
    lost = frozenset(np.flatnonzero(~np.isin(pts, seen)).tolist())
    reliable = (honest or packets.in_order) and packets.distinct and np.isin(seen, coded).all()
    return _Counted(pts, unique(packets.keys) if reliable else nowhere, lost=lost)


def _damage(packets: Packets, counted: _Counted, *, one_to_one: bool) -> str:
    """Everything known to be wrong with a film, as one sentence; "" if nothing."""
    found = [packets.trouble] if packets.trouble else []
    unseen = len(packets) - len(counted.pts)
    if counted.lost:
        found.append(f"{len(counted.lost)} of its frames are lost (first: {min(counted.lost)})")
    elif not counted.timed and one_to_one and unseen > 0 and not found:
        found.append(f"{unseen} of its frames are lost, it does not tell which, and later ones are numbered too low")
    return ", and ".join(found)


def _delay(coded: NDArray[np.int64]) -> int:
    """By how many places a frame is coded later than shown, at most, from the coded order of the shown frames.

    So many frames at the end of a cut film may have lost one that was shown before them.
    """
    places = np.argsort(np.argsort(coded, kind="stable"), kind="stable")
    return max(0, int(np.max(places - np.arange(len(coded)))))


def _rate(pts: NDArray[np.int64], tick: float, stated: float) -> float:
    """Frames per second: the stated rate if the times agree with it up to their rounding, else their average."""
    span = float(pts[-1] - pts[0])
    if len(pts) < 2:
        return stated or 25.0
    measured = (len(pts) - 1) / (span * tick)
    return stated if abs(measured - stated) * span <= measured else measured
