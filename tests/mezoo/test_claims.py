"""Claims: an honest one holds, and every way of tampering that we could think of is refused and named."""

import csv
import io
import json
import subprocess
import sys
import zipfile
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mezoo.claims import pack, read_zip, verify
from mezoo.claims.archive import MANIFEST, write_zip
from mezoo.claims.claim import read_claim
from mezoo.claims.facts import Manifest
from mezoo.claims.verdict import judge
from mezoo.protocols import PROTOCOLS, Protocol

RUNS = {
    "spotting": ("toy",),
    "recognition": ("toy_sides",),
    "validation": ("toy_sides", "--set", "protocol={epoch: validation, validation_subjects: 1}"),
    "lovo": ("toy", "--set", "protocol.use=lovo"),
    "control": ("toy_sides", "--set", "protocol.labels=shuffled"),
    "oracle": ("toy_sides", "--set", "protocol.epoch=oracle"),
    "partial": ("toy", "--set", "model.lr=0.2"),
}
DIAGNOSTIC = {"lovo", "control", "oracle", "partial"}


def fail_without_00(self, train):
    values = [float(e.features.values.mean()) for e in train if e.video.subject == "00"]
    return {"mean": values[0], "std": 0.1}


@pytest.fixture(scope="session")
def run(tmp_path_factory):
    """A run of the toy guest by name, made once."""
    root, made = tmp_path_factory.mktemp("claims"), {}

    def get(name: str) -> Path:
        if name not in made:
            from mezoo.cli import main

            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("MEZOO_CACHE", str(root / "cache"))
                if name == "partial":
                    patch.setattr("mezoo_toy.model.ToyThreshold.prepare", fail_without_00)
                recipe, *more = RUNS[name]
                assert main(["fit", recipe, "--synthetic", "--runs", str(root / name), *more]) == (name == "partial")
            (made[name],) = (p.parent for p in (root / name).glob("*/result.json"))
        return made[name]

    return get


@pytest.fixture(scope="session")
def honest(run):
    """Members of an honest claim by name of the run."""
    return lambda name: pack(run(name), diagnostic=name in DIAGNOSTIC).members


def seal(members):
    """The members with hashes as they are now: what a careful forger does last."""
    manifest = json.loads(members[MANIFEST])
    manifest["members"] = {n: sha256(d).hexdigest() for n, d in members.items() if n != MANIFEST}
    return {**members, MANIFEST: json.dumps(manifest).encode()}


def in_json(members, name, change):
    data = json.loads(members[name])
    change(data)
    members[name] = json.dumps(data).encode()


def in_rows(members, name, change):
    """Change the rows of a table in place; header excluded."""
    header, *rows = csv.reader(io.StringIO(members[name].decode()))
    rows = [dict(zip(header, row, strict=True)) for row in rows]
    rows = change(rows) or rows
    text = io.StringIO(newline="")
    csv.writer(text).writerows([header, *([row[c] for c in header] for row in rows)])
    members[name] = text.getvalue().encode()


def rescore(members):
    """Every tally, score and headline anew from the tables, by the core: the best that a forger can do."""
    manifest = Manifest.model_validate_json(members[MANIFEST])
    claim = read_claim(members, manifest)
    task, tallies = claim.task(), {}
    for name, fold in claim.folds.items():
        tallies[name] = dict.fromkeys(fold.tallies, task.tally(claim.of_fold(fold)))

        def recount(data, name=name):
            data.update(tallies=tallies[name], epoch_of=dict.fromkeys(data["epoch_of"], data["epochs"] - 1))

        in_json(members, f"folds/{name}/fold.json", recount)
    scores = task.score([t["last"] for t in tallies.values()])

    def retell(data):
        data["scores"] = dict.fromkeys(data["scores"], scores)
        best = scores[task.headline]
        data["headline"].update(value=best[task.ratio], ci95=best["ci95"])
        for row in data["subjects"]:
            fold = claim.folds[row["subject"]]
            row.update(scores=tallies[row["subject"]], oracle_epoch=fold.epochs - 1, videos=len(fold.videos))

    in_json(members, "result.json", retell)


