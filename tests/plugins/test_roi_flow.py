from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from mezoo_face import approximate, detector, roi_flow
from mezoo_face.landmarks import Found
from mezoo_face.roi_flow import RoiFlow

from mezoo import DataError, FeatureExtractor, Features, Video, synthetic

GOLDEN = np.load(Path(__file__).parents[1] / "data" / "auwgcn_features.npz")
BYTES = np.stack([GOLDEN["flow_x"], GOLDEN["flow_y"]], axis=-1)


@dataclass(frozen=True)
class GivenFlow(FeatureExtractor):
    """Flow made elsewhere, (pairs, height, width, 2); a row stands at `positions`."""

    version = "7"

    values: np.ndarray
    positions: tuple[int, ...]
    facts: Mapping[str, object] = field(default_factory=dict)
    crop: object = None
    fps: float | None = None

    def __call__(self, video):
        positions = np.array(self.positions, dtype=np.int64)
        return Features(self.values, positions, len(video.frames), self.fps or video.fps, self.facts)

    def sources(self, video):
        return (Path("flow.bin"),)

    def environment(self):
        return {"flowlib": "3.1"}


@dataclass(frozen=True)
class Blank:
    """Frames without a picture, of one shape (height, width)."""

    n: int
    shape: tuple[int, int]

    def __len__(self):
        return self.n

    def read(self, index, *, grey=False):
        return np.zeros(self.shape, np.uint8)

    def number(self, index):
        return index + 1

    def files(self):
        return ()


def video(tmp_path, points, shape=(200, 200), fps=30.0):
    np.save(tmp_path / "v.npy", points)
    return Video("toy", "01", "v", fps, Blank(len(points), shape), landmarks=tmp_path / "v.npy")


def golden_video(tmp_path):
    """Five frames; flow row i goes from frame i to i + 1. The landmarks of frame 0 are nobody's."""
    return video(tmp_path, np.concatenate([GOLDEN["landmarks"][:1] + 20, GOLDEN["landmarks"]]))


def face(side=100.0, at=(50.0, 60.0), n=3):
    box = np.array([*at, at[0] + side, at[1] + side])
    return np.repeat(detector.approximate_landmarks(box)[None], n, 0)


def steady(vector, n=2, shape=(200, 200)):
    return np.tile(np.array(vector, np.float32), (n, *shape, 1))


# ------------------------------------------------------------------------------------------------------------- numbers


@pytest.mark.parametrize("stored", ["uint8", "float32"])
def test_official_numbers_with_the_landmarks_of_the_second_frame(tmp_path, stored):
    values = BYTES if stored == "uint8" else BYTES.astype(np.float32) * np.float32(20 / 255) - np.float32(10)
    film = golden_video(tmp_path)
    for at, positions in (("second", (1, 2, 3, 4)), ("first", (0, 1, 2, 3))):
        made = RoiFlow(GivenFlow(values, positions), at=at, scale="official", border="error")(film)
        assert made.values.dtype == np.float32
        np.testing.assert_allclose(made.values, GOLDEN["features"], rtol=0, atol=1e-5)
        assert made.positions.tolist() == list(positions)
        assert (made.n_frames, made.fps) == (5, 30.0)
    wrong = RoiFlow(GivenFlow(values, (0, 1, 2, 3)), at="second", scale="official")(film)
    assert np.abs(wrong.values - GOLDEN["features"]).max() > 1e-3


def test_pixels_of_8_bit_flow_are_the_official_numbers_times_twice_the_bound(tmp_path):
    flow = GivenFlow(BYTES, (1, 2, 3, 4), {"bound": 10.0})
    pixels = RoiFlow(flow)(golden_video(tmp_path)).values
    np.testing.assert_allclose(pixels, 20 * GOLDEN["features"], rtol=0, atol=2e-4)
    four = RoiFlow(GivenFlow(BYTES, (1, 2, 3, 4), {"bound": 4.0}))(golden_video(tmp_path)).values
    np.testing.assert_allclose(four, 8 * GOLDEN["features"], rtol=0, atol=1e-4)


def test_pixels_of_8_bit_flow_in_polar_form_keep_their_angle(tmp_path):
    film, positions = golden_video(tmp_path), (1, 2, 3, 4)
    units, pixels = (
        RoiFlow(GivenFlow(BYTES, positions), reduce="polar", scale=s)(film).values for s in ("official", "pixels")
    )
    np.testing.assert_allclose(pixels, units * [20, 1], rtol=1e-6)
    assert (units[..., 1] > 1).any()


def test_head_motion_goes_and_can_stay(tmp_path):
    film = video(tmp_path, face())
    flow = GivenFlow(steady((1.5, -0.5)), (1, 2))
    np.testing.assert_allclose(RoiFlow(flow)(film).values, 0, atol=1e-5)
    kept = RoiFlow(flow, global_motion="none")(film).values
    np.testing.assert_allclose(kept, np.broadcast_to([1.5, -0.5], (2, 12, 2)), atol=1e-4)
    length, angle = np.moveaxis(
        RoiFlow(flow, global_motion="none", reduce="polar", regions="mdmo36")(film).values, -1, 0
    )
    assert length.shape == (2, 36)
    np.testing.assert_allclose(length, np.hypot(1.5, 0.5), rtol=1e-5)
    np.testing.assert_allclose(angle, 2 * np.pi - np.arctan2(0.5, 1.5), rtol=1e-5)


