"""Motion of the cells of a grid: a place to begin. Replace what you like."""

from dataclasses import dataclass
from typing import Any, ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from mezoo import DataError, FeatureExtractor, Features, Video


@dataclass(frozen=True)
class Newcomer(FeatureExtractor):
    """Mean flow of each cell of a grid: (rows, cells, 2) float32, x and y in pixels of `size` since the first frame.

    A row stands at each frame after the first. Raises DataError for a video of one frame.
    """

    version: ClassVar[str] = "1"

    cells: int = 4
    size: int = 96

    def __call__(self, video: Video) -> Features:
        """Features of one video, which is given without its annotation."""
        frames = range(1, len(video.frames))
        if not frames:
            raise DataError(f"{video.key} has one frame, and motion is between two", hint="leave this video out")
        first = self._picture(video, 0)
        values = np.stack([self._cells(first, self._picture(video, i)) for i in frames])
        rate = video.fps * len(frames) / len(video.frames)
        return Features(values, np.array(frames, dtype=np.int64), len(video.frames), rate, {"unit": "pixels"})

    def environment(self) -> dict[str, str]:
        """Versions of libraries that change the numbers."""
        return {"opencv": cv2.__version__}

    def _picture(self, video: Video, index: int) -> NDArray[np.uint8]:
        """(size, size) uint8."""
        picture = cv2.resize(video.frames.read(index, grey=True), (self.size, self.size), interpolation=cv2.INTER_AREA)
        return np.asarray(picture, dtype=np.uint8)

    def _cells(self, first: Any, second: Any) -> NDArray[np.float32]:
        """Mean flow of the cells, row by row: (cells * cells, 2) float32."""
        method: Any = cv2.FarnebackOpticalFlow.create(winSize=15)
        flow = np.asarray(method.calc(first, second, None), dtype=np.float32)
        means = cv2.resize(flow, (self.cells, self.cells), interpolation=cv2.INTER_AREA)
        return np.asarray(means, dtype=np.float32).reshape(-1, 2)
