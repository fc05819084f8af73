"""A joint run: both parts by the ordinary line, then each subject's spots named by the recogniser of the same fold."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from mezoo.contracts import no_bars
from mezoo.datasets.class_maps import class_map
from mezoo.errors import RunError
from mezoo.files import write_atomic
from mezoo.joint.score import added, score_tables, split_of, spotted, truth_of, write_named, write_truth
from mezoo.joint_recipe import PARTS, SCORED, TASK, Joint
from mezoo.plan import Options, Work, identity, plan
from mezoo.plugin_objects import describe
from mezoo.prediction import Found
from mezoo.predictor.ask import Asked
from mezoo.predictor.ensemble import apex_of
from mezoo.predictor.trained import find
from mezoo.progress import Progress
from mezoo.records import Fold, Video
from mezoo.report import write_report
from mezoo.result import Result, environment
from mezoo.run import run
from mezoo.run_folder import RunFolder
from mezoo.spots import read_spots, write_videos
from mezoo.summary import plain


@dataclass(frozen=True, slots=True)
class JointWork:
    """A joint recipe with the work of both parts; their folders lie in `folder`."""

    joint: Joint
    folder: RunFolder
    spotter: Work
    recognizer: Work
    options: Options

    def result(self) -> Result | None:
        """The joint result on disk; None if there is none, or a damaged one."""
        try:
            return Result.read(self.folder.result)
        except RunError:
            return None

    def conclusion(self) -> Result | None:
        """The result if nothing is left to do, neither of the parts nor of their score and its report."""
        parts = all(part.conclusion() for part in (self.spotter, self.recognizer))
        result = self.result() if parts and self.folder.report.is_file() else None
        return result if result is not None and result.status == "complete" else None


def plan_joint(joint: Joint, options: Options, progress: Progress) -> JointWork:
    """Plan both parts: every subject of the videos is left out of both, whether or not a clip shows it."""
    folder = RunFolder(options.runs / f"{joint.name}-{joint.digest()}")
    if options.fresh:
        folder.discard()
    own = [replace(options, folder=folder.path / name) for name in PARTS]
    spotter = plan(joint.spotter, own[0], progress)
    recognizer = plan(joint.recognizer, own[1], progress, spotter.videos)
    return JointWork(joint, folder, spotter, recognizer, options)


def run_joint(work: JointWork, progress: Progress) -> Path:
    """Do what is left: the spotter, the recogniser, then their pooled STRS and its report."""
    for name, part in (("spotter", work.spotter), ("recogniser", work.recognizer)):
        if part.conclusion() is None:
            progress.say(f"{name}: {part.folder.path}")
            run(part, progress)
    conclude(work, name_spots(work, progress))
    return work.folder.path


def name_spots(work: JointWork, progress: Progress) -> dict[str, list[Found]]:
    """Spots of every subject that both parts have finished, named by the weights that never saw it; by fold."""
    done = [fold for fold in work.spotter.folds if _state(work, fold) == "done"]
    named: dict[str, list[Found]] = {}
    with progress.bar("naming the spots: subjects", len(done)) as bar:
        for fold in done:
            spots = _spots_of(work.spotter, fold)
            asked = Asked(find(work.recognizer.folder.path, fold.name), work.options.cache, "cpu")
            chances = asked.recognise(spots, no_bars)[0]
            named[fold.name] = [replace(f, chances=c) for (_, f), c in zip(spots, chances, strict=True)]
            bar.advance(f"{fold.name}: {len(spots)} spots")
    return named


def _spots_of(work: Work, fold: Fold) -> list[tuple[Video, Found]]:
    """Micro-expressions spotted in the left-out videos, each with its (unlabelled) video and its apex."""
    folder, videos = work.folder.fold(fold.name), {v.key: v for v in work.videos}
    spots = [s for s in read_spots(folder.predictions) if s.kind == "micro"]
    found: list[tuple[Video, Found]] = []
    with np.load(folder.path / "curves.npz", allow_pickle=False) as curves:
        for spot in spots:
            video = videos[spot.video]
            curve = curves.get(f"{video.code}/micro")
            found.append((video.unlabelled(), Found(spot, apex_of(spot, curve, curves[f"{video.code}/frames"]))))
    return found


def _state(work: JointWork, fold: Fold) -> str:
    states = {part.folder.fold(fold.name).status()["state"] for part in (work.spotter, work.recognizer)}
    return "done" if states == {"done"} else "failed"


def conclude(work: JointWork, found: Mapping[str, Sequence[Found]]) -> None:
    """Write tables, result and report of the joint run; every number comes from the tables."""
    folder, recognizer = work.folder.path, work.joint.recognizer
    assert recognizer.clips is not None
    classes = class_map(recognizer.clips.classes, work.spotter.dataset.info.emotions)
    videos = {v.key: v for v in work.spotter.videos}
    scored = [fold for fold in work.spotter.folds if fold.name in found]
    write_truth(folder / "truth.csv", [videos[k] for fold in scored for k in fold.test], classes)
    write_named(folder / "predictions.csv", [f for items in found.values() for f in items], classes.classes)
    write_videos(folder / "videos.csv", work.spotter.videos)
    settings = {"task": TASK, **{name: plain(part.resolved()) for name, part in work.joint.parts().items()}}
    write_atomic(folder / "recipe.yaml", yaml.safe_dump(settings, sort_keys=False, allow_unicode=True))
    write_atomic(folder / "environment.json", json.dumps(environment("cpu"), indent=1))
    told = {**identity(work.spotter), "recipe": work.joint.name, "digest": work.joint.digest()}
    write_atomic(folder / "run.json", json.dumps(told, indent=1))
    rows = [_subject(work, fold, found, classes) for fold in work.spotter.folds]
    work.folder.report.unlink(missing_ok=True)
    _result(work, rows, classes.classes).write(work.folder.result)
    write_report(folder)


def _subject(work: JointWork, fold: Fold, found: Mapping[str, Sequence[Found]], classes: Any) -> dict[str, Any]:
    state = "done" if fold.name in found else "failed"
    videos = {v.key: v for v in work.spotter.videos if v.key in fold.test}
    by_video = {key: [f for f in found.get(fold.name, ()) if f.spot.video == key] for key in videos}
    splits = [split_of(spotted(by_video[key]), truth_of(video, classes)) for key, video in videos.items()]
    counts = {"split": added(splits).as_dict()}
    error = "" if state == "done" else "a part of this fold failed: see the reports of spotter and recogniser"
    return {
        "subject": fold.name,
        "state": state,
        "videos": len(videos),
        "scores": {_rule(work): {"overall": counts}} if state == "done" else {},
        "error": error,
    }


def _rule(work: JointWork) -> str:
    return work.joint.spotter.protocol.epoch


def _result(work: JointWork, rows: list[dict[str, Any]], classes: Sequence[str]) -> Result:
    spotter, recognizer = (part.result() for part in (work.spotter, work.recognizer))
    assert spotter is not None
    assert recognizer is not None
    scores = score_tables(work.folder.path, classes)
    rule, done = _rule(work), [row for row in rows if row["state"] == "done"]
    total: Counter[str] = Counter()
    for row in done:
        total.update(row["scores"][rule]["overall"]["split"])
    overall = {**scores, "split": dict(total)}
    parts = work.joint.parts()
    return Result(
        run=work.folder.path.name,
        recipe=work.joint.name,
        command=work.options.command,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        task=SCORED,
        status="complete" if len(done) == len(rows) else "partial",
        synthetic=work.spotter.synthetic,
        control=spotter.control,
        leaks=[*dict.fromkeys([*spotter.leaks, *recognizer.leaks])],
        headline={
            "metric": "STRS",
            "kind": "overall",
            "value": scores["strs"],
            "ci95": scores["ci95"],
            "epoch_rule": rule,
        },
        scores={rule: {"overall": overall}},
        subjects=[*rows],
        data={**spotter.data, "classes": recognizer.data["classes"]},
        model={
            "title": f"{spotter.model['title']}, then {recognizer.model['title']}",
            "name": work.joint.name,
            "classes": [*classes],
            "kinds": ["micro"],
            "parts": {name: describe(part.model) for name, part in parts.items()},
            "parameters": (spotter.model["parameters"] or 0) + (recognizer.model["parameters"] or 0),
            "arguments": {},
        },
        features={
            "name": " and ".join(part.features.plugin.name for part in parts.values()),
            "parts": {name: describe(part.features) for name, part in parts.items()},
            "arguments": {},
        },
        protocol={**spotter.protocol, "classes": recognizer.protocol["id"], "parts": asdict(work.recognizer.terms)},
        trainer={name: dict(part.trainer) for name, part in parts.items()},
        environment=spotter.environment,
        seconds=spotter.seconds + recognizer.seconds,
        mezoo=spotter.mezoo,
    )
