"""The loss: cross entropy of the emotion and, beside it, binary cross entropy of the action units (AUs)."""

from torch import Tensor
from torch.nn import functional


def unit_loss(logits: Tensor, shown: Tensor, labelled: Tensor, weights: Tensor) -> Tensor:
    """Mean binary cross entropy over the AUs of those clips of a batch that have AU labels; 0 where none has.

    `logits` and `shown` (0 or 1) are (B, N) float, `labelled` (B,) bool, `weights` (N,) the factor of a positive.
    """
    each = functional.binary_cross_entropy_with_logits(logits.float(), shown, pos_weight=weights, reduction="none")
    counted = labelled.to(each.dtype)
    return (each.mean(1) * counted).sum() / counted.sum().clamp(min=1)
