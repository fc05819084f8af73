"""The door: listing without imports, broken and clashing guests, names and suggestions."""

import json
from pathlib import Path

import pytest

from mezoo import registry, source
from mezoo.errors import PluginError
from mezoo.registry import find, load, plugins
from mezoo.signatures import check_argument, check_block
from mezoo.source import Parameter, read_class


def install(folder: Path, distribution: str, module: str, code: str, points: str) -> Path:
    """A distribution as a package manager leaves it: a module and its metadata."""
    info = folder / f"{distribution.replace('-', '_')}-1.2.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text(points)
    (folder / f"{module}.py").write_text(code)
    return folder


def listed(mezoo_process, *paths: Path) -> dict[str, dict]:
    done = mezoo_process("list", "--json", paths=paths)
    assert done.returncode == 0, done.stderr
    return {f"{row['distribution']}:{row['name']}": row for row in json.loads(done.stdout)}


def test_list_names_every_plugin_with_kind_distribution_version_status(mezoo_process):
    rows = listed(mezoo_process)
    for name, kind in [
        ("samm_long", "dataset"),
        ("face_crop", "feature"),
        ("mesnet", "model"),
        ("mesnet_samm", "recipe"),
    ]:
        row = rows[f"mezoo:{name}"]
        assert (row["kind"], row["status"]) == (kind, "ok")
        assert row["version"]
        assert row["summary"]
    assert rows["mezoo-toy:toy_mean"]["version"] == "0.1"


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import a_module_that_is_not_there\nclass Model: pass\n", "a_module_that_is_not_there"),
        ("def broken(:\n", "line 1"),
        ("raise RuntimeError('boom at import')\n", "boom at import"),
        ("import sys\nprint('noise')\nx = 1 / 0\n", "ZeroDivisionError"),
        ("from mezoo import NoSuchThing\nclass Model: pass\n", "NoSuchThing"),
        ("class Other: pass\n", "does not define 'Model'"),
    ],
)
def test_a_broken_plugin_is_reported_and_harms_no_one(mezoo_process, tmp_path, code, reason):
    points = "[mezoo.models]\nguest = guest_module:Model\n"
    path = install(tmp_path, "bad-guest", "guest_module", code, points)
    rows = listed(mezoo_process, path)
    row = rows["bad-guest:guest"]
    assert row["status"].startswith("broken")
    assert reason in row["status"]
    assert row["version"] == "1.2"
    assert rows["mezoo:mesnet"]["status"] == "ok"
    assert mezoo_process("check", "mesnet_samm", paths=(path,)).returncode == 0
    used = mezoo_process("check", "mesnet_samm", "--set", "model.use=guest", paths=(path,))
    if used.returncode:
        assert used.returncode == 2
        assert "Traceback" not in used.stderr


def test_two_distributions_with_one_name_are_refused_by_name(mezoo_process, tmp_path):
    for owner in ("first", "second"):
        code = f"class Mean:\n    '''Of {owner}.'''\n    def __init__(self, {owner}: int = 1) -> None: ...\n"
        points = f"[mezoo.features]\nmean = {owner}_module:Mean\n"
        install(tmp_path / owner, f"{owner}-dist", f"{owner}_module", code, points)
    paths = (tmp_path / "first", tmp_path / "second")
    rows = listed(mezoo_process, *paths)
    assert "second-dist" in rows["first-dist:mean"]["status"]
    change = ("--set", "features={use: mean}")
    clash = mezoo_process("check", "mesnet_samm", *change, paths=paths)
    assert clash.returncode == 2
    for word in ("first-dist 1.2", "second-dist 1.2", "first-dist:mean"):
        assert word in clash.stderr
    picked = mezoo_process(
        "check", "mesnet_samm", "--set", "features={use: 'second-dist:mean', second: 3}", paths=paths
    )
    assert picked.returncode == 0, picked.stderr


def test_built_in_plugins_are_judged_from_their_source_alone():
    modules = {p.module for p in plugins() if p.kind != "recipe" and p.distribution == "mezoo"}
    assert not [m for m in modules if source.needs_probe(m)]


def test_an_unknown_name_suggests_and_lists():
    with pytest.raises(PluginError, match=r"did you mean 'mesnet'\?(.|\n)*known: .*mesnet"):
        find("model", "mesnett")


def test_loading_a_plugin_that_fails_names_its_distribution(tmp_path, monkeypatch):
    path = install(
        tmp_path,
        "late-guest",
        "late_module",
        "raise OSError('no licence file')",
        "[mezoo.models]\nlate = late_module:M\n",
    )
    monkeypatch.syspath_prepend(str(path))
    registry.plugins.cache_clear()
    with pytest.raises(PluginError, match=r"late-guest 1\.2.*no licence file"):
        load(find("model", "late"))
    registry.plugins.cache_clear()


def test_source_is_read_as_inspect_would(monkeypatch):
    import inspect

    for plugin in plugins():
        if plugin.kind == "recipe":
            continue
        loaded = load(plugin)
        real = {k: p for k, p in inspect.signature(loaded.__init__).parameters.items() if k != "self"}
        read = {p.name: p for p in plugin.source().parameters}
        assert [*read] == [*real], plugin.name
        for name, parameter in real.items():
            if parameter.default is not inspect.Parameter.empty:
                assert read[name].default == parameter.default, f"{plugin.name}.{name}"


def test_inherited_and_dataclass_constructors_are_read(tmp_path, monkeypatch):
    (tmp_path / "shapes_x.py").write_text(
        "from dataclasses import dataclass\n@dataclass\nclass A:\n    n: int\n    m: float = 2.0\n"
        "class B:\n    def __init__(self, a, *, b: 'str' = 'x', **more): ...\nclass C(B):\n    pass\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    a, c = read_class("shapes_x", "A"), read_class("shapes_x", "C")
    assert [(p.name, p.default) for p in a.parameters] == [("n", source.REQUIRED), ("m", 2.0)]
    assert [p.name for p in c.parameters] == ["a", "b"]
    assert c.open_ended


@pytest.mark.parametrize(
    ("annotation", "value", "wanted"),
    [
        ("int", 3, 3), ("float", 1, 1.0), ("tuple[int, ...]", [1, 2], (1, 2)), ("int | None", None, None),
        ("Literal['a', 'b']", "a", "a"), ("Path", "x/y", Path("x/y")), ("Unknown[int]", {"k": 1}, {"k": 1}), ("", 5, 5),
    ],
)  # fmt: skip
def test_arguments_become_what_the_annotation_says(annotation, value, wanted):
    assert check_argument(Parameter("x", annotation, 0), value) == (wanted, "")


@pytest.mark.parametrize(
    ("annotation", "value"),
    [("int", "3"), ("int", 1.5), ("float", "fast"), ("Literal['a']", "b"), ("tuple[int, ...]", 3)],
)
def test_wrong_arguments_are_refused_with_the_annotation(annotation, value):
    reason = check_argument(Parameter("x", annotation, 0), value)[1]
    assert annotation in reason
    assert repr(value) in reason


def test_missing_arguments_are_named_unless_supplied():
    read = read_class("mezoo_samm.long", "SammLong")
    assert check_block("dataset samm_long", read, {})[1] == [("", "dataset samm_long needs the argument 'root'")]
    assert check_block("dataset samm_long", read, {}, ("root",))[1] == []
