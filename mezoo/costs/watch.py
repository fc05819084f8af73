"""The watch over a trial: Lightning's Trainer with the callback of a real fold, stopped when enough was seen."""

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import lightning as L
import torch
from torch.utils.flop_counter import FlopCounterMode

from mezoo.contracts import no_bars
from mezoo.costs.counts import sizes
from mezoo.costs.trial import BUDGET_S, EPOCHS, FEW, STEPS, Stage, Trial, limited, one_device, timed
from mezoo.data import Loaders
from mezoo.fold import EveryEpoch, FoldJob, card_of, check_epochs, choose, make_trainer, quiet_libraries
from mezoo.fold_folder import FoldFolder
from mezoo.heap import keep_freed
from mezoo.jobs import extracted, job_of, task_of
from mezoo.machine import free_memory, peak_memory
from mezoo.models import Model
from mezoo.plan import Work
from mezoo.progress import LineProgress
from mezoo.records import Fold
from mezoo.splits import stable_seed
from mezoo.tasks import Task
from mezoo.transfer import begin
from mezoo.weights import save_weights


class Enough(Exception):
    """Everything was seen: the trainer may end."""


class Watch(EveryEpoch):
    """Counts the first step, times the following ones, the ends of epochs and what lies between two."""

    def __init__(self, job: FoldJob, task: Task) -> None:
        with no_bars("", 0) as bar:
            super().__init__(job, task, bar)
        self.steps: list[float] = []
        self.seen: dict[str, float] = {}
        self.flops: int | None = None
        self.counts: dict[str, int] = {}
        self.epochs = 0
        self.device = torch.device("cpu")
        self._counter: FlopCounterMode | None = None
        self._began = self._last = 0.0

    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
        """Begin to count operations at the first step; end before the first of an epoch when enough was seen."""
        if batch_idx == 0 and self.epochs:
            now = _now(self.device)
            self.seen["draw"], self._last = now - self._last, now
            if len(self.steps) >= FEW or self.epochs == EPOCHS:
                raise Enough
        super().on_train_batch_start(trainer, pl_module, batch, batch_idx)
        if not self.counts:
            loader = trainer.train_dataloader
            steps = limited(len(loader), self.job.trainer.get("limit_train_batches"))
            self.counts = {"steps": steps, "samples": len(loader.dataset), "batch": len(batch.videos)}
            self.device = pl_module.device
            self._began = _now(self.device)
            self._counter = FlopCounterMode(display=False)
            self._counter.__enter__()

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:  # noqa: ARG002
        """The first step warms up; of the others the time from end to end is taken, loading included."""
        if self._counter is not None:
            self.flops = self._counter.get_total_flops()
            self._stop_counting()
            self._last = _now(self.device)
            self.seen["first"] = self._last - self._began
            return
        now = _now(self.device)
        self.steps.append(now - self._last)
        self._last = now
        if len(self.steps) >= STEPS or now - self._began > BUDGET_S:
            trainer.should_stop = True  # the rest of this epoch alone: see on_train_epoch_end

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:  # noqa: ARG002
        """A step that fails must not leave the counter over what this process does next."""
        self._stop_counting()

    def _stop_counting(self) -> None:
        if self._counter is not None:
            self._counter.__exit__(None, None, None)
            self._counter = None

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """What a real fold does now, and its checkpoint once more to know its part."""
        trainer.should_stop = False
        self.epochs += 1
        self.seen.pop("end", None)
        self.seen.pop("checkpoint", None)
        with timed(self.seen, "end"):
            super().on_train_epoch_end(trainer, pl_module)
            _now(self.device)
        with timed(self.seen, "checkpoint"):
            trainer.save_checkpoint(self.job.folder.checkpoint)
        states = [s for o in trainer.optimizers for s in o.state.values()]
        held = (t for s in states if isinstance(s, dict) for t in s.values() if isinstance(t, torch.Tensor))
        self.counts["optimizer"] = sum(t.numel() * t.element_size() for t in held)
        self._last = _now(self.device)


