"""A run's result as versioned JSON, and the tables from which every number in it can be computed again."""

import json
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from importlib.metadata import PackageNotFoundError, distributions, version
from pathlib import Path
from typing import Any, get_origin

from mezoo.errors import RunError
from mezoo.files import read_object, write_atomic

SCHEMA = 2
_LIBRARIES = ("mezoo", "torch", "lightning", "numpy", "opencv-contrib-python", "scikit-image", "wandb")


@dataclass(frozen=True, slots=True)
class Result:
    """`result.json`. Scores are pooled over subjects; frames in the tables beside it are 0-based, ends included."""

    run: str
    recipe: str
    command: str
    created: str
    task: str
    status: str
    synthetic: bool
    control: str
    leaks: list[str]
    headline: Mapping[str, Any]
    scores: Mapping[str, Any]
    subjects: list[Mapping[str, Any]]
    data: Mapping[str, Any]
    model: Mapping[str, Any]
    features: Mapping[str, Any]
    protocol: Mapping[str, Any]
    trainer: Mapping[str, Any]
    environment: Mapping[str, Any]
    seconds: float
    mezoo: str = ""
    schema: int = SCHEMA
    notes: list[str] = field(default_factory=list[str])

    def write(self, path: Path) -> None:
        """Write the JSON atomically."""
        write_atomic(path, json.dumps(asdict(self), indent=1, default=str))

    @classmethod
    def read(cls, path: Path) -> "Result":
        """Read a result. Raises RunError for a file that is none, or of another schema."""
        try:
            data = read_object(path)
            found = data.get("schema")
        except (OSError, ValueError) as error:
            raise RunError(f"{path} is not a result of mezoo: {error}", hint="run mezoo fit again") from error
        if found != SCHEMA:
            raise RunError(
                f"{path} has schema {found}, this mezoo reads {SCHEMA}", hint="install the mezoo that wrote it"
            )
        try:
            return _checked(cls(**data))
        except TypeError as error:
            raise RunError(f"{path} is not a result of mezoo: {error}", hint="run mezoo fit again") from error


def _checked(result: Result) -> Result:
    """The same result. Raises TypeError where a value is not of the kind that its field has."""
    for told in fields(Result):
        kind: Any = get_origin(told.type) or told.type
        value = getattr(result, told.name)
        if not isinstance(value, int | float if kind is float else kind):
            raise TypeError(f"its {told.name} is a {type(value).__name__}")
    return result


def environment(device: str) -> dict[str, str]:
    """Versions that a result depends on, and the device's name."""
    found = {"python": platform.python_version(), "platform": platform.platform(), "device": device}
    for library in _LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            continue
    return found


def packages() -> dict[str, str]:
    """Name and version of every distribution installed."""
    return dict(sorted((d.name, d.version) for d in distributions()))
