"""Onset, apex and offset of an interval as small pictures around the face, each frame read once, in order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor

import numpy as np
from numpy.typing import NDArray

from mezoo.contracts import Bars
from mezoo.errors import DataError
from mezoo.predicted.axis import Item
from mezoo.prediction import FaceTrack, Prediction
from mezoo.records import Frames
from mezoo.view.colours import Picture
from mezoo.view.drawing import thumbnail
from mezoo.view.features import Layer
from mezoo.view.shots import difference

SIDE = 280
"""Longer side of a picture, px."""
AROUND = 0.35
"""What is shown around the face, as a share of its box, on each side."""
Box = tuple[float, float, float, float]
"""Left, top, right, bottom in px of the frame."""


@dataclass(frozen=True, slots=True)
class Shot:
    """A frame and its names; `box` is the face in shares of the picture, `problem` why there is no picture."""

    names: tuple[str, ...]
    frame: int
    image: Picture | None
    box: Box | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Scene:
    """An interval in pictures: its key frames in order of time, and apex less onset where both can be read."""

    item: Item
    shots: tuple[Shot, ...]
    difference: Layer | None


def scenes(prediction: Prediction, items: Sequence[Item], bars: Bars) -> list[Scene]:
    """A scene for each item; the pictures of one all show the same part of the frame."""
    n = len(prediction.film.frames)
    if not n:
        return []
    named = {item.number: key_frames(item, n) for item in items}
    parts = {item.number: _part(prediction.face, named[item.number]) for item in items}
    wanted: dict[int, list[int]] = {}
    for number, frames in named.items():
        for frame in frames:
            wanted.setdefault(frame, []).append(number)
    shots: dict[tuple[int, int], Shot] = {}
    with bars("pictures", len(wanted)) as bar:
        for frame in sorted(wanted):
            read = _read(prediction.film.frames, frame)
            for number in wanted[frame]:
                shots[number, frame] = _shot(read, named[number][frame], frame, parts[number], prediction.face)
            bar.advance()
    return [_scene(item, [shots[item.number, frame] for frame in named[item.number]]) for item in items]


def key_frames(item: Item, n: int) -> dict[int, tuple[str, ...]]:
    """Names by frame, in order of time, kept inside a film of n frames; one frame may have several names."""
    spot = item.found.spot
    found: dict[int, tuple[str, ...]] = {}
    for name, frame in (("onset", spot.onset), ("apex", item.found.apex), ("offset", spot.offset)):
        inside = min(max(frame, 0), n - 1)
        found[inside] = (*found.get(inside, ()), name)
    return dict(sorted(found.items()))


def box_at(face: FaceTrack | None, frame: int) -> Box | None:
    """The face at a frame, between the frames at which it was measured; None where there was none."""
    if face is None or not len(face.frames) or any(first <= frame <= last for first, last in face.lost):
        return None
    left, top, right, bottom = (float(np.interp(frame, face.frames, column)) for column in face.boxes.T)
    sound = np.isfinite([left, top, right, bottom]).all() and right > left and bottom > top
    return (left, top, right, bottom) if sound else None


def _part(face: FaceTrack | None, frames: Mapping[int, object]) -> Box | None:
    """What is shown of the frame: all boxes of the face together, and something around them."""
    boxes = [box for box in (box_at(face, frame) for frame in frames) if box]
    if not boxes:
        return None
    (left, top), (right, bottom) = np.array(boxes)[:, :2].min(axis=0), np.array(boxes)[:, 2:].max(axis=0)
    across, down = AROUND * (right - left), AROUND * (bottom - top)
    return left - across, top - down, right + across, bottom + down


def _read(frames: Frames, frame: int) -> NDArray[np.uint8] | str:
    """The frame, or why it cannot be read."""
    try:
        return frames.read(frame)
    except DataError as error:
        return error.what


def _shot(
    read: NDArray[np.uint8] | str, names: tuple[str, ...], frame: int, part: Box | None, face: FaceTrack | None
) -> Shot:
    if isinstance(read, str):
        return Shot(names, frame, None, problem=read)
    height, width = read.shape[:2]
    left, top, right, bottom = _inside(part, height, width)
    image = thumbnail(read[top:bottom, left:right], SIDE)
    box = box_at(face, frame)
    if box is not None:
        across, down = right - left, bottom - top
        box = (box[0] - left) / across, (box[1] - top) / down, (box[2] - left) / across, (box[3] - top) / down
    return Shot(names, frame, image, box)


def _inside(part: Box | None, height: int, width: int) -> tuple[int, int, int, int]:
    """The part of a frame in whole px; the whole frame where little of the part lies in it."""
    if part is None:
        return 0, 0, width, height
    left, top = max(0, floor(part[0])), max(0, floor(part[1]))
    right, bottom = min(width, ceil(part[2])), min(height, ceil(part[3]))
    return (left, top, right, bottom) if right - left >= 16 and bottom - top >= 16 else (0, 0, width, height)


def _scene(item: Item, shots: Sequence[Shot]) -> Scene:
    by_name = {name: shot for shot in shots for name in shot.names}
    onset, apex = by_name["onset"], by_name["apex"]
    change = None if onset is apex else difference(onset.image, apex.image)
    return Scene(item, tuple(shots), change)
