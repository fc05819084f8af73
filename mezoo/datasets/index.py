"""Tables and folders joined: what a dataset of image folders with an annotation table is made of."""

from abc import abstractmethod
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import ClassVar

from mezoo.contracts import Dataset, Excluded, Verification
from mezoo.datasets.action_units import parse
from mezoo.datasets.annotations import NO_APEX, place
from mezoo.datasets.class_maps import class_map
from mezoo.errors import DataError
from mezoo.files import read_object
from mezoo.frames import ImageFolder
from mezoo.records import Annotation, Expression, Video, full_code
from mezoo.tables import Erratum, Row, apply_errata, read_errata

_SHORTEST_ME, _LONGEST_ME = 0.1, 1.0


@dataclass(frozen=True, slots=True)
class Clip:
    """A folder of frames: subject, code (unique within the subject), landmarks if there are any."""

    subject: str
    code: str
    frames: ImageFolder
    landmarks: Path | None = None

    @property
    def name(self) -> str:
        """As a message names it."""
        return full_code(self.subject, self.code)


@dataclass(frozen=True, slots=True)
class Index:
    """Everything known after table and folders were read, before they are joined.

    `where` is the folder and `table` the file that a message names. `expected` are published counts, `excluded` and
    `problems` what reading found. `unused` are rows that the user's options leave out of the videos (they still count
    as rows): the reason by `Annotation.line`. `mark` is the stand-in's mark: its counts are expected then.
    """

    where: Path
    table: Path | None
    clips: Sequence[Clip]
    annotations: Sequence[Annotation]
    expected: Mapping[str, int]
    excluded: Sequence[Excluded] = ()
    problems: Sequence[str] = ()
    unused: Mapping[int, str] = field(default_factory=dict[int, str])
    mark: Path | None = None


@dataclass(frozen=True, slots=True)
class _Join:
    """Clips that have frames, their expressions, and what joining changed or missed."""

    clips: list[Clip]
    expressions: dict[tuple[str, str], list[Expression]]
    notes: list[Excluded] = field(default_factory=list[Excluded])
    problems: list[str] = field(default_factory=list[str])


