"""One fold from beginning to end, wherever it runs: its wandb run, its training, its outcome in words."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from mezoo.contracts import Bar
from mezoo.fold import quiet_libraries, run_fold
from mezoo.jobs import job_of, stored, task_of
from mezoo.plan import Work
from mezoo.records import Example, Fold
from mezoo.tasks import Task
from mezoo.tracking import WandbTracker


@dataclass(frozen=True, slots=True)
class Bench:
    """What every fold of a run needs, made once in a process. `examples` are kept mapped, not read."""

    work: Work
    task: Task
    examples: Mapping[str, Example]
    tracker: WandbTracker

    def fold(self, name: str) -> Fold:
        """A fold by its name."""
        return next(fold for fold in self.work.folds if fold.name == name)

    def epochs(self, name: str) -> tuple[int, int]:
        """Epochs of a fold in all, and those that are done."""
        job = job_of(self.work, self.fold(name), self.examples, self.work.folder.fold(name), ())
        return job.max_epochs, job.folder.epochs_done()

    def train(self, name: str, bar: Bar) -> dict[str, Any]:
        """Train and predict one fold; what `fold.json` then holds. Raises RunError if another process has it.

        A fold that another command finished since this one looked is left as it is.
        """
        fold, folder = self.fold(name), self.work.folder.fold(name)
        with folder.held():
            if (before := folder.status())["state"] == "done":
                return before
            wandb_run = self.tracker.open(name, "fold", self.work.recipe.resolved())
            if self.work.recipe.trainer.get("devices", 1) not in (1, "1"):
                wandb_run.start()  # each device has a process, forked from this one
            outcome = run_fold(job_of(self.work, fold, self.examples, folder, [wandb_run]), self.task, bar)
            wandb_run.summarise(flat_scores(outcome))
            wandb_run.finish(failed=outcome["state"] == "failed")
        return outcome


def bench_of(work: Work, say: Callable[[str], None], examples: Mapping[str, Example] | None = None) -> Bench:
    """The bench of a process; without `examples` they are taken from the store, where they have been verified."""
    quiet_libraries()
    tracker = WandbTracker(work.recipe.wandb, work.name, work.folder.path, say)
    return Bench(work, task_of(work), stored(work) if examples is None else examples, tracker)


def flat_scores(outcome: Mapping[str, Any]) -> dict[str, float]:
    """`last/micro_f1` and the like, for wandb's summary of a fold."""
    tallies = outcome.get("tallies", {})
    return {
        f"{rule}/{part}_{name}": counts[name]
        for rule, tally in tallies.items()
        for part, counts in tally.items()
        for name in ("f1", "accuracy")
        if name in counts
    }


def told(fold: str, outcome: Mapping[str, Any], task: Task) -> str:
    """One line about a fold that ended."""
    if outcome["state"] == "failed":
        return f"{fold} failed: {outcome['error']}"
    counts = outcome["tallies"]["last"][task.headline]
    notes = "".join(f"; {note}" for note in outcome.get("notes", ()))
    return f"{fold}: {task.fold_ratio} {counts[task.fold_ratio]:.2f}, {task.describe(counts)}{notes}"
