"""MESNet as a mezoo spotter: samples, the two stages of training, raw scores, spots."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from mezoo import Batch, DataError, Example, Sample, Spot, Spotter, Spotting, Window, intervals

from . import clips, proposals
from .clips import Cutting
from .network import (
    ClassificationRegressionNet,
    ClipProposalNet,
    PretrainHead,
    Sizes,
    SpatialNet,
    TemporalNet,
    standardised,
)
from .portable import Portable, drawn
from .proposals import Rule, Sampling, Thresholds

CANDIDATES = 64
"""Proposals kept of a tile when predicting, the most probable ones."""
FLOOR = 0.1
"""CPN probability below which a proposal is not even kept, unless `t_cpn` is lower."""


class MESNet(Spotter):
    """MESNet proposes clips at five scales and refines their ends; it spots micro-expressions only.

    Features: face crops (rows, h, w) or (rows, h, w, 3) uint8, h and w >= 16, the same for all videos. Lengths in the
    arguments are rows of the features. Epochs [0, pretrain_epochs) pre-train the (2+1)D network on single clips, later
    ones train CPN and CRN on tiles of the long videos.
    """

    kinds = ("micro",)
    trunk = ("spatial.", "temporal.")
    sources: ClassVar[Mapping[str, str]] = {
        "clip_frames": "[inferred] value; splitting long videos with overlap is [quoted]",
        "overlap": "[inferred] longer than every annotated ME; that it must be is [quoted]",
        "channels": "[inferred] widths; four convolutions with max pooling are [quoted]",
        "temporal_channels": "[quoted] S has 128 rows",
        "pretrain_frames": "[inferred] N_pre; a fixed length is [quoted]",
        "crn_frames": "[inferred] N_CR; a fixed length is [quoted]",
        "dilations": "[inferred] windows of 5 to 21 rows on S; five dilated branches are [quoted]",
        "hidden": "[inferred] width of the fully connected layers; their number is [quoted]",
        "cpn_channels": "[inferred] width inside a branch; two layers a branch are [quoted]",
        "group_norm": "[inferred] no normalisation is mentioned",
        "centre": "[inferred] input scaling is not described",
        "flip": "[inferred] augmentation is not described",
        "shift": "[inferred] px a training clip is moved at most, each way; augmentation is not described",
        "positive_iou": "[inferred] as in the detectors that the paper follows",
        "negative_iou": "[inferred] as in the detectors that the paper follows",
        "max_positive_weight": "[inferred] cap; a weight against imbalance is [quoted]",
        "max_proposals": "[inferred] proposals a tile in training",
        "min_positive_share": "[inferred] share of them made from the truth",
        "jitter": "[inferred] random move of each end, as a share of the length",
        "negative_tiles": "[inferred] tiles free of ME for each one with ME, drawn anew every epoch",
        "crn_weight": "[inferred] the total is a sum [quoted]; its weights are not given",
        "regression_weight": "[inferred] Smooth L1 beside cross entropy is [quoted]; its weight is not given",
        "weight_decay": "[inferred] value; L2 on all but the output layers is [quoted]",
        "lr": "[inferred] optimiser and rate are not given",
        "trunk_lr_factor": "[inferred] rate of the pre-trained layers in the second stage",
        "schedule": "[inferred] constant, or in the second stage a half cosine to 0: a calm last epoch",
        "pretrain_epochs": "[inferred] value; pre-training as a clip classifier is [quoted]",
        "pretrain_batch": "[inferred] clips",
        "pretrain_copies": "[inferred] clips made of each ME in an epoch of pre-training",
        "batch_size": "[inferred] tiles",
        "t_cpn": "[inferred] value; a threshold is [quoted]",
        "t_crn": "[inferred] value; a threshold is [quoted]",
        "t_nms": "[inferred] value; a threshold is [quoted]",
        "min_frames": "[inferred] shorter spots are dropped",
    }

    def __init__(
        self,
        clip_frames: int = 64,
        overlap: int = 32,
        channels: tuple[int, ...] = (16, 32, 64, 64),
        temporal_channels: int = 128,
        pretrain_frames: int = 16,
        crn_frames: int = 16,
        dilations: tuple[int, ...] = (1, 2, 3, 4, 5),
        hidden: int = 128,
        cpn_channels: int = 64,
        group_norm: bool = False,
        centre: Literal["video", "clip"] = "video",
        flip: bool = True,
        shift: int = 0,
        positive_iou: float = 0.5,
        negative_iou: float = 0.3,
        max_positive_weight: float = 50.0,
        max_proposals: int = 32,
        min_positive_share: float = 0.25,
        jitter: float = 0.25,
        negative_tiles: float = 3.0,
        crn_weight: float = 1.0,
        regression_weight: float = 1.0,
        weight_decay: float = 1e-4,
        lr: float = 1e-4,
        trunk_lr_factor: float = 0.1,
        schedule: Literal["constant", "cosine"] = "constant",
        pretrain_epochs: int = 20,
        pretrain_batch: int = 16,
        pretrain_copies: int = 1,
        batch_size: int = 4,
        t_cpn: float = 0.5,
        t_crn: float = 0.5,
        t_nms: float = 0.3,
        min_frames: int = 3,
    ) -> None:
        super().__init__()
        self.batch_size = self.tile_batch = batch_size
        self.pretrain_batch = pretrain_batch
        self.warmup_epochs = self.pretrain_epochs = pretrain_epochs
        self.sizes = Sizes(
            tuple(channels), temporal_channels, tuple(dilations), cpn_channels, hidden, pretrain_frames, crn_frames,
            group_norm,
        )  # fmt: skip
        self.cutting = Cutting(clip_frames, overlap, pretrain_frames, pretrain_copies, jitter, negative_tiles, centre)
        self.rule = Rule(positive_iou, negative_iou, max_positive_weight)
        self.sampling = Sampling(max_proposals, min_positive_share, jitter, t_cpn)
        self.thresholds = Thresholds(t_cpn, t_crn, t_nms, min_frames)
        self.lr, self.trunk_lr, self.schedule = lr, lr * trunk_lr_factor, schedule
        self.flip, self.shift, self.weight_decay = flip, shift, weight_decay
        self.loss_weights = {"crn": crn_weight, "boundary": crn_weight * regression_weight}

    def prepare(self, train: Sequence[Example]) -> Mapping[str, Any]:
        """Shape of the crops, {"input": [channels, h, w]}. Raises DataError for crops or ME that it cannot use."""
        shapes = {example.features.values.shape[1:] for example in train}
        shape = min(shapes, default=())
        if len(shapes) != 1 or len(shape) not in (2, 3) or min(shape[:2]) < 16 or shape[2:] not in ((), (3,)):
            raise DataError(
                f"MESNet needs crops of one size, at least 16x16, grey or RGB; the features are {sorted(shapes)}",
                hint="use `features: {use: face_crop, size: 112, grey: true, fps: 25}`",
            )
        spans = np.concatenate([clips.rows_of(example).micro for example in train])
        if not len(spans):
            raise DataError(
                f"none of the {len(train)} training videos has an annotated micro-expression, so MESNet cannot learn",
                hint="train on a dataset with micro-expressions, such as SAMM Long Videos or CAS(ME)^2",
            )
        typical, cut = float(np.median(spans[:, 1] - spans[:, 0] + 1)), self.cutting
        if not typical <= cut.overlap < cut.clip_frames:
            raise DataError(
                f"tiles of {cut.clip_frames} rows that overlap by {cut.overlap} do not suit ME of {typical:g} rows",
                hint="use about 25 rows a second (`fps: 25`), or set overlap from an ME's length to below clip_frames",
            )
        return {"input": [*(shape[2:] or (1,)), *shape[:2]]}

    def build(self, fitted: Mapping[str, Any]) -> None:
        """Create the five modules for crops of the fitted shape."""
        size, (channels, height, width) = self.sizes, fitted["input"]
        self.crop = (height, width) if channels == 1 else (height, width, channels)
        self.spatial = SpatialNet((channels, height, width), size)
        self.temporal = TemporalNet(self.spatial.length, size)
        self.pretrain_head = PretrainHead(size)
        self.cpn = ClipProposalNet(size)
        self.crn = ClassificationRegressionNet(self.spatial.length, size)

    def samples(
        self, examples: Sequence[Example], rng: np.random.Generator, epoch: int | None = None
    ) -> Sequence[Sample]:
        """Clips of a pre-training epoch, tiles of a later one, or all tiles without targets; `batch_size` follows."""
        pretraining = epoch is not None and epoch < self.pretrain_epochs
        self.batch_size = self.pretrain_batch if pretraining else self.tile_batch
        if epoch is None:
            return [tile for example in examples for tile in clips.tiles(example, self.cutting)]
        cut = clips.pretraining_clips if pretraining else clips.training_tiles
        return cut(examples, self.cutting, rng)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:  # noqa: ARG002
        """Cross entropy of clips in the first stage; CPN + CRN loss of tiles in the second."""
        frames = self._frames(batch.inputs)
        if self.flip:
            turn = torch.rand(len(frames), 1, 1, 1, 1, device=frames.device) < 0.5
            frames = torch.where(turn, frames.flip(-1), frames)
        if self.shift:
            frames = moved(frames, self.shift)
        features = self.spatial(frames)  # (B, L, N)
        if "label" in batch.targets:
            parts = {
                "pretrain": functional.cross_entropy(
                    self.pretrain_head(self.temporal(features)), batch.targets["label"]
                )
            }
        else:
            parts = self._proposal_losses(features, batch.targets["intervals"], batch.inputs["rows"])
        total = torch.stack([self.loss_weights.get(name, 1.0) * loss for name, loss in parts.items()]).sum()
        shown = {"train/loss": total, **{f"train/loss_{name}": loss for name, loss in parts.items()}}
        self.log_dict(shown, on_step=False, on_epoch=True, batch_size=len(frames))
        return total

    def _proposal_losses(self, features: Tensor, truth: Tensor, rows: Tensor) -> dict[str, Tensor]:
        logits = self.cpn(self.temporal(features)).flatten(1, 2)  # (B, D*N, 2)
        anchors = self._anchors(features)  # (D*N, 2)
        labels, _ = proposals.label(anchors.expand(len(truth), -1, -1), truth, rows, self.rule)
        labels = labels.masked_fill(anchors.mean(dim=-1) >= rows[:, None], -1)
        chosen = proposals.sample(anchors, logits.detach().softmax(-1)[..., 1], truth, rows, self.sampling)
        classes, shifts = self.crn(features, chosen)  # (B, K, 2) each
        kinds, nearest = proposals.label(chosen, truth, rows, self.rule)
        return {
            "cpn": proposals.weighted_cross_entropy(logits, labels, self.rule.max_weight),
            "crn": proposals.weighted_cross_entropy(classes, kinds, self.rule.max_weight),
            "boundary": proposals.boundary_loss(shifts, chosen, truth, kinds, nearest),
        }

    def _frames(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Standardised frames (B, N, c, h, w) float32 of uint8 crops, about the mean frame of their video or clip."""
        return standardised(inputs["clip"], inputs.get("mean"), inputs.get("std"))

    def _anchors(self, features: Tensor) -> Tensor:
        return proposals.anchors(features.shape[2], self.sizes.dilations).flatten(0, 1).to(features.device)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Adam; L2 on all but the output layers; the (2+1)D network in a group of its own."""
        outputs = {
            id(q) for name, q in self.named_parameters() if name.split(".")[-2] in ("output", "classes", "shifts")
        }
        trunk = [*self.spatial.parameters(), *self.temporal.parameters()]
        modules = (self.pretrain_head, self.cpn, self.crn)
        heads = [q for module in modules for q in module.parameters() if id(q) not in outputs]
        last = [q for q in self.parameters() if id(q) in outputs]
        groups = [
            {"params": trunk, "name": "trunk", "weight_decay": self.weight_decay},
            {"params": heads, "name": "heads", "weight_decay": self.weight_decay},
            {"params": last, "name": "outputs", "weight_decay": 0.0},
        ]
        return torch.optim.Adam(groups, lr=self.lr)

    def on_train_epoch_start(self) -> None:
        """Set the learning rates of this epoch's stage."""
        second = self.current_epoch >= self.pretrain_epochs
        fade = self._fade() if second and self.schedule == "cosine" else 1.0
        for group in self.trainer.optimizers[0].param_groups:
            group["lr"] = fade * (self.trunk_lr if second and group["name"] == "trunk" else self.lr)

    def _fade(self) -> float:
        """1 at the first epoch of the second stage, along a half cosine to 0 behind the last."""
        length = (self.trainer.max_epochs or 1000) - self.pretrain_epochs
        return 0.5 + 0.5 * math.cos(math.pi * (self.current_epoch - self.pretrain_epochs) / length)

    def predict_step(self, batch: Batch, batch_idx: int) -> list[Window]:  # noqa: ARG002
        """Of each tile: "cpn" (D, N) float16 P(ME), and float32 arrays of its K <= 64 best proposals, in tile rows.

        These are "proposal" (K, 2), "chance" (K,) P(ME) of the CPN, "candidates" (K, 2) refined, "score" (K,) P(ME) of
        the CRN. Thresholds are left to `decode`.
        """
        rows = batch.inputs["rows"]
        features = self.spatial(self._frames(batch.inputs))
        chances = self.cpn(self.temporal(features)).float().softmax(-1)[..., 1]  # (B, D, N)
        padding = torch.arange(features.shape[2], device=rows.device) >= rows[:, None]
        chances = chances.masked_fill(padding[:, None], 0)
        best, order = chances.flatten(1).topk(min(CANDIDATES, chances[0].numel()), dim=1)
        chosen = proposals.inside(self._anchors(features)[order], rows)  # (B, K, 2)
        classes, shifts = self.crn(features, chosen)
        refined, scores = proposals.decode(chosen, shifts.float()), classes.float().softmax(-1)[..., 1]
        keep = best >= min(FLOOR, self.thresholds.cpn)
        per_tile = {"proposal": chosen, "chance": best, "candidates": refined, "score": scores}
        return [
            Window(
                int(start),
                {
                    "cpn": chances[i].half().cpu().numpy(),
                    **{name: array[i][keep[i]].float().cpu().numpy() for name, array in per_tile.items()},
                },
            )
            for i, start in enumerate(batch.starts)
        ]

    def portable(self) -> tuple[nn.Module, Mapping[str, Tensor]]:
        """All proposals of raw tiles; the likeliest are not yet chosen."""
        cut = self.cutting
        modules = (self.spatial, self.temporal), (self.cpn, self.crn)
        module = Portable(*modules, proposals.anchors(cut.clip_frames, self.sizes.dilations))
        return module, drawn(cut.clip_frames, self.crop, about_video=cut.centre == "video")

    def decode(self, windows: Sequence[Window], example: Example) -> Spotting:
        """Refined proposals of all tiles that pass the thresholds, after NMS; the curve is the best CPN probability."""
        at, rows = self.thresholds, len(example.features)
        spans, scores = proposals.merge(windows, rows, at)
        kept = intervals.nms(spans, scores, at.nms)
        spots = (
            Spot(example.video.key, "micro", *example.features.interval(*map(int, spans[i])), float(scores[i]))
            for i in kept
        )
        return Spotting(tuple(sorted(spots, key=lambda spot: spot.onset)), {"micro": proposals.curve(windows, rows)})


def moved(frames: Tensor, most: int) -> Tensor:
    """Clips (B, N, c, h, w), each moved by its own random whole number of px, at most `most`; edges are repeated."""
    padded = functional.pad(frames.flatten(0, 1), (most,) * 4, mode="replicate").unflatten(0, frames.shape[:2])
    height, width = frames.shape[-2:]
    corners = torch.randint(0, 2 * most + 1, (len(frames), 2)).tolist()
    cut = [clip[..., y : y + height, x : x + width] for clip, (y, x) in zip(padded, corners, strict=True)]
    return torch.stack(cut)
