"""What every dataset of ours promises, whatever its layout: one test for all instead of one each."""

import json
from pathlib import Path

import pytest

from mezoo import DataError, datasets
from mezoo.datasets import StandIn
from mezoo.datasets.class_maps import class_map
from mezoo.registry import plugins

NAMES = sorted(p.name for p in plugins() if p.kind == "dataset" and p.distribution == "mezoo")
ALONE = [name for name in NAMES if name != "megc2019"]


def lines(report):
    return [f"{e.what} {e.reason} {e.action}" for e in report.excluded] + list(report.problems)


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    """Stand-ins of empty files, each written once."""
    written: dict[str, Path] = {}

    def root(name: str) -> Path:
        if name not in written:
            written[name] = tmp_path_factory.mktemp(name)
            datasets.find(name).write_synthetic(written[name], StandIn(subjects=4, frames="empty"))
        return written[name]

    return root


@pytest.mark.parametrize("name", NAMES)
def test_a_clean_stand_in_is_complete_and_every_video_has_its_own_key(clean, name):
    dataset = datasets.find(name)(clean(name))
    report, videos = dataset.verify(), dataset.videos()
    assert report.complete, report
    assert len({v.key for v in videos}) == len(videos) > 0
    assert all(v.synthetic and v.fps > 0 for v in videos)
    assert all(0 <= e.onset <= e.offset < len(v.frames) for v in videos for e in v.expressions)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seed", [1, 2])
def test_every_planted_defect_is_reported(tmp_path, name, seed):
    kind = datasets.find(name)
    kind.write_synthetic(tmp_path, StandIn(subjects=6, frames="empty", dirty=True, seed=seed))
    planted = json.loads((tmp_path / "SYNTHETIC.json").read_text())["planted"]
    told = lines(kind(tmp_path).verify())
    assert len(planted) >= 5
    assert [p for p in planted if not any(p["where"] in line and p["shows"] in line for line in told)] == []
    assert not kind(tmp_path).verify().complete
    assert kind(tmp_path).videos()


@pytest.mark.parametrize("name", ALONE)
@pytest.mark.parametrize("made", ["nothing", "a file", "an empty folder", "another dataset"])
def test_wrong_roots_say_where_to_get_the_data(tmp_path, name, made):
    kind, root = datasets.find(name), tmp_path / "data"
    if made == "a file":
        root.touch()
    elif made != "nothing":
        (root / ("" if made == "an empty folder" else "holiday/2026")).mkdir(parents=True)
    for ask in ("videos", "verify"):
        with pytest.raises(DataError) as caught:
            getattr(kind(root), ask)()
        assert str(root) in str(caught.value)
        assert kind.info.owner.split(",")[0] in str(caught.value)
        assert "--synthetic" in str(caught.value)
        assert len(str(caught.value).splitlines()) <= 3


@pytest.mark.parametrize("name", NAMES)
def test_a_stand_in_is_never_written_over_data(clean, name):
    root = clean(name)
    before = {p: p.stat().st_mtime_ns for p in root.rglob("*")}
    with pytest.raises(DataError):
        datasets.find(name).write_synthetic(root, StandIn(subjects=4, frames="empty"))
    assert {p: p.stat().st_mtime_ns for p in root.rglob("*")} == before


@pytest.mark.parametrize("name", NAMES)
def test_strange_presets_and_sizes_are_refused(tmp_path, name):
    for spec in (StandIn(preset="huge"), StandIn(subjects=1000, frames="none")):
        with pytest.raises(DataError):
            datasets.find(name).write_synthetic(tmp_path / "out", spec)


@pytest.mark.parametrize("name", NAMES)
def test_info_names_owner_paper_and_class_maps(name):
    info = datasets.find(name).info
    assert all((info.title, info.paper, info.owner, info.access, info.layout))
    assert info.fps > 0
    assert all(class_map(m, info.emotions).classes for m in info.class_maps)
    assert "native" not in info.class_maps or info.emotions
