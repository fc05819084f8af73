import json
from pathlib import Path

import pytest
from mezoo_megc.megc2019 import Megc2019

from mezoo import DataError, ImageFolder, datasets
from mezoo.datasets import StandIn

ROWS = {
    "casme2": [
        ("01", "EP02_01f", "disgust"),
        ("01", "EP03_02", "others"),
        ("02", "EP02_01f", "happiness"),
        ("04", "EP12_01f", "repression"),
        ("05", "EP09_05f", "disgust"),
        ("09", "EP02_02f", "happiness"),
        ("24", "EP07_01", "surprise"),
        ("24", "EP07_04f", "surprise"),
        ("24", "EP10_03", "surprise"),
        ("24", "EP02_07", "sadness"),
        ("24", "EP08_02", "surprise"),
        ("25", "EP01_01", "fear"),
    ],
    "smic": [("s03", "s3_ne_03", "negative"), ("s03", "s3_po_01", "positive"), ("s20", "s20_sur_02", "surprise")],
    "samm": [
        ("006", "006_1_2", "contempt"),
        ("006", "006_1_3", "others"),
        ("011", "011_4_2", "happiness"),
        ("030", "030_1_1", "surprise"),
    ],
}
CHOSEN = {
    "casme2/01/EP02_01f": "negative",
    "casme2/02/EP02_01f": "positive",
    "casme2/24/EP08_02": "surprise",
    "samm/006/006_1_2": "negative",
    "samm/011/011_4_2": "positive",
    "samm/030/030_1_1": "surprise",
    "smic/s03/s3_ne_03": "negative",
    "smic/s03/s3_po_01": "positive",
    "smic/s20/s20_sur_02": "surprise",
}


class Fake(datasets.IndexedDataset):
    """A part of the composite as small as can be: rows in a file, one folder of frames for each."""

    def __init__(self, root):
        self.root = root

    def index(self):
        datasets.folders.require_folder(self.root, self.info.title, "get it")
        if not (self.root / "rows.json").exists():
            raise DataError(f"{self.info.title}: no table in {self.root}", hint="get it")
        rows = json.loads((self.root / "rows.json").read_text())
        folders = datasets.folders.subfolders(self.root / "clips") if (self.root / "clips").is_dir() else []
        return datasets.Index(
            where=self.root,
            table=self.root / "rows.json",
            clips=[datasets.Clip(*folder.name.split("+"), ImageFolder(folder)) for folder in folders],
            annotations=[
                datasets.Annotation(s, c, c, "micro", 1, 60, 2, e, line=i, published={"Emotion": e})
                for i, (s, c, e) in enumerate(rows, start=2)
            ],
            expected={},
            excluded=[datasets.Excluded("rows.json", "1 row(s) above the header", "skipped")],
        )

    @classmethod
    def write_synthetic(cls, out, spec, bars=datasets.no_bars):
        write(out, ROWS[cls.name], empty=spec.frames == "none")
        planted = [datasets.stand_ins.Planted("preamble", "", "above the header")] if spec.dirty else []
        datasets.stand_ins.finish(out, cls.name, spec, {}, planted)


def write(root, rows, empty=False):
    for subject, clip, _ in () if empty else rows:
        folder = root / "clips" / f"{subject}+{clip}"
        folder.mkdir(parents=True)
        for n in range(1, 61):
            (folder / f"{n}.jpg").touch()
    root.mkdir(parents=True, exist_ok=True)
    (root / "rows.json").write_text(json.dumps(rows))


def fake(name):
    info = datasets.DatasetInfo(name.upper(), "paper", "owner", "access", "layout", 100.0)
    return type(name, (Fake,), {"name": name, "info": info})


@pytest.fixture(autouse=True)
def _parts(monkeypatch):
    found = {name: fake(name) for name in ROWS}
    monkeypatch.setattr(datasets, "find", found.__getitem__)


@pytest.fixture
def root(tmp_path):
    for name, folder in (("casme2", "CASME2"), ("smic", "SMIC"), ("samm", "SAMM")):
        write(tmp_path / folder, ROWS[name])
    return tmp_path


def classes(root, **options):
    return {v.key: v.expressions[0].emotion for v in Megc2019(root, **options).videos()}


def test_without_a_list_the_clips_follow_from_the_class_map(root):
    assert classes(root) == CHOSEN


