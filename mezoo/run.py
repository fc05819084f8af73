"""The line over all folds; read this file first, then executors/ and fold.py.

root folder - videos - features (stored) - folds - [train, predict, keep scores] - pooled score - result - report
"""

from collections.abc import Mapping
from pathlib import Path

from mezoo.errors import RunError
from mezoo.executors import train_folds
from mezoo.executors.one import Bench, bench_of, told
from mezoo.fold import quiet_libraries, run_fold
from mezoo.jobs import extracted, job_of, task_of
from mezoo.plan import Work, identity
from mezoo.progress import Progress
from mezoo.records import Example, Fold
from mezoo.report import write_report
from mezoo.run_folder import FINAL
from mezoo.summary import summarise, write_tables
from mezoo.tracking import log_summary


def run(work: Work, progress: Progress) -> Path:
    """Do what is left of a run: features, folds, pooled score, result, report. Returns the run's folder."""
    quiet_libraries()
    with work.folder.opened(identity(work)):
        bench = bench_of(work, progress.say, extracted(work, progress))
        train_folds(bench, progress)
        conclude(bench, progress)
    return work.folder.path


def run_one(work: Work, name: str, progress: Progress) -> bool:
    """Train one fold and stop, as one task of a cluster does; whether it ended well. `gather` pools them later.

    Only this fold is locked, so that others may be trained beside it. Raises RunError for a fold that is held.
    """
    quiet_libraries()
    work.folder.begin(identity(work))
    if work.folder.fold(name).status()["state"] == "done":
        work.folder.fold(name).drop_checkpoint()  # which a kill right after its end left
        progress.say(f"{name}: done before")
        return True
    bench = bench_of(work, progress.say, extracted(work, progress))
    total, done = bench.epochs(name)
    with progress.bar(f"{name}: epochs", total, done) as bar:
        outcome = bench.train(name, bar)
    progress.say(told(name, outcome, bench.task))
    return outcome["state"] == "done"


def gather(work: Work, progress: Progress) -> Path:
    """Pool the folds that are done, wherever they were trained; result, tables and report. Returns the run's folder."""
    quiet_libraries()
    with work.folder.opened(identity(work)):
        conclude(bench_of(work, progress.say, extracted(work, progress)), progress)
    return work.folder.path


def run_final(work: Work, progress: Progress) -> Path:
    """Train the final model of a run, on all subjects, unless it is there. Returns its weights."""
    quiet_libraries()
    with work.folder.opened(identity(work)), work.folder.final.held():
        if work.folder.final.status()["state"] != "done":
            train_final(work, extracted(work, progress), progress)
    return work.folder.final.weights


def train_final(work: Work, examples: Mapping[str, Example], progress: Progress) -> None:
    """Train one model on every subject: nothing is left out, so nothing is measured. Raises RunError if it fails."""
    everyone = Fold(FINAL, tuple(examples), ())
    job = job_of(work, everyone, examples, work.folder.final, ())
    with progress.bar("final model: epochs", job.max_epochs, job.folder.epochs_done()) as bar:
        outcome = run_fold(job, task_of(work), bar)
    if outcome["state"] == "failed":
        raise RunError(f"the final model failed: {outcome['error']}", hint=f"see {job.folder.path / 'error.txt'}")


def conclude(bench: Bench, progress: Progress) -> None:
    """Pool the folds, write result, tables and report, and close with wandb's summary run."""
    work = bench.work
    for fold in work.folds:
        work.folder.fold(fold.name).drop_checkpoint()
    statuses = [work.folder.fold(fold.name).status() for fold in work.folds]  # once: a fold may end meanwhile
    write_tables(work, statuses)
    result = summarise(work, bench.task, bench.examples, statuses)
    work.folder.report.unlink(missing_ok=True)
    result.write(work.folder.result)
    write_report(work.folder.path)
    log_summary(bench.tracker, result, work.folder.path, work.recipe.resolved())
    if command := bench.tracker.unsent():
        progress.say(f"wandb: kept offline, to be sent by: {command}")
