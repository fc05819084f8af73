"""What the line hands to whoever trains a fold: its task, the examples with their features, and the fold's job."""

from collections.abc import Mapping, Sequence
from typing import Any

from lightning.pytorch.loggers import Logger

from mezoo.errors import DataError, RecipeError
from mezoo.extraction import Extraction, fill
from mezoo.fold import FoldJob
from mezoo.fold_folder import FoldFolder
from mezoo.models import Model, Recognizer
from mezoo.plan import Work
from mezoo.plugin_objects import describe as describe_block
from mezoo.plugin_objects import make
from mezoo.progress import Progress
from mezoo.records import Example, Fold
from mezoo.registry import load
from mezoo.run_folder import FINAL
from mezoo.splits import inner_validation, shuffle_classes, shuffle_intervals, subject_of
from mezoo.tasks import RecognitionTask, SpottingTask, Task
from mezoo.tracking import EpochCsv, named_loggers
from mezoo.transfer import start_of


def task_of(work: Work) -> Task:
    """The recipe's task, as its model and data shape it. Raises RecipeError for a model of another task."""
    model, asked = load(work.recipe.model.plugin), work.recipe.task
    if model.task != asked:
        raise RecipeError(
            f"{work.recipe.model.plugin.name} is a model for {model.task}, the recipe's task is {asked}",
            hint=f"set `task: {model.task}`, or take another model: mezoo list models",
        )
    if work.clips is None:
        return SpottingTask(model.kinds)
    return RecognitionTask(work.clips.classes, tuple(sorted({v.dataset for v in work.videos})))


def extracted(work: Work, progress: Progress) -> dict[str, Example]:
    """Features of every video, from the store or computed now. Raises DataError for a video that cannot have them."""
    here = Extraction(work.recipe.features, work.options.cache)
    failures = fill(here, work.videos, progress)
    if failures:
        raise DataError(failures[0].reason, hint=failures[0].hint)
    return _examples(work, here, verify=True)


def stored(work: Work) -> dict[str, Example]:
    """Every video with its features, which are in the store and were verified before."""
    return _examples(work, Extraction(work.recipe.features, work.options.cache), verify=False)


def _examples(work: Work, here: Extraction, *, verify: bool) -> dict[str, Example]:
    """`verify` reads features whole to find damage."""
    labels = work.clips.labels if work.clips else {}
    return {v.key: Example(v, here.get(v, verify), labels.get(v.key)) for v in work.videos}


def job_of(
    work: Work, fold: Fold, examples: Mapping[str, Example], folder: FoldFolder, loggers: Sequence[Logger]
) -> FoldJob:
    """Everything one fold needs; with shuffled labels only what it is trained on changes."""
    protocol = work.recipe.protocol
    train, validation = fold.train, ()
    if protocol.epoch == "validation" and fold.name != FINAL:
        owners = {v.key: subject_of(v) for v in work.videos}
        train, validation = inner_validation(fold, owners, protocol.validation_subjects, protocol.seed)
    learned = [examples[key] for key in train]
    if protocol.labels == "shuffled":
        if work.clips is None:
            learned = [Example(shuffle_intervals(e.video, protocol.seed), e.features) for e in learned]
        else:
            learned = shuffle_classes(learned, protocol.seed, fold.name)
    test = [examples[key] for key in fold.test]
    init = work.recipe.init
    return FoldJob(
        name=fold.name,
        folder=folder,
        make_model=lambda: new_model(work),
        train=learned,
        test=test,
        validation=[examples[key] for key in validation],
        trainer=work.recipe.trainer,
        loggers=(
            EpochCsv(folder.path / "metrics.csv"),
            *loggers,
            *named_loggers(work.recipe.loggers, folder.path / "logs"),
        ),
        seed=protocol.seed,
        rule=protocol.epoch,
        compile=work.recipe.compile,
        start=None if init is None else start_of(init, [e.video for e in test]),
        made=made_of(work),
    )


def made_of(work: Work) -> dict[str, Any]:
    """What weights keep of their recipe, so that a new film can be asked of them without it."""
    recipe = work.recipe
    extractor = load(recipe.features.plugin).version
    return {
        "task": recipe.task,
        "recipe": f"{recipe.name}-{recipe.digest()}",
        "dataset": {"name": recipe.dataset.plugin.name, "title": work.dataset.info.title},
        "synthetic": work.synthetic,
        "classes": [*work.clips.classes] if work.clips else [],
        "clips": None if recipe.clips is None else recipe.clips.model_dump(),
        "features": {**describe_block(recipe.features), "extractor_version": extractor},
        "model": {**describe_block(recipe.model), "title": recipe.model.plugin.attribute},
    }


def new_model(work: Work) -> Model:
    """The recipe's model, not yet built; a recogniser knows its classes."""
    model: Model = make(work.recipe.model)
    if isinstance(model, Recognizer):
        assert work.clips is not None
        model.classes = work.clips.classes
    return model
