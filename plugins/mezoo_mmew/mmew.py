"""MMEW: the dataset as its owner ships it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from mezoo import ImageFolder, datasets, tables

PUBLISHED = {
    "subjects": 36,
    "clips": 300,
    "rows": 300,
    "micro": 300,
    "happiness": 36,
    "surprise": 89,
    "anger": 8,
    "disgust": 72,
    "fear": 16,
    "sadness": 13,
    "others": 66,
}
WANTED = "MMEW_Micro_Exp.xlsx"
TABLE = re.compile(r"mmew.*?micro.*?(?:v(?P<version>\d+)\D*)?(?:\(\d+\))?\.(?:xlsx|xls|csv)$", re.IGNORECASE)
CLIP = re.compile(r"S?(?P<subject>\d{1,2})-(?P<session>\d{1,2})-(?P<n>\d{1,3})", re.IGNORECASE)
FRAME = r"(?:img|image|frame)?_?(?P<n>\d+)\.(?:jpg|jpeg|png|bmp)"
FOLDERS = frozenset(
    {"happiness", "surprise", "anger", "disgust", "fear", "sadness", "others", "repression", "contempt"}
)
"""Emotions that a folder may be named after; other folders say nothing."""
DEPTH = 5
"""Levels between root and a clip: two of the release, the subject or none, the emotion, one doubled by unzipping."""
COLUMNS = (
    tables.Column("Subject", ("Subject ID",)),
    tables.Column("Filename", ("File name", "File", "Clip")),
    tables.Column("OnsetFrame", ("Onset", "OnsetF")),
    tables.Column("ApexFrame", ("Apex", "ApexF")),
    tables.Column("OffsetFrame", ("Offset", "OffsetF")),
    tables.Column("Action Units", ("Action Unit", "AU", "AUs")),
    tables.Column("Estimated Emotion", ("Emotion",)),
    tables.Column("remarks", ("Remark", "Notes"), required=False),
)
ROLES = datasets.annotations.Roles("OnsetFrame", "OffsetFrame", "ApexFrame", "Estimated Emotion", "Action Units")


def clip_code(name: str) -> tuple[str, str] | None:
    """Subject and clip of a name, zero-padded: `S3-1-2` -> S03, S03-01-002; None for any other name."""
    named = CLIP.fullmatch(name)
    if not named:
        return None
    subject = f"S{int(named['subject']):02d}"
    return subject, f"{subject}-{int(named['session']):02d}-{int(named['n']):03d}"


def key(row: tables.Row) -> tuple[str, str, str] | str:
    """Subject, clip and code of a row: the clip's name holds the subject."""
    name = tables.text(row["Filename"])
    found = clip_code(name)
    return (*found, found[1]) if found else f"Filename {name!r} is not like S03-01-002"


