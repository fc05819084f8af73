"""MESNet for other programs: raw crops of a tile in, every proposal with its scores out."""

import torch
from torch import Tensor, nn

from . import proposals
from .network import ClassificationRegressionNet, ClipProposalNet, SpatialNet, TemporalNet, standardised


class Portable(nn.Module):
    """The four modules that are asked, for tiles of `rows` rows. Which proposals are spots is left to who asks."""

    def __init__(
        self,
        trunk: tuple[SpatialNet, TemporalNet],
        heads: tuple[ClipProposalNet, ClassificationRegressionNet],
        anchors: Tensor,
    ) -> None:
        super().__init__()
        self.spatial, self.temporal = trunk
        self.cpn, self.crn = heads
        self.register_buffer("anchors", anchors, persistent=False)

    def forward(
        self, clip: Tensor, rows: Tensor, mean: Tensor | None = None, std: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Every proposal of tiles of N rows (frames): one for each of D scales and each row.

        - `clip` (batch, N, height, width[, 3]) uint8: crops; a shorter video repeats its last one.
        - `rows` (batch) int64: rows that are not such repetitions.
        - `mean` (batch, height, width[, 3]), `std` (batch) float32, if they are asked for: mean crop of the whole
          video, and the deviation of its grey levels about it.
        - `chance` (batch, D, N): probability of a micro-expression by the CPN, 0 in repetitions.
        - `proposal` (batch, D, N, 2): its first and last row in the tile, from 0, both included.
        - `candidate` (batch, D, N, 2): the same with its ends refined by the CRN.
        - `score` (batch, D, N): probability of a micro-expression by the CRN.

        A spot is a candidate whose chance and score pass the thresholds `t_cpn` and `t_crn` of the recipe, after
        non-maximum suppression (`t_nms`) over all tiles of a video. mezoo asks the CRN of the 64 likeliest only.
        """
        features = self.spatial(standardised(clip, mean, std))  # (B, L, N)
        chance = self.cpn(self.temporal(features)).softmax(-1)[..., 1]  # (B, D, N)
        padding = torch.arange(chance.shape[2], device=rows.device) >= rows[:, None]
        chance = chance.masked_fill(padding[:, None], 0.0)
        anchors = self.get_buffer("anchors")  # (D, N, 2)
        flat = anchors.flatten(0, 1).expand(rows.shape[0], -1, -1)  # `len` would fix it
        proposal = proposals.inside(flat, rows)  # (B, D*N, 2)
        classes, shifts = self.crn(features, proposal)
        refined, score = proposals.decode(proposal, shifts), classes.softmax(-1)[..., 1]
        scales = anchors.shape[:2]
        return {
            "chance": chance,
            "proposal": proposal.unflatten(1, scales),
            "candidate": refined.unflatten(1, scales),
            "score": score.unflatten(1, scales),
        }


def drawn(rows: int, crop: tuple[int, ...], *, about_video: bool) -> dict[str, Tensor]:
    """Four random tiles of `rows` crops (h, w[, 3]), the third of a shorter video, as inputs of `Portable`."""
    source = torch.Generator().manual_seed(0)
    inputs = {
        "clip": torch.randint(0, 256, (4, rows, *crop), dtype=torch.uint8, generator=source),
        "rows": torch.tensor([rows, rows, rows - rows // 3, rows]),
    }
    if about_video:
        inputs["mean"] = 100 + 50 * torch.rand(4, *crop, generator=source)
        inputs["std"] = 50 + 50 * torch.rand(4, generator=source)
    return inputs
