import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mezoo.errors import DataError
from mezoo.synthetic import (
    ACTION_UNITS,
    AUS_BY_EMOTION,
    Film,
    FilmSpec,
    Movement,
    Script,
    ScriptSpec,
    activation,
    make_face,
    write_script,
)
from mezoo.synthetic.canvas import Canvas
from mezoo.synthetic.paint import paint

FACE = make_face(11)
SMALL = FilmSpec(height=160, width=130, face_width=100, noise=0.0)
STILL = np.zeros((3, 3), dtype=np.float32)


def play(aus, amplitude=4.0, *, blinks=(), head=STILL, spec=SMALL, intensity=1.0, face=FACE):
    """Three frames; the movement is at its apex, and a blink closed, in frame 1."""
    movements = (Movement("macro", 0, 1, 2, tuple(aus), "happiness", amplitude),) if aus else ()
    return Film(face, Script(30.0, 3, movements, blinks, head, intensity), spec)


def shift_of_landmarks(aus, amplitude=4.0, **kwargs):
    """Landmark displacement at the apex in px of a face 256 px wide."""
    film = play(aus, amplitude, **kwargs)
    rest = play((), face=kwargs.get("face", FACE)).landmarks(1)
    return (film.landmarks(1) - rest) * 256 / SMALL.face_width


# --------------------------------------------------------------------------------------------- identity


def test_a_seed_is_a_person():
    one, again, other = make_face(5), make_face(5), make_face(6)
    np.testing.assert_array_equal(one.landmarks, again.landmarks)
    assert one == again
    assert one != other
    assert np.abs(one.landmarks - other.landmarks).mean() > 0.8
    canvas = Canvas(left=-160, top=-230, step=3.0, width=107, height=155, channels=3)
    pictures = [paint(face, canvas) for face in (one, again, other)]
    np.testing.assert_array_equal(pictures[0], pictures[1])
    assert np.abs(pictures[0] - pictures[2]).mean() > 5


def test_every_landmark_varies_between_people_and_keeps_its_place():
    faces = np.stack([make_face(seed).landmarks for seed in range(40)])
    assert faces.shape == (40, 68, 2)
    varies = faces.std(axis=0).max(axis=1) > 0.3
    assert varies[1:16].all()
    assert varies[17:].all()
    np.testing.assert_allclose(faces[:, 16, 0] - faces[:, 0, 0], 256, atol=1e-3)
    assert (faces[:, 36:48, 1].max(axis=1) < faces[:, 33, 1]).all()
    assert (faces[:, 33, 1] < faces[:, 51, 1]).all()
    assert (faces[:, 17:27, 1].max(axis=1) < faces[:, 36:48, 1].min(axis=1)).all()


# --------------------------------------------------------------------------------------------- film


def test_frames_come_in_any_order_and_repeat():
    script = write_script(ScriptSpec(30.0, 90), np.random.default_rng(1))
    film, again = (Film(FACE, script, FilmSpec(120, 96, 80, noise=1.5, seed=4)) for _ in range(2))
    backwards = [film.frame(i) for i in (80, 40, 3)][::-1]
    forwards = [again.frame(i) for i in (3, 40, 80)]
    np.testing.assert_array_equal(np.stack(backwards), np.stack(forwards))
    assert len(film) == 90
    assert forwards[0].shape == (120, 96)
    assert forwards[0].dtype == np.uint8


@pytest.mark.parametrize("painted", [False, True])
@pytest.mark.parametrize("filmed", [False, True])
def test_colour_is_the_cameras_choice(painted, filmed):
    spec = FilmSpec(80, 64, 50, colour=filmed)
    frame = Film(make_face(2, colour=painted), Script(30.0, 1, (), (), STILL[:1], 1.0), spec).frame(0)
    assert frame.shape == ((80, 64, 3) if filmed else (80, 64))
    coloured = filmed and np.ptp(frame.astype(float).mean(axis=(0, 1))) > 4
    assert coloured == (filmed and painted)


