"""Pictures made small, encoded into the page, and the lines of a face."""

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from mezoo.errors import DataError
from mezoo.view.colours import Picture

LINES: dict[str, tuple[tuple[int, ...], bool]] = {
    "jaw": (tuple(range(17)), False),
    "right brow": (tuple(range(17, 22)), False),
    "left brow": (tuple(range(22, 27)), False),
    "nose bridge": (tuple(range(27, 31)), False),
    "nostrils": (tuple(range(31, 36)), False),
    "right eye": (tuple(range(36, 42)), True),
    "left eye": (tuple(range(42, 48)), True),
    "outer lips": (tuple(range(48, 60)), True),
    "inner lips": (tuple(range(60, 68)), True),
}
"""The 68 landmarks of iBUG as lines: indices, and whether the line is closed. Right is the person's right."""
MOST_BYTES = 18_000
"""One picture on the page, before base64: what is noisier is stored at a lower quality."""
_QUALITIES = (84, 72, 58, 44, 30, 16)


@dataclass(frozen=True, slots=True)
class Line:
    """A part of the face as points (points, 2) float64 in shares of width and height: (0.5, 0.5) is the middle."""

    name: str
    points: NDArray[np.float64]
    closed: bool


def lines(points: NDArray[np.floating], size: tuple[int, int]) -> tuple[Line, ...]:
    """Landmarks (68, 2) px, x before y, of a frame of `size` (height, width) as lines; points not finite are left out.

    Pixel centres are whole numbers, so the share of pixel x is (x + 0.5) / width.
    """
    shares = (points.astype(np.float64) + 0.5) / (size[1], size[0])
    found: list[Line] = []
    for name, (indices, closed) in LINES.items():
        kept = shares[list(indices)]
        finite = np.isfinite(kept).all(axis=1)
        if finite.sum() >= 2:
            found.append(Line(name, kept[finite], closed and bool(finite.all())))
    return tuple(found)


def line_path(line: Line) -> str:
    """The line as an SVG path in a box of 1000 x 1000."""
    points = (f"{x:.0f} {y:.0f}" for x, y in (1000 * line.points).tolist())
    return "M" + "L".join(points) + ("Z" if line.closed else "")


def picture(values: NDArray[np.uint8]) -> Picture:
    """Grey (height, width) or (height, width, 1), or colour (height, width, 3), uint8, as RGB."""
    values = values[..., None] if values.ndim == 2 else values
    return np.ascontiguousarray(np.broadcast_to(values[..., :3], (*values.shape[:2], 3)))


def thumbnail(image: NDArray[np.uint8], side: int) -> Picture:
    """A picture whose longer side is at most `side` px, RGB, proportions kept; a small one stays as it is."""
    import cv2

    height, width = image.shape[:2]
    share = side / max(height, width)
    if share >= 1:
        return picture(image)
    size = max(1, round(width * share)), max(1, round(height * share))
    return picture(np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8))


def jpeg_uri(image: Picture, most: int = MOST_BYTES) -> str:
    """The picture as a JPEG data URI of at most about `most` bytes (before base64), at the best of a few qualities."""
    return _uri("jpeg", next(_smaller(image, most)))


def _smaller(image: Picture, most: int) -> Iterator[bytes]:
    for quality in _QUALITIES:
        raw = encode(image, "JPEG", quality=quality)
        if len(raw) <= most or quality == _QUALITIES[-1]:
            yield raw


def png_uri(image: Picture) -> str:
    """The picture as a PNG data URI: for legends, whose edges are sharp."""
    return _uri("png", encode(image, "PNG", optimize=True))


def encode(image: Picture, kind: str, **options: object) -> bytes:
    """The picture as a file of its kind ("JPEG", "PNG")."""
    from PIL import Image

    file = BytesIO()
    Image.fromarray(image).save(file, kind, **options)
    return file.getvalue()


def _uri(kind: str, raw: bytes) -> str:
    return f"data:image/{kind};base64,{b64encode(raw).decode()}"


def check_landmarks(landmarks: NDArray[np.floating] | None, n_frames: int) -> None:
    """Raise DataError unless landmarks are None, (68, 2), or (n_frames, 68, 2)."""
    if landmarks is not None and landmarks.shape not in {(68, 2), (n_frames, 68, 2)}:
        raise DataError(
            f"view: landmarks of the shape {landmarks.shape} for {n_frames} frames",
            hint=f"give (68, 2), or one set a frame: ({n_frames}, 68, 2), in pixels of the frame",
        )
