"""Plugins that are slow, incomplete or talkative: said by name, without wrong blame, and JSON stays JSON."""

import json
import os
import subprocess
import sys

import pytest
from mezoo_toy.data import Toy
from mezoo_toy.feature import ToyMean
from mezoo_toy.model import ToyThreshold

from mezoo import registry
from mezoo.errors import PluginError
from mezoo.unwritten import unwritten

WHOLE = "    def __call__(self, video): ...\n"


@pytest.fixture
def guest(tmp_path, monkeypatch):
    """Install a module with a feature `guest` of a class `Guest`; its plugin."""
    number = 0

    def install(code):
        nonlocal number
        number += 1
        module = f"guest_{abs(hash(str(tmp_path)))}_{number}"
        info = tmp_path / f"guest_{number}" / "some_guest-1.2.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: some-guest\nVersion: 1.2\n")
        (info / "entry_points.txt").write_text(f"[mezoo.features]\nguest = {module}:Guest\n")
        (info.parent / f"{module}.py").write_text(code)
        monkeypatch.syspath_prepend(str(info.parent))
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(info.parent), os.environ.get("PYTHONPATH", "")]))
        registry.plugins.cache_clear()
        return registry.find("feature", "guest")

    yield install
    registry.plugins.cache_clear()


SLOW = f"import time\nfrom mezoo import FeatureExtractor\ntime.sleep(0.5)\nclass Guest(FeatureExtractor):\n{WHOLE}"


def test_a_slow_import_is_no_defect_and_is_waited_for_no_longer(guest, monkeypatch):
    monkeypatch.setattr(registry, "TRIAL_S", 0.2)
    plugin = guest(SLOW)
    assert registry.state(plugin) == "slow: its import was given up after 0.2 s, mezoo fit waits for it"
    assert registry.defect(plugin) == ""


def test_what_is_imported_for_long_is_named(guest, monkeypatch, capsys):
    monkeypatch.setattr(registry, "PATIENCE_S", 0.1)
    registry.load(guest(SLOW))
    assert capsys.readouterr() == ("", "importing feature 'guest' of some-guest 1.2 ...\n")
    monkeypatch.setattr(registry, "PATIENCE_S", 60.0)
    registry.load(guest(SLOW))
    assert capsys.readouterr().err == ""


def test_checking_a_recipe_waits_for_no_import(guest, mezoo, monkeypatch):
    guest(SLOW.replace("0.5", "500"))
    code, out, _ = mezoo("check", "toy", "--synthetic", "--set", "features={use: guest}")
    assert (code, "ok" in out) == (0, True)


def test_a_plugin_that_ends_the_program_is_told(guest):
    plugin = guest(
        f"import sys\nfrom mezoo import FeatureExtractor\nsys.exit(0)\nclass Guest(FeatureExtractor):\n{WHOLE}"
    )
    with pytest.raises(PluginError, match=r"'guest' of some-guest 1\.2 cannot be loaded: SystemExit: 0"):
        registry.load(plugin)


DOOR = "from mezoo import FeatureExtractor, Recognizer, Spotter, datasets\nimport mezoo\n"
MODEL = "".join(f"    def {m}(self): ...\n" for m in ("build", "samples", "training_step", "predict_step"))


