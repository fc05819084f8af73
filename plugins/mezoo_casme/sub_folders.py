"""What CASME and CASME II share on disk: trees sub01/EP02_01f/ of numbered frames, several layouts side by side."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from mezoo import DataError, ImageFolder, datasets

Layout = Literal["auto", "cropped", "selected", "raw", "other"]
"""`other` is a tree whose folder names say nothing about what was done to the frames."""

PREFERRED = ("cropped", "selected", "raw", "other")
SUBJECT = re.compile(r"sub[ _-]?(?P<n>\d{1,2})", re.IGNORECASE)
CLIP = re.compile(r"EP\w+", re.IGNORECASE)
_SAYS = (
    ("selected", re.compile("select", re.IGNORECASE)),
    ("cropped", re.compile("crop|preprocess", re.IGNORECASE)),
    ("raw", re.compile("raw|section", re.IGNORECASE)),
)


@dataclass(frozen=True, slots=True)
class Tree:
    """The clips of one layout, sorted by subject and code, and the folder of subjects that a message names."""

    layout: str
    where: Path
    clips: Sequence[datasets.Clip] = ()
    problems: Sequence[str] = ()

    @property
    def whole_clip(self) -> bool:
        """The layout's folders hold onset to offset and nothing else."""
        return self.layout in {"cropped", "selected"}

    def fit(
        self, annotations: Iterable[datasets.Annotation]
    ) -> tuple[list[datasets.Annotation], list[datasets.Excluded]]:
        """Rows whose onset and offset are unknown, swapped or of another revision, with the ends of their folder.

        Only where folders hold onset to offset and nothing else: there the files are the better witness.
        """
        clips = {(c.subject, c.code): c for c in self.clips if self.whole_clip and len(c.frames.listing.numbers)}
        fitted: list[datasets.Annotation] = []
        notes: list[datasets.Excluded] = []
        for a in annotations:
            clip = clips.get((a.subject, a.clip))
            if clip is not None:
                first, last = clip.frames.number(0), clip.frames.number(-1)
                a, changes = _fit(a, first, last)
                notes += changes
            fitted.append(a)
        return fitted, notes


def _fit(a: datasets.Annotation, first: int, last: int) -> tuple[datasets.Annotation, list[datasets.Excluded]]:
    if a.onset is None or a.offset is None:
        notes = [
            datasets.Excluded(a.name, f"{end} is unknown", f"the clip's {place} frame is taken")
            for end, value, place in (("onset", a.onset, "first"), ("offset", a.offset, "last"))
            if value is None
        ]
        return replace(
            a, onset=first if a.onset is None else a.onset, offset=last if a.offset is None else a.offset
        ), notes
    shifted = a.onset < first <= a.offset < last or first < a.onset <= last < a.offset
    if not shifted and a.onset <= a.offset:
        return a, []
    reason = f"{a.onset}..{a.offset} does not fit the frames {first}..{last} (another revision?)"
    action = "the clip's first and last frame are taken"
    return replace(a, onset=first, offset=last), [datasets.Excluded(a.name, reason, action)]


def read_tree(root: Path, layout: Layout, frame: str, landmarks: Path | None) -> Tree:
    """The tree of a layout below `root` (or `root` itself); `auto` takes the first of `PREFERRED` that has clips.

    `frame` is the pattern of a frame's file name with a group `n`. No tree at all gives one without clips; raises
    DataError if only trees of other layouts are there.
    """
    found: dict[str, list[Path]] = {}
    for holder in datasets.folders.holders(root, SUBJECT):
        if any(_clip_folders(holder)):
            found.setdefault(_layout(holder, root), []).append(holder)
    wanted = next((name for name in PREFERRED if name in found), "other") if layout == "auto" else layout
    if wanted not in found:
        if found:
            raise DataError(
                f"{root} has no {wanted} frames, but {' and '.join(sorted(found))}",
                hint=f"use layout={sorted(found)[0]!r} or 'auto', or give the folder that holds the {wanted} frames",
            )
        return Tree(wanted, root)
    holders = found[wanted]
    places = datasets.folders.landmark_folders(root, holders[0], holders[0].parent)
    clips, problems = _clips(holders, frame, places if landmarks is None else [landmarks])
    return Tree(wanted, holders[0], [clips[key] for key in sorted(clips)], problems)


def subject_code(cell: str) -> str:
    """Subject as in the folder's name, of two digits: `1`, `01` and `sub01` give `01`; "" for anything else."""
    named = re.fullmatch(r"(?:sub)?0*(\d{1,2})", cell, re.IGNORECASE)
    return named[1].zfill(2) if named else ""


def expected_counts(rows: int, subjects: int, emotions: Mapping[str, int]) -> dict[str, int]:
    """Published counts of a release in which every row is a clip with one micro-expression."""
    return {"subjects": subjects, "clips": rows, "rows": rows, "micro": rows, **emotions}


def _layout(holder: Path, root: Path) -> str:
    """The nearest folder, from the holder up to root, whose name says how the frames were prepared."""
    names = [*reversed(holder.relative_to(root).parts), root.resolve().name]
    return next((kind for name in names for kind, says in _SAYS if says.search(name)), "other")


def _clip_folders(holder: Path) -> Iterable[tuple[str, Path]]:
    for folder in datasets.folders.subfolders(holder):
        named = SUBJECT.fullmatch(folder.name)
        if named:
            yield from (
                (named["n"].zfill(2), clip) for clip in datasets.folders.subfolders(folder) if CLIP.fullmatch(clip.name)
            )


def _clips(
    holders: Sequence[Path], frame: str, places: Sequence[Path]
) -> tuple[dict[tuple[str, str], datasets.Clip], list[str]]:
    clips: dict[tuple[str, str], datasets.Clip] = {}
    problems: list[str] = []
    for holder in holders:
        again: list[Path] = []
        for subject, folder in _clip_folders(holder):
            if (subject, folder.name) in clips:
                again.append(folder)
                continue
            points = datasets.folders.landmark_file(places, f"{folder.parent.name}/{folder.name}")
            clips[subject, folder.name] = datasets.Clip(subject, folder.name, ImageFolder(folder, frame), points)
        if again:
            problems.append(f"{holder}: {len(again)} clip(s) are in another folder already, such as {again[0]}")
    return clips, problems
