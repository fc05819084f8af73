"""Eulerian magnification: the filters against independent references, then what comes out for a video."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mezoo_flow import evm_filters as ef
from mezoo_flow.evm import EVM
from scipy.ndimage import correlate1d
from scipy.signal import butter, lfilter, lfilter_zi, sosfilt

from mezoo import DataError, FeatureExtractor, FeatureStream, Video, synthetic

FPS = 100.0
N = 200
HZ = 4.0
KINDS = ["gaussian", "laplacian"]
FILTERS = ["ideal", "butterworth"]


def how(**changed):
    """Magnifier(pyramid, levels, filter, order, band, alpha, chrom, wavelength) with numbers easy to follow."""
    plain = {"pyramid": "laplacian", "levels": 3, "filter": "ideal", "order": 1, "band": (2.0, 8.0)}
    return ef.Magnifier(**{**plain, "alpha": 5.0, "chrom": 1.0, "wavelength": None, **changed})


def magnified(pictures, settings, fps=FPS):
    """(n, ...) -> (n, ...) float32; pictures may be floats here, so that nothing is lost to rounding."""
    rows = ef.magnify(((picture, i) for i, picture in enumerate(np.float32(pictures))), settings, fps)
    values, positions = zip(*rows, strict=True)
    assert positions == tuple(range(len(pictures)))
    return np.stack(values)


def beat(hz, n=N, fps=FPS):
    """sin(2 pi hz t) as (n, 1, 1)."""
    return np.sin(2 * np.pi * hz * np.arange(n) / fps)[:, None, None]


def complex_amplitude(series, hz, fps=FPS):
    """What of (n, ...) is at `hz`; 1 for `beat(hz)`. n must hold whole periods."""
    wave = np.exp(-2j * np.pi * hz * np.arange(len(series)) / fps)
    return np.tensordot(wave, series, axes=(0, 0)) * 2j / len(series)


def response(hz, band, fps=FPS):
    """Of the first-order Butterworth band-pass, by the bilinear transform of its analogue form."""
    low, high, at = (np.tan(np.pi * f / fps) for f in (*band, hz))
    return 1j * at * (high - low) / (low * high - at**2 + 1j * at * (high - low))


# --- space


@given(st.integers(2, 40), st.integers(2, 40), st.integers(1, 4), st.sampled_from([(), (3,)]), st.integers(0, 99))
def test_a_laplacian_pyramid_adds_up_to_the_picture(height, width, levels, colours, seed):
    picture = np.random.default_rng(seed).uniform(0, 255, (height, width, *colours)).astype(np.float32)
    bands = ef.split(picture, "laplacian", levels)
    sides = [(-(-height // 2**k), -(-width // 2**k)) for k in range(levels + 1)]
    assert [band.shape for band in bands] == [(*side, *colours) for side in sides]
    back = ef.merge(dict(enumerate(bands)), [band.shape for band in bands])
    np.testing.assert_allclose(back, picture, atol=1e-4)


@pytest.mark.parametrize("shape", [(16, 20), (17, 23), (9, 12, 3)])
def test_blurs_are_binomial(shape):
    picture = np.random.default_rng(1).uniform(0, 255, shape).astype(np.float32)
    kernel = np.array([1, 4, 6, 4, 1]) / 16
    for blur in ef.split(picture, "gaussian", 2):
        np.testing.assert_allclose(blur, picture, atol=1e-3)
        picture = correlate1d(correlate1d(picture, kernel, 0, mode="mirror"), kernel, 1, mode="mirror")[::2, ::2]


def test_a_flat_picture_is_in_the_last_level_only():
    flat = np.full((13, 18), 77, np.float32)
    *bands, last = ef.split(flat, "laplacian", 3)
    assert max(np.abs(band).max() for band in bands) < 1e-4
    np.testing.assert_allclose(last, 77, atol=1e-4)
    blurs = ef.split(flat, "gaussian", 3)
    np.testing.assert_allclose(ef.merge({3: blurs[3]}, [b.shape for b in blurs]), flat, atol=1e-4)


def test_factors_of_the_levels():
    octaves = 2 ** np.array([1.5, 2.5, 3.5])
    expected = [*(9 * octaves / 16 - 1), 8, 0]
    np.testing.assert_allclose(how(levels=4, alpha=8, wavelength=16).factors, expected, rtol=1e-6)
    assert how(levels=4, alpha=8, wavelength=16, pyramid="gaussian").factors == (0, 0, 0, 0, 8)
    assert how(levels=2).factors == (5, 5, 0)
    assert how(levels=3, alpha=8, wavelength=40).factors[:2] == (0, pytest.approx(9 * octaves[1] / 40 - 1))


# --- time


@given(st.integers(2, 60), st.floats(0.2, 20), st.floats(0.5, 25), st.integers(0, 99))
def test_ideal_is_a_mask_over_the_two_sided_spectrum(n, low, width, seed):
    band = (low, low + width)
    series = np.random.default_rng(seed).uniform(0, 255, (n, 3, 2))
    spectrum = np.fft.fft(series, axis=0)
    where = np.abs(np.fft.fftfreq(n, 1 / n).round()) * FPS / n
    kept = (where >= band[0]) & (where <= band[1])
    if not kept.any():
        with pytest.raises(DataError, match="none is from"):
            ef.ideal(series.astype(np.float32), band, FPS)
        return
    spectrum[~kept] = 0
    expected = np.fft.ifft(spectrum, axis=0).real
    np.testing.assert_allclose(ef.ideal(series.astype(np.float32), band, FPS), expected, atol=1e-3)


def test_ideal_keeps_both_ends_of_the_band_and_works_in_slabs():
    waves = np.concatenate([beat(hz)[:, 0] for hz in (1.5, 2, 8, 8.5)], axis=1)
    wide = np.repeat(waves, 5000, axis=1)
    out = ef.ideal(wide.astype(np.float32), (2, 8), FPS)
    np.testing.assert_allclose(out, wide * np.repeat([0, 1, 1, 0], 5000), atol=1e-4)


@settings(max_examples=30)
@given(
    st.integers(1, 4), st.floats(0.2, 5), st.floats(0.5, 8), st.sampled_from([30.0, 100.0, 200.0]), st.integers(0, 9)
)
def test_butterworth_is_scipys(order, low, width, fps, seed):
    band = (low, low + width)
    series = np.random.default_rng(seed).uniform(0, 255, (150, 2, 3)).astype(np.float32)
    passing = ef.Butterworth(order, band, fps)
    out = np.stack([passing(picture) for picture in series])
    sections = butter(order, band, "bandpass", fs=fps, output="sos")
    np.testing.assert_allclose(out, sosfilt(sections, series - series[0], axis=0), atol=1e-3)


def test_butterworth_starts_as_if_the_first_picture_had_always_been_there():
    series = np.random.default_rng(0).uniform(0, 255, 300).astype(np.float32)
    passing = ef.Butterworth(1, (1, 5), FPS)
    out = np.array([passing(np.full((1, 1), value))[0, 0] for value in series])
    b, a = butter(1, (1, 5), "bandpass", fs=FPS)
    expected, _ = lfilter(b, a, series, zi=lfilter_zi(b, a) * series[0])
    np.testing.assert_allclose(out, expected, atol=1e-3)
    assert out[0] == 0


# --- both


def test_brightness_in_the_band_grows_by_one_plus_alpha_with_a_gaussian_pyramid():
    film = 120 + 3 * beat(HZ) * np.ones((16, 17))
    np.testing.assert_allclose(magnified(film, how(pyramid="gaussian")) - 120, 6 * (film - 120), atol=1e-3)


@pytest.mark.parametrize("hz", [1.0, 2.0, 4.0, 8.0, 20.0])
def test_gain_and_phase_of_the_causal_filter(hz):
    """One plus alpha times the response: 1 + alpha and no lag at the middle of the band, late above, early below."""
    film = 120 + 3 * beat(hz, 4 * N) * np.ones((8, 8))
    out = magnified(film, how(pyramid="gaussian", levels=2, filter="butterworth"))[2 * N :]
    passed = complex_amplitude(out, hz) / complex_amplitude(film[2 * N :], hz)
    expected = 1 + 5 * response(hz, (2, 8))
    np.testing.assert_allclose(passed, expected, rtol=1e-3)
    assert abs(response(4.0, (2, 8)) - 1) < 0.01
    assert np.sign(np.angle(expected)) == np.sign(4.0 - hz) or hz == 4


@pytest.mark.parametrize("filter", FILTERS)
def test_a_laplacian_pyramid_leaves_even_brightness_as_it_is(filter):
    film = 120 + 3 * beat(HZ) * np.ones((16, 17))
    np.testing.assert_allclose(magnified(film, how(filter=filter)), film, atol=1e-3)


def test_what_a_laplacian_pyramid_amplifies():
    """Alpha times the pattern less its blur over 2^levels px."""
    pattern = np.random.default_rng(3).normal(size=(33, 64)).astype(np.float32)
    blurs = ef.split(pattern, "gaussian", 3)
    coarse = ef.merge({3: blurs[3]}, [blur.shape for blur in blurs])
    gain = complex_amplitude(magnified(120 + 3 * beat(HZ) * pattern, how()), HZ) / 3
    np.testing.assert_allclose(gain, pattern + 5 * (pattern - coarse), atol=1e-3)


@pytest.mark.parametrize(("wavelength", "least"), [(4, 0.99), (8, 0.99), (16, 0.95)])
def test_a_grating_finer_than_the_last_level_grows_by_one_plus_alpha(wavelength, least):
    grating = np.broadcast_to(np.cos(np.arange(128) / wavelength * 2 * np.pi), (32, 128))
    gain = complex_amplitude(magnified(120 + 3 * beat(HZ) * grating, how(levels=4)), HZ) / 3
    inner = slice(32, 96)
    growth = (gain * grating)[:, inner].sum() / (grating**2)[:, inner].sum()
    assert least * 6 < np.abs(growth) < 1.01 * 6


def test_each_level_has_its_own_factor():
    pattern = np.random.default_rng(4).normal(size=(32, 32)).astype(np.float32)
    asked = how(wavelength=12)
    assert len({*asked.factors}) == 4
    bands = ef.split(pattern, "laplacian", 3)
    amplified = {level: asked.factors[level] * band for level, band in enumerate(bands)}
    extra = ef.merge(amplified, [band.shape for band in bands])
    gain = complex_amplitude(magnified(120 + 3 * beat(HZ) * pattern, asked), HZ) / 3
    np.testing.assert_allclose(gain, pattern + extra, atol=1e-3)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("filter", "hz"), [("ideal", 1.5), ("ideal", 8.5), ("butterworth", 0.1), ("butterworth", 40)])
def test_nothing_outside_the_band(kind, filter, hz):
    n = 2000
    film = 120 + 40 * beat(hz, n) * np.sin(np.arange(16) * np.pi / 4)
    out = magnified(film, how(pyramid=kind, levels=1, filter=filter, order=3))[n // 2 :]
    assert np.abs(out - film[n // 2 :]).max() < 0.01 * 40


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("filter", FILTERS)
def test_the_mean_is_kept(kind, filter):
    pattern = np.random.default_rng(5).uniform(50, 200, (15, 21))
    still = magnified(np.stack([pattern] * 70), how(pyramid=kind, filter=filter))
    np.testing.assert_allclose(still, np.stack([pattern] * 70), atol=1e-3)
    moving = magnified(pattern + 5 * beat(HZ, 4 * N), how(pyramid=kind, filter=filter))[2 * N :]
    np.testing.assert_allclose(moving.mean(0), pattern, atol=0.02)


def edge(shift):
    """A soft edge at column 63.5 + shift: (n,) -> (n, 64, 128)."""
    across = np.arange(128) - 63.5 - np.asarray(shift)[:, None, None]
    return np.broadcast_to(128 + 80 * np.tanh(across / 4), (len(shift), 64, 128))


def place(pictures):
    """Where the middle row crosses 128, less 63.5, px."""
    row = pictures[:, 32]
    left = np.argmax(row > 128, axis=1) - 1
    low, high = row[np.arange(len(row)), left], row[np.arange(len(row)), left + 1]
    return left + (128 - low) / (high - low) - 63.5


@pytest.mark.parametrize(
    ("kind", "levels", "share"),
    [("laplacian", 3, 0.551), ("laplacian", 5, 0.872), ("gaussian", 1, 0.905), ("gaussian", 2, 0.703)],
)
@pytest.mark.parametrize("filter", FILTERS)
def test_a_small_motion_of_an_edge_grows(kind, levels, share, filter):
    """By one plus alpha times the share of the edge's slope in the amplified levels: most of it where they suit."""
    shift = 0.05 * beat(HZ)[:, 0, 0]
    out = place(magnified(edge(shift), how(pyramid=kind, levels=levels, filter=filter)))[N // 2 :]
    shift = shift[N // 2 :]
    growth = np.dot(out, shift) / np.dot(shift, shift)
    slope = np.float32(np.gradient(edge([0.0])[0], axis=1))
    bands = ef.split(slope, kind, levels)
    amplified = {k: bands[k] for k, factor in enumerate(how(pyramid=kind, levels=levels).factors) if factor}
    kept = ef.merge(amplified, [band.shape for band in bands]) / slope
    assert kept[32, 63:65].mean() == pytest.approx(share, abs=1e-3)
    assert growth == pytest.approx(1 + 5 * share, rel=0.03)
    np.testing.assert_allclose(out, growth * shift, atol=0.05 * np.abs(out).max())


def test_colour_is_attenuated_in_yiq():
    from skimage.color import rgb2yiq, yiq2rgb

    picture = np.random.default_rng(6).uniform(-30, 30, (5, 6, 3)).astype(np.float32)
    expected = yiq2rgb(rgb2yiq(picture) * [1, 0.1, 0.1])
    np.testing.assert_allclose(ef.fade_colour(picture, 0.1), expected, atol=1e-3)
    assert ef.fade_colour(picture, 1.0) is picture
    assert ef.fade_colour(picture[..., 0], 0.1).ndim == 2


def test_chrom_attenuates_what_is_added_and_not_the_frames():
    film = np.full((N, 8, 8, 3), [120, 90, 60]) + 3 * beat(HZ)[..., None] * [1, 0, -1]
    out = magnified(film, how(pyramid="gaussian", chrom=0.0))
    luma = 0.299 - 0.114
    np.testing.assert_allclose(out, film + 5 * 3 * luma * beat(HZ)[..., None], atol=1e-3)


# --- the extractor


@dataclass(frozen=True)
class Pictures:
    """Frames in memory, (n, height, width) or (n, height, width, 3) uint8; counts what is read."""

    images: list
    read_log: list

    def __len__(self):
        return len(self.images)

    def read(self, index, *, grey=False):
        self.read_log.append(index)
        image = self.images[index]
        if grey:
            return image if image.ndim == 2 else image[..., 1]
        return image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)

    def number(self, index):
        return index + 1

    def files(self):
        return ()


def video(n=40, fps=FPS, shape=(19, 33), hz=HZ, images=None):
    """A grating with a period of 8 px whose contrast beats at `hz`."""
    if images is None:
        grating = np.broadcast_to(np.cos(np.arange(shape[1]) * np.pi / 4), shape[:2])
        films = np.rint(120 + 10 * beat(hz, n, fps) * grating).astype(np.uint8)
        images = list(np.repeat(films[..., None], 3, axis=3) if len(shape) == 3 else films)
    return Video("toy", "006", "006_1", fps, Pictures(images, []))


def growth_of(features, hz=HZ):
    """Of the contrast in the second half of such a video, whose rows hold whole periods."""
    later = features.values[len(features) // 2 :]
    grating = np.broadcast_to(np.cos(np.arange(later.shape[2]) * np.pi / 4), later.shape[1:])[4:-4, 8:-8]
    amplitude = complex_amplitude(later, hz, features.fps)[4:-4, 8:-8]
    return np.abs((amplitude * grating).sum() / (grating**2).sum()) / 10


PLAIN = {"levels": 3, "band": (2.0, 8.0), "alpha": 5.0, "wavelength": None}


@dataclass(frozen=True)
class Crop(FeatureExtractor):
    """Stands in for a crop: all frames but `without`, in blocks of 3."""

    version = "7"
    without: tuple = ()
    grey: bool = True
    kind: type = np.uint8
    every: int = 1

    def __call__(self, video):
        return self.stream(video).collect()

    def stream(self, video):
        facts = {}
        return FeatureStream(self._blocks(video, facts), len(video.frames), video.fps / self.every, facts)

    def _blocks(self, video, facts):
        kept = [i for i in range(0, len(video.frames), self.every) if i not in self.without]
        for start in range(0, len(kept), 3):
            values = [video.frames.read(i, grey=self.grey) for i in kept[start : start + 3]]
            yield np.stack(values).astype(self.kind), np.array(kept[start : start + 3])
        facts["faces"] = len(kept)

    def sources(self, video):
        return ("marks.csv",)

    def environment(self):
        return {"cropper": "1.0"}


@pytest.mark.parametrize("filter", FILTERS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("grey", "shape"), [(True, (19, 33)), (False, (19, 33, 3)), (False, (19, 33)), (True, (16, 16))]
)
def test_frames_come_out_in_the_promised_form(kind, filter, grey, shape):
    features = EVM(pyramid=kind, filter=filter, grey=grey, levels=3)(video(shape=shape))
    assert features.values.shape == (40, *shape[:2], *(() if grey else (3,)))
    assert features.values.dtype == np.uint8
    assert features.positions.tolist() == list(range(40))
    assert features.positions.dtype == np.int64
    assert (features.fps, features.n_frames) == (FPS, 40)
    assert len(features.facts["factors"]) == 4
    assert features.facts["outside"] == 0


@pytest.mark.parametrize("filter", FILTERS)
def test_bytes_are_the_rounded_floats_of_the_filters(filter):
    clip = video(n=100)
    asked = how(filter=filter)
    floats = EVM(**PLAIN, filter=filter, as_float=True)(clip)
    assert floats.values.dtype == np.float32
    np.testing.assert_array_equal(floats.values, magnified(clip.frames.images, asked))
    features = EVM(**PLAIN, filter=filter)(clip)
    np.testing.assert_array_equal(features.values, np.rint(floats.values))
    assert growth_of(features) == pytest.approx(6, rel=0.02)


def test_clipped_values_are_counted():
    clip = video(images=list(np.random.default_rng(7).integers(0, 256, (60, 16, 20), dtype=np.uint8)))
    floats = EVM(**PLAIN, as_float=True)(clip)
    outside = np.mean((floats.values < -0.5) | (floats.values > 255.5))
    assert outside > 0.1
    features = EVM(**PLAIN)(clip)
    assert features.facts["outside"] == floats.facts["outside"] == pytest.approx(outside, abs=1e-4)
    np.testing.assert_array_equal(features.values, np.clip(np.rint(floats.values), 0, 255))


def test_butterworth_streams_and_reads_each_frame_once():
    clip = video(n=50)
    stream = EVM().stream(clip)
    assert clip.frames.read_log == []
    first, positions = next(stream.blocks)
    assert clip.frames.read_log == positions.tolist() == list(range(16))
    rest = list(stream.blocks)
    assert [len(values) for values, _ in rest] == [16, 16, 2]
    assert clip.frames.read_log == list(range(50))
    whole = EVM()(clip)
    np.testing.assert_array_equal(np.concatenate([first, *(values for values, _ in rest)]), whole.values)


def test_butterworth_does_not_see_the_future_and_ideal_does():
    images = video(n=60).frames.images
    for filter, same in (("butterworth", True), ("ideal", False)):
        one, two = (EVM(**PLAIN, filter=filter)(video(images=images[:n])).values[:48] for n in (48, 60))
        assert np.array_equal(one, two) is same


@pytest.mark.parametrize(("fps", "wanted"), [(200.0, None), (200.0, 100.0), (100.0, 25.0), (25.0, None)])
def test_the_band_is_in_hz_of_the_rows(fps, wanted):
    clip = video(n=int(4 * fps), fps=fps)
    features = EVM(**PLAIN, fps=wanted)(clip)
    assert features.fps == (wanted or fps)
    assert features.positions.tolist() == list(range(0, int(4 * fps), round(fps / features.fps)))
    expected = abs(1 + 5 * response(HZ, (2, 8), features.fps))
    assert growth_of(features) == pytest.approx(expected, rel=0.02)
    assert growth_of(EVM(**{**PLAIN, "band": (9.0, 12.0), "order": 4}, fps=wanted)(clip)) == pytest.approx(1, rel=0.02)


@pytest.mark.parametrize("fps", [25, 30, 60, 90, 100, 120, 200])
def test_defaults_pass_most_of_a_micro_expression_at_once(fps):
    """A rise and a decay of 180 ms each: 0.8 to 0.95 of it passes, at most one row or 10 ms from its apex."""
    apex = round(2 * fps)
    t = (np.arange(4 * fps) - apex) / fps
    pulse = np.where(np.abs(t) < 0.18, (1 + np.cos(np.pi * t / 0.18)) / 2, 0)
    passing = ef.Butterworth(EVM.order, EVM.band, float(fps))
    out = np.array([passing(np.full((1, 1), value, np.float32))[0, 0] for value in pulse])
    assert 0.8 < out.max() < 0.95
    assert abs(int(out.argmax()) - apex) <= max(1, 0.01 * fps)


def test_a_rendered_micro_expression_comes_near_one_that_is_larger():
    """0.35 px at most, with noise: the apex is nearer to the clean face with 2.5 times the motion than if untouched."""
    face, apex = synthetic.make_face(3), 58
    smile = synthetic.Movement("micro", 40, apex, 76, ((12, ""),), "happiness", 1.0)

    def film(intensity, noise):
        script = synthetic.Script(FPS, 90, (smile,), (), np.zeros((90, 3), np.float32), intensity)
        return synthetic.Film(face, script, synthetic.FilmSpec(112, 112, 90, noise))

    plain, larger = film(1.0, 1.0), film(2.5, 0.0).frame(apex).astype(float)
    clip = video(images=[plain.frame(i) for i in range(apex + 1)])
    moved = np.hypot(*plain.motion(apex).transpose(2, 0, 1))
    assert 0.3 < moved.max() < 0.4
    errors = [((picture - larger) ** 2)[moved > 0.1].mean() for picture in (EVM()(clip).values[-1], plain.frame(apex))]
    assert errors[0] < 0.75 * errors[1]


def test_a_crop_is_used_instead_of_the_frames():
    plain = EVM()(video())
    cropped = EVM(crop=Crop())(video())
    np.testing.assert_array_equal(cropped.values, plain.values)
    assert cropped.facts["crop"] == {"faces": 40}
    np.testing.assert_array_equal(EVM(crop=Crop(grey=False), grey=False)(video()).values[..., 0], plain.values)
    np.testing.assert_array_equal(EVM(crop=Crop(grey=False))(video()).values, plain.values)
    other = EVM(crop=Crop(every=2))(video())
    np.testing.assert_array_equal(other.values, EVM(fps=FPS / 2)(video()).values)
    assert other.positions.tolist() == list(range(0, 40, 2))
    extractor = EVM(crop=Crop())
    assert extractor.sources(video()) == ("marks.csv",)
    assert extractor.environment().items() >= {"cropper": "1.0", "crop": "7"}.items()
    assert set(EVM().environment()) == {"opencv", "scipy"}


def test_a_crop_streams():
    clip = video(n=50)
    next(EVM(crop=Crop()).stream(clip).blocks)
    assert len(clip.frames.read_log) <= 18


@pytest.mark.parametrize(
    ("crop", "grey", "said"),
    [
        (Crop(kind=np.float32), True, "float32"),
        (Crop(), False, "in RGB"),
        (Crop(without=(7,)), True, "from 6 to 8"),
        (Crop(without=(8,), every=4), True, "from 4 to 12"),
    ],
)
def test_a_crop_of_something_else_is_refused(crop, grey, said):
    with pytest.raises(DataError, match=said) as caught:
        EVM(crop=crop, grey=grey)(video())
    assert caught.value.hint


def test_sampled_crops_may_be_uneven_by_a_frame():
    """60 rows of 200 frames: gaps of 3 and 4."""

    class Sampled(Crop):
        def stream(self, video):
            kept = np.floor(np.arange(60) / 0.3 + 0.5).astype(np.int64)
            values = np.stack([video.frames.read(int(i), grey=True) for i in kept])
            return FeatureStream(iter([(values, kept)]), len(video.frames), 60.0)

    assert len(EVM(crop=Sampled())(video(n=200, fps=200.0))) == 60


def test_size_resizes_before():
    assert EVM(size=(24, 36))(video()).values.shape == (40, 24, 36)
    assert EVM(size=20, grey=False)(video()).values.shape == (40, 20, 20, 3)
    mixed = [np.zeros((20, 30), np.uint8), np.zeros((30, 30), np.uint8)]
    assert EVM(size=20)(video(images=mixed)).values.shape == (2, 20, 20)
    with pytest.raises(DataError, match="differ in size"):
        EVM()(video(images=mixed))
    halves = np.stack(video(shape=(32, 40)).frames.images).reshape(40, 16, 2, 20, 2).mean((2, 4))
    first = EVM(size=(16, 20), levels=3)(video(shape=(32, 40))).values[0]
    np.testing.assert_allclose(first, halves[0], atol=0.5)


@pytest.mark.parametrize(
    ("extractor", "clip", "said"),
    [
        (EVM(), {"n": 1}, "1 frame"),
        (EVM(filter="ideal"), {"n": 1}, "1 frame"),
        (EVM(), {"n": 0}, "0 frame"),
        (EVM(), {"fps": 16.0}, "16 frames a second"),
        (EVM(fps=10), {}, "10 frames a second"),
        (EVM(fps=400), {}, "400 frames a second"),
        (EVM(filter="ideal", longest=39), {}, "longest is 39"),
        (EVM(filter="ideal", band=(0.2, 2.4)), {"n": 33}, "multiples of 3.03 Hz"),
        (EVM(), {"shape": (16, 33)}, "4 levels of pictures of 16 x 33"),
        (EVM(), {"shape": (2, 33)}, "2 x 33"),
    ],
)
def test_videos_that_cannot_be_magnified_are_refused(extractor, clip, said):
    with pytest.raises(DataError, match=said) as caught:
        extractor(video(**clip))
    assert caught.value.hint


def test_what_is_refused_by_its_length_or_rate_is_not_read():
    for extractor in (EVM(filter="ideal", longest=39), EVM(band=(1, 50))):
        clip = video()
        with pytest.raises(DataError):
            extractor.stream(clip)
        assert clip.frames.read_log == []


def test_hints_lead_on():
    with pytest.raises(DataError) as caught:
        EVM(filter="ideal", longest=39)(video())
    assert "filter: butterworth" in caught.value.hint
    with pytest.raises(DataError) as caught:
        EVM()(video(fps=12.0))
    assert "below 6 Hz" in caught.value.hint
    with pytest.raises(DataError) as caught:
        EVM()(video(shape=(16, 33)))
    assert "at most 3" in caught.value.hint
    assert len(EVM(levels=3)(video(shape=(16, 33)))) == 40
    assert len(EVM(filter="ideal", longest=40)(video())) == 40


@pytest.mark.parametrize(
    "wrong",
    [
        {"levels": 0},
        {"order": 0},
        {"band": (0, 3)},
        {"band": (3, 3)},
        {"alpha": 0},
        {"chrom": -0.1, "grey": False},
        {"chrom": 0.1},
        {"wavelength": 0},
        {"wavelength": 5000},
        {"fps": 0},
        {"fps": 25, "crop": Crop()},
        {"size": 16},
        {"size": (64, 2)},
    ],
)
def test_options_that_cannot_be_are_refused(wrong):
    with pytest.raises(DataError) as caught:
        EVM(**wrong)
    assert caught.value.hint


def test_the_store_takes_the_stream(tmp_path):
    from mezoo.store import FeatureStore, recipe_of

    clip, extractor = video(n=50), EVM()
    stored = FeatureStore(tmp_path).get(clip, extractor, recipe_of(extractor, "evm", {}))
    made = extractor(clip)
    np.testing.assert_array_equal(stored.values, made.values)
    assert stored.facts["outside"] == made.facts["outside"]