def try_fold(work: Work, fold: Fold, place: Path, start_s: float) -> Trial:
    """Train some steps of each stage of a fold below `place`. `start_s`: seconds that the imports took."""
    quiet_libraries()
    keep_freed()
    times = {"start": start_s}
    task = task_of(work)
    with timed(times, "load"):
        examples = extracted(work, LineProgress())
    job = job_of(work, fold, examples, FoldFolder(place / "fold"), ())
    job = replace(job, trainer=one_device(dict(job.trainer)), loggers=())
    with timed(times, "prepare"):
        model, fitted = built(job)
    warm_up, stages = int(model.warmup_epochs), list[Stage]()
    if warm_up:
        stages.append(stage_of("pre-training", 0, watched(job, task, model, 0)))
        model, fitted = built(job)
    watch = watched(job, task, model, warm_up)
    stages.append(stage_of("training", warm_up, watch))
    with timed(times, "choose"):
        choose(job, task, model)
    save_weights(model, job.folder.weights, card_of(job, fitted))
    return trial_of(job, (model, watch), (times, stages), sizes(work))


def built(job: FoldJob) -> tuple[Model, Any]:
    """The model of a fold as training begins with it, and what its `prepare` said."""
    L.seed_everything(stable_seed(job.seed, job.name), verbose=False)
    model = job.make_model()
    check_epochs(model, job.trainer)
    fitted = model.prepare(job.train)
    model.build(fitted)
    if job.start is not None:
        begin(model, job.start)
    return model, fitted


def watched(job: FoldJob, task: Task, model: Model, first: int) -> Watch:
    """Train from epoch `first` on until the watch has seen enough."""
    watch = Watch(job, task)
    trainer = make_trainer(replace(job, trainer={**job.trainer, "max_epochs": first + EPOCHS + 1}), watch)
    at: Any = trainer.fit_loop.epoch_progress.current
    at.ready = at.started = at.processed = at.completed = first
    with suppress(Enough):
        trainer.fit(model, Loaders(model, job.train, stable_seed(job.seed, job.name)))
    return watch


def stage_of(name: str, first: int, watch: Watch) -> Stage:
    """The watch's times; the first step, which counting slowed, stands in where there is no other."""
    return Stage(
        name=name,
        first_epoch=first,
        steps=watch.counts["steps"],
        samples=watch.counts["samples"],
        batch=watch.counts["batch"],
        flops=watch.flops,
        step_s=median(watch.steps or [watch.seen["first"]]),
        draw_s=watch.seen.get("draw", 0.0),
        end_s=watch.seen["end"],
        checkpoint_s=watch.seen["checkpoint"],
    )


def trial_of(
    job: FoldJob, end: tuple[Model, Watch], taken: tuple[dict[str, float], list[Stage]], weights: Mapping[str, int]
) -> Trial:
    """Everything that was measured, with the sizes of what was left in the folder."""
    (model, watch), (times, stages) = end, taken
    device, tensors = watch.device, [*model.parameters(), *model.buffers()]
    cuda = device.type == "cuda"
    return Trial(
        fold=job.name,
        device=torch.cuda.get_device_name(device) if cuda else device.type,
        device_free=torch.cuda.mem_get_info(device)[0] if cuda else free_memory(),
        parameters=sum(p.numel() for p in model.parameters()),
        trainable=sum(p.numel() for p in model.parameters() if p.requires_grad),
        weight_bytes=sum(t.numel() * t.element_size() for t in tensors),
        optimizer_bytes=watch.counts.get("optimizer", 0),
        peak_rss=peak_memory(),
        peak_device=torch.cuda.max_memory_allocated(device) if cuda else None,
        start_s=times["start"],
        load_s=times["load"],
        prepare_s=times["prepare"],
        choose_s=times["choose"],
        stages=tuple(stages),
        weights_file=job.folder.weights.stat().st_size,
        checkpoint_file=job.folder.checkpoint.stat().st_size,
        scores_file=max((p.stat().st_size for p in (job.folder.path / "scores").glob("*.npz")), default=0),
        train=sum(weights[e.video.key] for e in job.train),
        asked=sum(weights[e.video.key] for e in (*job.test, *job.validation)),
    )


def _now(device: torch.device) -> float:
    """The clock, once everything that was asked of the device is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()
