"""Numbers that are none, classes that are missing, videos that are too short: what happens is defined, and said."""

import json

import numpy as np
import pytest
import torch


@pytest.fixture
def fit(mezoo, tmp_path, cache, monkeypatch):
    """Fit a toy recipe on films of the test's own; exit code, result, page and the run's folder."""

    def call(recipe, rows, *more, refused=False):
        root = tmp_path / "films"
        root.mkdir(exist_ok=True)
        told = [{"subject": subject, "events": events} for subject, events in rows]
        (root / "toy.json").write_text(json.dumps({"gain": 1.0, "rows": told}))
        monkeypatch.setenv("TOY_ROOT", str(root))
        few = ("--set", "trainer.max_epochs=2", *more)
        code, _, err = mezoo("fit", recipe, "--runs", tmp_path / "runs", *few)
        assert "Traceback" not in err
        if refused:
            return code, err
        (folder,) = (tmp_path / "runs").glob(f"{recipe}-*")
        result = json.loads((folder / "result.json").read_text())
        return code, result, (folder / "report.html").read_text(), folder

    return call


PAIR = [[10, 20], [60, 70]]
PEOPLE = [("a", PAIR), ("b", PAIR), ("c", PAIR)]


@pytest.mark.faults("numbers that are none, or missing")
def test_a_loss_that_is_no_number_fails_its_fold_and_no_other(fit, monkeypatch):
    from mezoo_toy.model import ToyThreshold

    honest = ToyThreshold.training_step

    def step(self, batch, batch_idx):
        loss = honest(self, batch, batch_idx)
        return loss if any(v.startswith("toy/b") for v in batch.videos) else loss * float("nan")

    monkeypatch.setattr(ToyThreshold, "training_step", step)
    code, result, page, folder = fit("toy", PEOPLE)
    assert code == 1
    assert result["status"] == "partial"
    states = {s["subject"]: s["state"] for s in result["subjects"]}
    assert states == {"a": "done", "b": "failed", "c": "done"}, "only the fold that leaves b out has a NaN in each step"
    assert "fold b is not trained on: in epoch 1" in page
    assert "NaN" in page
    assert not (folder / "folds/b/weights.safetensors").exists()
    assert not list((folder / "folds/b").glob("scores/*"))
    for name in ("a", "c"):
        status = json.loads((folder / f"folds/{name}/fold.json").read_text())
        assert status["state"] == "done"


@pytest.mark.faults("numbers that are none, or missing")
def test_a_weight_that_is_no_number_is_found_without_a_logged_loss():
    from mezoo.errors import DataError
    from mezoo.fold import check_finite

    line = torch.nn.Linear(2, 1)
    check_finite("a", line, 0, None)
    check_finite("a", line, 0, torch.tensor(float("inf")))
    with pytest.raises(DataError, match="epoch 3 its loss is NaN"):
        check_finite("a", line, 2, torch.tensor(float("nan")))
    with torch.no_grad():
        line.bias.fill_(float("inf"))
    with pytest.raises(DataError, match=r"1 of its weights hold NaN or infinity \(first: bias\)"):
        check_finite("a", line, 0, torch.tensor(0.5))


@pytest.mark.faults("numbers that are none, or missing")
def test_raw_scores_that_are_no_numbers_are_no_answer(fit, monkeypatch):
    from mezoo_toy.recogniser import ToySide

    from mezoo import Window

    def step(self, batch, batch_idx):
        return [Window(int(s), {"probability": np.full(2, np.nan, np.float32)}) for s in batch.starts]

    monkeypatch.setattr(ToySide, "predict_step", step)
    code, result, page, _ = fit("toy_sides", PEOPLE)
    assert code == 1
    assert {s["state"] for s in result["subjects"]} == {"failed"}
    assert all("finite" in s["error"] for s in result["subjects"])
    assert "NaN" not in str(result["headline"])


