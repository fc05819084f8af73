"""Frames of which only arrays are left: how a dataset of computed maps stands without films."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mezoo.errors import DataError
from mezoo.records import Video


@dataclass(frozen=True, slots=True)
class StoredFrames:
    """The frames of a video whose arrays lie in `paths`, `rows` of them, without images.

    A map of a whole clip is one row, and its expression is `Expression(code, "micro", 0, 0, emotion=...)`. An extractor
    of the same plugin reads the arrays, with `taken` or by itself; when a file changes, the store has it read again.
    """

    paths: tuple[Path, ...]
    rows: int = 1

    def __len__(self) -> int:
        return self.rows

    def read(self, index: int, *, grey: bool = False) -> NDArray[np.uint8]:
        """Raises DataError: there are no images."""
        del index, grey
        raise DataError(
            f"{self.paths[0]} holds computed arrays, and there are no images beside it",
            hint="use the feature that reads these arrays, or a dataset with frames",
        )

    def number(self, index: int) -> int:
        """The row itself."""
        return index

    def files(self) -> tuple[Path, ...]:
        """The files of arrays, in order."""
        return self.paths


def taken(video: Video, rows: NDArray[np.generic]) -> NDArray[np.generic]:
    """Of arrays with a row for every frame of the whole video, those rows that a clip of it has.

    Raises DataError where their number is not that of the frames.
    """
    wanted = len(video.frames) if video.cut is None else video.cut.n_frames
    if len(rows) != wanted:
        raise DataError(
            f"{video.key}: {len(rows)} stored rows for {wanted} frames",
            hint="give StoredFrames the number of rows that its files hold",
        )
    return rows if video.cut is None else rows[[*video.cut.indices]]
