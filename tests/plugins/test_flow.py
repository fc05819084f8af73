"""The extractors: what comes out for a video, which pairs, and what is refused."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from mezoo_flow import fields
from mezoo_flow.extractors import DIS, TVL1, Farneback

from mezoo import DataError, FeatureExtractor, Features, Video

SIZE = (32, 40)
ALL = [TVL1(), TVL1(backend="opencv"), TVL1(backend="torch", device="cpu", batch=2), Farneback(), DIS()]
NAMES = ["fast", "opencv", "torch", "farneback", "dis"]


@dataclass(frozen=True)
class Pictures:
    """Frames held in memory: (n, height, width) uint8; counts what is read."""

    images: list
    read_log: list

    def __len__(self):
        return len(self.images)

    def read(self, index, *, grey=False):
        self.read_log.append(index)
        image = self.images[index]
        return image if grey else np.repeat(image[..., None], 3, axis=2)

    def number(self, index):
        return index + 1

    def files(self):
        return ()


def picture(shift=0.0, size=SIZE):
    """A smooth pattern shifted to the right by `shift` px."""
    y, x = np.mgrid[: size[0], : size[1]]
    return (128 + 60 * np.sin((x - shift) / 3) * np.cos(y / 4) + 40 * np.cos((x - shift + y) / 5)).astype(np.uint8)


def video(n=5, step=0.5, fps=200.0, images=None):
    images = [picture(step * i) for i in range(n)] if images is None else images
    return Video("toy", "006", "006_1", fps, Pictures(images, []))


@dataclass(frozen=True)
class EveryOther(FeatureExtractor):
    """Stands in for a crop: every other frame, as RGB unless `grey`."""

    version = "7"
    grey: bool = True
    kind: type = np.uint8

    def __call__(self, video):
        positions = np.arange(0, len(video.frames), 2)
        values = np.stack([video.frames.read(int(i), grey=self.grey) for i in positions]).astype(self.kind)
        return Features(values, positions, len(video.frames), video.fps / 2)

    def sources(self, video):
        return ("marks.csv",)

    def environment(self):
        return {"cropper": "1.0"}


@pytest.mark.parametrize("extractor", ALL, ids=NAMES)
def test_consecutive_flow_has_the_promised_shape_and_the_right_sign(extractor):
    features = extractor(video())
    assert features.values.shape == (4, *SIZE, 2)
    assert features.values.dtype == np.float32
    assert features.positions.tolist() == [1, 2, 3, 4]
    assert features.positions.dtype == np.int64
    assert (features.fps, features.n_frames) == (200, 5)
    inner = features.values[:, 8:-8, 8:-8]
    np.testing.assert_allclose(inner.mean((1, 2)), [[0.5, 0]] * 4, atol=0.12)


@pytest.mark.parametrize("extractor", ALL, ids=NAMES)
def test_constant_frames_do_not_move(extractor):
    still = np.abs(extractor(video(images=[picture()] * 3)).values)
    if isinstance(extractor, Farneback):  # it sees the border move
        assert np.median(still) < 0.01
    else:
        assert still.max() < 1e-4


@pytest.mark.parametrize("extractor", ALL, ids=NAMES)
def test_flow_of_two_pictures_is_the_row_of_the_video(extractor):
    pair = extractor.flow(picture(0.0), picture(0.5))
    np.testing.assert_allclose(pair, extractor(video(2)).values[0], atol=1e-5)


def test_first_frame_pairs_grow_with_time():
    features = TVL1(pairs="first")(video())
    assert features.positions.tolist() == [1, 2, 3, 4]
    across = features.values[:, 8:-8, 8:-8, 0].mean((1, 2))
    np.testing.assert_allclose(across, [0.5, 1, 1.5, 2], atol=0.15)


def test_given_pairs_stand_at_their_second_frame():
    features = DIS(pairs=((0, 2), (3, 4)))(video())
    assert features.positions.tolist() == [2, 4]
    np.testing.assert_array_equal(features.values[1], DIS()(video()).values[3])
    assert features.fps == pytest.approx(200 * 2 / 5)
    assert features.facts["pairs"] == [[0, 2], [3, 4]]


@pytest.mark.parametrize("pairs", [(), ((0, 9),), ((-1, 2),), ((0, 3), (1, 2)), ((0, 2), (1, 2))])
def test_pairs_that_cannot_be_are_refused(pairs):
    with pytest.raises(DataError, match="toy/006/006_1") as caught:
        DIS(pairs=pairs)(video())
    assert "0 to 4" in caught.value.hint


def test_frames_are_read_once():
    seen = video(6)
    DIS()(seen)
    assert seen.frames.read_log == list(range(6))
    again = video(6)
    DIS(pairs="first")(again)
    assert again.frames.read_log == list(range(6))
    blocks = video(6)
    TVL1(backend="torch", device="cpu", batch=2, warps=1, nscales=1)(blocks)
    assert blocks.frames.read_log == list(range(6))


def test_200_to_25_is_every_eighth_frame():
    features = DIS(fps=25)(video(20))
    assert features.positions.tolist() == [8, 16]
    assert features.fps == 25


def test_a_crop_is_used_instead_of_the_frames():
    plain = DIS()(video(images=[picture(0.5 * i) for i in (0, 2, 4)]))
    for grey in (True, False):
        cropped = DIS(crop=EveryOther(grey))(video())
        np.testing.assert_array_equal(cropped.values, plain.values)
        assert cropped.positions.tolist() == [2, 4]
        assert cropped.fps == 100
    extractor = DIS(crop=EveryOther())
    assert extractor.sources(video()) == ("marks.csv",)
    assert extractor.environment().items() >= {"cropper": "1.0", "crop": "7"}.items()


def test_a_crop_of_something_else_is_refused():
    with pytest.raises(DataError, match="float32"):
        DIS(crop=EveryOther(kind=np.float32))(video())


def test_size_resizes_before():
    assert DIS(size=(48, 36))(video()).values.shape == (4, 48, 36, 2)
    assert DIS(size=24)(video()).values.shape == (4, 24, 24, 2)
    mixed = [picture(), picture(size=(40, 40))]
    assert DIS(size=24)(video(images=mixed)).values.shape == (1, 24, 24, 2)


def test_channels_are_appended_in_order():
    features = DIS(strain=True, magnitude=True, grey=True)(video())
    assert features.facts["channels"] == ["u", "v", "magnitude", "strain", "grey"]
    flow = features.values[..., :2]
    np.testing.assert_allclose(features.values[..., 2], fields.magnitude(flow), rtol=1e-6)
    np.testing.assert_allclose(features.values[..., 3], fields.optical_strain(flow), rtol=1e-6)
    np.testing.assert_array_equal(features.values[1, ..., 4], picture(1.0))


def test_small_storage():
    plain = DIS()(video()).values
    half = DIS(quantise="float16")(video()).values
    assert half.dtype == np.float16
    np.testing.assert_allclose(half, plain, rtol=1e-3, atol=1e-6)
    stored = DIS(quantise="uint8", bound=5, grey=True)(video())
    assert (stored.values.dtype, stored.facts["bound"]) == (np.uint8, 5)
    np.testing.assert_allclose(fields.dequantise(stored.values[..., :2], 5), plain, atol=5 / 255 + 1e-5)
    np.testing.assert_array_equal(stored.values[0, ..., 2], picture(0.5))


@pytest.mark.parametrize("n", [0, 1])
def test_less_than_two_frames_are_refused(n):
    with pytest.raises(DataError, match=f"{n} frame") as caught:
        TVL1()(video(n))
    assert caught.value.hint


def test_frames_of_two_sizes_or_very_small_ones_are_refused():
    with pytest.raises(DataError, match="differ in size"):
        DIS()(video(images=[picture(), picture(size=(40, 40))]))
    with pytest.raises(DataError, match="12 x 40"):
        DIS()(video(images=[picture(size=(12, 40))] * 2))
    with pytest.raises(DataError, match="shapes"):
        DIS().flow(picture(), picture(size=(40, 40)))
    with pytest.raises(DataError, match="400 frames a second"):
        DIS(fps=400)(video())


@pytest.mark.parametrize(
    ("extractor", "wrong"),
    [
        (DIS, {"size": 8}),
        (DIS, {"bound": 0}),
        (DIS, {"fps": 0}),
        (DIS, {"quantise": "uint8", "strain": True}),
        (DIS, {"crop": EveryOther(), "fps": 25}),
        (TVL1, {"tau": 0}),
        (TVL1, {"warps": 0}),
        (TVL1, {"scale_step": 1.0}),
        (TVL1, {"median": 4}),
        (TVL1, {"batch": 0}),
        (Farneback, {"levels": 0}),
        (Farneback, {"scale": 1.0}),
    ],
)
def test_options_that_cannot_be_are_refused(extractor, wrong):
    with pytest.raises(DataError) as caught:
        extractor(**wrong)
    assert caught.value.hint


def test_without_numba_the_other_backends_remain(monkeypatch):
    monkeypatch.setattr("mezoo_flow.extractors.find_spec", lambda _: None)
    with pytest.raises(DataError, match="numba") as caught:
        TVL1()
    assert "pip install numba" in caught.value.hint
    assert "backend: opencv" in caught.value.hint
    TVL1(backend="opencv")


def test_environment_names_what_changes_the_numbers():
    assert set(DIS().environment()) == set(TVL1(backend="opencv").environment()) == {"opencv"}
    assert set(TVL1().environment()) == {"opencv", "numba"}
    assert set(TVL1(backend="torch").environment()) == {"opencv", "torch"}


def test_presets_and_their_numbers():
    medium, other = DIS()(video()).values, DIS(preset="ultrafast")(video()).values
    assert not np.array_equal(medium, other)
    fine = DIS(finest_scale=0, patch_size=8, patch_stride=4, gradient_iterations=16, refinement_iterations=5)
    assert np.abs(fine(video()).values - medium).max() < 1
    assert not np.array_equal(fine(video()).values, medium)
    assert not np.array_equal(Farneback(gaussian=True)(video()).values, Farneback()(video()).values)


def test_an_extractor_is_label_blind_and_repeats_itself():
    clip = video(3)
    np.testing.assert_array_equal(TVL1()(clip).values, TVL1()(replace(clip, expressions=())).values)
