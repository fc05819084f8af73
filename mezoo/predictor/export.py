"""One folder to pass on: weights, how they were made, what they measured, limits of use, and the note on licences."""

import json
import shutil
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from mezoo.contracts import Bars, DatasetInfo, no_bars
from mezoo.errors import MezooError, RunError
from mezoo.predictor import onnx as networks
from mezoo.predictor.trained import LIMITS, MODEL_FILE, Trained, find, measured, parts
from mezoo.registry import find as find_plugin
from mezoo.registry import load

SCHEMA = 1
_KEPT = (
    "run",
    "recipe",
    "task",
    "status",
    "synthetic",
    "control",
    "leaks",
    "headline",
    "scores",
    "protocol",
    "trainer",
)
"""What an exported folder keeps of result.json beside counts: nothing that tells of the disk it was made on."""


def export(place: Path, out: Path, fold: str | None = None, onnx: bool = False, bars: Bars = no_bars) -> list[Path]:
    """Write `out` from a run folder: what `mezoo predict --model` and `load_model` take. Returns the files written.

    `onnx`: also every network for programs without mezoo, see `mezoo.predictor.onnx`. Raises RunError for a run without
    weights, for an `out` that is there already, and for networks that ONNX cannot take; nothing is left of it then.
    """
    if onnx:
        networks.require()
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise RunError(f"{out} is there already", hint="give --out a new folder")
    first, second = parts(place)
    found = [find(first, fold)] if second is None else [find(first, fold), find(second, fold)]
    part = out.with_name(f"{out.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        for trained in found:
            folder = part if second is None else part / trained.source.name
            _write(trained, folder, onnx)
            if onnx:
                networks.write_networks(trained, folder / "onnx", bars)
        if second is not None:
            (part / "README.md").write_text(_joint_card(found), encoding="utf-8")
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    if out.is_dir():
        out.rmdir()
    part.rename(out)
    return sorted(p for p in out.rglob("*") if p.is_file())


def _write(trained: Trained, folder: Path, onnx: bool) -> None:
    (folder / "weights").mkdir(parents=True)
    for name, path in trained.members.items():
        shutil.copyfile(path, folder / "weights" / f"{name}.safetensors")
    about = {
        "schema": SCHEMA,
        "method": trained.method().name,
        "task": trained.task,
        "members": [*trained.members],
        "measured": measured(trained.result),
        "limits": [*LIMITS],
        "made": trained.made,
    }
    _json(folder / MODEL_FILE, about)
    if trained.result:
        _json(folder / "result.json", kept(trained.result))
    recipe = trained.source / "recipe.yaml"
    if recipe.is_file():
        (folder / "recipe.yaml").write_text(_without_root(recipe.read_text(encoding="utf-8")), encoding="utf-8")
    (folder / "README.md").write_text(card(trained, onnx), encoding="utf-8")


def kept(result: Mapping[str, Any]) -> dict[str, Any]:
    """What is passed on of a result: scores and their protocol, the number of people, no path of the maker's disk."""
    data = {k: result["data"].get(k) for k in ("dataset", "title", "paper", "videos", "subjects", "frames")}
    subjects = [{"subject": s["subject"], "state": s["state"]} for s in result["subjects"]]
    versions = {k: v for k, v in result["environment"].items() if k != "platform"}
    return {**{k: result[k] for k in _KEPT}, "data": data, "subjects": subjects, "environment": versions}


def card(trained: Trained, onnx: bool = False) -> str:
    """The card of exported weights as Markdown: use, measured numbers, limits, licence, then the method's own card.

    `onnx`: networks for other programs lie beside them.
    """
    made, name = trained.made, trained.method().name
    mark = "**SYNTHETIC: trained on drawn faces. It says nothing about people.**\n\n" if made["synthetic"] else ""
    members = len(trained.members)
    kind = "one model" if members == 1 else f"an ensemble of {members} models, one for each left-out subject"
    return (
        f"# {name}, trained on {made['dataset']['title']}\n\n{mark}"
        f"Task: {made['task']}. Weights: {kind}, as safetensors (no pickled code)."
        f"{' The networks alone, for other programs: onnx/README.md.' if onnx else ''}\n\n"
        "```\nmezoo predict film.mp4 --model THIS_FOLDER\n```\n\n"
        '```python\nimport mezoo\nmodel = mezoo.load_model("THIS_FOLDER")\n'
        'found = model.predict("film.mp4").found\n```\n\n'
        f"## What was measured\n\n{measured(trained.result)}.\n\n{_scores(trained.result)}"
        f"## Limits of use\n\n{_listed(LIMITS)}\n\n## Licence\n\n{_licence(trained)}\n\n"
        f"## The method\n\n{_lower(_method_card(trained))}"
    )


def _scores(result: Mapping[str, Any]) -> str:
    if not result:
        return ""
    ratios = ("precision", "recall", "f1") if result["task"] == "spotting" else ("accuracy", "uar", "uf1")
    head = f"| epoch | part | {' | '.join(ratios)} | 95 % from | to |\n|{'---|' * (len(ratios) + 4)}\n"
    rows = [
        f"| {rule} | {part} | {' | '.join(f'{v:.3f}' for v in (*(s[k] for k in ratios), *s['ci95']))} |\n"
        for rule, scores in result["scores"].items()
        for part, s in scores.items()
        if rule != "oracle"
    ]
    protocol = result["protocol"].get("name") or result["protocol"]["split"]
    return f"{head}{''.join(rows)}\nRun `{result['run']}`, protocol {protocol}.\n\n"


def _licence(trained: Trained) -> str:
    info = _dataset(trained)
    title = trained.made["dataset"]["title"]
    if trained.made["synthetic"]:
        return (
            f"Trained on a synthetic stand-in in the layout of {title}: no licensed film had a part in these weights."
        )
    owner = f", whose owner is {info.owner}" if info else ""
    how = f" How the data are obtained: {info.access}." if info else ""
    return (
        f"These weights were learnt from {title}{owner}, lent under an agreement that binds whoever trained them. "
        "Weights can keep traces of the films they were learnt from: ask the owner before passing this folder on, and "
        f"pass the agreement's conditions on with it.{how}"
    )


def _dataset(trained: Trained) -> DatasetInfo | None:
    try:
        return load(find_plugin("dataset", trained.made["dataset"]["name"])).info
    except MezooError:
        return None


def _method_card(trained: Trained) -> str:
    package = trained.model.plugin.module.partition(".")[0]
    try:
        return files(package).joinpath("README.md").read_text(encoding="utf-8")
    except (OSError, ModuleNotFoundError):
        return f"{package} carries no card.\n"


def _lower(markdown: str) -> str:
    """Headings one level down, so that a card stands inside another."""
    return "".join(f"#{line}" if line.startswith("#") else line for line in markdown.splitlines(keepends=True))


def _joint_card(found: list[Trained]) -> str:
    names = " and ".join(f"`{t.source.name}` ({t.method().name})" for t in found)
    return (
        f"# Spot, then recognise\n\nTwo methods: {names}; each folder has its card.\n\n"
        f"```\nmezoo predict film.mp4 --model THIS_FOLDER\n```\n\n## Limits of use\n\n{_listed(LIMITS)}\n"
    )


def _listed(sentences: tuple[str, ...]) -> str:
    return "\n".join(f"- {sentence}" for sentence in sentences)


def _without_root(recipe: str) -> str:
    """A resolved recipe without the folder in which its maker keeps the data."""
    import yaml

    from mezoo.yaml_marks import shallow

    shallow(recipe, aliases=False)
    settings = yaml.safe_load(recipe)
    settings.get("dataset", {}).pop("root", None)
    return yaml.safe_dump(settings, sort_keys=False, allow_unicode=True)


def _json(path: Path, value: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=1), encoding="utf-8")
