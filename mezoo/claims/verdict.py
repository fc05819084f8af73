"""Whether a claim holds: every check, every reason."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from mezoo.claims.archive import FACTS, FOLD_FILES, MANIFEST, TABLES, TRUTH, Members, read_zip, sha256
from mezoo.claims.check_folds import check_folds, check_predictions
from mezoo.claims.check_scores import check_scores
from mezoo.claims.check_terms import check_terms
from mezoo.claims.claim import Claim, read_claim
from mezoo.claims.facts import Manifest, read_manifest
from mezoo.claims.reasons import Reason, Refused
from mezoo.claims.tables import truth_hash
from mezoo.errors import RunError


@dataclass(frozen=True, slots=True)
class Verdict:
    """Reasons to refuse a claim, none where it holds; `claim` is None where it could not even be read."""

    reasons: tuple[Reason, ...]
    claim: Claim | None

    @property
    def holds(self) -> bool:
        """Every number was computed again and is the one claimed."""
        return self.claim is not None and not self.reasons

    @property
    def marks(self) -> list[str]:
        """What must be said beside the headline."""
        if self.claim is None:
            return []
        result, manifest = self.claim.result, self.claim.manifest
        undone = sum(row.state != "done" for row in result.subjects)
        return [
            *(["DIAGNOSTIC"] if manifest.diagnostic else []),
            *(["SYNTHETIC"] if result.synthetic else []),
            *([f"CONTROL: {result.control}"] if result.control else []),
            *(f"LEAK: {leak}" for leak in result.leaks),
            *([f"PARTIAL: {undone} of {len(result.subjects)} folds are missing"] if undone else []),
            *(["BEGAN FROM OTHER WEIGHTS"] if any(f.start for f in self.claim.folds.values()) else []),
        ]


def verify(path: Path, truth: Path | None = None) -> Verdict:
    """The verdict on a claim's file. `truth` is an annotation table of one's own: what the claim holds must be equal.

    Raises RunError for a file that is no claim, and for one that withholds its annotation where `truth` is none.
    """
    try:
        members = read_zip(path)
    except Refused as error:
        return Verdict((error.reason,), None)
    try:
        manifest = read_manifest(members)
    except Refused as error:
        what = f"{path} is not a claim that this mezoo knows: {error.reason.what}"
        raise RunError(what, hint="install the mezoo that wrote it") from error
    name = TRUTH[manifest.task]
    if truth is None and name in manifest.withheld:
        raise RunError(
            f"{path} holds only the hash of its annotation",
            hint=f"give it with --truth: the {name} of any run of yours on the same data",
        )
    own = {} if truth is None else {name: _own_truth(truth, name)}
    try:
        reasons = _same_truth(members, manifest, own, name) if own else ()
        verdict = judge(own | members if name in manifest.withheld else members, manifest)
    except Refused as error:
        return Verdict((error.reason,), None)
    return replace(verdict, reasons=(*reasons, *verdict.reasons))


def _own_truth(truth: Path, name: str) -> bytes:
    """A table of the user's. Raises RunError where it cannot be read as one."""
    try:
        data = truth.read_bytes()
        truth_hash({name: data}, name)
    except OSError as error:
        raise RunError(f"{truth} cannot be read: {error.strerror or error}", hint=f"give a {name}") from error
    except Refused as error:
        what = f"{truth} is no table of annotation: {error.reason.what}"
        raise RunError(what, hint=f"give the {name} of a run of yours") from error
    return data


def _same_truth(members: Members, manifest: Manifest, own: Members, name: str) -> tuple[Reason, ...]:
    inside = manifest.withheld.get(name) or truth_hash(members, name)
    if truth_hash(own, name) == inside:
        return ()
    return (Reason("table", f"the annotation that the claim is scored on is not that of your {name}"),)


def judge(members: Members, manifest: Manifest) -> Verdict:
    """The verdict on members, withheld annotation included."""
    reasons = [*_members(members, manifest)]
    try:
        claim = read_claim(members, manifest)
    except Refused as error:
        return Verdict((*reasons, error.reason), None)
    for check in (check_terms, check_folds, check_predictions):
        reasons += _collected(check, claim)
    if not any(reason.check == "fold" for reason in reasons):
        reasons += _collected(check_scores, claim)
    return Verdict(tuple(reasons), claim)


def _collected(check: Callable[[Claim], Iterable[Reason]], claim: Claim) -> list[Reason]:
    found: list[Reason] = []
    try:
        for reason in check(claim):
            found.append(reason)
    except Refused as error:
        found.append(error.reason)
    return found


def _members(members: Members, manifest: Manifest) -> Iterator[Reason]:
    """The manifest against what is there, byte by byte."""
    packed = {*members} - {MANIFEST, *manifest.withheld}
    for name in sorted(packed - {*manifest.members}):
        yield Reason("member", f"{name} is not listed in {MANIFEST}")
    for name in sorted({*manifest.members} - packed):
        yield Reason("member", f"{name} is listed in {MANIFEST}, and missing")
    for name in sorted(packed & {*manifest.members}):
        if sha256(members[name]) != manifest.members[name]:
            yield Reason("member", f"{name} was changed after it was packed")
    for name in sorted({*members} - _belonging(members, manifest)):
        yield Reason("member", f"{name} does not belong to a claim for {manifest.task}")
    if {*manifest.withheld} - {TRUTH[manifest.task]}:
        yield Reason("member", "only the annotation table may be withheld")


def _belonging(members: Members, manifest: Manifest) -> set[str]:
    folds = {name for name in members if name.startswith("folds/") and name.rpartition("/")[2] in FOLD_FILES}
    return {MANIFEST, *FACTS, *TABLES[manifest.task], *folds}