def reasons_of(members):
    verdict = judge(members, Manifest.model_validate_json(members[MANIFEST]))
    assert verdict.holds == (not verdict.reasons)
    return [f"{r.check}: {r.what}" for r in verdict.reasons]


@pytest.mark.parametrize("name", RUNS)
def test_an_honest_claim_holds(honest, name):
    assert reasons_of(honest(name)) == []


@pytest.mark.parametrize("name", [name for name in RUNS if name != "partial"])
def test_the_forger_of_these_tests_leaves_nothing_to_find(honest, name):
    members = honest(name).copy()
    rescore(members)
    assert reasons_of(seal(members)) == []


# -- what is tampered with: (run, change, does the forger compute all numbers again, words of the refusal) -------------


def move_spot(members):
    def move(rows):
        rows[0]["onset"], rows[0]["offset"] = "100", "110"

    for name in ("predictions.csv", "folds/01/predictions.csv"):
        in_rows(members, name, move)


def move_pooled_spot_only(members):
    in_rows(members, "predictions.csv", lambda rows: rows[0].update(onset="100", offset="110"))


def drop_fold(members):
    """One subject disappears from predictions, folds and result, as if it had never been tested."""
    for name in [n for n in members if n.startswith("folds/00/")]:
        del members[name]
    in_rows(members, "predictions.csv", lambda rows: [r for r in rows if r["subject"] != "00"])
    in_json(members, "result.json", lambda r: r.update(subjects=[s for s in r["subjects"] if s["subject"] != "00"]))


def drop_subject(members):
    """... and from the annotation too."""
    drop_fold(members)
    for name in ("truth.csv", "videos.csv"):
        in_rows(members, name, lambda rows: [r for r in rows if r["subject"] != "00"])
    in_json(members, "result.json", lambda r: r["data"].update(videos=6, subjects=3, micro=12, frames=720))


def subject_twice(members):
    in_json(members, "folds/01/fold.json", lambda f: f.update(videos=["toy/00/v0", *f["videos"]]))


def train_on_the_tested(members):
    in_json(members, "folds/00/fold.json", lambda f: f["people"]["train"].append(["toy", "00"]))


def train_on_fewer(members):
    in_json(members, "folds/00/fold.json", lambda f: f["people"]["train"].pop())


def swap_folds(members):
    def swap(result):
        result["subjects"].reverse()

    in_json(members, "result.json", swap)


def drop_truth(members):
    """An expression that was missed is taken out of the annotation, everywhere."""
    in_rows(members, "truth.csv", lambda rows: rows[1:])
    in_json(members, "result.json", lambda r: r["data"].update(micro=15))


def drop_truth_and_index(members):
    """... and the index of the data is computed again."""
    drop_truth(members)
    index = {}
    for row in csv.DictReader(io.StringIO(members["truth.csv"].decode())):
        key = f"toy/{row['subject']}/{row['video']}"
        index.setdefault(key, []).append((row["kind"], int(row["onset"]), int(row["offset"])))
    rows = [(f"toy/0{i // 2}/v{i}", 30.0, 120, index.get(f"toy/0{i // 2}/v{i}", []), None) for i in range(8)]
    data = sha256(json.dumps(rows).encode()).hexdigest()
    in_json(members, "run.json", lambda r: r.update(data=data))
    in_json(members, MANIFEST, lambda r: r.update(data=data))


def outside(members):
    for name in ("predictions.csv", "folds/01/predictions.csv"):
        in_rows(members, name, lambda rows: rows[0].update(offset="120"))


def unknown_video(members):
    in_rows(members, "predictions.csv", lambda rows: rows[0].update(video="v99"))


def word_for_onset(members):
    in_rows(members, "predictions.csv", lambda rows: rows[2].update(onset="ten"))


def of_result(change):
    return lambda members: in_json(members, "result.json", change)


def add_class(members):
    in_json(members, "result.json", lambda r: r["model"].update(classes=["left", "right", "up"]))


def other_class_names(members):
    """left and right change places everywhere but in the class map."""
    swap = str.maketrans({"\0": "left", "\1": "right"})

    def turn(text):
        return text.replace("left", "\0").replace("right", "left").replace("\0", "right").translate(swap)

    for name in [n for n in members if n.endswith(".csv")] + ["result.json"]:
        members[name] = turn(members[name].decode()).encode()


