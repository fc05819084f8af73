"""One thin function a command. Imports stand inside, so that a command pays only for what it does."""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mezoo.tables_out import print_table

if TYPE_CHECKING:
    from mezoo.plan import Work
    from mezoo.recipe import Recipe
    from mezoo.result import Result

Arguments = argparse.Namespace


def fit(arguments: Arguments) -> int:
    """Train and score a recipe, or say that nothing is left to do."""
    from mezoo.plan import Options, plan
    from mezoo.progress import make_progress
    from mezoo.result import Result
    from mezoo.store import default_root

    recipe, progress = _recipe(arguments), make_progress()
    command = " ".join(["mezoo", *sys.argv[1:]])
    work = plan(recipe, Options(Path(arguments.runs), default_root(), command, arguments.fresh), progress)
    result = work.result()
    if result is not None and not work.pending:
        progress.say(f"nothing left to do: all {len(work.folds)} folds are done (--fresh begins anew)")
    else:
        _announce(work, progress)
        # Read when torch is loaded: with several devices it warns of unused parameters at every fold.
        os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
        from mezoo.run import run

        result = Result.read(run(work, progress) / "result.json")
    _print_result(result, work.folder.path)
    return 0 if result.status == "complete" else 1


def _announce(work: "Work", progress: Any) -> None:
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
    mark = " [SYNTHETIC]" if result.synthetic else ""
    mark += f" [CONTROL: {result.control}]" if result.control else ""
    mark += f" [LEAK: {'; '.join(result.leaks)}]" if result.leaks else ""
    print_table(f"{result.recipe}{mark}", header, rows)
    head = result.headline
    low, high = head["ci95"]
    print(f"{head['metric']} ({head['epoch_rule']}): {head['value']:.3f}  [{low:.3f}, {high:.3f}]{mark}")
    print("oracle picks each subject's best epoch on its own test data: a diagnostic, never a result")
    for row in result.subjects:
        if row["state"] == "failed":
            print(f"fold {row['subject']} failed: {row['error']} (see {folder}/folds/{row['subject']}/error.txt)")
    print(f"report: {folder / 'report.html'}")


def list_(arguments: Arguments) -> int:
    """Plugins and recipes with distribution, version and status."""
    from mezoo.registry import plugins
    from mezoo.source import UnreadableError

    wanted = (arguments.kind or "").rstrip("s")
    rows: Any = []
    for plugin in plugins():
        if wanted and plugin.kind != wanted:
            continue
        try:
            summary = _recipe_summary(plugin.target) if plugin.kind == "recipe" else plugin.source().summary
        except UnreadableError:
            summary = ""
        rows.append(_row(plugin) | {"summary": summary})
    if arguments.json:
        print(json.dumps(rows, indent=1))
    else:
        header = ["kind", "name", "distribution", "version", "status", "what"]
        keys = ("kind", "name", "distribution", "version", "status", "summary")
        print_table("", header, [[row[k] for k in keys] for row in rows])
    return 0


def _row(plugin: Any) -> dict[str, str]:
    from mezoo.registry import defect

    reason = defect(plugin)
    kind = {"kind": plugin.kind, "name": plugin.name, "distribution": plugin.distribution, "version": plugin.version}
    return {**kind, "status": f"broken: {reason}" if reason else "ok"}


def _recipe_summary(file: str) -> str:
    with Path(file).open(encoding="utf-8") as lines:
        return lines.readline().lstrip("# ").strip()


def check(arguments: Arguments) -> int:
    """Validate a recipe without its data."""
    recipe = _recipe(arguments)
    print(f"{recipe.path}: ok ({recipe.name}-{recipe.digest()})")
    for note in recipe.notes:
        print(f"note: {note}")
    return 0


def show(arguments: Arguments) -> int:
    """Print a recipe with every default, and where each value came from."""
    from mezoo.recipe_text import annotated

    print(annotated(_recipe(arguments)))
    return 0


def store_list(arguments: Arguments) -> int:
    """Stored features with size and last use."""
    from datetime import datetime

    from mezoo.store import FeatureStore, default_root

    store = FeatureStore(default_root())
    entries = [*store.entries()]
    if arguments.json:
        rows = [
            {"path": str(e.path), "size": e.size, "created": e.created, "used": e.used, "key": e.key} for e in entries
        ]
        print(json.dumps(rows, indent=1))
        return 0
    rows = [
        [
            e.key["extractor"],
            e.key["dataset"],
            e.key["video"],
            f"{e.size / 2**20:.1f} MB",
            f"{datetime.fromtimestamp(e.used):%Y-%m-%d %H:%M}",
        ]
        for e in entries
    ]
    print_table(str(store.root), ["feature", "dataset", "video", "size", "last used"], rows)
    print(f"{len(entries)} entries, {sum(e.size for e in entries) / 2**20:.1f} MB in {store.root}")
    return 0


def store_explain(arguments: Arguments) -> int:
    """Video by video: stored, or why not."""
    from mezoo.plan import look_at, open_dataset
    from mezoo.plugin_objects import make
    from mezoo.progress import make_progress
    from mezoo.store import FeatureStore, default_root, key_of, recipe_of

    recipe, cache = _recipe(arguments), default_root()
    dataset, _ = open_dataset(recipe, cache, make_progress())
    block, store = recipe.features, FeatureStore(cache)
    extractor = make(block)
    made = recipe_of(extractor, block.plugin.name, block.resolved())
    rows = [{"video": v.key, "state": store.explain(key_of(v, extractor, made))} for v in look_at(recipe, dataset)[0]]
    if arguments.json:
        print(json.dumps(rows, indent=1))
    else:
        print_table(
            f"{block.plugin.name} of {recipe.name}", ["video", "state"], [[r["video"], r["state"]] for r in rows]
        )
    return 0


def store_prune(arguments: Arguments) -> int:
    """Remove stored features."""
    from mezoo.store import FeatureStore, default_root

    store = FeatureStore(default_root())
    if not arguments.yes and sys.stdin.isatty() and input(f"remove features under {store.root}? [y/N] ").lower() != "y":
        return 0
    removed, freed = store.prune(None if arguments.days is None else arguments.days * 86400)
    print(f"removed {removed} entries, {freed / 2**20:.1f} MB freed")
    return 0


def _recipe(arguments: Arguments) -> "Recipe":
    from mezoo.recipe import read_recipe

    return read_recipe(arguments.recipe, arguments.set, synthetic=arguments.synthetic)
