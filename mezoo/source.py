"""Reads a class from its source file without importing it: docstring, constructor, literal class attributes."""

import ast
import gc
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

_PURE_CALLS = {
    "Column",
    "DatasetInfo",
    "Path",
    "Roles",
    "with_name",
    "compile",
    "frozenset",
    "set",
    "dict",
    "tuple",
    "list",
    "range",
    "TypeVar",
    "getLogger",
}
_TYPE_FORMS = {
    "NDArray",
    "Annotated",
    "Callable",
    "Literal",
    "Mapping",
    "Sequence",
    "dict",
    "frozenset",
    "list",
    "set",
    "tuple",
    "type",
}
REQUIRED = object()
"""Default of a parameter that must be given."""


class UnreadableError(Exception):
    """The source cannot be found or parsed, or does not define the class; the message is the reason."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One constructor argument; `default` is its literal value, its source text, or REQUIRED."""

    name: str
    annotation: str
    default: Any


@dataclass(frozen=True, slots=True)
class ClassSource:
    """What the source of a class says; `open_ended` when it takes any keyword, or a base class could not be read."""

    summary: str
    parameters: tuple[Parameter, ...]
    open_ended: bool
    constants: Mapping[str, Any] = field(default_factory=dict[str, Any])


def module_file(module: str) -> Path:
    """Source file of a dotted module. Imports nothing, not even parent packages. Raises UnreadableError."""
    return _module_file(module, tuple(sys.path))


@lru_cache(maxsize=1024)
def _module_file(module: str, places: tuple[str, ...]) -> Path:
    """`places` are those that are searched: the answer is kept as long as they are the same."""
    del places
    top, *rest = module.split(".")
    try:
        spec = find_spec(top)
    except (ImportError, ValueError) as error:
        raise UnreadableError(f"No module named {top!r} ({error})") from error
    if spec is None:
        raise UnreadableError(f"No module named {top!r}")
    if not rest:
        return Path(spec.origin or "")
    for place in spec.submodule_search_locations or ():
        base = Path(place).joinpath(*rest)
        for file in (base.with_suffix(".py"), base / "__init__.py"):
            if file.is_file():
                return file
    raise UnreadableError(f"No module named {module!r}")