def test_without_intensity_blinks_and_head_motion_only_noise_is_left():
    head = np.zeros((30, 3), dtype=np.float32)
    movement = Movement("micro", 3, 9, 16, ((12, ""), (6, "L")), "happiness", 5.0)
    spec = FilmSpec(160, 130, 100, noise=1.5, seed=3)
    film = Film(FACE, Script(30.0, 30, (movement,), (), head, 0.0), spec)
    difference = film.frame(9).astype(float) - film.frame(0)
    assert 1.5 < difference.std() < 2.8
    assert abs(difference.mean()) < 0.1
    assert not film.motion(9).any()
    moving = Film(FACE, Script(30.0, 30, (movement,), (), head, 1.0), spec)
    assert np.abs(moving.motion(9)).max() > 1


def test_noise_of_two_frames_is_not_the_same():
    film = play((), spec=FilmSpec(96, 80, 60, noise=3.0))
    a, b = (film.frame(i).astype(float) - play((), spec=FilmSpec(96, 80, 60, noise=0.0)).frame(i) for i in (0, 1))
    assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < 0.1
    assert a.std() == pytest.approx(3.0, abs=0.3)


@pytest.mark.parametrize("aus", [((12, ""),), ((4, ""), (9, "")), ((1, ""), (2, ""), (26, "")), ()])
def test_frame_is_the_resting_face_displaced_by_motion(aus):
    import cv2

    head = np.array([[0, 0, 0], [3.0, -2.0, 0.01], [0, 0, 0]], dtype=np.float32)
    rest, film = play(()).frame(1), play(aus, 5.0, head=head)
    motion = film.motion(1)
    y, x = np.mgrid[:160, :130].astype(np.float32)
    expected = cv2.remap(rest.astype(np.float32), x - motion[..., 0], y - motion[..., 1], cv2.INTER_CUBIC)
    inside = (slice(4, -4), slice(4, -4))
    error = np.abs(film.frame(1).astype(float) - expected)[inside]
    unmoved = np.abs(film.frame(1).astype(float) - rest)[inside]
    assert np.median(error) < 1.0
    assert error.mean() < 0.4 * unmoved.mean()


@settings(max_examples=15, deadline=None)
@given(
    au=st.sampled_from(sorted(ACTION_UNITS)),
    side=st.sampled_from(["", "L", "R"]),
    amplitude=st.floats(0.5, 10.0),
    dx=st.floats(-8, 8),
    roll=st.floats(-0.04, 0.04),
    blink=st.booleans(),
)
def test_landmarks_follow_the_motion(au, side, amplitude, dx, roll, blink):
    import cv2

    head = np.array([[0, 0, 0], [dx, -dx / 2, roll], [0, 0, 0]], dtype=np.float32)
    film = play([(au, side)], amplitude, head=head, blinks=((0, 2),) if blink else ())
    at, rest = film.landmarks(1), play(()).landmarks(1)
    motion = cv2.remap(film.motion(1), at[None, :, 0], at[None, :, 1], cv2.INTER_LINEAR)[0]
    inside = ((at > 1) & (at < [128, 158])).all(axis=1)
    if blink or au in (43, 45):
        inside[36:48] = False  # the lids meet between two pixels, where the image of the motion cannot show it
    assert inside.sum() > 45
    assert np.abs(at - motion - rest)[inside].max() < 0.35


# --------------------------------------------------------------------------------------------- action units

