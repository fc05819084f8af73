"""Uncertainty over seeds, and which rows cannot be told apart from the best one. Imported when there is a need."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mezoo.leaderboard.reading import Run
from mezoo.leaderboard.rows import Row, ratio_of
from mezoo.statistics import drawn_ratios, holm, interval, paired_sign_flip, subject_draws

ALPHA = 0.05
COMPARED = {"recognition": "correct", "spotting": "f1"}
"""What of a subject is compared: clips named right (the ratio UF1 has no meaning for one subject), or its F1."""


def subject_parts(run: Run, part: str) -> dict[str, Mapping[str, Any]]:
    """Counts of each finished subject at the run's epoch rule, by subject."""
    found = {str(s["subject"]): ((s.get("scores") or {}).get(run.rule) or {}).get(part) for s in run.result.subjects}
    return {subject: counts for subject, counts in found.items() if counts}


def seed_interval(runs: Sequence[Run], part: str) -> tuple[float, float] | None:
    """95 % interval of the mean over seeds: in every draw the same subjects for each seed; None if they differ."""
    by_seed = [subject_parts(run, part) for run in runs]
    subjects = sorted(by_seed[0])
    if not subjects or any(sorted(parts) != subjects for parts in by_seed):
        return None
    picks = subject_draws(len(subjects))
    drawn = [_drawn([parts[s] for s in subjects], picks, ratio_of(runs[0])) for parts in by_seed]
    found = [d for d in drawn if d is not None]
    return interval(np.mean(found, axis=0)) if found else None


def _drawn(counts: Sequence[Mapping[str, Any]], picks: NDArray[np.int64], ratio: str) -> NDArray[np.float64] | None:
    """(draws,) the pooled ratio of the drawn subjects; None for counts that are neither matrices nor hits."""
    if all("confusion" in c for c in counts):
        matrices = [np.array(c["confusion"], dtype=np.int64) for c in counts]
        return drawn_ratios(matrices, picks=picks).get(ratio)
    if not all("tp" in c for c in counts):
        return None
    table = np.array([(2 * c["tp"], c["n_pred"] + c["n_gt"]) for c in counts], dtype=np.int64)
    hits, totals = np.moveaxis(table[picks].sum(axis=1), -1, 0)
    return np.divide(hits, totals, out=np.zeros(len(hits)), where=totals > 0)


def against_best(rows: Sequence[Row]) -> list[float | None]:
    """p, Holm-adjusted, that each row after the first differs from the first; None where nothing can be compared."""
    if len(rows) < 2:
        return []
    best = subject_values(rows[0])
    raw = [_paired(best, subject_values(row)) for row in rows[1:]]
    adjusted = iter(holm([p for p in raw if p is not None]))
    return [None if p is None else next(adjusted) for p in raw]


def _paired(a: Mapping[str, float], b: Mapping[str, float]) -> float | None:
    common = sorted(a.keys() & b.keys())
    return paired_sign_flip([a[s] for s in common], [b[s] for s in common]) if common else None


def subject_values(row: Row) -> dict[str, float]:
    """What is compared of each subject, as a mean over the seeds; subjects that every seed has."""
    key = COMPARED.get(row.first.result.task, ratio_of(row.first))
    seeds = [{s: c[key] for s, c in subject_parts(run, row.part).items() if key in c} for run in row.runs]
    common = set[str].intersection(*(set(values) for values in seeds))
    return {s: sum(values[s] for values in seeds) / len(seeds) for s in sorted(common)}
