"""Everything that stands on the video's time axis, as inline SVG: annotation, curves, heat maps."""

from collections.abc import Iterable, Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray

from mezoo.records import Video
from mezoo.svg import element, pct, text, ticks
from mezoo.view.choose import Numbered
from mezoo.view.colours import Picture, cold_warm, heat
from mezoo.view.drawing import png_uri
from mezoo.view.features import ROBUST, Curve, Seen, end_of_scale

LANE = 26
"""Height of a row of expressions, px."""
POINTS = 500
"""Points that a curve may have."""
COLUMNS, BANDS = 1000, 240
"""Columns and rows that a heat map may have, px."""
_CLOSE, _LETTER = 0.022, 0.0068
"""Shares of the width: the nearest that two numbers may stand, and a letter of a label."""


def timeline(video: Video, expressions: Sequence[Numbered], pictured: Iterable[int], linked: Iterable[int]) -> str:
    """The whole video on one axis: seconds above, a row for each kind, the frames in pictures, frame numbers below.

    `pictured` are frames with a picture on the page, `linked` numbers of expressions with a scene to jump to.
    """
    n, end, jump = len(video.frames), len(video.frames) / video.fps, set(linked)
    parts = [text("seconds", "-10", 12, text_anchor="end")]
    parts += _labels(((t / end, f"{t:g}") for t in ticks(0, end)), 12)
    y, boxes = 22.0, list[str]()
    for kind, row in _rows(expressions):
        boxes.append(text(kind, "-10", y + 20, text_anchor="end"))
        boxes += _boxes(row, y, n, video.fps, jump)
        y += LANE
    if not expressions:
        boxes.append(text("no annotation", "50%", y + 16, text_anchor="middle"))
        y += LANE
    boxes.append(text("pictures", "-10", y + 13, text_anchor="end"))
    boxes += [_bar(i, n, y + 5, y + 13, "pictured") for i in pictured]
    grid = [
        element("line", class_="tick", x1=pct(t / end), x2=pct(t / end), y1="18", y2=f"{y + 4:g}")
        for t in ticks(0, end)
    ]
    rail = element("line", class_="rail", x1="0", x2="100%", y1=f"{y + 18:g}", y2=f"{y + 18:g}")
    marks = [(t + 0.5) / n for t in ticks(0, n - 1, whole=True)]
    foot = [element("line", class_="rail", x1=pct(x), x2=pct(x), y1=f"{y + 18:g}", y2=f"{y + 22:g}") for x in marks]
    numbers = _labels(((x, f"{t:g}") for x, t in zip(marks, ticks(0, n - 1, whole=True), strict=True)), y + 35)
    body = [*grid, *parts, *boxes, rail, *foot, text("frame", "-10", y + 35, text_anchor="end"), *numbers]
    label = f"{len(expressions)} expressions on a time axis of {end:.2f} seconds, {n} frames"
    return _figure("strip", y + 40, label, "".join(body), role="group")


def _figure(kind: str, height: float, label: str, body: str, role: str = "img") -> str:
    return element("svg", body, class_=f"fig {kind}", role=role, aria_label=label, width="100%", height=f"{height:g}")


def _labels(places: Iterable[tuple[float, str]], y: float) -> list[str]:
    return [text(words, pct(x), y, text_anchor=_anchor(x)) for x, words in places]


def _anchor(x: float) -> str:
    return "start" if x < 0.015 else "end" if x > 0.97 else "middle"


def _rows(expressions: Sequence[Numbered]) -> list[tuple[str, list[Numbered]]]:
    """Rows of expressions that do not overlap: those of micro-expressions first; the name stands at the first row."""
    rows: list[tuple[str, list[Numbered]]] = []
    for kind in ("micro", "macro"):
        mine: list[list[Numbered]] = []
        for n in (n for n in expressions if n.expression.kind == kind):
            free = next((row for row in mine if row[-1].expression.offset < n.expression.onset), None)
            if free is None:
                mine.append([n])
            else:
                free.append(n)
        rows += [(kind if i == 0 else "", row) for i, row in enumerate(mine)]
    return rows


def _boxes(row: Sequence[Numbered], y: float, n: int, fps: float, jump: set[int]) -> list[str]:
    parts, last = list[str](), -1.0
    starts = [item.expression.onset / n for item in row]
    for item, left, following in zip(row, starts, [*starts[1:], 1.0], strict=True):
        e = item.expression
        words = " · ".join(w for w in (str(item.number), e.emotion, e.aus and f"AU {e.aus}") if w)
        words = words if len(words) * _LETTER < following - left else str(item.number)
        body = element("title", escape(f"{item.name} {e.code}\n{when(item, fps)}"))
        body += _span(e.onset, e.offset, n, y + 11, 11, f"true {e.kind}")
        body += _bar(e.apex, n, y + 9, y + 24, "apex") if e.apex is not None else ""
        if left - last > _CLOSE:
            body += text(words, pct(left), y + 7, class_="strong")
            last = left
        parts.append(element("a", body, href=f"#e{item.number}") if item.number in jump else element("g", body))
    return parts


def when(item: Numbered, fps: float) -> str:
    """Frames and times of an expression in words."""
    e = item.expression
    apex = "" if e.apex is None else f", apex {e.apex}"
    return f"frames {e.onset} to {e.offset}{apex}; {e.onset / fps:.3f} to {(e.offset + 1) / fps:.3f} s"


