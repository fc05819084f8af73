"""The page of a run: one self-contained HTML file made from the files of its folder, and from nothing else."""

from importlib.resources import files
from pathlib import Path

from jinja2 import ChainableUndefined, Environment, FunctionLoader

from mezoo.files import write_atomic
from mezoo.report import joint, recognition, view
from mezoo.report.reading import load
from mezoo.report.words import FILTERS

__all__ = ["write_report"]


def write_report(run: Path) -> Path:
    """Write `<run>/report.html` from the files of the run folder and return its path; the same files, the same page.

    Only result.json must be there: what else is missing is said on the page. Raises RunError without a result.json.
    """
    page = run / "report.html"
    loaded = load(run)
    room = {"recognition": recognition, "strs": joint}.get(str(loaded.result.get("task")), view)
    text = _environment().get_template(room.TEMPLATE).render(room.context(loaded))
    write_atomic(page, text)
    return page


def _environment() -> Environment:
    # A failed or unfinished run lacks whole parts of result.json; they print as nothing instead of failing the page.
    environment = Environment(
        autoescape=True,
        undefined=ChainableUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=FunctionLoader(_template),
    )
    environment.filters.update(FILTERS)
    return environment


def _template(name: str) -> str:
    return files(__name__).joinpath(name).read_text(encoding="utf-8")
