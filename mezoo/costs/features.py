"""Features that are stored and those that are left to make: their time and size, tried on a few frames."""

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from mezoo.clips import TakenFrames
from mezoo.costs.child import in_child
from mezoo.extraction import Extraction
from mezoo.machine import cores
from mezoo.plan import Work
from mezoo.recipe import Block
from mezoo.records import Cut, Video
from mezoo.store import key_of

FRAMES = 50
WARM_UP = 8
LIMIT_S = 10.0
"""What trying may take, the start of the process not counted twice: an extractor that is slower is not waited for."""


@dataclass(frozen=True, slots=True)
class Tried:
    """Features of the first frames of one video, made for the measurement alone."""

    video: str
    frames: int
    seconds: float
    bytes: int


@dataclass(frozen=True, slots=True)
class FeatureCosts:
    """Videos (or clips) with and without stored features; times are of one process, estimates from `tried`."""

    stored: int
    stored_bytes: int
    missing: int
    missing_frames: int
    processes: int
    tried: Tried | None
    why_not: str

    @property
    def seconds(self) -> float | None:
        """Seconds to make what is missing with all processes; None where it could not be tried."""
        if not self.missing:
            return 0.0
        return None if self.tried is None else self._scale(self.tried.seconds) / self.processes

    @property
    def bytes(self) -> float | None:
        """Bytes that the missing features will take."""
        if not self.missing:
            return 0.0
        return None if self.tried is None else self._scale(self.tried.bytes)

    def _scale(self, value: float) -> float:
        assert self.tried is not None
        return value / self.tried.frames * self.missing_frames


def feature_costs(work: Work) -> FeatureCosts:
    """Look into the store, and try the extractor on the shortest video that is missing."""
    here = Extraction(work.recipe.features, work.options.cache)
    missing = here.missing(work.videos)
    left = {v.key for v in missing}
    stored = [v for v in work.videos if v.key not in left]
    paths = [here.store.path(key_of(v, here.extractor, here.made)) for v in stored]
    tried, why = _try(work.recipe.features, missing)
    return FeatureCosts(
        stored=len(stored),
        stored_bytes=sum(path.stat().st_size for path in paths),
        missing=len(missing),
        missing_frames=sum(len(v.frames) for v in missing),
        processes=max(1, min(cores(), len(missing))),
        tried=tried,
        why_not=why,
    )


def _try(block: Block, missing: Sequence[Video]) -> tuple[Tried | None, str]:
    if not missing:
        return None, ""
    video = min(missing, key=lambda v: (len(v.frames), v.key))
    try:
        tried = in_child(try_extractor, block, video, limit_s=LIMIT_S)
    except Exception as error:
        return None, f"tried on {video.key}: {str(error).splitlines()[0] if str(error) else type(error).__name__}"
    return tried, "" if tried else f"{FRAMES} frames of {video.key} take longer than {LIMIT_S:g} s"


def try_extractor(block: Block, video: Video) -> Tried:
    """Make the features of the first frames into a temporary store; a few frames go before, untimed."""
    with TemporaryDirectory() as place:
        here = Extraction(block, Path(place))
        with suppress(Exception):  # too few frames for some
            here.store.ensure(beginning(video, WARM_UP), here.extractor, here.made)
        short = beginning(video, FRAMES)
        began = time.perf_counter()
        key = here.store.ensure(short, here.extractor, here.made)
        seconds = time.perf_counter() - began
        return Tried(video.key, len(short.frames), seconds, here.store.path(key).stat().st_size)


def beginning(video: Video, most: int) -> Video:
    """The first frames of a video as a clip, without annotation."""
    indices = tuple(range(min(most, len(video.frames))))
    inside = indices if video.cut is None else video.cut.indices[: len(indices)]
    whole = len(video.frames) if video.cut is None else video.cut.n_frames
    return replace(video.unlabelled(), frames=TakenFrames(video.frames, indices), cut=Cut(whole, inside))
