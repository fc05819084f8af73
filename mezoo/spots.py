"""Tables of intervals: predictions and ground truth as CSV, 0-based frames, both ends included."""

from collections.abc import Iterable
from pathlib import Path

from mezoo.files import read_rows, write_csv
from mezoo.records import Spot, Video

SPOT_COLUMNS = ("dataset", "subject", "video", "kind", "onset", "offset", "score")


def write_spots(path: Path, spots: Iterable[Spot]) -> None:
    """CSV of spots by video, atomically."""
    rows = [(*s.video.split("/", 2), s.kind, s.onset, s.offset, f"{s.score:.4f}") for s in spots]
    write_csv(path, SPOT_COLUMNS, rows)


def read_spots(path: Path) -> list[Spot]:
    """The inverse of `write_spots`. Raises OSError, ValueError or KeyError for another file."""
    rows = read_rows(path)
    return [
        Spot(
            video="/".join((row["dataset"], row["subject"], row["video"])),
            kind="micro" if row["kind"] == "micro" else "macro",
            onset=int(row["onset"]),
            offset=int(row["offset"]),
            score=float(row["score"]),
        )
        for row in rows
    ]


def write_truth(path: Path, videos: Iterable[Video]) -> None:
    """CSV of the annotation as it was scored, with the owner's code of each expression."""
    header = ("dataset", "subject", "video", "kind", "onset", "offset", "apex", "code", "emotion", "aus")
    rows = [
        (
            v.dataset,
            v.subject,
            v.code,
            e.kind,
            e.onset,
            e.offset,
            "" if e.apex is None else e.apex,
            e.code,
            e.emotion,
            e.aus,
        )
        for v in videos
        for e in v.expressions
    ]
    write_csv(path, header, rows)


def write_videos(path: Path, videos: Iterable[Video]) -> None:
    """CSV of the videos: rate and number of frames."""
    rows = [(v.dataset, v.subject, v.code, v.fps, len(v.frames)) for v in videos]
    write_csv(path, ("dataset", "subject", "video", "fps", "n_frames"), rows)
