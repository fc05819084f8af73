"""The READMEs name what is there, and nothing else; each dataset has its page.

After a change that is meant: `python tests/packaging/test_readme.py` writes the tables of both READMEs anew. Words of
the Chinese one are kept, name by name; a new name gets the English words until somebody translates them.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import yaml

from mezoo.registry import Plugin, load, plugins

ROOT = Path(__file__).parents[2]
BEGIN, END = "<!-- written by tests/packaging/test_readme.py -->", "<!-- end -->"
HEADS = {
    "README.md": {"dataset": "dataset", "feature": "feature", "model": "model", "what": "what", "recipe": "recipes"},
    "README.zh-CN.md": {"dataset": "数据集", "feature": "特征", "model": "模型", "what": "说明", "recipe": "配方"},
}
OURS = [p for p in plugins() if p.distribution == "mezoo"]
DATASETS = [p for p in OURS if p.kind == "dataset"]
PAGES = ["How to ask for it", "Layout", "Known errors"]


def tables(heads: Mapping[str, str], told: Mapping[tuple[str, str], str]) -> str:
    """Markdown tables of datasets, features and models; `told` has words of (kind, name), else its own are taken."""
    return "\n\n".join("\n".join(rows(kind, heads, told)) for kind in ("dataset", "feature", "model"))


def rows(kind: str, heads: Mapping[str, str], told: Mapping[tuple[str, str], str]) -> Iterator[str]:
    recipes = kind == "model"
    yield f"| {heads[kind]} | {heads['what']} |" + (f" {heads['recipe']} |" if recipes else "")
    yield "|---|---|" + ("---|" if recipes else "")
    for plugin in OURS:
        if plugin.kind == kind:
            what = told.get((kind, plugin.name)) or plugin.summary()
            row = f"| [`{plugin.name}`]({card(plugin).relative_to(ROOT).as_posix()}{anchor(plugin)}) | {what} |"
            yield row + (f" {' '.join(f'`{r}`' for r in recipes_of(plugin.name))} |" if recipes else "")


def card(plugin: Plugin) -> Path:
    return ROOT / "plugins" / plugin.module.partition(".")[0] / "README.md"


def anchor(plugin: Plugin) -> str:
    """Of the section whose heading names the plugin in brackets, '' if the whole card is about it."""
    found = [h for h in headings(card(plugin).read_text(encoding="utf-8")) if f"`{plugin.name}`" in h]
    return f"#{slug(found[0])}" if found and plugin.kind == "dataset" else ""


def headings(text: str) -> list[str]:
    return re.findall(r"^#+ (.+)$", text, re.MULTILINE)


def slug(heading: str) -> str:
    """The name that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def recipes_of(model: str) -> list[str]:
    return [r.name for r in OURS if r.kind == "recipe" and model in models_of(Path(r.target))]


def models_of(recipe: Path) -> set[str]:
    """Models that a recipe uses, one, or that of each part."""
    told = yaml.safe_load(recipe.read_text(encoding="utf-8"))
    parts = [told, *(v for v in told.values() if isinstance(v, dict))]
    return {part["model"]["use"] for part in parts if "use" in part.get("model", ())}


def written(name: str) -> str:
    """A README with its tables written anew."""
    text = (ROOT / name).read_text(encoding="utf-8")
    head, _, rest = text.partition(BEGIN)
    old, _, tail = rest.partition(END)
    assert old, f"{name} has no {BEGIN} ... {END}"
    return f"{head}{BEGIN}\n\n{tables(HEADS[name], {} if name == 'README.md' else words(name, old))}\n\n{END}{tail}"


def words(name: str, old: str) -> dict[tuple[str, str], str]:
    """What the tables of a README say now, by kind and name."""
    kinds = {word: kind for kind, word in HEADS[name].items()}
    kind, found = "", {}
    for cells in ([c.strip() for c in line.split("|")[1:-1]] for line in old.splitlines() if line.startswith("|")):
        kind = kinds.get(cells[0], kind)
        if named := re.match(r"\[?`(\w+)`", cells[0]):
            found[kind, named[1]] = cells[1]
    return found


@pytest.mark.parametrize("name", HEADS)
def test_tables_are_those_of_the_registry(name):
    assert (ROOT / name).read_text(encoding="utf-8") == written(name), __doc__


def test_the_chinese_tables_are_in_chinese():
    text = (ROOT / "README.zh-CN.md").read_text(encoding="utf-8")
    told = words("README.zh-CN.md", text.partition(BEGIN)[2].partition(END)[0])
    assert {key for key, what in told.items() if not re.search(r"[\u4e00-\u9fff]", what)} == set()


def test_both_readmes_name_the_same_commands():
    def named(name: str) -> set[str]:
        return set(re.findall(r"\bmezoo [a-z]+(?: [a-z]+)?", (ROOT / name).read_text(encoding="utf-8")))

    from mezoo.arguments import build_parser
    from mezoo.completion import commands

    known = {f"mezoo {c.name}" for c in commands(build_parser()) if c.path}
    english, chinese = (named(name) & known for name in HEADS)
    assert english == chinese


@pytest.mark.parametrize("plugin", DATASETS, ids=lambda p: p.name)
def test_every_dataset_has_a_page(plugin):
    text = card(plugin).read_text(encoding="utf-8")
    (heading,) = [h for h in headings(text) if f"`{plugin.name}`" in h]
    section = re.split(r"^## ", text.partition(f"## {heading}\n")[2], flags=re.MULTILINE)[0]
    parts = dict(re.findall(r"^### (.+)\n((?:(?!^### ).*\n?)*)", section, re.MULTILINE))
    for part in PAGES:
        assert len(parts.get(part, "").split()) > 8, f"{card(plugin)}: {heading} says nothing under '### {part}'"
    assert "```" in parts["Layout"] or "`" in parts["Layout"]


@pytest.mark.parametrize("plugin", DATASETS, ids=lambda p: p.name)
def test_a_page_names_owner_options_and_class_maps(plugin):
    text = card(plugin).read_text(encoding="utf-8")
    if plugin.name not in {"megc2019", "auwgcn_segments"}:
        assert load(plugin).info.owner.split(",")[0] in text
    for parameter in plugin.source().parameters:
        if parameter.name != "root":
            assert f"`{parameter.name}`" in text, f"{card(plugin)} does not say what `{parameter.name}` is"


def test_links_of_the_readmes_lead_somewhere():
    pages = [*ROOT.glob("*.md"), *ROOT.glob("*/*.md"), *ROOT.glob("plugins/*/README.md")]
    for file in pages:
        for target in re.findall(r"\]\((?!http)([^)\s]+)\)", file.read_text(encoding="utf-8")):
            place, _, fragment = target.partition("#")
            page = file.parent / place if place else file
            assert page.exists(), f"{file}: {target}"
            if fragment:
                known = {slug(h) for h in headings(page.read_text(encoding="utf-8"))}
                assert fragment in known, f"{file}: {target}; there are {sorted(known)}"


if __name__ == "__main__":
    for readme in HEADS:
        (ROOT / readme).write_text(written(readme), encoding="utf-8")
