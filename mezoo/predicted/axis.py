"""Everything that stands on the film's time axis, as inline SVG: curves, intervals, frames without a face."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from mezoo.predicted import told
from mezoo.predicted.clock import Clock, lanes
from mezoo.predicted.curves import HEIGHT, WIDTH, area, band, line
from mezoo.prediction import Found, Prediction
from mezoo.records import Kind
from mezoo.report.figures import ceiling
from mezoo.svg import element, pct, text, ticks

KINDS: tuple[Kind, Kind] = ("micro", "macro")
PLOT, LANE = 84, 24
"""Height of a curve and of a row of intervals, px."""
_STEPS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30)
_LONG_STEPS = (60, 120, 300, 600, 900, 1800, 3600, 7200, 18000, 36000)
_MOST_LANES = 4
_CLOSE, _DIGIT, _BROAD = 0.024, 0.018, 0.012
"""Shares of the width: room after a number, a digit of one, and a box inside which an apex can be told."""


@dataclass(frozen=True, slots=True)
class Item:
    """An interval, its number on the page, and where a click on it leads ("" for nowhere)."""

    number: int
    found: Found
    link: str


def timeline(prediction: Prediction, clock: Clock, items: Sequence[Item]) -> str:
    """The film on one axis: seconds above, a curve and its intervals for each kind, frame numbers below."""
    kinds: list[Kind] = [k for k in KINDS if k in prediction.curves or any(i.found.spot.kind == k for i in items)]
    lost = prediction.face.lost if prediction.face else ()
    y, front = 24.0, list[str]()
    top = _top(prediction)
    for kind in kinds or [KINDS[0]]:
        front += [text(kind, "-10", y + 12, text_anchor="end", class_="strong"), _plot(prediction, kind, y, top, clock)]
        y += PLOT + 6
        rows = _rows([i for i in items if i.found.spot.kind == kind])
        for row in rows:
            front += _boxes(row, y, clock)
            y += LANE
        y += 14
    runs = _merged(lost, clock)
    hatch = "".join(_span(first, last, clock, 18, y - 24, "hatch") for first, last in runs)
    hatch += "".join(_span(first, last, clock, y - 5, 4, "none") for first, last in runs)
    body = "".join([_pattern(), *_times(clock, y - 6), hatch, *front, *_numbers(clock, y)])
    label = f"{told.summary(prediction, clock)}, on a time axis of {clock.n_frames} frames"
    box = {"class_": "fig axis", "role": "group", "aria_label": label, "width": "100%", "height": f"{y + 22:g}"}
    facts = {"data_frames": clock.n_frames, "data_seconds": f"{clock.seconds:.6f}" if clock.even else ""}
    return element("svg", body, **box, **facts)


def _top(prediction: Prediction) -> float:
    """The score at the upper edge of all curves: the first round number with air above the highest."""
    curves = [*prediction.curves.values(), *(c for m in prediction.members.values() for c in m.values())]
    highest = [float(np.nanmax(c)) for c in curves if np.isfinite(c).any()]
    return ceiling(highest) if highest else 1.0


def _plot(prediction: Prediction, kind: Kind, y: float, top: float, clock: Clock) -> str:
    """The mean of the members as a line over the band of all of them."""
    marks = [(v, y + PLOT * (1 - v / top)) for v in (0.0, top)]
    parts = [element("line", class_="rail", x1="0", x2="100%", y1=f"{at:g}", y2=f"{at:g}") for _, at in marks]
    parts += [text(f"{v:g}", "-10", at + (4 if v == 0 else 26), text_anchor="end") for v, at in marks]
    curve = prediction.curves.get(kind)
    if curve is None or not len(curve):
        return "".join([*parts, text("no score curve", "50%", y + PLOT / 2 + 4, text_anchor="middle")])
    n, where, spread = clock.n_frames, prediction.positions, band(prediction.members, kind, len(curve))
    drawn = [element("path", class_=f"band {kind}", d=area(*spread, where, n, top))] if spread else []
    drawn.append(element("path", class_=f"line {kind}", d=line(curve, where, n, top)))
    box = {"y": f"{y:g}", "viewBox": f"0 0 {WIDTH} {HEIGHT}", "preserveAspectRatio": "none", "overflow": "visible"}
    return "".join([*parts, element("svg", "".join(drawn), width="100%", height=PLOT, **box)])


def _rows(items: Sequence[Item]) -> list[list[Item]]:
    """Rows without overlap; what needs a fifth row stands in the fourth."""
    rows = lanes([(i.found.spot.onset, i.found.spot.offset + 1) for i in items])
    kept, rest = rows[:_MOST_LANES], rows[_MOST_LANES:]
    if rest:
        kept[-1] = sorted([*kept[-1], *(i for row in rest for i in row)])
    return [[items[i] for i in row] for row in kept]


def _boxes(row: Sequence[Item], y: float, clock: Clock) -> list[str]:
    parts, last = list[str](), -1.0
    for item in row:
        spot, left = item.found.spot, item.found.spot.onset / clock.n_frames
        body = element("title", escape(tip(item, clock))) + _span(spot.onset, spot.offset, clock, y + 11, 10, "hit")
        body += _span(spot.onset, spot.offset, clock, y + 11, 10, f"box {spot.kind}", rx="1.5")
        broad = (spot.offset - spot.onset + 1) / clock.n_frames > _BROAD
        body += _upright(item.found.apex, clock, y + 8, y + 24) if broad else ""
        if left - last > _CLOSE:
            anchor = "end" if left > 1 - _CLOSE else "start" if broad else "middle"
            body += text(str(item.number), pct(left), y + 8, class_="strong", text_anchor=anchor)
            last = left + _DIGIT * len(str(item.number))
        label = f"{item.number}: {spot.kind}-expression, {told.when(item.found, clock)}"
        parts.append(element("a", body, href=item.link, aria_label=label) if item.link else element("g", body))
    return parts


def tip(item: Item, clock: Clock) -> str:
    """What is said when an interval is pointed at."""
    f = item.found
    named = f"{f.emotion} {f.chances[f.emotion]:.2f}" if f.emotion else ""
    first = ", ".join(w for w in (f"{item.number} {f.spot.kind}-expression", f"score {f.spot.score:.2f}", named) if w)
    return f"{first}\n{told.frames(f)}\n{told.when(f, clock)}"


def _span(first: int, last: int, clock: Clock, y: float, height: float, look: str, **more: str) -> str:
    n = clock.n_frames
    place = {"x": pct(first / n), "width": pct((last - first + 1) / n), "y": f"{y:g}", "height": f"{height:g}"}
    return element("rect", class_=look, **place, **more)


def _upright(frame: int, clock: Clock, top: float, bottom: float) -> str:
    x = pct((frame + 0.5) / clock.n_frames)
    return element("line", class_="apex", x1=x, x2=x, y1=f"{top:g}", y2=f"{bottom:g}")


def _merged(runs: Iterable[tuple[int, int]], clock: Clock) -> list[tuple[int, int]]:
    """Runs that stand nearer than a 500th of the width as one: what the eye cannot tell apart is not drawn apart."""
    found: list[tuple[int, int]] = []
    for first, last in sorted(runs):
        if found and first - found[-1][1] <= clock.n_frames / 500:
            found[-1] = (found[-1][0], max(last, found[-1][1]))
        else:
            found.append((first, last))
    return found


def _pattern() -> str:
    stripe = element("line", x1="0", y1="0", x2="0", y2="7", class_="stripe")
    box = {"width": "7", "height": "7", "patternUnits": "userSpaceOnUse", "patternTransform": "rotate(45)"}
    return element("defs", element("pattern", stripe, id="no-face", **box))


def time_ticks(end: float, most: int = 6) -> list[tuple[float, str]]:
    """Round times from 0 to `end` seconds, labelled `2.5`, from two minutes on `1:30`, from an hour on `1:02` hours."""
    step = next((s for s in (*_STEPS, *_LONG_STEPS) if end / s <= most), end)
    times = [round(i * step, 6) for i in range(int(end / step + 1e-9) + 1)] if end > 0 else [0.0]
    return [(t, _clock_face(t, end) if end > 120 else f"{t:g}") for t in times]


def _clock_face(time: float, end: float) -> str:
    minutes, seconds = divmod(round(time), 60)
    return f"{minutes // 60}:{minutes % 60:02d}" if end >= 3600 else f"{minutes}:{seconds:02d}"


def _times(clock: Clock, bottom: float) -> list[str]:
    unit = "seconds" if clock.seconds <= 120 else "min:s" if clock.seconds < 3600 else "h:min"
    parts = [text(unit, "-10", 12, text_anchor="end")]
    for time, label in time_ticks(clock.seconds):
        x = clock.share(time)
        parts.append(element("line", class_="tick", x1=pct(x), x2=pct(x), y1="18", y2=f"{bottom:g}"))
        parts.append(text(label, pct(x), 12, text_anchor=_anchor(x)))
    return parts


def _numbers(clock: Clock, y: float) -> list[str]:
    parts = [element("line", class_="rail", x1="0", x2="100%", y1=f"{y:g}", y2=f"{y:g}")]
    for frame in ticks(0, max(clock.n_frames - 1, 1), whole=True):
        x = (frame + 0.5) / clock.n_frames
        parts.append(element("line", class_="rail", x1=pct(x), x2=pct(x), y1=f"{y:g}", y2=f"{y + 4:g}"))
        parts.append(text(f"{frame:.0f}", pct(x), y + 16, text_anchor=_anchor(x)))
    return [*parts, text("frame", "-10", y + 16, text_anchor="end")]


def _anchor(x: float) -> str:
    return "start" if x < 0.015 else "end" if x > 0.97 else "middle"
