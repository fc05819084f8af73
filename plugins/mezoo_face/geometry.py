"""Crop and alignment as pure geometry. Points are (x, y) in pixels; a box is (left, top, right, bottom)."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from mezoo import Video

Points = NDArray[np.float64]
Image = NDArray[np.uint8]

_BLOCK = 64

STABLE = (36, 39, 42, 45, 27, 28, 29, 30)
"""Of the 68 landmarks (from 0): eye corners and nose bridge, which expressions move least."""


def lab_box(points: Points) -> Points:
    """The crop rule of the USTC laboratory's spotting baseline: (..., 68, 2) landmarks -> (..., 4) box.

    Left, right and bottom are the outermost landmarks; the top lies above the highest one by the distance from the
    eye corner (36) to the brow (18).
    """
    x, y = points[..., 0], points[..., 1]
    top = y.min(-1) - (y[..., 36] - y[..., 18])
    return np.stack([x.min(-1), top, x.max(-1), y.max(-1)], axis=-1)


def widen(box: Points, margin: float) -> Points:
    """Box (..., 4) grown on each side by `margin` times its width or height."""
    size = box[..., 2:] - box[..., :2]
    return np.concatenate([box[..., :2] - margin * size, box[..., 2:] + margin * size], axis=-1)


def clip(box: Points, height: int, width: int) -> Points:
    """Box (..., 4) cut at the borders of an image."""
    return np.clip(box, 0.0, np.array([width, height, width, height], dtype=np.float64))


def smooth(values: Points, window: int) -> Points:
    """Moving average over `window` rows of (rows, n); the first and the last row are repeated outwards."""
    half = min(window // 2, len(values) - 1)
    padded = np.pad(values, ((half, half), (0, 0)), mode="edge")
    total = np.cumsum(np.vstack([np.zeros_like(values[:1]), padded]), axis=0)
    return (total[2 * half + 1 :] - total[: -(2 * half + 1)]) / (2 * half + 1)


def box_to_square(box: Points, size: int) -> Points:
    """(2, 3) affine map that stretches a box onto a square of `size` pixels; pixel i covers [i, i + 1)."""
    scale = size / np.maximum(box[2:] - box[:2], 1e-9)
    return np.column_stack([np.diag(scale), -scale * box[:2]])


def similarity(source: Points, target: Points) -> Points:
    """Least-squares rotation, scale and shift from (n, 2) to (n, 2) points as a (2, 3) affine map; no reflection.

    In complex numbers: target = a * source + b with the least squared error has a closed form.
    """
    z, w = source @ [1, 1j], target @ [1, 1j]
    dz, dw = z - z.mean(), w - w.mean()
    a = np.vdot(dz, dw) / max(np.vdot(dz, dz).real, 1e-12)
    b = w.mean() - a * z.mean()
    return np.array([[a.real, -a.imag, b.real], [a.imag, a.real, b.imag]])


def after(second: Points, first: Points) -> Points:
    """The (2, 3) affine map that applies `first`, then `second`."""
    linear = second[:, :2] @ first[:, :2]
    return np.column_stack([linear, second[:, :2] @ first[:, 2] + second[:, 2]])


def warp(image: Image, matrix: Points, size: int) -> Image:
    """The square of `size` pixels that `matrix` maps the image onto: (size, size[, 3]) uint8.

    Shrinking does not alias: the square is drawn at about the image's own resolution, then averaged down by area.
    Outside the image its border is repeated.
    """
    import cv2

    finest = np.linalg.svd(matrix[:, :2], compute_uv=False).min()
    times = min(16, max(1, int(np.ceil(1 / max(finest, 1e-6) - 1e-6))))
    # OpenCV counts from pixel centres, the matrix from pixel edges: half a pixel in, half a pixel out.
    fine = times * matrix
    fine[:, 2] += fine[:, :2] @ [0.5, 0.5] - 0.5
    side = size * times
    drawn = cv2.warpAffine(image, fine, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    shrunk = drawn if times == 1 else cv2.resize(drawn, (size, size), interpolation=cv2.INTER_AREA)
    return np.asarray(shrunk, dtype=np.uint8)


def warped(
    video: Video, positions: NDArray[np.int64], matrices: Sequence[Points], *, size: int, grey: bool
) -> Iterator[tuple[Image, NDArray[np.int64]]]:
    """Squares of the frames `positions`, each by its own matrix: blocks of (rows, size, size[, 3]) and positions."""
    for start in range(0, len(positions), _BLOCK):
        block = positions[start : start + _BLOCK]
        frames = (video.frames.read(int(p), grey=grey) for p in block)
        squares = [warp(frame, matrix, size) for frame, matrix in zip(frames, matrices[start:], strict=False)]
        yield np.stack(squares), block
