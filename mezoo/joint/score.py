"""STRS of a joint run, and what went wrong: expressions missed, spots on nothing, expressions misnamed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mezoo.datasets.class_maps import ClassMap
from mezoo.files import write_csv
from mezoo.intervals import match
from mezoo.prediction import Found
from mezoo.records import Expression, Video
from mezoo.scoring import Options, score_strs

NAMELESS = "-"
"""In the table of truth: an expression that the class map leaves out, which can be found but not named."""
Event = tuple[int, int, str]
"""Onset, offset (0-based, both included) and class; `NAMELESS` where the map leaves it out."""


@dataclass(frozen=True, slots=True)
class Split:
    """Every expression and every spot once: expressions are right, misnamed, without a class, or missed.

    Spots are right, misnamed, on an expression without a class, or wrong: on nothing that is annotated.
    """

    right: int = 0
    misnamed: int = 0
    without_class: int = 0
    missed: int = 0
    wrong: int = 0

    def __add__(self, other: "Split") -> "Split":
        return Split(*(a + b for a, b in zip(self.counts(), other.counts(), strict=True)))

    def counts(self) -> tuple[int, ...]:
        """The counts in the order of their fields."""
        return self.right, self.misnamed, self.without_class, self.missed, self.wrong

    def as_dict(self) -> dict[str, int]:
        """The counts by name."""
        names = ("right", "misnamed", "without_class", "missed", "wrongly_spotted")
        return dict(zip(names, self.counts(), strict=True))


def split_of(predicted: Sequence[Event], truth: Sequence[Event]) -> Split:
    """The split of one video: matched one to one, IoU >= 1/2, as spotting is scored."""
    pairs = match([p[:2] for p in predicted], [t[:2] for t in truth])
    named = [(truth[t][2], predicted[p][2]) for p, t in pairs]
    right = sum(true == given != NAMELESS for true, given in named)
    nameless = sum(true == NAMELESS for true, _ in named)
    return Split(right, len(pairs) - right - nameless, nameless, len(truth) - len(pairs), len(predicted) - len(pairs))


def truth_of(video: Video, classes: ClassMap) -> list[Event]:
    """Annotated micro-expressions of a video with their class."""
    micro = [e for e in video.expressions if e.kind == "micro"]
    return [(e.onset, e.offset, _class(video, e, classes)) for e in micro]


def spotted(found: Iterable[Found]) -> list[Event]:
    """Spots with the class that they were given."""
    return [(f.spot.onset, f.spot.offset, f.emotion) for f in found]


def write_truth(path: Path, videos: Iterable[Video], classes: ClassMap) -> None:
    """CSV that `mezoo score --task strs` reads; a video without micro-expressions has a row without interval."""
    rows: list[tuple[Any, ...]] = []
    for video in videos:
        place = (video.dataset, video.subject, video.code)
        events = truth_of(video, classes)
        rows += [(*place, "micro", onset, offset, name) for onset, offset, name in events]
        rows += [] if events else [(*place, "", "", "", "")]
    write_csv(path, ("dataset", "subject", "video", "kind", "onset", "offset", "emotion"), rows)


def write_named(path: Path, found: Iterable[Found], classes: Sequence[str]) -> None:
    """CSV of named spots: 0-based frames, both ends included, score, class, and `p_<class>` for every class."""
    header = ("dataset", "subject", "video", "kind", "onset", "offset", "score", "apex", "emotion")
    rows = [
        (
            *f.spot.video.split("/", 2),
            f.spot.kind,
            f.spot.onset,
            f.spot.offset,
            f"{f.spot.score:.4f}",
            f.apex,
            f.emotion,
            *(f"{f.chances[name]:.4f}" for name in classes),
        )
        for f in found
    ]
    write_csv(path, (*header, *(f"p_{name}" for name in classes)), rows)


def score_tables(folder: Path, classes: Sequence[str]) -> dict[str, Any]:
    """STRS of `truth.csv` and `predictions.csv` in a folder, by the ruler of `mezoo score --task strs`."""
    return score_strs(folder / "truth.csv", folder / "predictions.csv", Options(tuple(classes)))


def _class(video: Video, expression: Expression, classes: ClassMap) -> str:
    return classes.label(video.dataset, expression) or NAMELESS


def added(splits: Iterable[Split]) -> Split:
    """The sum of splits."""
    return sum(splits, Split())
