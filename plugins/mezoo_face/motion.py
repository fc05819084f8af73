"""How a head moves between frames, and boxes carried along with it: tracking without a landmark model.

A similarity w = a z + b is kept as two complex numbers (a, b): a turns and scales, b shifts, z = x + iy in pixels.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mezoo_face.geometry import Image, Points

Complex = NDArray[np.complex128]
_CORNERS, _LEAST = 150, 12
_MARGIN = 0.08
_SLOWER = 5.0


@dataclass(frozen=True, slots=True)
class Motion:
    """Similarity from the first row to each row: `turn` and `shift` (rows,) complex; `part` (rows,) int64.

    Where tracking broke (a cut, no texture) the next part begins, and rows of two parts say nothing of one another.
    """

    turn: Complex
    shift: Complex
    part: NDArray[np.int64]


def step(before: Image, after: Image, box: Points) -> tuple[complex, complex] | None:
    """Similarity of what is in `box` from one grey image to the next, or None where it cannot be told.

    Corners in the upper three quarters of the box (the mouth moves most) are followed by pyramidal Lucas-Kanade and
    a similarity is fitted by RANSAC; it holds if half of at least 12 corners agree within a pixel.
    """
    import cv2

    mask = np.zeros_like(before)
    width, height = box[2:] - box[:2]
    left, right = box[0] + _MARGIN * width, box[2] - _MARGIN * width
    top, bottom = box[1] + _MARGIN * height, box[1] + 0.75 * height
    mask[max(0, int(top)) : max(0, int(bottom)), max(0, int(left)) : max(0, int(right))] = 255
    corners: Any = cv2.goodFeaturesToTrack(before, _CORNERS, 0.01, 3, mask=mask)
    if corners is None or len(corners) < _LEAST:
        return None
    moved, status, _ = cv2.calcOpticalFlowPyrLK(before, after, corners, np.empty_like(corners))
    held = status.ravel() == 1
    if held.sum() < _LEAST:
        return None
    fit: tuple[Any, Any] = cv2.estimateAffinePartial2D(corners[held], moved[held], ransacReprojThreshold=1.0)
    matrix, agree = fit
    if matrix is None or agree.sum() < max(_LEAST, 0.5 * len(corners)):
        return None
    return complex(matrix[0, 0], matrix[1, 0]), complex(matrix[0, 2], matrix[1, 2])


def chain(steps: Sequence[tuple[complex, complex] | None]) -> Motion:
    """Steps between neighbouring rows put together; a step of None begins a new part."""
    turn, shift = np.ones(len(steps) + 1, dtype=np.complex128), np.zeros(len(steps) + 1, dtype=np.complex128)
    part = np.zeros(len(steps) + 1, dtype=np.int64)
    for row, known in enumerate(steps, start=1):
        part[row] = part[row - 1] + (known is None)
        if known is not None:
            a, b = known
            turn[row], shift[row] = a * turn[row - 1], a * shift[row - 1] + b
    return Motion(turn, shift, part)


def carry(boxes: Mapping[int, Points], motion: Motion, reach: float) -> tuple[Complex, Complex, NDArray[np.float64]]:
    """A face's pose in each row out of upright boxes seen in some: size and turn, centre, score; each (rows,).

    Each box is moved to a row by the motion between the two; the pose is their mean, a box that is `reach` rows away
    counting nothing. So noise of single boxes goes, and the motion keeps what happens between them. Boxes do not tell
    a turned head: it is taken to be upright on average over a time five times longer. The score is
    1 - (rows to the nearest box) / reach; it is 0, and the pose NaN, where no box is within reach.
    """
    rows = np.array(sorted(boxes), dtype=np.int64)
    corners = np.stack([boxes[int(row)] for row in rows])
    centre = (corners[:, :2] + corners[:, 2:]).dot([0.5, 0.5j])
    turn, shift = (corners[:, 2] - corners[:, 0]) / motion.turn[rows], (centre - motion.shift[rows]) / motion.turn[rows]
    n = len(motion.turn)
    size, place, score = np.full(n, np.nan, dtype=np.complex128), np.full(n, np.nan, dtype=np.complex128), np.zeros(n)
    for row in range(n):
        same, away = motion.part[rows] == motion.part[row], np.abs(rows - row) / reach
        weight = same * np.maximum(0.0, 1 - away)
        if weight.any():
            upright = np.angle((same * np.maximum(0.0, 1 - away / _SLOWER)) @ (turn / np.abs(turn)))
            score[row] = weight.max()
            size[row] = motion.turn[row] * np.exp(1j * upright) * (weight @ np.abs(turn)) / weight.sum()
            place[row] = motion.turn[row] * (weight @ shift) / weight.sum() + motion.shift[row]
    return size, place, score
