"""SAMM Long Videos: the dataset as its owner ships it."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from mezoo import (
    Bars,
    DataError,
    Dataset,
    DatasetInfo,
    Excluded,
    Expression,
    ImageFolder,
    StandIn,
    Verification,
    Video,
    no_bars,
    tables,
)
from mezoo_samm import annotation, layout

ERRATA = Path(__file__).with_name("errata.csv")
PUBLISHED = {"subjects": 30, "videos": 147, "micro": 159, "macro": 343}
HELP = (
    "SAMM Long Videos is licensed by M. H. Yap, Manchester Metropolitan University: ask there for the agreement, "
    "unzip the release and give its folder as `root`; or run with --synthetic, which needs no licence"
)


@dataclass(frozen=True, slots=True)
class _Reading:
    """Everything known after table and folders were read; `listings` holds only videos with frames."""

    where: layout.Layout
    listings: dict[str, layout.Listing]
    expressions: dict[str, list[Expression]]
    found: dict[str, int]
    excluded: list[Excluded]
    problems: list[str]


class SammLong(Dataset):
    """SAMM Long Videos: 147 grey videos of 30 subjects, 200 fps, 159 micro- and 343 macro-expressions with AUs.

    `root` is the folder as unzipped, the one above it, or `SAMM_longvideos` itself. `subset="micro"` keeps the videos
    with at least one micro-expression (79 of 147). `onset_zero="drop"` leaves out movements that began before their
    video (published onset 0; 10 rows). `errata` applies the corrections shipped in `errata.csv`; False leaves the
    table as it is, a path names a CSV of your own (columns subject, clip, field, published, corrected, reason).
    `landmarks` is a folder with `006_1.csv` (OpenFace) or `006_1.npy`; without it, a folder `landmarks` beside or above
    the videos is used if there is one.

    Source: Yap, Kendrick, Yap, FG 2020 (arXiv 1911.01519); Davison et al., IEEE TAFFC 9(1), 2018.
    """

    info: ClassVar[DatasetInfo] = DatasetInfo(
        title="SAMM Long Videos",
        paper="C. H. Yap, C. Kendrick, M. H. Yap, SAMM Long Videos: A Spontaneous Facial Micro- and Macro-Expressions "
        "Dataset, FG 2020, 771-776, arXiv 1911.01519",
        owner="M. H. Yap, Manchester Metropolitan University",
        access="licence agreement by e-mail from the owner; research use, no redistribution",
        layout="SAMM_longvideos/006_1/006_1_0001.jpg ... and SAMM_LongVideos_V3_Release.xlsx beside the folder",
        fps=200.0,
    )

    def __init__(
        self,
        root: Path,
        *,
        subset: Literal["all", "micro"] = "all",
        onset_zero: Literal["keep", "drop"] = "keep",
        errata: bool | Path = True,
        landmarks: Path | None = None,
    ) -> None:
        self.root = Path(root)
        self._micro_only = subset == "micro"
        self._drop_zero = onset_zero == "drop"
        self._errata = (ERRATA if errata else None) if isinstance(errata, bool) else errata
        self._landmarks = landmarks

    def videos(self) -> Sequence[Video]:
        """Every video that has frames, sorted by code. Raises DataError if no row of the table concerns any of them."""
        reading = self._read()
        if not any(reading.expressions.values()):
            raise DataError(
                f"SAMM Long Videos: no row of {reading.where.table} concerns a video in {reading.where.anchor} "
                f"({', '.join(list(reading.listings)[:5])} ...)",
                hint="give table and videos of the same release; `mezoo data verify samm_long` lists what is missing",
            )
        return [self._video(reading, code) for code in sorted(reading.listings) if self._wanted(reading, code)]

    def verify(self) -> Verification:
        """Compare subjects, videos and movements on disk with what was published (or with the stand-in's mark)."""
        reading = self._read()
        left_out = [
            Excluded(code, "no micro-expression", "left out (subset: micro)")
            for code in sorted(reading.listings)
            if not self._wanted(reading, code)
        ]
        expected = _expected(reading.where.mark) if reading.where.mark else PUBLISHED
        return Verification(expected, reading.found, (*reading.excluded, *left_out), tuple(reading.problems))

    @classmethod
    def write_synthetic(cls, out: Path, spec: StandIn, bars: Bars = no_bars) -> None:
        """Write a stand-in of rendered faces; presets `small` (6 subjects, 256 x 192) and `full` (2040 x 1088)."""
        from mezoo_samm import stand_in

        stand_in.write(out, spec, bars)

    def _wanted(self, reading: _Reading, code: str) -> bool:
        return not self._micro_only or any(e.kind == "micro" for e in reading.expressions[code])

    def _video(self, reading: _Reading, code: str) -> Video:
        listing = reading.listings[code]
        anchor = reading.where.anchor
        beside = (self.root / "landmarks", anchor / "landmarks", anchor.parent / "landmarks")
        folders = beside if self._landmarks is None else (self._landmarks,)
        return Video(
            dataset="samm_long",
            subject=code.split("_")[0],
            code=code,
            fps=self.info.fps,
            frames=ImageFolder(listing.folder, listing.pattern),
            expressions=tuple(sorted(reading.expressions[code], key=lambda e: (e.onset, e.offset, e.kind))),
            landmarks=layout.landmark_file(code, folders),
            synthetic=reading.where.mark is not None,
        )

    def _read(self) -> _Reading:
        where = layout.find(self.root, HELP)
        movements, excluded, problems = self._table(where.table)
        listed = {code: layout.list_frames(folder) for code, folder in sorted(where.videos.items())}
        listings = {code: listing for code, listing in listed.items() if listing.numbers}
        if not listings:
            raise DataError(f"SAMM Long Videos: the video folders in {where.anchor} hold no frame", hint=HELP)
        expressions, counts, notes = self._place(movements, listings)
        excluded += [*notes, *_oddities(listings, {m.video for m in movements})]
        problems += [*where.problems, *(p for listing in listed.values() for p in listing.problems)]
        problems += _without_frames(movements, listings)
        found = {
            "subjects": len({code.split("_")[0] for code in listings}),
            "videos": len(listings),
            "frames": sum(len(listing.numbers) for listing in listings.values()),
            **{kind: counts[kind] for kind in ("micro", "macro")},
        }
        return _Reading(where, listings, expressions, found, excluded, problems)

    def _table(self, path: Path) -> tuple[list[annotation.Movement], list[Excluded], list[str]]:
        """Movements of the table with the user's corrections, what was corrected or dropped, corrections in vain."""
        published = tables.read_table(path, annotation.COLUMNS, sheet=annotation.SHEET).rows
        errata = tables.read_errata(self._errata) if self._errata else ()
        rows, applied = tables.apply_errata(published, errata)
        movements, unread = annotation.parse(rows, published)
        corrected = [
            Excluded(e.clip, e.reason, f"{e.field} corrected: {e.published} -> {e.corrected}") for e in applied
        ]
        own = errata if self._errata != ERRATA else ()
        in_vain = [f"errata: no row {e.clip} with {e.field} = {e.published}" for e in own if e not in applied]
        return movements, corrected + unread, in_vain

    def _place(
        self, movements: Iterable[annotation.Movement], listings: dict[str, layout.Listing]
    ) -> tuple[dict[str, list[Expression]], Counter[str], list[Excluded]]:
        """Expressions by video, how many of each kind lie on frames, and what was changed."""
        expressions: dict[str, list[Expression]] = defaultdict(list)
        counts: Counter[str] = Counter()
        notes: list[Excluded] = []
        for movement in movements:
            if movement.video not in listings:
                continue
            expression, changes = annotation.place(movement, listings[movement.video].numbers)
            counts[movement.kind] += expression is not None
            if self._drop_zero and movement.began_before:
                changes = [Excluded(movement.name, "published onset 0", "dropped (onset_zero: drop)")]
            elif expression is not None:
                expressions[movement.video].append(expression)
            notes += changes
        return expressions, counts, notes


def _expected(mark: Path) -> dict[str, int]:
    try:
        return {str(k): int(n) for k, n in json.loads(mark.read_text(encoding="utf-8"))["expected"].items()}
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise DataError(
            f"{mark} cannot be read ({error})", hint="delete the stand-in and have it written again"
        ) from error


def _oddities(listings: dict[str, layout.Listing], annotated: set[str]) -> list[Excluded]:
    strays = [
        Excluded(code, f"{len(listing.strays)} file(s) not named like a frame, such as {listing.strays[0]}", "ignored")
        for code, listing in listings.items()
        if listing.strays
    ]
    bare = [
        Excluded(code, "no row in the table", "kept without expressions") for code in listings if code not in annotated
    ]
    return strays + bare


def _without_frames(movements: Iterable[annotation.Movement], listings: dict[str, layout.Listing]) -> list[str]:
    missing = Counter(m.video for m in movements if m.video not in listings)
    return [f"{code}: no frames on disk for {n} row(s) of the table" for code, n in sorted(missing.items())]
