"""The taxonomy of misses: hand-made cases for every word, and what must hold of any film."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mezoo.intervals import match
from mezoo.report.misses import FOUND, SPOT, TRUTH, coded, sort, unknown
from mezoo.report.reading import Event

Spans = list[tuple[int, int]]


def events(kind: str, spans: Spans, **more: str) -> list[Event]:
    return [Event(kind, a, b, **more) for a, b in spans]


def words(truth: list[Event], spots: list[Event], kind: str = "micro") -> tuple[list[str], list[str]]:
    found = sort(truth, spots, kind)
    return [w for _, w in found.truth], [w for _, w in found.spots]


@pytest.mark.parametrize(
    ("truth", "spots", "expected"),
    [
        ([(10, 19)], [(10, 19)], ([FOUND], [FOUND])),
        ([(10, 19)], [(10, 14)], ([FOUND], [FOUND])),
        ([(10, 19)], [(10, 13)], (["too short"], ["too short"])),
        ([(10, 19)], [(5, 25)], (["too long"], ["too long"])),
        ([(10, 19)], [(16, 25)], (["shifted"], ["shifted"])),
        ([(10, 19), (30, 39)], [(5, 45)], (["merged", "merged"], ["merged"])),
        ([(10, 19), (22, 24)], [(10, 22)], ([FOUND, "merged"], [FOUND])),
        ([(10, 49)], [(10, 15), (30, 35)], (["split"], ["split", "split"])),
        ([(10, 19)], [(10, 19), (19, 30)], ([FOUND], [FOUND, "split"])),
        ([(10, 19)], [(20, 29)], (["not seen"], ["elsewhere"])),
        ([], [(20, 29)], ([], ["elsewhere"])),
        ([(20, 29)], [], (["not seen"], [])),
    ],
)
def test_each_word_of_shape(truth: Spans, spots: Spans, expected: tuple[list[str], list[str]]) -> None:
    assert words(events("micro", truth), events("micro", spots)) == expected


def test_the_other_kind() -> None:
    truth, spots = events("micro", [(10, 19)]), events("macro", [(11, 20)])
    assert words(truth, spots) == (["named the other kind"], [])
    assert words(truth, spots, "macro") == ([], ["named the other kind"])
    long = events("macro", [(0, 99)])
    assert words(long, events("micro", [(10, 19)])) == ([], ["on the other kind"])
    both = [*truth, *events("macro", [(11, 20)])]
    assert words(both, spots) == (["not seen"], []), "a spot that is a hit of its own kind named nothing else"


def test_blinks_and_head_motion_come_from_the_annotation() -> None:
    spots = events("micro", [(10, 19)])
    for aus, emotion, expected in (
        ("4+45", "", "blink"),
        ("L45B", "", "blink"),
        ("", "Blink", "blink"),
        ("AU 54", "", "head motion"),
        ("45+54", "", "blink"),
        ("4", "anger", "on the other kind"),
    ):
        event = replace(events("macro", [(0, 99)])[0], aus=aus, emotion=emotion)
        assert words([event], spots) == ([], [expected])
        assert unknown([event]) == tuple(w for w in ("blink", "head motion") if w not in coded(event))
    assert unknown([]) == ("blink", "head motion")
    own = events("micro", [(10, 40)], aus="45")
    assert words(own, spots)[1] == ["too short"], "of its own kind the shape is told"


spans = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 25)), max_size=6).map(
    lambda pairs: [(a, a + length) for a, length in pairs]
)
films = st.tuples(spans, spans, spans, spans).map(
    lambda f: (events("micro", f[0]) + events("macro", f[1]), events("micro", f[2]) + events("macro", f[3]))
)


@given(films)
def test_words_part_truth_and_spots(film: tuple[list[Event], list[Event]]) -> None:
    truth, spots = film
    for kind in ("micro", "macro"):
        found = sort(truth, spots, kind)
        assert [e for e, _ in found.truth] == [e for e in truth if e.kind == kind]
        assert [e for e, _ in found.spots] == [e for e in spots if e.kind == kind]
        assert {w for _, w in found.truth} <= set(TRUTH)
        assert {w for _, w in found.spots} <= set(SPOT)
        sides = [np.array([(e.onset, e.offset) for e, _ in s]).reshape(-1, 2) for s in (found.spots, found.truth)]
        hits = len(match(*sides))
        assert Counter(w for _, w in found.truth)[FOUND] == Counter(w for _, w in found.spots)[FOUND] == hits


@given(films, st.integers(0, 500))
def test_time_does_not_matter(film: tuple[list[Event], list[Event]], shift: int) -> None:
    """Later by a while, or backwards: the words are the same."""
    later = [[replace(e, onset=e.onset + shift, offset=e.offset + shift) for e in side] for side in film]
    assert words(*later) == words(*film)


lone = st.tuples(st.integers(0, 60), st.integers(0, 25)).map(lambda p: (p[0], p[0] + p[1]))


@given(lone, lone)
def test_one_truth_and_one_spot_tell_the_same_story(truth: tuple[int, int], spot: tuple[int, int]) -> None:
    """Both sides say the same word; with the parts exchanged too long is too short."""
    a, b = words(events("micro", [truth]), events("micro", [spot]))
    same = {"not seen": "elsewhere"}
    assert [same.get(w, w) for w in a] == b
    turned = words(events("micro", [spot]), events("micro", [truth]))[0]
    swap = {"too long": "too short", "too short": "too long"}
    assert turned == [swap.get(w, w) for w in a]


@given(st.lists(lone, min_size=1, max_size=6))
def test_words_of_shape_need_an_overlap(truth: Spans) -> None:
    last = max(b for _, b in truth)
    assert set(words(events("micro", truth), events("micro", [(last + 1, last + 9)]))[0]) == {"not seen"}
