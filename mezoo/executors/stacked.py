"""Folds of a small model in one training: each has its own trainer, the steps of all are computed as one.

Every fold runs through `fold.py` in a thread of its own, so its seeds, batches, optimiser, curves, checkpoints and
scores are those of a fold alone. Only its training step waits: folds that are about to take the same kind of step take
it together (`torch.func`), and a step that no other fold takes is taken plainly. Meant for a GPU, which a small model
leaves idle; on a CPU it is slower than one fold after the other.
"""

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any
from unittest.mock import patch

import torch

from mezoo.contracts import Bar
from mezoo.errors import RecipeError
from mezoo.executors.one import Bench, flat_scores, told
from mezoo.executors.stack_step import INSTEAD, Answer, Ask, check, together
from mezoo.executors.stack_turns import Seat, stop_all
from mezoo.fold import run_fold
from mezoo.jobs import job_of
from mezoo.models import Model
from mezoo.progress import Progress
from mezoo.registry import load
from mezoo.tracking import WandbTracker

FoldSeat = Seat[Ask, Answer]
EXACT = (None, 32, "32", "32-true")
"""Values of `trainer.precision` in which a stack equals its folds."""
ALONE: Mapping[str, tuple[Any, ...]] = {"strategy": (None, "auto"), "num_nodes": (None, 1), "devices": (None, 1, "1")}
"""Values of trainer settings that use one device."""
WHOLE = ("profiler", "detect_anomaly")
"""Settings of the trainer that act on the whole process, and so on all folds."""


def train(bench: Bench, progress: Progress) -> None:
    """Train every pending fold, as many at once as `workers` says, else all; a failed one does not stop the rest.

    Raises RecipeError for a recipe that cannot be stacked.
    """
    recipe = bench.work.recipe
    refuse(load(recipe.model.plugin), recipe.trainer)
    if recipe.compile:
        raise RecipeError("stacked steps are not compiled: compile: true", hint=f"leave compile out, or {INSTEAD}")
    names = [fold.name for fold in bench.work.pending]
    width, total = bench.work.options.workers or max(1, len(names)), len(bench.work.folds)
    with progress.bar("folds", total, total - len(names)) as outer:
        for first in range(0, len(names), width):
            _Stack(bench, progress, outer).run(names[first : first + width])


def refuse(model: type[Model], trainer: Mapping[str, Any]) -> None:
    """Raise RecipeError, with the reason, for a model or settings of the trainer that a stack cannot honour."""
    if not model.stackable:
        raise RecipeError(
            f"{model.__name__} does not say that its folds can be trained in one (`stackable`)", hint=INSTEAD
        )
    for key, known in ALONE.items():
        if trainer.get(key) not in known and not _one(trainer[key]):
            raise RecipeError(f"stacked folds share one device, not trainer.{key}: {trainer[key]}", hint=INSTEAD)
    for key in WHOLE:
        if trainer.get(key):
            raise RecipeError(f"trainer.{key}: {trainer[key]} cannot be told apart by stacked folds", hint=INSTEAD)
    if trainer.get("precision") not in EXACT:
        raise RecipeError(
            f"stacked folds equal folds alone in float32 only, not with trainer.precision: {trainer['precision']}",
            hint=f"leave trainer.precision out, or {INSTEAD}",
        )


def _one(devices: Any) -> bool:
    """A list with the index of one device."""
    return isinstance(devices, list) and len(devices) == 1  # pyright: ignore[reportUnknownArgumentType]


class SideBySide(WandbTracker):
    """Opens wandb runs of folds that are trained at the same time; else one would end the other."""

    def _init(self, names: tuple[str, str, str], config: Mapping[str, Any]) -> Any:
        import wandb

        beside = partial(_beside, wandb.init)
        with patch.object(wandb, "init", beside):
            return super()._init(names, config)


def _beside(init: Any, **asked: Any) -> Any:
    return init(**{**asked, "reinit": "create_new"})


class _Named:
    """The bar of a stack, each step of which is an epoch of some fold."""

    def __init__(self, bar: Bar, fold: str) -> None:
        self._bar, self._fold = bar, fold

    def advance(self, text: str = "") -> None:
        """An epoch is done."""
        self._bar.advance(f"{self._fold}: {text}")


