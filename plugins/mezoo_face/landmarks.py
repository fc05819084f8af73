"""68-point landmark files: OpenFace CSV, NumPy arrays, iBUG .pts and plain text."""

import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mezoo import DataError, datasets, tables
from mezoo_face.geometry import Points

ENDINGS = ("csv", "npz", "npy", "txt", "pts")
FORMS = (
    "known: OpenFace .csv (frame, x_0..x_67, y_0..y_67), .npy or .npz (frames, 68, 2), .npz of mezoo extract, .pts or "
    ".txt with 68 points"
)
CONFIDENT = 0.5
"""A row of a CSV without the column `success` counts as a face from this `confidence` on."""
_UNREADABLE = (OSError, ValueError, IndexError, csv.Error)


@dataclass(frozen=True, slots=True)
class Found:
    """Landmarks of n frames or rows: (n, 68, 2) float64 pixels, NaN where there is no face; score (n,) in [0, 1]."""

    points: Points
    score: NDArray[np.float64]

    @property
    def known(self) -> NDArray[np.bool_]:
        """Which rows have a face, (n,)."""
        return is_known(self.points)


def is_known(points: Points) -> NDArray[np.bool_]:
    """Which rows of (n, 68, 2) have all their points, (n,)."""
    return np.asarray(np.isfinite(points).all(axis=(1, 2)), dtype=np.bool_)


def with_score(points: Points, score: NDArray[np.float64] | None = None) -> Found:
    """Landmarks with a score: 1 where none is given; a row with a point that is not finite is all NaN, its score 0."""
    known = is_known(points)
    given = np.ones(len(points)) if score is None else np.clip(np.nan_to_num(score), 0.0, 1.0)
    return Found(np.where(known[:, None, None], points, np.nan), np.where(known, given, 0.0))


def find(folder: Path, subject: str, code: str) -> Path | None:
    """`<folder>/<code>.<ending>` or `<folder>/<subject>/<code>.<ending>`, whichever exists first."""
    candidates = (f / f"{code}.{ending}" for f in (folder, folder / subject) for ending in ENDINGS)
    return next((path for path in candidates if path.is_file()), None)


def read(path: Path, n_frames: int) -> Points:
    """Landmarks of a video: (n_frames, 68, 2) float64 pixels, NaN where the file has none for a frame.

    Raises DataError for a file that is missing, damaged, of another shape, or that has more frames than the video.
    """
    return read_scored(path, n_frames).points


def read_scored(path: Path, n_frames: int) -> Found:
    """As `read`, with the file's own score (OpenFace `confidence`, `score` of an .npz); 1 where it has none."""
    readers = {".csv": _openface, ".npy": _array, ".npz": _array, ".pts": _text, ".txt": _text}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise DataError(f"{path}: no landmark file of a known kind", hint=FORMS)
    try:
        found = reader(path, n_frames)
    except _UNREADABLE as error:
        raise DataError(f"the landmarks {path} cannot be read: {str(error)[:300]}", hint=FORMS) from error
    if len(found.points) > n_frames or not found.known.any():
        held = f"{len(found.points)} frames" if len(found.points) > n_frames else "no frame with a face"
        raise DataError(
            f"the landmarks {path} have {held}, the video has {n_frames} frames",
            hint="give the landmark file of this very video, one row for each frame",
        )
    absent = n_frames - len(found.points)
    points = np.concatenate([found.points, np.full((absent, 68, 2), np.nan)])
    return Found(points, np.concatenate([found.score, np.zeros(absent)]))


def fill(points: Points) -> Points:
    """Put in what is missing: linear in time between known frames, the nearest known frame before and after them."""
    known = np.flatnonzero(is_known(points))
    if len(known) == len(points):
        return points
    flat = points.reshape(len(points), -1)
    frames = np.arange(len(points))
    columns = [np.interp(frames, known, flat[known, c]) for c in range(flat.shape[1])]
    return np.stack(columns, axis=1).reshape(points.shape)


def _scored(points: Points, score: NDArray[np.float64] | None = None) -> Found:
    if points.ndim != 3 or points.shape[1:] != (68, 2):
        raise ValueError(f"the shape is {points.shape}, not (frames, 68, 2)")
    if score is not None and score.shape != points.shape[:1]:
        raise ValueError(f"the scores have the shape {score.shape} for {len(points)} frames")
    return with_score(points, score)


