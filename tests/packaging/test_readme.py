"""README names what is there, and nothing else."""

import re
from pathlib import Path

from mezoo.registry import plugins

ROOT = Path(__file__).parents[2]


def test_every_plugin_of_ours_stands_in_the_readme():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    table = text.split("## What is here")[1].split("## ")[0]
    named = set(re.findall(r"`(\w+)`", table))
    ours = {p.name for p in plugins() if p.distribution == "mezoo"}
    assert ours <= named, f"not in README: {sorted(ours - named)}"
    assert named <= ours, f"in README only: {sorted(named - ours)}"


def test_links_of_the_readmes_lead_somewhere():
    for file in [ROOT / "README.md", *ROOT.glob("*/README.md"), *ROOT.glob("plugins/*/README.md")]:
        for target in re.findall(r"\]\((?!http|#)([^)]+)\)", file.read_text(encoding="utf-8")):
            assert (file.parent / target).exists(), f"{file}: {target}"
