"""Writes a synthetic stand-in of SAMM Long Videos: rendered faces and a table with the oddities of the real one."""

import json
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mezoo import Bars, DataError, StandIn, synthetic
from mezoo_samm.layout import MARK
from mezoo_samm.stand_in_table import Row, rows_of, write_table

GENERATOR = 1
FPS = 200
JPEG_QUALITY = 92
LANDMARK_STEP = 4
SUBJECTS = (
    *(f"{n:03d}" for n in (6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26)),
    *(f"{n:03d}" for n in (28, 30, 31, 32, 33, 34, 35, 36, 37, 8)),
)
VIDEOS_OF_SUBJECT = (5, 7, 4, 5, 6, 3, 5, 7, 2, 5)
"""Repeated over the subjects of `full`: 30 subjects have 147 videos, 2 to 7 each, as in the real set (1 to 7)."""
IN_ONE_PROCESS = 500


@dataclass(frozen=True, slots=True)
class Preset:
    """Sizes in pixels; events per video where `seconds` is fixed, else drawn at the real set's rates per minute."""

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


def write(out: Path, spec: StandIn, bars: Bars) -> None:
    """Write videos, table, landmarks and, last, the mark `SYNTHETIC.json` below `out`.

    Raises DataError for an unknown preset, for sizes that SAMM's naming cannot hold, and where `out` already holds
    videos: nothing is ever written over data.
    """
    preset = _preset(spec)
    if (out / "SAMM_longvideos").exists():
        raise DataError(f"{out} already holds SAMM_longvideos", hint="give an empty folder, or delete the old stand-in")
    plans = _with_oddities(list(_plans(preset, spec)))
    rows = [row for plan in plans for row in rows_of(plan.code, plan.script)]
    try:
        (out / "landmarks").mkdir(parents=True, exist_ok=True)
        _render_all(out, plans, bars)
        write_table(out / "SAMM_LongVideos_V3_Release.xlsx", rows)
        (out / MARK).write_text(json.dumps(_mark(spec, plans, rows), indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise DataError(
            f"cannot write the stand-in into {out}: {error}", hint="free some space or choose another folder"
        ) from error


def _preset(spec: StandIn) -> Preset:
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


def _plans(preset: Preset, spec: StandIn) -> Iterator[Plan]:
    for s, subject in enumerate(SUBJECTS[: preset.subjects]):
        for v in range(1, (preset.videos or VIDEOS_OF_SUBJECT[s % len(VIDEOS_OF_SUBJECT)]) + 1):
            rng = np.random.default_rng([spec.seed, int(subject), v])
            seconds = preset.seconds or float(np.clip(rng.lognormal(np.log(14.5), 0.5), 2.5, 59))
            micro, macro = _events(seconds, rng, fixed=preset.seconds is not None)
            wanted = synthetic.ScriptSpec(FPS, round(seconds * FPS), micro, macro, intensity=spec.intensity)
            film = synthetic.FilmSpec(preset.height, preset.width, preset.face_width, seed=int(rng.integers(2**31)))
            face = int(np.random.default_rng([spec.seed, int(subject)]).integers(2**31))
            yield Plan(f"{subject}_{v}", synthetic.write_script(wanted, rng), film, face)


def _events(seconds: float, rng: np.random.Generator, *, fixed: bool) -> tuple[int, int]:
    """Micro- and macro-expressions of a video: dense and even where the length is fixed, else as in the real set.

    Real rates: 3.9 micro and 8.5 macro a minute. The small stand-in has 18 and 6: enough that no fold is empty, and
    so few that random spots seldom hit (two thirds of the share of frames that are micro, 0.12, make a hit by chance).
    """
    if fixed:
        return max(1, round(0.3 * seconds)), max(1, round(0.1 * seconds))
    return int(rng.poisson(3.9 / 60 * seconds)), int(rng.poisson(8.5 / 60 * seconds))


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


def _render_all(out: Path, plans: Sequence[Plan], bars: Bars) -> None:
    workers = min(os.cpu_count() or 1, len(plans))
    if sum(plan.script.n_frames for plan in plans) <= IN_ONE_PROCESS:
        workers = 1
    with bars("films", len(plans)) as bar:
        if workers == 1:
            for plan in plans:
                render(out, plan)
                bar.advance(plan.code)
            return
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            tasks = {pool.submit(render, out, plan): plan for plan in plans}
            for task in as_completed(tasks):
                task.result()
                bar.advance(tasks[task].code)


def render(out: Path, plan: Plan) -> None:
    """Write the frames of one video as grey JPEG, numbered from 1, and its landmarks in OpenFace's columns."""
    import cv2

    cv2.setNumThreads(1)
    film = synthetic.Film(synthetic.make_face(plan.seed), plan.script, plan.film)
    folder = out / "SAMM_longvideos" / plan.code
    folder.mkdir(parents=True)
    width = 4 if len(film) <= 9999 else 5
    for i in range(len(film)):
        image = cv2.imencode(".jpg", film.frame(i), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1]
        (folder / f"{plan.code}_{i + 1:0{width}d}.jpg").write_bytes(image.tobytes())
    _write_landmarks(out / "landmarks" / f"{plan.code}.csv", _landmarks(film))


def _landmarks(film: synthetic.Film) -> NDArray[np.float64]:
    """Landmarks of every frame (frames, 136): x_0..x_67, y_0..y_67; exact at every fourth frame, linear in between.

    Asking for them costs five times a frame; the lines between are 0.02 px off on average (measured), 0.1 at most.
    """
    exact = np.unique([*range(0, len(film), LANDMARK_STEP), len(film) - 1])
    known = np.stack([film.landmarks(int(i)).T.ravel() for i in exact])
    return np.stack([np.interp(range(len(film)), exact, column) for column in known.T], axis=1)


def _write_landmarks(path: Path, points: NDArray[np.float64]) -> None:
    names = ["frame", "confidence", "success", *(f"{axis}_{k}" for axis in "xy" for k in range(68))]
    table = np.hstack([[(i + 1, 0.98, 1) for i in range(len(points))], points])
    formats = ["%d", "%.2f", "%d", *["%.2f"] * 136]
    np.savetxt(path, table, fmt=formats, delimiter=",", header=",".join(names), comments="")


def _mark(spec: StandIn, plans: Sequence[Plan], rows: Sequence[Row]) -> dict[str, object]:
    expected = {
        "subjects": len({plan.code.split("_")[0] for plan in plans}),
        "videos": len(plans),
        "frames": sum(plan.script.n_frames for plan in plans),
        "micro": sum(row.kind == "micro" for row in rows),
        "macro": sum(row.kind == "macro" for row in rows),
    }
    return {"dataset": "samm_long", "generator": GENERATOR, "spec": asdict(spec), "expected": expected}
