"""wandb's summary run: pooled scores, tables, pictures, the report, and the files of the result as one artifact."""

import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mezoo.report.reading import Run, load
from mezoo.report.timeline import judge
from mezoo.result import Result
from mezoo.tracking.wandb_runs import WandbTracker

ARTIFACT = (
    "result.json",
    "predictions.csv",
    "truth.csv",
    "videos.csv",
    "clips.csv",
    "recipe.yaml",
    "environment.json",
    "report.html",
)
"""Of the run folder's files those that make up the result: no weights, no frames."""


def log_summary(tracker: WandbTracker, result: Result, folder: Path, config: Mapping[str, Any]) -> None:
    """Open the summary run, fill it from the run folder, and close it. Reads what is on disk, so a page must be."""
    run = tracker.open("summary", "summary", config)
    run.summarise(flat(result))
    with _copies_in(folder / "wandb"):
        run.safely(lambda _: run.log_media(media(result, folder)))
        run.safely(lambda wandb_run: log_artifact(wandb_run, result, folder))
    run.finish(failed=result.status != "complete")


def flat(result: Result) -> dict[str, Any]:
    """`<epoch rule>/<part>/<name>` of every pooled number, `_low` and `_high` for intervals, and the headline."""
    head, found = result.headline, dict[str, Any]()
    for rule, parts in result.scores.items():
        for part, numbers in parts.items():
            for name, value in numbers.items():
                found |= _leaves(f"{rule}/{part}/{name}", value, result.model.get("classes") or [])
    return {
        **found,
        "headline": head["value"],
        "headline_low": head["ci95"][0],
        "headline_high": head["ci95"][1],
        "headline_metric": f"{head['metric']} ({head['epoch_rule']})",
        "status": result.status,
        "synthetic": result.synthetic,
        "control": result.control,
        "leaks": "; ".join(result.leaks),
        "seconds": result.seconds,
    }


def _leaves(name: str, value: Any, classes: list[str]) -> dict[str, Any]:
    last = name.rpartition("/")[2]
    if last == "confusion":
        return {}
    if last.startswith("ci95"):
        return {f"{name}_low": value[0], f"{name}_high": value[1]}
    if last == "by_class":
        rows = {k: dict(zip(classes, v, strict=False)) for k, v in value.items()}
        return {f"{name}/{k}/{c}": x for k, row in rows.items() for c, x in row.items()}
    return {name: value}


def media(result: Result, folder: Path) -> dict[str, Any]:
    """Tables and pictures by the name of their panel."""
    import wandb

    run = load(folder)
    page = (folder / "report.html").read_text(encoding="utf-8")
    found = {**_subjects(result), "predictions": _table(_predictions(run))}
    if result.task == "recognition":
        found |= _confusion(result, run)
    strips = {"spotting": "timelines", "recognition": "clips"}[result.task]
    if part := section(page, strips):
        found[strips] = wandb.Html(part)
    return {**found, "report": wandb.Html(page)}


def _table(rows: list[list[Any]]) -> Any:
    import wandb

    header, *body = rows
    made: Any = wandb.Table  # its stubs want invariant lists
    return made(header, body)


def _subjects(result: Result) -> dict[str, Any]:
    """A row for every subject and part under the headline's epoch rule, and the headline's part as bars."""
    import wandb

    counted, ratio = (("tp", "n_pred", "n_gt"), "f1") if result.task == "spotting" else (("correct", "n"), "accuracy")
    rule, part = result.headline["epoch_rule"], result.headline["kind"]
    rows = [
        [s["subject"], s["state"], name, *(counts[k] for k in (*counted, ratio))]
        for s in result.subjects
        for name, counts in s["scores"].get(rule, {}).items()
    ]
    bars = [[row[0], row[-1]] for row in rows if row[2] == part]
    chart = wandb.plot.bar(_table([["subject", ratio], *bars]), "subject", ratio, title=f"{ratio} by subject")
    return {"subjects": _table([["subject", "state", "part", *counted, ratio], *rows]), f"{ratio} by subject": chart}


def _predictions(run: Run) -> list[list[Any]]:
    """Header and rows: of spotting an interval each, of recognition a clip each."""
    if run.result.get("task") == "recognition":
        names = [*run.answers[0].chances] if run.answers else []
        rows = [["/".join(a.key), a.truth, a.answer, a.truth == a.answer, *a.chances.values()] for a in run.answers]
        return [["clip", "truth", "answer", "right", *(f"p {name}" for name in names)], *rows]
    found: list[list[Any]] = [["video", "kind", "onset", "offset", "score", "hit"]]
    for film in run.films:
        for kind in sorted({e.kind for e in film.spots}):
            judged = judge(film, kind)
            hits = {spot for spot, _ in judged.hits}
            found += [
                ["/".join(film.key), kind, e.onset, e.offset, e.score, i in hits] for i, e in enumerate(judged.spots)
            ]
    return found


def _confusion(result: Result, run: Run) -> dict[str, Any]:
    """Pooled counts at the headline's epoch rule: a row for each true class, and wandb's own picture of them."""
    import wandb

    classes = result.model["classes"]
    matrix = result.scores[result.headline["epoch_rule"]]["overall"]["confusion"]
    table = _table([["true class", *classes], *([name, *row] for name, row in zip(classes, matrix, strict=True))])
    pairs = [(classes.index(a.truth), classes.index(a.answer)) for a in run.answers if a.truth in classes]
    truth, answers = [t for t, _ in pairs], [a for _, a in pairs]
    plot = wandb.plot.confusion_matrix(y_true=truth, preds=answers, class_names=classes, title="confusion matrix")
    return {"confusion table": table, "confusion matrix": plot}


def section(page: str, name: str) -> str:
    """One section of the report as a page of its own, with the report's style; "" where the report has none."""
    style = page[page.find("<style>") : page.find("</style>") + len("</style>")]
    start = page.find(f'<section id="{name}"')
    end = page.find("</section>", start)
    if start < 0 or end < 0:
        return ""
    head = f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{name}</title>{style}</head>'
    return f"{head}<body><main>{page[start:end]}</section></main></body></html>"


def log_artifact(wandb_run: Any, result: Result, folder: Path) -> None:
    """The files of the result as one artifact of type `result`."""
    import wandb

    facts = {"status": result.status, "synthetic": result.synthetic, **result.headline}
    artifact: Any = wandb.Artifact(result.run, type="result", metadata=facts)
    for name in ARTIFACT:
        if (folder / name).is_file():
            artifact.add_file(str(folder / name), name=name)
    wandb_run.log_artifact(artifact)


@contextmanager
def _copies_in(folder: Path) -> Generator[None]:
    """Where wandb keeps what it has not sent of tables and artifacts: else in the user's home, apart from the run."""
    before = os.environ.get("WANDB_DATA_DIR")
    os.environ["WANDB_DATA_DIR"] = str(folder.resolve())
    try:
        yield
    finally:
        if before is None:
            del os.environ["WANDB_DATA_DIR"]
        else:
            os.environ["WANDB_DATA_DIR"] = before
