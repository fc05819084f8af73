"""mezoo from a notebook: load a dataset, make a feature, fit, look at a run. Each is a line; commands do the same."""

import json
import sys
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from mezoo.contracts import Dataset, StandIn
from mezoo.envelope import StandInBlock
from mezoo.errors import DataError, RecipeError, RunError
from mezoo.joint_recipe import read_one
from mezoo.plan import Options, plan
from mezoo.plugin_objects import make
from mezoo.progress import make_progress
from mezoo.recipe import Block, read_block
from mezoo.records import Features, Video
from mezoo.registry import load
from mezoo.result import Result
from mezoo.stand_in import stand_in_root
from mezoo.store import default_root

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from pandas import DataFrame

    from mezoo.report.paper import Plate


@contextmanager
def _as_a_library() -> Generator[None]:
    """Processes that start inside do not run the caller's script again.

    `spawn` lets each begin with the file of `__main__`: in a script without a guard that is this very call, which would
    wait for the lock that its parent holds.
    """
    main: Any = sys.modules["__main__"]
    kept = {name: getattr(main, name) for name in ("__file__", "__spec__") if hasattr(main, name)}
    main.__file__, main.__spec__ = None, None
    try:
        yield
    finally:
        del main.__file__
        for name, value in kept.items():
            setattr(main, name, value)


@_as_a_library()
def load_dataset(
    name: str, root: str | Path | None = None, *, synthetic: bool | Mapping[str, Any] = False, **options: Any
) -> Dataset:
    """A dataset by its name in `mezoo data list`, from its folder `root`, or a synthetic stand-in of it.

    `synthetic`: true, or what a recipe says under `synthetic.data`, as {"subjects": 3}. `options` are its
    constructor's, as `mezoo data info` lists them. `.videos()` are its videos with their expressions.
    Raises RecipeError for an unknown name or option, DataError for a folder that is not the dataset's.
    """
    block = _block("dataset", name, options, supplied=("root",))
    if synthetic:
        spec = _size({} if synthetic is True else synthetic)
        where = stand_in_root(load(block.plugin), block.plugin.name, spec, default_root(), make_progress())
        return make(block, root=where)
    if root is None:
        raise DataError(f"where is {name}?", hint=f'load_dataset("{name}", root=...), or synthetic=True')
    return make(block, root=Path(root).expanduser())


@_as_a_library()
def extract(feature: str, video: Video, **options: Any) -> Features:
    """A feature of one video, from the store or made now: `extract("tvl1", video, size=[128, 128])`.

    `.values` is (rows, ...), row r at frame `.positions[r]`. An option that is a feature itself is written as
    `crop={"use": "align", "size": 128}`. Raises RecipeError for an unknown name or option, DataError where it fails.
    """
    from mezoo.extraction import Extraction

    here = Extraction(_block("feature", feature, options), default_root())
    return here.store.get(video, here.extractor, here.made)


@_as_a_library()
def fit(
    recipe: str | Path,
    changes: Mapping[str, Any] | None = None,
    *,
    synthetic: bool = False,
    folds: str | Sequence[str] | None = None,
    runs: str | Path = "runs",
) -> "FittedRun":
    """Train and score a recipe, as `mezoo fit` does: `fit("mesnet_samm", {"model.lr": 1e-3}, synthetic=True)`.

    `folds`: train this left-out subject only, or these; the run is then partial. Of a recipe that spots and then
    recognises name the part, as "NAME:spotter". Raises what `mezoo fit` says with exit code 2.
    """
    texts = [f"{key}={json.dumps(value)}" for key, value in (changes or {}).items()]
    checked, progress = read_one(str(recipe), texts, synthetic=synthetic), make_progress()
    asked = {"recipe": str(checked.path.resolve()), "set": texts, "synthetic": synthetic}
    work = plan(checked, Options(Path(runs), default_root(), f"mezoo.fit({str(recipe)!r})", asked=asked), progress)
    from mezoo.run import gather, run, run_one

    if folds is None:
        return FittedRun(run(work, progress))
    known = [fold.name for fold in work.folds]
    for name in [folds] if isinstance(folds, str) else folds:
        if name not in known:
            raise RecipeError(f"no fold {name!r}", hint=f"there are {', '.join(known)}")
        run_one(work, name, progress)
    return FittedRun(gather(work, progress))


