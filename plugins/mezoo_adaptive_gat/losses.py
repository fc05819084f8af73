"""Implicit semantic data augmentation (ISDA), weighted by class.

Wang, Pan, Song, Zhang, Wu, Huang: Implicit Semantic Data Augmentation for Deep Networks, NeurIPS 2019.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

Weighting = Literal["inverse", "effective", "none"]


class ISDA(nn.Module):
    """Logits as if each feature were drawn infinitely often along the directions in which its class varies.

    Mean (C, A), covariance (C, A, A) and count (C,) of the features of each class are buffers, so a checkpoint holds
    them. They grow with every batch and are never reset. `shrinkage` in [0, 1] draws the covariance to its diagonal
    where it is used, not where it is kept.
    """

    mean: Tensor
    covariance: Tensor
    count: Tensor

    def __init__(self, classes: int, width: int, shrinkage: float = 0.0) -> None:
        super().__init__()
        self.shrinkage = shrinkage
        self.register_buffer("mean", torch.zeros(classes, width))
        self.register_buffer("covariance", torch.zeros(classes, width, width))
        self.register_buffer("count", torch.zeros(classes))

    @torch.no_grad()
    def update(self, features: Tensor, labels: Tensor) -> None:
        """Take a batch (B, A) with labels (B,) into the statistics: afterwards they are those of all features seen."""
        member = functional.one_hot(labels, len(self.count)).to(features.dtype).T  # (C, B)
        here = member.sum(1)  # (C,)
        size = here.clamp(min=1)
        mean = member @ features / size[:, None]  # (C, A)
        off = member[..., None] * (features - mean[:, None])  # (C, B, A)
        covariance = off.mT @ off / size[:, None, None]  # (C, A, A)
        share = (here / (here + self.count).clamp(min=1))[:, None]
        apart = self.mean - mean
        between = (share * (1 - share))[..., None] * apart[:, :, None] * apart[:, None]
        self.covariance.copy_((1 - share[..., None]) * self.covariance + share[..., None] * covariance + between)
        self.mean.copy_((1 - share) * self.mean + share * mean)
        self.count += here

    def forward(self, logits: Tensor, labels: Tensor, weight: Tensor, strength: float) -> Tensor:
        """Logits (B, C) plus strength / 2 * (w_k - w_y)' S_y (w_k - w_y) for the rows w (C, A) of the classifier."""
        spread = self.covariance
        if self.shrinkage:
            diagonal = torch.diag_embed(spread.diagonal(dim1=1, dim2=2))
            spread = (1 - self.shrinkage) * spread + self.shrinkage * diagonal
        apart = weight[None] - weight[:, None]  # (y, k, A)
        raised = torch.einsum("yka,yab,ykb->yk", apart, spread, apart)  # (C, C)
        return logits + strength / 2 * raised[labels]


def isda_loss(
    isda: ISDA, features: Tensor, labels: Tensor, classifier: nn.Linear, strength: float, weights: Tensor
) -> tuple[Tensor, Tensor]:
    """Loss () of a batch, and its plain logits (B, C), all in float32; the batch is taken into the statistics first.

    The loss is the mean over the batch of weights[y] * cross entropy; features (B, A), labels (B,), weights (C,).
    """
    with torch.autocast(features.device.type, enabled=False):
        features = features.float()
        logits = classifier(features)
        isda.update(features, labels)
        augmented = isda(logits, labels, classifier.weight, strength)
        each = functional.cross_entropy(augmented, labels, reduction="none")
        return (weights[labels] * each).mean(), logits


def class_weights(counts: Sequence[int], how: Weighting, beta: float = 0.99) -> list[float]:
    """A weight for each class from its number of training clips; over all clips their mean is 1.

    "inverse": N / (classes * n). "effective": in proportion to (1 - beta) / (1 - beta^n), the effective number of
    Cui et al., CVPR 2019. A class without a clip gets 0.
    """
    n = np.asarray(counts, dtype=np.float64)
    present = n > 0
    raw = present.astype(np.float64)
    if how != "none":
        size = n if how == "inverse" else (1 - beta**n) / (1 - beta)
        raw = np.divide(1.0, size, out=np.zeros_like(n), where=present)
    return (raw * n.sum() / max((raw * n).sum(), 1e-12)).tolist()
