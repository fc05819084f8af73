"""Frames read one at a time, each kept only as a small picture with the lines and features that lie on it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mezoo.errors import DataError
from mezoo.records import Frames, Video
from mezoo.view.choose import Numbered, equidistant, key_frames, labels
from mezoo.view.colours import Picture, cold_warm
from mezoo.view.drawing import Line, lines, thumbnail
from mezoo.view.features import Layer, Seen

KEY_SIDE, SMALL_SIDE = 300, 190
"""Longer side of a picture of an expression and of the overview, px."""


@dataclass(frozen=True, slots=True)
class Grab:
    """A frame as a thumbnail and its `size` (height, width) before; `image` is None where it cannot be read."""

    image: Picture | None
    size: tuple[int, int] = (1, 1)
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture of the page: a frame, what it is, and what is drawn on and under it."""

    frame: int
    seconds: float
    published: int
    labels: tuple[str, ...]
    image: Picture | None
    marks: tuple[Line, ...] = ()
    feature_marks: tuple[Line, ...] = ()
    layers: tuple[Layer, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Scene:
    """One expression in pictures: key frames in order of time; apex (else middle) less onset, if both can be read."""

    about: Numbered
    shots: tuple[Shot, ...]
    difference: Layer | None


@dataclass(frozen=True, slots=True)
class Story:
    """Everything that is seen of a video."""

    scenes: tuple[Scene, ...]
    overview: tuple[Shot, ...]
    size: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Material:
    """What shots are made from: the video, its numbered expressions, landmarks and feature if there are any."""

    video: Video
    expressions: tuple[Numbered, ...]
    landmarks: NDArray[np.floating] | None
    seen: Seen | None


def story(material: Material, scenes: Sequence[Numbered], rows: int) -> Story:
    """Read every frame that is shown once, in order, and make the scenes and the overview from thumbnails."""
    n = len(material.video.frames)
    named = {s.number: _named(material, s) for s in scenes}
    keys = sorted({frame for pairs in named.values() for _, frame in pairs})
    always = keys if len(material.expressions) == 1 else []
    overview = equidistant(n, rows, always)
    grabs = grab(material.video.frames, {*keys, *overview})
    size = next((g.size for g in grabs.values() if g.image is not None), (0, 0))
    made = tuple(_scene(material, s, named[s.number], grabs) for s in scenes)
    return Story(made, tuple(_overview(material, frame, grabs[frame]) for frame in overview), size)


def grab(frames: Frames, wanted: Iterable[int]) -> dict[int, Grab]:
    """Thumbnails by frame, read in ascending order; a frame that cannot be read is a Grab with its problem."""
    found: dict[int, Grab] = {}
    for index in sorted(wanted):
        try:
            image = frames.read(index)
            found[index] = Grab(thumbnail(image, KEY_SIDE), (image.shape[0], image.shape[1]))
        except DataError as error:
            found[index] = Grab(None, problem=error.what)
    return found


def _named(material: Material, about: Numbered) -> list[tuple[str, int]]:
    """Key frames of a scene with their names, in order of time, and the frame of most motion if a feature knows it."""
    e, n = about.expression, len(material.video.frames)
    named = [*key_frames(e, n)]
    fastest = material.seen.fastest(e.onset, e.offset) if material.seen else None
    if fastest is not None:
        named.append(("most motion", fastest))
    frames = sorted({frame for _, frame in named})
    return [(", ".join(name for name, at in named if at == frame), frame) for frame in frames]


def _scene(material: Material, about: Numbered, named: Sequence[tuple[str, int]], grabs: dict[int, Grab]) -> Scene:
    shots = tuple(_shot(material, frame, (name,), grabs[frame], KEY_SIDE) for name, frame in named)
    onset, apex, _ = (frame for _, frame in key_frames(about.expression, len(material.video.frames)))
    middle = "apex" if about.expression.apex is not None else "middle"
    return Scene(about, shots, difference(grabs[onset].image, grabs[apex].image, middle))


def _overview(material: Material, frame: int, grabbed: Grab) -> Shot:
    names = labels(frame, material.expressions, len(material.video.frames))
    return _shot(material, frame, names, grabbed, SMALL_SIDE)


def _shot(material: Material, frame: int, names: tuple[str, ...], grabbed: Grab, side: int) -> Shot:
    image = None if grabbed.image is None else thumbnail(grabbed.image, side)
    marks, feature_marks, layers = tuple[Line, ...](), tuple[Line, ...](), tuple[Layer, ...]()
    if material.landmarks is not None and image is not None:
        points = material.landmarks if material.landmarks.ndim == 2 else material.landmarks[frame]
        marks = lines(points, grabbed.size)
    if material.seen is not None:
        layers = material.seen.layers(frame, side)
        points = material.seen.landmarks(frame)
        feature_marks = () if points is None or image is None else lines(points, grabbed.size)
    video = material.video
    place = frame, frame / video.fps, video.frames.number(frame)
    return Shot(*place, names, image, marks, feature_marks, layers, grabbed.problem)


def difference(onset: Picture | None, apex: Picture | None, name: str = "apex") -> Layer | None:
    """Grey levels of the apex (or what is called `name`) less those of the onset; None where one is missing.

    Both ends of the scale are the 99.5th percentile of the absolute difference, at least 4 levels.
    """
    if onset is None or apex is None or onset.shape != apex.shape:
        return None
    change = apex.astype(np.float32).mean(axis=-1) - onset.astype(np.float32).mean(axis=-1)
    most = max(4.0, float(np.percentile(np.abs(change), 99.5)))
    return Layer(f"{name} less onset", cold_warm(change, most), f"red brighter, blue darker, ±{most:.0f} grey levels")
