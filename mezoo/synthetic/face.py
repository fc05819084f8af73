"""Who is filmed: the geometry and the look of one made-up person, drawn from a seed.

Unit of length everywhere: the pixel of a face that is 256 px wide from jaw to jaw (iBUG points 0 and 16). The origin
lies between the pupils, x to the viewer's right, y down; the subject's left (FACS "L") is at x > 0.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Reals = NDArray[np.floating[Any]]
Hair = Literal["short", "fringe", "swept", "long", "shaven", "tied"]
RGB = tuple[float, float, float]

FACE_WIDTH = 256.0
HAIR_STYLES: tuple[Hair, ...] = ("short", "fringe", "swept", "long", "shaven", "tied")
_SKINS: tuple[RGB, ...] = (
    (238, 206, 186),
    (229, 190, 163),
    (216, 172, 142),
    (198, 150, 118),
    (168, 120, 90),
    (126, 86, 64),
)
_HAIRS: tuple[RGB, ...] = ((26, 22, 21), (38, 29, 25), (62, 43, 32), (92, 63, 41), (140, 104, 68), (128, 124, 120))
_IRISES: tuple[RGB, ...] = ((58, 36, 22), (78, 50, 28), (98, 82, 50), (84, 98, 86), (84, 100, 114))


@dataclass(frozen=True, slots=True)
class Eye:
    """One eye opening: centre, half width, height above and below its axis; `slope` raises the outer corner."""

    x: float
    y: float
    half: float
    up: float
    low: float
    slope: float
    side: int
    """-1: left in the image (the subject's right); 1: right in the image."""

    def _across(self, x: Reals) -> Array:
        return np.asarray(np.clip((x - self.x) / self.half * self.side, -1.0, 1.0), dtype=np.float32)

    def axis(self, x: Reals) -> Array:
        """Height of the line through both corners at `x`."""
        return np.asarray(self.y - self.slope * self._across(x) * self.half, dtype=np.float32)

    def upper(self, x: Reals) -> Array:
        """Edge of the upper lid at `x`; highest a little towards the nose."""
        t = self._across(x)
        return (self.axis(x) - self.up * (1 - t**2) ** 0.8 * (1 - 0.16 * t)).astype(np.float32)

    def lower(self, x: Reals) -> Array:
        """Edge of the lower lid at `x`; lowest a little towards the temple."""
        t = self._across(x)
        return (self.axis(x) + self.low * (1 - t**2) ** 0.9 * (1 + 0.2 * t)).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Look:
    """What the skin, the hair and the eyes look like; colours are RGB in 0..255."""

    skin: RGB
    hair: RGB
    iris: RGB
    shirt: RGB
    wall: RGB
    style: Hair
    parting: float
    volume: float
    hairline: float
    brow_weight: float
    brow_dark: float
    lip_red: float
    stubble: float
    freckles: float
    age: float
    moles: tuple[tuple[float, float, float], ...]


@dataclass(frozen=True)
class Face:
    """One identity: 68 iBUG landmarks (68, 2) float32 at rest, the eyes (image left, image right) and the look.

    Equal and hashed by all but the landmarks, so that films of one person share what was painted.
    """

    seed: int
    colour: bool
    landmarks: Array = field(compare=False)
    eyes: tuple[Eye, Eye]
    top: float
    look: Look

    def outline(self) -> Array:
        """Closed contour of the skull and jaw, (n, 2) float32, clockwise from iBUG point 0 along the jaw."""
        right = self.landmarks[16]
        turn = np.linspace(0.0, np.pi, 13)[1:-1]
        skull = np.stack(
            [right[0] * 1.03 * np.cos(turn), right[1] + (self.top - right[1]) * np.sin(turn) ** 0.8], axis=1
        )
        return smooth_loop(np.concatenate([self.landmarks[:17], skull]).astype(np.float32))


def make_face(seed: int, *, colour: bool = False) -> Face:
    """The person of this seed, always the same; with `colour` its texture has three channels (RGB), else one."""
    rng = np.random.default_rng([seed, 0xFACE])
    scale = _Draw(rng)
    eyes = _eyes(scale)
    points = np.concatenate([_jaw(scale), _brows(scale, eyes), _nose(scale), eyes_landmarks(eyes), _mouth(scale)])
    chin = float(points[8, 1])
    look = _look(rng, chin)
    return Face(seed, colour, points.astype(np.float32), eyes, -scale(212, 8), look)


def eyes_landmarks(eyes: tuple[Eye, Eye]) -> Array:
    """iBUG points 36-47 of two eye openings, (12, 2) float32."""
    rows: list[Reals] = []
    for eye in eyes:
        x = eye.x + eye.half * np.array([-1.0, -0.36, 0.36, 1.0])
        lower = x[2:0:-1]
        rows.append(np.stack([np.concatenate([x, lower]), np.concatenate([eye.upper(x), eye.lower(lower)])], axis=1))
    return np.concatenate(rows).astype(np.float32)


def smooth_loop(points: Array, per_segment: int = 12) -> Array:
    """Closed Catmull-Rom curve through `points` (n, 2), `per_segment` samples between neighbours."""
    t = np.linspace(0.0, 1.0, per_segment, endpoint=False, dtype=np.float32)[None, :, None]
    before, here, after, beyond = (np.roll(points, k, axis=0)[:, None] for k in (1, 0, -1, -2))
    curve = here + 0.5 * t * (
        after
        - before
        + t * (2 * before - 5 * here + 4 * after - beyond)
        + t**2 * (3 * (here - after) + beyond - before)
    )
    return curve.reshape(-1, 2).astype(np.float32)


def smooth_line(points: Array) -> Array:
    """Open Catmull-Rom curve through `points` (n, 2), ends included."""
    ends = np.concatenate([points[:1], points, points[-1:]]).astype(np.float32)
    return smooth_loop(ends)[: 12 * (len(ends) - 1)]


@dataclass(frozen=True, slots=True)
class _Draw:
    """A normal number about a mean, cut at two standard deviations so that no face falls apart."""

    rng: np.random.Generator

    def __call__(self, mean: float, sd: float) -> float:
        return mean + sd * float(np.clip(self.rng.standard_normal(), -2.0, 2.0))


def _mirror(right: list[tuple[float, float]]) -> NDArray[np.float64]:
    """Right half from the outer point to the middle -> whole row from left to right."""
    half = np.array(right)
    return np.concatenate([half * [-1, 1], half[-2::-1]])


def _jaw(draw: _Draw) -> NDArray[np.float64]:
    chin, square, taper = draw(203, 7), draw(1, 3.5), draw(0, 2.5)
    right = [
        (128.0, -8.0),
        (126 + taper * 0.4, 0.14 * chin),
        (122 + taper, 0.31 * chin),
        (114 + taper + square * 0.4, 0.475 * chin),
        (101 + square, 0.635 * chin),
        (81 + square, 0.78 * chin),
        (56 + square * 0.9, 0.895 * chin),
        (29 + square * 0.6, 0.975 * chin),
        (0.0, chin),
    ]
    return _mirror(right)


def _brows(draw: _Draw, eyes: tuple[Eye, Eye]) -> NDArray[np.float64]:
    lift, arch, slant, inner, outer = draw(33, 4), draw(9, 3), draw(0, 2.5), draw(21, 2.5), draw(99, 4)
    t = np.linspace(0.0, 1.0, 5)
    rows: list[NDArray[np.float64]] = []
    for eye in eyes:
        rise = arch * np.sin(np.pi * t**1.35) - slant * (1 - 2 * t) - 5 * t**3
        x = eye.side * (inner + (outer - inner) * t)
        row = np.stack([x, eye.y - lift - draw(0, 1.2) - rise], axis=1)
        rows.append(row[::-1] if eye.side < 0 else row)
    return np.concatenate(rows)


def _nose(draw: _Draw) -> NDArray[np.float64]:
    base, wing, bend, tip = draw(78, 5), draw(26, 2.6), draw(0, 1.2), draw(13, 2)
    y = np.linspace(draw(-8, 3), base - tip, 4)
    bridge = np.stack([bend * np.sin(np.linspace(0, np.pi, 4)), y], axis=1)
    below = _mirror([(wing, base - 5), (wing * 0.52, base - 0.5), (0.0, base + 2.5)])
    return np.concatenate([bridge, below + np.array([bend, 0.0])])


def _eyes(draw: _Draw) -> tuple[Eye, Eye]:
    apart, half, up, low, slope = draw(58, 3), draw(29, 1.6), draw(11.2, 1.6), draw(6.6, 0.9), draw(0.07, 0.05)
    left = Eye(-apart, draw(0, 0.8), half, up, low, slope, -1)
    return left, Eye(apart, draw(0, 0.8), half, up * draw(1, 0.03), low, slope, 1)


def _mouth(draw: _Draw) -> NDArray[np.float64]:
    y, half, upper, lower = draw(116, 4), draw(47, 4), draw(12, 2.2), draw(16.5, 2.6)
    bow, corner, tilt, gap = draw(3, 1), draw(1, 2), draw(0, 0.014), 0.6
    top = _mirror(
        [(half, corner), (half * 0.62, -upper * 0.64), (half * 0.24, -upper - bow * 0.5), (0.0, -upper + bow * 0.6)]
    )
    low = _mirror([(half * 0.68, lower * 0.66), (half * 0.34, lower * 0.95), (0.0, lower)])[::-1]
    inner_top = _mirror([(half * 0.88, corner * 0.7), (half * 0.36, -gap - 0.5), (0.0, -gap + 1)])
    inner_low = _mirror([(half * 0.36, gap - 0.5), (0.0, gap + 1)])[::-1]
    points = np.concatenate([top, low, inner_top, inner_low])
    return points + np.stack([np.zeros(len(points)), y + tilt * points[:, 0]], axis=1)


def _look(rng: np.random.Generator, chin: float) -> Look:
    tone = float(rng.beta(1.3, 1.6)) * (len(_SKINS) - 1)
    dark = tone / (len(_SKINS) - 1)
    hairs = _HAIRS[:3] if dark > 0.5 else _HAIRS
    irises = _IRISES[:2] if dark > 0.5 else _IRISES
    style = HAIR_STYLES[int(rng.choice(len(HAIR_STYLES), p=[0.24, 0.16, 0.2, 0.22, 0.06, 0.12]))]
    grey = float(rng.uniform(30, 95))
    tint = rng.uniform(-14, 14, 3)
    wall = float(rng.uniform(120, 185))
    count = int(rng.poisson(1.6))
    spots = zip(
        rng.uniform(-95, 95, count), rng.uniform(-110, chin - 30, count), rng.uniform(0.9, 2.0, count), strict=True
    )
    masculine = style in ("short", "shaven", "swept") and rng.random() < 0.55
    return Look(
        skin=_between(_SKINS, tone),
        hair=hairs[int(rng.integers(len(hairs)))],
        iris=irises[int(rng.integers(len(irises)))],
        shirt=_shift(grey, tint),
        wall=_shift(wall, tint * 0.25),
        style=style,
        parting=float(rng.uniform(-60, 60)),
        volume=float(rng.uniform(8, 22)),
        hairline=float(rng.uniform(-142, -120)),
        brow_weight=float(rng.uniform(0.7, 1.35)),
        brow_dark=float(rng.uniform(0.55, 0.95)),
        lip_red=float(rng.uniform(0.35, 1.0)),
        stubble=float(rng.uniform(0.25, 1.0)) if masculine else 0.0,
        freckles=float(rng.uniform(0.3, 1.0)) if dark < 0.4 and rng.random() < 0.3 else 0.0,
        age=float(rng.beta(1.4, 2.2)),
        moles=tuple((float(x), float(y), float(r)) for x, y, r in spots),
    )


def _between(palette: tuple[RGB, ...], place: float) -> RGB:
    steps = np.arange(len(palette))
    r, g, b = (float(np.interp(place, steps, [c[k] for c in palette])) for k in range(3))
    return r, g, b


def _shift(grey: float, tint: NDArray[np.float64]) -> RGB:
    return float(grey + tint[0]), float(grey + tint[1]), float(grey + tint[2])
