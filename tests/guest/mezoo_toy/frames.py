"""Frames for tests of models."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class NoFrames:
    """Frames that nobody may read: the model works on features."""

    count: int = 0

    def __len__(self) -> int:
        return self.count

    def read(self, index: int, *, grey: bool = False) -> np.ndarray:
        raise AssertionError("a model never reads frames")

    def number(self, index: int) -> int:
        return index

    def files(self) -> tuple:
        return ()
