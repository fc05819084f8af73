"""68-point landmark files: OpenFace CSV, NumPy arrays, iBUG .pts and plain text."""

import csv
import re
from pathlib import Path

import numpy as np

from mezoo import DataError
from mezoo_face.geometry import Points

ENDINGS = ("csv", "npz", "npy", "txt", "pts")
FORMS = "known: OpenFace .csv (frame, x_0..x_67, y_0..y_67), .npy or .npz (frames, 68, 2), .pts or .txt with 68 points"


def find(folder: Path, subject: str, code: str) -> Path | None:
    """`<folder>/<code>.<ending>` or `<folder>/<subject>/<code>.<ending>`, whichever exists first."""
    candidates = (f / f"{code}.{ending}" for f in (folder, folder / subject) for ending in ENDINGS)
    return next((path for path in candidates if path.is_file()), None)


def read(path: Path, n_frames: int) -> Points:
    """Landmarks of a video: (n_frames, 68, 2) float64 pixels, NaN where the file has none for a frame.

    Raises DataError for a file that is missing, damaged, of another shape, or that has more frames than the video.
    """
    readers = {".csv": _openface, ".npy": _array, ".npz": _array, ".pts": _text, ".txt": _text}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise DataError(f"{path}: no landmark file of a known kind", hint=FORMS)
    try:
        points = reader(path)
    except (OSError, ValueError, KeyError, IndexError, EOFError, csv.Error) as error:
        raise DataError(f"the landmarks {path} cannot be read: {error}", hint=FORMS) from error
    if points.ndim != 3 or points.shape[1:] != (68, 2):
        raise DataError(f"the landmarks {path} have the shape {points.shape}, not (frames, 68, 2)", hint=FORMS)
    if len(points) > n_frames or not np.isfinite(points).all((1, 2)).any():
        held = f"{len(points)} frames" if len(points) > n_frames else "no frame with a face"
        raise DataError(
            f"the landmarks {path} have {held}, the video has {n_frames} frames",
            hint="give the landmark file of this very video, one row for each frame",
        )
    missing = np.full((n_frames - len(points), 68, 2), np.nan)
    return np.concatenate([points, missing])


def fill(points: Points) -> Points:
    """Put in what is missing: linear in time between known frames, the nearest known frame before and after them."""
    known = np.flatnonzero(np.isfinite(points).all((1, 2)))
    if len(known) == len(points):
        return points
    flat = points.reshape(len(points), -1)
    frames = np.arange(len(points))
    columns = [np.interp(frames, known, flat[known, c]) for c in range(flat.shape[1])]
    return np.stack(columns, axis=1).reshape(points.shape)


def _openface(path: Path) -> Points:
    with path.open(newline="", encoding="utf-8-sig") as file:
        lines = csv.reader(file)
        header = [name.strip() for name in next(lines, [])]
        place = {name: i for i, name in enumerate(header)}
        absent = [f"{axis}_{k}" for axis in "xy" for k in range(68) if f"{axis}_{k}" not in place]
        if absent:
            raise ValueError(f"no column {absent[0]} (it has {', '.join(header[:6])} ...)")
        table = np.array([[float(cell) for cell in line] for line in lines if line], dtype=np.float64)
    if not table.size:
        raise ValueError("it has a header and no rows")
    x, y = ([place[f"{axis}_{k}"] for k in range(68)] for axis in "xy")
    points = np.stack([table[:, x], table[:, y]], axis=-1)
    if "success" in place:
        points[table[:, place["success"]] == 0] = np.nan
    if "frame" not in place:
        return points
    return _by_frame(points, table[:, place["frame"]].astype(np.int64))


def _by_frame(points: Points, frames: np.ndarray) -> Points:
    """Rows put where their frame says: OpenFace counts from 1, its first versions and live mode from 0."""
    index = frames - (0 if frames.min() == 0 else 1)
    if index.min() < 0:
        raise ValueError(f"frame {frames.min()} in the column 'frame'")
    placed = np.full((int(index.max()) + 1, 68, 2), np.nan)
    placed[index] = points
    return placed


def _array(path: Path) -> Points:
    loaded = np.load(path, allow_pickle=False)
    if isinstance(loaded, np.lib.npyio.NpzFile):
        loaded = loaded["landmarks" if "landmarks" in loaded.files else loaded.files[0]]
    points = np.asarray(loaded, dtype=np.float64)
    return points[None] if points.shape == (68, 2) else points


def _text(path: Path) -> Points:
    """One face of 68 lines `x y` (.pts wraps it in braces), or one line a frame with x and y in turn."""
    content = path.read_text(encoding="utf-8-sig")
    braces = re.search(r"\{(.*)\}", content, re.DOTALL)
    lines = (braces[1] if braces else content).replace(",", " ").split("\n")
    numbers = np.array([[float(n) for n in line.split()] for line in lines if line.strip()], dtype=np.float64)
    return numbers[None] if numbers.shape == (68, 2) else numbers.reshape(len(numbers), -1, 2)
