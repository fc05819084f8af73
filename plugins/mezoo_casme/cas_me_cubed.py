"""CAS(ME)^3, part A: the dataset as its owner ships it."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mezoo import DataError, ImageFolder, datasets, tables

ERRATA = Path(__file__).with_name("errata_cas_me_cubed.csv")
VIDEOS = {"subjects": 100, "videos": 1300}
ROWS = {"rows": 4206, "micro": 860, "macro": 3346}
ROWS_V1 = {"rows": 4206, "micro": 921, "macro": 3285}
MICRO_ROWS = {"rows": 860, "micro": 860, "macro": 0}
EMOTIONS = {"disgust": 250, "surprise": 187, "others": 161, "fear": 86, "anger": 64, "sadness": 57, "happiness": 55}
SUBJECT = re.compile(r"sp_?no[._ ]?0*(?P<number>\d+)", re.IGNORECASE)
LETTER = re.compile(r"[a-m]", re.IGNORECASE)
COLOUR = re.compile(r"colou?r", re.IGNORECASE)
OTHER_PARTS = re.compile(r"part[ _]?[bc]", re.IGNORECASE)
FRAME = r"(?P<n>\d+)\.(?:jpg|jpeg)"
DEPTH = 4
"""`data/part_A` may lie three levels down, and people keep the release in a folder of its own."""
MAIN = re.compile(
    r"^(?!.*label).*me\W*(?:3|cubed).*part_?a.*?(?:v(?P<version>\d+)\D*)?\.(?:xlsx|xls|csv)$", re.IGNORECASE
)
MICRO_LABELS = re.compile(r"me_?label.*?(?:v(?P<version>\d+)\D*)?\.(?:xlsx|xls|csv)$", re.IGNORECASE)
MACRO_LABELS = re.compile(r"mae_?label.*?(?:v(?P<version>\d+).*)?emotion.*\.(?:xlsx|xls|csv)$", re.IGNORECASE)
SHEET, LABEL_SHEET = "AU+Emotion", "label"
PLACE = (
    tables.Column("Subject", ("sub",)),
    tables.Column("Filename", ("seq", "File name", "File")),
    tables.Column("Onset", ("Onset frame",)),
    tables.Column("Apex", ("Apex frame",)),
    tables.Column("Offset", ("Offset frame",)),
)
OBJECTIVE = tables.Column("Objective class", ("Objective classes",), required=False)
COLUMNS = (
    *PLACE,
    tables.Column("AU", ("AUs", "Action Units")),
    tables.Column("Expression type", ("Type",)),
    OBJECTIVE,
)
LABELS = (
    *PLACE,
    tables.Column("AU", ("AUs", "Action Units"), required=False),
    OBJECTIVE,
    tables.Column("emotion", ("emotions", "em", "emo", "Estimated emotion")),
)
ROLES = datasets.annotations.Roles("Onset", "Offset", "Apex", "emotion", "AU", "Objective class", "Expression type")
WORDS = datasets.annotations.Roles("", "", emotion="emotion")
TYPES = {"micro": "Micro-expression", "macro": "Macro-expression"}


@dataclass(frozen=True, slots=True)
class Labels:
    """Emotions of the micro- or the macro-expressions, in a table of their own."""

    kind: str
    table: tables.Table


class CasMeCubed(datasets.IndexedDataset):
    """CAS(ME)^3 part A: 1,300 long videos of 100 subjects, 30 fps, 860 micro- and 3,346 macro-expressions, 7 emotions.

    `root` is the folder as unzipped, the one above it, `part_A`, or the folder of the subjects; of each video the
    colour images are read, depth is left alone. Onset, apex, offset, AUs and objective class come from
    `CAS(ME)3_part_A_v2.xls`, the emotions of micro-expressions from `cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx`, those
    of macro-expressions from `.._MaE_label_JpgIndex_v2_emotion.xlsx` where it is there; with the second table alone
    the micro-expressions can be read. Rows are joined by frames: all of them, or two of onset, apex and offset.
    `errata` applies the corrections shipped in `errata_cas_me_cubed.csv`; False leaves the tables as they are, a path
    names a CSV of your own (columns subject, clip, field, published, corrected, reason; clip is the code of the row,
    file letter and onset: `a_355`). `landmarks` is a folder with `spNO.1/a.csv` (OpenFace, or .npy); without it, a
    folder `landmarks` beside or above the subjects is used if there is one. `strict` refuses a set with anything
    missing.

    Source: Li et al., IEEE TPAMI 45(3):2782-2800, 2023.
    """

    name = "cas_me_cubed"
    long_videos = True
    info: datasets.DatasetInfo = datasets.DatasetInfo(
        title="CAS(ME)^3",
        paper="J. Li, Z. Dong, S. Lu, S.-J. Wang, W.-J. Yan, Y. Ma, Y. Liu, C. Huang, X. Fu, CAS(ME)^3: A Third "
        "Generation Facial Spontaneous Micro-Expression Database With Depth Information and High Ecological Validity, "
        "IEEE Transactions on Pattern Analysis and Machine Intelligence 45(3), 2782-2800, 2023, "
        "10.1109/TPAMI.2022.3174895",
        owner="Institute of Psychology, Chinese Academy of Sciences",
        access="form and signed agreement, casme.psych.ac.cn; research use, no redistribution",
        layout="part_A/data/part_A/spNO.1/a/color/355.jpg ... and part_A/annotation/CAS(ME)3_part_A_v2.xls",
        fps=30.0,
        emotions=("disgust", "surprise", "others", "fear", "anger", "sadness", "happiness"),
        class_maps=("native", "cas_me_cubed_3", "cas_me_cubed_7", "objective_7"),
    )

    def __init__(
        self,
        root: Path,
        *,
        errata: bool | Path = True,
        landmarks: Path | None = None,
        strict: bool = False,
    ) -> None:
        self.root = Path(root)
        self.strict = strict
        self._errata = errata
        self._landmarks = landmarks

    def index(self) -> datasets.Index:
        """Tables and video folders: root itself, up to 4 levels below it, tables also above or beside."""
        title, hint = self.info.title, self.help()
        datasets.folders.require_folder(self.root, title, hint)
        labels, problems = self._labels()
        main = self._main(labels)
        joined, notes = _with_emotions(main.rows, labels)
        coded = [replace(row, cells={**row.cells, "Code": _code(row)}) for row in joined]
        rows, done, in_vain = datasets.corrected(coded, self._errata, ERRATA, clip="Code")
        annotations, unread = datasets.annotations.read(rows, joined, ROLES, _key)
        habits = [*datasets.annotations.habits(main, replace(ROLES, emotion="")), *_upper_case(joined)]
        for found in labels:
            roles = WORDS if found.table.path == main.path else replace(ROLES, aus="")
            habits += datasets.annotations.habits(found.table, roles)
        anchor, clips, twice = self._clips()
        return datasets.Index(
            where=anchor,
            table=main.path,
            clips=clips,
            annotations=annotations,
            expected=_expected(annotations, labels),
            excluded=[*habits, *done, *unread, *notes],
            problems=[*problems, *in_vain, *twice],
            mark=datasets.folders.mark_above(self.root, anchor),
        )

    @classmethod
    def write_synthetic(cls, out: Path, spec: datasets.StandIn, bars: datasets.Bars = datasets.no_bars) -> None:
        """Write a stand-in of rendered faces; presets `small` (16 videos of 20 s) and `full` (1,300 videos)."""
        from mezoo_casme import stand_in_cas_me_cubed

        stand_in_cas_me_cubed.write(out, spec, bars)

    def _find(self, name: re.Pattern[str]) -> Path | None:
        """The best table of a name: below root, above it, or in a folder `annotation` beside it."""
        beside = [folder / "annotation" for folder in self.root.resolve().parents[:2]]
        places = [self.root, *(folder for folder in beside if folder.is_dir())]
        return next((p for place in places for p in datasets.folders.find_files(place, name, SUBJECT)), None)

    def _labels(self) -> tuple[list[Labels], list[str]]:
        """The tables of emotions, and a problem for each that is missed or cannot be read."""
        found: list[Labels] = []
        problems: list[str] = []
        for kind, name in (("micro", MICRO_LABELS), ("macro", MACRO_LABELS)):
            path = self._find(name)
            if path is None and kind == "micro":
                problems.append("no table cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx: emotions are unknown")
            try:
                found += [Labels(kind, tables.read_table(path, LABELS, sheet=LABEL_SHEET))] if path else []
            except DataError as error:
                problems.append(f"emotions of {kind}-expressions are unknown: {error}")
        return found, problems

    def _main(self, labels: Sequence[Labels]) -> tables.Table:
        """The table of all expressions; without it, that of the emotions of micro-expressions."""
        path = self._find(MAIN)
        if path is not None:
            return tables.read_table(path, COLUMNS, sheet=SHEET)
        micro = next((found.table for found in labels if found.kind == "micro"), None)
        if micro is None:
            wanted, title = "CAS(ME)3_part_A_v2.xls", self.info.title
            path = datasets.folders.find_table(self.root, MAIN, SUBJECT, wanted=wanted, title=title, hint=self.help())
            return tables.read_table(path, COLUMNS, sheet=SHEET)
        kind = {"Expression type": TYPES["micro"]}
        return replace(micro, rows=tuple(replace(row, cells={**row.cells, **kind}) for row in micro.rows))

    def _clips(self) -> tuple[Path, list[datasets.Clip], list[str]]:
        """The folder of the subjects, their videos, and a problem for each video met twice."""
        found: dict[tuple[str, str], Path] = {}
        anchor = None
        problems: list[str] = []
        for holder in datasets.folders.holders(self.root, SUBJECT, DEPTH):
            if any(OTHER_PARTS.fullmatch(name) for name in holder.relative_to(self.root).parts):
                continue
            for subject, letter, folder in _videos(holder):
                anchor = anchor or holder
                if found.setdefault((subject, letter), folder) != folder:
                    problems.append(f"{subject}/{letter}: two folders of this video; {folder} is not used")
        places = datasets.folders.landmark_folders(self.root, anchor or self.root)
        places = places if self._landmarks is None else [self._landmarks]
        clips = [
            datasets.Clip(
                subject,
                letter,
                ImageFolder(folder, FRAME),
                datasets.folders.landmark_file(places, f"{subject}/{letter}"),
            )
            for (subject, letter), folder in sorted(found.items())
        ]
        return anchor or self.root, clips, problems


def _videos(holder: Path) -> Iterator[tuple[str, str, Path]]:
    """Subject, letter and folder of frames: `spNO.1/a/color`, `spNO.1/a` or `spNO.1/color/a`."""
    for folder in datasets.folders.subfolders(holder):
        if not SUBJECT.fullmatch(folder.name):
            continue
        children = datasets.folders.subfolders(folder)
        below = [f for c in children if COLOUR.fullmatch(c.name) for f in datasets.folders.subfolders(c)]
        for video in (f for f in (*below, *children) if LETTER.fullmatch(f.name)):
            colour = [f for f in datasets.folders.subfolders(video) if COLOUR.fullmatch(f.name)]
            yield _subject(folder.name), video.name.casefold(), next(iter(colour), video)


def _subject(cell: tables.Cell) -> str:
    """`spNO.1` from any spelling, from a bare number as well; "" where there is no number."""
    found = re.search(r"\d+", tables.text(cell))
    return f"spNO.{int(found[0])}" if found else ""


def _letter(row: tables.Row) -> str:
    return tables.text(row["Filename"]).casefold()


def _code(row: tables.Row) -> str:
    """File letter and onset as published: several expressions share a file."""
    onset = tables.frame(row["Onset"])
    return f"{_letter(row)}_{tables.text(row['Onset']) if onset is None else onset}"


def _key(row: tables.Row) -> tuple[str, str, str] | str:
    subject, letter = _subject(row["Subject"]), _letter(row)
    if not subject or not LETTER.fullmatch(letter):
        return f"{tables.text(row['Subject'])!r}, {tables.text(row['Filename'])!r} is no subject and letter of a video"
    return subject, letter, tables.text(row["Code"])


def _place(row: tables.Row, kind: str) -> tuple[str, str, str]:
    """Kind, subject and letter: labels are joined to rows of the same video and kind."""
    return kind, _subject(row["Subject"]), _letter(row)


def _frames(row: tables.Row) -> tuple[int | None, ...]:
    return tuple(tables.frame(row[name]) for name in ("Onset", "Apex", "Offset"))


def _with_emotions(
    rows: Sequence[tables.Row], labels: Sequence[Labels]
) -> tuple[list[tables.Row], list[datasets.Excluded]]:
    """Rows with the emotion of the label of the same frames; labels left over need two equal frames of three."""
    by_place: dict[tuple[str, str, str], list[tables.Row]] = defaultdict(list)
    for row in rows:
        by_place[_place(row, datasets.annotations.movement_kind(row["Expression type"]) or "")].append(row)
    emotions: dict[int, tables.Cell] = {}
    left: list[tuple[tuple[str, str, str], tables.Row]] = []
    for found in labels:
        for label in found.table.rows:
            place = _place(label, found.kind)
            same = [r for r in by_place[place] if _frames(r)[::2] == _frames(label)[::2]]
            emotions.update({row.line: label["emotion"] for row in same})
            left += [] if same else [(place, label)]
    notes = [_joined_by_two(place, label, by_place, emotions) for place, label in left]
    joined = [replace(row, cells={**row.cells, "emotion": emotions.get(row.line)}) for row in rows]
    return joined, notes


def _joined_by_two(
    place: tuple[str, str, str],
    label: tables.Row,
    by_place: Mapping[tuple[str, str, str], Sequence[tables.Row]],
    emotions: dict[int, tables.Cell],
) -> datasets.Excluded:
    """Give the emotion of a label to the row that differs from it in one frame, if there is one; say so."""
    what = f"{place[1]}/{_code(label)} ({place[0]}, row {label.line} of the emotions)"
    for row in by_place[place]:
        equal = sum(a == b for a, b in zip(_frames(row), _frames(label), strict=True))
        if row.line not in emotions and equal >= 2:
            emotions[row.line] = label["emotion"]
            return datasets.Excluded(what, f"row {row.line} has other frames", "emotion joined by the two that agree")
    return datasets.Excluded(what, "no row has its frames", "emotion not used")


def _upper_case(rows: Sequence[tables.Row]) -> list[datasets.Excluded]:
    lines = [row.line for row in rows if _letter(row) != tables.text(row["Filename"])]
    what = f"row {lines[0]}{' ...' if len(lines) > 1 else ''}" if lines else ""
    return [datasets.Excluded(what, f"{len(lines)} Filename(s) in upper case", "read as lower case")] if lines else []


def _expected(annotations: Sequence[datasets.Annotation], labels: Sequence[Labels]) -> dict[str, int]:
    """Published counts of the release that was read; emotions where those of micro-expressions alone are known."""
    micro = sum(a.kind == "micro" for a in annotations)
    if micro == len(annotations):
        rows = MICRO_ROWS
    else:
        rows = ROWS_V1 if abs(micro - ROWS_V1["micro"]) < abs(micro - ROWS["micro"]) else ROWS
    emotions = EMOTIONS if [found.kind for found in labels] == ["micro"] and rows is not ROWS_V1 else {}
    return {**VIDEOS, **rows, **emotions}
