"""`mezoo report`: the page anew, figures and tables, and what it says of folders that are no finished run."""

import json
import re
import subprocess
import sys
from itertools import islice
from xml.etree import ElementTree

import numpy as np
import pytest

from mezoo.cli import main
from mezoo.models import Model
from mezoo.records import Graph
from mezoo.report import paper
from mezoo.report.latex import escaped, tables

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A spotting and a recognition run of the toy guest, whose models show a graph, or fail to."""
    folder = tmp_path_factory.mktemp("runs")
    seen = []

    def graphs(self, examples):
        seen.extend(examples)
        if self.task == "spotting":
            raise RuntimeError("no graph today")
        return [Graph("Sides", np.array([[0.5, 0.5], [-1, 0]], np.float32), ("left", "right"), ((0, 0.3), (1, 0.3)))]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Model, "graphs", graphs)
        patch.setenv("MEZOO_CACHE", str(folder / "cache"))
        for recipe in ("toy", "toy_sides"):
            assert main(["fit", recipe, "--synthetic", "--runs", str(folder / recipe)]) == 0
    assert seen
    assert all(e.label is None for e in seen)
    assert not any(x.emotion or x.aus for e in seen for x in e.video.expressions)
    return {name: next((folder / name).glob("*/result.json")).parent for name in ("toy", "toy_sides")}


def test_the_page_is_written_anew(mezoo, runs):
    page = runs["toy"] / "report.html"
    before = page.read_bytes()
    page.unlink()
    code, out, _ = mezoo("report", runs["toy"])
    assert code == 0
    assert out.strip() == f"report: {page}"
    assert page.read_bytes() == before


def test_graphs_of_a_fold(runs):
    """They are in the page; one that fails is a note, and fails no fold."""
    page = (runs["toy_sides"] / "report.html").read_text(encoding="utf-8")
    assert "<b>Sides</b>" in page
    assert "right from left: -1 ± 0" in page
    assert "left and right: -1" in page
    status = json.loads(next(runs["toy"].glob("folds/*/fold.json")).read_text())
    assert status["state"] == "done"
    assert status["notes"] == ["graphs not written: RuntimeError: no graph today"]
    assert not [*runs["toy"].glob("folds/*/graphs.json")]
    assert 'id="graphs"' not in (runs["toy"] / "report.html").read_text(encoding="utf-8")


def test_misses_of_the_page_add_up(runs):
    page = (runs["toy"] / "report.html").read_text(encoding="utf-8")
    counts = json.loads((runs["toy"] / "result.json").read_text())["scores"]["last"]["micro"]
    bars = re.findall(r'class="fig taxonomy" role="img" aria-label="([^"]*)"', page)
    truth, spots = ({k: int(n) for k, n in (p.rsplit(" ", 1) for p in bar.split(", "))} for bar in bars)
    assert sum(truth.values()) == counts["n_gt"]
    assert sum(spots.values()) == counts["n_pred"]
    assert truth["found"] == spots["hit"] == counts["tp"]
    for target in re.findall(r'href="#(v[^"]*)"', page):
        assert page.count(f'id="{target}"') == 1


def test_confusion_says_counts_and_shares(runs):
    page = (runs["toy_sides"] / "report.html").read_text(encoding="utf-8")
    matrix = json.loads((runs["toy_sides"] / "result.json").read_text())["scores"]["last"]["overall"]["confusion"]
    for row in matrix:
        for n in row:
            assert f">{n}<small>{100 * n / sum(row):.0f} %</small></td>" in page


@pytest.mark.parametrize(
    ("recipe", "names"),
    [
        ("toy", {"misses", "timelines", "subjects", "learning"}),
        ("toy_sides", {"confusion", "subjects", "learning", "graph-1"}),
    ],
)
def test_figures(mezoo, runs, tmp_path, recipe, names):
    code, out, _ = mezoo("report", runs[recipe], "--figures", tmp_path / "figures")
    assert code == 0
    assert f"{len(names)} pdf, {len(names)} png, {len(names)} svg" in out
    for name in names:
        path = tmp_path / "figures" / name
        svg = ElementTree.fromstring(path.with_suffix(".svg").read_text(encoding="utf-8"))
        assert svg.find(f".//{SVG}svg") is not None, "the page's own figure is inside"
        style = svg.findtext(f"{SVG}style") or ""
        assert "var(" not in style
        assert "url(" not in style
        pdf = path.with_suffix(".pdf").read_bytes()
        assert b"/Type3" not in pdf
        assert b"/FontFile2" in pdf, "TrueType fonts are embedded"
        width = float(re.search(rb"/MediaBox \[ 0 0 ([\d.]+)", pdf)[1]) / 72 * 25.4
        assert min(abs(width - 85), abs(width - 175)) < 0.1
        png = path.with_suffix(".png").read_bytes()
        assert int.from_bytes(png[16:20], "big") == pytest.approx(width / 25.4 * 300, abs=2)


def test_same_files_same_figures(runs, tmp_path, monkeypatch):
    drawn = paper.drawn
    monkeypatch.setattr(paper, "drawn", lambda run: islice(drawn(run), 1))
    for folder in ("a", "b"):
        paper.write_figures(runs["toy_sides"], tmp_path / folder)
    made = sorted(p.relative_to(tmp_path / "a") for p in (tmp_path / "a").rglob("*") if p.is_file())
    assert len(made) == 7
    for path in made:
        assert (tmp_path / "a" / path).read_bytes() == (tmp_path / "b" / path).read_bytes(), path


def test_tables_say_the_numbers(runs):
    result = json.loads((runs["toy"] / "result.json").read_text())
    made = tables(result)
    assert set(made) == {"scores.tex", "subjects.tex", "arguments.tex"}
    micro = result["scores"]["last"]["micro"]
    assert (
        f"& {micro['f1']:.3f} & [{micro['ci95'][0]:.3f}, {micro['ci95'][1]:.3f}] & {micro['tp']} &"
        in made["scores.tex"]
    )
    assert all("SYNTHETIC" in text and r"\toprule" in text for text in made.values())
    for name in result["model"]["arguments"]:
        assert escaped(name) in made["arguments.tex"]
    assert set(tables(json.loads((runs["toy_sides"] / "result.json").read_text()))) > {"classes.tex"}
    for text in made.values():
        widths = {len(re.findall(r"(?<!\\)&", line)) for line in text.splitlines() if line.endswith(r"\\")}
        assert len(widths) == 1, "every row has as many cells"


def test_names_are_escaped_in_latex():
    assert escaped("CAS(ME)^2_a & 50 % of $x$ #1 {b} \\ ~") == (
        r"CAS(ME)\textasciicircum{}2\_a \& 50 \% of \$x\$ \#1 \{b\} \textbackslash{} \textasciitilde{}"
    )


def test_the_browser_is_asked_and_may_be_missing(mezoo, runs, monkeypatch):
    opened = []
    monkeypatch.setattr("webbrowser.open", lambda url: bool(opened.append(url)))
    code, out, _ = mezoo("report", runs["toy"], "--open")
    assert code == 0
    assert opened == [(runs["toy"] / "report.html").as_uri()]
    assert "no browser here" in out


def test_folders_that_are_no_finished_run(mezoo, tmp_path):
    code, _, err = mezoo("report", tmp_path / "nowhere")
    assert (code, "there is no folder" in err) == (2, True)
    code, _, err = mezoo("report", tmp_path)
    assert (code, "mezoo fit" in err) == (2, True)
    run = tmp_path / "x-1"
    (run / "folds" / "01").mkdir(parents=True)
    (run / "folds" / "01" / "fold.json").write_text('{"state": "done"}')
    (run / "run.json").write_text('{"command": "mezoo fit x"}')
    code, _, err = mezoo("report", run)
    assert code == 2
    assert "has not ended: 1 folds done" in err
    assert "continue it: mezoo fit x" in err
    assert "mezoo gather" in err
    code, _, err = mezoo("report", tmp_path)
    assert (code, "give one of x-1" in err) == (2, True)
    (run / "result.json").write_text("{")
    assert mezoo("report", run)[0] == 2


def test_the_command_needs_no_torch(runs):
    code = (
        f"import sys; from mezoo.cli import main; main(['report', {str(runs['toy'])!r}]); light = 'matplotlib'\n"
        "assert light not in sys.modules; import mezoo.report.paper; assert light in sys.modules\n"
        "sys.exit('torch' in sys.modules or 'matplotlib.pyplot' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
