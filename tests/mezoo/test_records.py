"""Rows of features and frames of the video, and folders of images."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mezoo import DataError, Features, ImageFolder


def features(n_frames: int, step: int) -> Features:
    positions = np.arange(0, n_frames, step)
    return Features(np.zeros((len(positions), 1)), positions, n_frames, 25.0)


@given(st.integers(1, 400), st.integers(1, 9), st.data())
def test_rows_own_every_frame_exactly_once(n_frames, step, data):
    made = features(n_frames, step)
    owned = [made.interval(r, r) for r in range(len(made))]
    assert [f for a, b in owned for f in range(a, b + 1)] == list(range(n_frames))
    frame = data.draw(st.integers(0, n_frames - 1))
    row = made.rows(frame, frame)[0]
    assert owned[row][0] <= frame <= owned[row][1]
    assert abs(made.positions[row] - frame) == np.abs(made.positions - frame).min()


@given(st.integers(50, 400), st.integers(1, 9), st.data())
def test_interval_is_the_inverse_of_rows_up_to_half_a_step(n_frames, step, data):
    made = features(n_frames, step)
    onset = data.draw(st.integers(0, n_frames - 1))
    offset = data.draw(st.integers(onset, n_frames - 1))
    first, last = made.interval(*made.rows(onset, offset))
    assert first <= onset <= offset <= last
    assert onset - first < step * 1.5
    assert last - offset < step * 1.5


def write(path, value=0):
    cv2.imwrite(str(path), np.full((6, 8), value, np.uint8))


def test_frames_are_sorted_by_number_and_strays_are_left_out(tmp_path):
    for n in (10, 9, 100):
        write(tmp_path / f"img{n}.jpg", n)
    write(tmp_path / "img5.jpg2.jpg")
    (tmp_path / ".DS_Store").write_text("")
    frames = ImageFolder(tmp_path, r"img(?P<n>\d+)\.jpg")
    assert [frames.number(i) for i in range(len(frames))] == [9, 10, 100]
    assert frames.read(2, grey=True).mean() == pytest.approx(100, abs=1)
    assert frames.read(0).shape == (6, 8, 3)


@pytest.mark.parametrize("harm", ["truncate", "empty", "text", "gone"])
def test_a_bad_image_is_named(tmp_path, harm):
    path = tmp_path / "img1.jpg"
    cv2.imwrite(str(path), np.random.default_rng(0).integers(0, 255, (60, 80), np.uint8))
    frames = ImageFolder(tmp_path)
    assert len(frames) == 1
    raw = path.read_bytes()
    if harm == "gone":
        path.unlink()
    else:
        path.write_bytes({"truncate": raw[: len(raw) // 2], "empty": b"", "text": b"hello"}[harm])
    with pytest.raises(DataError, match=r"img1\.jpg"):
        frames.read(0)


def test_an_empty_folder_is_an_error_when_asked(tmp_path):
    with pytest.raises(DataError, match="no frame"):
        len(ImageFolder(tmp_path))
