"""Frames of a folder of images, read when asked, in numeric order."""

import os
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mezoo.errors import DataError


@dataclass(frozen=True)
class ImageFolder:
    """Images of `folder` whose whole name matches `pattern`, sorted by its group `n` (a number, not text).

    Files that do not match are ignored. Raises DataError when none matches or a frame cannot be decoded.
    """

    folder: Path
    pattern: str = r".*?(?P<n>\d+)\.(?:jpg|jpeg|png|bmp)"

    @cached_property
    def _index(self) -> tuple[tuple[int, str], ...]:
        matcher = re.compile(self.pattern, re.IGNORECASE)
        found = (matcher.fullmatch(name) for name in os.listdir(self.folder))
        index = tuple(sorted((int(m["n"]), m[0]) for m in found if m))
        if not index:
            raise DataError(
                f"{self.folder} holds no frame named like {self.pattern}",
                hint="unpack the images into this folder again, or leave the video out",
            )
        return index

    def __len__(self) -> int:
        return len(self._index)

    def number(self, index: int) -> int:
        """Number in the name of frame `index`."""
        return self._index[index][0]

    def files(self) -> tuple[Path, ...]:
        """Every image, in order of its number."""
        return tuple(self.folder / name for _, name in self._index)

    def read(self, index: int, *, grey: bool = False) -> NDArray[np.uint8]:
        """Frame `index` (0-based), see `read_image`."""
        return read_image(self.folder / self._index[index][1], grey=grey)


def read_image(path: Path, *, grey: bool = False) -> NDArray[np.uint8]:
    """Decode an image file: (height, width) uint8 if grey, else (height, width, 3) uint8 RGB.

    Raises DataError for a file that is missing, empty, truncated or no image.
    """
    import cv2

    try:
        raw = np.fromfile(path, dtype=np.uint8)
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}", hint="check the disk and the permissions") from error
    cut = (
        path.suffix.lower() in {".jpg", ".jpeg"}
        and raw[-2:].tobytes() != b"\xff\xd9"
        and b"\xff\xd9" not in raw[-64:].tobytes()
    )
    flag = cv2.IMREAD_GRAYSCALE if grey else cv2.IMREAD_COLOR_RGB
    image = None if cut or not len(raw) else cv2.imdecode(raw, flag)
    if image is None:
        size = f"{len(raw)} bytes"
        raise DataError(
            f"{path} is truncated or not an image ({size})",
            hint="copy this file from the owner's archive again; nothing that was finished is lost",
        )
    return np.asarray(image, dtype=np.uint8)
