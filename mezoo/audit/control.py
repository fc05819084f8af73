"""The control run's score against chance: a training on shuffled labels must not beat answers without a clue."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from mezoo.audit.finding import Finding
from mezoo.records import Example, Spot
from mezoo.splits import subject_of
from mezoo.tasks import Decoded, Task
from mezoo.tasks.recognition import RecognitionTask

DRAWS = 500


def shuffled(task: Task, decoded: Decoded, seed: int = 0) -> Finding:
    """Score of the control and the range that 95 % of answers without a clue are in, see `without_a_clue`."""
    value = _score(task, decoded)
    rng = np.random.default_rng(seed)
    spans = [
        np.percentile([_score(task, dealt(decoded, rng)) for _ in range(DRAWS)], [2.5, 97.5])
        for dealt in without_a_clue(task)
    ]
    low, high = min(s[0] for s in spans), max(s[1] for s in spans)
    detail = "" if value <= high else "a model that was taught nothing beats chance: something tells it the answers"
    found = f"{task.metric} {value:.3f}"
    return Finding("shuffled labels", bool(value <= high), found, f"chance, {low:.3f} to {high:.3f}", detail)


def without_a_clue(task: Task) -> tuple[Callable[[Decoded, np.random.Generator], Decoded], ...]:
    """Ways to make the same answers worthless. The widest one counts.

    Recognition: answers dealt to other clips; or classes renamed in each subject, since a model may tell clips apart
    and know nothing of their names. Spotting: the spots of a video moved round it together.
    """
    return (_dealt, _renamed) if isinstance(task, RecognitionTask) else (_moved_round,)


def _score(task: Task, decoded: Decoded) -> float:
    return float(task.tally(decoded)[task.headline][task.ratio])


def _dealt(decoded: Decoded, rng: np.random.Generator) -> Decoded:
    order = rng.permutation(len(decoded))
    return [(example, decoded[int(i)][1]) for (example, _), i in zip(decoded, order, strict=True)]


def _renamed(decoded: Decoded, rng: np.random.Generator) -> Decoded:
    names = {subject_of(e.video): rng.permutation(len(p)) for e, p in decoded}
    return [(e, p[names[subject_of(e.video)]]) for e, p in decoded]


def _moved_round(decoded: Decoded, rng: np.random.Generator) -> Decoded:
    return [(example, _elsewhere(example, spotting, rng)) for example, spotting in decoded]


def _elsewhere(example: Example, spotting: Any, rng: np.random.Generator) -> Any:
    """The same spots, moved round the video together."""
    frames = len(example.video.frames)
    by = int(rng.integers(frames))
    return replace(spotting, spots=tuple(_moved(spotting.spots, by, frames)))


def _moved(spots: Sequence[Spot], by: int, frames: int) -> list[Spot]:
    found: list[Spot] = []
    for spot in spots:
        onset = (spot.onset + by) % frames
        onset = min(onset, frames - 1 - (spot.offset - spot.onset))
        found.append(replace(spot, onset=onset, offset=onset + spot.offset - spot.onset))
    return found
