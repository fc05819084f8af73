"""Every bundled dataset, feature and model keeps its contract: the checks that its users run, on small ones.

As a user would see them, at full size and with the training of the recipe: `mezoo plugins check NAME`.
"""

import re
import zipfile
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from mezoo_toy.frames import NoFrames

from mezoo import Example, Expression, Features, Video, testing
from mezoo.contracts import SYNTHETIC_MARK, StandIn
from mezoo.notebook import load_dataset
from mezoo.plugin_objects import make
from mezoo.recipe import read_block
from mezoo.registry import load, plugins
from mezoo.testing import dataset_checks

TINY = StandIn(subjects=2, videos=1, seconds=5)
OURS = {kind: [p for p in plugins() if p.kind == kind and p.distribution == "mezoo"] for kind in ("dataset", "feature")}
DATASET_CHECKS = [c for c in testing.DATASET_CHECKS if c is not dataset_checks.writes_a_stand_in]
"""Equal seeds are looked at below: that check compares bytes, and a workbook holds the second in which it was saved."""
RECOGNISED = ("negative", "positive", "surprise")
FEATURES = {
    "align": "{size: 48}",
    "auwgcn_segments": "{}",
    "dis": "{size: [64, 64]}",
    "evm": "{size: 48}",
    "evm_flow": "{crop: {use: align, size: 32}, magnify: {use: evm}, flow: {use: farneback, pairs: first}, frames: 3}",
    "face_crop": "{size: 48}",
    "farneback": "{size: [48, 48]}",
    "landmarks": "{}",
    "roi_flow": "{flow: {use: farneback}}",
    "tvl1": "{size: [48, 48]}",
}
MODELS = {
    "adaptive_gat": "{batch_size: 8}",
    "auw_gcn": "{preset: cas_me_sq, batch_size: 4}",
    "mer_gcn": "{backbone: c3d, width: 2, node_features: 4, gcn_width: 6, aus: [4], batch_size: 4}",
    "mesnet": "{channels: [8, 8, 8, 8], temporal_channels: 16, hidden: 16, cpn_channels: 8, pretrain_epochs: 2}",
    "resnet34_lstm": "{frames: 3, backbone: resnet18, widths: [4, 6, 8, 10], hidden: 8, fim_kernel: 1, batch_size: 4}",
}


def failed(checks, case):
    return {o.check: o.detail for o in testing.outcomes(checks, case) if o.verdict == "FAIL"}


def object_of(kind, name, options):
    inner = options[1:-1]
    return make(read_block(kind, f"{{use: {name}{', ' + inner if inner else ''}}}", (), ()))


@pytest.mark.parametrize("plugin", OURS["dataset"], ids=lambda p: p.name)
def test_datasets(plugin, tmp_path, monkeypatch):
    monkeypatch.setattr(dataset_checks, "SMALLEST", replace(TINY, frames="empty"))
    spec = replace(TINY, videos=4 if plugin.name in {"casme", "casme2"} else 1)  # so that two classes occur
    assert failed(DATASET_CHECKS, testing.DatasetCase(load(plugin), tmp_path, spec=spec)) == {}


@pytest.mark.parametrize("plugin", OURS["dataset"], ids=lambda p: p.name)
def test_equal_seeds_write_equal_tables(plugin, tmp_path):
    for place, seed in (("a", 0), ("b", 0), ("c", 1)):
        load(plugin).write_synthetic(tmp_path / place, replace(TINY, subjects=3, seed=seed, frames="none"))
    first, again, other = (told(tmp_path / place) for place in "abc")
    assert first == again
    assert first != other or not first, "another seed, another stand-in"


def told(root: Path) -> dict[str, object]:
    """Files below a folder; of a workbook its sheets, without the time of saving."""
    files = [p for p in root.rglob("*") if p.name != SYNTHETIC_MARK]
    return {p.relative_to(root).as_posix(): content(p) for p in files}


def content(path: Path) -> object:
    if path.is_dir():
        return None
    if path.suffix != ".xlsx":
        return path.read_bytes()
    with zipfile.ZipFile(path) as book:
        return {n: book.read(n) for n in book.namelist() if not re.match("docProps/", n)}


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    patch = pytest.MonkeyPatch()
    patch.setenv("MEZOO_CACHE", str(tmp_path_factory.mktemp("cache")))
    clips = load_dataset("casme", synthetic={"subjects": 2, "videos": 1}).videos()
    stored = load_dataset("auwgcn_segments", synthetic={"subjects": 2, "videos": 1, "seconds": 5}).videos()
    yield {"clips": clips, "auwgcn_segments": stored}
    patch.undo()


@pytest.mark.parametrize("plugin", OURS["feature"], ids=lambda p: p.name)
def test_features(plugin, videos):
    made = partial(object_of, "feature", plugin.name, FEATURES[plugin.name])
    case = testing.FeatureCase(made, videos.get(plugin.name, videos["clips"]))
    # The stored windows of a film are read whole: this one does not look at which frames of it are asked for.
    assert not failed(testing.FEATURE_CHECKS, case)


def pictures(clip: Example) -> Example:
    grey = (clip.features.values * 40 + 128).clip(0, 255).astype(np.uint8)
    return replace(clip, features=replace(clip.features, values=grey))


def films(shape: tuple[int, ...], dtype: type) -> list[Example]:
    """Two films of 240 rows of each of three people, with three micro-expressions."""
    rng = np.random.default_rng(0)
    made = []
    for number in range(6):
        values = (rng.standard_normal((240, *shape)) * 40 + 128).clip(0, 255).astype(dtype)
        spans = [(n, n + 12) for n in (30, 110, 190)]
        found = tuple(Expression(f"e{a}", "micro", a, b, (a + b) // 2, "negative", "1+2+12") for a, b in spans)
        video = Video("noise", f"{number // 2:02d}", f"f{number}", 30.0, NoFrames(240), found, synthetic=True)
        made.append(Example(video, Features(values, np.arange(240), 240, 30.0)))
    return made


def examples(name: str) -> list[Example]:
    if name == "adaptive_gat":
        return testing.noise_clips((3, 12, 2), RECOGNISED, subjects=3)
    if name == "auw_gcn":
        return films((12, 2), np.float32)
    if name == "mesnet":
        return films((32, 32), np.uint8)
    size = (16, 32, 32, 3) if name == "mer_gcn" else (3, 32, 32, 3)
    return [pictures(clip) for clip in testing.noise_clips(size, RECOGNISED, subjects=3, clips=4)]


@pytest.mark.parametrize("name", MODELS)
def test_models(name):
    clips = examples(name)

    def made():
        model = object_of("model", name, MODELS[name])
        if clips[0].label is not None:
            model.classes = RECOGNISED
        return model

    assert failed(testing.QUICK_MODEL_CHECKS, testing.ModelCase(made, clips)) == {}


def test_none_is_left_out():
    assert {p.name for p in plugins() if p.kind == "model" and p.distribution == "mezoo"} == {*MODELS}
    assert {p.name for p in OURS["feature"]} == {*FEATURES}
