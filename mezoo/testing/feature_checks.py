"""What every feature promises, checked on a few videos."""

import json
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from mezoo.contracts import FeatureExtractor
from mezoo.errors import DataError
from mezoo.records import Cut, Features, Frames, Video
from mezoo.testing.cases import FeatureCase
from mezoo.testing.no_network import offline
from mezoo.testing.outcome import NotMade, hold

_ROUND = 2
"""Rows by which a rate may miss the length of a video."""


def says_its_version(case: FeatureCase) -> str:
    """`version` is text of the class; the store computes anew when it changes."""
    version: Any = getattr(type(case.make()), "version", None)
    hold(isinstance(version, str) and version, f'version is {version!r}: give the class `version = "1"`')
    return f"version {version}"


def gives_rows_of_numbers(case: FeatureCase) -> str:
    """`values` is (rows, ...) of finite numbers, no float64; every video has the same dtype and row shape."""
    made = [_ask(case.make(), video) for video in case.videos]
    for features in made:
        values: Any = features.values
        hold(isinstance(values, np.ndarray) and values.ndim > 1, "values is no array (rows, ...) of two or more axes")
        hold(values.dtype.kind in "fiub", f"values are {values.dtype}: give numbers")
        hold(values.dtype != np.float64, "values are float64: float32 holds half as many bytes in the store")
        hold(len(values) > 0, "values has no row: raise DataError where there is nothing to give")
        hold(np.isfinite(values).all(), "values are not all finite: say so in `facts`, and put a number there")
    shapes = {(f.values.shape[1:], str(f.values.dtype)) for f in made}
    hold(len(shapes) == 1, f"rows differ from video to video: {sorted(shapes)}")
    return f"{made[0].values.shape} {made[0].values.dtype}"


def places_its_rows(case: FeatureCase) -> str:
    """`positions` are increasing 0-based frames (int64), `n_frames` those of the video, `fps` rows per second."""
    said = ""
    for video in case.videos:
        made = _ask(case.make(), video)
        where, frames = made.positions, len(video.frames)
        hold(made.n_frames == frames, f"n_frames is {made.n_frames}, the video has {frames} frames")
        hold(where.shape == (len(made),), f"positions are {where.shape} for {len(made)} rows")
        hold(where.dtype == np.int64, f"positions are {where.dtype}, not int64")
        hold((np.diff(where) > 0).all(), "positions do not increase")
        hold(where[0] >= 0 and where[-1] < frames, f"positions {where[0]}..{where[-1]} lie outside 0..{frames - 1}")
        hold(made.fps > 0, f"fps is {made.fps}: rows per second, above 0")
        lasting = made.fps * frames / video.fps
        few = len(made) < 8
        hold(
            few or abs(lasting - len(made)) <= max(_ROUND, 0.2 * len(made)),
            f"fps {made.fps:g} over {frames / video.fps:.1f} s is {lasting:.0f} rows, there are {len(made)}: "
            "fps is rows per second",
        )
        said = said or f"rows {where[:3].tolist()} ... of {frames} frames, {made.fps:g} a second"
    return said


def is_the_same_again(case: FeatureCase) -> str:
    """A new extractor gives the same numbers for the same video."""
    a, b = (_ask(case.make(), case.video) for _ in range(2))
    hold(np.array_equal(a.values, b.values), "values differ when asked again: fix every seed")
    hold(np.array_equal(a.positions, b.positions), "positions differ when asked again")
    return "equal to the bit"


def does_not_see_labels(case: FeatureCase) -> str:
    """The same numbers whatever the annotation says; it may also refuse annotated videos."""
    from mezoo.audit.blind import features

    finding = features(case.make(), case.video)
    hold(finding.passed, f"{finding.found}: {finding.detail}")
    return finding.found


