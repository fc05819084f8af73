"""TV-L1 over a batch of pairs on any device of torch, step by step what `tvl1` does pair by pair."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from mezoo_flow.extractor import Solver
from mezoo_flow.tvl1 import SMALLEST, Array, Settings
from mezoo_flow.view import Grey

_LOOK_EVERY = 10
"""Iterations between two looks at whether every pair has stopped: each makes a GPU wait."""


def torch_solver(settings: Settings, device: str = "auto") -> Solver:
    """TV-L1 of (pairs, height, width) uint8 -> (pairs, height, width, 2) float32 px, on `device`."""
    chosen = torch.device(("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device)

    def solve(first: Grey, second: Grey) -> Array:
        with torch.inference_mode():
            a, b = (
                torch.from_numpy(np.ascontiguousarray(x)).to(chosen, torch.float32)[:, None] for x in (first, second)
            )
            flow = _coarse_to_fine(_levels(a, settings), _levels(b, settings), settings)
            return flow.permute(0, 2, 3, 1).contiguous().cpu().numpy()

    return solve


def _levels(images: Tensor, settings: Settings) -> list[Tensor]:
    """(pairs, 1, height, width) from fine to coarse."""
    levels, step = [images], settings.scale_step
    while len(levels) < settings.nscales:
        height, width = (round(side * step) for side in levels[-1].shape[2:])
        if min(height, width) < SMALLEST:
            break
        levels.append(_resample(levels[-1], (height, width), (1 / step, 1 / step)))
    return levels


def _resample(images: Tensor, size: tuple[int, int], scale: tuple[float, float]) -> Tensor:
    """Linear interpolation at pixel centres as OpenCV's resize does it; `scale` is source px per target px."""
    for axis in (2, 3):
        last = images.shape[axis] - 1
        where = (torch.arange(size[axis - 2], device=images.device, dtype=torch.float32) + 0.5) * scale[axis - 2] - 0.5
        where = where.clamp(0, last)
        low = where.floor().long().clamp(max=max(last - 1, 0))
        share = (where - low).view([-1 if k == axis else 1 for k in range(4)])
        images = images.index_select(axis, low).lerp(images.index_select(axis, (low + 1).clamp(max=last)), share)
    return images


def _coarse_to_fine(first: list[Tensor], second: list[Tensor], settings: Settings) -> Tensor:
    flow = first[-1].new_zeros(first[-1].shape[0], 2, *first[-1].shape[2:])
    for a, b in zip(reversed(first), reversed(second), strict=True):
        if flow.shape[2:] != a.shape[2:]:
            (h, w), (height, width) = flow.shape[2:], a.shape[2:]
            flow = _resample(flow, (height, width), (h / height, w / width)) / settings.scale_step
        flow = _one_level(a, b, flow, settings)
    return flow


@dataclass
class _State:
    """Flow (pairs, 2, height, width), its dual (pairs, 2, 2, height, width; x before y), and who goes on (pairs,)."""

    flow: Tensor
    dual: Tensor
    active: Tensor


@dataclass(frozen=True)
class _Data:
    """Gradient of the warped images (pairs, 2, height, width), 1 / |gradient|^2 and constant part of the residual."""

    gradient: Tensor
    weight: Tensor
    rho: Tensor


def _one_level(first: Tensor, second: Tensor, flow: Tensor, settings: Settings) -> Tensor:
    pairs, _, height, width = first.shape
    stack = torch.cat([second, *_central_differences(second)], dim=1)
    rows, columns = (torch.arange(n, device=flow.device, dtype=flow.dtype) for n in (height, width))
    grid = torch.stack(torch.meshgrid(columns, rows, indexing="xy"))
    state = _State(flow, flow.new_zeros(pairs, 2, 2, height, width), flow.new_ones(pairs, dtype=torch.bool))
    for _ in range(settings.warps):
        data = _linearise(first, _warp(stack, grid + state.flow), state.flow)
        state.active = torch.ones_like(state.active)
        _relax(state, data, settings)
    return state.flow


