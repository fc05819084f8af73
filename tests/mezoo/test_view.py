import base64
import io
import re
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from mezoo.errors import DataError
from mezoo.records import Expression, Features, Video
from mezoo.view import write_page
from mezoo.view.charts import path, table_map, timeline
from mezoo.view.choose import Numbered, equidistant, key_frames, labels, numbered, shown
from mezoo.view.colours import cold_warm, flow_colours, heat, legend, wheel
from mezoo.view.drawing import jpeg_uri, line_path, lines, thumbnail
from mezoo.view.features import Seen, end_of_scale, look_of
from mezoo.view.shots import difference
from mezoo.view.words import facts, units

EVIL = '<script>alert("x")</script>&\'"'
MICRO = Expression("e1", "micro", 20, 60, 41, "happiness", "R6A+ref(12)", 1, {"Onset": "21", "Note": "as it was"})
RIGHT, DOWN, LEFT, UP = (1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0)


@dataclass(frozen=True)
class Pictures:
    """Frames made when asked; `lost` ones cannot be read; `asked` is the order in which they were read."""

    count: int
    shape: tuple[int, ...] = (60, 48, 3)
    lost: tuple[int, ...] = ()
    noise: bool = False
    asked: list[int] | None = None

    def __len__(self) -> int:
        return self.count

    def read(self, index, *, grey=False):
        if self.asked is not None:
            self.asked.append(index)
        if index in self.lost:
            raise DataError(f"img{index}.jpg is truncated {EVIL}", hint="copy it again")
        if self.noise:
            return np.random.default_rng(index).integers(0, 256, self.shape, dtype=np.uint8)
        return np.full(self.shape, index % 200, dtype=np.uint8)

    def number(self, index):
        return index + 1

    def files(self):
        return ()


def a_video(n=100, *expressions, **more) -> Video:
    given = {"fps": 200.0, "frames": Pictures(n), "synthetic": True} | more
    return Video("casme2", "01", given.pop("code", "EP02_01f"), expressions=expressions, **given)


def a_feature(values, n=100, positions=None, **stated) -> Features:
    where = np.linspace(0, n - 1, len(values)).astype(np.int64) if positions is None else np.array(positions)
    return Features(np.asarray(values), where, n, 25.0, stated)


def rng(*shape):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


class Page(HTMLParser):
    """Tags with their attributes, visible text, and whether every tag is closed."""

    VOID = {"meta", "img", "input", "br", "link"}

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.source = file.read_text(encoding="utf-8")
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words = ""
        self.feed(self.source)
        assert self.open == []

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

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


def page_of(video, out, **more) -> Page:
    return Page(write_page(video, out, **more)[0])


# Colours


def test_the_wheel_has_the_published_corners():
    corners = {0: (1, 0, 0), 15: (1, 1, 0), 21: (0, 1, 0), 25: (0, 1, 1), 36: (0, 0, 1), 49: (1, 0, 1)}
    assert wheel().shape == (55, 3)
    for place, colour in corners.items():
        assert wheel()[place].tolist() == list(colour)


def test_directions_have_their_hues_and_rest_is_white():
    field = np.array([RIGHT, DOWN, LEFT, UP, (0.0, 0.0)])
    red, yellow, blue_green, violet, white = flow_colours(field, 1.0).tolist()
    assert red == [255, 0, 0]
    assert white == [255, 255, 255]
    assert yellow[0] == 255
    assert 200 < yellow[1] < 255
    assert yellow[2] == 0
    assert blue_green[0] == 0
    assert min(blue_green[1:]) > 180
    assert violet[2] == 255
    assert violet[1] == 0


@pytest.mark.parametrize("place", [0, 7, 15, 21, 25, 36, 49, 54])
def test_an_angle_is_a_hue(place):
    angle = 2 * np.pi * place / 55
    found = flow_colours(np.array([np.cos(angle), np.sin(angle)]) * 0.9999999, 1.0)
    assert np.abs(found.astype(int) - np.rint(255 * wheel()[place]).astype(int)).max() <= 1


@given(st.floats(-np.pi, np.pi), st.floats(0, 1), st.floats(0.01, 100))
def test_only_direction_and_share_of_the_scale_count(angle, share, scale):
    vector = np.array([np.cos(angle), np.sin(angle)]) * share * 0.999
    assert np.abs(flow_colours(vector, 1.0).astype(int) - flow_colours(vector * scale, scale)).max() <= 1


