from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree as Xml

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mezoo.predicted import write_eaf
from mezoo.predicted.clock import lanes
from mezoo.predicted.elan import tiers
from mezoo.prediction import Found, Prediction
from mezoo.records import Spot, Video

ORDER = ["HEADER", "TIME_ORDER", "TIER", "LINGUISTIC_TYPE", "LOCALE", "CONSTRAINT"]


def written(p, out: Path) -> Xml.Element:
    write_eaf(out / "film.eaf", p)
    root = Xml.parse(out / "film.eaf").getroot()
    check(root)
    return root


def check(root: Xml.Element) -> None:
    """The rules of the schema and of ELAN that a reader depends on."""
    kinds = [child.tag for child in root]
    assert sorted(kinds, key=ORDER.index) == kinds
    slots = {s.get("TIME_SLOT_ID"): int(s.get("TIME_VALUE", "")) for s in root.iter("TIME_SLOT")}
    assert len(slots) == len([*root.iter("TIME_SLOT")])
    assert [*slots.values()] == sorted(slots.values())
    ids = [a.get("ANNOTATION_ID") for a in [*root.iter("ALIGNABLE_ANNOTATION"), *root.iter("REF_ANNOTATION")]]
    assert sorted(ids, key=lambda i: int(i[1:])) == [f"a{i + 1}" for i in range(len(ids))]
    names = [t.get("TIER_ID") for t in root.iter("TIER")]
    assert len({*names}) == len(names)
    types = {t.get("LINGUISTIC_TYPE_ID"): t for t in root.iter("LINGUISTIC_TYPE")}
    stereotypes = {c.get("STEREOTYPE") for c in root.iter("CONSTRAINT")}
    used: list[str] = []
    for tier in root.iter("TIER"):
        kind = types[tier.get("LINGUISTIC_TYPE_REF")]
        assert kind.get("CONSTRAINTS", "Included_In") in stereotypes
        assert (kind.get("TIME_ALIGNABLE") == "true") == (tier.get("PARENT_REF") is None)
        assert tier.get("PARENT_REF") in {None, *names}
        refs = [(a.get("TIME_SLOT_REF1"), a.get("TIME_SLOT_REF2")) for a in tier.iter("ALIGNABLE_ANNOTATION")]
        used += [slot for pair in refs for slot in pair]
        times = [(slots[a], slots[b]) for a, b in refs]
        assert all(begin < end for begin, end in times)
        assert all(a[1] <= b[0] for a, b in pairwise(times))
        parents = {a.get("ANNOTATION_ID") for t in root.iter("TIER") if t.get("TIER_ID") == tier.get("PARENT_REF")
                   for a in t.iter("ALIGNABLE_ANNOTATION")}  # fmt: skip
        assert all(a.get("ANNOTATION_REF") in parents for a in tier.iter("REF_ANNOTATION"))
    assert sorted(used) == sorted(slots)
    assert root.findtext("HEADER/PROPERTY[@NAME='lastUsedAnnotationId']") == str(len(ids))
    assert root.find("HEADER").get("TIME_UNITS") == "milliseconds"


def rows(root, tier):
    return [[v.text for v in t.iter("ANNOTATION_VALUE")] for t in root.iter("TIER") if t.get("TIER_ID") == tier]


def test_tiers_of_what_was_found(made, tmp_path):
    named = made.found(10, 19, 0.5, votes=2, chances={"joy <&> \x00": 0.75, "fear": 0.25})
    p = made.prediction(named, made.found(50, 69, kind="macro"), face=made.face(lost=((30, 39),)))
    root = written(p, tmp_path)
    assert rows(root, "micro") == [["1, score 0.50, found by 2 of 3 members"]]
    assert rows(root, "micro emotion") == [["joy <&> \N{REPLACEMENT CHARACTER} 0.75"]]
    assert len(rows(root, "macro")[0]) == 1
    assert rows(root, "macro emotion") == []
    assert rows(root, "apex") == [["micro 1", "macro 2"]]
    assert rows(root, "no face") == [["no face"]]
    assert [(m.begin, m.end) for m in tiers(p)["apex"]] == [(560, 600), (2360, 2400)]
    assert [(m.begin, m.end) for m in tiers(p)["no face"]] == [(1200, 1600)]