UP, DOWN = (0, -1), (0, 1)
DIRECTIONS = {
    1: {20: UP, 21: UP, 22: UP, 23: UP},
    2: {17: UP, 18: UP, 25: UP, 26: UP},
    4: {20: (0.5, 1), 21: (0.5, 1), 22: (-0.5, 1), 23: (-0.5, 1)},
    5: {37: UP, 38: UP, 43: UP, 44: UP},
    6: {40: UP, 41: UP, 46: UP, 47: UP},
    7: {37: DOWN, 38: DOWN, 40: UP, 41: UP, 43: DOWN, 44: DOWN, 46: UP, 47: UP},
    9: {31: UP, 32: UP, 34: UP, 35: UP, 21: DOWN, 22: DOWN},
    10: {50: UP, 52: UP},
    12: {48: (-1, -1), 54: (1, -1)},
    14: {48: (1, 0), 54: (-1, 0)},
    15: {48: DOWN, 54: DOWN},
    17: {57: UP, 56: UP, 58: UP},
    18: {48: (1, 0), 54: (-1, 0)},
    20: {48: (-1, 0), 54: (1, 0)},
    23: {50: DOWN, 52: DOWN, 57: UP, 48: (1, 0), 54: (-1, 0)},
    24: {50: DOWN, 51: DOWN, 52: DOWN, 56: UP, 57: UP, 58: UP},
    25: {51: UP, 57: DOWN, 66: DOWN},
    26: {57: DOWN, 8: DOWN, 66: DOWN},
    43: {37: DOWN, 38: DOWN, 43: DOWN, 44: DOWN},
    45: {37: DOWN, 38: DOWN, 43: DOWN, 44: DOWN},
}


def test_directions_are_written_for_every_action_unit():
    assert set(DIRECTIONS) == set(ACTION_UNITS)


@pytest.mark.parametrize("au", sorted(DIRECTIONS))
@pytest.mark.parametrize("seed", [11, 12])
def test_action_unit_moves_as_the_manual_says(au, seed):
    shift = shift_of_landmarks([(au, "")], 4.0, face=make_face(seed))
    for point, way in DIRECTIONS[au].items():
        along = shift[point] @ way / np.hypot(*way)
        across = abs(shift[point] @ (-way[1], way[0])) / np.hypot(*way)
        assert along > 0.5, (au, point, shift[point])
        assert across < 1.2 * along, (au, point, shift[point])
    assert np.hypot(*shift.T).max() < 4.4


@pytest.mark.parametrize("au", [1, 4, 12, 43])
def test_one_sided_action_unit_leaves_the_other_side_alone(au):
    length = np.hypot(*shift_of_landmarks([(au, "L")], 4.0).T)
    left, right = FACE.landmarks[:, 0] > 35, FACE.landmarks[:, 0] < -35
    assert length[left].max() > 2
    assert length[right].max() < 0.35


def test_peak_motion_is_the_amplitude_at_a_face_of_256_px():
    for width in (64, 128):
        film = play([(12, "")], 5.0, spec=FilmSpec(200, 180, width, noise=0.0))
        assert np.hypot(*np.moveaxis(film.motion(1), 2, 0)).max() == pytest.approx(5.0 * width / 256, rel=0.04)


def test_intensity_scales_the_motion():
    whole, half = play([(12, "")]).motion(1), play([(12, "")], intensity=0.5).motion(1)
    np.testing.assert_allclose(half, whole / 2, atol=1e-4)


def test_a_blink_closes_the_eyes():
    rest, shut = play(()).landmarks(1), play((), blinks=((0, 2),)).landmarks(1)
    for upper, lower in ((37, 41), (38, 40), (43, 47), (44, 46)):
        assert shut[lower, 1] - shut[upper, 1] < 0.35 * (rest[lower, 1] - rest[upper, 1])
        assert abs(shut[lower, 1] - rest[lower, 1]) < 0.4


def test_unknown_action_unit_names_the_known_ones():
    with pytest.raises(DataError, match=r"AU 99.*12"):
        play([(99, "")]).frame(1)


def test_head_motion_of_another_length_is_refused():
    with pytest.raises(DataError, match="4 frames"):
        Film(FACE, Script(30.0, 4, (), (), STILL, 1.0), SMALL)


