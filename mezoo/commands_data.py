"""What `mezoo data ...` does. Imports stand inside, so that a command pays only for what it does."""

import argparse
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mezoo.contracts import StandIn, Verification
from mezoo.errors import DataError, RecipeError
from mezoo.registry import Plugin, find, load
from mezoo.source import REQUIRED
from mezoo.tables_out import print_json, print_table

Arguments = argparse.Namespace


def data_list(arguments: Arguments) -> int:
    """Datasets that can be read."""
    from mezoo.commands import list_

    arguments.kind = "datasets"
    return list_(arguments)


def data_info(arguments: Arguments) -> int:
    """What a person must know to get a dataset, its class maps and its options."""
    from mezoo.datasets.class_maps import class_map

    plugin = find("dataset", arguments.name)
    info = load(plugin).info
    maps = {name: class_map(name, info.emotions) for name in info.class_maps}
    options = {p.name: p for p in plugin.source().parameters if p.name != "root"}
    if arguments.json:
        classes = {name: {"classes": m.classes, "source": m.source} for name, m in maps.items()}
        defaults = {name: None if p.default is REQUIRED else p.default for name, p in options.items()}
        print_json({**asdict(info), "class_maps": classes, "options": defaults})
        return 0
    facts = {k: v for k, v in asdict(info).items() if k not in {"class_maps", "emotions"} and v}
    for key, value in facts.items():
        print(f"{key + ':':<10} {value}")
    if info.emotions:
        print(f"{'emotions:':<10} {', '.join(info.emotions)}")
    if maps:
        rows = [[m.name, ", ".join(m.classes), m.source] for m in maps.values()]
        print_table("class maps", ["name", "classes", "source"], rows)
    if options:
        rows = [
            [p.name, p.annotation, "needed" if p.default is REQUIRED else repr(p.default)] for p in options.values()
        ]
        print_table("options", ["name", "values", "default"], rows)
    return 0


def data_verify(arguments: Arguments) -> int:
    """Counts expected, found and excluded; 1 if the folder is not complete."""
    from mezoo.plugin_objects import make
    from mezoo.promises import asking, refuse
    from mezoo.recipe import Block

    plugin = find("dataset", arguments.name)
    block = Block(plugin, _options(plugin, arguments.set), plugin.source())
    dataset = make(block, root=Path(arguments.root).expanduser())
    with asking(dataset, "verify"):
        found = dataset.verify()
    if not isinstance(found, Verification):
        raise refuse(dataset, "verify", f"a {type(found).__name__}", "a Verification")
    if arguments.json:
        print_json({**asdict(found), "complete": found.complete})
    else:
        _print_verification(found, f"{arguments.name} in {arguments.root}")
    return 0 if found.complete else 1


def _print_verification(found: Verification, title: str) -> None:
    names = [*dict.fromkeys([*found.expected, *found.found])]
    rows = [
        [n, *(str(counts.get(n, "-")) for counts in (found.expected, found.found)), _verdict(found, n)] for n in names
    ]
    print_table(title, ["count", "expected", "found", ""], rows)
    if found.classes:
        rows = [[name, ", ".join(f"{k} {n}" for k, n in counts.items())] for name, counts in found.classes.items()]
        print_table("classes of the micro-expressions", ["map", "counts"], rows)
    if found.excluded:
        rows = [[e.what, e.reason, e.action] for e in found.excluded]
        print_table("not as published", ["what", "reason", "action"], rows)
    for problem in found.problems:
        print(f"problem: {problem}")
    print("complete" if found.complete else "NOT complete: see the counts and problems above")


def _verdict(found: Verification, name: str) -> str:
    return "" if found.expected.get(name, found.found.get(name)) == found.found.get(name) else "differs"


def data_synth(arguments: Arguments) -> int:
    """Write a stand-in."""
    from mezoo.progress import make_progress

    out = Path(arguments.out).expanduser()
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DataError(f"{out} is not an empty folder", hint="name a new folder for the stand-in")
    spec = StandIn(
        preset=arguments.preset,
        subjects=arguments.subjects,
        intensity=arguments.intensity,
        seed=arguments.seed,
        dirty=arguments.dirty,
        frames=arguments.frames,
    )
    load(find("dataset", arguments.name)).write_synthetic(out, spec, make_progress().bar)
    notes = [arguments.preset, f"intensity {arguments.intensity:g}", *(["dirty"] if spec.dirty else [])]
    notes += [] if spec.frames == "rendered" else [f"frames: {spec.frames}"]
    print(f"{out}: synthetic {arguments.name} ({', '.join(notes)})")
    return 0


def _options(plugin: Plugin, texts: list[str]) -> Mapping[str, Any]:
    """Constructor arguments from `--set NAME=VALUE`, checked against the plugin's source. Raises RecipeError."""
    from mezoo import yaml_marks
    from mezoo.signatures import check_block

    given: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise RecipeError(f"--set {text!r} is not of the form name=value", hint="for example --set strict=true")
        given[name.strip()] = yaml_marks.parse(f"value: {value or repr('')}", f"--set {text}").data["value"]
    checked, problems = check_block(plugin.name, plugin.source(), given, supplied=("root",))
    if problems:
        raise RecipeError("; ".join(reason for _, reason in problems), hint=f"mezoo data info {plugin.name} lists them")
    return checked
