"""TV-L1: the fused sweep and the batched one against OpenCV, and all of them against the renderer's true motion."""

from functools import cache

import cv2
import numpy as np
import pytest
from mezoo_flow.tvl1 import Settings, fast_solver, opencv_solver
from mezoo_flow.tvl1_torch import torch_solver

from mezoo.synthetic import Film, FilmSpec, Movement, Script, make_face

SPREAD = 1.5
"""How far from OpenCV is allowed, in units of how far OpenCV goes when its input changes by 1e-4 grey levels."""

WARPED = 2e-3 if int(cv2.__version__.split(".")[0]) >= 5 else 5e-2
"""px; OpenCV 4 rounds the places that it samples to 1/32 px, which torch does not."""


@cache
def pair(seed, height=64, width=72):
    """A resting face, the same at the apex of a movement with a turned head, and the true motion."""
    head = np.zeros((3, 3), dtype=np.float32)
    head[1] = 1.0, 0.5, 0.004
    movement = Movement("macro", 0, 1, 2, ((12, ""), (4, "")) if seed % 2 else ((1, ""), (26, "")), "happiness", 3.0)
    script = Script(30.0, 3, (movement,), (), head, 1.0)
    spec = FilmSpec(height, width, 0.8 * min(height, width), noise=1.0, seed=seed)
    rest = Film(make_face(seed), Script(30.0, 1, (), (), head[:1], 1.0), spec)
    film = Film(make_face(seed), script, spec)
    return rest.frame(0), film.frame(1), film.motion(1)


def error(flow, other):
    """Mean end-point error, px."""
    return float(np.hypot(*np.moveaxis(flow - other, -1, 0)).mean())


def nudged(image, rng):
    """The picture as float32 in [0, 1] with 1e-4 grey levels of noise."""
    return ((image + 1e-4 * rng.standard_normal(image.shape)) / 255).astype(np.float32)


@cache
def own_spread(seed):
    """How far OpenCV moves under a noise that nobody can see: mean over draws, px."""
    rng, (a, b, _) = np.random.default_rng(seed), pair(seed)
    solve = opencv_solver(Settings())
    plain = solve(a, b)
    return float(np.mean([error(solve(nudged(a, rng), nudged(b, rng)), plain) for _ in range(4)]))


def of_batch(seeds):
    first, second = (np.stack([pair(seed)[k] for seed in seeds]) for k in (0, 1))
    return torch_solver(Settings(), "cpu")(first, second)


@pytest.mark.parametrize("backend", ["fast", "torch"])
def test_as_near_to_opencv_as_opencv_to_itself(backend):
    seeds = range(6)
    opencv = [opencv_solver(Settings())(*pair(seed)[:2]) for seed in seeds]
    fast = fast_solver(Settings())
    flows = of_batch(seeds) if backend == "torch" else [fast(*pair(seed)[:2]) for seed in seeds]
    apart = np.mean([error(a, b) for a, b in zip(flows, opencv, strict=True)])
    spread = np.mean([own_spread(seed) for seed in seeds])
    assert spread < 0.05
    assert apart <= SPREAD * spread


def test_no_further_from_the_truth_than_opencv():
    ours, opencv, still = [], [], []
    for a, b, motion in map(pair, range(6)):
        ours.append(error(fast_solver(Settings())(a, b), motion))
        opencv.append(error(opencv_solver(Settings())(a, b), motion))
        still.append(error(np.zeros_like(motion), motion))
    assert np.mean(ours) <= np.mean(opencv) * 1.02
    assert np.mean(ours) < 0.5 * np.mean(still)


@pytest.mark.parametrize(
    "settings",
    [
        Settings(nscales=1, warps=1, epsilon=1e-9, outer_iterations=1),
        Settings(nscales=2, warps=2, median=3, epsilon=1e-9, outer_iterations=2, inner_iterations=7),
        Settings(nscales=3, warps=1, median=0, scale_step=0.5, tau=0.2, lambda_=0.1, theta=0.25, epsilon=1e-9),
    ],
    ids=["one level", "median 3", "no median"],
)
def test_every_step_is_the_same_where_nothing_is_left_to_chance(settings):
    """With a fixed number of iterations the three differ by rounding only, borders included."""
    a, b, _ = pair(1)
    opencv = opencv_solver(settings)(a, b)
    fast = fast_solver(settings)(a, b)
    batched = torch_solver(settings, "cpu")(a[None], b[None])[0]
    assert np.quantile(np.abs(fast - opencv), 0.99) < 2e-3
    assert np.quantile(np.abs(batched - opencv), 0.99) < WARPED


def test_a_pair_does_not_depend_on_its_batch():
    alone, among = of_batch([2]), of_batch([0, 2])
    np.testing.assert_allclose(among[1], alone[0], atol=1e-4)


def test_grey_levels_may_be_bytes_or_shares():
    a, b, _ = pair(0)
    shares = [(x / 255).astype(np.float32) for x in (a, b)]
    np.testing.assert_allclose(fast_solver(Settings())(*shares), fast_solver(Settings())(a, b), atol=0.05)


def test_a_known_shift_is_found_at_odd_sizes():
    rng = np.random.default_rng(0)
    texture = cv2.GaussianBlur(rng.standard_normal((90, 90)).astype(np.float32), (0, 0), 2.5)
    texture = ((texture - texture.min()) / np.ptp(texture) * 255).astype(np.uint8)
    for height, width in ((16, 16), (17, 61), (61, 33)):
        a, b = texture[10 : 10 + height, 10 : 10 + width], texture[9 : 9 + height, 8 : 8 + width]
        flow = fast_solver(Settings())(a, b)
        assert flow.shape == (height, width, 2)
        np.testing.assert_allclose(np.median(flow, axis=(0, 1)), [2, 1], atol=0.15)