@pytest.mark.faults("numbers that are none, or missing")
def test_a_class_that_only_the_left_out_subject_has(fit):
    """Film i shows `right` first where i is even: a has right alone, so that nobody learns left without b."""
    code, result, page, _ = fit("toy_sides", [("a", PAIR[:1]), ("b", PAIR[:1]), ("a", PAIR[:1])])
    assert code == 0
    assert result["status"] == "complete"
    best = result["scores"]["last"]
    assert all(np.isfinite(best[part][m]) for part in best for m in ("uf1", "uar") if m in best[part])
    assert result["headline"]["value"] == 0, "what was never seen is never answered, and what is left was trained on"
    assert "NaN" not in page


@pytest.mark.faults("numbers that are none, or missing")
def test_a_subject_with_one_sample_is_a_fold_of_its_own(fit):
    code, result, _, folder = fit("toy_sides", [*PEOPLE, ("lone", PAIR[:1])])
    assert code == 0
    assert [s["subject"] for s in result["subjects"]] == ["a", "b", "c", "lone"]
    assert len(json.loads((folder / "folds/lone/fold.json").read_text())["videos"]) == 1
    assert all(np.isfinite(result["headline"]["ci95"]))


@pytest.mark.faults("numbers that are none, or missing")
def test_one_subject_alone_cannot_be_left_out(fit):
    code, said = fit("toy", [("a", PAIR), ("a", PAIR)], refused=True)
    assert code == 2
    assert "error:" in said


@pytest.mark.faults("numbers that are none, or missing")
def test_a_fold_without_positives_counts_what_is_spotted_there(fit):
    code, result, page, folder = fit("toy", [*PEOPLE, ("calm", [])])
    assert code == 0
    tally = json.loads((folder / "folds/calm/fold.json").read_text())["tallies"]["last"]["micro"]
    assert tally["tp"] == tally["n_gt"] == 0
    assert tally["f1"] == 0, "no positive can be found; the pooled score counts its false ones"
    pooled = result["scores"]["last"]["micro"]
    assert pooled["n_gt"] == 6
    assert np.isfinite(pooled["f1"])
    assert "nan" not in json.dumps(result).casefold().replace("annot", "")


@pytest.mark.faults("numbers that are none, or missing")
def test_training_without_positives_is_defined(fit):
    code, result, _, _ = fit("toy", [("a", PAIR), ("b", []), ("c", [])])
    assert code == 0
    assert result["status"] == "complete"


@pytest.mark.faults("numbers that are none, or missing")
def test_no_expression_anywhere_scores_nothing(fit):
    code, result, page, _ = fit("toy", [("a", []), ("b", [])])
    assert code == 0
    assert result["headline"]["value"] == 0
    assert "Traceback" not in page


FEATURES = ("tvl1", "farneback", "dis", "face_crop", "align", "landmarks", "evm", "roi_flow", "evm_flow")


@pytest.mark.faults("numbers that are none, or missing")
@pytest.mark.parametrize("name", FEATURES)
@pytest.mark.parametrize("frames", [1])
def test_features_of_hardly_a_film(name, frames, tmp_path, cache):
    """One frame, and no face in it: features of one row, or a sentence."""
    import cv2

    from mezoo import ImageFolder, Video
    from mezoo.errors import MezooError
    from mezoo.plugin_objects import make
    from mezoo.recipe import read_block

    for i in range(frames):
        cv2.imwrite(str(tmp_path / f"img{i + 1}.png"), np.full((48, 48, 3), 128, np.uint8))
    video = Video("film", "-", "one", 25.0, ImageFolder(tmp_path))
    try:
        made = make(read_block("feature", name))(video)
    except MezooError as refused:
        error = refused
    else:
        error = None
    if error is not None:
        assert len(error.what) > 20
        assert error.hint
        return
    assert len(made.values) == len(made.positions) >= 1
    assert np.isfinite(np.asarray(made.values, dtype=np.float64)).all()
    assert all(0 <= p < frames for p in made.positions)
