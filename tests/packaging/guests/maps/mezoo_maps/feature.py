"""The maps, read."""

import numpy as np

from mezoo import DataError, FeatureExtractor, Features, Video, datasets


class StoredMaps(FeatureExtractor):
    """Stored u, v and strain of a clip: (1, 28, 28, 3) float32, unit as stored."""

    version = "1"

    def __call__(self, video: Video) -> Features:
        files = video.frames.files()
        if len(files) != 1 or files[0].suffix != ".npy":
            raise DataError(f"{video.key} has no stored map", hint="use the dataset flow_maps")
        values = datasets.load_arrays(files[0])[""][None].astype(np.float32)
        return Features(values, np.array([0]), len(video.frames), video.fps)
