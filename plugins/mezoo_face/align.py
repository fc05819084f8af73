"""Faces held still by their eyes: the eye centres of every picture are at the same two places."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from mezoo import DataError, FeatureExtractor, Features, FeatureStream, Video
from mezoo_face import geometry
from mezoo_face import landmarker as lm
from mezoo_face.geometry import Points


def eye_centres(points: Points) -> Points:
    """Middles between the corners of each eye: (..., 68, 2) -> (..., 2, 2) pixels, the eye at the image's left first.

    Corners only (36, 39 and 42, 45): a centre with the lids in it would sink at every blink.
    """
    return np.stack([points[..., [36, 39], :].mean(-2), points[..., [42, 45], :].mean(-2)], axis=-2)


def eye_places(size: int, distance: float, height: float) -> Points:
    """Where the eye centres go in a square of `size` pixels, (2, 2): `distance` apart, `height` from the top."""
    return size * np.array([[0.5 - distance / 2, height], [0.5 + distance / 2, height]])


@dataclass(frozen=True)
class Align(FeatureExtractor):
    """Faces aligned by the eyes: (rows, size, size) uint8 grey, or (rows, size, size, 3) uint8 RGB; one row a frame.

    A turn, a scale and a shift put the eye centres (middles of the eye corners) at fixed places: `eye_distance` apart
    and `eye_height` below the upper border, as shares of `size`; with the defaults the chin is just inside. Outside the
    frame its border is repeated. `follow`: "align" does so for each frame, so that head motion in the image plane goes;
    "first" uses the first face's similarity for all frames, so that head motion stays.
    `fps`: rows per second, taken as the frames round(k * fps of the video / fps); None takes every frame.
    `landmarker`: "auto" is the video's own file (`landmarks/<video>.csv` ..., see `landmarks`), else the mesh where
    MediaPipe is installed, else approximate: detector's box, tracked head motion and a mean face. `missing`: a frame
    without a face is interpolated, skipped (not in `positions`) or refused (DataError). `smoothing`: window in seconds
    of a filter without lag over the landmarks, 0 for none. Raises DataError when no face is found.
    """

    version: ClassVar[str] = "1"

    size: int = 112
    grey: bool = True
    fps: float | None = None
    follow: Literal["first", "align"] = "align"
    eye_distance: float = 0.38
    eye_height: float = 0.31
    landmarker: Literal["auto", "files", "mesh", "approximate"] = "auto"
    landmarks: Path | None = None
    missing: Literal["interpolate", "skip", "fail"] = "interpolate"
    smoothing: float = 0.2

    def __post_init__(self) -> None:
        if self.size < 8 or not 0 < self.eye_distance <= 1 or not 0 <= self.eye_height <= 1:
            raise DataError(
                f"align: size {self.size}, eyes {self.eye_distance} apart and {self.eye_height} down cannot be made",
                hint="size is at least 8 pixels, eye_distance and eye_height are shares of it",
            )
        self._wanted()

    def __call__(self, video: Video) -> Features:
        """Aligned faces of one video. Raises DataError where landmarks or frames are missing or coincide."""
        return self.stream(video).collect()

    def stream(self, video: Video) -> FeatureStream:
        """The same in blocks of rows."""
        track = (lm.first if self.follow == "first" else lm.follow)(video, self._wanted())
        eyes = eye_centres(track.points)
        apart = np.linalg.norm(eyes[:, 1] - eyes[:, 0], axis=1)
        if apart.min() < 1:
            raise DataError(
                f"align: the eyes of {video.key} are {apart.min():.2f} pixels apart",
                hint="give landmarks in pixels of these very frames",
            )
        target = eye_places(self.size, self.eye_distance, self.eye_height)
        matrices = [geometry.similarity(pair, target) for pair in eyes]
        facts = {**track.facts, "follow": self.follow, "eyes_apart": round(float(np.median(apart)), 1)}
        blocks = geometry.warped(video, track.positions, matrices, size=self.size, grey=self.grey)
        return FeatureStream(blocks, len(video.frames), track.fps, facts)

    def sources(self, video: Video) -> tuple[Path, ...]:
        """The landmark file, if one is used."""
        return lm.sources(video, self._wanted())

    def environment(self) -> Mapping[str, str]:
        """OpenCV resamples; a landmarker's library may find the face."""
        return lm.environment(self._wanted())

    def _wanted(self) -> lm.Wanted:
        smoothing = 0.0 if self.follow == "first" else self.smoothing
        return lm.Wanted("align", self.landmarker, self.landmarks, self.fps, self.missing, smoothing)
