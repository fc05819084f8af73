"""CAS(ME)^2, the cut-out expressions: the dataset as its owner ships it."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from mezoo import ImageFolder, datasets
from mezoo_casme import cas_me_sq_table as code_table

CLIPS = {"all": 357, "micro": 57, "macro": 300}
FRAME = r"[\w-]*?(?P<n>\d+)\.(?:jpg|jpeg|png|bmp)"
EXPRESSION = re.compile(r"(?:\D{0,4}(?P<number>\d{2})_)?(?P<code>[a-z]+\d_\d{1,2})", re.IGNORECASE)
NUMBERED = re.compile(r"(?P<number>\d{2})_(?P<stimulus>\d{4})[a-z]*[_-](?P<n>\d{1,2})", re.IGNORECASE)
SUBJECT = re.compile(r"(?:[a-z]{0,4}0*(?P<plain>\d{2})|(?P<number>\d{2})_\d{4}(?:\D.*)?)", re.IGNORECASE)
LEAF = re.compile(
    r"(?:\D{0,4}\d{2}_)?[a-z]+\d_\d{1,2}|\d{2}_\d{4}[a-z]*[_-]\d{1,2}|raw_?(?:pic|video)|.*long_?video.*", re.IGNORECASE
)
"""Folders that are never entered: expressions, and the trees of long videos."""
DEPTH = 5
SLACK = 2


@dataclass(frozen=True, slots=True)
class CutOut:
    """The folder of one expression."""

    subject: str
    code: str
    folder: Path


class CasMeSqClips(datasets.IndexedDataset):
    """CAS(ME)^2, cut out: 357 expressions of 22 subjects, 30 fps, 57 micro and 300 macro, 4 emotions, AUs.

    `root` is the folder as unzipped, the one above it, or one of its trees. `layout` chooses between whole frames
    (`selected`: selectedpic) and faces (`cropped`); `auto` takes `selected` where it is there. How these trees look
    inside is not on record: any folder is taken whose name is an expression's (`anger1_12`, `15_anger1_12`,
    `15_0401girlcrashing_12`) and whose own name or a folder above it has the number of a subject (`s15`, `15`,
    `15_0401girlcrashing`). Its frames may have the numbers of the long video or count from 1.
    `kinds` keeps the micro- or the macro-expressions. An expression without a published offset ends with its last
    frame. `revision` chooses a coding table; `auto` takes the updated one where both are there.
    `errata` applies the corrections shipped in `errata_cas_me_sq.csv`; False leaves the table as it is, a path names a
    CSV of your own (columns subject, clip, field, published, corrected, reason; subject is the participant 1..22).
    `landmarks` is a folder with `s15/anger1_12.csv` (OpenFace, or .npy); without it, a folder `landmarks` beside or
    above the tree is used if there is one. `strict` refuses a set with anything missing.

    Source: Qu, Wang, Yan, Li, Wu, Fu, IEEE TAFFC 9(4):424-436, 2018.
    """

    name = "cas_me_sq_clips"
    whole_clip = True
    info: datasets.DatasetInfo = datasets.DatasetInfo(
        family="cas_me_sq",
        title="CAS(ME)^2, cut-out expressions",
        paper="F. Qu, S.-J. Wang, W.-J. Yan, H. Li, S. Wu, X. Fu, CAS(ME)^2: A Database for Spontaneous "
        "Macro-Expression and Micro-Expression Spotting and Recognition, IEEE Transactions on Affective Computing "
        "9(4), 424-436, 2018",
        owner="Institute of Psychology, Chinese Academy of Sciences",
        access="form and signed agreement, casme.psych.ac.cn; research use, no redistribution",
        layout="selectedpic/s15/anger1_1/img123.jpg ... and CAS(ME)^2code_final(Updated).xlsx beside selectedpic",
        fps=30.0,
        emotions=("negative", "positive", "surprise", "others"),
        class_maps=("native", "cas_me_sq_3", "cas_me_sq_4"),
    )

    def __init__(
        self,
        root: Path,
        *,
        layout: Literal["auto", "selected", "cropped"] = "auto",
        kinds: Literal["micro", "macro", "all"] = "all",
        revision: Literal["auto", "first", "updated"] = "auto",
        errata: bool | Path = True,
        landmarks: Path | None = None,
        strict: bool = False,
    ) -> None:
        self.root = Path(root)
        self.strict = strict
        self._layout = layout
        self._kinds = kinds
        self._revision: code_table.Revision = revision
        self._errata = errata
        self._landmarks = landmarks

    def annotations(self) -> Sequence[datasets.Annotation]:
        """Every readable row of the table after corrections, in the frame numbers of the long videos."""
        return self._table().annotations

    def index(self) -> datasets.Index:
        """Table and clip folders: root itself, up to 5 levels below it, the table also above."""
        table = self._table()
        anchor, found, twice = self._cut_outs()
        clips = {(c.subject, c.code): self._clip(c, anchor) for c in found}
        fitted: list[datasets.Annotation] = []
        notes: list[datasets.Excluded] = []
        for a in table.annotations:
            clip = clips.get((a.subject, a.clip))
            numbers = clip.frames.listing.numbers if clip else ()
            a, changed = fit(a, numbers) if len(numbers) else (a, [])
            fitted.append(a)
            notes += changed
        left_out = {a.line: f"a {a.kind}-expression (kinds: {self._kinds})" for a in fitted if not self._wants(a)}
        return datasets.Index(
            where=anchor,
            table=table.path,
            clips=list(clips.values()),
            annotations=fitted,
            expected={**code_table.PUBLISHED, "clips": CLIPS[self._kinds]},
            excluded=[*table.excluded, *notes],
            problems=[*table.problems, *twice],
            unused=left_out,
            mark=datasets.folders.mark_above(self.root, anchor),
        )

    @classmethod
    def write_synthetic(cls, out: Path, spec: datasets.StandIn, bars: datasets.Bars = datasets.no_bars) -> None:
        """Write a stand-in of rendered faces: the expressions of that of `cas_me_sq`, in selectedpic."""
        from mezoo_casme import stand_in_cas_me_sq

        stand_in_cas_me_sq.write_clips(out, spec, bars)

    def _table(self) -> code_table.CodeTable:
        title, hint = self.info.title, self.help()
        datasets.folders.require_folder(self.root, title, hint)
        table = code_table.read(self.root, self._revision, self._errata, title, hint)
        return replace(table, annotations=[replace(a, clip=a.code.partition("@")[0]) for a in table.annotations])

    def _wants(self, a: datasets.Annotation) -> bool:
        return self._kinds in ("all", a.kind)

    def _cut_outs(self) -> tuple[Path, list[CutOut], list[str]]:
        """The tree that holds the subjects, its expressions, and a problem for each of them met twice."""
        trees: dict[str, list[CutOut]] = defaultdict(list)
        for holder in datasets.folders.holders(self.root, LEAF, DEPTH):
            for folder in datasets.folders.subfolders(holder):
                if (cut_out := self._named(folder)) is not None:
                    trees[self._tree(folder)].append(cut_out)
        wanted = ("selected", "cropped") if self._layout == "auto" else (self._layout,)
        chosen = next((trees[tree] for tree in wanted if tree in trees), [])
        found: dict[tuple[str, str], CutOut] = {}
        again = [c for c in chosen if found.setdefault((c.subject, c.code), c) is not c]
        problems = [f"{c.subject}/{c.code}: two folders of this expression; {c.folder} is not used" for c in again]
        above = next((f for c in chosen[:1] for f in c.folder.parents if not SUBJECT.fullmatch(f.name)), self.root)
        return above, sorted(found.values(), key=lambda c: (c.subject, c.code)), problems

    def _named(self, folder: Path) -> CutOut | None:
        """Subject and code of a folder by its own name and those above it; None where there is not both."""
        above = [self.root.resolve().name, *folder.relative_to(self.root).parts[:-1]]
        subjects = [m["plain"] or m["number"] for name in reversed(above) if (m := SUBJECT.fullmatch(name))]
        if (named := EXPRESSION.fullmatch(folder.name)) is not None:
            number = named["number"] or next(iter(subjects), None)
            return CutOut(f"s{number}", named["code"].casefold(), folder) if number else None
        if (named := NUMBERED.fullmatch(folder.name)) is None:
            return None
        stems = [stem for stem, video in code_table.STIMULI.items() if video.startswith(named["stimulus"])]
        return CutOut(f"s{named['number']}", f"{stems[0]}_{int(named['n'])}", folder) if stems else None

    def _tree(self, folder: Path) -> str:
        names = (self.root.resolve().name, *folder.relative_to(self.root).parts[:-1])
        return "cropped" if any("crop" in name.casefold() for name in names) else "selected"

    def _clip(self, cut_out: CutOut, anchor: Path) -> datasets.Clip:
        places = datasets.folders.landmark_folders(self.root, anchor)
        places = places if self._landmarks is None else [self._landmarks]
        landmarks = datasets.folders.landmark_file(places, f"{cut_out.subject}/{cut_out.code}")
        return datasets.Clip(cut_out.subject, cut_out.code, ImageFolder(cut_out.folder, FRAME), landmarks)


def fit(a: datasets.Annotation, numbers: Sequence[int]) -> tuple[datasets.Annotation, list[datasets.Excluded]]:
    """A row in the frame numbers of its folder (`numbers`, ascending), and what was changed for that.

    An unknown offset is the last frame. A folder is taken to count from its onset where its numbers begin at 1 (or 0),
    end before the offset, and are as many as the expression has frames, give or take 2.
    """
    notes: list[datasets.Excluded] = []
    if a.onset is None:
        return a, notes
    first, last = numbers[0], numbers[-1]
    if a.offset is None:
        a = replace(a, offset=last if first <= a.onset <= last else a.onset + last - first)
        notes.append(datasets.Excluded(a.name, "offset is unknown", "the clip's last frame is taken"))
    assert a.onset is not None
    assert a.offset is not None
    fits = abs((last - first) - (a.offset - a.onset)) <= SLACK
    if not (first <= 1 and first < a.onset and last < a.offset and fits):
        return a, notes
    by = first - a.onset
    notes.append(datasets.Excluded(a.name, f"frames are numbered from {first}", "counted from the onset"))
    return replace(a, onset=first, offset=a.offset + by, apex=None if a.apex is None else a.apex + by), notes
