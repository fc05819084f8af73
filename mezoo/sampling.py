"""Which frames to take, and sequences of another length: pure functions. Indices are 0-based, both ends included."""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mezoo.errors import DataError


def every(n_frames: int, fps: float, to_fps: float) -> NDArray[np.int64]:
    """Frames that turn `fps` into `to_fps` frames a second: (rows,) int64, increasing, the first is 0.

    Row k is the frame nearest in time, round(k * fps / to_fps) with halves up: from 200 to 25 every eighth frame. A
    last group that is not full gives its first frame. Raises DataError if a rate is not positive, or `to_fps` above
    `fps`.
    """
    if not 0 < to_fps <= fps:
        raise DataError(
            f"{to_fps:g} frames a second cannot be taken from {fps:g}",
            hint="ask for a rate above 0 and at most that of the film; interpolate makes frames between",
        )
    rows = int(np.ceil(n_frames * to_fps / fps)) + 1
    frames = np.floor(np.arange(rows) * fps / to_fps + 0.5).astype(np.int64)
    return frames[frames < n_frames]


def interpolate(
    values: NDArray[Any], rows: int, method: Literal["linear", "tim"] = "linear"
) -> NDArray[np.floating[Any]]:
    """A sequence (n, ...) brought to (rows, ...) at equal steps; first and last are kept, one row is the first.

    "linear" mixes the two neighbours; "tim" is the temporal interpolation model, see `tim_weights`, smooth and able
    to overshoot. float64 stays float64 and so become wide integers; else float32. Raises DataError for no values or
    no rows.
    """
    values = np.asarray(values)
    n = len(values)
    _at_least(1, "sequence of", n)
    at = _steps(n, rows)
    dtype = np.result_type(values.dtype, np.float32)
    if method == "tim":
        return np.tensordot(tim_weights(n, rows), values, 1).astype(dtype)
    before = np.minimum(at.astype(np.int64), max(0, n - 2))
    share = (at - before).reshape(-1, *[1] * (values.ndim - 1)).astype(dtype)
    first, second = values[before].astype(dtype), values[np.minimum(before + 1, n - 1)].astype(dtype)
    return (1 - share) * first + share * second


def tim_weights(n: int, rows: int) -> NDArray[np.float64]:
    """The temporal interpolation model as (rows, n) float64 weights of the n given frames; each row sums to 1.

    Frames are vertices of a path graph; the eigenvectors of its Laplacian, sin(pi k t + pi (n - k) / 2n) at t = i / n
    and k = 1..n-1, are points of a curve in t, and a linear map takes the curve back to images. Where the frames less
    their mean have rank n - 1, as the model asks, that map sends each given t to its own frame, so with orthogonal
    eigenvectors of squared length n / 2 every image on the curve is a fixed mixture of the frames: no decomposition
    of the images is needed, and lower ranks do no harm. The curve is walked from t = 1 / n to 1 in equal steps.
    Source: Zhou, Zhao, Pietikainen, "Towards a practical lipreading system", CVPR 2011, section 3.
    """
    _at_least(1, "sequence of", n)
    k = np.arange(1, n)
    phase = np.pi * (n - k) / (2 * n)
    given = np.sin(np.pi * k * (np.arange(n)[:, None] + 1) / n + phase)
    wanted = np.sin(np.pi * k * (_steps(n, rows)[:, None] + 1) / n + phase)
    return 1 / n + wanted @ given.T * (2 / n)


def between(onset: int, apex: int, count: int) -> NDArray[np.int64]:
    """`count` frames at equal steps from onset to apex, both included: (count,) int64, halves rounded up.

    Frames repeat where there are fewer than asked for. Raises DataError if the apex comes before the onset or `count`
    is below 2.
    """
    _in_order(onset=onset, apex=apex)
    _at_least(2, "key frames, onset and apex included:", count)
    steps = np.arange(count, dtype=np.int64)
    return onset + (2 * steps * (apex - onset) + count - 1) // (2 * (count - 1))


def key_frames(onset: int, apex: int, offset: int, *, official: bool = False) -> NDArray[np.int64]:
    """Four frames of an expression: onset, apex, offset, and the middle of the longer phase: (4,) int64, in order.

    The middle is rounded down; phases of equal length are split after the apex. `official`: as in the published
    sampling code, where the middle of the falling phase is counted from the onset instead of from the apex, so that
    it may come before the apex. Raises DataError for an apex outside the expression.
    Source: apex sampling in the feature code of AUW-GCN (github.com/xjtupanda/AUW-GCN), for the adaptive graph
    attention network of Zhang et al., ICME 2023.
    """
    _in_order(onset=onset, apex=apex)
    _in_order(apex=apex, offset=offset)
    rise, fall = apex - onset, offset - apex
    if rise > fall:
        return np.array([onset, onset + rise // 2, apex, offset], dtype=np.int64)
    return np.array([onset, apex, (onset if official else apex) + fall // 2, offset], dtype=np.int64)


def _steps(n: int, rows: int) -> NDArray[np.float64]:
    """Equally spaced places from 0 to n - 1, (rows,) float64."""
    _at_least(1, "rows:", rows)
    return np.linspace(0, n - 1, rows)


def _at_least(least: int, what: str, given: int) -> None:
    if given < least:
        raise DataError(f"{what} {given} is too few", hint=f"at least {least} is needed")


def _in_order(**frames: int) -> None:
    (first, a), (second, b) = frames.items()
    if a > b:
        raise DataError(
            f"{second} {b} comes before {first} {a}",
            hint="check the annotation of this expression, or leave it out; frames count from 0 in the video",
        )
