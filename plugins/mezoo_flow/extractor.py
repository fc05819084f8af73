"""What all flow extractors share: pairs of frames in, one field a pair out, with memory for one block at a time."""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields as dataclass_fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mezoo import DataError, FeatureExtractor, Features, FeatureStream, Video
from mezoo_flow.clip import Clip, blocks_of, open_clip, pairs_of
from mezoo_flow.tvl1 import Array, PairSolver
from mezoo_flow.view import Grey, View

Solver = Callable[[Grey, Grey], Array]
"""First and second frames (pairs, height, width) uint8 -> (pairs, height, width, 2) float32 px."""


class FlowExtractor(FeatureExtractor):
    """Base of the flow extractors: a subclass declares the options of `View` and says how a block is solved."""

    _block = 16
    """Pairs handed to the solver at once, and written together."""

    def __post_init__(self) -> None:
        self._view()

    @abstractmethod
    def _solver(self) -> Solver:
        """What computes a block of pairs."""

    def flow(self, first: Grey, second: Grey) -> Array:
        """Flow from one picture to another: (height, width) uint8 each -> (height, width, 2) float32 px, x before y.

        second[y + v, x + u] shows what first[y, x] shows. For a model that holds key frames (onset, apex) itself.
        """
        if first.shape != second.shape or first.ndim != 2:
            raise DataError(
                f"flow: pictures of shapes {first.shape} and {second.shape}",
                hint="give two grey pictures of one size",
            )
        return self._solver()(first[None], second[None])[0]

    def __call__(self, video: Video) -> Features:
        """Flow of the pairs of one video; a row stands at its second frame. Raises DataError below two frames."""
        return self.stream(video).collect()

    def stream(self, video: Video) -> FeatureStream:
        """The same in blocks of pairs."""
        view = self._view()
        clip = open_clip(video, view)
        facts = {**self._facts(view), **clip.facts}
        fps = clip.fps
        if not isinstance(view.pairs, str):
            fps *= len(view.pairs) / max(1, round(len(video.frames) * clip.fps / video.fps))
        return FeatureStream(self._blocks(video, view, clip), len(video.frames), fps, facts)

    def _blocks(self, video: Video, view: View, clip: Clip) -> Iterator[tuple[NDArray[Any], NDArray[np.int64]]]:
        solve, shape = self._solver(), None
        for block in blocks_of(pairs_of(view.pairs, clip), self._block):
            firsts, seconds, positions = zip(*block, strict=True)
            shape = shape or firsts[0].shape
            first, second = _stack(firsts, video, shape), _stack(seconds, video, shape)
            yield view.pack(solve(first, second), second), np.array(positions, dtype=np.int64)

    def sources(self, video: Video) -> tuple[Path, ...]:
        """What the crop reads beside the frames."""
        crop = self._view().crop
        return () if crop is None else crop.sources(video)

    def environment(self) -> Mapping[str, str]:
        """OpenCV's numbers change between versions; a crop adds its own libraries."""
        import cv2

        crop = self._view().crop
        return {"opencv": cv2.__version__, **({} if crop is None else {**crop.environment(), "crop": crop.version})}

    def _view(self) -> View:
        return View(**{field.name: getattr(self, field.name) for field in dataclass_fields(View)})

    def _facts(self, view: View) -> dict[str, Any]:
        facts: dict[str, Any] = {"channels": list(view.channels), "unit": "pixels per pair"}
        facts["pairs"] = view.pairs if isinstance(view.pairs, str) else [list(pair) for pair in view.pairs]
        return {**facts, "bound": view.bound} if view.quantise == "uint8" else facts


def one_by_one(solve: PairSolver) -> Solver:
    """A solver of blocks from one of single pairs."""
    return lambda first, second: np.stack([solve(a, b) for a, b in zip(first, second, strict=True)])


def _stack(pictures: Sequence[Grey], video: Video, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    wrong = next((picture.shape for picture in pictures if picture.shape != shape), None)
    if wrong is not None:
        raise DataError(
            f"flow: frames of {video.key} differ in size: {shape} and {wrong}",
            hint="set size, so that all of them are resized to it",
        )
    return np.stack(pictures)
