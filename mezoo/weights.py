"""Weights on disk: safetensors only, with everything in their metadata that is needed to ask them again."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mezoo.errors import RunError
from mezoo.files import replacing

if TYPE_CHECKING:
    from mezoo.models import Model

KEY = "mezoo"
"""The one metadata entry: the library writes several in an order that changes from run to run."""


@dataclass(frozen=True, slots=True)
class Card:
    """What a weights file says of itself.

    `fitted`: what `Model.prepare` estimated. `people`: whom it was trained on and left out, see `mezoo.transfer`.
    `made`: task, classes, model, features and clips of the recipe, and rows and frames a second of the training data.
    """

    fitted: Mapping[str, Any]
    people: Mapping[str, Any]
    made: Mapping[str, Any]


def save_weights(model: "Model", path: Path, card: Card) -> None:
    """Write the state of a model, atomically."""
    from safetensors.torch import save

    tensors = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in model.state_dict().items()}
    told = {"fitted": dict(card.fitted), "people": dict(card.people), "made": dict(card.made)}
    # Not save_file: what it writes only its owner can read, and runs are shared between people.
    with replacing(path) as part:
        part.write_bytes(save(tensors, metadata={KEY: json.dumps(told, default=str)}))


def read_card(path: Path) -> Card:
    """What a weights file says of itself; empty where it was not written by mezoo. Raises RunError for another file."""
    from safetensors import safe_open

    if path.suffix.lower() in {".ckpt", ".pt", ".pth", ".pkl", ".bin"}:
        raise RunError(
            f"{path} is a pickled checkpoint, which can run any code when it is opened, and is never read",
            hint="give a run folder, an exported folder, or a .safetensors file that mezoo wrote",
        )
    try:
        with safe_open(path, framework="numpy") as file:
            told = _sound(json.loads((file.metadata() or {}).get(KEY, "{}")))
    except Exception as error:
        raise RunError(
            f"{path} cannot be read as weights ({type(error).__name__}: {error})",
            hint="give a safetensors file, or the folder of a finished run",
        ) from error
    return Card(told.get("fitted", {}), told.get("people", {}), told.get("made", {}))


def _sound(told: Any) -> dict[str, Any]:
    """The same card. Raises ValueError for one that `save_weights` would not write."""
    parts = ("fitted", "people", "made")
    if not isinstance(told, dict) or any(not isinstance(told.get(part, {}), dict) for part in parts):
        raise ValueError("its card is no card of mezoo")
    people = told.get("people", {})
    known = [people.get("trained"), people.get("left_out")] if people else []
    for group in known:
        if not isinstance(group, list) or any(not _is_person(one) for one in group):
            raise ValueError("its card does not say whom it was trained on")
    return told


def _is_person(told: Any) -> bool:
    return isinstance(told, list) and len(told) == 2 and all(isinstance(word, str) for word in told)


def load_weights(model: "Model", path: Path) -> "Model":
    """Build a model as `prepare` once shaped it, and load its weights; it is in evaluation mode afterwards.

    Raises RunError where the tensors are not those of this model: weights of another recipe.
    """
    from safetensors.torch import load_file

    card = read_card(path)
    if not card.made:
        raise RunError(f"{path} was not written by this mezoo's fit", hint="train the recipe again: mezoo fit RECIPE")
    try:
        model.build(card.fitted)
        tensors = load_file(path)
    except Exception as error:
        raise RunError(
            f"{path} cannot be loaded into {type(model).__name__} ({type(error).__name__}: {error})",
            hint="the weights are of other settings, or the file is damaged: train the recipe again",
        ) from error
    wrong = misfits(tensors, model.state_dict())
    if wrong:
        raise RunError(
            f"{path} does not fit {type(model).__name__}: {len(wrong)} tensors differ, such as {wrong[0]}",
            hint="the weights are of another recipe: use the recipe that lies beside them",
        )
    model.load_state_dict(tensors)
    return model.eval()


def misfits(given: Mapping[str, Any], own: Mapping[str, Any]) -> list[str]:
    """Tensors that are absent, too many, or of another shape, in words."""
    names = dict.fromkeys([*own, *given])
    return [
        f"{name}: {_shape(given, name)} there, {_shape(own, name)} here"
        for name in names
        if _shape(given, name) != _shape(own, name)
    ]


def _shape(tensors: Mapping[str, Any], name: str) -> tuple[int, ...] | str:
    return tuple(tensors[name].shape) if name in tensors else "absent"