class IndexedDataset(Dataset):
    """A dataset of image folders and an annotation table: `index` reads both, the rest follows from it.

    `long_videos`: a folder without annotation is a video without expressions; otherwise it is left out.
    `from_one`: file numbers of a folder begin at 1, so another first number is worth a note.
    `whole_clip`: folders hold onset to offset only, so an interval outside their frames is the whole folder.
    `apex_annotated`: no apex in the table is worth a note.
    `strict` (set by the constructor): a row without frames or a folder without a row raises DataError.
    """

    name: ClassVar[str]
    long_videos: ClassVar[bool] = False
    from_one: bool = False
    whole_clip: bool = False
    apex_annotated: ClassVar[bool] = True
    strict: bool = False

    @abstractmethod
    def index(self) -> Index:
        """Read tables and list folders; opens no image, and raises DataError only if nothing can be read at all."""

    def annotations(self) -> Sequence[Annotation]:
        """Every readable row of the table after corrections, whether or not its frames are on disk."""
        return self.index().annotations

    def videos(self) -> Sequence[Video]:
        """Every usable video or clip with its expressions, sorted by subject and code."""
        index = self.index()
        join = self._join(index)
        self._demand(index, join)
        made = [self._video(index, join, clip) for clip in join.clips]
        return sorted((v for v in made if v is not None), key=lambda v: (v.subject, v.code))

    def verify(self) -> Verification:
        """Compare what is on disk with what the owner published (or with the stand-in's mark)."""
        index = self.index()
        join = self._join(index)
        rows = [a.expression() for a in index.annotations]
        micro = [e for e in rows if e.kind == "micro"]
        maps = {m: class_map(m, self.info.emotions).counts(self.name, micro) for m in self.info.class_maps}
        units = Counter(unit for e in micro for unit in parse(e.aus).numbers)
        if units:
            maps["action_units"] = {f"AU{unit}": n for unit, n in sorted(units.items())}
        return Verification(
            expected_of(index.mark) or {} if index.mark else index.expected,
            self._found(index, join, rows),
            (*index.excluded, *join.notes),
            (*index.problems, *join.problems, *self._pace(join)),
            maps,
        )

    def _found(self, index: Index, join: _Join, rows: list[Expression]) -> dict[str, int]:
        unit = "videos" if self.long_videos else "clips"
        return {
            "subjects": len({a.subject for a in index.annotations} | {c.subject for c in join.clips}),
            unit: len(join.clips) if self.long_videos else sum(map(bool, join.expressions.values())),
            "frames": sum(len(clip.frames) for clip in join.clips),
            "rows": len(rows),
            **{kind: sum(e.kind == kind for e in rows) for kind in ("micro", "macro")},
            **dict(sorted(Counter(e.emotion for e in rows if e.emotion).items())),
        }

    def _pace(self, join: _Join) -> list[str]:
        """A frame rate that makes micro-expressions last too long or too short: frames were dropped or renumbered."""
        lengths = [e.length / self.info.fps for found in join.expressions.values() for e in found if e.kind == "micro"]
        if not lengths or _SHORTEST_ME <= (half := median(lengths)) <= _LONGEST_ME:
            return []
        how = "over" if half > _LONGEST_ME else "under"
        return [f"at {self.info.fps:g} frames per second half of the micro-expressions last {how} {half:.2f} s"]

    def _join(self, index: Index) -> _Join:
        join = _Join([c for c in index.clips if len(c.frames.listing.numbers)], defaultdict(list))
        present = {(c.subject, c.code): c for c in join.clips}
        rows: dict[tuple[str, str], list[Annotation]] = defaultdict(list)
        for annotation in index.annotations:
            rows[annotation.subject, annotation.clip].append(annotation)
        for key, annotations in rows.items():
            if key not in present:
                wanted = sum(a.line not in index.unused for a in annotations)
                if index.clips and wanted:
                    join.problems.append(f"{full_code(*key)}: no frames on disk for {wanted} row(s)")
                continue
            for annotation in annotations:
                if annotation.line in index.unused:
                    join.notes.append(Excluded(annotation.name, index.unused[annotation.line], "left out (option)"))
                    continue
                placed = place(annotation, present[key].frames.numbers, whole_clip=self.whole_clip)
                join.notes.extend(n for n in placed.notes if self.apex_annotated or n.reason != NO_APEX)
                join.expressions[key] += [placed.expression] if placed.expression else []
                if placed.expression is None and None not in (annotation.onset, annotation.offset):
                    join.problems.extend(f"{n.what}: {n.reason}" for n in placed.notes)
        if not join.clips:
            join.problems.append(f"no frames of {self.info.title} in {index.where}: only the table was read")
        for clip in index.clips:
            self._inspect(clip, (clip.subject, clip.code) in rows, join)
        return join

    def _inspect(self, clip: Clip, annotated: bool, join: _Join) -> None:
        """What is odd about a folder: strays, gaps, no frames, no row."""
        what, listing = clip.name, clip.frames.listing
        if listing.strays:
            reason = f"{len(listing.strays)} file(s) not named like a frame, such as {listing.strays[0]}"
            join.notes.append(Excluded(what, reason, "ignored"))
        if listing.doubled:
            reason = f"{listing.doubled} frame number(s) twice"
            join.notes.append(Excluded(what, reason, "the file in the commoner padding is read"))
        if not len(listing.numbers):
            join.notes.append(Excluded(what, "the folder holds no frame", "left out"))
        elif not annotated:
            action = "kept without expressions" if self.long_videos else "left out"
            join.notes.append(Excluded(what, "no row in the table", action))
        elif self.from_one and listing.numbers[0] > 1:
            reason = f"the first frame is number {listing.numbers[0]}, not 1"
            join.notes.append(Excluded(what, reason, "kept; frames are found by number"))
        elif listing.numbers.missing:
            reason = f"{listing.numbers.missing} frame(s) missing in the numbering, the first is "
            reason += f"{listing.numbers.first_missing}"
            join.notes.append(Excluded(what, reason, "kept; frames are found by number"))

    def _video(self, index: Index, join: _Join, clip: Clip) -> Video | None:
        found = join.expressions.get((clip.subject, clip.code), [])
        if not found and not self.long_videos:
            return None
        return Video(
            dataset=self.name,
            subject=clip.subject,
            code=clip.code,
            fps=self.info.fps,
            frames=clip.frames,
            expressions=tuple(sorted(found, key=lambda e: (e.onset, e.offset, e.kind))),
            landmarks=clip.landmarks,
            synthetic=index.mark is not None,
        )

    def _demand(self, index: Index, join: _Join) -> None:
        """Raise DataError where training would make no sense, or, when strict, where anything is missing."""
        hint = f"give table and frames of the same release; `mezoo data verify {self.name}` lists what is missing"
        if not join.clips:
            raise DataError(f"{self.info.title}: no frames in {index.where}", hint=self.help())
        if index.table is None and not index.annotations:
            raise DataError("; ".join(index.problems) or f"{self.info.title}: no table", hint=self.help())
        if not any(join.expressions.values()):
            raise DataError(
                f"{self.info.title}: no row of {index.table} concerns a folder in {index.where} "
                f"({', '.join(c.name for c in join.clips[:5])} ...)",
                hint=hint,
            )
        lost = [f"{n.what}: {n.reason}" for n in (*index.excluded, *join.notes) if n.action in {"dropped", "left out"}]
        wrong = [*index.problems, *join.problems, *lost]
        if self.strict and wrong:
            more = f" (and {len(wrong) - 3} more)" if len(wrong) > 3 else ""
            raise DataError(f"{self.info.title}, strict: {'; '.join(wrong[:3])}{more}", hint=hint)

    @classmethod
    def help(cls) -> str:
        """The last line of an error about missing data: who grants the licence, and what works without one."""
        return (
            f"{cls.info.title} is licensed by {cls.info.owner}: ask there, unzip the release and give its folder as "
            "`root`; or run with --synthetic, which needs no licence"
        )


