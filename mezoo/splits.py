"""Folds of a split, and what a control changes."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from mezoo.datasets import family_of
from mezoo.errors import DataError
from mezoo.protocols import Split
from mezoo.records import Example, Expression, Fold, Video


def folds_of(videos: Sequence[Video], split: Split) -> tuple[Fold, ...]:
    """The folds of a split (see `mezoo.protocols`), sorted by name. Raises DataError where there would be one only."""
    return {"loso": leave_one_subject_out, "lodo": leave_one_dataset_out, "lovo": leave_one_video_out}[split](videos)


def leave_one_subject_out(videos: Sequence[Video]) -> tuple[Fold, ...]:
    """One fold a subject (dataset, subject), sorted by name. Raises DataError for fewer than two subjects."""
    several = len({v.dataset for v in videos}) > 1
    names = {subject_of(v): f"{v.dataset}-{v.subject}" if several else v.subject for v in videos}
    return _left_out(videos, subject_of, names, "subject")


def folds_of_people(people: Sequence[Video], clips: Sequence[Video]) -> tuple[Fold, ...]:
    """One fold for each subject of `people`, over `clips`; the test is empty for a subject without a clip."""
    named = leave_one_subject_out(people)
    owner = {v.key: subject_of(v) for v in people}
    return tuple(
        Fold(
            fold.name,
            tuple(c.key for c in clips if subject_of(c) != owner[fold.test[0]]),
            tuple(c.key for c in clips if subject_of(c) == owner[fold.test[0]]),
        )
        for fold in named
    )


def leave_one_dataset_out(videos: Sequence[Video]) -> tuple[Fold, ...]:
    """One fold a family of datasets, sorted by name. Raises DataError for fewer than two."""
    family = {v.dataset: family_of(v.dataset) for v in videos}
    names = {name: "-".join(sorted(d for d, f in family.items() if f == name)) for name in family.values()}
    return _left_out(videos, lambda v: family[v.dataset], names, "dataset")


def leave_one_video_out(videos: Sequence[Video]) -> tuple[Fold, ...]:
    """One fold a video, sorted by key; other videos of its subject are trained on. Raises DataError for one video."""
    return _left_out(videos, lambda v: v.key, {v.key: v.key.replace("/", "-") for v in videos}, "video")


def subject_of(video: Video) -> tuple[str, str]:
    """Who a video shows: (dataset, subject), since strangers of two datasets may share a number."""
    return video.dataset, video.subject


def _left_out(
    videos: Sequence[Video], group_of: Callable[[Video], Any], names: Mapping[Any, str], what: str
) -> tuple[Fold, ...]:
    groups: dict[Any, list[str]] = defaultdict(list)
    for video in videos:
        groups[group_of(video)].append(video.key)
    if len(groups) < 2:
        raise DataError(f"leaving one {what} out needs two, found {len(groups)}", hint="see mezoo data verify")
    return tuple(
        Fold(names[group], tuple(v.key for v in videos if group_of(v) != group), tuple(test))
        for group, test in sorted(groups.items())
    )


def inner_validation(
    fold: Fold, subject_of: Mapping[str, tuple[str, str]], count: int, seed: int
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Split a fold's training videos into (train, validation) by whole subjects, drawn by seed and fold name."""
    subjects = sorted({subject_of[k] for k in fold.train})
    if len(subjects) <= count:
        raise DataError(
            f"{count} validation subjects asked for, fold {fold.name} has {len(subjects)} to train on",
            hint="lower protocol.validation_subjects or use epoch: last",
        )
    order = np.random.default_rng(stable_seed(seed, fold.name, "validation")).permutation(len(subjects))
    chosen = {subjects[i] for i in order[:count]}
    inner = tuple(k for k in fold.train if subject_of[k] not in chosen)
    return inner, tuple(k for k in fold.train if subject_of[k] in chosen)


def stable_seed(*parts: object) -> int:
    """A 31-bit seed from any values, the same on every machine and run."""
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:4], "big") >> 1


def shuffle_classes(examples: Sequence[Example], *parts: object) -> list[Example]:
    """The control: every clip keeps its frames and gets label, emotion and units of another one, dealt by a seed."""
    order = np.random.default_rng(stable_seed(*parts, "shuffled")).permutation(len(examples))
    return [_as_if(e, examples[int(i)]) for e, i in zip(examples, order, strict=True)]


def _as_if(example: Example, other: Example) -> Example:
    own, given = example.video.expressions[0], other.video.expressions[0]
    told = replace(own, emotion=given.emotion, aus=given.aus, objective=given.objective, published=given.published)
    return Example(replace(example.video, expressions=(told,)), example.features, other.label)


def shuffle_intervals(video: Video, seed: int) -> Video:
    """The control: the same expressions and lengths, each at a random place of its video, apart if possible."""
    rng = np.random.default_rng(stable_seed(seed, video.key, "shuffled"))
    taken: list[Expression] = []
    for expression in video.expressions:
        room = max(1, len(video.frames) - expression.length + 1)
        onsets = rng.integers(0, room, size=100).tolist()
        moves = [replace(expression, onset=o, offset=o + expression.length - 1, apex=None) for o in onsets]
        apart = (m for m in moves if all(m.offset < t.onset or t.offset < m.onset for t in taken))
        taken.append(next(apart, moves[-1]))
    return replace(video, expressions=tuple(sorted(taken, key=lambda e: (e.onset, e.offset))))
