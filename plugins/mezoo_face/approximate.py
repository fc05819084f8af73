"""The landmarker that needs nothing but scikit-image: boxes of a cascade, the head's motion, a mean face."""

import numpy as np
from numpy.typing import NDArray

from mezoo import Video
from mezoo_face import detector, motion, track
from mezoo_face.geometry import Image, Points
from mezoo_face.landmarks import Found

LOOKS = 4
"""Rows a second in which the cascade looks for faces; between them the head is tracked."""
REACH = 2.0
"""Seconds over which boxes are averaged, and for which a face is believed to be there after one."""
SEARCHED = 20
"""Rows tried, spread over the video, where only the first face is asked for."""


def follow(video: Video, positions: NDArray[np.int64], fps: float) -> Found:
    """Approximate landmarks of every row, `positions[row]` being its frame; all NaN where no face was found.

    The mean face keeps its shape: place, size and turn are real, expressions are not in it.
    """
    n = len(positions)
    boxes = _boxes(video, positions, range(0, n, max(1, round(fps / LOOKS))), fps)
    if not boxes:
        return Found(np.full((n, 68, 2), np.nan), np.zeros(n))
    size, place, score = motion.carry(boxes, _motion(video, positions, boxes), max(1.0, REACH * fps))
    shape = (detector.mean_shape() - 0.5) @ [1, 1j]
    points = size[:, None] * shape + place[:, None]
    return Found(np.stack([points.real, points.imag], axis=-1), score)


def first(video: Video, positions: NDArray[np.int64], fps: float) -> tuple[int, Points] | None:
    """The first row with a face and its landmarks (68, 2); 20 rows are searched, and chance hits left out."""
    boxes = _boxes(video, positions, range(0, len(positions), max(1, len(positions) // SEARCHED)), fps)
    return next(((row, detector.approximate_landmarks(box)) for row, box in boxes.items()), None)


def _boxes(video: Video, positions: NDArray[np.int64], rows: range, fps: float) -> dict[int, Points]:
    """The boxes of one face in some of `rows`; a second, finer search if fewer than a third of them show one."""
    boxes: dict[int, Points] = {}
    for fine in (False, True):
        looks = {row: detector.candidates(_grey(video, positions[row]), fine=fine) for row in rows}
        boxes = max(boxes, track.best_path(looks, fps), key=len)
        if 3 * len(boxes) >= len(rows):
            break
    return boxes


def _motion(video: Video, positions: NDArray[np.int64], boxes: dict[int, Points]) -> motion.Motion:
    """The head's motion through all rows, looked at where the boxes are, or would be between two of them."""
    known = np.array(list(boxes))
    where = np.stack(
        [np.interp(np.arange(len(positions)), known, [b[c] for b in boxes.values()]) for c in range(4)], axis=1
    )
    steps: list[tuple[complex, complex] | None] = []
    before, scale = detector.shrink(_grey(video, positions[0]), detector.WORKING_SIDE)
    for row in range(1, len(positions)):
        after, _ = detector.shrink(_grey(video, positions[row]), detector.WORKING_SIDE)
        step = motion.step(before, after, where[row - 1] * scale)
        steps.append(None if step is None else (step[0], step[1] / scale))
        before = after
    return motion.chain(steps)


def _grey(video: Video, position: np.int64) -> Image:
    return video.frames.read(int(position), grey=True)
