"""ResNet34-LSTM for other programs: raw pictures of a clip in, probabilities out."""

from torch import Tensor, nn

from .network import ResNetLSTM, scaled


class Portable(nn.Module):
    """The network with the scale of the training clips before it and a softmax behind it."""

    def __init__(self, network: ResNetLSTM, centre: Tensor, spread: Tensor) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("centre", centre)
        self.register_buffer("spread", spread)

    def forward(self, clip: Tensor) -> dict[str, Tensor]:
        """Probability of every class of clips.

        - `clip` (batch, frames, height, width, 3) uint8: grey level and motion (u, v) of frames at equal steps from
          onset to apex, as the features `evm_flow` code them.
        - `probability` (batch, classes) float32.
        """
        clips = scaled(clip, self.get_buffer("centre"), self.get_buffer("spread"))
        return {"probability": self.network(clips).softmax(1)}
