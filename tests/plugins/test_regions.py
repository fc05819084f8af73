import math
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mezoo_face import detector, mdmo
from mezoo_face.regions import (
    AUWGCN12,
    Cut,
    NoseBox,
    Patch,
    Polygon,
    Rectangle,
    mdmo36,
    parse,
    place,
)

from mezoo import DataError, synthetic

GOLDEN = np.load(Path(__file__).parents[1] / "data" / "auwgcn_features.npz")
BYTES = np.stack([GOLDEN["flow_x"], GOLDEN["flow_y"]], axis=-1)
POINTS = GOLDEN["landmarks"].astype(float)


def auwgcn(flow, points):
    """The whole chain of AUW-GCN: 12 features and the head's motion."""
    shape = flow.shape[1:3]
    head = mdmo.main_direction(place([NoseBox()], points, shape).cut(flow), mdmo.HEAD)[:, 0]
    return mdmo.main_direction(place(AUWGCN12, points, shape).cut(flow).minus(head)), head


def cut_of(*lists):
    """One frame with a region for each list of vectors."""
    owners = np.repeat(np.arange(len(lists)), [len(vectors) for vectors in lists])
    flat = [vector for vectors in lists for vector in vectors]
    return Cut(np.array(flat, dtype=np.float32).reshape(-1, 2), owners, (1, len(lists)))


def by_hand(vectors, edges, share):
    """The rule in plain Python, vector by vector, as its text says; the angle is OpenCV's approximation."""
    bins = [[] for _ in edges]
    angles = cv2.cartToPolar(*np.ascontiguousarray(vectors.T))[1].ravel()
    for (x, y), angle in zip(vectors.tolist(), angles.tolist(), strict=True):
        bins[next((b for b in range(len(edges) - 1) if edges[b] <= angle < edges[b + 1]), -1)].append((x, y))
    main = max(bins, key=len)
    kept = sorted(main, key=lambda v: math.hypot(*v))[len(main) - int(share * len(main)) :]
    total = [sum(v[c] for v in kept) for c in (0, 1)]
    length = sum(math.hypot(*v) for v in kept) / len(kept)
    return [t / (math.hypot(*total) + 1e-6) * length for t in total]


def face(side=100.0, at=(60.0, 70.0)):
    return detector.approximate_landmarks(np.array([*at, at[0] + side, at[1] + side]))[None]


# ------------------------------------------------------------------------------------------------- AUW-GCN's numbers


def test_official_features_and_head_motion():
    features, head = auwgcn(mdmo.official_units(BYTES), POINTS)
    assert features.dtype == np.float32
    np.testing.assert_allclose(features, GOLDEN["features"], rtol=0, atol=1e-5)
    np.testing.assert_allclose(head, GOLDEN["global_flow"], rtol=0, atol=1e-5)


def test_frames_do_not_meet():
    """Block by block as all at once."""
    flow, (whole, _) = mdmo.official_units(BYTES), auwgcn(mdmo.official_units(BYTES), POINTS)
    for i in range(4):
        np.testing.assert_array_equal(auwgcn(flow[i : i + 1], POINTS[i : i + 1])[0][0], whole[i])


@settings(max_examples=25)
@given(st.integers(0, 10**6), st.floats(0.05, 6))
def test_the_rule_vector_by_vector(seed, size):
    rng = np.random.default_rng(seed)
    flow = (rng.normal(size=(2, 90, 90, 2)) * size).astype(np.float32)
    points = rng.uniform(20, 70, (2, 68, 2))
    features, head = auwgcn(flow, points)
    for i in range(2):
        p = np.rint(points[i]).astype(int)
        grow = int((p[42, 0] - p[39, 0]) / 2 * 0.35)
        (x0, y0), (x1, y1) = p[29:31].min(0) - grow, p[29:31].max(0) + grow
        if x1 >= x0 and y1 >= y0:
            nose = flow[i, y0 : y1 + 1, x0 : x1 + 1].reshape(-1, 2)
            if len(nose) > 8:
                np.testing.assert_allclose(head[i], by_hand(nose, mdmo.HEAD.edges, 0.88), rtol=1e-3, atol=1e-5)
        for node, k in enumerate([18, 19, 20, 23, 24, 25, 28, 30, 48, 51, 54, 57]):
            x, y = p[k]
            patch = flow[i, y - 5 : y + 6, x - 5 : x + 6].reshape(-1, 2) - head[i]
            np.testing.assert_allclose(features[i, node], by_hand(patch, mdmo.REGION.edges, 0.6), rtol=1e-3, atol=1e-5)


