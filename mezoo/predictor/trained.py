"""Trained weights found on disk: those of a run's folds, of its final model, or of an exported folder. No torch."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mezoo.envelope import ClipsBlock
from mezoo.errors import RunError
from mezoo.files import read_object
from mezoo.prediction import Method
from mezoo.recipe import Block, read_block
from mezoo.registry import load
from mezoo.run_folder import FINAL, RunFolder
from mezoo.weights import Card, read_card

MODEL_FILE = "model.json"
"""Marks an exported folder, and says what lies in it."""
LIMITS = (
    "An interval is a movement of the face, not a feeling, a thought or an intention; its name says how the owners "
    "of a dataset labelled movements like it.",
    "Do not use it to judge a person: not for hiring, teaching, policing, borders, insurance, credit, health, or to "
    "tell truth from lies. In the European Union inferring emotions at work and in education is prohibited "
    "(Regulation (EU) 2024/1689, Article 5(1)(f)).",
    "It was measured on few people, filmed facing a camera in a laboratory; other faces, light, cameras and occasions "
    "were not measured.",
    "Film people only if they have agreed to it, and to this.",
)


@dataclass(frozen=True, slots=True)
class Trained:
    """A method with the weights of its members, by name; `result` is that of its run, {} where there is none."""

    source: Path
    members: Mapping[str, Path]
    cards: Mapping[str, Card]
    result: Mapping[str, Any]

    @property
    def made(self) -> Mapping[str, Any]:
        """Task, classes, model, features and clips, as every member says."""
        return next(iter(self.cards.values())).made

    @property
    def task(self) -> str:
        """`spotting` or `recognition`."""
        return str(self.made["task"])

    @property
    def model(self) -> Block:
        """The model with the arguments that it was trained with."""
        return _block("model", self.made["model"])

    @property
    def features(self) -> Block:
        """Its features. Raises RunError where the installed extractor makes other numbers."""
        block = _block("feature", self.made["features"])
        here, then = load(block.plugin).version, self.made["features"]["extractor_version"]
        if here != then:
            raise RunError(
                f"{self.source} was trained on features of {block.plugin.name} version {then}; installed is {here}",
                hint=f"install {self.made['features']['distribution']} as it was then, or train again: mezoo fit",
            )
        return block

    @property
    def clips(self) -> ClipsBlock:
        """How a recogniser's clips are cut."""
        return ClipsBlock.model_validate(self.made["clips"])

    def method(self) -> Method:
        """What a page says of it."""
        return Method(
            name=self.made["model"]["title"],
            task=self.task,
            source=str(self.source),
            members=tuple(self.members),
            trained_on=self.made["dataset"]["title"],
            measured=measured(self.result),
            synthetic=bool(self.made["synthetic"]),
            limits=LIMITS,
            classes=tuple(self.made["classes"]),
        )


def find(place: Path, fold: str | None = None) -> Trained:
    """The weights of a run folder, an exported folder or one weights file; `fold` picks one member.

    The default is the ensemble of all folds, else the final model. Raises RunError for what holds none.
    """
    members = _members(place)
    if not members:
        raise RunError(
            f"{place} holds no trained weights" if place.exists() else f"there is no {place}",
            hint="give the folder of a run (runs/NAME-DIGEST), or one that mezoo export wrote",
        )
    if fold is not None:
        if fold not in members:
            raise RunError(f"{place} has no fold {fold!r}", hint=f"it has {', '.join(members)}")
        members = {fold: members[fold]}
    elif len(members) > 1:
        members = {name: path for name, path in members.items() if name != FINAL}
    cards = {name: read_card(path) for name, path in members.items()}
    _one_method(place, cards)
    return Trained(place, members, cards, _json(place / "result.json"))


def parts(place: Path) -> tuple[Path, Path | None]:
    """The folder of a method, or those of the spotter and the recogniser of a joint run."""
    both = place / "spotter", place / "recognizer"
    return both if all(p.is_dir() for p in both) else (place, None)


def measured(result: Mapping[str, Any]) -> str:
    """What a run scored, in words; says so where nothing was measured."""
    head = result.get("headline")
    if not head:
        return "no measurement lies beside these weights"
    try:
        return _measured(result, head)
    except (KeyError, TypeError, ValueError, AttributeError):
        return "the measurement that lies beside these weights is damaged"


def _measured(result: Mapping[str, Any], head: Mapping[str, Any]) -> str:
    low, high = head["ci95"]
    people = f"{len(result['subjects'])} subjects of {result['data']['title']}"
    mark = ", a synthetic stand-in" if result.get("synthetic") else ""
    leak = f"; LEAK: {'; '.join(result['leaks'])}" if result.get("leaks") else ""
    return (
        f"{head['metric']} {head['value']:.3f} (95 % interval {low:.3f} to {high:.3f}), each subject left out once, "
        f"{people}{mark}{leak}"
    )


def _members(place: Path) -> dict[str, Path]:
    if place.is_file():
        return {place.stem: place}
    if (place / MODEL_FILE).is_file():
        return {path.stem: path for path in sorted((place / "weights").glob("*.safetensors"))}
    run = RunFolder(place)
    folders = [run.fold(f.name) for f in sorted((place / "folds").glob("*/"))] + [run.final]
    return {f.path.name: f.weights for f in folders if f.weights.is_file()}


def _one_method(place: Path, cards: Mapping[str, Card]) -> None:
    for name, card in cards.items():
        if not card.made:
            raise RunError(
                f"the weights {name!r} of {place} do not say how they were made",
                hint="they are not of mezoo fit, or of an older one: train the recipe again",
            )
        if missing := _lacking(card.made):
            raise RunError(
                f"the weights {name!r} of {place} have a damaged card: {missing} is missing or of another kind",
                hint="copy the file again, or train the recipe again",
            )
    told = {json.dumps([c.made[k] for k in ("task", "classes", "model", "features", "clips")]) for c in cards.values()}
    if len(told) > 1:
        raise RunError(
            f"{place} mixes weights of {len(told)} recipes", hint="train it again with --fresh, or pick one: --fold"
        )


def _lacking(made: Mapping[str, Any]) -> str:
    """The first part of a card that is not of the kind that `mezoo fit` writes; "" for a whole one."""
    wanted: dict[str, Any] = {
        "task": str,
        "classes": list,
        "dataset": dict,
        "model": dict,
        "features": dict,
        "clips": (dict, type(None)),
        "frames_per_second": int | float,
        "rows_per_second": int | float,
        "synthetic": bool,
    }
    for part, kind in wanted.items():
        if part not in made or not isinstance(made[part], kind):
            return part
    inner = (("dataset", "title"), ("model", "name"), ("model", "title"), ("features", "name"))
    inner += (("features", "extractor_version"), ("features", "distribution"))
    for part, key in inner:
        if not isinstance(made[part].get(key), str):
            return f"{part}.{key}"
    return next((f"{p}.arguments" for p in ("model", "features") if not isinstance(made[p].get("arguments"), dict)), "")


def _block(kind: Any, described: Mapping[str, Any]) -> Block:
    """The block that `describe` told of. Raises RecipeError where the plugin is gone or takes other arguments."""
    return read_block(kind, json.dumps({"use": described["name"], **described["arguments"]}))


def _json(path: Path) -> dict[str, Any]:
    try:
        return read_object(path)
    except (OSError, ValueError):
        return {}
