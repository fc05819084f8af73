"""From counts and a trial to hours and gigabytes: arithmetic on what was measured, nothing else."""

import heapq
import math
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mezoo.costs.child import in_child
from mezoo.costs.counts import Counts, count, fold_sizes, sizes
from mezoo.costs.features import FeatureCosts, feature_costs
from mezoo.costs.trial import Stage, Trial, run_trial
from mezoo.errors import MezooError
from mezoo.machine import cores
from mezoo.plan import Work
from mezoo.records import Fold

LIGHTNING_EPOCHS = 1000
"""Epochs that Lightning runs where a recipe names none."""


@dataclass(frozen=True, slots=True)
class Time:
    """Seconds of what is left of a run: until its end with `processes` folds side by side; the work of all, and shares.

    Folds are handed out in their order to the process that is free first, each of which has a start of its own.
    """

    until_end: float
    processes: int
    total: float
    steps: float
    draws: float
    held_out: float
    checkpoints: float
    rest: float


@dataclass(frozen=True, slots=True)
class Disk:
    """Bytes that what is left will take, and what is free there."""

    run: float | None
    run_free: int
    cache: float | None
    cache_free: int


@dataclass(frozen=True, slots=True)
class Costs:
    """Everything that `mezoo plan` tells; what could not be known is None, and `unknown` says why."""

    run: str
    synthetic: bool
    epochs: int
    counts: Counts
    features: FeatureCosts
    trial: Trial | None
    time: Time | None
    disk: Disk
    unknown: str


def estimate(work: Work) -> Costs:
    """Count, try, and reckon. Raises MezooError for what a fold would refuse."""
    made = feature_costs(work)
    trial, why = _trial(work, made)
    return Costs(
        run=work.folder.path.name,
        synthetic=work.synthetic,
        epochs=epochs_of(work),
        counts=count(work),
        features=made,
        trial=trial,
        time=None if trial is None else reckon(work, trial),
        disk=Disk(
            run=None if trial is None else run_bytes(work, trial),
            run_free=_free(work.options.runs),
            cache=made.bytes,
            cache_free=_free(work.options.cache),
        ),
        unknown=why,
    )


def _trial(work: Work, made: FeatureCosts) -> tuple[Trial | None, str]:
    if made.missing:
        return None, "not all features are stored: make them with mezoo extract, then plan again"
    fold = (work.pending or work.folds)[0]
    side_by_side = processes(work)
    threads = max(1, cores() // side_by_side) if side_by_side > 1 else None
    try:
        return in_child(run_trial, work, fold, threads), ""
    except MezooError:
        raise
    except Exception as error:
        lines = str(error).splitlines() or [""]
        return None, f"fold {fold.name} cannot be trained: {type(error).__name__}: {lines[0]}"


def epochs_of(work: Work) -> int:
    """Epochs of a fold, pre-training included."""
    return int(work.recipe.trainer.get("max_epochs") or LIGHTNING_EPOCHS)


def reckon(work: Work, trial: Trial) -> Time:
    """Seconds of the folds that are left: measured times, scaled by the size of each fold."""
    parts = [_fold_time(fold, work, trial) for fold in work.pending]
    steps, draws, held_out, checkpoints, rest = (sum(p[i] for p in parts) for i in range(5))
    start, count = trial.start_s + trial.load_s, processes(work)
    rest += start * count if parts else 0.0
    total = steps + draws + held_out + checkpoints + rest
    until_end = makespan([sum(p) for p in parts], count, start)
    return Time(until_end, count, total, steps, draws, held_out, checkpoints, rest)


def processes(work: Work) -> int:
    """Folds that this machine trains side by side: 1 unless the executor is `process`."""
    if work.options.executor != "process":
        return 1
    return max(1, min(len(work.pending), work.options.workers or cores()))


def makespan(seconds: Sequence[float], processes: int, start: float) -> float:
    """Seconds until the last of some jobs is done, each given to the process that is free first; 0 without a job."""
    free = [start] * processes
    for each in seconds:
        heapq.heapreplace(free, free[0] + each)
    return max(free) if seconds else 0.0


def _fold_time(fold: Fold, work: Work, trial: Trial) -> tuple[float, float, float, float, float]:
    """Steps, draws, held-out scores, checkpoints, and the rest, in seconds."""
    train, asked = ratios(fold, work, trial)
    steps = draws = held_out = checkpoints = 0.0
    for stage, epochs in _epochs(trial.stages, epochs_of(work)):
        steps += epochs * math.ceil(stage.steps * train) * stage.step_s
        draws += epochs * stage.draw_s * train
        held_out += epochs * max(0.0, stage.end_s - stage.checkpoint_s) * asked
        checkpoints += epochs * stage.checkpoint_s
    kept = _epochs(trial.stages, epochs_of(work))[-1][1]
    return steps, draws, held_out, checkpoints, trial.prepare_s * train + kept * trial.choose_s * asked


def ratios(fold: Fold, work: Work, trial: Trial) -> tuple[float, float]:
    """How much larger than in the trial's fold are training and prediction of another one.

    Where subjects are held back for validation, the same share of them as in the trial's fold.
    """
    weights = sizes(work)
    tried = next(f for f in work.folds if f.name == trial.fold)
    (whole, _), (train, test) = fold_sizes(tried, weights), fold_sizes(fold, weights)
    kept = trial.train / whole
    return train / whole, (test + (1 - kept) * train) / max(1, trial.asked)


def run_bytes(work: Work, trial: Trial) -> float:
    """Bytes of the folds that are left: weights, scores of every epoch, and one checkpoint while a fold is trained."""
    kept = _epochs(trial.stages, epochs_of(work))[-1][1]
    scores = sum(kept * trial.scores_file * ratios(fold, work, trial)[1] for fold in work.pending)
    return len(work.pending) * trial.weights_file + scores + (trial.checkpoint_file if work.pending else 0)


def _epochs(stages: tuple[Stage, ...], total: int) -> list[tuple[Stage, int]]:
    """Each stage with its number of epochs."""
    ends = [*(s.first_epoch for s in stages[1:]), total]
    return [(stage, max(0, end - stage.first_epoch)) for stage, end in zip(stages, ends, strict=True)]


def _free(folder: Path) -> int:
    """Free bytes where a folder is, or is going to be."""
    there = folder.expanduser().absolute()
    while not there.exists():
        there = there.parent
    return shutil.disk_usage(there).free
