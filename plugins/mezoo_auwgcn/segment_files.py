"""Windows of features on disk, as the official code writes them, found and joined to whole videos.

A window is an .npz named VIDEO_START.npz (`samm_006_1_0256.npz`): `feature` (270, 12, 2) motion of regions and `label`
(270, 8) as in `targets`, rows START - 7 to START + 262, with zeros outside the video.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mezoo import DataError, datasets

from .targets import MARGIN, WINDOW

NAME = re.compile(r"(?P<video>[^/]+)_(?P<start>\d{4,})\.npz")
ROWS = WINDOW + 2 * MARGIN
_DEPTH = 5
Windows = Mapping[int, Sequence[Path]]
"""Files of one video by first row, every copy of a window in order of its path."""


@dataclass(frozen=True, slots=True)
class Found:
    """Window files by video, and files of other names."""

    windows: Mapping[str, Windows]
    strays: Sequence[Path]


@dataclass(frozen=True, slots=True)
class Joined:
    """A whole video: `features` (rows, 12, 2) float32, `labels` (rows, 8) int8, the `files` they were read from.

    `gaps` are rows (first, last) that no window holds: zeros there. `problems` are windows that could not be used.
    """

    features: NDArray[np.float32]
    labels: NDArray[np.int8]
    files: tuple[Path, ...]
    gaps: Sequence[tuple[int, int]] = ()
    problems: Sequence[str] = field(default_factory=list[str])


def find(root: Path) -> Found:
    """Every .npz below a folder, up to five levels down, whatever the folders are called."""
    windows: dict[str, dict[int, list[Path]]] = defaultdict(lambda: defaultdict(list))
    strays: list[Path] = []
    for path in _files(root):
        match = NAME.fullmatch(path.name)
        if match is None:
            strays.append(path)
        else:
            windows[match["video"]][int(match["start"])].append(path)
    return Found({v: {s: parts[s] for s in sorted(parts)} for v, parts in sorted(windows.items())}, strays)


def _files(root: Path) -> Iterator[Path]:
    inside = [path for depth in range(_DEPTH + 1) for path in root.glob("/".join(["*"] * depth + ["*.npz"]))]
    return iter(sorted(inside))


def start_of(path: Path) -> int:
    """The first row that a file's name gives."""
    match = NAME.fullmatch(path.name)
    assert match is not None
    return int(match["start"])


def read(path: Path) -> tuple[NDArray[np.float32], NDArray[np.int8], str]:
    """Features (270, 12, 2), labels (270, 8) and the name of the video inside. Raises DataError for another file."""
    hint = "write the windows again, or delete this file"
    try:
        arrays = datasets.load_arrays(path)
        feature: NDArray[Any] = arrays["feature"]
        label: NDArray[Any] = arrays["label"]
        video = str(arrays["video_name"]) if "video_name" in arrays else ""
        numbers = feature.dtype.kind in "fiu" and label.dtype.kind in "fiub"
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"{path.name} cannot be read: {error}", hint=hint) from error
    if not numbers or feature.shape != (ROWS, 12, 2) or label.shape != (ROWS, 8):
        shapes = f"feature {feature.shape} and label {label.shape}"
        raise DataError(f"{path.name} has {shapes}, not ({ROWS}, 12, 2) and ({ROWS}, 8)", hint=hint)
    if not np.isfinite(feature).all():
        raise DataError(f"{path.name} has features that are not finite", hint=hint)
    return feature.astype(np.float32), (label > 0).astype(np.int8), video


def join(paths: Sequence[Path]) -> Joined:
    """A video from its windows, one path each; margins fill in for missing neighbours, zeros behind the end go.

    Windows that cannot be read are left out and named in `problems`. Raises DataError if none can be.
    """
    parts: dict[Path, tuple[NDArray[np.float32], NDArray[np.int8]]] = {}
    problems: list[str] = []
    for path in sorted(paths, key=start_of):
        try:
            feature, label, inside = read(path)
        except DataError as error:
            problems.append(error.what)
            continue
        match = NAME.fullmatch(path.name)
        if inside and match is not None and inside != match["video"]:
            problems.append(f"{path.name} says that its video_name is {inside}; the file's name is believed")
        parts[path] = (feature, label)
    if not parts:
        raise DataError("; ".join(problems) or "no window to join", hint="write the windows again")
    features, labels, known = _laid_out(parts)
    rows = _length(features, labels)
    return Joined(features[:rows], labels[:rows], tuple(parts), _gaps(known[:rows]), problems)


def _laid_out(
    parts: Mapping[Path, tuple[NDArray[np.float32], NDArray[np.int8]]],
) -> tuple[NDArray[np.float32], NDArray[np.int8], NDArray[np.bool_]]:
    """Windows at their places: features, labels, and which rows are known; rows of their own win over margins."""
    rows = max(map(start_of, parts)) + WINDOW
    features = np.zeros((rows + 2 * MARGIN, 12, 2), dtype=np.float32)
    labels = np.zeros((rows + 2 * MARGIN, 8), dtype=np.int8)
    known = np.zeros(rows + 2 * MARGIN, dtype=np.bool_)
    for inner in (0, MARGIN):
        core = slice(inner, ROWS - inner)
        for path, (feature, label) in parts.items():
            place = slice(start_of(path) + inner, start_of(path) + ROWS - inner)
            features[place], labels[place], known[place] = feature[core], label[core], True
    whole = slice(MARGIN, MARGIN + rows)
    return features[whole], labels[whole], known[whole]


def _length(features: NDArray[np.float32], labels: NDArray[np.int8]) -> int:
    """Rows up to the last one that is not all zero: the zeros behind it are padding; at least one."""
    used = features.any(axis=(1, 2)) | labels.any(axis=1)
    return max(1, int(np.flatnonzero(used)[-1]) + 1 if used.any() else 1)


def _gaps(known: NDArray[np.bool_]) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[True], known, [True]]).astype(np.int8)))
    return [(int(a), int(b) - 1) for a, b in zip(edges[::2], edges[1::2], strict=True)]
