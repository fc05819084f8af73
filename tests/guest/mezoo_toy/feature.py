"""Mean brightness."""

from dataclasses import replace

import numpy as np

from mezoo import FeatureExtractor, Features, Video


class ToyMean(FeatureExtractor):
    """Mean grey of each `step`-th frame: (rows, 1) float32 in [0, 1]."""

    version = "1"

    def __init__(self, step: int = 1) -> None:
        self.step = step

    def __call__(self, video: Video) -> Features:
        assert not video.expressions, "an extractor is label-blind"
        positions = np.arange(0, len(video.frames), self.step)
        values = np.array([[video.frames.read(i, grey=True).mean() / 255] for i in positions], dtype=np.float32)
        return Features(values, positions, len(video.frames), video.fps / self.step, {"kind": "mean"})


class ToyScaled(FeatureExtractor):
    """Another feature times a factor: (rows, 1) float32."""

    version = "1"

    def __init__(self, inner: FeatureExtractor, factor: float = 2.0) -> None:
        self.inner, self.factor = inner, factor

    def __call__(self, video: Video) -> Features:
        made = self.inner(video)
        return replace(made, values=made.values * self.factor)


class ToySides(FeatureExtractor):
    """Mean grey of the left and of the right half: (rows, 2) float32 in [0, 1]."""

    version = "1"

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = gain

    def __call__(self, video: Video) -> Features:
        assert not video.expressions, "an extractor is label-blind"
        frames = [video.frames.read(i, grey=True) for i in range(len(video.frames))]
        values = np.array([[f[:, :2].mean() / 255, f[:, 2:].mean() / 255] for f in frames], dtype=np.float32)
        return Features(self.gain * values, np.arange(len(frames)), len(frames), video.fps)
