"""A face box without any extra package, and a mean face put into it: approximate landmarks for a first try."""

from functools import cache
from typing import Any

import cv2
import numpy as np

from mezoo_face.geometry import Image, Points

WORKING_SIDE = 360
"""Longest side in pixels of the image that is searched; larger images are shrunk first."""


def detect(grey: Image) -> Points | None:
    """Box (left, top, right, bottom) in pixels of the largest frontal face, or None. Input (height, width) uint8.

    Local binary pattern cascade that comes with scikit-image; the box reaches from the forehead to the lower lip.
    """
    scale = min(1.0, WORKING_SIDE / max(grey.shape))
    small = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else grey
    side = min(small.shape)
    found = _cascade().detect_multi_scale(
        img=small, scale_factor=1.15, step_ratio=1, min_size=(side // 5, side // 5), max_size=(side, side)
    )
    if not found:
        return None
    best = max(found, key=lambda face: face["width"])
    left, top = best["c"], best["r"]
    return np.array([left, top, left + best["width"], top + best["height"]], dtype=np.float64) / scale


def approximate_landmarks(box: Points) -> Points:
    """Mean 68 points (68, 2) put into a box of `detect`: right on average, blind to pose and expression."""
    return box[:2] + mean_shape() * (box[2:] - box[:2])


def without_outliers(boxes: dict[int, Points]) -> dict[int, Points]:
    """Boxes by row without those that are off the median box by more than half its width: mostly no faces."""
    median = np.median(list(boxes.values()), axis=0)
    near = {row: box for row, box in boxes.items() if np.abs(box - median).max() <= 0.5 * (median[2] - median[0])}
    return near or boxes


@cache
def mean_shape() -> Points:
    """68 points of a symmetric, neutral face (68, 2) in units of a detector's box; the chin lies below it."""
    jaw = _arc((0.5, 0.42), (0.42, 0.70), 180, 0, 17)
    right_brow = _arc((0.285, 0.32), (0.15, 0.06), 185, 335, 5)
    right_eye = _arc((0.31, 0.42), (0.08, 0.032), 180, 540, 7)[:6]
    bridge = np.column_stack([np.full(4, 0.5), np.linspace(0.41, 0.60, 4)])
    nostrils = _arc((0.5, 0.64), (0.10, 0.035), 180, 0, 5)
    outer_lip = _arc((0.5, 0.85), (0.17, 0.07), 180, 540, 13)[:12]
    inner_lip = _arc((0.5, 0.85), (0.13, 0.02), 180, 540, 9)[:8]
    left_brow = _mirrored(right_brow)[::-1]
    left_eye = _mirrored(right_eye)[[3, 2, 1, 0, 5, 4]]
    return np.concatenate([jaw, right_brow, left_brow, bridge, nostrils, right_eye, left_eye, outer_lip, inner_lip])


def _arc(centre: tuple[float, float], radii: tuple[float, float], start: float, end: float, n: int) -> Points:
    """n points of an ellipse from angle `start` to `end` in degrees; 0 is right, 90 is down."""
    angle = np.radians(np.linspace(start, end, n))
    return np.column_stack([centre[0] + radii[0] * np.cos(angle), centre[1] + radii[1] * np.sin(angle)])


def _mirrored(points: Points) -> Points:
    return points * [-1, 1] + [1, 0]


@cache
def _cascade() -> Any:
    from skimage import data
    from skimage.feature import Cascade

    return Cascade(data.lbp_frontal_face_cascade_filename())
