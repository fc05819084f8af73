"""One video to look at: a self-contained HTML page and a contact sheet, made from frames, annotation and a feature."""

import os
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mezoo.files import write_atomic
from mezoo.records import Features, Video
from mezoo.view.choose import numbered, shown
from mezoo.view.drawing import check_landmarks, encode
from mezoo.view.features import Seen
from mezoo.view.page import render
from mezoo.view.sheet import contact_sheet
from mezoo.view.shots import Material, story

__all__ = ["write_page"]


def write_page(
    video: Video,
    out: Path,
    *,
    feature: tuple[str, Features] | None = None,
    landmarks: NDArray[np.floating] | None = None,
    rows: int = 24,
) -> tuple[Path, Path]:
    """Write `<out>/<code>.html` and `<out>/<code>.png` about one video and return both paths.

    `feature` is a name and what its extractor made of this video; `landmarks` are (68, 2), or (frames, 68, 2), px of
    the frame; `rows` is about how many frames the overview has. Frames are read one at a time, each once. A frame
    that cannot be read is named on the page. What a file name cannot hold is `_` in the paths.

    Raises DataError if the video has no frames, or landmarks or feature do not fit it.
    """
    n = len(video.frames)
    check_landmarks(landmarks, n)
    seen = Seen(*feature, n) if feature else None
    expressions = numbered(video)
    material = Material(video, expressions, landmarks, seen)
    told = story(material, shown(expressions), rows)
    name = re.sub(r"[^\w.()+-]", "_", video.code).lstrip(".") or "video"
    page, sheet = out / f"{name}.html", out / f"{name}.png"
    write_atomic(page, render(material, told))
    _write(sheet, encode(contact_sheet(material, told), "PNG", optimize=True))
    return page, sheet


def _write(path: Path, raw: bytes) -> None:
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    part.write_bytes(raw)
    part.replace(path)
