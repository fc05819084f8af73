"""Films of the long stand-ins: which expressions a film holds, and when they happen."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from math import ceil
from typing import Literal

import numpy as np

from mezoo import DataError, datasets, synthetic

FPS = 30.0
GAP, EDGE = 12, 9
"""Frames between two movements, and before the first and after the last."""
SECONDS_EACH = 4.5
"""Room that a film must have for each expression, for the longest to fit."""
DRAWN_AS = {"negative": "disgust", "positive": "happiness", "sad": "sadness", "happy": "happiness", "Others": "others"}


Kind = Literal["micro", "macro"]


@dataclass(frozen=True, slots=True)
class Timing:
    """Lengths in ms as `synthetic.ScriptSpec` takes them; `rise` is mean and deviation of onset to apex, if known."""

    micro: tuple[float, float, float, float]
    macro: tuple[float, float, float, float]
    rise: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Act:
    """One expression that a film must hold; `emotion` is the owner's word."""

    kind: Kind
    emotion: str


@dataclass(frozen=True, slots=True)
class Plan:
    """One film: subject and code as in the names of its folders."""

    subject: str
    code: str
    n_frames: int
    acts: tuple[Act, ...] = ()

    @property
    def name(self) -> str:
        """Subject and code: unique among films."""
        return f"{self.subject}/{self.code}"


@dataclass(frozen=True, slots=True)
class Preset:
    """Sizes in pixels; subjects, and videos and seconds where they are fixed and not those of the real set."""

    height: int
    width: int
    face_width: int
    subjects: int
    videos: int | None = None
    seconds: float | None = None


def chosen(name: str, spec: datasets.StandIn, presets: Mapping[str, Preset], most_videos: int) -> Preset:
    """The preset of a spec with its own subjects, videos and seconds. Raises DataError for what cannot be written."""
    datasets.stand_ins.within(name, spec, tuple(presets), presets["full"].subjects)
    preset = presets[spec.preset]
    preset = replace(
        preset,
        subjects=spec.subjects or preset.subjects,
        videos=preset.videos if spec.videos is None else spec.videos,
        seconds=preset.seconds if spec.seconds is None else spec.seconds,
    )
    if not 1 <= (preset.videos or 1) <= most_videos or not SECONDS_EACH <= (preset.seconds or 10) <= 300:
        raise DataError(
            f"{name} cannot have {preset.videos} videos a subject of {preset.seconds} s",
            hint=f"use 1 to {most_videos} videos, {SECONDS_EACH:g} to 300 seconds",
        )
    return preset


def deck(classes: Mapping[str, int], n: int, rng: np.random.Generator) -> list[str]:
    """`n` emotions, shuffled, in the proportions of `classes`; exactly those where `n` is their sum."""
    words = np.array([word for word, count in classes.items() for _ in range(count)])
    dealt: list[str] = []
    while len(dealt) < n:
        dealt += rng.permutation(words).tolist()
    return dealt[:n]


def with_each(plans: Sequence[Plan], kind: Kind, dealt: Sequence[str], counts: Sequence[int]) -> list[Plan]:
    """Plans with `counts` more expressions of a kind each, their emotions taken from `dealt` in turn."""
    emotions = iter(dealt)
    more = [tuple(Act(kind, next(emotions)) for _ in range(count)) for count in counts]
    return [replace(plan, acts=plan.acts + acts) for plan, acts in zip(plans, more, strict=True)]


def spread(
    plans: Sequence[Plan], kind: Kind, dealt: Sequence[str], names: Set[str], rng: np.random.Generator
) -> list[Plan]:
    """Plans with an expression of a kind more for each of `dealt`, in the films of these `names` only.

    Each of those films gets one, the rest come at random by its length, as many as there is room for.
    """
    rooms = np.array([plan.n_frames for plan in plans], dtype=float)
    most = np.maximum(1, (rooms / FPS / SECONDS_EACH).astype(int) - [len(plan.acts) for plan in plans])
    counts = np.array([plan.name in names for plan in plans], dtype=int)
    held = counts > 0
    for _ in range(len(dealt) - len(names)):
        weights = np.cumsum(rooms * (held & (counts < most)))
        counts[np.searchsorted(weights, rng.random() * weights[-1], side="right")] += 1
    return with_each(plans, kind, dealt, counts.tolist())


def script_of(
    plan: Plan, timing: Timing, rng: np.random.Generator, intensity: float, *, moving: bool
) -> synthetic.Script:
    """A script with the expressions of a plan at random times; those that do not fit are left out.

    Without `moving` the head is still and there is no blink: for tables alone, ten times as fast.
    """
    movements = _placed([_movement(act, timing, rng) for act in plan.acts], plan.n_frames, rng)
    if not moving:
        still = np.zeros((plan.n_frames, 3), dtype=np.float32)
        return synthetic.Script(FPS, plan.n_frames, movements, (), still, intensity)
    empty = synthetic.ScriptSpec(FPS, plan.n_frames, micro=0, macro=0, intensity=intensity)
    return replace(synthetic.write_script(empty, rng), movements=movements)


def overlapping(script: synthetic.Script, rng: np.random.Generator) -> synthetic.Script:
    """A script whose second movement begins before the first has ended."""
    first, second, *others = sorted(script.movements, key=lambda m: m.onset)
    by = second.onset - int(rng.integers(first.onset + 1, first.offset + 1))
    return replace(script, movements=(first, _shifted(second, -by), *others))


def _movement(act: Act, timing: Timing, rng: np.random.Generator) -> synthetic.Movement:
    """A movement from a film of its own, that holds nothing else."""
    longest = (timing.micro if act.kind == "micro" else timing.macro)[3]
    spec = synthetic.ScriptSpec(
        FPS,
        ceil(longest * FPS / 1000) + 2 * EDGE,
        micro=int(act.kind == "micro"),
        macro=int(act.kind == "macro"),
        emotions=(DRAWN_AS.get(act.emotion, act.emotion),),
        blinks_per_minute=0,
        micro_ms=timing.micro,
        macro_ms=timing.macro,
        one_sided=0.1,
    )
    movement = replace(synthetic.write_script(spec, rng).movements[0], emotion=act.emotion)
    if timing.rise is None:
        return movement
    rise = round(float(np.clip(rng.normal(*timing.rise), 60, 350)) * FPS / 1000)
    apex = movement.onset + max(1, min(rise, movement.offset - movement.onset - 1))
    return replace(movement, apex=apex)


def _placed(
    movements: list[synthetic.Movement], n_frames: int, rng: np.random.Generator
) -> tuple[synthetic.Movement, ...]:
    order = [movements[i] for i in rng.permutation(len(movements))]
    lengths = [m.offset - m.onset + 1 for m in order]
    while order and sum(lengths) + GAP * (len(order) - 1) + 2 * EDGE > n_frames:
        order.pop()
        lengths.pop()
    slack = n_frames - sum(lengths) - GAP * max(0, len(order) - 1) - 2 * EDGE
    extra = np.sort(rng.integers(0, max(0, slack) + 1, len(order))).tolist()
    before = np.cumsum([0, *lengths]).tolist()
    return tuple(_shifted(m, EDGE + before[i] + GAP * i + extra[i] - m.onset) for i, m in enumerate(order))


def _shifted(m: synthetic.Movement, by: int) -> synthetic.Movement:
    return replace(m, onset=m.onset + by, apex=m.apex + by, offset=m.offset + by)
