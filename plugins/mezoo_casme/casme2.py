"""CASME II: the dataset as its owner ships it."""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from mezoo import DataError, datasets, tables
from mezoo_casme import sub_folders

ERRATA = Path(__file__).with_name("errata_casme2.csv")
TABLE = re.compile(
    r"^casme[ _-]?(?:2|ii)(?![a-z0-9])(?!.*objective).*?(?:(?P<version>\d{8})\D*)?\.(?:xlsx|xls|csv)$", re.IGNORECASE
)
FRAME = r"(?:reg_)?(?:img)?(?P<n>\d+)\.(?:jpg|jpeg|png|bmp)"
OBJECTIVE = "Objective Classes"
COLUMNS = (
    tables.Column("Subject"),
    tables.Column("Filename", ("File name", "File")),
    tables.Column("OnsetFrame", ("OnsetF", "Onset")),
    tables.Column("ApexFrame", ("ApexF", "Apex")),
    tables.Column("OffsetFrame", ("OffsetF", "Offset")),
    tables.Column("Action Units", ("Action Unit", "AU", "AUs")),
    tables.Column("Estimated Emotion", ("Emotion",)),
    tables.Column(OBJECTIVE, ("Objective Class",), required=False),
)
ROLES = datasets.annotations.Roles(
    "OnsetFrame", "OffsetFrame", "ApexFrame", "Estimated Emotion", "Action Units", OBJECTIVE
)
SUBJECTS = 26
EMOTIONS = ("others", "disgust", "happiness", "repression", "surprise", "sadness", "fear")
IN_2019 = (99, 63, 32, 27, 28, 4, 2)
IN_2014 = (99, 63, 32, 27, 25, 7, 2)
IN_257_ROWS = (99, 63, 33, 27, 25, 8, 2)


def key(row: tables.Row) -> tuple[str, str, str] | str:
    """Subject and clip of a row; most clip names are used by several subjects."""
    subject = sub_folders.subject_code(tables.text(row["Subject"]))
    clip = tables.text(row["Filename"])
    if not subject or not sub_folders.CLIP.fullmatch(clip):
        return f"Subject {tables.text(row['Subject'])!r} and Filename {clip!r} name no clip"
    return subject, clip, clip


def expected(annotations: Sequence[datasets.Annotation]) -> dict[str, int]:
    """Counts of the release that a table is: told by its number of rows, and for 255 rows by what they hold.

    Three surprises of 2019 were sadness in 2014; where a table has neither count, the column of objective classes
    tells. The classes of the revision with 256 rows were never published.
    """
    rows = len(annotations)
    if rows == 256:
        return sub_folders.expected_counts(rows, SUBJECTS, {})
    if rows == 257:
        return sub_folders.expected_counts(rows, SUBJECTS, dict(zip(EMOTIONS, IN_257_ROWS, strict=True)))
    surprises = Counter(a.emotion for a in annotations)["surprise"]
    newer = surprises != 25 and (surprises == 28 or any(a.objective is not None for a in annotations))
    classes = IN_2019 if newer or rows != 255 else IN_2014
    return sub_folders.expected_counts(255, SUBJECTS, dict(zip(EMOTIONS, classes, strict=True)))


def without_column(table: tables.Table) -> list[datasets.Excluded]:
    """A note where the objective classes are not in the table: class maps then derive them from the AUs."""
    if any(row[OBJECTIVE] is not None for row in table.rows):
        return []
    return [datasets.Excluded(table.path.name, f"no column {OBJECTIVE!r}", "derived from the action units")]


