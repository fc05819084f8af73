"""Features that are on disk already: the windows of the official code, joined to whole videos."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mezoo import DataError, FeatureExtractor, Features, Video, datasets

from . import segment_files


@dataclass(frozen=True)
class SegmentFeature(FeatureExtractor):
    """Motion of regions as the official code stored it: (rows, 12, 2) float32, one row a frame of the video.

    For videos of the dataset `auwgcn_segments` only, whose frames are the rows themselves. Where a window is missing
    there are zeros, and the facts say which rows of the whole video. The unit is that of the files, pixels or 1 / 20
    pixel. Raises DataError for a video of another dataset.
    """

    version: ClassVar[str] = "1"

    def __call__(self, video: Video) -> Features:
        """Features of one video."""
        files = video.frames.files()
        if not files or any(segment_files.NAME.fullmatch(path.name) is None for path in files):
            raise DataError(
                f"{video.key} has no stored windows of features",
                hint="use the dataset auwgcn_segments, or the feature roi_flow for frames",
            )
        joined = segment_files.join(files)
        taken = datasets.taken(video, joined.features)
        facts = {"windows": len(joined.files), "missing_rows": [list(gap) for gap in joined.gaps]}
        return Features(taken, np.arange(len(taken), dtype=np.int64), len(taken), video.fps, facts)
