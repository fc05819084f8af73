"""Adaptive GAT for other programs: raw motion of a clip in, probabilities out."""

from torch import Tensor, nn

from .network import AdaptiveGraphNet


class Portable(nn.Module):
    """The network with the scale of the training clips before it and a softmax behind it."""

    def __init__(self, network: AdaptiveGraphNet, mean: Tensor, std: Tensor) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)

    def forward(self, motion: Tensor) -> dict[str, Tensor]:
        """Probability of every class of clips.

        - `motion` (batch, flows, regions, 2) float32: x and y of the motion of each region, as the features have it.
        - `probability` (batch, classes) float32. With `flip_when_asked` in the recipe, mezoo takes the mean over a clip
          and its mirror image.
        """
        scaled = (motion - self.get_buffer("mean")) / self.get_buffer("std")
        return {"probability": self.network.classifier(self.network(scaled)).softmax(-1)}
