"""AUW-GCN as a mezoo spotter: samples, losses, optimiser, raw scores, spots."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor, nn

from mezoo import Batch, DataError, Example, Features, Graph, Sample, Spot, Spotter, Spotting, Window

from . import au_graph, presets, proposals, samples, together
from .losses import losses
from .network import Network
from .portable import Portable
from .samples import OFFICIAL_SCALE, Cutting, TrainingWindows
from .targets import KINDS, MARGIN, WINDOW


class AUWGCN(Spotter):
    """AUW-GCN finds the start, apex and end of micro- and macro-expressions in the motion of twelve facial regions.

    Features: (rows, 12, 2) float32, motion (x, y) of the regions `auwgcn12`, at 30 rows a second (preset cas_me_sq) or
    25 (samm_long). `official` sets every argument that is left out to what the official code does, its slips included;
    without it they are mended. The adjacency is that of the training subjects in either case.
    """

    trunk = ("network.graph", "network.layers")
    stackable = True
    sources: ClassVar[Mapping[str, str]] = {
        "preset": "[code] search ranges, lengths, spots kept and the weight of macro losses, set for each dataset",
        "official": "[inferred] off: slips of the official code are mended",
        "norm": "[inferred] statistics of the training subjects; [code] constants",
        "eval_mode": "[inferred] a spot may cross windows; [code] each window on its own",
        "edge_bugs": "[inferred] targets reach over a window's right edge; [code] they are cut there",
        "au_node_map": "[inferred] AU 1 at the inner brow, as in FACS; [code] AU 1 and 2 are swapped",
        "au_cells": "[inferred] sides and intensities are read; [code] only bare numbers count",
        "adjacency": "[inferred] counted over the training subjects; [code] over all subjects, the tested one included",
        "missing_offset": "[code] an unknown end mirrors the start at the apex, for training only",
        "label_shift": "[inferred] 0: labels stand at the rows of their frames; [code] 2 CAS(ME)^2, 1 SAMM, 0 segments",
        "spot_shift": "[inferred] 0: spots stand at the frames of their rows; [code] -1 CAS(ME)^2, 0 SAMM, 1 segments",
        "micro": "[code] as the preset",
        "macro": "[code] as the preset",
        "macro_weight": "[code] as the preset",
        "quiet_windows": "[code] windows without an expression are left out of training",
        "apex_threshold": "[code]",
        "nms_iou": "[code]",
        "graph_channels": "[code]",
        "channels": "[code]",
        "batch_size": "[code]",
        "lr": "[code] AdamW; the paper names Adam",
        "weight_decay": "[code] of the weights of graph and convolutions, 0 of biases and norms",
        "lr_decay": "[code] factor each epoch",
    }

    def __init__(
        self,
        preset: Literal["cas_me_sq", "samm_long"] = "cas_me_sq",
        official: bool = False,
        norm: Literal["train_fold", "official"] | None = None,
        eval_mode: Literal["full_video", "windowed"] | None = None,
        edge_bugs: bool | None = None,
        au_node_map: Literal["facs", "official"] | None = None,
        au_cells: Literal["parsed", "exact"] | None = None,
        adjacency: str | Sequence[Sequence[float]] = "train_fold",
        missing_offset: Literal["mirror", "keep"] = "mirror",
        label_shift: int | None = None,
        spot_shift: int | None = None,
        micro: Mapping[str, Any] | None = None,
        macro: Mapping[str, Any] | None = None,
        macro_weight: float | None = None,
        quiet_windows: float = 0.0,
        apex_threshold: float = 0.5,
        nms_iou: float = 0.5,
        graph_channels: int = 16,
        channels: int = 64,
        batch_size: int = 128,
        lr: float = 0.01,
        weight_decay: float = 0.1,
        lr_decay: float = 0.96,
    ) -> None:
        super().__init__()
        self.preset = presets.preset(preset, micro, macro, macro_weight)
        self.official = official
        self.norm = norm or ("official" if official else "train_fold")
        self.eval_mode = eval_mode or ("windowed" if official else "full_video")
        self.edge_bugs = official if edge_bugs is None else edge_bugs
        self.au_node_map: Literal["facs", "official"] = au_node_map or ("official" if official else "facs")
        self.au_cells: Literal["parsed", "exact"] = au_cells or ("exact" if official else "parsed")
        self.given_adjacency = adjacency
        self.missing_offset: Literal["mirror", "keep"] = missing_offset
        self.label_shift, self.spot_shift = label_shift, spot_shift
        self.quiet_windows, self.apex_threshold, self.nms_iou = quiet_windows, apex_threshold, nms_iou
        self.widths = graph_channels, channels
        self.batch_size, self.lr, self.weight_decay, self.lr_decay = batch_size, lr, weight_decay, lr_decay
        self._cut: TrainingWindows | None = None

    def prepare(self, train: Sequence[Example]) -> Mapping[str, Any]:
        """{"adjacency": (12, 12) nested lists, "mean": [x, y], "std": [x, y]}. Raises DataError for unfit examples."""
        samples.check(train)
        mean, std = OFFICIAL_SCALE if self.norm == "official" else samples.scale_of(train)
        return {"adjacency": self._adjacency(train).tolist(), "mean": list(mean), "std": list(std)}

    def _adjacency(self, train: Sequence[Example]) -> np.ndarray[Any, Any]:
        if self.given_adjacency == "symmetric":
            return au_graph.symmetric()
        if self.given_adjacency != "train_fold":
            return au_graph.given(self.given_adjacency)
        cells = [e.aus for example in train for e in example.video.expressions]
        counts = au_graph.co_occurrence(cells, self.au_node_map, self.au_cells)
        if not counts.any():
            raise DataError(
                f"none of {len(cells)} training expressions has an action unit among 1, 2, 12, 14, 25, 26, of which "
                "AUW-GCN makes its graph",
                hint="give an annotation with action units (auwgcn_segments: `table`), or set `adjacency: symmetric` "
                "(each region and its mirror image) or a file of 12 x 12 numbers",
            )
        return au_graph.row_normalised(counts)

    def build(self, fitted: Mapping[str, Any]) -> None:
        """Create the network around the fitted graph; the scale of the features is kept with its weights."""
        self.network = Network(torch.tensor(fitted["adjacency"]), *self.widths)
        self.register_buffer("mean", torch.tensor(fitted["mean"], dtype=torch.float32))
        self.register_buffer("std", torch.tensor(fitted["std"], dtype=torch.float32))

    def samples(
        self, examples: Sequence[Example], rng: np.random.Generator, epoch: int | None = None
    ) -> Sequence[Sample]:
        """Windows of 256 rows with 7 more on each side: those with an expression in training, all when predicting."""
        if epoch is None:
            return samples.windows(examples)
        if self._cut is None or self._cut.examples is not examples:
            self._cut = samples.training_windows(examples, self._cutting(examples[0].features))
        return self._cut.drawn(self.quiet_windows, rng)

    def _cutting(self, features: Features) -> Cutting:
        return Cutting(self.missing_offset, self.edge_bugs, self.shifts(features)[0])

    def shifts(self, features: Features) -> tuple[int, int]:
        """Rows that labels and spots are moved by: as set, else 0, or in official mode as the official code has them.

        In the files of auwgcn_segments, whose row 0 is frame 0, labels are in their official place already.
        """
        at_frames = (self.preset.label_shift, self.preset.spot_shift)
        slips = (at_frames if features.positions[0] > 0 else (0, 1)) if self.official else (0, 0)
        label = slips[0] if self.label_shift is None else self.label_shift
        return label, slips[1] if self.spot_shift is None else self.spot_shift

    def forward(self, motion: Tensor) -> Tensor:
        """Motion (B, 270, 12, 2) as in the features -> logits (B, 10, 256) float32."""
        flat, nodes = motion.flatten(-2), motion.shape[-2]  # a loop over 24 numbers is faster than one over 2
        mean, std = (self.get_buffer(name).repeat(nodes) for name in ("mean", "std"))
        scaled = samples.normalise(flat, mean, std).view_as(motion)
        logits = together.forward(self.network, scaled) if self.stacked else self.network(scaled)
        return logits[..., MARGIN:-MARGIN].float()

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:  # noqa: ARG002
        """The sum of six losses."""
        t = batch.targets
        parts = losses(self(batch.inputs["motion"]), t["phase"], t["apex"], t["action"])
        total = parts.total(self.preset.macro_weight)
        shown = {"train/loss": total, **{f"train/loss_{name}": loss for name, loss in parts._asdict().items()}}
        self.log_dict(shown, on_step=False, on_epoch=True, batch_size=len(batch.videos))
        return total

    def configure_optimizers(self) -> Any:
        """AdamW whose decay acts on weights of graph and convolutions only; the rate falls by a factor each epoch."""
        decayed = self.network.decayed()
        chosen = {id(p) for p in decayed}
        groups: list[dict[str, Any]] = [
            {"params": decayed, "weight_decay": self.weight_decay},
            {"params": [p for p in self.parameters() if id(p) not in chosen], "weight_decay": 0.0},
        ]
        optimizer = torch.optim.AdamW(groups, lr=self.lr)
        return [optimizer], [torch.optim.lr_scheduler.ExponentialLR(optimizer, self.lr_decay)]

    def predict_step(self, batch: Batch, batch_idx: int) -> list[Window]:  # noqa: ARG002
        """Of each window "curves" (2, 3, 256) float32: of micro and macro, the probability of start, end and apex."""
        curves = proposals.probabilities(self(batch.inputs["motion"])).cpu().numpy()
        return [Window(int(start), {"curves": part}) for start, part in zip(batch.starts, curves, strict=True)]

    def graphs(self, examples: Sequence[Example]) -> Sequence[Graph]:
        """The fixed graph of regions."""
        del examples
        sources = {
            "train_fold": "how often action units of two regions occur together in the training subjects' annotation",
            "symmetric": "each region and its mirror image",
        }
        source = sources.get(str(self.given_adjacency), "as the recipe gives it")
        return [au_graph.picture(self.network.adjacency.cpu().numpy(), source)]

    def decode(self, windows: Sequence[Window], example: Example) -> Spotting:
        """The best candidates of each kind that do not overlap; the curves are the apex probabilities."""
        rows = len(example.features)
        whole = samples.stitched(windows, rows)
        if self.eval_mode == "windowed":
            curves = np.stack([w.scores["curves"] for w in windows]) if windows else whole[None, ..., :0]
            offsets = np.array([w.start for w in windows] or [0])
        else:
            curves, offsets = whole[None], np.zeros(1, dtype=np.int64)
        raw = proposals.raw_proposals(curves, offsets, self.preset, self.apex_threshold)
        shift = self.shifts(example.features)[1]
        spots: list[Spot] = []
        for k, (kind, search) in enumerate(zip(KINDS, self.preset.searches, strict=True)):
            spans, scores = raw.spans[raw.kind == k], raw.parts[raw.kind == k].prod(axis=1)
            for i in proposals.suppress(spans, scores, search.keep, self.nms_iou):
                first, last = (np.clip(spans[i] + shift, 0, rows - 1)).tolist()
                spots.append(Spot(example.video.key, kind, *example.features.interval(first, last), float(scores[i])))
        found = tuple(sorted(spots, key=lambda spot: spot.onset))
        return Spotting(found, {kind: whole[k, 2] for k, kind in enumerate(KINDS)})

    def portable(self) -> tuple[nn.Module, Mapping[str, Tensor]]:
        """Probabilities of the raw motion of windows."""
        drawn = torch.randn(4, WINDOW + 2 * MARGIN, 12, 2, generator=torch.Generator().manual_seed(0))
        mean, std = self.get_buffer("mean"), self.get_buffer("std")
        return Portable(self.network, mean, std), {"motion": mean.cpu() + std.cpu() * drawn}