def test_eight_bits():
    assert mdmo.official_units(np.array([0, 127, 128, 255], np.uint8)).tolist() == pytest.approx(
        [-0.5, -0.5 / 255, 0.5 / 255, 0.5], abs=1e-6
    )
    pixels = np.array([-99.0, -10, 0, 10, 99], np.float32)
    assert mdmo.official_units(pixels).tolist() == pytest.approx([-0.5, -0.5, 0.5 / 255, 0.5, 0.5], abs=1e-6)
    stored = np.arange(256, dtype=np.uint8)
    read = stored.astype(np.float32) * np.float32(20 / 255) - np.float32(10)
    np.testing.assert_array_equal(mdmo.official_units(read), mdmo.official_units(stored))


def test_bins_of_the_head_are_equal_and_those_of_regions_are_not():
    """At 40 degrees: right of the head's border at 45, beyond the region's at 30."""
    a, b = (math.cos(math.radians(40)), math.sin(math.radians(40))), (math.cos(1.0), math.sin(1.0))
    right = [(1, 0)] * 3
    head = mdmo.main_direction(cut_of([a] * 2 + [b] * 3 + right), mdmo.HEAD)[0, 0]
    region = mdmo.main_direction(cut_of([a] * 2 + [b] * 3 + right), mdmo.REGION)[0, 0]
    assert head[1] < 0.6
    assert region[1] > 0.6


@pytest.mark.parametrize(
    ("rule", "order"),
    [(mdmo.HEAD, [(0, 1), (-1, 0), (0, -1), (1, 0)]), (mdmo.REGION, [(0, 1), (-1, 0), (0, -1), (1, 0)])],
)
def test_equally_full_bins_give_the_first(rule, order):
    for first in range(4):
        found = mdmo.main_direction(cut_of([v for v in reversed(order[first:]) for _ in range(2)]), rule)[0, 0]
        np.testing.assert_allclose(found, order[first], atol=1e-5)


@pytest.mark.parametrize(("n", "kept"), [(1, 1), (2, 1), (5, 3), (6, 3), (121, 72)])
def test_share_is_cut_down_to_whole_vectors(n, kept):
    lengths = np.arange(1, n + 1)
    found = mdmo.main_direction(cut_of([(k, 0) for k in np.random.default_rng(0).permutation(lengths)]))[0, 0]
    assert found[0] == pytest.approx(lengths[-kept:].mean(), rel=1e-5)


def test_direction_of_the_sum_with_the_mean_length():
    found = mdmo.main_direction(cut_of([(0.6, 0.8), (-0.6, 0.8)]), mdmo.Rule(mdmo.REGION.edges, 1.0))[0, 0]
    np.testing.assert_allclose(found, [0, 1], atol=1e-5)


# --------------------------------------------------------------------------------------------------------------- MDMO


