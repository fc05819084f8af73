"""The fixed keys of a recipe, as pydantic models. What stands inside `use:` blocks is checked by `mezoo.signatures`."""

from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)


class Strict(BaseModel):
    """No key beyond the declared ones."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class UseBlock(BaseModel):
    """`use:` names a plugin, the other keys are its constructor's arguments."""

    model_config = ConfigDict(extra="allow", frozen=True)
    use: str


def _split(value: Any, check: ValidatorFunctionWrapHandler) -> Any:
    """Known protocols are not asked for: they follow from the data."""
    try:
        return check(value)
    except ValidationError as error:
        reason = "loso, lodo or lovo; known protocols such as megc2019 follow from the datasets and their counts"
        raise ValueError(f"{reason}, not {value!r}") from error


class ProtocolBlock(Strict):
    """How the data are split and which epoch counts.

    `use` is the split: leave one subject, dataset or video out (the last lets subjects leak: marked, never a result).
    Data that should meet the fixed counts of a known protocol and do not need a `name` of your own.
    `labels: shuffled` trains every fold on intervals moved at random, or on classes dealt anew: the control that a
    real result must beat. `epoch: validation` picks each fold's epoch on `validation_subjects` of its training
    subjects; `epoch: oracle` on the left-out subject itself, as much published code does: marked, never a result.
    """

    use: Annotated[Literal["loso", "lodo", "lovo"], WrapValidator(_split)] = "loso"
    name: str | None = Field(default=None, min_length=1)
    epoch: Literal["last", "validation", "oracle"] = "last"
    seed: int = 1
    labels: Literal["true", "shuffled"] = "true"
    validation_subjects: int = Field(default=2, ge=1)


CLASS_MAPS = (
    "native",
    "megc2019_3",
    "casme2_5",
    "samm_5",
    "casme_4",
    "casme2_4",
    "cas_me_sq_3",
    "cas_me_sq_4",
    "cas_me_cubed_3",
    "cas_me_cubed_7",
    "objective_7",
    "objective_5",
)
"""Names of `mezoo.datasets.class_maps`, here because a recipe is checked without importing what datasets need."""


class ClipsBlock(Strict):
    """Recognition: which expressions become clips, with which classes, and which of their frames are taken.

    `classes` names a class map. A clip goes from onset to `end`, both included. `take`: "all" frames, "linear" (as
    many as `frames`, at equal steps), or "key_frames" (onset, middle of the longer phase, apex, offset).
    """

    classes: str
    kind: Literal["micro", "macro", "both"] = "micro"
    end: Literal["offset", "apex"] = "offset"
    take: Literal["all", "linear", "key_frames", "key_frames_official"] = "all"
    frames: int | None = Field(default=None, ge=2)

    @model_validator(mode="after")
    def _frames_go_with_linear(self) -> "ClipsBlock":
        if (self.frames is not None) != (self.take == "linear"):
            raise ValueError("`take: linear` and `frames: N` go together")
        if self.take.startswith("key_frames") and self.end == "apex":
            raise ValueError("key frames go from onset to offset: leave `end` out")
        return self


class InitBlock(Strict):
    """Weights to begin with: `from` is a run folder or a weights file; `part` is all of the model or its trunk.

    A source that saw the left-out subject (or, where that cannot be told, its dataset family) is refused; with
    `seen: mark` it is used, and the result says so.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    source: str = Field(alias="from")
    part: Literal["all", "trunk"] = "all"
    fold: str | None = None
    seen: Literal["refuse", "mark"] = "refuse"


class WandbBlock(Strict):
    """Where wandb runs go; without `mode`, online if logged in, else offline.

    `name` stands before the fold in the name of each run (default: the recipe's), `notes` is free text.
    """

    project: str = "mezoo"
    entity: str | None = None
    mode: Literal["online", "offline", "disabled"] | None = None
    tags: tuple[str, ...] = ()
    name: str | None = Field(default=None, min_length=1)
    notes: str | None = None


class ExecutorBlock(Strict):
    """Where folds are trained; the result is the same. `workers`: folds side by side, all cores where left out.

    `ray`: a fold is a task that takes `cpus` cores, one thread each, and `gpus` of its node, which may be a fraction
    (left out: those that its trainer uses, where the cluster has any). `stacked`: the steps of all folds are computed
    as one, for small models on a GPU.
    """

    use: Literal["inline", "process", "ray", "stacked"] = "inline"
    workers: int | None = Field(default=None, ge=1)
    cpus: int = Field(default=1, ge=1)
    gpus: float | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _shares_are_of_ray(self) -> "ExecutorBlock":
        given = sorted({"cpus", "gpus"} & self.model_fields_set)
        if given and self.use != "ray":
            raise ValueError(
                f"{' and '.join(given)} of a fold are for `use: ray`; {self.use} does not share out devices"
            )
        return self

    def asked(self, use: str | None, workers: int | None) -> tuple[str, int | None]:
        """Executor and number of workers, what was typed before the recipe; several workers inline are processes."""
        chosen = use or ("process" if self.use == "inline" and (workers or 1) > 1 else self.use)
        return chosen, workers or self.workers


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
    clips: dict[str, Any] = {}
    features: dict[str, Any] = {}
    model: dict[str, Any] = {}
    protocol: dict[str, Any] = {}
    trainer: dict[str, Any] = {}


class Envelope(Strict):
    """A whole recipe."""

    task: Literal["spotting", "recognition"]
    dataset: UseBlock
    clips: ClipsBlock | None = None
    features: UseBlock
    model: UseBlock
    protocol: ProtocolBlock = ProtocolBlock()
    trainer: dict[str, Any] = {}
    compile: bool = False
    init: InitBlock | None = None
    executor: ExecutorBlock = ExecutorBlock()
    wandb: WandbBlock = WandbBlock()
    loggers: tuple[Literal["csv", "tensorboard"], ...] = ()
    """Loggers of Lightning that write every value of a fold into its folder `logs/`, beside wandb."""
    synthetic: SyntheticBlock = SyntheticBlock()

    @model_validator(mode="after")
    def _clips_go_with_recognition(self) -> "Envelope":
        if self.task == "recognition" and self.clips is None:
            raise ValueError("recognition needs the block `clips: {classes: NAME}`, such as megc2019_3 or native")
        if self.task == "spotting" and self.clips is not None:
            raise ValueError("spotting looks at whole videos: leave the block `clips` out")
        return self
