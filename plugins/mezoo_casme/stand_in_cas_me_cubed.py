"""Writes a synthetic stand-in of CAS(ME)^3 part A: long videos of rendered faces, and both tables of its owner."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mezoo import datasets, synthetic, tables
from mezoo_casme import stand_in_films as films
from mezoo_casme.cas_me_cubed import COLUMNS, LABEL_SHEET, LABELS, ROLES, SHEET, TYPES

FRAMES, ANNOTATION = "part_A/data/part_A", "part_A/annotation"
MAIN, MICRO_LABELS = "CAS(ME)3_part_A_v2.xlsx", "cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx"
NUMBERS = (*range(1, 18), *range(39, 43), 77, *range(138, 164), *range(165, 191), *range(193, 219))
LETTERS = "abcdefghijklm"
UPPER_CASE = ("spNO.11/j", "spNO.14/j")
NO_MICRO = ("spNO.16", "spNO.140", "spNO.151", "spNO.218")
UNLABELLED = ("spNO.39", "spNO.217")
MICRO = {"disgust": 250, "surprise": 187, "others": 158, "fear": 86, "anger": 64, "sad": 57, "happy": 55, "Others": 3}
SMALL = {"disgust": 7, "surprise": 7, "others": 5, "fear": 4, "anger": 3, "sad": 3, "happy": 3}
MACRO, VIDEOS, MICRO_VIDEOS = 3346, 956, 463
MICRO_ALONE = 60
TIMING = films.Timing(micro=(740.0, 300.0, 170.0, 1400.0), macro=(1600.0, 0.4, 1400.0, 4300.0), rise=(186.0, 55.0))
FIRST = {8: 501, 6: 378, 2: 150, 9: 140, 5: 131}
"""Numbers of first frames and how often they come: the first two as in the real set."""
DROPPING = 10
"""One video in so many lacks a frame inside."""
PRESETS = {
    "small": films.Preset(192, 256, 120, 8, 2, 20.0),
    "full": films.Preset(720, 1280, 300, len(NUMBERS)),
}


@dataclass(frozen=True, slots=True)
class Take:
    """A plan put on frames, and the folder that they become."""

    plan: films.Plan
    script: synthetic.Script
    shot: datasets.stand_ins.Shot

    @property
    def movements(self) -> list[synthetic.Movement]:
        """Movements in the order of the rows."""
        return sorted(self.script.movements, key=lambda m: m.onset)


def write(out: Path, spec: datasets.StandIn, bars: datasets.Bars) -> None:
    """Write videos, landmarks, tables and, last, the mark below `out`. Raises DataError over existing folders."""
    takes = _takes(spec)
    datasets.stand_ins.write_shots(out, [take.shot for take in takes], spec.frames, bars)
    spoiled = [take for take in takes if take.movements][:4] if spec.dirty else []
    names = {take.plan.name for take in spoiled}
    planted: list[datasets.stand_ins.Planted] = []
    dropped = 0
    if spec.frames != "none":
        dropped = _drop(out, [take for take in takes if take.plan.name not in names])
        planted = datasets.stand_ins.soil_folders([out / take.shot.folder for take in spoiled], _label)
    planted += _write_tables(out / ANNOTATION, takes, names, spec)
    expected = {
        "videos": len(takes),
        "frames": sum(take.plan.n_frames for take in takes) - dropped,
        **_expected(takes),
    }
    datasets.stand_ins.finish(out, "cas_me_cubed", spec, expected, planted)


def _expected(takes: Sequence[Take]) -> dict[str, int]:
    movements = [m for take in takes for m in take.movements]
    emotions = [datasets.annotations.emotion(m.emotion) for m in movements if m.kind == "micro"]
    return {
        "subjects": len({take.plan.subject for take in takes}),
        "rows": len(movements),
        **{kind: sum(m.kind == kind for m in movements) for kind in ("micro", "macro")},
        **{emotion: emotions.count(emotion) for emotion in dict.fromkeys(emotions)},
    }


def _drop(out: Path, takes: Sequence[Take]) -> int:
    """Delete one frame inside every tenth video, as the real recordings lack some; how many were deleted."""
    chosen = takes[::DROPPING]
    for take in chosen:
        (out / take.shot.folder / take.shot.names()[take.plan.n_frames // 2]).unlink()
    return len(chosen)


def _label(folder: Path) -> str:
    return f"{folder.parents[1].name}/{folder.parent.name}"


# ---------------------------------------------------------------------------------------------------- films


def _takes(spec: datasets.StandIn) -> list[Take]:
    preset = films.chosen("cas_me_cubed", spec, PRESETS, len(LETTERS))
    rng = np.random.default_rng(spec.seed)
    plans = _small(preset, rng) if spec.preset == "small" else _full(preset, rng)
    subjects = {f"spNO.{n}" for n in NUMBERS[: preset.subjects]}
    return [_take(plan, preset, spec) for plan in plans if plan.subject in subjects]


def _take(plan: films.Plan, preset: films.Preset, spec: datasets.StandIn) -> Take:
    rng = np.random.default_rng([spec.seed, int(plan.subject[5:]), LETTERS.index(plan.code)])
    weights = np.array([*FIRST.values()], dtype=float)
    first = int(rng.choice([*FIRST], p=weights / weights.sum()))
    sizes = preset.height, preset.width, preset.face_width
    film = synthetic.FilmSpec(*sizes, seed=int(rng.integers(2**31)), colour=True)
    script = films.script_of(plan, TIMING, rng, spec.intensity, moving=spec.frames == "rendered")
    name = f"{plan.subject}/{plan.code}"
    shot = datasets.stand_ins.Shot(
        folder=f"{FRAMES}/{name}/color",
        file="{n}.jpg",
        first=first,
        script=script,
        film=film,
        face=datasets.stand_ins.face_of(spec.seed, plan.subject),
        landmarks=f"{FRAMES}/landmarks/{name}.csv",
    )
    return Take(plan, script, shot)


def _small(preset: films.Preset, rng: np.random.Generator) -> list[films.Plan]:
    """Films of one length with as many expressions each: 12 micro and 6 macro a minute."""
    seconds, letters = preset.seconds or 20.0, LETTERS[: preset.videos or 2]
    n_frames = round(seconds * films.FPS)
    plans = [films.Plan(f"spNO.{n}", letter, n_frames) for n in NUMBERS for letter in letters]
    plans = plans[: preset.subjects * len(letters)]
    rates: dict[films.Kind, float] = {"micro": 0.2, "macro": 0.1}
    for kind, rate in rates.items():
        each = max(1, round(rate * seconds))
        plans = films.with_each(plans, kind, films.deck(SMALL, each * len(plans), rng), [each] * len(plans))
    return plans


def _full(preset: films.Preset, rng: np.random.Generator) -> list[films.Plan]:
    """The real numbers: of videos, expressions, emotions, and of videos and subjects with either kind."""
    lengths = iter(np.clip(rng.normal(94, 28, len(NUMBERS) * len(LETTERS)), 24, 161).tolist())
    plans = [films.Plan(f"spNO.{n}", letter, round(films.FPS * next(lengths))) for n in NUMBERS for letter in LETTERS]
    micro = _some(plans, MICRO_VIDEOS, (*UNLABELLED, *NO_MICRO), set(), rng)
    labelled = _some(plans, VIDEOS, UNLABELLED, micro, rng)
    macro = labelled - set(rng.permutation(sorted(micro))[:MICRO_ALONE].tolist())
    plans = films.spread(plans, "micro", films.deck(MICRO, sum(MICRO.values()), rng), micro, rng)
    plans = films.spread(plans, "macro", films.deck(MICRO, MACRO, rng), macro, rng)
    if preset.seconds is not None:
        plans = [replace(plan, n_frames=round(preset.seconds * films.FPS)) for plan in plans]
    return [plan for plan in plans if plan.code in LETTERS[: preset.videos]]


def _some(
    plans: Sequence[films.Plan], n: int, without: Sequence[str], held: set[str], rng: np.random.Generator
) -> set[str]:
    """Names of `n` films, those of `held` among them and one at least of each subject that is not in `without`."""
    shuffled = rng.permutation([plan.name for plan in plans if plan.subject not in without]).tolist()
    first = {name.partition("/")[0]: name for name in shuffled}
    return set([*dict.fromkeys([*sorted(held), *first.values(), *shuffled])][:n])


# ---------------------------------------------------------------------------------------------------- tables


def _write_tables(
    folder: Path, takes: Sequence[Take], spoiled: set[str], spec: datasets.StandIn
) -> list[datasets.stand_ins.Planted]:
    """Write the table of all expressions, with blinks, and that of the emotions; defects in films not `spoiled`."""
    rows = [(take, m) for take in takes for m in take.movements]
    lines = [_line(take, m) for take, m in rows]
    labels = [{**line, "emotion": m.emotion} for line, (_, m) in zip(lines, rows, strict=True) if m.kind == "micro"]
    header: list[tables.Cell] = [column.name for column in COLUMNS]
    planted: list[datasets.stand_ins.Planted] = []
    if spec.dirty:
        usable = [i for i, (take, _) in enumerate(rows) if take.plan.name not in spoiled]
        planted = _soil(lines, labels, usable, np.random.default_rng([spec.seed, 1]))
    grid = [[line[column.name] for column in COLUMNS] for line in lines]
    body: list[list[tables.Cell]] = [header, *grid]
    if spec.dirty:
        body, more = datasets.stand_ins.soil_grid(header, grid)
        planted += more
    datasets.stand_ins.write_book(folder / MAIN, {SHEET: body, "eye blink": _blinks(takes)})
    emotions = [[column.name for column in LABELS], *([line[column.name] for column in LABELS] for line in labels)]
    datasets.stand_ins.write_book(folder / MICRO_LABELS, {LABEL_SHEET: emotions})
    return planted


def _line(take: Take, m: synthetic.Movement) -> datasets.stand_ins.Line:
    """A row of the main table: numbers of files, stored as text."""
    letter = take.plan.code.upper() if take.plan.name in UPPER_CASE else take.plan.code
    frames = (str(take.shot.first + n) for n in (m.onset, m.apex, m.offset))
    aus = str(datasets.stand_ins.units(m))
    number = datasets.class_maps.objective_class(aus) or 7
    cells = (take.plan.subject, letter, *frames, aus, TYPES[m.kind], datasets.class_maps.OBJECTIVE[number - 1])
    return dict(zip((column.name for column in COLUMNS), cells, strict=True))


def _soil(
    lines: list[datasets.stand_ins.Line],
    labels: list[datasets.stand_ins.Line],
    usable: Sequence[int],
    rng: np.random.Generator,
) -> list[datasets.stand_ins.Planted]:
    """Plant the defects of real tables in both, in rows with the indices `usable` of the first."""
    labels[0]["Offset"] = "0"
    planted = [datasets.stand_ins.Planted("tables disagree", str(labels[0]["Subject"]), "has other frames")]
    labels[-1]["emotion"] = "Others"
    planted.append(datasets.stand_ins.Planted("emotion Others", "", "'Others'"))
    lines[usable[0]]["Filename"] = str(lines[usable[0]]["Filename"]).upper()
    planted.append(datasets.stand_ins.Planted("upper-case file letter", "", "in upper case"))
    return [*planted, *datasets.stand_ins.soil_rows(lines, replace(ROLES, emotion=""), _where, rng, usable=usable[1:])]


def _where(line: datasets.stand_ins.Line) -> str:
    return f"{line['Subject']}/{str(line['Filename']).casefold()}_{line['Onset']}"


def _blinks(takes: Sequence[Take]) -> list[Sequence[tables.Cell]]:
    """The sheet of eye blinks: files as in the other, first and last frame as text."""
    grid: list[Sequence[tables.Cell]] = [["Subject", "Filename", "Onset", "Offset"]]
    for take in takes:
        first = take.shot.first
        grid += [(take.plan.subject, take.plan.code, str(first + a), str(first + b)) for a, b in take.script.blinks]
    return grid
