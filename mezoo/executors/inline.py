"""Folds one after the other, in this process."""

from mezoo.executors.one import Bench, told
from mezoo.progress import Progress


def train(bench: Bench, progress: Progress) -> None:
    """Train every pending fold; a failed one does not stop the rest."""
    folds, pending = bench.work.folds, bench.work.pending
    with progress.bar("folds", len(folds), len(folds) - len(pending)) as outer:
        for fold in pending:
            total, done = bench.epochs(fold.name)
            with progress.bar(f"  {fold.name}: epochs", total, done) as inner:
                outcome = bench.train(fold.name, inner)
            progress.say(told(fold.name, outcome, bench.task))
            outer.advance()
