"""Pages are built alike whatever names the data hold, and load nothing from outside."""

import csv
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

EVIL = (
    "<img src=x onerror=1>",
    '"><script>alert(1)</script>',
    "</style></title></textarea><script>alert(1)</script>",
    "javascript:alert(1)",
    "' onmouseover='alert(1)",
    "{{ 7 * 7 }}{% raw %}",
    "]]></script><!--",
    "\u202e&lt;b&gt;&#0;\\input{/etc/passwd}",
)
KEPT = {"state", "status", "task", "kind", "epoch_rule", "schema", "use", "protocol", "created"}
"""Keys of result.json whose words the program itself compares."""


class Page(HTMLParser):
    """Elements with the names of their attributes, and everything that a browser would load or follow."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.loads: list[str] = []
        self.links: list[str] = []
        self.feed(text)
        self.loads += re.findall(r"url\(\s*['\"]?([^)'\"]*)", text) + re.findall(r"@import\s+(\S+)", text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(sorted(name for name, _ in attrs))))
        for name, value in attrs:
            if name in {"src", "srcset", "poster", "data", "action", "formaction", "background", "xlink:href"}:
                self.loads.append(value or "")
            if name == "href":
                (self.links if tag == "a" else self.loads).append(value or "")


def checked(text: str, plain: str) -> None:
    """`text` with names of strangers is built as `plain` with harmless ones, and neither loads anything."""
    page, other = Page(text), Page(plain)
    assert page.tags == other.tags
    assert all(target.startswith(("#", "data:image/")) for target in page.loads), page.loads
    assert all(re.match(r"#|https://|[\w.%-]+(/|$)", target) for target in page.links), page.links
    assert not any(name.startswith("on") for _, names in page.tags for name in names)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Finished toy runs of the three tasks."""
    import contextlib
    import os

    from mezoo.cli import main

    folder = tmp_path_factory.mktemp("pages")
    before = os.environ.get("MEZOO_CACHE")
    os.environ["MEZOO_CACHE"] = str(folder / "cache")
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        for name in ("toy", "toy_sides", "toy_both"):
            assert main(["fit", name, "--synthetic", "--runs", str(folder / name)]) == 0
    os.environ.pop("MEZOO_CACHE")
    if before is not None:
        os.environ["MEZOO_CACHE"] = before
    return {name: next((folder / name).glob(f"{name}-*")) for name in ("toy", "toy_sides", "toy_both")}


def renamed(run: Path, out: Path, mark: str) -> Path:
    """A copy of a run in which every name from data, and every word that is not the program's own, ends in `mark`."""
    out.mkdir(parents=True)
    for path in run.glob("*.csv"):
        grid = [*csv.reader(io.StringIO(path.read_text(), newline=""))]
        head, *rows = grid
        names = {"dataset", "subject", "video", "clip", "emotion", "aus", "code", "truth", "answer", "class"}
        chosen = [i for i, name in enumerate(head) if name in names]
        head = [name + mark if name.startswith("p_") else name for name in head]
        for row in rows:
            for i in chosen:
                row[i] = row[i] and row[i] + mark
        text = io.StringIO(newline="")
        csv.writer(text).writerows([head, *rows])
        (out / path.name).write_text(text.getvalue())
    told = json.loads((run / "result.json").read_text())
    (out / "result.json").write_text(json.dumps(_marked(told, mark)))
    (out / "recipe.yaml").write_text((run / "recipe.yaml").read_text() + f"# {mark}\n")
    (out / "environment.json").write_text(json.dumps({"packages": {f"a{mark}": mark}}))
    return out


def _marked(tree, mark, key=""):
    if isinstance(tree, dict):
        return {k: _marked(v, mark, k) for k, v in tree.items()}
    if isinstance(tree, list):
        return [_marked(v, mark, key) for v in tree]
    return tree + mark if isinstance(tree, str) and tree and key not in KEPT else tree


def harmless(evil: str) -> str:
    """As long, and of letters; what parts a path stays, since such a subject has no folder either way."""
    return "".join(sign if sign in "/\n" else "x" for sign in evil)


@pytest.mark.parametrize("name", ["toy", "toy_sides", "toy_both"])
def test_a_report_is_built_alike_whatever_names_are_in_it(mezoo, runs, tmp_path, name):
    for i, evil in enumerate(EVIL):
        pages = []
        for kind, mark in (("evil", evil), ("plain", harmless(evil))):
            folder = renamed(runs[name], tmp_path / f"{kind}{i}", mark)
            code, _, err = mezoo("report", folder)
            assert code == 0, err
            pages.append((folder / "report.html").read_text())
        checked(*pages)


def test_a_leaderboard_is_built_alike_and_so_is_its_markdown(mezoo, runs, tmp_path):
    for i, evil in enumerate(EVIL):
        pages = []
        for kind, mark in (("evil", evil), ("plain", harmless(evil))):
            both = [renamed(runs[n], tmp_path / f"{kind}{i}" / n, mark) for n in ("toy", "toy_sides")]
            code, _, err = mezoo("leaderboard", *both, "--html", tmp_path / f"{kind}{i}.html")
            assert code == 0, err
            pages.append((tmp_path / f"{kind}{i}.html").read_text())
        checked(*pages)


def test_parts_of_a_report_that_wandb_shows_hold_no_more_than_the_page(mezoo, runs, tmp_path):
    from mezoo.tracking.summary_run import section

    for name, part in (("toy", "timelines"), ("toy_sides", "clips")):
        cut = []
        for kind, mark in (("evil", EVIL[1]), ("plain", harmless(EVIL[1]))):
            folder = renamed(runs[name], tmp_path / kind / name, mark)
            assert mezoo("report", folder)[0] == 0
            cut.append(section((folder / "report.html").read_text(), part))
        assert all(cut)
        checked(*cut)


def commands(folder: Path) -> list[str]:
    """Every LaTeX command of a run's tables, in order, remarks left out."""
    from mezoo.report import latex

    texts = latex.tables(json.loads((folder / "result.json").read_text())).values()
    lines = [line for text in texts for line in text.splitlines() if not line.startswith("%")]
    return re.findall(r"\\[A-Za-z]+|(?<!\\)[%$#&]", "\n".join(lines))


def test_tables_for_a_paper_run_no_command(runs, tmp_path):
    from mezoo.report.latex import _SPECIAL

    escapes = {m for text in _SPECIAL.values() for m in re.findall(r"\\[A-Za-z]+", text)}
    for i, evil in enumerate((*EVIL, r"\write18{rm}", r"\end{tabular}", "% $x_1^2$ & # ~ {", "a\nb")):
        found = commands(renamed(runs["toy"], tmp_path / f"evil{i}", evil))
        plain = commands(renamed(runs["toy"], tmp_path / f"plain{i}", harmless(evil)))
        assert [c for c in found if c not in escapes] == [c for c in plain if c not in escapes]
