"""SAMM Long Videos: the dataset as its owner ships it."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from mezoo import ImageFolder, Video, datasets, tables
from mezoo_samm import emotions, facs_table

ERRATA = Path(__file__).with_name("errata_long.csv")
PUBLISHED = {"subjects": 30, "videos": 147, "rows": 502, "micro": 159, "macro": 343}
VIDEO = re.compile(r"\d{3}_\d")
TABLE = re.compile(r"samm[ _-]?long[ _-]?videos?.*?(?:v(?P<version>\d+)\D*)?\.(?:xlsx|xls|csv)$", re.IGNORECASE)
SHEET = "FACS_Movement_Only"
COLUMNS = (
    tables.Column("Subject", ("Participant",)),
    tables.Column("Filename", ("File name", "File", "Video")),
    tables.Column("Inducement Code", ("Inducement",), required=False),
    tables.Column("Onset", ("Onset Frame", "OnsetF")),
    tables.Column("Apex", ("Apex Frame", "ApexF")),
    tables.Column("Offset", ("Offset Frame", "OffsetF")),
    tables.Column("Duration", required=False),
    tables.Column("Type", ("Expression Type", "Movement Type")),
    tables.Column("Action Units", ("Action Unit", "AU", "AUs")),
    tables.Column("Notes", ("Note", "Remarks"), required=False),
)
ROLES = datasets.annotations.Roles("Onset", "Offset", "Apex", aus="Action Units", kind="Type")


def key(row: tables.Row) -> tuple[str, str, str] | str:
    """Subject, video and code of a row. 037_4_1 names a macro- and a micro-expression: the Type is part of the key."""
    named = facs_table.parts(row)
    if isinstance(named, str):
        return named
    subject, task, n = named
    return subject, f"{subject}_{task}", f"{subject}_{task}_{n}"


class SammLong(datasets.IndexedDataset):
    """SAMM Long Videos: 147 grey videos of 30 subjects, 200 fps, 159 micro- and 343 macro-expressions with AUs.

    `root` is the folder as unzipped, the one above it, or `SAMM_longvideos` itself. `subset="micro"` keeps the videos
    with at least one micro-expression (79 of 147). `onset_zero="drop"` leaves out movements that began before their
    video (published onset 0; 10 rows). `longest` leaves out expressions of more frames (30 macro-expressions have over
    800). `errata` applies the corrections shipped in `errata_long.csv`; False leaves the table as it is, a path names a
    CSV of your own (columns subject, clip, field, published, corrected, reason). `samm` is SAMM's folder or its table:
    emotions and objective classes are taken from there by Filename for micro-expressions, since this table has none;
    without it, a SAMM table below or above `root` is used if there is one, else emotions stay unknown.
    `landmarks` is a folder with `006_1.csv` (OpenFace) or `006_1.npy`; without it, a folder `landmarks` beside or above
    the videos is used if there is one. `strict` refuses a set with anything missing.

    Source: Yap, Kendrick, Yap, FG 2020 (arXiv 1911.01519); Davison et al., IEEE TAFFC 9(1), 2018.
    """

    name = "samm_long"
    long_videos = True
    from_one = True
    info: datasets.DatasetInfo = datasets.DatasetInfo(
        family="samm",
        title="SAMM Long Videos",
        paper="C. H. Yap, C. Kendrick, M. H. Yap, SAMM Long Videos: A Spontaneous Facial Micro- and Macro-Expressions "
        "Dataset, FG 2020, 771-776, arXiv 1911.01519",
        owner="M. H. Yap, Manchester Metropolitan University",
        access="licence agreement by e-mail from the owner; research use, no redistribution",
        layout="SAMM_longvideos/006_1/006_1_0001.jpg ... and SAMM_LongVideos_V3_Release.xlsx beside the folder",
        fps=200.0,
        emotions=("anger", "happiness", "others", "surprise", "contempt", "disgust", "fear", "sadness"),
        class_maps=("native", "samm_5", "megc2019_3", "objective_7", "objective_5"),
    )

    def __init__(
        self,
        root: Path,
        *,
        subset: Literal["all", "micro"] = "all",
        onset_zero: Literal["keep", "drop"] = "keep",
        longest: int | None = None,
        errata: bool | Path = True,
        samm: Path | None = None,
        landmarks: Path | None = None,
        strict: bool = False,
    ) -> None:
        self.root = Path(root)
        self.strict = strict
        self._micro_only = subset == "micro"
        self._drop_zero = onset_zero == "drop"
        self._longest = longest
        self._errata = errata
        self._samm = samm
        self._landmarks = landmarks

    def index(self) -> datasets.Index:
        """Table and video folders: root itself, up to 3 levels below it, the table also above."""
        title, hint = self.info.title, self.help()
        datasets.folders.require_folder(self.root, title, hint)
        wanted = "SAMM_LongVideos_V*_Release.xlsx"
        path = datasets.folders.find_table(self.root, TABLE, VIDEO, wanted=wanted, title=title, hint=hint)
        table = tables.read_table(path, COLUMNS, sheet=SHEET)
        rows, done, in_vain = datasets.corrected(table.rows, self._errata, ERRATA)
        read, unread = datasets.annotations.read(rows, table.rows, ROLES, key)
        annotations, expected, notes = self._joined(read)
        lengths = facs_table.wrong_durations(table.rows, ROLES)
        videos, twice = self._folders()
        anchor = next((folder.parent for folder in videos.values()), self.root)
        return datasets.Index(
            where=anchor,
            table=path,
            clips=self._clips(videos, anchor),
            annotations=annotations,
            expected=expected,
            excluded=[*datasets.annotations.habits(table, ROLES), *done, *unread, *lengths, *notes],
            problems=[*in_vain, *twice],
            unused={a.line: reason for a in annotations if (reason := self._unwanted(a))},
            mark=datasets.folders.mark_above(self.root, anchor),
        )

    def videos(self) -> Sequence[Video]:
        """Every video that has frames, sorted by code; with `subset="micro"` those with a micro-expression."""
        return [v for v in super().videos() if not self._micro_only or any(e.kind == "micro" for e in v.expressions)]

    @classmethod
    def write_synthetic(cls, out: Path, spec: datasets.StandIn, bars: datasets.Bars = datasets.no_bars) -> None:
        """Write a stand-in of rendered faces; presets `small` (8 subjects, 256 x 192) and `full` (2040 x 1088)."""
        from mezoo_samm import stand_in

        stand_in.write(out, spec, bars)

    def _joined(
        self, rows: list[datasets.Annotation]
    ) -> tuple[list[datasets.Annotation], dict[str, int], list[datasets.Excluded]]:
        """Rows with the emotions of SAMM where its table is found, the counts to expect, and what did not match."""
        path = emotions.find_codes(self._samm, self.root)
        if path is None:
            return rows, PUBLISHED, []
        joined, notes = emotions.join(rows, facs_table.read(path, bool(self._errata)))
        return joined, {**PUBLISHED, **facs_table.EMOTIONS}, notes

    def _folders(self) -> tuple[dict[str, Path], list[str]]:
        """Video folders by name, of the nearest level that has any, and a problem for each name met twice."""
        found: dict[str, Path] = {}
        problems: list[str] = []
        for holder in datasets.folders.holders(self.root, VIDEO):
            for folder in (f for f in datasets.folders.subfolders(holder) if VIDEO.fullmatch(f.name)):
                if found.setdefault(folder.name, folder) != folder:
                    problems.append(f"{folder.name}: two folders of this name; {folder} is not used")
        return found, problems

    def _clips(self, videos: dict[str, Path], anchor: Path) -> list[datasets.Clip]:
        places = datasets.folders.landmark_folders(self.root, anchor)
        places = places if self._landmarks is None else [self._landmarks]
        return [
            datasets.Clip(
                subject=code.split("_")[0],
                code=code,
                frames=ImageFolder(folder, rf"{code}_(?P<n>\d{{4,5}})\.jpg"),
                landmarks=datasets.folders.landmark_file(places, code),
            )
            for code, folder in sorted(videos.items())
        ]

    def _unwanted(self, a: datasets.Annotation) -> str:
        """Why the options leave a row out; "" where they keep it."""
        if self._drop_zero and a.published["Onset"] == "0":
            return "began before the video (onset_zero: drop)"
        length = (a.offset or 0) - (a.onset or 0) + 1
        if self._longest is not None and length > self._longest:
            return f"{length} frames (longest: {self._longest})"
        return ""
