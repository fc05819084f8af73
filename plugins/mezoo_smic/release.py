"""What SMIC and SMIC-E share: cameras, names of subjects, clips and frames, and folders in whatever padding."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from mezoo import ImageFolder, datasets

Camera = Literal["hs", "vis", "nir"]
FPS: dict[Camera, float] = {"hs": 100.0, "vis": 25.0, "nir": 25.0}
EMOTIONS = {"ne": "negative", "po": "positive", "sur": "surprise"}
SUBJECT = re.compile(r"s0*\d{1,2}", re.IGNORECASE)
CLIP = re.compile(r"s0*(?P<subject>\d{1,2})_(?P<emotion>ne|po|sur)_0*(?P<n>\d{1,3})", re.IGNORECASE)
FRAME = r"(?:reg_)?image(?P<n>\d+)\.(?:bmp|jpg|jpeg|png)"

_CLOSED = re.compile(rf"{CLIP.pattern}|non[-_ ]?micro.*", re.IGNORECASE)
"""Folders that are never entered: clips, and those without a micro-expression."""
_CAMERA = re.compile(r"(?<![a-z])(hs|vis|nir)(?![a-z])", re.IGNORECASE)
_DEPTH = 5
_ABOVE_ROOT = 3


@dataclass(frozen=True, slots=True)
class Code:
    """A clip's name in one form: subject `s03`, code `s3_ne_03`, emotion `negative`."""

    subject: str
    code: str
    emotion: str

    @property
    def name(self) -> str:
        """As a message names the clip: `s03/s3_ne_03`, `s11_ne_03`."""
        return self.code if self.code.startswith(self.subject) else f"{self.subject}/{self.code}"


def code_of(name: str) -> Code | None:
    """The code that a folder or a cell names, in any padding (`s3_ne_03`, `s03_ne_03`, `s3_ne_3`); None for another."""
    match = CLIP.fullmatch(name.strip())
    if not match:
        return None
    number, emotion = int(match["subject"]), match["emotion"].lower()
    return Code(f"s{number:02d}", f"s{number}_{emotion}_{int(match['n']):02d}", EMOTIONS[emotion])


@dataclass(frozen=True, slots=True)
class ClipFolder:
    """A folder of frames, and the folder of the subject in which it lies."""

    code: Code
    folder: Path
    within: Path

    @property
    def emotion(self) -> str:
        """The emotion that the folder above is named after; "" in SMIC-E, which has none."""
        above = self.folder.parent.name.lower()
        return above if above in EMOTIONS.values() else ""


@dataclass(frozen=True, slots=True)
class Tree:
    """A folder of subjects, its clips, and the folders whose name is no clip's."""

    anchor: Path
    clips: tuple[ClipFolder, ...]
    unknown: tuple[Path, ...] = ()


def trees(root: Path, *, emotions: bool) -> list[Tree]:
    """Folders of subjects with clips, shallowest first: with `emotions` those of SMIC, without those of SMIC-E."""
    found = [_tree(anchor, emotions=emotions) for anchor in datasets.folders.holders(root, SUBJECT, _DEPTH)]
    return [tree for tree in found if tree.clips]


def _tree(anchor: Path, *, emotions: bool) -> Tree:
    clips: list[ClipFolder] = []
    unknown: list[Path] = []
    for subject in (f for f in datasets.folders.subfolders(anchor) if SUBJECT.fullmatch(f.name)):
        for folder in _leaves(subject):
            code = code_of(folder.name)
            if code is None:
                unknown.append(folder)
            elif bool((found := ClipFolder(code, folder, subject)).emotion) == emotions:
                clips.append(found)
    return Tree(anchor, tuple(clips), tuple(unknown))


def _leaves(subject: Path) -> Iterator[Path]:
    """Clip folders of a subject, and folders beside them that are named otherwise."""
    for holder in datasets.folders.holders(subject, _CLOSED, 2):
        inside = datasets.folders.subfolders(holder)
        if any(CLIP.fullmatch(f.name) for f in inside):
            yield from (f for f in inside if CLIP.fullmatch(f.name) or not _CLOSED.fullmatch(f.name))


def names_above(anchor: Path, root: Path) -> list[str]:
    """Names of the folders from `anchor` up to two above `root`, nearest first: they tell camera and layout."""
    here = anchor.resolve()
    inside = len(here.relative_to(root.resolve()).parts)
    return [p.name for p in (here, *here.parents)][: inside + _ABOVE_ROOT]


def camera_of(anchor: Path, root: Path) -> str:
    """The camera that the nearest folder is named after; "" where none is."""
    found = (_CAMERA.search(name) for name in names_above(anchor, root))
    return next((match[1].lower() for match in found if match), "")


def of_camera(found: Sequence[Tree], camera: Camera, root: Path) -> list[Tree]:
    """The trees of a camera; those that name none where no tree names this one."""
    named = [camera_of(tree.anchor, root) for tree in found]
    wanted = camera if camera in named else ""
    return [tree for tree, name in zip(found, named, strict=True) if name == wanted]


@dataclass(frozen=True, slots=True)
class Folders:
    """Clip folders by subject and code, and what was odd about them."""

    by_code: dict[tuple[str, str], ClipFolder]
    notes: list[datasets.Excluded] = field(default_factory=list[datasets.Excluded])
    problems: list[str] = field(default_factory=list[str])


def sort_out(found: Iterable[Tree]) -> Folders:
    """One folder a clip. Another of the same name is a problem; padding and misplaced clips are noted."""
    folders = Folders({})
    padded: list[ClipFolder] = []
    for tree in found:
        for unknown in tree.unknown:
            folders.notes.append(datasets.Excluded(unknown.name, "not named like a clip (s3_ne_03)", "left out"))
        for clip in tree.clips:
            key = clip.code.subject, clip.code.code
            if folders.by_code.setdefault(key, clip) is not clip:
                folders.problems.append(f"{clip.code.name}: two folders of this name; {clip.folder} is not used")
                continue
            padded += [clip] if _padded(clip) else []
            if datasets.annotations.digits(clip.within.name) != datasets.annotations.digits(clip.code.subject):
                reason = f"the folder lies in that of subject {clip.within.name}"
                folders.notes.append(datasets.Excluded(clip.code.name, reason, f"read as {clip.code.subject}"))
    if padded:
        first = padded[0]
        what = f"{first.within.name}/{first.folder.name}{' ...' if len(padded) > 1 else ''}"
        reason = f"{len(padded)} clip(s) with a zero-padded or unpadded subject"
        folders.notes.append(datasets.Excluded(what, reason, f"read as {first.code.subject}, {first.code.code}"))
    return folders


def _padded(clip: ClipFolder) -> bool:
    written = clip.folder.name.split("_")[0]
    return clip.folder.name != clip.code.code or clip.within.name[1:].startswith("0") != written[1:].startswith("0")


def clips_of(folders: Folders, places: Sequence[Path], camera: Camera) -> list[datasets.Clip]:
    """Clips of folders, sorted, with the landmarks of the first of `places` that has some.

    Landmarks are looked for as `HS/s03/s3_ne_03.csv`, without these folders, and in the clip's own ones.
    """
    made: list[datasets.Clip] = []
    for (subject, code), found in sorted(folders.by_code.items()):
        own = found.folder.relative_to(found.within.parent).as_posix()
        short, below = f"{subject}/{code}", camera.upper()
        files = (datasets.folders.landmark_file(places, p) for p in (f"{below}/{short}", short, code, f"{below}/{own}"))
        landmarks = next((path for path in files if path), None)
        made.append(datasets.Clip(subject, code, ImageFolder(found.folder, FRAME), landmarks))
    return made