# --------------------------------------------------------------------------------------------- script


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    fps=st.sampled_from([25.0, 30.0, 100.0, 200.0]),
    seconds=st.floats(0.2, 12.0),
    micro=st.integers(0, 4),
    macro=st.integers(0, 3),
)
def test_movements_keep_their_limits_and_their_distance(seed, fps, seconds, micro, macro):
    n = int(seconds * fps)
    script = write_script(ScriptSpec(fps, n, micro, macro), np.random.default_rng(seed))
    assert sum(m.kind == "micro" for m in script.movements) <= micro
    assert sum(m.kind == "macro" for m in script.movements) <= macro
    for m in script.movements:
        ms = (m.offset - m.onset + 1) / fps * 1000
        assert (150 <= ms <= 505) if m.kind == "micro" else (505 < ms <= 4000)
        assert 0.3 * fps <= m.onset < m.apex < m.offset <= n - 1 - 0.3 * fps
        low, high = (0.6, 5.0) if m.kind == "micro" else (2.0, 12.0)
        assert low <= m.amplitude <= high
        assert {au for au, _ in m.aus} <= set(AUS_BY_EMOTION[m.emotion])
    for a, b in zip(script.movements, script.movements[1:], strict=False):
        assert b.onset - a.offset - 1 >= 0.4 * fps
    for first, last in script.blinks:
        assert 0 <= first < last < n
    assert script.head.shape == (n, 3)
    assert np.abs(script.head[:, :2]).max(initial=0) < 14.01


def test_everything_that_fits_is_placed():
    script = write_script(ScriptSpec(200.0, 200 * 60, micro=6, macro=6), np.random.default_rng(0))
    assert len(script.movements) == 12
    assert not write_script(ScriptSpec(200.0, 100, micro=3), np.random.default_rng(0)).movements


def test_micro_expressions_look_like_those_of_samm():
    rng = np.random.default_rng(0)
    spec = ScriptSpec(200.0, 6000, micro=20, macro=0, blinks_per_minute=0, head_scale=0)
    scripts = [write_script(spec, rng) for _ in range(20)]
    found = [m for script in scripts for m in script.movements]
    assert len(found) == 400
    length = np.array([m.offset - m.onset + 1 for m in found])
    assert length.min() >= 30
    assert length.max() <= 101
    assert 340 < length.mean() * 5 < 390
    assert 150 < np.mean([m.apex - m.onset for m in found]) * 5 < 200
    assert np.median([m.amplitude for m in found]) == pytest.approx(1.8, abs=0.2)
    assert np.mean([len(m.aus) == 1 for m in found]) == pytest.approx(0.66, abs=0.08)
    assert not any(script.blinks or script.head.any() for script in scripts)


def test_blinks_come_at_about_the_rate_asked_for():
    scripts = [write_script(ScriptSpec(30.0, 1800, 0), np.random.default_rng(seed)) for seed in range(40)]
    assert 4 < np.mean([len(s.blinks) for s in scripts]) < 8
    lengths = [last - first + 1 for s in scripts for first, last in s.blinks]
    assert np.mean(lengths) / 30 == pytest.approx(0.527, abs=0.05)


def test_the_head_drifts_slowly_and_trembles():
    steps = [
        np.diff(write_script(ScriptSpec(30.0, 900, 0), np.random.default_rng(s)).head[:, :2], axis=0) for s in range(10)
    ]
    assert 0.08 < np.mean([d.std() for d in steps]) < 0.4
    one, two = (write_script(ScriptSpec(30.0, 90, head_scale=k), np.random.default_rng(3)).head for k in (1.0, 2.0))
    np.testing.assert_allclose(two, 2 * one, rtol=1e-5)


def test_activation_rises_to_one_at_the_apex_and_falls_to_zero():
    curve = activation(Movement("micro", 10, 20, 34, ((12, ""),), "happiness", 2.0), 60)
    assert curve.dtype == np.float32
    assert curve[20] == 1
    assert not curve[:10].any()
    assert not curve[35:].any()
    assert (curve[10:35] > 0).all()
    assert (np.diff(curve[9:21]) > 0).all()
    assert (np.diff(curve[20:36]) <= 0).all()


def test_unknown_emotion_and_impossible_lengths_are_refused():
    with pytest.raises(DataError, match="boredom"):
        write_script(ScriptSpec(30.0, 90, emotions=("boredom",)), np.random.default_rng(0))
    with pytest.raises(DataError, match="no micro-expression fits"):
        write_script(ScriptSpec(4.0, 90), np.random.default_rng(0))


def test_importing_the_renderer_loads_neither_torch_nor_opencv():
    code = "import sys, mezoo.synthetic; assert not {'torch', 'cv2', 'scipy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