def drop_class(members):
    """A class that is never asked does not count: every clip of it disappears."""
    keep = {}
    for row in csv.DictReader(io.StringIO(members["clips.csv"].decode())):
        keep[row["clip"]] = row["class"] == "left"
    for name in [n for n in members if n.endswith(".csv")]:
        in_rows(members, name, lambda rows: [r for r in rows if keep[r["clip"]]])
    for name in [n for n in members if n.endswith("fold.json")]:
        in_json(members, name, lambda f: f.update(videos=[v for v in f["videos"] if keep[v.split("/")[2]]]))


def twice(*names):
    def change(members):
        for name in names:
            in_rows(members, name, lambda rows: [rows[0], *rows])

    return change


def other_truth(members):
    in_rows(members, "predictions.csv", lambda rows: rows[0].update(truth="left"))


def swap_truths(members):
    """Two labels change places, so that every count stays."""

    def swap(rows, column):
        rows[0][column], rows[1][column] = rows[1][column], rows[0][column]

    in_rows(members, "clips.csv", lambda rows: swap(rows, "class"))
    for name in ("predictions.csv", "folds/00/predictions.csv"):
        in_rows(members, name, lambda rows: swap(rows, "truth"))


def other_answer(members):
    for name in ("predictions.csv", "folds/00/predictions.csv"):
        in_rows(members, name, lambda rows: rows[0].update(answer="left"))


def forget_clip(members):
    for name in ("predictions.csv", "folds/00/predictions.csv"):
        in_rows(members, name, lambda rows: rows[1:])


def other_recipe(members):
    """A recipe with another learning rate, and a result that repeats it."""
    members["recipe.yaml"] = members["recipe.yaml"].replace(b"lr: 0.3", b"lr: 0.5")
    in_json(members, "result.json", lambda r: r["model"]["arguments"].update(lr=0.5))


def oracle_of_fold(members):
    in_json(members, "folds/01/fold.json", lambda f: f["tallies"]["oracle"]["micro"].update(n_gt=2))


def hide_diagnostic(members):
    in_json(members, MANIFEST, lambda m: m.update(diagnostic=False))


def hide_control(members):
    hide_diagnostic(members)
    in_json(members, "result.json", lambda r: r.update(control=""))


def hide_leaks(members):
    hide_diagnostic(members)
    in_json(members, "result.json", lambda r: r.update(leaks=[]))


def hide_failure(members):
    in_json(members, "result.json", lambda r: r.update(status="complete"))


def forget_failed(members):
    def forget(result):
        result.update(status="complete", subjects=[s for s in result["subjects"] if s["state"] == "done"])

    in_json(members, "result.json", forget)


def raised(result):
    result["headline"]["value"] = 1.0


def narrowed(result):
    result["scores"]["last"]["overall"]["ci95"][0] += 1e-6


def from_the_oracle(result):
    result["headline"]["epoch_rule"] = "oracle"


