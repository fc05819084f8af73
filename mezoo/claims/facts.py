"""What the JSON and YAML of a claim must hold, checked before anything is made of it."""

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from mezoo.claims.archive import FORMAT, MANIFEST, VERSION, Members, load_json
from mezoo.claims.reasons import Refused

Count = Annotated[int, Field(ge=0, le=10**9)]
Ratio = Annotated[FiniteFloat, Field(ge=0, le=1)]
Tally = dict[str, dict[str, Any]]


class Facts(BaseModel):
    """No conversion of types; keys beyond the declared ones are read by nobody here."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)


class Manifest(Facts):
    """`claim.json`. `members`: sha256 of every other member; `withheld`: hash of annotation that is left out, by table.

    `diagnostic`: the run is no result (partial, a control, leaky), and says so. `data`: the run's index of its data.
    """

    format: Literal["mezoo claim"] = FORMAT
    version: Literal[1] = VERSION
    mezoo: str
    run: str
    task: Literal["spotting", "recognition"]
    data: str
    diagnostic: bool
    withheld: dict[str, str]
    members: dict[str, str]


class Headline(Facts):
    """The number that stands for the run."""

    metric: str
    kind: str
    value: Ratio
    ci95: list[Ratio]
    epoch_rule: Literal["last", "validation", "oracle"]


class SubjectRow(Facts):
    """One fold as the result tells of it; `subject` is the fold's name."""

    subject: str
    state: Literal["done", "failed", "pending", "running"]
    videos: Count
    scores: dict[str, Tally]
    oracle_epoch: Count | None
    epochs: Count


class ResultFacts(Facts):
    """What is checked of `result.json`."""

    run: str
    task: Literal["spotting", "recognition"]
    status: Literal["complete", "partial"]
    synthetic: bool
    control: str
    leaks: list[str]
    headline: Headline
    scores: dict[str, Tally]
    subjects: list[SubjectRow]
    data: dict[str, Any]
    model: dict[str, Any]
    features: dict[str, Any]
    protocol: dict[str, Any]
    trainer: dict[str, Any]
    mezoo: str


class People(Facts):
    """(dataset, subject) pairs that a fold was trained on, chose its epoch on, and left out."""

    train: list[Annotated[list[str], Field(min_length=2, max_length=2)]]
    validation: list[Annotated[list[str], Field(min_length=2, max_length=2)]]
    test: list[Annotated[list[str], Field(min_length=2, max_length=2)]]

    def sets(self) -> tuple[set[tuple[str, str]], set[tuple[str, str]], set[tuple[str, str]]]:
        """Train, validation and test as sets."""
        train, validation, test = ({(p[0], p[1]) for p in part} for part in (self.train, self.validation, self.test))
        return train, validation, test


class FoldFacts(Facts):
    """What is checked of a `fold.json` that is done."""

    state: Literal["done"]
    subject: str
    people: People
    videos: list[str]
    epochs: Annotated[int, Field(ge=1, le=10**9)]
    epoch_of: dict[str, Count]
    tallies: dict[str, Tally]
    start: dict[str, str] = {}


class RunFacts(Facts):
    """`run.json`."""

    recipe: str
    digest: str
    data: str


class Packages(Facts):
    """`environment.json`."""

    packages: dict[str, str]


class ProtocolFacts(Facts):
    """The recipe's protocol block."""

    use: Literal["loso", "lodo", "lovo"]
    name: str | None = None
    epoch: Literal["last", "validation", "oracle"]
    seed: int
    labels: Literal["true", "shuffled"]
    validation_subjects: int


class RecipeFacts(Facts):
    """`recipe.yaml`: the resolved recipe."""

    task: Literal["spotting", "recognition"]
    dataset: dict[str, Any]
    features: dict[str, Any]
    model: dict[str, Any]
    protocol: ProtocolFacts
    trainer: dict[str, Any]
    clips: dict[str, Any] | None = None
    synthetic: dict[str, Any] | None = None


Kind = TypeVar("Kind", bound=Facts)


def as_facts(kind: type[Kind], name: str, data: Any) -> Kind:
    """Plain data as a record. Raises Refused naming the file, the key and what is wrong with it."""
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise Refused("form", f"{name}: {key}: {first['msg'].lower()}") from error


def member(members: Members, name: str) -> bytes:
    """Bytes of a member. Raises Refused where there is none."""
    if name not in members:
        raise Refused("member", f"{name} is missing")
    return members[name]


def read_facts(kind: type[Kind], members: Members, name: str) -> Kind:
    """A JSON member as a record. Raises Refused."""
    return as_facts(kind, name, load_json(name, member(members, name)))


def read_manifest(members: Members) -> Manifest:
    """The claim's own list. Raises Refused."""
    return read_facts(Manifest, members, MANIFEST)


def read_recipe(members: Members) -> tuple[RecipeFacts, Mapping[str, Any]]:
    """The resolved recipe, checked and as it stands. Raises Refused; YAML that refers to itself is refused too."""
    data = load_yaml("recipe.yaml", member(members, "recipe.yaml"))
    return as_facts(RecipeFacts, "recipe.yaml", data), data


def load_yaml(name: str, data: bytes) -> Any:
    """YAML of a member that JSON could hold as well. Raises Refused."""
    import yaml

    try:
        text = data.decode("utf-8")
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.SafeLoader)):
            raise ValueError("it refers to itself")
        found = yaml.safe_load(text)
        json.dumps(found, default=str)
        return found
    except (TypeError, ValueError, yaml.YAMLError, RecursionError) as error:
        raise Refused("form", f"{name} is not YAML: {error}") from error
