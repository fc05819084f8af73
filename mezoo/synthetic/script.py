"""What happens in a film and when: expressions, blinks and head motion, in frames.

Rates, lengths and AU frequencies are measured on the annotation of SAMM, SAMM Long Videos, CASME II, CAS(ME)^2 and
CAS(ME)^3; amplitudes and head motion are engineering guesses, and `ScriptSpec.intensity` scales the former.
"""

from dataclasses import dataclass
from math import ceil, floor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mezoo.errors import DataError
from mezoo.records import Kind
from mezoo.synthetic.action_units import ONE_SIDED

_SEVEN = ("happiness", "disgust", "anger", "surprise", "sadness", "fear", "contempt")
_GAP_S, _EDGE_S, _HOLD = 0.4, 0.3, 0.2

AUS_BY_EMOTION: dict[str, dict[int, float]] = {
    "happiness": {12: 0.99, 6: 0.12, 7: 0.12},
    "disgust": {10: 0.56, 9: 0.44},
    "anger": {7: 0.74, 4: 0.37, 43: 0.14},
    "surprise": {5: 0.60, 1: 0.27, 2: 0.27, 26: 0.13},
    "sadness": {17: 0.50, 15: 0.33, 1: 0.33},
    "fear": {20: 0.88, 26: 0.25},
    "contempt": {14: 0.99, 17: 0.25, 12: 0.17},
    "repression": {17: 0.70, 15: 0.52, 12: 0.11},
    "others": {2: 0.50, 4: 0.34, 24: 0.23, 18: 0.15},
}
"""Share of micro-expressions of an emotion that show an AU: SAMM, with repression and half of AU 4 from CASME II."""


@dataclass(frozen=True, slots=True)
class Movement:
    """One facial movement: 0-based frames, both ends included; `aus` are (number, side "" | "L" | "R"), main AU first.

    `amplitude` is the peak displacement of the main AU in px of a face 256 px wide, before `Script.intensity`.
    """

    kind: Kind
    onset: int
    apex: int
    offset: int
    aus: tuple[tuple[int, str], ...]
    emotion: str
    amplitude: float


@dataclass(frozen=True, slots=True)
class Script:
    """What happens in one film. `blinks` are (first, last) frames, both included; `intensity` scales movements only.

    `head` is (n_frames, 3) float32: dx, dy in px of a face 256 px wide, roll in radians (clockwise on the screen).
    """

    fps: float
    n_frames: int
    movements: tuple[Movement, ...]
    blinks: tuple[tuple[int, int], ...]
    head: NDArray[np.float32]
    intensity: float = 1.0


@dataclass(frozen=True, slots=True)
class ScriptSpec:
    """How much of what a script should hold: counts are upper limits, fewer are placed if they do not fit.

    `micro_ms` is (mean, sd, shortest, longest) in ms, both limits included; `macro_ms` is (median, sigma of a
    log-normal, shortest, longest), where a macro-expression is always longer than the longest micro-expression.
    """

    fps: float
    n_frames: int
    micro: int = 1
    macro: int = 0
    intensity: float = 1.0
    emotions: tuple[str, ...] = _SEVEN
    head_scale: float = 1.0
    blinks_per_minute: float = 5.4
    micro_ms: tuple[float, float, float, float] = (372.0, 95.0, 150.0, 505.0)
    macro_ms: tuple[float, float, float, float] = (1115.0, 0.5, 505.0, 4000.0)
    one_sided: float = 0.26


def write_script(spec: ScriptSpec, rng: np.random.Generator) -> Script:
    """A script with no overlap of movements, 0.4 s between them and 0.3 s before the first and after the last.

    Raises DataError for an emotion without AUs, or limits and a frame rate that leave no length in frames.
    """
    unknown = sorted(set(spec.emotions) - set(AUS_BY_EMOTION))
    if unknown or not spec.emotions:
        raise DataError(
            f"no AUs are known for {', '.join(unknown) or 'an empty list of emotions'}",
            hint=f"choose among {', '.join(AUS_BY_EMOTION)}",
        )
    kinds: list[Kind] = [*("micro" for _ in range(spec.micro)), *("macro" for _ in range(spec.macro))]
    parts = [_rise_hold_decay(kind, spec, rng) for kind in kinds]
    while kinds and _needed(parts, spec.fps) > spec.n_frames:
        kinds.pop()
        parts.pop()
    order = rng.permutation(len(kinds))
    starts = _starts([parts[k] for k in order], spec, rng)
    movements = tuple(_movement(kinds[k], start, parts[k], spec, rng) for k, start in zip(order, starts, strict=True))
    return Script(spec.fps, spec.n_frames, movements, _blinks(spec, rng), _head(spec, rng), spec.intensity)


