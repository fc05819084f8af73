"""What a run is about to do, found without torch: its data, folds, folder, and which folds are left."""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mezoo.clips import Clips, cut_clips
from mezoo.contracts import Dataset, StandIn
from mezoo.datasets.class_maps import class_map
from mezoo.errors import DataError, RunError
from mezoo.plugin_objects import make
from mezoo.progress import Progress
from mezoo.promises import asking, refuse
from mezoo.protocols import Terms, terms, unnamed
from mezoo.recipe import Recipe
from mezoo.records import Fold, Video
from mezoo.registry import load
from mezoo.result import Result
from mezoo.run_folder import RunFolder
from mezoo.splits import folds_of, folds_of_people
from mezoo.stand_in import is_synthetic, stand_in_root


@dataclass(frozen=True, slots=True)
class Options:
    """Where a run reads and writes, and the command that asked for it."""

    runs: Path
    cache: Path
    command: str
    fresh: bool = False
    folder: Path | None = None
    """The run's folder, where it is not `runs/<recipe>-<digest>`."""
    executor: str = "inline"
    workers: int | None = None
    asked: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """How the recipe was asked for, so that `mezoo gather` can ask again."""


@dataclass(frozen=True, slots=True)
class Work:
    """A recipe with its data and folds; `pending` are the folds that are not done.

    `videos` are what the folds are made of: long videos, or, for recognition, the videos of `clips`.
    """

    recipe: Recipe
    options: Options
    dataset: Dataset
    videos: Sequence[Video]
    clips: Clips | None
    folds: Sequence[Fold]
    pending: Sequence[Fold]
    folder: RunFolder
    synthetic: bool
    terms: Terms

    @property
    def name(self) -> str:
        """Name of the run, unique among runs: that of its folder, after the joint run's if it is a part of one."""
        folder, own = self.folder.path.resolve(), f"{self.recipe.name}-{self.recipe.digest()}"
        return own if folder.name == own else f"{folder.parent.name}-{folder.name}"

    def result(self) -> Result | None:
        """The result on disk; None if there is none, or a damaged one."""
        try:
            return Result.read(self.folder.result)
        except RunError:
            return None

    def conclusion(self) -> Result | None:
        """The result if nothing is left to do: it knows of every fold, and the report, written after it, is there."""
        result = None if self.pending or not self.folder.report.is_file() else self.result()
        return result if result is not None and result.status == "complete" else None


def plan(recipe: Recipe, options: Options, progress: Progress, people: Sequence[Video] | None = None) -> Work:
    """Open the data and find which folds are left. Raises DataError, PluginError, RecipeError, RunError.

    `people`: leave out the subjects of these videos, also those of whom there is no clip to test on.
    """
    dataset, synthetic = open_dataset(recipe, options.cache, progress)
    videos, clips = look_at(recipe, dataset)
    synthetic = synthetic or any(video.synthetic for video in videos)
    folds = folds_of(videos, recipe.protocol.use) if people is None else folds_of_people(people, videos)
    check_names(folds)
    agreed = terms_of(recipe, videos, clips, synthetic)
    folder = RunFolder(options.folder or options.runs / f"{recipe.name}-{recipe.digest()}")
    if options.fresh:
        folder.discard()
    pending = [fold for fold in folds if folder.fold(fold.name).status()["state"] != "done"]
    work = Work(recipe, options, dataset, videos, clips, folds, pending, folder, synthetic, agreed)
    folder.check(identity(work))
    return work


def check_names(folds: Sequence[Fold]) -> None:
    """Raise DataError for a fold whose name is no plain name of a folder: it would be written outside the run."""
    for fold in folds:
        if Path(fold.name).name != fold.name or fold.name in {"", ".", ".."} or "\\" in fold.name:
            raise DataError(
                f"{fold.name!r} cannot be the name of a fold's folder",
                hint="the dataset's plugin must give subjects, datasets and videos without / and dots alone",
            )


def open_dataset(recipe: Recipe, cache: Path, progress: Progress) -> tuple[Dataset, bool]:
    """The dataset of a recipe and whether it is synthetic; a stand-in is written first if the recipe asks for one."""
    if recipe.stand_in is None:
        dataset: Dataset = make(recipe.dataset)
        return dataset, is_synthetic(dataset.root)
    spec = StandIn(**recipe.stand_in.model_dump())
    root = stand_in_root(load(recipe.dataset.plugin), recipe.dataset.plugin.name, spec, cache, progress)
    return make(recipe.dataset, root=root), True


def look_at(recipe: Recipe, dataset: Dataset) -> tuple[Sequence[Video], Clips | None]:
    """The videos of a dataset, or the clips that a recognition recipe cuts out of them. Raises DataError for none."""
    with asking(dataset, "videos"):
        videos = dataset.videos()
    if strange := [v for v in videos or () if not isinstance(v, Video)]:  # pyright: ignore[reportUnnecessaryIsInstance]
        raise refuse(dataset, "videos", f"a {type(strange[0]).__name__} among its videos", "a list of Video")
    name = recipe.dataset.plugin.name
    if not videos:
        raise DataError(f"{name} has no usable video", hint="mezoo data verify tells why")
    if recipe.clips is None:
        return videos, None
    classes = class_map(recipe.clips.classes, dataset.info.emotions)
    clips = cut_clips(videos, recipe.clips, classes)
    if not clips.videos:
        maps = ", ".join(dataset.info.class_maps) or "none"
        raise DataError(
            f"{name}: none of its {clips.without_class} {recipe.clips.kind} expressions has a class of "
            f"{classes.name} ({', '.join(classes.classes)})",
            hint=f"class maps made for it: {maps}; its emotions: {', '.join(dataset.info.emotions) or 'none'}",
        )
    return clips.videos, clips


def terms_of(recipe: Recipe, videos: Sequence[Video], clips: Clips | None, synthetic: bool) -> Terms:
    """What the run is compared under. Raises RecipeError for real data of other counts than their protocol's."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for video in videos:
        names = [e.kind for e in video.expressions] if clips is None else [clips.classes[clips.labels[video.key]]]
        found[video.dataset].update(names)
    counts = {dataset: dict(sorted(parts.items())) for dataset, parts in sorted(found.items())}
    classes = () if clips is None else clips.classes
    protocol = recipe.protocol
    if synthetic:
        return unnamed(recipe.task, protocol.use, counts, classes, f"stand_in_{recipe.dataset.plugin.name}")
    return terms(recipe.task, protocol.use, counts, classes, protocol.name)


def identity(work: Work) -> dict[str, Any]:
    """What a run is made of: settings and an index of the data, so that a continued run never mixes two."""
    labels = work.clips.labels if work.clips else {}
    index = [
        (v.key, v.fps, len(v.frames), [(e.kind, e.onset, e.offset) for e in v.expressions], labels.get(v.key))
        for v in sorted(work.videos, key=lambda v: v.key)
    ]
    expressions = sum(len(v.expressions) for v in work.videos)
    return {
        "recipe": work.recipe.name,
        "digest": work.recipe.digest(),
        "data": hashlib.sha256(json.dumps(index).encode()).hexdigest(),
        "counts": f"{len(work.videos)} videos, {expressions} expressions",
        "command": work.options.command,
        "asked": dict(work.options.asked),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