TAMPERED = {
    "spot moved": ("spotting", move_spot, False, "scores: folds/01/fold.json: tallies.last.micro.tp is 4"),
    "pooled spot moved": ("spotting", move_pooled_spot_only, False, "is not the tables of the folds"),
    "pooled spot moved, rescored": ("spotting", move_pooled_spot_only, True, "is not the tables of the folds"),
    "fold dropped": ("spotting", drop_fold, True, "missing subject: toy/00"),
    "subject dropped": ("spotting", drop_subject, True, "fold 01 trains on toy/00: the split says otherwise"),
    "subject twice": ("spotting", subject_twice, True, "subject toy/00 is in two folds: 00 and 01"),
    "overlap": ("spotting", train_on_the_tested, False, "overlap: fold 00 tests toy/00 and was trained on"),
    "trained on fewer": ("recognition", train_on_fewer, False, "fold 00 no longer trains on toy/03"),
    "folds swapped": ("spotting", swap_folds, True, "not in the order"),
    "truth dropped": ("spotting", drop_truth, True, "another annotation than the tables hold"),
    "truth and index": ("spotting", drop_truth_and_index, True, "wrong denominator"),
    "outside": ("spotting", outside, False, "predictions.csv, line 2: 5-120 lies outside toy/01/v2"),
    "unknown video": ("spotting", unknown_video, False, "line 2: toy/01/v99 is no video"),
    "no number": ("spotting", word_for_onset, False, "line 4: onset 'ten' is no whole number"),
    "headline raised": ("spotting", of_result(raised), False, "headline.value is 1.0"),
    "headline of the oracle": ("spotting", of_result(from_the_oracle), False, "of epoch rule oracle"),
    "interval narrowed": ("recognition", of_result(narrowed), False, "scores.last.overall.ci95[0]"),
    "class added": ("recognition", add_class, False, "are not those of left, right, up"),
    "class names swapped": ("recognition", other_class_names, False, "classes are right, left; native has left, right"),
    "class dropped": ("recognition", drop_class, True, "wrong denominator"),
    "clip twice": ("recognition", twice("clips.csv"), False, "clips.csv, line 3: toy/00/v0_e0_65 is there twice"),
    "answer twice": ("recognition", twice("predictions.csv", "folds/00/predictions.csv"), False, "is there twice"),
    "video twice": ("spotting", twice("videos.csv"), False, "videos.csv, line 3: toy/00/v0 is there twice"),
    "truth differs": ("recognition", other_truth, False, "is not the class of toy/00/v0_e0_65 in clips.csv"),
    "truths swapped": ("recognition", swap_truths, False, "scores: folds/00/fold.json"),
    "answer": ("recognition", other_answer, False, "answer 'left' is not the most probable class"),
    "clip forgotten": ("recognition", forget_clip, False, "says nothing of toy/00/v0_e0_65"),
    "recipe": ("spotting", other_recipe, False, "not the recipe of digest"),
    "oracle counts": ("spotting", oracle_of_fold, False, "tallies.oracle"),
    "diagnostic hidden": ("oracle", hide_diagnostic, False, "not a result (leak: each subject's epoch"),
    "control hidden": ("control", hide_control, False, "training labels are shuffled"),
    "leak hidden": ("lovo", hide_leaks, False, "leaks of the run are"),
    "failure hidden": ("partial", hide_failure, False, "status is complete, folds that are not done"),
    "failed forgotten": ("partial", forget_failed, False, "missing subject: toy/00"),
    "stand-in hidden": ("spotting", of_result(lambda r: r.update(synthetic=False)), False, "asks for a synthetic"),
    "trainer": ("spotting", of_result(lambda r: r["trainer"].update(max_epochs=9)), False, "trainer.max_epochs is 9"),
    "seed": ("spotting", of_result(lambda r: r["protocol"].update(seed=7)), False, "protocol.seed is 7"),
    "other protocol": ("spotting", of_result(lambda r: r["protocol"].update(id="megc2021")), False, "'megc2021'"),
    "kinds": ("spotting", of_result(lambda r: r["model"].update(kinds=["macro"])), False, "it predicts micro too"),
    "no score": ("spotting", of_result(lambda r: r.pop("scores")), False, "form: result.json: scores"),
    "words for scores": ("spotting", of_result(lambda r: r.update(scores=3)), False, "form: result.json: scores"),
}


@pytest.mark.parametrize("case", TAMPERED)
def test_tampered_claims_are_refused_and_named(honest, case):
    name, change, again, words = TAMPERED[case]
    members = honest(name).copy()
    change(members)
    if again:
        rescore(members)
    found = reasons_of(seal(members))
    assert any(words in reason for reason in found), found


@pytest.mark.parametrize("name", ["result.json", "predictions.csv", "folds/02/fold.json", "environment.json"])
def test_a_changed_member_is_named(honest, name):
    members = {**honest("spotting"), name: honest("spotting")[name] + b" \n"}
    assert any(f"member: {name} was changed" in reason for reason in reasons_of(members))


def test_members_that_are_missing_or_too_many(honest):
    members = honest("spotting").copy()
    members["folds/09/fold.json"] = members["folds/00/fold.json"]
    found = reasons_of(members)
    assert any("folds/09/fold.json is not listed" in r for r in found)
    assert any("fold 09, which result.json does not call done" in r for r in reasons_of(seal(members)))
    members = honest("spotting").copy()
    del members["folds/02/predictions.csv"]
    assert any("folds/02/predictions.csv is listed in claim.json, and missing" in r for r in reasons_of(members))
    members = {**honest("spotting"), "clips.csv": honest("recognition")["clips.csv"]}
    assert any("clips.csv does not belong" in r for r in reasons_of(seal(members)))


