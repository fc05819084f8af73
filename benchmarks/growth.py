"""What twice as much costs: subjects, and folds of the same data. Runs of `mezoo fit` on the toy films of the tests.

With twice the subjects there are twice the folds and each learns from twice the films, so a leave-one-subject-out run
takes four times as long where nothing else grows. Its films are tiny, so this is the cost of what surrounds the steps.
All runs are made in turn in one process, after one that is not counted.
"""

import json
import os
import resource
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from table import Row, process

EPOCHS = 4


def rows(quick: bool) -> list[Row]:
    """Processor seconds of whole runs, without imports: features, folds, score, report."""
    sizes, rounds = ((8, 16), 2) if quick else ((8, 16, 32), 3)
    jobs = [*(("subjects", n, n) for n in sizes), *(("folds", sizes[-1], n) for n in sizes)]
    with tempfile.TemporaryDirectory(prefix="mezoo-growth-") as folder:
        more = {"MEZOO_CACHE": f"{folder}/cache", "WANDB_MODE": "disabled"}
        told = process([__file__, json.dumps(jobs), str(rounds), folder], **more).output.splitlines()[-1]
    times = {(what, folds): seconds for (what, _, folds), seconds in zip(jobs, json.loads(told), strict=True)}
    per = "a fold, an epoch, a film learned from"
    made: list[Row] = []
    for what, ideal in (("subjects", "<= 4"), ("folds", "<= 2")):
        for n in sizes[:-1]:
            more, less = times[what, 2 * n], times[what, n]
            made.append(Row(f"fit toy, {what}", f"{2 * n} / {n} {what}", more, less, "s CPU", ideal))
    for n in sizes[:-1]:
        more, less = ([1000 * s / work(size) for s in times["subjects", size]] for size in (2 * n, n))
        made.append(Row(f"fit toy, {2 * n} / {n} subjects", per, more, less, "ms CPU", "<= 1"))
    return made


def work(subjects: int) -> int:
    """Films of two a subject that all folds learn from in all epochs."""
    return subjects * EPOCHS * 2 * (subjects - 1)


def total(subjects: int, folds: int, folder: Path) -> float:
    """Processor seconds of a run over some folds of as many subjects."""
    from mezoo.plan import Options, plan
    from mezoo.progress import LineProgress
    from mezoo.recipe import read_recipe
    from mezoo.run import run

    wanted = [f"synthetic.data.subjects={subjects}", f"trainer.max_epochs={EPOCHS}"]
    recipe = read_recipe("toy", wanted, synthetic=True)
    options = Options(folder / "runs", folder / "cache", "", fresh=True)
    whole = plan(recipe, options, LineProgress())
    before = cpu_seconds()
    run(replace(whole, pending=whole.pending[:folds]), LineProgress())
    return cpu_seconds() - before


def cpu_seconds() -> float:
    """Of this process, all its threads."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main() -> None:
    jobs, rounds, folder = json.loads(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    with Path(os.devnull).open("w") as sys.stderr:
        total(2, 2, folder)
        turns = [[total(subjects, folds, folder) for _, subjects, folds in jobs] for _ in range(rounds)]
    print(json.dumps([*zip(*turns, strict=True)]))


if __name__ == "__main__":
    main()
