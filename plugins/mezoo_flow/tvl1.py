"""TV-L1 optical flow of one pair of pictures: OpenCV's, and the same algorithm in one fused sweep.

Zach, Pock, Bischof, "A Duality Based Approach for Realtime TV-L1 Optical Flow", DAGM 2007; with the coarse-to-fine
scheme, the stopping rule and the median filter of OpenCV's DualTVL1 (after Sanchez, Meinhardt-Llopis, Facciolo, IPOL
2013).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mezoo import DataError

Array = NDArray[np.float32]
Image = NDArray[np.uint8] | NDArray[np.float32]
PairSolver = Callable[[Image, Image], Array]
SMALLEST = 16
"""No pyramid level has a side below this, px."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Parameters of TV-L1 with OpenCV's defaults; `lambda_` weighs the data, for images of 0 to 255.

    `epsilon` px: iterations stop when the root mean square change of the flow is below it.
    """

    tau: float = 0.25
    lambda_: float = 0.15
    theta: float = 0.3
    nscales: int = 5
    warps: int = 5
    epsilon: float = 0.01
    inner_iterations: int = 30
    outer_iterations: int = 10
    scale_step: float = 0.8
    median: int = 5

    def __post_init__(self) -> None:
        weights = (self.tau, self.lambda_, self.theta, self.epsilon)
        counts = (self.nscales, self.warps, self.inner_iterations, self.outer_iterations)
        if min(weights) <= 0 or min(counts) < 1 or not 0 < self.scale_step < 1 or self.median not in (0, 1, 3, 5):
            raise DataError(
                f"tvl1: tau, lambda_, theta, epsilon {weights}, nscales, warps, iterations {counts}, "
                f"scale_step {self.scale_step}, median {self.median} cannot be",
                hint="weights are above 0, counts at least 1, scale_step is between 0 and 1, median 0 (none), 3 or 5",
            )


def opencv_solver(settings: Settings) -> PairSolver:
    """OpenCV's DualTVL1: two (height, width) uint8, or float32 in [0, 1] -> (height, width, 2) float32 px."""
    import cv2

    optflow: Any = cv2.optflow
    made = optflow.DualTVL1OpticalFlow_create(
        tau=settings.tau,
        theta=settings.theta,
        nscales=settings.nscales,
        warps=settings.warps,
        epsilon=settings.epsilon,
        innnerIterations=settings.inner_iterations,
        outerIterations=settings.outer_iterations,
        scaleStep=settings.scale_step,
        medianFiltering=settings.median,
        lambda_=settings.lambda_,
    )
    return lambda a, b: np.asarray(made.calc(a, b, None), dtype=np.float32)


def fast_solver(settings: Settings) -> PairSolver:
    """The fused sweep: two (height, width) uint8, or float32 in [0, 1] -> (height, width, 2) float32 px; one core.

    Needs numba. Agrees with OpenCV as well as OpenCV does with itself when the input changes by 1e-4 grey levels.
    """
    return lambda a, b: _coarse_to_fine(_levels(a, settings), _levels(b, settings), settings)


def _levels(image: Image, settings: Settings) -> list[Array]:
    """Grey levels 0 to 255 as float32, from fine to coarse."""
    import cv2

    scale = 1.0 if image.dtype == np.uint8 else 255.0
    levels = [np.ascontiguousarray(image, dtype=np.float32) * np.float32(scale)]
    while len(levels) < settings.nscales:
        step = settings.scale_step
        smaller = cv2.resize(levels[-1], None, fx=step, fy=step, interpolation=cv2.INTER_LINEAR)
        if min(smaller.shape) < SMALLEST:
            break
        levels.append(np.asarray(smaller, dtype=np.float32))
    return levels


def _coarse_to_fine(first: list[Array], second: list[Array], settings: Settings) -> Array:
    import cv2

    flow = np.zeros((2, *first[-1].shape), dtype=np.float32)
    for a, b in zip(reversed(first), reversed(second), strict=True):
        if flow.shape[1:] != a.shape:
            height, width = a.shape
            larger = [cv2.resize(flow[k], (width, height), interpolation=cv2.INTER_LINEAR) for k in (0, 1)]
            flow = np.stack(larger).astype(np.float32) * np.float32(1 / settings.scale_step)
        flow = _one_level(a, b, flow, settings)
    return np.ascontiguousarray(np.moveaxis(flow, 0, 2))


def _one_level(first: Array, second: Array, flow: Array, settings: Settings) -> Array:
    """Flow (2, height, width) refined at one size of the pictures."""
    import cv2

    from mezoo_flow import kernels

    height, width = first.shape
    planes = np.zeros((10, height + 2, width + 1), dtype=np.float32)
    sheet, inside = planes.reshape(10, -1), planes[:2, 1:-1, :-1]
    inside[:] = flow
    stack = np.empty((height, width, 3), dtype=np.float32)
    kernels.gradients(second, stack)
    down, across = np.indices((height, width), dtype=np.float32)
    limit = settings.epsilon**2 * height * width
    theta = settings.theta
    weights = np.float32(settings.lambda_ * theta), np.float32(theta), np.float32(settings.tau / theta)
    for _ in range(settings.warps):
        warped = cv2.remap(stack, across + inside[0], down + inside[1], cv2.INTER_CUBIC)
        kernels.linearise(sheet, width + 1, first, np.asarray(warped, dtype=np.float32))
        for _ in range(settings.outer_iterations):
            if settings.median > 1:
                for part in inside:
                    part[:] = cv2.medianBlur(np.ascontiguousarray(part), settings.median)
            if kernels.iterate(sheet, width + 1, weights, limit, settings.inner_iterations) <= limit:
                break
    return np.ascontiguousarray(inside)
