"""The tables of a claim: rows with their line, annotation cut to what a score needs, and the nouns made of both."""

import csv
import io
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from mezoo.claims.archive import sha256
from mezoo.claims.facts import Members, member
from mezoo.claims.reasons import Refused
from mezoo.records import Expression, Frames, Kind, Spot, Video

NEEDED: Mapping[str, tuple[str, ...]] = {
    "truth.csv": ("dataset", "subject", "video", "kind", "onset", "offset"),
    "clips.csv": ("dataset", "subject", "clip", "class"),
}
"""Columns of annotation without which nothing can be scored; a claim holds no others."""
_VIDEOS = ("dataset", "subject", "video", "fps", "n_frames")
_SPOTS = ("dataset", "subject", "video", "kind", "onset", "offset", "score")
_WHOLE = re.compile(r"-?[0-9]{1,9}")
_MOST_PAIRS = 10_000_000


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table, by column; `line` is that of the file, from 1."""

    table: str
    line: int
    cells: Mapping[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells[column]

    @property
    def key(self) -> str:
        """`dataset/subject/code` of the video or clip."""
        return "/".join((self["dataset"], self["subject"], self.cells.get("video", self.cells.get("clip", ""))))

    def whole(self, column: str) -> int:
        """A whole number."""
        if not _WHOLE.fullmatch(self[column]):
            raise self.fault(f"{column} {self[column]!r} is no whole number")
        return int(self[column])

    def number(self, column: str) -> float:
        """A finite number."""
        try:
            value = float(self[column])
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise self.fault(f"{column} {self[column]!r} is no number")
        return value

    def fault(self, what: str) -> Refused:
        """The refusal of this row."""
        return Refused("table", f"{self.table}, line {self.line}: {what}")


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a header."""

    header: tuple[str, ...]
    rows: tuple[Row, ...]


def read_table(members: Members, name: str, needed: Sequence[str]) -> Table:
    """A CSV member. Raises Refused for a column that is missing, or a row of another length."""
    try:
        text = io.StringIO(member(members, name).decode("utf-8"), newline="")
        reader = csv.reader(text, strict=True)
        header = tuple(next(reader, []))
        rows = tuple(_rows(name, header, reader))
    except (UnicodeDecodeError, csv.Error) as error:
        raise Refused("table", f"{name} is not a CSV table: {error}") from error
    if missing := [c for c in needed if c not in header]:
        raise Refused("table", f"{name}, line 1: no column {', '.join(missing)}")
    if len({*header}) < len(header):
        raise Refused("table", f"{name}, line 1: a column is there twice")
    return Table(header, rows)


def _rows(name: str, header: tuple[str, ...], reader: Any) -> Iterator[Row]:
    for cells in reader:
        if len(cells) != len(header):
            raise Refused("table", f"{name}, line {reader.line_num}: {len(cells)} cells, the header has {len(header)}")
        yield Row(name, reader.line_num, dict(zip(header, cells, strict=True)))


def cut_truth(members: Members, name: str) -> bytes:
    """The annotation table with the columns that a score needs, in the order of the file."""
    table = read_table(members, name, NEEDED[name])
    return _as_csv(NEEDED[name], ([row[c] for c in NEEDED[name]] for row in table.rows))


def without(data: bytes, name: str, column: str) -> bytes:
    """A table without one column, if it has it."""
    table = read_table({name: data}, name, ())
    kept = [c for c in table.header if c != column]
    return _as_csv(kept, ([row[c] for c in kept] for row in table.rows))


def truth_hash(members: Members, name: str) -> str:
    """Hash of an annotation table, whatever the order of its rows and its further columns."""
    table = read_table(members, name, NEEDED[name])
    return sha256("\n".join(sorted("\t".join(row[c] for c in NEEDED[name]) for row in table.rows)).encode())