def test_further_channels_are_left_alone(tmp_path):
    flow = np.concatenate([steady((1, 0)), steady((50, 50))], axis=-1)
    kept = RoiFlow(GivenFlow(flow, (1, 2)), reduce="mean", global_motion="none")(video(tmp_path, face())).values
    np.testing.assert_allclose(kept, np.broadcast_to([1, 0], (2, 12, 2)))


def test_regions_of_a_recipe(tmp_path):
    y, x = np.indices((200, 200), dtype=np.float32)
    flow = GivenFlow(np.stack([x, y], -1)[None], (1,))
    given = [{"landmark": 30, "radius": 2}, {"rectangle": [10, 20, 31, 61], "unit": "pixels"}, {"polygon": [0, 8, 16]}]
    made = RoiFlow(flow, regions=given, reduce="mean", global_motion="none")(video(tmp_path, face(n=2))).values[0]
    points = face()[0]
    np.testing.assert_allclose(made[:2], [np.rint(points[30]), [20, 40]])
    np.testing.assert_allclose(made[2], points[[0, 8, 16]].mean(0), atol=0.5)


def test_a_smile_moves_the_corners_of_the_mouth(tmp_path):
    """True motion of a rendered face: nodes 8 and 10 go up and apart, more than all others."""
    smile = synthetic.Movement("macro", 0, 1, 2, ((12, ""),), "happiness", 6.0)
    script = synthetic.Script(30.0, 3, (smile,), (), np.zeros((3, 3), np.float32), 1.0)
    film = synthetic.Film(synthetic.make_face(3), script, synthetic.FilmSpec(260, 220, 160.0, noise=0.0))
    clip = video(tmp_path, np.stack([film.landmarks(i) for i in range(2)]), (260, 220))
    x, y = RoiFlow(GivenFlow(film.motion(1)[None], (1,)))(clip).values[0].T
    assert set(np.argsort(np.hypot(x, y))[-2:]) == {8, 10}
    assert max(y[8], y[10]) < -0.3
    assert x[8] < 0 < x[10]


# -------------------------------------------------------------------------------------------------------- where it lies


def test_a_patch_outside_gives_zeros_and_is_counted(tmp_path):
    points = face(n=3)
    points[1, 48] = (-300, 90)
    points[2, 18] = (2, 90)
    flow = GivenFlow(steady((1, 1)), (1, 2))
    made = RoiFlow(flow, global_motion="none")(video(tmp_path, points))
    assert made.values[0, 8].tolist() == [0, 0]
    assert (np.delete(made.values.reshape(24, 2), 8, axis=0) > 0.9).all()
    assert made.facts["empty_regions"] == 1
    assert made.facts["empty_noses"] == 0


def test_the_official_rule_refuses_what_reaches_out(tmp_path):
    points = face(n=3)
    points[2, 18] = (4, 90)
    with pytest.raises(DataError, match=r"region 0 .* frame 2 of toy/01/v"):
        RoiFlow(GivenFlow(steady((1, 1)), (1, 2)), border="error")(video(tmp_path, points))
    points = face(n=3)
    points[1, 29:31] = (100, 199)
    with pytest.raises(DataError, match=r"region 7|the nose"):
        RoiFlow(GivenFlow(steady((1, 1)), (1, 2)), border="error")(video(tmp_path, points))


def test_landmarks_follow_resized_frames(tmp_path):
    rng = np.random.default_rng(0)
    small = GivenFlow(rng.normal(size=(2, 100, 100, 2)).astype(np.float32), (1, 2))
    large, half = face(), (face() + 0.5) / 2 - 0.5
    one = RoiFlow(small)(video(tmp_path, large, (200, 200))).values
    np.testing.assert_allclose(one, RoiFlow(small)(video(tmp_path, half, (100, 100))).values, atol=1e-5)


def test_landmarks_follow_a_crop_that_stands_still(tmp_path):
    rng = np.random.default_rng(0)
    values = rng.normal(size=(2, 120, 100, 2)).astype(np.float32)
    crop = {"crop": {"first_box": [40.0, 60, 140, 180], "follow": "first"}}
    cropped = RoiFlow(GivenFlow(values, (1, 2), crop, crop="face_crop"))(video(tmp_path, face())).values
    whole = np.zeros((2, 200, 200, 2), np.float32)
    whole[:, 60:180, 40:140] = values
    expected = RoiFlow(GivenFlow(values, (1, 2)))(video(tmp_path, face() - [40, 60], (120, 100))).values
    np.testing.assert_allclose(cropped, expected, atol=1e-6)
    assert np.abs(cropped).max() > 0.1


@pytest.mark.parametrize("facts", [{}, {"crop": {"first_box": [0.0, 0, 9, 9], "follow": "align"}}])
def test_a_crop_that_nobody_can_place_is_refused(tmp_path, facts):
    with pytest.raises(DataError, match="that of a crop"):
        RoiFlow(GivenFlow(steady((1, 1)), (1, 2), facts, crop="face_crop"))(video(tmp_path, face()))


