"""The input of ResNet34-LSTM: magnified grey pictures beside flow from the first frame, at a few frames of a clip."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from mezoo import DataError, FeatureExtractor, Features, Video, sampling

Pictures = NDArray[np.uint8]
STILL = 128
"""The byte of no motion."""
STEPS = 127
"""Bytes from no motion to `bound` px."""


@dataclass(frozen=True)
class Crops:
    """Grey pictures (n, height, width) uint8 in memory, as the frames of a video; an RGB reading repeats the grey."""

    pictures: Pictures

    def __len__(self) -> int:
        return len(self.pictures)

    def read(self, index: int, *, grey: bool = False) -> Pictures:
        """Picture `index` (0-based)."""
        picture = self.pictures[index]
        return picture if grey else np.repeat(picture[..., None], 3, axis=-1)

    def number(self, index: int) -> int:
        """Its index: crops have no published numbers."""
        return index

    def files(self) -> tuple[Path, ...]:
        """None: they are in memory."""
        return ()


@dataclass(frozen=True)
class EvmFlow(FeatureExtractor):
    """Magnified grey and flow: (rows, height, width, 3) uint8, grey levels, u and v; at most `frames` rows a clip.

    For a clip from onset to apex. `crop`, an extractor of grey pictures, is asked for all frames. `magnify`, such as
    `{use: evm}`, sees them all at the clip's own rate, and of its answer the sampled rows are kept. `flow`, such as
    `{use: tvl1, pairs: first}`, sees the first picture and the sampled ones, not magnified; with `pairs: first` a row
    holds the motion since the first frame, with `pairs: consecutive` that since the row before.

    Sampled are the frames at equal steps from the second to the last, halves up. A clip of no more than `frames` + 1
    frames gives each of them once, so there are fewer rows; a clip of one frame gives itself, without motion. Raises
    DataError where the parts do not fit together.

    Flow is clipped to [-bound, bound] px, and a byte holds its square root, since micro-expressions move by tenths of a
    pixel: px = bound * m * |m| with m = (byte - 128) / 127. So no motion is exact, the error is at most 0.008 px at
    0.1 px and 0.025 px at 1 px by default, and ten rows of 224 x 224 take 1.5 MB.

    Cao, Zhang, 2025, section 3.1.2.
    """

    version: ClassVar[str] = "1"

    crop: FeatureExtractor
    magnify: FeatureExtractor
    flow: FeatureExtractor
    frames: int = 10
    bound: float = 10.0

    def __post_init__(self) -> None:
        if self.frames < 2 or self.bound <= 0:
            raise DataError(
                f"evm_flow: frames {self.frames}, bound {self.bound:g}",
                hint="at least 2 frames are taken of a clip, and bound is above 0 px",
            )

    def __call__(self, video: Video) -> Features:
        """Rows of one clip, in order of their frames."""
        crops = self.crop(video)
        if crops.values.dtype != np.uint8 or crops.values.ndim != 3:
            raise DataError(
                f"evm_flow: the crop of {video.key} is {crops.values.dtype} {crops.values.shape}, not grey pictures",
                hint="use an extractor such as `{use: align, size: 224, grey: true}`",
            )
        rows = sampled(len(crops), self.frames)
        facts: dict[str, Any] = {
            "channels": ["grey", "u", "v"],
            "bound": self.bound,
            "code": "px = bound * m * |m|, m = (byte - 128) / 127",
            "frames": self.frames,
            "crop": dict(crops.facts),
        }
        values = np.full((len(rows), *crops.values.shape[1:], 3), STILL, dtype=np.uint8)
        if len(crops) == 1:
            values[..., 0] = crops.values
            facts["still"] = "a clip of one frame: neither magnified nor moving"
        else:
            values[..., 0] = self._magnified(video, crops, rows, facts)
            values[..., 1:] = self._moved(video, crops, rows, facts)
        spread = int(rows[-1] - rows[0])
        fps = crops.fps * (len(rows) - 1) / spread if spread else crops.fps
        return Features(values, crops.positions[rows], len(video.frames), fps, facts)

    def sources(self, video: Video) -> tuple[Path, ...]:
        """What the crop reads beside the frames; the others see pictures in memory."""
        return self.crop.sources(video)

    def environment(self) -> Mapping[str, str]:
        """Versions of the three extractors, and what they depend on."""
        parts = {"crop": self.crop, "magnify": self.magnify, "flow": self.flow}
        own = {name: f"{type(part).__name__} {part.version}" for name, part in parts.items()}
        libraries = {name: version for part in parts.values() for name, version in part.environment().items()}
        return {**libraries, **own}

    def _magnified(self, video: Video, crops: Features, rows: NDArray[np.int64], facts: dict[str, Any]) -> Pictures:
        made = self.magnify(_film(video, crops.values, crops.fps))
        if made.values.shape != crops.values.shape or made.values.dtype != np.uint8:
            raise DataError(
                f"evm_flow: magnify made {made.values.dtype} {made.values.shape} of crops {crops.values.shape}",
                hint="use an extractor of one grey uint8 picture a frame, such as `{use: evm}`, without size or fps",
            )
        facts["magnify"] = dict(made.facts)
        return made.values[rows]

    def _moved(self, video: Video, crops: Features, rows: NDArray[np.int64], facts: dict[str, Any]) -> Pictures:
        """Flow to each sampled row, as bytes (rows, height, width, 2)."""
        made = self.flow(_film(video, crops.values[[0, *rows.tolist()]], crops.fps))
        wanted = (len(rows), *crops.values.shape[1:])
        if made.values.shape[:-1] != wanted or made.values.shape[-1] < 2 or made.values.dtype.kind != "f":
            raise DataError(
                f"evm_flow: flow made {made.values.dtype} {made.values.shape} where {wanted} pairs of px are wanted",
                hint="use an extractor of flow in px, such as `{use: tvl1, pairs: first}`, without size, fps or uint8",
            )
        vectors = made.values[..., :2].astype(np.float32)
        facts["flow"] = dict(made.facts)
        facts["beyond"] = round(float(np.mean(np.abs(vectors) > self.bound)), 5)
        return to_bytes(vectors, self.bound)


def sampled(n: int, frames: int) -> NDArray[np.int64]:
    """Frames at equal steps from the second to the last of `n`, halves up, none twice: (at most `frames`,) int64."""
    return np.array([0]) if n == 1 else np.unique(sampling.between(1, n - 1, frames))


def to_bytes(vectors: NDArray[np.float32], bound: float) -> Pictures:
    """Motion in px, clipped to [-bound, bound], as bytes 1 to 255: 128 + 127 times the root of |px| / bound, signed."""
    roots = np.sqrt(np.minimum(np.abs(vectors) / bound, 1)) * np.sign(vectors)
    return (np.rint(roots * STEPS) + STILL).astype(np.uint8)


def _film(video: Video, pictures: Pictures, fps: float) -> Video:
    """The clip with crops as its frames, as the next extractor sees it: without labels, landmarks or what was cut."""
    return replace(video, fps=fps, frames=Crops(pictures), expressions=(), landmarks=None)
