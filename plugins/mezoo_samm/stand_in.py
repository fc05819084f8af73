"""Writes a synthetic stand-in of SAMM Long Videos: rendered faces and a table with the oddities of the real one."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mezoo import DataError, datasets, synthetic
from mezoo_samm import stand_in_facs
from mezoo_samm.stand_in_events import deal_events
from mezoo_samm.stand_in_table import rows_of, with_slips, write_codes, write_table

FOLDER = "SAMM_longvideos"
FPS = 200
SUBJECTS = (
    *(f"{n:03d}" for n in (6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26)),
    *(f"{n:03d}" for n in (28, 30, 31, 32, 33, 34, 35, 36, 37, 8)),
)
VIDEOS_OF_SUBJECT = (5, 7, 4, 5, 6, 3, 5, 7, 2, 5)
"""Repeated over the subjects of `full`: 30 subjects have 147 videos, 2 to 7 each, as in the real set (1 to 7)."""


@dataclass(frozen=True, slots=True)
class Preset:
    """Sizes in pixels; events per video where `seconds` is fixed, else the real set's counts, dealt out."""

    subjects: int
    videos: int | None
    seconds: float | None
    height: int
    width: int
    face_width: int


PRESETS = {
    "small": Preset(8, 2, 10.0, height=256, width=192, face_width=120),
    "full": Preset(30, None, None, height=1088, width=2040, face_width=480),
}


@dataclass(frozen=True, slots=True)
class Plan:
    """One video to be rendered: `seed` is the subject's face, `noise_seed` the camera's."""

    code: str
    script: synthetic.Script
    film: synthetic.FilmSpec
    seed: int


def write(out: Path, spec: datasets.StandIn, bars: datasets.Bars) -> None:
    """Write videos, table, landmarks and, last, the mark below `out`.

    Raises DataError for an unknown preset, for sizes that SAMM's naming cannot hold, and where `out` already holds
    videos: nothing is ever written over data.
    """
    plans = _with_oddities(list(_plans(_preset(spec), spec)))
    rows = with_slips([row for plan in plans for row in rows_of(plan.code, plan.script)])
    kinds = [row.kind for row in rows]
    emotions = [row.emotion for row in rows if row.kind == "micro"]
    datasets.stand_ins.write_shots(out, [_shot(plan) for plan in plans], spec.frames, bars)
    planted = write_table(out / "SAMM_LongVideos_V3_Release.xlsx", rows, dirty_seed=spec.seed if spec.dirty else None)
    planted += write_codes(out / stand_in_facs.FILE, rows, spec.seed, dirty=spec.dirty)
    if spec.dirty and spec.frames != "none":
        spoiled = [out / FOLDER / plan.code for plan in plans]
        planted += datasets.stand_ins.soil_folders(spoiled, lambda folder: folder.name)
    expected = {
        "subjects": len({plan.code.split("_")[0] for plan in plans}),
        "videos": len(plans),
        "frames": sum(plan.script.n_frames for plan in plans),
        "rows": len(rows),
        "micro": kinds.count("micro"),
        "macro": kinds.count("macro"),
        **{emotion: emotions.count(emotion) for emotion in sorted(set(emotions))},
    }
    datasets.stand_ins.finish(out, "samm_long", spec, expected, planted)


def _preset(spec: datasets.StandIn) -> Preset:
    if spec.preset not in PRESETS:
        raise DataError(f"samm_long has no stand-in preset {spec.preset!r}", hint=f"known: {', '.join(PRESETS)}")
    preset = PRESETS[spec.preset]
    subjects = preset.subjects if spec.subjects is None else spec.subjects
    videos = preset.videos if spec.videos is None else spec.videos
    seconds = preset.seconds if spec.seconds is None else spec.seconds
    if not 1 <= subjects <= len(SUBJECTS) or not 1 <= (videos or 1) <= 9 or not 2 <= (seconds or 2) <= 300:
        raise DataError(
            f"a stand-in of {subjects} subjects with {videos} videos of {seconds} s cannot be named or filled",
            hint=f"use 1 to {len(SUBJECTS)} subjects, 1 to 9 videos each, 2 to 300 seconds",
        )
    return replace(preset, subjects=subjects, videos=videos, seconds=seconds)