@given(st.floats(-np.pi, np.pi), st.floats(0.1, 0.9))
def test_a_longer_vector_is_less_white_and_beyond_the_scale_darker(angle, share):
    unit = np.array([np.cos(angle), np.sin(angle)])
    half, full, beyond = (flow_colours(unit * r, 1.0).astype(int) for r in (share, 0.9999, 1.01))
    assert (full <= half + 1).all()
    assert half.max() >= 254
    assert beyond.max() == 191


def test_the_hue_jumps_nowhere():
    angles = np.linspace(-np.pi, np.pi, 2001)
    ring = flow_colours(np.stack([np.cos(angles), np.sin(angles)], -1) * 0.999, 1.0).astype(int)
    assert np.abs(np.diff(ring, axis=0)).max() <= 10
    assert np.abs(ring[0] - ring[-1]).max() <= 1


def test_a_field_is_coloured_pixel_by_pixel():
    field = rng(5, 7, 2)
    assert (flow_colours(field[:, ::-1], 2.0) == flow_colours(field, 2.0)[:, ::-1]).all()
    field[2, 3] = np.nan
    assert flow_colours(field, 2.0)[2, 3].tolist() == [150, 150, 150]


def test_the_legend_shows_each_direction_where_it_points():
    disc = legend(101)
    for (x, y), place in {RIGHT: (50, 98), DOWN: (98, 50), LEFT: (50, 2), UP: (2, 50)}.items():
        expected = flow_colours(np.array([x, y]) * 0.9505, 1.0).astype(int)
        assert np.abs(disc[place].astype(int) - expected).max() <= 2
    assert disc[50, 50].tolist() == [255, 255, 255]
    assert disc[0, 0].tolist() == [255, 255, 255]


def test_heat_gets_darker_and_signs_get_sides():
    ramp = heat(np.linspace(-1, 2, 50), 0.0, 1.0).astype(int).sum(1)
    assert (np.diff(ramp) <= 0).all()
    assert ramp[0] > 700
    cold, zero, warm = cold_warm(np.array([-2.0, 0.0, 2.0]), 2.0).astype(int)
    assert cold[2] > cold[0] + 100
    assert warm[0] > warm[2] + 100
    assert zero.min() > 245
    assert heat(np.array([np.nan]), 0, 1).tolist() == [[150, 150, 150]]


# Which frames


@given(st.integers(1, 3000), st.integers(1, 40), st.data())
def test_equidistant_frames_hold_the_wanted_ones(n, rows, data):
    wanted = data.draw(st.lists(st.integers(0, n - 1), max_size=4, unique=True))
    found = equidistant(n, rows, wanted)
    assert found == sorted(set(found))
    assert set(wanted) <= set(found)
    assert found[0] >= 0
    assert found[-1] < n
    assert len(found) <= max(min(rows, n), len(wanted)) + len(wanted)
    if not wanted and rows >= 2:
        assert (found[0], found[-1]) == (0, n - 1)
        assert len(found) == min(rows, n)


def test_key_frames_stay_inside_and_a_missing_apex_is_the_middle():
    assert key_frames(MICRO, 100) == (("onset", 20), ("apex", 41), ("offset", 60))
    loose = Expression("x", "micro", 90, 130)
    assert key_frames(loose, 100) == (("onset", 90), ("middle, no apex given", 99), ("offset", 99))


def test_frames_are_called_what_they_are():
    one, two = numbered(a_video(100, MICRO)), numbered(a_video(100, MICRO, replace(MICRO, kind="macro", onset=5)))
    assert labels(41, one, 100) == ("apex",)
    assert labels(42, one, 100) == ()
    assert labels(41, two, 100) == ("apex 1", "apex 2")
    assert labels(10, two, 100) == ("macro 1",)
    assert labels(99, two, 100) == ()


def test_of_many_expressions_the_micro_ones_are_shown_first():
    many = [Expression(f"e{i}", "macro" if i < 10 else "micro", 10 * i, 10 * i + 5) for i in range(20)]
    found = shown(numbered(a_video(300, *many)), 12)
    assert [n.number for n in found] == [1, 2, *range(11, 21)]


# Features