def activation(movement: Movement, n_frames: int) -> NDArray[np.float32]:
    """Share of the peak displacement at every frame, (n_frames,) float32 in [0, 1]: one at the apex, zero outside.

    Rise and decay are minimum-jerk; a fifth of the way from apex to offset is held.
    """
    frame = np.arange(n_frames)
    rise = (frame - movement.onset + 1) / (movement.apex - movement.onset + 1)
    held = movement.apex + _HOLD * (movement.offset - movement.apex)
    fall = (movement.offset + 1 - frame) / (movement.offset + 1 - held)
    return minimum_jerk(np.minimum(rise, fall))


def blink_closure(blinks: tuple[tuple[int, int], ...], n_frames: int) -> NDArray[np.float32]:
    """How far the lids are closed at every frame, (n_frames,) float32 in [0, 1]; closing is faster than opening."""
    frame, closed = np.arange(n_frames), np.zeros(n_frames, dtype=np.float32)
    for first, last in blinks:
        length = last - first + 2
        down = (frame - first + 1) / (0.32 * length)
        up = (last + 1 - frame) / (0.5 * length)
        closed = np.maximum(closed, minimum_jerk(np.minimum(down, up)))
    return closed


def minimum_jerk(t: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """Smooth step from 0 at t <= 0 to 1 at t >= 1 with no velocity or acceleration at its ends."""
    t = np.clip(t, 0.0, 1.0)
    return (t**3 * (10 - 15 * t + 6 * t**2)).astype(np.float32)


# ---------------------------------------------------------------------------------------------------- movements


def _rise_hold_decay(kind: Kind, spec: ScriptSpec, rng: np.random.Generator) -> tuple[int, int]:
    """Frames from onset to apex and from apex to offset."""
    low, high = frame_limits(kind, spec)
    if kind == "micro":
        ms = float(rng.normal(*spec.micro_ms[:2]))
    else:
        ms = spec.macro_ms[0] * float(np.exp(rng.normal(0.0, spec.macro_ms[1])))
    length = int(np.clip(round(ms * spec.fps / 1000), low, high))
    share = 1 / (1 + float(np.exp(rng.normal(0.0, 0.45))))
    rise = int(np.clip(round(share * (length - 1)), 1, length - 2))
    return rise, length - 1 - rise


def frame_limits(kind: Kind, spec: ScriptSpec) -> tuple[int, int]:
    """Shortest and longest movement of a kind in frames, both included; DataError if there is none."""
    micro = max(3, ceil(spec.micro_ms[2] * spec.fps / 1000)), floor(spec.micro_ms[3] * spec.fps / 1000)
    macro = max(micro[1] + 1, ceil(spec.macro_ms[2] * spec.fps / 1000)), floor(spec.macro_ms[3] * spec.fps / 1000)
    low, high = micro if kind == "micro" else macro
    if low > high:
        raise DataError(
            f"no {kind}-expression fits: {low} to {high} frames at {spec.fps:g} frames per second",
            hint="raise the frame rate or the upper limit in ms",
        )
    return low, high


def _needed(parts: list[tuple[int, int]], fps: float) -> int:
    gaps = 2 * ceil(_EDGE_S * fps) + max(0, len(parts) - 1) * ceil(_GAP_S * fps)
    return gaps + sum(rise + decay + 1 for rise, decay in parts)


def _starts(parts: list[tuple[int, int]], spec: ScriptSpec, rng: np.random.Generator) -> list[int]:
    slack = spec.n_frames - _needed(parts, spec.fps)
    if not parts:
        return []
    extra = np.sort(rng.integers(0, slack + 1, len(parts)))
    starts, at = [], ceil(_EDGE_S * spec.fps)
    for (rise, decay), shift in zip(parts, extra, strict=True):
        starts.append(at + int(shift))
        at += rise + decay + 1 + ceil(_GAP_S * spec.fps)
    return starts


def _movement(kind: Kind, start: int, parts: tuple[int, int], spec: ScriptSpec, rng: np.random.Generator) -> Movement:
    emotion = str(rng.choice(np.array(spec.emotions)))
    if kind == "micro":
        amplitude = float(np.clip(1.8 * np.exp(rng.normal(0, 0.45)), 0.6, 5.0))
    else:
        amplitude = float(np.clip(5.0 * np.exp(rng.normal(0, 0.5)), 2.0, 12.0))
    apex = start + parts[0]
    return Movement(kind, start, apex, apex + parts[1], _aus(emotion, spec.one_sided, rng), emotion, amplitude)


def _aus(emotion: str, one_sided: float, rng: np.random.Generator) -> tuple[tuple[int, str], ...]:
    """One, two or three AUs (66, 25, 9 %), the most usual first, drawn by their odds; some on one side only."""
    shares = AUS_BY_EMOTION[emotion]
    odds = np.array([p / (1 - p) for p in shares.values()])
    count = min(int(rng.choice([1, 2, 3], p=[0.66, 0.25, 0.09])), len(shares))
    drawn = rng.choice(np.array(list(shares)), size=count, replace=False, p=odds / odds.sum())
    side = str(rng.choice(["L", "R"])) if rng.random() < one_sided else ""
    ranked = sorted(map(int, drawn), key=lambda au: -shares[au])
    return tuple((au, side if au in ONE_SIDED else "") for au in ranked)


# ---------------------------------------------------------------------------------------------------- blinks and head


def _blinks(spec: ScriptSpec, rng: np.random.Generator) -> tuple[tuple[int, int], ...]:
    """Gaps are log-normal with a median of six seconds at 5.4 blinks a minute; lengths 527 +- 120 ms."""
    blinks: list[tuple[int, int]] = []
    if spec.blinks_per_minute <= 0:
        return ()
    median = 32.4 / spec.blinks_per_minute
    time = -median * float(rng.random())
    while True:
        time += median * float(np.exp(rng.normal(0.0, 0.79)))
        length = max(3, round(float(np.clip(rng.normal(0.527, 0.12), 0.25, 0.9)) * spec.fps))
        first = round(time * spec.fps)
        if first + length > spec.n_frames:
            return tuple(blinks)
        if first >= 0:
            blinks.append((first, first + length - 1))
            time += length / spec.fps


def _head(spec: ScriptSpec, rng: np.random.Generator) -> NDArray[np.float32]:
    """Slow drift of 0.5 to 2 px/s, jitter of 0.1 to 0.3 px a frame at 30 fps, rare shifts of 3 to 8 px."""
    seconds = np.arange(spec.n_frames) / spec.fps
    head = np.stack([_drift(seconds, rng), _drift(seconds, rng), _drift(seconds, rng) * 0.0025], axis=1)
    head += _jitter(spec, rng)
    for start in np.cumsum(rng.exponential(20.0, 1 + int(seconds[-1] / 4) if len(seconds) else 1)):
        size, angle = rng.uniform(3, 8), rng.uniform(0, 2 * np.pi)
        step = minimum_jerk((seconds - start) / rng.uniform(0.3, 1.0)) - minimum_jerk((seconds - start - 4) / 8)
        head[:, :2] += step[:, None] * size * np.array([np.cos(angle), 0.6 * np.sin(angle)])
    reach = np.array([14.0, 14.0, 0.06])
    return (spec.head_scale * reach * np.tanh(head / reach)).astype(np.float32)


def _drift(seconds: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    speed, total = rng.uniform(0.5, 2.0) / 2, np.zeros_like(seconds)
    for period in rng.uniform((7, 11, 17), (11, 17, 29)):
        total += np.sqrt(2 / 3) * speed * period / (2 * np.pi) * np.sin(2 * np.pi * (seconds / period + rng.random()))
    return total


def _jitter(spec: ScriptSpec, rng: np.random.Generator) -> NDArray[np.float64]:
    """First-order autoregressive noise with a memory of 0.15 s, so that it looks alike at every frame rate."""
    keep = float(np.exp(-1 / (0.15 * spec.fps)))
    deviation = rng.uniform(0.1, 0.3) / np.sqrt(2 * (1 - np.exp(-1 / 4.5))) * np.array([1, 1, 0.002])
    steps = rng.standard_normal((spec.n_frames, 3)) * np.sqrt(1 - keep**2)
    state = rng.standard_normal(3)
    for row in steps:
        state = keep * state + row
        row[:] = state
    return steps * deviation
