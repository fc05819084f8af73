"""The pictures of a video between which flow is computed: which frames, at what rate, in which pairs."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from mezoo import DataError, Video, sampling
from mezoo_flow.tvl1 import SMALLEST
from mezoo_flow.view import Grey, Pairing, View

_AT_ONCE = 4_000_000
"""Pixels of flow that are kept at once, about."""

Picture = tuple[int, Grey]
"""A frame of the video (0-based) and what it shows, (height, width) uint8."""
Pair = tuple[Grey, Grey, int]
"""First and second picture, and the frame of the second."""


@dataclass(frozen=True, slots=True)
class Clip:
    """Pictures in order, read as they are asked for; `facts` has what a crop says of itself."""

    key: str
    pictures: Iterator[Picture]
    fps: float
    facts: Mapping[str, Any] = field(default_factory=dict[str, Any])


def open_clip(video: Video, view: View) -> Clip:
    """The sampled frames of a video, or the rows of its crop, resized as asked. Raises DataError where that fails."""
    if view.crop is not None:
        return _cropped(video, view)
    fps = view.fps or video.fps
    positions = (int(p) for p in sampling.every(len(video.frames), video.fps, fps))
    frames = ((p, video.frames.read(p, grey=True)) for p in positions)
    return Clip(video.key, _fitted(frames, video, view), fps)


def _cropped(video: Video, view: View) -> Clip:
    assert view.crop is not None
    stream = view.crop.stream(video)

    def rows() -> Iterator[Picture]:
        for values, positions in stream.blocks:
            if values.dtype != np.uint8 or values.ndim not in (3, 4):
                raise DataError(
                    f"flow: the crop of {video.key} is {values.dtype} {values.shape}, not pictures",
                    hint="use an extractor of uint8 pictures, such as face_crop",
                )
            yield from ((int(p), to_grey(picture)) for p, picture in zip(positions, values, strict=True))

    return Clip(video.key, _fitted(rows(), video, view), stream.fps, {"crop": stream.facts})


def pairs_of(pairs: Pairing, clip: Clip) -> Iterator[Pair]:
    """Pictures to compute flow between, in order of the second; holds no more of them than pairs still to come need.

    Raises DataError if there is no such pair.
    """
    if not isinstance(pairs, str):
        yield from _given(pairs, clip)
        return
    first, alone = None, True
    for position, picture in clip.pictures:
        if first is not None:
            alone = False
            yield first, picture, position
        if first is None or pairs == "consecutive":
            first = picture
    if alone:
        raise DataError(
            f"flow: {clip.key} has {int(first is not None)} frame(s) to look at, and flow is between two",
            hint="leave this video out, or raise fps",
        )


def _given(pairs: tuple[tuple[int, int], ...], clip: Clip) -> Iterator[Pair]:
    wanted = {frame for pair in pairs for frame in pair}
    kept: dict[int, Grey] = {}
    last = -1
    for position, picture in clip.pictures:
        last = position
        if position in wanted:
            kept[position] = picture
    unknown = sorted(wanted - kept.keys())
    ends = [second for _, second in pairs]
    if unknown or not pairs or any(b <= a for a, b in pairwise(ends)):
        given = f"frames {unknown[:5]} are not among those looked at" if unknown else f"pairs are {list(pairs)}"
        raise DataError(
            f"flow: {clip.key}: {given}",
            hint=f"give pairs (i, j) of frames 0 to {last}, the second ones increasing",
        )
    yield from ((kept[i], kept[j], j) for i, j in pairs)


def blocks_of(pairs: Iterable[Pair], most: int) -> Iterator[list[Pair]]:
    """Pairs in lists of `most`, or fewer where pictures are large; the last list may be shorter."""
    block: list[Pair] = []
    for pair in pairs:
        block.append(pair)
        if len(block) == most or len(block) * pair[0].size >= _AT_ONCE:
            yield block
            block = []
    if block:
        yield block


def _fitted(pictures: Iterable[Picture], video: Video, view: View) -> Iterator[Picture]:
    """Pictures resized as asked, and checked."""
    for position, picture in pictures:
        if view.shape is not None:
            yield position, resize(picture, *view.shape)
            continue
        if min(picture.shape) < SMALLEST:
            raise DataError(
                f"flow: the frames of {video.key} are {picture.shape[0]} x {picture.shape[1]} pixels",
                hint=f"give a size of at least {SMALLEST} pixels a side",
            )
        yield position, picture


def resize(picture: Grey, height: int, width: int) -> Grey:
    """Averages over areas when it shrinks, so that nothing aliases."""
    import cv2

    shrinks = height * width < picture.shape[0] * picture.shape[1]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, (width, height), interpolation=how), dtype=np.uint8)


def to_grey(picture: Grey) -> Grey:
    """Grey levels of a picture that may be RGB: (height, width) uint8."""
    import cv2

    return picture if picture.ndim == 2 else np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
