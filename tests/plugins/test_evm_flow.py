"""The feature `evm_flow`: which frames, how motion is stored, what each part sees, and clips of very few frames."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mezoo_flow.evm import EVM
from mezoo_flow.extractors import TVL1
from mezoo_resnet_lstm import samples
from mezoo_resnet_lstm.evm_flow import EvmFlow, sampled, to_bytes
from scipy.ndimage import gaussian_filter

from mezoo import DataError, Expression, FeatureExtractor, Features, Video


def texture(n: int, size: int = 48, step: float = 0.0) -> np.ndarray:
    """A smooth random picture that moves to the right by `step` px a frame: (n, size, size) uint8."""
    wide = gaussian_filter(np.random.default_rng(0).normal(0, 1, (size, size + 64)), 3)
    wide = 128 + 60 * wide / np.abs(wide).max()
    at = np.arange(size) + 32
    rows = [[np.interp(at - step * i, np.arange(size + 64), line) for line in wide] for i in range(n)]
    return np.rint(rows).astype(np.uint8)


@dataclass(frozen=True)
class Memory:
    """Frames that are pictures in memory."""

    pictures: np.ndarray

    def __len__(self) -> int:
        return len(self.pictures)

    def read(self, index: int, *, grey: bool = False) -> np.ndarray:
        return self.pictures[index] if grey else np.repeat(self.pictures[index][..., None], 3, -1)

    def number(self, index: int) -> int:
        return index

    def files(self) -> tuple[Path, ...]:
        return ()


@dataclass(frozen=True)
class Pictures(FeatureExtractor):
    """The frames as they are, seen by `seen`; turned into something else by `change`."""

    version = "3"
    change: Any = None
    seen: list[Video] = field(default_factory=list)

    def __call__(self, video: Video) -> Features:
        self.seen.append(video)
        values = np.stack([video.frames.read(i, grey=True) for i in range(len(video.frames))])
        values = values if self.change is None else self.change(values)
        return Features(values, np.arange(len(values)), len(video.frames), video.fps, {"said": 1})

    def sources(self, video: Video) -> tuple[Path, ...]:
        return (Path("landmarks.csv"),)

    def environment(self) -> dict[str, str]:
        return {"lib": "2"}


def shifts(values: np.ndarray) -> np.ndarray:
    """In place of flow: the mean difference of each picture from the first as u, and 0.5 as v."""
    u = (values[1:].astype(np.float32) - values[0]).mean((1, 2), keepdims=True)
    return np.stack([np.broadcast_to(u, values[1:].shape), np.full(values[1:].shape, 0.5)], -1).astype(np.float32)


def video(pictures: np.ndarray, fps: float = 200.0) -> Video:
    last = len(pictures) - 1
    seen = Expression("x", "micro", 0, last, last, emotion="disgust", aus="4")
    return Video("toy", "01", "v", fps, Memory(pictures), (seen,), landmarks=Path("landmarks.csv"))


def real(**changed: Any) -> EvmFlow:
    parts = {"crop": Pictures(), "magnify": EVM(levels=2, band=(0.2, 2.4)), "flow": TVL1(pairs="first"), "frames": 4}
    return EvmFlow(**{**parts, **changed})  # type: ignore[arg-type]


def pixels(stored: np.ndarray, bound: float = 10.0) -> np.ndarray:
    m = (stored.astype(float) - 128) / 127
    return bound * m * np.abs(m)


# ------------------------------------------------------------------------------------------------------------- numbers


@given(st.integers(2, 150), st.integers(2, 16))
def test_rows_and_repeats_are_those_of_equal_steps_from_the_second_frame(n: int, frames: int) -> None:
    wanted = np.floor(np.linspace(1, n - 1, frames) + 0.5 + 1e-9).astype(int)
    rows = sampled(n, frames)
    assert (np.diff(rows) > 0).all()
    stored = Features(np.tile(rows[:, None, None, None], (1, 1, 1, 3)), rows, n, 200.0)
    np.testing.assert_array_equal(samples.rows_of(stored, frames)[:, 0, 0, 0], wanted)


def test_a_single_frame_is_its_own_row() -> None:
    assert sampled(1, 10).tolist() == [0]
    assert sampled(2, 10).tolist() == [1]


@given(st.floats(-30, 30), st.sampled_from([3.0, 10.0]))
def test_motion_survives_its_byte(px: float, bound: float) -> None:
    back = float(pixels(to_bytes(np.array([px], np.float32), bound), bound)[0])
    kept = float(np.clip(px, -bound, bound))
    half = 1 / 254
    assert abs(back - kept) <= bound * (2 * np.sqrt(abs(kept) / bound) * half + half**2) + 1e-5
    assert back * px >= 0


def test_errors_are_those_that_the_docstring_states() -> None:
    for near, most in ((0.1, 0.008), (1.0, 0.025)):
        px = np.linspace(0, near, 5001, dtype=np.float32)
        assert np.abs(pixels(to_bytes(px, 10.0)) - px).max() <= most
    assert to_bytes(np.array([0, 10, -10, 99], np.float32), 10.0).tolist() == [128, 255, 1, 255]


# ---------------------------------------------------------------------------------------------------- what goes where


def test_every_part_sees_what_it_should() -> None:
    pictures = np.arange(12, dtype=np.uint8)[:, None, None] * np.ones((1, 16, 16), np.uint8)
    crop, magnify, flow = Pictures(), Pictures(lambda v: v + 100), Pictures(shifts)
    made = EvmFlow(crop, magnify, flow, frames=3)(video(pictures))
    rows = [1, 6, 11]
    assert made.positions.tolist() == rows
    assert made.n_frames == 12
    assert made.fps == pytest.approx(200 * 2 / 10)
    assert made.values.shape == (3, 16, 16, 3)
    assert made.values.dtype == np.uint8
    assert made.values[:, 0, 0, 0].tolist() == [101, 106, 111]  # magnified
    np.testing.assert_allclose(pixels(made.values[:, 3, 3, 1]), [1, 6, 10], atol=0.08)  # not magnified; 11 is clipped
    np.testing.assert_allclose(pixels(made.values[..., 2]), 0.5, atol=0.02)
    given_to = [len(part.seen[0].frames) for part in (crop, magnify, flow)]
    assert given_to == [12, 12, 4]
    assert [flow.seen[0].frames.read(i, grey=True)[0, 0] for i in range(4)] == [0, *rows]
    for part in (magnify, flow):
        assert part.seen[0].expressions == ()
        assert part.seen[0].landmarks is None
        assert part.seen[0].frames.read(1).shape == (16, 16, 3)
    assert made.facts["channels"] == ["grey", "u", "v"]
    assert made.facts["beyond"] == pytest.approx(1 / 6, abs=1e-4)
    assert made.facts["crop"] == made.facts["magnify"] == made.facts["flow"] == {"said": 1}


def test_a_rigid_shift_is_measured_and_magnified_frames_are_those_of_evm() -> None:
    moving = texture(9, step=0.25)
    one = video(moving)
    made = real()(one)
    assert made.positions.tolist() == [1, 3, 6, 8]
    inner = pixels(made.values)[:, 12:-12, 12:-12]
    np.testing.assert_allclose(inner[..., 1].mean((1, 2)), [0.25, 0.75, 1.5, 2.0], atol=0.1)
    np.testing.assert_allclose(inner[..., 2].mean((1, 2)), 0, atol=0.1)
    whole = EVM(levels=2, band=(0.2, 2.4))(one).values
    np.testing.assert_array_equal(made.values[..., 0], whole[made.positions])
    assert (whole[8] != moving[8]).any()


def test_flow_between_neighbours_is_a_choice() -> None:
    made = real(flow=TVL1(pairs="consecutive"))(video(texture(9, step=0.25)))
    inner = pixels(made.values)[:, 12:-12, 12:-12, 1]
    np.testing.assert_allclose(inner.mean((1, 2)), [0.25, 0.5, 0.75, 0.5], atol=0.1)


@pytest.mark.parametrize(("n", "rows"), [(1, [0]), (2, [1]), (3, [1, 2]), (5, [1, 2, 3, 4]), (6, [1, 2, 4, 5])])
def test_clips_of_few_frames_have_fewer_rows(n: int, rows: list[int]) -> None:
    made = real()(video(texture(n, step=0.5)))
    assert made.positions.tolist() == rows
    assert made.values.shape == (len(rows), 48, 48, 3)
    assert np.isfinite(made.fps)
    assert ("still" in made.facts) == (n == 1)
    if n == 1:
        assert (made.values[..., 1:] == 128).all()
        np.testing.assert_array_equal(made.values[..., 0], texture(1))


def test_labels_are_not_looked_at() -> None:
    one = video(texture(7, step=0.3))
    np.testing.assert_array_equal(real()(one).values, real()(one.unlabelled()).values)


def test_the_store_knows_the_parts() -> None:
    extractor = real(crop=Pictures())
    found = extractor.environment()
    assert found["crop"] == "Pictures 3"
    assert found["magnify"] == f"EVM {EVM.version}"
    assert found["flow"] == f"TVL1 {TVL1.version}"
    assert {"lib", "opencv", "scipy", "numba"} <= found.keys()
    assert extractor.sources(video(texture(2))) == (Path("landmarks.csv"),)


# ---------------------------------------------------------------------------------------------------------- refusals


def colour(values: np.ndarray) -> np.ndarray:
    return np.repeat(values[..., None], 3, -1)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"crop": Pictures(colour)}, "not grey pictures"),
        ({"magnify": EVM(levels=2, size=24, band=(0.2, 2.4))}, "magnify made"),
        ({"magnify": EVM(levels=2, band=(0.2, 2.4), as_float=True)}, "magnify made float32"),
        ({"flow": TVL1(size=24)}, "flow made"),
        ({"flow": TVL1(quantise="uint8")}, "flow made uint8"),
        ({"flow": Pictures()}, "flow made"),
        ({"frames": 1}, "frames 1"),
        ({"bound": 0.0}, "bound 0"),
    ],
)
def test_parts_that_do_not_fit_are_refused(parts: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        real(**parts)(video(texture(6)))
    assert caught.value.hint