# -- denominators of a known protocol --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    """A claim on data without the mark of a stand-in, under a protocol that fixes sixteen micro-expressions."""
    from mezoo.cli import main

    root = tmp_path_factory.mktemp("real")
    protocol = Protocol("toy_16", "spotting", "loso", "Toy", "nobody", {"toy": {"micro": 16}})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEZOO_CACHE", str(root / "cache"))
        patch.setenv("TOY_ROOT", str(root / "data"))
        patch.setitem(PROTOCOLS, "toy_16", protocol)
        assert main(["data", "synth", "toy", "--out", str(root / "data")]) == 0
        (root / "data" / "SYNTHETIC.json").unlink()
        assert main(["fit", "toy", "--runs", str(root / "runs")]) == 0
        yield pack(next((root / "runs").glob("toy-*"))).members


def test_denominators_of_a_known_protocol_are_fixed(real):
    assert reasons_of(real) == []
    assert b"SYNTHETIC" not in real["result.json"]
    members = real.copy()
    drop_truth_and_index(members)
    rescore(members)

    def consistent(result):
        result["protocol"]["counts"] = {"toy": {"micro": 15}}

    in_json(members, "result.json", consistent)
    (reason,) = reasons_of(seal(members))
    assert reason == "denominator: wrong denominator: toy: 15 micro found; toy_16 has toy: 16 micro"


def test_the_owner_of_the_data_sees_that_truth_was_changed(real, tmp_path):
    members = real.copy()
    in_rows(members, "truth.csv", lambda rows: rows[0].update(onset=int(rows[0]["onset"]) + 1))
    (tmp_path / "truth.csv").write_bytes(real["truth.csv"])
    write_zip(tmp_path / "claim.zip", seal(members))
    verdict = verify(tmp_path / "claim.zip", tmp_path / "truth.csv")
    assert "is not that of your truth.csv" in verdict.reasons[0].what


# -- the command line ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["spotting", "recognition"])
def test_from_run_to_verified_claim(mezoo, run, tmp_path, name):
    out = tmp_path / "claim.zip"
    code, said, err = mezoo("submit", run(name), "--out", out)
    assert code == 0, err
    assert "annotation: INSIDE" in said
    code, said, _ = mezoo("verify", out)
    assert code == 0
    head = json.loads((run(name) / "result.json").read_text())["headline"]
    assert f"{head['metric']} (last): {head['value']:.3f}" in said
    assert "[SYNTHETIC]" in said
    code, said, _ = mezoo("verify", out, "--json")
    told = json.loads(said)
    assert (code, told["verified"], told["headline"], told["marks"]) == (0, True, head, ["SYNTHETIC"])
    first = out.read_bytes()
    mezoo("submit", run(name), "--out", out)
    assert out.read_bytes() == first, "equal claims are equal files"


def test_a_claim_holds_neither_frames_nor_weights_nor_needless_annotation(honest):
    for name in ("spotting", "recognition"):
        members = honest(name)
        assert {n.rpartition(".")[2] for n in members} == {"json", "csv", "yaml"}
        assert not [n for n in members if "scores/" in n or "metrics" in n]
        assert b"root:" not in members["recipe.yaml"]
    assert honest("spotting")["truth.csv"].startswith(b"dataset,subject,video,kind,onset,offset\r\n")
    assert honest("recognition")["clips.csv"].startswith(b"dataset,subject,clip,class\r\n")


