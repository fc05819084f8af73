"""Matrices as shaded cells, and graphs on a face: inline SVG with a view box, pure functions that return str."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from markupsafe import Markup

from mezoo.outline import ASPECT, lines, smooth
from mezoo.records import Graph
from mezoo.report.graphs import Averaged, averaged, edges, largest, most_spread
from mezoo.report.words import plural
from mezoo.svg import element, text

DARK = 0.7
"""Share from which on words stand light on dark."""
LETTER = 6.4
"""Width of a letter of 11 px, about."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: `share` in [0, 1] is how dark, `look` a class, `words` its lines of text, `tip` what it says."""

    share: float
    look: str
    words: tuple[str, ...]
    tip: str


@dataclass(frozen=True, slots=True)
class Grid:
    """A matrix to be drawn: names of rows and columns, cells row by row, the side of a cell in px, a spoken label."""

    rows: Sequence[str]
    columns: Sequence[str]
    cells: Sequence[Sequence[Cell]]
    side: int
    label: str


def grid(drawn: Grid) -> str:
    """Cells with row names to the left and column names above, turned where they are wider than a cell."""
    side = drawn.side
    left = 10 + LETTER * max((len(n) for n in drawn.rows), default=0)
    wide = LETTER * max((len(n) for n in drawn.columns), default=0)
    turned = wide > side
    top = 10 + (wide if turned else 12)
    parts = [text(n, f"{left - 6:g}", top + (i + 0.5) * side + 4, text_anchor="end") for i, n in enumerate(drawn.rows)]
    for i, name in enumerate(drawn.columns):
        x = left + (i + 0.5) * side
        if turned:
            parts.append(text(name, "0", 0, transform=f"translate({x + 4:g} {top - 6:g}) rotate(-90)"))
        else:
            parts.append(text(name, f"{x:g}", top - 6, text_anchor="middle"))
    for i, row in enumerate(drawn.cells):
        parts += [_cell(c, left + j * side, top + i * side, side) for j, c in enumerate(row)]
    return _boxed("heat", left + side * len(drawn.columns) + 2, top + side * len(drawn.rows) + 2, drawn.label, parts)


def _cell(cell: Cell, x: float, y: float, side: float) -> str:
    box = {"x": f"{x + 0.5:g}", "y": f"{y + 0.5:g}", "width": f"{side - 1:g}", "height": f"{side - 1:g}"}
    tip = element("title", escape(cell.tip))
    body = element("rect", class_="blank", **box)
    body += element("rect", class_=cell.look, fill_opacity=f"{cell.share:.3f}", **box)
    first = y + side / 2 + 4 - 7.5 * (len(cell.words) - 1)
    look = "over" if cell.share > DARK else "in"
    size = "small" if side < 40 else "large"
    for i, words in enumerate(cell.words):
        place = {"text_anchor": "middle", "class_": f"{look} {size if i == 0 else 'small'}"}
        body += text(words, f"{x + side / 2:g}", first + 15 * i, **place)
    return element("g", tip + body)


def _boxed(kind: str, width: float, height: float, label: str, parts: Sequence[str]) -> str:
    box = {"role": "img", "aria-label": label, "viewBox": f"0 0 {width:.0f} {height:.0f}"}
    return element("svg", "".join(parts), class_=f"fig {kind}", width="100%", style=f"max-width:{width:.0f}px", **box)


def heat_map(graph: Averaged) -> str:
    """The mean weights; a cell is as dark as its weight is far from 0, blue above and orange below."""
    top = largest(graph.mean.ravel().tolist())
    cells = [
        [_weight(graph, i, j, top, len(graph.names) <= 14) for j in range(len(graph.names))]
        for i in range(len(graph.names))
    ]
    label = f"{graph.title}: mean over {graph.folds} folds, row receives from column, largest weight {top:.3g}"
    return grid(Grid(graph.names, graph.names, cells, 30, label))


