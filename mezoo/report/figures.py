"""Figures as inline SVG, pure functions that return str.

Positions along x are percentages, so a figure takes the width it is given while its text keeps its size; the colours
are classes of the page. Every name that came from data is escaped here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from mezoo.report.reading import Series
from mezoo.svg import element, pct, text, ticks

MOST_DOTS = 1200
"""More expressions than this are not drawn one by one."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One row of the dot plot: a score in [0, 1] under an epoch rule, and its interval if it has one."""

    label: str
    value: float
    interval: tuple[float, float] | None = None
    headline: bool = False
    hollow: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """Curves of one metric by epoch, one a fold; `oracle` is fold -> epoch, to be dotted."""

    title: str
    column: str
    folds: Mapping[str, Series]
    epochs: tuple[int, int]
    oracle: Mapping[str, int]
    unit: bool = False


def figure(kind: str, height: float, label: str, body: str) -> str:
    """The outer svg: full width, fixed height in pixels, one spoken label."""
    head = f'class="fig {kind}" role="img" aria-label="{escape(label)}" width="100%" height="{height:g}"'
    return f"<svg {head}>{body}</svg>"


def ceiling(values: Sequence[float]) -> float:
    """End of an axis for scores in [0, 1]: the first of a few round numbers that leaves air above them."""
    top = max(values, default=1.0)
    return next((c for c in (0.05, 0.1, 0.2, 0.4, 0.6, 0.8) if top <= 0.96 * c), 1.0)


def range_bar(value: float, interval: tuple[float, float] | None, top: float) -> str:
    """The headline on an axis from 0 to `top` with its 95 % interval as a band."""
    parts = [element("rect", class_="track", x="0", y="14", width="100%", height="6", rx="3")]
    label = f"{value:.3f}"
    if interval:
        low, high = (min(v, top) / top for v in interval)
        parts.append(element("rect", class_="band", x=pct(low), y="12", width=pct(high - low), height="10", rx="5"))
        label += f", 95 % interval {interval[0]:.3f} to {interval[1]:.3f}"
    parts.append(element("circle", class_="dot micro", cx=pct(value / top), cy="17", r="6.5"))
    parts += _axis([0, top / 2, top], top, 38)
    return figure("range", 42, label, "".join(parts))


def _axis(values: Sequence[float], top: float, y: float) -> list[str]:
    anchor = {0: "start", len(values) - 1: "end"}
    return [text(f"{v:g}", pct(v / top), y, text_anchor=anchor.get(i, "middle")) for i, v in enumerate(values)]


def dot_plot(marks: Sequence[Mark], top: float) -> str:
    """One row for each epoch rule, and the gap between the headline and the hollow (oracle) one named."""
    step, parts = 44, list[str]()
    honest = next((m for m in marks if m.headline), None)
    for row, mark in enumerate(marks):
        y = 22 + row * step
        parts.append(element("line", class_="rail", x1="0", x2="100%", y1=y, y2=y))
        if honest and mark.hollow and mark.value - honest.value >= 0.0005:
            parts.append(_gap(honest, mark, (22 + marks.index(honest) * step, y), top))
        if mark.interval:
            low, high = (pct(min(v, top) / top) for v in mark.interval)
            parts.append(element("line", class_="whisker", x1=low, x2=high, y1=y, y2=y))
        look = "dot oracle" if mark.hollow else "dot micro" if mark.headline else "dot plain"
        parts.append(element("circle", class_=look, cx=pct(mark.value / top), cy=y, r="6.5"))
        weight = "strong" if mark.headline else "label"
        parts.append(text(mark.label, "-84", y + 4, class_=weight))
        parts.append(text(f"{mark.value:.3f}", "100%", y + 4, dx="16", class_=weight))
    bottom = 22 + len(marks) * step
    spoken = ", ".join(f"{m.label} {m.value:.3f}" for m in marks)
    return figure(
        "dots", bottom, f"score by epoch rule: {spoken}", "".join(parts + _axis([0, top / 2, top], top, bottom - 6))
    )


def _gap(honest: Mark, oracle: Mark, rows: tuple[int, int], top: float) -> str:
    a, b = honest.value / top, oracle.value / top
    drop = element("line", class_="drop", x1=pct(a), x2=pct(a), y1=rows[0] + 8, y2=rows[1] + 5)
    bar = element("line", class_="gap", x1=pct(a), x2=pct(b), y1=rows[1], y2=rows[1])
    words = f"+{b * top - a * top:.3f} from looking"
    place = {"text_anchor": "start", "dx": "8"} if a < 0.55 else {"text_anchor": "end", "dx": "-8"}
    return drop + bar + text(words, pct(a), rows[1] - 12, class_="gap-words", **place)


def tally(found: int, missed: int, alarms: int) -> str:
    """A dot for every expression (found, missed), and on new lines one for every false alarm; "" when too many."""
    total = found + missed + alarms
    if not 0 < total <= MOST_DOTS:
        return ""
    columns = 30 if total <= 150 else 60
    places = _block(found + missed, columns, 5)
    below = places[-1][1] + 14 if places else 5
    false = _block(alarms, columns, below)
    height = (false or places)[-1][1] + 5
    body = (
        _dots("hit", places[:found])
        + _dots("miss", places[found:])
        + _dots("hole", places[found:])
        + _dots("alarm", false)
    )
    label = f"{found} found, {missed} missed, {alarms} false alarms"
    style = f"max-width:{columns * (15 if columns == 30 else 9)}px"
    box = {"role": "img", "aria-label": label, "viewBox": f"0 0 {10 * columns} {height}", "style": style}
    return element("svg", body, class_="fig tally", **box)


