"""Figures and tables of a run for a paper: every figure as SVG (the page's own), PDF and PNG; tables as LaTeX."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from matplotlib import rc_context
from matplotlib.figure import Figure

from mezoo.errors import RunError
from mezoo.files import write_atomic
from mezoo.report import plates, recognition, taxonomy, view
from mezoo.report.figures import learning, score_bar
from mezoo.report.graphs import averaged
from mezoo.report.heat import Cell, Grid, face, grid, heat_map
from mezoo.report.latex import tables
from mezoo.report.reading import Run, load
from mezoo.report.standalone import Part, sheet
from mezoo.report.timeline import strip
from mezoo.report.words import f3

TIMELINES = 12
"""Films in the figure of timelines: the first ones."""


@dataclass(frozen=True, slots=True)
class Plate:
    """A figure by its file name: the page's own as an SVG document, and how matplotlib draws it."""

    name: str
    svg: str
    draw: Callable[[], Figure]


def write_figures(run: Path, out: Path) -> list[Path]:
    """Write every figure of a run as SVG, PDF and PNG (300 dpi) into `out`, its tables into `out/tables`.

    Returns the paths. The same files of a run give the same figures. Raises RunError for a run without a result.
    """
    loaded = load(run)
    made: list[Path] = []
    try:
        for name, text in tables(loaded.result).items():
            made.append(out / "tables" / name)
            write_atomic(made[-1], text)
        with rc_context(plates.STYLE):
            for plate in drawn(loaded):
                made += _saved(plate, out)
    except OSError as error:
        reason = error.strerror or str(error)
        raise RunError(f"cannot write figures into {out}: {reason}", hint="give another folder to --figures") from error
    return made


def _saved(plate: Plate, out: Path) -> list[Path]:
    paths = [out / f"{plate.name}.{kind}" for kind in ("svg", "pdf", "png")]
    write_atomic(paths[0], plate.svg)
    figure = plate.draw()
    for path, facts in zip(paths[1:], ({"CreationDate": None}, {"Software": None}), strict=True):
        buffer = BytesIO()
        figure.savefig(buffer, format=path.suffix[1:], metadata=facts)
        path.write_bytes(buffer.getvalue())
    return paths


def drawn(run: Run) -> Iterator[Plate]:
    """The figures that a run has something to show in."""
    recognised = run.result.get("task") == "recognition"
    yield from _recognised(run) if recognised else _spotted(run)
    ratio = "accuracy" if recognised else "f1"
    rows = [row for row in view.subject_rows(run.result, ratio) if row["value"] is not None]
    if rows:
        name = "accuracy" if recognised else "F1"
        bars = [_bar(row["subject"], score_bar(row["value"], row["oracle"], ratio), f3(row["value"])) for row in rows]
        yield Plate("subjects", sheet(bars, 480), lambda: plates.subjects(rows, name))
    panels = view.curves(run, recognition.HELD_OUT if recognised else view.HELD_OUT)
    if panels:
        parts = [Part(learning(panel), panel.title, left=44) for panel in panels]
        yield Plate("learning", sheet(parts, 480), lambda: plates.learning(panels))
    for number, graph in enumerate(averaged(run.graphs), start=1):
        parts = [Part(heat_map(graph), graph.title), *([Part(face(graph))] if graph.places else [])]
        yield Plate(f"graph-{number}", sheet(parts, 560), lambda graph=graph: plates.graph(graph))


def _bar(name: object, svg: str, value: str) -> Part:
    return Part(svg, left=90, right=50, before=str(name), after=value)


def _recognised(run: Run) -> Iterator[Plate]:
    matrix = recognition.confusion(run.result)
    if matrix:
        cells = [[_cell(row["name"], cell) for cell in row["cells"]] for row in matrix["rows"]]
        shown = grid(Grid(matrix["classes"], matrix["classes"], cells, 72, "confusion matrix"))
        yield Plate(
            "confusion",
            sheet([Part(shown, "rows: true class, columns: answer")], 620),
            lambda: plates.confusion(matrix),
        )


def _cell(name: str, cell: dict[str, object]) -> Cell:
    words = str(cell["count"]), str(cell["percent"])
    share = cell["share"]
    assert isinstance(share, float)
    return Cell(share, "right" if cell["right"] else "wrong", words, f"{name} called {cell['name']}: {cell['count']}")


def _spotted(run: Run) -> Iterator[Plate]:
    lanes = view.lanes_of(run)
    films = view.scored_films(run)
    sides = [side for side in taxonomy.sides(films, lanes.spots) if side.total]
    if sides:
        parts = [Part(taxonomy.bar(side), taxonomy.headline(side)) for side in sides]
        yield Plate("misses", sheet([*parts, Part(taxonomy.legend(sides))]), lambda: plates.misses(sides))
    first = films[:TIMELINES]
    if first:
        parts = [Part(strip(film, lanes, True), "/".join(film.key[1:]), left=64) for film in first]
        yield Plate("timelines", sheet(parts), lambda: plates.timelines(first, lanes))
