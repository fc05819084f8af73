"""The flow extractors `tvl1`, `farneback` and `dis`.

The options that they share are written out in each, since a recipe is checked against a class's own lines.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import fields as dataclass_fields
from importlib.metadata import version as version_of
from importlib.util import find_spec
from typing import Any, ClassVar, Literal

import numpy as np

from mezoo import DataError, FeatureExtractor
from mezoo_flow import tvl1
from mezoo_flow.extractor import FlowExtractor, Solver, one_by_one


@dataclass(frozen=True)
class TVL1(FlowExtractor):
    """TV-L1 optical flow: (pairs, height, width, channels) float32, u and v in pixels per pair; one row per pair.

    `pairs`: "consecutive" rows, "first" (from the first row to each other) or 0-based frames ((i, j), ...), j
    increasing; a row of the result stands at the pair's second frame. `fps`: rows per second of the frames looked at.
    `size`: side, or (height, width), to resize to before. `crop`: an extractor of pictures, such as
    `{use: face_crop}`, whose rows are used instead of the frames. `quantise`: "float16" or "uint8" ([-bound, bound] px
    in 256 steps, see `fields.quantise`). `magnitude`, `strain` and `grey` (levels 0 to 255 of the second frame) append
    a channel each, in this order.

    `backend`: "fast" (one fused sweep on one core, needs numba), "opencv" (the reference) or "torch" (`batch` pairs at
    once on `device`; "auto" is a GPU where there is one). Defaults are OpenCV's. Raises DataError for settings that
    cannot be, for a video of one frame, and where numba is missing. Zach, Pock, Bischof, DAGM 2007.
    """

    version: ClassVar[str] = "1"

    pairs: Literal["consecutive", "first"] | tuple[tuple[int, int], ...] = "consecutive"
    fps: float | None = None
    size: int | tuple[int, int] | None = None
    crop: FeatureExtractor | None = None
    quantise: Literal["float16", "uint8"] | None = None
    bound: float = 10.0
    strain: bool = False
    magnitude: bool = False
    grey: bool = False
    backend: Literal["fast", "opencv", "torch"] = "fast"
    tau: float = 0.25
    lambda_: float = 0.15
    theta: float = 0.3
    nscales: int = 5
    warps: int = 5
    epsilon: float = 0.01
    inner_iterations: int = 30
    outer_iterations: int = 10
    scale_step: float = 0.8
    median: int = 5
    device: str = "auto"
    batch: int = 16

    def __post_init__(self) -> None:
        super().__post_init__()
        self._settings()
        if self.batch < 1:
            raise DataError(f"tvl1: batch {self.batch}", hint="give at least 1 pair")
        if self.backend == "fast" and find_spec("numba") is None:
            raise DataError("tvl1: backend fast needs numba", hint="pip install numba, or set backend: opencv")

    def environment(self) -> Mapping[str, str]:
        """OpenCV resizes, warps and filters for the fused sweep too; the other libraries where they compute."""
        library = {"fast": "numba", "torch": "torch"}.get(self.backend)
        return {**super().environment(), **({library: version_of(library)} if library else {})}

    @property
    def _block(self) -> int:
        return self.batch if self.backend == "torch" else 16

    def _settings(self) -> tvl1.Settings:
        return tvl1.Settings(**{field.name: getattr(self, field.name) for field in dataclass_fields(tvl1.Settings)})

    def _solver(self) -> Solver:
        if self.backend == "torch":
            from mezoo_flow.tvl1_torch import torch_solver

            return torch_solver(self._settings(), self.device)
        make = tvl1.fast_solver if self.backend == "fast" else tvl1.opencv_solver
        return one_by_one(make(self._settings()))


@dataclass(frozen=True)
class Farneback(FlowExtractor):
    """Farneback optical flow: (pairs, height, width, channels) float32, u and v in pixels per pair; one row per pair.

    Shared options as in `tvl1`. Polynomial expansion by OpenCV: `levels` of a pyramid shrunk by `scale`, `window` px
    of averaging, `iterations` a level, neighbourhood `poly_n` px with deviation `poly_sigma`. The defaults are those of
    OpenCV's class. Farneback, SCIA 2003.
    """

    version: ClassVar[str] = "1"

    pairs: Literal["consecutive", "first"] | tuple[tuple[int, int], ...] = "consecutive"
    fps: float | None = None
    size: int | tuple[int, int] | None = None
    crop: FeatureExtractor | None = None
    quantise: Literal["float16", "uint8"] | None = None
    bound: float = 10.0
    strain: bool = False
    magnitude: bool = False
    grey: bool = False
    levels: int = 5
    scale: float = 0.5
    window: int = 13
    iterations: int = 10
    poly_n: int = 5
    poly_sigma: float = 1.1
    gaussian: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        counts = (self.levels, self.window, self.iterations, self.poly_n)
        if min(counts) < 1 or not 0 < self.scale < 1 or self.poly_sigma <= 0:
            raise DataError(
                f"farneback: levels, window, iterations, poly_n {counts}, scale {self.scale}, sigma {self.poly_sigma}",
                hint="counts are at least 1, scale is between 0 and 1, sigma above 0",
            )

    def _solver(self) -> Solver:
        import cv2

        made: Any = cv2.FarnebackOpticalFlow.create(
            numLevels=self.levels,
            pyrScale=self.scale,
            winSize=self.window,
            numIters=self.iterations,
            polyN=self.poly_n,
            polySigma=self.poly_sigma,
            flags=cv2.OPTFLOW_FARNEBACK_GAUSSIAN if self.gaussian else 0,
        )
        return one_by_one(lambda a, b: np.asarray(made.calc(a, b, None), dtype=np.float32))


@dataclass(frozen=True)
class DIS(FlowExtractor):
    """DIS optical flow: (pairs, height, width, channels) float32, u and v in pixels per pair; one row per pair.

    Shared options as in `tvl1`. Dense inverse search by OpenCV: `preset` sets everything, and each number given
    replaces the preset's. Kroeger, Timofte, Dai, Van Gool, ECCV 2016.
    """

    version: ClassVar[str] = "1"

    pairs: Literal["consecutive", "first"] | tuple[tuple[int, int], ...] = "consecutive"
    fps: float | None = None
    size: int | tuple[int, int] | None = None
    crop: FeatureExtractor | None = None
    quantise: Literal["float16", "uint8"] | None = None
    bound: float = 10.0
    strain: bool = False
    magnitude: bool = False
    grey: bool = False
    preset: Literal["ultrafast", "fast", "medium"] = "medium"
    finest_scale: int | None = None
    patch_size: int | None = None
    patch_stride: int | None = None
    gradient_iterations: int | None = None
    refinement_iterations: int | None = None

    def _solver(self) -> Solver:
        import cv2

        presets = {
            "ultrafast": cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST,
            "fast": cv2.DISOPTICAL_FLOW_PRESET_FAST,
            "medium": cv2.DISOPTICAL_FLOW_PRESET_MEDIUM,
        }
        made: Any = cv2.DISOpticalFlow.create(presets[self.preset])
        given = (
            (made.setFinestScale, self.finest_scale),
            (made.setPatchSize, self.patch_size),
            (made.setPatchStride, self.patch_stride),
            (made.setGradientDescentIterations, self.gradient_iterations),
            (made.setVariationalRefinementIterations, self.refinement_iterations),
        )
        for put, value in given:
            if value is not None:
                put(value)
        return one_by_one(lambda a, b: np.asarray(made.calc(a, b, None), dtype=np.float32))
