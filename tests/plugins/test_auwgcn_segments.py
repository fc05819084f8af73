"""Stored features of AUW-GCN: windows joined to videos, labels read back, action units from a table, the stand-in."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mezoo_auwgcn import segment_files, segment_labels
from mezoo_auwgcn.segments import AuwGcnSegments
from mezoo_auwgcn.segments_feature import SegmentFeature
from mezoo_auwgcn.targets import KINDS, Span, cut, labels_of

from mezoo import DataError, ImageFolder, Video
from mezoo.datasets import StandIn


def motion(rows: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 1, (rows, 12, 2))


def save(
    folder: Path, video: str, values: np.ndarray, labels: np.ndarray, starts: tuple[int, ...] = (0, 256, 512)
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for start in starts:
        arrays = {"feature": cut(values, start), "label": cut(labels, start), "video_name": np.array(video)}
        np.savez(folder / f"{video}_{start:04d}.npz", allow_pickle=False, **arrays)


SPANS = [Span("micro", 30, 34, 41), Span("macro", 240, 255, 290), Span("macro", 560, 575, 590)]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two videos of 600 rows; copies in train folders as for leaving one subject out."""
    for subject, video, seed in (("casme_015", "casme_015_0101", 1), ("samm_006", "samm_006_1", 2)):
        values, labels = motion(600, seed), labels_of(SPANS, 600)
        save(tmp_path / "feature_segment" / subject / "test", video, values, labels)
        save(tmp_path / "feature_segment" / "samm_007" / "train", video, values, labels)
    return tmp_path


def test_windows_are_joined_to_whole_videos_and_each_is_read_once(root):
    dataset = AuwGcnSegments(root)
    videos = dataset.videos()
    assert [(v.subject, v.code, v.fps, len(v.frames)) for v in videos] == [
        ("casme_015", "casme_015_0101", 30.0, 600),
        ("samm_006", "samm_006_1", 25.0, 600),
    ]
    assert not any(v.synthetic for v in videos)
    for seed, video in enumerate(videos, start=1):
        found = [(e.kind, e.onset, e.apex, e.offset) for e in video.expressions]
        assert found == [tuple(span) for span in SPANS]
        files = video.frames.files()
        assert [path.name for path in files] == [f"{video.code}_{start:04d}.npz" for start in (0, 256, 512)]
        features = SegmentFeature()(video)
        np.testing.assert_array_equal(features.values, motion(600, seed).astype(np.float32))
        assert (features.n_frames, features.fps, len(features)) == (600, video.fps, 600)
        assert features.interval(*features.rows(30, 41)) == (30, 41)
        assert features.facts == {"windows": 3, "missing_rows": []}
    report = dataset.verify()
    assert report.found == {"subjects": 2, "videos": 2, "windows": 6, "rows": 1200, "micro": 2, "macro": 4}
    assert report.expected == {"subjects": 52, "micro": 216, "macro": 643}
    assert not report.problems


def test_there_are_no_images_and_the_error_says_so(root):
    frames = AuwGcnSegments(root).videos()[0].frames
    with pytest.raises(DataError, match="there are no images in") as caught:
        frames.read(0, grey=True)
    assert "auwgcn_segments" in str(caught.value)
    assert frames.number(7) == 7


def test_the_feature_is_for_stored_windows_only(tmp_path):
    (tmp_path / "img1.jpg").touch()
    video = Video("toy", "s", "v", 25.0, ImageFolder(tmp_path, r"img(?P<n>\d+)\.jpg"))
    with pytest.raises(DataError, match="no stored windows"):
        SegmentFeature()(video)


def test_a_missing_window_is_zeros_between_its_neighbours_margins_and_is_reported(root):
    for path in root.rglob("samm_006_1_0256.npz"):
        path.unlink()
    dataset = AuwGcnSegments(root)
    video = dataset.videos()[1]
    features = SegmentFeature()(video)
    assert features.facts["missing_rows"] == [[263, 504]]
    assert not features.values[263:505].any()
    np.testing.assert_array_equal(features.values[505:], motion(600, 2).astype(np.float32)[505:])
    assert dataset.verify().problems == ("samm_006_1: no window holds rows 263..504",)
    # The labels of rows 240 to 262 are there: an expression without end stops at its last row of action.
    assert [(e.onset, e.apex, e.offset) for e in video.expressions][1] == (240, 255, 262)


def test_damaged_windows_are_left_out_and_named(root):
    first = root / "feature_segment" / "casme_015" / "test" / "casme_015_0101_0512.npz"
    first.write_bytes(first.read_bytes()[:500])
    values = motion(600, 2)
    np.savez(root / "feature_segment/samm_006/test/samm_006_1_0000.npz", feature=values[:256], label=np.zeros((256, 8)))
    problems = AuwGcnSegments(root).verify().problems
    assert any("casme_015_0101_0512.npz cannot be read" in p for p in problems)
    assert any("samm_006_1_0000.npz has feature (256, 12, 2)" in p for p in problems)
    assert [len(v.frames) for v in AuwGcnSegments(root).videos()] == [512, 600]


