"""Where things lie: video folders, frames, the table and landmark files of SAMM Long Videos on disk."""

import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from mezoo import DataError

MARK = "SYNTHETIC.json"
DEPTH = 3
VIDEO = re.compile(r"\d{3}_\d")
TABLE = re.compile(r"samm[ _-]?long[ _-]?videos?.*?(?:v(?P<version>\d+)\D*)?\.(?P<kind>xlsx|xls|csv)$", re.IGNORECASE)
LANDMARKS = ("csv", "npz", "npy", "txt", "pts")
LITTER = {".ds_store", "thumbs.db", "desktop.ini"}


@dataclass(frozen=True, slots=True)
class Listing:
    """Frames of one video folder: sorted file numbers, the pattern that picks their files, and what is odd."""

    folder: Path
    numbers: tuple[int, ...]
    pattern: str
    strays: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Layout:
    """What was found for a root: the folder that holds the videos, the videos in it, the table, the stand-in's mark."""

    anchor: Path
    videos: dict[str, Path]
    table: Path
    mark: Path | None = None
    problems: tuple[str, ...] = field(default=())


def find(root: Path, help_: str) -> Layout:
    """Find videos and table from `root`: itself, up to 3 levels below, the table also one level above.

    Raises DataError that says where it looked; `help_` is its last line (who grants the licence, what else to do).
    """
    if not root.is_dir():
        state = "is a file" if root.exists() else "does not exist"
        raise DataError(f"SAMM Long Videos: {root} {state}; a folder is needed", hint=help_)
    levels = list(_levels(root))
    found = next((hits for hits in map(_video_folders, levels) if hits), [])
    if not found:
        raise DataError(
            f"SAMM Long Videos: no video folder (006_1, 006_2 ...) in {root} or up to {DEPTH} levels below it; "
            f"it holds {_glimpse(root)}",
            hint=help_,
        )
    videos: dict[str, Path] = {}
    problems: list[str] = []
    for folder in found:
        if videos.setdefault(folder.name, folder) != folder:
            problems.append(f"{folder.name}: two folders of this name; {folder} is not used")
    anchor = found[0].parent
    table = _table(root, [f for level in levels for f in level], help_)
    mark = next((p for p in (f / MARK for f in (root, anchor, anchor.parent)) if p.is_file()), None)
    return Layout(anchor, videos, table, mark, tuple(problems))


def list_frames(folder: Path) -> Listing:
    """Frames of one video folder by their names alone (no file is opened or asked for its size)."""
    name = re.escape(folder.name)
    matcher = re.compile(rf"{name}_(\d{{4,5}})\.jpg", re.IGNORECASE)
    digits: list[str] = []
    strays: list[str] = []
    for entry in os.listdir(folder):
        match = matcher.fullmatch(entry)
        if match:
            digits.append(match[1])
        elif entry.casefold() not in LITTER:
            strays.append(entry)
    digits, width, problems = _one_padding(folder.name, digits)
    numbers = sorted(map(int, digits))
    pattern = rf"{name}_(?P<n>\d{{{width}}})\.jpg"
    return Listing(folder, tuple(numbers), pattern, tuple(sorted(strays)), (*problems, *_gaps(folder, numbers)))


def landmark_file(code: str, folders: tuple[Path, ...]) -> Path | None:
    """The first `<folder>/<code>.<csv, npz, npy, txt, pts>` that exists."""
    candidates = (folder / f"{code}.{ending}" for folder in folders for ending in LANDMARKS)
    return next((path for path in candidates if path.is_file()), None)


def _one_padding(name: str, digits: list[str]) -> tuple[list[str], str, tuple[str, ...]]:
    """Keep one file a number: padding is constant inside a folder, so of two copies the commoner padding is right."""
    widths = Counter(map(len, digits))
    if len(widths) > 1 and len(set(map(int, digits))) < len(digits):
        width = widths.most_common(1)[0][0]
        kept = [d for d in digits if len(d) == width]
        problem = f"{name}: frame numbers twice; {len(digits) - len(kept)} files not padded to {width} digits left out"
        return kept, str(width), (problem,)
    return digits, "4,5" if len(widths) != 1 else str(next(iter(widths))), ()


def _gaps(folder: Path, numbers: list[int]) -> list[str]:
    if not numbers:
        return [f"{folder.name}: {folder} holds no frame named {folder.name}_0001.jpg"]
    problems = [] if numbers[0] in (0, 1) else [f"{folder.name}: the first frame is number {numbers[0]}, not 1"]
    missing = numbers[-1] - numbers[0] + 1 - len(numbers)
    if missing:
        first = next(a + 1 for a, b in pairwise(numbers) if b != a + 1)
        problems.append(f"{folder.name}: {missing} frame(s) missing in the numbering, the first is {first}")
    return problems


def _levels(root: Path) -> Iterator[list[Path]]:
    """Folders of each depth below root, root first; video folders and landmarks are never entered."""
    level = [root]
    for _ in range(DEPTH + 1):
        yield level
        below = (child for folder in level for child in _folders(folder))
        level = [f for f in below if not VIDEO.fullmatch(f.name) and f.name != "landmarks"]


def _folders(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            return sorted(folder / e.name for e in entries if e.is_dir() and not e.name.startswith("."))
    except OSError as error:
        raise DataError(f"cannot list {folder}: {error.strerror}", hint="check the disk and the permissions") from error


def _video_folders(level: list[Path]) -> list[Path]:
    return [child for folder in level for child in _folders(folder) if VIDEO.fullmatch(child.name)]


def _table(root: Path, below: list[Path], help_: str) -> Path:
    folders = dict.fromkeys([*below, root.parent])
    hits = [(m, f / name) for f in folders for name in sorted(_names(f)) if (m := _table_name(name))]
    if not hits:
        raise DataError(
            f"SAMM Long Videos: the videos are there, but no table SAMM_LongVideos_V*_Release.xlsx in {root}, "
            f"up to {DEPTH} levels below it or in {root.parent}",
            hint=f"put the table that came with the videos beside the video folders; {help_}",
        )
    ranks = {"xlsx": 2, "xls": 1, "csv": 0}
    return max(hits, key=lambda hit: (int(hit[0]["version"] or 0), ranks[hit[0]["kind"].lower()]))[1]


def _table_name(name: str) -> re.Match[str] | None:
    return None if name.startswith(("~", ".")) else TABLE.search(name)


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:  # the level above may be closed to this user; the folder itself was listed before
        return []


def _glimpse(folder: Path) -> str:
    names = sorted(_names(folder))
    return f"{', '.join(names[:5])}{' ...' if len(names) > 5 else ''}" if names else "nothing"
