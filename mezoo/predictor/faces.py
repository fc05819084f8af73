"""Where the face of a film was, and in which frames there was none: looked at a few times a second."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mezoo import sampling
from mezoo.contracts import Bars, FeatureExtractor
from mezoo.errors import DataError
from mezoo.plugin_objects import make
from mezoo.prediction import FaceTrack
from mezoo.predictor.film import watched
from mezoo.recipe import read_block
from mezoo.records import Video
from mezoo.store import FeatureStore, key_of, recipe_of

_SOURCES = {
    "file": "landmarks of a file",
    "mesh (mediapipe)": "MediaPipe's face mesh",
    "approximate (mean face)": "a detector's box with a mean face in it",
}
LOOKS = 5.0
"""Times a second at which the face is looked for."""


def face_track(film: Video, cache: Path, bars: Bars) -> FaceTrack | None:
    """The face's box over the film, through the feature `landmarks`; None where no face is found at all."""
    fps = min(LOOKS, film.fps)
    block = read_block("feature", f"{{use: landmarks, fps: {fps!r}, missing: skip}}")
    extractor: FeatureExtractor = make(block)
    store, made = FeatureStore(cache), recipe_of(extractor, block.plugin.name, block.resolved())
    try:
        if store.listed(key_of(film, extractor, made)):
            landmarks = store.get(film, extractor, made)
        else:
            seen, passes = watched(film, "face", bars)
            try:
                store.ensure(seen, extractor, made)
            finally:
                passes.close()
            landmarks = store.get(film, extractor, made)
    except DataError:
        return None
    points = np.asarray(landmarks.values)
    boxes = np.concatenate([points.min(axis=1), points.max(axis=1)], axis=1).astype(np.float32)
    looked = sampling.every(len(film.frames), film.fps, fps)
    source = _SOURCES.get(str(landmarks.facts.get("landmarks")), "landmarks")
    return FaceTrack(landmarks.positions, boxes, lost_runs(looked, landmarks.positions, len(film.frames)), source)


def lost_runs(looked: NDArray[np.int64], seen: NDArray[np.int64], n_frames: int) -> tuple[tuple[int, int], ...]:
    """Runs of frames (0-based, both ends included) without a face; a look speaks for the frames up to the next."""
    missing = ~np.isin(looked, seen)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], missing, [False]]).astype(np.int8)))
    ends = np.concatenate([looked, [n_frames]])
    return tuple((int(ends[a]), int(ends[b]) - 1) for a, b in edges.reshape(-1, 2))
