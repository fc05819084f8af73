"""One fold: prepare, train, keep held-out scores after every epoch, choose, decode. Lightning's Trainer lives here."""

import logging
import random
import time
import traceback
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import lightning as L
import numpy as np
import torch
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.loggers import Logger

from mezoo.contracts import Bar
from mezoo.data import Loaders
from mezoo.disk import is_of_disk, watched
from mezoo.errors import DataError, MezooError, PluginError, RecipeError
from mezoo.files import put, remove_parts, write_atomic
from mezoo.fold_folder import FoldFolder
from mezoo.heap import give_back, keep_freed
from mezoo.inference import raw_scores
from mezoo.learning import Learns, refused
from mezoo.models import Model
from mezoo.promises import check_fitted, guilty
from mezoo.records import Example, Window
from mezoo.splits import stable_seed, subject_of
from mezoo.tasks import Decoded, Tally, Task
from mezoo.transfer import Start, begin, seen_by
from mezoo.weights import Card, save_weights


@runtime_checkable
class KeepsEpochs(Protocol):
    """A logger that keeps what an epoch gave at once, so that it is there before the epoch's checkpoint is."""

    def keep(self, epoch: int, metrics: Mapping[str, Any]) -> None:
        """Write the means of a 0-based epoch; Lightning logs the same numbers once more afterwards."""
        ...


@dataclass(frozen=True, slots=True)
class FoldJob:
    """All that one fold needs. `test` and `validation` carry their labels for the score; a model never sees them."""

    name: str
    folder: FoldFolder
    make_model: Callable[[], Model]
    train: Sequence[Example]
    test: Sequence[Example]
    validation: Sequence[Example]
    trainer: Mapping[str, Any]
    loggers: Sequence[Logger]
    seed: int
    rule: str = "last"
    start: Start | None = None
    compile: bool = False
    made: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Task, classes, model, features and clips of the recipe: what weights keep, so that they can be asked again."""

    @property
    def max_epochs(self) -> int:
        """Epochs that the trainer is going to run; Lightning's own default is 1000."""
        return int(self.trainer.get("max_epochs") or 1000)


def run_fold(job: FoldJob, task: Task, bar: Bar) -> dict[str, Any]:
    """Train and predict a fold, from its last finished epoch if there is one; returns what `fold.json` then holds.

    What only this fold may meet (NaN, an error of the model on its data) fails it; what each would meet ends the run:
    PluginError and RecipeError for a promise or a setting that does not hold, RunError for a disk that is full.
    """
    with watched(job.folder.path):
        return _run_fold(job, task, bar)


def _run_fold(job: FoldJob, task: Task, bar: Bar) -> dict[str, Any]:
    started = time.monotonic()
    before = job.folder.status().get("seconds", 0.0)
    damage = job.folder.drop_damaged_checkpoint()
    job.folder.record("running", seconds=before, epochs_done=job.folder.epochs_done())
    (job.folder.path / "error.txt").unlink(missing_ok=True)
    try:
        model = train(job, task, bar)
        facts = {**choose(job, task, model), **draw(job, task, model)}
        if damage:
            facts["notes"] = [damage, *facts.get("notes", ())]
    except (PluginError, RecipeError):
        job.folder.record("pending", seconds=before)
        raise
    except Exception as error:
        everywhere = refused(job.make_model(), error) if isinstance(error, MisconfigurationException) else None
        if everywhere or is_of_disk(error):
            with suppress(OSError):
                remove_parts(job.folder.path)
                job.folder.record("pending", seconds=before)
            raise (everywhere or error) from error
        write_atomic(job.folder.path / "error.txt", traceback.format_exc())
        where = guilty(error.__traceback__)
        reason = str(error) if isinstance(error, MezooError) else f"{where}{type(error).__name__}: {error}"
        facts = {"error": reason, "seconds": before + time.monotonic() - started}
        job.folder.record("failed", **facts)
        return {"state": "failed", **facts}
    facts["seconds"] = before + time.monotonic() - started
    job.folder.record("done", **facts)
    job.folder.checkpoint.unlink(missing_ok=True)
    return {"state": "done", **facts}


def train(job: FoldJob, task: Task, bar: Bar) -> Model:
    """Fit the model of a fold; its weights are on disk afterwards."""
    if not job.train:
        raise DataError(f"fold {job.name}: the other subjects have nothing to learn from", hint="mezoo data verify")
    L.seed_everything(stable_seed(job.seed, job.name), verbose=False)
    model = job.make_model()
    fitted = check_fitted(model, model.prepare(job.train))
    model.build(fitted)
    if job.start is not None:
        begin(model, job.start)
    if job.compile:
        compile_parts(model)
    check_epochs(model, job.trainer)
    keep_freed()
    trainer = make_trainer(job, EveryEpoch(job, task, bar))
    resume = job.folder.checkpoint if job.folder.checkpoint.is_file() else None
    loaders = Loaders(model, job.train, stable_seed(job.seed, job.name))
    try:
        trainer.fit(model, loaders, ckpt_path=resume, weights_only=True)
    except SystemExit as stop:  # what Lightning makes of Ctrl-C
        raise KeyboardInterrupt from stop
    give_back()
    save_weights(model, job.folder.weights, card_of(job, fitted))
    return model


