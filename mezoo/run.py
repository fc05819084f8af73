"""The line over all folds; read this file first, then fold.py.

root folder - videos - features (stored) - folds - [train, predict, keep scores] - pooled score - result - report
"""

from pathlib import Path
from typing import Any

from mezoo.errors import DataError, RecipeError
from mezoo.extraction import Extraction, extract
from mezoo.fold import FoldJob, quiet_libraries, run_fold
from mezoo.models import Model, Recognizer
from mezoo.plan import Work, identity
from mezoo.plugin_objects import make
from mezoo.progress import Progress
from mezoo.records import Example, Fold
from mezoo.registry import load
from mezoo.report import write_report
from mezoo.splits import inner_validation, shuffle_classes, shuffle_intervals, subject_of
from mezoo.summary import log_summary, summarise, write_tables
from mezoo.tasks import RecognitionTask, SpottingTask, Task
from mezoo.tracking import EpochCsv, WandbRun, WandbTracker
from mezoo.transfer import start_of


def run(work: Work, progress: Progress) -> Path:
    """Do what is left of a run: features, folds, pooled score, result, report. Returns the run's folder."""
    quiet_libraries()
    with work.folder.opened(identity(work)):
        task = task_of(work)
        tracker = WandbTracker(work.recipe.wandb, work.folder.path.name, work.folder.path, progress.say)
        examples = features(work, progress)
        train_folds(work, task, examples, tracker, progress)
        conclude(work, task, examples, tracker)
    return work.folder.path


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


def features(work: Work, progress: Progress) -> dict[str, Example]:
    """Features of every video, from the store or computed now. Raises DataError for a video that cannot have them."""
    failures = extract(work.recipe.features, work.videos, work.options.cache, progress)
    if failures:
        raise DataError(failures[0].reason, hint=failures[0].hint)
    here = Extraction(work.recipe.features, work.options.cache)
    labels = work.clips.labels if work.clips else {}
    return {v.key: Example(v, here.store.get(v, here.extractor, here.made), labels.get(v.key)) for v in work.videos}


def train_folds(
    work: Work, task: Task, examples: dict[str, Example], tracker: WandbTracker, progress: Progress
) -> None:
    """Run every fold that is left, one after the other; a failed one does not stop the rest."""
    total, left = len(work.folds), len(work.pending)
    with progress.bar("folds", total, total - left) as outer:
        for fold in work.pending:
            wandb_run = tracker.open(fold.name, "fold", work.recipe.resolved())
            job = job_of(work, fold, examples, wandb_run)
            with progress.bar(f"  {fold.name}: epochs", job.max_epochs, job.folder.epochs_done()) as inner:
                outcome = run_fold(job, task, inner)
            wandb_run.summarise(flat_scores(outcome))
            wandb_run.finish()
            progress.say(describe(fold, outcome, task))
            outer.advance()


def job_of(work: Work, fold: Fold, examples: dict[str, Example], wandb_run: WandbRun) -> FoldJob:
    """Everything one fold needs; with shuffled labels only what it is trained on changes."""
    protocol = work.recipe.protocol
    train, validation = fold.train, ()
    if protocol.epoch == "validation":
        owners = {v.key: subject_of(v) for v in work.videos}
        train, validation = inner_validation(fold, owners, protocol.validation_subjects, protocol.seed)
    learned = [examples[key] for key in train]
    if protocol.labels == "shuffled":
        if work.clips is None:
            learned = [Example(shuffle_intervals(e.video, protocol.seed), e.features) for e in learned]
        else:
            learned = shuffle_classes(learned, protocol.seed, fold.name)
    folder = work.folder.fold(fold.name)
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
        loggers=(EpochCsv(folder.path / "metrics.csv"), wandb_run),
        seed=protocol.seed,
        rule=protocol.epoch,
        start=None if init is None else start_of(init, [e.video for e in test]),
    )


def new_model(work: Work) -> Model:
    """The recipe's model, not yet built; a recogniser knows its classes."""
    model: Model = make(work.recipe.model)
    if isinstance(model, Recognizer):
        assert work.clips is not None
        model.classes = work.clips.classes
    return model


def conclude(work: Work, task: Task, examples: dict[str, Example], tracker: WandbTracker) -> None:
    """Pool the folds, write result, tables and report, and close with wandb's summary run."""
    write_tables(work)
    result = summarise(work, task, examples)
    result.write(work.folder.result)
    page = write_report(work.folder.path)
    log_summary(tracker, work, result, page)


def flat_scores(outcome: dict[str, Any]) -> dict[str, float]:
    """`last/micro_f1` and the like, for wandb's summary of a fold."""
    tallies = outcome.get("tallies", {})
    return {
        f"{rule}/{part}_{name}": counts[name]
        for rule, tally in tallies.items()
        for part, counts in tally.items()
        for name in ("f1", "accuracy")
        if name in counts
    }


def describe(fold: Fold, outcome: dict[str, Any], task: Task) -> str:
    """One line about a fold that ended."""
    if outcome["state"] == "failed":
        return f"{fold.name} failed: {outcome['error']}"
    counts = outcome["tallies"]["last"][task.headline]
    return f"{fold.name}: {task.fold_ratio} {counts[task.fold_ratio]:.2f}, {task.describe(counts)}"
