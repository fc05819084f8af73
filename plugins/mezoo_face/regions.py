"""Where regions of interest lie: patches around landmarks, rectangles, polygons of landmarks, and two named sets.

Coordinates are pixel centres: landmark (3.0, 5.0) is the middle of column 3, row 5 (0-based).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mezoo import DataError
from mezoo_face.geometry import Points, lab_box

Flow = NDArray[np.float32]
Mask = NDArray[np.bool_]
Boxes = NDArray[np.int64]
Vertex = tuple[tuple[int, float], ...]
"""A point as landmarks and their weights, which sum to 1; a negative weight goes beyond the other landmark."""

FORMS = """give auwgcn12, mdmo36, or a list of {landmark: 18, radius: 5}, {rectangle: [0.1, 0, 0.5, 0.3], unit: face}
and {polygon: [17, 19, [36, 39]]} with landmarks 0 to 67"""


@dataclass(frozen=True, slots=True)
class Patch:
    """Square of 2 * radius + 1 px a side, centred on a landmark (0 to 67) rounded to its pixel."""

    landmark: int
    radius: int = 5


@dataclass(frozen=True, slots=True)
class Rectangle:
    """Pixels with left <= x < right and top <= y < bottom; in px, or in fractions of the face box of `lab_box`."""

    left: float
    top: float
    right: float
    bottom: float
    unit: Literal["face", "pixels"] = "face"


@dataclass(frozen=True, slots=True)
class Polygon:
    """Pixels whose centre lies inside, by the even-odd rule; polygons that share an edge share no pixel."""

    vertices: tuple[Vertex, ...]


@dataclass(frozen=True, slots=True)
class NoseBox:
    """Box around landmarks 29 and 30, `share` of half the distance of the inner eye corners (39, 42) wider all round.

    The margin is cut to whole pixels. AUW-GCN takes the head's motion from it.
    """

    share: float = 0.35


Region = Patch | Rectangle | Polygon | NoseBox

AUWGCN12: tuple[Region, ...] = tuple(Patch(k) for k in (18, 19, 20, 23, 24, 25, 28, 30, 48, 51, 54, 57))
"""Nodes 0 to 11 of AUW-GCN (Yin et al., ICME 2023): brows, nose, lips; 11 x 11 px each."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Flow inside regions: `vectors` (n, 2) float32, and for each the place of its owner in (frames, regions).

    `owners` (n,) int64 are row-major places in an array of `shape` (frames, regions), ascending.
    """

    vectors: Flow
    owners: NDArray[np.int64]
    shape: tuple[int, int]

    @property
    def empty(self) -> int:
        """How many regions of how many frames have no vector at all."""
        return self.shape[0] * self.shape[1] - len(np.unique(self.owners))

    def minus(self, motion: Flow) -> "Cut":
        """The same with one vector a frame, (frames, 2) float32, taken off."""
        return replace(self, vectors=self.vectors - motion[self.owners // self.shape[1]])


@dataclass(frozen=True, slots=True)
class Placed:
    """Regions in frames.

    `boxes` is (frames, regions, 4) int64: left, top, right, bottom in px, the last two not included, inside the image.
    `corners` is (frames, polygons, vertices, 2) float64 px of the regions numbered `polygons`. `beyond` is (frames,
    regions) bool: the region reaches out of the image.
    """

    boxes: Boxes
    corners: Points
    polygons: tuple[int, ...]
    beyond: Mask

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of the window that holds the largest region, px."""
        widest = (self.boxes[..., 2:] - self.boxes[..., :2]).max((0, 1), initial=1)
        return int(widest[1]), int(widest[0])

    def outlines(self, row: int) -> list[Points]:
        """Corners (n, 2) px, x before y, of every region in one frame; a box is drawn around its outermost pixels."""
        drawn = [np.array([[a, b], [c, b], [c, d], [a, d]]) - 0.5 for a, b, c, d in self.boxes[row].tolist()]
        for region, corners in zip(self.polygons, self.corners[row], strict=True):
            drawn[region] = corners
        return drawn

    def rows(self, start: int, stop: int) -> "Placed":
        """The same regions in frames start to stop, the last not included."""
        part = slice(start, stop)
        return replace(self, boxes=self.boxes[part], corners=self.corners[part], beyond=self.beyond[part])

    def cut(self, flow: Flow) -> Cut:
        """The vectors of flow (frames, height, width, 2) float32 that lie in the regions."""
        rows, columns = self.size
        left, top, right, bottom = np.moveaxis(self.boxes, -1, 0)[..., None]
        x, y = left + np.arange(columns), top + np.arange(rows)
        inside = (y < bottom)[..., :, None] & (x < right)[..., None, :]
        if self.polygons:
            some = list(self.polygons)
            inside[:, some] &= _even_odd(self.corners, x[:, some], y[:, some])
        height, width = flow.shape[1:3]
        frame = np.arange(len(self.boxes))[:, None, None, None]
        where = ((frame * height + y[..., :, None]) * width + x[..., None, :])[inside]
        # One complex number a vector: half the work of gathering pairs of floats.
        pairs = np.ascontiguousarray(flow, dtype=np.float32).view(np.complex64).reshape(-1)
        counts = inside.sum((-2, -1)).reshape(-1)
        owners = np.repeat(np.arange(len(counts)), counts)
        return Cut(pairs[where].view(np.float32).reshape(-1, 2), owners, inside.shape[:2])


