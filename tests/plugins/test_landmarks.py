from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mezoo_face import approximate, detector, landmarker, landmarks, mesh, motion, track
from mezoo_face.landmark_feature import Landmarks

from mezoo import DataError, Video


@dataclass(frozen=True)
class Pictures:
    """Frames held in memory: (n, height, width, 3) uint8; `asked` notes which were read."""

    images: np.ndarray

    def __len__(self):
        return len(self.images)

    def read(self, index, *, grey=False):
        return self.images[index, ..., 0] if grey else self.images[index]

    def number(self, index):
        return index + 101

    def files(self):
        return ()


def face(shift=(0.0, 0.0)):
    return detector.approximate_landmarks(np.array([20.0, 30.0, 100.0, 110.0])) + shift


def video(n=10, fps=100.0, file=None, images=None):
    images = np.zeros((n, 160, 120, 3), np.uint8) if images is None else images
    return Video("toy", "006", "006_1", fps, Pictures(images), landmarks=file)


def with_holes(tmp_path, holes, n=10):
    """An .npz of a face that moves one pixel a frame to the right, NaN in the frames of `holes`."""
    points = np.stack([face((i, 0)) for i in range(n)])
    points[holes] = np.nan
    np.savez(tmp_path / "006_1.npz", landmarks=points, score=np.linspace(0.5, 1, n))
    return tmp_path / "006_1.npz"


# ---------------------------------------------------------------------------------------------------- files


def csv(path, rows, columns):
    names = [*columns, *(f"{axis}_{k}" for axis in "xy" for k in range(68))]
    lines = [",".join(map(str, [*head, *p[:, 0], *p[:, 1]])) for head, p in rows]
    path.write_text("\n".join([", ".join(names), *lines]), encoding="utf-8")
    return path


def test_success_rules_and_confidence_is_the_score(tmp_path):
    rows = [((1, 0.9, 1), face()), ((2, 0.2, 1), face()), ((3, 0.9, 0), face())]
    found = landmarks.read_scored(csv(tmp_path / "a.csv", rows, ["frame", "confidence", "success"]), 4)
    assert found.known.tolist() == [True, True, False, False]
    assert found.score.tolist() == [0.9, 0.2, 0, 0]


def test_without_success_low_confidence_is_no_face(tmp_path):
    rows = [((1, 0.9), face()), ((2, 0.2), face())]
    found = landmarks.read_scored(csv(tmp_path / "a.csv", rows, ["frame", "confidence"]), 2)
    assert found.known.tolist() == [True, False]


def test_of_several_faces_the_one_seen_most_is_read(tmp_path):
    rows = [((1, 0, 1), face((50, 0))), ((1, 1, 1), face()), ((2, 1, 1), face()), ((2, 0, 0), face((50, 0)))]
    points = landmarks.read(csv(tmp_path / "a.csv", rows, ["frame", "face_id", "success"]), 2)
    np.testing.assert_allclose(points, [face(), face()])


def test_an_npz_with_scores(tmp_path):
    points = np.stack([face(), np.full((68, 2), np.nan), face((0.25, 3))])
    np.savez(tmp_path / "a.npz", landmarks=points, score=np.array([0.5, 1, 1]))
    found = landmarks.read_scored(tmp_path / "a.npz", 3)
    np.testing.assert_allclose(found.points, points, atol=1e-5)
    assert found.score.tolist() == [0.5, 0, 1]


def test_half_a_face_is_none():
    points = np.stack([face(), face()])
    points[1, 5, 0] = np.inf
    found = landmarks.with_score(points)
    assert np.isnan(found.points[1]).all()
    assert found.score.tolist() == [1, 0]


@pytest.mark.parametrize("ending", ["npz", "npy", "csv", "pts", "txt"])
def test_damaged_files_are_named(tmp_path, ending):
    path = tmp_path / f"a.{ending}"
    path.write_bytes(b"PK\x03\x04 cut short \xff")
    with pytest.raises(DataError, match=rf"a\.{ending} cannot be read"):
        landmarks.read(path, 2)


def test_scores_of_another_length_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", landmarks=face()[None], score=np.ones(3))
    with pytest.raises(DataError, match="3"):
        landmarks.read(tmp_path / "a.npz", 3)


# ---------------------------------------------------------------------------------------------------- over time


def box(x, width=50.0, y=0.0):
    return np.array([x, y, x + width, y + width])


