"""Checks the arguments of a `use:` block against a constructor's signature, read from source: no plugin is imported."""

import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError

from mezoo.registry import did_you_mean
from mezoo.source import REQUIRED, ClassSource, Parameter

_NAMES: dict[str, Any] = {
    **{n: getattr(typing, n) for n in ("Annotated", "Any", "ClassVar", "Literal", "Optional", "Union")},
    **{t.__name__: t for t in (bool, int, float, str, list, tuple, dict, set, frozenset, Path, Sequence, Mapping)},
    "typing": typing,
}


def annotated_type(annotation: str) -> Any:
    """The type that an annotation's text stands for, as far as plain types go; else Any."""
    try:
        return eval(annotation, {"__builtins__": {}}, dict(_NAMES)) if annotation else Any
    except Exception:
        return Any


def check_argument(parameter: Parameter, value: Any) -> tuple[Any, str]:
    """The value as the annotation wants it (a list becomes a tuple, an int a float), or a reason why not."""
    wanted = annotated_type(parameter.annotation)
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(wanted, config=ConfigDict(arbitrary_types_allowed=True))
    except Exception:
        return value, ""
    if isinstance(value, str) and not _takes_text(wanted):
        return value, f"{parameter.name} is {parameter.annotation}, given the text {value!r}"
    try:
        return adapter.validate_python(value), ""
    except ValidationError as error:
        detail = error.errors()[0]["msg"].lower()
        return value, f"{parameter.name} is {parameter.annotation}, given {value!r}: {detail}"


def _takes_text(wanted: Any) -> bool:
    """False for int, float, bool and unions of them: a quoted number there is a slip."""
    parts = typing.get_args(wanted) if typing.get_origin(wanted) not in {tuple, list, typing.Literal} else ()
    kinds = {k for k in (parts or (wanted,)) if k is not type(None)}
    return not kinds <= {int, float, bool}


def check_block(
    name: str, source: ClassSource, given: Mapping[str, Any], supplied: tuple[str, ...] = ()
) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """Checked arguments and problems as (argument, message); `supplied` are given by the program itself."""
    known = {p.name: p for p in source.parameters}
    checked: dict[str, Any] = {}
    problems: list[tuple[str, str]] = []
    for key, value in given.items():
        if key in known:
            checked[key], reason = check_argument(known[key], value)
            problems += [(key, reason)] if reason else []
        elif source.open_ended:
            checked[key] = value
        else:
            hint = did_you_mean(key, [*known]) or f" (it takes {', '.join(known) or 'none'})"
            problems.append((key, f"{name} has no argument {key!r}{hint}"))
    missing = [p.name for p in known.values() if p.default is REQUIRED and p.name not in {*given, *supplied}]
    problems += [("", f"{name} needs the argument {m!r}") for m in missing]
    return checked, problems
