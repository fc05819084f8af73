"""What was found in a film by trained weights: the frozen nouns of `mezoo predict`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mezoo.records import Spot, Video


@dataclass(frozen=True, slots=True)
class Found:
    """One interval of the film: `spot` in 0-based frames, both ends included, its score in [0, 1].

    `apex`: the frame of the highest score inside. `votes`: how many members of the ensemble found it. `chances`:
    probability by class, {} where no recogniser was asked.
    """

    spot: Spot
    apex: int
    votes: int = 1
    chances: Mapping[str, float] = field(default_factory=dict[str, float])

    @property
    def emotion(self) -> str:
        """The likeliest class; "" where no recogniser was asked."""
        return max(self.chances, key=lambda name: self.chances[name]) if self.chances else ""


@dataclass(frozen=True, slots=True)
class FaceTrack:
    """Where the face was: `boxes` (n, 4) float32 left, top, right, bottom in px, at `frames` (n,) int64, increasing.

    `lost`: runs of frames (0-based, both ends included) in which no face was found. `source` says what found it.
    """

    frames: NDArray[np.int64]
    boxes: NDArray[np.float32]
    lost: tuple[tuple[int, int], ...]
    source: str

    @property
    def frames_lost(self) -> int:
        """Frames without a face."""
        return sum(last - first + 1 for first, last in self.lost)


@dataclass(frozen=True, slots=True)
class Method:
    """One trained method that was asked: where its weights are from, and what is known of them.

    `members` are the folds of the ensemble, or ("final",). `measured` says in words what it scored, on what;
    `trained_on` is the dataset. `synthetic` weights were trained on a stand-in and say nothing about people.
    """

    name: str
    task: str
    source: str
    members: tuple[str, ...]
    trained_on: str
    measured: str
    synthetic: bool
    limits: tuple[str, ...] = ()
    """Sentences on what it must not be used for."""
    classes: tuple[str, ...] = ()
    """What a recogniser can say."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """All that was found in one film. `curves` are (rows,) float32 in [0, 1] by kind, row r at frame `positions[r]`.

    `members` holds the curves of each member of the ensemble, by its name, for a band around the mean. `facts` are
    those of the features; `notes` are sentences that the reader must know (damage, resampling, frames without a face).
    """

    film: Video
    found: tuple[Found, ...]
    curves: Mapping[str, NDArray[np.float32]]
    positions: NDArray[np.int64]
    methods: tuple[Method, ...]
    members: Mapping[str, Mapping[str, NDArray[np.float32]]] = field(
        default_factory=dict[str, Mapping[str, NDArray[np.float32]]]
    )
    face: FaceTrack | None = None
    facts: Mapping[str, Any] = field(default_factory=dict[str, Any])
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    """How long it took, in seconds of wall time."""
