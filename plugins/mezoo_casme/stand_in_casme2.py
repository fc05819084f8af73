"""Writes a synthetic stand-in of CASME II: registered crops, onset to offset, and the table of 2019, oddities too."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mezoo import datasets, synthetic, tables
from mezoo_casme import stand_in_release
from mezoo_casme.casme2 import EMOTIONS, IN_2019, ROLES

FOLDER = "CASME2_preprocessed_Li Xiaobai/Cropped"
TABLE = "CASME2-coding-20190701.xlsx"
FPS = 200
MEAN_MS = 336.0
HEADER = (
    *("Subject", "Filename", None, "OnsetFrame", "ApexFrame", "OffsetFrame", None),
    *("Action Units", "Estimated Emotion", "Objective Classes"),
)
NAMED = {
    "04": ("EP12_01f",),
    "05": ("EP09_05f",),
    "06": ("EP01_2", "EP08_1", "EP06_02_01", "EP06_02_02", "EP09f"),
    "09": ("EP02_01f", "EP02_03"),
    "24": ("EP07_01", "EP07_04f", "EP10_03"),
}
"""Names of a subject's first clips: those that corrections and the composite of MEGC 2019 ask for, and odd ones.

Subject 09 has no EP02_02f: that clip is in the release of 257 rows only.
"""

FIXED_ENDS = {("04", "EP12_01f"): (261, 321), ("05", "EP09_05f"): (69, 123)}
"""Published onset and offset of the clips without a usable apex; their true apex lies in the middle."""


@dataclass(frozen=True, slots=True)
class Preset:
    """Clips a subject, clips a class, the emotions of a subject's first clips, and the picture in pixels."""

    subjects: Mapping[str, int]
    classes: Mapping[str, int]
    first: Mapping[str, Sequence[str]]
    height: int
    width: int
    face_width: int


_CLIPS = (9, 13, 7, 5, 19, 5, 9, 3, 14, 14, 10, 12, 8, 4, 3, 4, 36, 3, 16, 11, 2, 2, 12, 10, 7, 17)
_SUBJECTS = {f"{n:02d}": clips for n, clips in enumerate(_CLIPS, start=1)}
PRESETS = {
    "small": Preset(
        {f"{n:02d}": 5 for n in range(1, 9)},
        {"others": 9, "disgust": 9, "happiness": 7, "repression": 7, "surprise": 7, "sadness": 1},
        {"04": ["repression"], "05": ["disgust"]},
        height=170,
        width=140,
        face_width=118,
    ),
    # Without the five clips that MEGC 2019 leaves out, 24 subjects must keep one of its three classes, and two none.
    "full": Preset(
        _SUBJECTS,
        dict(zip(EMOTIONS, IN_2019, strict=True)),
        {
            **{subject: ["disgust"] for subject in _SUBJECTS},
            "04": ["repression", "disgust"],
            "05": ["disgust", "happiness"],
            "10": [*["others"] * 13, "sadness"],
            "18": ["others"] * 3,
            "24": ["surprise", "surprise", "surprise", "disgust"],
        },
        height=340,
        width=280,
        face_width=236,
    ),
}


@dataclass(frozen=True, slots=True)
class Plan:
    """One clip: script frame i has the number `first` + i; `face` is the subject's, `film` the camera's."""

    subject: str
    clip: str
    emotion: str
    script: synthetic.Script
    first: int
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
    datasets.stand_ins.within("casme2", spec, tuple(PRESETS), most)
    plans = list(_plans(PRESETS[spec.preset], spec))
    shots = [_shot(plan) for plan in plans]
    release = stand_in_release.Release(
        name="casme2",
        table=TABLE,
        sheets=("Sheet1", "Sheet2", "Sheet3"),
        header=HEADER,
        shots=shots,
        lines=[_line(plan) for plan in plans],
        emotions=[plan.emotion for plan in plans],
        spoiled=[_shot(plan) for plan in _spoiled(plans)],
    )
    stand_in_release.write(out, release, lambda lines: _soil(lines, spec.seed), spec, bars)


def _plans(preset: Preset, spec: datasets.StandIn) -> Iterator[Plan]:
    labels = _labels(preset, spec.seed)
    for subject in [*preset.subjects][: spec.subjects]:
        for k, emotion in enumerate(labels[subject][: spec.videos]):
            yield _plan(preset, spec, subject, k, emotion)


