"""When each frame of a film is shown: by its own times where the film keeps them, else by its rate."""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from mezoo.records import Video

_SAME_RATE = 0.01
"""How far the rate of a film may be from that of its own times; short films count one frame more or less."""


@runtime_checkable
class Timed(Protocol):
    """Frames that know their times, as those of `mezoo.films` do."""

    def times(self) -> NDArray[np.float64]:
        """When each frame is shown: (frames,) float64 seconds after the first one, increasing."""
        ...


@dataclass(frozen=True)
class Clock:
    """`borders` (frames + 1,) float64 seconds: frame i is shown from borders[i] until borders[i + 1]."""

    borders: NDArray[np.float64]
    fps: float

    @property
    def n_frames(self) -> int:
        """Frames of the film."""
        return len(self.borders) - 1

    @property
    def seconds(self) -> float:
        """Length of the film."""
        return float(self.borders[-1])

    @cached_property
    def even(self) -> bool:
        """Whether every frame stands within one of where the mean rate puts it."""
        straight = np.linspace(0, self.seconds, len(self.borders))
        return bool(np.abs(self.borders - straight).max() * self.fps <= 1.0)

    def start(self, frame: int) -> float:
        """When frame (0-based, kept inside the film) is shown first, in seconds."""
        return float(self.borders[self._inside(frame)])

    def end(self, frame: int) -> float:
        """When the frame (0-based, kept inside the film) is gone, in seconds."""
        return float(self.borders[min(self._inside(frame) + 1, self.n_frames)])

    def share(self, seconds: float) -> float:
        """Where a time stands on an axis of frames: 0 where the first begins, 1 where the last ends."""
        places = np.arange(len(self.borders)) / max(self.n_frames, 1)
        return float(np.interp(seconds, self.borders, places))

    def _inside(self, frame: int) -> int:
        return min(max(frame, 0), max(self.n_frames - 1, 0))


def clock_of(film: Video, *, as_played: bool = False) -> Clock:
    """The clock of a film; frames that do not tell when they are shown follow each other at `film.fps`.

    So do those whose own times disagree with that rate: it was stated by somebody who knows, as of a film in slow
    motion. `as_played` takes their own times even then, as a player does.
    """
    n = len(film.frames)
    times = film.frames.times() if isinstance(film.frames, Timed) else np.empty(0)
    if n < 2 or len(times) != n:
        return Clock(np.arange(n + 1) / film.fps, film.fps)
    own = float((n - 1) / times[-1])
    if abs(own / film.fps - 1) > max(_SAME_RATE, 2 / n) and not as_played:
        return Clock(np.arange(n + 1) / film.fps, film.fps)
    return Clock(np.append(times, times[-1] + 1 / own), own)


def lanes(spans: list[tuple[int, int]]) -> list[list[int]]:
    """Indices of spans (first, one past the last), sorted by first, in as few rows as hold no overlap."""
    rows: list[list[int]] = []
    for i in sorted(range(len(spans)), key=lambda i: spans[i]):
        free = next((row for row in rows if spans[row[-1]][1] <= spans[i][0]), None)
        if free is None:
            rows.append([i])
        else:
            free.append(i)
    assert all(spans[a][1] <= spans[b][0] for row in rows for a, b in pairwise(row))
    return rows
