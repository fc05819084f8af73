"""Tables of intervals, joined video by video."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mezoo.scoring.tables import Options, Place, Row, Table, locator, read_table

KINDS = ("micro", "macro")
_KIND_HINT = "kind is micro or macro"


@dataclass(frozen=True, slots=True)
class Event:
    """One interval of a table, frames included at both ends."""

    place: Place
    kind: str
    onset: int
    offset: int
    emotion: str
    row: Row


@dataclass(frozen=True, slots=True)
class Videos:
    """Truth and predictions of each video, those without truth or without predictions included."""

    truth: dict[Place, list[Event]]
    predicted: dict[Place, list[Event]]
    by_subject: bool
    """Whether the truth says whose video it is, so that subjects can be drawn again."""
    by_dataset: bool

    def subject(self, place: Place) -> Place:
        """Who a video shows: (dataset, subject, ""); a video that the truth does not name may stand for itself."""
        return (place[0], place[1], "") if place[1] else place


def read_videos(truth: Path, predicted: Path, options: Options, emotions: bool = False) -> Videos:
    """Read and join two tables. Raises DataError with file and line.

    A row of the truth with onset, offset and kind empty is a video without expressions. A truth with such rows names
    all its videos, and a prediction in another one is an error; else it counts as a false alarm, and a note says so.
    """
    needed = ["video", "onset", "offset", *([] if emotions else ["kind"]), *(["emotion"] if emotions else [])]
    real, given = (read_table(file, needed) for file in (truth, predicted))
    bare = {id(row) for row in real.rows if not any(row.cells.get(c, "") for c in ("onset", "offset", "kind"))}
    videos = Videos({}, {}, "subject" in real.columns, "dataset" in real.columns)
    for row in real.rows:
        events = videos.truth.setdefault(row.place("video"), [])
        if id(row) not in bare:
            events.append(_event(row, row.place("video"), emotions))
    _join(videos, (real, given), options, emotions, complete=bool(bare))
    return videos


def _join(videos: Videos, tables: tuple[Table, Table], options: Options, emotions: bool, complete: bool) -> None:
    real, given = tables
    find = locator(real, given, [*videos.truth], "video")
    strange: list[Event] = []
    for row in given.rows:
        if row.cells.get("score"):
            row.number("score")
        place = find(row)
        event = _event(row, place or row.place("video"), emotions)
        videos.predicted.setdefault(event.place, []).append(event)
        if place is None:
            strange.append(event)
    if strange:
        _tell(strange, real, options, complete)


def _tell(strange: Sequence[Event], truth: Table, options: Options, complete: bool) -> None:
    first = strange[0]
    name = "/".join(part for part in first.place if part)
    if complete:
        first.row.fail(f"video {name!r} is not in {truth.file}", "that table names all its videos; correct one of both")
    count = len({e.place for e in strange})
    options.notes.append(
        f"{len(strange)} predictions in {count} videos that {truth.file} does not name count as false alarms; "
        f"the first: {name} ({first.row})"
    )


def _event(row: Row, place: Place, emotions: bool) -> Event:
    kind = row.cells.get("kind", "micro" if emotions else "")
    if kind not in KINDS:
        row.fail(f"kind is {kind!r}" if kind else "kind is empty", _KIND_HINT)
    onset, offset = row.frame("onset"), row.frame("offset")
    if offset < onset:
        row.fail(f"offset {offset} is before onset {onset}")
    return Event(place, kind, onset, offset, row.text("emotion") if emotions else "", row)