@pytest.mark.parametrize(("name", "table"), [("spotting", "truth.csv"), ("recognition", "clips.csv")])
def test_annotation_can_be_withheld(mezoo, run, tmp_path, name, table):
    out = tmp_path / "claim.zip"
    code, said, _ = mezoo("submit", run(name), "--out", out, "--hash-truth")
    assert code == 0
    assert "its hash only" in said
    members = read_zip(out)
    assert table not in members
    assert not [n for n, d in members.items() if n.endswith(".csv") and b"truth" in d]
    code, _, err = mezoo("verify", out)
    assert code == 2
    assert "--truth" in err
    assert mezoo("verify", out, "--truth", run(name) / table)[0] == 0
    other = tmp_path / "other.csv"
    other.write_text((run(name) / table).read_text().replace("/00/", "/0/").replace(",00,", ",0,"))
    code, said, _ = mezoo("verify", out, "--truth", other)
    assert code == 1
    assert f"is not that of your {table}" in said
    code, _, err = mezoo("verify", out, "--truth", run(name) / "result.json")
    assert code == 2
    assert "is no table of annotation" in err


@pytest.mark.parametrize(("name", "words"), [("control", "shuffled"), ("oracle", "own test data"), ("lovo", "trained")])
def test_what_is_no_result_is_packed_only_with_its_mark(mezoo, run, tmp_path, name, words):
    out = tmp_path / "claim.zip"
    code, _, err = mezoo("submit", run(name), "--out", out)
    assert code == 2
    assert words in err
    assert "--diagnostic" in err
    assert not out.exists()
    assert mezoo("submit", run(name), "--out", out, "--diagnostic")[0] == 0
    code, said, _ = mezoo("verify", out)
    assert code == 0
    assert "[DIAGNOSTIC]" in said


def test_a_partial_run(mezoo, run, tmp_path):
    assert mezoo("submit", run("partial"), "--out", tmp_path / "c.zip")[0] == 2
    assert mezoo("submit", run("partial"), "--out", tmp_path / "c.zip", "--diagnostic")[0] == 0
    assert "PARTIAL" in mezoo("verify", tmp_path / "c.zip")[1]


def test_a_run_whose_files_contradict_each_other_is_not_packed(mezoo, run, tmp_path):
    import shutil

    copy = tmp_path / run("spotting").name
    shutil.copytree(run("spotting"), copy)
    (copy / "folds/01/predictions.csv").write_text("dataset,subject,video,kind,onset,offset,score\n")
    code, said, _ = mezoo("submit", copy, "--out", tmp_path / "c.zip")
    assert code == 1
    assert "is not the tables of the folds" in said
    assert not (tmp_path / "c.zip").exists()
    (copy / "truth.csv").unlink()
    code, _, err = mezoo("submit", copy, "--out", tmp_path / "c.zip")
    assert code == 2
    assert "truth.csv is missing" in err


def test_refusals_are_printed_and_exit_with_one(mezoo, honest, tmp_path):
    members = honest("spotting").copy()
    move_spot(members)
    in_json(members, "result.json", lambda r: r.update(control="\x1b[2J\ud800"))
    write_zip(tmp_path / "claim.zip", seal(members))
    code, said, _ = mezoo("verify", tmp_path / "claim.zip")
    assert code == 1
    assert said.startswith("REFUSED")
    assert "tallies.last.micro.tp" in said
    assert "\x1b" not in said
    code, said, _ = mezoo("verify", tmp_path / "claim.zip", "--json")
    assert code == 1
    assert json.loads(said)["verified"] is False


# -- the archive -----------------------------------------------------------------------------------------------------


def zipped(path, members, names=()):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in [*members.items(), *names]:
            file.writestr(name, data)
    return path


def test_what_is_no_claim(mezoo, tmp_path, honest):
    whole = zipped(tmp_path / "whole.zip", honest("spotting")).read_bytes()
    (tmp_path / "cut.zip").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "noise.zip").write_bytes(b"no zip at all")
    zipped(tmp_path / "other.zip", {"readme.txt": b"hello"})
    zipped(tmp_path / "foreign.zip", {MANIFEST: b"{}"})
    zipped(tmp_path / "later.zip", {MANIFEST: honest("spotting")[MANIFEST].replace(b'"version": 1', b'"version": 2')})
    for name in ("cut", "noise", "other", "foreign", "later", "absent"):
        code, _, err = mezoo("verify", tmp_path / f"{name}.zip")
        assert code == 2, name
        assert "Traceback" not in err
    assert mezoo("verify", tmp_path)[0] == 2


