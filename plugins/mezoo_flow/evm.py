"""Eulerian video magnification: frames in which small motions within a band of frequencies are larger."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from dataclasses import fields as dataclass_fields
from importlib.metadata import version as version_of
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from mezoo import DataError, FeatureExtractor, Features, FeatureStream, Video, sampling
from mezoo_flow.clip import resize, to_grey
from mezoo_flow.evm_filters import Array, Magnifier, Row, check_band, check_size, magnify

_BLOCK = 16


@dataclass(frozen=True)
class EVM(FeatureExtractor):
    """Magnified frames: (rows, height, width) uint8 grey, or (rows, height, width, 3) uint8 RGB; one row per frame.

    `alpha`: what passes the `band` (ends in Hz) in time is added that many times. `filter`: "butterworth" is causal, of
    `order`, and holds a few pyramids whatever the length; "ideal" (FFT) has no lag, but holds the whole clip in memory,
    at most `longest` rows. `pyramid`: "laplacian" amplifies `levels` bands of space, not the brightness of areas larger
    than those; "gaussian" amplifies the picture halved `levels` times, for brightness. `wavelength`: structures below
    this (px) get less than alpha, the finest none, see `evm_filters.factor`; None: all get alpha. `chrom`: share of the
    added colour that is kept, 0.1 for motion in the authors' code. `as_float`: float32 grey levels, not clipped.
    `fps`: rows per second. `size`: side, or (height, width), to resize to before. `crop`: an extractor of pictures,
    such as `{use: face_crop}`, whose rows are used instead of the frames.

    The defaults for alpha, band, order, levels and wavelength are [inferred], for micro-expressions at 25 to 200 frames
    a second. Raises DataError for settings that cannot be, a band that ends above half the rate, a video of one row,
    and pictures too small for `levels`. Wu et al., SIGGRAPH 2012.
    """

    version: ClassVar[str] = "1"

    fps: float | None = None
    size: int | tuple[int, int] | None = None
    crop: FeatureExtractor | None = None
    grey: bool = True
    pyramid: Literal["gaussian", "laplacian"] = "laplacian"
    levels: int = 4
    filter: Literal["ideal", "butterworth"] = "butterworth"
    order: int = 1
    band: tuple[float, float] = (0.3, 8.0)
    alpha: float = 8.0
    chrom: float = 1.0
    wavelength: float | None = 16.0
    longest: int = 1024
    as_float: bool = False

    def __post_init__(self) -> None:
        self._how()
        if self._shape is not None:
            check_size(self._shape, self.levels)
        if self.fps is not None and (self.fps <= 0 or self.crop is not None):
            raise DataError(
                f"evm: fps {self.fps:g}{' beside crop' if self.crop else ''}",
                hint="fps is above 0; where there is a crop, give it to the crop",
            )
        if self.grey and self.chrom != 1:
            raise DataError(f"evm: chrom {self.chrom:g} of grey pictures", hint="set grey: false, or leave chrom out")

    def __call__(self, video: Video) -> Features:
        """All magnified frames of one video at once."""
        return self.stream(video).collect()

    def stream(self, video: Video) -> FeatureStream:
        """The same in blocks of 16 rows. With "ideal" the first comes after the last frame was read."""
        rows = None if self.crop is None else self.crop.stream(video)
        fps = (self.fps or video.fps) if rows is None else rows.fps
        positions = sampling.every(len(video.frames), video.fps, fps)
        self._check(video, len(positions), fps)
        given = _frames(video, positions, self.grey) if rows is None else _crops(video, rows, self.grey)
        facts: dict[str, Any] = {
            "unit": "grey levels",
            "band": list(self.band),
            "factors": [round(factor, 3) for factor in self._how().factors],
        }
        magnified = magnify(_prepared(given, video, self._shape, self.levels), self._how(), fps)
        return FeatureStream(self._blocks(magnified, facts, rows), len(video.frames), fps, facts)

    def sources(self, video: Video) -> tuple[Path, ...]:
        """What the crop reads beside the frames."""
        return () if self.crop is None else self.crop.sources(video)

    def environment(self) -> Mapping[str, str]:
        """OpenCV blurs and resizes, SciPy filters; a crop adds its own libraries."""
        import cv2

        own = {"opencv": cv2.__version__, "scipy": version_of("scipy")}
        return {**own, **({} if self.crop is None else {**self.crop.environment(), "crop": self.crop.version})}

    @property
    def _shape(self) -> tuple[int, int] | None:
        return (self.size, self.size) if isinstance(self.size, int) else self.size

    def _how(self) -> Magnifier:
        return Magnifier(**{field.name: getattr(self, field.name) for field in dataclass_fields(Magnifier)})

    def _check(self, video: Video, n_rows: int, fps: float) -> None:
        check_band(self.band, fps)
        if n_rows < 2:
            raise DataError(
                f"evm: {video.key} has {n_rows} frame(s) to look at, and magnifies what changes between frames",
                hint="leave this video out, or raise fps",
            )
        if self.filter == "ideal" and n_rows > self.longest:
            raise DataError(
                f"evm: {video.key} has {n_rows} rows, and filter ideal holds all of them; longest is {self.longest}",
                hint="set filter: butterworth, which takes any length; or a lower fps, or a larger longest",
            )

    def _blocks(
        self, magnified: Iterator[tuple[Array, int]], facts: dict[str, Any], crop: FeatureStream | None
    ) -> Iterator[tuple[NDArray[Any], NDArray[np.int64]]]:
        """Stored blocks and their frames; at the end the share of clipped values, and what the crop says of itself."""
        outside = total = 0
        while block := list(islice(magnified, _BLOCK)):
            values = np.stack([picture for picture, _ in block])
            total += values.size
            outside += np.count_nonzero(np.abs(values - 127.5) > 128)
            stored = values if self.as_float else np.clip(np.rint(values), 0, 255).astype(np.uint8)
            yield stored, np.array([position for _, position in block], dtype=np.int64)
        facts["outside"] = round(outside / total, 4)
        if crop is not None:
            facts["crop"] = dict(crop.facts)


def _frames(video: Video, positions: NDArray[np.int64], grey: bool) -> Iterator[Row]:
    return ((video.frames.read(position, grey=grey), position) for position in positions.tolist())


def _crops(video: Video, rows: FeatureStream, grey: bool) -> Iterator[Row]:
    """The rows of a crop. Raises DataError where they are no pictures, lack the colour, or leave out frames."""
    before: int | None = None
    for values, positions in rows.blocks:
        if values.dtype != np.uint8 or values.ndim not in ((3, 4) if grey else (4,)):
            wanted = "pictures" if grey else "pictures in RGB"
            raise DataError(
                f"evm: the crop of {video.key} is {values.dtype} {values.shape}, not {wanted}",
                hint=f"use an extractor of uint8 pictures, such as face_crop{'' if grey else ' with grey: false'}",
            )
        for picture, position in zip(values, positions.tolist(), strict=True):
            if before is not None and position - before >= video.fps / rows.fps + 1:
                raise DataError(
                    f"evm: the crop of {video.key} leaves out frames from {before} to {position}: time is not even",
                    hint="let the crop fill them: missing: interpolate",
                )
            before = position
            yield (to_grey(picture) if grey else picture), position


def _prepared(rows: Iterator[Row], video: Video, wanted: tuple[int, int] | None, levels: int) -> Iterator[Row]:
    """Resized rows. Raises DataError where they differ in size, or are too small for so many levels."""
    shape: tuple[int, ...] | None = None
    for picture, position in rows:
        ready = picture if wanted is None else resize(picture, *wanted)
        if shape is None:
            shape = ready.shape
            check_size(shape, levels)
        if ready.shape != shape:
            raise DataError(
                f"evm: frames of {video.key} differ in size: {shape} and {ready.shape}",
                hint="set size, so that all of them are resized to it",
            )
        yield ready, position