class Casme2(datasets.IndexedDataset):
    """CASME II: 255 clips of 26 subjects, 200 fps, one micro-expression each, 7 emotions, AUs, objective classes.

    `root` is the folder as unzipped, the one above it, or a tree of subjects itself. `layout` chooses among trees that
    lie side by side: `cropped` (registered, onset to offset), `selected` (onset to offset), `raw` (whole clips,
    numbered from 1), `other` (folder names tell nothing); `auto` takes the first of these that is there. Of several
    tables the newest is read. `errata` applies the corrections shipped in `errata_casme2.csv`; False leaves the table
    as it is, a path names a CSV of your own (columns subject, clip, field, published, corrected, reason).
    `landmarks` is a folder with `sub01/EP02_01f.csv` (OpenFace) or `.npy` in the pixels of that layout; without it, a
    folder `landmarks` beside or above the frames is used if there is one. `strict` refuses a set with anything missing.

    Source: Yan, Li, Wang, Zhao, Liu, Chen, Fu, PLoS ONE 9(1) e86041, 2014; objective classes: Davison, Merghani, Yap,
    J. Imaging 4(10):119, 2018.
    """

    name = "casme2"
    info: datasets.DatasetInfo = datasets.DatasetInfo(
        title="CASME II",
        paper="W.-J. Yan, X. Li, S.-J. Wang, G. Zhao, Y.-J. Liu, Y.-H. Chen, X. Fu, CASME II: An Improved Spontaneous "
        "Micro-Expression Database and the Baseline Evaluation, PLoS ONE 9(1) e86041, 2014",
        owner="Institute of Psychology, Chinese Academy of Sciences",
        access="signed licence agreement, asked for on casme.psych.ac.cn; research use, no redistribution",
        layout="CASME2_preprocessed_Li Xiaobai/Cropped/sub01/EP02_01f/reg_img46.jpg ... (or CASME2_RAW_selected, "
        "CASME2-RAW) and CASME2-coding-20190701.xlsx beside the folders",
        fps=200.0,
        emotions=EMOTIONS,
        class_maps=("native", "casme2_5", "casme2_4", "megc2019_3", "objective_7", "objective_5"),
    )

    def __init__(
        self,
        root: Path,
        *,
        layout: Literal["auto", "cropped", "selected", "raw", "other"] = "auto",
        errata: bool | Path = True,
        landmarks: Path | None = None,
        strict: bool = False,
    ) -> None:
        self.root = Path(root)
        self.strict = strict
        self._layout: sub_folders.Layout = layout
        self._errata = errata
        self._landmarks = landmarks

    def index(self) -> datasets.Index:
        """The newest table and the frames of one layout: up to 3 levels below root, the table also above it."""
        title, hint = self.info.title, self.help()
        datasets.folders.require_folder(self.root, title, hint)
        tree = sub_folders.read_tree(self.root, self._layout, FRAME, self._landmarks)
        self.whole_clip, self.from_one = tree.whole_clip, tree.layout == "raw"
        found = datasets.folders.find_files(self.root, TABLE, sub_folders.SUBJECT)
        if not found and not tree.clips:
            raise self._no_table()
        books = [tables.read_table(path, COLUMNS) for path in found[:1]]
        published = [row for book in books for row in book.rows]
        rows, done, in_vain = datasets.corrected(published, self._errata, ERRATA)
        annotations, unread = datasets.annotations.read(rows, published, ROLES, key)
        annotations, fitted = tree.fit(annotations)
        habits = [note for book in books for note in (*datasets.annotations.habits(book, ROLES), *without_column(book))]
        return datasets.Index(
            where=tree.where,
            table=books[0].path if books else None,
            clips=tree.clips,
            annotations=annotations,
            expected=expected(annotations),
            excluded=[*habits, *done, *unread, *fitted],
            problems=[*(() if books else (self._no_table().what,)), *in_vain, *tree.problems],
            mark=datasets.folders.mark_above(self.root, tree.where),
        )

    @classmethod
    def write_synthetic(cls, out: Path, spec: datasets.StandIn, bars: datasets.Bars = datasets.no_bars) -> None:
        """Write a stand-in of rendered faces; presets `small` (8 subjects, 140 x 170) and `full` (280 x 340)."""
        from mezoo_casme import stand_in_casme2

        stand_in_casme2.write(out, spec, bars)

    def _no_table(self) -> DataError:
        return DataError(
            f"{self.info.title}: no table CASME2-coding-*.xlsx in {self.root} or beside it; "
            f"{self.root} holds {datasets.folders.glimpse(self.root)}",
            hint=f"put the owner's table beside the frames; {self.help()}",
        )