def _weight(graph: Averaged, i: int, j: int, top: float, written: bool) -> Cell:
    value, spread = float(graph.mean[i, j]), float(graph.spread[i, j])
    if np.isnan(value):
        return Cell(0.0, "plus", (), f"{graph.names[i]} from {graph.names[j]}: in no fold")
    tip = f"{graph.names[i]} from {graph.names[j]}: {value:.4g}"
    tip += "" if np.isnan(spread) else f" ± {spread:.2g} (standard deviation over folds)"
    return Cell(abs(value) / top, "plus" if value >= 0 else "minus", (short(value, top),) if written else (), tip)


def short(value: float, top: float) -> str:
    """A weight in a small cell beside others up to `top`: .25, -.012, 1.2; nothing where it is too small."""
    if top < 0.01:
        return ""
    words = f"{value:.{1 if abs(value) >= 0.995 else 2 if top >= 0.1 else 3}f}"
    if not float(words):
        return ""
    return words.replace("0.", ".", 1) if abs(float(words)) < 1 else words


def face(graph: Averaged, side: float = 360) -> str:
    """The nodes on a face and the strongest edges: wide and dark as their weight, dashed below 0; "" without places."""
    if not graph.places:
        return ""
    margin, high = 26.0, side * ASPECT

    def at(place: tuple[float, float]) -> tuple[float, float]:
        return margin + side * place[0], margin + high * place[1]

    parts = [_path("outline", [at(p) for p in line]) for line in lines()]
    drawn, places = edges(graph), [at(p) for p in graph.places]
    for edge in drawn:
        tip = element("title", escape(f"{graph.names[edge.a]} and {graph.names[edge.b]}: {edge.weight:.4g}"))
        (a, b), (c, d) = places[edge.a], places[edge.b]
        look = {
            "class_": f"edge {'plus' if edge.weight > 0 else 'minus'}",
            "stroke_width": f"{0.8 + 5 * edge.share:.2f}",
        }
        ends = {"x1": f"{a:.1f}", "y1": f"{b:.1f}", "x2": f"{c:.1f}", "y2": f"{d:.1f}"}
        parts.append(element("line", tip, stroke_opacity=f"{0.2 + 0.7 * edge.share:.3f}", **ends, **look))
    for name, (x, y) in zip(graph.names, places, strict=True):
        parts.append(
            element("circle", element("title", escape(name)), class_="node", cx=f"{x:.1f}", cy=f"{y:.1f}", r="9.5")
        )
        parts.append(text(name.rsplit(" ", 1)[-1], f"{x:.1f}", y + 3.6, text_anchor="middle", class_="in small"))
    label = f"{graph.title} on a face: the {len(drawn)} strongest connections of {len(graph.names)} nodes"
    return _boxed("face", side + 2 * margin, high + 2 * margin, label, parts)


def _path(look: str, points: Sequence[tuple[float, float]]) -> str:
    """A smooth line through points."""
    pieces = " ".join("C" + " ".join(f"{x:.1f} {y:.1f}" for x, y in piece) for piece in smooth(points))
    return element("path", class_=look, d=f"M{points[0][0]:.1f} {points[0][1]:.1f}{pieces}")


def graph_rows(by_fold: Mapping[str, Sequence[Graph]]) -> list[dict[str, Any]]:
    """Graphs of all folds as one, each as a heat map and on a face."""
    return [
        {
            "title": g.title,
            "words": graph_words(g),
            "heat": Markup(heat_map(g)),
            "face": Markup(face(g)),
            "negative": bool((g.mean < 0).any()),
        }
        for g in averaged(by_fold)
    ]


def graph_words(graph: Averaged) -> str:
    """What the weights are, over how many folds, and how much they differ between them."""
    low, high = float(np.nanmin(graph.mean)), float(np.nanmax(graph.mean))
    spread = most_spread(graph)
    differ = f", whose standard deviation of a weight is {spread:.2g} at most" if spread is not None else ""
    return (
        f"{graph.note} Mean over {plural(graph.folds, 'fold')}{differ}; weights from {low:.3g} to {high:.3g}.".strip()
    )
