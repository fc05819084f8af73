"""Writes a synthetic stand-in of SAMM: clips of rendered faces from onset to offset, and a table with its oddities."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from mezoo import datasets, synthetic
from mezoo_samm import stand_in_facs
from mezoo_samm.facs_table import EMOTIONS

FPS = 200.0
_CODES = (6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 28, *range(30, 38))
_COUNTS = (11, 10, 4, 4, 20, 3, 6, 11, 3, 5, 6, 4, 3, 9, 2, 5, 1, 1, 4, 13, 3, 3, 1, 6, 5, 3, 9, 1, 3)
SUBJECTS = dict(zip((f"{n:03d}" for n in _CODES), _COUNTS, strict=True))
"""Micro-expressions of each subject, as in the real set."""
SMALL_EMOTIONS = {
    "anger": 14,
    "happiness": 10,
    "others": 10,
    "surprise": 10,
    "contempt": 8,
    "disgust": 4,
    "fear": 2,
    "sadness": 2,
}
WITH_3_CLASSES, WITH_5_CLASSES = 28, 27
"""Subjects of the real set that have a sample in megc2019_3 and in samm_5."""


@dataclass(frozen=True, slots=True)
class Preset:
    """Sizes in pixels; clips of each subject, clips of each emotion."""

    height: int
    width: int
    face_width: int
    subjects: Mapping[str, int]
    emotions: Mapping[str, int]


PRESETS = {
    "small": Preset(200, 170, 128, dict.fromkeys(islice(SUBJECTS, 10), 6), SMALL_EMOTIONS),
    "full": Preset(650, 960, 400, SUBJECTS, EMOTIONS),
}


@dataclass(frozen=True, slots=True)
class Take:
    """One clip: script frame 0 has the published number `first`; frames from onset to offset are written."""

    code: str
    emotion: str
    first: int
    script: synthetic.Script
    film: synthetic.FilmSpec
    face: int

    @property
    def movement(self) -> synthetic.Movement:
        """The micro-expression."""
        return self.script.movements[0]


def write(out: Path, spec: datasets.StandIn, bars: datasets.Bars) -> None:
    """Write clips, landmarks, table and, last, the mark below `out`. Raises DataError where clips are there already."""
    datasets.stand_ins.within("samm", spec, tuple(PRESETS), len(PRESETS.get(spec.preset, PRESETS["full"]).subjects))
    takes = list(_takes(PRESETS[spec.preset], spec))
    lines = [_line(take) for take in takes]
    shots = [_shot(take) for take in takes]
    expected = _expected(takes)
    datasets.stand_ins.write_shots(out, shots, spec.frames, bars)
    planted: list[datasets.stand_ins.Planted] = []
    if spec.dirty:
        spoiled = [] if spec.frames == "none" else [out / shot.folder for shot in shots[:5]]
        planted += datasets.stand_ins.soil_folders(spoiled, lambda folder: folder.name)
        planted += stand_in_facs.soil(lines, [folder.name for folder in spoiled], spec.seed)
    planted += stand_in_facs.write(out / stand_in_facs.FILE, lines, dirty=spec.dirty)
    datasets.stand_ins.finish(out, "samm", spec, expected, planted)


def _takes(preset: Preset, spec: datasets.StandIn) -> Iterator[Take]:
    dealt = _dealt(preset, np.random.default_rng(spec.seed))
    for subject in islice(dealt, spec.subjects):
        yield from _of_subject(subject, dealt[subject], preset, spec)


def _dealt(preset: Preset, rng: np.random.Generator) -> dict[str, list[str]]:
    """An emotion for each clip; in `full`, as many subjects as in the real set have a sample in the class maps."""
    while True:
        dealt = datasets.stand_ins.deal(preset.emotions, preset.subjects, rng)
        three = sum(set(found) != {"others"} for found in dealt.values())
        five = sum(not set(found) <= {"disgust", "fear", "sadness"} for found in dealt.values())
        if preset.subjects is not SUBJECTS or (three, five) == (WITH_3_CLASSES, WITH_5_CLASSES):
            return dealt


def _of_subject(subject: str, emotions: list[str], preset: Preset, spec: datasets.StandIn) -> Iterator[Take]:
    """Clips in the order of their names: expressions of one film of a subject follow each other in its frames."""
    rng = np.random.default_rng([spec.seed, int(subject)])
    tasks = sorted(rng.integers(1, 8, len(emotions)).tolist())
    at, n = 0, 0
    for i, (task, emotion) in enumerate(zip(tasks, emotions, strict=True)):
        begins = i == 0 or task != tasks[i - 1]
        n = 1 if begins else n + int(rng.integers(1, 3))
        at = int(rng.integers(60, 1500)) if begins else at + int(rng.integers(20, 200))
        script = datasets.stand_ins.clip_script(emotion, FPS, rng, intensity=spec.intensity)
        film = synthetic.FilmSpec(preset.height, preset.width, preset.face_width, seed=int(rng.integers(2**31)))
        face = datasets.stand_ins.face_of(spec.seed, subject)
        yield Take(f"{subject}_{task}_{n}", emotion, at, script, film, face)
        at += script.n_frames


def _line(take: Take) -> datasets.stand_ins.Line:
    m = take.movement
    frames = (take.first + m.onset, take.first + m.apex, take.first + m.offset)
    return stand_in_facs.line(take.code, frames, datasets.stand_ins.units(m), take.emotion)


def _shot(take: Take) -> datasets.stand_ins.Shot:
    subject = take.code.split("_")[0]
    return datasets.stand_ins.Shot(
        folder=f"{subject}/{take.code}",
        file=f"{subject}_{{n:05d}}.jpg",
        first=take.first,
        script=take.script,
        film=take.film,
        face=take.face,
        keep=(take.movement.onset, take.movement.offset),
        landmarks=f"landmarks/{subject}/{take.code}.csv",
    )


def _expected(takes: list[Take]) -> dict[str, int]:
    emotions = [take.emotion for take in takes]
    return {
        "subjects": len({take.code.split("_")[0] for take in takes}),
        "clips": len(takes),
        "frames": sum(take.movement.offset - take.movement.onset + 1 for take in takes),
        "rows": len(takes),
        "micro": len(takes),
        **{emotion: emotions.count(emotion) for emotion in sorted(set(emotions))},
    }