def place(regions: Sequence[Region], points: Points, shape: tuple[int, int]) -> Placed:
    """Regions where the landmarks (frames, 68, 2) px put them, clipped to an image of `shape` (height, width).

    A region wholly outside the image, or without a pixel, keeps none.
    """
    polygons = {at: region for at, region in enumerate(regions) if isinstance(region, Polygon)}
    corners = np.einsum("pvk,fkc->pfvc", _weights([*polygons.values()]), points)
    hulls = {at: _hull(outline) for at, outline in zip(polygons, corners, strict=True)}
    others = {at: _box(region, points) for at, region in enumerate(regions) if not isinstance(region, Polygon)}
    boxes = np.stack([box for _, box in sorted((hulls | others).items())], axis=1)
    clipped = np.clip(boxes, 0, np.tile([shape[1], shape[0]], 2))
    return Placed(clipped, np.moveaxis(corners, 1, 0), tuple(polygons), (clipped != boxes).any(-1))


def _hull(corners: Points) -> Boxes:
    """Pixels that polygons (frames, vertices, 2) may hold: (frames, 4) int64, as in `Placed`, not clipped."""
    return np.concatenate([np.ceil(corners.min(1)), np.floor(corners.max(1)) + 1], axis=-1).astype(np.int64)


def _box(region: Patch | Rectangle | NoseBox, points: Points) -> Boxes:
    """(frames, 4) int64, as in `Placed`, not clipped."""
    match region:
        case Patch(landmark, radius):
            centre = np.rint(points[:, landmark])
            box = np.concatenate([centre - radius, centre + radius + 1], axis=-1)
        case NoseBox(share):
            whole = np.rint(points[:, [29, 30, 39, 42]])
            margin = np.trunc((whole[:, 3, :1] - whole[:, 2, :1]) / 2 * share)
            box = np.concatenate([whole[:, :2].min(1) - margin, whole[:, :2].max(1) + margin + 1], axis=-1)
        case Rectangle():
            ends = np.array([region.left, region.top, region.right, region.bottom])
            face = lab_box(points)
            origin, size = np.tile(face[:, :2], 2), np.tile(face[:, 2:] - face[:, :2], 2)
            box = np.ceil(origin + ends * size if region.unit == "face" else np.tile(ends, (len(points), 1)))
    return box.astype(np.int64)


def _weights(polygons: Sequence[Polygon]) -> Points:
    """(polygons, vertices, 68) weights of the landmarks; short polygons repeat their last vertex, to no effect."""
    most = max((len(p.vertices) for p in polygons), default=0)
    weights = np.zeros((len(polygons), most, 68))
    for p, polygon in enumerate(polygons):
        for v in range(most):
            for landmark, weight in polygon.vertices[min(v, len(polygon.vertices) - 1)]:
                weights[p, v, landmark] += weight
    return weights


def _even_odd(corners: Points, x: Boxes, y: Boxes) -> Mask:
    """What is inside: corners (f, p, vertices, 2), x (f, p, columns), y (f, p, rows) -> (f, p, rows, columns).

    A pixel is inside when an odd number of edges crosses its row at or left of it. Edges hold their upper end only.
    """
    ahead = np.roll(corners, -1, axis=2)
    # Downwards, whichever polygon asks: both neighbours of an edge must compute the same crossing.
    flip = (ahead[..., 1] < corners[..., 1])[..., None]
    upper, lower = np.where(flip, ahead, corners), np.where(flip, corners, ahead)
    row = y[..., None, :].astype(np.float64)
    spans = (upper[..., 1:] <= row) & (row < lower[..., 1:])
    drop = lower - upper
    slope = np.divide(drop[..., 0], drop[..., 1], out=np.zeros_like(drop[..., 0]), where=drop[..., 1] > 0)
    crossing = upper[..., :1] + (row - upper[..., 1:]) * slope[..., None]
    first = np.clip(np.ceil(crossing) - x[..., None, :1], 0, x.shape[-1]).astype(np.int64)
    toggles = np.zeros((*y.shape, x.shape[-1] + 1), dtype=np.int8)
    f, p, _, r = np.nonzero(spans)
    np.add.at(toggles, (f, p, r, first[spans]), 1)
    return (np.cumsum(toggles[..., :-1], axis=-1, dtype=np.int8) & 1).astype(np.bool_)