def _span(first: int, last: int, n: int, y: float, height: float, look: str) -> str:
    place = {"x": pct(first / n), "width": pct(max(last - first + 1, 0) / n), "y": f"{y:g}", "height": f"{height:g}"}
    return element("rect", class_=look, rx="1.5", **place)


def _bar(frame: int, n: int, top: float, bottom: float, look: str) -> str:
    x = pct((frame + 0.5) / n)
    return element("line", class_=look, x1=x, x2=x, y1=f"{top:g}", y2=f"{bottom:g}")


def shades(expressions: Sequence[Numbered], n: int, height: float) -> str:
    """The annotated intervals as bands behind a chart of a height."""
    ordered = sorted(expressions, key=lambda i: i.expression.kind == "micro")
    return "".join(
        _span(i.expression.onset, i.expression.offset, n, 0, height, f"shade {i.expression.kind}") for i in ordered
    )


def chart(curve: Curve, expressions: Sequence[Numbered], n: int, height: int = 90) -> str:
    """Lines over the video's frames, the annotation behind them; a long line is drawn by its extremes."""
    low, high = curve.limits
    high = high if high > low else low + 1.0
    marks = [(v, height * (1 - (v - low) / (high - low))) for v in ticks(low, high, 3)]
    parts = [shades(expressions, n, height)]
    parts += [element("line", class_="rail", x1="0", x2="100%", y1=f"{y:.1f}", y2=f"{y:.1f}") for _, y in marks]
    parts += [text(f"{v:g}", "-8", y + 4, text_anchor="end") for v, y in marks]
    drawn = [
        element("path", class_=f"line l{i}", d=path(curve.values[:, i], curve.positions, n, (low, high)))
        for i in range(curve.values.shape[1])
    ]
    box = {"viewBox": "0 0 1000 1000", "preserveAspectRatio": "none", "overflow": "visible"}
    parts.append(element("svg", "".join(drawn), width="100%", height=height, **box))
    label = f"{curve.title} over {n} frames, from {low:.3g} to {high:.3g} {curve.unit}".strip()
    return _figure("chart", height + 4, label, "".join(parts))


def path(values: NDArray[np.float32], positions: NDArray[np.int64], n: int, limits: tuple[float, float]) -> str:
    """One line (rows,) as an SVG path in a box of 1000 x 1000, y down; it breaks where a number is not finite.

    With more than `POINTS` rows, each of POINTS / 2 slices shows its lowest and its highest row, in order.
    """
    low, high = limits
    keep = _extremes(values, POINTS)
    parts, open_ = list[str](), False
    for row in keep.tolist():
        value = float(values[row])
        if not np.isfinite(value):
            open_ = False
            continue
        x, y = 1000 * (int(positions[row]) + 0.5) / n, 1000 * (1 - (value - low) / (high - low))
        parts.append(f"{'L' if open_ else 'M'}{x:.0f} {y:.0f}")
        open_ = True
    return "".join(parts)


def _extremes(values: NDArray[np.float32], most: int) -> NDArray[np.int64]:
    if len(values) <= most:
        return np.arange(len(values))
    edges = np.linspace(0, len(values), most // 2 + 1).astype(int)
    picks = [
        start + at
        for start, stop in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)
        for at in (int(values[start:stop].argmin()), int(values[start:stop].argmax()))
    ]
    return np.unique(np.array(picks, dtype=np.int64))


def table_map(seen: Seen) -> tuple[Picture, str]:
    """A feature (rows, D) as a picture of time by number, and its scale in words; D grows upwards from 0.

    A column shows the row that stands nearest to its frame. Numbers below zero make the scale blue, white and red.
    """
    import cv2

    flat = seen.features.values.reshape(len(seen.features), -1)
    frames = (np.arange(min(COLUMNS, seen.n_frames)) + 0.5) * seen.n_frames / min(COLUMNS, seen.n_frames) - 0.5
    borders = (seen.features.positions[:-1] + seen.features.positions[1:]) / 2
    values = flat[np.searchsorted(borders, frames)].T[::-1].astype(np.float32)
    if len(values) > BANDS:
        values = np.asarray(
            cv2.resize(values, (values.shape[1], BANDS), interpolation=cv2.INTER_AREA), dtype=np.float32
        )
    finite = flat[np.isfinite(flat)].astype(np.float64)
    if finite.size and finite.min() < 0:
        most = end_of_scale(flat)
        return cold_warm(values, most), f"blue -{most:.3g}, white 0, red {most:.3g}"
    low, high = np.percentile(finite, [100 - ROBUST, ROBUST]).tolist() if finite.size else (0.0, 1.0)
    return heat(values, low, high), f"white {low:.3g} or less, dark {high:.3g} or more"


def table_chart(image: Picture, rows: int, expressions: Sequence[Numbered], n: int) -> str:
    """The picture of `table_map` on the time axis, with its first and last number at the side and onsets above."""
    height = int(np.clip(image.shape[0] * 6, 90, BANDS))
    box: dict[str, object] = {
        "width": "100%",
        "height": height,
        "y": "8",
        "preserveAspectRatio": "none",
        "class_": "grain",
    }
    strip = "".join(
        _span(i.expression.onset, i.expression.offset, n, 0, 5, f"true {i.expression.kind}") for i in expressions
    )
    side = text(str(rows - 1), "-8", 17, text_anchor="end") + text("0", "-8", height + 6, text_anchor="end")
    label = f"heat map of {rows} numbers over {n} frames"
    return _figure("chart", height + 10, label, strip + element("image", "", href=png_uri(image), **box) + side)
