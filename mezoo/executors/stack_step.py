"""One training step of several folds: losses, gradients and buffers of all of them by one `vmap`.

A fold hands in what its step needs (`Ask`) and gets what the step gives (`Answer`); what Lightning does before and
after a step stays with the fold.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap  # pyright: ignore[reportUnknownVariableType]

from mezoo.errors import RecipeError
from mezoo.executors.stack_chance import FoldChance, Generators
from mezoo.models import Batch, Model

APART = {"cpu": (1e-5, 1e-3), "other": (1e-3, 1e-2)}
"""How far loss and buffers, and gradient, of a fold's first step in the stack may be from its own: GPUs round more."""
INSTEAD = "take --executor inline or process"

Logged = list[tuple[str, Any, Mapping[str, Any]]]
"""Name, value and further arguments of every call of `self.log`."""


class Unstackable(Exception):
    """A step that cannot be taken for several folds at once."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A step that a fold is about to take; `plain` is its model's own `training_step`."""

    model: Model
    plain: Callable[[Batch, int], Tensor]
    batch: Batch
    index: int
    chance: Generators

    @classmethod
    def of(cls, model: Model, plain: Callable[[Batch, int], Tensor], batch: Batch, index: int) -> "Ask":
        """With the state of torch's generators as it is now."""
        return cls(model, plain, batch, index, Generators(model.device))

    def kind(self) -> tuple[Any, ...]:
        """Steps of one kind can be taken together: same epoch, batch number, shapes, and parameters that learn."""
        batch = [(n, t.shape, t.dtype) for part in (self.batch.inputs, self.batch.targets) for n, t in part.items()]
        parts = [(n, p.shape, p.requires_grad) for n, p in self.model.named_parameters()]
        kept = [(n, b.shape) for n, b in self.model.named_buffers()]
        return self.model.current_epoch, self.index, (*batch,), (*parts,), (*kept,)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a step gave a fold: loss (), gradients by name (None: not used), buffers by name, and what it logged."""

    loss: Tensor
    gradients: Mapping[str, Tensor | None]
    buffers: Mapping[str, Tensor]
    logged: Logged

    def taken(self, model: Model) -> Tensor:
        """Do to the model what its own step would have done; the loss, whose `backward` gives the gradients."""
        with torch.no_grad():
            for name, buffer in model.named_buffers():
                buffer.copy_(self.buffers[name])
        for name, value, more in self.logged:
            model.log(name, value, **more)
        learning = [p for p in model.parameters() if p.requires_grad]
        return _Given.apply(self.loss, [*self.gradients.values()], *learning)


class _Given(torch.autograd.Function):
    """A loss with gradients that are known already."""

    @staticmethod
    def forward(ctx: Any, loss: Tensor, gradients: list[Tensor | None], *learning: Tensor) -> Tensor:  # noqa: ARG004
        ctx.gradients = gradients
        return loss.clone()

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        return None, None, *(None if known is None else known * grads[0] for known in ctx.gradients)


class _Names(Sequence[str]):
    """Names of the videos of a batch that are others in each fold: only their number is known."""

    def __init__(self, count: int) -> None:
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: Any) -> Any:
        raise Unstackable("its training step reads which videos are in a batch")


class _Step(nn.Module):
    """A model whose call is a training step."""

    def __init__(self, ask: Ask) -> None:
        super().__init__()
        self.model = ask.model
        self._plain, self._index = ask.plain, ask.index

    def forward(self, batch: Batch) -> Tensor:
        """The loss ()."""
        loss = self._plain(batch, self._index)
        if not isinstance(loss, Tensor):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise Unstackable(f"its training step returns {type(loss).__name__}, not a loss alone")
        return loss


def together(asks: Sequence[Ask]) -> list[Answer]:
    """Take the steps of several folds, all of one kind, as one. Raises whatever `vmap` or the step raises."""
    lead = asks[0]
    state = [{n: p.detach() for n, p in ask.model.named_parameters()} for ask in asks]
    parameters = _stacked(state)
    learning = [n for n, p in lead.model.named_parameters() if p.requires_grad]
    for name in learning:
        parameters[name].requires_grad_()
    buffers = _stacked([dict(ask.model.named_buffers()) for ask in asks])
    losses, logged = _forward(asks, parameters, buffers)
    gradients = dict(zip(learning, _gradients(losses.sum(), [parameters[n] for n in learning]), strict=True))
    return [
        Answer(
            losses[i].detach(),
            {n: None if g is None else g[i] for n, g in gradients.items()},
            {n: b[i] for n, b in buffers.items()},
            [(n, v[i] if isinstance(v, Tensor) else v, more) for n, v, more in logged],
        )
        for i in range(len(asks))
    ]


def _forward(
    asks: Sequence[Ask], parameters: Mapping[str, Tensor], buffers: Mapping[str, Tensor]
) -> tuple[Tensor, Logged]:
    """Losses (folds,), and what was logged with values (folds, ...); `buffers` are changed in place."""
    lead, step = asks[0], _Step(asks[0])
    names = _Names(len(lead.batch.videos))
    chance = [ask.chance for ask in asks]
    logged: Logged = []

    def one(state: dict[str, Tensor], number: Tensor, *arrays: Any) -> tuple[Tensor, list[Tensor]]:
        own = {f"model.{name}": tensor for name, tensor in state.items()}
        logged.clear()
        with FoldChance(chance, number):
            loss = functional_call(step, own, (Batch(names, *arrays),))  # pyright: ignore[reportArgumentType]
        return loss, [value.detach() for _, value, _ in logged if isinstance(value, Tensor)]

    numbers = torch.arange(len(asks), device=lead.model.device)
    arrays = (
        torch.stack([a.batch.starts for a in asks]),
        *(_stacked([part(a.batch) for a in asks]) for part in (lambda b: b.inputs, lambda b: b.targets)),
    )
    lead.model.stacked = True
    try:
        with lead.model.trainer.precision_plugin.train_step_context(), caught_logs(lead.model, logged):
            losses, values = vmap(one, randomness="error")({**parameters, **buffers}, numbers, *arrays)
    finally:
        lead.model.stacked = False
    rest = iter(values)
    return losses, [(n, next(rest) if isinstance(v, Tensor) else v, more) for n, v, more in logged]


def _stacked(parts: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    return {name: torch.stack([part[name] for part in parts]) for name in parts[0]}


@contextmanager
def caught_logs(model: Model, logged: Logged) -> Generator[None]:
    """Keep what `self.log` and `self.log_dict` are given, instead of logging it."""

    def log(name: str, value: Any, *rest: Any, **more: Any) -> None:
        if not isinstance(value, Tensor | float | int):
            raise Unstackable(f"it logs {name} as a {type(value).__name__}, not as a number")
        logged.append((name, value, _named(rest, more)))

    vars(model)["log"] = log
    try:
        yield
    finally:
        del vars(model)["log"]


def _named(rest: Sequence[Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of `LightningModule.log` after the value, by name."""
    return {**dict(zip(("prog_bar", "logger", "on_step", "on_epoch"), rest, strict=False)), **more}