def load_run(path: str | Path) -> "FittedRun":
    """A run that has ended, by its folder. Raises RunError for any other folder."""
    found = FittedRun(Path(path).expanduser())
    Result.read(found.path / "result.json")
    return found


@dataclass(frozen=True, slots=True)
class FittedRun:
    """A run's folder, as tables and pictures. Frames count from 0, both ends included."""

    path: Path

    @property
    def result(self) -> Result:
        """Everything that `result.json` holds."""
        return Result.read(self.path / "result.json")

    def scores(self) -> "DataFrame":
        """One row for each epoch rule and part: counts, ratios, and the ends of the 95 % interval."""
        import pandas as pd

        return pd.DataFrame([*_rows(self.result.scores)])

    def subjects(self) -> "DataFrame":
        """One row for each left-out subject, epoch rule and part."""
        import pandas as pd

        about = ("subject", "state", "videos", "epochs", "seconds")
        rows = [
            {**{k: s.get(k) for k in about}, **row} for s in self.result.subjects for row in _rows(s["scores"]) or [{}]
        ]
        return pd.DataFrame(rows)

    def predictions(self) -> "DataFrame":
        """What was predicted of every left-out subject: spots with their scores, or clips with their probabilities."""
        import pandas as pd

        return pd.read_csv(self.path / "predictions.csv", dtype={"subject": str, "video": str, "clip": str})

    def figures(self) -> list[str]:
        """Names that `plot` takes."""
        return [*self._plates()]

    def plot(self, name: str | None = None) -> "Figure":
        """A figure of the run, as `mezoo report --figures` draws it; the first one, or by name.

        Raises RunError naming those that there are.
        """
        plates = self._plates()
        wanted = name or next(iter(plates), "")
        if wanted not in plates:
            raise RunError(f"{self.path} has no figure {wanted!r}", hint=f"it has {', '.join(plates) or 'none'}")
        return plates[wanted].draw()

    def _plates(self) -> "dict[str, Plate]":
        from mezoo.report.paper import drawn
        from mezoo.report.reading import load as read

        return {plate.name: plate for plate in drawn(read(self.path))}

    def __str__(self) -> str:
        head = self.result.headline
        low, high = head["ci95"]
        mark = " [SYNTHETIC]" if self.result.synthetic else ""
        return f"{self.result.run}: {head['metric']} {head['value']:.3f} [{low:.3f}, {high:.3f}]{mark}"


def _rows(scores: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> list[dict[str, Any]]:
    return [*_each(scores)]


def _each(scores: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> Iterator[dict[str, Any]]:
    for rule, parts in scores.items():
        for part, counts in parts.items():
            flat = {k: v for k, v in counts.items() if isinstance(v, int | float)}
            low, high = counts.get("ci95") or (None, None)
            yield {"epoch": rule, "part": part, **flat, **({} if low is None else {"ci95_low": low, "ci95_high": high})}


def _size(told: Mapping[str, Any]) -> StandIn:
    try:
        return StandIn(**StandInBlock.model_validate(told).model_dump())
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg'].lower()}" for e in error.errors())
        raise RecipeError(
            f"synthetic={dict(told)}: {wrong}", hint=f"known: {', '.join(StandInBlock.model_fields)}"
        ) from None


def _block(kind: Any, name: str, options: Mapping[str, Any], supplied: tuple[str, ...] = ()) -> Block:
    return read_block(kind, json.dumps({"use": name, **options}, default=str), (), supplied)