@pytest.mark.parametrize(
    "name",
    ["../evil.csv", "/etc/passwd", "folds/../fold.json", "folds/a/b/fold.json", "folds/C:/fold.json", "weights.bin"],
)
def test_members_that_lead_elsewhere(mezoo, honest, tmp_path, name):
    claim = zipped(tmp_path / "claim.zip", honest("spotting"), [(name, b"x")])
    code, said, _ = mezoo("verify", claim)
    assert code == 1
    assert "archive: a claim has no member" in said


def test_two_members_of_one_name(mezoo, honest, tmp_path):
    with pytest.warns(UserWarning, match="Duplicate"):
        claim = zipped(tmp_path / "claim.zip", honest("spotting"), [("result.json", b"{}")])
    code, said, _ = mezoo("verify", claim)
    assert code == 1
    assert "two members" in said


def test_a_bomb_is_not_unpacked(mezoo, honest, tmp_path, monkeypatch):
    monkeypatch.setattr("mezoo.claims.archive.LARGEST", 1 << 20)
    members = {**honest("spotting"), "predictions.csv": b"0" * (2 << 20)}
    code, said, _ = mezoo("verify", zipped(tmp_path / "claim.zip", members))
    assert code == 1
    assert "predictions.csv unpacks to more than a claim may hold" in said
    monkeypatch.undo()
    monkeypatch.setattr("mezoo.claims.archive.MOST_MEMBERS", 5)
    assert "more than 5" in mezoo("verify", zipped(tmp_path / "claim.zip", honest("spotting")))[1]


@pytest.mark.parametrize("flaw", [b'{"a": 1, "a": 2}', b"\xff", b"[" * 100_000, b"9" * 10_000])
def test_json_that_is_none(honest, flaw):
    found = reasons_of(seal({**honest("spotting"), "run.json": flaw}))
    assert any("form: run.json" in reason for reason in found)


def test_yaml_that_refers_to_itself(honest):
    found = reasons_of(seal({**honest("spotting"), "recipe.yaml": b"task: &a [x]\nmodel: *a\n"}))
    assert any("refers to itself" in reason for reason in found)


# -- no crash, no false yes ------------------------------------------------------------------------------------------

VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-2, 10**12), st.floats(), st.text(max_size=3), st.just([]), st.just({})
)


def places(data, path=()):
    yield path
    for key, inner in data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ():
        yield from places(inner, (*path, key))


@pytest.mark.parametrize("name", ["spotting", "recognition"])
@given(draw=st.data())
@settings(max_examples=30)
def test_any_other_value_anywhere_is_survived(honest, name, draw):
    members = honest(name).copy()
    file = draw.draw(st.sampled_from(["result.json", "folds/01/fold.json", "run.json"]))
    data = json.loads(members[file])
    *way, last = draw.draw(st.sampled_from([p for p in places(data) if p]))
    spot = data
    for key in way:
        spot = spot[key]
    before, spot[last] = spot[last], draw.draw(VALUES)
    members[file] = json.dumps(data).encode()
    found = reasons_of(seal(members))
    if way[:1] in (["scores"], ["headline"], ["tallies"], ["people"]) and before != spot[last]:
        assert found


@given(draw=st.data())
@settings(max_examples=25)
def test_any_other_cell_is_survived_and_other_hits_are_found(honest, draw):
    members = honest("spotting").copy()
    header, *rows = csv.reader(io.StringIO(members["predictions.csv"].decode()))
    row, column = draw.draw(st.sampled_from(rows)), draw.draw(st.integers(0, len(header) - 1))
    before, row[column] = row[column], draw.draw(st.sampled_from(["", "-1", "1e3", "119", "macro", "٣", "nan", "v3"]))
    text = io.StringIO(newline="")
    csv.writer(text).writerows([header, *rows])
    members["predictions.csv"] = text.getvalue().encode()
    assert before == row[column] or reasons_of(seal(members))


def test_verify_imports_neither_torch_nor_pandas(run, tmp_path):
    pack(run("recognition")).write(tmp_path / "claim.zip")
    code = (
        "import sys; from mezoo.cli import main\n"
        f"assert main(['verify', {str(tmp_path / 'claim.zip')!r}]) == 0\n"
        "heavy = {'torch', 'pandas', 'lightning'} & set(sys.modules); assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
