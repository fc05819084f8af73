"""Face crops: the input of networks that look at pixels."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version as version_of
from pathlib import Path
from typing import ClassVar, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from mezoo import DataError, FeatureExtractor, Features, Video
from mezoo_face import detector, geometry, landmarks

APPROXIMATE = "embedded (approximate)"
SEARCHED = 20
"""Frames tried, spread over the video, before a video counts as one without a face."""


@dataclass(frozen=True, slots=True)
class _Track:
    """Landmarks of every sampled frame (rows, 68, 2) in pixels, where they come from, rows that had none."""

    points: geometry.Points
    source: str
    missing: int


@dataclass(frozen=True)
class FaceCrop(FeatureExtractor):
    """Face crops: (rows, size, size) uint8 grey, or (rows, size, size, 3) uint8 RGB; one row per sampled frame.

    `fps`: rows per second, taken as the frames round(k * fps of the video / fps); None takes every frame.
    `follow`: "first" crops all frames with the box of the first one; "box" lets the box follow the head (averaged over
    one second); "align" turns, scales and shifts each frame so that eye corners and nose bridge stay where they were
    in the first frame: head motion goes, expressions stay; "auto" is "align" where there is a landmark file, which it
    needs to be exact, else "first". `margin` widens the box by that share on each side.
    Landmarks: `<landmarks>/<video>.csv` (OpenFace), .npy, .npz, .pts or .txt, else the file beside the data, else a
    detector's box with a mean face in it, which is approximate and said so in the facts. `source="file"` refuses to
    go without a file, `source="embedded"` ignores files. Raises DataError when no face is found.

    Crop rule: the preprocessing of the laboratory behind MESNet; see `geometry.lab_box`.
    """

    version: ClassVar[str] = "1"

    size: int = 112
    grey: bool = True
    fps: float | None = None
    follow: Literal["first", "box", "align", "auto"] = "first"
    margin: float = 0.0
    landmarks: Path | None = None
    source: Literal["auto", "file", "embedded"] = "auto"

    def __post_init__(self) -> None:
        if self.size < 8 or self.margin < 0 or (self.fps is not None and self.fps <= 0):
            raise DataError(
                f"face_crop: size {self.size}, margin {self.margin}, fps {self.fps} cannot be made",
                hint="size is at least 8 pixels, margin at least 0, fps above 0 or left out",
            )

    def __call__(self, video: Video) -> Features:
        """Crops of one video. Raises DataError if no face is found, or fps is above the video's."""
        fps = video.fps if self.fps is None else self.fps
        if fps > video.fps:
            raise DataError(
                f"face_crop: {fps:g} rows a second of {video.key}, which has {video.fps:g} frames a second",
                hint=f"set fps to {video.fps:g} or less, or leave it out",
            )
        n_frames = len(video.frames)
        positions = geometry.sample_positions(n_frames, video.fps, fps)
        follow = self._following(video)
        track = self._track(video, positions, n_frames)
        matrices, box = self._matrices(video, track.points, fps)
        shape = (self.size, self.size) if self.grey else (self.size, self.size, 3)
        values = np.empty((len(positions), *shape), dtype=np.uint8)
        for row, position in enumerate(positions):
            values[row] = geometry.warp(self._frame(video, position), matrices[row], self.size)
        facts = {"landmarks": track.source, "follow": follow, "frames_without_face": track.missing, "first_box": box}
        return Features(values, positions, n_frames, fps, facts)

    def sources(self, video: Video) -> tuple[Path, ...]:
        """The landmark file, if one is used."""
        path = self._file(video)
        return () if path is None else (path,)

    def environment(self) -> Mapping[str, str]:
        """OpenCV resamples; scikit-image's cascade may find the face."""
        own = {"opencv": cv2.__version__}
        return own if self.source == "file" else {**own, "scikit-image": version_of("scikit-image")}

    def _following(self, video: Video) -> str:
        return ("align" if self._file(video) else "first") if self.follow == "auto" else self.follow

    def _frame(self, video: Video, position: int | np.int64) -> NDArray[np.uint8]:
        return video.frames.read(int(position), grey=self.grey)

    def _file(self, video: Video) -> Path | None:
        if self.source == "embedded":
            return None
        folder = self.landmarks
        given = landmarks.find(folder, video.subject, video.code) if folder is not None else None
        return given or video.landmarks

    def _track(self, video: Video, positions: NDArray[np.int64], n_frames: int) -> _Track:
        path = self._file(video)
        if path is not None:
            points = landmarks.read(path, n_frames)
            used = points[positions[:1] if self._following(video) == "first" else positions]
            missing = int((~np.isfinite(used).all((1, 2))).sum())
            return _Track(landmarks.fill(points)[positions], "file", missing)
        if self.source == "file":
            raise DataError(
                f"face_crop: no landmark file for {video.key}" + (f" in {self.landmarks}" if self.landmarks else ""),
                hint=f"put {video.code}.csv there, or set source: auto for an approximate detector ({landmarks.FORMS})",
            )
        return self._detected(video, positions)

    def _detected(self, video: Video, positions: NDArray[np.int64]) -> _Track:
        """The embedded detector's faces: the first that shows up, or about two a second with the lines between them."""
        first_only = self._following(video) == "first"
        every = len(positions) // SEARCHED if first_only else round((self.fps or video.fps) / 2)
        found: dict[int, geometry.Points] = {}
        tried = range(0, len(positions), max(1, every))
        for n, row in enumerate(tried, start=1):
            box = detector.detect(video.frames.read(int(positions[row]), grey=True))
            if box is not None:
                found[row] = box
            if found and first_only:
                points = np.repeat(detector.approximate_landmarks(found[row])[None], len(positions), 0)
                return _Track(points, APPROXIMATE, n - 1)
        if not found:
            raise DataError(
                f"face_crop: no face found in {len(tried)} frames of {video.key}",
                hint=f"leave this video out, or give landmarks as a folder with one file a video; {landmarks.FORMS}",
            )
        found = detector.without_outliers(found)
        points = np.full((len(positions), 68, 2), np.nan)
        for row, box in found.items():
            points[row] = detector.approximate_landmarks(box)
        return _Track(landmarks.fill(points), APPROXIMATE, len(tried) - len(found))

    def _matrices(self, video: Video, points: geometry.Points, fps: float) -> tuple[list[geometry.Points], list[float]]:
        """Affine maps frame -> crop of every row, and the first box in pixels."""
        height, width = video.frames.read(0, grey=True).shape
        boxes = geometry.widen(geometry.lab_box(points), self.margin)
        follow = self._following(video)
        if follow == "box":
            boxes = geometry.smooth(boxes, 2 * round(fps / 2) + 1)
        boxes = geometry.clip(boxes, height, width)
        sides = boxes[:, 2:] - boxes[:, :2]
        if sides[0].min() < 2 or (follow == "box" and sides.min() < 2):
            raise DataError(
                f"face_crop: the landmarks of {video.key} lie outside its frames of {width} x {height} pixels",
                hint="give landmarks in pixels of these very frames, not of a crop or of another size",
            )
        first = geometry.box_to_square(boxes[0], self.size)
        if follow == "box":
            matrices = [geometry.box_to_square(box, self.size) for box in boxes]
        elif follow == "align":
            stable = points[:, geometry.STABLE]
            matrices = [geometry.after(first, geometry.similarity(row, stable[0])) for row in stable]
        else:
            matrices = [first] * len(points)
        return matrices, [round(float(side), 1) for side in boxes[0]]