def test_false_hits_are_left_out_and_the_large_face_wins():
    looks = {row: np.stack([box(100 + row), box(400, 30)]) for row in range(0, 60, 6)}
    looks[12] = box(300, 40)[None]
    looks[18] = np.empty((0, 4))
    path = track.best_path(looks, 24)
    assert {row: b[0] for row, b in path.items()} == {r: 100 + r for r in range(0, 60, 6) if r not in (12, 18)}
    assert track.best_path({0: np.empty((0, 4))}, 24) == {}


def test_a_face_that_moves_for_good_is_followed():
    looks = {row: box(100 if row < 40 else 300)[None] for row in range(0, 120, 4)}
    assert len(track.best_path(looks, 24)) == 30


def worth(path, looks, fps):
    """A path's gain as the docstring says it: [(row, candidate), ...]."""
    widest = max(b[2] - b[0] for boxes in looks.values() for b in boxes)
    chosen = [(row, looks[row][k]) for row, k in path]
    total = sum(((b[2] - b[0]) / widest) ** 2 for _, b in chosen)
    for (r0, a), (r1, b) in pairwise(chosen):
        seconds = 1 + (r1 - r0) / fps
        wide = b[2] - b[0]
        moved = np.hypot(*((a[:2] + a[2:]) / 2 - (b[:2] + b[2:]) / 2)) / (0.3 * wide * seconds)
        total -= min(moved**2 + (np.log((a[2] - a[0]) / wide) / (0.3 * seconds)) ** 2, 3.0)
    return total


@settings(max_examples=40)
@given(st.lists(st.lists(st.tuples(st.integers(0, 200), st.integers(20, 90)), max_size=2), min_size=1, max_size=5))
def test_the_path_is_the_best_of_all(candidates):
    looks = {5 * i: np.array([box(x, w) for x, w in found]).reshape(-1, 4) for i, found in enumerate(candidates)}
    ways = product(*([None, *range(len(looks[row]))] for row in looks))
    paths = [[(row, k) for row, k in zip(looks, way, strict=True) if k is not None] for way in ways]
    path = track.best_path(looks, 10)
    if not any(paths):
        assert path == {}
        return
    found = [(row, int(np.flatnonzero((looks[row] == b).all(1))[0])) for row, b in path.items()]
    assert worth(found, looks, 10) == pytest.approx(max(worth(p, looks, 10) for p in paths if p))


def test_jumps_are_no_faces_and_holes_stay():
    points = np.stack([face((0.5 * i, 0)) for i in range(60)])
    points[20] += 90
    points[30] = points[30].mean(0) + 2 * (points[30] - points[30].mean(0))
    points[40] = np.nan
    gone = ~landmarks.is_known(track.without_jumps(points, 24))
    assert np.flatnonzero(gone).tolist() == [20, 30, 40]


def test_a_cut_to_another_place_is_no_jump():
    points = np.stack([face((0 if i < 30 else 200, 0)) for i in range(60)])
    assert landmarks.is_known(track.without_jumps(points, 24)).all()


def test_the_filter_is_a_moving_parabola():
    noisy = np.random.default_rng(0).normal(0, 1, (40, 68, 2))
    smooth = track.without_jitter(noisy, 25, 0.28)
    parabola = np.polyfit(np.arange(-3, 4), noisy[10:17, 5, 0], 2)
    assert smooth[13, 5, 0] == pytest.approx(parabola[-1])
    t = np.arange(40.0)[:, None, None]
    np.testing.assert_allclose(track.without_jitter(face() + 0.1 * t**2, 25, 0.4), face() + 0.1 * t**2)


@pytest.mark.parametrize(("n", "seconds"), [(40, 0.0), (40, 0.1), (4, 1.0), (1, 1.0)])
def test_short_windows_change_nothing(n, seconds):
    points = np.random.default_rng(0).normal(0, 1, (n, 68, 2))
    assert track.without_jitter(points, 25, seconds) is points


# ---------------------------------------------------------------------------------------------------- head motion


def texture(turn=1 + 0j, shift=0j):
    """Smooth random texture under the similarity w = turn z + shift, (160, 160) uint8."""
    import cv2

    noise = np.random.default_rng(3).normal(0, 1, (160, 160)).astype(np.float32)
    image = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 2.5), None, 0, 255, cv2.NORM_MINMAX)
    matrix = np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])
    return cv2.warpAffine(image, matrix, (160, 160), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT).astype(
        np.uint8
    )


@pytest.mark.parametrize(("turn", "shift"), [(1 + 0j, 2.5 - 1.5j), (1.02 * np.exp(0.03j), 1 - 2j)])
def test_motion_of_a_texture_is_measured(turn, shift):
    found = motion.step(texture(), texture(turn, shift), np.array([30.0, 30, 130, 130]))
    assert found is not None
    assert abs(found[0] - turn) < 2e-3
    middle = 80 + 70j
    assert abs(found[0] * middle + found[1] - (turn * middle + shift)) < 0.1