class Mmew(datasets.IndexedDataset):
    """MMEW: 300 clips of 36 subjects, 90 fps, one micro-expression each with AUs; seven emotions.

    `root` is the folder as unzipped, the one above it, or `Micro_Expression` itself. Clips lie in a folder of their
    emotion, with or without one of their subject above it. The macro-expressions of the release are single pictures
    and are not read. The emotion is the table's word, where the folder has another, too. `errata` names a CSV of your
    own (columns subject, clip, field, published, corrected, reason); none is shipped, since the corrections on record
    name row numbers of one revision of the table. `landmarks` is a folder with `S03/S03-01-002.csv` (OpenFace) or
    `.npy`; without it, a folder `landmarks` beside or above the clips is used if there is one. `strict` refuses a set
    with anything missing.

    Source: Ben, Ren, Zhang, Wang, Kpalma, Meng, Liu, IEEE TPAMI 44(9):5826-5846, 2022.
    """

    name = "mmew"
    whole_clip = True
    from_one = True
    info: datasets.DatasetInfo = datasets.DatasetInfo(
        title="MMEW",
        paper="X. Ben, Y. Ren, J. Zhang, S.-J. Wang, K. Kpalma, W. Meng, Y.-J. Liu, Video-Based Facial "
        "Micro-Expression Analysis: A Survey of Datasets, Features and Algorithms, IEEE TPAMI 44(9), 5826-5846, 2022",
        owner="X. Ben, Shandong University",
        access="signed form by e-mail to the owner; research use, no redistribution",
        layout="Micro_Expression/happiness/S03-01-002/1.jpg ... and MMEW_Micro_Exp.xlsx",
        fps=90.0,
        emotions=("happiness", "surprise", "anger", "disgust", "fear", "sadness", "others"),
        class_maps=("native",),
    )

    def __init__(
        self,
        root: Path,
        *,
        errata: Path | None = None,
        landmarks: Path | None = None,
        strict: bool = False,
    ) -> None:
        self.root = Path(root)
        self.strict = strict
        self._errata = errata
        self._landmarks = landmarks

    def index(self) -> datasets.Index:
        """Table and clip folders: root itself, up to 5 levels below it, the table also above."""
        title, hint = self.info.title, self.help()
        datasets.folders.require_folder(self.root, title, hint)
        path = datasets.folders.find_table(self.root, TABLE, CLIP, wanted=WANTED, title=title, hint=hint)
        table = tables.read_table(path, COLUMNS)
        rows, done, in_vain = datasets.corrected(table.rows, self._errata or False, Path())
        annotations, unread = datasets.annotations.read(rows, table.rows, ROLES, key)
        folders, twice = self._folders()
        anchor = next((_anchor(folder) for folder in folders.values()), self.root)
        return datasets.Index(
            where=anchor,
            table=path,
            clips=self._clips(folders, anchor),
            annotations=annotations,
            expected=PUBLISHED,
            excluded=[
                *datasets.annotations.habits(table, ROLES),
                *done,
                *unread,
                *_other_words(annotations, folders),
            ],
            problems=[*in_vain, *twice],
            mark=datasets.folders.mark_above(anchor, self.root),
        )

    @classmethod
    def write_synthetic(cls, out: Path, spec: datasets.StandIn, bars: datasets.Bars = datasets.no_bars) -> None:
        """Write a stand-in of rendered faces; presets `small` (8 subjects, 56 clips) and `full` (the real numbers)."""
        from mezoo_mmew import stand_in_mmew

        stand_in_mmew.write(out, spec, bars)

    def _folders(self) -> tuple[dict[str, Path], list[str]]:
        """Clip folders by code, and a problem for each code met twice."""
        found: dict[str, Path] = {}
        problems: list[str] = []
        for holder in datasets.folders.holders(self.root, CLIP, DEPTH):
            for folder in datasets.folders.subfolders(holder):
                named = clip_code(folder.name)
                if named and found.setdefault(named[1], folder) != folder:
                    problems.append(f"{named[1]}: two folders of this name; {folder} is not used")
        return found, problems

    def _clips(self, folders: Mapping[str, Path], anchor: Path) -> list[datasets.Clip]:
        places = datasets.folders.landmark_folders(self.root, anchor)
        places = places if self._landmarks is None else [self._landmarks]
        return [
            datasets.Clip(
                subject=code.split("-")[0],
                code=code,
                frames=ImageFolder(folder, FRAME),
                landmarks=datasets.folders.landmark_file(places, f"{code.split('-')[0]}/{code}"),
            )
            for code, folder in sorted(folders.items())
        ]


def _anchor(clip: Path) -> Path:
    """The folder of all micro-expressions: above the emotion, and above the subject where there is such a level."""
    above = clip.parent.parent
    return above.parent if re.fullmatch(r"S\d{1,2}", above.name, re.IGNORECASE) else above


def _other_words(
    annotations: Sequence[datasets.Annotation], folders: Mapping[str, Path]
) -> Iterator[datasets.Excluded]:
    """Rows whose emotion is not that of the folder: the release has `others` in the table, repression on disk."""
    for a in annotations:
        folder = folders.get(a.clip)
        word = datasets.annotations.emotion(folder.parent.name) if folder else ""
        if folder and a.emotion and word in FOLDERS and word != a.emotion:
            reason = f"lies in the folder {folder.parent.name}, the table says {a.emotion}"
            yield datasets.Excluded(a.name, reason, "the table's word is kept")