class _Stack:
    """Folds that are trained together, each in a thread; one thread runs at a time."""

    def __init__(self, bench: Bench, progress: Progress, outer: Bar) -> None:
        self.bench, self.progress, self.outer = bench, progress, outer
        work = bench.work
        self.tracker = SideBySide(work.recipe.wandb, work.name, work.folder.path, progress.say)
        self.outcomes: dict[str, dict[str, Any]] = {}
        self.checked: set[str] = set()
        self.spent: dict[str, float] = defaultdict(float)
        """Seconds of each fold: what was done for it alone, and its share of what was done for several."""
        self.since = 0.0
        self.alone = False
        self.steps = self.shared = 0

    def run(self, names: Sequence[str]) -> None:
        """Train the folds. Raises the error that a user must mend."""
        epochs = [self.bench.epochs(name) for name in names]
        total, done = (sum(part) for part in zip(*epochs, strict=True))
        with self.progress.bar(f"  {len(names)} folds in one: epochs", total, done) as self.bar:
            seats = [FoldSeat(name, self._fold) for name in names]
            try:
                for seat in seats:
                    self._go(seat)
                while group := choose([seat for seat in seats if not seat.ended]):
                    self._step(group)
            finally:
                stop_all(seats)
        self.progress.say(f"{self.shared} of {self.steps} training steps were taken together with other folds")

    def _fold(self, seat: FoldSeat) -> None:
        """The work of a thread: a fold from beginning to end, as `Bench.train` has it."""
        bench, name = self.bench, seat.name
        fold, folder = bench.fold(name), bench.work.folder.fold(name)
        with folder.held():
            status = folder.status()
            if status["state"] == "done":  # by another command, since this one looked
                self.outcomes[name] = status
                return
            wandb_run = self.tracker.open(name, "fold", bench.work.recipe.resolved())
            job = job_of(bench.work, fold, bench.examples, folder, [wandb_run])
            seated = replace(job, make_model=lambda: self._seated(job.make_model(), seat))
            before = status.get("seconds", 0.0)
            outcome = run_fold(seated, bench.task, _Named(self.bar, name))
            outcome["seconds"] = before + self.spent[name] + time.monotonic() - self.since
            folder.record(**outcome)
            wandb_run.summarise(flat_scores(outcome))
            wandb_run.finish(failed=outcome["state"] == "failed")
        self.outcomes[name] = outcome

    def _seated(self, model: Model, seat: FoldSeat) -> Model:
        """A model whose training step is taken with those of other folds."""
        if not model.automatic_optimization:
            raise RecipeError(f"{type(model).__name__} optimises by hand, which cannot be stacked", hint=INSTEAD)
        plain = model.training_step

        def training_step(batch: Any, batch_idx: int) -> Any:
            ask = Ask.of(model, plain, batch, batch_idx)
            answer = seat.wait(ask)
            ask.chance.set()
            if answer is None:
                return plain(batch, batch_idx)
            if seat.name not in self.checked:
                check(ask, answer, seat.name)
                self.checked.add(seat.name)
            return answer.taken(model)

        vars(model)["training_step"] = training_step
        return model

    def _go(self, seat: FoldSeat, answer: Answer | None = None) -> None:
        self.since = time.monotonic()
        seat.go_on(answer)
        self.spent[seat.name] += time.monotonic() - self.since
        if seat.ended:
            self.progress.say(told(seat.name, self.outcomes[seat.name], self.bench.task))
            self.outer.advance()

    def _step(self, group: Sequence[FoldSeat]) -> None:
        """Take a step of some folds together, or each for itself where there is one, or where it cannot be."""
        answers: Sequence[Answer | None] = [None] * len(group)
        trouble: Exception | None = None
        begun = time.monotonic()
        if len(group) > 1 and not self.alone:
            try:
                answers = together([seat.ask for seat in group if seat.ask is not None])
            except Exception as error:
                trouble = error
        for seat in group:
            self.spent[seat.name] += (time.monotonic() - begun) / len(group)
        self.steps += len(group)
        self.shared += sum(answer is not None for answer in answers)
        for seat, answer in zip(group, answers, strict=True):
            self._go(seat, answer)
        if trouble is not None:
            self._troubled(trouble, group)

    def _troubled(self, trouble: Exception, group: Sequence[FoldSeat]) -> None:
        """A step could not be taken together, and was taken fold by fold: go on so, or not at all."""
        if all(self.outcomes.get(seat.name, {}).get("state") == "failed" for seat in group):
            return
        if isinstance(trouble, torch.OutOfMemoryError):
            reason, hint = f"{len(group)} folds at once do not fit on the device", "give fewer with --workers N"
        else:
            name = load(self.bench.work.recipe.model.plugin).__name__
            reason, hint = f"{name} cannot be stacked: {str(trouble).strip() or type(trouble).__name__}", INSTEAD
        if not self.checked:
            raise RecipeError(reason, hint=hint) from trouble
        self.alone = True
        self.progress.say(f"{reason}; going on with each fold for itself")


def choose(seats: Sequence[FoldSeat]) -> list[FoldSeat]:
    """Folds whose steps are taken next: the most of one kind among those that have done the fewest epochs."""
    groups: dict[tuple[Any, ...], list[FoldSeat]] = defaultdict(list)
    for seat in seats:
        if seat.ask is not None:
            groups[seat.ask.kind()].append(seat)
    order = sorted(groups.items(), key=lambda item: (item[0][0], -len(item[1]), item[0][1]))
    return order[0][1] if order else []