def test_motion_of_nothing_is_unknown():
    flat = np.full((160, 160), 90, np.uint8)
    assert motion.step(flat, texture(), np.array([30.0, 30, 130, 130])) is None
    assert motion.step(texture(), flat, np.array([30.0, 30, 130, 130])) is None
    assert motion.step(texture(), texture(), np.array([300.0, 30, 400, 130])) is None


def test_a_chain_puts_steps_together_and_breaks():
    chained = motion.chain([(2 + 0j, 1 + 0j), (1j, 3 + 0j), None, (1 + 0j, 5 + 0j)])
    assert chained.turn[2] * (4 + 1j) + chained.shift[2] == 1j * (2 * (4 + 1j) + 1) + 3
    assert chained.part.tolist() == [0, 0, 0, 1, 1]


def test_boxes_are_carried_along_the_motion_and_averaged():
    """The head nods sideways and drifts; the detector sees upright boxes, too far left and too far right in turn."""
    n = 61
    angle = 0.2 * np.sin(np.arange(n) * 2 * np.pi / 30)
    chained = motion.chain([(np.exp(1j * step), 0.5 + 0j) for step in np.diff(angle)])
    truth = chained.turn * (60 + 70j) + chained.shift
    boxes = {
        row: np.array(
            [truth[row].real - 20 + off, truth[row].imag - 20, truth[row].real + 20 + off, truth[row].imag + 20]
        )
        for row, off in zip(range(0, n, 5), [4, -4] * 7, strict=False)
    }
    size, place, score = motion.carry(boxes, chained, 25)
    assert np.abs(place - truth)[10:50].max() < 1.5
    np.testing.assert_allclose(np.angle(size), angle, atol=0.02)
    np.testing.assert_allclose(np.abs(size), 40)
    assert score[[0, 2, 20]].tolist() == [1, 0.92, 1]


def test_nothing_is_carried_over_a_break_or_out_of_reach():
    chained = motion.chain([(1 + 0j, 0j)] * 10 + [None] + [(1 + 0j, 0j)] * 10)
    size, place, score = motion.carry({0: box(10)}, chained, 5)
    assert np.flatnonzero(np.isfinite(size)).tolist() == [0, 1, 2, 3, 4]
    assert np.isnan(place[11:]).all()
    assert score[11:].max() == 0


def test_the_mean_face_follows_the_head_between_looks(monkeypatch):
    """Looks come every six frames, one of them is false; the head moves back and forth between them."""
    shifts = [3 * np.sin(i / 2) for i in range(36)]
    images = np.repeat(np.stack([texture(shift=complex(s)) for s in shifts])[..., None], 3, axis=3)
    looks = iter(np.array([[30.0 + s, 30, 130 + s, 130]]) for s in shifts[::6])

    def look(grey, fine=False):
        assert not fine
        return np.concatenate([[[5.0, 5, 30, 30]], next(looks)])

    monkeypatch.setattr(detector, "candidates", look)
    found = approximate.follow(video(images=images, fps=24.0), np.arange(36), 24.0)
    x = found.points[:, 30, 0]
    np.testing.assert_allclose(x - x[0], shifts, atol=0.3)
    assert found.known.all()


def test_small_faces_are_searched_again_finely(monkeypatch):
    sizes = []

    def look(grey, fine=False):
        sizes.append(fine)
        return np.array([[30.0, 30, 60, 60]]) if fine else np.empty((0, 4))

    monkeypatch.setattr(detector, "candidates", look)
    row, points = approximate.first(video(30), np.arange(30), 24.0)
    assert (row, set(sizes)) == (0, {False, True})
    np.testing.assert_allclose(points, detector.approximate_landmarks(np.array([30.0, 30, 60, 60])))


# ---------------------------------------------------------------------------------------------------- mesh


class Squares:
    """Stands in for MediaPipe: bright squares are faces; its mesh is blind to one below a fifth of the image."""

    def __init__(self):
        self.seen, self.forgotten = [], 0

    def _faces(self, image):
        import cv2

        n, _, stats, _ = cv2.connectedComponentsWithStats((image[..., 0] > 100).astype(np.uint8))
        return stats[1:n, :4].astype(float)

    def search(self, image):
        faces = self._faces(image)
        return np.column_stack([faces[:, :2], faces[:, :2] + faces[:, 2:]])

    def mesh(self, image):
        self.seen.append(image.shape[:2])
        faces = self._faces(image)
        faces = faces[faces[:, 2] >= max(image.shape) / 5]
        if not len(faces):
            return None
        x, y, w, h = faces[0]
        grid = np.random.default_rng(0).random((478, 2))
        grid[:2] = 0, 1
        return [x, y] + grid * [w, h]

    def forget(self):
        self.forgotten += 1


