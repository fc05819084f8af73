"""What a command looks at: the videos and the feature of a recipe, of a dataset, or of films."""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mezoo.contracts import StandIn
from mezoo.errors import DataError, RecipeError
from mezoo.films import VideoFile
from mezoo.joint_recipe import read_one
from mezoo.plan import look_at, open_dataset
from mezoo.plugin_objects import make
from mezoo.progress import Progress
from mezoo.recipe import Block, read_block
from mezoo.records import Video
from mezoo.registry import load
from mezoo.stand_in import stand_in_root

FILMS = {".avi", ".mp4", ".mkv", ".mov", ".m4v", ".webm", ".mpg", ".mpeg", ".wmv"}


@dataclass(frozen=True, slots=True)
class Asked:
    """What was typed: one of recipe, dataset and films; `feature` is a name or `{use: ...}`, `overrides` its --set."""

    recipe: str | None = None
    dataset: str | None = None
    films: tuple[str, ...] = ()
    root: str | None = None
    feature: str | None = None
    overrides: tuple[str, ...] = ()
    synthetic: bool = False


def videos_and_feature(asked: Asked, cache: Path, progress: Progress) -> tuple[Sequence[Video], Block | None]:
    """Videos, and the feature if one was named, as a recipe does. Raises RecipeError for a call without an input."""
    given = [bool(asked.recipe), bool(asked.dataset), bool(asked.films)]
    if sum(given) != 1:
        raise RecipeError("say what to look at", hint="a recipe, or --dataset NAME --root DIR, or --film FILE")
    if asked.recipe:
        recipe = read_one(asked.recipe, asked.overrides, synthetic=asked.synthetic)
        return look_at(recipe, open_dataset(recipe, cache, progress)[0])[0], recipe.features
    own, others = _split(asked.overrides)
    feature = None if asked.feature is None else read_block("feature", asked.feature, own)
    if asked.films:
        return films(asked.films, progress), feature
    assert asked.dataset is not None
    root = _root(asked, cache, progress)
    dataset = make(read_block("dataset", asked.dataset, others, supplied=("root",)), root=root)
    return dataset.videos(), feature


def films(names: Sequence[str], progress: Progress) -> list[Video]:
    """Films as videos without annotation; a folder stands for the films in it. Raises DataError for what is none.

    Of a damaged film the frames that can be read are used, and what is wrong with the rest is said.
    """
    paths: list[Path] = []
    for name in names:
        path = Path(name).expanduser()
        inside = sorted(p for p in path.iterdir() if p.suffix.lower() in FILMS) if path.is_dir() else [path]
        if not inside:
            raise DataError(f"{path} holds no film", hint=f"films end in {', '.join(sorted(FILMS))}")
        paths += inside
    twice = {stem for stem, n in Counter(p.stem for p in paths).items() if n > 1}
    made = [(path, VideoFile(path)) for path in paths]
    for path, film in made:
        if film.damage:
            progress.say(f"{path} is damaged: {film.damage}; {len(film)} frames of it are used")
    return [Video("film", p.resolve().parent.name if p.stem in twice else "-", p.stem, f.fps, f) for p, f in made]


def _root(asked: Asked, cache: Path, progress: Progress) -> Path:
    assert asked.dataset is not None
    if asked.synthetic:
        block = read_block("dataset", asked.dataset, (), supplied=("root",))
        return stand_in_root(load(block.plugin), block.plugin.name, StandIn(), cache, progress)
    root = asked.root or os.environ.get("MEZOO_DATA")
    if not root:
        raise DataError(
            f"where is {asked.dataset}?", hint="give --root DIR, or set MEZOO_DATA; --synthetic needs neither"
        )
    return Path(root).expanduser()


def _split(overrides: Sequence[str]) -> tuple[list[str], list[str]]:
    """`feature.key=value` without its first word, and the same of `dataset.`. Raises RecipeError for other keys."""
    parts: dict[str, list[str]] = {"feature": [], "features": [], "dataset": []}
    for text in overrides:
        block, dot, rest = text.partition(".")
        if not dot or block not in parts:
            raise RecipeError(f"--set {text!r} is not known here", hint="write feature.KEY=VALUE or dataset.KEY=VALUE")
        parts[block].append(rest)
    return [*parts["feature"], *parts["features"]], parts["dataset"]
