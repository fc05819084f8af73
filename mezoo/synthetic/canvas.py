"""Small tools to paint with: a grid in face units, soft spots, smooth noise, and layers of colour."""

from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from mezoo.synthetic.face import RGB, Array, Reals

_NOISE_REACH = 360
_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)


@dataclass(frozen=True)
class Canvas:
    """A raster of `width` x `height` samples; sample (0, 0) lies at (left, top), `step` face units apart."""

    left: float
    top: float
    step: float
    width: int
    height: int
    channels: int
    """1: grey; 3: RGB."""

    @property
    def x(self) -> Array:
        """(1, width) float32, face units."""
        return (self.left + self.step * np.arange(self.width, dtype=np.float32))[None]

    @property
    def y(self) -> Array:
        """(height, 1) float32, face units."""
        return (self.top + self.step * np.arange(self.height, dtype=np.float32))[:, None]

    def spot(self, x: float, y: float, sx: float, sy: float) -> Array:
        """Gaussian of height one with standard deviations (sx, sy), (height, width) float32."""
        return np.exp(-0.5 * ((self.y - y) / sy) ** 2) * np.exp(-0.5 * ((self.x - x) / sx) ** 2)

    def pair(self, x: float, y: float, sx: float, sy: float) -> Array:
        """Two Gaussians, at x and mirrored at -x."""
        across = np.exp(-0.5 * ((self.x - x) / sx) ** 2) + np.exp(-0.5 * ((self.x + x) / sx) ** 2)
        return np.exp(-0.5 * ((self.y - y) / sy) ** 2) * across

    def window(self, x: float, y: float, reach: float) -> tuple["Canvas", tuple[slice, slice]]:
        """The part of this canvas within `reach` of (x, y), and where it lies: rows, columns."""
        centre = (np.array([x - self.left, y - self.top]) / self.step).round().astype(int)
        cells, ends = int(reach / self.step), np.array([self.width, self.height])
        first, last = np.clip(centre - cells, 0, ends - 1), np.clip(centre + cells + 1, 1, ends)
        left, top = (float(v) for v in np.array([self.left, self.top]) + first * self.step)
        part = Canvas(left, top, self.step, int(last[0] - first[0]), int(last[1] - first[1]), self.channels)
        return part, (slice(int(first[1]), int(last[1])), slice(int(first[0]), int(last[0])))

    def blur(self, layer: Reals, sigma: float) -> Array:
        """Gaussian blur, `sigma` in face units."""
        import cv2

        cells = sigma / self.step
        if cells < 0.3:
            return layer
        shrink = int(max(1, cells // 4))
        if shrink == 1:
            return np.asarray(cv2.GaussianBlur(layer, (0, 0), cells, borderType=cv2.BORDER_REPLICATE), dtype=np.float32)
        size = (max(2, self.width // shrink), max(2, self.height // shrink))
        small = cv2.resize(layer, size, interpolation=cv2.INTER_AREA)
        small = cv2.GaussianBlur(small, (0, 0), cells / shrink, borderType=cv2.BORDER_REPLICATE)
        return np.asarray(
            cv2.resize(small, (self.width, self.height), interpolation=cv2.INTER_LINEAR), dtype=np.float32
        )

    def fill(self, outline: Array, soft: float = 0.8) -> Array:
        """Inside of a closed contour (n, 2), 1 inside and 0 outside with an edge `soft` units wide."""
        import cv2

        mask = np.zeros((self.height, self.width), dtype=np.uint8)
        cv2.fillPoly(mask, [self.pixels(outline)], 255, cv2.LINE_AA, 4)
        return self.blur(mask.astype(np.float32) / 255, soft)

    def strokes(self, lines: list[Array], thickness: float, soft: float) -> Array:
        """Open polylines (n, 2) drawn as hairs of `thickness` units; 0..1."""
        import cv2

        mask = np.zeros((self.height, self.width), dtype=np.uint8)
        ink = min(1.0, thickness / self.step)
        for line in lines:
            cv2.polylines(
                mask, [self.pixels(line)], False, int(255 * ink), max(1, round(thickness / self.step)), cv2.LINE_AA, 4
            )
        return self.blur(mask.astype(np.float32) / 255, soft)

    def pixels(self, points: Array) -> NDArray[np.int32]:
        """Face units -> sixteenths of a sample, as OpenCV draws."""
        return np.round((points - [self.left, self.top]) / self.step * 16).astype(np.int32)

    def flat(self, colour: RGB) -> Array:
        """A colour as (channels,) float32."""
        rgb = np.asarray(colour, dtype=np.float32)
        return rgb if self.channels == 3 else np.array([rgb @ _LUMA], dtype=np.float32)

    def sheet(self, colour: RGB) -> Array:
        """The whole canvas in one colour, (height, width, channels) float32."""
        return np.broadcast_to(self.flat(colour), (self.height, self.width, self.channels)).astype(np.float32)


def lay(below: Array, colour: Reals, alpha: Reals) -> None:
    """Paint `colour` ((channels,) or a sheet) over `below` where `alpha` (height, width) is one; in place."""
    below += ((colour - below) * alpha[..., None]).astype(np.float32, copy=False)


def edge(distance: Reals, soft: float) -> Array:
    """Smooth step: 0 where distance < -soft, 1 where > soft."""
    t = np.clip(distance / (2 * soft) + 0.5, 0.0, 1.0)
    return np.asarray(t * t * (3 - 2 * t), dtype=np.float32)


def sample(picture: Array, where: Array, *, repeat_edge: bool = True) -> Array:
    """`picture` read between its samples at (column, row), (..., 2) float32; outside it: its edge, or zero."""
    import cv2

    border = cv2.BORDER_REPLICATE if repeat_edge else cv2.BORDER_CONSTANT
    nothing = cast(Array, None)  # OpenCV's stubs forbid None, and an empty array makes OpenCV 5 take the nearest sample
    return np.asarray(cv2.remap(picture, where, nothing, cv2.INTER_LINEAR, borderMode=border), dtype=np.float32)


class Grain:
    """Smooth random fields that stay on the same place of the face at every resolution."""

    def __init__(self, canvas: Canvas, seed: int) -> None:
        self._canvas = canvas
        self._rng = np.random.default_rng([seed, 0x5EED])

    def __call__(self, size: float, stretch: float = 1.0) -> Array:
        """Noise of unit deviation with spots `size` units wide and `stretch` times as high, (height, width)."""
        return self.at(
            np.broadcast_to(self._canvas.x, self._shape), np.broadcast_to(self._canvas.y, self._shape), size, stretch
        )

    def at(self, x: Reals, y: Reals, size: float, stretch: float = 1.0) -> Array:
        """The same sampled at other places (height, width), face units: for hair that flows."""
        import cv2

        cell = max(1.0, size / 2)
        n = int(2 * _NOISE_REACH / cell) + 2
        field = self._rng.standard_normal((n, n), dtype=np.float32)
        field = np.asarray(
            cv2.GaussianBlur(field, (0, 0), size / cell / 2, sigmaY=stretch * size / cell / 2), dtype=np.float32
        )
        field /= max(float(field.std()), 1e-6)
        u, v = (np.asarray((a + _NOISE_REACH) / cell, dtype=np.float32) for a in (x, y))
        return np.asarray(cv2.remap(field, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT), dtype=np.float32)

    @property
    def _shape(self) -> tuple[int, int]:
        return self._canvas.height, self._canvas.width
