"""What a claim says of itself, file against file: recipe, protocol with its fixed counts, classes, marks."""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from mezoo.claims.check_scores import first_difference
from mezoo.claims.claim import Claim, classes_of, kinds_of
from mezoo.claims.reasons import Reason
from mezoo.datasets.class_maps import CLASS_MAPS, class_map
from mezoo.errors import MezooError
from mezoo.protocols import LEAKS, Terms, terms, unnamed


def check_terms(claim: Claim) -> Iterator[Reason]:
    """Reasons why the files of a claim do not tell of the same run."""
    yield from _identity(claim)
    yield from _recipe(claim)
    yield from _classes(claim)
    yield from _counts(claim)
    yield from _protocol(claim)
    yield from _marks(claim)


def _identity(claim: Claim) -> Iterator[Reason]:
    run, manifest, result = claim.run, claim.manifest, claim.result
    name = f"{run.recipe}-{run.digest}"
    for where, said, right in (
        ("result.json: run", result.run, name),
        ("claim.json: run", manifest.run, name),
        ("claim.json: task", manifest.task, result.task),
        ("recipe.yaml: task", claim.recipe.task, result.task),
        ("claim.json: data", manifest.data, run.data),
    ):
        if said != right:
            yield Reason("recipe", f"{where} is {said}, elsewhere in the claim it is {right}")
    if not _digests(claim):
        yield Reason("recipe", f"recipe.yaml is not the recipe of digest {run.digest}")
    if result.task == "spotting" and run.data != _index(claim):
        yield Reason("table", "run.json was begun with other videos or another annotation than the tables hold")


def _digests(claim: Claim) -> bool:
    """Whether the settings have the run's digest, with some installed package as the dataset's distribution."""
    blocks = {name: [b.get("distribution"), b.get("version")] for name, b in _described(claim).items()}
    for package in (*claim.packages.items(), ("?", "?")):
        settings = json.loads(json.dumps(claim.settings, default=str))
        settings["dataset"].pop("root", None)
        for name, origin in {"dataset": [*package], **blocks}.items():
            settings[name]["from"] = origin
        text = json.dumps(settings, sort_keys=True, default=str)
        if hashlib.sha256(text.encode()).hexdigest()[:8] == claim.run.digest:
            return True
    return False


def _described(claim: Claim) -> dict[str, Mapping[str, Any]]:
    return {"features": claim.result.features, "model": claim.result.model}


def _index(claim: Claim) -> str:
    """The hash of `mezoo.plan.identity`, from the tables of a spotting run."""
    rows = [
        (v.key, v.fps, len(v.frames), [(e.kind, e.onset, e.offset) for e in v.expressions], None)
        for v in sorted(claim.videos, key=lambda v: v.key)
    ]
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def _recipe(claim: Claim) -> Iterator[Reason]:
    """The result repeats the recipe."""
    recipe, result = claim.recipe, claim.result
    for name, said in _described(claim).items():
        block = dict(claim.settings[name])
        yield from _repeats(f"{name}.name", said.get("name"), block.pop("use", None))
        yield from _repeats(f"{name}.arguments", said.get("arguments"), block)
    yield from _repeats("trainer", result.trainer, recipe.trainer)
    yield from _repeats("data.dataset", result.data.get("dataset"), recipe.dataset.get("use"))
    asked = recipe.protocol.model_dump(exclude={"use", "name"}) | {"split": recipe.protocol.use}
    yield from _repeats("protocol", {k: result.protocol.get(k) for k in asked}, asked)


def _repeats(where: str, said: Any, right: Any) -> Iterator[Reason]:
    at = first_difference(right, said)
    if at is not None:
        yield Reason("recipe", f"result.json: {where}{at[0]} is {at[2]}, recipe.yaml has {at[1]}")


def _classes(claim: Claim) -> Iterator[Reason]:
    if claim.result.task == "spotting":
        kinds = kinds_of(claim.result)
        odd = {s.kind for _, spotting in claim.decoded.values() for s in spotting.spots} - {*kinds}
        if odd:
            yield Reason("protocol", f"the model is said to spot {' and '.join(kinds)}, it predicts {odd.pop()} too")
        return
    name, given = str((claim.recipe.clips or {}).get("classes")), classes_of(claim.result)
    if name not in CLASS_MAPS and name != "native":
        yield Reason("protocol", f"recipe.yaml: there is no class map {name}")
        return
    right = class_map(name, _emotions(claim)).classes
    if right and given != right:
        yield Reason("protocol", f"classes are {', '.join(given)}; {name} has {', '.join(right)}")


