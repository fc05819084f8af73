"""What `mezoo fit` does. Imports stand inside, so that a command pays only for what it does."""

import argparse
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mezoo.errors import DataError, RecipeError
from mezoo.tables_out import print_table

if TYPE_CHECKING:
    from mezoo.joint_recipe import Joint
    from mezoo.plan import Options, Work
    from mezoo.progress import Progress
    from mezoo.recipe import Recipe
    from mezoo.result import Result

Arguments = argparse.Namespace


def fit(arguments: Arguments) -> int:
    """Train and score a recipe, or say that nothing is left to do."""
    from mezoo.cluster import need_ray
    from mezoo.joint_recipe import Joint, read_any
    from mezoo.plan import Options, plan
    from mezoo.progress import make_progress
    from mezoo.result import Result
    from mezoo.store import default_root

    recipe = read_any(arguments.recipe, arguments.set, synthetic=arguments.synthetic)
    progress = make_progress()
    options = Options(Path(arguments.runs), default_root(), _command(), arguments.fresh, **_where(arguments, recipe))
    if options.executor == "ray":
        need_ray()
    # Read when torch is loaded: with several devices it warns of unused parameters at every fold.
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
    if isinstance(recipe, Joint):
        if arguments.fold or arguments.folds:
            raise RecipeError(f"{recipe.name} has two parts: --fold is not for it", hint="leave --fold out")
        return _fit_joint(recipe, options, arguments.final, progress)
    work = plan(recipe, options, progress)
    if arguments.folds:
        print("\n".join(fold.name for fold in work.folds))
        return 0
    if arguments.fold:
        return _fit_fold(work, arguments.fold, progress)
    if arguments.final:
        return _final(work, progress)
    result = work.conclusion()
    if result is not None:
        progress.say(f"nothing left to do: all {len(work.folds)} folds are done (--fresh begins anew)")
    else:
        _announce(work, progress)
        _make_features(work, progress)
        from mezoo.run import run

        result = Result.read(run(work, progress) / "result.json")
    _print_result(result, work.folder.path)
    return 0 if result.status == "complete" else 1


def gather(arguments: Arguments) -> int:
    """Pool the folds of a run that were trained one by one; 1 if some are missing."""
    from mezoo.joint_recipe import read_one
    from mezoo.plan import Options, plan
    from mezoo.progress import make_progress
    from mezoo.result import Result
    from mezoo.run import gather as pool
    from mezoo.run_folder import RunFolder
    from mezoo.store import default_root

    folder = Path(arguments.run).expanduser()
    asked = RunFolder(folder).told().get("asked") or {}
    if not asked:
        raise RecipeError(f"{folder} does not say how its recipe was asked for", hint="give mezoo fit its recipe again")
    recipe, progress = read_one(asked["recipe"], asked["set"], synthetic=asked["synthetic"]), make_progress()
    if not folder.resolve().name.endswith(recipe.digest()):
        raise RecipeError(
            f"{asked['recipe']} is not what {folder} was made from: its settings are {recipe.digest()} now",
            hint="undo the change, or train the folds again",
        )
    work = plan(recipe, Options(folder.parent, default_root(), _command(), folder=folder, asked=asked), progress)
    if len(work.pending) == len(work.folds):
        raise RecipeError(f"no fold of {folder} is done", hint="mezoo fit RECIPE --fold SUBJECT trains one")
    result = Result.read(pool(work, progress) / "result.json")
    _print_result(result, folder)
    for fold in work.pending:
        print(f"fold {fold.name} is {work.folder.fold(fold.name).status()['state']}: mezoo fit ... --fold {fold.name}")
    return 0 if result.status == "complete" else 1


def _fit_fold(work: "Work", name: str, progress: "Progress") -> int:
    """Train one fold alone, as a task of a cluster."""
    from mezoo.registry import did_you_mean
    from mezoo.run import run_one

    names = [fold.name for fold in work.folds]
    if name not in names:
        raise RecipeError(f"no fold {name!r}{did_you_mean(name, names)}", hint=f"there are {', '.join(names)}")
    _announce(work, progress)
    return 0 if run_one(work, name, progress) else 1


def _make_features(work: "Work", progress: "Progress") -> None:
    """With Ray, the cluster makes the features too; otherwise the run does. Raises DataError for a video without."""
    from mezoo.extraction import extract

    options = work.options
    if options.executor != "ray":
        return
    failures = extract(work.recipe.features, work.videos, options.cache, progress, options.workers, "ray")
    if failures:
        raise DataError(failures[0].reason, hint=failures[0].hint)


def _command() -> str:
    return " ".join(["mezoo", *sys.argv[1:]])


def _where(arguments: Arguments, recipe: "Recipe | Joint") -> dict[str, Any]:
    """Executor and workers, the command line before the recipe; and what was asked for, for a later `gather`."""
    from mezoo.joint_recipe import PARTS

    executor, workers = recipe.executor.asked(arguments.executor, arguments.workers)
    _, colon, part = arguments.recipe.rpartition(":")
    which = f":{part}" if colon and part in PARTS else ""
    asked = {"recipe": f"{recipe.path.resolve()}{which}", "set": [*arguments.set], "synthetic": arguments.synthetic}
    return {"executor": executor, "workers": workers, "asked": asked}