def _central_differences(image: Tensor) -> tuple[Tensor, Tensor]:
    """Halved differences in x and y; on the border the missing neighbour is the pixel itself."""
    wide = functional.pad(image, (1, 1, 1, 1), mode="replicate")
    x = (wide[..., 1:-1, 2:] - wide[..., 1:-1, :-2]) / 2
    y = (wide[..., 2:, 1:-1] - wide[..., :-2, 1:-1]) / 2
    return x, y


def _warp(stack: Tensor, where: Tensor) -> Tensor:
    """Bicubic samples at px `where` (pairs, 2, height, width), x before y; zero outside."""
    height, width = stack.shape[2:]
    # grid_sample wants places as shares of the side: in float32 a still picture would be seen to move.
    exact = where.dtype if where.device.type == "mps" else torch.float64
    ends = torch.tensor([width - 1, height - 1], device=where.device, dtype=exact).view(1, 2, 1, 1)
    grid = (where.to(exact) * 2 / ends - 1).permute(0, 2, 3, 1)
    warped = functional.grid_sample(stack.to(exact), grid, mode="bicubic", padding_mode="zeros", align_corners=True)
    return warped.to(where.dtype)


def _linearise(first: Tensor, warped: Tensor, flow: Tensor) -> _Data:
    gradient = warped[:, 1:]
    square = gradient.square().sum(1, keepdim=True)
    seen = square > torch.finfo(square.dtype).eps
    weight = torch.where(seen, 1 / torch.where(seen, square, 1), 0)
    return _Data(gradient, weight, warped[:, :1] - (gradient * flow).sum(1, keepdim=True) - first)


def _relax(state: _State, data: _Data, settings: Settings) -> None:
    """Iterate in place until every pair has stopped; a pair that has stopped is not touched again."""
    limit = settings.epsilon**2 * state.flow.shape[2] * state.flow.shape[3]
    for _ in range(settings.outer_iterations):
        if settings.median > 1:
            state.flow = torch.where(_per_pair(state.active, 4), _median(state.flow, settings.median), state.flow)
        for k in range(settings.inner_iterations):
            if k % _LOOK_EVERY == 0 and not bool(state.active.any()):
                return
            _step(state, data, settings, limit)


def _step(state: _State, data: _Data, settings: Settings, limit: float) -> None:
    """One primal-dual iteration: Zach et al., eqs. 12, 13 and 15."""
    flow, dual, theta = state.flow, state.dual, settings.theta
    reach, step = settings.lambda_ * theta, settings.tau / theta
    pull = -(data.rho + (data.gradient * flow).sum(1, keepdim=True)) * data.weight
    x, y = dual[:, :, 0], dual[:, :, 1]
    divergence = x - functional.pad(x[..., :-1], (1, 0)) + y - functional.pad(y[..., :-1, :], (0, 0, 1, 0))
    change = pull.clamp(-reach, reach) * data.gradient + theta * divergence
    moved = flow + change
    slope = step * torch.stack(
        [functional.pad(moved.diff(dim=3), (0, 1)), functional.pad(moved.diff(dim=2), (0, 0, 0, 1))], dim=2
    )
    raised = (dual + slope) / (1 + slope.square().sum(2, keepdim=True).sqrt())
    state.flow = torch.where(_per_pair(state.active, 4), moved, flow)
    state.dual = torch.where(_per_pair(state.active, 5), raised, dual)
    state.active = state.active & (change.square().sum((1, 2, 3)) > limit)


def _median(flow: Tensor, side: int) -> Tensor:
    pairs, parts, height, width = flow.shape
    edge = side // 2
    wide = functional.pad(flow.reshape(-1, 1, height, width), (edge,) * 4, mode="replicate")
    return functional.unfold(wide, side).median(dim=1).values.view(pairs, parts, height, width)


def _per_pair(flags: Tensor, axes: int) -> Tensor:
    return flags.view(-1, *(1,) * (axes - 1))
