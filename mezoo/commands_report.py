"""What `mezoo report` does. Imports stand inside, so that a command pays only for what it does."""

import argparse
from collections import Counter
from pathlib import Path
from typing import Any

from mezoo.errors import RunError

Arguments = argparse.Namespace


def report(arguments: Arguments) -> int:
    """Write the page of a run that has ended, and figures if they are asked for."""
    run = _ended(Path(arguments.run).expanduser())
    from mezoo.report import write_report

    page = write_report(run).resolve()
    print(f"report: {page}")
    if arguments.figures is not None:
        from mezoo.report.paper import write_figures

        out = Path(arguments.figures).expanduser() if arguments.figures else run / "figures"
        made = Counter(path.suffix[1:] for path in write_figures(run, out))
        print(f"figures: {out.resolve()} ({', '.join(f'{n} {kind}' for kind, n in sorted(made.items()))})")
    if arguments.open and not _shown(page):
        print("there is no browser here: open the page yourself")
    return 0


def _shown(page: Path) -> bool:
    import webbrowser

    try:
        return webbrowser.open(page.as_uri())
    except webbrowser.Error:
        return False


def _ended(run: Path) -> Path:
    """The folder of a run with a result. Raises RunError for any other, and says what to do next."""
    if (run / "result.json").is_file():
        return run
    if (run / "run.json").is_file():
        raise RunError(f"{run} has not ended: {_progress(run)}", hint=_next(run))
    if not run.is_dir():
        raise RunError(f"there is no folder {run}", hint="give a run's folder, such as runs/mesnet_samm-1a2b3c4d")
    inside = sorted(path.parent.name for path in run.glob("*/run.json"))
    if inside:
        more = " ..." if len(inside) > 4 else ""
        raise RunError(f"{run} is no run, but holds {len(inside)}", hint=f"give one of {', '.join(inside[:4])}{more}")
    raise RunError(f"{run} is no run: it has no run.json", hint="mezoo fit RECIPE makes one and prints its folder")


def _progress(run: Path) -> str:
    states = Counter(str(_json(path).get("state")) for path in (run / "folds").glob("*/fold.json"))
    return ", ".join(f"{n} folds {state}" for state, n in sorted(states.items())) or "no fold has begun"


def _next(run: Path) -> str:
    command = str(_json(run / "run.json").get("command") or "mezoo fit RECIPE")
    return f"continue it: {command}; or, where other machines have trained its folds: mezoo gather {run}"


def _json(path: Path) -> dict[str, Any]:
    from mezoo.files import read_json

    try:
        found = read_json(path)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