def _as_csv(header: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows([header, *rows])
    return text.getvalue().encode()


def videos_of(members: Members) -> tuple[Video, ...]:
    """The videos of a spotting claim with their expressions; frames have a length and no content."""
    found: dict[str, Video] = {}
    for row in read_table(members, "videos.csv", _VIDEOS).rows:
        if row.key in found:
            raise row.fault(f"{row.key} is there twice")
        if row.whole("n_frames") < 1 or row.number("fps") <= 0:
            raise row.fault("a video needs frames and a frame rate")
        fps = int(row["fps"]) if _WHOLE.fullmatch(row["fps"]) else row.number("fps")
        frames = cast(Frames, range(row.whole("n_frames")))
        found[row.key] = Video(row["dataset"], row["subject"], row["video"], fps, frames)
    expressions: dict[str, list[Expression]] = {key: [] for key in found}
    for row in read_table(members, "truth.csv", NEEDED["truth.csv"]).rows:
        onset, offset = _interval(row, found)
        expressions[row.key].append(Expression("", _kind(row), onset, offset))
    return tuple(replace(video, expressions=tuple(expressions[key])) for key, video in found.items())


def spots_of(members: Members, name: str, videos: Mapping[str, Video]) -> dict[str, tuple[Spot, ...]]:
    """Predicted intervals by video. Raises Refused for one of no video, or outside it."""
    spots: dict[str, list[Spot]] = {}
    for row in read_table(members, name, _SPOTS).rows:
        onset, offset = _interval(row, videos)
        if onset < 0 or offset >= len(videos[row.key].frames):
            last = len(videos[row.key].frames) - 1
            raise row.fault(f"{onset}-{offset} lies outside {row.key}, whose frames are 0-{last}")
        spots.setdefault(row.key, []).append(Spot(row.key, _kind(row), onset, offset, row.number("score")))
    for key, found in spots.items():
        if len(found) * len(videos[key].expressions) > _MOST_PAIRS:
            raise Refused("table", f"{name}: {len(found)} predictions for {key} are more than can be matched")
    return {key: tuple(found) for key, found in spots.items()}


def _interval(row: Row, videos: Mapping[str, Video]) -> tuple[int, int]:
    if row.key not in videos:
        raise row.fault(f"{row.key} is no video of this claim")
    onset, offset = row.whole("onset"), row.whole("offset")
    if onset > offset:
        raise row.fault(f"onset {onset} comes after offset {offset}")
    return onset, offset


def _kind(row: Row) -> Kind:
    if row["kind"] not in {"micro", "macro"}:
        raise row.fault(f"kind {row['kind']!r} is neither micro nor macro")
    return "micro" if row["kind"] == "micro" else "macro"


def clips_of(members: Members, classes: Sequence[str]) -> dict[str, tuple[Video, int]]:
    """The clips of a recognition claim and the index of their class."""
    found: dict[str, tuple[Video, int]] = {}
    nothing = cast(Frames, range(1))
    for row in read_table(members, "clips.csv", NEEDED["clips.csv"]).rows:
        if row.key in found:
            raise row.fault(f"{row.key} is there twice")
        video = Video(row["dataset"], row["subject"], row["clip"], 1.0, nothing)
        found[row.key] = video, _class(row, "class", classes)
    return found


def answers_of(
    members: Members, name: str, classes: Sequence[str], clips: Mapping[str, tuple[Video, int]], *, told: bool
) -> dict[str, int]:
    """The class named for each clip. `told`: the table repeats the truth, which must then be that of the clips.

    Raises Refused for a clip that is unknown or there twice, for other columns than the classes, and for an answer
    that is not the most probable class.
    """
    shares = [f"p_{c}" for c in classes]
    table = read_table(members, name, ("dataset", "subject", "clip", "answer", *(["truth"] if told else [])))
    if table.rows and [c for c in table.header if c.startswith("p_")] != shares:
        raise Refused("table", f"{name}, line 1: the columns of probabilities are not those of {', '.join(classes)}")
    answers: dict[str, int] = {}
    for row in table.rows:
        if row.key not in clips:
            raise row.fault(f"{row.key} is no clip of this claim")
        if row.key in answers:
            raise row.fault(f"{row.key} is there twice")
        if told and _class(row, "truth", classes) != clips[row.key][1]:
            raise row.fault(f"truth {row['truth']!r} is not the class of {row.key} in clips.csv")
        given = [row.number(column) for column in shares]
        answers[row.key] = _class(row, "answer", classes)
        if given[answers[row.key]] < max(given):
            raise row.fault(f"answer {row['answer']!r} is not the most probable class")
    return answers


def _class(row: Row, column: str, classes: Sequence[str]) -> int:
    if row[column] not in classes:
        raise row.fault(f"{column} {row[column]!r} is not among the classes {', '.join(classes)}")
    return classes.index(row[column])
