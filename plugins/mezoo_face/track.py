"""A face over time, as pure functions: the likeliest boxes, no jumps, no jitter."""

from collections.abc import Mapping

import numpy as np

from mezoo_face.geometry import Points

JUMP_COST = 3.0
"""What it costs a path to jump anywhere, in boxes of full size gained: a false hit or two never pay for it."""
_STEP = 0.3
_GROWTH = 0.3


def best_path(looks: Mapping[int, Points], fps: float) -> dict[int, Points]:
    """The boxes that one face can have had: at most one (4,) a row out of `looks`, row -> candidates (n, 4) in pixels.

    Dynamic programming: a box gains its area over the largest one's, a step costs the squared change of place
    (in 0.3 box widths) and size (in 0.3 of its logarithm) over the seconds between, at most `JUMP_COST`. So the largest
    face that stays wins, and what shows up elsewhere for a moment is left out. Empty where no row has a candidate.
    """
    rows = np.array([row for row in sorted(looks) for _ in looks[row]], dtype=np.int64)
    if not len(rows):
        return {}
    boxes = np.concatenate([looks[row] for row in sorted(looks)])
    width = np.maximum(boxes[:, 2] - boxes[:, 0], 1e-6)
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2
    gain = (width / width.max()) ** 2
    total, before = gain.copy(), np.full(len(rows), -1)
    for k in range(1, len(rows)):
        earlier = np.flatnonzero(rows[:k] < rows[k])
        if not len(earlier):
            continue
        seconds = 1 + (rows[k] - rows[earlier]) / fps
        moved = np.linalg.norm(centre[earlier] - centre[k], axis=1) / (_STEP * width[k] * seconds)
        grown = np.log(width[earlier] / width[k]) / (_GROWTH * seconds)
        ways = total[earlier] - np.minimum(moved**2 + grown**2, JUMP_COST)
        best = int(ways.argmax())
        if ways[best] > 0:
            total[k], before[k] = gain[k] + ways[best], earlier[best]
    path: dict[int, Points] = {}
    at = int(total.argmax())
    while at >= 0:
        path[int(rows[at])] = boxes[at]
        at = int(before[at])
    return dict(sorted(path.items()))


def without_jumps(points: Points, fps: float) -> Points:
    """Landmarks (rows, 68, 2) with NaN where a face is off its own second, as a face found in the wallpaper is.

    Off means: its centre is half a face away from the median centre of the second around it, or its size more than
    1.5 times larger or smaller than the median size. Rows of NaN stay so.
    """
    from scipy.ndimage import median_filter

    known = np.flatnonzero(np.isfinite(points).all(axis=(1, 2)))
    if len(known) < 3:
        return points
    low, high = points[known].min(1), points[known].max(1)
    centre, size = (low + high) / 2, np.sqrt(np.maximum((high - low).prod(1), 1e-9))
    window = 2 * max(1, round(fps / 2)) + 1
    usual = np.asarray(median_filter(np.column_stack([centre, size]), size=(window, 1), mode="nearest"))
    off = np.linalg.norm(centre - usual[:, :2], axis=1) > 0.5 * usual[:, 2]
    off |= np.abs(np.log(size / usual[:, 2])) > np.log(1.5)
    kept = points.copy()
    kept[known[off]] = np.nan
    return kept


def without_jitter(points: Points, fps: float, seconds: float) -> Points:
    """Landmarks (rows, ...) without jitter: Savitzky-Golay filter of order 2 over about `seconds`, which has no lag.

    The window is the odd number of rows nearest to it; below five rows nothing is changed. Motion slower than the
    window passes almost unchanged (a parabola exactly). Savitzky and Golay 1964, doi 10.1021/ac60214a047.
    """
    from scipy.signal import savgol_filter

    window = min(2 * round((seconds * fps - 1) / 2) + 1, len(points) - (len(points) + 1) % 2)
    return points if window < 5 else np.asarray(savgol_filter(points, window, 2, axis=0, mode="interp"))
