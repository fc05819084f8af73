"""The smaller figures of the page as inline SVG: probabilities by class, and where the face was."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from mezoo.predicted.clock import Clock
from mezoo.prediction import FaceTrack
from mezoo.svg import element, pct, text
from mezoo.view.charts import chart
from mezoo.view.features import Curve


def bars(chances: Mapping[str, float]) -> str:
    """Probabilities as labelled bars, the likeliest first."""
    ordered = sorted(chances.items(), key=lambda pair: -pair[1])
    parts: list[str] = []
    for i, (name, chance) in enumerate(ordered):
        y, look = 20 * i, "strong" if i == 0 else ""
        parts.append(text(name, "0", y + 12, class_=look))
        parts.append(element("rect", class_="track", x="46%", y=y + 3, width="36%", height="10", rx="2"))
        parts.append(element("rect", class_="bar", x="46%", y=y + 3, width=pct(0.36 * chance), height="10", rx="2"))
        parts.append(text(f"{chance:.2f}", "100%", y + 12, text_anchor="end", class_=look))
    label = "probabilities: " + ", ".join(f"{name} {chance:.2f}" for name, chance in ordered)
    box = {"class_": "fig chances", "role": "img", "aria_label": label, "width": "100%", "height": 20 * len(ordered)}
    return element("svg", "".join(parts), **box)


def face_charts(face: FaceTrack, clock: Clock) -> list[tuple[str, str, str]]:
    """Title, unit and SVG: the centre and the size of the face over time, px; lines break where no face was found."""
    if not len(face.frames):
        return []
    left, top, right, bottom = face.boxes.astype(np.float32).T
    centre = np.stack([(left + right) / 2, (top + bottom) / 2], axis=1)
    size = np.sqrt(np.maximum(right - left, 0) * np.maximum(bottom - top, 0))[:, None]
    named = [("centre of the face", centre, ("across", "down")), ("size of the face", size, ("size",))]
    return [(title, "px", chart(_broken(title, v, names, face), (), clock.n_frames, 80)) for title, v, names in named]


def _broken(title: str, values: NDArray[np.float32], names: tuple[str, ...], face: FaceTrack) -> Curve:
    """The lines with a row that is no number inside each run without a face."""
    gaps = np.array([first for first, _ in face.lost], dtype=np.int64)
    positions = np.concatenate([face.frames, gaps])
    order = np.argsort(positions, kind="stable")
    empty = np.full((len(gaps), values.shape[1]), np.nan, dtype=np.float32)
    drawn = np.concatenate([values, empty])[order].astype(np.float32)
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    margin = max(0.06 * (high - low), 1.0)
    return Curve(title, "px", drawn, positions[order], names, (low - margin, high + margin))
