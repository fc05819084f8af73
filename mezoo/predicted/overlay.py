"""What is drawn on a frame of the annotated film: the face, and below the frame what was found, along the time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mezoo.predicted import told
from mezoo.predicted.axis import KINDS
from mezoo.predicted.clock import Clock
from mezoo.predicted.pictures import box_at
from mezoo.prediction import Found, Prediction
from mezoo.records import Kind
from mezoo.report.figures import ceiling
from mezoo.view.colours import Picture

MOST = 1280
"""Longer side of the film, px."""
COLOURS: Mapping[Kind, tuple[int, int, int]] = {"micro": (98, 180, 240), "macro": (190, 178, 150)}
_PAPER, _INK, _SOFT, _FACE, _LOST = (19, 22, 27), (234, 232, 226), (150, 156, 166), (25, 227, 194), (90, 52, 30)
_GREY = 70


@dataclass(frozen=True)
class Overlay:
    """The canvas of one film: a frame of `size` (height, width) px, even, and a strip of `strip` px below it."""

    prediction: Prediction
    clock: Clock
    size: tuple[int, int]
    found: Sequence[Found] = field(init=False)
    strip: int = field(init=False)
    _plot: Picture = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "found", told.in_time(self.prediction))
        object.__setattr__(self, "strip", 2 * max(28, round(0.08 * self.size[0])))
        object.__setattr__(self, "_plot", self._plotted())

    @property
    def canvas(self) -> tuple[int, int]:
        """Height and width of the film, px."""
        return self.size[0] + self.strip, self.size[1]

    def draw(self, frame: int, image: NDArray[np.uint8] | None) -> Picture:
        """Frame (0-based) with everything on it: (height, width, 3) uint8 RGB; `image` is None where it is lost."""
        import cv2

        height, width = self.size
        canvas = np.empty((*self.canvas, 3), dtype=np.uint8)
        if image is None:
            canvas[:height] = _GREY
            self._write(canvas, f"frame {frame} cannot be read", (12, height // 2), _INK)
        else:
            cv2.resize(image, (width, height), dst=canvas[:height], interpolation=cv2.INTER_AREA)
            self._face(canvas, frame, (image.shape[0], image.shape[1]))
        canvas[height:] = self._plot
        x = self._x(frame + 0.5)
        cv2.line(canvas, (x, height + self._line), (x, self.canvas[0] - 1), _INK, max(1, width // 640))
        self._words(canvas, frame)
        return canvas

    @property
    def _line(self) -> int:
        """Height of the line of words at the top of the strip."""
        return round(0.38 * self.strip)

    @property
    def _scale(self) -> float:
        return max(0.34, self._line / 46)

    def _x(self, frame: float) -> int:
        return min(self.size[1] - 1, int(self.size[1] * frame / max(self.clock.n_frames, 1)))

    def _face(self, canvas: Picture, frame: int, size: tuple[int, int]) -> None:
        import cv2

        box = box_at(self.prediction.face, frame)
        if box is None:
            return
        across, down = self.size[1] / size[1], self.size[0] / size[0]
        left, top, right, bottom = (round(v * s) for v, s in zip(box, (across, down) * 2, strict=True))
        cv2.rectangle(canvas[: self.size[0]], (left, top), (right, bottom), _FACE, max(1, self.size[1] // 500))

    def _words(self, canvas: Picture, frame: int) -> None:
        """Time and frame at the left; what is found there at the right of it."""
        y, left = self.size[0] + round(0.72 * self._line), 8
        left = self._write(canvas, f"{self.clock.start(frame):.2f} s   frame {frame}", (left, y), _SOFT) + 24
        for found in (f for f in self.found if f.spot.onset <= frame <= f.spot.offset):
            named = f"{found.emotion} {found.chances[found.emotion]:.2f}" if found.emotion else ""
            parts = (f"{found.spot.kind} {found.spot.score:.2f}", named, told.votes(self.prediction, found))
            words = ", ".join(p for p in parts if p)
            left = self._write(canvas, words, (left, y), COLOURS[found.spot.kind]) + 24

    def _write(self, canvas: Picture, words: str, place: tuple[int, int], colour: tuple[int, int, int]) -> int:
        """Words with their left end on a base line, in ASCII, and where they end in px."""
        import cv2

        plain, font = words.encode("ascii", "replace").decode(), cv2.FONT_HERSHEY_SIMPLEX
        thick = 2 if self._scale > 0.7 else 1
        cv2.putText(canvas, plain, place, font, self._scale, colour, thick, cv2.LINE_AA)
        return place[0] + cv2.getTextSize(plain, font, self._scale, thick)[0][0]

    def _plotted(self) -> Picture:
        """The strip without cursor and words: frames without a face, intervals, curves."""
        import cv2

        strip = np.full((self.strip, self.size[1], 3), _PAPER, dtype=np.uint8)
        top, low = self._line + 2, self.strip - 5
        for first, last in self.prediction.face.lost if self.prediction.face else ():
            strip[top:, self._x(first) : self._x(last + 1) + 1] = _LOST
        for f in self.found:
            ends = self._x(f.spot.onset), max(self._x(f.spot.offset + 1), self._x(f.spot.onset) + 2)
            dim = tuple(round(0.45 * c) for c in COLOURS[f.spot.kind])
            strip[top:low, ends[0] : ends[1]] = dim
        curves: dict[Kind, NDArray[np.float32]] = {
            k: self.prediction.curves[k] for k in KINDS if k in self.prediction.curves
        }
        highest = ceiling([float(np.nanmax(c)) for c in curves.values() if np.isfinite(c).any()])
        for kind, curve in reversed(curves.items()):
            points = _points(curve, self.prediction.positions, self.clock.n_frames, self.size[1])
            ys = top + (low - top) * (1 - np.clip(points[:, 1] / highest, 0, 1))
            line = np.rint(np.stack([points[:, 0], ys], axis=1) * 16).astype(np.int32)
            cv2.polylines(strip, [line], False, COLOURS[kind], 1, cv2.LINE_AA, 4)
        return strip


def _points(curve: NDArray[np.float32], positions: NDArray[np.int64], n: int, width: int) -> NDArray[np.float64]:
    """A point for each column that a row falls into, at its highest finite score: (points, 2) float64 px, score."""
    columns = np.minimum((width * (positions + 0.5) / n).astype(np.int64), width - 1)
    highest = np.full(width, -np.inf)
    np.maximum.at(highest, columns, np.where(np.isfinite(curve), curve, -np.inf))
    places = np.flatnonzero(np.isfinite(highest))
    return np.stack([places.astype(np.float64), highest[places]], axis=1)


def fitted(height: int, width: int, most: int = MOST) -> tuple[int, int]:
    """Height and width scaled down to `most` px at the longer side, both even, as video codings want them."""
    share = min(1.0, most / max(height, width))
    return max(2, round(height * share / 2) * 2), max(2, round(width * share / 2) * 2)
