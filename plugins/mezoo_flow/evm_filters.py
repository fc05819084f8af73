"""Linear Eulerian magnification: bands of a spatial pyramid, filtered in time, are amplified and added to the frames.

Pictures are (height, width) or (height, width, 3) float32 in grey levels, 0 to 255. Everything but the last rounding is
linear. Wu, Rubinstein, Shih, Guttag, Durand, Freeman, "Eulerian Video Magnification for Revealing Subtle Changes in the
World", SIGGRAPH 2012.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mezoo import DataError

Array = NDArray[np.float32]
Picture = NDArray[np.uint8]
Pyramid = Literal["gaussian", "laplacian"]
Band = tuple[float, float]
Row = tuple[Picture, int]
"""A picture and the 0-based frame that it was taken from."""
_SLAB = 1 << 12


@dataclass(frozen=True, slots=True)
class Magnifier:
    """The options of `evm` that say what is amplified, and how. Raises DataError where they cannot be."""

    pyramid: Pyramid
    levels: int
    filter: Literal["ideal", "butterworth"]
    order: int
    band: Band
    alpha: float
    chrom: float
    wavelength: float | None

    def __post_init__(self) -> None:
        if self.levels < 1 or self.order < 1 or not 0 < self.band[0] < self.band[1]:
            raise DataError(
                f"evm: levels {self.levels}, order {self.order}, band {self.band}",
                hint="levels and order are at least 1; the band is in Hz, above 0, the lower end first",
            )
        if self.alpha <= 0 or self.chrom < 0 or (self.wavelength is not None and self.wavelength <= 0):
            raise DataError(
                f"evm: alpha {self.alpha}, chrom {self.chrom}, wavelength {self.wavelength}",
                hint="alpha is above 0, chrom at least 0, wavelength above 0 px or left out",
            )
        if not any(self.factors):
            raise DataError(
                f"evm: a wavelength of {self.wavelength:g} px leaves no level to amplify",
                hint="give a smaller wavelength or more levels",
            )

    @property
    def factors(self) -> tuple[float, ...]:
        """What each level is multiplied with, finest first, (levels + 1,); see `factor`.

        Laplacian: all but the last, which is what the bands leave over. Gaussian: only the last, the blurred picture.
        """
        each = [factor(self.alpha, 2 ** (level + 1.5), self.wavelength) for level in range(self.levels + 1)]
        if self.pyramid == "laplacian":
            return (*each[:-1], 0.0)
        return (*[0.0] * self.levels, each[-1])


def factor(alpha: float, wavelength: float, shortest: float | None) -> float:
    """Amplification of structures of a wavelength in px: alpha from `shortest` px on, below it less, down to 0.

    That is (1 + alpha) wavelength / shortest - 1, so that (1 + alpha) displacement < wavelength / 8 holds everywhere
    for the largest displacement for which it does at `shortest`: section 3.2 and figure 6 of the paper. What stands
    for a level is the middle of its octave, 2^(level + 1.5) px [inferred].
    """
    return alpha if shortest is None else max(0.0, min(alpha, (1 + alpha) * wavelength / shortest - 1))


def split(picture: Array, pyramid: Pyramid, levels: int) -> list[Array]:
    """The levels + 1 pictures of a pyramid, finest first, each side half of the one before, rounded up.

    Gaussian: the picture and its blurs. Laplacian: what each blur takes away, and the last blur.
    """
    import cv2

    blurs = [picture]
    for _ in range(levels):
        blurs.append(np.asarray(cv2.pyrDown(blurs[-1]), dtype=np.float32))
    if pyramid == "gaussian":
        return blurs
    return [fine - _up(coarse, fine.shape) for fine, coarse in pairwise(blurs)] + blurs[-1:]


def merge(parts: Mapping[int, Array], shapes: Sequence[tuple[int, ...]]) -> Array:
    """Sum of levels, each blown up to `shapes[0]`; at least one. All levels of a Laplacian `split` give the picture."""
    coarsest = max(parts)
    total = parts[coarsest]
    for level in reversed(range(coarsest)):
        total = _up(total, shapes[level])
        if level in parts:
            total += parts[level]
    return total


def _up(picture: Array, shape: Sequence[int]) -> Array:
    import cv2

    return np.asarray(cv2.pyrUp(picture, dstsize=(shape[1], shape[0])), dtype=np.float32)


def check_band(band: Band, fps: float) -> None:
    """Raise DataError for a band that pictures at `fps` cannot hold: its upper end must be below half of that."""
    if band[1] >= fps / 2:
        raise DataError(
            f"evm: a band of {band[0]:g} to {band[1]:g} Hz at {fps:g} frames a second",
            hint=f"end the band below {fps / 2:g} Hz, or look at more frames a second",
        )


def check_size(shape: Sequence[int], levels: int) -> None:
    """Raise DataError for pictures (height, width, ...) whose coarsest level would have a side of one pixel."""
    most = (min(shape[:2]) - 1).bit_length() - 1
    if levels > most:
        raise DataError(
            f"evm: {levels} levels of pictures of {shape[0]} x {shape[1]} pixels",
            hint=f"set levels to at most {most}" if most > 0 else "give larger pictures: set size",
        )


class Butterworth:
    """Causal band-pass of pictures that come one by one, with memory for two a section; the same for every pixel.

    It starts as if the first picture had been there forever, so that there is no transient and the first answer is 0.
    `order` as in scipy.signal.butter: of the low-pass that the band-pass is made from, hence as many sections.
    """

    def __init__(self, order: int, band: Band, fps: float) -> None:
        from scipy.signal import butter

        sections: NDArray[np.float64] = np.asarray(butter(order, band, "bandpass", fs=fps, output="sos"))
        self._sections: list[list[float]] = sections.tolist()
        self._first: Array | None = None
        self._state: NDArray[np.float64] = np.empty(0)

    def __call__(self, picture: Array) -> Array:
        """The next picture, filtered."""
        if self._first is None:
            self._first = picture
            self._state = np.zeros((len(self._sections), 2, *picture.shape))
        # In float32 the poles of a low band at 200 frames a second cost up to 0.04 grey levels, before alpha.
        x = (picture - self._first).astype(np.float64)
        for (b0, b1, b2, _, a1, a2), state in zip(self._sections, self._state, strict=True):
            y = b0 * x + state[0]
            state[0] = b1 * x - a1 * y + state[1]
            state[1] = b2 * x - a2 * y
            x = y
        return x.astype(np.float32)


def ideal(series: Array, band: Band, fps: float) -> Array:
    """Keep the frequencies from band[0] to band[1] Hz, both included, of (frames, ...): overwritten and returned.

    The clip is taken to repeat itself: where its end differs from its start, both ends ring. Raises DataError for a
    clip so short that it has no frequency (a multiple of fps / frames) in the band.
    """
    from scipy.fft import irfft, rfft

    n = len(series)
    frequencies = np.arange(n // 2 + 1) * fps / n
    outside = (frequencies < band[0]) | (frequencies > band[1])
    if outside.all():
        raise DataError(
            f"evm: {n} frames at {fps:g} a second have multiples of {fps / n:.3g} Hz, and none is from {band[0]:g} to "
            f"{band[1]:g} Hz",
            hint="widen the band, give more frames, or set filter: butterworth",
        )
    pixels = series.reshape(n, -1)
    for start in range(0, pixels.shape[1], _SLAB):
        slab = pixels[:, start : start + _SLAB]
        spectrum: NDArray[Any] = np.asarray(rfft(slab, axis=0))
        spectrum[outside] = 0
        slab[:] = np.asarray(irfft(spectrum, n, axis=0))
    return series


def fade_colour(picture: Array, chrom: float) -> Array:
    """I and Q of the YIQ space times `chrom`, Y kept: (height, width, 3) float32 RGB; a grey picture stays as it is."""
    if picture.ndim == 2 or chrom == 1:
        return picture
    luma = picture @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    return np.asarray(np.float32(chrom) * picture + np.float32(1 - chrom) * luma[..., None], dtype=np.float32)


def magnify(rows: Iterable[Row], how: Magnifier, fps: float) -> Iterator[tuple[Array, int]]:
    """Magnified rows: a (height, width[, 3]) uint8 picture becomes float32 grey levels, not clipped; its frame stays.

    All pictures have one size. "butterworth" gives each as it comes; "ideal" holds all pictures and all amplified
    levels first, and the last of them decides about the first. Raises DataError as `check_band` and `ideal` do.
    """
    check_band(how.band, fps)
    return (_causal if how.filter == "butterworth" else _whole)(rows, how, fps)


def _causal(rows: Iterable[Row], how: Magnifier, fps: float) -> Iterator[tuple[Array, int]]:
    filters = {level: Butterworth(how.order, how.band, fps) for level, f in enumerate(how.factors) if f}
    for picture, position in rows:
        bands = split(picture.astype(np.float32), how.pyramid, how.levels)
        passed = {level: passing(bands[level]) for level, passing in filters.items()}
        yield _add(picture, passed, [band.shape for band in bands], how), position


def _whole(rows: Iterable[Row], how: Magnifier, fps: float) -> Iterator[tuple[Array, int]]:
    held = list(rows)
    shapes: list[tuple[int, ...]] = []
    series: dict[int, Array] = {}
    for at, (picture, _) in enumerate(held):
        bands = split(picture.astype(np.float32), how.pyramid, how.levels)
        if not at:
            shapes = [band.shape for band in bands]
            series = {k: np.empty((len(held), *shapes[k]), np.float32) for k, f in enumerate(how.factors) if f}
        for level, stacked in series.items():
            stacked[at] = bands[level]
    for stacked in series.values():
        ideal(stacked, how.band, fps)
    for at, (picture, position) in enumerate(held):
        yield _add(picture, {level: stacked[at] for level, stacked in series.items()}, shapes, how), position


def _add(picture: Picture, passed: Mapping[int, Array], shapes: Sequence[tuple[int, ...]], how: Magnifier) -> Array:
    amplified = {level: np.float32(how.factors[level]) * band for level, band in passed.items()}
    return picture + fade_colour(merge(amplified, shapes), how.chrom)
