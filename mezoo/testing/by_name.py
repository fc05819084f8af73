"""From an installed plugin's name to the case that its checks look at: through a recipe that uses it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import TYPE_CHECKING, Any

from mezoo.errors import MezooError, PluginError
from mezoo.records import Cut, Video
from mezoo.registry import GROUPS, Plugin, PluginKind, did_you_mean, find, load, plugins
from mezoo.testing.cases import DatasetCase, FeatureCase, ModelCase
from mezoo.testing.dataset_checks import DATASET_CHECKS
from mezoo.testing.feature_checks import FEATURE_CHECKS
from mezoo.testing.model_checks import MODEL_CHECKS, QUICK_MODEL_CHECKS
from mezoo.testing.outcome import Check, Outcome, outcomes

if TYPE_CHECKING:
    from mezoo.models import Model
    from mezoo.progress import Progress
    from mezoo.recipe import Block, Recipe

Case = DatasetCase | FeatureCase | ModelCase
_VIDEOS = 3
_FRAMES = 60
"""Videos, and frames of each, that a feature is asked with."""


def named(name: str, kind: PluginKind | None = None) -> list[Plugin]:
    """Datasets, features and models called `name`, or `distribution:name`. Raises PluginError if there is none."""
    short = name.rpartition(":")[2]
    kinds: list[PluginKind] = [k for k in GROUPS if k != "recipe" and kind in {None, k}]
    found = [find(k, name) for k in kinds if any((p.kind, p.name) == (k, short) for p in plugins())]
    if found:
        return found
    known = sorted({p.name for p in plugins() if p.kind in kinds})
    raise PluginError(
        f"no {kind or 'plugin'} is named {name!r}{did_you_mean(short, known)}", hint=f"known: {', '.join(known)}"
    )


def checks_of(kind: PluginKind, *, quick: bool = False) -> tuple[Check, ...]:
    """The checks of a kind of plugin; `quick` leaves out the one that trains as long as the recipe says."""
    models = QUICK_MODEL_CHECKS if quick else MODEL_CHECKS
    every: dict[str, tuple[Check, ...]] = {"dataset": DATASET_CHECKS, "feature": FEATURE_CHECKS, "model": models}
    return every[kind]


def check_plugin(
    name: str, kind: PluginKind | None = None, *, recipe: str = "", quick: bool = False
) -> dict[str, list[Outcome]]:
    """Outcomes of all checks of an installed plugin, by kind. Raises PluginError for an unknown or unusable one."""
    return {p.kind: list(run(p, recipe=recipe, quick=quick)) for p in named(name, kind)}


def run(plugin: Plugin, *, recipe: str = "", quick: bool = False) -> Iterator[Outcome]:
    """Outcomes of one plugin, as they come."""
    with TemporaryDirectory(prefix="mezoo-check-") as place:
        yield from outcomes(checks_of(plugin.kind, quick=quick), case_of(plugin, recipe, Path(place)))


def case_of(plugin: Plugin, recipe: str = "", folder: Path | None = None) -> Case:
    """What the checks of a plugin look at; stand-ins and the like are written below `folder`, by default a new one.

    A model or feature is looked at as `recipe` uses it, on the stand-in, or on its own data where there is none;
    without a recipe, as one does that its distribution brings, else any other. Raises PluginError for none. A dataset
    without a stand-in is looked at where a recipe says that its own data lie.
    """
    from mezoo.progress import make_progress

    where = folder or Path(mkdtemp(prefix="mezoo-check-"))
    if plugin.kind == "dataset":
        case = DatasetCase(load(plugin), where)
        return case if case.writes else replace(case, own=_own_data(plugin))
    read = _recipe_for(plugin, recipe)
    if plugin.kind == "feature":
        return _feature_case(plugin, read, make_progress())
    return _model_case(read, make_progress(), where)


def _recipe_for(plugin: Plugin, given: str) -> "Recipe":
    from mezoo.joint_recipe import read_one

    if given:
        recipe = read_one(given, synthetic=True)
        if not _has_stand_in(recipe):
            recipe = read_one(given)
        if not _block_of(recipe, plugin):
            raise PluginError(
                f"recipe {given} does not use the {plugin.kind} {plugin.name!r}", hint="name one that does"
            )
        return recipe
    users: list[Recipe] = []
    for recipe in _users(plugin):
        if _has_stand_in(recipe):
            return recipe
        users.append(recipe)
    for recipe in users:
        if read := _on_own_data(recipe):
            return read
    if users:
        raise PluginError(
            f"the dataset of recipe {users[0].name} writes no stand-in, and its own data are not found, so there is "
            f"nothing to give to the {plugin.kind} {plugin.name!r}",
            hint="set the variables that its `root` names, such as MEZOO_DATA, or write write_synthetic",
        )
    raise PluginError(
        f"no installed recipe uses the {plugin.kind} {plugin.name!r}, so nobody knows what to give it",
        hint="bring one in the entry points mezoo.recipes, or name a file with --recipe",
    )


def _users(plugin: Plugin) -> "Iterator[Recipe]":
    """Installed recipes that use a plugin, those of its distribution first, as `--synthetic` reads them."""
    from mezoo.recipe import read_recipe

    own_first = sorted(
        (p for p in plugins() if p.kind == "recipe"),
        key=lambda p: (p.distribution != plugin.distribution, plugin.name not in p.name, p.name),
    )
    for candidate in own_first:
        try:
            recipe = read_recipe(candidate.target, synthetic=True)
        except MezooError:  # of another task, or broken: not what is looked at here
            continue
        if _block_of(recipe, plugin):
            yield recipe


def _on_own_data(recipe: "Recipe") -> "Recipe | None":
    """The recipe without `--synthetic`, if the folder of its dataset is there."""
    from mezoo.recipe import read_recipe

    try:
        read = read_recipe(str(recipe.path))
    except MezooError:  # a variable that is not set
        return None
    return read if Path(read.dataset.arguments.get("root", "")).is_dir() else None


def _own_data(plugin: Plugin) -> Path | None:
    """The folder of a dataset's own data that a recipe names, if it is there."""
    for recipe in _users(plugin):
        read = _on_own_data(recipe)
        if read and read.dataset.plugin == plugin:
            return Path(read.dataset.arguments["root"])
    return None


