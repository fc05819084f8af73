import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mezoo.predicted.axis import time_ticks
from mezoo.predicted.curves import HEIGHT, POINTS, area, band, extremes, line
from mezoo.predicted.page import CARDS, render
from mezoo.predicted.pictures import box_at

EVIL = '<script>alert("x")</script>&\'"'


class Page(HTMLParser):
    """Tags with their attributes, visible text, and whether every tag is closed."""

    VOID = {"meta", "img", "br"}

    def __init__(self, p, beside=None) -> None:
        super().__init__()
        self.source = render(p, {"spots.csv": "a table"} if beside is None else beside)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words = ""
        self.feed(self.source)
        assert self.open == []
        self.check()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in {"style", "script"}:
            self.words += data

    def all(self, tag, look=""):
        return [a for name, a in self.tags if name == tag and look in (a.get("class") or "")]

    def check(self):
        """Self-contained, every anchor leads somewhere, every id once, every picture told in words."""
        ids = [a["id"] for _, a in self.tags if "id" in a]
        assert len({*ids}) == len(ids)
        for _, attributes in self.tags:
            for name in ("src", "href"):
                target = attributes.get(name) or ""
                assert target.startswith(("data:", "#")) or target in {"", "spots.csv"}
                assert not target.startswith("#") or target[1:] in ids
        assert all(a.get("alt") for a in self.all("img"))
        assert not re.search(r"@import|url\((?!#)", self.source)


def test_what_was_found_stands_on_the_page(made):
    named = made.found(10, 19, 0.83, votes=2, chances={"joy": 0.75, "fear": 0.25})
    p = made.prediction(
        named, made.found(50, 79, kind="macro"), face=made.face(lost=((30, 34),)), notes=("be careful",)
    )
    page = Page(p)
    assert "1 micro-expression and 1 macro-expression in 4.0 s" in page.words
    for words in ("found by 2 of 3 members", "frames 10 to 19, apex 14", "0.400 to 0.800 s", "be careful", "spots.csv"):
        assert words in page.words
    for words in ("runs/toy-12345678", "F1 0.25", "Not for decisions about people.", "In 5 of 100 frames no face"):
        assert words in page.words
    assert [a["href"] for a in page.all("a") if (a.get("href") or "").startswith("#e")] == ["#e1", "#e2"] * 2
    assert "probabilities: joy 0.75, fear 0.25" in [a.get("aria-label") for a in page.all("svg")]
    assert len(page.all("rect", "hatch")) == 2
    assert len(page.all("path", "band")) == 2
    assert len(page.all("img")) == 2 * 4
    assert "SYNTHETIC" not in page.source


def test_synthetic_weights_are_marked_loudly(made):
    page = Page(replace(made.prediction(), methods=(made.method(synthetic=True),)))
    assert page.words.count("SYNTHETIC weights: trained on a rendered stand-in") == 2
    assert page.all("div", "tape")


def test_nothing_found_is_said_and_the_curves_are_drawn(made):
    page = Page(made.prediction())
    assert "Nothing was found." in page.words
    assert len(page.all("path", "line micro")) == 2
    assert page.all("img") == page.all("article") == []


def test_a_clip_that_was_named_needs_no_axis(made):
    clip = made.found(0, 99, 0.6, chances={"joy": 0.6, "fear": 0.4})
    page = Page(replace(made.prediction(clip, members=1), curves={}, methods=(made.method(task="recognition"),)))
    assert "joy (60 %), of 4.0 s taken as one clip" in page.words
    assert page.all("svg", "axis") == page.all("table") == []
    assert len(page.all("article")) == 1


def test_three_hundred_intervals(made):
    rng = np.random.default_rng(0)
    spots = [made.found(3 * i, 3 * i + 1, float(rng.random()), kind=("micro", "macro")[i % 2]) for i in range(300)]
    frames = made.Pictures(1000, shape=(480, 640, 3), noise=True, asked=[])
    page = Page(made.prediction(*spots, frames=frames, face=made.face(1000)))
    assert len(page.all("article")) == CARDS
    assert "300 intervals" in page.words
    assert len(page.source) < 1_500_000
    assert len(re.findall("<tr>", page.source)) == 301
    best = sorted((f.spot.score for f in spots), reverse=True)[:CARDS]
    assert all(f"score {score:.2f}" in page.words for score in best)
    assert frames.asked == sorted({*frames.asked})


