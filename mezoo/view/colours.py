"""Numbers as colours: the wheel of flow, and scales for heat and for differences. Pure functions over arrays."""

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
"""(height, width, 3) uint8 RGB."""

_ARCS = (
    (15, (255, 0, 0)),
    (6, (255, 255, 0)),
    (4, (0, 255, 0)),
    (11, (0, 255, 255)),
    (13, (0, 0, 255)),
    (6, (255, 0, 255)),
)
"""Steps from each of the six pure hues to the next: 55 in all, more of them where the eye tells more apart."""
_HEAT = ((252, 251, 248), (254, 217, 118), (240, 110, 50), (160, 20, 60), (45, 5, 50))
_COLD_WARM = ((16, 78, 150), (120, 178, 220), (250, 250, 248), (240, 150, 110), (170, 25, 40))
_EMPTY = (150, 150, 150)
"""Where a number is not finite."""


def wheel() -> NDArray[np.float64]:
    """The 55 colours of the Middlebury wheel, (55, 3) float64 in [0, 1], from red through yellow and blue.

    Baker et al., "A database and evaluation methodology for optical flow", IJCV 92, 2011.
    """
    corners = np.array([colour for _, colour in _ARCS], dtype=np.float64) / 255
    after = np.roll(corners, -1, axis=0)
    arcs = [
        a + (b - a) * np.arange(steps)[:, None] / steps for (steps, _), a, b in zip(_ARCS, corners, after, strict=True)
    ]
    return np.concatenate(arcs)


def flow_colours(flow: NDArray[np.floating], scale: float) -> Picture:
    """Flow (..., 2), x right and y down, as colours (..., 3) uint8: the angle is the hue, the length the saturation.

    No motion is white, `scale` (same unit as `flow`) is a full colour, longer vectors are a quarter darker; what is
    not finite is grey. Right is red, down yellow, left blue-green, up blue-violet. The hue is interpolated round the
    whole circle, so that it does not jump anywhere.
    """
    finite = np.asarray(np.isfinite(flow).all(axis=-1))
    x, y = (np.where(finite, flow[..., i], 0).astype(np.float64) / scale for i in (0, 1))
    length = np.asarray(np.hypot(x, y))[..., None]
    colours = wheel()
    place = (np.arctan2(y, x) / (2 * np.pi)) % 1.0 * len(colours)
    low = np.floor(place).astype(np.int64)
    share = (place - low)[..., None]
    hue = (1 - share) * colours[low % len(colours)] + share * colours[(low + 1) % len(colours)]
    mixed = np.where(length <= 1, 1 - length * (1 - hue), 0.75 * hue)
    return np.where(finite[..., None], np.rint(255 * mixed), _EMPTY).astype(np.uint8)


def legend(side: int) -> Picture:
    """The wheel as a disc of `side` px: each place has the colour of a vector from the centre to it; the rim is full.

    Outside the disc it is white.
    """
    axis = (np.arange(side) + 0.5) * 2 / side - 1
    field = np.stack(np.meshgrid(axis, axis), axis=-1)
    inside = np.hypot(field[..., 0], field[..., 1]) <= 1
    return np.where(inside[..., None], flow_colours(field, 1.0), 255).astype(np.uint8)


def heat(values: NDArray[np.floating], low: float, high: float) -> Picture:
    """Values (...) as colours (..., 3) uint8: `low` and below is paper white, `high` and above dark violet."""
    return _ramp(values, low, high, _HEAT)


def cold_warm(values: NDArray[np.floating], most: float) -> Picture:
    """Signed values (...) as colours (..., 3) uint8: zero is white, `-most` blue, `most` red."""
    return _ramp(values, -most, most, _COLD_WARM)


def _ramp(values: NDArray[np.floating], low: float, high: float, stops: tuple[tuple[int, int, int], ...]) -> Picture:
    finite = np.asarray(np.isfinite(values))
    share = (np.where(finite, values, low).astype(np.float64) - low) / max(high - low, 1e-12)
    at = np.clip(share, 0, 1) * (len(stops) - 1)
    channels = [np.interp(at, np.arange(len(stops)), [stop[i] for stop in stops]) for i in range(3)]
    return np.where(finite[..., None], np.rint(np.stack(channels, axis=-1)), _EMPTY).astype(np.uint8)
