"""What `from mezoo import ...` gives changes only on purpose: it is listed, name by name, in `api.txt`.

After a change that is meant: `python tests/mezoo/test_testing_api.py` writes the list anew. If a name went, or means
something else, raise `mezoo.API_VERSION` too; an addition alone leaves it.
"""

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import mezoo
from mezoo.errors import PluginError
from mezoo.registry import Plugin, find, load

LIST = Path(__file__).with_name("api.txt")
ROOT = Path(__file__).parents[2]


def door() -> Iterator[str]:
    """Every public name with its signature, and the public members of its class or module."""
    yield f"API {mezoo.API_VERSION}"
    for name in sorted(mezoo.__all__):
        yield from described(name, getattr(mezoo, name))


def described(name: str, thing: object) -> Iterator[str]:
    if isinstance(thing, ModuleType):
        public = getattr(thing, "__all__", [n for n, v in vars(thing).items() if own(n, v, thing)])
        for inner in sorted(public):
            value = getattr(thing, inner)
            plain = isinstance(value, ModuleType) or not callable(value)
            yield f"{name}.{inner}" if plain else f"{name}.{inner}{signature(value)}"
    elif inspect.isclass(thing):
        yield f"{name}{signature(thing)}"
        homes = [k for k in thing.__mro__ if k.__module__.startswith("mezoo")]
        for member in sorted({m for k in homes for m in vars(k) if not m.startswith("_")}):
            value = inspect.getattr_static(thing, member)
            value = getattr(value, "__func__", value)
            yield f"{name}.{member}{signature(value) if inspect.isfunction(value) else ''}"
    elif callable(thing):
        yield f"{name}{signature(thing)}"
    else:
        yield name


def own(name: str, value: object, module: ModuleType) -> bool:
    return not name.startswith("_") and getattr(value, "__module__", None) == module.__name__


def signature(thing: object) -> str:
    """Names, order and defaults of arguments: how annotations are spelled differs between releases of libraries."""
    try:
        found = inspect.signature(thing)
    except (TypeError, ValueError):
        return ""
    plain = [p.replace(annotation=p.empty) for p in found.parameters.values()]
    text = str(found.replace(parameters=plain, return_annotation=found.empty))
    return re.sub(r" at 0x[0-9a-f]+|pathlib\._local\.|pathlib\.", "", text)


def test_the_door_is_as_listed():
    listed, found = LIST.read_text(encoding="utf-8").splitlines(), list(door())
    gone, new = sorted(set(listed) - set(found)), sorted(set(found) - set(listed))
    assert listed == found, f"gone: {gone}\nnew: {new}\n{__doc__}"


def test_every_name_is_documented():
    text = (ROOT / "plugins" / "README.md").read_text(encoding="utf-8")
    table = text.split("## What `from mezoo import ...` gives")[1].split("\n## ")[0]
    named = set(re.findall(r"`(\w+)`", table))
    assert set(mezoo.__all__) <= named, set(mezoo.__all__) - named
    assert f"API version {mezoo.API_VERSION}" in text


def test_the_example_of_a_dataset_without_films_works_as_it_stands(tmp_path):
    text = (ROOT / "plugins" / "README.md").read_text(encoding="utf-8")
    blocks = [part.split("```")[0] for part in text.split("```python\n")[1:3]]
    names = {name: getattr(mezoo, name) for name in mezoo.__all__} | {"Path": Path, "np": np}
    for block in blocks:
        exec(block, names)
    (tmp_path / "casme2").mkdir()
    (tmp_path / "samm").mkdir()
    (tmp_path / "clips.csv").write_text("dataset,subject,clip,label\nsamm,006,a,2\ncasme2,006,b,0\n")
    for place in ("samm/a", "casme2/b"):
        np.savez(tmp_path / f"{place}.npz", u_v_os=np.ones((28, 28, 3)))
    dataset = names["FlowMaps"](tmp_path)
    videos = dataset.videos()
    assert [(v.key, v.expressions[0].emotion) for v in videos] == [
        ("casme2/006/b", "negative"),
        ("samm/006/a", "surprise"),
    ]
    assert names["StoredMaps"]()(videos[0]).values.shape == (1, 28, 28, 3)
    assert dataset.verify().found == {"subjects": 2, "videos": 2}
    (tmp_path / "samm" / "a.npz").unlink()
    assert "samm/006/a" in dataset.verify().problems[0]


@pytest.mark.parametrize("declared", ["", "1", "1-1", "1-4", "0-1"])
def test_a_range_that_holds_this_version_fits(declared):
    assert Plugin("model", "m", "d", "1", "m:M", declared).misfit() == ""


@pytest.mark.parametrize(("declared", "said"), [("2", "--upgrade mezoo"), ("0", "--upgrade d"), ("one", "no number")])
def test_another_is_refused_with_what_to_install(declared, said):
    plugin = Plugin("model", "m", "d", "1", "m:M", declared)
    assert said in plugin.misfit()
    with pytest.raises(PluginError):
        load(plugin)


def test_ours_declare_it_too():
    assert find("model", "toy_side").api == "", "one that says nothing is taken as it is"


if __name__ == "__main__":
    LIST.write_text("\n".join(door()) + "\n", encoding="utf-8")
