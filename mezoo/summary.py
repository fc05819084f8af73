"""From the folders of all folds to the result of the run; every number is read back from disk."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from mezoo.files import write_atomic
from mezoo.metrics import Counts
from mezoo.plan import Work
from mezoo.plugin_objects import describe
from mezoo.records import Example
from mezoo.result import Result, environment, packages
from mezoo.spots import read_spots, write_spots, write_truth, write_videos
from mezoo.tasks import KINDS, SpottingTask
from mezoo.tracking import WandbTracker

Status = Mapping[str, Any]


def write_tables(work: Work) -> None:
    """Resolved recipe, environment, ground truth, videos and pooled predictions beside the result."""
    folder = work.folder.path
    write_atomic(folder / "environment.json", json.dumps({**environment(_device()), "packages": packages()}, indent=1))
    settings = yaml.safe_dump(plain(work.recipe.resolved()), sort_keys=False, allow_unicode=True)
    write_atomic(folder / "recipe.yaml", settings)
    write_truth(folder / "truth.csv", work.videos)
    write_videos(folder / "videos.csv", work.videos)
    tables = [work.folder.fold(f.name).path / "predictions.csv" for f in work.folds]
    write_spots(folder / "predictions.csv", [s for t in tables if t.is_file() for s in read_spots(t)])


def summarise(work: Work, task: SpottingTask, examples: Mapping[str, Example]) -> Result:
    """Pool the tallies of all folds that are done; a run with a failed fold is `partial`."""
    statuses = [work.folder.fold(f.name).status() for f in work.folds]
    done = [s for s in statuses if s["state"] == "done"]
    rules = [*done[0]["tallies"]] if done else ["last"]
    scores = {rule: task.score([_counts(s["tallies"][rule]) for s in done]) for rule in rules}
    rule = work.recipe.protocol.epoch
    best = scores[rule][task.headline]
    headline = {"metric": task.metric, "kind": task.headline, "value": best["f1"], "ci95": best["ci95"]}
    protocol = work.recipe.protocol.model_dump()
    return Result(
        run=work.folder.path.name,
        recipe=work.recipe.name,
        command=work.options.command,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        task=work.recipe.task,
        status="complete" if len(done) == len(work.folds) else "partial",
        synthetic=work.synthetic,
        control="shuffled labels" if protocol["labels"] == "shuffled" else "",
        headline={**headline, "epoch_rule": rule},
        scores=scores,
        subjects=[_subject_row(f.name, s) for f, s in zip(work.folds, statuses, strict=True)],
        data=_data_facts(work),
        model={**describe(work.recipe.model), **_model_facts(work, done), "kinds": list(task.kinds)},
        features={**describe(work.recipe.features), "facts": _feature_facts(examples)},
        protocol={"name": protocol.pop("use"), **protocol},
        trainer=dict(work.recipe.trainer),
        environment=environment(_device()),
        seconds=sum(s.get("seconds", 0.0) for s in statuses),
        mezoo=environment("")["mezoo"],
    )


def log_summary(tracker: WandbTracker, work: Work, result: Result, page: Path) -> None:
    """wandb's summary run: pooled scores, a table of subjects, the timelines, the report."""
    run = tracker.open("summary", "summary", work.recipe.resolved())
    flat = {f"{rule}/{part}/{k}": v for rule, s in result.scores.items() for part, c in s.items() for k, v in c.items()}
    run.summarise(
        {**flat, "headline": result.headline["value"], "synthetic": result.synthetic, "control": result.control}
    )
    run.safely(lambda wandb_run: _log_media(wandb_run, result, page))
    run.finish()


def _log_media(wandb_run: Any, result: Result, page: Path) -> None:
    import wandb

    table: Any = wandb.Table  # its stubs want invariant lists

    rows = [
        [s["subject"], s["state"], part, *(s["scores"]["last"][part][k] for k in ("tp", "n_pred", "n_gt", "f1"))]
        for s in result.subjects
        if s["scores"]
        for part in (*KINDS, "overall")
    ]
    columns = ["subject", "state", "kind", "tp", "n_pred", "n_gt", "f1"]
    bars = [[s["subject"], s["scores"]["last"][result.headline["kind"]]["f1"]] for s in result.subjects if s["scores"]]
    chart = wandb.plot.bar(table(["subject", "f1"], bars), "subject", "f1", title=result.headline["metric"])
    report = wandb.Html(page.read_text(encoding="utf-8"))
    wandb_run.log({"subjects": table(columns, rows), "f1 by subject": chart, "report": report})


def _subject_row(name: str, status: Status) -> dict[str, Any]:
    return {
        "subject": status.get("subject", name),
        "state": status["state"],
        "videos": len(status.get("videos", ())),
        "scores": status.get("tallies", {}),
        "oracle_epoch": status.get("epoch_of", {}).get("oracle"),
        "epochs": status.get("epochs", 0),
        "seconds": status.get("seconds", 0.0),
        "error": status.get("error", ""),
    }


def _counts(tally: Mapping[str, Mapping[str, int]]) -> dict[str, Counts]:
    return {part: Counts(c["tp"], c["n_pred"], c["n_gt"]) for part, c in tally.items()}


def _data_facts(work: Work) -> dict[str, Any]:
    check, info = work.dataset.verify(), work.dataset.info
    return {
        "dataset": work.recipe.dataset.plugin.name,
        "title": info.title,
        "paper": info.paper,
        "videos": len(work.videos),
        "subjects": len({v.subject for v in work.videos}),
        "frames": sum(len(v.frames) for v in work.videos),
        **{kind: sum(e.kind == kind for v in work.videos for e in v.expressions) for kind in KINDS},
        "excluded": [{"what": e.what, "reason": e.reason, "action": e.action} for e in check.excluded],
        "problems": [*check.problems],
    }


def _model_facts(work: Work, done: Sequence[Status]) -> dict[str, Any]:
    sources = work.recipe.model.source.constants.get("sources", {})
    parameters = done[0]["parameters"] if done else None
    return {"title": work.recipe.model.plugin.attribute, "parameters": parameters, "sources": sources}


def _feature_facts(examples: Mapping[str, Example]) -> dict[str, Any]:
    """Facts that all videos share as they are; of the others, how many videos have which."""
    facts: dict[str, dict[str, int]] = {}
    for example in examples.values():
        for key, value in example.features.facts.items():
            seen = facts.setdefault(key, {})
            seen[str(value)] = seen.get(str(value), 0) + 1
    return {
        k: next(iter(v)) if len(v) == 1 else ", ".join(f"{x} ({n})" for x, n in v.items()) for k, v in facts.items()
    }


def _device() -> str:
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"


def plain(value: Any) -> Any:
    """Tuples to lists, paths to text: what YAML holds."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    return str(value) if isinstance(value, Path) else value
