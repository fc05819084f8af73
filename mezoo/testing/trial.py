"""Short trainings for the checks of models: the fold that `mezoo fit` trains, in a folder that goes away."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mezoo.audit.blind import other_labels
from mezoo.contracts import no_bars
from mezoo.fold import FoldJob, quiet_libraries, train
from mezoo.fold_folder import FoldFolder
from mezoo.models import Model, Recognizer, Spotter
from mezoo.records import Example, Window
from mezoo.splits import subject_of
from mezoo.tasks import RecognitionTask, SpottingTask, Task
from mezoo.testing.cases import ModelCase

Scores = Mapping[str, Sequence[Window]]
ENOUGH = 12
"""Clips that a share of right answers is judged on, where there are so many."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A trained model and its raw scores of the held-out examples after the last epoch."""

    model: Model
    scores: Scores


def task_of(model: Model) -> Task:
    """The task that a model answers."""
    if isinstance(model, Recognizer):
        return RecognitionTask(model.classes)
    assert isinstance(model, Spotter)
    return SpottingTask(model.kinds)


def parts(case: ModelCase) -> tuple[list[Example], list[Example]]:
    """Examples to train on, and those of a third of the subjects to be asked: more, up to half, for a dozen clips."""
    people = sorted({subject_of(e.video) for e in case.examples})
    count = max(1, len(people) // 3)
    enough = ENOUGH if case.make().task == "recognition" else 1
    while count < len(people) // 2 and len(_of(case, people[-count:])) < enough:
        count += 1
    return _of(case, people[:-count]), _of(case, people[-count:])


def _of(case: ModelCase, people: Sequence[tuple[str, str]]) -> list[Example]:
    return [e for e in case.examples if subject_of(e.video) in people]


def small_parts(case: ModelCase) -> tuple[list[Example], list[Example]]:
    """The same of few long videos: two subjects to train on and one video."""
    learned, asked = parts(case)
    if case.make().task == "recognition":
        return learned, asked
    people = sorted({subject_of(e.video) for e in learned})[:2]
    return [e for e in learned if subject_of(e.video) in people], asked[:1]


def short(case: ModelCase, name: str, *, relabel: bool = False, batch_size: int | None = None) -> Trial:
    """A training until scores mean something, the same for the same arguments; trained once under each name."""
    if name not in case.kept:
        learned, asked = small_parts(case)
        asked = [relabelled(e) for e in asked] if relabel else asked
        epochs = int(case.make().warmup_epochs) + 1
        case.kept[name] = trained(case, learned, asked, {"max_epochs": epochs}, batch_size)
    return case.kept[name]


def trained(
    case: ModelCase,
    learned: Sequence[Example],
    asked: Sequence[Example],
    trainer: Mapping[str, Any],
    batch_size: int | None = None,
) -> Trial:
    """Train on some examples and ask others, on the CPU."""
    quiet_libraries()

    def make() -> Model:
        model = case.make()
        model.batch_size = batch_size or model.batch_size
        return model

    settings = {**case.trainer, "accelerator": "cpu", **trainer}
    with TemporaryDirectory() as place:
        folder = FoldFolder(Path(place))
        job = FoldJob("check", folder, make, learned, asked, (), settings, (), seed=1)
        with no_bars("", 1) as bar:
            model = train(job, task_of(make()), bar)
        return Trial(model, folder.load_scores(max(folder.epochs())))


def relabelled(example: Example) -> Example:
    """The example as if its annotation said something else."""
    if example.label is None:
        return replace(example, video=other_labels(example.video))
    told = replace(example.video.expressions[0], emotion="another", aus="99")
    return Example(replace(example.video, expressions=(told,)), example.features, 0 if example.label else 1)


def blind(case: ModelCase, examples: Sequence[Example]) -> list[Example]:
    """Examples as a model is asked with them."""
    task = task_of(case.make())
    return [task.blind(e) for e in examples]
