"""From the folders of all folds to the result of the run; every number is read back from disk."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from mezoo.answers import join_tables, write_clips
from mezoo.clips import Clips
from mezoo.contracts import Verification
from mezoo.files import write_atomic
from mezoo.plan import Work
from mezoo.plugin_objects import describe
from mezoo.promises import asking, refuse
from mezoo.records import Example
from mezoo.result import Result, environment, packages
from mezoo.splits import subject_of
from mezoo.spots import write_truth, write_videos
from mezoo.tasks import RecognitionTask, SpottingTask, Task
from mezoo.tasks.spotting import KINDS

Status = Mapping[str, Any]


def write_tables(work: Work, statuses: Sequence[Status]) -> None:
    """Resolved recipe, environment, ground truth, videos and pooled predictions of the folds that are done."""
    folder = work.folder.path
    write_atomic(folder / "environment.json", json.dumps({**environment(_device()), "packages": packages()}, indent=1))
    settings = yaml.safe_dump(plain(work.recipe.resolved()), sort_keys=False, allow_unicode=True)
    write_atomic(folder / "recipe.yaml", settings)
    if work.clips is None:
        write_truth(folder / "truth.csv", work.videos)
        write_videos(folder / "videos.csv", work.videos)
    else:
        write_clips(folder / "clips.csv", work.videos, work.clips.labels, work.clips.classes)
    done = [f.name for f, status in zip(work.folds, statuses, strict=True) if status["state"] == "done"]
    join_tables(folder / "predictions.csv", [work.folder.fold(name).predictions for name in done])


def summarise(work: Work, task: Task, examples: Mapping[str, Example], statuses: Sequence[Status]) -> Result:
    """Pool the tallies of all folds that are done; a run with a failed fold is `partial`.

    `statuses` are those of the folds in order, the same that `write_tables` was given.
    """
    done = [s for s in statuses if s["state"] == "done"]
    rules = [*done[0]["tallies"]] if done else ["last"]
    scores = {rule: task.score([s["tallies"][rule] for s in done]) for rule in rules}
    rule = work.recipe.protocol.epoch
    best = scores[rule][task.headline]
    headline = {"metric": task.metric, "kind": task.headline, "value": best[task.ratio], "ci95": best["ci95"]}
    protocol = work.recipe.protocol.model_dump(exclude={"name"})
    return Result(
        run=f"{work.recipe.name}-{work.recipe.digest()}",
        recipe=work.recipe.name,
        command=work.options.command,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        task=work.recipe.task,
        status="complete" if len(done) == len(work.folds) else "partial",
        synthetic=work.synthetic,
        control="shuffled labels" if protocol["labels"] == "shuffled" else "",
        leaks=_leaks(work, done),
        headline={**headline, "epoch_rule": rule},
        scores=scores,
        subjects=[_subject_row(f.name, s) for f, s in zip(work.folds, statuses, strict=True)],
        data=_data_facts(work),
        model={**describe(work.recipe.model), **_model_facts(work, done), **_asked(task)},
        features={**describe(work.recipe.features), "facts": _feature_facts(examples)},
        protocol={**asdict(work.terms), "split": protocol.pop("use"), **protocol},
        trainer=dict(work.recipe.trainer),
        environment=environment(_device()),
        seconds=sum(s.get("seconds", 0.0) for s in statuses),
        mezoo=environment("")["mezoo"],
    )


def _leaks(work: Work, done: Sequence[Status]) -> list[str]:
    """What the left-out subjects had a part in: with any of these a number is no result."""
    chosen = [work.terms.leak] if work.terms.leak else []
    if work.recipe.protocol.epoch == "oracle":
        chosen.append("each subject's epoch was chosen on its own test data")
    seen = sorted({s["start"]["seen"] for s in done if s.get("start", {}).get("seen")})
    return [*chosen, *(f"weights to begin with: {text}" for text in seen)]


def _asked(task: Task) -> dict[str, list[str]]:
    if isinstance(task, SpottingTask):
        return {"kinds": list(task.kinds)}
    return {"classes": list(task.classes)} if isinstance(task, RecognitionTask) else {}


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


def _data_facts(work: Work) -> dict[str, Any]:
    with asking(work.dataset, "verify"):
        check, info = work.dataset.verify(), work.dataset.info
    if not isinstance(check, Verification):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise refuse(work.dataset, "verify", f"a {type(check).__name__}", "a Verification")
    return {
        "dataset": work.recipe.dataset.plugin.name,
        "title": info.title,
        "paper": info.paper,
        "videos": len(work.videos),
        "subjects": len({subject_of(v) for v in work.videos}),
        "frames": sum(len(v.frames) for v in work.videos),
        **(_clip_facts(work.clips) if work.clips else _kind_facts(work)),
        "excluded": [{"what": e.what, "reason": e.reason, "action": e.action} for e in check.excluded],
        "problems": [*check.problems],
    }


def _kind_facts(work: Work) -> dict[str, int]:
    return {kind: sum(e.kind == kind for v in work.videos for e in v.expressions) for kind in KINDS}


def _clip_facts(clips: Clips) -> dict[str, Any]:
    counts = Counter(clips.labels.values())
    return {
        "classes": {name: counts[i] for i, name in enumerate(clips.classes)},
        "expressions without a class": clips.without_class,
        "expressions of the other kind": clips.other_kind,
        "clips without an apex (the middle frame was taken)": clips.without_apex,
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
