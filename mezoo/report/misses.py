"""Why a truth was missed and what a false alarm is: one word for every truth and every spot of a kind. Pure functions.

Words are tried from top to bottom of `TRUTH` and `SPOT`; the first that holds is taken. Frames as in `Event`.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mezoo.datasets.action_units import parse
from mezoo.intervals import match, overlap
from mezoo.report.reading import Event

FOUND = "found"
TRUTH: Mapping[str, str] = {
    FOUND: "matched one to one with IoU of at least 1/2",
    "named the other kind": "a spot of the other kind, no hit there, matches it",
    "merged": "a spot overlaps it and another truth as well",
    "split": "two or more spots overlap it",
    "too long": "a spot covers it and is more than twice as long",
    "too short": "a spot lies inside it and is less than half as long",
    "shifted": "a spot overlaps one end of it",
    "not seen": "no spot overlaps it",
}
"""What may become of an annotated expression, and what that means."""
SPOT: Mapping[str, str] = {
    FOUND: "matched one to one with IoU of at least 1/2",
    "named the other kind": "matches an expression of the other kind that nothing of its own kind found",
    "merged": "overlaps two or more expressions",
    "split": "overlaps an expression that another spot overlaps as well",
    "too long": "covers an expression and is more than twice as long",
    "too short": "lies inside an expression and is less than half as long",
    "shifted": "overlaps one end of an expression",
    "blink": "overlaps an event annotated with a blink (AU 45)",
    "head motion": "overlaps an event annotated with a movement of the head (AU 51 to 58)",
    "on the other kind": "overlaps an expression of the other kind",
    "elsewhere": "overlaps nothing that is annotated",
}
"""What a spot may be, and what that means."""
BLINK, HEAD = frozenset({45}), frozenset(range(51, 59))
FACTS: Mapping[str, frozenset[int]] = {"blink": BLINK, "head motion": HEAD}
"""Words that need action units in the annotation, and which."""

Table = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Sorted:
    """Events of one kind in one video, each with its word, in the order given."""

    truth: tuple[tuple[Event, str], ...]
    spots: tuple[tuple[Event, str], ...]


def sort(truth: Sequence[Event], spots: Sequence[Event], kind: str) -> Sorted:
    """A word for every truth and every spot of `kind`; `truth` and `spots` are those of all kinds of one video."""
    own_truth, other_truth = _parted(truth, kind)
    own_spots, other_spots = _parted(spots, kind)
    hits = match(_spans(own_spots), _spans(own_truth))
    others = match(_spans(other_spots), _spans(other_truth))
    hit, found = _marked(hits, len(own_spots), len(own_truth))
    other_hit, other_found = _marked(others, len(other_spots), len(other_truth))
    renamed = _renamed(own_truth, found, other_spots, other_hit)
    misnamed = _renamed(other_truth, other_found, own_spots, hit)
    shared = overlap(_spans(own_spots), _spans(own_truth))[0] > 0
    named_truth, named_spots = {t for _, t in renamed}, {s for s, _ in misnamed}
    words_truth = [
        FOUND if found[i] else "named the other kind" if i in named_truth else _why(shared.T, own_truth, own_spots, i)
        for i in range(len(own_truth))
    ]
    words_spots = [
        FOUND if hit[i] else "named the other kind" if i in named_spots else _what(shared, own_spots, own_truth, i)
        for i in range(len(own_spots))
    ]
    placed = [w or _where(s, other_truth) for w, s in zip(words_spots, own_spots, strict=True)]
    return Sorted(
        tuple(zip(own_truth, words_truth, strict=True)),
        tuple(zip(own_spots, placed, strict=True)),
    )


def _parted(events: Sequence[Event], kind: str) -> tuple[list[Event], list[Event]]:
    return [e for e in events if e.kind == kind], [e for e in events if e.kind != kind]


def _spans(events: Sequence[Event]) -> NDArray[np.int64]:
    return np.array([(e.onset, e.offset) for e in events], dtype=np.int64).reshape(-1, 2)


def _marked(pairs: Iterable[tuple[int, int]], spots: int, truth: int) -> tuple[Table, Table]:
    """Which spots and which truths stand in (spot, truth) pairs."""
    hit, found = np.zeros(spots, dtype=np.bool_), np.zeros(truth, dtype=np.bool_)
    for s, t in pairs:
        hit[s] = found[t] = True
    return hit, found


def _renamed(truth: Sequence[Event], found: Table, spots: Sequence[Event], hit: Table) -> list[tuple[int, int]]:
    """(spot, truth) one to one at IoU 1/2 between truth of one kind and spots of another that nothing matched yet."""
    free_spots, free_truth = np.flatnonzero(~hit).tolist(), np.flatnonzero(~found).tolist()
    pairs = match(_spans([spots[i] for i in free_spots]), _spans([truth[i] for i in free_truth]))
    return [(free_spots[s], free_truth[t]) for s, t in pairs]


def _why(shared: Table, truth: Sequence[Event], spots: Sequence[Event], index: int) -> str:
    """Word of a truth that was not found; `shared` (truth, spots) says which overlap."""
    near = np.flatnonzero(shared[index])
    if not len(near):
        return "not seen"
    if (shared[:, near].sum(axis=0) > 1).any():
        return "merged"
    return "split" if len(near) > 1 else _shape(spots[int(near[0])], truth[index])


def _what(shared: Table, spots: Sequence[Event], truth: Sequence[Event], index: int) -> str:
    """Word of a spot that is no hit; "" where it overlaps no truth. `shared` is (spots, truth)."""
    near = np.flatnonzero(shared[index])
    if not len(near):
        return ""
    if len(near) > 1:
        return "merged"
    lone = int(near[0])
    return "split" if shared[:, lone].sum() > 1 else _shape(spots[index], truth[lone])


def _shape(spot: Event, truth: Event) -> str:
    """How a spot misses the only truth that it overlaps, which no other spot overlaps."""
    if spot.onset <= truth.onset and truth.offset <= spot.offset:
        return "too long"
    return "too short" if truth.onset <= spot.onset and spot.offset <= truth.offset else "shifted"


def _where(spot: Event, others: Sequence[Event]) -> str:
    """What a spot that overlaps no expression of its kind lies on."""
    near = [e for e in others if e.onset <= spot.offset and spot.onset <= e.offset]
    for word in FACTS:
        if any(word in coded(e) for e in near):
            return word
    return "on the other kind" if near else "elsewhere"


def coded(event: Event) -> frozenset[str]:
    """Which of `FACTS` an annotated event shows, by its action units or its name."""
    units = parse(event.aus).numbers
    named = frozenset({"blink"}) if "blink" in event.emotion.casefold() else frozenset[str]()
    return named | {word for word, numbers in FACTS.items() if units & numbers}


def unknown(truth: Iterable[Event]) -> tuple[str, ...]:
    """Which of `FACTS` no event of a run shows: a spot there counts as on the other kind, or elsewhere."""
    seen = frozenset[str]().union(*(coded(e) for e in truth))
    return tuple(word for word in FACTS if word not in seen)


def counted(pairs: Iterable[tuple[Event, str]], words: Iterable[str]) -> dict[str, int]:
    """How many events have each of `words`, in that order."""
    counts = Counter(word for _, word in pairs)
    return {word: counts[word] for word in words}
