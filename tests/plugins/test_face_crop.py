from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mezoo_face import detector, geometry, landmarks, mesh
from mezoo_face.crop import FaceCrop

from mezoo import DataError, Video


@dataclass(frozen=True)
class Pictures:
    """Frames held in memory: (n, height, width, 3) uint8."""

    images: np.ndarray

    def __len__(self):
        return len(self.images)

    def read(self, index, *, grey=False):
        return self.images[index, ..., 0] if grey else self.images[index]

    def number(self, index):
        return index + 1

    def files(self):
        return ()


def face(shift=(0.0, 0.0)):
    """Landmarks of a face of about 80 pixels in the middle of a picture of 160 x 120 (height x width)."""
    box = np.array([20.0, 30.0, 100.0, 110.0])
    return detector.approximate_landmarks(box) + shift


def picture(shift=(0.0, 0.0)):
    """A smooth pattern that moves with the head: (160, 120, 3) uint8."""
    y, x = np.mgrid[:160, :120]
    pattern = 128 + 60 * np.sin((x - shift[0]) / 7) + 50 * np.cos((y - shift[1]) / 9)
    return np.repeat(pattern[..., None], 3, axis=2).astype(np.uint8)


def video(images, fps=200.0, file=None):
    return Video("toy", "006", "006_1", fps, Pictures(np.asarray(images)), landmarks=file)


def openface(path, points, frames=None, success=None):
    names = ["frame", " confidence", " success", *(f" {axis}_{k}" for axis in "xy" for k in range(68))]
    frames = range(1, len(points) + 1) if frames is None else frames
    success = [1] * len(points) if success is None else success
    lines = [
        ",".join(map(str, [f, 0.9, s, *p[:, 0], *p[:, 1]])) for f, s, p in zip(frames, success, points, strict=True)
    ]
    path.write_text("\n".join([",".join(names), *lines]), encoding="utf-8")
    return path


@pytest.fixture
def still(tmp_path):
    """20 equal frames with a landmark file."""
    return video([picture()] * 20, file=openface(tmp_path / "006_1.csv", [face()] * 20))


@given(st.floats(-3, 3), st.floats(0.3, 3), st.floats(-50, 50), st.floats(-50, 50))
def test_similarity_recovers_turn_scale_and_shift(angle, scale, dx, dy):
    source = face()[list(geometry.STABLE)]
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = geometry.similarity(source, source @ turn.T + [dx, dy])
    np.testing.assert_allclose(matrix, np.column_stack([turn, [dx, dy]]), atol=1e-8)


@given(st.lists(st.tuples(st.floats(-9, 9), st.floats(-9, 9)), min_size=8, max_size=8))
def test_similarity_is_the_least_squares_one(noise):
    source = face()[list(geometry.STABLE)]
    target = source + np.array(noise)

    def error(m):
        return ((source @ m[:, :2].T + m[:, 2] - target) ** 2).sum()

    best = geometry.similarity(source, target)
    nudges = np.array([[[1, 0, 0], [0, 1, 0]], [[0, -1, 0], [1, 0, 0]], [[0, 0, 1], [0, 0, 0]], [[0, 0, 0], [0, 0, 1]]])
    for nudge in [*nudges, *-nudges]:
        assert error(best) <= error(best + 1e-3 * nudge) + 1e-9


def test_box_rule():
    points = np.full((68, 2), 50.0)
    points[0], points[16], points[8] = (10, 50), (90, 50), (50, 99)
    points[36], points[18] = (35, 48), (35, 40)
    assert geometry.lab_box(points).tolist() == [10, 40 - 8, 90, 99]


def test_warp_of_a_whole_box_is_the_image_itself():
    image = picture()[:100, :100, 0]
    matrix = geometry.box_to_square(np.array([0.0, 0, 100, 100]), 100)
    np.testing.assert_array_equal(geometry.warp(image, matrix, 100), image)


def test_shrinking_averages_and_does_not_alias():
    stripes = np.tile(np.array([0, 255], dtype=np.uint8), (80, 40))
    small = geometry.warp(stripes, geometry.box_to_square(np.array([0.0, 0, 80, 80]), 20), 20)
    assert np.abs(small.astype(int) - 127).max() <= 1


def test_half_a_pixel_is_half_a_pixel():
    ramp = np.tile(np.arange(0, 200, 4, dtype=np.uint8), (50, 1))
    crop = geometry.warp(ramp, geometry.box_to_square(np.array([10.5, 10, 30.5, 30]), 20), 20)
    assert crop[5].tolist() == list(range(42, 42 + 80, 4))


