"""Logistic regression on the mean of a clip."""

import numpy as np
import torch

from mezoo import Recognizer, Sample, Window


class ToySide(Recognizer):
    """Says on which side a clip is brighter."""

    sources = {"lr": "[inferred] it works", "width": "[inferred] a hidden layer"}
    trunk = ("hidden.",)
    stackable = True

    def __init__(self, lr: float = 0.1, width: int = 4) -> None:
        super().__init__()
        self.lr, self.width = lr, width

    def prepare(self, train):
        assert all(0 <= e.label < len(self.classes) for e in train)
        values = np.concatenate([e.features.values for e in train])
        return {"mean": values.mean(axis=0).tolist(), "std": float(values.std())}

    def build(self, fitted):
        self.fitted = fitted
        self.hidden = torch.nn.Linear(2, self.width)
        self.output = torch.nn.Linear(self.width, len(self.classes))

    def samples(self, examples, rng, epoch=None):
        return [self.sample(e, epoch is not None) for e in examples]

    def sample(self, example, learn):
        (expression,) = example.video.expressions
        assert learn == bool(expression.emotion) == (example.label is not None), "a held-out clip tells its class"
        assert (expression.onset, expression.offset) == (0, len(example.video.frames) - 1)
        values = (example.features.values.mean(axis=0) - self.fitted["mean"]) / self.fitted["std"]
        target = {"y": np.int64(example.label)} if learn else {}
        return Sample(example.video.key, 0, {"x": values.astype(np.float32)}, target)

    def forward(self, x):
        return self.output(torch.relu(self.hidden(x)))

    def training_step(self, batch, batch_idx):
        loss = torch.nn.functional.cross_entropy(self(batch.inputs["x"]).float(), batch.targets["y"])
        self.log("train/loss", loss, on_step=False, on_epoch=True, batch_size=len(batch.videos))
        return loss

    def predict_step(self, batch, batch_idx):
        assert not batch.targets
        p = self(batch.inputs["x"]).float().softmax(-1).cpu().numpy()
        return [Window(int(s), {"probability": row}) for s, row in zip(batch.starts, p, strict=True)]

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=self.lr)