def compile_parts(model: Model) -> None:
    """Compile each part of a model in place, so that its tensors keep their names.

    What torch.compile cannot take, or has no C++ compiler for, runs as it is.
    """
    import torch._dynamo

    torch._dynamo.config.suppress_errors = True  # pyright: ignore[reportPrivateUsage]
    logging.getLogger("torch._dynamo").setLevel(logging.ERROR)
    for part in model.children():
        part.compile()


def make_trainer(job: FoldJob, callback: L.Callback) -> L.Trainer:
    """Lightning's Trainer with the recipe's settings. Raises RecipeError in its words when it refuses them."""
    asked: dict[str, Any] = {"devices": 1, "deterministic": "warn", "log_every_n_steps": 1, **job.trainer}
    if asked["devices"] not in (1, "1") and "strategy" not in asked:
        # Lightning's own choice starts the whole command again for each device; forks share this run's folder.
        asked["strategy"] = "ddp_fork_find_unused_parameters_true"
    try:
        return L.Trainer(
            **asked,
            logger=[*job.loggers],
            callbacks=[Learns(), callback],
            default_root_dir=job.folder.path,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            reload_dataloaders_every_n_epochs=1,
        )
    except (TypeError, ValueError, MisconfigurationException) as error:
        given = ", ".join(f"{k}: {v}" for k, v in job.trainer.items())
        raise RecipeError(f"lightning.Trainer refuses {{{given}}}: {error}", hint="mend the trainer block") from error


def choose(job: FoldJob, task: Task, model: Model) -> dict[str, Any]:
    """Score every kept epoch of the left-out subject, and write the predictions of the epoch that counts."""
    tallies = {epoch: tally(job, task, model, epoch, job.test) for epoch in job.folder.epochs()}
    if not tallies:  # nothing was left out: a final model, or a subject without a clip
        tallies[job.folder.epochs_done() - 1] = task.tally([])
    last = max(tallies)
    oracle = max(tallies, key=lambda e: (tallies[e][task.headline][task.fold_ratio], e))
    chosen = {"last": last, "oracle": oracle}
    if job.validation:
        inner = {epoch: tally(job, task, model, epoch, job.validation) for epoch in tallies}
        chosen["validation"] = max(inner, key=lambda e: (inner[e][task.headline][task.ratio], e))
    if job.test:
        task.save(job.folder, decode(task, model, job.folder.load_scores(chosen[job.rule]), job.test))
    return {
        "subject": job.name,
        "people": {
            name: sorted({(*subject_of(e.video),) for e in examples})
            for name, examples in (("train", job.train), ("validation", job.validation), ("test", job.test))
        },
        "videos": [e.video.key for e in job.test],
        "epochs": int(last + 1),
        "epoch_of": {rule: int(epoch) for rule, epoch in chosen.items()},
        "tallies": {rule: tallies[e] for rule, e in chosen.items()},
        "parameters": sum(p.numel() for p in model.parameters()),
        **({} if job.start is None else {"start": job.start.facts()}),
    }


def draw(job: FoldJob, task: Task, model: Model) -> dict[str, Any]:
    """Write the weights between regions that the model shows; what fails here is noted, and fails no fold."""
    try:
        model.eval()
        with torch.inference_mode():
            graphs = model.graphs([task.blind(e) for e in job.test])
        if graphs:
            job.folder.save_graphs(graphs)
    except Exception as error:
        return {"notes": [f"graphs not written: {type(error).__name__}: {error}"]}
    return {}


def tally(job: FoldJob, task: Task, model: Model, epoch: int, examples: Sequence[Example]) -> Tally:
    """Counts of one kept epoch against the true labels of `examples`."""
    return task.tally(decode(task, model, job.folder.load_scores(epoch), examples))


def decode(task: Task, model: Any, scores: Mapping[str, Sequence[Window]], examples: Sequence[Example]) -> Decoded:
    """Each example with the model's answer; the model sees no labels."""
    return [(e, task.decode(model, scores.get(e.video.key, []), task.blind(e))) for e in examples]


def predict(model: Model, task: Task, examples: Sequence[Example]) -> dict[str, list[Window]]:
    """Raw scores of videos by key, with the model as it is, in the precision of its trainer."""
    precision = model.trainer.precision_plugin
    return raw_scores(model, [task.blind(e) for e in examples], precision.convert_input, precision.forward_context)


