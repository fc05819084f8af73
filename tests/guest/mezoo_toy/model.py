"""Logistic regression on one number a row."""

import numpy as np
import torch

from mezoo import Sample, Spot, Spotter, Spotting, Window


class ToyThreshold(Spotter):
    """Spots rows that look bright."""

    kinds = ("micro",)
    stackable = True
    sources = {
        "lr": "[inferred] it works",
        "fail_in": "[inferred] tests plant a failure with it",
        "sleep": "[inferred] tests are slowed down with it",
    }

    def __init__(self, lr: float = 0.3, fail_in: str = "", sleep: float = 0.0) -> None:
        super().__init__()
        self.lr, self.fail_in, self.sleep = lr, fail_in, sleep

    def prepare(self, train):
        values = np.concatenate([e.features.values for e in train])
        return {"mean": float(values.mean()), "std": float(values.std())}

    def build(self, fitted):
        self.fitted = fitted
        self.line = torch.nn.Linear(1, 1)

    def samples(self, examples, rng, epoch=None):
        return [self.sample(e, epoch is not None) for e in examples]

    def sample(self, example, learn):
        labels = np.zeros((len(example.features), 1), dtype=np.float32)
        for e in example.video.expressions:
            first, last = example.features.rows(e.onset, e.offset)
            labels[first : last + 1] = 1
        values = (example.features.values - self.fitted["mean"]) / self.fitted["std"]
        return Sample(example.video.key, 0, {"x": values}, {"y": labels} if learn else {})

    def training_step(self, batch, batch_idx):
        if self.fail_in and self.fail_in not in batch.videos[0]:
            raise ValueError("planted")
        if self.sleep:
            import time

            time.sleep(self.sleep)
        noise = 0.01 * torch.randn_like(batch.inputs["x"])
        loss = torch.nn.functional.binary_cross_entropy_with_logits(
            self.line(batch.inputs["x"] + noise), batch.targets["y"]
        )
        self.log("train/loss", loss, on_step=False, on_epoch=True, batch_size=len(batch.videos))
        return loss

    def predict_step(self, batch, batch_idx):
        assert not batch.targets
        p = torch.sigmoid(self.line(batch.inputs["x"])).cpu().numpy()
        return [Window(int(s), {"p": row[:, 0]}) for s, row in zip(batch.starts, p, strict=True)]

    def decode(self, windows, example):
        p = windows[0].scores["p"]
        edges = np.flatnonzero(np.diff(np.concatenate([[0], p > 0.5, [0]])))
        runs = [example.features.interval(int(a), int(b) - 1) for a, b in zip(edges[::2], edges[1::2], strict=True)]
        return Spotting(tuple(Spot(example.video.key, "micro", a, b, 1.0) for a, b in runs), {"micro": p})

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=self.lr)
