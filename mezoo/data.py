"""The data of one fold, as Lightning wants them. What an epoch serves depends on (seed, fold, epoch) alone."""

from collections.abc import Sequence

import lightning as L
import numpy as np
from torch.utils.data import DataLoader

from mezoo.models import Batch, Model
from mezoo.promises import check_samples
from mezoo.records import Example, Sample
from mezoo.splits import stable_seed


class Loaders(L.LightningDataModule):
    """Training samples, drawn anew every epoch in a fresh order, and windows over videos to be predicted."""

    def __init__(self, model: Model, train: Sequence[Example], seed: int) -> None:
        super().__init__()
        self.model = model
        self.train = train
        self.seed = seed

    def train_dataloader(self) -> DataLoader[Sample]:
        """Samples of the coming epoch, shuffled."""
        rng = np.random.default_rng(stable_seed(self.seed, "epoch", self.model.current_epoch))
        given = self.model.samples(self.train, rng, self.model.current_epoch)
        samples = check_samples(self.model, given, learn=True)
        order = rng.permutation(len(samples)).tolist()
        pinned = self.model.device.type == "cuda"  # so that a batch travels while the one before is learned
        return DataLoader(samples, self.model.batch_size, sampler=order, collate_fn=collate, pin_memory=pinned)  # pyright: ignore


def predict_loader(model: Model, examples: Sequence[Example]) -> DataLoader[Sample]:
    """Windows that cover blind examples, in order."""
    samples = check_samples(model, model.samples(examples, np.random.default_rng(0), None), learn=False)
    return DataLoader(samples, model.batch_size, shuffle=False, collate_fn=collate)  # pyright: ignore


def collate(samples: Sequence[Sample] | Batch) -> Batch:
    """Stack samples along a new first axis; a `SampleTable` gives whole batches already."""
    return samples if isinstance(samples, Batch) else Batch.of(samples)
