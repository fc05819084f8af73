"""Writes a synthetic stand-in of CASME: registered crops, onset to offset, and a table with the real one's oddities."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mezoo import datasets, synthetic
from mezoo_casme import stand_in_release
from mezoo_casme.casme import CLASSES, FPS, ROLES

FOLDER = "Cropped"
TABLE = "casme.xlsx"
MEAN_MS = 336.0
HEADER = (
    *("Subject", "Filename", None, "OnsetF", "ApexF1", "ApexF2", "OffsetF", None),
    *("Onset", "Total", "AU", "Emotion"),
)
WITHOUT_APEX2 = 0.35
"""Share of rows with a backslash for the last frame of the apex; 68 of 193 in the file of 2019."""


@dataclass(frozen=True, slots=True)
class Preset:
    """Clips a subject in section A (numbers unpadded) and B (padded to three digits), and clips a class."""

    section_a: Mapping[int, int]
    section_b: Mapping[int, int]
    classes: Mapping[str, int]

    @property
    def subjects(self) -> dict[str, int]:
        """Clips of every subject by two-digit code, section A first, as in the table."""
        return {f"{n:02d}": clips for n, clips in (*self.section_a.items(), *self.section_b.items())}


PRESETS = {
    "small": Preset(
        {1: 5, 2: 5, 3: 5, 4: 5},
        {11: 5, 12: 5, 13: 5, 14: 5},
        {"tense": 13, "disgust": 10, "repression": 8, "surprise": 6, "happiness": 2, "sadness": 1},
    ),
    "full": Preset(
        dict(zip(range(1, 9), (9, 13, 7, 15, 12, 14, 11, 11), strict=True)),
        dict(zip((11, 12, 13, 14, 15, 17, 18, 19, 20, 25, 35), (20, 14, 12, 10, 9, 8, 8, 6, 5, 3, 2), strict=True)),
        CLASSES,
    ),
}


@dataclass(frozen=True, slots=True)
class Plan:
    """One clip: script frame i has the number `first` + i; `face` is the subject's, `film` the camera's.

    `apex2` is the script frame where the apex ends, None where the table has a backslash; `digits` pads file names.
    """

    subject: str
    clip: str
    emotion: str
    script: synthetic.Script
    first: int
    apex2: int | None
    digits: int
    film: synthetic.FilmSpec
    face: int

    @property
    def movement(self) -> synthetic.Movement:
        """The one micro-expression."""
        return self.script.movements[0]


def write(out: Path, spec: datasets.StandIn, bars: datasets.Bars) -> None:
    """Write frames, landmarks, table and, last, the mark below `out`.

    `spec.videos` limits the clips of a subject. Raises DataError for an unknown preset or too many subjects, and where
    clips are there already: nothing is ever written over data.
    """
    most = len(PRESETS[spec.preset].subjects) if spec.preset in PRESETS else 0
    datasets.stand_ins.within("casme", spec, tuple(PRESETS), most)
    plans = list(_plans(PRESETS[spec.preset], spec))
    shots = [_shot(plan) for plan in plans]
    release = stand_in_release.Release(
        name="casme",
        table=TABLE,
        sheets=("Sheet1",),
        header=HEADER,
        shots=shots,
        lines=[_line(plan) for plan in plans],
        emotions=[plan.emotion for plan in plans],
        spoiled=shots[:5],
    )
    stand_in_release.write(out, release, lambda lines: _soil(lines, spec.seed), spec, bars)


def _plans(preset: Preset, spec: datasets.StandIn) -> Iterator[Plan]:
    labels = datasets.stand_ins.deal(preset.classes, preset.subjects, np.random.default_rng(spec.seed))
    for subject in [*preset.subjects][: spec.subjects]:
        digits = 1 if int(subject) in preset.section_a else 3
        for k, emotion in enumerate(labels[subject][: spec.videos]):
            yield _plan(spec, subject, k, emotion, digits)


def _plan(spec: datasets.StandIn, subject: str, k: int, emotion: str, digits: int) -> Plan:
    rng = np.random.default_rng([spec.seed, int(subject), k])
    script = datasets.stand_ins.clip_script(emotion, FPS, rng, intensity=spec.intensity, head=0.1, ms=MEAN_MS)
    m = script.movements[0]
    held = None if rng.random() < WITHOUT_APEX2 else min(m.offset, m.apex + 1 + (m.offset - m.apex) // 5)
    # Sizes differ from clip to clip, as those of the real crops do.
    height, width = int(rng.integers(186, 195)), int(rng.integers(146, 155))
    film = synthetic.FilmSpec(height, width, 126, seed=int(rng.integers(2**31)), colour=True)
    face = datasets.stand_ins.face_of(spec.seed, subject)
    first = int(rng.integers(1, 200))
    return Plan(subject, _name(k), emotion, script, first, held, digits, film, face)


def _name(k: int) -> str:
    return f"EP{1 + k // 4:02d}_{1 + 3 * (k % 4) + k // 4}"


def _shot(plan: Plan) -> datasets.stand_ins.Shot:
    relative = f"sub{plan.subject}/{plan.clip}"
    return datasets.stand_ins.Shot(
        folder=f"{FOLDER}/{relative}",
        file=f"reg_{plan.clip}-{{n:0{plan.digits}d}}.jpg",
        first=plan.first,
        script=plan.script,
        film=plan.film,
        face=plan.face,
        keep=(plan.movement.onset, plan.movement.offset),
        landmarks=f"landmarks/{relative}.csv",
    )


def _line(plan: Plan) -> datasets.stand_ins.Line:
    m = plan.movement
    return {
        "Subject": int(plan.subject),
        "Filename": plan.clip,
        "OnsetF": plan.first + m.onset,
        "ApexF1": plan.first + m.apex,
        "ApexF2": "\\" if plan.apex2 is None else plan.first + plan.apex2,
        "OffsetF": plan.first + m.offset,
        "Onset": round((m.apex - m.onset + 1) / FPS * 1000, 2),
        "Total": round((m.offset - m.onset + 1) / FPS * 1000, 2),
        "AU": datasets.stand_ins.units(m),
        "Emotion": plan.emotion,
    }


def _soil(lines: list[datasets.stand_ins.Line], seed: int) -> list[datasets.stand_ins.Planted]:
    """Plant the defects of real tables in rows whose folders stay whole; the set's own: a backslash, a wrong length."""
    planted: list[datasets.stand_ins.Planted] = []
    free = [*range(5, len(lines))]
    if len(free) > 2:
        unknown, mistaken = lines[free.pop()], lines[free.pop()]
        unknown["OffsetF"] = "\\"
        mistaken["Total"] = float(mistaken["Total"] or 0) + 100
        planted.append(datasets.stand_ins.Planted("offset \\", _where(unknown), "offset is unknown"))
        planted.append(datasets.stand_ins.Planted("Total wrong", _where(mistaken), "kept; frames count"))
    rng = np.random.default_rng(seed)
    return planted + datasets.stand_ins.soil_rows(lines, ROLES, _where, rng, usable=free)


def _where(line: datasets.stand_ins.Line) -> str:
    return f"{int(line['Subject'] or 0):02d}/{line['Filename']}"
