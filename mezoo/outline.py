"""A mean face of 68 landmarks (iBUG order) to draw on: where a region lies, and the lines of a simple outline.

Places are (x, y) of the smallest box around the 68 landmarks: 0 to 1, x to the right and y downwards as one looks at
the face.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise

Place = tuple[float, float]

ASPECT = 0.95
"""Height of that box for a width of 1."""
_JAW = (
    (0.0, 0.135), (0.008, 0.284), (0.023, 0.426), (0.053, 0.563), (0.102, 0.696), (0.18, 0.817), (0.278, 0.913),
    (0.384, 0.979), (0.5, 1.0),
)  # fmt: skip
_BROW = ((0.113, 0.053), (0.189, 0.01), (0.266, 0.0), (0.342, 0.015), (0.418, 0.032))
_BRIDGE = ((0.5, 0.135), (0.5, 0.235), (0.5, 0.334), (0.5, 0.434))
_NOSTRIL = ((0.398, 0.467), (0.447, 0.485), (0.5, 0.498))
_EYE = ((0.16, 0.165), (0.233, 0.127), (0.314, 0.127), (0.387, 0.17), (0.314, 0.192), (0.233, 0.192))
_UPPER_LIP = ((0.316, 0.647), (0.386, 0.612), (0.456, 0.588), (0.5, 0.601))
_LOWER_LIP = ((0.375, 0.688), (0.438, 0.708), (0.5, 0.711))
_UPPER_GAP = ((0.338, 0.646), (0.434, 0.639), (0.5, 0.645))
_LOWER_GAP = ((0.434, 0.644), (0.5, 0.65))


def _mirrored(half: Iterable[Place]) -> tuple[Place, ...]:
    return tuple((round(1 - x, 3), y) for x, y in half)


def _whole(half: tuple[Place, ...]) -> tuple[Place, ...]:
    """A row from one side to the other; its last point lies in the middle."""
    return half + _mirrored(half[-2::-1])


def _face() -> tuple[Place, ...]:
    turned = [_EYE[i] for i in (3, 2, 1, 0, 5, 4)]
    brows = _BROW + _mirrored(_BROW[::-1])
    lips = _whole(_UPPER_LIP) + _whole(_LOWER_LIP)[::-1]
    gap = _whole(_UPPER_GAP) + _whole(_LOWER_GAP)[::-1]
    return _whole(_JAW) + brows + _BRIDGE + _whole(_NOSTRIL) + _EYE + _mirrored(turned) + lips + gap


FACE68: tuple[Place, ...] = _face()
"""The 68 landmarks of the mean face."""
_OPEN = ((0, 16), (17, 21), (22, 26), (27, 30), (31, 35))
_CLOSED = ((36, 41), (42, 47), (48, 59), (60, 67))


def places(landmarks: Iterable[int]) -> tuple[Place, ...]:
    """Where landmarks (0 to 67) lie."""
    return tuple(FACE68[k] for k in landmarks)


def lines() -> list[tuple[Place, ...]]:
    """The face as lines: jaw, brows, nose, eyes, lips; closed ones end where they begin."""
    drawn = [FACE68[a : b + 1] for a, b in _OPEN]
    return drawn + [(*FACE68[a : b + 1], FACE68[a]) for a, b in _CLOSED]


def smooth(points: Sequence[Place]) -> list[tuple[Place, Place, Place]]:
    """Cubic Bezier pieces through points: of each its two handles and its end (a Catmull-Rom spline).

    The line closes smoothly where it ends at its beginning.
    """
    closed = points[0] == points[-1]
    before = [points[-2] if closed else points[0], *points[:-1]]
    after = [*points[1:], points[1] if closed else points[-1]]
    slopes = [((c - a) / 6, (d - b) / 6) for (a, b), (c, d) in zip(before, after, strict=True)]
    return [
        ((a + slopes[i][0], b + slopes[i][1]), (c - slopes[i + 1][0], d - slopes[i + 1][1]), (c, d))
        for i, ((a, b), (c, d)) in enumerate(pairwise(points))
    ]


def middle(*landmarks: int) -> Place:
    """The mean of landmarks."""
    x, y = (sum(axis) / len(landmarks) for axis in zip(*places(landmarks), strict=True))
    return round(x, 3), round(y, 3)