def test_octants_are_exact():
    vectors = np.array([(x, y) for x in range(-9, 10) for y in range(-9, 10)], dtype=np.float32)
    expected = [int(math.degrees(math.atan2(y, x)) % 360 // 45) for x, y in vectors]
    assert mdmo.octants(vectors).tolist() == expected
    assert mdmo.octants(np.array([[0, 0], [-0.0, -0.0], [1, -0.0]], np.float32)).tolist() == [0, 0, 0]


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(-5, 5), st.integers(-5, 5)), min_size=1, max_size=40))
def test_polar_is_the_mean_of_the_fullest_octant(vectors):
    bins = [[v for v in vectors if math.degrees(math.atan2(v[1], v[0])) % 360 // 45 == b] for b in range(8)]
    x, y = np.mean(max(bins, key=len), axis=0)
    length, angle = mdmo.polar(cut_of(vectors))[0, 0]
    assert length == pytest.approx(math.hypot(x, y), abs=1e-5)
    assert angle == pytest.approx(math.atan2(y, x) % (2 * math.pi), abs=1e-5)


def test_mean_and_regions_without_vectors():
    cut = cut_of([(1, 2), (3, 6)], [], [(5, 5)])
    np.testing.assert_allclose(mdmo.mean(cut)[0], [[2, 4], [0, 0], [5, 5]])
    assert cut.empty == 1
    for reduce in (mdmo.main_direction, mdmo.polar):
        assert reduce(cut)[0, 1].tolist() == [0, 0]
        assert reduce(cut_of([], []))[0].tolist() == [[0, 0], [0, 0]]


# ------------------------------------------------------------------------------------------------------ where they lie


def masks(regions, points, shape):
    """(regions, height, width) int: how often each pixel of the first frame was cut. The flow says where it is."""
    y, x = np.indices(shape)
    cut = place(regions, points, shape).cut(np.stack([x, y], axis=-1)[None].astype(np.float32))
    counted = np.zeros((len(regions), *shape), dtype=int)
    np.add.at(counted, (cut.owners, cut.vectors[:, 1].astype(int), cut.vectors[:, 0].astype(int)), 1)
    return counted


def test_patches_are_eleven_wide_and_go_to_the_nearest_pixel():
    points = np.zeros((1, 68, 2))
    points[0, 18], points[0, 7] = (20.4, 30.6), (50, 50)
    mask = masks([Patch(18), Patch(7, 0)], points, (100, 100))
    assert np.argwhere(mask[0])[[0, -1]].tolist() == [[26, 15], [36, 25]]
    assert mask[0].sum() == 121
    assert np.argwhere(mask[1]).tolist() == [[50, 50]]


def test_patches_at_the_border_are_cut_and_outside_it_empty():
    points = np.full((1, 68, 2), 50.0)
    points[0, :3] = (2, 99), (-200, 5), (104.0, 50)
    placed = place([Patch(0), Patch(1), Patch(2), Patch(3)], points, (100, 100))
    assert placed.beyond.tolist() == [[True, True, True, False]]
    sums = masks([Patch(0), Patch(1), Patch(2), Patch(3)], points, (100, 100)).sum((1, 2))
    assert sums.tolist() == [8 * 6, 0, 1 * 11, 121]


def test_rectangles_tile_the_face_box():
    points = face(137.3, (11.7, 31.1))
    halves = [Rectangle(x, y, x + 0.5, y + 0.5) for x in (0, 0.5) for y in (0, 0.5)]
    whole = masks([Rectangle(0, 0, 1, 1)], points, (240, 240))[0]
    np.testing.assert_array_equal(masks(halves, points, (240, 240)).sum(0), whole)
    pixels = masks([Rectangle(10, 20, 60, 40, "pixels")], points, (240, 240))[0]
    assert np.argwhere(pixels)[[0, -1]].tolist() == [[20, 10], [39, 59]]


@settings(max_examples=60)
@given(st.lists(st.tuples(st.floats(-5, 45), st.floats(-5, 45)), min_size=3, max_size=7))
def test_polygons_hold_the_pixels_that_a_ray_says(corners):
    points = np.zeros((1, 68, 2))
    points[0, : len(corners)] = corners
    regions = [Polygon(tuple(((k, 1.0),) for k in range(len(corners)))), Patch(0, 30)]
    mask = masks(regions, points, (40, 40))[0]
    for y in range(0, 40, 3):
        for x in range(0, 40, 3):
            odd, near = False, False
            for (ax, ay), (bx, by) in zip(corners, [*corners[1:], corners[0]], strict=True):
                if (ay <= y) != (by <= y):
                    crossing = ax + (y - ay) * (bx - ax) / (by - ay)
                    odd, near = odd ^ (crossing <= x), near or abs(crossing - x) < 1e-6
            assert near or mask[y, x] == odd


@pytest.mark.parametrize("seed", range(6))
def test_the_36_regions_tile_faces(seed):
    """No pixel is in two of them, and none between them but the eyes is in none."""
    points = synthetic.make_face(seed).landmarks[None].astype(float) * 0.8 + [200, 200]
    counted = masks(mdmo36(), points, (480, 400)).sum(0)
    assert counted.max() == 1
    x, y = points[0].T
    inside = masks([Polygon(tuple(((k, 1.0),) for k in (*range(17), 26, 24, 22, 21, 19, 17)))], points, (480, 400))[0]
    eyes = [Polygon(tuple(((k, 1.0),) for k in range(first, first + 6))) for first in (36, 42)]
    holes = inside - counted * inside - masks(eyes, points, (480, 400)).sum(0)
    assert (holes == 1).sum() < 0.02 * inside.sum()
    assert y.min() > 0
    assert x.max() < 400


def test_36_regions_in_twins():
    points = face(161.0)
    areas = masks(mdmo36(), points, (320, 320)).sum((1, 2))
    assert len(areas) == 36
    assert areas.min() > 100
    np.testing.assert_allclose(areas[18:], areas[:18], rtol=0.12)
    used = {k for region in mdmo36() for vertex in region.vertices for k, _ in vertex}
    assert max(used) < 60
    for region in mdmo36():
        for vertex in region.vertices:
            assert sum(weight for _, weight in vertex) == pytest.approx(1)


def test_twins_lie_opposite():
    """The mean face is its own mirror image about x = 140: a region's centre of mass goes to its twin's."""
    mask = masks(mdmo36(), face(160.0), (320, 320))
    centres = np.array([np.argwhere(m).mean(0) for m in mask])
    np.testing.assert_allclose(centres[:18, 0], centres[18:, 0], atol=0.6)
    np.testing.assert_allclose(centres[:18, 1] + centres[18:, 1], 280, atol=1.2)


# ------------------------------------------------------------------------------------------------------------- recipes


def test_sets_by_name_and_lists_as_in_a_recipe():
    assert parse("auwgcn12") == AUWGCN12
    assert parse("mdmo36") == mdmo36()
    given = [
        {"landmark": 30, "radius": 7},
        {"landmark": 3},
        {"rectangle": [0, 0.1, 0.5, 1]},
        {"rectangle": [1, 2, 30, 40], "unit": "pixels"},
        {"polygon": [17, 19, [36, 39]]},
    ]
    assert parse(given) == (
        Patch(30, 7),
        Patch(3, 5),
        Rectangle(0, 0.1, 0.5, 1),
        Rectangle(1, 2, 30, 40, "pixels"),
        Polygon((((17, 1.0),), ((19, 1.0),), ((36, 0.5), (39, 0.5)))),
    )


@pytest.mark.parametrize(
    "wrong",
    [
        "mdmo35",
        [],
        [{"landmark": 68}],
        [{"landmark": "18"}],
        [{"landmark": 3, "radius": -1}],
        [{"landmark": 3, "radus": 1}],
        [{"rectangle": [0, 0, 1]}],
        [{"rectangle": [1, 0, 0, 1]}],
        [{"rectangle": [0, 0, 1, 1], "unit": "mm"}],
        [{"polygon": [1, 2]}],
        [{"polygon": [1, 2, []]}],
        [{"circle": 3}],
        [3],
    ],
)
def test_what_is_no_region_is_refused_with_the_forms(wrong):
    with pytest.raises(DataError) as caught:
        parse(wrong)
    assert "landmark: 18" in caught.value.hint
