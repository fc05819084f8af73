"""4DME: the grey clips of the micro-expressions, and the table of their labels, as the owner ships them."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from mezoo import DataError, ImageFolder, datasets, tables

PUBLISHED = {"subjects": 41, "rows": 267, "micro": 267}
TABLE = re.compile(r"4dme.*label.*?(?:v(?P<version>\d+)\D*)?\.(?:xlsx|xls|csv)$", re.IGNORECASE)
FRAMES = re.compile(r"gr[ae]y[-_ ]?micro(?:[-_ ]?(?P<crop>crop)(?:ped)?)?", re.IGNORECASE)
COLUMNS = (
    tables.Column("sub_ID", ("Subject",)),
    tables.Column("fold_name", ("video_number", "Filename")),
    tables.Column("Emotion"),
    tables.Column("Onset"),
    tables.Column("Apex"),
    tables.Column("Offset"),
    tables.Column("AUs", ("AU", "Action Units")),
    tables.Column("eye blink", required=False),
    tables.Column("Positive", required=False),
    tables.Column("Negative", required=False),
    tables.Column("Surprise", required=False),
    tables.Column("Repression", required=False),
    tables.Column("Others", required=False),
)
ROLES = datasets.annotations.Roles("Onset", "Offset", "Apex", "Emotion", "AUs")


class FourDME(datasets.IndexedDataset):
    """4DME: 267 grey micro-expression clips of 41 subjects, 60 fps; positive, negative, surprise, repression, others.

    `root` is the folder as unzipped, the one above it, or `gray_micro` itself with the table one level above. `layout`
    chooses `gray_micro` (raw) or `gray_micro_crop` (cropped) where both are there; `auto` takes the cropped clips, and
    the raw ones if there are no others. A clip may have several emotions: they stay one label, `surprise+positive`,
    which the class map `native` leaves out. AUs that are held all along are flagged as such (`AU4(k)`). `landmarks` is
    a folder with `<sub_ID>/<fold_name>.csv` (OpenFace) or `.npy`; without it, a folder `landmarks` beside or above the
    clips is used if there is one. `strict` refuses a set with anything missing.

    Source: Li et al., 4DME: A Spontaneous 4D Micro-Expression Dataset With Multimodalities, IEEE TAFFC, 2022.
    """

    name = "4dme"
    whole_clip = True
    info: datasets.DatasetInfo = datasets.DatasetInfo(
        title="4DME",
        paper="X. Li, S. Cheng, Y. Li, M. Behzad, J. Shen, S. Zafeiriou, M. Pantic, G. Zhao, 4DME: A Spontaneous 4D "
        "Micro-Expression Dataset With Multimodalities, IEEE TAFFC, 2022",
        owner="Center for Machine Vision and Signal Analysis, University of Oulu",
        access="signed form from the owner; research use, no redistribution",
        layout="gray_micro_crop/<sub_ID>/<fold_name>/*.jpg, gray_micro/..., 4DME_Labelling_Micro_release v1.xlsx",
        fps=60.0,
        emotions=("positive", "negative", "surprise", "repression", "others"),
        class_maps=("native",),
    )

    def __init__(
        self,
        root: Path,
        *,
        layout: Literal["auto", "raw", "cropped"] = "auto",
        landmarks: Path | None = None,
        strict: bool = False,
    ) -> None:
        self.root = Path(root)
        self.strict = strict
        self._cropped = {"auto": (True, False), "raw": (False,), "cropped": (True,)}[layout]
        self._landmarks = landmarks

    def index(self) -> datasets.Index:
        """Table and clip folders: root itself, up to 3 levels below it, the table also above."""
        title, hint = self.info.title, self.help()
        datasets.folders.require_folder(self.root, title, hint)
        wanted = "4DME_Labelling_Micro_release v1.xlsx"
        path = datasets.folders.find_table(self.root, TABLE, FRAMES, wanted=wanted, title=title, hint=hint)
        table = tables.read_table(path, COLUMNS)
        rows = [row for row in table.rows if _named(row)]
        annotations, unread = datasets.annotations.read(_numbered(rows), rows, ROLES, _key)
        anchor, clips = self._clips(annotations)
        return datasets.Index(
            where=anchor,
            table=path,
            clips=clips,
            annotations=[replace(a, emotion=re.sub(r"\s*\+\s*", "+", a.emotion)) for a in annotations],
            expected=PUBLISHED,
            excluded=[*datasets.annotations.habits(table, ROLES), *_remarks(table), *_held(annotations), *unread],
            mark=datasets.folders.mark_above(anchor, path.parent, self.root),
        )

    @classmethod
    def write_synthetic(cls, out: Path, spec: datasets.StandIn, bars: datasets.Bars = datasets.no_bars) -> None:
        """Write a stand-in of rendered faces; presets `small` (8 subjects, crops) and `full` (crops and raw)."""
        from mezoo_smic import stand_in_four_dme

        stand_in_four_dme.write(out, spec, bars)

    def _clips(self, annotations: Sequence[datasets.Annotation]) -> tuple[Path, list[datasets.Clip]]:
        """The folder of subjects, and its clips under the names that the table gives them."""
        anchor = self._anchor()
        if anchor is None:
            return self.root, []
        known = {names(a.subject, a.clip): (a.subject, a.clip) for names in (_plain, _exact) for a in annotations}
        places = [self._landmarks] if self._landmarks else datasets.folders.landmark_folders(anchor, self.root)
        clips: list[datasets.Clip] = []
        for holder in (f for f in datasets.folders.subfolders(anchor) if f.name != datasets.folders.LANDMARKS):
            for folder in datasets.folders.subfolders(holder):
                own = holder.name, folder.name
                named = known.get(_exact(*own)) or known.get(_plain(*own)) or own
                landmarks = datasets.folders.landmark_file(places, f"{holder.name}/{folder.name}")
                clips.append(datasets.Clip(*named, ImageFolder(folder), landmarks))
        return anchor, clips

    def _anchor(self) -> Path | None:
        """The frames of the layout; levels doubled by unzipping are seen through."""
        inside = (c for h in datasets.folders.holders(self.root, FRAMES) for c in datasets.folders.subfolders(h))
        found = [folder for folder in (self.root.resolve(), *inside) if FRAMES.fullmatch(folder.name)]
        for cropped in self._cropped:
            for folder in found:
                if _is_cropped(folder) == cropped:
                    return _innermost(folder)
        if found:
            raise DataError(
                f"{self.info.title}: no {'cropped' if self._cropped[0] else 'raw'} clips in {self.root}; it holds "
                f"{', '.join(str(f) for f in found)}",
                hint="choose the layout that is there, or give the folder above both",
            )
        return None


def _is_cropped(folder: Path) -> bool:
    match = FRAMES.fullmatch(folder.name)
    return match is not None and match["crop"] is not None


def _innermost(folder: Path) -> Path:
    inner = next((f for f in datasets.folders.subfolders(folder) if FRAMES.fullmatch(f.name)), None)
    return folder if inner is None else _innermost(inner)


def _named(row: tables.Row) -> bool:
    return bool(_name(row["sub_ID"]) and _name(row["fold_name"]))


def _remarks(table: tables.Table) -> Iterator[datasets.Excluded]:
    lines = [row.line for row in table.rows if not _named(row)]
    if lines:
        what = f"row {lines[0]}{' ...' if len(lines) > 1 else ''}"
        yield datasets.Excluded(what, f"{len(lines)} row(s) without a clip", "skipped")


def _numbered(rows: Sequence[tables.Row]) -> Iterator[tables.Row]:
    """Rows with a cell `code`: several movements of one folder are `fold`, `fold#2`, `fold#3`."""
    movements: dict[tuple[str, str], list[tuple[int | None, int | None]]] = {}
    for row in rows:
        fold = _name(row["fold_name"])
        known = movements.setdefault((_name(row["sub_ID"]), fold), [])
        ends = tables.frame(row["Onset"]), tables.frame(row["Offset"])
        if ends not in known:
            known.append(ends)
        nth = known.index(ends) + 1
        yield replace(row, cells={**row.cells, "code": f"{fold}#{nth}" if nth > 1 else fold})


def _key(row: tables.Row) -> tuple[str, str, str]:
    return _name(row["sub_ID"]), _name(row["fold_name"]), tables.text(row["code"])


def _name(cell: tables.Cell) -> str:
    """An identifier; older copies of the table put quotation marks around it."""
    return tables.text(cell).strip("' ")


def _exact(subject: str, fold: str) -> tuple[str, ...]:
    return subject.casefold(), fold.casefold(), "exactly"


def _plain(subject: str, fold: str) -> tuple[str, ...]:
    """Names as they are compared at second try: zero padding and the letters before a subject's number do not count."""
    return datasets.annotations.digits(subject), fold.casefold().lstrip("0")


def _held(annotations: Sequence[datasets.Annotation]) -> Iterator[datasets.Excluded]:
    lines = [a.line for a in annotations if any("keep" in u.flags for u in datasets.action_units.parse(a.aus))]
    if lines:
        what = f"row {lines[0]}{' ...' if len(lines) > 1 else ''}"
        yield datasets.Excluded(what, f"{len(lines)} AU cell(s) with (k)", "read, flagged as held from before")