def test_smoothing_keeps_length_constants_and_means():
    steps = np.repeat([[0.0], [10.0]], 20, axis=0)
    smoothed = geometry.smooth(steps, 5)[:, 0]
    assert smoothed.shape == (40,)
    np.testing.assert_allclose(smoothed[17:23], [0, 2, 4, 6, 8, 10])
    np.testing.assert_allclose(geometry.smooth(np.full((3, 1), 7.0), 99), 7.0)


@pytest.mark.parametrize(("grey", "shape"), [(True, (3, 32, 32)), (False, (3, 32, 32, 3))])
def test_crops_have_the_promised_shape(still, grey, shape):
    features = FaceCrop(size=32, grey=grey, fps=25)(still)
    assert features.values.shape == shape
    assert features.values.dtype == np.uint8
    assert features.positions.tolist() == [0, 8, 16]
    assert (features.fps, features.n_frames) == (25, 20)
    assert features.facts["landmarks"] == "file"
    assert features.facts["frames_without_face"] == 0


def test_every_frame_without_fps(still):
    assert FaceCrop(size=16)(still).positions.tolist() == list(range(20))


def test_more_rows_than_frames_are_refused(still):
    with pytest.raises(DataError, match="toy/006/006_1"):
        FaceCrop(size=16, fps=400)(still)


@pytest.mark.parametrize("wrong", [{"size": 2}, {"fps": 0}, {"margin": -0.1}])
def test_impossible_options_are_refused(wrong):
    with pytest.raises(DataError, match="cannot be made"):
        FaceCrop(**wrong)


def moving(tmp_path, n=20, step=1.0):
    shifts = [(0.4 * step * i, -0.3 * step * i) for i in range(n)]
    file = openface(tmp_path / "006_1.csv", [face(s) for s in shifts])
    return video([picture(s) for s in shifts], file=file)


def movement(values):
    return np.abs(values[-1].astype(float) - values[0]).mean()


def test_alignment_takes_head_motion_out(tmp_path):
    drift = moving(tmp_path)
    kept, gone = (FaceCrop(size=64, follow=f)(drift).values for f in ("first", "align"))
    assert movement(kept) > 20
    assert movement(gone) < 2


def test_auto_aligns_where_there_is_a_landmark_file(tmp_path):
    drift = moving(tmp_path)
    auto, align = (FaceCrop(size=64, follow=f)(drift) for f in ("auto", "align"))
    assert np.array_equal(auto.values, align.values)
    assert auto.facts["follow"] == "align"
    assert FaceCrop(follow="auto", landmarker="approximate")._following(drift) == "first"


def test_following_box_goes_with_the_head(tmp_path):
    drift = moving(tmp_path, n=600, step=0.1)
    kept, gone = (FaceCrop(size=64, follow=f, fps=25)(drift).values for f in ("first", "box"))
    assert movement(kept[20:-20]) > 20
    assert movement(gone[20:-20]) < 4


def test_alignment_keeps_expressions(tmp_path):
    """A pattern that moves while eyes and nose stand still is still seen to move."""
    frames = [picture((0.4 * i, 0)) for i in range(20)]
    still_head = video(frames, file=openface(tmp_path / "006_1.csv", [face()] * 20))
    assert movement(FaceCrop(size=64, follow="align")(still_head).values) > 20


def test_margin_shows_more(still):
    tight, wide = (FaceCrop(size=32, margin=m)(still).facts["first_box"] for m in (0.0, 0.1))
    assert wide[0] < tight[0]
    assert wide[3] > tight[3]


def test_missing_landmark_rows_are_interpolated_and_counted(tmp_path):
    points = [face((i, 0)) for i in range(20)]
    success = [0 if i in (4, 5, 6) else 1 for i in range(20)]
    file = openface(tmp_path / "006_1.csv", points, success=success)
    filled = landmarks.fill(landmarks.read(file, 22))
    np.testing.assert_allclose(filled[5], points[5])
    np.testing.assert_allclose(filled[21], points[19])
    crops = FaceCrop(size=16, follow="align")(video([picture()] * 22, file=file))
    assert crops.facts["frames_without_face"] == 5


def test_openface_rows_go_where_their_frame_says(tmp_path):
    file = openface(tmp_path / "a.csv", [face((2, 0)), face((0, 0))], frames=[3, 1])
    points = landmarks.read(file, 4)
    np.testing.assert_allclose(points[2], face((2, 0)))
    assert np.isnan(points[[1, 3]]).all()


def forms(tmp_path):
    points = np.stack([face(), face((1, 1))])
    np.save(tmp_path / "a.npy", points)
    np.savez(tmp_path / "a.npz", landmarks=points)
    np.savetxt(tmp_path / "a.txt", points.reshape(2, 136))
    rows = "\n".join(f"{x} {y}" for x, y in face())
    (tmp_path / "a.pts").write_text(f"version: 1\nn_points: 68\n{{\n{rows}\n}}\n", encoding="utf-8")
    return points