@pytest.mark.parametrize(
    ("shape", "dtype", "stated", "look"),
    [
        ((3, 20, 30), np.uint8, {}, "pictures"),
        ((3, 20, 30, 3), np.uint8, {}, "pictures"),
        ((3, 20, 30, 1), np.uint8, {}, "pictures"),
        ((3, 20, 30, 3), np.uint8, {"channels": ["u", "v", "grey"], "bound": 10.0}, "flow"),
        ((3, 20, 30, 2), np.uint8, {}, "flow"),
        ((3, 20, 30, 3), np.float32, {"unit": "grey levels"}, "pictures"),
        ((3, 20, 30), np.float32, {"unit": "grey levels"}, "pictures"),
        ((3, 20, 30, 2), np.float16, {}, "flow"),
        ((3, 20, 30, 3), np.float32, {}, "flow"),
        ((3, 20, 30), np.float32, {}, "maps"),
        ((3, 20, 30, 1), np.float32, {}, "maps"),
        ((3, 68, 2), np.float32, {}, "landmarks"),
        ((3, 12, 2), np.float32, {}, "regions"),
        ((3, 12, 6), np.float32, {}, "table"),
        ((3, 40), np.float32, {}, "table"),
        ((3,), np.float32, {}, "table"),
        ((3, 2, 20, 30, 2), np.float32, {}, "other"),
    ],
)
def test_looks(shape, dtype, stated, look):
    assert look_of(a_feature(np.zeros(shape, dtype), **stated)) == look


def test_a_few_wild_values_do_not_set_a_scale():
    values = np.ones(10_000)
    values[:40] = 1e6
    values[41] = np.nan
    assert end_of_scale(values) == 1.0
    assert end_of_scale(np.zeros(5)) == 1.0
    assert end_of_scale(np.array([-3.0])) == 3.0


def test_flow_has_one_scale_for_the_video_and_knows_where_it_is_fastest():
    values = np.zeros((10, 40, 40, 3), np.float32)
    values[..., 0] = 0.5
    values[4, ..., 1] = -2.0
    values[:, 0, 0] = 1e6
    values[..., 2] = 0.25
    seen = Seen("tvl1", a_feature(values, channels=["u", "v", "strain"], unit="px"), 100)
    assert seen.scales == pytest.approx((np.hypot(0.5, 2.0), 0.25))
    assert seen.fastest(0, 99) == 44
    assert seen.fastest(90, 99) == 99
    assert seen.fastest(12, 13) is None
    flow, strain = seen.layers(0, 40)
    assert (flow.name, strain.name) == ("flow", "strain")
    assert (flow.image[20, 20] == flow_colours(np.array([0.5, 0.0]), seen.scales[0])).all()
    assert strain.image[20, 20].tolist() == heat(np.array(1.0), 0, 1).tolist()
    assert [c.title for c in seen.curves] == ["mean length of the vectors", "mean strain"]


def test_bytes_of_flow_are_pixels_again():
    seen = Seen("f", a_feature(np.full((4, 9, 9, 2), 255, np.uint8), bound=5.0), 100)
    assert seen.scales == pytest.approx((np.hypot(5, 5),))


def test_a_row_stands_for_the_frames_nearest_to_it():
    values = np.arange(3, dtype=np.uint8)[:, None, None] * np.ones((3, 9, 9), np.uint8)
    seen = Seen("crop", a_feature(values, positions=[0, 50, 99]), 100)
    assert [seen.row(f) for f in (0, 25, 26, 74, 75, 99)] == [0, 0, 1, 1, 2, 2]
    assert seen.layers(26, 9)[0].image.max() == 1
    assert seen.layers(26, 9)[0].tip == "row of frame 50"


def test_a_feature_of_another_video_is_refused():
    with pytest.raises(DataError, match=r"5 rows of 90 frames.*100 frames"):
        Seen("x", a_feature(np.zeros((5, 3)), n=90), 100)


def test_a_table_is_a_picture_of_time_by_number():
    values = np.zeros((2, 3), np.float32)
    values[1, 0] = 5
    image, words = table_map(Seen("t", a_feature(values, positions=[0, 99]), 100))
    assert image.shape == (3, 100, 3)
    assert words.startswith("white 0")
    dark = image.astype(int).sum(-1) < 300
    assert dark[2, 50:].all()
    assert dark.sum() == 50
    assert "blue -4.87, white 0" in table_map(Seen("t", a_feature(-values), 100))[1]


# Drawing