@pytest.mark.parametrize(
    ("code", "missing"),
    [
        ("class Guest(FeatureExtractor):\n    version = '1'\n", ["__call__"]),
        (f"class Guest(FeatureExtractor):\n{WHOLE}", []),
        ("class Guest(FeatureExtractor):\n    __call__ = lambda self, video: None\n", []),
        ("class Guest(mezoo.FeatureExtractor):\n    pass\n", ["__call__"]),
        (f"class Base(Spotter):\n{MODEL}class Guest(Base):\n    pass\n", ["decode"]),
        (f"class Guest(Recognizer):\n{MODEL}", []),
        ("class Guest(Recognizer):\n    pass\n", ["build", "predict_step", "samples", "training_step"]),
        ("class Guest(datasets.IndexedDataset):\n    pass\n", ["index"]),
        ("from somewhere import Mixin\nclass Guest(Mixin, FeatureExtractor):\n    pass\n", []),
        ("def fill(c): return c\n@fill\nclass Guest(FeatureExtractor):\n    pass\n", []),
        (f"class Guest(FeatureExtractor):\n    if True:\n    {WHOLE}", []),
    ],
)
def test_methods_that_are_missing_are_known_from_the_source(guest, code, missing):
    plugin = guest(DOOR + code)
    assert unwritten(plugin.module, plugin.attribute) == missing
    if missing:
        assert registry.state(plugin) == f"broken: has no {', '.join(missing)}"
    assert plugin.module not in sys.modules


def test_what_source_says_is_missing_is_what_python_says():
    for plugin in registry.plugins():
        if plugin.kind != "recipe":
            assert unwritten(plugin.module, plugin.attribute) == sorted(registry.load(plugin).__abstractmethods__)


def noisy(monkeypatch, owner, method):
    honest = getattr(owner, method)

    def call(self, *given, **named):
        print("noise")
        return honest(self, *given, **named)

    monkeypatch.setattr(owner, method, call)


@pytest.mark.parametrize(
    ("owner", "method", "command"),
    [
        (ToyThreshold, "training_step", ("plan", "toy", "--synthetic", "--json")),
        (ToyThreshold, "__init__", ("plan", "toy", "--synthetic", "--json")),
        (ToyMean, "__init__", ("store", "explain", "toy", "--synthetic", "--json")),
        (ToyMean, "__call__", ("extract", "toy", "--synthetic", "--workers", "1", "--json")),
        (Toy, "verify", ("data", "verify", "toy", "--root", "{cache}", "--json")),
    ],
)
def test_a_plugin_that_prints_leaves_json_readable(mezoo, cache, monkeypatch, owner, method, command):
    noisy(monkeypatch, owner, method)
    cache.mkdir(exist_ok=True)
    (cache / "toy.json").write_text(json.dumps({"gain": 1, "rows": [{"subject": "a", "events": []}]}))
    _, out, err = mezoo(*(word.format(cache=cache) for word in command))
    assert json.loads(out)
    assert "noise" in err or command[0] == "plan", "its steps are tried in a process of its own"


def test_a_module_that_prints_leaves_json_readable(guest, mezoo, cache):
    guest(
        "from mezoo import FeatureExtractor\nprint('noise')\n"
        f"class Guest(FeatureExtractor):\n    version = '1'\n{WHOLE}"
    )
    code, out, err = mezoo("store", "explain", "toy", "--synthetic", "--set", "features={use: guest}", "--json")
    assert code == 0, err
    assert json.loads(out)
    assert "noise" in err
    assert json.loads(mezoo("list", "features", "--json")[1])


def test_what_libraries_of_c_and_other_processes_print_is_kept_out_too():
    code = (
        "import os, subprocess, sys\nfrom mezoo.tables_out import print_json, reserved_output\n"
        "with reserved_output():\n"
        "    os.write(1, b'noise'); subprocess.run(['echo', 'noise']); print('noise'); print_json({'a': 'ä'})\n"
        "print('after')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    document, end, after = done.stdout.partition("}\n")
    assert (json.loads(document + end), after) == ({"a": "ä"}, "after\n")
    assert done.stderr.count("noise") == 3


def test_a_dataset_that_refuses_its_arguments_is_named(mezoo, cache, monkeypatch):
    monkeypatch.setattr(Toy, "__init__", lambda self, root, limit=None: 1 / 0)
    code, out, err = mezoo("data", "verify", "toy", "--root", cache)
    assert code == 2, out
    assert "dataset 'toy' of mezoo-toy refuses its arguments: ZeroDivisionError" in err
