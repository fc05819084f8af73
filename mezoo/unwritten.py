"""What a class still owes to mezoo's contracts, read from its source without importing it."""

import ast
from collections.abc import Iterator, Sequence

from mezoo.source import UnreadableError, class_of, import_of, module_file, parse


def unwritten(module: str, name: str) -> list[str]:
    """Abstract methods of mezoo's contracts that neither the class nor a base of it writes.

    [] where the source of a base, or what a decorator does, is not known. Raises UnreadableError for no such class.
    """
    class_of(module, name)
    asked: set[str] = set()
    written: set[str] = set()
    try:
        for node in _family(module, name):
            for item in _statements(node.body):
                (asked if _is_abstract(item) else written).update(_names(item))
    except UnreadableError:
        return []
    return sorted(asked - written)


def _family(module: str, name: str) -> Iterator[ast.ClassDef]:
    """A class and its bases up to mezoo's contracts. Raises UnreadableError for one that source does not tell."""
    tree, home, node = class_of(module, name)
    ours = home.partition(".")[0] == "mezoo"
    if not ours and (node.keywords or any("dataclass" not in ast.unparse(d) for d in node.decorator_list)):
        raise UnreadableError(f"{name} is changed when it is made")
    yield node
    for base in map(ast.unparse, node.bases):
        if base in {"ABC", "abc.ABC", "object"} or (ours and base == "L.LightningModule"):
            continue
        yield from _family(*_origin(tree, home, base))


def _origin(tree: ast.Module, module: str, base: str) -> tuple[str, str]:
    """Module and name of a base class as it is written. Raises UnreadableError where that cannot be told."""
    before, _, name = base.rpartition(".")
    if not before and any(isinstance(n, ast.ClassDef) and n.name == name for n in tree.body):
        return module, name
    if before == "mezoo":
        return _behind_the_door(name)
    found = import_of(tree, module, before or name)
    if found is None:
        raise UnreadableError(f"where {base} of {module} is from cannot be told")
    if before:
        return ".".join(found), name
    return _behind_the_door(name) if found[0] == "mezoo" else found


def _behind_the_door(name: str) -> tuple[str, str]:
    """Where a name that mezoo offers is written: its own imports stand under TYPE_CHECKING."""
    for branch in parse(module_file("mezoo")).body:
        if isinstance(branch, ast.If) and (found := import_of(branch, "mezoo", name)):
            return found
    raise UnreadableError(f"mezoo has no name {name!r}")


def _statements(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements of a body and of the branches in it."""
    for item in body:
        yield item
        if isinstance(item, ast.If | ast.Try | ast.With):
            for part in ("body", "orelse", "finalbody"):
                yield from _statements(getattr(item, part, ()))
            for handler in getattr(item, "handlers", ()):
                yield from _statements(handler.body)


def _is_abstract(item: ast.stmt) -> bool:
    return any(ast.unparse(d).endswith("abstractmethod") for d in getattr(item, "decorator_list", ()))


def _names(item: ast.stmt) -> set[str]:
    if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {item.name}
    if isinstance(item, ast.Assign):
        return {ast.unparse(target) for target in item.targets}
    if isinstance(item, ast.AnnAssign) and item.value is not None:
        return {ast.unparse(item.target)}
    return set()
