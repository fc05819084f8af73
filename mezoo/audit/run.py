"""All checks of one recipe, from its data to a control training."""

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mezoo.audit import blind, control, split
from mezoo.audit.finding import Finding
from mezoo.extraction import Extraction
from mezoo.fold import decode, train
from mezoo.jobs import extracted, job_of, new_model, task_of
from mezoo.plan import Options, Work, plan
from mezoo.progress import Progress
from mezoo.recipe import Recipe
from mezoo.records import Example, Window
from mezoo.run import run


def audit(recipe: Recipe, options: Options, progress: Progress, *, train_control: bool = True) -> list[Finding]:
    """Every check of a recipe. The control is trained, or continued, as a run of its own below `options.runs`."""
    work = plan(recipe, options, progress)
    examples = extracted(work, progress)
    videos = list(work.videos)
    means = {k: _mean(e) for k, e in examples.items()}
    found = [
        split.epoch(recipe.protocol.epoch),
        split.parts(work.folds, videos),
        split.subjects(work.folds, videos),
        split.duplicates(work.folds, videos),
        split.identity(work.folds, videos, means),
        blind.features(Extraction(recipe.features, options.cache).extractor, videos[0]),
        *blind.provenance(work.folds, examples, lambda learned: new_model(work).prepare(learned)),
        _predictions(work, examples, progress),
    ]
    if not train_control:
        return [*found, Finding("shuffled labels", None, "", "chance", "left out (--quick)")]
    return [*found, _control(recipe, options, progress)]


def _mean(example: Example) -> NDArray[Any]:
    """One vector of a video: the mean over its rows, of large rows every so many numbers."""
    row: NDArray[Any] = np.asarray(example.features.values, dtype=np.float32).mean(axis=0).ravel()
    return row[:: max(1, row.size // 256)]


def _predictions(work: Work, examples: dict[str, Example], progress: Progress) -> Finding:
    """Train the first fold for an epoch twice, the second time with the labels of its left-out videos changed."""
    task, fold = task_of(work), work.folds[0]
    scores: list[dict[str, list[Window]]] = []
    for change in (False, True):
        own = dict(examples)
        if change:
            own |= {k: _relabelled(examples[k], work) for k in fold.test}
        with TemporaryDirectory() as place:
            job = job_of(work, fold, own, work.folder.fold(fold.name), ())
            epochs = int(new_model(work).warmup_epochs) + 1
            trainer = {**job.trainer, "max_epochs": epochs}
            job = replace(job, folder=replace(job.folder, path=Path(place)), trainer=trainer, loggers=())
            with progress.bar("label-blind", epochs) as bar:
                train(job, task, bar)
            scores.append(job.folder.load_scores(max(job.folder.epochs())))
    return blind.same_scores(*scores)


def _relabelled(example: Example, work: Work) -> Example:
    if work.clips is None:
        return Example(blind.other_labels(example.video), example.features)
    wrong = (int(example.label or 0) + 1) % len(work.clips.classes)
    told = replace(example.video.expressions[0], emotion="audit", aus="99")
    return Example(replace(example.video, expressions=(told,)), example.features, wrong)


def _control(recipe: Recipe, options: Options, progress: Progress) -> Finding:
    protocol = recipe.protocol.model_copy(update={"labels": "shuffled", "epoch": "last"})
    work = plan(replace(recipe, protocol=protocol), options, progress)
    run(work, progress)
    task = task_of(work)
    examples = extracted(work, progress)
    decoded: list[tuple[Example, Any]] = []
    for fold in work.folds:
        folder = work.folder.fold(fold.name)
        model = new_model(work)
        scores = folder.load_scores(max(folder.epochs()))
        decoded += decode(task, model, scores, [examples[k] for k in fold.test])
    return control.shuffled(task, decoded)
