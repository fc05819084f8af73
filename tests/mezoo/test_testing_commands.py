"""`recipe cp` and `schema`: what they write can be used at once."""

import json
from pathlib import Path

import pytest

from mezoo import yaml_marks
from mezoo.recipe_schema import DIALECT, recipe_schema
from mezoo.registry import plugins

RECIPES = [p for p in plugins() if p.kind == "recipe"]


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
    import jsonschema

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
