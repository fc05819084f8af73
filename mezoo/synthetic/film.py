"""Film a face: every frame is the same painting, displaced by a known field, with fresh sensor noise."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mezoo.errors import DataError
from mezoo.synthetic.action_units import LIDS, Lattice, basis, lid_travel
from mezoo.synthetic.canvas import Canvas, edge, sample
from mezoo.synthetic.face import FACE_WIDTH, Array, Face, Reals
from mezoo.synthetic.paint import paint
from mezoo.synthetic.script import Script, activation, blink_closure

_CENTRE_Y = 26.0
_PIVOT_Y = 110.0
_MARGIN = 26.0
_FINEST = 0.55
_SECONDARY = 0.7
_MOST = 12.0
_NOISE_SLACK = 97
_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)


@dataclass(frozen=True, slots=True)
class FilmSpec:
    """The camera: image size and width of the face in px, deviation of the sensor noise in grey levels, its seed."""

    height: int
    width: int
    face_width: float
    noise: float = 1.5
    seed: int = 0
    colour: bool = False


class Film:
    """A script played by a face. Frames can be asked for in any order and are always the same.

    Raises DataError when the head motion of the script does not have one row a frame.
    """

    def __init__(self, face: Face, script: Script, spec: FilmSpec) -> None:
        if script.head.shape != (script.n_frames, 3):
            raise DataError(
                f"head motion is {script.head.shape} for {script.n_frames} frames",
                hint="give one row (dx, dy, roll) a frame",
            )
        self._face, self._script, self._spec = face, script, spec
        self._scale = spec.face_width / FACE_WIDTH
        self._lattice = Lattice(max(1.0, round(1 / self._scale * 4) / 4))
        self._plate = _plate(face, spec.height, spec.width, spec.face_width, spec.colour)
        self._doses = _doses(face, script)
        self._noise = _noise(spec) if spec.noise > 0 else None

    def __len__(self) -> int:
        return self._script.n_frames

    def frame(self, i: int) -> NDArray[np.uint8]:
        """Frame `i` (0-based): (height, width) uint8, or (height, width, 3) uint8 RGB of a colour film."""
        import cv2

        picture = self._picture(i)
        if self._noise is None:
            return np.asarray(cv2.convertScaleAbs(picture), dtype=np.uint8)
        top, left = np.random.default_rng([self._spec.seed, i]).integers(0, _NOISE_SLACK, 2)
        noise = self._noise[top : top + self._spec.height, left : left + self._spec.width]
        return np.asarray(cv2.add(picture, noise, dtype=cv2.CV_8U), dtype=np.uint8)

    def motion(self, i: int) -> Array:
        """Displacement since rest, (height, width, 2) float32 px.

        frame(i)[y, x] shows what the resting face with an unmoved head has at (x, y) - motion(i)[y, x].
        """
        if not self._moving(i):
            return np.zeros((self._spec.height, self._spec.width, 2), dtype=np.float32)
        return self._field(i)[..., :2] * np.float32(self._scale)

    def landmarks(self, i: int) -> Array:
        """The 68 iBUG points of frame `i` in the image, (68, 2) float32 px (x, y)."""
        rest = self._face.landmarks
        return ((self._moved(rest, i) - [0.0, _CENTRE_Y]) * self._scale + self._middle()).astype(np.float32)

    def _middle(self) -> NDArray[np.float64]:
        return np.array([(self._spec.width - 1) / 2, (self._spec.height - 1) / 2])

    def _picture(self, i: int) -> Array:
        if not self._moving(i):
            return self._plate.rest
        field, plate = self._field(i), self._plate
        where = (plate.grid - field[..., :2] / plate.canvas.step).astype(np.float32, copy=False)
        picture = sample(plate.source, where)
        if field.shape[2] == 3:
            light = np.clip(1 - field[..., 2], 0.2, 1.0)
            picture = picture * (light[..., None] if picture.ndim == 3 else light)
        return picture

    def _moving(self, i: int) -> bool:
        return bool(self._script.head[i].any()) or any(dose[i] for dose in self._doses.values())

    def _expression(self, i: int) -> Array | None:
        """Sum of the AUs of frame `i` over the lattice, or None while the face rests."""
        total: Array | None = None
        for (au, side), dose in self._doses.items():
            if dose[i]:
                part = basis(self._face, au, side, self._lattice.step) * dose[i]
                total = part if total is None else total + part
        return total

    def _field(self, i: int) -> Array:
        """Displacement in face units and, while the face moves, its shadow: (height, width, 2 or 3) float32."""
        import cv2

        dx, dy, roll = (float(v) for v in self._script.head[i])
        plate, total = self._plate, self._expression(i)
        across = dx * plate.held - roll * plate.held_y
        down = dy * plate.held + roll * plate.held_x
        if total is None:
            return np.stack([across, down], axis=2).astype(np.float32, copy=False)
        to_lattice = self._lattice.affine() @ _unheld(dx, dy, roll) @ self._to_face()
        size = (self._spec.width, self._spec.height)
        field = np.asarray(cv2.warpAffine(total, to_lattice[:2], size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP))
        field[..., 0] += across
        field[..., 1] += down
        return np.asarray(field, dtype=np.float32)

    def _to_face(self) -> NDArray[np.float64]:
        """(3, 3): homogeneous image px -> face units."""
        x, y = -self._middle() / self._scale
        return np.array([[1 / self._scale, 0, x], [0, 1 / self._scale, y + _CENTRE_Y], [0, 0, 1]])

    def _moved(self, rest: Array, i: int) -> NDArray[np.float64]:
        """Where points of the resting face (n, 2) are seen in frame `i`, face units: solves p - motion(p) = rest."""
        total, head = self._expression(i), self._script.head[i]
        p = rest.astype(np.float64)
        for _ in range(12):
            miss = p - self._at(p, total, head) - rest
            if np.abs(miss).max() < 1e-3:
                break
            slopes = np.stack(
                [(self._at(p + d, total, head) - self._at(p - d, total, head)) for d in np.eye(2) * 0.5], axis=2
            )
            p = p - np.clip(np.linalg.solve(np.eye(2) - slopes, miss[..., None])[..., 0], -2, 2)
        return p

    def _at(self, p: NDArray[np.float64], total: Array | None, head: Array) -> NDArray[np.float64]:
        """Displacement at points (n, 2), face units."""
        dx, dy, roll = (float(v) for v in head)
        rigid = np.stack([dx - roll * (p[:, 1] - _PIVOT_Y), dy + roll * p[:, 0]], axis=1)
        moved = rigid * _held(self._face, p[:, 0], p[:, 1])[:, None]
        if total is None:
            return moved
        where = self._lattice.index(p - rigid)[:, None]
        return moved + sample(total, where, repeat_edge=False)[:, 0, :2]


@dataclass(frozen=True)
class _Plate:
    """The painting of a face for one camera, and the parts of its motion that do not depend on the frame."""

    canvas: Canvas
    source: Array
    """(rows, columns) or (rows, columns, 3) float32, about twice as fine as the image."""
    grid: Array
    """(height, width, 2): column and row of `source` that each pixel shows at rest."""
    rest: Array
    held: Array
    """(height, width): 1 on the head, falling to 0 on the wall and the shoulders; then times x and times y."""
    held_x: Array
    held_y: Array


@lru_cache(maxsize=4)
def _plate(face: Face, height: int, width: int, face_width: float, colour: bool) -> _Plate:
    scale = face_width / FACE_WIDTH
    step = max(0.5 / scale, _FINEST)
    x = (np.arange(width) - (width - 1) / 2) / scale
    y = (np.arange(height) - (height - 1) / 2) / scale + _CENTRE_Y
    left, top = x[0] - _MARGIN, y[0] - _MARGIN
    columns, rows = (int((2 * _MARGIN + a[-1] - a[0]) / step) + 2 for a in (x, y))
    canvas = Canvas(float(left), float(top), step, columns, rows, 3 if face.colour else 1)
    source = canvas.blur(_as_filmed(paint(face, canvas), colour), 0.4 / scale)
    xs, ys = np.meshgrid(x, y)
    grid = np.stack([(xs - left) / step, (ys - top) / step], axis=2).astype(np.float32)
    rest = sample(source, grid)
    held = _held(face, xs, ys).astype(np.float32)
    return _Plate(
        canvas, source, grid, rest, held, (held * xs).astype(np.float32), (held * (ys - _PIVOT_Y)).astype(np.float32)
    )


def _as_filmed(picture: Array, colour: bool) -> Array:
    if colour:
        return np.ascontiguousarray(np.broadcast_to(picture, (*picture.shape[:2], 3)))
    return picture @ _LUMA if picture.shape[2] == 3 else picture[..., 0]


def _held(face: Face, x: Reals, y: Reals) -> Array:
    """How much a place moves with the head: 1 on it, 0 from the shoulders down and on the wall."""
    sides = 185.0 + face.look.volume
    chin = float(face.landmarks[8, 1])
    down = edge(chin + 70 - np.asarray(y, dtype=np.float32), 50)
    return (
        edge(sides - np.abs(np.asarray(x, dtype=np.float32)), 35)
        * edge(np.asarray(y, dtype=np.float32) - face.top + 60, 30)
        * down
    )


def _unheld(dx: float, dy: float, roll: float) -> NDArray[np.float64]:
    """(3, 3): a place on the moved head -> the same place on the head at rest."""
    return np.array([[1, roll, -dx - roll * _PIVOT_Y], [-roll, 1, -dy], [0, 0, 1]])


def _doses(face: Face, script: Script) -> dict[tuple[int, str], NDArray[np.float32]]:
    """Peak displacement of every AU at every frame, (n_frames,) float32 face units; blinks are AU 45 on both sides.

    No AU moves further than `_MOST`: beyond it the painting would fold over itself.
    """
    doses: dict[tuple[int, str], NDArray[np.float32]] = {}
    if script.blinks:
        doses[45, ""] = blink_closure(script.blinks, script.n_frames) * np.float32(lid_travel(face))
    for movement in script.movements if script.intensity else ():
        peak = min(movement.amplitude * script.intensity, _MOST)
        curve = activation(movement, script.n_frames) * np.float32(peak)
        for rank, (au, side) in enumerate(movement.aus):
            key = (45 if au in LIDS else au, side)
            doses[key] = doses.get(key, np.float32(0)) + curve * np.float32(_SECONDARY if rank else 1)
    if (45, "") in doses:
        doses[45, ""] = np.minimum(doses[45, ""], np.float32(lid_travel(face)))
    return doses


def _noise(spec: FilmSpec) -> Array:
    """A sheet larger than the frame, (rows, columns[, 3]) float32; each frame cuts another piece of it."""
    shape = (spec.height + _NOISE_SLACK, spec.width + _NOISE_SLACK, *((3,) if spec.colour else ()))
    return np.random.default_rng([spec.seed, 0x015E]).standard_normal(shape, dtype=np.float32) * np.float32(spec.noise)