def streams_what_it_gives(case: FeatureCase) -> str:
    """`stream(video).collect()` is what `extractor(video)` gives."""
    blind = case.video.unlabelled()
    whole, blocks = _ask(case.make(), case.video), case.make().stream(blind).collect()
    hold(np.array_equal(whole.values, blocks.values), "values of the stream differ from those of the call")
    hold(np.array_equal(whole.positions, blocks.positions), "positions of the stream differ from those of the call")
    hold((whole.n_frames, whole.fps) == (blocks.n_frames, blocks.fps), "n_frames or fps of the stream differ")
    return f"{len(whole)} rows either way"


def can_be_stored(case: FeatureCase) -> str:
    """The store keeps it: `facts` is JSON, `sources` are files, `environment` is text."""
    from mezoo.store import FeatureStore, recipe_of

    extractor = case.make()
    made = _ask(extractor, case.video)
    json.dumps(dict(made.facts))
    for file in extractor.sources(case.video):
        hold(Path(file).is_file(), f"sources names {file}, which is not there")
    told: Any = extractor.environment()
    hold(all(isinstance(v, str) for v in told.values()), f"environment {dict(told)}: give versions as text")
    with TemporaryDirectory() as folder:
        stored = FeatureStore(Path(folder)).get(case.video, extractor, recipe_of(extractor, "check", {}))
        hold(np.array_equal(stored.values, made.values), "values read back from the store differ")
    return f"{made.values.nbytes / 1024:.0f} KiB"


def copes_with_one_frame(case: FeatureCase) -> str:
    """A video of one frame gives features, or a DataError that says what to do."""
    only = replace(case.video, frames=_First(case.video.frames), expressions=(), cut=_cut(case.video))
    try:
        made = case.make()(only)
    except DataError as error:
        hold(error.hint, f"DataError without a hint: {error.what}")
        return f"refuses it: {error.what}"
    hold(len(made) and made.n_frames == 1, f"{len(made)} rows, n_frames {made.n_frames}")
    return f"{len(made)} row(s)"


def _cut(video: Video) -> Cut:
    whole = video.cut or Cut(len(video.frames), tuple(range(len(video.frames))))
    return Cut(whole.n_frames, whole.indices[:1])


class _First:
    """The first frame of a video."""

    def __init__(self, frames: Frames) -> None:
        self.whole = frames

    def __len__(self) -> int:
        return 1

    def read(self, index: int, *, grey: bool = False) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
        return self.whole.read(range(1)[index], grey=grey)

    def number(self, index: int) -> int:
        return self.whole.number(range(1)[index])

    def files(self) -> tuple[Path, ...]:
        files = self.whole.files()
        return files[:1] if len(files) == len(self.whole) else files


def needs_no_network(case: FeatureCase) -> str:
    """Nothing is fetched while features are made."""
    with offline() as tried:
        _ask(case.make(), case.video)
    hold(not tried, f"it tried to reach {', '.join(tried[:2])}")
    return "works offline"


def agrees_on_cpu_and_gpu(case: FeatureCase) -> str:
    """Where an extractor has a `device`, both give the same numbers to 1e-3 of their spread."""
    import torch

    from mezoo.source import read_class

    kind = type(case.make())
    if "device" not in {p.name for p in read_class(kind.__module__, kind.__name__).parameters}:
        raise NotMade("it has no argument `device`")
    if not torch.cuda.is_available():
        raise NotMade("there is no GPU here")
    made: list[Features] = []
    for device in ("cpu", "cuda"):
        extractor = case.make()
        object.__setattr__(extractor, "device", device)
        made.append(_ask(extractor, case.video))
    a, b = (m.values.astype(np.float64) for m in made)
    apart = float(np.abs(a - b).max() / max(float(a.std()), 1e-9))
    hold(apart <= 1e-3, f"CPU and GPU differ by {apart:.1e} of the deviation, more than 1e-3")
    return f"{apart:.1e} of the deviation apart"


def _ask(extractor: FeatureExtractor, video: Video) -> Features:
    return extractor(video.unlabelled())


FEATURE_CHECKS = (
    says_its_version,
    gives_rows_of_numbers,
    places_its_rows,
    is_the_same_again,
    does_not_see_labels,
    streams_what_it_gives,
    can_be_stored,
    copes_with_one_frame,
    needs_no_network,
    agrees_on_cpu_and_gpu,
)