def squares(*places, shape=(400, 600)):
    image = np.zeros((*shape, 3), np.uint8)
    for x, y, side in places:
        image[y : y + side, x : x + side] = 200
    return image


def where(points):
    unit = np.random.default_rng(0).random((478, 2))[list(mesh.FROM_MESH)]
    return (points[0] - unit[0] * np.ptp(points, 0) / np.ptp(unit, 0)).round().astype(int).tolist()


def test_a_small_face_is_found_in_a_large_frame():
    backend = Squares()
    follower = mesh.Follower(backend)
    for x in range(50, 350, 10):
        assert where(follower(squares((x, 200, 40)))) == [x, 200]
    assert max(backend.seen) <= (120, 120)
    assert backend.forgotten < 20


def test_the_largest_face_is_followed_and_found_again():
    follower = mesh.Follower(Squares())
    assert where(follower(squares((20, 200, 40), (300, 200, 60)))) == [300, 200]
    assert follower(squares()) is None
    assert where(follower(squares((20, 200, 70), (310, 200, 60)))) == [310, 200]


def test_a_large_face_keeps_the_whole_frame():
    backend = Squares()
    follower = mesh.Follower(backend)
    for x in (150, 170, 190):
        assert follower(squares((x, 60, 280))) is not None
    assert set(backend.seen) == {(400, 600)}
    assert backend.forgotten == 1


@given(st.tuples(*[st.floats(-50, 650)] * 2), st.floats(1, 500))
def test_regions_lie_in_the_frame(corner, side):
    left, top, right, bottom = mesh.region_of(np.array([*corner, corner[0] + side, corner[1] + side]), 400, 600)
    assert 0 <= left < right <= 600
    assert 0 <= top < bottom <= 400


def test_mesh_rows_are_scored_and_false_hits_dropped():
    images = np.stack([squares((100, 100, 90)) for _ in range(40)])
    images[7] = squares()
    images[20] = squares((480, 280, 90))
    found = mesh.follow(video(images=images, fps=24.0), np.arange(40), 24.0, Squares())
    assert np.flatnonzero(~found.known).tolist() == [7, 20]
    assert found.score.tolist() == found.known.astype(float).tolist()
    row, _ = mesh.first(video(images=images[7:]), np.arange(33), range(0, 33, 3), Squares())
    assert row == 3


def test_each_ibug_point_has_a_vertex_of_its_own():
    assert len(mesh.FROM_MESH) == len(set(mesh.FROM_MESH)) == 68
    assert max(mesh.FROM_MESH) < 468


def mirrored(points, width):
    """68 points of the mirrored picture, in iBUG's order again."""
    order = [*range(16, -1, -1), *range(26, 16, -1), *range(27, 31), *range(35, 30, -1)]
    order += [45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40, 54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55]
    order += [64, 63, 62, 61, 60, 67, 66, 65]
    return (points * [-1, 1] + [width, 0])[order]


def test_the_real_mesh_on_a_photograph_and_its_mirror():
    pytest.importorskip("mediapipe")
    if not mesh.installed():
        pytest.skip("this MediaPipe has no face mesh")
    astronaut = pytest.importorskip("skimage.data").astronaut()
    image = np.zeros((720, 1280, 3), np.uint8)
    image[:512, 400:912] = astronaut
    points, other = mesh.Follower(mesh.MediaPipe())(image), mesh.Follower(mesh.MediaPipe())(image[:, ::-1].copy())
    apart = np.linalg.norm(points[36] - points[45])
    assert 50 < apart < 80
    assert np.linalg.norm(mirrored(other, 1280) - points, axis=1).mean() < 0.05 * apart
    rows = points[[19, 37, 30, 51, 57, 8], 1]
    assert (np.diff(rows) > 0).all()
    found = detector.detect(astronaut.mean(2).astype(np.uint8))
    guess = detector.approximate_landmarks(found) + np.array([400, 0])
    assert np.linalg.norm(guess - points, axis=1).mean() < 0.2 * apart


# ---------------------------------------------------------------------------------------------------- the feature


def test_landmarks_of_a_file(tmp_path):
    features = Landmarks(fps=50)(video(file=with_holes(tmp_path, [4])))
    assert features.values.dtype == np.float32
    assert features.positions.tolist() == [0, 2, 4, 6, 8]
    np.testing.assert_allclose(features.values, [face((i, 0)) for i in range(0, 10, 2)], atol=1e-4)
    assert features.facts["landmarks"] == "file"
    assert features.facts["frames_without_face"] == 1
    assert features.facts["lowest_score"] == 0.5


