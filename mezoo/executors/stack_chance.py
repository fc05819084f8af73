"""Chance inside a step of several folds: every fold draws from its own generator, as it would alone."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

Draw = Callable[[Tensor], Tensor]
SIZED = frozenset({torch.rand, torch.randn})
ALIKE = frozenset({torch.rand_like, torch.randn_like})
DROPS = frozenset({functional.dropout, functional.dropout1d, functional.dropout2d, functional.dropout3d})


class Generators:
    """States of torch's generators, a fold each, of the CPU and of the GPU that is used."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._first = self._state = self._now()

    def draw(self, draw: Draw, like: Tensor) -> Tensor:
        """What `draw` gives for this fold."""
        self.set()
        found = draw(like)
        self._state = self._now()
        return found

    def set(self, *, anew: bool = False) -> None:
        """Let torch draw from here on as this fold would; `anew`: as it would have before its step."""
        state = self._first if anew else self._state
        torch.set_rng_state(state[0])
        if len(state) > 1:
            torch.cuda.set_rng_state(state[1], self._device)

    def _now(self) -> tuple[Tensor, ...]:
        here = torch.get_rng_state()
        return (here, torch.cuda.get_rng_state(self._device)) if self._device.type == "cuda" else (here,)


class Drawn(torch.autograd.Function):
    """A draw for each fold; has a meaning under `vmap` over folds only."""

    @staticmethod
    def forward(*inputs: Any) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Never without `vmap`."""
        raise RuntimeError(f"{len(inputs)} arguments, and no vmap over folds")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        """No gradient goes through chance."""

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int | None, ...], *args: Any) -> tuple[Tensor, int]:  # noqa: ARG004
        """One after the other, each from its own generator; `args` are those of `apply`."""
        like, draw, folds = args[1:]
        at = in_dims[1]
        shapes = [like] * len(folds) if at is None else like.unbind(at)
        return torch.stack([fold.draw(draw, own) for fold, own in zip(folds, shapes, strict=True)]), 0


class FoldChance(TorchFunctionMode):
    """Inside `vmap` over folds: noise and dropout of PyTorch are drawn fold by fold; `number` is the fold's (batched).

    Other draws are left as they are: `vmap(randomness="error")` refuses them.
    """

    def __init__(self, folds: Sequence[Generators], number: Tensor) -> None:
        super().__init__()
        self._folds, self._number = folds, number

    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Calls `func`, or draws."""
        given = dict(kwargs or {})
        if func in SIZED:
            return self._drawn(self._number, lambda _: func(*args, **given))
        if func in ALIKE:
            return self._drawn(args[0], lambda own: func(own, *args[1:], **given))
        if func in DROPS:
            return self._dropped(func, args, given)
        return func(*args, **given)

    def _drawn(self, like: Tensor, draw: Draw) -> Tensor:
        return Drawn.apply(self._number, like.detach(), draw, self._folds)

    def _dropped(self, func: Any, args: Sequence[Any], given: dict[str, Any]) -> Tensor:
        names = ("input", "p", "training", "inplace")
        asked: dict[str, Any] = {"p": 0.5, "training": True} | dict(zip(names, args, strict=False)) | given
        values = asked["input"]
        if not asked["training"] or not asked["p"]:
            return values
        return values * self._drawn(values, lambda own: func(torch.ones_like(own), asked["p"], True))
