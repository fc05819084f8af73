"""Writes synthetic stand-ins of CAS(ME)^2: long videos of rendered faces, or their expressions cut out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mezoo import datasets, synthetic
from mezoo_casme import stand_in_cas_me_sq_table as code_table
from mezoo_casme import stand_in_films as films
from mezoo_casme.cas_me_sq_table import NUMBERS, STIMULI

VIDEOS = (9, 5, 4, 4, 3, 4, 7, 4, 5, 3, 4, 2, 5, 4, 6, 4, 4, 1, 5, 4, 6, 4)
"""Videos of each subject in `full`: 97 in all, 1 to 9 each, median 4, as in the real set."""
FORCED = {"15": ("0101",), "23": ("0502", "0503", "0102"), "27": ("0101",), "31": ("0503",), "32": ("0401",)}
UNLABELLED = ("15_0508", "23_0503")
NO_MICRO, NO_MACRO = ("20", "21", "22", "26", "33", "34", "36", "40"), ("29", "35")
MICRO_VIDEOS, MICRO_ONLY = 33, 6
MICRO = {"negative": 21, "others": 19, "positive": 8, "surprise": 9}
MACRO = {"negative": 105, "others": 63, "positive": 116, "surprise": 16}
SMALL = dict.fromkeys(MICRO, 1)
TIMING = films.Timing(micro=(453.0, 66.0, 300.0, 567.0), macro=(1183.0, 0.42, 567.0, 3930.0))
OVERLAPS = 17 / 97
PRESETS = {
    "small": films.Preset(192, 256, 120, 8, 2, 20.0),
    "full": films.Preset(480, 640, 200, len(NUMBERS)),
}


@dataclass(frozen=True, slots=True)
class Take:
    """A plan put on frames; `lines` are its rows of the table, in order of their onsets."""

    plan: films.Plan
    script: synthetic.Script
    film: synthetic.FilmSpec
    face: int
    lines: tuple[datasets.stand_ins.Line, ...]

    @property
    def movements(self) -> list[synthetic.Movement]:
        """Movements in the order of the lines."""
        return sorted(self.script.movements, key=lambda m: m.onset)


def write(out: Path, spec: datasets.StandIn, bars: datasets.Bars) -> None:
    """Write long videos, landmarks, tables and, last, the mark below `out`. Raises DataError over existing folders."""
    takes = _takes("cas_me_sq", spec)
    subjects = {take.plan.subject for take in takes}
    shots = [_video(take, subjects) for take in takes]
    datasets.stand_ins.write_shots(out, shots, spec.frames, bars)
    spoiled = [(shot, take.lines) for shot, take in zip(shots, takes, strict=True) if take.lines][:5]
    planted = _soiled_folders(out, spec, [shot for shot, _ in spoiled])
    planted += _write_tables(out, spec, takes, [line for _, lines in spoiled for line in lines], pairs=True)
    counts = {"videos": len(takes), "frames": sum(take.plan.n_frames for take in takes)}
    datasets.stand_ins.finish(out, "cas_me_sq", spec, {**counts, **_expected(takes)}, planted)


def write_clips(out: Path, spec: datasets.StandIn, bars: datasets.Bars) -> None:
    """Write the expressions of the same films, cut out, with tables and mark. Raises as `write`."""
    takes = _takes("cas_me_sq_clips", spec)
    cut = [(_cut_out(t, line, m), line) for t in takes for line, m in zip(t.lines, t.movements, strict=True)]
    datasets.stand_ins.write_shots(out, [shot for shot, _ in cut], spec.frames, bars)
    planted = _soiled_folders(out, spec, [shot for shot, _ in cut[:5]])
    planted += _write_tables(out, spec, takes, [line for _, line in cut[:5]], pairs=False)
    counts = {"clips": len(cut), "frames": sum(len(shot.frames()) for shot, _ in cut)}
    datasets.stand_ins.finish(out, "cas_me_sq_clips", spec, {**counts, **_expected(takes)}, planted)


def _soiled_folders(
    out: Path, spec: datasets.StandIn, shots: Sequence[datasets.stand_ins.Shot]
) -> list[datasets.stand_ins.Planted]:
    if not spec.dirty or spec.frames == "none":
        return []
    folders = [out / shot.folder for shot in shots]
    return datasets.stand_ins.soil_folders(folders, lambda folder: folder.name)


def _write_tables(
    out: Path,
    spec: datasets.StandIn,
    takes: Sequence[Take],
    spoiled: Sequence[datasets.stand_ins.Line],
    *,
    pairs: bool,
) -> list[datasets.stand_ins.Planted]:
    """Write both tables; rows of `spoiled` folders get no defect. What was planted in the others."""
    rng = np.random.default_rng([spec.seed, 1])
    lines = [line for take in takes for line in take.lines]
    slipped = code_table.with_slips(lines, rng)
    held = {code_table.where(line) for line in spoiled}
    usable = [i for i, line in enumerate(lines) if i not in slipped and code_table.where(line) not in held]
    planted = code_table.soil(lines, usable, rng, pairs=pairs) if spec.dirty else []
    planted += code_table.write_table(out / code_table.TABLE, lines, dirty=spec.dirty)
    code_table.write_blinks(out / code_table.BLINKS, {take.plan.code: take.script.blinks for take in takes})
    return planted


def _expected(takes: Sequence[Take]) -> dict[str, int]:
    movements = [m for take in takes for m in take.movements]
    emotions = [m.emotion for m in movements]
    return {
        "subjects": len({take.plan.subject for take in takes}),
        "rows": len(movements),
        **{kind: sum(m.kind == kind for m in movements) for kind in ("micro", "macro")},
        **{emotion: emotions.count(emotion) for emotion in MICRO if emotion in emotions},
    }


# ---------------------------------------------------------------------------------------------------- films


def _takes(name: str, spec: datasets.StandIn) -> list[Take]:
    preset = films.chosen(name, spec, PRESETS, len(STIMULI))
    rng = np.random.default_rng(spec.seed)
    plans = _small(preset, rng) if spec.preset == "small" else _full(preset, rng)
    plans = [plan for plan in plans if plan.subject in map(str, NUMBERS[: preset.subjects])]
    crowded = [i for i, plan in enumerate(plans) if len(plan.acts) > 1]
    pairs = set(rng.permutation(crowded)[: round(OVERLAPS * len(plans))].tolist())
    return [_take(plan, preset, spec, overlap=i in pairs) for i, plan in enumerate(plans)]


def _take(plan: films.Plan, preset: films.Preset, spec: datasets.StandIn, *, overlap: bool) -> Take:
    rng = np.random.default_rng([spec.seed, int(plan.subject), int(plan.code[3:7])])
    sizes = preset.height, preset.width, preset.face_width
    film = synthetic.FilmSpec(*sizes, seed=int(rng.integers(2**31)), colour=True)
    script = films.script_of(plan, TIMING, rng, spec.intensity, moving=spec.frames == "rendered")
    script = films.overlapping(script, rng) if overlap and len(script.movements) > 1 else script
    face = datasets.stand_ins.face_of(spec.seed, plan.subject)
    take = Take(plan, script, film, face, ())
    stem = next(stem for stem, video in STIMULI.items() if video == plan.code[3:])
    participant = NUMBERS.index(int(plan.subject)) + 1
    lines = (code_table.line_of(participant, f"{stem}_{n}", m, rng) for n, m in enumerate(take.movements, start=1))
    return replace(take, lines=tuple(lines))


def _stimuli(subject: str, n: int, rng: np.random.Generator) -> list[str]:
    """Codes and titles of `n` stimuli: those that the page of the real set names, then any; s19 never saw 0502."""
    forced = FORCED.get(subject, ())
    others = [v[:4] for v in STIMULI.values() if v[:4] not in forced and (subject, v[:4]) != ("19", "0502")]
    codes = sorted([*forced, *rng.permutation(others).tolist()][:n])
    return [next(v for v in STIMULI.values() if v.startswith(code)) for code in codes]


def _small(preset: films.Preset, rng: np.random.Generator) -> list[films.Plan]:
    """Films of one length with as many expressions each: 12 micro and 6 macro a minute, all classes alike."""
    seconds, videos = preset.seconds or 20.0, preset.videos or 2
    plans = [
        films.Plan(subject, f"{subject}_{stimulus}", round(seconds * films.FPS))
        for subject in map(str, NUMBERS)
        for stimulus in _stimuli(subject, videos, rng)
    ]
    rates: dict[films.Kind, float] = {"micro": 0.2, "macro": 0.1}
    for kind, rate in rates.items():
        each = max(1, round(rate * seconds))
        plans = films.with_each(plans, kind, films.deck(SMALL, each * len(plans), rng), [each] * len(plans))
    return plans


def _full(preset: films.Preset, rng: np.random.Generator) -> list[films.Plan]:
    """The real numbers: of videos, lengths, expressions, and of videos and subjects with either kind."""
    counts = dict(zip(map(str, NUMBERS), VIDEOS, strict=True))
    codes = [f"{s}_{stimulus}" for s, n in counts.items() for stimulus in _stimuli(s, n, rng)]
    drawn = np.clip(rng.normal(2596, 950, len(codes)), 659, 4374)
    drawn = np.clip(drawn * 2596 / drawn.mean(), 659, 4374)
    plans = [films.Plan(code[:2], code, round(n)) for code, n in zip(codes, drawn.tolist(), strict=True)]
    micro, both = _with_micro([plan.name for plan in plans], rng)
    silent = {plan.name for plan in plans if plan.code[:7] in UNLABELLED}
    macro = {plan.name for plan in plans} - silent - (micro - both)
    plans = films.spread(plans, "micro", films.deck(MICRO, sum(MICRO.values()), rng), micro, rng)
    plans = films.spread(plans, "macro", films.deck(MACRO, sum(MACRO.values()), rng), macro, rng)
    if preset.seconds is not None:
        plans = [replace(plan, n_frames=round(preset.seconds * films.FPS)) for plan in plans]
    of_subject = {s: [plan for plan in plans if plan.subject == s] for s in counts}
    return [plan for found in of_subject.values() for plan in found[: preset.videos]]


def _with_micro(names: Sequence[str], rng: np.random.Generator) -> tuple[set[str], set[str]]:
    """Films (`15/15_0101disgustingteeth`) with a micro-expression, and those of them with macro-expressions, too."""
    alone = {name for name in names if name[:2] in NO_MACRO}
    others = [n for n in names if n[:2] not in (*NO_MICRO, *NO_MACRO) and n[3:10] not in UNLABELLED]
    shuffled = rng.permutation(others).tolist()
    first = {name[:2]: name for name in shuffled}
    more = [name for name in shuffled if name not in first.values()]
    micro = [*first.values(), *more][: MICRO_VIDEOS - len(alone)]
    return {*alone, *micro}, set(micro[MICRO_ONLY - len(alone) :])


def _video(take: Take, subjects: set[str]) -> datasets.stand_ins.Shot:
    """A long video in its folder; that of s23 on stimulus 0502 lies in the folder of s19, as in the real set."""
    plan = take.plan
    parent = "s19" if plan.code.startswith("23_0502") and "19" in subjects else f"s{plan.subject}"
    folder, landmarks = f"rawpic/{parent}/{plan.code}", f"landmarks/s{plan.subject}/{plan.code}.csv"
    return datasets.stand_ins.Shot(folder, "img{n:03d}.jpg", 1, take.script, take.film, take.face, None, landmarks)


def _cut_out(take: Take, line: datasets.stand_ins.Line, m: synthetic.Movement) -> datasets.stand_ins.Shot:
    name = f"s{take.plan.subject}/{line['Code']}"
    shot = _video(take, set())
    return replace(shot, folder=f"selectedpic/{name}", landmarks=f"landmarks/{name}.csv", keep=(m.onset, m.offset))
