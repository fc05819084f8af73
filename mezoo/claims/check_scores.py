"""Every number again, by the core's own scorer, from the tables inside the claim."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

import mezoo
from mezoo.claims.claim import Claim
from mezoo.claims.facts import Count, Facts, FoldFacts, Tally, as_facts
from mezoo.claims.reasons import Reason, Refused
from mezoo.metrics import Confusion, Counts, pooled
from mezoo.tasks import RecognitionTask, Task

_ROUNDING = 1e-12
"""Intervals of equal draws may differ by this on another processor."""


def check_scores(claim: Claim) -> Iterator[Reason]:
    """Folds, pool and headline against what the predictions give."""
    return _Recount(claim, claim.task(), claim.recipe.protocol.epoch, claim.result.mezoo != mezoo.__version__).reasons()


@dataclass(frozen=True, slots=True)
class _Recount:
    """`rule` is the epoch rule of the headline, whose predictions are in the claim; of others there are counts.

    `less`: another version made the claim, which need not give every number that this one computes.
    """

    claim: Claim
    task: Task
    rule: str
    less: bool

    def reasons(self) -> Iterator[Reason]:
        folds = self.claim.folds
        found = {name: self.task.tally(self.claim.of_fold(fold)) for name, fold in folds.items()}
        rules = {self.rule, "last", "oracle"}
        if {*self.claim.result.scores} != rules or any({*f.tallies} != rules for f in folds.values()):
            yield Reason("scores", f"scores are not given for exactly {', '.join(sorted(rules))}")
            return
        for name, fold in folds.items():
            where = f"folds/{name}/fold.json: tallies"
            yield from self._differs(f"{where}.{self.rule}", found[name], fold.tallies[self.rule])
            for other in sorted(rules - {self.rule}):
                yield from self._restated(f"{where}.{other}", fold.tallies[other], found[name])
            yield from _epochs(fold, name, self.task)
        yield from self._rows()
        tallies = {r: [f.tallies[r] for f in folds.values()] for r in rules} | {self.rule: [*found.values()]}
        scores = {r: _score(self.task, tallies[r]) for r in sorted(rules)}
        for rule, made in scores.items():
            yield from self._differs(f"result.json: scores.{rule}", made, self.claim.result.scores[rule])
        yield from self._headline(scores[self.rule])

    def _headline(self, scores: Mapping[str, Any]) -> Iterator[Reason]:
        best, given = scores[self.task.headline], self.claim.headline
        if given.get("epoch_rule") != self.rule:
            yield Reason("headline", f"it is of epoch rule {given.get('epoch_rule')}, the recipe's is {self.rule}")
        right = {"metric": self.task.metric, "kind": self.task.headline, "value": best[self.task.ratio]}
        right |= {"ci95": best["ci95"], "epoch_rule": self.rule}
        yield from self._differs("result.json: headline", right, given, "headline")

    def _rows(self) -> Iterator[Reason]:
        """The table of subjects in the result repeats the folds."""
        for row in self.claim.result.subjects:
            if row.state == "done":
                fold = self.claim.folds[row.subject]
                facts = {"scores": fold.tallies, "oracle_epoch": fold.epoch_of.get("oracle"), "epochs": fold.epochs}
                right = {"videos": len(fold.videos), **facts}
                said = {key: getattr(row, key) for key in right}
                if (at := first_difference(right, said)) is not None:
                    text = f"result.json: subject {row.subject}{at[0]} is {at[2]}, its fold has {at[1]}"
                    yield Reason("scores", text)

    def _restated(self, where: str, given: Tally, headline: Mapping[str, Any]) -> Iterator[Reason]:
        """Counts of an epoch without predictions in the claim: ratios follow from them, and the truth is the same."""
        try:
            if {*given} != {*headline}:
                raise Refused("scores", f"{where} has not the parts {', '.join(headline)}")
            parts = {part: _counted(self.task, f"{where}.{part}", counts) for part, counts in given.items()}
        except Refused as error:
            yield error.reason
            return
        yield from self._differs(where, {part: made.as_dict() for part, made in parts.items()}, given)
        for part, made in parts.items():
            if not _same_truth(made, _counted(self.task, where, headline[part])):
                yield Reason("scores", f"{where}.{part} is counted on another truth than the tables hold")
        if not _adds_up(parts):
            yield Reason("scores", f"{where}.overall is not the sum of its parts")

    def _differs(self, where: str, right: Any, given: Any, check: str = "scores") -> Iterator[Reason]:
        """The first place where a claimed value is not the recomputed one."""
        at = first_difference(right, given, less=self.less)
        if at is not None:
            yield Reason(check, f"{where}{at[0]} is {at[2]}, the predictions give {at[1]}")


def _score(task: Task, tallies: list[Any]) -> Mapping[str, Any]:
    try:
        return task.score(tallies)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise Refused("form", f"the tallies of the folds cannot be pooled: {error!r}") from error


def _epochs(fold: FoldFacts, name: str, task: Task) -> Iterator[Reason]:
    """Epochs as their rules say: equal epochs have equal counts, the last is the last, none beats the oracle."""
    where = f"folds/{name}/fold.json"
    if {*fold.epoch_of} != {*fold.tallies}:
        yield Reason("scores", f"{where}: epoch_of and tallies name different rules")
        return
    if fold.epoch_of["last"] != fold.epochs - 1 or max(fold.epoch_of.values()) >= fold.epochs:
        yield Reason("scores", f"{where}: epochs {fold.epoch_of} do not fit {fold.epochs} epochs")
    best = fold.tallies["oracle"].get(task.headline, {}).get(task.fold_ratio)
    for rule, tally in fold.tallies.items():
        value = tally.get(task.headline, {}).get(task.fold_ratio)
        if fold.epoch_of[rule] == fold.epoch_of["oracle"] and tally != fold.tallies["oracle"]:
            yield Reason("scores", f"{where}: {rule} and oracle are the same epoch with different counts")
        elif isinstance(value, float | int) and isinstance(best, float | int) and value > best:
            yield Reason("scores", f"{where}: {rule} is better than the oracle")


class _Spots(Facts):
    tp: Count
    n_pred: Count
    n_gt: Count


class _Clips(Facts):
    confusion: list[list[Count]]


def _counted(task: Task, where: str, counts: Mapping[str, Any]) -> Counts | Confusion:
    """Counts as the core holds them. Raises Refused for counts that cannot be."""
    if not isinstance(task, RecognitionTask):
        spots = as_facts(_Spots, where, counts)
        if spots.tp > min(spots.n_pred, spots.n_gt):
            raise Refused("scores", f"{where}: more hits than predictions or truths")
        return Counts(spots.tp, spots.n_pred, spots.n_gt)
    rows = as_facts(_Clips, where, counts).confusion
    if {len(rows), *(len(row) for row in rows)} != {len(task.classes)}:
        raise Refused("scores", f"{where}: the confusion matrix is not one of {len(task.classes)} classes")
    return Confusion(np.array(rows, dtype=np.int64))


def _same_truth(a: Counts | Confusion, b: Counts | Confusion) -> bool:
    if isinstance(a, Counts) and isinstance(b, Counts):
        return a.n_gt == b.n_gt
    assert isinstance(a, Confusion)
    assert isinstance(b, Confusion)
    return bool((a.matrix.sum(axis=1) == b.matrix.sum(axis=1)).all())


def _adds_up(parts: Mapping[str, Counts | Confusion]) -> bool:
    """Whether micro and macro, or the datasets, are all that overall counts."""
    beside = [made for part, made in parts.items() if part != "overall"]
    whole = parts["overall"]
    if isinstance(whole, Counts):
        return pooled(made for made in beside if isinstance(made, Counts)) == whole
    matrices = [made.matrix for made in beside if isinstance(made, Confusion)]
    return not matrices or bool((np.sum(matrices, axis=0) == whole.matrix).all())


def first_difference(right: Any, given: Any, path: str = "", *, less: bool = False) -> tuple[str, Any, Any] | None:
    """(path, recomputed, claimed) of the first difference; whole numbers exactly, others up to rounding.

    `less`: keys that the claim does not give are not asked for.
    """
    if isinstance(right, Mapping) and isinstance(given, Mapping):
        for key in given if less else {**right, **given}:
            pair = right.get(key, "nothing"), given.get(key, "nothing")
            if (found := first_difference(*pair, f"{path}.{key}", less=less)) is not None:
                return found
        return None
    if isinstance(right, list | tuple) and isinstance(given, list | tuple) and len(right) == len(given):
        pairs = enumerate(zip(right, given, strict=True))
        found = (first_difference(*pair, f"{path}[{i}]", less=less) for i, pair in pairs)
        return next((difference for difference in found if difference is not None), None)
    return None if _equal(right, given) else (path, right, given)


def _equal(a: Any, b: Any) -> bool:
    numbers = all(isinstance(x, int | float) and not isinstance(x, bool) for x in (a, b))
    if numbers and (isinstance(a, float) or isinstance(b, float)):
        return math.isclose(a, b, rel_tol=0, abs_tol=_ROUNDING)
    return type(a) is type(b) and a == b