def test_landmarks_become_lines_in_shares_of_the_frame():
    points = np.stack([np.arange(68.0), np.full(68, 9.5)], axis=1)
    found = {line.name: line for line in lines(points, (20, 100))}
    assert set(found) >= {"jaw", "right brow", "left brow", "nose bridge", "right eye", "left eye", "outer lips"}
    assert sum(len(line.points) for line in found.values()) == 68
    assert found["jaw"].points[[0, -1]].tolist() == [[0.005, 0.5], [0.165, 0.5]]
    assert (found["right eye"].closed, found["jaw"].closed) == (True, False)
    assert line_path(found["right eye"]).startswith("M365 500L375 500")
    assert line_path(found["right eye"]).endswith("Z")
    points[36:42], points[0] = np.nan, np.nan
    fewer = {line.name: line for line in lines(points, (20, 100))}
    assert "right eye" not in fewer
    assert len(fewer["jaw"].points) == 16


@pytest.mark.parametrize("shape", [(300, 100), (300, 100, 1), (300, 100, 3)])
def test_thumbnails_keep_proportions_and_are_rgb(shape):
    assert thumbnail(np.zeros(shape, np.uint8), 60).shape == (60, 20, 3)
    assert thumbnail(np.zeros(shape, np.uint8), 600).shape == (300, 100, 3)


def test_a_noisy_picture_stays_small_and_a_calm_one_good():
    noise = np.random.default_rng(0).integers(0, 256, (300, 300, 3), dtype=np.uint8)
    calm = np.full((300, 300, 3), 77, np.uint8)
    assert len(decode(jpeg_uri(noise))[1]) < 25_000
    assert (np.asarray(decode(jpeg_uri(calm))[0]) == 77).all()


def decode(uri):
    head, _, body = uri.partition(";base64,")
    assert head in {"data:image/jpeg", "data:image/png"}
    raw = base64.b64decode(body, validate=True)
    return Image.open(io.BytesIO(raw)), raw


def test_the_difference_is_signed_and_names_its_scale():
    onset, apex = np.full((10, 10, 3), 100, np.uint8), np.full((10, 10, 3), 100, np.uint8)
    apex[0], apex[9] = 140, 60
    found = difference(onset, apex)
    assert found is not None
    assert found.tip.endswith("±40 grey levels")
    assert found.image[0, 0, 0] > found.image[0, 0, 2]
    assert found.image[9, 0, 2] > found.image[9, 0, 0]
    assert difference(onset, apex[:5]) is None
    assert difference(None, apex) is None


def test_a_line_breaks_where_a_number_is_missing_and_keeps_its_peak():
    values = np.array([0.0, np.nan, 1.0, 0.5], np.float32)
    assert path(values, np.arange(4), 4, (0.0, 1.0)) == "M125 1000M625 0L875 500"
    long = np.zeros(5000, np.float32)
    long[3210] = 1.0
    drawn = path(long, np.arange(5000), 5000, (0.0, 1.0))
    assert drawn.count("L") < 500
    assert "L642 0" in drawn


def test_the_timeline_is_well_formed_and_in_its_place():
    items = numbered(a_video(100, MICRO, Expression(EVIL, "macro", 50, 99, emotion=EVIL)))
    tree = ElementTree.fromstring(timeline(a_video(100, MICRO), items, [0, 99], [1]))
    boxes = [e.attrib for e in tree.iter("rect")]
    assert [(b["class"], b["x"], b["width"]) for b in boxes] == [
        ("true micro", "20%", "41%"),
        ("true macro", "50%", "50%"),
    ]
    assert [e.attrib["x1"] for e in tree.iter("line") if e.attrib["class"] == "apex"] == ["41.5%"]
    assert [e.attrib["href"] for e in tree.iter("a")] == ["#e1"]


def test_expressions_that_overlap_stand_in_rows_of_their_own():
    both = numbered(a_video(100, MICRO, replace(MICRO, onset=30)))
    rows = {e.attrib["y"] for e in ElementTree.fromstring(timeline(a_video(), both, [], [])).iter("rect")}
    assert len(rows) == 2


# Words


def test_action_units_in_words():
    assert units("R6A+ref(12)") == ["AU6 cheek raiser, right, intensity A", "AU12 lip corner puller, scored with doubt"]
    assert units("") == []


def test_facts_are_flat():
    given = {"unit": "px", "flow": {"bound": 10.0, "pairs": [[0, 1]] * 20}, "ok": True}
    expected = [("unit", "px"), ("flow.bound", "10"), ("flow.pairs", ", ".join(["0, 1"] * 12) + ", … (20 in all)")]
    assert facts(given) == [*expected, ("ok", "true")]


# The page


