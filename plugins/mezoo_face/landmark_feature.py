"""The 68 landmarks themselves as a feature: for methods that look at shape, and for regions of interest."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from mezoo import FeatureExtractor, Features, Video
from mezoo_face import landmarker as lm


@dataclass(frozen=True)
class Landmarks(FeatureExtractor):
    """Facial landmarks: (rows, 68, 2) float32, pixels (x, y) of the frame in iBUG's order; one row per sampled frame.

    `landmarker`: "auto" is the video's own file (`landmarks/<video>.csv` ..., see `landmarks`), else the mesh where
    MediaPipe is installed, else approximate: detector's box, tracked head motion and a mean face, which shows no
    expression. `landmarks` is a folder with one file a video, before the one beside the data.
    `fps`: rows per second, taken as the frames round(k * fps of the video / fps); None takes every frame. `missing`: a
    frame without a face is interpolated in time (the nearest at the ends), skipped (not in `positions`) or refused
    (DataError with the frame numbers). `smoothing`: window in seconds of a Savitzky-Golay filter of order 2, which has
    no lag; 0 for none. The facts hold source, score (mean and lowest) and how many frames had no face.
    """

    version: ClassVar[str] = "1"

    landmarker: Literal["auto", "files", "mesh", "approximate"] = "auto"
    landmarks: Path | None = None
    fps: float | None = None
    missing: Literal["interpolate", "skip", "fail"] = "interpolate"
    smoothing: float = 0.0

    def __post_init__(self) -> None:
        self._wanted()

    def __call__(self, video: Video) -> Features:
        """Landmarks of one video. Raises DataError if no face is found, or fps is above the video's."""
        track = lm.follow(video, self._wanted())
        values = track.points.astype(np.float32)
        return Features(values, track.positions, len(video.frames), track.fps, track.facts)

    def sources(self, video: Video) -> tuple[Path, ...]:
        """The landmark file, if one is used."""
        return lm.sources(video, self._wanted())

    def environment(self) -> Mapping[str, str]:
        """The landmarker's libraries."""
        return lm.environment(self._wanted())

    def _wanted(self) -> lm.Wanted:
        return lm.Wanted("landmarks", self.landmarker, self.landmarks, self.fps, self.missing, self.smoothing)
