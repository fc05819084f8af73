"""SAMM: the dataset as its owner ships it."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from mezoo import ImageFolder, datasets
from mezoo_samm import facs_table

PUBLISHED = {"subjects": 29, "clips": 159, "rows": 159, "micro": 159, **facs_table.EMOTIONS}
SUBJECT = re.compile(r"\d{3}")
CLIP = re.compile(r"(?P<subject>\d{3})_\d_\d+")
CROPPED_FRAME = r"[\w-]*?(?P<n>\d+)\.(?:jpg|jpeg|png|bmp)"
"""People cut the faces out themselves and name the pictures in their own ways; the last number counts."""


class Samm(datasets.IndexedDataset):
    """SAMM: 159 grey clips of 29 subjects, 200 fps, eight emotions, objective classes and AUs; onset to offset only.

    `root` is the folder as unzipped, the one above it, or one of its trees. `layout` chooses between a tree of cropped
    faces (any folder with "crop" in its name) and whole frames (`raw`); `auto` takes `cropped` where it is there.
    `errata` applies the corrections shipped in `errata_samm.csv`; False leaves the table as it is, a path names a CSV
    of your own (columns subject, clip, field, published, corrected, reason). `landmarks` is a folder with
    `006/006_1_2.csv` (OpenFace, or .npy); without it, a folder `landmarks` beside or above the subjects is used if
    there is one. `strict` refuses a set with anything missing.

    Source: Davison, Lansley, Costen, Tan, Yap, IEEE TAFFC 9(1):116-129, 2018.
    """

    name = "samm"
    whole_clip = True
    info: datasets.DatasetInfo = datasets.DatasetInfo(
        family="samm",
        title="SAMM",
        paper="A. K. Davison, C. Lansley, N. Costen, K. Tan, M. H. Yap, SAMM: A Spontaneous Micro-Facial Movement "
        "Dataset, IEEE Transactions on Affective Computing 9(1), 116-129, 2018",
        owner="M. H. Yap, Manchester Metropolitan University",
        access="licence agreement by e-mail from the owner; research use, no redistribution",
        layout="006/006_1_2/006_05562.jpg ... and SAMM_Micro_FACS_Codes_v2.xlsx beside the subjects",
        fps=200.0,
        emotions=("anger", "happiness", "others", "surprise", "contempt", "disgust", "fear", "sadness"),
        class_maps=("native", "samm_5", "megc2019_3", "objective_7", "objective_5"),
    )

    def __init__(
        self,
        root: Path,
        *,
        layout: Literal["auto", "raw", "cropped"] = "auto",
        errata: bool | Path = True,
        landmarks: Path | None = None,
        strict: bool = False,
    ) -> None:
        self.root = Path(root)
        self.strict = strict
        self._layout = layout
        self._errata = errata
        self._landmarks = landmarks

    def index(self) -> datasets.Index:
        """Table and clip folders: root itself, up to 3 levels below it, the table also above."""
        title, hint = self.info.title, self.help()
        datasets.folders.require_folder(self.root, title, hint)
        path = datasets.folders.find_table(
            self.root, facs_table.TABLE, facs_table.LEAF, wanted=facs_table.WANTED, title=title, hint=hint
        )
        table = facs_table.read(path, self._errata)
        anchor, cropped, folders, twice = self._tree()
        clips = self._clips(folders, anchor, cropped=cropped)
        annotations, moved = _by_order(table.annotations, clips)
        return datasets.Index(
            where=anchor,
            table=path,
            clips=clips,
            annotations=annotations,
            expected=PUBLISHED,
            excluded=[*table.excluded, *moved],
            problems=[*table.problems, *twice],
            mark=datasets.folders.mark_above(anchor, self.root),
        )

    @classmethod
    def write_synthetic(cls, out: Path, spec: datasets.StandIn, bars: datasets.Bars = datasets.no_bars) -> None:
        """Write a stand-in of rendered faces; presets `small` (10 subjects, 60 clips) and `full` (the real numbers)."""
        from mezoo_samm import stand_in_samm

        stand_in_samm.write(out, spec, bars)

    def _tree(self) -> tuple[Path, bool, dict[str, Path], list[str]]:
        """The folder that holds the subjects, whether its faces are cropped, its clips, and clips met twice."""
        trees = [(h, found) for h in datasets.folders.holders(self.root, facs_table.LEAF) if (found := _clips_in(h))]
        wanted = [False, True] if self._layout == "raw" else [True, False]
        for cropped in wanted[: 2 if self._layout == "auto" else 1]:
            chosen = [(holder, found) for holder, found in trees if self._is_cropped(holder) == cropped]
            if chosen:
                return chosen[0][0], cropped, *_merged([clip for _, found in chosen for clip in found])
        return self.root, False, {}, []

    def _is_cropped(self, holder: Path) -> bool:
        above = self.root.resolve().parent
        return "crop" in str(holder.resolve().relative_to(above)).casefold()

    def _clips(self, folders: dict[str, Path], anchor: Path, *, cropped: bool) -> list[datasets.Clip]:
        places = datasets.folders.landmark_folders(self.root, anchor)
        places = places if self._landmarks is None else [self._landmarks]
        clips: list[datasets.Clip] = []
        for code, folder in sorted(folders.items()):
            subject = code.split("_")[0]
            frames = ImageFolder(folder, CROPPED_FRAME if cropped else rf"{subject}_(?P<n>\d{{4,5}})\.jpg")
            landmarks = datasets.folders.landmark_file(places, f"{subject}/{code}")
            clips.append(datasets.Clip(subject, code, frames, landmarks))
        return clips


def _clips_in(holder: Path) -> list[Path]:
    """Clip folders in the subject folders of `holder`, or in itself where there is no level of subjects."""
    children = datasets.folders.subfolders(holder)
    below = [f for c in children if SUBJECT.fullmatch(c.name) for f in datasets.folders.subfolders(c)]
    return [folder for folder in (*below, *children) if CLIP.fullmatch(folder.name)]


def _merged(clips: list[Path]) -> tuple[dict[str, Path], list[str]]:
    found: dict[str, Path] = {}
    again = [folder for folder in clips if found.setdefault(folder.name, folder) != folder]
    return found, [f"{folder.name}: two folders of this name; {folder} is not used" for folder in again]


def _by_order(
    annotations: Sequence[datasets.Annotation], clips: Sequence[datasets.Clip]
) -> tuple[list[datasets.Annotation], list[datasets.Excluded]]:
    """Rows in the numbers of their clips where a tool counted the frames anew: as many as published, other numbers."""
    numbers: dict[str, Sequence[int]] = {clip.code: clip.frames.listing.numbers for clip in clips}
    notes: list[datasets.Excluded] = []
    found: list[datasets.Annotation] = []
    for a in annotations:
        there = numbers.get(a.clip, ())
        if a.onset is None or a.offset is None or not _counted_anew(a.onset, a.offset, there):
            found.append(a)
            continue
        by = there[0] - a.onset
        found.append(replace(a, onset=there[0], offset=a.offset + by, apex=None if a.apex is None else a.apex + by))
        reason = f"{a.onset}..{a.offset} are the frames {there[0]}..{there[-1]} on disk"
        notes.append(datasets.Excluded(a.name, reason, "found by their order"))
    return found, notes


def _counted_anew(onset: int, offset: int, numbers: Sequence[int]) -> bool:
    return 0 < len(numbers) == offset - onset + 1 and (numbers[-1] < onset or offset < numbers[0])