@lru_cache(maxsize=64)
def parse(file: Path) -> ast.Module:
    """Syntax tree of a file. Raises UnreadableError with file and line."""
    collects = gc.isenabled()
    gc.disable()  # a tree is many objects and no garbage: looking for some takes a third of the time
    try:
        return ast.parse(file.read_text(encoding="utf-8"), str(file))
    except SyntaxError as error:
        raise UnreadableError(f"{file.name}, line {error.lineno}: {error.msg}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableError(f"{file}: {error}") from error
    finally:
        if collects:
            gc.enable()


def read_class(module: str, name: str) -> ClassSource:
    """Docstring, constructor and constants of a class. Raises UnreadableError."""
    tree, home, node = class_of(module, name)
    parameters, open_ended = _constructor(tree, home, node)
    return ClassSource(_summary(node), parameters, open_ended, _constants(node))


def read_summary(module: str, name: str) -> str:
    """First line of a class's docstring: what a list shows. Raises UnreadableError."""
    return _summary(class_of(module, name)[2])


def class_of(module: str, name: str) -> tuple[ast.Module, str, ast.ClassDef]:
    """Tree and module that define a class, wherever it was imported from, and the class."""
    tree = parse(module_file(module))
    node = next((n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == name), None)
    if node is not None:
        return tree, module, node
    origin = import_of(tree, module, name)
    if origin is None:
        raise UnreadableError(f"module {module!r} does not define {name!r}")
    return class_of(*origin)


def _summary(node: ast.ClassDef) -> str:
    return (ast.get_docstring(node) or "").split("\n", 1)[0]


def _constructor(tree: ast.Module, module: str, node: ast.ClassDef) -> tuple[tuple[Parameter, ...], bool]:
    init = next((n for n in node.body if isinstance(n, ast.FunctionDef) and n.name == "__init__"), None)
    if init is not None:
        return _parameters(init), init.args.kwarg is not None
    if any("dataclass" in ast.unparse(d) for d in node.decorator_list):
        return _dataclass_fields(node), False
    for base in node.bases:
        if not isinstance(base, ast.Name):
            return (), True
        local = next((n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == base.id), None)
        if local is not None:
            return _constructor(tree, module, local)
        origin = import_of(tree, module, base.id)
        if origin is None or origin[0].split(".")[0] == "mezoo":
            continue
        try:
            inherited = read_class(*origin)
        except UnreadableError:
            return (), True
        return inherited.parameters, inherited.open_ended
    return (), False


def _parameters(init: ast.FunctionDef) -> tuple[Parameter, ...]:
    plain = [*init.args.posonlyargs, *init.args.args][1:]
    padding: list[ast.expr | None] = [None] * (len(plain) - len(init.args.defaults))
    pairs = [*zip(plain, [*padding, *init.args.defaults], strict=True)]
    pairs += zip(init.args.kwonlyargs, init.args.kw_defaults, strict=True)
    return tuple(Parameter(a.arg, _text(a.annotation), _literal(d)) for a, d in pairs)


def _dataclass_fields(node: ast.ClassDef) -> tuple[Parameter, ...]:
    rows = [n for n in node.body if isinstance(n, ast.AnnAssign) and isinstance(n.target, ast.Name)]
    rows = [n for n in rows if "ClassVar" not in ast.unparse(n.annotation)]
    return tuple(Parameter(ast.unparse(n.target), _text(n.annotation), _literal(n.value)) for n in rows)


def _constants(node: ast.ClassDef) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for item in node.body:
        target = item.targets[0] if isinstance(item, ast.Assign) else getattr(item, "target", None)
        value = getattr(item, "value", None)
        if isinstance(target, ast.Name) and isinstance(value, ast.expr):
            try:
                found[target.id] = ast.literal_eval(value)
            except (ValueError, TypeError):
                continue
    return found


def import_of(tree: ast.Module | ast.If, module: str, name: str) -> tuple[str, str] | None:
    """Module and name behind `from X import name`, relative imports resolved against `module`."""
    for item in tree.body:
        if isinstance(item, ast.ImportFrom):
            for alias in item.names:
                if (alias.asname or alias.name) == name:
                    parent = module.split(".")[: -item.level] if item.level else []
                    return ".".join([*parent, *([item.module] if item.module else [])]), alias.name
    return None


def _text(node: ast.expr | None) -> str:
    return "" if node is None else ast.unparse(node)


def _literal(node: ast.expr | None) -> Any:
    if node is None:
        return REQUIRED
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError):
        return ast.unparse(node)


def import_defect(module: str) -> str:
    """Why importing `module` is bound to fail, as far as its source tells; '' when nothing speaks against it.

    Sees missing modules, syntax errors, names that mezoo does not offer; see `needs_probe` for the rest.
    """
    try:
        tree = parse(module_file(module))
        for item in tree.body:
            if isinstance(item, ast.Import):
                for alias in item.names:
                    module_file(alias.name.split(".")[0])
            elif isinstance(item, ast.ImportFrom):
                _check_import_from(item, module)
    except UnreadableError as error:
        return str(error)
    return ""


def _check_import_from(item: ast.ImportFrom, module: str) -> None:
    if item.level == 0 and item.module == "mezoo":
        import mezoo

        unknown = [a.name for a in item.names if a.name not in mezoo.__all__]
        if unknown:
            raise UnreadableError(f"mezoo has no name {unknown[0]!r}")
    elif item.level == 0 and item.module:
        module_file(item.module.split(".")[0])
        if item.module.split(".")[0] == module.split(".")[0] and (reason := import_defect(item.module)):
            raise UnreadableError(reason)


def needs_probe(module: str) -> bool:
    """True when the module's top level does more than define things: only a trial import can tell if it works."""
    try:
        tree = parse(module_file(module))
    except UnreadableError:
        return False
    return any(not _inert(item) for item in tree.body)


def _inert(item: ast.stmt) -> bool:
    if isinstance(item, ast.Import | ast.ImportFrom | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef | ast.Pass):
        return True
    if isinstance(item, ast.Expr):
        return isinstance(item.value, ast.Constant)
    if isinstance(item, ast.If):
        return ast.unparse(item.test).endswith("TYPE_CHECKING")
    if isinstance(item, ast.Assign | ast.AnnAssign):
        return item.value is None or all(_harmless(node) for node in ast.walk(item.value))
    return False


def _harmless(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        return ast.unparse(node.func).rpartition(".")[2] in _PURE_CALLS
    if isinstance(node, ast.Subscript):
        return ast.unparse(node.value).rpartition(".")[2] in _TYPE_FORMS
    return not isinstance(node, ast.BinOp | ast.Await)
