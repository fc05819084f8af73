"""A claim that has the right form: records and nouns, not yet checked against each other."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mezoo.claims import tables
from mezoo.claims.archive import TRUTH, Members
from mezoo.claims.facts import (
    FoldFacts,
    Manifest,
    Packages,
    RecipeFacts,
    ResultFacts,
    RunFacts,
    load_json,
    read_facts,
    read_recipe,
)
from mezoo.claims.reasons import Refused
from mezoo.records import Example, Features, Spotting, Video
from mezoo.tasks import Decoded, RecognitionTask, SpottingTask, Task

_NO_FEATURES = Features(np.empty((0, 1), np.float32), np.empty(0, np.int64), 0, 1.0)
_MOST_CLASSES = 100


@dataclass(frozen=True, slots=True)
class Claim:
    """Everything of a claim. `folds` are those that are done, in the order of the result.

    `decoded` are videos or clips by key with what was predicted of them, as the core's scorer takes them.
    """

    members: Members
    manifest: Manifest
    result: ResultFacts
    headline: Mapping[str, Any]
    recipe: RecipeFacts
    settings: Mapping[str, Any]
    run: RunFacts
    packages: Mapping[str, str]
    folds: Mapping[str, FoldFacts]
    videos: tuple[Video, ...]
    labels: Mapping[str, int]
    decoded: Mapping[str, tuple[Example, Any]]

    @property
    def truth(self) -> str:
        """Hash of the annotation that the claim is scored on: equal for equal annotation."""
        return tables.truth_hash(self.members, TRUTH[self.result.task])

    def task(self) -> Task:
        """The core's scorer for this claim."""
        if self.result.task == "spotting":
            return SpottingTask(kinds_of(self.result))
        return RecognitionTask(classes_of(self.result), tuple(sorted({v.dataset for v in self.videos})))

    def of_fold(self, fold: FoldFacts) -> Decoded:
        """The left-out videos of a fold with their predictions."""
        if lacking := [key for key in fold.videos if key not in self.decoded]:
            raise Refused("scores", f"predictions.csv says nothing of {lacking[0]}, which a fold leaves out")
        return [self.decoded[key] for key in fold.videos]


def read_claim(members: Members, manifest: Manifest) -> Claim:
    """Records and nouns of a claim's members. Raises Refused at the first that has not the right form."""
    result = read_facts(ResultFacts, members, "result.json")
    recipe, settings = read_recipe(members)
    done = [row.subject for row in result.subjects if row.state == "done"]
    if len({*done}) < len(done):
        raise Refused("fold", "result.json names a fold twice")
    folds = {name: read_facts(FoldFacts, members, f"folds/{name}/fold.json") for name in done}
    told = "clips.csv" not in manifest.withheld
    videos, labels, decoded = _spotted(members) if result.task == "spotting" else _recognised(members, result, told)
    return Claim(
        members,
        manifest,
        result,
        load_json("result.json", members["result.json"])["headline"],
        recipe,
        settings,
        read_facts(RunFacts, members, "run.json"),
        read_facts(Packages, members, "environment.json").packages,
        folds,
        videos,
        labels,
        decoded,
    )


_Nouns = tuple[tuple[Video, ...], Mapping[str, int], Mapping[str, tuple[Example, Any]]]


def _spotted(members: Members) -> _Nouns:
    videos = {v.key: v for v in tables.videos_of(members)}
    spots = tables.spots_of(members, "predictions.csv", videos)
    decoded = {k: (Example(v, _NO_FEATURES), Spotting(spots.get(k, ()))) for k, v in videos.items()}
    return tuple(videos.values()), {}, decoded


def _recognised(members: Members, result: ResultFacts, told: bool) -> _Nouns:
    classes = classes_of(result)
    clips = tables.clips_of(members, classes)
    answers = tables.answers_of(members, "predictions.csv", classes, clips, told=told)
    shares = np.eye(len(classes), dtype=np.float32)
    decoded = {k: (Example(clips[k][0], _NO_FEATURES, clips[k][1]), shares[a]) for k, a in answers.items()}
    return tuple(v for v, _ in clips.values()), {k: label for k, (_, label) in clips.items()}, decoded


def classes_of(result: ResultFacts) -> tuple[str, ...]:
    """The fixed list of classes. Raises Refused for none, too many, or one named twice."""
    given = result.model.get("classes")
    if not isinstance(given, list) or not 1 < len(given) <= _MOST_CLASSES or not all(isinstance(c, str) for c in given):
        raise Refused("form", "result.json: model.classes is no list of classes")
    if len({*given}) < len(given):
        raise Refused("form", "result.json: model.classes names a class twice")
    return tuple(given)


def kinds_of(result: ResultFacts) -> tuple[Any, ...]:
    """Kinds of expression that the model looks for. Raises Refused for anything else."""
    given = result.model.get("kinds")
    if given not in (["micro"], ["macro"], ["micro", "macro"], ["macro", "micro"]):
        raise Refused("form", "result.json: model.kinds is no list of micro and macro")
    return tuple(given)


def fold_table(claim: Claim, name: str) -> tables.Table:
    """What was predicted of the left-out videos of a fold, as rows."""
    return tables.read_table(claim.members, f"folds/{name}/predictions.csv", ("dataset", "subject"))


def pooled_table(claim: Claim) -> tables.Table:
    """The rows that the score is made of."""
    return tables.read_table(claim.members, "predictions.csv", ("dataset", "subject"))
