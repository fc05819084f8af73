"""A joint recipe read as the two that it stands for, each checked as if it were a recipe of its own."""

import copy
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mezoo import yaml_marks
from mezoo.envelope import ExecutorBlock
from mezoo.errors import RecipeError
from mezoo.recipe import Draft, Recipe, finished, locate, read_recipe
from mezoo.registry import did_you_mean
from mezoo.yaml_marks import Marked

TASK = "spot_then_recognize"
SCORED = "strs"
"""What a joint run is called where it is scored: as in `mezoo score --task strs` and the published tables."""
PARTS: Mapping[str, str] = {"spotter": "spotting", "recognizer": "recognition"}
"""Blocks of a joint recipe, and the task of each."""
SHARED = ("dataset", "protocol", "wandb", "loggers", "executor")
"""Blocks that both parts have in common."""
_SYNTHETIC = ("data", "dataset", "protocol")


@dataclass(frozen=True, slots=True)
class Joint:
    """A checked joint recipe: `spotter` is trained on whole videos, `recognizer` on the annotated clips."""

    name: str
    path: Path
    spotter: Recipe
    recognizer: Recipe

    def parts(self) -> dict[str, Recipe]:
        """Both recipes, by the name of their block and folder."""
        return {"spotter": self.spotter, "recognizer": self.recognizer}

    @property
    def executor(self) -> ExecutorBlock:
        """Where folds are trained, in both parts."""
        return self.spotter.executor

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be said of both parts, once."""
        return tuple(dict.fromkeys(note for part in self.parts().values() for note in part.notes))

    def digest(self) -> str:
        """Eight hex digits: equal for equal settings of both parts."""
        text = "+".join(part.digest() for part in self.parts().values())
        return hashlib.sha256(text.encode()).hexdigest()[:8]


def read_any(argument: str, overrides: Sequence[str] = (), *, synthetic: bool = False) -> Recipe | Joint:
    """Read and check a recipe of any task, by path or name; `NAME:spotter` is that part of a joint recipe alone.

    Raises RecipeError listing every problem.
    """
    whole, colon, part = argument.rpartition(":")
    name = whole if colon and part in PARTS else argument
    path = locate(name)
    if yaml_marks.read(path).data.get("task") != TASK:
        return read_recipe(argument, overrides, synthetic=synthetic)
    joint = read_joint(path, overrides, synthetic=synthetic)
    return joint if name == argument else joint.parts()[part]


def read_one(argument: str, overrides: Sequence[str] = (), *, synthetic: bool = False) -> Recipe:
    """The same for what looks at one method at a time. Raises RecipeError for a joint recipe without a part."""
    recipe = read_any(argument, overrides, synthetic=synthetic)
    if isinstance(recipe, Joint):
        parts = " or ".join(f"{argument}:{name}" for name in PARTS)
        raise RecipeError(f"{argument} joins a spotter and a recogniser: which part is meant?", hint=f"write {parts}")
    return recipe


def read_joint(path: Path, overrides: Sequence[str] = (), *, synthetic: bool = False) -> Joint:
    """Read and check a joint recipe; overrides begin with `spotter.`, `recognizer.` or a shared block's name.

    Raises RecipeError listing every problem of both parts.
    """
    marked = yaml_marks.read(path)
    _check_keys(path, marked)
    parts: dict[str, Recipe] = {}
    problems: list[str] = []
    for name in PARTS:
        try:
            parts[name] = _part(path, marked, name, overrides, synthetic)
        except RecipeError as error:
            problems += [error.what]
    if problems:
        raise RecipeError("\n".join(dict.fromkeys(problems)))
    _check_together(path, parts)
    return Joint(path.stem, path, parts["spotter"], parts["recognizer"])


def _part(path: Path, marked: Marked, name: str, overrides: Sequence[str], synthetic: bool) -> Recipe:
    own = [text for given in overrides if (text := _own_override(given, name))]
    return finished(Draft(path, _projected(marked, name)), own, synthetic=synthetic)


def _projected(marked: Marked, name: str) -> Marked:
    """The document as the recipe of one part, with the place of every key in the joint file."""
    data: dict[str, Any] = marked.data
    told = data.get("synthetic") or {}
    if not isinstance(told, dict) or not isinstance(told.get(name) or {}, dict):
        place = marked.keys[("synthetic",)]
        raise RecipeError(f"{place.line}:{place.column}: synthetic holds blocks of keys", hint="see recipes/")
    own: dict[str, Any] = {key: data[key] for key in SHARED if key in data} | dict(data[name] or {})
    synthetic = {key: told[key] for key in _SYNTHETIC if key in told} | dict(told.get(name) or {})
    whole = {"task": PARTS[name], **own, **({"synthetic": synthetic} if "synthetic" in data else {})}

    def moved(places: Mapping[tuple[str, ...], Any]) -> dict[tuple[str, ...], Any]:
        found: dict[tuple[str, ...], Any] = {}
        for key, place in places.items():
            if key[:2] == ("synthetic", name):
                found[("synthetic", *key[2:])] = place
            elif key[:1] == (name,):
                found[key[1:]] = place
            elif key[:1] and key[0] in (*SHARED, "task", "synthetic"):
                found[key] = place
        return {key: place for key, place in found.items() if key}

    return Marked(copy.deepcopy(whole), moved(marked.keys), moved(marked.values))


def _own_override(text: str, name: str) -> str:
    """`--set` as the recipe of one part reads it; "" where it is for the other. Raises RecipeError for neither."""
    first, _, rest = text.partition(".")
    if first == "synthetic":
        second, _, inner = rest.partition(".")
        if second in PARTS:
            return f"synthetic.{inner}" if second == name else ""
        return text
    if first in PARTS:
        return rest if first == name else ""
    if first.partition("=")[0] in SHARED:
        return text
    raise RecipeError(
        f"--set {text!r}: which part is meant?",
        hint=f"begin with spotter., recognizer., or one of {', '.join(SHARED)}, synthetic",
    )


def _check_keys(path: Path, marked: Marked) -> None:
    known = ("task", *SHARED, *PARTS, "synthetic")
    for key in marked.data:
        if key not in known:
            line = marked.keys[(key,)].line
            near = did_you_mean(key, known)
            raise RecipeError(f"{path}:{line}: unknown key {key!r}{near} (known: {', '.join(known)})")
    for name in PARTS:
        if not isinstance(marked.data.get(name), dict):
            raise RecipeError(
                f"{path}: {TASK} needs the block `{name}:` with features, model and trainer",
                hint="the recipe mesnet_adaptive_gat_cas_me_sq is an example",
            )


def _check_together(path: Path, parts: Mapping[str, Recipe]) -> None:
    clips, protocol = parts["recognizer"].clips, parts["spotter"].protocol
    if clips is None or clips.kind != "micro":
        raise RecipeError(f"{path}: STRS is of micro-expressions: leave recognizer.clips.kind out")
    if protocol.use != "loso":
        raise RecipeError(
            f"{path}: {TASK} leaves one subject out; protocol.use is {protocol.use}", hint="set protocol.use to loso"
        )