def check(ask: Ask, answer: Answer, name: str) -> None:
    """Take a fold's step alone, too, and compare. Raises RecipeError where the stack computed something else.

    What `training_step` reads beside parameters, buffers and batch is that of one fold in the stack.
    """
    before = {n for n, _ in ask.model.named_buffers()}
    learning = [p for p in ask.model.parameters() if p.requires_grad]
    ask.chance.set(anew=True)
    with caught_logs(ask.model, []):
        loss = ask.plain(ask.batch, ask.index)
    ask.chance.set()
    both = [*zip(_gradients(loss, learning), answer.gradients.values(), strict=True)]
    pairs = [(a, b) for a, b in both if a is not None and b is not None]
    unused = any((a is None) != (b is None) for a, b in both)
    after = dict(ask.model.named_buffers())
    numbers, slope = APART["cpu" if loss.device.type == "cpu" else "other"]
    kept = [(after[n], b) for n, b in answer.buffers.items()]
    apart = {
        "loss": _apart([(loss.detach(), answer.loss)]) / numbers,
        "gradient": _apart(pairs) / slope + 2 * unused,
        "buffers": _apart(kept) / numbers + 2 * (set(after) != before),
    }
    wrong = [part for part, by in apart.items() if not by <= 1]
    if wrong and bool(loss.isfinite()):
        raise RecipeError(
            f"{type(ask.model).__name__} cannot be stacked: in its first step the {' and '.join(wrong)} of fold {name} "
            "differ from those of the fold alone, so its training step depends on more than parameters, buffers and "
            "batch",
            hint=INSTEAD,
        )


def _gradients(loss: Tensor, learning: Sequence[Tensor]) -> tuple[Tensor | None, ...]:
    """Of each parameter, None for one that the loss does not use."""
    return torch.autograd.grad(loss, learning, allow_unused=True)


def _apart(pairs: Sequence[tuple[Tensor, Tensor]]) -> float:
    """Distance of all tensors taken as one vector, relative to the first."""
    if not pairs:
        return 0.0
    off = sum(float((a.double() - b.double()).square().sum()) for a, b in pairs)
    size = sum(float(a.double().square().sum()) for a, _ in pairs)
    return (off / max(size, 1e-24)) ** 0.5
