"""Two steps of AUW-GCN over rows (R, channels), a row for each frame of each window, with their gradients by hand.

They compute what PyTorch's own layers compute. On a CPU they go through the rows in blocks that stay in a core's cache,
and their sums over all rows are good to float32, which those of PyTorch's batch norm over rows are not (off by 1e-4).
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

BLOCK = 2**17
"""Numbers at a time on a CPU: half a megabyte."""


class TwoProducts(torch.autograd.Function):
    """relu(rows @ first + shift) @ second of rows (R, I), first (I, H), shift (H,), second (H, O) -> (R, O).

    The wide middle (R, H) is never whole in memory: it is made block by block, and again for the gradients.
    """

    @staticmethod
    def forward(ctx: Any, rows: Tensor, first: Tensor, shift: Tensor, second: Tensor) -> Tensor:
        """See the class."""
        ctx.save_for_backward(rows, first, shift, second)
        found = rows.new_empty(len(rows), second.shape[1])
        for part, out in _blocks(len(shift), rows, found):
            torch.mm(torch.addmm(shift, part, first).relu_(), second, out=out)
        return found

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, *grads: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Gradients of the four; rows that need none get an empty one."""
        rows, first, shift, second = ctx.saved_tensors
        d_first, d_shift, d_second = (torch.zeros_like(t) for t in (first, shift, second))
        d_rows = torch.empty_like(rows) if ctx.needs_input_grad[0] else rows[:, :0]
        for part, grad, d_part in _blocks(len(shift), rows, grads[0].contiguous(), d_rows):
            middle = torch.addmm(shift, part, first).relu_()
            d_second.addmm_(middle.T, grad)
            d_middle = _through_relu(grad @ second.T, middle)
            d_first.addmm_(part.T, d_middle)
            d_shift += d_middle.sum(0)
            if ctx.needs_input_grad[0]:
                torch.mm(d_middle, first.T, out=d_part)
        return d_rows, d_first, d_shift, d_second


class NormRelu(torch.autograd.Function):
    """Batch norm in training and ReLU, of rows (R, C) with weight and bias (C,): (R, C), and mean and variance (C,)."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, weight: Tensor, bias: Tensor, eps: float) -> tuple[Tensor, Tensor, Tensor]:
        """The variance is that of the rows themselves (over R, not R - 1)."""
        mean, squares = rows.mean(0), torch.zeros_like(bias)
        for (part,) in _blocks(len(bias), rows):
            apart = part - mean
            squares += apart.mul_(apart).sum(0)
        variance = squares / len(rows)
        scale = (variance + eps).rsqrt()
        slope, found = weight * scale, torch.empty_like(rows)
        shift = bias - mean * slope
        for part, out in _blocks(len(bias), rows, found):
            torch.addcmul(shift, part, slope, out=out).relu_()
        ctx.save_for_backward(rows, found, weight, mean, scale)
        ctx.mark_non_differentiable(mean, variance)
        return found, mean, variance

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, *grads: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, None]:
        """Gradients of rows, weight and bias."""
        rows, found, weight, mean, scale = ctx.saved_tensors
        d_rows, d_bias, along = torch.empty_like(rows), torch.zeros_like(mean), torch.zeros_like(mean)
        for part, out, grad, d_part in _blocks(len(mean), rows, found, grads[0].contiguous(), d_rows):
            torch.ops.aten.threshold_backward.grad_input(grad, out, 0, grad_input=d_part)
            d_bias += d_part.sum(0)
            along += (part - mean).mul_(d_part).sum(0)
        # d = slope * (g - mean of g - (x - mean) * scale^2 * mean of g (x - mean)), as slope * g + turn * x + rest
        slope = weight * scale
        turn = -slope * scale.square() * along / len(rows)
        rest = -slope * d_bias / len(rows) - turn * mean
        for part, d_part in _blocks(len(mean), rows, d_rows):
            torch.addcmul(torch.addcmul(rest, part, turn), d_part, slope, out=d_part)
        return d_rows, along * scale, d_bias, None


def _blocks(width: int, *rows: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """The same rows of each tensor, so many that `width` channels have `BLOCK` numbers; other than on a CPU all."""
    step = max(1, BLOCK // max(1, width)) if rows[0].device.type == "cpu" else len(rows[0])
    return zip(*(each.split(step) for each in rows), strict=True)


def _through_relu(grad: Tensor, found: Tensor) -> Tensor:
    """`grad` where ReLU gave more than 0: what autograd itself calls, three times as fast as a mask."""
    return torch.ops.aten.threshold_backward(grad, found, 0)