def _block(count: int, most: int, top: int) -> list[tuple[int, int]]:
    """Places of `count` dots in full lines of equal length, at most `most` a line, from `top` down."""
    columns = -(-count // max(1, -(-count // most)))
    return [(5 + 10 * (i % columns), top + 10 * (i // columns)) for i in range(count)]


def _dots(kind: str, places: Sequence[tuple[int, int]]) -> str:
    path = "".join(f"M{x} {y}h0" for x, y in places)
    return element("path", class_=f"tally-{kind}", d=path) if path else ""


def chances(shares: Sequence[float], truth: int) -> str:
    """Probabilities side by side as one bar; that of the true class is filled."""
    parts, left = list[str](), 0.0
    for index, share in enumerate(shares):
        look = "chance truth" if index == truth else "chance"
        parts.append(element("rect", class_=look, x=pct(left), y="4", width=pct(share), height="10"))
        left += share
    return figure("cell", 18, ", ".join(f"{s:.2f}" for s in shares), "".join(parts))


def score_bar(value: float, oracle: float | None, name: str) -> str:
    """A ratio of one subject as a bar on 0..1, and a hollow dot where the oracle epoch would stand."""
    parts = [element("rect", class_="track", x="0", y="4", width="100%", height="10", rx="2")]
    parts.append(element("rect", class_="bar", x="0", y="4", width=pct(value), height="10", rx="2"))
    label = f"{'F1' if name == 'f1' else name} {value:.3f}"
    if oracle is not None:
        parts.append(element("circle", class_="dot oracle", cx=pct(oracle), cy="9", r="4.5"))
        label += f", oracle {oracle:.3f}"
    return figure("cell", 18, label, element("title", escape(label)) + "".join(parts))


def learning(panel: Panel) -> str:
    """Thin lines, one a fold, their mean thick, the last epoch of a fold filled, its oracle epoch hollow."""
    height, (first, last) = 150, panel.epochs
    every = np.concatenate([s.values for s in panel.folds.values()])
    low, high = (
        (0.0, ceiling([float(every.max())])) if panel.unit else (min(0.0, float(every.min())), float(every.max()))
    )
    high = high if high > low else low + 1.0

    def x(epoch: float) -> float:
        return (epoch - first) / max(last - first, 1)

    def y(value: float) -> float:
        return 1 - (value - low) / (high - low)

    def line(series: Series, look: str) -> str:
        points = (f"{1000 * x(float(e)):.0f} {1000 * y(float(v)):.0f}" for e, v in zip(*_thin(series), strict=True))
        return element("path", class_=look, d="M" + "L".join(points))

    grid = [(v, 8 + height * y(v)) for v in ticks(low, high, 5)]
    parts = [element("line", class_="rail", x1="0", x2="100%", y1=f"{p:.1f}", y2=f"{p:.1f}") for _, p in grid]
    parts += [text(f"{v:g}", "-8", p + 4, text_anchor="end") for v, p in grid]
    parts += [
        text(f"{e:g}", pct(x(e)), height + 26, text_anchor="middle") for e in ticks(first, last, 6) if e == int(e)
    ]
    lines = [line(s, "fold") for s in panel.folds.values()]
    lines += [line(mean(panel.folds), "mean")] if len(panel.folds) > 1 else []
    box = {"viewBox": "0 0 1000 1000", "preserveAspectRatio": "none", "overflow": "visible"}
    parts.append(element("svg", "".join(lines), y="8", width="100%", height=height, **box))
    for name, series in panel.folds.items():
        ends = [("end", len(series.epochs) - 1), ("oracle", _where(series, panel.oracle.get(name)))]
        for look, i in ((k, i) for k, i in ends if i is not None):
            words = f"{name}: {series.values[i]:.4g} at epoch {series.epochs[i]}" + (
                " (oracle)" if look == "oracle" else ""
            )
            place = {"cx": pct(x(float(series.epochs[i]))), "cy": f"{8 + height * y(float(series.values[i])):.1f}"}
            parts.append(element("circle", element("title", escape(words)), class_=f"dot {look}", r="3.2", **place))
    label = f"{panel.title} by epoch, {len(panel.folds)} folds"
    return figure("learning", height + 32, label, "".join(parts))


def _where(series: Series, epoch: int | None) -> int | None:
    epochs: list[int] = series.epochs.tolist()
    return epochs.index(epoch) if epoch in epochs else None


def _thin(series: Series, most: int = 250) -> tuple[list[int], list[float]]:
    keep = np.unique(np.linspace(0, len(series.epochs) - 1, min(most, len(series.epochs))).round().astype(int))
    return series.epochs[keep].tolist(), series.values[keep].tolist()


def mean(folds: Mapping[str, Series]) -> Series:
    """Mean over folds at every epoch that at least half of them have."""
    epochs = np.concatenate([s.epochs for s in folds.values()])
    values = np.concatenate([s.values for s in folds.values()])
    unique, inverse, counts = np.unique(epochs, return_inverse=True, return_counts=True)
    means = np.bincount(inverse, weights=values) / counts
    keep = 2 * counts >= len(folds)
    return Series(unique[keep].astype(np.int64), means[keep])
