"""`mezoo new KIND NAME --like OTHER`: the package of an installed plugin under another name, to be changed freely."""

import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path

from mezoo.errors import MezooError, PluginError
from mezoo.registry import GROUPS, Plugin, plugins
from mezoo.scaffold.texts import Texts, template_texts

_COPIED = {".py", ".typed", ".csv", ".json", ".yaml", ".txt", ".md"}


def copied_texts(plugin: Plugin, name: str) -> tuple[Texts, str]:
    """Files of a package called `name` around a copy of a plugin's, by path, and which of them has its class.

    Its package is renamed throughout, its card becomes the README, the licence and a recipe that uses it come along.
    Raises PluginError for a plugin that has no package of its own.
    """
    package, ours = plugin.module.partition(".")[0], f"mezoo_{name}"
    copy = {f"{ours}/{path}": re.sub(rf"\b{package}\b", ours, t) for path, t in _files(_folder(plugin, package))}
    card = copy.pop(f"{ours}/README.md", "")
    target = re.sub(rf"^{package}\b", ours, plugin.target)
    points = f'[project.entry-points."{GROUPS[plugin.kind]}"]\n{name} = "{target}"\n'
    recipe = _recipe(plugin, name)
    points += f'\n[project.entry-points."mezoo.recipes"]\n{name} = "{ours}.recipes"\n' if recipe else ""
    texts = {**template_texts(("shared",), name, {"entry_points.toml": points}), **_licence(plugin), **copy}
    texts["README.md"] = f"A copy of `{plugin.name}` of {plugin.distribution} {plugin.version}.\n\n{card}"
    texts |= {f"{ours}/recipes/{name}.yaml": recipe} if recipe else {}
    return texts, target.partition(":")[0].replace(".", "/") + ".py"


def _folder(plugin: Plugin, package: str) -> Path:
    spec = find_spec(package)
    if package == "mezoo" or spec is None or not spec.submodule_search_locations:
        raise PluginError(
            f"{plugin.kind} {plugin.name!r} has no package of its own that could be copied",
            hint="without --like, mezoo new writes a package to begin with",
        )
    return Path(next(iter(spec.submodule_search_locations)))


def _files(folder: Path) -> Iterator[tuple[str, str]]:
    """Texts of a package, without its recipes."""
    for file in sorted(folder.rglob("*")):
        path = file.relative_to(folder)
        if file.is_file() and file.suffix in _COPIED and not {"__pycache__", "recipes"} & {*path.parts}:
            yield path.as_posix(), file.read_text(encoding="utf-8")


def _recipe(plugin: Plugin, name: str) -> str:
    """The first installed recipe that uses the plugin, with the new name; "" where there is none."""
    from mezoo.recipe import read_recipe

    for candidate in sorted((p for p in plugins() if p.kind == "recipe"), key=lambda p: p.name):
        try:
            blocks = read_recipe(candidate.target, synthetic=True).blocks()
        except MezooError:  # broken, or of two tasks
            continue
        if any(block.plugin == plugin for block in blocks.values()):
            text = Path(candidate.target).read_text(encoding="utf-8")
            text = re.sub(rf"recipes/{candidate.name}\.yaml|\b{candidate.name}\b", name, text)
            text = text.replace(f"plugins/{plugin.module.partition('.')[0]}/", "")
            return re.sub(rf"\buse:\s*{plugin.name}\b", f"use: {name}", text)
    return ""


def _licence(plugin: Plugin) -> Texts:
    """The licence of the distribution that brought the plugin, where it lists one."""
    try:
        files = distribution(plugin.distribution).files or []
    except PackageNotFoundError:
        return {}
    return {f.name: f.read_text(encoding="utf-8") for f in files if f.name.upper().startswith(("LICEN", "NOTICE"))}
