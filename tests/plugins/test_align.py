from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mezoo_face import detector, geometry, mesh
from mezoo_face.align import Align, eye_centres, eye_places

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


def similarity(angle, scale, dx, dy):
    a = scale * np.exp(1j * angle)
    return np.array([[a.real, -a.imag, dx], [a.imag, a.real, dy]])


def moved(points, matrix):
    return points @ matrix[:, :2].T + matrix[:, 2]


FACE = detector.approximate_landmarks(np.array([60.0, 50.0, 140.0, 130.0]))
POSES = [similarity(a, s, 10 * i, -5 * i) for i, (a, s) in enumerate([(0, 1), (0.15, 1.1), (-0.2, 0.9), (0.05, 1.2)])]


def picture(matrix):
    """A face of two dark discs (eyes) and a ramp, seen under a similarity: (240, 240, 3) uint8."""
    import cv2

    image = np.full((240, 240, 3), 120, np.uint8)
    for x, y in moved(eye_centres(FACE), matrix):
        # drawn in sixteenths of a pixel; a pixel's centre is half a pixel in
        cv2.circle(image, (round(16 * (x - 0.5)), round(16 * (y - 0.5))), 16 * 6, (10, 20, 30), -1, cv2.LINE_AA, 4)
    return image


def video(tmp_path, poses=POSES, fps=100.0):
    np.save(tmp_path / "006_1.npy", np.stack([moved(FACE, m) for m in poses]))
    images = np.stack([picture(m) for m in poses])
    return Video("toy", "006", "006_1", fps, Pictures(images), landmarks=tmp_path / "006_1.npy")


def dark_spots(image):
    """Centres of the two dark discs (2, 2), x and y from the pixel's edge."""
    weight = np.clip(110.0 - image, 0, None)
    half = image.shape[1] // 2
    found = []
    for left, part in ((0, weight[:, :half]), (half, weight[:, half:])):
        y, x = np.mgrid[: part.shape[0], : part.shape[1]] + 0.5
        found.append([left + (part * x).sum() / part.sum(), (part * y).sum() / part.sum()])
    return np.array(found)


def test_eyes_are_where_they_are_wanted(tmp_path):
    features = Align(size=120, eye_distance=0.4, eye_height=0.3, smoothing=0)(video(tmp_path))
    assert features.values.shape == (4, 120, 120)
    assert features.values.dtype == np.uint8
    for image in features.values:
        np.testing.assert_allclose(dark_spots(image), [[36, 36], [84, 36]], atol=0.25)


def test_first_keeps_head_motion(tmp_path):
    shown = video(tmp_path)
    values = Align(size=120, eye_distance=0.2, eye_height=0.3, follow="first")(shown).values
    to_square = geometry.similarity(eye_centres(FACE), eye_places(120, 0.2, 0.3))
    for image, pose in zip(values, POSES, strict=True):
        weight = np.clip(110.0 - image, 0, None)
        y, x = np.mgrid[:120, :120] + 0.5
        middle = [(weight * x).sum() / weight.sum(), (weight * y).sum() / weight.sum()]
        np.testing.assert_allclose(middle, moved(moved(eye_centres(FACE), pose), to_square).mean(0), atol=0.4)


def test_colour_and_sampling(tmp_path):
    features = Align(size=32, grey=False, fps=50)(video(tmp_path))
    assert features.values.shape == (2, 32, 32, 3)
    assert features.positions.tolist() == [0, 2]
    assert (features.values[0, ..., 0] <= features.values[0, ..., 2]).all()
    assert features.facts["follow"] == "align"
    assert features.facts["eyes_apart"] > 0


def test_a_blink_moves_no_eye():
    shut = FACE.copy()
    shut[[37, 38, 43, 44], 1] += 4
    np.testing.assert_array_equal(eye_centres(shut), eye_centres(FACE))


@given(st.integers(8, 500), st.floats(0.1, 1), st.floats(0, 1))
def test_places_are_symmetric(size, distance, height):
    (left, y), (right, other) = eye_places(size, distance, height)
    assert y == other == pytest.approx(size * height)
    assert left + right == pytest.approx(size)
    assert right - left == pytest.approx(size * distance)


def test_skipped_frames_leave_no_row(tmp_path):
    shown = video(tmp_path)
    points = np.load(shown.landmarks)
    points[1] = np.nan
    np.save(shown.landmarks, points)
    features = Align(size=32, missing="skip")(shown)
    assert features.positions.tolist() == [0, 2, 3]
    assert len(features.values) == 3
    with pytest.raises(DataError, match=r"align: no face in 1 frames of toy/006/006_1: 2"):
        Align(missing="fail")(shown)


def test_smoothing_steadies_the_eyes(tmp_path):
    rng = np.random.default_rng(0)
    poses = [similarity(0, 1, 0, 0)] * 40
    shown = video(tmp_path, poses)
    np.save(shown.landmarks, FACE + rng.normal(0, 1, (40, 68, 2)))
    rough, steady = (
        np.std([dark_spots(v) for v in Align(size=120, eye_distance=0.3, smoothing=s)(shown).values], axis=0).mean()
        for s in (0.0, 0.3)
    )
    assert steady < 0.5 * rough


def test_eyes_in_one_place_are_refused(tmp_path):
    shown = video(tmp_path)
    np.save(shown.landmarks, np.zeros((4, 68, 2)))
    with pytest.raises(DataError, match="pixels apart"):
        Align()(shown)


@pytest.mark.parametrize(
    "wrong", [{"size": 4}, {"eye_distance": 0}, {"eye_height": 2}, {"smoothing": -0.1}, {"fps": -1}]
)
def test_impossible_options_are_refused(wrong):
    with pytest.raises(DataError, match=r"align.*cannot be made"):
        Align(**wrong)


def test_the_mean_face_aligns_without_anything_installed(tmp_path, monkeypatch):
    monkeypatch.setattr(mesh, "installed", lambda: "")
    monkeypatch.setattr(detector, "candidates", lambda grey, fine=False: np.array([[60.0, 50, 140, 130]]))
    shown = Video("toy", "006", "006_1", 25.0, Pictures(np.stack([picture(POSES[0])] * 10)))
    align = Align(size=120, eye_distance=0.4, eye_height=0.3)
    features = align(shown)
    assert features.facts["landmarks"] == "approximate (mean face)"
    assert align.sources(shown) == ()
    assert set(align.environment()) == {"opencv", "scikit-image"}
    np.testing.assert_allclose(dark_spots(features.values[0]), [[36, 36], [84, 36]], atol=0.25)
