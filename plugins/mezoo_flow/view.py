"""What every flow extractor can be asked for, and how the numbers are laid out and stored."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mezoo import DataError, FeatureExtractor
from mezoo_flow import fields
from mezoo_flow.tvl1 import SMALLEST

Pairing = Literal["consecutive", "first"] | tuple[tuple[int, int], ...]
Grey = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class View:
    """The options shared by all flow extractors, as their docstrings tell. Raises DataError where they clash."""

    pairs: Pairing
    fps: float | None
    size: int | tuple[int, int] | None
    crop: FeatureExtractor | None
    quantise: Literal["float16", "uint8"] | None
    bound: float
    strain: bool
    magnitude: bool
    grey: bool

    def __post_init__(self) -> None:
        if self.shape is not None and min(self.shape) < SMALLEST:
            raise DataError(f"flow: size {self.size} is too small", hint=f"give at least {SMALLEST} pixels a side")
        if self.bound <= 0 or (self.fps is not None and self.fps <= 0):
            raise DataError(f"flow: bound {self.bound}, fps {self.fps}", hint="both are above 0, or left out")
        if self.crop is not None and self.fps is not None:
            raise DataError("flow: fps is given beside crop", hint="give fps to the crop: its rows are what flows")
        if self.quantise == "uint8" and (self.strain or self.magnitude):
            raise DataError(
                "flow: strain and magnitude have no 8 bit form",
                hint="set quantise: float16, or derive them from the dequantised flow",
            )

    @property
    def shape(self) -> tuple[int, int] | None:
        """Height and width to resize to, px; None keeps the frames as they are."""
        return (self.size, self.size) if isinstance(self.size, int) else self.size

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the last axis, in order."""
        asked = {"magnitude": self.magnitude, "strain": self.strain, "grey": self.grey}
        return ("u", "v", *(name for name, wanted in asked.items() if wanted))

    @property
    def dtype(self) -> np.dtype[Any]:
        """How values are stored."""
        return np.dtype(self.quantise or "float32")

    def pack(self, flow: fields.Array, grey: Grey) -> NDArray[Any]:
        """Flow (pairs, height, width, 2) px and second frames (pairs, height, width) -> values with all channels."""
        values = np.empty((*flow.shape[:-1], len(self.channels)), dtype=self.dtype)
        values[..., :2] = fields.quantise(flow, self.bound) if self.quantise == "uint8" else flow
        for at, name in enumerate(self.channels[2:], start=2):
            if name == "grey":
                values[..., at] = grey
            else:
                values[..., at] = fields.magnitude(flow) if name == "magnitude" else fields.optical_strain(flow)
        return values
