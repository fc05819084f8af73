"""Landmarks of a video from the best source there is: its own file, the mesh, or a mean face in a detector's box."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mezoo import DataError, Video, sampling
from mezoo_face import approximate, landmarks, mesh, track
from mezoo_face.geometry import Points
from mezoo_face.landmarks import Found

Kind = Literal["files", "mesh", "approximate"]
SAID: Mapping[Kind, str] = {"files": "file", "mesh": "mesh (mediapipe)", "approximate": "approximate (mean face)"}
"""What the facts say of each kind."""
_NAMED = 8


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an extractor called `title` asks for; the other fields are its options of the same names."""

    title: str
    landmarker: Literal["auto", "files", "mesh", "approximate"] = "auto"
    landmarks: Path | None = None
    fps: float | None = None
    missing: Literal["interpolate", "skip", "fail"] = "interpolate"
    smoothing: float = 0.0

    def __post_init__(self) -> None:
        if (self.fps is not None and self.fps <= 0) or self.smoothing < 0:
            raise DataError(
                f"{self.title}: fps {self.fps}, smoothing {self.smoothing} cannot be made",
                hint="fps is above 0 or left out, smoothing is a time in seconds, 0 for none",
            )


@dataclass(frozen=True, slots=True)
class Track:
    """Landmarks without a hole, (rows, 68, 2) float64 pixels; row r is frame `positions[r]`; `facts` for the report."""

    points: Points
    positions: NDArray[np.int64]
    fps: float
    facts: Mapping[str, Any]


def file_of(video: Video, wanted: Wanted) -> Path | None:
    """The landmark file that is used: from the given folder, else beside the data; None where files are not wanted."""
    if wanted.landmarker in ("mesh", "approximate"):
        return None
    folder = wanted.landmarks
    given = landmarks.find(folder, video.subject, video.code) if folder is not None else None
    return given or video.landmarks


def kind_of(video: Video, wanted: Wanted) -> Kind:
    """Which landmarker serves a video. Raises DataError where the one that is demanded cannot."""
    if wanted.landmarker == "approximate" or (wanted.landmarker == "auto" and _nothing_better(video, wanted)):
        return "approximate"
    if wanted.landmarker == "files" and file_of(video, wanted) is None:
        where = f" in {wanted.landmarks}" if wanted.landmarks else ""
        raise DataError(
            f"{wanted.title}: no landmark file for {video.key}{where}",
            hint=f"put {video.code}.csv there, or set landmarker: auto for a detector ({landmarks.FORMS})",
        )
    if wanted.landmarker == "mesh" and not mesh.installed():
        raise DataError(f"{wanted.title}: landmarker: mesh needs MediaPipe with its face mesh", hint=mesh.FACES_HINT)
    return "mesh" if file_of(video, wanted) is None else "files"


def _nothing_better(video: Video, wanted: Wanted) -> bool:
    return file_of(video, wanted) is None and not mesh.installed()


def sources(video: Video, wanted: Wanted) -> tuple[Path, ...]:
    """The landmark file, if one is used."""
    path = file_of(video, wanted)
    return () if path is None else (path,)


def environment(wanted: Wanted) -> Mapping[str, str]:
    """Versions that change the numbers: OpenCV, and the library of the landmarker that serves without a file."""
    import cv2

    own = {"opencv": cv2.__version__}
    if wanted.landmarker == "files":
        return own
    meshed = "" if wanted.landmarker == "approximate" else mesh.installed()
    if meshed or wanted.landmarker == "mesh":
        return {**own, "mediapipe": meshed or "absent"}
    return {**own, "scikit-image": version_of("scikit-image")}


def rows_of(video: Video, wanted: Wanted) -> tuple[NDArray[np.int64], float]:
    """The frames that become rows, and rows per second. Raises DataError if more are wanted than the video has."""
    fps = video.fps if wanted.fps is None else wanted.fps
    if fps > video.fps:
        raise DataError(
            f"{wanted.title}: {fps:g} rows a second of {video.key}, which has {video.fps:g} frames a second",
            hint=f"set fps to {video.fps:g} or less, or leave it out",
        )
    return sampling.every(len(video.frames), video.fps, fps), fps


