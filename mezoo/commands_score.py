"""`mezoo score`: numbers of tables of truth and predictions, whoever made them."""

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mezoo.tables_out import print_json, print_table

Scores = Mapping[str, Any]


def score(arguments: argparse.Namespace) -> int:
    """Score two tables; numbers on standard output, what else is to be said on standard error."""
    from mezoo import scoring

    names = [name.strip() for name in (arguments.classes or "").split(",") if name.strip()]
    options = scoring.Options(tuple(names), arguments.protocol or "", arguments.scorer or "")
    _check(arguments.task, options)
    rules: dict[str, tuple[Callable[..., Scores], Callable[[str, Scores], None]]] = {
        "spotting": (scoring.score_spotting, _print_spotting),
        "recognition": (scoring.score_recognition, _print_recognition),
        "strs": (scoring.score_strs, _print_strs),
    }
    rule, show = rules[arguments.task]
    scores = rule(Path(arguments.truth), Path(arguments.pred), options)
    for note in options.notes:
        print(f"note: {note}", file=sys.stderr)
    if arguments.json:
        print_json(scores)
        return 0
    show(_title(arguments, scores), scores)
    by_dataset = scores.get("by_dataset", {})
    for dataset, own in by_dataset.items() if len(by_dataset) > 1 else ():
        show(dataset, own)
    return 0


def _check(task: str, options: Any) -> None:
    from mezoo.errors import DataError

    rules = {"spotting": "any", "recognition": "none", "strs": "only strs_official"}
    if options.scorer and (task == "recognition" or (task == "strs" and options.scorer != "strs_official")):
        raise DataError(f"--scorer {options.scorer} does not go with --task {task}", hint=f"for {task}: {rules[task]}")
    if options.classes and task == "spotting":
        raise DataError("--classes does not go with --task spotting", hint="its kinds are micro and macro")
    if len({*options.classes}) < len(options.classes):
        raise DataError("--classes names a class twice", hint=f"given: {','.join(options.classes)}")


def _title(arguments: argparse.Namespace, scores: Scores) -> str:
    protocol = scores.get("protocol")
    under = f", protocol {protocol['name']} {protocol['digest']}" if protocol else ""
    rule = f", COMPATIBILITY RULE {scores['scorer']}: not mezoo's ruler" if "scorer" in scores else ""
    return f"{arguments.task}: {arguments.pred} against {arguments.truth}{under}{rule}"


_COUNTS = {"tp": "TP", "n_pred": "spotted", "n_gt": "truth", "precision": "P", "recall": "R", "f1": "F1"}


def _print_spotting(title: str, scores: Scores) -> None:
    parts = {part: scores[part] for part in ("micro", "macro", "overall")}
    rows = [[part, *(_text(own[k]) for k in _COUNTS), _span(own.get("ci95"))] for part, own in parts.items()]
    print_table(title, ["part", *_COUNTS.values(), "95 % interval of F1"], rows)


def _print_recognition(title: str, scores: Scores) -> None:
    names = {"uf1": "UF1", "uar": "UAR", "accuracy": "accuracy", "weighted_f1": "weighted F1"}
    rows = [[text, _text(scores[name]), _span(scores.get(f"ci95_{name}"))] for name, text in names.items()]
    print_table(title, ["score", "value", "95 % interval"], rows)
    classes = [
        [name, *(_text(own[k]) for k in ("precision", "recall", "f1", "n")), *map(str, counts)]
        for (name, own), counts in zip(scores["per_class"].items(), scores["confusion"], strict=True)
    ]
    print_table("", ["class", "P", "R", "F1", "clips", *(f"as {name}" for name in scores["classes"])], classes)


def _print_strs(title: str, scores: Scores) -> None:
    spotting, analysis = scores["spotting"], scores["analysis"]
    rows = [
        ["STRS", _text(scores["strs"]), _span(scores.get("ci95"))],
        ["F1 of spotting", _text(spotting["f1"]), _span(spotting.get("ci95"))],
        *(
            [f"{text} of analysis", _text(analysis[name]), ""]
            for name, text in (("f1", "F1"), ("uf1", "UF1"), ("uar", "UAR"))
        ),
    ]
    print_table(title, ["score", "value", "95 % interval"], rows)
    print(f"{spotting['tp']} of {spotting['n_gt']} found with {spotting['n_pred']} spots")
    if scores.get("reason"):
        print(scores["reason"])


def _text(value: Any) -> str:
    return "none" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)


def _span(ci95: Any) -> str:
    return f"{ci95[0]:.3f} - {ci95[1]:.3f}" if ci95 else ""