def test_ends_without_a_face_take_the_nearest(tmp_path):
    values = Landmarks()(video(file=with_holes(tmp_path, [0, 1, 9]))).values
    np.testing.assert_allclose(values[[0, 1, 9]], [face((2, 0)), face((2, 0)), face((8, 0))], atol=1e-4)


def test_skipped_frames_are_not_in_the_positions(tmp_path):
    features = Landmarks(missing="skip")(video(file=with_holes(tmp_path, [4, 5])))
    assert features.positions.tolist() == [0, 1, 2, 3, 6, 7, 8, 9]
    np.testing.assert_allclose(features.values[4], face((6, 0)), atol=1e-4)
    assert features.facts["frames_without_face"] == 2


def test_refused_frames_are_named_by_their_published_numbers(tmp_path):
    with pytest.raises(DataError, match=r"2 frames of toy/006/006_1: 105, 106"):
        Landmarks(missing="fail")(video(file=with_holes(tmp_path, [4, 5])))
    with pytest.raises(DataError, match=r"and 32 more"):
        Landmarks(missing="fail")(video(50, file=with_holes(tmp_path, [], n=10)))


def test_smoothing_is_asked_for_in_seconds(tmp_path):
    points = np.stack([face()] * 40) + np.random.default_rng(0).normal(0, 1, (40, 68, 2))
    np.save(tmp_path / "006_1.npy", points)
    shown = video(40, file=tmp_path / "006_1.npy")
    rough, fine = Landmarks()(shown).values, Landmarks(smoothing=0.2)(shown).values
    np.testing.assert_allclose(rough, points, atol=1e-4)
    assert (fine - face()).std() < 0.5 * (rough - face()).std()


@pytest.mark.parametrize("wrong", [{"fps": 0}, {"smoothing": -1}])
def test_impossible_options_are_refused(wrong):
    with pytest.raises(DataError, match="landmarks: fps"):
        Landmarks(**wrong)


@pytest.mark.parametrize(
    ("asked", "file", "there", "taken"),
    [
        ("auto", True, "0.10.21", "files"),
        ("auto", False, "0.10.21", "mesh"),
        ("auto", False, "", "approximate"),
        ("mesh", True, "0.10.21", "mesh"),
        ("approximate", True, "0.10.21", "approximate"),
        ("files", True, "", "files"),
    ],
)
def test_who_serves_a_video(tmp_path, monkeypatch, asked, file, there, taken):
    monkeypatch.setattr(mesh, "installed", lambda: there)
    shown = video(file=with_holes(tmp_path, []) if file else None)
    assert landmarker.kind_of(shown, landmarker.Wanted("x", asked)) == taken
    assert bool(Landmarks(landmarker=asked).sources(shown)) == (taken == "files")


def test_a_landmarker_that_is_demanded_and_not_there(monkeypatch):
    monkeypatch.setattr(mesh, "installed", lambda: "")
    with pytest.raises(DataError, match="MediaPipe") as caught:
        Landmarks(landmarker="mesh")(video())
    assert "mezoo[faces]" in caught.value.hint
    with pytest.raises(DataError, match="no landmark file"):
        Landmarks(landmarker="files")(video())


def test_the_mesh_serves_the_feature(monkeypatch):
    monkeypatch.setattr(mesh, "installed", lambda: "0.10.21")
    monkeypatch.setattr(mesh, "MediaPipe", Squares)
    images = np.stack([squares((100 + i, 100, 90)) for i in range(12)])
    features = Landmarks()(video(images=images))
    assert [where(p)[0] for p in features.values] == list(range(100, 112))
    assert features.facts["landmarks"] == "mesh (mediapipe)"
    assert Landmarks().environment()["mediapipe"] == "0.10.21"


# -------------------------------------------------------------------------------------------------- files of an extract


def test_what_extract_wrote_is_read_back(tmp_path):
    points = np.random.default_rng(0).uniform(0, 99, (3, 68, 2)).astype(np.float32)
    (tmp_path / "006").mkdir()
    np.savez(tmp_path / "006" / "006_1.npz", values=points, positions=np.array([0, 2, 5]), fps=25.0)
    found = landmarks.read_scored(landmarks.find(tmp_path, "006", "006_1"), 8)
    assert found.known.tolist() == [True, False, True, False, False, True, False, False]
    np.testing.assert_allclose(found.points[[0, 2, 5]], points)
