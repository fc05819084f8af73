"""The landmarker of the extra `faces`: MediaPipe's face mesh, 478 points, read at the 68 of iBUG."""

import os
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mezoo import DataError, Video
from mezoo_face import track
from mezoo_face.geometry import Image, Points
from mezoo_face.landmarks import Found, with_score

FROM_MESH = (
    *(127, 234, 93, 132, 58, 136, 150, 176, 152, 400, 379, 365, 288, 361, 323, 454, 356),
    *(70, 63, 105, 66, 107, 336, 296, 334, 293, 300),
    *(168, 197, 5, 4, 98, 97, 2, 326, 327),
    *(33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380),
    *(61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181),
    *(78, 82, 13, 312, 308, 317, 14, 87),
)
"""Mesh vertex that stands for each iBUG point: jaw, brows, nose, eyes, outer and inner lip.

Chosen to be mirror-symmetric and by eye. Eyes, lips and nose lie where iBUG has them to about a pixel or two; brows
follow the mesh's upper or middle row; the jaw is fixed to the skin, so that under yaw it is not the outline that iBUG
draws. It is no trained regression to iBUG's annotation, and distances to it should not be read as errors of the mesh.
"""
_REGION, _WHOLE = 3.0, 0.7
_SEARCH_CONFIDENCE = 0.5
FACES_HINT = (
    "pip install 'mezoo[faces]' (Python 3.11 or 3.12), or have files written where that is installed: "
    "mezoo extract --feature landmarks --out DIR"
)


class Backend(Protocol):
    """What finds faces in one image, (height, width, 3) uint8 RGB."""

    def search(self, image: Image) -> Points:
        """Boxes (n, 4) in pixels of faces of any size; n may be 0."""
        ...

    def mesh(self, image: Image) -> Points | None:
        """The face's 478 points (478, 2) in pixels, None if there is none; may use the images before."""
        ...

    def forget(self) -> None:
        """The next image shows another place: use nothing of the images before."""
        ...