def parse(given: str | Sequence[Mapping[str, Any]]) -> tuple[Region, ...]:
    """Regions from a set's name or from a list as in a recipe (see FORMS). Raises DataError for anything else."""
    if isinstance(given, str):
        if given not in NAMED:
            raise DataError(f"no set of regions is called {given!r}", hint=FORMS)
        return NAMED[given]()
    try:
        regions = tuple(_region(dict(entry)) for entry in given)
    except (TypeError, ValueError, KeyError) as error:
        raise DataError(f"regions {given!r} cannot be read: {error}", hint=FORMS) from error
    if regions:
        return regions
    raise DataError("there is no region in the list", hint=FORMS)


def _region(entry: dict[str, Any]) -> Region:
    kind = next((k for k in ("landmark", "rectangle", "polygon") if k in entry), "landmark")
    value = entry.pop(kind)
    region: Region
    if kind == "landmark":
        region, sound = Patch(_landmark(value), **entry), entry.get("radius", 0) >= 0
    elif kind == "rectangle":
        left, top, right, bottom = (float(v) for v in value)
        region = Rectangle(left, top, right, bottom, **entry)
        sound = left < right and top < bottom and region.unit in ("face", "pixels")
    else:
        region = Polygon(tuple(_vertex(v) for v in value), **entry)
        sound = len(region.vertices) > 2 and all(region.vertices)
    if not sound:
        raise ValueError(f"{kind} {value} {entry or ''} holds nothing")
    return region


def _vertex(given: Any) -> Vertex:
    """A landmark, or a list of landmarks for the point in their middle."""
    several = [given] if isinstance(given, int) else list(given)
    return tuple((_landmark(k), 1 / len(several)) for k in several)


def _landmark(given: Any) -> int:
    if not isinstance(given, int) or not 0 <= given < 68:
        raise ValueError(f"{given!r} is no landmark")
    return given


def mdmo36() -> tuple[Region, ...]:
    """36 polygons that tile the face but for the eyes, as MDMO needs them: 18 on the image's left, then their mirror.

    Liu et al., "A Main Directional Mean Optical Flow Feature for Spontaneous Micro-Expression Recognition", IEEE TAFFC
    7(4), 2016: 36 regions, found from 66 landmarks, drawn partly after action units. Their outlines are not in the
    text; these are [inferred]. Only points 0 to 59 are used, which 66- and 68-point schemes share. In order: forehead
    outer, inner; lid to brow outer, inner (with the nose's root); temple; below the eye outer, inner; nose side, wing;
    cheek upper outer, inner, lower outer, inner (nasolabial); above the lip; upper lip; lower lip; chin; jaw. The
    forehead reaches as far above the brows as these lie above the eyes.
    """
    half = _image_left()
    mirrored = [tuple(tuple((_twin(k), weight) for k, weight in vertex) for vertex in outline) for outline in half]
    return tuple(Polygon(outline) for outline in (*half, *mirrored))


def _image_left() -> list[tuple[Vertex, ...]]:
    brow: Vertex = ((21, 0.5), (22, 0.5))
    hair_out: Vertex = ((17, 1.0), (18, 1.0), (37, -1.0))
    hair, hair_in = (((point, 2.0), (eye, -1.0)) for point, eye in ((19, 37), (21, 39)))
    hair_mid: Vertex = ((21, 1.0), (39, -0.5), (22, 1.0), (42, -0.5))
    lid, lid_in = (((1, t / 3), (29, 1 - t / 3)) for t in (2, 1))
    wing, wing_in = (((2, t / 3), (31, 1 - t / 3)) for t in (2, 1))
    fold, lips = ((4, 0.5), (48, 0.5)), ((51, 0.5), (57, 0.5))
    outlines: tuple[tuple[Vertex | int, ...], ...] = (
        (hair_out, hair, 19, 18, 17),
        (hair, hair_in, hair_mid, brow, 21, 20, 19),
        (17, 18, 19, 37, 36),
        (19, 20, 21, 39, 38, 37),
        (0, 17, 36, 1),
        (1, 36, 41, lid),
        (lid, 41, 40, 39, lid_in),
        (39, 21, brow, 27, 28, 29, lid_in),
        (lid_in, 29, 30, 33, 32, 31, wing_in),
        (1, lid, wing, 2),
        (lid, lid_in, wing_in, wing),
        (2, wing, fold, 4, 3),
        (wing, wing_in, 31, 48, fold),
        (31, 32, 33, 51, 50, 49, 48),
        (48, 49, 50, 51, lips),
        (48, lips, 57, 58, 59),
        (59, 58, 57, 8, 7, 6),
        (4, fold, 48, 59, 6, 5),
    )
    return [tuple(((v, 1.0),) if isinstance(v, int) else v for v in outline) for outline in outlines]


def _twin(landmark: int) -> int:
    """The landmark of the other half of the face; 27 to 30 are their own."""
    sums = ((17, 16), (27, 43), (31, 0), (36, 66), (40, 81), (42, 87), (46, 81), (48, 87), (55, 102), (60, 114))
    total = next(total for end, total in sums if landmark < end)
    return total - landmark if total else landmark


NAMED: Mapping[str, Callable[[], tuple[Region, ...]]] = {"auwgcn12": lambda: AUWGCN12, "mdmo36": mdmo36}
"""The sets that a recipe can name."""