def test_overlap_goes_to_a_second_tier(made, tmp_path):
    p = made.prediction(made.found(10, 30), made.found(20, 40), made.found(31, 35), made.found(12, 28, kind="macro"))
    root = written(p, tmp_path)
    assert [len(*rows(root, tier)) for tier in ("micro", "micro 2", "macro")] == [2, 1, 1]


def test_nothing_found_is_still_a_file_to_annotate(made, tmp_path):
    root = written(made.prediction(), tmp_path)
    assert [rows(root, tier) for tier in ("micro", "macro", "apex")] == [[[]]] * 3
    assert root.find("HEADER/MEDIA_DESCRIPTOR") is None


def test_a_clip_that_was_named_has_its_own_tier(made, tmp_path):
    p = made.prediction(made.found(0, 99, chances={"joy": 0.6, "fear": 0.4}), members=1)
    p = replace(p, curves={}, methods=(made.method(task="recognition"),))
    root = written(p, tmp_path)
    assert [t.get("TIER_ID") for t in root.iter("TIER")] == ["clip", "clip emotion"]


def test_the_film_is_named_as_elan_reads_it(made, tmp_path):
    film = tmp_path / "my films" / "a & b é.mp4"
    p = made.prediction(frames=made.Pictures(10, file=film))
    media = written(p, tmp_path / "out").find("HEADER/MEDIA_DESCRIPTOR")
    assert media.attrib == {
        "MEDIA_URL": f"file://{film.resolve().as_posix()}",
        "MIME_TYPE": "video/mp4",
        "RELATIVE_MEDIA_URL": "../my films/a & b é.mp4",
    }
    beside = written(p, film.parent).find("HEADER/MEDIA_DESCRIPTOR")
    assert beside.get("RELATIVE_MEDIA_URL") == "./a & b é.mp4"


spans = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 30)).map(lambda p: (p[0], p[0] + p[1])), max_size=25)


@given(spans, st.sampled_from([7.5, 24000 / 1001, 25.0, 29.97, 200.0, 2500.0]), st.sampled_from(["micro", "macro"]))
def test_whatever_is_found_the_file_holds(tmp_path_factory, intervals, fps, kind):
    class Frames:
        def __len__(self):
            return 100

        def files(self):
            return ()

    names = {"a": 0.5, "b": 0.5}
    found = tuple(Found(Spot("v", kind, a, b, 0.5), b, chances=names if a % 2 else {}) for a, b in intervals)
    p = Prediction(Video("film", "-", "x", fps, Frames()), found, {}, np.arange(0), ())  # type: ignore[arg-type]
    p = replace(p, curves={kind: np.zeros(0, dtype=np.float32)})
    root = written(p, tmp_path_factory.mktemp("eaf"))
    assert len([*root.iter("ALIGNABLE_ANNOTATION")]) == 2 * len(intervals)
    begins = sorted(m.begin for name, row in tiers(p).items() if name.startswith(kind) for m in row)
    for begin, onset in zip(begins, sorted(a for a, _ in intervals), strict=True):
        # At that millisecond the film shows the onset, unless a frame is shorter than one.
        assert fps > 1000 or int(begin * fps / 1000 + 1e-6) == onset


@given(spans)
def test_lanes_hold_everything_without_overlap_in_as_few_as_can_be(intervals):
    half_open = [(a, b + 1) for a, b in intervals]
    found = lanes(half_open)
    assert sorted(i for row in found for i in row) == [*range(len(intervals))]
    for row in found:
        assert all(half_open[a][1] <= half_open[b][0] for a, b in pairwise(row))
    deepest = max((sum(a <= t < b for a, b in half_open) for t in range(100)), default=0)
    assert len(found) == deepest
