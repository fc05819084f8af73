"""The six losses of AUW-GCN and their sum; logits are (B, 10, T), see `network.CHANNELS`."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

EPS, SMOOTH = 1e-5, 0.16
APEX_SHARE, ACTION_SHARE = 0.90, 0.80
PHASE_SHARES = (0.45, 0.45, 0.10)
MICRO_APEX, ACTION = 1.8, 0.1


class Losses(NamedTuple):
    """One number each: focal losses of apex and action score, and of the phase (start, end, none)."""

    micro_apex: Tensor
    micro_phase: Tensor
    micro_action: Tensor
    macro_apex: Tensor
    macro_phase: Tensor
    macro_action: Tensor

    def total(self, macro_weight: float) -> Tensor:
        """The weighted sum that is minimised."""
        micro = MICRO_APEX * self.micro_apex + self.micro_phase + ACTION * self.micro_action
        return micro + macro_weight * (self.macro_apex + self.macro_phase + ACTION * self.macro_action)


def losses(logits: Tensor, phase: Tensor, apex: Tensor, action: Tensor) -> Losses:
    """Losses of logits (B, 10, T) against phase (B, 2, T) int64, apex and action (B, 2, T) in [0, 1]; micro first."""
    phases, apexes, actions = logits.float().split([6, 2, 2], dim=1)
    per_kind = torch.stack(
        [
            score_loss(apexes, apex, APEX_SHARE),
            phase_loss(phases.unflatten(1, (2, 3)), phase),
            score_loss(actions, action, ACTION_SHARE),
        ],
        dim=1,
    )
    return Losses(*per_kind.flatten().unbind())


def score_loss(logits: Tensor, score: Tensor, share: float) -> Tensor:
    """Focal loss (gamma 1) of scores (B, K, T) in [0, 1] of K kinds: (K,); rows of score 0 weigh 1 - share.

    As in the official code, a row of score 0 costs nothing where p is 0 and where p is SMOOTH.
    """
    p, there = logits.sigmoid(), score > 0
    chance = torch.where(there, p, 1 - p) + EPS
    distance = (torch.where(there, score, score + SMOOTH) - p).abs()
    shares = torch.where(there, share, 1 - share)
    return -(shares * distance * chance.log()).mean((0, 2))


def phase_loss(logits: Tensor, phase: Tensor) -> Tensor:
    """Focal loss with gamma 1 of logits (B, K, 3, T) against classes (B, K, T): (K,), weighted by `PHASE_SHARES`."""
    log_p = functional.log_softmax(logits, dim=2).gather(2, phase[:, :, None])[:, :, 0]  # (B, K, T)
    shares = torch.tensor(PHASE_SHARES, device=logits.device)[phase]
    return -(shares * (1 - log_p.exp()) * log_p).mean((0, 2))