@pytest.mark.parametrize(("rows", "ends"), [((0, 8), (8, 16)), ((8, 16), (16, 19))])
def test_rows_at_the_first_frame_take_the_landmarks_of_the_second(tmp_path, monkeypatch, rows, ends):
    """Every eighth frame; the last pair ends inside the video."""
    points = face(n=20) + np.arange(20)[:, None, None]
    seen = []

    def place(regions, points, shape):
        seen.append(points)
        return regions_place(regions, points, shape)

    regions_place = roi_flow.place
    monkeypatch.setattr(roi_flow, "place", place)
    film = video(tmp_path, points, fps=200.0)
    RoiFlow(GivenFlow(steady((1, 1)), rows, fps=25.0), at="first", global_motion="none")(film)
    np.testing.assert_allclose(seen[0], points[list(ends)])


def test_blocks_do_not_show(tmp_path, monkeypatch):
    film, flow = golden_video(tmp_path), GivenFlow(BYTES, (1, 2, 3, 4))
    whole = RoiFlow(flow, regions="mdmo36")(film).values
    monkeypatch.setattr("mezoo_face.roi_flow.AT_ONCE", 1)
    np.testing.assert_array_equal(RoiFlow(flow, regions="mdmo36")(film).values, whole)


# ----------------------------------------------------------------------------------------------------------- landmarks


def test_missing_rows_are_filled_and_counted(tmp_path):
    points = face(n=3)
    points[1] = np.nan
    made = RoiFlow(GivenFlow(steady((1, 1)), (1, 2)))(video(tmp_path, points))
    assert made.facts["frames_without_face"] == 1
    assert made.facts["landmarks"] == "file"
    assert np.isfinite(made.values).all()


def test_a_detector_is_said_to_be_approximate(tmp_path, monkeypatch):
    seen = {}

    def follow(film, frames, fps):
        seen["frames"] = frames.tolist()
        points = face(n=3)
        points[0] = np.nan
        return Found(points, np.array([0.0, 1.0, 1.0]))

    monkeypatch.setattr(approximate, "follow", follow)
    film, flow = video(tmp_path, face()), GivenFlow(steady((1, 1)), (1, 2), {"pairs": "consecutive"})
    made = RoiFlow(flow, landmarker="approximate")(film)
    assert made.facts["landmarks"] == "approximate (mean face)"
    assert made.facts["frames_without_face"] == 1
    assert made.facts["flow"] == {"pairs": "consecutive"}
    assert seen["frames"] == [0, 1, 2]


def test_no_face_and_no_file_are_said(tmp_path):
    film = Video("toy", "01", "v", 30.0, Blank(3, (200, 200)))
    with pytest.raises(DataError, match="no face found in 3 frames of toy/01/v"):
        RoiFlow(GivenFlow(steady((1, 1)), (1, 2)))(film)
    with pytest.raises(DataError, match="no landmark file for toy/01/v"):
        RoiFlow(GivenFlow(steady((1, 1)), (1, 2)), landmarker="files")(film)
    with pytest.raises(DataError, match="the shape"):
        RoiFlow(GivenFlow(np.zeros((2, 12, 2), np.float32), (1, 2)))(video(tmp_path, face()))


def test_the_store_is_told_what_the_numbers_hang_on(tmp_path):
    film, flow = video(tmp_path, face()), GivenFlow(steady((1, 1)), (1, 2))
    assert RoiFlow(flow).sources(film) == (film.landmarks, Path("flow.bin"))
    assert RoiFlow(flow, landmarker="approximate").sources(film) == (Path("flow.bin"),)
    mine = tmp_path / "mine"
    mine.mkdir()
    np.save(mine / "v.npy", face())
    assert RoiFlow(flow, landmarks=mine).sources(film)[0] == mine / "v.npy"
    found = RoiFlow(flow).environment()
    assert set(found) == {"opencv", "scikit-image", "flow", "flowlib"}
    assert found["flow"] == "GivenFlow 7"
    assert set(RoiFlow(flow, landmarker="files").environment()) == {"opencv", "flow", "flowlib"}


def test_a_wrong_set_is_refused_before_anything_is_read():
    with pytest.raises(DataError, match="mdmo35"):
        RoiFlow(GivenFlow(BYTES, (1, 2, 3, 4)), regions="mdmo35")


def test_facts_tell_where_the_regions_lie_in_pixels_of_the_frame(tmp_path):
    film = video(tmp_path, face(), shape=(400, 400))
    made = RoiFlow(GivenFlow(steady((1, 1)), (1, 2)))(film)
    outlines = made.facts["outlines"]
    assert (outlines["frame"], len(outlines["polygons"])) == (1, 12)
    brow = np.array(outlines["polygons"][0])
    np.testing.assert_allclose(brow.mean(0), face()[0, 18], atol=1.01)
    np.testing.assert_allclose(np.ptp(brow, axis=0), [22, 22])
    assert made.facts["components"] == ["x", "y"]