def corrected(
    rows: Sequence[Row], errata: bool | Path, shipped: Path, *, subject: str = "Subject", clip: str = "Filename"
) -> tuple[tuple[Row, ...], list[Excluded], list[str]]:
    """Rows with corrections put in, a line for each applied, and a problem for each of the user's that met no row.

    `errata` is the dataset's argument: True for the `shipped` CSV, False for none, a path for a CSV of the user's.
    """
    path = (shipped if errata else None) if isinstance(errata, bool) else errata
    known: tuple[Erratum, ...] = read_errata(path) if path else ()
    mended, applied = apply_errata(rows, known, subject=subject, clip=clip)
    done = [
        Excluded(full_code(e.subject, e.clip), e.reason, f"{e.field} corrected: {e.published} -> {e.corrected}")
        for e in applied
    ]
    own = known if path and path != shipped else ()
    return mended, done, [f"errata: no row {e.clip} with {e.field} = {e.published}" for e in own if e not in applied]


def expected_of(mark: Path, dataset: str = "") -> dict[str, int] | None:
    """What `verify` must count in a stand-in, from its mark; None where that is of another dataset than `dataset`.

    Raises DataError for a mark that is damaged.
    """
    try:
        told = read_object(mark)
        if dataset and told["dataset"] != dataset:
            return None
        return {str(k): int(n) for k, n in told["expected"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise DataError(
            f"{mark} cannot be read ({error})", hint="delete the stand-in and have it written again"
        ) from error