def test_videos_keep_their_dataset_subject_and_published_emotion(root):
    videos = Megc2019(root).videos()
    first = videos[0]
    assert (first.dataset, first.subject, first.code, first.fps) == ("casme2", "01", "EP02_01f", 100)
    assert (first.expressions[0].emotion, first.expressions[0].published["Emotion"]) == ("negative", "disgust")
    assert [v.key for v in videos] == sorted(CHOSEN)
    assert len({(v.dataset, v.subject) for v in videos}) == 8


def test_counts(root):
    report = Megc2019(root).verify()
    names = ("clips", "subjects", "negative", "positive", "surprise", "casme2", "smic", "samm")
    assert report.expected == dict(zip(names, (442, 68, 250, 109, 83, 145, 164, 133), strict=True))
    assert report.found == dict(zip(names, (9, 8, 3, 3, 3, 3, 3, 3), strict=True))
    assert report.classes == {"native": {"negative": 3, "positive": 3, "surprise": 3}}
    assert report.problems == ()
    assert not report.complete
    assert [x.what for x in report.excluded] == [f"{p}: rows.json" for p in ("casme2", "smic", "samm")]


LIST = [
    "casme2,sub01,EP02_01f,0",
    "casme2,sub24,EP07_01,0",
    "smic,s03,s03_ne_03,0",
    "smic,s20,s20_sur_02,2",
    "samm,6,006_1_2,0",
    "samm,11,011_4_2,1",
]


@pytest.mark.parametrize("place", ["combined_3class_gt.csv", "megc/combined_3class_gt.csv", "mine.csv"])
def test_the_list_decides_where_it_is_there(root, place):
    (root / place).parent.mkdir(exist_ok=True)
    (root / place).write_text("\n".join(LIST))
    found = classes(root, labels=root / place if place == "mine.csv" else None)
    assert found == {
        "casme2/01/EP02_01f": "negative",
        "casme2/24/EP07_01": "negative",
        "smic/s03/s3_ne_03": "negative",
        "smic/s20/s20_sur_02": "surprise",
        "samm/006/006_1_2": "negative",
        "samm/011/011_4_2": "positive",
    }


def test_listed_clips_that_are_not_there_are_problems(root):
    (root / "combined_3class_gt.csv").write_text("\n".join([*LIST, "samm,6,006_9_9,1", "samm,6,006_1_3,3"]))
    report = Megc2019(root).verify()
    assert report.problems == (
        "combined_3class_gt.csv, line 8: samm, 6, 006_1_3 has no class 0, 1 or 2",
        "samm/6/006_9_9: in combined_3class_gt.csv, but samm has no such clip",
    )
    assert report.found["samm"] == 2
    assert len(Megc2019(root).videos()) == 6
    with pytest.raises(DataError, match="samm/6/006_9_9"):
        Megc2019(root, strict=True).videos()


def test_a_header_line_and_trailing_blanks_do_no_harm(root):
    (root / "combined_3class_gt.csv").write_text("\n".join(["dataset,subject,clip,label", *LIST, "", " , , , "]))
    assert len(classes(root)) == 6
    assert Megc2019(root).verify().problems == ()


def test_a_list_of_nothing_says_what_is_wanted(root):
    (root / "mine.csv").write_text("a,b\nc,d\n")
    with pytest.raises(DataError, match=r"lists no clip\nuse combined_3class_gt.csv"):
        Megc2019(root, labels=root / "mine.csv").videos()
    with pytest.raises(DataError, match="cannot read"):
        Megc2019(root, labels=root / "none.csv").videos()


def test_only_what_concerns_the_composite_is_a_problem(root):
    for folder in ("01+EP02_01f", "25+EP01_01"):
        for path in (root / "CASME2" / "clips" / folder).iterdir():
            path.unlink()
    report = Megc2019(root).verify()
    assert report.problems == ("casme2: 01/EP02_01f: no frames on disk for 1 row(s)",)
    assert datasets.Excluded(
        "casme2: 25/EP01_01", "no frames on disk for 1 row(s)", "not part of the composite"
    ) in tuple(report.excluded)
    assert (report.found["clips"], report.found["casme2"]) == (8, 3)
    assert len(Megc2019(root).videos()) == 8
    with pytest.raises(DataError, match=r"strict: 1 clip\(s\) missing: casme2/1/ep02_01f"):
        Megc2019(root, strict=True).videos()


