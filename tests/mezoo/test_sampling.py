import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from mezoo import DataError
from mezoo.sampling import between, every, interpolate, key_frames, tim_weights

RATES = st.floats(1, 300, allow_nan=False)


@pytest.mark.parametrize(
    ("n", "fps", "to", "expected"),
    [
        (24, 200, 25, [0, 8, 16]),
        (25, 200, 25, [0, 8, 16, 24]),
        (31, 200, 25, [0, 8, 16, 24]),
        (10, 30, 30, [*range(10)]),
        (9, 30, 25, [0, 1, 2, 4, 5, 6, 7, 8]),
        (8, 25, 10, [0, 3, 5]),
        (7, 29.97, 9.99, [0, 3, 6]),
        (1, 200, 25, [0]),
        (0, 200, 25, []),
    ],
)
def test_known_rates(n, fps, to, expected):
    frames = every(n, fps, to)
    assert frames.dtype == np.int64
    assert frames.tolist() == expected


@given(st.integers(0, 2000), RATES, st.floats(0.01, 1))
def test_any_rate_takes_the_nearest_frames(n, fps, share):
    to = max(0.5, fps * share)
    frames = every(n, fps, min(to, fps))
    assert frames[:1].tolist() == [0][:n]
    assert np.all(np.diff(frames) > 0)
    assert np.all((frames >= 0) & (frames < n))
    away = np.abs(frames / fps - np.arange(len(frames)) / min(to, fps))
    assert np.all(away <= 0.5 / fps + 1e-9)
    if n:
        assert np.floor(len(frames) * fps / min(to, fps) + 0.5) >= n


@given(st.integers(1, 40), st.integers(1, 30))
def test_whole_ratios_are_strides(ratio, n):
    assert every(n, 25.0 * ratio, 25.0).tolist() == [*range(0, n, ratio)]


@pytest.mark.parametrize(("fps", "to"), [(25, 50), (25, 0), (25, -1), (0, 0), (float("nan"), 25), (25, float("nan"))])
def test_impossible_rates(fps, to):
    with pytest.raises(DataError, match="cannot be taken"):
        every(10, fps, to)


def test_linear_by_hand():
    values = np.array([[0.0, 10.0], [1.0, 20.0], [4.0, 0.0]])
    found = interpolate(values, 5)
    assert found.dtype == np.float64
    assert found.tolist() == [[0, 10], [0.5, 15], [1, 20], [2.5, 10], [4, 0]]
    assert interpolate(np.array([0, 200, 255], dtype=np.uint8), 2).tolist() == [0, 255]
    assert interpolate(np.array([0, 255], dtype=np.uint8), 3).tolist() == [0, 127.5, 255]


SEQUENCES = arrays.arrays(
    np.float64, st.tuples(st.integers(1, 12), st.integers(1, 3), st.integers(1, 2)), elements=st.floats(-100, 100)
)


@given(SEQUENCES, st.integers(2, 30), st.sampled_from(["linear", "tim"]))
def test_interpolation_keeps_ends_and_shape(values, rows, method):
    found = interpolate(values, rows, method)
    assert found.shape == (rows, *values.shape[1:])
    np.testing.assert_allclose(found[[0, -1]], values[[0, -1]], atol=1e-9)
    np.testing.assert_allclose(interpolate(values, len(values), method), values, atol=1e-9)
    np.testing.assert_allclose(interpolate(values, 1, method)[0], values[0], atol=1e-9)
    if method == "linear":
        for place in np.ndindex(values.shape[1:]):
            at = np.linspace(0, len(values) - 1, rows)
            by_numpy = np.interp(at, np.arange(len(values)), values[:, *place])
            np.testing.assert_allclose(found[:, *place], by_numpy, atol=1e-9)


@pytest.mark.parametrize("method", ["linear", "tim"])
@pytest.mark.parametrize(
    ("given_dtype", "dtype"),
    [("uint8", "float32"), ("float32", "float32"), ("float64", "float64"), ("int64", "float64")],
)
def test_dtypes(method, given_dtype, dtype):
    assert interpolate(np.ones((3, 2), dtype=given_dtype), 4, method).dtype == dtype


@pytest.mark.parametrize(("n", "rows"), [(0, 3), (3, 0)])
@pytest.mark.parametrize("method", ["linear", "tim"])
def test_nothing_to_interpolate(n, rows, method):
    with pytest.raises(DataError, match="too few"):
        interpolate(np.zeros((n, 2)), rows, method)


