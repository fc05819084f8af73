"""CAS(ME)^2, the long videos: the dataset as its owner ships it."""

import re
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Literal

from mezoo import ImageFolder, datasets
from mezoo_casme import cas_me_sq_table as code_table

PUBLISHED = {**code_table.PUBLISHED, "videos": 97}
FRAME = r"img_?(?P<n>\d+)\.(?:jpg|jpeg|png|bmp)"
CUT_OUTS = re.compile(r"selected_?pic|cropped", re.IGNORECASE)
SUBJECT = re.compile(r"\D{0,4}(?P<number>\d{1,2})")
DEPTH = 4
"""`rawpic` may lie three levels down, and the folders of subjects are one below it."""


class CasMeSq(datasets.IndexedDataset):
    """CAS(ME)^2: 97 long videos of 22 subjects, 30 fps, 57 micro- and 300 macro-expressions, 4 emotions, AUs.

    `root` is the folder as unzipped, the one above it, or one of its trees. `layout` chooses between whole frames
    (`raw`: rawpic) and faces (`cropped`: longVideoFaceCropped); `auto` takes `raw` where it is there. The cut-out
    expressions of selectedpic and cropped are a dataset of their own, `cas_me_sq_clips`.
    `missing_offset` says what ends the 44 macro-expressions without a published offset: their apex, 20 frames after
    it, as long after it as the onset lies before it (`mirror`), or nothing (`keep`: such rows are left out).
    `revision` chooses a coding table; `auto` takes the updated one where both are there (they differ in AUs only).
    `errata` applies the corrections shipped in `errata_cas_me_sq.csv`; False leaves the table as it is, a path names a
    CSV of your own (columns subject, clip, field, published, corrected, reason; subject is the participant 1..22).
    `landmarks` is a folder with `s15/15_0101disgustingteeth.csv` (OpenFace, or .npy); without it, a folder `landmarks`
    beside or above the tree is used if there is one. `strict` refuses a set with anything missing.

    Source: Qu, Wang, Yan, Li, Wu, Fu, IEEE TAFFC 9(4):424-436, 2018.
    """

    name = "cas_me_sq"
    long_videos = True
    from_one = True
    info: datasets.DatasetInfo = datasets.DatasetInfo(
        family="cas_me_sq",
        title="CAS(ME)^2",
        paper="F. Qu, S.-J. Wang, W.-J. Yan, H. Li, S. Wu, X. Fu, CAS(ME)^2: A Database for Spontaneous "
        "Macro-Expression and Micro-Expression Spotting and Recognition, IEEE Transactions on Affective Computing "
        "9(4), 424-436, 2018",
        owner="Institute of Psychology, Chinese Academy of Sciences",
        access="form and signed agreement, casme.psych.ac.cn; research use, no redistribution",
        layout="rawpic/s15/15_0101disgustingteeth/img001.jpg ... and CAS(ME)^2code_final(Updated).xlsx beside rawpic",
        fps=30.0,
        emotions=("negative", "positive", "surprise", "others"),
        class_maps=("native", "cas_me_sq_3", "cas_me_sq_4"),
    )

    def __init__(
        self,
        root: Path,
        *,
        layout: Literal["auto", "raw", "cropped"] = "auto",
        missing_offset: Literal["apex", "apex+20", "mirror", "keep"] = "apex",
        revision: Literal["auto", "first", "updated"] = "auto",
        errata: bool | Path = True,
        landmarks: Path | None = None,
        strict: bool = False,
    ) -> None:
        self.root = Path(root)
        self.strict = strict
        self._layout = layout
        self._missing_offset = missing_offset
        self._revision: code_table.Revision = revision
        self._errata = errata
        self._landmarks = landmarks

    def index(self) -> datasets.Index:
        """Table and video folders: root itself, up to 3 levels below it, the table also above."""
        title, hint = self.info.title, self.help()
        datasets.folders.require_folder(self.root, title, hint)
        table = code_table.read(self.root, self._revision, self._errata, title, hint)
        annotations, ended = datasets.annotations.with_offsets(table.annotations, self._missing_offset)
        videos, misplaced, twice = self._videos()
        anchor = next((folder.parents[1] for folder in videos.values()), self.root)
        return datasets.Index(
            where=anchor,
            table=table.path,
            clips=[self._clip(folder, anchor) for _, folder in sorted(videos.items())],
            annotations=[replace(a, clip=videos[k].name) if (k := a.clip[:7]) in videos else a for a in annotations],
            expected=PUBLISHED,
            excluded=[*table.excluded, *ended, *misplaced],
            problems=[*table.problems, *twice],
            mark=datasets.folders.mark_above(self.root, anchor),
        )

    @classmethod
    def write_synthetic(cls, out: Path, spec: datasets.StandIn, bars: datasets.Bars = datasets.no_bars) -> None:
        """Write a stand-in of rendered faces; presets `small` (16 videos of 20 s) and `full` (97 videos)."""
        from mezoo_casme import stand_in_cas_me_sq

        stand_in_cas_me_sq.write(out, spec, bars)

    def _videos(self) -> tuple[dict[str, Path], list[datasets.Excluded], list[str]]:
        """Video folders of the chosen tree by subject and stimulus (`15_0101`), the misplaced ones, those met twice."""
        trees: dict[str, list[Path]] = defaultdict(list)
        for holder in datasets.folders.holders(self.root, code_table.VIDEO, DEPTH):
            for folder in datasets.folders.subfolders(holder):
                if code_table.VIDEO.fullmatch(folder.name):
                    trees[self._tree(folder)].append(folder)
        wanted = ("raw", "cropped") if self._layout == "auto" else (self._layout,)
        chosen = next((trees[tree] for tree in wanted if tree in trees), [])
        found: dict[str, Path] = {}
        problems: list[str] = []
        for folder in sorted(chosen, key=_is_misplaced):
            if (first := found.setdefault(folder.name[:7], folder)) != folder:
                problems.append(f"{folder.name}: two folders of this video; {folder} is not used, {first} is")
        return found, [_misplaced(folder) for folder in found.values() if _is_misplaced(folder)], problems

    def _tree(self, folder: Path) -> str:
        """The tree that a folder belongs to: raw, cropped or cut_outs, by the nearest name above it that tells."""
        for name in reversed(folder.relative_to(self.root).parts[:-1]):
            if CUT_OUTS.fullmatch(name):
                return "cut_outs"
            if re.search("raw|crop", name, re.IGNORECASE):
                return "cropped" if "crop" in name.casefold() else "raw"
        return "cropped" if "crop" in self.root.resolve().name.casefold() else "raw"

    def _clip(self, folder: Path, anchor: Path) -> datasets.Clip:
        subject = f"s{folder.name[:2]}"
        places = datasets.folders.landmark_folders(self.root, anchor)
        places = places if self._landmarks is None else [self._landmarks]
        named = (f"{subject}/{folder.name}", f"{folder.parent.name}/{folder.name}", folder.name)
        found = (datasets.folders.landmark_file(places, relative) for relative in named)
        return datasets.Clip(subject, folder.name, ImageFolder(folder, FRAME), next(filter(None, found), None))


def _is_misplaced(folder: Path) -> bool:
    parent = SUBJECT.fullmatch(folder.parent.name)
    return parent is not None and int(parent["number"]) != int(folder.name[:2])


def _misplaced(folder: Path) -> datasets.Excluded:
    subject = f"s{folder.name[:2]}"
    return datasets.Excluded(f"{subject}/{folder.name}", f"lies in {folder.parent.name}", f"counted to {subject}")
