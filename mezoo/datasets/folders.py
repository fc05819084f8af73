"""Finding things as people have them on disk: folders are discovered up to three levels down, never formatted."""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from mezoo.contracts import SYNTHETIC_MARK
from mezoo.errors import DataError

DEPTH = 3
LANDMARKS = "landmarks"
LANDMARK_ENDINGS = ("csv", "npz", "npy", "txt", "pts")
_TABLE_ENDINGS = {".xlsx": 2, ".xls": 1, ".csv": 0}


def require_folder(root: Path, title: str, hint: str) -> None:
    """Raise DataError if `root` is no folder; `title` is the dataset, `hint` how to get it."""
    if not root.is_dir():
        state = "is a file" if root.exists() else "does not exist"
        raise DataError(f"{title}: {root} {state}; a folder is needed", hint=hint)


def subfolders(folder: Path) -> list[Path]:
    """Folders in a folder, sorted by name, hidden ones left out. Raises DataError if it cannot be listed."""
    try:
        with os.scandir(folder) as entries:
            return sorted(folder / e.name for e in entries if not e.name.startswith(".") and e.is_dir())
    except OSError as error:
        raise DataError(f"cannot list {folder}: {error.strerror}", hint="check the disk and the permissions") from error


def levels(root: Path, leaf: re.Pattern[str], depth: int = DEPTH) -> Iterator[list[Path]]:
    """Folders of each depth below root, root first; folders whose whole name matches `leaf` are never entered."""
    level = [root]
    for _ in range(depth + 1):
        yield level
        below = (child for folder in level for child in subfolders(folder))
        level = [f for f in below if not leaf.fullmatch(f.name) and f.name != LANDMARKS]


def holders(root: Path, leaf: re.Pattern[str], depth: int = DEPTH) -> list[Path]:
    """Folders, `root` among them, that have a child whose whole name matches `leaf`; shallowest first."""
    return [
        folder
        for level in levels(root, leaf, depth)
        for folder in level
        if any(leaf.fullmatch(child.name) for child in subfolders(folder))
    ]


def find_files(root: Path, name: re.Pattern[str], leaf: re.Pattern[str], depth: int = DEPTH) -> list[Path]:
    """Files whose name `name` finds, below root; where there is none, in the folders above it; best first.

    A higher group `version` of the pattern is better, then .xlsx over .xls over .csv, then nearer to root. Files of
    open editors (`~$...`) and hidden ones are left out.
    """
    below = [folder for level in levels(root, leaf, depth) for folder in level]
    return _ranked(below, name) or _ranked([*root.resolve().parents][:depth], name)


def _ranked(folders: Sequence[Path], name: re.Pattern[str]) -> list[Path]:
    hits = [
        (_version(match), _TABLE_ENDINGS.get(Path(entry).suffix.lower(), -1), -rank, folder / entry)
        for rank, folder in enumerate(folders)
        for entry in sorted(_names(folder))
        if not entry.startswith(("~", ".")) and (match := name.search(entry))
    ]
    return [path for *_, path in sorted(hits, key=lambda hit: hit[:3], reverse=True)]


def _version(match: re.Match[str]) -> int:
    return int(match.groupdict().get("version") or 0)


def find_table(root: Path, name: re.Pattern[str], leaf: re.Pattern[str], *, wanted: str, title: str, hint: str) -> Path:
    """The best of `find_files`. Raises DataError naming what was `wanted` and where it was looked for."""
    found = find_files(root, name, leaf)
    if not found:
        raise DataError(
            f"{title}: no table {wanted} in {root}, up to {DEPTH} levels below it or above it; "
            f"{root} holds {glimpse(root)}",
            hint=f"put the owner's table beside the frames; {hint}",
        )
    return found[0]


def landmark_file(folders: Iterable[Path], relative: str) -> Path | None:
    """The first `<folder>/<relative>.<csv, npz, npy, txt, pts>` that exists; `relative` is `sub01/EP02_01f`."""
    candidates = (folder / f"{relative}.{ending}" for folder in folders for ending in LANDMARK_ENDINGS)
    return next((path for path in candidates if path.is_file()), None)


def landmark_folders(*places: Path) -> list[Path]:
    """The folders `landmarks` that exist in the given places and one level above them."""
    folders = dict.fromkeys(p / LANDMARKS for place in places for p in (place, place.parent))
    return [folder for folder in folders if folder.is_dir()]


def mark_above(*places: Path) -> Path | None:
    """The stand-in's mark in one of the places or up to three levels above one."""
    folders = dict.fromkeys(f for place in places for f in (place, *[*place.resolve().parents][:DEPTH]))
    return next((f / SYNTHETIC_MARK for f in folders if (f / SYNTHETIC_MARK).is_file()), None)


def glimpse(folder: Path, most: int = 5) -> str:
    """The first names in a folder, for a message."""
    names = sorted(n for n in _names(folder) if not n.startswith("."))
    return f"{', '.join(names[:most])}{' ...' if len(names) > most else ''}" if names else "nothing"


def _names(folder: Path) -> Sequence[str]:
    try:
        return os.listdir(folder)
    except OSError:  # the level above may be closed to this user; the folder itself was listed before
        return []
