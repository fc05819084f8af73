"""The way in which the official AUW-GCN code trains and evaluates, written anew from a description of it.

One process; windows are read from .npz files one by one, their targets made by loops over rows; the adjacency and the
weight of the graph layer are repeated for every row of every window; a checkpoint file an epoch; afterwards each of
them is loaded again and its proposals go through a CSV. No code of the authors is here.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

MEAN, STD = (0.003463, 0.003873), (0.548588, 0.645621)
REACH = (1, 3)
BATCH = 128
MACRO_WEIGHT = 0.7
SEARCH = ((2, 7, 4, 13), (6, 27, 12, 81))
"""Of micro and macro on SAMM: rows from the apex to start or end, and length."""
KEEP = {2: 5, 1: 6}
"""Spots kept a video, of micro (2) and macro (1)."""


class Windows(Dataset[dict[str, Any]]):
    """A window an item, read when asked for."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self.paths = paths

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> dict[str, Any]:
        path = self.paths[index]
        with np.load(path) as file:
            feature, label, video = file["feature"].astype(np.float32), file["label"], str(file["video_name"])
        for axis in range(2):
            feature[..., axis] = (feature[..., axis] - MEAN[axis]) / STD[axis]
        item: dict[str, Any] = {"video": video, "offset": int(path.stem[-4:]), "feature": torch.from_numpy(feature)}
        for kind, reach in enumerate(REACH):
            phase, apex, action = targets(label[:, 4 * kind : 4 * kind + 4], reach)
            item[f"phase{kind}"] = torch.tensor(phase[7:-7], dtype=torch.int64)
            item[f"apex{kind}"] = torch.tensor(apex[7:-7], dtype=torch.float32)
            item[f"action{kind}"] = torch.tensor(action[7:-7], dtype=torch.float32)
        return item


def targets(label: np.ndarray, reach: int) -> tuple[list[int], list[float], list[float]]:
    """Classes (start, end, none), apex and action scores of one kind, row by row, with the edges cut as officially."""
    rows = len(label)
    phase, apex, action = [2] * rows, [0.0] * rows, [0.0] * rows
    for value, column in ((0, 0), (1, 2)):
        for i in range(rows):
            if label[i, column] == 1:
                phase[i] = value
                for j in range(1, reach + 1):
                    if i - j >= 0:
                        phase[i - j] = value
                    if i + j < rows - 14:
                        phase[i + j] = value
    for i in range(rows):
        if label[i, 1] == 1:
            apex[i] = 1.0
            for j in range(1, reach + 1):
                score = math.exp(-(j**2) / (2 * 4**2))
                if i - j > 0:
                    apex[i - j] = score
                if i + j < rows - 14:
                    apex[i + j] = score
        action[i] = float(label[i, 3])
    return phase, apex, action


class Graph(nn.Module):
    """A (X W) + b for each row, the matrices repeated for each."""

    def __init__(self, adjacency: Tensor) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.empty(2, 16)), nn.Parameter(torch.empty(16))
        for tensor in (self.weight, self.bias):
            nn.init.uniform_(tensor, -0.25, 0.25)
        self.register_buffer("adj", adjacency)

    def forward(self, x: Tensor) -> Tensor:
        """(rows, 12, 2) -> (rows, 12, 16)."""
        support = torch.bmm(x, self.weight.repeat(len(x), 1, 1))
        return torch.bmm(self.adj.repeat(len(x), 1, 1), support) + self.bias


class Embedding(nn.Module):
    """Graph layer, norm, ReLU."""

    def __init__(self, adjacency: Tensor) -> None:
        super().__init__()
        self.gc1, self.bn1 = Graph(adjacency), nn.BatchNorm1d(16)

    def forward(self, x: Tensor) -> Tensor:
        """(rows, 12, 2) -> (rows, 12, 16)."""
        return self.bn1(self.gc1(x).transpose(1, 2)).transpose(1, 2).relu()


