"""What the data and the folds hold, counted from the tables; no feature is read."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from mezoo.plan import Work
from mezoo.records import Fold, Video
from mezoo.splits import subject_of


@dataclass(frozen=True, slots=True)
class Spread:
    """A number that differs from fold to fold."""

    least: int
    middle: float
    most: int


@dataclass(frozen=True, slots=True)
class Counts:
    """Samples by kind or class, and the sizes of the folds in `unit` (videos or clips)."""

    unit: str
    items: int
    subjects: int
    frames: int
    classes: Mapping[str, int]
    folds: int
    folds_done: int
    train: Spread
    test: Spread


def count(work: Work) -> Counts:
    """Count what a run is made of."""
    if work.clips is None:
        kinds = Counter(e.kind for v in work.videos for e in v.expressions)
        unit, classes = "videos", {f"{kind}-expressions": kinds[kind] for kind in ("micro", "macro")}
    else:
        labels = Counter(work.clips.labels.values())
        unit, classes = "clips", {name: labels[i] for i, name in enumerate(work.clips.classes)}
    return Counts(
        unit=unit,
        items=len(work.videos),
        subjects=len({subject_of(v) for v in work.videos}),
        frames=sum(len(v.frames) for v in work.videos),
        classes=classes,
        folds=len(work.folds),
        folds_done=len(work.folds) - len(work.pending),
        train=spread([len(fold.train) for fold in work.folds]),
        test=spread([len(fold.test) for fold in work.folds]),
    )


def spread(values: Sequence[int]) -> Spread:
    """Least, median and most."""
    return Spread(min(values), median(values), max(values))


def sizes(work: Work) -> dict[str, int]:
    """What a video weighs in a fold: its frames, or 1 for a clip, which is one sample whatever its length."""
    return {v.key: _weight(work, v) for v in work.videos}


def fold_sizes(fold: Fold, weights: Mapping[str, int]) -> tuple[int, int]:
    """Weight of the training and of the test videos of a fold."""
    return sum(weights[key] for key in fold.train), sum(weights[key] for key in fold.test)


def _weight(work: Work, video: Video) -> int:
    return len(video.frames) if work.clips is None else 1