def _fit_joint(joint: "Joint", options: "Options", final: bool, progress: "Progress") -> int:
    """A spotter and a recogniser, and the score of what the second says of what the first finds."""
    from mezoo.joint.run import plan_joint, run_joint
    from mezoo.result import Result

    work = plan_joint(joint, options, progress)
    if final:
        return max(_final(part, progress) for part in (work.spotter, work.recognizer))
    result = work.conclusion()
    if result is not None:
        progress.say(f"nothing left to do: all {len(work.spotter.folds)} folds are done (--fresh begins anew)")
    else:
        for part in (work.spotter, work.recognizer):
            _announce(part, progress)
            _make_features(part, progress)
        result = Result.read(run_joint(work, progress) / "result.json")
    _print_joint(result, work.folder.path)
    return 0 if result.status == "complete" else 1


def _print_joint(result: "Result", folder: Path) -> None:
    overall = result.scores[result.headline["epoch_rule"]]["overall"]
    split, spotting, analysis = overall["split"], overall["spotting"], overall["analysis"]
    print_table(
        f"{result.recipe}{_marks(result)}",
        ["what", "value"],
        [
            ["spotting F1", f"{spotting['f1']:.3f}"],
            ["analysis F1", f"{analysis['f1']:.3f}"],
            *[[name.replace("_", " "), str(n)] for name, n in split.items()],
        ],
    )
    _print_headline(result, folder)


def _final(work: "Work", progress: "Progress") -> int:
    """Train one model on every subject; what LOSO measured of the same settings is said beside it."""
    from mezoo.predictor.trained import measured
    from mezoo.run import run_final

    _announce(work, progress)
    weights = run_final(work, progress)
    result = work.result()
    print(f"final model, trained on all subjects: {weights}")
    print(f"what LOSO says of these settings: {measured(asdict(result) if result else {})}")
    print(f"use it: mezoo predict FILM --run {work.folder.path} --fold final")
    return 0


def _announce(work: "Work", progress: "Progress") -> None:
    people = len({(v.dataset, v.subject) for v in work.videos})
    if work.clips is None:
        kinds = [e.kind for v in work.videos for e in v.expressions]
        data = f"{len(work.videos)} videos of {people} subjects"
        counts = f"{kinds.count('micro')} micro- and {kinds.count('macro')} macro-expressions"
    else:
        labels = [*work.clips.labels.values()]
        data = f"{len(work.videos)} clips of {people} subjects"
        counts = ", ".join(f"{name} {labels.count(i)}" for i, name in enumerate(work.clips.classes))
    done = len(work.folds) - len(work.pending)
    progress.say(f"{work.recipe.name}: {data}, {counts}{', SYNTHETIC stand-in' if work.synthetic else ''}")
    from mezoo.recipe_text import lowered

    changes = lowered(work.recipe)
    if changes:
        progress.say(f"for the stand-in the recipe lowers or changes: {', '.join(changes)}")
    if work.recipe.protocol.labels == "shuffled":
        progress.say("CONTROL: training labels are shuffled; what this scores is chance")
    if done:
        progress.say(f"continuing: {done} of {len(work.folds)} folds are done")
    progress.say(f"run folder: {work.folder.path}")


_SPOTTING_COLUMNS = {
    "tp": "TP",
    "n_pred": "spotted",
    "n_gt": "truth",
    "precision": "P",
    "recall": "R",
    "f1": "F1",
}
_RECOGNITION_COLUMNS = {"n": "clips", "correct": "right", "accuracy": "accuracy", "uar": "UAR", "uf1": "UF1"}


def _print_result(result: "Result", folder: Path) -> None:
    columns = _SPOTTING_COLUMNS if result.task == "spotting" else _RECOGNITION_COLUMNS
    rows: list[list[str]] = []
    for rule, scores in result.scores.items():
        for part, s in scores.items():
            values = [f"{s[k]:.3f}" if isinstance(s[k], float) else str(s[k]) for k in columns]
            rows.append([rule, part, *values, f"{s['ci95'][0]:.3f} - {s['ci95'][1]:.3f}"])
    header = ["epoch", "part", *columns.values(), f"95 % interval of {[*columns.values()][-1]}"]
    print_table(f"{result.recipe}{_marks(result)}", header, rows)
    print("oracle picks each subject's best epoch on its own test data: a diagnostic, never a result")
    _print_headline(result, folder)


def _marks(result: "Result") -> str:
    mark = " [SYNTHETIC]" if result.synthetic else ""
    mark += f" [CONTROL: {result.control}]" if result.control else ""
    return mark + (f" [LEAK: {'; '.join(result.leaks)}]" if result.leaks else "")


def _print_headline(result: "Result", folder: Path) -> None:
    head = result.headline
    low, high = head["ci95"]
    print(f"{head['metric']} ({head['epoch_rule']}): {head['value']:.3f}  [{low:.3f}, {high:.3f}]{_marks(result)}")
    for row in result.subjects:
        if row["state"] == "failed":
            trace = folder / "folds" / row["subject"] / "error.txt"
            print(f"fold {row['subject']} failed: {row['error']}{f' (see {trace})' if trace.is_file() else ''}")
    print(f"report: {folder / 'report.html'}")