class Net(nn.Module):
    """(B, T, 12, 2) -> (B, 10, T), with the official names of tensors."""

    def __init__(self, adjacency: Tensor) -> None:
        super().__init__()
        self.graph_embedding = nn.Sequential(Embedding(adjacency))
        self._sequential = nn.Sequential(
            nn.Conv1d(192, 64, 1, bias=False), nn.BatchNorm1d(64), nn.ReLU(inplace=True),
            nn.Conv1d(64, 64, 3, padding=1, bias=False), nn.BatchNorm1d(64), nn.ReLU(inplace=True),
            nn.Conv1d(64, 64, 3, padding=2, dilation=2, bias=False), nn.BatchNorm1d(64), nn.ReLU(inplace=True),
        )  # fmt: skip
        self._classification = nn.Conv1d(64, 10, 3, padding=2, dilation=2, bias=False)
        for module in self.modules():
            if isinstance(module, nn.Conv1d):
                nn.init.kaiming_normal_(module.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Logits."""
        b, t, nodes, axes = x.shape
        rows = self.graph_embedding(x.reshape(b * t, nodes, axes)).reshape(b, t, -1).transpose(1, 2)
        return self._classification(self._sequential(rows))


def binary_loss(logit: Tensor, score: Tensor, share: float) -> Tensor:
    """Focal loss of a score."""
    p = torch.sigmoid(logit)
    there = share * (score - p).abs() * torch.log(p + 1e-5)
    nothing = (1 - share) * (score + 0.16 - p).abs() * torch.log(1 - p + 1e-5)
    return -torch.where(score > 0, there, nothing).mean()


def phase_loss(logit: Tensor, phase: Tensor) -> Tensor:
    """Focal loss of start, end, none."""
    log_p = logit.log_softmax(1).transpose(1, 2).reshape(-1, 3).gather(1, phase.reshape(-1, 1))[:, 0]
    shares = torch.tensor((0.45, 0.45, 0.10)).gather(0, phase.reshape(-1))
    return -(shares * (1 - log_p.exp()) * log_p).mean()


def total_loss(logits: Tensor, batch: dict[str, Any]) -> Tensor:
    """Of logits (B, 10, 256): six losses, weighted."""
    parts: list[Tensor] = []
    for kind, apex_weight in enumerate((1.8, 1.0)):
        apex = binary_loss(logits[:, 6 + kind], batch[f"apex{kind}"], 0.9)
        action = binary_loss(logits[:, 8 + kind], batch[f"action{kind}"], 0.8)
        phase = phase_loss(logits[:, 3 * kind : 3 * kind + 3], batch[f"phase{kind}"])
        parts.append(apex_weight * apex + phase + 0.1 * action)
    return parts[0] + MACRO_WEIGHT * parts[1]


def optimizer_of(net: Net) -> tuple[torch.optim.Optimizer, Any]:
    """AdamW with decay of the weights of graph and convolutions, and a rate that falls each epoch."""
    decayed = [p for p in net.parameters() if p.ndim > 1]
    others = [p for p in net.parameters() if p.ndim == 1]
    groups = [{"params": decayed, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=0.01)
    return optimizer, torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.96)


def step(net: Net, optimizer: torch.optim.Optimizer, batch: dict[str, Any]) -> float:
    """One step; its loss."""
    loss = total_loss(net(batch["feature"])[:, :, 7:-7], batch)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def train(net: Net, paths: Sequence[Path], epochs: int, folder: Path) -> list[float]:
    """Train on windows with an expression; a checkpoint an epoch in `folder`; the mean loss of each epoch."""
    optimizer, schedule = optimizer_of(net)
    loader = DataLoader(Windows(paths), BATCH, shuffle=True, num_workers=2)
    losses: list[float] = []
    for epoch in range(epochs):
        net.train()
        found = [step(net, optimizer, batch) for batch in loader]
        schedule.step()
        losses.append(sum(found) / len(found))
        torch.save({"epoch": epoch, "state_dict": net.state_dict()}, folder / f"{epoch:04d}.pth.tar")
    return losses


def evaluate(net: Net, paths: Sequence[Path], truth: pd.DataFrame, folder: Path, first: int) -> dict[int, float]:
    """F1 of each kept epoch from `first` on, on all windows of the left-out subject."""
    loader = DataLoader(Windows(paths), BATCH, num_workers=2)
    scores: dict[int, float] = {}
    for path in sorted(folder.glob("*.pth.tar"))[first:]:
        net.load_state_dict(torch.load(path)["state_dict"])
        net.eval()
        with torch.no_grad():
            for batch in loader:
                logits = net(batch["feature"])[:, :, 7:-7]
                write_proposals(logits, batch, folder / "proposals.csv")
        scores[int(path.name[:4])] = f1(pd.read_csv(folder / "proposals.csv"), truth)
    return scores


def write_proposals(logits: Tensor, batch: dict[str, Any], path: Path) -> None:
    """Every row whose apex is probable, with its best start and end, as CSV."""
    rows: list[tuple[str, int, int, int, float]] = []
    for kind, (near, far, shortest, longest) in enumerate(SEARCH):
        phase = logits[:, 3 * kind : 3 * kind + 3].softmax(1).numpy()
        apexes = logits[:, 6 + kind].sigmoid().numpy()
        for window, offset in enumerate(batch["offset"].tolist()):
            start, end, apex = phase[window, 0], phase[window, 1], apexes[window]
            for t in np.flatnonzero(apex > 0.5).tolist():
                before = [max(t - k, 0) for k in range(near, far + 1)]
                after = [min(t + k, len(apex) - 1) for k in range(near, far + 1)]
                s, e = before[int(start[before].argmax())], after[int(end[after].argmax())]
                if start[s] > end[s] and start[e] < end[e] and shortest <= e - s <= longest:
                    score = float(start[s] * end[e] * apex[t])
                    rows.append((batch["video"][window], 2 - kind, s + offset + 1, e + offset + 1, score))
    pd.DataFrame(rows, columns=["video", "type", "start", "end", "score"]).to_csv(path, index=False)


def f1(proposals: pd.DataFrame, truth: pd.DataFrame) -> float:
    """Suppression in each video and kind, matching, F1 of both kinds together."""
    hits = kept = 0
    for (video, kind), found in proposals.sort_values("score", ascending=False).groupby(["video", "type"]):
        spots = suppressed(
            [tuple(row) for row in found[["start", "end", "score"]].to_numpy().tolist()], KEEP[int(kind)]
        )
        wanted = truth[(truth.video == video) & (truth.type == kind)][["start", "end"]].to_numpy().tolist()
        matched: set[int] = set()
        for onset, offset in wanted:
            values = [overlap(spot, (onset, offset)) for spot in spots]
            if values and max(values) > 0.5:
                matched.add(values.index(max(values)))
        hits, kept = hits + len(matched), kept + len(spots)
    return 2 * hits / (kept + len(truth)) if kept + len(truth) else 0.0


def suppressed(spots: list[Any], keep: int) -> list[Any]:
    """The best spots that do not overlap by more than half."""
    chosen: list[Any] = []
    while spots and len(chosen) < keep:
        best, *rest = spots
        chosen.append(best)
        spots = [spot for spot in rest if overlap(best, spot) <= 0.5]
    return chosen


def overlap(a: Any, b: Any) -> float:
    """The official IoU: lengths are end - start."""
    shared = max(0.0, min(a[1], b[1]) - max(a[0], b[0]))
    union = a[1] - a[0] + b[1] - b[0] - shared
    return shared / union if union > 0 else 0.0