def tim_by_decomposition(values: np.ndarray, rows: int) -> np.ndarray:
    """The model step by step: graph embedding of the frames' principal parts, solved as an eigenproblem."""
    n = len(values)
    columns = values.T
    mean = columns.mean(1, keepdims=True)
    u, s, vt = np.linalg.svd(columns - mean, full_matrices=False)
    u, q = u[:, : n - 1], np.diag(s[: n - 1]) @ vt[: n - 1]
    path = np.diag(np.ones(n - 1), 1) + np.diag(np.ones(n - 1), -1)
    laplacian = np.diag(path.sum(0)) - path
    values_of, w = np.linalg.eig(np.linalg.solve(q @ q.T, q @ laplacian @ q.T))
    w = w[:, np.argsort(values_of.real)].real
    k = np.arange(1, n)

    def curve(t: float) -> np.ndarray:
        return np.sin(np.pi * k * t + np.pi * (n - k) / (2 * n))

    scale = (w.T @ q[:, 0]) / curve(1 / n)
    points = [u @ np.linalg.solve(w.T, scale * curve(t)) + mean[:, 0] for t in np.linspace(1 / n, 1, rows)]
    return np.array(points)


@pytest.mark.parametrize(("n", "rows"), [(2, 5), (3, 10), (7, 10), (12, 5), (12, 40)])
def test_tim_is_the_decomposed_model(n, rows):
    values = np.random.default_rng(n).normal(size=(n, 30))
    np.testing.assert_allclose(interpolate(values, rows, "tim"), tim_by_decomposition(values, rows), atol=1e-8)


@given(st.integers(1, 30), st.integers(1, 30))
def test_tim_weights_mix_frames(n, rows):
    weights = tim_weights(n, rows)
    assert weights.shape == (rows, n)
    np.testing.assert_allclose(weights.sum(1), 1, atol=1e-12)


def test_tim_is_smoother_than_linear():
    values = np.sin(np.linspace(0, np.pi, 9))[:, None]
    truth = np.sin(np.linspace(0, np.pi, 33))[:, None]
    inside = slice(8, -8)
    tim, linear = (np.abs(interpolate(values, 33, m) - truth)[inside].max() for m in ("tim", "linear"))
    assert tim < linear / 2


@pytest.mark.parametrize(
    ("onset", "apex", "count", "expected"),
    [
        (10, 20, 2, [10, 20]),
        (10, 20, 3, [10, 15, 20]),
        (10, 20, 5, [10, 13, 15, 18, 20]),
        (0, 3, 4, [0, 1, 2, 3]),
        (5, 5, 3, [5, 5, 5]),
        (5, 6, 4, [5, 5, 6, 6]),
    ],
)
def test_between_by_hand(onset, apex, count, expected):
    assert between(onset, apex, count).tolist() == expected


@given(st.integers(0, 10_000), st.integers(0, 500), st.integers(2, 40))
def test_between_is_equidistant(onset, span, count):
    frames = between(onset, onset + span, count)
    assert (len(frames), frames[0], frames[-1]) == (count, onset, onset + span)
    assert np.all(np.diff(frames) >= 0)
    assert np.abs(frames - onset - np.arange(count) * span / (count - 1)).max() <= 0.5 + 1e-9
    if span >= count - 1:
        assert np.all(np.diff(frames) > 0)


def test_between_refuses():
    with pytest.raises(DataError, match="apex 4 comes before onset 5"):
        between(5, 4, 3)
    with pytest.raises(DataError, match="too few"):
        between(5, 9, 1)


@pytest.mark.parametrize(
    ("ends", "official", "expected"),
    [
        ((100, 120, 130), False, [100, 110, 120, 130]),
        ((100, 121, 130), True, [100, 110, 121, 130]),
        ((100, 110, 131), False, [100, 110, 120, 131]),
        ((100, 110, 131), True, [100, 110, 110, 131]),
        ((100, 110, 120), False, [100, 110, 115, 120]),
        ((100, 110, 120), True, [100, 110, 105, 120]),
        ((7, 7, 7), False, [7, 7, 7, 7]),
    ],
)
def test_key_frames_by_hand(ends, official, expected):
    assert key_frames(*ends, official=official).tolist() == expected


@given(st.integers(0, 5000), st.integers(0, 300), st.integers(0, 300))
def test_key_frames_are_in_order(onset, rise, fall):
    frames = key_frames(onset, onset + rise, onset + rise + fall)
    assert np.all(np.diff(frames) >= 0)
    assert {onset, onset + rise, onset + rise + fall} <= {*frames.tolist()}
    official = key_frames(onset, onset + rise, onset + rise + fall, official=True)
    if rise > fall:
        assert np.array_equal(frames, official)
    else:
        assert frames[2] - official[2] == rise
        assert np.array_equal(np.delete(frames, 2), np.delete(official, 2))


@pytest.mark.parametrize("ends", [(5, 4, 9), (5, 10, 9)])
def test_an_apex_outside_is_refused(ends):
    with pytest.raises(DataError, match="comes before"):
        key_frames(*ends)
