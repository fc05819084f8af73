"""`mezoo new`, `recipe cp`, `schema` and `completion`: what they write can be used at once."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mezoo import registry, yaml_marks
from mezoo.cli import build_parser
from mezoo.completion import script
from mezoo.recipe_schema import DIALECT, recipe_schema
from mezoo.registry import plugins
from mezoo.scaffold import renamed

RECIPES = [p for p in plugins() if p.kind == "recipe"]


def installed(package: Path, monkeypatch) -> None:
    """Put a package on the path as an installer would, with the entry points of its pyproject.toml."""
    import tomllib

    told = tomllib.loads((package / "pyproject.toml").read_text())["project"]
    info = package / f"{told['name'].replace('-', '_')}-{told['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {told['name']}\nVersion: {told['version']}\n")
    groups = told["entry-points"].items()
    text = "\n".join(f"[{g}]\n" + "\n".join(f"{k} = {v}" for k, v in points.items()) for g, points in groups)
    (info / "entry_points.txt").write_text(text)
    monkeypatch.syspath_prepend(str(package))
    registry.plugins.cache_clear()


@pytest.mark.parametrize("kind", ["model", "dataset", "feature"])
def test_a_new_package_is_listed_checked_and_clean(mezoo, tmp_path, monkeypatch, kind):
    name = f"fresh_{kind}"
    code, out, _ = mezoo("new", kind, name, "--out", tmp_path)
    assert code == 0
    package = tmp_path / f"mezoo-fresh-{kind}"
    assert [line.split()[0:2] for line in out.splitlines()[1:]] == [
        ["pip", "install"],
        ["mezoo", "plugins"],
        ["mezoo", "fit"],
    ]
    texts = {p: p.read_text() for p in package.rglob("*") if p.is_file()}
    assert not [p for p, text in texts.items() if "newcomer" in (text + p.name).lower()]
    for tool in ("check", "format --check"):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *tool.split(), "--no-cache", str(package)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
    installed(package, monkeypatch)
    try:
        rows = {(r["kind"], r["name"]): r for r in json.loads(mezoo("list", "--json")[1])}
        assert rows[kind, name]["status"] == "ok"
        assert rows["recipe", name]["status"] == "ok"
        assert mezoo("check", name, "--synthetic")[0] == 0
        taken, _, err = mezoo("new", kind, name, "--out", tmp_path / "elsewhere")
        assert (taken, "already" in err) == (2, True)
    finally:
        registry.plugins.cache_clear()


def test_a_new_dataset_keeps_its_promises(mezoo, tmp_path, monkeypatch, cache):
    assert mezoo("new", "dataset", "own_clips", "--out", tmp_path)[0] == 0
    installed(tmp_path / "mezoo-own-clips", monkeypatch)
    try:
        code, out, err = mezoo("plugins", "check", "own_clips")
        assert code == 0, out + err
    finally:
        registry.plugins.cache_clear()


@pytest.mark.parametrize("name", ["Tiny-Net", "2fast", "a b", "class", "newcomer", "x" * 40, "mesnet", "_x", "é"])
def test_a_bad_or_taken_name_is_refused_and_nothing_is_written(mezoo, tmp_path, name):
    code, _, err = mezoo("new", "model", name, "--out", tmp_path)
    assert code == 2
    assert "Traceback" not in err
    assert not [*tmp_path.iterdir()]


def test_a_folder_that_is_there_is_left_alone(mezoo, tmp_path):
    (tmp_path / "mezoo-tiny-net").mkdir()
    assert mezoo("new", "model", "tiny_net", "--out", tmp_path)[0] == 2
    assert not [*(tmp_path / "mezoo-tiny-net").iterdir()]


def test_a_hint_turns_a_name_into_one_that_can_be(mezoo, tmp_path):
    assert "such as tiny_net_2" in mezoo("new", "model", "TinyNet-2", "--out", tmp_path)[2]


def test_names_are_replaced_in_all_their_forms():
    text = "class Newcomer: ...  # mezoo-newcomer, mezoo_newcomer, newcomer"
    assert renamed(text, "tiny_net") == "class TinyNet: ...  # mezoo-tiny-net, mezoo_tiny_net, tiny_net"


def test_a_recipe_is_copied_once_and_still_checks(mezoo, tmp_path):
    target = tmp_path / "mine.yaml"
    assert mezoo("recipe", "cp", "mesnet_samm", target)[0] == 0
    assert mezoo("check", target, "--synthetic")[0] == 0
    before = target.read_text()
    code, _, err = mezoo("recipe", "cp", "mesnet_samm", target)
    assert (code, "exists" in err) == (2, True)
    assert target.read_text() == before
    assert "did you mean 'mesnet_samm'" in mezoo("recipe", "cp", "mesnet_sam", tmp_path / "other.yaml")[2]


@pytest.fixture(scope="module")
def validator():
    jsonschema = pytest.importorskip("jsonschema")
    schema = recipe_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_the_schema_says_what_it_is_and_all_its_references_lead_somewhere():
    schema = recipe_schema()
    assert schema["$schema"] == DIALECT
    for reference in _references(schema):
        assert reference.removeprefix("#/$defs/") in schema["$defs"], reference
    json.dumps(schema)


def _references(node):
    if isinstance(node, dict):
        yield from [node["$ref"]] if "$ref" in node else []
        yield from (r for value in node.values() for r in _references(value))
    elif isinstance(node, list):
        yield from (r for value in node for r in _references(value))


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda r: r.name)
def test_every_recipe_fits_the_schema(validator, recipe):
    data = json.loads(json.dumps(yaml_marks.read(Path(recipe.target)).data))
    assert [f"{[*e.absolute_path]}: {e.message}" for e in validator.iter_errors(data)] == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("modell",), {"use": "mesnet"}), (("model", "use"), "mesnett"), (("model", "lrr"), 0.1),
        (("model", "clip_frames"), "many"), (("protocol", "use"), "losso"), (("trainer", "max_epoch"), 3),
        (("task",), "spoting"), (("dataset", "strictt"), True), (("model", "centre"), "clips"),
    ],
)  # fmt: skip
def test_slips_do_not_fit_the_schema(validator, path, value):
    target = next(r.target for r in RECIPES if r.name == "mesnet_samm")
    data = json.loads(json.dumps(yaml_marks.read(Path(target)).data))
    node = data
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = value
    assert list(validator.iter_errors(data))


def test_the_schema_is_written_where_asked(mezoo, tmp_path):
    assert json.loads(mezoo("schema")[1])["$schema"] == DIALECT
    code, out, _ = mezoo("schema", "--out", tmp_path / "deep" / "recipe.schema.json")
    assert code == 0
    assert "# yaml-language-server: $schema=" in out
    assert json.loads((tmp_path / "deep" / "recipe.schema.json").read_text())["$schema"] == DIALECT


@pytest.fixture(scope="module")
def complete(tmp_path_factory):
    """What bash offers after a line: asked of bash itself."""
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("there is no bash")
    file = tmp_path_factory.mktemp("completion") / "mezoo.bash"
    file.write_text(script("bash", build_parser()))
    code = 'source "$1"; COMP_WORDS=("${@:2}"); COMP_CWORD=$(($# - 2)); _mezoo; printf "%s\\n" "${COMPREPLY[@]}"'

    def ask(*words: str) -> list[str]:
        done = subprocess.run(
            [bash, "-c", code, "bash", str(file), *words], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.split()

    return ask


def test_bash_completes_commands_options_values_and_recipes(complete):
    assert {"fit", "list", "new"} <= set(complete("mezoo", ""))
    assert complete("mezoo", "data", "ver") == ["verify"]
    assert complete("mezoo", "fit", "mesnet_s") == ["mesnet_samm"]
    assert complete("mezoo", "fit", "mesnet_samm", "--syn") == ["--synthetic"]
    assert complete("mezoo", "fit", "x", "--executor", "in") == ["inline"]
    assert complete("mezoo", "data", "info", "samm_l") == ["samm_long"]
    assert complete("mezoo", "plugins", "check", "mesn") == ["mesnet"]
    assert complete("mezoo", "extract", "--dataset", "casme2") == ["casme2"]
    assert complete("mezoo", "recipe", "cp", "mesnet_samm", "--json") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_command_and_option_is_in_the_script(mezoo, shell):
    out = mezoo("completion", shell)[1]
    for word in ("leaderboard", "verify", "synthetic", "mesnet_samm", "executor"):
        assert word in out


def test_another_shell_is_refused(mezoo):
    assert mezoo("completion", "tcsh")[0] == 2
