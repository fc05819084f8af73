"""`mezoo new`: a complete package outside this repository, from the folders of files beside this one, or a copied one.

They are real files of a package called `newcomer`, checked like all others; a new one is a copy with another name.
`shared` has what all packages are made of, a folder beside it what differs; a line `@FILE@` stands for the text of that
file. (`pyproject.template.toml` is called so because tools would take it for the settings of this folder.)
"""

import keyword
import re
from collections.abc import Mapping, Set
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import get_args

from mezoo.errors import PluginError
from mezoo.registry import PluginKind, find, plugins
from mezoo.scaffold.copied import copied_texts
from mezoo.scaffold.texts import FOLDERS, WORD, Template, Texts, template_texts

_LONGEST = 30
_BEGIN: Mapping[Template, str] = {"spotter": "model", "stored": "dataset"}
"""The module to begin with, where it is not called as the template is."""


@dataclass(frozen=True, slots=True)
class Package:
    """What was written: its folder and files, the one to begin with, and the commands that come next."""

    folder: Path
    files: tuple[Path, ...]
    begin: Path
    next: tuple[str, ...]


def template_of(kind: PluginKind, task: str | None = None, *, stored: bool = False) -> Template:
    """The template of a kind of plugin: of a model that spots, of a dataset without films. Raises PluginError."""
    if task and kind != "model":
        raise PluginError(f"a {kind} has no task", hint="--task is for mezoo new model NAME")
    if stored and kind != "dataset":
        raise PluginError(f"a {kind} is not stored", hint="--stored is for mezoo new dataset NAME")
    named = "spotter" if task == "spotting" else "stored" if stored else kind
    (found,) = [template for template in get_args(Template) if template == named]
    return found


def write_package(template: Template, name: str, parent: Path) -> Package:
    """Write `mezoo-NAME` into a folder. Raises PluginError for a name that cannot be or is taken, or a folder there."""
    kinds = {"dataset", "feature", "model"} if template == "stored" else {_BEGIN.get(template, template)}
    check_name(kinds, name)
    texts = template_texts(FOLDERS[template], name)
    return _written(texts, name, parent, f"mezoo_{name}/{_BEGIN.get(template, template)}.py")


def copy_package(kind: PluginKind, other: str, name: str, parent: Path) -> Package:
    """Write `mezoo-NAME` around a copy of a plugin's package. Raises PluginError, also for an unknown one."""
    check_name({kind}, name)
    texts, begin = copied_texts(find(kind, other), name)
    return _written(texts, name, parent, begin)


def check_name(kinds: Set[str], name: str) -> None:
    """Raise PluginError unless recipes, Python and pip can all call it so, and nobody else is called so here."""
    plain = re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()).strip("_")
    fits = re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name) and len(name) <= _LONGEST and not keyword.iskeyword(name)
    if not fits or name == WORD:
        good = plain if re.match("[a-z]", plain) and plain not in {name, WORD} else "tiny_net"
        raise PluginError(
            f"{name!r} cannot be a plugin's name",
            hint=f"small letters, digits and underscores, at most {_LONGEST}, beginning with a letter: such as {good}",
        )
    taken = [p for p in plugins() if p.name == name and p.kind in {*kinds, "recipe"}]
    if taken or find_spec(f"mezoo_{name}") is not None:
        owner = f"{taken[0].kind} {name!r} of {taken[0].distribution}" if taken else f"package mezoo_{name}"
        raise PluginError(f"there is a {owner} already", hint="choose another name: two of one name are refused")


def _written(texts: Texts, name: str, parent: Path, begin: str) -> Package:
    folder = parent / f"mezoo-{name.replace('_', '-')}"
    if folder.exists():
        raise PluginError(f"{folder} exists already", hint="choose another name, or another place with --out")
    for path, text in texts.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    steps = [f"pip install -e {folder}", f"mezoo plugins check {name}"]
    if any("/recipes/" in path for path in texts):
        steps.append(f"mezoo fit {name} --synthetic")
    return Package(folder, tuple(folder / path for path in texts), folder / begin, tuple(steps))