def _has_stand_in(recipe: "Recipe") -> bool:
    return DatasetCase(load(recipe.dataset.plugin), Path()).writes


def _block_of(recipe: "Recipe", plugin: Plugin) -> "Block | None":
    """The block of a recipe, or inside one of its blocks, that names a plugin."""
    from mezoo.recipe import Block

    waiting = [*recipe.blocks().values()]
    while waiting:
        block = waiting.pop(0)
        if block.plugin == plugin:
            return block
        waiting += [value for value in block.arguments.values() if isinstance(value, Block)]
    return None


def _feature_case(plugin: Plugin, recipe: "Recipe", progress: "Progress") -> FeatureCase:
    from mezoo.plan import look_at, open_dataset
    from mezoo.plugin_objects import make
    from mezoo.store import default_root

    dataset, _ = open_dataset(recipe, default_root(), progress)
    videos = look_at(recipe, dataset)[0]
    block = _block_of(recipe, plugin)
    assert block is not None
    return FeatureCase(partial(make, block), [_shortened(v) for v in videos[:_VIDEOS]])


def _shortened(video: Video) -> Video:
    """The first frames of a long video, as a clip of it."""
    from mezoo.clips import TakenFrames

    if len(video.frames) <= _FRAMES or video.cut is not None:
        return video
    indices = tuple(range(_FRAMES))
    kept = tuple(e for e in video.expressions if e.offset < _FRAMES)
    cut = Cut(len(video.frames), indices)
    return replace(video, frames=TakenFrames(video.frames, indices), expressions=kept, cut=cut)


def _model_case(recipe: "Recipe", progress: "Progress", runs: Path) -> ModelCase:
    from mezoo.jobs import extracted, new_model, task_of
    from mezoo.plan import Options, plan
    from mezoo.store import default_root

    work = plan(recipe, Options(runs, default_root(), "plugins check"), progress)
    task_of(work)
    examples: Sequence[Any] = [*extracted(work, progress).values()]
    make: Callable[[], Model] = partial(new_model, work)
    return ModelCase(make, examples, recipe.trainer)
