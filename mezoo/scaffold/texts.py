"""The files of a template, with another name: texts by path in the package that is written."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

Template = Literal["model", "spotter", "dataset", "stored", "feature"]
Texts = dict[str, str]
WORD = "newcomer"
FOLDERS: Mapping[Template, tuple[str, ...]] = {
    "model": ("shared", "model"),
    "spotter": ("shared", "spotter"),
    "dataset": ("shared", "dataset"),
    "stored": ("shared", "model", "stored"),
    "feature": ("shared", "feature"),
}
"""Folders whose files make a package, a later one's over an earlier one's."""
_PLACE = re.compile(r"^@(\S+)@\n", re.MULTILINE)


def template_texts(folders: Sequence[str], name: str, parts: Mapping[str, str] | None = None) -> Texts:
    """Every file of these folders for a package called `name`; `parts` are texts to put in beside the folders' own."""
    texts = {**_read(folders), **(parts or {})}
    inner = {match for text in texts.values() for match in _PLACE.findall(text)}
    return {
        renamed(path, name).replace(".template", ""): renamed(_PLACE.sub(lambda m: texts.get(m[1], ""), text), name)
        for path, text in texts.items()
        if path not in inner
    }


def _read(folders: Sequence[str]) -> Texts:
    here = Path(__file__).parent
    found = [(here / name, p) for name in folders for p in sorted((here / name).rglob("*"))]
    kept = [(folder, p) for folder, p in found if p.is_file() and "__pycache__" not in p.parts]
    return {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for folder, path in kept}


def renamed(text: str, name: str) -> str:
    """A template's text for another name: `newcomer`, `mezoo-newcomer`, the class `Newcomer`."""
    camel = "".join(part.capitalize() for part in name.split("_"))
    dashed = text.replace(f"mezoo-{WORD}", f"mezoo-{name.replace('_', '-')}")
    return dashed.replace(WORD, name).replace(WORD.capitalize(), camel)
