"""What `mezoo new`, `plugins`, `recipe`, `schema` and `completion` do. Imports stand inside."""

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from mezoo.tables_out import print_json, print_table

Arguments = argparse.Namespace


def new(arguments: Arguments) -> int:
    """Write a package and say which three commands come next."""
    from mezoo.errors import PluginError
    from mezoo.scaffold import copy_package, template_of, write_package

    template = template_of(arguments.kind, arguments.task, stored=arguments.stored)
    out = Path(arguments.out).expanduser()
    if arguments.like and (arguments.task or arguments.stored):
        raise PluginError("--like copies a plugin as it is", hint="leave --task and --stored out")
    if arguments.like:
        made = copy_package(arguments.kind, arguments.like, arguments.name, out)
    else:
        made = write_package(template, arguments.name, out)
    print(f"{made.folder}: {len(made.files)} files; begin with {made.begin}")
    for command in made.next:
        print(f"  {command}")
    return 0


def plugins_check(arguments: Arguments) -> int:
    """Every check as a row; 1 if one fails."""
    from mezoo.testing import named, run

    failed = 0
    told: list[dict[str, str]] = []
    for plugin in named(arguments.name, arguments.kind):
        rows = [asdict(o) for o in run(plugin, recipe=arguments.recipe, quick=arguments.quick)]
        failed += sum(row["verdict"] == "FAIL" for row in rows)
        told += [{"kind": plugin.kind, "name": plugin.name, **row} for row in rows]
        if not arguments.json:
            title = f"{plugin.kind} {plugin.name} of {plugin.distribution} {plugin.version}"
            cells = [[row["verdict"], row["check"], row["detail"]] for row in rows]
            print_table(title, ["", "check", "seen"], cells)
    if arguments.json:
        print_json(told)
    else:
        print(f"{failed} of {len(told)} checks failed" if failed else "every check that could be made passes")
    return 1 if failed else 0


def recipe_cp(arguments: Arguments) -> int:
    """Copy a recipe to a file that is not there yet."""
    from mezoo.errors import RecipeError
    from mezoo.recipe import locate

    source = locate(arguments.recipe)
    target = Path(arguments.to or source.name).expanduser()
    target = target / source.name if target.is_dir() else target
    if target.exists():
        raise RecipeError(f"{target} exists already", hint="name another file: mezoo recipe cp NAME FILE")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
    print(f"{target}: a copy of {source}")
    print(f"  mezoo fit {target} --synthetic")
    return 0


def schema(arguments: Arguments) -> int:
    """Print or write the schema."""
    from mezoo.recipe_schema import recipe_schema

    text = json.dumps(recipe_schema(), indent=1)
    if not arguments.out:
        print(text)
        return 0
    out = Path(arguments.out).expanduser()
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text + "\n", encoding="utf-8")
    print(f"{out}: with this line on top of a recipe, editors with a YAML language server complete and check it")
    print(f"  # yaml-language-server: $schema={out}")
    return 0


def completion(arguments: Arguments) -> int:
    """Print the script."""
    from mezoo.completion import script

    print(script(arguments.shell, arguments.parser))
    return 0
