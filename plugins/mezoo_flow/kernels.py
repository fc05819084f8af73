"""The inner loops of TV-L1, compiled by numba. Import this module only where numba is known to be there.

All state of one pyramid level is one sheet, (10, (height + 2) * row) float32: ten planes, each a picture with a row of
padding above and below and one column of padding on the right, so row = width + 1. A plane is walked as one long
vector: the padding column stands for "left of column 0" as well as for "right of the last column", and the loops have
neither borders nor branches, which is what lets the compiler use the widest registers.
"""

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

U, V, UX, UY, VX, VY, IX, IY, WEIGHT, RHO = range(10)
"""Planes: flow; its dual variables; gradient of the warped image, 1 / |gradient|^2, constant part of the residual."""

Array = NDArray[np.float32]
_ONE = np.float32(1)
_FLAT = np.finfo(np.float32).eps
_LOOSE: Any = {"fastmath": True, "error_model": "numpy"}
"""Sums in any order, and no test for a division by zero: either of them would keep the loops scalar."""


@njit(cache=True)
def gradients(image: Array, out: Array) -> None:
    """Image (height, width) -> `out` (height, width, 3): the image, half its central differences in x and in y.

    On the border the missing neighbour is the pixel itself, and the difference is halved all the same.
    """
    height, width = image.shape
    for y in range(height):
        above, below = image[max(y - 1, 0)], image[min(y + 1, height - 1)]
        for x in range(width):
            out[y, x, 0] = image[y, x]
            out[y, x, 1] = np.float32(0.5) * (image[y, min(x + 1, width - 1)] - image[y, max(x - 1, 0)])
            out[y, x, 2] = np.float32(0.5) * (below[x] - above[x])


@njit(cache=True)
def linearise(sheet: Array, row: int, first: Array, warped: Array) -> None:
    """Fill the planes of the data term from the first image (height, width) and the warped one (height, width, 3)."""
    height, width = first.shape
    for y in range(height):
        start = (y + 1) * row
        for x in range(width):
            i = start + x
            ix, iy = warped[y, x, 1], warped[y, x, 2]
            square = ix * ix + iy * iy
            sheet[IX, i] = ix
            sheet[IY, i] = iy
            sheet[WEIGHT, i] = _ONE / square if square > _FLAT else np.float32(0)
            sheet[RHO, i] = warped[y, x, 0] - ix * sheet[U, i] - iy * sheet[V, i] - first[y, x]


@njit(cache=True, **_LOOSE)
def iterate(
    sheet: Array, row: int, settings: tuple[np.float32, np.float32, np.float32], limit: float, most: int
) -> float:
    """At most `most` primal-dual iterations in place; stops once the squared change of a step is at most `limit`.

    `settings` are lambda * theta, theta, tau / theta. Returns the last squared change, summed over pixels.
    """
    reach, theta, step = settings
    start, stop = row, sheet.shape[1] - row
    change = np.inf
    for _ in range(most):
        change = _primal(sheet, row, reach, theta)
        _mirror(sheet, row)
        for flow, across, down in ((U, UX, UY), (V, VX, VY)):
            part = sheet[flow]
            _dual(part[start:stop], part[start + 1 :], part[start + row :], sheet[across], sheet[down], row, step)
        _silence(sheet, row)
        if change <= limit:
            break
    return change


@njit(cache=True, **_LOOSE)
def _primal(sheet: Array, row: int, reach: np.float32, theta: np.float32) -> float:
    """The thresholding step towards the data and the step of the flow (Zach et al., eqs. 12 and 15); squared change."""
    start, stop = row, sheet.shape[1] - row
    u, v, ix, iy = sheet[U, start:stop], sheet[V, start:stop], sheet[IX, start:stop], sheet[IY, start:stop]
    weight, rho = sheet[WEIGHT, start:stop], sheet[RHO, start:stop]
    ux, ux_left, uy, uy_above = sheet[UX, start:stop], sheet[UX, start - 1 :], sheet[UY, start:stop], sheet[UY]
    vx, vx_left, vy, vy_above = sheet[VX, start:stop], sheet[VX, start - 1 :], sheet[VY, start:stop], sheet[VY]
    change = np.float32(0)
    for i in range(u.size):
        pull = -(rho[i] + ix[i] * u[i] + iy[i] * v[i]) * weight[i]
        pull = min(max(pull, -reach), reach)
        du = pull * ix[i] + theta * (ux[i] - ux_left[i] + uy[i] - uy_above[i])
        dv = pull * iy[i] + theta * (vx[i] - vx_left[i] + vy[i] - vy_above[i])
        u[i] += du
        v[i] += dv
        change += du * du + dv * dv
    return float(change)


@njit(cache=True, **_LOOSE)
def _dual(u: Array, right: Array, below: Array, across: Array, down: Array, row: int, step: np.float32) -> None:
    """p <- (p + step * grad u) / (1 + step * |grad u|) for one component of the flow (Zach et al., eq. 13)."""
    px, py = across[row:], down[row:]
    for i in range(u.size):
        gx, gy = step * (right[i] - u[i]), step * (below[i] - u[i])
        shrink = _ONE / (_ONE + math.sqrt(gx * gx + gy * gy))
        px[i] = (px[i] + gx) * shrink
        py[i] = (py[i] + gy) * shrink


@njit(cache=True)
def _mirror(sheet: Array, row: int) -> None:
    """Repeat the last column and the last row of the flow in the padding: no gradient across the border."""
    size = sheet.shape[1]
    for i in range(2 * row - 1, size - row, row):
        for plane in (U, V):
            sheet[plane, i] = sheet[plane, i - 1]
    for i in range(size - row, size):
        for plane in (U, V):
            sheet[plane, i] = sheet[plane, i - row]


@njit(cache=True)
def _silence(sheet: Array, row: int) -> None:
    """Dual variables of the padding column are zero: nothing flows in over the border."""
    for i in range(2 * row - 1, sheet.shape[1] - row, row):
        for plane in (UX, UY, VX, VY):
            sheet[plane, i] = 0
