"""Where clips lie, their labels, boundaries, losses and sampling.

A clip is (..., 2) float32, its first and last row in a tile, both included. A target is padded with the empty interval
(0, -1). An ME is whole in a tile if both its ends are rows of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from mezoo import Window


@dataclass(frozen=True, slots=True)
class Rule:
    """A clip counts as ME if its IoU with a whole one is >= `positive`, as none if < `negative` with all, or not."""

    positive: float
    negative: float
    max_weight: float


@dataclass(frozen=True, slots=True)
class Sampling:
    """What the CRN is trained on: `size` proposals a tile, `positive_share` of them made from its MEs if it has any."""

    size: int
    positive_share: float
    jitter: float
    threshold: float


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Least P(ME) of CPN and CRN, largest IoU of two spots, least rows of a spot."""

    cpn: float
    crn: float
    nms: float
    min_frames: int


def tile_starts(rows: int, length: int, overlap: int, shift: int = 0) -> list[int]:
    """First rows of tiles of `length` rows, each row covered, every interval up to `overlap` rows whole in one of them.

    The last tile is flush with the end; a shorter video has one tile. `shift` moves the inner tiles to the left.
    """
    last = max(0, rows - length)
    stride = length - overlap
    starts = range(-(shift % stride), last + stride, stride)
    return sorted({min(max(start, 0), last) for start in starts})


def merge(windows: Sequence[Window], rows: int, at: Thresholds) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Intervals (n, 2) in rows of the video, rounded and clamped, and scores (n,) of all candidates that pass `at`."""
    spans, scores = [np.zeros((0, 2), np.float32)], [np.zeros(0, np.float32)]
    for window in windows:
        score, chance = (np.asarray(window.scores[name]) for name in ("score", "chance"))
        keep = (score >= at.crn) & (chance >= at.cpn)
        spans.append(np.asarray(window.scores["candidates"])[keep] + window.start)
        scores.append(score[keep])
    merged = np.rint(np.concatenate(spans)).clip(0, rows - 1).astype(np.int64)
    long = merged[:, 1] - merged[:, 0] + 1 >= at.min_frames
    return merged[long], np.concatenate(scores)[long]


def curve(windows: Sequence[Window], rows: int) -> NDArray[np.float32]:
    """Largest CPN probability over the scales at each row, mean over the tiles that hold the row: (rows,) float32."""
    total, count = np.zeros(rows, np.float32), np.zeros(rows, np.float32)
    for window in windows:
        best = np.asarray(window.scores["cpn"], np.float32).max(axis=0)[: rows - window.start]
        total[window.start : window.start + len(best)] += best
        count[window.start : window.start + len(best)] += 1
    return (total / np.maximum(count, 1)).astype(np.float32)


def anchors(rows: int, dilations: Sequence[int]) -> Tensor:
    """Clip [t - 2d, t + 2d] of each dilation d and row t: (D, rows, 2); may reach over the ends of the tile."""
    centres = torch.arange(rows, dtype=torch.float32)
    return torch.stack([torch.stack([centres - 2 * d, centres + 2 * d], dim=-1) for d in dilations])


def overlaps(clips: Tensor, truth: Tensor) -> Tensor:
    """IoU, rows counted with both ends: (..., M, 2) and (..., G, 2) -> (..., M, G)."""
    a, b = clips[..., :, None, :], truth[..., None, :, :]
    inter = (torch.minimum(a[..., 1], b[..., 1]) - torch.maximum(a[..., 0], b[..., 0]) + 1).clamp(min=0)
    union = (a[..., 1] - a[..., 0] + 1) + (b[..., 1] - b[..., 0] + 1) - inter
    return inter / union.clamp(min=1)


def is_whole(truth: Tensor, rows: Tensor) -> Tensor:
    """Which intervals (B, G, 2) lie inside their tile of `rows` (B,) rows: (B, G) bool."""
    return (truth[..., 0] >= 0) & (truth[..., 1] < rows[:, None]) & (truth[..., 1] >= truth[..., 0])


def label(clips: Tensor, truth: Tensor, rows: Tensor, rule: Rule) -> tuple[Tensor, Tensor]:
    """Labels (1 ME, 0 none, -1 ignored) and nearest whole ME of clips (B, M, 2), truth (B, G, 2): (B, M) int64 each.

    A clip on an ME that the tile cuts is ignored: another tile holds that ME whole.
    """
    iou = overlaps(clips, truth)
    best, nearest = (iou * is_whole(truth, rows)[:, None]).max(dim=-1)
    labels = torch.where(iou.amax(dim=-1) < rule.negative, 0, -1)
    return torch.where(best >= rule.positive, 1, labels), nearest


def encode(clips: Tensor, truth: Tensor) -> Tensor:
    """Boundary targets (r1, r2) = ((onset - a)/(b - a), (offset - b)/(b - a)), the inverse of `decode`."""
    return (truth - clips) / (clips[..., 1:] - clips[..., :1]).clamp(min=1)


def decode(clips: Tensor, shifts: Tensor) -> Tensor:
    """Refined clips [a + r1 (b - a), b + r2 (b - a)], the paper's output."""
    return clips + shifts * (clips[..., 1:] - clips[..., :1]).clamp(min=1)


