"""What goes wrong with data and disks on the way through a real recipe: one clear screen, exit code 2, nothing lost."""

import json
import shutil

import openpyxl
import pytest

SMALL = (
    "features.size=16",
    "model.channels=[2, 2, 4, 4]",
    "model.clip_frames=32",
    "model.overlap=16",
    "model.pretrain_epochs=1",
    "trainer.max_epochs=2",
)
TABLE = "SAMM_LongVideos_V3_Release.xlsx"


@pytest.fixture(scope="session")
def stand_in(tmp_path_factory):
    from mezoo.datasets import StandIn
    from mezoo.registry import find, load

    out = tmp_path_factory.mktemp("samm") / "data"
    load(find("dataset", "samm_long")).write_synthetic(out, StandIn(subjects=2, videos=1, seconds=7))
    return out


@pytest.fixture
def data(stand_in, tmp_path, cache, monkeypatch):
    """A copy to be harmed; $MEZOO_DATA points at it."""
    copy = tmp_path / "data"
    shutil.copytree(stand_in, copy)
    monkeypatch.setenv("MEZOO_DATA", str(copy))
    return copy


@pytest.fixture
def fit(mezoo, tmp_path):
    def call(*more):
        overrides = [part for text in SMALL for part in ("--set", text)]
        return mezoo("fit", "mesnet_samm", "--runs", tmp_path / "runs", *overrides, *more)

    return call


def refused(outcome, *words):
    code, _, err = outcome
    assert code == 2, err
    errors = err[err.index("error:") :]
    for word in words:
        assert word in errors
    assert "Traceback" not in err
    assert len(errors.splitlines()) < 12


def edit(data, change):
    book = openpyxl.load_workbook(data / TABLE)
    change(book["FACS_Movement_Only"])
    book.save(data / TABLE)


def test_a_stand_in_given_as_root_is_marked_in_every_result(fit, data, tmp_path):
    code, out, err = fit()
    assert code == 0, err
    assert "SYNTHETIC" in err
    assert "[SYNTHETIC]" in out
    assert json.loads(next(tmp_path.glob("runs/*/result.json")).read_text())["synthetic"] is True
    next(tmp_path.glob("runs/*/result.json")).write_text("{")
    code, _, err = fit()
    assert code == 0, "a damaged result is made again from the folds"
    assert json.loads(next(tmp_path.glob("runs/*/result.json")).read_text())["status"] == "complete"


def test_a_stand_in_found_below_the_root_is_marked_too(fit, data, tmp_path, monkeypatch):
    shutil.move(data, tmp_path / "SAMM_longvideos" / "unzipped")
    monkeypatch.setenv("MEZOO_DATA", str(tmp_path))
    assert "[SYNTHETIC]" in fit()[1]


def test_a_truncated_frame_is_named_and_costs_only_its_video(fit, data, tmp_path):
    bad = sorted((data / "SAMM_longvideos/007_1").iterdir())[40]
    whole = bad.read_bytes()
    bad.write_bytes(whole[:2000])
    refused(fit(), bad.name, "truncated", "nothing that was finished is lost")
    kept = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("006_1-*.json")}
    assert len(kept) == 1
    bad.write_bytes(whole)
    assert fit()[0] == 0
    assert {p: p.stat().st_mtime_ns for p in kept} == kept


def test_a_missing_column_is_named_beside_those_found(fit, data):
    edit(data, lambda sheet: setattr(next(c for c in sheet[10] if c.value == "Offset"), "value", "Ende"))
    refused(fit(), TABLE, "'Offset'", "'Ende'")


def test_a_table_that_is_none(fit, data):
    (data / TABLE).write_text("hello")
    refused(fit(), TABLE, "no spreadsheet")


def test_an_annotation_beyond_the_video_is_reported_and_left_out(fit, mezoo, data, tmp_path):
    def far(sheet):
        row = next(r for r in sheet.iter_rows(min_row=11) if str(r[7].value).startswith("Micro"))
        for index, value in ((3, 90_000), (4, 90_010), (5, 90_050)):
            row[index].value = value

    edit(data, far)
    code, out, _ = mezoo("data", "verify", "samm_long", "--root", data)
    assert code == 1
    assert "outside the frames" in out
    assert fit()[0] == 0
    result = json.loads(next(tmp_path.glob("runs/*/result.json")).read_text())
    assert any("outside the frames" in row["reason"] for row in result["data"]["excluded"])


def test_an_empty_folder(fit, data):
    for video in (data / "SAMM_longvideos").iterdir():
        for frame in video.iterdir():
            frame.unlink()
    refused(fit(), "no frame", "--synthetic")


def test_places_that_cannot_be_written(fit, data, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    refused(fit("--runs", tmp_path / "file"), "cannot write the run folder", "--runs")
    monkeypatch.setenv("MEZOO_CACHE", str(tmp_path / "file"))
    refused(fit(), "feature store", "MEZOO_CACHE")
    refused(fit("--synthetic"), "stand-in", "MEZOO_CACHE")


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("trainer.accelerator=gpux", "accelerator"),
        ("trainer.max_epochs=1", "pre-training"),
        ("features.size=4", "size is at least 8"),
        ("model.use=mesnt", "did you mean 'mesnet'"),
        ("modle.lr=1", "did you mean 'model'"),
    ],
)
def test_settings_that_cannot_be(fit, data, override, words):
    refused(fit("--set", override), words)


def test_a_landmark_file_that_is_none(fit, data):
    (data / "landmarks/006_1.csv").write_text("frame,x\n1,2\n")
    refused(fit(), "006_1.csv")


def test_two_at_once_are_refused(fit, data, tmp_path):
    from filelock import FileLock

    fit()
    run = next(tmp_path.glob("runs/*"))
    (run / "result.json").unlink()
    with FileLock(run / ".lock"):
        refused(fit(), "another mezoo")
        refused(fit("--fresh"), "another mezoo")
    assert (run / "run.json").is_file()