def test_the_page_of_a_clip(tmp_path):
    asked: list[int] = []
    video = a_video(100, MICRO, frames=Pictures(100, asked=asked))
    page, sheet = write_page(video, tmp_path / "new", landmarks=rng(68, 2) + 20)
    assert (page.name, sheet.name) == ("EP02_01f.html", "EP02_01f.png")
    assert asked == sorted(set(asked))
    assert {20, 41, 60} <= set(asked)
    read = Page(page)
    assert read.words.count("SYNTHETIC") == 2
    assert "licensed" not in read.words
    for word in ("AU6 cheek raiser, right, intensity A", "happiness", "0.100–0.305", "205 ms", "as it was"):
        assert word in read.words
    assert len(read.all("h2")) == 3
    assert any(a.get("class") == "lm" for a in read.all("path"))
    assert list(tmp_path.glob("new/*.part")) == []


def test_a_page_needs_nothing_else_and_speaks(tmp_path):
    page = page_of(a_video(100, MICRO), tmp_path, feature=("tvl1", a_feature(rng(9, 20, 20, 3))))
    assert {a["src"][:5] for a in page.all("img")} == {"data:"}
    assert all("alt" in a for a in page.all("img"))
    assert not re.search(r"https?://|@import|url\(", page.source)
    for attributes in page.all("img"):
        decode(attributes["src"])[0].load()
    ids = {a["id"] for _, a in page.tags if "id" in a}
    targets = {a["href"][1:] for a in page.all("a")}
    assert targets <= ids
    assert "e1" in targets
    assert all(a.get("aria-label") for a in page.all("svg") if a.get("role"))


def test_a_real_video_carries_a_note_and_no_mark(tmp_path):
    page = page_of(a_video(50, MICRO, synthetic=False), tmp_path)
    assert "SYNTHETIC" not in page.source
    assert page.words.count("Pictures of a person: for your own eyes") == 2


def test_all_text_is_escaped(tmp_path):
    evil = Expression(EVIL, "micro", 2, 9, 4, EVIL, EVIL, None, {EVIL: EVIL})
    video = replace(a_video(40, evil, frames=Pictures(40, lost=(0,))), dataset=EVIL, subject=EVIL, code=EVIL)
    page = page_of(video, tmp_path, feature=(EVIL, a_feature(rng(5, 12, 2), n=40, **{EVIL: [EVIL], "unit": EVIL})))
    assert page.source.count("<script>") == 1
    assert page.words.count(EVIL) > 8
    assert next(p.name for p in tmp_path.iterdir() if p.suffix == ".html").startswith("_script_alert")


@pytest.mark.parametrize(
    "values",
    [
        np.zeros((6, 24, 20), np.uint8),
        np.zeros((6, 24, 20, 3), np.uint8),
        np.zeros((6, 24, 20, 2), np.float32),
        rng(6, 24, 20).astype(np.float16),
        rng(6, 24, 20, 4),
        rng(6, 68, 2) + 30,
        rng(6, 60, 2),
        rng(6, 7),
        np.full((6, 7), np.nan, np.float32),
        rng(6),
        rng(6, 2, 9, 9, 2),
        np.zeros((0, 7), np.float32),
    ],
    ids=lambda v: "x".join(map(str, v.shape)) + f"-{v.dtype}",
)
def test_every_shape_of_feature_has_a_page(tmp_path, values):
    page = page_of(a_video(100, MICRO), tmp_path, feature=("thing", a_feature(values, scale=3)), rows=4)
    assert "Feature: thing" in page.words
    assert " × ".join(map(str, values.shape)) in page.words
    layers = sum(a.get("class") == "shot layer" for a in page.all("div"))
    looks = look_of(a_feature(values)) if len(values) else "other"
    pictured = looks in {"pictures", "flow", "maps"}
    assert (layers > 0) == pictured


def test_regions_are_small_charts_with_a_cap(tmp_path):
    page = page_of(a_video(100, MICRO), tmp_path, feature=("roi_flow", a_feature(rng(20, 60, 2))), rows=4)
    assert sum(a.get("class") == "fig chart" for a in page.all("svg")) == 48
    assert "12 more are left out" in page.words


def test_a_long_video_shows_some_expressions_and_says_how_many_not(tmp_path):
    many = [Expression(f"e{i}", "macro" if i % 2 else "micro", 50 * i, 50 * i + 20, 50 * i + 9) for i in range(30)]
    page = page_of(a_video(1600, *many), tmp_path)
    assert sum(a.get("class") == "scene" for a in page.all("div")) == 12
    assert "Without pictures here: 3 micro-expressions and 15 macro-expressions" in page.words
    assert len({a["id"] for a in page.all("div") if a.get("class") == "scene"}) == 12


