"""A face box without any extra package, and a mean face put into it: approximate landmarks for a first try."""

from functools import cache
from typing import Any

import numpy as np

from mezoo_face.geometry import Image, Points

WORKING_SIDE = 360
"""Longest side in pixels of the image that is searched; larger images are shrunk first."""
FINE_SIDE = 640
"""The same for the second, slower search, which finds smaller faces."""


def candidates(grey: Image, *, fine: bool = False) -> Points:
    """Boxes (n, 4) in pixels of what may be frontal faces, largest first; n may be 0. Input (height, width) uint8.

    Local binary pattern cascade that comes with scikit-image; a box reaches from the forehead to the lower lip. The
    smallest face is a fifth of the image's shorter side, in the fine search a tenth.
    """
    small, scale = shrink(grey, FINE_SIDE if fine else WORKING_SIDE)
    side = min(small.shape)
    least = side // (10 if fine else 5)
    found = _cascade().detect_multi_scale(
        img=small, scale_factor=1.1, step_ratio=1, min_size=(least, least), max_size=(side, side)
    )
    corners = [(face["c"], face["r"], face["c"] + face["width"], face["r"] + face["height"]) for face in found]
    boxes = np.array(corners, dtype=np.float64).reshape(-1, 4) / scale
    return boxes[np.argsort(boxes[:, 0] - boxes[:, 2], kind="stable")]


def detect(grey: Image) -> Points | None:
    """Box (left, top, right, bottom) in pixels of the largest frontal face, or None. Input (height, width) uint8."""
    found = candidates(grey)
    return found[0] if len(found) else None


def shrink(grey: Image, longest: int) -> tuple[Image, float]:
    """The image with its longest side at most `longest` pixels, and the factor that it was scaled by (at most 1)."""
    import cv2

    scale = min(1.0, longest / max(grey.shape))
    if scale == 1:
        return grey, 1.0
    return np.asarray(cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), dtype=np.uint8), scale


def approximate_landmarks(box: Points) -> Points:
    """Mean 68 points (68, 2) put into a box of `detect`: right on average, blind to pose and expression."""
    return box[:2] + mean_shape() * (box[2:] - box[:2])


@cache
def mean_shape() -> Points:
    """68 points of a symmetric, neutral face (68, 2) in units of a detector's box; the chin lies below it."""
    jaw = _evenly(_arc((0.5, 0.44), (0.43, 0.72), 180, 0, 361), 17)
    right_brow = _arc((0.28, 0.315), (0.15, 0.06), 185, 335, 5)
    right_eye = _arc((0.295, 0.42), (0.09, 0.034), 180, 540, 7)[:6]
    bridge = np.column_stack([np.full(4, 0.5), np.linspace(0.39, 0.61, 4)])
    nostrils = _arc((0.5, 0.65), (0.10, 0.035), 180, 0, 5)
    outer_lip = _arc((0.5, 0.86), (0.18, 0.07), 180, 540, 13)[:12]
    inner_lip = _arc((0.5, 0.86), (0.14, 0.02), 180, 540, 9)[:8]
    left_brow = _mirrored(right_brow)[::-1]
    left_eye = _mirrored(right_eye)[[3, 2, 1, 0, 5, 4]]
    return np.concatenate([jaw, right_brow, left_brow, bridge, nostrils, right_eye, left_eye, outer_lip, inner_lip])


def _arc(centre: tuple[float, float], radii: tuple[float, float], start: float, end: float, n: int) -> Points:
    """n points of an ellipse from angle `start` to `end` in degrees; 0 is right, 90 is down."""
    angle = np.radians(np.linspace(start, end, n))
    return np.column_stack([centre[0] + radii[0] * np.cos(angle), centre[1] + radii[1] * np.sin(angle)])


def _evenly(line: Points, n: int) -> Points:
    """n points at even distances along a line (many, 2)."""
    along = np.concatenate([[0.0], np.linalg.norm(np.diff(line, axis=0), axis=1).cumsum()])
    at = np.linspace(0, along[-1], n)
    return np.column_stack([np.interp(at, along, line[:, axis]) for axis in (0, 1)])


def _mirrored(points: Points) -> Points:
    return points * [-1, 1] + [1, 0]


@cache
def _cascade() -> Any:
    from skimage import data
    from skimage.feature import Cascade

    return Cascade(data.lbp_frontal_face_cascade_filename())
