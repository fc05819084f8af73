"""Writes a synthetic stand-in of 4DME: rendered faces in clips from onset to offset, and the table of their labels."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mezoo import datasets, synthetic, tables
from mezoo_smic.four_dme import ROLES

FPS = 60.0
CLASSES = {
    "negative": 120,
    "positive": 40,
    "others": 40,
    "surprise": 35,
    "repression": 12,
    "surprise+positive": 12,
    "surprise+negative": 8,
}
"""The total is that of the release; the mix is invented."""
SUBJECTS = tuple(f"S{n:02d}" for n in range(1, 42))
SMALL_SUBJECTS, SMALL_CLIPS, SMALL_CLASSES = 8, 7, {"negative": 16, "positive": 13, "surprise": 13, "others": 14}
UNITS = (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 24, 25, 26)
HELD = 10
"""Every tenth row has an AU that is held all along."""
SPOILED = 5
TABLE = "4DME_Labelling_Micro_release v1.xlsx"
LABELS = ("Positive", "Negative", "Surprise", "Repression", "Others")
HEADER = ("sub_ID", "fold_name", "Emotion", "Onset", "Apex", "Offset", "AUs", *(f"AU{u}" for u in UNITS), "eye blink")


@dataclass(frozen=True, slots=True)
class Layout:
    """One of the two trees: picture and face in pixels."""

    folder: str
    height: int
    width: int
    face_width: int


CROPPED, RAW = Layout("gray_micro_crop", 170, 140, 124), Layout("gray_micro", 480, 640, 160)
PRESETS = {"small": (CROPPED,), "full": (CROPPED, RAW)}


@dataclass(frozen=True, slots=True)
class Plan:
    """One clip: where it lies, what happens, and the number of script frame 0."""

    subject: str
    fold: str
    emotion: str
    script: synthetic.Script
    first: int

    @property
    def movement(self) -> synthetic.Movement:
        """The clip's only movement."""
        return self.script.movements[0]

    @property
    def name(self) -> str:
        """As a message names the clip."""
        return self.fold if self.fold.startswith(self.subject) else f"{self.subject}/{self.fold}"


def write(out: Path, spec: datasets.StandIn, bars: datasets.Bars) -> None:
    """Write clips, landmarks, table and, last, the mark.

    Raises DataError for an unknown preset, too many subjects, and where `out` already holds clips.
    """
    datasets.stand_ins.within("4dme", spec, tuple(PRESETS), len(SUBJECTS))
    plans = _plans(spec)
    shots = [_shot(layout, p, spec.seed) for layout in PRESETS[spec.preset] for p in plans]
    datasets.stand_ins.write_shots(out, shots, spec.frames, bars)
    lines = [_line(i, p) for i, p in enumerate(plans)]
    planted = _soil(out, plans, lines, spec) if spec.dirty else []
    header: list[tables.Cell] = [*HEADER, *LABELS]
    grid: list[list[tables.Cell]] = [[line[str(title)] for title in header] for line in lines]
    if spec.dirty:
        grid, more = datasets.stand_ins.soil_grid(header, grid)
        planted += more
    else:
        grid = [header, *grid]
    datasets.stand_ins.write_book(out / TABLE, {"Sheet1": grid})
    expected = {
        "subjects": len({p.subject for p in plans}),
        "clips": len(plans),
        "rows": len(plans),
        "micro": len(plans),
        **Counter(p.emotion for p in plans),
    }
    datasets.stand_ins.finish(out, "4dme", spec, expected, planted)


def _plans(spec: datasets.StandIn) -> list[Plan]:
    dealt = _dealt(spec, np.random.default_rng([spec.seed, 4]))
    plans: list[Plan] = []
    for subject, labels in dealt.items():
        for n, emotion in enumerate(labels, start=1):
            fold = f"{subject}_{n:03d}"
            rng = np.random.default_rng([spec.seed, *fold.encode()])
            drawn = emotion.split("+")[0]
            script = datasets.stand_ins.clip_script(drawn, FPS, rng, intensity=spec.intensity, head=0.1)
            plans.append(Plan(subject, fold, emotion, script, int(rng.integers(1, 3000))))
    return plans


def _dealt(spec: datasets.StandIn, rng: np.random.Generator) -> dict[str, list[str]]:
    """The emotions of each subject's clips: of all 41 (or 8) subjects, whom `spec.subjects` then cuts."""
    if spec.preset == "small":
        some = SUBJECTS[:SMALL_SUBJECTS]
        counts, classes = dict.fromkeys(some, SMALL_CLIPS), SMALL_CLASSES
    else:
        total = sum(CLASSES.values())
        least, more = divmod(total, len(SUBJECTS))
        counts, classes = {s: least + (i < more) for i, s in enumerate(SUBJECTS)}, CLASSES
    dealt = datasets.stand_ins.deal(classes, counts, rng)
    wanted = [*dealt][: spec.subjects or len(dealt)]
    return {subject: dealt[subject][: spec.videos or None] for subject in wanted}


def _shot(layout: Layout, p: Plan, seed: int) -> datasets.stand_ins.Shot:
    """Frames from onset to offset."""
    noise = int(np.random.default_rng([seed, layout.height, *p.fold.encode()]).integers(2**31))
    return datasets.stand_ins.Shot(
        folder=f"{layout.folder}/{p.subject}/{p.fold}",
        file="{n}.jpg",
        first=p.first,
        script=p.script,
        film=synthetic.FilmSpec(layout.height, layout.width, layout.face_width, seed=noise),
        face=datasets.stand_ins.face_of(seed, p.subject),
        keep=(p.movement.onset, p.movement.offset),
        landmarks=f"{layout.folder}/landmarks/{p.subject}/{p.fold}.csv",
    )


def _line(i: int, p: Plan) -> datasets.stand_ins.Line:
    m = p.movement
    shown = {unit for unit, _ in m.aus}
    aus = datasets.stand_ins.units(m)
    return {
        "sub_ID": p.subject,
        "fold_name": p.fold,
        "Emotion": "+".join(word.capitalize() for word in p.emotion.split("+")),
        "Onset": p.first + m.onset,
        "Apex": p.first + m.apex,
        "Offset": p.first + m.offset,
        "AUs": f"AU45(k)+{aus}" if i % HELD == HELD - 1 else aus,
        **{f"AU{unit}": int(unit in shown) for unit in UNITS},
        "eye blink": 0,
        **{label: int(label.lower() in p.emotion.split("+")) for label in LABELS},
    }


def _soil(
    out: Path, plans: Sequence[Plan], lines: list[datasets.stand_ins.Line], spec: datasets.StandIn
) -> list[datasets.stand_ins.Planted]:
    """Spoil the folders of the first clips, and rows of others."""
    planted: list[datasets.stand_ins.Planted] = []
    if spec.frames != "none":
        names = {out / CROPPED.folder / p.subject / p.fold: p.name for p in plans[:SPOILED]}
        planted += datasets.stand_ins.soil_folders([*names], lambda folder: names[folder])
    where = {p.fold: p.name for p in plans}
    rng = np.random.default_rng(spec.seed)
    return planted + datasets.stand_ins.soil_rows(
        lines, ROLES, lambda line: where[str(line["fold_name"])], rng, usable=range(SPOILED, len(lines))
    )
