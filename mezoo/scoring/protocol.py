"""Whether a table of truth is what a protocol fixes: denominators and classes."""

from collections.abc import Iterable, Mapping
from typing import Any

from mezoo.errors import DataError
from mezoo.protocols import Protocol, find
from mezoo.scoring.tables import Options

Counted = Mapping[str, Mapping[str, int]]


def held(options: Options, task: str) -> Protocol | None:
    """The protocol that was asked for. Raises MezooError for an unknown one, or one of another task or class list."""
    if not options.protocol:
        return None
    protocol = find(options.protocol)
    if protocol.task != task:
        raise DataError(
            f"protocol {protocol.name} is for {protocol.task}, not {task}", hint="leave --protocol out, or name another"
        )
    if options.classes and protocol.classes and {*options.classes} != {*protocol.classes}:
        raise DataError(
            f"protocol {protocol.name} has the classes {','.join(protocol.classes)}, not {','.join(options.classes)}",
            hint="leave --classes out",
        )
    if protocol.leak:
        options.notes.append(f"{protocol.leak}: these numbers are no results")
    return protocol


def check(protocol: Protocol | None, counted: Iterable[tuple[str, str]]) -> None:
    """Compare (dataset, kind or class) of every expression counted. Raises DataError with found and expected.

    A table without datasets is taken for the protocol's only one.
    """
    if protocol is None or not protocol.denominators:
        return
    fixed: Counted = protocol.denominators
    found: dict[str, dict[str, int]] = {}
    for dataset, name in counted:
        parts = found.setdefault(dataset or (next(iter(fixed)) if len(fixed) == 1 else "(no dataset)"), {})
        parts[name] = parts.get(name, 0) + 1
    if found != {d: dict(parts) for d, parts in fixed.items()}:
        raise DataError(
            f"protocol {protocol.name} expects {_said(fixed)}; the truth has {_said(found)}",
            hint="a number over other data is another number: complete the table, or score it without --protocol",
        )


def stamp(options: Options, protocol: Protocol | None) -> dict[str, Any]:
    """What the numbers were counted under, where it was asked for."""
    named = {"name": protocol.name, "digest": protocol.digest} if protocol else None
    return {**({"protocol": named} if named else {}), **({"scorer": options.scorer} if options.scorer else {})}


def _said(counts: Counted) -> str:
    texts = (f"{d}: {', '.join(f'{n} {k}' for k, n in sorted(parts.items()))}" for d, parts in sorted(counts.items()))
    return "; ".join(texts) or "nothing"
