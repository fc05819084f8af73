"""Figures for a paper, by matplotlib without pyplot: 85 or 175 mm wide, 8 pt, colour-blind safe."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, PathPatch, Rectangle
from matplotlib.path import Path

from mezoo.outline import ASPECT, lines, smooth
from mezoo.report.figures import Panel, ceiling, mean
from mezoo.report.graphs import Averaged, edges, largest
from mezoo.report.heat import DARK, short
from mezoo.report.reading import Film
from mezoo.report.taxonomy import Side, called
from mezoo.report.timeline import WORDS, Judged, Lanes, judge

MM = 1 / 25.4
COLUMN, PAGE, TALLEST = 85.0, 175.0, 235.0
"""Width of a column, of a page, and greatest height, in mm."""
LANE, HIGH = 0.46, 0.36
"""Height of a lane of a timeline and of a box in it; that of the curve is 1."""
INK, SOFT, LINE = "#1c2027", "#555c68", "#dedad0"
BLUE, GREEN, ORANGE, AMBER, STONE = "#0a66a6", "#007a5c", "#c4520c", "#b07400", "#877c69"
WORD_COLOURS: Mapping[str, str] = {
    "found": GREEN, "named the other kind": "#8a4fa3", "merged": "#0a5c93", "split": "#7db7e0", "too long": "#9a6200",
    "too short": "#e8b84a", "shifted": "#756b5a", "blink": "#d987ab", "head motion": "#a03a66",
    "on the other kind": "#b9b4a8", "not seen": ORANGE, "elsewhere": ORANGE,
}  # fmt: skip
PALE = {"split", "too short", "blink", "on the other kind"}
STYLE: dict[Any, Any] = {
    "font.size": 8, "axes.titlesize": 8, "axes.labelsize": 8, "xtick.labelsize": 8, "ytick.labelsize": 8,
    "legend.fontsize": 8, "font.family": "DejaVu Sans", "pdf.fonttype": 42, "axes.linewidth": 0.6,
    "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": SOFT, "text.color": INK,
    "axes.labelcolor": INK, "xtick.color": SOFT, "ytick.color": SOFT, "xtick.labelcolor": INK, "ytick.labelcolor": INK,
    "xtick.major.width": 0.6, "ytick.major.width": 0.6, "legend.frameon": False, "savefig.dpi": 300,
}  # fmt: skip
"""Settings that must hold while a figure is made and saved; 42: TrueType fonts in the PDF."""


def blank(width: float, height: float, rows: int = 1, columns: int = 1, **more: Any) -> tuple[Figure, list[Axes]]:
    """A figure of so many millimetres and its axes, row by row."""
    figure = Figure(figsize=(width * MM, min(height, TALLEST) * MM), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, **more)
    return figure, [*axes.ravel()]


def confusion(matrix: Mapping[str, Any]) -> Figure:
    """Counts and shares of the row; the shade is the share. `matrix` as of `recognition.confusion`."""
    names = [str(n) for n in matrix["classes"]]
    figure, (axes,) = blank(COLUMN, COLUMN * 0.82)
    for y, row in enumerate(matrix["rows"]):
        for x, cell in enumerate(row["cells"]):
            colour = GREEN if cell["right"] else ORANGE
            axes.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor=colour, alpha=cell["share"], edgecolor="none"))
            shade = "white" if cell["share"] > DARK else INK
            axes.text(x, y, f"{cell['count']}\n{cell['percent']}", ha="center", va="center", color=shade)
    axes.set(xlim=(-0.5, len(names) - 0.5), ylim=(len(names) - 0.5, -0.5), xlabel="answer", ylabel="true class")
    axes.set_xticks(range(len(names)), names, rotation=0 if max(map(len, names)) * len(names) < 34 else 40)
    axes.set_yticks(range(len(names)), names)
    for edge in np.arange(len(names) + 1) - 0.5:
        axes.axhline(edge, color=LINE, linewidth=0.5)
        axes.axvline(edge, color=LINE, linewidth=0.5)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return figure


def misses(sides: Sequence[Side]) -> Figure:
    """One bar for the truth and one for the spots of each kind, a segment for each word."""
    figure, (axes,) = blank(PAGE, 24 + 9 * len(sides))
    used: dict[str, str] = {}
    for y, side in enumerate(sides):
        left = 0.0
        for word, n in side.counts.items():
            share = 100 * n / side.total
            if n:
                label = {"found": "found / hit", "not seen": "not seen / elsewhere"}.get(word, called(word, "t"))
                used.setdefault(label if word != "elsewhere" else "not seen / elsewhere", WORD_COLOURS[word])
                axes.barh(y, share, 0.68, left, color=WORD_COLOURS[word], edgecolor="white", linewidth=0.5)
            if share >= 3.5:
                axes.text(left + share / 2, y, str(n), ha="center", va="center", color=INK if word in PALE else "white")
            left += share
    short = [f"{WORDS[s.kind][0]} {'truth' if s.side == 't' else 'spots'} ({s.total})" for s in sides]
    axes.set_yticks(range(len(sides)), short)
    axes.set(ylim=(len(sides) - 0.4, -0.6), xlim=(0, 100), xlabel="share, %")
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    handles = [Patch(facecolor=colour, label=label) for label, colour in sorted(used.items(), key=_rank)]
    figure.legend(handles=handles, loc="outside lower center", ncols=4, handlelength=1, handleheight=1)
    return figure


def _rank(used: tuple[str, str]) -> int:
    return [*WORD_COLOURS.values()].index(used[1])


def learning(panels: Sequence[Panel]) -> Figure:
    """Curves of every fold thin, their mean thick; last epochs filled, oracle epochs hollow."""
    columns = min(3, len(panels))
    rows = -(-len(panels) // columns)
    figure, axes = blank(PAGE if columns > 1 else COLUMN, 12 + 40 * rows, rows, columns)
    for place, panel in zip(axes, panels, strict=False):
        _curves(place, panel)
    for place in axes[len(panels) :]:
        place.set_visible(False)
    handles = [
        Line2D([], [], color=BLUE, alpha=0.5, linewidth=0.7, label="one fold"),
        Line2D([], [], color=INK, linewidth=1.4, label="mean of folds"),
        Line2D([], [], color=BLUE, marker="o", markersize=3, linestyle="", label="last epoch"),
        _hollow("oracle epoch"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=4 if columns > 1 else 2)
    return figure


def _hollow(label: str) -> Line2D:
    look: dict[str, Any] = {"marker": "o", "markersize": 4, "markerfacecolor": "white", "markeredgecolor": AMBER}
    return Line2D([], [], linestyle="", label=label, **look)


def _curves(axes: Axes, panel: Panel) -> None:
    for name, series in panel.folds.items():
        axes.plot(series.epochs, series.values, color=BLUE, alpha=0.5, linewidth=0.7)
        axes.plot(series.epochs[-1:], series.values[-1:], "o", color=BLUE, markersize=2.5)
        oracle = series.epochs == panel.oracle.get(name)
        axes.plot(series.epochs[oracle], series.values[oracle], "o", mfc="white", mec=AMBER, markersize=3.5)
    if len(panel.folds) > 1:
        pooled = mean(panel.folds)
        axes.plot(pooled.epochs, pooled.values, color=INK, linewidth=1.4)
    axes.set(title=panel.title, xlabel="epoch")
    if panel.unit:
        axes.set_ylim(0, 1.02 * ceiling([float(s.values.max()) for s in panel.folds.values()]))
    axes.grid(axis="y", color=LINE, linewidth=0.5)
    axes.set_axisbelow(True)


def subjects(rows: Sequence[Mapping[str, Any]], name: str) -> Figure:
    """A bar for each subject, hollow at the oracle epoch; `rows` as of `view.subject_rows`."""
    shown = [row for row in rows if row["value"] is not None]
    figure, (axes,) = blank(COLUMN, 22 + 4.4 * len(shown))
    places = np.arange(len(shown))
    axes.barh(places, [row["value"] for row in shown], 0.62, color=BLUE, label=name)
    oracle = [(y, row["oracle"]) for y, row in zip(places.tolist(), shown, strict=True) if row["oracle"] is not None]
    axes.plot([v for _, v in oracle], [y for y, _ in oracle], "o", mfc="white", mec=AMBER, markersize=4, clip_on=False)
    size = 8 if len(shown) <= 40 else max(3.0, 8 * 40 / len(shown))
    axes.set_yticks(places, [str(row["subject"]) for row in shown], fontsize=size)
    axes.set(ylim=(len(shown) - 0.4, -0.6), xlim=(0, 1), xlabel=f"{name} of the left-out subject")
    axes.tick_params(axis="y", length=0)
    figure.legend(handles=[_hollow("oracle epoch: a diagnostic")], loc="outside lower center")
    return figure


def timelines(films: Sequence[Film], lanes: Lanes) -> Figure:
    """One strip for each film: truth, scores, spots; hits are tall and green, false alarms low and orange."""
    each = 12 + 2.4 * (len(lanes.truth) + len(lanes.spots))
    figure, axes = blank(PAGE, 12 + each * len(films), len(films), 1)
    for place, film in zip(axes, films, strict=True):
        _strip(place, film, lanes)
    if len({film.length / (film.fps or 1.0) for film in films}) == 1:
        for place in axes[:-1]:
            place.set_xticklabels([])
    axes[-1].set_xlabel("time, s" if films[-1].fps else "frame")
    faces = {"ME": BLUE, "MaE": STONE, "hit": GREEN, "false alarm": ORANGE}
    handles: list[Any] = [Patch(facecolor=colour, label=label) for label, colour in faces.items()]
    handles.insert(2, Patch(facecolor="white", edgecolor=BLUE, label="missed"))
    figure.legend(handles=handles, loc="outside lower center", ncols=5, handlelength=1.2, handleheight=0.9)
    return figure


def _strip(axes: Axes, film: Film, lanes: Lanes) -> None:
    rate = film.fps or 1.0
    axes.set_title("/".join(film.key[1:]), loc="left", fontsize=7, pad=2)
    for kind, style in (("macro", "--"), ("micro", "-")):
        if kind in film.curves:
            x, colour = film.curves["frames"] / rate, BLUE if kind == "micro" else STONE
            axes.plot(x, np.clip(film.curves[kind], 0, 1), style, color=colour, linewidth=0.6)
    for place, kind in enumerate(reversed(lanes.truth)):
        _truth(axes, judge(film, kind), (1.08 + LANE * place, rate), kind in lanes.spots)
    for place, kind in enumerate(lanes.spots):
        _spots(axes, judge(film, kind), -LANE * (1 + place), rate)
    above, below = LANE * len(lanes.truth), LANE * len(lanes.spots)
    axes.set(xlim=(0, film.length / rate), ylim=(-0.08 - below, 1.12 + above))
    axes.set_yticks([1.04 + above / 2, 0.5, -below / 2], ["truth", "score", "spots"], fontsize=6)
    axes.axhline(0, color=LINE, linewidth=0.5)
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", labelsize=6, pad=1, length=2)
    axes.spines["left"].set_visible(False)


def _truth(axes: Axes, judged: Judged, place: tuple[float, float], looked_for: bool) -> None:
    found, (y, rate) = {t for _, t in judged.hits}, place
    for i, event in enumerate(judged.truth):
        colour = BLUE if event.kind == "micro" else STONE
        fill = colour if i in found or not looked_for else "white"
        wide = (event.offset + 1 - event.onset) / rate
        axes.add_patch(Rectangle((event.onset / rate, y), wide, HIGH, facecolor=fill, edgecolor=colour, linewidth=0.7))


def _spots(axes: Axes, judged: Judged, y: float, rate: float) -> None:
    hits = {s for s, _ in judged.hits}
    for i, event in enumerate(judged.spots):
        colour, high = (GREEN, HIGH) if i in hits else (ORANGE, HIGH / 2)
        wide = (event.offset + 1 - event.onset) / rate
        axes.add_patch(Rectangle((event.onset / rate, y + HIGH - high), wide, high, facecolor=colour, edgecolor="none"))


def graph(drawn: Averaged) -> Figure:
    """The mean weights as a heat map and, where nodes have places, on a face."""
    both = bool(drawn.places)
    figure, axes = blank(PAGE if both else COLUMN, 92 if both else 84, 1, 2 if both else 1)
    figure.suptitle(drawn.title, fontsize=8)
    _heat(figure, axes[0], drawn)
    if both:
        _face(axes[1], drawn)
    return figure


def _heat(figure: Figure, axes: Axes, drawn: Averaged) -> None:
    top, n = largest(drawn.mean.ravel().tolist()), len(drawn.names)
    low = -top if (drawn.mean < 0).any() else 0.0
    stops = [ORANGE, "white", BLUE] if low else ["white", BLUE]
    shades = LinearSegmentedColormap.from_list("weights", stops)
    image = axes.imshow(drawn.mean, cmap=shades, vmin=low, vmax=top)
    size = min(8.0, 90 / n)
    axes.set_xticks(range(n), drawn.names, rotation=90, fontsize=size)
    axes.set_yticks(range(n), drawn.names, fontsize=size)
    for i, row in enumerate(drawn.mean.tolist() if n <= 14 else []):
        for j, value in enumerate(row):
            shade = "white" if abs(value) > DARK * top else INK
            axes.text(j, i, short(value, top), ha="center", va="center", fontsize=min(6.0, 70 / n), color=shade)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    figure.colorbar(image, ax=axes, shrink=0.7, label="weight, row from column")


def _face(axes: Axes, drawn: Averaged) -> None:
    for line in lines():
        points = [line[0], *(p for piece in smooth(line) for p in piece)]
        curve = Path([(x, ASPECT * y) for x, y in points], [Path.MOVETO, *[Path.CURVE4] * (len(points) - 1)])
        axes.add_patch(PathPatch(curve, facecolor="none", edgecolor=STONE, linewidth=0.8, alpha=0.6))
    for edge in edges(drawn):
        (a, b), (c, d) = drawn.places[edge.a], drawn.places[edge.b]
        look: dict[str, Any] = {"color": BLUE, "linestyle": "-"}
        look = look if edge.weight > 0 else {"color": ORANGE, "linestyle": "--"}
        look |= {"linewidth": 0.4 + 2.8 * edge.share, "alpha": 0.2 + 0.7 * edge.share}
        axes.plot([a, c], [ASPECT * b, ASPECT * d], **look)
    for name, (x, y) in zip(drawn.names, drawn.places, strict=True):
        axes.plot([x], [ASPECT * y], "o", mfc="white", mec=INK, mew=0.6, markersize=9)
        words = name.rsplit(" ", 1)[-1]
        axes.text(x, ASPECT * y, words, ha="center", va="center_baseline", fontsize=5.5)
    axes.set(xlim=(-0.06, 1.06), ylim=(1.06 * ASPECT, -0.08), aspect="equal")
    axes.axis("off")