def test_a_film_of_an_hour_is_a_small_page(made):
    n = 108_000
    page = Page(made.prediction(made.found(50_000, 50_010), n=n, face=made.face(n, ((200, 300),))))
    assert "in 1 h 12 min" in page.words
    assert len(page.source) < 300_000
    (curve,) = [a["d"] for a in page.all("path", "line micro") if len(a["d"]) > 40]
    points = re.findall(r"[ML](\d+) (\d+)", curve)
    assert len(points) <= POINTS
    assert min(int(y) for _, y in points) == round(HEIGHT * (1 - 0.9))


def test_frames_are_read_once_in_order_and_lost_ones_are_named(made):
    frames = made.Pictures(100, lost=(14,), asked=[])
    page = Page(made.prediction(made.found(40, 49), made.found(10, 19), made.found(19, 40), frames=frames))
    assert frames.asked == sorted({*frames.asked})
    assert set(frames.asked) == {10, 14, 19, 29, 40, 44, 49}
    assert "frame 14 <is> gone" in page.words
    assert len(page.all("div", "shot lost")) == 1


def test_ends_outside_the_film_are_kept_inside(made):
    frames = made.Pictures(20, asked=[])
    Page(made.prediction(made.found(15, 40, apex=30), frames=frames))
    assert frames.asked == [15, 19]


def test_names_are_escaped(made):
    p = made.prediction(
        made.found(1, 5, chances={EVIL: 0.9}),
        methods=(made.method(name=EVIL, source=EVIL, trained_on=EVIL, measured=EVIL, limits=(EVIL,), members=(EVIL,)),),
        notes=(EVIL,),
        facts={EVIL: EVIL},
        face=replace(made.face(), source=EVIL),
    )
    page = Page(replace(p, film=replace(p.film, code=EVIL)))
    assert "alert(" in page.words
    assert "<script>alert" not in page.source
    assert len(page.all("script")) == 1


def test_times_of_an_uneven_film_are_said_to_be_its_own(made):
    page = Page(made.prediction(made.found(60, 69), frames=made.Timed(100), fps=99 / 5.92))
    assert "2.800 to 3.600 s" in page.words
    assert "their times are not even" in page.words


@pytest.mark.parametrize("rows", [[], [3], [0, 50, 99]])
def test_few_rows_are_drawn(made, rows):
    Page(made.prediction(rows=rows))


def test_a_box_lies_between_its_neighbours_and_nowhere_in_a_gap(made):
    track = made.face(lost=((40, 49),))
    track.boxes[38:] += 10
    thin = replace(track, frames=track.frames[::2], boxes=track.boxes[::2])
    assert box_at(thin, 37) == (25, 15, 55, 50)
    assert box_at(thin, 45) is None
    assert box_at(None, 3) is None


curves = st.lists(st.one_of(st.floats(0, 1, width=32), st.just(float("nan"))), min_size=1, max_size=400)


@given(curves, st.integers(4, 60))
def test_a_thinned_curve_keeps_its_highest_and_lowest(values, most):
    curve = np.array(values, dtype=np.float32)
    keep = extremes(curve, most)
    assert len(keep) <= max(most, 2)
    assert (np.diff(keep) > 0).all()
    finite = curve[np.isfinite(curve)]
    if len(finite):
        assert np.nanmax(curve[keep]) == finite.max()
        assert np.nanmin(curve[keep]) == finite.min()


@given(curves)
def test_paths_hold_numbers_only(values):
    curve = np.array(values, dtype=np.float32)
    where = np.arange(len(curve))
    for path in (line(curve, where, len(curve), 1.0), area(curve * np.float32(0.5), curve, where, len(curve), 1.0)):
        assert re.fullmatch(r"([ML]\d+ \d+|Z)*", path)
        assert bool(path) == bool(np.isfinite(curve).any())


def test_the_band_is_that_of_the_members_with_a_number():
    one, two = ({"micro": np.array(v, dtype=np.float32)} for v in ([0.1, np.nan, np.nan], [0.3, 0.2, np.nan]))
    low, high = band({"a": one, "b": two}, "micro", 3)
    np.testing.assert_allclose(low, [0.1, 0.2, np.nan], rtol=1e-6)
    np.testing.assert_allclose(high, [0.3, 0.2, np.nan], rtol=1e-6)
    assert band({"a": one}, "micro", 3) is None


@given(st.floats(0.05, 100_000))
def test_times_are_few_and_inside(end):
    ticks = time_ticks(end)
    assert 1 <= len(ticks) <= 7
    assert all(0 <= t <= end + 1e-9 for t, _ in ticks)
    assert len({label for _, label in ticks}) == len(ticks)