@pytest.mark.parametrize(
    ("casme2", "smic", "samm"),
    [
        ("CASME II", "SMIC_all_cropped", "SAMM_v2"),
        ("casme-ii", "SMIC-HS", "samm"),
        ("x/CASME2_RAW_selected", "x/SMIC", "x/SAMM_CROP"),
    ],
)
def test_parts_are_found_by_the_names_of_their_folders(tmp_path, casme2, smic, samm):
    for name, folder in (("casme2", casme2), ("smic", smic), ("samm", samm)):
        write(tmp_path / folder, ROWS[name])
    for other in ("CASME", "CAS(ME)^2", "CASME_sq", "SAMM_longvideos", "SAMM LV", "SMIC-E_raw image", "SMIC-E"):
        (tmp_path / other).mkdir(exist_ok=True)
    assert classes(tmp_path) == CHOSEN


def test_the_folder_of_the_bare_name_wins_and_deeper_ones_do_not_count(root):
    for decoy in ("CASME2_RAW_selected", "SAMM_CROP", "CASME2/SMIC_all_raw"):
        (root / decoy).mkdir()
    assert classes(root) == CHOSEN


def test_parts_may_lie_elsewhere(root, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "a"
    (root / "SAMM").rename(elsewhere)
    assert classes(root, samm=elsewhere, casme2=root / "CASME2", smic=root / "SMIC") == CHOSEN


def test_two_folders_for_one_part_leave_the_choice_to_its_plugin(tmp_path):
    (tmp_path / "SMIC_all_raw").mkdir()
    (tmp_path / "SMIC_all_cropped").mkdir()
    assert Megc2019(tmp_path)._folder("smic") == tmp_path


def test_a_part_that_is_not_there(root):
    (root / "SMIC").rename(root / "renamed")
    with pytest.raises(DataError, match="SMIC: no table"):
        Megc2019(root).videos()
    report = Megc2019(root).verify()
    assert report.problems == (f"smic: SMIC: no table in {root}",)
    assert (report.found["clips"], report.found["samm"], report.found.get("smic")) == (6, 3, None)


@pytest.mark.parametrize("made", ["nothing", "a file"])
def test_wrong_roots_say_what_to_do(tmp_path, made):
    if made == "a file":
        (tmp_path / "data").touch()
    with pytest.raises(DataError) as caught:
        Megc2019(tmp_path / "data").videos()
    assert str(tmp_path / "data") in str(caught.value)
    assert "SMIC, CASME II and SAMM" in str(caught.value)
    assert "--synthetic" in str(caught.value)


def test_tables_alone_can_be_counted(tmp_path):
    for name, folder in (("casme2", "CASME2"), ("smic", "SMIC"), ("samm", "SAMM")):
        write(tmp_path / folder, ROWS[name], empty=True)
    report = Megc2019(tmp_path).verify()
    assert (report.found["clips"], report.found["casme2"], report.found["negative"]) == (0, 3, 3)
    assert len(report.problems) == 3
    with pytest.raises(DataError, match="no frames in"):
        Megc2019(tmp_path).videos()


@pytest.mark.parametrize("dirty", [False, True])
def test_stand_in_is_three_stand_ins_and_a_mark(tmp_path, dirty):
    Megc2019.write_synthetic(tmp_path, StandIn(dirty=dirty))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["CASME2", "SAMM", "SMIC", "SYNTHETIC.json"]
    mark = json.loads((tmp_path / "SYNTHETIC.json").read_text())
    assert (mark["dataset"], mark["expected"]["clips"], len(mark["planted"])) == ("megc2019", 9, 3 * dirty)
    assert json.loads((tmp_path / "SMIC" / "SYNTHETIC.json").read_text())["dataset"] == "smic"
    report = Megc2019(tmp_path).verify()
    assert report.complete
    lines = [f"{x.what} {x.reason} {x.action}" for x in report.excluded]
    assert all(any(p["where"] in line and p["shows"] in line for line in lines) for p in mark["planted"])
    assert classes(tmp_path) == CHOSEN


def test_the_mark_of_another_stand_in_is_not_taken_for_the_composite(root):
    datasets.stand_ins.finish(root, "casme2", StandIn(), {"clips": 9})
    assert Megc2019(Path(root)).verify().expected["clips"] == 442