def inside(clips: Tensor, rows: Tensor, shortest: int = 3) -> Tensor:
    """Clips (B, M, 2) clamped to their tile of `rows` (B,) rows, and at least `shortest` rows long where it is."""
    last = (rows[:, None] - 1).to(clips.dtype)
    first = torch.minimum(clips[..., 0], last - shortest + 1).clamp(min=0)
    return torch.stack([first, torch.minimum(torch.maximum(clips[..., 1], first + shortest - 1), last)], dim=-1)


def weighted_cross_entropy(logits: Tensor, labels: Tensor, max_weight: float) -> Tensor:
    """Mean over used positions of cross entropy, ME weighted by min(max_weight, negatives/positives) of this batch."""
    used = labels >= 0
    positives = (labels == 1).sum()
    weight = ((labels == 0).sum() / positives.clamp(min=1)).clamp(max=max_weight)
    loss = functional.cross_entropy(logits.flatten(0, -2), labels.clamp(min=0).flatten(), reduction="none")
    scale = torch.where(labels == 1, weight, used.to(loss.dtype))
    return (loss * scale.flatten()).sum() / used.sum().clamp(min=1)


def boundary_loss(shifts: Tensor, clips: Tensor, truth: Tensor, labels: Tensor, nearest: Tensor) -> Tensor:
    """Smooth L1 of the shifts of positive clips (B, K, 2) to their nearest ME; 0 where there is none."""
    goal = encode(clips, torch.gather(truth, 1, nearest[..., None].expand_as(clips)))
    loss = functional.smooth_l1_loss(shifts, goal, reduction="none").mean(dim=-1)
    positive = labels == 1
    return (loss * positive).sum() / positive.sum().clamp(min=1)


def sample(clips: Tensor, probability: Tensor, truth: Tensor, rows: Tensor, sampling: Sampling) -> Tensor:
    """Proposals to train the CRN on, (B, size, 2) inside the tile, drawn with torch's global generator.

    First the whole MEs and jittered copies of them, then proposals of the CPN (clips (M, 2), `probability` (B, M) at or
    above the threshold) in random order, then random clips, so that there are negatives whatever the CPN says.
    """
    wanted = min(sampling.size, len(clips))
    made, present = _from_truth(truth, rows, sampling)
    centres = clips.mean(dim=-1)
    priority = torch.rand_like(probability) + (probability >= sampling.threshold).to(probability.dtype)
    priority = priority.masked_fill(centres >= rows[:, None], -1)  # rows that only pad a short video come last
    order = priority.argsort(dim=-1, descending=True)[:, :wanted]
    drawn = clips[order].clone()
    drawn[:, : made.shape[1]] = torch.where(present[..., None], made, drawn[:, : made.shape[1]])
    return inside(drawn, rows)


def _from_truth(truth: Tensor, rows: Tensor, sampling: Sampling) -> tuple[Tensor, Tensor]:
    """Whole MEs in turn, exact the first time and jittered later: (B, n, 2), and which are real (B, n)."""
    count = ceil(sampling.size * sampling.positive_share)
    whole = is_whole(truth, rows)
    amount = whole.sum(dim=-1, keepdim=True)  # (B, 1)
    turns = torch.arange(count, device=truth.device)
    first = whole.to(torch.int8).argsort(dim=-1, descending=True, stable=True)  # whole ones first
    chosen = torch.gather(first, 1, turns % amount.clamp(min=1))
    clips = torch.gather(truth, 1, chosen[..., None].expand(-1, -1, 2))
    lengths = clips[..., 1:] - clips[..., :1] + 1
    noise = (2 * torch.rand_like(clips) - 1) * sampling.jitter * lengths
    return clips + noise * (turns >= amount)[..., None], (amount > 0).expand(-1, count)
