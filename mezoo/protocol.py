"""Folds, and what a control changes. A fold's key is (dataset, subject), never the bare subject."""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mezoo.errors import DataError
from mezoo.records import Example, Expression, Fold, Video


def leave_one_subject_out(videos: Sequence[Video]) -> tuple[Fold, ...]:
    """One fold a subject, sorted by name. Raises DataError for fewer than two subjects."""
    by_subject: dict[tuple[str, str], list[str]] = defaultdict(list)
    for video in videos:
        by_subject[video.dataset, video.subject].append(video.key)
    if len(by_subject) < 2:
        raise DataError(
            f"leaving one subject out needs two subjects, found {len(by_subject)}", hint="see mezoo data verify"
        )
    several = len({dataset for dataset, _ in by_subject}) > 1
    everything = [v.key for v in videos]
    folds: list[Fold] = []
    for (dataset, subject), test in sorted(by_subject.items()):
        held_out = set(test)
        train = tuple(k for k in everything if k not in held_out)
        folds.append(Fold(f"{dataset}-{subject}" if several else subject, train, tuple(test)))
    return tuple(folds)


def inner_validation(
    fold: Fold, subject_of: dict[str, str], count: int, seed: int
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Split a fold's training videos into (train, validation) by whole subjects, drawn by seed and fold name."""
    subjects = sorted({subject_of[k] for k in fold.train})
    if len(subjects) <= count:
        raise DataError(
            f"{count} validation subjects asked for, fold {fold.name} has {len(subjects)} to train on",
            hint="lower protocol.validation_subjects or use epoch: last",
        )
    chosen = set(np.random.default_rng(stable_seed(seed, fold.name, "validation")).permutation(subjects)[:count])
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
