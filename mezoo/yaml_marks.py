"""YAML 1.2 scalars with the place of every key: a recipe's `1e-3` is a number, `no` and `006` are text."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from mezoo.errors import RecipeError
from mezoo.files import read_plain

Path_ = tuple[str, ...]
Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(
    r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*)([eE][-+]?[0-9]+)?|[-+]?[0-9]+[eE][-+]?[0-9]+|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
)
_LARGEST = 1 << 20
"""Bytes of a recipe."""
_LONGEST = 40
"""Digits of a whole number."""
DEEPEST = 64
_WORDS: dict[str, Any] = {"true": True, "false": False, "null": None, "~": None, "": None}


@dataclass(frozen=True, slots=True)
class Place:
    """A position in a text: 1-based line and column."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Marked:
    """Plain data of a YAML text, with the place of each key path and of its value."""

    data: Any
    keys: dict[Path_, Place]
    values: dict[Path_, Place]


def scalar(text: str) -> Any:
    """A YAML 1.2 plain scalar: true/false/null, int, float, else text."""
    if text.lower() in _WORDS and text in {text.lower(), text.capitalize(), text.upper()}:
        return _WORDS[text.lower()]
    if _INT.fullmatch(text) and len(text) <= _LONGEST:
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
    return text


def parse(text: str, name: str) -> Marked:
    """Data of a YAML text that is one mapping. Raises RecipeError with `name`:line for a slip or a key given twice."""
    try:
        shallow(text)
        root = yaml.compose(text, Loader=Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
        raise RecipeError(
            f"{where}: not YAML: {error.problem}", hint="mind the indentation, colons and brackets"
        ) from error
    except yaml.YAMLError as error:
        raise RecipeError(f"{name}: not YAML: {error}", hint="save the file as UTF-8 text") from error
    marked = Marked({}, {}, {})
    data = {} if root is None else _build(root, (), marked, name)
    if not isinstance(data, dict):
        raise RecipeError(
            f"{name}: a recipe is a mapping of keys, this is a {type(data).__name__}", hint="see recipes/"
        )
    return Marked(data, marked.keys, marked.values)


def read(path: Path) -> Marked:
    """`parse` of a file."""
    try:
        return parse(read_plain(path, _LARGEST).decode("utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"cannot read {path}: {error}", hint="check the path and that it is UTF-8 text") from error


def shallow(text: str, depth: int = DEEPEST, *, aliases: bool = True) -> None:
    """Raise yaml.YAMLError for YAML that is nested deeper, which the reader written in C does not survive.

    Without `aliases` also for YAML that refers to itself, and so may be far larger than its text.
    """
    level = 0
    for event in yaml.parse(text, Loader):
        level += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if isinstance(event, yaml.AliasEvent) and not aliases:
            raise yaml.YAMLError(f"line {event.start_mark.line + 1}: it refers to itself")
        if level > depth:
            raise yaml.YAMLError(f"line {event.start_mark.line + 1}: nested deeper than {depth}")


def _build(node: yaml.Node, path: Path_, marked: Marked, name: str) -> Any:
    marked.values[path] = Place(node.start_mark.line + 1, node.start_mark.column + 1)
    if len(path) > 20 or len(marked.values) > 10_000:
        where = f"{name}:{node.start_mark.line + 1}"
        raise RecipeError(f"{where}: larger or deeper than a recipe can be", hint="write it out without nested anchors")
    if isinstance(node, yaml.MappingNode):
        out: dict[str, Any] = {}
        for key, value in node.value:
            word = str(key.value)
            place = Place(key.start_mark.line + 1, key.start_mark.column + 1)
            if word in out:
                raise RecipeError(
                    f"{name}:{place.line}:{place.column}: {word!r} is given twice", hint="keep one of them"
                )
            marked.keys[(*path, word)] = place
            out[word] = _build(value, (*path, word), marked, name)
        return out
    if isinstance(node, yaml.SequenceNode):
        return [_build(item, (*path, str(i)), marked, name) for i, item in enumerate(node.value)]
    plain = isinstance(node, yaml.ScalarNode) and node.style in {None, ""}
    return scalar(node.value) if plain else node.value