def test_the_worst_page_stays_below_five_megabytes(tmp_path):
    many = [Expression(f"e{i}", "micro", 30 * i, 30 * i + 20, 30 * i + 9) for i in range(20)]
    video = a_video(620, *many, frames=Pictures(620, (320, 320, 3), noise=True))
    flow = a_feature(rng(8, 320, 320, 3), n=620)
    page, sheet = write_page(video, tmp_path, feature=("tvl1", flow))
    assert page.stat().st_size < 5_000_000
    assert sheet.stat().st_size < 25_000_000


def test_frames_that_cannot_be_read_are_named(tmp_path):
    video = a_video(100, MICRO, frames=Pictures(100, lost=(41, 60)))
    page = page_of(video, tmp_path)
    assert page.words.count("img41.jpg is truncated") == 2
    assert "apex less onset" not in page.words
    nothing = page_of(replace(video, frames=Pictures(3, lost=(0, 1, 2))), tmp_path)
    assert not nothing.all("img")


def test_a_video_without_annotation_or_of_one_frame(tmp_path):
    assert "no annotation" in page_of(a_video(10), tmp_path).words
    still = page_of(a_video(1, Expression("x", "micro", 0, 0)), tmp_path)
    assert "1 frame" in still.words


@pytest.mark.parametrize("shape", [(67, 2), (99, 68, 2), (68, 3)])
def test_landmarks_that_do_not_fit_are_refused(tmp_path, shape):
    with pytest.raises(DataError, match=r"landmarks of the shape .* 100 frames"):
        write_page(a_video(100, MICRO), tmp_path, landmarks=np.zeros(shape))


def test_landmarks_move_with_their_frame(tmp_path):
    points = np.zeros((100, 68, 2)) + np.arange(100)[:, None, None] * 0.1
    page = page_of(a_video(100, MICRO), tmp_path, landmarks=points)
    drawn = [a["d"].split("L")[0] for a in page.all("path") if a.get("class") == "lm"]
    # Onset, apex and offset of the scene come first: frames 20, 41, 60 of pictures 48 px wide and 60 px high.
    assert drawn[:3] == [f"M{1000 * (0.1 * f + 0.5) / 48:.0f} {1000 * (0.1 * f + 0.5) / 60:.0f}" for f in (20, 41, 60)]


def test_the_same_video_makes_the_same_page(tmp_path):
    given = a_video(100, MICRO), ("crop", a_feature(rng(9, 20, 20, 2)))
    one, two = (write_page(given[0], tmp_path / n, feature=given[1]) for n in "ab")
    assert [p.read_bytes() for p in one] == [p.read_bytes() for p in two]


def test_the_sheet_shows_the_same_frames_and_the_mark(tmp_path):
    real, made = (write_page(a_video(100, MICRO, synthetic=s), tmp_path / str(s))[1] for s in (False, True))
    pixels = [np.asarray(Image.open(p).convert("RGB")) for p in (real, made)]
    assert pixels[0].shape == pixels[1].shape
    assert pixels[0].shape[1] == 1440
    yellow = [(p == (244, 182, 58)).all(-1).sum() for p in pixels]
    assert yellow[0] == 0
    assert yellow[1] > 4000
    # Frame 41 is a plain grey of level 41: onset to offset of the scene and of the overview.
    assert (pixels[1] == 41).all(-1).sum() > 2 * 100 * 100


def test_numbers_follow_time():
    late, early = replace(MICRO, onset=50, code="late"), replace(MICRO, code="early")
    assert [(n.number, n.expression.code) for n in numbered(a_video(100, late, early))] == [(1, "early"), (2, "late")]
    assert Numbered(3, MICRO).name == "3 micro-expression"


def test_outlines_of_regions_are_drawn_on_their_frame(tmp_path):
    outlines = {"frame": 7, "polygons": [[[1, 1], [4, 1], [4, 5]], [[6, 6], [9, 6], [9, 9], [6, 9]]]}
    feature = a_feature(rng(20, 4, 2), components=["length", "angle"], outlines=outlines)
    page = page_of(a_video(100, MICRO), tmp_path, feature=("roi_flow", feature), rows=4)
    assert "2 regions, as they lie in frame 7" in page.words
    assert "length" in page.words
    assert "polygons" not in page.words