class Follower:
    """Finds the same face in frame after frame: a square about it is searched, the whole image when it is lost.

    The largest face of the first frame is taken, later the one near the last place. A face that is small in the image
    is thus seen as well as a large one.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._region: NDArray[np.int64] | None = None
        self._last: Points | None = None

    def __call__(self, image: Image) -> Points | None:
        """Landmarks (68, 2) in pixels, or None. Frames must be given in order."""
        found = self._inside(image, self._region) if self._region is not None else None
        if found is None:
            box = self._search(image)
            if box is None:
                return None
            found = self._inside(image, self._look_at(image, box))
        if found is None:
            return None
        self._last = np.concatenate([found.min(0), found.max(0)])
        if self._region is not None and not _well_inside(self._last, self._region, image):
            self._look_at(image, self._last)
        return found[list(FROM_MESH)]

    def _inside(self, image: Image, region: NDArray[np.int64]) -> Points | None:
        left, top, right, bottom = region
        found = self._backend.mesh(np.ascontiguousarray(image[top:bottom, left:right]))
        return None if found is None else found + np.array([left, top])

    def _look_at(self, image: Image, box: Points) -> NDArray[np.int64]:
        region = region_of(box, image.shape[0], image.shape[1])
        if self._region is None or not np.array_equal(region, self._region):
            self._backend.forget()
        self._region = region
        return region

    def _search(self, image: Image) -> Points | None:
        """The widest box, less half its distance to where the face was last."""
        boxes = self._backend.search(image)
        if not len(boxes):
            return None
        rank = boxes[:, 2] - boxes[:, 0]
        if self._last is not None:
            rank = rank - 0.5 * np.linalg.norm(_centre(boxes) - _centre(self._last), axis=1)
        return boxes[int(rank.argmax())]


def region_of(box: Points, height: int, width: int) -> NDArray[np.int64]:
    """Left, top, right, bottom (ends not included) of the square three faces wide about a box, cut at the borders.

    The whole image if the square would cover most of it.
    """
    half = 0.5 * _REGION * float((box[2:] - box[:2]).max())
    low, high = np.floor(_centre(box) - half), np.ceil(_centre(box) + half)
    region = np.clip(np.concatenate([low, high]), 0, [width, height, width, height]).astype(np.int64)
    covered = (region[2:] - region[:2]).prod() / (height * width)
    return np.array([0, 0, width, height]) if covered > _WHOLE or covered <= 0 else region


def _well_inside(face: Points, region: NDArray[np.int64], image: Image) -> bool:
    """The face is neither half its size off the middle of its region, nor has it grown or shrunk by half."""
    wanted = region_of(face, image.shape[0], image.shape[1])
    side = float((face[2:] - face[:2]).max())
    off = np.abs(_centre(wanted.astype(np.float64)) - _centre(region.astype(np.float64))).max()
    ratio = (wanted[2:] - wanted[:2]) / (region[2:] - region[:2])
    return bool(off <= 0.5 * side and ratio.max() < 1.5 and ratio.min() > 1 / 1.5)


def _centre(box: Points) -> Points:
    return (box[..., :2] + box[..., 2:]) / 2


class MediaPipe:
    """MediaPipe 0.10's `FaceMesh` (tracking, refined eyes and lips) and `FaceDetection`, models from its wheel."""

    def __init__(self) -> None:
        os.environ.setdefault("GLOG_minloglevel", "2")
        try:
            face_detection = import_module("mediapipe.python.solutions.face_detection")
            face_mesh = import_module("mediapipe.python.solutions.face_mesh")
        except ImportError as error:
            raise DataError(
                f"MediaPipe {installed()} is there and cannot be imported: {error}",
                hint=f"set landmarker: approximate, or mend it: {FACES_HINT}",
            ) from error
        self._mesh: Any = face_mesh.FaceMesh(static_image_mode=False, max_num_faces=1, refine_landmarks=True)
        self._detectors: list[Any] = [
            face_detection.FaceDetection(_SEARCH_CONFIDENCE, model_selection=reach) for reach in (1, 0)
        ]

    def search(self, image: Image) -> Points:
        """Faces up to 5 m from the camera; if there is none, those up to 2 m."""
        height, width = image.shape[:2]
        for detector in self._detectors:
            found = [d.location_data.relative_bounding_box for d in detector.process(image).detections or ()]
            if found:
                boxes = np.array([(b.xmin, b.ymin, b.xmin + b.width, b.ymin + b.height) for b in found])
                return boxes * [width, height, width, height]
        return np.empty((0, 4))

    def mesh(self, image: Image) -> Points | None:
        """The 478 points of the face that was there in the image before, else of the most certain one."""
        found = self._mesh.process(image).multi_face_landmarks
        if not found:
            return None
        return np.array([(p.x, p.y) for p in found[0].landmark]) * [image.shape[1], image.shape[0]]

    def forget(self) -> None:
        """Start the graph again."""
        self._mesh.reset()


def follow(video: Video, positions: NDArray[np.int64], fps: float, backend: Backend | None = None) -> Found:
    """Landmarks of every row by the mesh, `positions[row]` being its frame; NaN where no face is found, or it jumps.

    The mesh has no score of its own: it is 1 with a face and 0 without.
    """
    follower = Follower(backend or MediaPipe())
    points = np.full((len(positions), 68, 2), np.nan)
    for row, position in enumerate(positions):
        found = follower(video.frames.read(int(position)))
        if found is not None:
            points[row] = found
    return with_score(track.without_jumps(points, fps))


def first(
    video: Video, positions: NDArray[np.int64], rows: range, backend: Backend | None = None
) -> tuple[int, Points] | None:
    """The first of `rows` with a face and its landmarks (68, 2)."""
    follower = Follower(backend or MediaPipe())
    for row in rows:
        found = follower(video.frames.read(int(positions[row])))
        if found is not None:
            return row, found
    return None


def installed() -> str:
    """The version of a MediaPipe that brings the face mesh with its model, "" if there is none; nothing is imported."""
    spec = find_spec("mediapipe")
    places = (spec.submodule_search_locations or []) if spec else []
    if not any((Path(place) / "python/solutions/face_mesh.py").is_file() for place in places):
        return ""
    try:
        return version("mediapipe")
    except PackageNotFoundError:
        return "unknown"
