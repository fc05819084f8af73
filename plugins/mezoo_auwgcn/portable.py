"""AUW-GCN for other programs: raw motion of a window in, probabilities out."""

from torch import Tensor, nn

from .network import Network
from .proposals import probabilities
from .samples import normalise
from .targets import MARGIN


class Portable(nn.Module):
    """The layers of the paper's figure one after another, with the parameters of `network` as a trained model has them.

    `Network` computes the same in fewer, faster steps, which no other program knows.
    """

    def __init__(self, network: Network, mean: Tensor, std: Tensor) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)

    def forward(self, motion: Tensor) -> dict[str, Tensor]:
        """Probabilities of each row of a window.

        - `motion` (batch, 270, 12, 2) float32: x and y of the motion of the twelve regions, as the features have it:
          256 rows with 7 more on each side. Rows before the first and after the last of a video are 0.
        - `curves` (batch, 2, 3, 256) float32: of micro- and macro-expressions, the probability that a row is the
          start, the end and the apex of one. Row 0 is row 7 of the input.
        """
        own = self.network
        scaled = normalise(motion, self.get_buffer("mean"), self.get_buffer("std"))
        mixed = own.adjacency @ (scaled @ own.graph.lin.weight.T) + own.graph.bias  # (B, T, 12, 16)
        normed = own.graph_norm(mixed.flatten(0, 2)).view_as(mixed).relu()
        logits = own.head(own.layers(normed.flatten(2).transpose(1, 2)))  # (B, 10, T)
        return {"curves": probabilities(logits[..., MARGIN:-MARGIN])}
