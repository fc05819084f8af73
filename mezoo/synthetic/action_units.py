"""How each action unit (AU) moves the skin: one smooth field of displacement, anchored at the face's landmarks.

A field is (rows, columns, 3) float32 over a `Lattice`: displacement in x and y with a peak length of one, and the
shadow that it throws, as the share of light lost for each face unit of movement. Directions follow the FACS manual
(Ekman, Friesen, Hager 2002): y points down, side "L" is the subject's left, at x > 0 in the image.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mezoo.errors import DataError
from mezoo.synthetic.face import Array, Eye, Face, Reals

_LEFT, _TOP, _RIGHT, _BOTTOM = -150.0, -130.0, 150.0, 262.0


@dataclass(frozen=True, slots=True)
class Lattice:
    """Grid on which motion is summed: `step` face units between samples, the first at (-150, -130)."""

    step: float

    @property
    def x(self) -> Array:
        """(1, columns) float32, face units."""
        return np.arange(_LEFT, _RIGHT, self.step, dtype=np.float32)[None]

    @property
    def y(self) -> Array:
        """(rows, 1) float32, face units."""
        return np.arange(_TOP, _BOTTOM, self.step, dtype=np.float32)[:, None]

    def index(self, points: Reals) -> Array:
        """Face units (n, 2) -> lattice columns and rows (n, 2)."""
        return ((points - [_LEFT, _TOP]) / self.step).astype(np.float32)

    def affine(self) -> NDArray[np.float64]:
        """(3, 3): homogeneous face units -> lattice columns and rows."""
        return np.array([[1 / self.step, 0, -_LEFT / self.step], [0, 1 / self.step, -_TOP / self.step], [0, 0, 1]])


@dataclass(frozen=True, slots=True)
class _Side:
    """Anchors of one half of a face; `s` is +1 for x > 0 (the subject's left)."""

    s: int
    eye: Eye
    brow: Array
    """(5, 2) from the inner to the outer end."""
    wing: Array
    corner: Array


@dataclass(frozen=True, slots=True)
class _Push:
    """A Gaussian push: where, how far it reaches (sideways, up, down), and which way."""

    x: float
    y: float
    wide: float
    up: float
    down: float
    dx: float
    dy: float

    def over(self, lattice: Lattice) -> Array:
        y = lattice.y - np.float32(self.y)
        bell = np.exp(-0.5 * (y / np.where(y < 0, self.up, self.down)) ** 2) * np.exp(
            -0.5 * ((lattice.x - self.x) / self.wide) ** 2
        )
        return np.stack([self.dx * bell, self.dy * bell], axis=2).astype(np.float32)


@dataclass(frozen=True, slots=True)
class _Shadow:
    """A soft dark spot: centre, reach, share of light lost for each face unit of movement."""

    x: float
    y: float
    wide: float
    high: float
    depth: float

    def over(self, lattice: Lattice) -> Array:
        rows = np.exp(-0.5 * ((lattice.y - self.y) / self.high) ** 2)
        return (self.depth * rows * np.exp(-0.5 * ((lattice.x - self.x) / self.wide) ** 2)).astype(np.float32)


_Part = _Push | _Shadow


@lru_cache(maxsize=48)
def basis(face: Face, au: int, side: str, step: float) -> Array:
    """Field of one AU on `Lattice(step)`, (rows, columns, 3) float32, peak displacement one; side "", "L" or "R".

    Raises DataError for an AU or a side that is not drawn.
    """
    if au not in ACTION_UNITS or side not in ("", "L", "R"):
        known = ", ".join(map(str, sorted(ACTION_UNITS)))
        raise DataError(
            f"no motion is known for AU {au} on side {side!r}; AUs: {known}; sides: '', 'L', 'R'",
            hint="choose one of these, or leave it out of the script",
        )
    lattice = Lattice(step)
    sides = [half for half in _halves(face) if side in ("", "L" if half.s > 0 else "R")]
    field = np.zeros((lattice.y.size, lattice.x.size, 3), dtype=np.float32)
    if au in LIDS:
        for half in sides:
            field[..., 1:] += _closure(half.eye, lattice)
    for part in _parts(face, au, sides):
        if isinstance(part, _Push):
            field[..., :2] += part.over(lattice)
        else:
            field[..., 2] += part.over(lattice)
    if au in _AT_SEAM:
        field[..., :2] *= _AT_SEAM[au](face, lattice)[..., None]
    field[..., :2] /= np.hypot(field[..., 0], field[..., 1]).max()
    return field * _taper(lattice)[..., None]


def lid_travel(face: Face) -> float:
    """How far the upper lids move from rest until the eyes are closed, face units."""
    across = [eye.x + eye.half * np.linspace(-1, 1, 101) for eye in face.eyes]
    return max(float((eye.lower(x) - eye.upper(x)).max()) for eye, x in zip(face.eyes, across, strict=True))


def _parts(face: Face, au: int, sides: list[_Side]) -> list[_Part]:
    parts = [part for half in sides for part in _PAIRED[au](half)] if au in _PAIRED else []
    return parts + (_CENTRAL[au](face) if au in _CENTRAL else [])


def _halves(face: Face) -> tuple[_Side, _Side]:
    p = face.landmarks
    return (_Side(-1, face.eyes[0], p[21:16:-1], p[31], p[48]), _Side(1, face.eyes[1], p[22:27], p[35], p[54]))


def _taper(lattice: Lattice) -> Array:
    x = np.clip(np.minimum(lattice.x - _LEFT - 2 * lattice.step, _RIGHT - 3 * lattice.step - lattice.x) / 20, 0, 1)
    y = np.clip(np.minimum(lattice.y - _TOP - 2 * lattice.step, _BOTTOM - 3 * lattice.step - lattice.y) / 20, 0, 1)
    return np.asarray(x * y, dtype=np.float32)


# ---------------------------------------------------------------------------------------------------- upper face


def _inner_brow(h: _Side) -> list[_Part]:
    x, y = h.brow[0] * 0.8 + h.brow[1] * 0.2
    return [
        _Push(x, y, 22, 34, 11, 0, -1),
        _Shadow(h.s * 16, y - 34, 24, 4, 0.010),
        _Shadow(h.s * 16, y - 52, 24, 4, 0.008),
    ]


def _outer_brow(h: _Side) -> list[_Part]:
    x, y = h.brow[3] * 0.7 + h.brow[2] * 0.3
    return [_Push(x, y, 25, 34, 11, 0, -1), _Shadow(x, y - 30, 24, 4, 0.008)]


def _lower_brow(h: _Side) -> list[_Part]:
    x, y = h.brow[0] * 0.55 + h.brow[1] * 0.45
    furrow = _Shadow(h.s * 8, y - 2, 3.0, 10, 0.016)
    return [
        _Push(x, y, 27, 26, 12, -h.s * 0.62, 0.8),
        _Push(h.brow[3, 0], h.brow[3, 1], 22, 20, 10, 0, 0.35),
        furrow,
        _Shadow(x, y + 14, 22, 5, 0.012),
    ]


def _raise_lid(h: _Side) -> list[_Part]:
    return [_Push(h.eye.x, h.eye.y - h.eye.up, 0.55 * h.eye.half, 11, 10, 0, -1)]


def _raise_cheek(h: _Side) -> list[_Part]:
    x, y = h.eye.x + h.s * 10, h.eye.y + 40
    return [
        _Push(x, y, 30, 20, 30, -h.s * 0.15, -1),
        _Shadow(h.eye.x, h.eye.y + 16, 17, 4, 0.012),
        _Shadow(h.eye.x + h.s * 40, h.eye.y + 1, 6, 2.2, 0.012),
        _Shadow(h.eye.x + h.s * 39, h.eye.y + 8, 6, 2.2, 0.010),
    ]


def _tighten_lids(h: _Side) -> list[_Part]:
    reach = 0.6 * h.eye.half
    return [
        _Push(h.eye.x, h.eye.y + h.eye.low + 1, reach, 6, 15, 0, -1),
        _Push(h.eye.x, h.eye.y - h.eye.up - 1, reach, 14, 7, 0, 0.75),
        _Shadow(h.eye.x, h.eye.y + h.eye.low + 7, 18, 2.4, 0.016),
    ]


def _closure(eye: Eye, lattice: Lattice) -> Array:
    """Upper lid drawn down to the lower lid: the skin above stretches, the opening shrinks to a line of lashes.

    (rows, columns, 2): displacement down, and the shadow of the lashes.
    """
    x, y = lattice.x, lattice.y
    inside = np.abs(x - eye.x) < eye.half
    upper, lower = eye.upper(x), eye.lower(x)
    height = np.where(inside, lower - upper, 0)
    line = np.minimum(max(2.4, 1.5 * lattice.step), 0.5 * height + 1e-3)
    rise = np.clip((y - upper + 15) / (15 + height - line), 0, 1)
    fall = np.clip((lower - y) / line, 0, 1)
    lashes = 0.04 * np.exp(-0.5 * ((lower - 0.5 * line - y) / 2.0) ** 2) * (height > 2)
    return np.stack([height * np.minimum(rise, fall), lashes], axis=2).astype(np.float32)


# ---------------------------------------------------------------------------------------------------- lower face


def _wrinkle_nose(h: _Side) -> list[_Part]:
    x, y = h.wing[0] - h.s * 4, h.wing[1] - 8
    return [
        _Push(x, y, 15, 30, 17, h.s * 0.12, -1),
        _Push(h.brow[0, 0], h.brow[0, 1], 18, 18, 11, -h.s * 0.2, 0.4),
        _Shadow(h.s * 12, 8, 3.5, 9, 0.020),
        _Shadow(h.s * 5, -6, 8, 2.4, 0.018),
        _Shadow(h.wing[0] + h.s * 8, y, 4, 14, 0.014),
    ]


def _raise_lip(h: _Side) -> list[_Part]:
    x, y = 0.42 * h.corner[0], h.corner[1] - 9
    return [_Push(x, y, 17, 24, 12, h.s * 0.12, -1), _Shadow(h.wing[0] + h.s * 11, h.wing[1] + 6, 4.5, 13, 0.018)]


def _pull_corner(h: _Side) -> list[_Part]:
    x, y = h.corner
    return [
        _Push(x, y, 19, 26, 17, h.s * 0.8, -0.74),
        _Push(x + h.s * 20, y - 46, 26, 24, 24, h.s * 0.12, -0.5),
        _Shadow(x - h.s * 6, y - 30, 6, 11, 0.009),
        _Shadow(x + h.s * 5, y - 15, 6, 12, 0.010),
        _Shadow(x + h.s * 8, y - 4, 5, 6, 0.010),
    ]


def _dimple(h: _Side) -> list[_Part]:
    x, y = h.corner
    return [_Push(x, y, 15, 17, 17, -h.s, -0.12), _Shadow(x + h.s * 6, y, 4.5, 8, 0.018)]


def _lower_corner(h: _Side) -> list[_Part]:
    x, y = h.corner
    return [_Push(x, y, 17, 13, 24, h.s * 0.12, 1), _Shadow(x + h.s * 3, y + 13, 5, 8, 0.014)]


def _stretch_lips(h: _Side) -> list[_Part]:
    x, y = h.corner
    return [_Push(x, y, 22, 20, 20, h.s, 0.14), _Shadow(x + h.s * 10, y + 2, 4, 12, 0.012)]


def _pucker(h: _Side) -> list[_Part]:
    x, y = h.corner
    return [_Push(0.8 * x, y, 22, 15, 15, -h.s, 0)]


def _raise_chin(face: Face) -> list[_Part]:
    y = float(face.landmarks[57, 1])
    return [
        _Push(0, y + 22, 27, 26, 26, 0, -1),
        _Shadow(0, y + 7, 22, 4, 0.020),
        _Shadow(-9, y + 30, 5, 5, 0.008),
        _Shadow(8, y + 33, 5, 5, 0.008),
    ]


def _press_lips(face: Face) -> list[_Part]:
    p = face.landmarks
    seam, reach = float(p[62, 1]), 0.42 * float(p[54, 0] - p[48, 0])
    return [
        _Push(0, seam - 10, reach, 9, 7, 0, 0.9),
        _Push(0, seam + 12, reach, 8, 11, 0, -1),
        _Shadow(0, seam, 26, 2, 0.02),
    ]


def _tighten_lips(face: Face) -> list[_Part]:
    x = float(face.landmarks[54, 0])
    return [
        *_press_lips(face),
        _Push(-0.7 * x, float(face.landmarks[48, 1]), 18, 12, 12, 0.45, 0),
        _Push(0.7 * x, float(face.landmarks[54, 1]), 18, 12, 12, -0.45, 0),
    ]


def _part_lips(face: Face) -> list[_Part]:
    p = face.landmarks
    seam, reach = float(p[62, 1]), 0.27 * float(p[54, 0] - p[48, 0])
    return [_Push(0, seam, reach, 20, 30, 0, 1), _Shadow(0, seam + 2, reach * 0.9, 2.6, 0.07)]


def _drop_jaw(face: Face) -> list[_Part]:
    p = face.landmarks
    seam = float(p[62, 1])
    return [_Push(0, (seam + float(p[8, 1])) / 2, 52, 70, 62, 0, 1), _Shadow(0, seam + 3, 18, 3, 0.045)]


def _below_seam(face: Face, lattice: Lattice) -> Array:
    """One under the line between the lips and nothing above it, over a width that still lets it stretch."""
    return np.clip((lattice.y - face.landmarks[62, 1] + 8) / 19, 0, 1).astype(np.float32)


def _around_seam(face: Face, lattice: Lattice) -> Array:
    """The same, with the upper lip moving the other way by a third."""
    return (1.06 * _below_seam(face, lattice) - 0.26).astype(np.float32)


_PAIRED: dict[int, Callable[[_Side], list[_Part]]] = {
    1: _inner_brow, 2: _outer_brow, 4: _lower_brow, 5: _raise_lid, 6: _raise_cheek, 7: _tighten_lids, 9: _wrinkle_nose,
    10: _raise_lip, 12: _pull_corner, 14: _dimple, 15: _lower_corner, 18: _pucker, 20: _stretch_lips,
}  # fmt: skip
_CENTRAL: dict[int, Callable[[Face], list[_Part]]] = {
    17: _raise_chin, 23: _tighten_lips, 24: _press_lips, 25: _part_lips, 26: _drop_jaw,
}  # fmt: skip
_AT_SEAM: dict[int, Callable[[Face, Lattice], Array]] = {25: _around_seam, 26: _below_seam}
LIDS = frozenset({43, 45})
"""AUs that close the eyes: 43 stays closed, 45 is a blink; both move alike."""
ONE_SIDED = frozenset(_PAIRED) | LIDS
"""AUs that can happen on one side of the face only."""
ACTION_UNITS = ONE_SIDED | frozenset(_CENTRAL)
"""Every AU that has a motion."""
