"""Recipes: places of errors, overrides, environment, where each value came from."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mezoo import yaml_marks
from mezoo.errors import RecipeError
from mezoo.recipe import read_recipe

GOOD = """# A story.
task: spotting
dataset:  {use: toy, root: "${TOY_DATA}/films"}
features: {use: toy_mean, step: 2}
model:    {use: toy_threshold, lr: 0.5}
protocol: {use: loso, epoch: last, seed: 3}
trainer:  {max_epochs: 5}
synthetic:
  data: {subjects: 3}
  model: {lr: 0.1}
"""


@pytest.fixture
def recipe_file(tmp_path):
    def write(text: str):
        path = tmp_path / "r.yaml"
        path.write_text(text)
        return str(path)

    return write


def errors(path, *overrides, **more) -> str:
    with pytest.raises(RecipeError) as caught:
        read_recipe(path, overrides, **more)
    return str(caught.value)


def test_every_error_at_once_with_line_and_caret(recipe_file):
    text = GOOD.replace("task: spotting", "task: spoting").replace("step: 2", "stepp: 2").replace("lr: 0.5", "lr: fast")
    text = text.replace("protocol:", "protocoll:").replace("max_epochs", "max_epoch").replace("use: toy,", "use: toyy,")
    path = recipe_file(text)
    message = errors(path)
    for line, words in [
        (2, "given 'spoting'"), (3, "did you mean 'toy'?"), (4, "did you mean 'step'?"), (5, "lr is float"),
        (6, "did you mean 'protocol'?"), (7, "did you mean 'max_epochs'?"),
    ]:  # fmt: skip
        rows = [row for row in message.splitlines() if row.startswith(f"{path}:{line}:")]
        assert rows, f"nothing said about line {line}"
        assert any(words in row for row in rows), rows
    row = message.splitlines().index(f"     4 | {text.splitlines()[3]}")
    assert message.splitlines()[row + 1].index("^") - len("       | ") == text.splitlines()[3].index("stepp")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("task: [", "not YAML"), ("- a\n- b", "mapping"), ("task: spotting\ntask: spotting", "given twice"),
        ("", "missing"),
        ("protocol: {use: megc2019}", "known protocols such as megc2019 follow from the datasets and their counts"),
        ("a: &x [1]\nb: *x\n", "unknown key"), ("dataset: 3", "valid dictionary"), ("\tx: 1", "not YAML"),
    ],
)  # fmt: skip
def test_slips_of_syntax_are_user_errors(recipe_file, text, words):
    assert words in errors(recipe_file(text))


def test_a_bomb_of_anchors_is_refused(recipe_file):
    levels = [f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 9)]
    rows = ["a0: &a0 [1,1,1,1,1,1,1,1,1]", *levels]
    assert "larger or deeper" in errors(recipe_file("\n".join(rows)))


def test_overrides_win_over_file_and_stand_in(recipe_file):
    path = recipe_file(GOOD)
    assert read_recipe(path).model.arguments["lr"] == 0.5
    assert read_recipe(path, synthetic=True).model.arguments["lr"] == 0.1
    recipe = read_recipe(path, ["model.lr=1e-3", "synthetic.data.intensity=0"], synthetic=True)
    assert recipe.model.arguments["lr"] == 1e-3
    assert recipe.stand_in is not None
    assert (recipe.stand_in.intensity, recipe.stand_in.subjects) == (0, 3)
    assert "--set 'model.l'" in errors(path, "model.l")
    assert "did you mean 'lr'?" in errors(path, "model.lrr=3") or "no argument 'lrr'" in errors(path, "model.lrr=3")


def test_an_argument_may_be_a_plugin_itself(recipe_file, mezoo, cache, tmp_path):
    nested = GOOD.replace("{use: toy_mean, step: 2}", "{use: toy_scaled, inner: {use: toy_mean, step: 2}, factor: 3}")
    recipe = read_recipe(recipe_file(nested), synthetic=True)
    assert recipe.resolved()["features"]["inner"] == {"use": "toy_mean", "step": 2}
    path = recipe_file(nested.replace("step: 2", "stepp: 2"))
    assert f"{path}:4:52: feature toy_mean has no argument 'stepp'; did you mean 'step'?" in errors(path)
    assert "did you mean 'toy_mean'?" in errors(recipe_file(nested.replace("use: toy_mean", "use: toy_meen")))
    code, _, err = mezoo("fit", recipe_file(nested), "--synthetic", "--runs", tmp_path, "--set", "wandb.mode=disabled")
    assert code == 0, err


def test_origins_say_where_each_value_came_from(recipe_file, mezoo):
    path = recipe_file(GOOD)
    origins = read_recipe(path, ["trainer.max_epochs=2"], synthetic=True).origins
    assert origins["features", "step"] == f"{path}:4"
    assert origins["model", "lr"] == f"{path}:10 (synthetic)"
    assert origins["trainer", "max_epochs"] == "--set trainer.max_epochs=2"
    code, out, _ = mezoo("show", path, "--synthetic")
    assert code == 0
    assert "default of toy_threshold of mezoo-toy 0.1" in out
    assert yaml.safe_load(out)["features"] == {"use": "toy_mean", "step": 2}


def test_environment_is_expanded_and_its_absence_noted(recipe_file, monkeypatch, mezoo):
    path = recipe_file(GOOD)
    monkeypatch.delenv("TOY_DATA", raising=False)
    code, out, _ = mezoo("check", path)
    assert code == 0
    assert "TOY_DATA is not set" in out
    monkeypatch.setenv("TOY_DATA", "/data")
    recipe = read_recipe(path)
    assert str(recipe.dataset.arguments["root"]) == "/data/films"
    assert "TOY_DATA" in recipe.origins["dataset", "root"]
    assert (
        read_recipe(recipe_file(GOOD.replace("${TOY_DATA}", "${NOWHERE_X:-/fall/back}")))
        .dataset.arguments["root"]
        .parts[1]
        == "fall"
    )


def test_the_digest_names_settings_not_places(recipe_file, monkeypatch):
    path = recipe_file(GOOD)
    monkeypatch.setenv("TOY_DATA", "/a")
    first = read_recipe(path).digest()
    monkeypatch.setenv("TOY_DATA", "/b")
    assert read_recipe(path).digest() == first
    assert read_recipe(path, ["wandb.project=other"]).digest() == first
    for change in ("model.lr=0.4", "protocol.seed=4", "trainer.max_epochs=6", "protocol.labels=shuffled"):
        assert read_recipe(path, [change]).digest() != first
    assert read_recipe(path, synthetic=True).digest() != first


def test_what_mezoo_owns_of_the_trainer_is_refused(recipe_file):
    assert "CSV is always written" in errors(recipe_file(GOOD), "trainer.logger=true")


@given(
    st.one_of(
        st.integers(),
        st.booleans(),
        st.none(),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text("abc xyz_", max_size=8),
    )
)
def test_scalars_come_back_as_written(value):
    text = {True: "true", False: "false", None: "null"}.get(value) if value is None or isinstance(value, bool) else None
    text = text or (repr(value) if not isinstance(value, str) else f'"{value}"')
    assert yaml_marks.parse(f"k: {text}", "x").data["k"] == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("006", "006"),
        ("no", "no"),
        ("0x1F", "0x1F"),
        (".5", 0.5),
        ("1_000", "1_000"),
        ("2024-01-01", "2024-01-01"),
    ],
)
def test_yaml_surprises_are_gone(text, value):
    assert yaml_marks.parse(f"k: {text}", "x").data["k"] == value


def test_a_nested_block_of_the_stand_in_is_laid_over_the_real_one(tmp_path):
    recipe = tmp_path / "r.yaml"
    recipe.write_text(
        "task: spotting\ndataset: {use: toy, root: x}\n"
        "features: {use: toy_scaled, factor: 3, inner: {use: toy_mean, step: 2}}\nmodel: {use: toy_threshold}\n"
        "synthetic:\n  features: {inner: {step: 5}}\n"
    )
    inner = read_recipe(str(recipe), synthetic=True).features.arguments["inner"]
    assert inner.plugin.name == "toy_mean"
    assert dict(inner.arguments) == {"step": 5}
    recipe.write_text(recipe.read_text().replace("{step: 5}", "{use: toy_sides}"))
    other = read_recipe(str(recipe), synthetic=True).features.arguments["inner"]
    assert other.plugin.name == "toy_sides"
    assert not other.arguments
