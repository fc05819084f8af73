"""Weights to begin a fold with, and whom they have seen: a fold never starts from its own left-out subject."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mezoo.datasets import family_of
from mezoo.datasets.annotations import digits
from mezoo.envelope import InitBlock
from mezoo.errors import RecipeError, RunError
from mezoo.models import Model
from mezoo.records import Video
from mezoo.run_folder import RunFolder
from mezoo.weights import misfits, read_card

Person = tuple[str, str]
"""Dataset family (releases of the same films share one) and subject, without padding."""


@dataclass(frozen=True, slots=True)
class Source:
    """One weights file: who it was trained on and who it left out; None where the file does not say."""

    path: Path
    trained: frozenset[Person] | None
    left_out: frozenset[Person]

    def trouble(self, test: Iterable[Person]) -> str:
        """Why these weights may not start a fold that leaves out `test`; "" where they may."""
        if self.trained is None:
            return f"{self.path} does not say whom it was trained on"
        families = {family for family, _ in self.trained}
        for person in sorted(test):
            if person in self.trained:
                return f"{self.path} has seen subject {person[1]} of {person[0]}, who is left out here"
            if person[0] in families and person not in self.left_out:
                return f"{self.path} was trained on {person[0]} and does not say that it left subject {person[1]} out"
        return ""


@dataclass(frozen=True, slots=True)
class Start:
    """What one fold begins with; `trouble` is said in the result where it was used all the same."""

    path: Path
    part: str
    trouble: str

    def facts(self) -> dict[str, str]:
        """For the state of the fold."""
        return {"from": str(self.path), "part": self.part, "seen": self.trouble}


def person(video: Video) -> Person:
    """Who a video shows, named so that releases of the same dataset agree."""
    return family_of(video.dataset), digits(video.subject)


def seen_by(trained: Sequence[Video], left_out: Sequence[Video], start: Start | None) -> dict[str, list[list[str]]]:
    """People that weights were trained on and left out, as JSON; what the weights began with counts."""
    before = read_source(start.path) if start else None
    seen = {person(v) for v in trained} | ((before.trained or set()) if before else set())
    out = {person(v) for v in left_out} - seen
    if before is not None and before.trained is not None:
        out = {p for p in out if p in before.left_out or p[0] not in {family for family, _ in before.trained}}
    return {"trained": [[*p] for p in sorted(seen)], "left_out": [[*p] for p in sorted(out)]}


def read_source(path: Path) -> Source:
    """Whom a weights file knows. Raises RunError for a file that is no safetensors file."""
    known: Mapping[str, list[list[str]]] = read_card(path).people
    if not known:
        return Source(path, None, frozenset())
    trained, out = (frozenset((p[0], p[1]) for p in known[key]) for key in ("trained", "left_out"))
    return Source(path, trained, out)


def start_of(block: InitBlock, test: Sequence[Video]) -> Start:
    """The weights for a fold that leaves `test` out: of a run, the first fold (by name) that may be used.

    Raises RecipeError where there is none and `seen: mark` was not asked for; RunError for unreadable files.
    """
    people = {person(v) for v in test}
    sources = [read_source(path) for path in weights_of(block)]
    troubles = {source.path: source.trouble(people) for source in sources}
    # Another dataset's folds are all allowed; of the same dataset only the one that left this subject out is.
    allowed = [source for source in sources if not troubles[source.path]]
    if allowed:
        return Start(allowed[0].path, block.part, "")
    path, trouble = next(iter(troubles.items()))
    if block.seen == "refuse":
        raise RecipeError(
            f"init: {trouble}",
            hint="start from a run that leaves the same subject out, or from another dataset; or say `seen: mark` "
            "and have it in the result",
        )
    return Start(path, block.part, trouble)


def weights_of(block: InitBlock) -> list[Path]:
    """The weights files that `init` names. Raises RunError where there is none."""
    place = Path(block.source).expanduser()
    if place.is_file():
        return [place]
    folds = sorted((place / "folds").glob("*/"))
    wanted = [RunFolder(place).fold(f.name).weights for f in folds if block.fold in {None, f.name}]
    found = [path for path in wanted if path.is_file()]
    if not found:
        which = f" of fold {block.fold}" if block.fold else ""
        raise RunError(f"{place} holds no weights{which}", hint="give the folder of a finished run or a weights file")
    return found


def begin(model: Model, start: Start) -> None:
    """Load the weights of `start` into a built model. Raises RecipeError where they do not fit."""
    from safetensors.torch import load_file

    given, own = load_file(start.path), model.state_dict()
    if start.part == "trunk":
        if not model.trunk:
            raise RecipeError(f"init: {type(model).__name__} names no trunk", hint="leave `part` out")
        own = {name: t for name, t in own.items() if name.startswith(model.trunk)}
    wrong = misfits({name: t for name, t in given.items() if name in own}, own)
    if wrong:
        raise RecipeError(
            f"init: {len(wrong)} of {len(own)} tensors of {start.path} do not fit, such as {wrong[0]}",
            hint="use the source's model settings" + ("" if start.part == "trunk" else ", or `part: trunk`"),
        )
    model.load_state_dict({name: given[name] for name in own}, strict=False)
