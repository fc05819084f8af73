"""`mezoo score`: the numbers of tables, how videos and clips are told apart, and what is refused."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from mezoo.metrics import Counts, confusion
from mezoo.protocols import PROTOCOLS
from mezoo.records import Spot
from mezoo.spots import write_spots
from mezoo.statistics import confusion_intervals, f1_interval

DATA = Path(__file__).parents[1] / "data"


def write(path: Path, header: str, *rows: str) -> Path:
    path.write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def score(mezoo, tmp_path):
    """Score two tables, given as lines, with --json: code, scores, standard error."""

    def call(task: str, truth: list[str], pred: list[str], *more: str):
        files = write(tmp_path / "truth.csv", *truth), write(tmp_path / "pred.csv", *pred)
        code, out, err = mezoo("score", "--task", task, "--truth", files[0], "--pred", files[1], "--json", *more)
        return code, json.loads(out) if out else None, err

    return call


HEADER = "video,onset,offset,kind"


def test_spotting(score):
    truth = [HEADER, "a,10,20,micro", "a,100,160,macro", "b,5,9,micro"]
    pred = [HEADER + ",score", "a,11,20,micro,0.9", "a,12,20,micro,0.8", "a,100,160,micro,0.7", "c,1,2,macro,0.1"]
    code, found, err = score("spotting", truth, pred)
    assert code == 0
    assert [*found] == ["micro", "macro", "overall"]
    assert found["micro"] == {"tp": 1, "n_pred": 3, "n_gt": 2, "precision": 1 / 3, "recall": 0.5, "f1": 0.4}
    assert found["macro"] == {"tp": 0, "n_pred": 1, "n_gt": 1, "precision": 0, "recall": 0, "f1": 0}
    assert (found["overall"]["tp"], found["overall"]["n_pred"], found["overall"]["n_gt"]) == (1, 4, 3)
    assert "c (" in err
    assert "pred.csv:5" in err


def test_datasets_equal_independent_vectors(score):
    """Two datasets with the same names of subjects and videos."""
    header = "dataset,subject,video,onset,offset,kind"
    kinds = {"ME": "micro", "MaE": "macro"}
    for row in json.loads((DATA / "spotting_dataset.json").read_text())["rows"][:6]:
        tables = {"gts": [header], "preds": [header]}
        for dataset, videos in row["data"].items():
            for (video, parts), (kind, name), side in (
                (v, k, s) for v in videos.items() for k in kinds.items() for s in tables
            ):
                subject, code = video.split("_")
                tables[side] += [f"{dataset},{subject},{code},{a},{b},{name}" for a, b in parts[kind][side]]
        _, found, _ = score("spotting", tables["gts"], tables["preds"])
        for dataset, expected in row["expected"].items():
            own = found if dataset == "combined" else found["by_dataset"][dataset]
            for kind, name in {**kinds, "all": "overall"}.items():
                numbers = [own[name][k] for k in ("tp", "n_pred", "n_gt", "precision", "recall", "f1")]
                assert numbers == pytest.approx(
                    [expected[kind][k] for k in ("tp", "n", "m", "precision", "recall", "f1")]
                )
                low, high = own[name]["ci95"]
                assert 0 <= low <= high <= 1


def test_one_name_under_two_subjects_is_two_videos(score):
    truth = ["subject,video,onset,offset,kind", "1,a,10,20,micro", "2,a,50,60,micro"]
    _, found, _ = score("spotting", truth, ["subject,video,onset,offset,kind", "1,a,50,60,micro", "2,a,50,60,micro"])
    assert found["micro"]["tp"] == 1
    code, _, err = score("spotting", truth, [HEADER, "a,50,60,micro"])
    assert code == 2
    assert "pred.csv:2: video 'a' is more than one" in err
    assert "pred.csv needs the column" in err
    truth = [HEADER, "a,50,60,micro"]
    pred = ["subject,video,onset,offset,kind", "1,a,50,60,micro", "2,a,50,60,micro"]
    code, _, err = score("spotting", truth, pred)
    assert (code, "pred.csv:3" in err, "truth.csv needs the column" in err) == (2, True, True)


def test_intervals_draw_subjects_who_are_strangers_in_two_datasets(score):
    people = [("x", "1", 3, 5), ("x", "2", 0, 4), ("y", "1", 5, 5), ("y", "2", 2, 6)]
    truth = ["dataset,subject,video,onset,offset,kind"]
    pred, clips, labels = [*truth], ["dataset,subject,sample,label"], ["sample,label"]
    for d, s, hits, n in people:
        for i in range(n):
            truth.append(f"{d},{s},{i},10,20,micro")
            pred += [f"{d},{s},{i},10,20,micro"] * (i < hits)
            clips.append(f"{d},{s},{d}{s}{i},{'ab'[i % 2]}")
            labels.append(f"{d}{s}{i},{'ab'[(i + (i >= hits)) % 2]}")
    _, found, _ = score("spotting", truth, pred)
    assert found["micro"]["ci95"] == list(f1_interval([Counts(hits, hits, n) for *_, hits, n in people]))
    tables = [confusion([i % 2 for i in range(n)], [(i + (i >= h)) % 2 for i in range(n)], 2) for *_, h, n in people]
    spans = confusion_intervals([t.matrix for t in tables])
    _, found, _ = score("recognition", clips, labels)
    assert {k: found[f"ci95_{k}"] for k in spans} == {k: list(v) for k, v in spans.items()}


def test_a_video_may_be_named_by_one_table_only(score):
    """Columns that only one table has do not matter as long as names are clear."""
    truth = ["dataset,subject,video,onset,offset,kind", "d,1,a,10,20,micro", "d,2,b,50,60,micro"]
    _, found, err = score("spotting", truth, [HEADER, "a,10,20,micro", "b,50,60,micro"])
    assert (found["by_dataset"]["d"]["micro"]["f1"], err) == (1, "")


def test_a_table_that_names_its_empty_videos_names_all(score):
    truth = [HEADER, "a,10,20,micro", "b,,,"]
    code, found, err = score("spotting", truth, [HEADER, "a,10,20,micro", "b,1,5,micro"])
    assert (code, found["micro"]["n_pred"], found["micro"]["n_gt"], err) == (0, 2, 1, "")
    code, _, err = score("spotting", truth, [HEADER, "a,10,20,micro", "c,1,5,micro"])
    assert code == 2
    assert "pred.csv:3: video 'c' is not in" in err


def test_empty_tables_score_nothing(score):
    code, found, _ = score("spotting", [HEADER], [HEADER])
    assert (code, found["overall"]["f1"], found["overall"]["n_gt"]) == (0, 0, 0)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("a,x,20,micro", "onset 'x' is no frame number"),
        ("a,1.5,20,micro", "onset '1.5' is no frame number"),
        ("a,1,inf,micro", "offset 'inf' is no frame number"),
        ("a,30,20,micro", "offset 20 is before onset 30"),
        ("a,10,20,tiny", "kind is 'tiny'"),
        ("a,10,20,", "kind is empty"),
        ("a,,,", "kind is empty"),
        (",10,20,micro", "video is empty"),
        ("a,10,20", "3 cells under 4 columns"),
        ("a,10,20,micro,1", "5 cells under 4 columns"),
        ('a,10,20,"micro', "no CSV in UTF-8"),
    ],
)
def test_a_bad_row_is_named_with_file_line_and_reason(score, row, reason):
    code, found, err = score("spotting", [HEADER, "a,10,20,micro"], [HEADER, "a,10,20,micro", row])
    assert (code, found) == (2, None)
    assert "pred.csv:3: " in err
    assert reason in err
    assert "Traceback" not in err


def test_frames_may_be_written_as_pandas_does(score):
    truth = [HEADER, "a,10.0,20.0,micro", "b,,,"]
    _, found, _ = score("spotting", truth, ["\ufeff" + HEADER, "a,10,20,micro"])
    assert found["micro"]["f1"] == 1
    _, found, _ = score("spotting", [HEADER, "a,0,20,micro"], [HEADER, "a,-3,19,micro"])
    assert found["micro"]["tp"] == 1, "a prediction may begin before the film"


def test_files_that_are_no_tables(mezoo, score, tmp_path):
    good = write(tmp_path / "good.csv", HEADER)
    for name, content, reason in (
        ("empty.csv", b"", "is empty"),
        ("binary.csv", b"\xff\xfe\x00video", "no CSV in UTF-8"),
        ("columns.csv", b"video,onset\n", "no column 'offset'"),
        ("twice.csv", b"video,video,onset,offset,kind\n", "named twice"),
    ):
        (tmp_path / name).write_bytes(content)
        code, _, err = mezoo("score", "--task", "spotting", "--truth", tmp_path / name, "--pred", good)
        assert code == 2
        assert f"{name}:1: " in err
        assert reason in err
    code, _, err = mezoo("score", "--task", "spotting", "--truth", tmp_path / "absent.csv", "--pred", good)
    assert (code, "No such file" in err) == (2, True)


def test_scorers(score):
    truth, pred = [HEADER, "a,0,9,micro", "a,10,19,micro"], [HEADER, "a,0,19,micro"]
    rules = {}
    for name in ("auwgcn", "megc2020", "strs_official", "ltp"):
        _, found, _ = score("spotting", truth, pred, "--scorer", name)
        assert found["scorer"] == name
        rules[name] = tuple(found["micro"][k] for k in ("tp", "fp", "fn"))
    assert rules == {"auwgcn": (0, 1, 2), "megc2020": (2, -1, 0), "strs_official": (2, 0, 0), "ltp": (2, 0, 0)}
    assert score("spotting", truth, pred)[1]["micro"]["tp"] == 1
    assert score("recognition", ["sample,label"], ["sample,label"], "--scorer", "ltp")[0] == 2
    assert score("spotting", truth, pred, "--classes", "a")[0] == 2


SAMPLES = ["sample,subject,label", "1,a,neg", "2,a,pos", "3,b,neg", "4,b,neg", "5,c,sur"]


def test_recognition(score):
    pred = ["sample,label", "5,neg", "4,neg", "3,pos", "2,pos", "1,neg"]
    code, found, err = score("recognition", SAMPLES, pred)
    assert (code, err) == (0, "")
    assert found["classes"] == ["neg", "pos", "sur"]
    assert found["confusion"] == [[2, 1, 0], [0, 1, 0], [1, 0, 0]]
    assert found["accuracy"] == pytest.approx(0.6)
    assert found["uf1"] == pytest.approx((2 / 3 + 2 / 3) / 3)
    assert found["uar"] == pytest.approx((2 / 3 + 1) / 3)
    assert found["weighted_f1"] == pytest.approx((3 * 2 / 3 + 2 / 3) / 5)
    assert found["per_class"]["pos"] == {"precision": 0.5, "recall": 1, "f1": pytest.approx(2 / 3), "n": 1}
    assert found["ci95"] == found["ci95_uf1"]
    assert found["ci95"][0] <= found["uf1"] <= found["ci95"][1]


def test_recognition_from_probabilities(score):
    labels = score("recognition", SAMPLES, ["sample,label", "1,neg", "2,pos", "3,pos", "4,neg", "5,neg"])[1]
    rows = ["1,.6,.3,.1", "2,.1,.8,.1", "3,.4,.5,.1", "4,.9,.1,0", "5,.4,.2,.4"]
    for header in ("sample,neg,pos,sur", "sample,p_neg,p_pos,p_sur"):
        assert score("recognition", SAMPLES, [header, *rows])[1] == labels
        assert score("recognition", SAMPLES, [header, *rows], "--classes", "neg,pos,sur")[1] == labels
    code, _, err = score("recognition", SAMPLES, ["sample,neg,pos", "1,.5,x"])
    assert (code, "pred.csv:2: pos 'x' is no number" in err) == (2, True)
    code, _, err = score("recognition", SAMPLES, ["sample,neg,pos", "1,.5,.5"], "--classes", "neg,pos,sur")
    assert (code, "none for class 'sur'" in err) == (2, True)


def test_the_list_of_classes_is_fixed(score):
    pred = ["sample,label", "1,neg", "2,pos", "3,neg", "4,neg", "5,sur"]
    whole = score("recognition", SAMPLES, pred, "--classes", "neg,pos,sur,oth")[1]
    assert whole["uf1"] == pytest.approx(3 / 4), "a class that never occurs scores 0"
    code, _, err = score("recognition", SAMPLES, pred, "--classes", "neg,pos")
    assert (code, "truth.csv:6: class 'sur' is not one of neg,pos" in err) == (2, True)
    pred[3] = "3,joy"
    assert score("recognition", SAMPLES, pred)[1]["classes"] == ["joy", "neg", "pos", "sur"]
    assert "pred.csv:4: class 'joy'" in score("recognition", SAMPLES, pred, "--classes", "neg,pos,sur")[2]
    digits = [f"{i},{i}" for i in range(11)]
    assert score("recognition", ["sample,label", *digits], ["sample,label", *digits])[1]["classes"][-1] == "10"


def test_the_same_classes_in_other_words_are_no_score_of_zero(score):
    pred = ["sample,label", "1,0", "2,1", "3,0", "4,0", "5,2"]
    code, _, err = score("recognition", SAMPLES, pred)
    assert code == 2
    assert "the answers are 0, 1, 2, the classes of the truth neg, pos, sur: not one is the same" in err


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda rows: rows[:-1], "truth.csv:6: sample '5' has no prediction"),
        (lambda rows: [*rows, "9,neg"], "pred.csv:7: sample '9' is not in"),
        (lambda rows: [*rows, "1,neg"], "pred.csv:7: sample '1' is given twice, first on line 2"),
        (lambda rows: [*rows[:-1], "5,"], "pred.csv:6: label is empty"),
    ],
)
def test_every_clip_is_predicted_once(score, change, reason):
    pred = change(["sample,label", "1,neg", "2,pos", "3,neg", "4,neg", "5,sur"])
    code, _, err = score("recognition", SAMPLES, pred)
    assert (code, reason in err) == (2, True), err


def test_clips_of_two_subjects_may_share_a_name(score):
    truth = ["dataset,subject,sample,label", "x,1,e,neg", "y,1,e,pos"]
    pred = ["dataset,subject,sample,label", "y,1,e,pos", "x,1,e,neg"]
    _, found, _ = score("recognition", truth, pred)
    assert found["accuracy"] == 1
    assert {d: own["n"] for d, own in found["by_dataset"].items()} == {"x": 1, "y": 1}
    assert found["by_dataset"]["x"]["uf1"] == 0.5, "classes stay those of the whole"
    code, _, err = score("recognition", truth, ["sample,label", "e,neg"])
    assert (code, "more than one" in err) == (2, True)


def test_strs_equals_independent_vectors(score):
    header = "subject,video,onset,offset,kind,emotion"
    rows = [c for c in json.loads((DATA / "eval_strs.json").read_text()) if not c["matching_tie"]]
    for case in rows[:14]:
        tables = [[header, *(f"{s},{v},{a},{b},micro,{e}" for s, v, a, b, e in case[k])] for k in ("gt", "pred")]
        more = ["--classes", ",".join(case["analysis_emotion"])] if case["analysis_emotion"] else []
        _, found, _ = score("strs", *tables, *more)
        assert found["strs"] == pytest.approx(case["expected"]["strs"])
        assert found["spotting"]["f1"] == pytest.approx(case["expected"]["f1_spotting"])
        assert found["analysis"]["uf1"] == pytest.approx(case["expected"]["uf1_analysis"])
        _, printed, _ = score("strs", *tables, *more, "--scorer", "strs_official")
        official = case["official"]["STRS"]
        assert printed["strs"] == (None if official is None else pytest.approx(official))
        assert bool(printed["reason"]) == (official is None)


def test_strs_is_of_micro_expressions(score):
    header = HEADER + ",emotion"
    truth = [header, "a,0,9,micro,neg", "a,50,99,macro,pos"]
    code, found, err = score("strs", truth, [header, "a,0,9,micro,neg"])
    assert (code, found["strs"], found["spotting"]["n_gt"], found["analysis"]["emotions"]) == (0, 1, 1, ["neg"])
    assert "1 rows of macro-expressions are left out" in err
    assert "emotion is empty" in score("strs", truth, [header, "a,0,9,micro,"])[2]


def long_truth(**change: int) -> list[str]:
    rows = ["dataset,subject,video,onset,offset,kind"]
    for dataset, parts in PROTOCOLS["megc2021"].denominators.items():
        for kind, n in parts.items():
            count = n + change.get(f"{dataset}_{kind}", 0)
            rows += [f"{dataset},s{i % 20},{kind}{i},{10 * i},{10 * i + 5},{kind}" for i in range(count)]
    return rows


def test_a_protocol_holds_its_denominators(score):
    truth = long_truth()
    code, found, _ = score("spotting", truth, truth, "--protocol", "megc2021")
    assert (code, found["overall"]["f1"], found["protocol"]["name"]) == (0, 1, "megc2021")
    assert found["protocol"]["digest"] == PROTOCOLS["megc2021"].digest
    truth = long_truth(samm_long_macro=-31)
    code, _, err = score("spotting", truth, truth, "--protocol", "megc2021")
    assert code == 2
    assert "343 macro" in err
    assert "312 macro" in err
    assert "no protocol" in score("spotting", truth, truth, "--protocol", "megc2O21")[2]
    assert score("spotting", truth, truth, "--protocol", "megc2019")[0] == 2


def test_a_protocol_fixes_classes_and_may_name_the_only_dataset(score):
    protocol = PROTOCOLS["smic_3"]
    (counts,) = protocol.denominators.values()
    names = [name for name, n in counts.items() for _ in range(n)]
    truth = ["sample,label", *(f"{i},{name}" for i, name in enumerate(names))]
    code, found, err = score("recognition", truth, truth, "--protocol", "smic_3")
    assert (code, found["classes"]) == (0, list(protocol.classes)), err
    assert score("recognition", truth[:-1], truth[:-1], "--protocol", "smic_3")[0] == 2
    assert score("recognition", truth, truth, "--protocol", "smic_3", "--classes", "negative,positive")[0] == 2


def test_a_run_scores_its_own_tables(score, mezoo, tmp_path):
    spots = [Spot("d/01/v/1", "micro", 3, 9, 0.5), Spot("d/02/v/1", "micro", 30, 39, 0.25)]
    write_spots(tmp_path / "predictions.csv", spots)
    header = "dataset,subject,video,kind,onset,offset,apex,code,emotion,aus"
    truth = write(tmp_path / "own.csv", header, "d,01,v/1,micro,3,9,5,e,happy,12")
    _, out, _ = mezoo("score", "--task", "spotting", "--truth", truth, "--pred", tmp_path / "predictions.csv", "--json")
    assert json.loads(out)["by_dataset"]["d"]["micro"]["tp"] == 1
    clips = ["dataset,subject,clip,class,emotion,aus,first,apex,last,n_frames", "d,01,e,pos,happy,12,1,2,3,3"]
    answers = ["dataset,subject,clip,truth,answer,p_neg,p_pos", "d,01,e,pos,neg,0.6,0.4"]
    _, found, _ = score("recognition", clips, answers)
    assert found["confusion"] == [[0, 0], [1, 0]]
    assert score("recognition", answers, answers)[1]["accuracy"] == 0


def test_people_get_a_table(mezoo, tmp_path):
    truth = write(tmp_path / "t.csv", "dataset,subject," + HEADER, "d,1,a,10,20,micro", "e,1,a,5,9,micro")
    code, out, _ = mezoo("score", "--task", "spotting", "--truth", truth, "--pred", truth, "--scorer", "auwgcn")
    assert code == 0
    assert "COMPATIBILITY RULE auwgcn" in out
    assert out.count("overall\t1\t1\t1\t1.000\t1.000\t1.000\t1.000 - 1.000") == 2, "of two datasets"
    clips = write(tmp_path / "c.csv", "sample,subject,label", "1,a,x", "2,b,y")
    assert "UF1\t1.000" in mezoo("score", "--task", "recognition", "--truth", clips, "--pred", clips)[1]
    truth = write(tmp_path / "s.csv", HEADER + ",emotion", "a,10,20,micro,joy")
    assert "STRS\t1.000" in mezoo("score", "--task", "strs", "--truth", truth, "--pred", truth)[1]
    out = mezoo("score", "--task", "strs", "--truth", truth, "--pred", truth, "--scorer", "strs_official")[1]
    assert "STRS\tnone" in out
    assert "NaN" in out, "one right pair of one emotion"


def test_score_loads_little(tmp_path):
    truth = write(tmp_path / "t.csv", "subject," + HEADER, "1,a,10,20,micro", "1,a,40,60,macro")
    arguments = ["score", "--task", "spotting", "--truth", str(truth), "--pred", str(truth)]
    code = (
        f"import sys; from mezoo.cli import main; assert main({arguments!r}) == 0\n"
        "heavy = {'torch', 'pandas', 'scipy', 'lightning'} & set(sys.modules); assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
