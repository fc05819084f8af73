"""One thin function a command. Imports stand inside, so that a command pays only for what it does."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mezoo.tables_out import print_json, print_table

if TYPE_CHECKING:
    from mezoo.recipe import Recipe

Arguments = argparse.Namespace


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
            summary = _recipe_summary(plugin.target) if plugin.kind == "recipe" else plugin.summary()
        except UnreadableError:
            summary = ""
        rows.append(_row(plugin) | {"summary": summary})
    if arguments.json:
        print_json(rows)
    else:
        header = ["kind", "name", "distribution", "version", "status", "what"]
        keys = ("kind", "name", "distribution", "version", "status", "summary")
        print_table("", header, [[row[k] for k in keys] for row in rows])
    return 0


def _row(plugin: Any) -> dict[str, str]:
    from mezoo.registry import state

    kind = {"kind": plugin.kind, "name": plugin.name, "distribution": plugin.distribution, "version": plugin.version}
    return {**kind, "status": state(plugin)}


def _recipe_summary(file: str) -> str:
    with Path(file).open(encoding="utf-8") as lines:
        return lines.readline().lstrip("# ").strip()


def check(arguments: Arguments) -> int:
    """Validate a recipe without its data."""
    from mezoo.joint_recipe import read_any

    recipe = read_any(arguments.recipe, arguments.set, synthetic=arguments.synthetic)
    print(f"{recipe.path}: ok ({recipe.name}-{recipe.digest()})")
    for note in recipe.notes:
        print(f"note: {note}")
    return 0


def show(arguments: Arguments) -> int:
    """Print a recipe with every default, and where each value came from."""
    from mezoo.joint_recipe import Joint, read_any
    from mezoo.recipe_text import annotated

    recipe = read_any(arguments.recipe, arguments.set, synthetic=arguments.synthetic)
    parts = recipe.parts() if isinstance(recipe, Joint) else {"": recipe}
    for name, part in parts.items():
        print(f"# {name} of {recipe.name}-{recipe.digest()}\n{annotated(part)}" if name else annotated(part))
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
        print_json(rows)
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
        print_json(rows)
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
    from mezoo.joint_recipe import read_one

    return read_one(arguments.recipe, arguments.set, synthetic=arguments.synthetic)
