"""Face crops: the input of networks that look at pixels."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from mezoo import DataError, FeatureExtractor, Features, FeatureStream, Video
from mezoo_face import geometry
from mezoo_face import landmarker as lm


@dataclass(frozen=True)
class FaceCrop(FeatureExtractor):
    """Face crops: (rows, size, size) uint8 grey, or (rows, size, size, 3) uint8 RGB; one row per sampled frame.

    `fps`: rows per second, taken as the frames round(k * fps of the video / fps); None takes every frame.
    `follow`: "first" crops all frames with the box of the first face; "box" lets the box follow the head (averaged over
    one second); "align" turns, scales and shifts each frame so that eye corners and nose bridge stay where they were
    in the first frame: head motion goes, expressions stay; "auto" is "align" where there is a landmark file or the
    mesh, which it needs to be exact, else "first". `margin` widens the box by that share on each side.
    `landmarker`: "auto" is the video's own file (`<landmarks>/<video>.csv` (OpenFace), .npy, .npz, .pts or .txt, else
    the file beside the data), else the mesh where MediaPipe is installed, else approximate: a detector's box with a
    mean face in it, which is said so in the facts. `missing`: a frame without a face is interpolated, skipped (not in
    `positions`) or refused (DataError); with "first" only frames before the first face count, and none is skipped.
    Raises DataError when no face is found.

    Crop rule: the preprocessing of the laboratory behind MESNet; see `geometry.lab_box`.
    """

    version: ClassVar[str] = "2"

    size: int = 112
    grey: bool = True
    fps: float | None = None
    follow: Literal["first", "box", "align", "auto"] = "first"
    margin: float = 0.0
    landmarks: Path | None = None
    landmarker: Literal["auto", "files", "mesh", "approximate"] = "auto"
    missing: Literal["interpolate", "skip", "fail"] = "interpolate"

    def __post_init__(self) -> None:
        if self.size < 8 or self.margin < 0 or (self.fps is not None and self.fps <= 0):
            raise DataError(
                f"face_crop: size {self.size}, margin {self.margin}, fps {self.fps} cannot be made",
                hint="size is at least 8 pixels, margin at least 0, fps above 0 or left out",
            )

    def __call__(self, video: Video) -> Features:
        """Crops of one video. Raises DataError if no face is found, or fps is above the video's."""
        return self.stream(video).collect()

    def stream(self, video: Video) -> FeatureStream:
        """The same in blocks of rows."""
        follow = self._following(video)
        track = (lm.first if follow == "first" else lm.follow)(video, self._wanted())
        matrices, box = self._matrices(video, track, follow)
        facts = {**track.facts, "follow": follow, "first_box": box}
        blocks = geometry.warped(video, track.positions, matrices, size=self.size, grey=self.grey)
        return FeatureStream(blocks, len(video.frames), track.fps, facts)

    def sources(self, video: Video) -> tuple[Path, ...]:
        """The landmark file, if one is used."""
        return lm.sources(video, self._wanted())

    def environment(self) -> Mapping[str, str]:
        """OpenCV resamples; a landmarker's library may find the face."""
        return lm.environment(self._wanted())

    def _wanted(self) -> lm.Wanted:
        return lm.Wanted("face_crop", self.landmarker, self.landmarks, self.fps, self.missing)

    def _following(self, video: Video) -> str:
        if self.follow != "auto":
            return self.follow
        return "first" if lm.kind_of(video, self._wanted()) == "approximate" else "align"

    def _matrices(self, video: Video, track: lm.Track, follow: str) -> tuple[list[geometry.Points], list[float]]:
        """Affine maps frame -> crop of every row, and the first box in pixels."""
        height, width = video.frames.read(0, grey=True).shape
        boxes = geometry.widen(geometry.lab_box(track.points), self.margin)
        if follow == "box":
            boxes = geometry.smooth(boxes, 2 * round(track.fps / 2) + 1)
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
            stable = track.points[:, geometry.STABLE]
            matrices = [geometry.after(first, geometry.similarity(row, stable[0])) for row in stable]
        else:
            matrices = [first] * len(boxes)
        return matrices, [round(float(side), 1) for side in boxes[0]]
