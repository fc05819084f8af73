import csv
import json
import re
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mezoo.errors import RunError
from mezoo.report import write_report
from mezoo.report.figures import ceiling, mean
from mezoo.report.reading import Series
from mezoo.report.timeline import decimate, path
from mezoo.svg import ticks

KINDS = ("micro", "macro")


@dataclass(frozen=True)
class Fake:
    """Size and nature of a fake run."""

    subjects: tuple[str, ...] = ("006", "007", "010", "011", "012", "013")
    videos: int = 2
    frames: int = 1600
    row: int = 8
    fps: float = 200.0
    epochs: int = 12
    failed: tuple[str, ...] = ()
    macro: bool = False
    truth: bool = True
    synthetic: bool = True
    control: str = ""
    title: str = "SAMM Long Videos"


def fake_run(out: Path, fake: Fake | None = None) -> Path:
    """A run folder as `mezoo fit` leaves it, with numbers that hang together."""
    fake = fake or Fake()
    rng = np.random.default_rng(0)
    tables: dict[str, list[list[Any]]] = {"truth": [], "predictions": [], "videos": []}
    subjects = [_subject(out, fake, name, rng, tables) for name in fake.subjects]
    heads = {
        "truth": "dataset,subject,video,kind,onset,offset,apex,code,emotion",
        "predictions": "dataset,subject,video,kind,onset,offset,score",
        "videos": "dataset,subject,video,fps,n_frames",
    }
    for name, head in heads.items():
        _write(out / f"{name}.csv", head.split(","), tables[name])
    (out / "recipe.yaml").write_text(
        "# MESNet on SAMM Long Videos\ntask: spotting\nmodel: {use: mesnet, clip_frames: 64}\n"
    )
    (out / "result.json").write_text(json.dumps(_result(fake, subjects, [row[3] for row in tables["truth"]])))
    return out


