"""`mezoo new`: a complete package outside this repository, from the folders of files beside this one.

They are real files of a package called `newcomer`, checked like all others; a new one is a copy with another name.
(`pyproject.template.toml` is called so because tools would take it for the settings of this folder.)
"""

import keyword
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from mezoo.errors import PluginError
from mezoo.registry import PluginKind, plugins

_WORD = "newcomer"
_LONGEST = 30


@dataclass(frozen=True, slots=True)
class Package:
    """What was written: its folder and files, the one to begin with, and the commands that come next."""

    folder: Path
    files: tuple[Path, ...]
    begin: Path
    next: tuple[str, ...]


def write_package(kind: PluginKind, name: str, parent: Path) -> Package:
    """Write `mezoo-NAME` into a folder. Raises PluginError for a name that cannot be or is taken, or a folder there."""
    check_name(kind, name)
    folder = parent / f"mezoo-{name.replace('_', '-')}"
    if folder.exists():
        raise PluginError(f"{folder} exists already", hint="choose another name, or another place with --out")
    files = tuple(_written(kind, name, folder))
    begin = folder / f"mezoo_{name}" / f"{kind}.py"
    steps = (f"pip install -e {folder}", f"mezoo plugins check {name}", f"mezoo fit {name} --synthetic")
    return Package(folder, files, begin, steps)


def check_name(kind: PluginKind, name: str) -> None:
    """Raise PluginError unless recipes, Python and pip can all call it so, and nobody else is called so here."""
    plain = re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()).strip("_")
    fits = re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name) and len(name) <= _LONGEST and not keyword.iskeyword(name)
    if not fits or name == _WORD:
        good = plain if re.match("[a-z]", plain) and plain not in {name, _WORD} else "tiny_net"
        raise PluginError(
            f"{name!r} cannot be a plugin's name",
            hint=f"small letters, digits and underscores, at most {_LONGEST}, beginning with a letter: such as {good}",
        )
    taken = [p for p in plugins() if p.name == name and p.kind in {kind, "recipe"}]
    if taken or find_spec(f"mezoo_{name}") is not None:
        owner = f"{taken[0].kind} {name!r} of {taken[0].distribution}" if taken else f"package mezoo_{name}"
        raise PluginError(f"there is a {owner} already", hint="choose another name: two of one name are refused")


def _written(kind: PluginKind, name: str, folder: Path) -> Iterator[Path]:
    source = Path(__file__).parent / kind
    for file in sorted(p for p in source.rglob("*") if p.is_file() and "__pycache__" not in p.parts):
        target = folder / renamed(file.relative_to(source).as_posix(), name).replace(".template", "")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(renamed(file.read_text(encoding="utf-8"), name), encoding="utf-8")
        yield target


def renamed(text: str, name: str) -> str:
    """A template's text for another name: `newcomer`, `mezoo-newcomer`, the class `Newcomer`."""
    camel = "".join(part.capitalize() for part in name.split("_"))
    dashed = text.replace(f"mezoo-{_WORD}", f"mezoo-{name.replace('_', '-')}")
    return dashed.replace(_WORD, name).replace(_WORD.capitalize(), camel)
