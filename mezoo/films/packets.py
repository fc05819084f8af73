"""What the packets of a film tell without decoding: how many frames, when, and whether the file is whole."""

import re
from array import array
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mezoo.films.opening import opened

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

    from mezoo.films.opening import Packet

NO_FRAME = {"mpeg4": 8}
"""Packets of up to so many bytes only say that nothing changed; decoders show no frame for them."""


@dataclass(slots=True)
class Packets:
    """The frames of a film as coded; times in the ticks of its clock.

    `shown` and `keys` are times in the order of coding. `hidden` frames are decoded but cut off by an edit list.
    `ahead` frames are shown before the key frame that they are coded after: such a group of pictures is open, and its
    first frames need the group before. `end` is when the last frame ends, `decoded_until` the decoding time of the
    last one; `trouble` says why reading stopped early.
    """

    shown: "array[int]" = field(default_factory=lambda: array("q"))
    keys: "array[int]" = field(default_factory=lambda: array("q"))
    hidden: int = 0
    untimed: int = 0
    ahead: int = 0
    end: int = 0
    first_is_key: bool = False
    decoded_until: int | None = None
    trouble: str = ""

    def __len__(self) -> int:
        return len(self.shown) + self.untimed

    def add(self, packet: "Packet", least: int) -> None:
        """Count a packet; up to `least` bytes are no frame (avi files repeat one with none at all)."""
        pts = packet.pts
        if pts is not None:
            self.end = max(self.end, pts + (packet.duration or 0))
        if packet.size <= least:
            return
        if packet.is_corrupt:
            self.trouble = self.trouble or "its last frame is incomplete"
        elif pts is None:
            self.untimed += 1
        else:
            self._add_timed(packet, pts)

    def _add_timed(self, packet: "Packet", pts: int) -> None:
        self.first_is_key |= packet.is_keyframe and not self.shown and not self.hidden
        self.decoded_until = packet.dts
        if packet.is_keyframe:
            self.keys.append(pts)
        self.ahead += bool(self.keys) and pts < self.keys[-1]
        if packet.is_discard:
            self.hidden += 1
        else:
            self.shown.append(pts)

    def times(self) -> NDArray[np.int64]:
        """When frames are shown, increasing; none before the key frame that a film begins with."""
        pts = unique(self.shown)
        return pts[pts >= self.keys[0]] if self.first_is_key else pts

    @property
    def distinct(self) -> bool:
        """Every frame is timed, and no two alike."""
        return not self.untimed and len(unique(self.shown)) == len(self.shown) > 0

    @property
    def in_order(self) -> bool:
        """Every frame is timed and coded in the order in which it is shown."""
        return not self.untimed and bool(np.all(np.diff(np.asarray(self.shown, dtype=np.int64)) > 0))

    @property
    def complete(self) -> bool:
        """Every frame is timed, and the first key frame comes before all."""
        return self.distinct and self.first_is_key and self.keys[0] <= min(self.shown)


def unique(values: "array[int]") -> NDArray[np.int64]:
    """Sorted, each once."""
    return np.unique(np.asarray(values, dtype=np.int64))


def read_packets(path: Path, container: "InputContainer", stream: "VideoStream") -> Packets:
    """Walk through a film without decoding it; a few bytes are kept for each frame."""
    from av.error import FFmpegError

    found = Packets()
    least = NO_FRAME.get(stream.codec_context.name, 0)
    try:
        for packet in container.demux(stream):
            found.add(packet, least)
    except (FFmpegError, IndexError) as error:
        found.trouble = f"it cannot be read on after {len(found)} frames ({error})"
    found.trouble = found.trouble or _cut(path, container, stream, found)
    return found


def _cut(path: Path, container: "InputContainer", stream: "VideoStream", found: Packets) -> str:
    """Whether the file ends before its header says; "" if not, or if the header does not tell."""
    kind, stated, there = container.format.name, stream.frames, len(found) + found.hidden
    if kind.startswith("mov") and there < stated:
        # An edit list may cut frames off the end; without it every frame that is in the file is counted.
        with opened(path, {"ignore_editlist": "1"}) as (uncut, pictures):
            there = sum(1 for packet in uncut.demux(pictures) if packet.dts is not None)
    elif kind == "avi" and not found.untimed:
        there = found.end
    elif kind.startswith("matroska"):
        seconds, ended = _stated_seconds(container, stream), float(found.end * (stream.time_base or 1))
        short = seconds - ended > 0.75 * ended / max(1, len(found))
        return f"{ended:.2f} of {seconds:.2f} seconds are there" if short else ""
    return f"{len(found)} of {stated} frames are there" if there < stated else ""


def _stated_seconds(container: "InputContainer", stream: "VideoStream") -> float:
    """Seconds of pictures that a Matroska header states, 0 if it does not."""
    if clock := re.fullmatch(r"(\d+):(\d+):(\d+(?:\.\d+)?)", stream.metadata.get("DURATION", ""), re.ASCII):
        return 3600 * int(clock[1]) + 60 * int(clock[2]) + float(clock[3])
    return (container.duration or 0) / 1e6 if len(container.streams) == 1 else 0.0