def _emotions(claim: Claim) -> tuple[str, ...]:
    """A dataset's own emotions; none where its plugin is not installed."""
    from mezoo.datasets import find

    try:
        return find(str(claim.recipe.dataset.get("use"))).info.emotions
    except MezooError:
        return ()


def counts_of(claim: Claim) -> dict[str, Counter[str]]:
    """Denominators as the tables have them: expressions by kind or clips by class, of each dataset."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for video in claim.videos:
        names = [e.kind for e in video.expressions]
        if claim.result.task == "recognition":
            names = [classes_of(claim.result)[claim.labels[video.key]]]
        counts[video.dataset].update(names)
    return counts


def _counts(claim: Claim) -> Iterator[Reason]:
    """What the result says of its data, where the tables can tell."""
    data, counted = claim.result.data, sum(counts_of(claim).values(), Counter[str]())
    right: dict[str, Any] = {"videos": len(claim.videos)}
    if len({v.dataset for v in claim.videos}) == 1:
        right["subjects"] = len({v.subject for v in claim.videos})
    if claim.result.task == "spotting":
        right |= {"frames": sum(len(v.frames) for v in claim.videos)}
        right |= {kind: counted[kind] for kind in ("micro", "macro")}
    else:
        right["classes"] = {name: counted[name] for name in classes_of(claim.result)}
    at = first_difference(right, {k: data.get(k) for k in right})
    if at is not None:
        yield Reason("denominator", f"result.json: data{at[0]} is {at[2]}, the tables have {at[1]}")


def _protocol(claim: Claim) -> Iterator[Reason]:
    """The denominators are those of the protocol that is named."""
    try:
        right = _terms(claim)
    except MezooError as error:
        yield Reason("denominator", f"wrong denominator: {error.what}")
        return
    said = claim.result.protocol
    counts = {dataset: dict(parts) for dataset, parts in right.counts.items()}
    if said.get("counts") != counts:
        yield Reason("denominator", f"wrong denominator: {said.get('counts')} is claimed, the tables have {counts}")
    for key in ("id", "digest", "leak"):
        if said.get(key) != getattr(right, key):
            yield Reason(
                "protocol", f"protocol {key} is {said.get(key)!r}, for these data it is {getattr(right, key)!r}"
            )


def _terms(claim: Claim) -> Terms:
    protocol, task = claim.recipe.protocol, claim.result.task
    classes = classes_of(claim.result) if task == "recognition" else ()
    if claim.result.synthetic:
        return unnamed(task, protocol.use, counts_of(claim), classes, f"stand_in_{claim.recipe.dataset.get('use')}")
    return terms(task, protocol.use, counts_of(claim), classes, protocol.name)


def _marks(claim: Claim) -> Iterator[Reason]:
    """Nothing that makes a number no result is kept silent."""
    result, protocol = claim.result, claim.recipe.protocol
    if claim.recipe.synthetic is not None and not result.synthetic:
        yield Reason("protocol", "the recipe asks for a synthetic stand-in, the result does not say so")
    if result.control != ("shuffled labels" if protocol.labels == "shuffled" else ""):
        yield Reason("protocol", f"training labels are {protocol.labels}, the result says control: {result.control!r}")
    if result.leaks != (right := leaks_of(claim)):
        yield Reason("protocol", f"leaks of the run are {right}, the result names {result.leaks}")
    undone = [row.subject for row in result.subjects if row.state != "done"]
    if (result.status == "partial") != bool(undone):
        yield Reason("protocol", f"status is {result.status}, folds that are not done: {', '.join(undone) or 'none'}")
    if not claim.manifest.diagnostic and (why := not_a_result(result.status, result.control, result.leaks)):
        yield Reason("protocol", f"not a result ({'; '.join(why)}), and not marked as diagnostic")


def leaks_of(claim: Claim) -> list[str]:
    """Leaks that follow from the recipe and the folds, in the result's words."""
    protocol = claim.recipe.protocol
    found = [LEAKS[protocol.use]] if protocol.use in LEAKS else []
    if protocol.epoch == "oracle":
        found.append("each subject's epoch was chosen on its own test data")
    seen = {fold.start["seen"] for fold in claim.folds.values() if fold.start.get("seen")}
    return [*found, *(f"weights to begin with: {text}" for text in sorted(seen))]


def not_a_result(status: str, control: str, leaks: list[str]) -> list[str]:
    """Why a run is a diagnostic at most; empty where it is a result."""
    partial = ["some folds failed"] if status != "complete" else []
    return [*partial, *([f"control: {control}"] if control else []), *(f"leak: {leak}" for leak in leaks)]