def _plans(preset: Preset, spec: datasets.StandIn) -> Iterator[Plan]:
    videos = {s: preset.videos or VIDEOS_OF_SUBJECT[i % len(VIDEOS_OF_SUBJECT)] for i, s in enumerate(SUBJECTS)}
    dealt = deal_events(videos, np.random.default_rng(spec.seed))
    for subject in SUBJECTS[: preset.subjects]:
        for v, events in enumerate(dealt[subject], start=1):
            rng = np.random.default_rng([spec.seed, int(subject), v])
            micro, macro = _fixed_events(preset.seconds) if preset.seconds else events
            film = synthetic.FilmSpec(preset.height, preset.width, preset.face_width, seed=int(rng.integers(2**31)))
            face = int(np.random.default_rng([spec.seed, int(subject)]).integers(2**31))
            wanted = synthetic.ScriptSpec(FPS, 0, micro, macro, intensity=spec.intensity)
            yield Plan(f"{subject}_{v}", _script(wanted, preset.seconds, rng), film, face)


def _script(wanted: synthetic.ScriptSpec, seconds: float | None, rng: np.random.Generator) -> synthetic.Script:
    """A script of the given length, or of a length as in the real set, longer where not all its events find room."""
    length = seconds or float(np.clip(rng.lognormal(np.log(14.5), 0.5), 2.5, 59))
    while True:
        script = synthetic.write_script(replace(wanted, n_frames=round(length * FPS)), rng)
        if seconds or len(script.movements) == wanted.micro + wanted.macro:
            return script
        length += 2


def _fixed_events(seconds: float) -> tuple[int, int]:
    """Micro- and macro-expressions of a video of a fixed length: dense and even.

    Real rates: 3.9 micro and 8.5 macro a minute. The small stand-in has 18 and 6: enough that no fold is empty, and
    so few that random spots seldom hit (two thirds of the share of frames that are micro, 0.12, make a hit by chance).
    """
    return max(1, round(0.3 * seconds)), max(1, round(0.1 * seconds))


def _with_oddities(plans: list[Plan]) -> list[Plan]:
    """Let one movement run from the first frame and one to the last: the table will say 0 and past the end."""
    moving = [i for i, plan in enumerate(plans) if plan.script.movements]
    if not moving:
        return plans
    first = next((i for i in moving if _ordered(plans[i])[0].kind == "macro"), moving[0])
    last = next((i for i in reversed(moving) if _ordered(plans[i])[-1].kind == "macro"), moving[-1])
    plans[first] = _shifted(plans[first], 0, -_ordered(plans[first])[0].onset)
    room = plans[last].script.n_frames - 1 - _ordered(plans[last])[-1].offset
    plans[last] = _shifted(plans[last], -1, room)
    return plans


def _ordered(plan: Plan) -> list[synthetic.Movement]:
    return sorted(plan.script.movements, key=lambda m: m.onset)


def _shifted(plan: Plan, which: int, by: int) -> Plan:
    movements = _ordered(plan)
    m = movements[which]
    movements[which] = replace(m, onset=m.onset + by, apex=m.apex + by, offset=m.offset + by)
    return replace(plan, script=replace(plan.script, movements=tuple(movements)))


def _shot(plan: Plan) -> datasets.stand_ins.Shot:
    width = 4 if plan.script.n_frames <= 9999 else 5
    return datasets.stand_ins.Shot(
        folder=f"{FOLDER}/{plan.code}",
        file=f"{plan.code}_{{n:0{width}d}}.jpg",
        first=1,
        script=plan.script,
        film=plan.film,
        face=plan.seed,
        landmarks=f"landmarks/{plan.code}.csv",
    )
