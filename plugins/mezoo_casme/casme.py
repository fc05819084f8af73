"""CASME: the dataset as its owner ships it."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from mezoo import DataError, datasets, tables
from mezoo_casme import sub_folders

TABLE = re.compile(
    r"^(?:casme(?![ _-]?(?:2(?!0)|3|ii|sq))|section).*?(?:(?P<version>\d{8})\D*)?\.(?:xlsx|xls|csv)$", re.IGNORECASE
)
SECTION = re.compile(r"section[ _-]?(?P<letter>[ab])", re.IGNORECASE)
FRAME = r"(?:reg_)?(?:.+-)?(?P<n>\d+)\.(?:jpg|jpeg|png|bmp)"
COLUMNS = (
    tables.Column("Subject"),
    tables.Column("Filename", ("File name", "File")),
    tables.Column("OnsetF", ("OnsetFrame",)),
    tables.Column("ApexF1", ("ApexF", "ApexFrame")),
    tables.Column("ApexF2", required=False),
    tables.Column("OffsetF", ("OffsetFrame",)),
    tables.Column("Onset", required=False),
    tables.Column("Total", required=False),
    tables.Column("AU", ("AUs", "Action Units")),
    tables.Column("Emotion", ("Estimated Emotion",)),
)
ROLES = datasets.annotations.Roles("OnsetF", "OffsetF", "ApexF1", "Emotion", "AU")
PHASES = (("Onset", "ApexF1"), ("Total", "OffsetF"))
FPS = 60.0
SUBJECTS = 19
CLASSES = {
    "tense": 69,
    "disgust": 44,
    "repression": 38,
    "surprise": 20,
    "happiness": 9,
    "sadness": 6,
    "fear": 2,
    "contempt": 1,
}


def key(row: tables.Row) -> tuple[str, str, str] | str:
    """Subject (a number in the table, two digits in folder names) and clip of a row."""
    subject = sub_folders.subject_code(tables.text(row["Subject"]))
    clip = tables.text(row["Filename"])
    if not subject or not sub_folders.CLIP.fullmatch(clip):
        return f"Subject {tables.text(row['Subject'])!r} and Filename {clip!r} name no clip"
    return subject, clip, clip


def expected(rows: int) -> dict[str, int]:
    """Counts of the release with that many rows: 189 (the only one with published classes), 193, or 195 as printed.

    Any other number of rows is held against the file of 2019, which has 193.
    """
    known = rows if rows in {189, 193, 195} else 193
    return sub_folders.expected_counts(known, SUBJECTS, CLASSES if rows == 189 else {})


def durations(rows: Sequence[tables.Row]) -> Iterator[datasets.Excluded]:
    """Rows whose columns of milliseconds do not agree with their frame numbers (both ends included, 60 fps)."""
    for row in rows:
        named, onset = key(row), tables.frame(row["OnsetF"])
        wrong = [
            f"{phase} is {given:g} ms, but {onset}..{end} lasts {wanted:.2f} ms"
            for phase, column in PHASES
            if (given := tables.number(row[phase])) is not None
            and onset is not None
            and (end := tables.frame(row[column]) or 0) > 0
            and abs(given - (wanted := (end - onset + 1) / FPS * 1000)) > 1
        ]
        if wrong and not isinstance(named, str):
            what = f"{named[0]}/{named[1]} (row {row.line})"
            yield datasets.Excluded(what, "; ".join(wrong), "kept; frames count")


class Casme(datasets.IndexedDataset):
    """CASME: 189 clips (193 in the file of 2019) of 19 subjects, 60 fps, one micro-expression each, 8 emotions, AUs.

    `root` is the folder as unzipped, the one above it, or a tree of subjects itself. `layout` chooses among trees that
    lie side by side: `cropped` (registered, onset to offset), `selected` (onset to offset), `raw` (the older split
    into CASME_A and CASME_B), `other` (folder names tell nothing); `auto` takes the first of these that is there. One
    table of both sections is preferred (the newest); two tables, one a section, are joined. `errata` is a CSV of your
    own corrections (columns subject, clip, field, published, corrected, reason); none are shipped, for those on record
    are bound to row numbers of one file. `landmarks` is a folder with `sub01/EP01_12.csv` (OpenFace) or `.npy` in the
    pixels of that layout; without it, a folder `landmarks` beside or above the frames is used if there is one.
    `strict` refuses a set with anything missing.

    Source: Yan, Wu, Liu, Wang, Fu, FG 2013.
    """

    name = "casme"
    info: datasets.DatasetInfo = datasets.DatasetInfo(
        title="CASME",
        paper="W.-J. Yan, Q. Wu, Y.-J. Liu, S.-J. Wang, X. Fu, CASME Database: A Dataset of Spontaneous "
        "Micro-Expressions Collected from Neutralized Faces, FG 2013, 10.1109/FG.2013.6553799",
        owner="Institute of Psychology, Chinese Academy of Sciences",
        access="signed licence agreement, asked for on casme.psych.ac.cn; research use, no redistribution",
        layout="Cropped/sub01/EP01_12/reg_EP01_12-73.jpg ... (or CASME_raw_selected) and CASME-coded-20190721.xls "
        "beside the folders",
        fps=FPS,
        emotions=tuple(CLASSES),
        class_maps=("native", "casme_4"),
    )

    def __init__(
        self,
        root: Path,
        *,
        layout: Literal["auto", "cropped", "selected", "raw", "other"] = "auto",
        errata: Path | None = None,
        landmarks: Path | None = None,
        strict: bool = False,
    ) -> None:
        self.root = Path(root)
        self.strict = strict
        self._layout: sub_folders.Layout = layout
        self._errata = errata
        self._landmarks = landmarks

    def index(self) -> datasets.Index:
        """The table or tables and the frames of one layout: up to 3 levels below root, tables also above it."""
        title, hint = self.info.title, self.help()
        datasets.folders.require_folder(self.root, title, hint)
        tree = sub_folders.read_tree(self.root, self._layout, FRAME, self._landmarks)
        self.whole_clip = tree.whole_clip
        found = self._tables()
        if not found and not tree.clips:
            raise self._no_table()
        books = [tables.read_table(path, COLUMNS) for path in found]
        published = [row for book in books for row in book.rows]
        rows, done, in_vain = datasets.corrected(published, self._errata or False, Path())
        annotations, unread = datasets.annotations.read(rows, published, ROLES, key)
        annotations, fitted = tree.fit(annotations)
        habits = [habit for book in books for habit in datasets.annotations.habits(book, ROLES)]
        return datasets.Index(
            where=tree.where,
            table=found[0] if found else None,
            clips=tree.clips,
            annotations=annotations,
            expected=expected(len(annotations)),
            excluded=[*habits, *durations(published), *done, *unread, *fitted],
            problems=[*self._incomplete(found), *in_vain, *tree.problems],
            mark=datasets.folders.mark_above(self.root, tree.where),
        )

    @classmethod
    def write_synthetic(cls, out: Path, spec: datasets.StandIn, bars: datasets.Bars = datasets.no_bars) -> None:
        """Write a stand-in of rendered faces, about 150 x 190; presets `small` (8 subjects, 40 clips) and `full`."""
        from mezoo_casme import stand_in_casme

        stand_in_casme.write(out, spec, bars)

    def _tables(self) -> list[Path]:
        """The best table of both sections, else the best of each section."""
        found = datasets.folders.find_files(self.root, TABLE, sub_folders.SUBJECT)
        whole = [path for path in found if not SECTION.search(path.name)]
        if whole:
            return whole[:1]
        sections: dict[str, Path] = {}
        for path in found:
            named = SECTION.search(path.name)
            if named:
                sections.setdefault(named["letter"].upper(), path)
        return [sections[letter] for letter in sorted(sections)]

    def _incomplete(self, found: Sequence[Path]) -> list[str]:
        if not found:
            return [self._no_table().what]
        named = SECTION.search(found[0].name)
        if named is None or len(found) == 2:
            return []
        return [f"{found[0].name} holds section {named['letter'].upper()} only; the other section's table is missing"]

    def _no_table(self) -> DataError:
        return DataError(
            f"{self.info.title}: no table CASME-coded-*.xls, casme.xlsx or CASME_SectionA.xls in {self.root} or beside "
            f"it; {self.root} holds {datasets.folders.glimpse(self.root)}",
            hint=f"put the owner's table beside the frames; {self.help()}",
        )
