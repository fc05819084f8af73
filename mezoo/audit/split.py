"""Of the folds alone: nobody, and no clip, on both sides; the epoch not chosen on the test data."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mezoo.audit.finding import Finding
from mezoo.errors import DataError
from mezoo.records import Fold, Video
from mezoo.transfer import person

Bits = NDArray[np.bool_]
LOOKED_AT = 3
"""Frames of a video whose fingerprints are compared."""
SIDE = 16
NEAR = 0.02
"""Share of the bits of a fingerprint in which near-duplicates may differ."""
CONTRAST = 2.0
"""Grey levels by which a fingerprint's cells must vary: a blank picture is like every other."""


def epoch(rule: str) -> Finding:
    """Whether the epoch that counts was chosen without the left-out subject."""
    detail = "" if rule != "oracle" else "protocol.epoch: oracle looks at the test data; use last or validation"
    return Finding("epoch", rule != "oracle", rule, "last or validation", detail)


def subjects(folds: Sequence[Fold], videos: Sequence[Video]) -> Finding:
    """Whether a person is in training and test of a fold, however the subject is written, in releases of one family."""
    who = {v.key: person(v) for v in videos}
    both = {f.name: {who[k] for k in f.train} & {who[k] for k in f.test} for f in folds}
    leaking = {name: people for name, people in both.items() if people}
    if not leaking:
        return Finding("subjects", True, "0 on both sides", "0 on both sides")
    name, people = next(iter(leaking.items()))
    family, subject = min(people)
    spelled = sorted({f"{v.dataset}/{v.subject}" for v in videos if person(v) == (family, subject)})
    detail = f"fold {name}: {family} {subject} (written {', '.join(spelled)}) is trained on and tested"
    return Finding("subjects", False, f"{len(leaking)} of {len(folds)} folds", "0 on both sides", detail)


def parts(folds: Sequence[Fold], videos: Sequence[Video]) -> Finding:
    """Whether every video is tested exactly once and never trained on in its own fold."""
    tested = [k for f in folds for k in f.test]
    overlap = sum(len({*f.train} & {*f.test}) for f in folds)
    twice, never = len(tested) - len({*tested}), len({v.key for v in videos} - {*tested})
    found = f"{overlap} on both sides, {twice} tested twice, {never} never"
    return Finding("videos", not (overlap or twice or never), found, "each tested once")


def duplicates(folds: Sequence[Fold], videos: Sequence[Video]) -> Finding:
    """Whether frames of a test video are found again in training: copies, augmented before the split or renamed."""
    prints = {v.key: fingerprint(v) for v in videos}
    usable = {k: p for k, p in prints.items() if p is not None}
    pairs = near(usable)
    leaks = [(f.name, a, b) for f in folds for a, b in pairs if _apart(f, a, b)]
    blank = len(prints) - len(usable)
    found = f"{len({(a, b) for _, a, b in leaks})} near-duplicate pairs"
    if leaks:
        name, a, b = leaks[0]
        return Finding("near-duplicates", False, found, "0 across a split", f"fold {name}: {a} and {b}")
    if not usable:
        return Finding("near-duplicates", None, "", "0 across a split", "no video has frames with enough detail")
    return Finding(
        "near-duplicates", True, found, "0 across a split", f"{blank} without enough detail" if blank else ""
    )


def fingerprint(video: Video) -> Bits | None:
    """Bits (LOOKED_AT * SIDE * SIDE,) of grey cells above their median, of the first, middle and last frame.

    None for frames without contrast, smaller than the cells, or that cannot be read.
    """
    import cv2

    bits: list[Bits] = []
    for index in np.linspace(0, len(video.frames) - 1, LOOKED_AT).round().astype(int).tolist():
        try:
            image = video.frames.read(index, grey=True)
        except DataError:
            return None
        if min(image.shape) < SIDE:
            return None
        cells = cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
        if cells.std() < CONTRAST:
            return None
        bits.append((cells > np.median(cells)).ravel())
    return np.concatenate(bits)


def near(prints: Mapping[str, NDArray[Any]]) -> list[tuple[str, str]]:
    """Pairs of keys whose fingerprints differ in at most `NEAR` of their bits, one of them maybe mirrored."""
    keys = sorted(prints)
    if len(keys) < 2:
        return []
    table = np.stack([prints[k] for k in keys]).astype(np.float32)
    mirrored = table.reshape(len(keys), LOOKED_AT, SIDE, SIDE)[..., ::-1].reshape(table.shape)
    same = np.maximum(_agreement(table, table), _agreement(table, mirrored))
    rows, columns = np.nonzero(np.triu(same >= 1 - NEAR, 1))
    return [(keys[i], keys[j]) for i, j in zip(rows.tolist(), columns.tolist(), strict=True)]


def _agreement(a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    return (a @ b.T + (1 - a) @ (1 - b).T) / a.shape[1]


def _apart(fold: Fold, a: str, b: str) -> bool:
    test = {*fold.test}
    return (a in test) != (b in test)


def identity(folds: Sequence[Fold], videos: Sequence[Video], means: Mapping[str, NDArray[Any]]) -> Finding:
    """Whether features tell who is seen; if they do, only the split keeps a model from recognising people.

    `means` are one vector a video. The nearest other video is a vote for its subject; chance is the share of pairs of
    one subject. Passes where no fold has a tested person in training.
    """
    from scipy.spatial.distance import cdist

    keys = [v.key for v in videos if v.key in means]
    who = {v.key: person(v) for v in videos}
    several = [k for k in keys if sum(who[k] == who[o] for o in keys) > 1]
    expected = "no fold trains on a tested person"
    if not several:
        return Finding("identity", None, "", expected, "no subject has two videos")
    table = np.stack([means[k] for k in keys]).astype(np.float64)
    table = (table - table.mean(axis=0)) / np.maximum(table.std(axis=0), 1e-9)
    distance = cdist(table, table)
    np.fill_diagonal(distance, np.inf)
    nearest = {k: keys[int(distance[i].argmin())] for i, k in enumerate(keys)}
    right = sum(who[nearest[k]] == who[k] for k in several) / len(several)
    counts: dict[object, int] = defaultdict(int)
    for k in keys:
        counts[who[k]] += 1
    chance = sum(counts[who[k]] - 1 for k in several) / len(several) / (len(keys) - 1)
    passed = subjects(folds, videos).passed
    return Finding("identity", passed, f"who is seen: {right:.2f} right, chance {chance:.2f}", expected)
