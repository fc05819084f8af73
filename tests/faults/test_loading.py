"""How files are opened, held over the syntax tree: no pickle, no unsafe loader, no archive unpacked to disk."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted(p for folder in ("mezoo", "plugins") for p in (ROOT / folder).rglob("*.py"))
NEVER = {
    *("pickle.load", "pickle.loads", "pickle.Unpickler", "marshal.loads", "shelve.open", "joblib.load", "dill.load"),
    *("yaml.unsafe_load", "yaml.full_load", "yaml.load_all", "np.fromregex", "os.system", "tarfile.open"),
    *("pd.read_pickle", "pandas.read_pickle", "torch.hub.load", "xml.dom.minidom.parse"),
}
"""Calls that run, or may run, what a file says."""


def name_of(node: ast.expr) -> str:
    """`a.b.c` of a call; "" for anything else."""
    if isinstance(node, ast.Attribute):
        return f"{name_of(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def wrong(tree: ast.AST) -> list[str]:
    """Calls of a module that must not be there, with their lines."""
    found: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [a.name for a in node.names] + [getattr(node, "module", None) or ""]
            found += [f"{node.lineno}: import of {n}" for n in names if n in {"pickle", "marshal", "shelve", "dill"}]
        if not isinstance(node, ast.Call):
            continue
        name, given = name_of(node.func), {k.arg: ast.unparse(k.value) for k in node.keywords}
        if name in NEVER or name.endswith(".extractall"):
            found.append(f"{node.lineno}: {name}")
        if name == "torch.load" and given.get("weights_only") != "True":
            found.append(f"{node.lineno}: torch.load without weights_only=True")
        if name in {"np.load", "numpy.load"} and given.get("allow_pickle") != "False":
            found.append(f"{node.lineno}: np.load without allow_pickle=False")
        if name == "yaml.load" and not any("oader" in ast.unparse(a) for a in [*node.args[1:]]):
            found.append(f"{node.lineno}: yaml.load without a loader")
        if name.endswith(".fit") and "ckpt_path" in given and given.get("weights_only") != "True":
            found.append(f"{node.lineno}: a checkpoint resumed without weights_only=True")
        if any(k == "shell" and v == "True" for k, v in given.items()):
            found.append(f"{node.lineno}: a shell")
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_nothing_is_run_by_being_opened(file):
    assert wrong(ast.parse(file.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from pickle import loads",
        "torch.load(p)",
        "torch.load(p, weights_only=False)",
        "np.load(p)",
        "yaml.load(t)",
        "zipfile.ZipFile(p).extractall(d)",
        "trainer.fit(m, ckpt_path=p)",
        "subprocess.run(c, shell=True)",
    ],
)
def test_the_rule_sees_what_it_forbids(code):
    assert wrong(ast.parse(code))


def test_yaml_loaders_are_safe():
    import yaml

    from mezoo import yaml_marks

    assert yaml_marks.Loader in {yaml.SafeLoader, getattr(yaml, "CSafeLoader", None)}
