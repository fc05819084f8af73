"""What papers derive from a flow field: magnitude, optical strain, normalised channels, 8 bit storage.

Flows are (..., height, width, 2) float32 px, x before y; every function works on any number of leading axes.
"""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
_TINY = np.float32(1e-12)


def magnitude(flow: Array) -> Array:
    """Length of the vectors: (..., height, width, 2) -> (..., height, width) float32, in the unit of `flow`."""
    return np.hypot(flow[..., 0], flow[..., 1])


def optical_strain(flow: Array) -> Array:
    """Magnitude of the small-deformation tensor: (..., height, width, 2) px -> (..., height, width) float32, no unit.

    sqrt(u_x^2 + v_y^2 + (u_y + v_x)^2 / 2), with central differences, one-sided at the border. It is zero for any shift
    and, to first order, for any turn. Shreve, Godavarthy, Goldgof, Sarkar, FG 2011; Liong, See, Wong, Phan, "Automatic
    Micro-expression Recognition from Long Video using a Single Spotted Apex", ACCV workshops 2016.
    """
    u_y, u_x = np.gradient(flow[..., 0], axis=(-2, -1))
    v_y, v_x = np.gradient(flow[..., 1], axis=(-2, -1))
    return np.sqrt(u_x**2 + v_y**2 + (u_y + v_x) ** 2 / 2).astype(np.float32)


def min_max(channels: Array) -> Array:
    """Each channel of each field to [0, 1]: (..., height, width, channels) float32; a flat channel becomes 0.

    How the (u, v, strain) pictures of STSTNet-like networks are scaled (Liong et al., FG 2019).
    """
    low = channels.min((-3, -2), keepdims=True)
    spread = channels.max((-3, -2), keepdims=True) - low
    return np.asarray((channels - low) / np.maximum(spread, _TINY), dtype=np.float32)


def standardise(channels: Array) -> Array:
    """Each channel of each field to mean 0, deviation 1: (..., height, width, channels); a flat channel becomes 0."""
    deviation = channels.std((-3, -2), keepdims=True)
    return np.asarray((channels - channels.mean((-3, -2), keepdims=True)) / np.maximum(deviation, _TINY), np.float32)


def quantise(flow: Array, bound: float = 10.0) -> NDArray[np.uint8]:
    """Flow clipped to [-bound, bound] px in 256 steps, uint8, by the rule of the denseflow tool; zero becomes 128.

    One step is 2 * bound / 255 px (0.078 px by default). The tool stores it as JPEG after that; this does not.
    """
    return np.rint((np.clip(flow, -bound, bound) + bound) * (255 / (2 * bound))).astype(np.uint8)


def dequantise(stored: NDArray[np.uint8], bound: float = 10.0) -> Array:
    """Back to px, float32, at most half a step off inside the bound. No byte is zero: 128 reads as half a step."""
    return stored.astype(np.float32) * np.float32(2 * bound / 255) - np.float32(bound)