def _labels(preset: Preset, seed: int) -> dict[str, list[str]]:
    """Emotions of every subject's clips: the fixed ones first, the rest dealt so that all totals hold."""
    rng = np.random.default_rng(seed)
    left = Counter(preset.classes)
    left.subtract(emotion for first in preset.first.values() for emotion in first)
    clips = {subject: n - len(preset.first.get(subject, ())) for subject, n in preset.subjects.items()}
    dealt = datasets.stand_ins.deal(left, clips, rng)
    return {subject: [*preset.first.get(subject, ()), *dealt[subject]] for subject in preset.subjects}


def _plan(preset: Preset, spec: datasets.StandIn, subject: str, k: int, emotion: str) -> Plan:
    rng = np.random.default_rng([spec.seed, int(subject), k])
    script = datasets.stand_ins.clip_script(emotion, FPS, rng, intensity=spec.intensity, head=0.1, ms=MEAN_MS)
    clip = _name(subject, k)
    first = int(rng.integers(1, 180))
    if (subject, clip) in FIXED_ENDS:
        onset, offset = FIXED_ENDS[subject, clip]
        script = _of_length(script, offset - onset + 1)
        first = onset - script.movements[0].onset
    film = synthetic.FilmSpec(preset.height, preset.width, preset.face_width, seed=int(rng.integers(2**31)))
    return Plan(subject, clip, emotion, script, first, film, datasets.stand_ins.face_of(spec.seed, subject))


def _name(subject: str, k: int) -> str:
    """Clip names in the owner's style; several subjects share them."""
    named = NAMED.get(subject, ())
    return named[k] if k < len(named) else f"EP{2 + k // 4:02d}_{1 + k % 4:02d}{'f' if k % 3 else ''}"


def _of_length(script: synthetic.Script, frames: int) -> synthetic.Script:
    m = script.movements[0]
    onset = min(m.onset, script.n_frames - frames)
    moved = replace(m, onset=onset, apex=onset + (frames - 1) // 2, offset=onset + frames - 1)
    return replace(script, movements=(moved,))


def _shot(plan: Plan) -> datasets.stand_ins.Shot:
    relative = f"sub{plan.subject}/{plan.clip}"
    return datasets.stand_ins.Shot(
        folder=f"{FOLDER}/{relative}",
        file="reg_img{n}.jpg",
        first=plan.first,
        script=plan.script,
        film=plan.film,
        face=plan.face,
        keep=(plan.movement.onset, plan.movement.offset),
        landmarks=f"landmarks/{relative}.csv",
    )


def _line(plan: Plan) -> datasets.stand_ins.Line:
    m, units = plan.movement, datasets.stand_ins.units(plan.movement)
    apex: tables.Cell = plan.first + m.apex
    if (plan.subject, plan.clip) in FIXED_ENDS:
        apex = "/" if plan.subject == "04" else plan.first + m.onset
    return {
        "Subject": plan.subject,
        "Filename": plan.clip,
        "OnsetFrame": plan.first + m.onset,
        "ApexFrame": apex,
        "OffsetFrame": plan.first + m.offset,
        "Action Units": units,
        "Estimated Emotion": plan.emotion,
        "Objective Classes": datasets.class_maps.objective_class(tables.text(units)),
    }


def _spoiled(plans: Sequence[Plan]) -> list[Plan]:
    return [plan for plan in plans if (plan.subject, plan.clip) not in FIXED_ENDS][:5]


def _soil(lines: list[datasets.stand_ins.Line], seed: int) -> list[datasets.stand_ins.Planted]:
    """Plant the defects of real tables in rows whose folders stay whole, and ends of another revision in one row."""
    free = [i for i, line in enumerate(lines) if (line["Subject"], line["Filename"]) not in FIXED_ENDS][5:]
    planted: list[datasets.stand_ins.Planted] = []
    if free:
        line = lines[free.pop()]
        for column in ("OnsetFrame", "ApexFrame", "OffsetFrame"):
            line[column] = int(line[column] or 0) + 20
        planted.append(datasets.stand_ins.Planted("another revision", _where(line), "does not fit the frames"))
    rng = np.random.default_rng(seed)
    return planted + datasets.stand_ins.soil_rows(lines, ROLES, _where, rng, usable=free)


def _where(line: datasets.stand_ins.Line) -> str:
    return f"{line['Subject']}/{line['Filename']}"