@pytest.mark.parametrize("ending", ["npy", "npz", "txt", "pts"])
def test_other_landmark_files(tmp_path, ending):
    points = forms(tmp_path)
    read = landmarks.fill(landmarks.read(tmp_path / f"a.{ending}", 2))
    np.testing.assert_allclose(read[0], points[0])
    assert read.shape == (2, 68, 2)


@pytest.mark.parametrize("content", ["", "a,b\n1,2\n", "frame,x_0\n1,2\n", "nonsense"])
def test_wrong_csv_is_named(tmp_path, content):
    (tmp_path / "006_1.csv").write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=r"006_1\.csv"):
        FaceCrop(size=16)(video([picture()] * 2, file=tmp_path / "006_1.csv"))


@pytest.mark.parametrize(
    ("points", "said"),
    [
        (np.zeros((2, 5, 2)), "shape"),
        (np.full((2, 68, 2), np.nan), "no frame with a face"),
        (np.zeros((9, 68, 2)), "9 frames"),
        (np.stack([face((500, 0))] * 2), "outside"),
    ],
)
def test_wrong_arrays_are_refused(tmp_path, points, said):
    np.save(tmp_path / "006_1.npy", points)
    with pytest.raises(DataError, match=said):
        FaceCrop(size=16)(video([picture()] * 2, file=tmp_path / "006_1.npy"))


def test_the_given_folder_comes_before_the_file_beside_the_data(tmp_path, still):
    (tmp_path / "mine").mkdir()
    mine = openface(tmp_path / "mine" / "006_1.csv", [face((3, 0))] * 20)
    assert FaceCrop(landmarks=tmp_path / "mine").sources(still) == (mine,)
    assert FaceCrop().sources(still) == (still.landmarks,)
    assert FaceCrop(landmarker="approximate").sources(still) == ()


def test_a_file_can_be_demanded():
    with pytest.raises(DataError, match=r"no landmark file for toy/006/006_1"):
        FaceCrop(landmarker="files")(video([picture()] * 2))


def test_no_face_says_what_to_do(monkeypatch):
    monkeypatch.setattr(mesh, "installed", lambda: "")
    with pytest.raises(DataError, match="no face found") as caught:
        FaceCrop(size=16)(video(np.zeros((3, 100, 100, 3), np.uint8)))
    assert "landmarks" in caught.value.hint


@pytest.mark.parametrize("follow", ["first", "box", "align"])
def test_embedded_detector_is_said_to_be_approximate(monkeypatch, follow):
    monkeypatch.setattr(detector, "candidates", lambda grey, fine=False: np.array([[20.0, 30, 100, 110]]))
    features = FaceCrop(size=16, fps=20, follow=follow, landmarker="approximate")(video([picture()] * 100))
    assert features.facts["landmarks"] == "approximate (mean face)"
    assert features.facts["frames_without_face"] == 0


def test_the_first_face_may_come_late(monkeypatch):
    looks = iter([np.empty((0, 4))] * 2 + [np.array([[20.0, 30, 100, 110]])] * 18)
    monkeypatch.setattr(detector, "candidates", lambda grey, fine=False: next(looks))
    facts = FaceCrop(size=16, landmarker="approximate")(video([picture()] * 20)).facts
    assert facts["frames_without_face"] == 2
    np.testing.assert_allclose(facts["first_box"], geometry.lab_box(face()), atol=0.06)


def test_detector_finds_a_real_photograph():
    data = pytest.importorskip("skimage.data")
    box = detector.detect(data.astronaut().mean(axis=2).astype(np.uint8))
    assert box is not None
    assert box[0] < 225 < box[2]
    assert box[1] < 115 < box[3]


def test_mean_shape_is_symmetric():
    shape = detector.mean_shape()
    assert shape.shape == (68, 2)
    np.testing.assert_allclose(shape[36] * [-1, 1] + [1, 0], shape[45])
    np.testing.assert_allclose(shape[17] * [-1, 1] + [1, 0], shape[26])
    assert shape[19, 1] < shape[37, 1] < shape[30, 1] < shape[51, 1] < shape[57, 1] < shape[8, 1]


def test_environment_names_what_changes_the_numbers(monkeypatch):
    monkeypatch.setattr(mesh, "installed", lambda: "")
    assert set(FaceCrop().environment()) == {"opencv", "scikit-image"}
    assert set(FaceCrop(landmarker="files").environment()) == {"opencv"}
    monkeypatch.setattr(mesh, "installed", lambda: "0.10.21")
    assert FaceCrop().environment()["mediapipe"] == "0.10.21"
    assert set(FaceCrop(landmarker="approximate").environment()) == {"opencv", "scikit-image"}
