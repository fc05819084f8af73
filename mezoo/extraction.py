"""Features of many videos into the store: what is missing, a video at a time a process, written when it is done."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mezoo.cluster import Errand, spread
from mezoo.contracts import FeatureExtractor
from mezoo.errors import MezooError
from mezoo.machine import cores
from mezoo.plugin_objects import make
from mezoo.progress import Progress
from mezoo.recipe import Block
from mezoo.records import Features, Video
from mezoo.side_by_side import Processes
from mezoo.store import FeatureStore, key_of, recipe_of

_WORTH_A_POOL = 6.0
"""Seconds of work left from which processes pay for their start (a second or two each)."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A video whose features cannot be made, and why."""

    video: str
    reason: str
    hint: str


class Extraction:
    """One extractor and the store that its features go to."""

    def __init__(self, block: Block, cache: Path) -> None:
        self.extractor: FeatureExtractor = make(block)
        self.store = FeatureStore(cache)
        self.made = recipe_of(self.extractor, block.plugin.name, block.resolved())
        self.start = block, cache
        self._keys: dict[str, dict[str, Any]] = {}

    @property
    def name(self) -> str:
        """The feature's name."""
        return self.start[0].plugin.name

    def key(self, video: Video) -> dict[str, Any]:
        """Where the features of a video are stored; asked once, as it takes a look at every frame's file."""
        if video.key not in self._keys:
            self._keys[video.key] = key_of(video, self.extractor, self.made)
        return self._keys[video.key]

    def missing(self, videos: Sequence[Video]) -> list[Video]:
        """Videos that have no entry yet."""
        return [v for v in videos if not self.store.listed(self.key(v))]

    def get(self, video: Video, verify: bool = True) -> Features:
        """Features of a video: from disk, else made first; `verify` reads them whole to find damage."""
        stored = self.store.load(self.key(video), verify)
        return self.store.get(video, self.extractor, self.made, verify) if stored is None else stored

    def ensure(self, video: Video) -> Failure | None:
        """Make and write what is missing of a video; a failure that a user can act on is returned."""
        try:
            self.store.ensure(video, self.extractor, self.made)
        except MezooError as error:
            return Failure(video.key, error.what, error.hint)
        return None


def extract(
    block: Block,
    videos: Sequence[Video],
    cache: Path,
    progress: Progress,
    workers: int | None = None,
    executor: str = "process",
) -> list[Failure]:
    """Put the features of every video into the store; videos that failed. Interrupted, it loses those in hand only.

    `workers` processes share the videos; None takes all cores where the work is worth their start. With the executor
    `ray` they are tasks of a cluster, `workers` of them at once.
    """
    return fill(Extraction(block, cache), videos, progress, workers, executor)


def fill(
    here: Extraction,
    videos: Sequence[Video],
    progress: Progress,
    workers: int | None = None,
    executor: str = "process",
) -> list[Failure]:
    """`extract` with what is there already, which knows the keys of the videos afterwards."""
    pending = here.missing(videos)
    failures: list[Failure] = []
    with progress.bar(f"features: {here.name}", len(videos), len(videos) - len(pending)) as bar:
        if executor == "ray":
            made = _on_cluster(pending, here.start, workers, progress.say)
        else:
            made = _each(here, pending, workers)
        for video, failure in made:
            failures += [failure] if failure else []
            bar.advance(video.code)
    return failures


def _each(here: Extraction, pending: Sequence[Video], workers: int | None) -> Iterator[tuple[Video, Failure | None]]:
    left, most = list(pending), workers or cores()
    while left and (most == 1 or workers is None):
        began, video = time.monotonic(), left.pop(0)
        yield video, here.ensure(video)
        if most > 1 and (time.monotonic() - began) * len(left) > _WORTH_A_POOL:
            break
    if not left:
        return
    with closing(Processes(_extraction, Extraction.ensure, here.start).each(left, most)) as done:
        for video, failure, death in done:
            yield video, Failure(video.key, death, "the same command tries it again") if death else failure


def _on_cluster(
    pending: Sequence[Video], start: tuple[Block, Path], workers: int | None, say: Callable[[str], None]
) -> Iterator[tuple[Video, Failure | None]]:
    if not pending:
        return
    errand = Errand(_extraction, Extraction.ensure, start, (start[1],))
    with closing(spread(errand, pending, workers)) as events:
        for kind, video, value in events:
            match kind:
                case "done":
                    yield video, value
                case "lost":
                    yield video, Failure(video.key, f"{value}, each time", "the same command tries it again")
                case "again":
                    say(f"{video.key} was lost: {value}; it is made again")
                case "note":
                    say(value)
                case _:
                    pass


def _extraction(start: tuple[Block, Path]) -> Extraction:
    return Extraction(*start)
