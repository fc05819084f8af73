"""Which frames of a video are shown, and what they are called: pure functions over frame numbers."""

from collections.abc import Sequence
from dataclasses import dataclass

from mezoo.records import Expression, Video

MOST_EXPRESSIONS = 12
"""Expressions shown in pictures; of more, the micro-expressions first, each kind in order of time."""


@dataclass(frozen=True, slots=True)
class Numbered:
    """An expression and its number on the page, from 1 in order of time."""

    number: int
    expression: Expression

    @property
    def name(self) -> str:
        """As a heading says it: `1 micro-expression`."""
        return f"{self.number} {self.expression.kind}-expression"


def numbered(video: Video) -> tuple[Numbered, ...]:
    """Every expression in order of time; of two that begin together, the shorter first."""
    ordered = sorted(video.expressions, key=lambda e: (e.onset, e.offset))
    return tuple(Numbered(i, e) for i, e in enumerate(ordered, start=1))


def shown(expressions: Sequence[Numbered], most: int = MOST_EXPRESSIONS) -> tuple[Numbered, ...]:
    """The expressions that get pictures, in order of time."""
    first = sorted(expressions, key=lambda n: (n.expression.kind != "micro", n.number))[:most]
    return tuple(sorted(first, key=lambda n: n.number))


def key_frames(expression: Expression, n_frames: int) -> tuple[tuple[str, int], ...]:
    """Onset, apex and offset with their frames, kept inside the video; without an apex, the middle takes its place."""
    e = expression
    named = ("middle, no apex given", (e.onset + e.offset) // 2) if e.apex is None else ("apex", e.apex)
    wanted = (("onset", e.onset), named, ("offset", e.offset))
    return tuple((name, min(max(frame, 0), n_frames - 1)) for name, frame in wanted)


def equidistant(n_frames: int, rows: int, always: Sequence[int] = ()) -> list[int]:
    """About `rows` frames from the first to the last, ascending, all of `always` among them.

    A frame of `always` takes the place of the one that it is nearest to.
    """
    count = max(1, min(rows, n_frames))
    steps = {round(i * (n_frames - 1) / max(count - 1, 1)) for i in range(count)}
    fixed = set(always)
    for frame in sorted(fixed):
        free = steps - fixed
        if frame not in steps and free:
            steps.remove(min(free, key=lambda s: (abs(s - frame), s)))
    return sorted(steps | fixed)


def labels(frame: int, expressions: Sequence[Numbered], n_frames: int) -> tuple[str, ...]:
    """What a frame is: `onset`, `apex`, `offset`, or the kind it lies in; with numbers where there are several."""
    found: list[str] = []
    for n in expressions:
        suffix = f" {n.number}" if len(expressions) > 1 else ""
        keys = [
            name for name, at in key_frames(n.expression, n_frames) if at == frame and name != "middle, no apex given"
        ]
        if keys:
            found += [f"{name}{suffix}" for name in keys]
        elif n.expression.onset <= frame <= n.expression.offset and len(expressions) > 1:
            found.append(f"{n.expression.kind}{suffix}")
    return tuple(found)
