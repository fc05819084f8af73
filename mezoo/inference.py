"""Raw scores of a model that is asked: the one place where predictions are made, in training and on new films."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch

from mezoo.data import predict_loader
from mezoo.heap import give_back
from mezoo.models import Batch, Model
from mezoo.promises import check_windows
from mezoo.records import Example, Window

_BETWEEN_TRIMS = 16
"""Batches after which freed memory is given back.

The small arrays of each window are kept and lie between the large ones of each step, which are freed: without this the
holes add up to a hundred times what is kept, and an hour of film does not fit into memory.
"""


def _as_it_is(batch: Batch) -> Batch:
    return batch


@torch.inference_mode()
def raw_scores(
    model: Model,
    examples: Sequence[Example],
    convert: Callable[[Batch], Batch] = _as_it_is,
    precision: Callable[[], AbstractContextManager[Any]] = nullcontext,
) -> dict[str, list[Window]]:
    """Raw scores of blind examples by video key, windows in order, on the model's device; its mode is kept.

    `convert` and `precision` are what a trainer does to a batch and around a step.
    """
    mode = model.training
    model.eval()
    found: dict[str, list[Window]] = {e.video.key: [] for e in examples}
    for index, batch in enumerate(predict_loader(model, examples)):
        on_device = model.transfer_batch_to_device(convert(batch), model.device, 0)
        with precision():
            windows = check_windows(model, model.predict_step(on_device, index), batch.videos, found)
        for video, window in zip(batch.videos, windows, strict=True):
            found[video].append(window)
        if index % _BETWEEN_TRIMS == _BETWEEN_TRIMS - 1:
            give_back()
    model.train(mode)
    return found
