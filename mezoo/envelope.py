"""The fixed keys of a recipe, as pydantic models. What stands inside `use:` blocks is checked by `mezoo.signatures`."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Strict(BaseModel):
    """No key beyond the declared ones."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class UseBlock(BaseModel):
    """`use:` names a plugin, the other keys are its constructor's arguments."""

    model_config = ConfigDict(extra="allow", frozen=True)
    use: str


class ProtocolBlock(Strict):
    """How the data are split and which epoch counts.

    `labels: shuffled` trains every fold on intervals moved at random: the control that a real result must beat.
    `epoch: validation` picks each fold's epoch on `validation_subjects` of its training subjects.
    """

    use: Literal["loso"] = "loso"
    epoch: Literal["last", "validation"] = "last"
    seed: int = 1
    labels: Literal["true", "shuffled"] = "true"
    validation_subjects: int = Field(default=2, ge=1)


class WandbBlock(Strict):
    """Where wandb runs go; without `mode`, online if logged in, else offline."""

    project: str = "mezoo"
    entity: str | None = None
    mode: Literal["online", "offline", "disabled"] | None = None
    tags: tuple[str, ...] = ()


class StandInBlock(Strict):
    """Size and difficulty of the stand-in that `--synthetic` trains on; see `mezoo.StandIn`."""

    preset: Literal["small", "full"] = "small"
    subjects: int | None = Field(default=None, ge=2)
    videos: int | None = Field(default=None, ge=1)
    seconds: float | None = Field(default=None, gt=1)
    intensity: float = Field(default=1.0, ge=0)
    seed: int = 0
    dirty: bool = False


class SyntheticBlock(Strict):
    """What `--synthetic` changes: the stand-in (`data`), and values laid over the blocks of the same name."""

    data: StandInBlock = StandInBlock()
    dataset: dict[str, Any] = {}
    features: dict[str, Any] = {}
    model: dict[str, Any] = {}
    protocol: dict[str, Any] = {}
    trainer: dict[str, Any] = {}


class Envelope(Strict):
    """A whole recipe."""

    task: Literal["spotting", "recognition"]
    dataset: UseBlock
    features: UseBlock
    model: UseBlock
    protocol: ProtocolBlock = ProtocolBlock()
    trainer: dict[str, Any] = {}
    wandb: WandbBlock = WandbBlock()
    synthetic: SyntheticBlock = SyntheticBlock()
