"""From a run's folder to a claim: no frames, no features, no weights, no more annotation than a score needs."""

from dataclasses import dataclass
from pathlib import Path

import mezoo
from mezoo.claims.archive import FACTS, MANIFEST, TABLES, TRUTH, Members, read_folder, sha256, write_zip
from mezoo.claims.check_terms import not_a_result
from mezoo.claims.facts import Manifest, ResultFacts, RunFacts, load_yaml, read_facts
from mezoo.claims.reasons import Refused
from mezoo.claims.tables import cut_truth, truth_hash, without
from mezoo.claims.verdict import Verdict, judge
from mezoo.errors import RunError
from mezoo.result import Result


@dataclass(frozen=True, slots=True)
class Packed:
    """A claim ready to be written: `members` as they are packed, and what verifying them says."""

    members: Members
    manifest: Manifest
    verdict: Verdict

    def write(self, path: Path) -> None:
        """Write the zip, atomically; equal claims are equal files."""
        write_zip(path, self.members)


def pack(run: Path, *, diagnostic: bool = False, hash_truth: bool = False) -> Packed:
    """The claim of a run. `hash_truth` leaves the annotation out and keeps its hash.

    Raises RunError for a folder without a result, and for a run that is no result unless it is marked `diagnostic`.
    """
    result = Result.read(run / "result.json")
    why = not_a_result(result.status, result.control, result.leaks)
    if why and not diagnostic:
        raise RunError(f"{run} is not a result: {'; '.join(why)}", hint="--diagnostic packs it, marked as such")
    try:
        return _packed(read_folder(run), diagnostic, hash_truth)
    except Refused as error:
        hint = "run mezoo fit again: folds that are done are kept"
        raise RunError(f"{run} cannot be packed: {error.reason.what}", hint=hint) from error


def _packed(found: Members, diagnostic: bool, hash_truth: bool) -> Packed:
    result = read_facts(ResultFacts, found, "result.json")
    truth = TRUTH[result.task]
    missing = [name for name in (*FACTS, *TABLES[result.task]) if name not in found]
    if missing:
        raise Refused("member", f"{missing[0]} is missing")
    if not any(row.state == "done" for row in result.subjects):
        raise Refused("fold", "no fold is done")
    whole = _kept(found, result) | {truth: cut_truth(found, truth), "recipe.yaml": _without_root(found["recipe.yaml"])}
    withheld = {truth: truth_hash(whole, truth)} if hash_truth else {}
    members = {name: data for name, data in whole.items() if name not in withheld}
    if withheld and result.task == "recognition":
        tables = [name for name in members if name.endswith("predictions.csv")]
        members |= {name: without(members[name], name, "truth") for name in tables}
    manifest = Manifest(
        mezoo=mezoo.__version__,
        run=result.run,
        task=result.task,
        data=read_facts(RunFacts, found, "run.json").data,
        diagnostic=diagnostic,
        withheld=withheld,
        members={name: sha256(data) for name, data in sorted(members.items())},
    )
    verdict = judge(members | {name: whole[name] for name in withheld}, manifest)
    return Packed({MANIFEST: manifest.model_dump_json(indent=1).encode(), **members}, manifest, verdict)


def _kept(found: Members, result: ResultFacts) -> Members:
    """Members of the task, and of folds that are done."""
    done = {f"folds/{row.subject}/" for row in result.subjects if row.state == "done"}
    names = {*FACTS, *TABLES[result.task]}
    return {n: data for n, data in found.items() if n in names or n[: n.rfind("/") + 1] in done}


def _without_root(recipe: bytes) -> bytes:
    """The resolved recipe without the place of the data on somebody's disk; its digest does not know it either."""
    import yaml

    settings = load_yaml("recipe.yaml", recipe)
    if not isinstance(settings, dict) or not isinstance(settings.get("dataset"), dict):
        raise Refused("form", "recipe.yaml names no dataset")
    settings["dataset"].pop("root", None)
    return yaml.safe_dump(settings, sort_keys=False, allow_unicode=True).encode()
