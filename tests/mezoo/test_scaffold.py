"""`mezoo new`: what it writes can be installed, listed, checked and trained at once."""

import json
import re
import subprocess
import sys
import tomllib
from itertools import count
from pathlib import Path

import cv2
import numpy as np
import pytest

from mezoo import Video, datasets, registry, testing
from mezoo.errors import DataError
from mezoo.registry import load
from mezoo.scaffold.texts import renamed

NUMBERS = count()  # a name for each package: Python keeps modules that were imported
SMALL = ("synthetic.data.subjects=2", "synthetic.data.videos=1", "synthetic.data.seconds=8", "trainer.max_epochs=1")


def installed(package: Path, monkeypatch) -> None:
    """Put a package on the path as an installer would, with the entry points of its pyproject.toml."""
    told = tomllib.loads((package / "pyproject.toml").read_text())["project"]
    info = package / f"{told['name'].replace('-', '_')}-{told['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {told['name']}\nVersion: {told['version']}\n")
    groups = told["entry-points"].items()
    text = "\n".join(f"[{g}]\n" + "\n".join(f"{k} = {v}" for k, v in points.items()) for g, points in groups)
    (info / "entry_points.txt").write_text(text)
    monkeypatch.syspath_prepend(str(package))
    registry.plugins.cache_clear()


@pytest.mark.parametrize(
    ("kind", "flags"),
    [
        ("model", ()),
        ("model", ("--task", "spotting")),
        ("dataset", ()),
        ("dataset", ("--stored",)),
        ("feature", ()),
        ("model", ("--like", "mer_gcn")),
        ("dataset", ("--like", "smic")),
    ],
)
def test_a_new_package_is_listed_checked_and_clean(mezoo, tmp_path, monkeypatch, kind, flags):
    name = "fresh_one"
    code, out, _ = mezoo("new", kind, name, *flags, "--out", tmp_path)
    assert code == 0
    package = tmp_path / "mezoo-fresh-one"
    assert [line.split()[0:2] for line in out.splitlines()[1:]] == [
        ["pip", "install"],
        ["mezoo", "plugins"],
        ["mezoo", "fit"],
    ]
    texts = {p: p.read_text() for p in package.rglob("*") if p.is_file()}
    assert not [p for p, text in texts.items() if "newcomer" in (text + p.name).lower()]
    assert not [p for p, text in texts.items() if re.search(r"^@\S+@$|mezoo_mergcn|mezoo_smic", text, re.MULTILINE)]
    for tool in () if "--like" in flags else ("check", "format --check"):
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
        taken, _, err = mezoo("new", kind, name, *flags, "--out", tmp_path / "elsewhere")
        assert (taken, "already" in err) == (2, True)
    finally:
        registry.plugins.cache_clear()


@pytest.fixture
def fresh(mezoo, tmp_path, monkeypatch, cache):
    """Writes a package and puts it on the path."""

    def write(*words: str) -> str:
        name = f"own_{words[0]}_{next(NUMBERS)}"
        assert mezoo("new", words[0], name, *words[1:], "--out", tmp_path)[0] == 0
        installed(tmp_path / f"mezoo-{name.replace('_', '-')}", monkeypatch)
        return name

    yield write
    registry.plugins.cache_clear()


def test_a_new_dataset_keeps_its_promises(mezoo, fresh):
    code, out, err = mezoo("plugins", "check", fresh("dataset"))
    assert code == 0, out + err


def test_new_stored_maps_keep_their_promises_and_are_learnt(mezoo, fresh, tmp_path):
    name = fresh("dataset", "--stored")
    code, out, err = mezoo("plugins", "check", name, "--quick")
    assert code == 0, out + err
    assert [kind for kind in ("dataset", "feature", "model") if f"{kind} {name} of" not in out] == []
    small = ("--set", "synthetic.data.subjects=4", "--set", "trainer.max_epochs=15")
    code, out, err = mezoo("fit", name, "--synthetic", *small, "--runs", tmp_path / "runs")
    assert code == 0, out + err
    (result,) = (tmp_path / "runs").glob("*/result.json")
    assert json.loads(result.read_text())["scores"]["last"]["overall"]["uf1"] > 0.8


def test_a_new_spotter_is_trained_and_scored(mezoo, fresh, tmp_path):
    settings = [word for pair in SMALL for word in ("--set", pair)]
    code, out, err = mezoo(
        "fit", fresh("model", "--task", "spotting"), "--synthetic", *settings, "--runs", tmp_path / "runs"
    )
    assert code == 0, out + err
    (result,) = (tmp_path / "runs").glob("*/result.json")
    assert json.loads(result.read_text())["scores"]["last"]


def test_stored_files_are_read_whatever_their_kind(fresh, tmp_path):
    extractor = load(testing.named(fresh("dataset", "--stored"), "feature")[0])()
    maps = np.random.default_rng(0).integers(0, 256, (28, 28, 3), dtype=np.uint8)
    np.save(tmp_path / "a.npy", maps)
    np.savez(tmp_path / "a.npz", u_v_os=maps)
    cv2.imwrite(str(tmp_path / "a.png"), maps[..., ::-1])
    (tmp_path / "b.png").write_bytes(b"no picture")
    np.save(tmp_path / "b.npy", maps[0])

    def read(name):
        return extractor(Video("d", "1", "c", 1.0, datasets.StoredFrames((tmp_path / name,)))).values

    for end in ("npy", "npz", "png"):
        assert (read(f"a.{end}") == maps[None]).all()
    for name in ("b.png", "b.npy", "absent.npy"):
        with pytest.raises(DataError, match=re.escape(name)):
            read(name)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("dataset", "x1", "--task", "spotting"), "no task"),
        (("model", "x1", "--stored"), "--stored"),
        (("model", "x1", "--like", "mesne"), "did you mean 'mesnet'"),
        (("model", "x1", "--like", "mesnet", "--task", "spotting"), "--like"),
    ],
)
def test_what_does_not_fit_together_is_refused(mezoo, tmp_path, words, said):
    code, _, err = mezoo("new", *words, "--out", tmp_path)
    assert (code, said in err) == (2, True), err
    assert not [*tmp_path.iterdir()]


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