class EveryEpoch(L.Callback):
    """After each epoch: held-out scores, then a checkpoint, atomically; before each step: a seed of its own."""

    def __init__(self, job: FoldJob, task: Task, bar: Bar) -> None:
        self.job, self.task, self.bar = job, task, bar
        self.before, self.started = job.folder.status().get("seconds", 0.0), time.monotonic()

    def on_train_batch_start(self, trainer: L.Trainer, pl_module: Any, batch: Any, batch_idx: int) -> None:  # noqa: ARG002
        """A step's chance depends on seed, fold, epoch and batch alone, so a resumed run equals an unbroken one.

        Seeding at the start of an epoch is not enough: the loader draws from torch's generator too, and does so before
        or after that hook depending on whether the run was resumed.
        """
        seed_step(stable_seed(self.job.seed, self.job.name, trainer.current_epoch, batch_idx))

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: Any) -> None:
        """Keep what the epoch gave."""
        epoch, text = trainer.current_epoch, ""
        check_finite(self.job.name, pl_module, epoch, trainer.callback_metrics.get("train/loss"))
        asked = [*self.job.test, *self.job.validation]
        if asked and epoch >= pl_module.warmup_epochs and trainer.is_global_zero:
            scores = predict(pl_module, self.task, asked)
            self.job.folder.save_scores(epoch, scores)
            counts = tally(self.job, self.task, pl_module, epoch, self.job.test)[self.task.headline]
            value, part = counts[self.task.fold_ratio], self.task.headline
            # Straight to the loggers: what `self.log` keeps could be watched by a scheduler, and so trained on.
            for logger in trainer.loggers:
                logger.log_metrics(
                    {f"held_out/{part}_{self.task.fold_ratio}": value, "epoch": epoch}, trainer.global_step
                )
            text = f"held-out: {self.task.describe(counts)}"
        # Lightning logs the epoch's means later: killed in between, a run that continues would never log this epoch.
        for logger in trainer.loggers:
            if isinstance(logger, KeepsEpochs):
                logger.keep(epoch, trainer.logged_metrics)
        part = self.job.folder.checkpoint.with_suffix(".part")
        trainer.save_checkpoint(part)
        if not trainer.is_global_zero:
            return
        put(part, self.job.folder.checkpoint)
        self.job.folder.record("running", seconds=self.before + time.monotonic() - self.started, epochs_done=epoch + 1)
        loss = trainer.callback_metrics.get("train/loss")
        self.bar.advance(f"loss {loss:.3f} {text}" if loss is not None else text)


def seed_step(seed: int) -> None:
    """Seed Python, NumPy and PyTorch.

    Without a device in use `torch.manual_seed` remembers each call, with where it came from, until there is one.
    """
    random.seed(seed)
    np.random.seed(seed)
    torch.default_generator.manual_seed(seed)
    if torch.cuda.is_initialized():
        torch.cuda.manual_seed_all(seed)
    if torch.backends.mps.is_available():
        torch.mps.manual_seed(seed)


def check_finite(fold: str, model: torch.nn.Module, epoch: int, loss: torch.Tensor | None) -> None:
    """Refuse an epoch (from 0) after which the loss or a weight is no number: all that follows would be none either.

    The mean loss of the epoch and the weights are looked at once an epoch, so that no step waits for a GPU. A loss that
    is infinite for a step which mixed precision then leaves out harms nothing.
    """
    lost = [name for name, p in model.named_parameters() if not bool(p.isfinite().all())]
    if not lost and (loss is None or not bool(loss.isnan())):
        return
    what = f"{len(lost)} of its weights hold NaN or infinity (first: {lost[0]})" if lost else "its loss is NaN"
    raise DataError(
        f"fold {fold} is not trained on: in epoch {epoch + 1} {what}",
        hint="with --fresh try a lower learning rate (--set model.lr=...) or --set trainer.precision=32-true",
    )


def card_of(job: FoldJob, fitted: Mapping[str, Any]) -> Card:
    """What the weights of a fold say of themselves: what was fitted, on whom, with which recipe and rates."""
    people = seen_by([e.video for e in (*job.train, *job.validation)], [e.video for e in job.test], job.start)
    rates = {
        "rows_per_second": float(np.median([e.features.fps for e in job.train])),
        "frames_per_second": float(np.median([e.video.fps for e in job.train])),
    }
    return Card(fitted, people, {**job.made, **rates})


def check_epochs(model: Model, trainer: Mapping[str, Any]) -> None:
    """Refuse a training that ends before the model's scores begin to mean something."""
    asked = trainer.get("max_epochs")
    if asked is not None and 0 <= asked <= model.warmup_epochs:
        raise RecipeError(
            f"trainer.max_epochs is {asked}, but the first {model.warmup_epochs} epochs are pre-training",
            hint=f"give more than {model.warmup_epochs} epochs, or fewer of pre-training",
        )


def quiet_libraries() -> None:
    """Banners and hints of Lightning, and what libraries say when they are imported, would drown the progress bars."""
    for name in ("lightning.pytorch", "lightning.fabric", "lightning"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module=r"lightning\..*")
    warnings.filterwarnings("ignore", message=".*(num_workers|`isinstance|LeafSpec|torch.jit.script).*")
