"""A few real training steps of one fold, in a temporary folder, with a watch beside them. Imports torch."""

import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mezoo.plan import Work
from mezoo.records import Fold

STEPS = 20
BUDGET_S = 15.0
"""An epoch is watched for so many steps or seconds, whichever ends first."""
FEW, EPOCHS = 3, 4
"""Where an epoch has fewer steps than `FEW`, more epochs are watched: at most `EPOCHS`."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Epochs of one kind: pre-training, or training. Seconds; `end_s` is what follows the last step of an epoch.

    `draw_s`: samples of the next epoch; `end_s`: held-out scores and checkpoint, of which `checkpoint_s` the latter.
    """

    name: str
    first_epoch: int
    steps: int
    samples: int
    batch: int
    flops: int | None
    step_s: float
    draw_s: float
    end_s: float
    checkpoint_s: float


@dataclass(frozen=True, slots=True)
class Trial:
    """What was measured on `fold`. Bytes, seconds; weights `train` and `asked` are those of `counts.sizes`."""

    fold: str
    device: str
    device_free: int | None
    parameters: int
    trainable: int
    weight_bytes: int
    optimizer_bytes: int
    peak_rss: int
    peak_device: int | None
    start_s: float
    load_s: float
    prepare_s: float
    choose_s: float
    stages: tuple[Stage, ...]
    weights_file: int
    checkpoint_file: int
    scores_file: int
    train: int
    asked: int


def run_trial(work: Work, fold: Fold, threads: int | None = None) -> Trial:
    """Train a few steps of `fold` as `mezoo fit` would, in this process. Its features must be stored.

    `threads` are those that one of several processes gets; None leaves them to PyTorch.

    Raises what the fold would fail with.
    """
    began = time.perf_counter()
    import torch

    from mezoo.costs.watch import try_fold

    if threads:
        torch.set_num_threads(threads)
    started = time.perf_counter() - began
    with TemporaryDirectory() as place:
        return try_fold(work, fold, Path(place), started)


@contextmanager
def timed(times: dict[str, float], name: str) -> Generator[None]:
    """Add the seconds of a block to `times[name]`."""
    began = time.perf_counter()
    yield
    times[name] = times.get(name, 0.0) + time.perf_counter() - began


def one_device(trainer: dict[str, Any]) -> dict[str, Any]:
    """The recipe's trainer block for a short run on one device."""
    left = {"min_epochs", "min_steps", "max_steps", "max_time", "strategy", "num_nodes"}
    return {**{k: v for k, v in trainer.items() if k not in left}, "devices": 1}


def limited(steps: int, limit: Any) -> int:
    """Steps of an epoch under Lightning's `limit_train_batches` (a number, or a share as float)."""
    if limit is None:
        return steps
    return int(steps * limit) if isinstance(limit, float) else min(steps, int(limit))