def test_a_table_gives_the_action_units(root):
    lines = ["video_name,start_frame,type_idx,AU", "casme_015_0101,30,2,12", "casme_015_0101,561,macro,4+7"]
    (root / "labels.csv").write_text("\n".join([*lines, "samm_006_1,100,1,1", "samm_009_9,3,2,1"]))
    dataset = AuwGcnSegments(root)
    assert [[e.aus for e in v.expressions] for v in dataset.videos()] == [["12", "", "4+7"], ["", "", ""]]
    report = dataset.verify()
    assert any("macro at 100 of the table is not in the labels" in x.reason for x in report.excluded)
    assert report.problems == ("samm_009_9: in the table, but no window of it is there",)
    elsewhere = root / "labels.csv"
    elsewhere.rename(root / "feature_segment" / "other.csv")
    assert not any(e.aus for v in AuwGcnSegments(root).videos() for e in v.expressions)
    again = AuwGcnSegments(root, table=root / "feature_segment" / "other.csv", fps=50)
    assert any(e.aus for v in again.videos() for e in v.expressions)
    assert {v.fps for v in again.videos()} == {50}


def test_a_table_without_numbers_is_refused(root):
    (root / "labels.csv").write_text("video_name,start,type,au\nsamm_006_1,x,1,12\n")
    with pytest.raises(DataError, match="row 2"):
        AuwGcnSegments(root).videos()


span = st.tuples(st.integers(2, 40), st.integers(0, 40), st.integers(1, 30))


@settings(max_examples=100, deadline=None)
@given(st.lists(span, max_size=6), st.lists(span, max_size=6))
def test_labels_lead_back_to_the_expressions(micro, macro):
    spans, rows = [], 0
    for kind, given_spans in zip(KINDS, (micro, macro), strict=True):
        at = 0
        for length, rise, gap in given_spans:
            spans.append(Span(kind, at, at + min(rise, length), at + length))
            at += length + 1 + gap
        rows = max(rows, at)
    found, notes = segment_labels.expressions(labels_of(spans, rows + 1), "v")
    assert sorted(Span(e.kind, e.onset, e.apex, e.offset) for e in found) == sorted(spans)
    assert not notes


def test_overlapping_and_broken_labels_are_read_as_far_as_they_go():
    labels = labels_of([Span("macro", 10, 20, 40), Span("macro", 30, 35, 60), Span("macro", 80, 85, 90)], 100)
    labels[90, 6] = 0
    labels[99, 5] = 1  # the official code marks the last row where an apex is unknown
    found, notes = segment_labels.expressions(labels, "v")
    assert [(e.onset, e.apex, e.offset) for e in found] == [(10, 20, 40), (30, 35, 60), (80, 85, 90)]
    assert notes == [
        "macro start 80 has no end: 90 is taken, the last row of action",
        "macro apex 99 lies in no expression",
    ]


@settings(max_examples=30, deadline=None)
@given(rows=st.integers(1, 900), seed=st.integers(0, 99))
def test_cutting_and_joining_is_the_identity(tmp_path_factory, rows, seed):
    folder = tmp_path_factory.mktemp("windows")
    save(folder, "samm_006_1", motion(rows, seed), np.zeros((rows, 8)), tuple(range(0, rows, 256)))
    joined = segment_files.join([*folder.iterdir()])
    np.testing.assert_array_equal(joined.features, motion(rows, seed).astype(np.float32))
    assert not joined.gaps


@pytest.mark.parametrize(("intensity", "more"), [(1.0, (2.0, 20.0)), (0.0, (0.7, 1.3))])
def test_the_stand_in_moves_where_its_labels_say(tmp_path, intensity, more):
    AuwGcnSegments.write_synthetic(tmp_path, StandIn(subjects=2, videos=1, seconds=12, seed=3, intensity=intensity))
    dataset = AuwGcnSegments(tmp_path)
    assert dataset.verify().complete
    inside, outside = [], []
    for video in dataset.videos():
        assert video.synthetic
        assert all(e.aus for e in video.expressions)
        size = np.linalg.norm(SegmentFeature()(video).values, axis=2).max(axis=1)
        moving = np.zeros(len(size), dtype=bool)
        for e in video.expressions:
            moving[e.onset : e.offset + 1] = True
        inside += size[moving].tolist()
        outside += size[~moving].tolist()
    assert more[0] < np.mean(inside) / np.mean(outside) < more[1]
