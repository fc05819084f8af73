"""The maps of a clip, read from its file."""

import cv2
import numpy as np
from numpy.typing import NDArray

from mezoo import DataError, FeatureExtractor, Features, Video, datasets


class Newcomer(FeatureExtractor):
    """Stored u, v and strain of a clip: (1, height, width, channels) float32, unit as stored; of a PNG, 0 to 255."""

    version = "1"

    def __call__(self, video: Video) -> Features:
        """Features of one video, which is given without its annotation."""
        values = _read(video)
        return Features(values[None].astype(np.float32), np.array([0]), len(video.frames), video.fps)


def _read(video: Video) -> NDArray[np.generic]:
    """(height, width, channels) of the one file of a clip: .npy, .npz (its only array) or an image (RGB)."""
    file = video.frames.files()[0]
    try:
        if file.suffix in {".npy", ".npz"}:
            (values,) = datasets.load_arrays(file).values()
        else:
            values = cv2.imread(str(file), cv2.IMREAD_COLOR)
            values = None if values is None else values[..., ::-1]
    except (OSError, ValueError) as error:
        raise DataError(f"{video.key}: cannot read {file}: {error}", hint="make this map again") from error
    if values is None or values.ndim != 3:
        raise DataError(f"{video.key}: {file} is no map (height, width, channels)", hint="make this map again")
    return values