def follow(video: Video, wanted: Wanted) -> Track:
    """Landmarks of every row of a video. Raises DataError if no row has a face, or as `missing` says.

    Rows without a face are interpolated in time, left out of `positions`, or refused; smoothing comes after that. The
    facts count them.
    """
    positions, fps = rows_of(video, wanted)
    kind = kind_of(video, wanted)
    found = found_in(video, wanted, kind, positions, fps)
    known = found.known
    if not known.any():
        raise nothing_found(video, wanted, len(positions))
    if wanted.missing == "fail" and not known.all():
        raise _refused(video, wanted, positions[~known])
    points = track.without_jitter(landmarks.fill(found.points), fps, wanted.smoothing)
    kept = known if wanted.missing == "skip" else np.ones_like(known)
    score = found.score[known]
    facts = {
        "landmarks": SAID[kind],
        "frames_without_face": int((~known).sum()),
        "missing": wanted.missing,
        "score": round(float(score.mean()), 3),
        "lowest_score": round(float(score.min()), 3),
        "smoothing": wanted.smoothing,
    }
    return Track(points[kept], positions[kept], fps, facts)


def found_in(video: Video, wanted: Wanted, kind: Kind, positions: NDArray[np.int64], fps: float) -> Found:
    """What a landmarker finds in the frames `positions`, holes and all."""
    path = file_of(video, wanted)
    if path is not None:
        cut = video.cut
        whole = landmarks.read_scored(path, len(video.frames) if cut is None else cut.n_frames)
        rows = positions if cut is None else np.asarray(cut.indices)[positions]
        return Found(whole.points[rows], whole.score[rows])
    return mesh.follow(video, positions, fps) if kind == "mesh" else approximate.follow(video, positions, fps)


def first(video: Video, wanted: Wanted) -> Track:
    """The landmarks of the first face, repeated in every row: what papers do that crop a video with its first box.

    `frames_without_face` counts the rows that were searched in vain before it; `missing: fail` refuses them.
    """
    positions, fps = rows_of(video, wanted)
    kind = kind_of(video, wanted)
    tried = range(0, len(positions), max(1, len(positions) // approximate.SEARCHED))
    if kind == "files":
        found = found_in(video, wanted, kind, positions, fps)
        row = int(found.known.argmax())
        hit = (row, found.points[row]) if found.known.any() else None
        vain = [*range(row)]
    else:
        hit = approximate.first(video, positions, fps) if kind == "approximate" else mesh.first(video, positions, tried)
        vain = [row for row in tried if hit is not None and row < hit[0]]
    if hit is None:
        raise nothing_found(video, wanted, len(tried))
    if wanted.missing == "fail" and vain:
        raise _refused(video, wanted, positions[vain])
    facts = {"landmarks": SAID[kind], "frames_without_face": len(vain)}
    return Track(np.repeat(hit[1][None], len(positions), 0), positions, fps, facts)


def nothing_found(video: Video, wanted: Wanted, n: int) -> DataError:
    """The error for a video without a face in n frames."""
    return DataError(
        f"{wanted.title}: no face found in {n} frames of {video.key}",
        hint=f"leave this video out, or give landmarks as a folder with one file a video; {landmarks.FORMS}",
    )


def _refused(video: Video, wanted: Wanted, positions: NDArray[np.int64]) -> DataError:
    numbers = ", ".join(str(video.frames.number(int(p))) for p in positions[:_NAMED])
    more = f" and {len(positions) - _NAMED} more" if len(positions) > _NAMED else ""
    return DataError(
        f"{wanted.title}: no face in {len(positions)} frames of {video.key}: {numbers}{more}",
        hint="set missing: interpolate or skip, leave the video out, or give landmarks for these frames",
    )