def _openface(path: Path, n_frames: int) -> Found:
    text = tables.read_plain(path).decode("utf-8-sig")
    lines = csv.reader(io.StringIO(text, newline=""))
    header = [name.strip() for name in next(lines, [])]
    place = {name: i for i, name in enumerate(header)}
    absent = [f"{axis}_{k}" for axis in "xy" for k in range(68) if f"{axis}_{k}" not in place]
    if absent:
        raise ValueError(f"no column {absent[0]} (it has {', '.join(header[:6])} ...)")
    table = np.array([[float(cell) for cell in line] for line in lines if line], dtype=np.float64)
    if not table.size:
        raise ValueError("it has a header and no rows")
    columns = {name: table[:, place[name]] for name in ("frame", "success", "confidence", "face_id") if name in place}
    x, y = ([place[f"{axis}_{k}"] for k in range(68)] for axis in "xy")
    points = np.stack([table[:, x], table[:, y]], axis=-1)
    points[~_is_face(columns, len(points))] = np.nan
    score = columns.get("confidence", np.ones(len(points)))
    if "frame" not in place:
        return _scored(points, score)
    kept = _one_face(columns.get("face_id"), points)
    numbers = columns["frame"][kept]
    return _placed(points[kept], score[kept], numbers - (0 if numbers.min() == 0 else 1), n_frames)


def _is_face(columns: dict[str, NDArray[np.float64]], n: int) -> NDArray[np.bool_]:
    """OpenFace's own verdict `success`; without that column its `confidence`; without both every row is a face."""
    if "success" in columns:
        return columns["success"] != 0
    return columns["confidence"] >= CONFIDENT if "confidence" in columns else np.ones(n, dtype=np.bool_)


def _one_face(identity: NDArray[np.float64] | None, points: Points) -> NDArray[np.bool_]:
    """Rows of the face that is seen in most frames, where a CSV follows several (column `face_id`)."""
    if identity is None:
        return np.ones(len(points), dtype=np.bool_)
    names, seen = np.unique(identity[is_known(points)], return_counts=True)
    return identity == (names[seen.argmax()] if len(names) else identity[0])


def _placed(points: Points, score: NDArray[np.float64] | None, frames: NDArray[Any], n_frames: int) -> Found:
    """Rows put at their frames, from 0. OpenFace counts from 1, its first versions and live mode from 0."""
    found = _scored(points, score)
    if frames.shape != found.score.shape or frames.dtype.kind not in "fiu" or not np.isfinite(frames).all():
        raise ValueError(f"its {len(found.score)} rows do not say which frames they are of")
    if frames.min() < 0 or frames.max() >= n_frames:
        raise ValueError(f"it has {frames.max() + 1:.0f} frames from {frames.min():.0f} on, the video has {n_frames}")
    index, n = frames.astype(np.int64), int(frames.max()) + 1
    placed, scores = np.full((n, 68, 2), np.nan), np.zeros(n)
    placed[index], scores[index] = found.points, found.score
    return Found(placed, scores)


def _array(path: Path, n_frames: int) -> Found:
    arrays = datasets.load_arrays(path)
    if {"values", "positions"} <= {*arrays}:
        return _placed(_numbers(arrays["values"]), None, arrays["positions"], n_frames)
    if not arrays:
        raise ValueError("it holds no array")
    score = _numbers(arrays["score"]) if "score" in arrays else None
    points = _numbers(arrays["landmarks" if "landmarks" in arrays else next(iter(arrays))])
    return _scored(points[None] if points.shape == (68, 2) else points, score)


def _numbers(array: NDArray[Any]) -> NDArray[np.float64]:
    if array.dtype.kind not in "fiu":
        raise ValueError(f"it holds {array.dtype}, not numbers")
    return np.asarray(array, dtype=np.float64)


def _text(path: Path, _: int) -> Found:
    """One face of 68 lines `x y` (.pts wraps it in braces), or one line a frame with x and y in turn."""
    content = tables.read_plain(path).decode("utf-8-sig")
    braces = re.search(r"\{(.*)\}", content, re.DOTALL)
    lines = (braces[1] if braces else content).replace(",", " ").split("\n")
    numbers = np.array([[float(n) for n in line.split()] for line in lines if line.strip()], dtype=np.float64)
    return _scored(numbers[None] if numbers.shape == (68, 2) else numbers.reshape(len(numbers), -1, 2))