def _write(path: Path, head: Iterable[str], rows: Iterable[Iterable[Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([head, *rows])


def _subject(
    out: Path, fake: Fake, name: str, rng: np.random.Generator, tables: dict[str, list[list[Any]]]
) -> dict[str, Any]:
    """Write the fold of one subject and its rows of the tables; return its entry of result.json."""
    base = {"subject": name, "videos": fake.videos, "oracle_epoch": None, "epochs": 0, "seconds": 0.0, "scores": {}}
    counts = {k: np.zeros(3, int) for k in KINDS}
    arrays: dict[str, np.ndarray] = {}
    for number in range(1, fake.videos + 1):
        key = ["samm_long", name, f"{name}_{number}"]
        tables["videos"].append([*key, fake.fps, fake.frames])
        rows = np.arange(fake.row // 2, fake.frames, fake.row)
        arrays[f"{key[2]}/frames"] = rows
        for kind in KINDS:
            found = _events(fake, key, kind, rng, tables, silent=name in fake.failed)
            counts[kind] += found[:3]
            if kind == "micro" or fake.macro:
                bumps = sum((0.8 * np.exp(-(((rows - c) / 60) ** 2)) for c in found[3]), np.zeros(len(rows)))
                curve = np.clip(bumps + rng.gamma(1.2, 0.05, len(rows)), 0, 1)
                arrays[f"{key[2]}/{kind}"] = curve.astype(np.float32)
    if name in fake.failed:
        return {**base, "state": "failed", "error": "011_1/0342.jpg is truncated or not an image\ncopy this file again"}
    folder = out / "folds" / name
    folder.mkdir(parents=True)
    np.savez(folder / "curves.npz", **arrays)
    oracle = _metrics(fake, folder, rng)
    last = _scores({k: tuple(int(n) for n in v) for k, v in counts.items()})
    tp, n_pred, n_gt = (int(n) for n in counts["micro"])
    best = _scores({"micro": (min(tp + 1, n_gt), max(n_pred - 1, min(tp + 1, n_gt)), n_gt), "macro": (0, 0, 0)})
    return {
        **base,
        "state": "done",
        "scores": {"last": last, "oracle": best},
        "oracle_epoch": oracle,
        "epochs": fake.epochs,
        "seconds": 31.2,
        "error": "",
    }


def _events(
    fake: Fake, key: list[str], kind: str, rng: np.random.Generator, tables: dict[str, list[list[Any]]], silent: bool
) -> tuple[int, int, int, list[int]]:
    """Truth of one kind in one video, and spots, of which about two in three hit; (tp, n_pred, n_gt, centres)."""
    wanted = {"micro": 2 + int(rng.integers(0, 3)), "macro": 1 + int(rng.integers(0, 2))}[kind] if fake.truth else 0
    length = {"micro": 80, "macro": 320}[kind]
    starts = np.sort(rng.choice(np.arange(20, fake.frames - length, length + 40), wanted, replace=False))
    centres, tp, n_pred = list[int](), 0, 0
    for i, start in enumerate(int(s) for s in starts):
        code = f"{key[2]}_{i + 1}"
        tables["truth"].append([*key, kind, start, start + length - 1, start + length // 2, code, "surprise"])
        if rng.random() < 0.65 and not silent and (kind == "micro" or fake.macro):
            tables["predictions"].append(
                [*key, kind, start + 9, start + length + 4, round(float(rng.uniform(0.5, 1)), 3)]
            )
            centres.append(start + length // 2)
            tp, n_pred = tp + 1, n_pred + 1
    for start in rng.integers(
        0, fake.frames - 60, 0 if silent or kind == "macro" else int(rng.integers(0, 4))
    ).tolist():
        tables["predictions"].append([*key, kind, start, start + 20, 0.41])
        n_pred += 1
        centres.append(start + 10)
    return tp, n_pred, wanted, centres


def _metrics(fake: Fake, folder: Path, rng: np.random.Generator) -> int:
    """Three epochs of pre-training with other columns, then training; returns the best held-out epoch."""
    rows: list[list[Any]] = [[e, "", round(2.0 / (e + 1), 4), "", ""] for e in range(3)]
    f1 = np.clip(0.6 - 0.6 / np.arange(1, fake.epochs - 2) + rng.normal(0, 0.06, fake.epochs - 3), 0, 1)
    loss = 1.4 * np.exp(-np.arange(fake.epochs - 3) / 5) + 0.2 + rng.gamma(1, 0.03, fake.epochs - 3)
    rows += [
        [3 + i, round(float(v), 4), "", round(float(f), 4), 0.1] for i, (v, f) in enumerate(zip(loss, f1, strict=True))
    ]
    _write(folder / "metrics.csv", ["epoch", "train/loss", "train/loss_cpn", "held_out/micro_f1", "train/lr"], rows)
    return int(f1.argmax()) + 3


def _scores(counts: dict[str, tuple[int, int, int]]) -> dict[str, Any]:
    both = tuple(sum(c) for c in zip(*counts.values(), strict=True))
    return {kind: _ratios(*c) for kind, c in {**counts, "overall": both}.items()}


def _ratios(tp: int, n_pred: int, n_gt: int) -> dict[str, Any]:
    f1 = 2 * tp / (n_pred + n_gt) if n_pred + n_gt else 0.0
    return {
        "tp": tp,
        "n_pred": n_pred,
        "n_gt": n_gt,
        "precision": tp / n_pred if n_pred else 0.0,
        "recall": tp / n_gt if n_gt else 0.0,
        "f1": f1,
    }


def _result(fake: Fake, subjects: list[dict[str, Any]], kinds: list[str]) -> dict[str, Any]:
    done = [s for s in subjects if s["state"] == "done"]
    pooled = {
        rule: _scores(
            {k: tuple(sum(s["scores"][rule][k][n] for s in done) for n in ("tp", "n_pred", "n_gt")) for k in KINDS}
        )
        for rule in ("last", "oracle")
    }
    f1 = pooled["last"]["micro"]["f1"]
    band = [max(0.0, f1 - 0.11), min(1.0, f1 + 0.09)]
    pooled["last"]["micro"]["ci95"] = band
    return {
        "schema": 1,
        "mezoo": "0.1.0",
        "run": "mesnet_samm-ab12cd34",
        "recipe": "mesnet_samm",
        "created": "2026-11-21T10:00:00+00:00",
        "command": "mezoo fit recipes/mesnet_samm.yaml --synthetic",
        "task": "spotting",
        "status": "partial" if len(done) < len(subjects) else "complete",
        "synthetic": fake.synthetic,
        "control": fake.control,
        "headline": {
            "metric": "ME F1",
            "kind": "micro",
            "value": f1 if done else None,
            "ci95": band,
            "epoch_rule": "last",
        },
        "scores": pooled if done else {},
        "subjects": subjects,
        "data": {
            "dataset": "samm_long",
            "title": fake.title,
            "paper": "Yap et al., FG 2020",
            "videos": len(subjects) * fake.videos,
            "subjects": len(subjects),
            "frames": len(subjects) * fake.videos * fake.frames,
            "micro": kinds.count("micro"),
            "macro": kinds.count("macro"),
            "problems": [],
            "excluded": [
                {"what": "samm_028_4, row 3", "reason": "apex is -1", "action": "apex left out, interval kept"}
            ],
        },
        "model": {
            "name": "mesnet",
            "distribution": "mezoo",
            "version": "0.1.0",
            "parameters": 2955406,
            "arguments": {"clip_frames": 64, "widths": [16, 32], "dropout": 0.5, "learning_rate": 0.0001},
            "sources": {
                "clip_frames": "[inferred] twice the mean length of an ME",
                "dropout": "[paper] section 4.2",
                "learning_rate": "[code] of the authors' baseline",
            },
        },
        "features": {
            "name": "face_crop",
            "distribution": "mezoo",
            "version": "0.1.0",
            "arguments": {"size": 112, "grey": True, "fps": 25},
            "facts": {"landmarks": "file"},
        },
        "protocol": {"id": "stand_in_samm_long", "split": "loso", "epoch": "last", "seed": 1},
        "trainer": {"max_epochs": fake.epochs},
        "environment": {"python": "3.11.7", "torch": "2.15.0", "platform": "Linux", "device": "cpu"},
        "seconds": 210.0,
    }


class Reader(HTMLParser):
    """The words of a page, and every attribute that a browser would load or follow."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.loads: list[str] = []
        self.tags: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        names = ("src", "href", "xlink:href", "srcset", "data", "action", "poster", "background")
        self.loads += [v or "" for k, v in attrs if k in names]

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def figures_of(page: str) -> list[ElementTree.Element]:
    """Every outer figure of a page, parsed as XML (so that a name not escaped in one is an error)."""
    found, depth, start = list[ElementTree.Element](), 0, 0
    for tag in re.finditer(r"<svg\b|</svg>", page):
        start = tag.start() if depth == 0 else start
        depth += 1 if tag[0] == "<svg" else -1
        if depth == 0:
            found.append(ElementTree.fromstring(page[start : tag.end()]))
    assert depth == 0
    return [f for f in found if f.get("role") == "img"]


def page_of(run: Path) -> str:
    return write_report(run).read_text(encoding="utf-8")


def words_of(run: Path) -> str:
    return " ".join(" ".join(Reader(page_of(run)).words).split())


def strips_of(page: str) -> list[ElementTree.Element]:
    return [f for f in figures_of(page) if "strip" in str(f.get("class")).split()]


def count(figures: list[ElementTree.Element], look: str) -> int:
    return sum(set(look.split()) <= set(e.get("class", "").split()) for f in figures for e in f.iter())


def edit(folder: Path, changes: dict[str, Any]) -> None:
    path = folder / "result.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_page_says_the_numbers(tmp_path: Path) -> None:
    result = json.loads((fake_run(tmp_path) / "result.json").read_text())
    words, last = words_of(tmp_path), result["scores"]["last"]["micro"]
    assert "mesnet on SAMM Long Videos" in words
    assert "spotting, leave-one-subject-out, 6 subjects" in words
    assert f"{result['headline']['value']:.3f} ME F1" in words
    assert "95 % interval {:.3f} to {:.3f}".format(*result["headline"]["ci95"]) in words
    assert f"Found {last['tp']} of {last['n_gt']} micro-expressions" in words
    assert f"{last['n_pred'] - last['tp']} false alarms" in words
    gap = result["scores"]["oracle"]["micro"]["f1"] - last["f1"]
    assert gap > 0
    assert f"The gap of {gap:.3f}" in words
    assert "it can never be a result" in words
    for said in (
        "inferred",
        "twice the mean length of an ME",
        "apex left out, interval kept",
        "3 min 30 s",
        "task: spotting",
    ):
        assert said in words
    assert result["command"] in words
    assert "2\N{NARROW NO-BREAK SPACE}955\N{NARROW NO-BREAK SPACE}406 parameters" in page_of(tmp_path)


def test_strips_agree_with_the_score(tmp_path: Path) -> None:
    result = json.loads((fake_run(tmp_path, Fake(macro=True)) / "result.json").read_text())
    strips, both = strips_of(page_of(tmp_path)), result["scores"]["last"]["overall"]
    assert len(strips) == 12
    assert count(strips, "spot hit") == count(strips, "true found") == both["tp"]
    assert count(strips, "spot alarm") == both["n_pred"] - both["tp"]
    assert count(strips, "true missed") == both["n_gt"] - both["tp"]
    assert count(strips, "curve micro") == count(strips, "curve macro") == 12


def test_interval_tells_its_frames(tmp_path: Path) -> None:
    fake_run(tmp_path, Fake(subjects=("006",), videos=1))
    _write(
        tmp_path / "truth.csv",
        ["dataset", "subject", "video", "kind", "onset", "offset", "apex", "code", "emotion", "aus"],
        [["samm_long", "006", "006_1", "micro", 100, 199, 150, "006_1_2", "anger", "4+7"]],
    )
    _write(
        tmp_path / "predictions.csv",
        ["dataset", "subject", "video", "kind", "onset", "offset", "score"],
        [["samm_long", "006", "006_1", "micro", 150, 249, 0.9], ["samm_long", "006", "006_1", "micro", 100, 149, 0.7]],
    )
    tips = [t.text or "" for f in strips_of(page_of(tmp_path)) for t in f.iter("title")]
    assert any(
        "006_1_2: found" in t and "frames 100 to 199, 0.50 to 1.00 s" in t and "anger, 4+7, apex 150" in t for t in tips
    )
    assert any("hit 006_1_2 (IoU 0.50), score 0.70" in t for t in tips)
    assert any("false alarm, score 0.90" in t for t in tips)


def test_misses_agree_with_the_score(tmp_path: Path) -> None:
    result = json.loads((fake_run(tmp_path, Fake(macro=True, failed=("011",))) / "result.json").read_text())
    bars = [f for f in figures_of(page_of(tmp_path)) if "taxonomy" in str(f.get("class"))]
    told = [{w: int(n) for w, n in (p.rsplit(" ", 1) for p in str(f.get("aria-label")).split(", "))} for f in bars]
    counts = [result["scores"]["last"][kind] for kind in KINDS]
    assert [sum(t.values()) for t in told] == [n for c in counts for n in (c["n_gt"], c["n_pred"])]
    assert [t["found"] for t in told[::2]] == [t["hit"] for t in told[1::2]] == [c["tp"] for c in counts]


def test_missed_kinds_are_those_looked_for(tmp_path: Path) -> None:
    page = page_of(fake_run(tmp_path))
    assert sum("taxonomy" in str(f.get("class")) for f in figures_of(page)) == 2
    assert "Not known: blinks (AU 45) and movements of the head" in page
    rows = (tmp_path / "truth.csv").read_text().splitlines()
    (tmp_path / "truth.csv").write_text("\n".join([f"{rows[0]},aus", *(f"{row},L4+45" for row in rows[1:])]))
    assert "Not known: movements of the head (AU 51 to 58)." in page_of(tmp_path)


def test_the_gap_is_said_fold_by_fold(tmp_path: Path) -> None:
    result = json.loads((fake_run(tmp_path) / "result.json").read_text())
    scores = [s["scores"] for s in result["subjects"]]
    last, best = (np.mean([s[rule]["micro"]["f1"] for s in scores]) for rule in ("last", "oracle"))
    assert f"mean held-out F1 {last:.3f} at the last epoch, {best:.3f} at each fold's oracle epoch" in words_of(
        tmp_path
    )


def test_setup_is_complete(tmp_path: Path) -> None:
    fake_run(tmp_path)
    (tmp_path / "environment.json").write_text('{"packages": {"numpy": "2.0", "torch": "2.15"}}')
    rows = [{"what": f"row {i}", "reason": "no apex", "action": "kept"} for i in range(40)]
    data = json.loads((tmp_path / "result.json").read_text())["data"]
    edit(tmp_path, {"data": {**data, "excluded": rows}})
    page = page_of(tmp_path)
    words = " ".join(" ".join(Reader(page).words).split())
    assert "Packages installed: 2" in words
    assert "torch 2.15" in words
    assert "device cpu" in words
    assert '<details class="wide"><summary><h3>Not used as it stands: 40 rows' in page, "a long list is folded"
    for name in ("clip_frames", "widths", "dropout", "learning_rate"):
        assert f"<code>{name}</code>" in page
    assert "not said" in words, "widths have no source"


def test_micro_only_is_said_and_macro_is_not_judged(tmp_path: Path) -> None:
    page = page_of(fake_run(tmp_path / "a"))
    assert "spots micro-expressions only" in page
    assert count(strips_of(page), "true macro unasked") > 0
    assert count(strips_of(page), "true macro missed") == 0
    assert "spots micro-expressions only" not in page_of(fake_run(tmp_path / "b", Fake(macro=True)))


def test_badges(tmp_path: Path) -> None:
    words = words_of(fake_run(tmp_path / "a", Fake(control="shuffled labels")))
    assert "synthetic stand-in: says nothing about real data" in words
    assert "control: shuffled labels" in words
    plain = words_of(fake_run(tmp_path / "b", Fake(synthetic=False)))
    assert "synthetic stand-in" not in plain
    assert "control" not in plain


def test_nothing_is_loaded_from_outside(tmp_path: Path) -> None:
    page = page_of(fake_run(tmp_path))
    reader = Reader(page)
    assert reader.loads
    assert all(re.fullmatch(r"#[a-z0-9-]+", target) for target in reader.loads)
    assert not {"link", "iframe", "img", "object", "embed", "base"} & set(reader.tags)
    assert not re.search(r"url\(|@import|@font-face|https?:", page)


def test_names_from_data_are_escaped(tmp_path: Path) -> None:
    evil = "<script>alert(1)<b>'\"&"
    fake_run(tmp_path, Fake(subjects=(evil, "007"), title=evil, failed=("007",), control=evil))
    result = json.loads((tmp_path / "result.json").read_text())
    for subject in result["subjects"]:
        subject["error"] = subject["error"] and f"{evil}\n{evil}\n{evil}"
    for part in ("model", "features"):
        result[part] |= {
            "name": evil,
            "arguments": {evil: evil},
            "sources": {evil: f"[{evil}] {evil}"},
            "facts": {evil: evil},
        }
    result["headline"]["metric"] = evil
    edit(tmp_path, {**result, "run": evil, "command": evil, "environment": {evil: evil}})
    (tmp_path / "recipe.yaml").write_text(evil)
    _write(tmp_path / "folds" / evil / "metrics.csv", ["epoch", f"train/loss{evil}"], [[0, 1.0], [1, 0.5]])
    page = page_of(tmp_path)
    assert page.count("<script") == page.count("</script") == 1
    assert "alert(1)<b>" not in page
    assert page.count("&lt;script&gt;alert(1)") > 20
    assert len(strips_of(page)) == 4


@pytest.mark.parametrize(
    "pattern",
    ["predictions.csv", "truth.csv", "videos.csv", "recipe.yaml", "folds/006/curves.npz", "folds/006/metrics.csv"],
)
@pytest.mark.parametrize("damaged", [False, True], ids=["missing", "damaged"])
def test_what_cannot_be_read_is_said(tmp_path: Path, pattern: str, damaged: bool) -> None:
    path = fake_run(tmp_path) / pattern
    path.write_bytes(b"dataset,epoch\nPK\x03\x04 \xff\xfe,x\n") if damaged else path.unlink()
    page = page_of(tmp_path)
    assert f"{pattern} {'cannot be read' if damaged else 'is not there'}" in page
    assert "1 file of this run missing or unreadable" in page
    assert len(strips_of(page)) == 12
    assert count(strips_of(page), "curve micro") == (10 if "curves" in pattern else 12)
    if pattern == "predictions.csv":
        assert count(strips_of(page), "true micro missed") == 0


def test_failed_folds_are_shown_with_their_error(tmp_path: Path) -> None:
    page = page_of(fake_run(tmp_path, Fake(failed=("011",))))
    assert "partial: 5 of 6 folds finished, 1 failed" in page
    assert "011_1/0342.jpg is truncated or not an image<br>copy this file again" in page
    assert "missing or unreadable" not in page
    assert "fold failed: nothing to compare" in page
    strips = strips_of(page)
    assert len(strips) == 12
    assert count(strips, "true micro unasked") > 0


def test_folds_of_several_datasets(tmp_path: Path) -> None:
    fake_run(tmp_path, Fake(subjects=("006",), videos=1))
    for name in ("truth", "predictions", "videos"):
        head, *rows = (tmp_path / f"{name}.csv").read_text().splitlines()
        other = [row.replace("samm_long", "cas_me_sq") for row in rows]
        (tmp_path / f"{name}.csv").write_text("\n".join([head, *rows, *other]))
    subjects = json.loads((tmp_path / "result.json").read_text())["subjects"]
    folds = [{**subjects[0], "subject": "samm_long-006"}, {"subject": "cas_me_sq-006", "state": "failed", "error": "e"}]
    (tmp_path / "folds" / "006").rename(tmp_path / "folds" / "samm_long-006")
    edit(tmp_path, {"subjects": folds})
    page = page_of(tmp_path)
    assert "samm_long, subject 006" in page
    assert page.count("fold failed: nothing to compare") == 1
    assert count(strips_of(page), "curve micro") == 1
    assert "missing or unreadable" not in page


def test_all_folds_failed(tmp_path: Path) -> None:
    fake = Fake(failed=Fake().subjects)
    words = words_of(fake_run(tmp_path, fake))
    assert "There is no score yet: no fold has finished" in words
    assert "No fold has written its metrics" in words


def test_no_truth(tmp_path: Path) -> None:
    words = words_of(fake_run(tmp_path, Fake(truth=False)))
    assert "The truth holds no micro-expressions" in words


def test_only_a_result(tmp_path: Path) -> None:
    (tmp_path / "result.json").write_text('{"schema": 1}')
    assert "There is no score yet" in words_of(tmp_path)


@pytest.mark.parametrize("text", [None, "{", "[]"], ids=["missing", "cut", "list"])
def test_no_result_is_an_error_with_a_next_step(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "result.json").write_text(text)
    with pytest.raises(RunError, match="run the recipe again"):
        write_report(tmp_path)


def test_same_files_same_page(tmp_path: Path) -> None:
    first = write_report(fake_run(tmp_path))
    text = first.read_bytes()
    assert first == tmp_path / "report.html"
    assert write_report(tmp_path).read_bytes() == text
    assert not list(tmp_path.glob("*.part"))


def test_large_run_is_a_small_page(tmp_path: Path) -> None:
    fake = Fake(subjects=tuple(f"{n:03d}" for n in range(21)), videos=7, frames=8000, row=1, macro=True)
    page = page_of(fake_run(tmp_path, fake))
    assert len(page.encode()) < 3_000_000
    assert len(strips_of(page)) == 147
    assert 1 <= len(re.findall(r'<details class="group" open', page)) < 21


def test_report_needs_no_torch() -> None:
    code = "import sys, mezoo.report; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=400), st.integers(2, 120), st.integers(1, 8))
def test_decimated_curve_keeps_its_peak(values: list[float], most: int, step: int) -> None:
    curve, frames = np.array(values, np.float32), np.arange(len(values), dtype=np.int64) * step
    xs, ys = decimate(frames, curve, len(values) * step, most)
    assert len(xs) == len(ys) == min(most, len(values))
    assert abs(ys.min() - 100 * (1 - float(curve.max()))) <= 0.5 + 1e-4, "the peak, to the nearest of 100 steps"
    assert np.all(np.diff(xs) >= 0)
    assert 0 <= xs[0] <= xs[-1] <= 1000


def test_path_leaves_and_returns_to_the_baseline() -> None:
    d = path(np.array([0, 10, 20, 30, 40]), np.array([50, 50, 50, 50, 20]))
    assert d == "M0 100l0-50l30 0l10-30l0 80"


def test_mean_of_folds_of_different_length() -> None:
    folds = {
        "a": Series(np.arange(3), np.array([1.0, 2.0, 3.0])),
        "b": Series(np.arange(1), np.array([3.0])),
        "c": Series(np.arange(2), np.array([5.0, 4.0])),
    }
    found = mean(folds)
    assert found.epochs.tolist() == [0, 1]
    assert found.values.tolist() == [3.0, 3.0]


@given(st.floats(-1e4, 1e4), st.floats(1e-3, 1e4), st.integers(2, 8))
def test_ticks_are_few_and_inside(low: float, width: float, most: int) -> None:
    found = ticks(low, low + width, most)
    assert len(found) <= most + 1
    assert all(low - 1e-6 * width <= t <= low + width * (1 + 1e-6) for t in found)


def test_axis_of_scores_leaves_air() -> None:
    assert [ceiling([v]) for v in (0.0, 0.04, 0.05, 0.3, 0.78, 0.9, 1.0)] == [0.05, 0.05, 0.1, 0.4, 1.0, 1.0, 1.0]
