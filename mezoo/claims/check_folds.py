"""Folds against the tables: nobody is missing, nobody is tested twice, nobody is trained on who is tested."""

from collections import Counter
from collections.abc import Iterator

from mezoo.claims.claim import Claim, fold_table, pooled_table
from mezoo.claims.facts import FoldFacts
from mezoo.claims.reasons import Reason
from mezoo.errors import MezooError
from mezoo.records import Fold
from mezoo.splits import folds_of, inner_validation, subject_of

_Person = tuple[str, str]


def check_folds(claim: Claim) -> Iterator[Reason]:
    """Reasons why the folds are not those of the split over these videos."""
    yield from _listed(claim)
    yield from _tested_once(claim)
    try:
        made = {fold.name: fold for fold in folds_of(claim.videos, claim.recipe.protocol.use)}
    except MezooError as error:
        yield Reason("fold", error.what)
        return
    given = [row.subject for row in claim.result.subjects]
    for name in [name for name in made if name not in given]:
        people = ", ".join(sorted({"/".join(key.split("/")[:2]) for key in made[name].test}))
        yield Reason("fold", f"missing subject: {people} is in the tables, and no fold {name} leaves it out")
    for name in [name for name in given if name not in made]:
        yield Reason("fold", f"fold {name} leaves out nobody who is in the tables")
    if sorted(given) == sorted(made) and given != [*made]:
        yield Reason("fold", "the folds of result.json are not in the order of the split")
    for name, fold in claim.folds.items():
        if name in made:
            yield from _as_made(claim, name, fold, made[name])


def _listed(claim: Claim) -> Iterator[Reason]:
    folders = {name.rpartition("/")[0].removeprefix("folds/") for name in claim.members if name.startswith("folds/")}
    for name in sorted(folders - {*claim.folds}):
        yield Reason("fold", f"there are files of fold {name}, which result.json does not call done")
    for name, fold in claim.folds.items():
        if fold.subject != name:
            yield Reason("fold", f"folds/{name}/fold.json is of fold {fold.subject}")


def _tested_once(claim: Claim) -> Iterator[Reason]:
    """Videos and subjects that two folds leave out; several videos of a subject may be tested apart under lovo only."""
    folds_with: dict[str, list[str]] = {}
    for name, fold in claim.folds.items():
        everyone = {"/".join(key.split("/")[:2]) for key in fold.videos}
        for item in {*fold.videos, *(everyone if claim.recipe.protocol.use != "lovo" else ())}:
            folds_with.setdefault(item, []).append(name)
        for key, times in Counter(fold.videos).items():
            if times > 1:
                yield Reason("fold", f"fold {name} tests {key} twice")
    for item, names in sorted(folds_with.items()):
        if len(names) > 1:
            what = "subject" if item.count("/") == 1 else "video"
            yield Reason("fold", f"{what} {item} is in two folds: {' and '.join(names)}")


def _as_made(claim: Claim, name: str, fold: FoldFacts, made: Fold) -> Iterator[Reason]:
    if {*fold.videos} != {*made.test}:
        odd = sorted({*fold.videos} ^ {*made.test})
        where = "lacks" if odd[0] in made.test else "has"
        yield Reason("fold", f"fold {name} {where} {odd[0]}: its videos are not those that the split leaves out")
    yield from _people(claim, name, fold, made)


def _people(claim: Claim, name: str, fold: FoldFacts, made: Fold) -> Iterator[Reason]:
    """Who was trained on, chosen on and tested, against what the split makes of the tables."""
    person = {v.key: subject_of(v) for v in claim.videos}
    train, validation, test = fold.people.sets()
    if claim.recipe.protocol.use != "lovo":
        for part, people in (("trained on", train), ("its epoch chosen on", validation)):
            for one in sorted(people & test):
                yield Reason("fold", f"overlap: fold {name} tests {_said(one)} and was {part} the same subject")
    for one in sorted(train & validation):
        yield Reason(
            "fold", f"overlap: fold {name} was trained on {_said(one)} and its epoch chosen on the same subject"
        )
    wanted = _wanted(claim, made, person)
    for part, people, right in zip(
        ("trains on", "chooses on", "tests"), (train, validation, test), wanted, strict=True
    ):
        for one in sorted(people ^ right):
            verb = part if one in people else f"no longer {part}"
            yield Reason("fold", f"fold {name} {verb} {_said(one)}: the split says otherwise")


def _wanted(claim: Claim, made: Fold, person: dict[str, _Person]) -> tuple[set[_Person], set[_Person], set[_Person]]:
    protocol = claim.recipe.protocol
    train, validation = made.train, ()
    if protocol.epoch == "validation":
        train, validation = inner_validation(made, person, protocol.validation_subjects, protocol.seed)
    return {person[k] for k in train}, {person[k] for k in validation}, {person[k] for k in made.test}


def _said(person: _Person) -> str:
    return "/".join(person)


def check_predictions(claim: Claim) -> Iterator[Reason]:
    """The tables of the folds, one after the other, are the pooled one; each holds videos of its own fold only."""
    rows: list[tuple[str, ...]] = []
    for name, fold in claim.folds.items():
        table = fold_table(claim, name)
        keys = {row.key for row in table.rows}
        for key in sorted(keys - {*fold.videos}):
            yield Reason("fold", f"folds/{name}/predictions.csv has {key}, which the fold does not leave out")
        if claim.result.task == "recognition":
            for key in sorted({*fold.videos} - keys):
                yield Reason("fold", f"folds/{name}/predictions.csv says nothing of {key}")
        rows += [tuple(row.cells.values()) for row in table.rows]
    pooled = [tuple(row.cells.values()) for row in pooled_table(claim).rows]
    if rows != pooled:
        at = next((i for i, pair in enumerate(zip(rows, pooled, strict=False)) if pair[0] != pair[1]), None)
        where = f"row {at + 1} is {', '.join(pooled[at])}" if at is not None else f"{len(pooled)} rows, not {len(rows)}"
        yield Reason("scores", f"predictions.csv is not the tables of the folds one after the other: {where}")
