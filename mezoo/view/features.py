"""What a feature looks like: told apart by shape and dtype, made into pictures, curves and words."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mezoo.errors import DataError
from mezoo.records import Features
from mezoo.view.colours import Picture, flow_colours, heat
from mezoo.view.drawing import picture, thumbnail

Look = Literal["pictures", "flow", "maps", "landmarks", "regions", "table", "other"]
WORDS: Mapping[Look, str] = {
    "pictures": "pictures",
    "flow": "flow, two numbers a pixel",
    "maps": "one number a pixel",
    "landmarks": "68 landmarks",
    "regions": "a few numbers for each region",
    "table": "one list of numbers a row",
    "other": "a form that has no picture here",
}
LOOKED_AT = 64
"""Rows that a scale is taken from, spread over the video."""
ROBUST = 99.5
"""Percentile of the absolute values that is the end of a scale."""
_SMALLEST_PICTURE = 8
_MOST_CHANNELS = 4


@dataclass(frozen=True, slots=True)
class Layer:
    """A picture that stands under a frame: its name, and what its colours mean in words."""

    name: str
    image: Picture
    tip: str


@dataclass(frozen=True, slots=True)
class Curve:
    """Numbers over time: `values` (rows, lines) float32, a row at frame `positions`; a name for each line."""

    title: str
    unit: str
    values: NDArray[np.float32]
    positions: NDArray[np.int64]
    names: tuple[str, ...]
    limits: tuple[float, float]


def look_of(features: Features) -> Look:
    """What the values are, by their facts where those speak, else by shape and dtype.

    (rows, H, W) or (rows, H, W, 1 or 3) uint8: pictures; (rows, H, W, 2 or more): flow; (rows, H, W) of other types:
    maps; (rows, 68, 2): landmarks; (rows, R, up to 4): regions; (rows,) and (rows, D): table.
    """
    values, shape = features.values, features.values.shape
    if len(shape) == 4:
        named = tuple(features.facts.get("channels") or ())[:2] == ("u", "v")
        pixels = values.dtype == np.uint8 or features.facts.get("unit") == "grey levels"
        if pixels and not named and shape[-1] in {1, 3}:
            return "pictures"
        return "flow" if shape[-1] >= 2 else "maps"
    if len(shape) == 3:
        if shape[1:] == (68, 2):
            return "landmarks"
        if shape[-1] <= _MOST_CHANNELS:
            return "regions"
        if values.dtype == np.uint8 or features.facts.get("unit") == "grey levels":
            return "pictures"
        return "maps" if min(shape[1:]) >= _SMALLEST_PICTURE else "table"
    return "table" if len(shape) in {1, 2} else "other"


def inner(values: NDArray[Any]) -> NDArray[Any]:
    """Pictures (rows, height, width, ...) without a twentieth at each side, where flow is at its worst."""
    top, left = values.shape[1] // 20, values.shape[2] // 20
    return values[:, top : values.shape[1] - top, left : values.shape[2] - left]


def end_of_scale(values: NDArray[Any]) -> float:
    """The 99.5th percentile of the finite absolute values: what a few wild pixels cannot move; 1 if all are zero."""
    sizes = np.abs(values[np.isfinite(values)].astype(np.float64))
    end = float(np.percentile(sizes, ROBUST)) if sizes.size else 0.0
    return end if end > 0 else 1.0


@dataclass(frozen=True)
class Seen:
    """A named feature of one video, ready to be looked at; scales are found once and hold for the whole video.

    Raises DataError if the rows do not fit a video of `n_frames` frames.
    """

    name: str
    features: Features
    n_frames: int

    def __post_init__(self) -> None:
        f = self.features
        if f.n_frames != self.n_frames or len(f.positions) != len(f):
            raise DataError(
                f"view: the feature {self.name} has {len(f)} rows of {f.n_frames} frames, "
                f"the video has {self.n_frames} frames",
                hint="extract the feature from this video again",
            )

    @cached_property
    def look(self) -> Look:
        """What the values are; a feature without rows has no look."""
        return look_of(self.features) if len(self.features) else "other"

    @cached_property
    def channels(self) -> tuple[str, ...]:
        """Names of what lies behind u and v."""
        named = tuple(str(c) for c in self.features.facts.get("channels") or ())[2:]
        count = self.features.values.shape[-1] - 2
        return named if len(named) == count else tuple(f"channel {i + 3}" for i in range(count))

    @cached_property
    def unit(self) -> str:
        """The unit that the facts give, or ""."""
        return str(self.features.facts.get("unit") or "")

    @cached_property
    def scales(self) -> tuple[float, ...]:
        """Ends of the colour scales: of the vectors' length and of each further channel; or of the one number."""
        rows = np.unique(np.linspace(0, len(self.features) - 1, min(LOOKED_AT, len(self.features))).round().astype(int))
        if self.look == "flow":
            fields = inner(np.stack([self.field(int(r)) for r in rows]))
            lengths = end_of_scale(np.hypot(fields[..., 0], fields[..., 1]))
            return lengths, *(end_of_scale(fields[..., 2 + i]) for i in range(len(self.channels)))
        values = self.features.values[rows]
        return (end_of_scale(inner(values) if self.look == "maps" else values),)

    def field(self, row: int) -> NDArray[np.float32]:
        """One row of flow, float32: bytes of [-bound, bound] px (the facts tell bound) are turned back into px."""
        values = self.features.values[row].astype(np.float32)
        if self.features.values.dtype == np.uint8:
            bound = float(self.features.facts.get("bound", 10.0))
            values[..., :2] = values[..., :2] * (2 * bound / 255) - bound
        return values

    def row(self, frame: int) -> int:
        """The row nearest to a frame, the earlier of two."""
        return int(np.abs(self.features.positions - frame).argmin())

    def landmarks(self, frame: int) -> NDArray[np.float32] | None:
        """Landmarks (68, 2) nearest to a frame, if that is what the feature is."""
        return self.features.values[self.row(frame)].astype(np.float32) if self.look == "landmarks" else None

    def layers(self, frame: int, side: int) -> tuple[Layer, ...]:
        """Pictures of the row nearest to a frame, the longer side at most `side` px."""
        if self.look not in {"pictures", "flow", "maps"}:
            return ()
        row = self.row(frame)
        at = int(self.features.positions[row])
        where = "" if at == frame else f"row of frame {at}"
        if self.look == "pictures":
            values = np.clip(np.rint(self.features.values[row].astype(np.float32)), 0, 255).astype(np.uint8)
            return (Layer(self.name, thumbnail(picture(values), side), where),)
        if self.look == "maps":
            values = self.features.values[row].reshape(self.features.values.shape[1:3]).astype(np.float32)
            return (Layer(self.name, thumbnail(heat(np.abs(values), 0, self.scales[0]), side), where),)
        field = self.field(row)
        wheel = Layer("flow", thumbnail(flow_colours(field[..., :2], self.scales[0]), side), where)
        return wheel, *(self._channel(field, i, side, where) for i in range(len(self.channels)))

    def _channel(self, field: NDArray[np.float32], i: int, side: int, where: str) -> Layer:
        name, values = self.channels[i], field[..., 2 + i]
        if name == "grey":
            return Layer(name, thumbnail(picture(np.clip(values, 0, 255).astype(np.uint8)), side), where)
        return Layer(name, thumbnail(heat(np.abs(values), 0, self.scales[1 + i]), side), where)

    @cached_property
    def motion(self) -> NDArray[np.float32] | None:
        """Mean over the picture of the length and of each further channel, (rows, 1 + channels); None unless flow."""
        if self.look != "flow":
            return None
        sums: list[list[float]] = []
        for row in range(len(self.features)):
            field = np.nan_to_num(self.field(row))
            means = [float(field[..., 2 + i].mean()) for i in range(len(self.channels))]
            sums.append([float(np.hypot(field[..., 0], field[..., 1]).mean()), *means])
        return np.array(sums, dtype=np.float32)

    def fastest(self, onset: int, offset: int) -> int | None:
        """The frame of the row with the longest mean vector between two frames (both included); None unless flow."""
        if self.motion is None:
            return None
        inside = np.flatnonzero((self.features.positions >= onset) & (self.features.positions <= offset))
        if not len(inside):
            return None
        return int(self.features.positions[inside[self.motion[inside, 0].argmax()]])

    @property
    def curves(self) -> tuple[Curve, ...]:
        """Numbers over time: means of flow, how far landmarks moved since the first row, or two lines a region."""
        where = self.features.positions
        if self.motion is not None:
            titles = [("mean length of the vectors", self.unit), *((f"mean {c}", "") for c in self.channels)]
            drawn = [(i, *t) for i, t in enumerate(titles) if t[0] != "mean grey"]
            return tuple(_curve(title, unit, self.motion[:, i : i + 1], where) for i, title, unit in drawn)
        values = self.features.values
        if self.look == "landmarks":
            moved = np.linalg.norm(values.astype(np.float32) - values[0].astype(np.float32), axis=-1)
            return (_curve("mean way of the landmarks since the first row", "px", moved.mean(1)[:, None], where),)
        if self.look == "regions":
            return self._regions()
        if self.look == "table" and values[0].size == 1:
            return (_curve("value", self.unit, values.reshape(-1, 1).astype(np.float32), where),)
        return ()

    def _regions(self) -> tuple[Curve, ...]:
        values = self.features.values.astype(np.float32)
        finite = values[np.isfinite(values)]
        limits = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
        told = self.features.facts.get("components", ("x", "y") if values.shape[-1] == 2 else ())
        names = (
            tuple(map(str, told))
            if len(told) == values.shape[-1]
            else tuple(f"{i + 1}" for i in range(values.shape[-1]))
        )
        parts = [np.ascontiguousarray(values[:, r]) for r in range(values.shape[1])]
        return tuple(
            Curve(f"region {r}", self.unit, part, self.features.positions, names, limits)
            for r, part in enumerate(parts)
        )


def _curve(title: str, unit: str, values: NDArray[np.float32], positions: NDArray[np.int64]) -> Curve:
    finite = values[np.isfinite(values)]
    limits = (min(0.0, float(finite.min())), float(finite.max())) if finite.size else (0.0, 1.0)
    return Curve(title, unit, values, positions, (title,), limits)
