"""Writes a synthetic stand-in of MMEW: clips of rendered faces in folders of emotions, a table with its oddities."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from mezoo import datasets, synthetic, tables
from mezoo_mmew.mmew import COLUMNS, PUBLISHED, ROLES, WANTED, Mmew

FPS = 90.0
TREE = "Micro_Expression"
EMOTIONS = {name: PUBLISHED[name] for name in Mmew.info.emotions}
SMALL_EMOTIONS = dict(zip(EMOTIONS, (8, 12, 6, 12, 4, 4, 10), strict=True))


@dataclass(frozen=True, slots=True)
class Preset:
    """Sizes in pixels, number of subjects, clips of each emotion."""

    height: int
    width: int
    face_width: int
    subjects: int
    emotions: Mapping[str, int]


PRESETS = {
    "small": Preset(140, 140, 108, 8, SMALL_EMOTIONS),
    "full": Preset(231, 231, 178, PUBLISHED["subjects"], EMOTIONS),
}


@dataclass(frozen=True, slots=True)
class Take:
    """One clip: its emotion and that of the folder it lies in; frames from onset to offset are written, from 1 on."""

    subject: str
    code: str
    emotion: str
    folder: str
    shot: datasets.stand_ins.Shot

    @property
    def movement(self) -> synthetic.Movement:
        """The micro-expression."""
        return self.shot.script.movements[0]


def write(out: Path, spec: datasets.StandIn, bars: datasets.Bars) -> None:
    """Write clips, landmarks, table and, last, the mark below `out`. Raises DataError where clips are there already."""
    datasets.stand_ins.within("mmew", spec, tuple(PRESETS), PRESETS.get(spec.preset, PRESETS["full"]).subjects)
    takes = list(_takes(PRESETS[spec.preset], spec))
    lines = [_line(take) for take in takes]
    expected = _expected(takes)
    datasets.stand_ins.write_shots(out, [take.shot for take in takes], spec.frames, bars)
    planted = _soil(out, takes, lines, spec) if spec.dirty else []
    planted += _write_table(out / WANTED, lines, dirty=spec.dirty)
    datasets.stand_ins.finish(out, "mmew", spec, expected, planted)


def _takes(preset: Preset, spec: datasets.StandIn) -> Iterator[Take]:
    rng = np.random.default_rng(spec.seed)
    total = sum(preset.emotions.values())
    # At least two clips a subject, the rest as it falls: how many each subject of the release has is not published.
    counts = 2 + rng.multinomial(total - 2 * preset.subjects, [1 / preset.subjects] * preset.subjects)
    codes = {f"S{i:02d}": int(n) for i, n in enumerate(counts, start=1)}
    dealt = datasets.stand_ins.deal(preset.emotions, codes, rng)
    for subject in islice(dealt, spec.subjects):
        yield from _of_subject(subject, sorted(dealt[subject]), preset, spec)


def _of_subject(subject: str, emotions: Sequence[str], preset: Preset, spec: datasets.StandIn) -> Iterator[Take]:
    rng = np.random.default_rng([spec.seed, int(subject[1:])])
    for n, emotion in enumerate(emotions, start=1):
        code = f"{subject}-{[*EMOTIONS].index(emotion) + 1:02d}-{n:03d}"
        # The table of the release says `others` where the folder is repression.
        folder = "repression" if emotion == "others" and n % 2 else emotion
        script = datasets.stand_ins.clip_script(emotion, FPS, rng, intensity=spec.intensity, head=0.1)
        m = script.movements[0]
        size = (preset.height, preset.width, preset.face_width)
        shot = datasets.stand_ins.Shot(
            folder=f"{TREE}/{folder}/{code}",
            file="{n}.jpg",
            first=1 - m.onset,
            script=script,
            film=synthetic.FilmSpec(*size, seed=int(rng.integers(2**31)), colour=True),
            face=datasets.stand_ins.face_of(spec.seed, subject),
            keep=(m.onset, m.offset),
            landmarks=f"landmarks/{subject}/{code}.csv",
        )
        yield Take(subject, code, emotion, folder, shot)


def _line(take: Take) -> datasets.stand_ins.Line:
    m = take.movement
    frames = (frame + take.shot.first for frame in (m.onset, m.apex, m.offset))
    cells = (take.subject, take.code, *frames, datasets.stand_ins.units(m), take.emotion, None)
    return dict(zip((column.name for column in COLUMNS), cells, strict=True))


def _soil(
    out: Path, takes: Sequence[Take], lines: list[datasets.stand_ins.Line], spec: datasets.StandIn
) -> list[datasets.stand_ins.Planted]:
    """Plant the defects of real releases in folders on disk and in rows of other clips."""
    spoiled = [] if spec.frames == "none" else takes[:5]
    planted = datasets.stand_ins.soil_folders([out / t.shot.folder for t in spoiled], lambda folder: folder.name)
    # Rows whose word is not that of the folder stay: the table's word must be seen to win.
    usable = [i for i, take in enumerate(takes) if take not in spoiled and take.folder == take.emotion]
    rng = np.random.default_rng(spec.seed)
    planted += datasets.stand_ins.soil_rows(lines, ROLES, lambda line: str(line["Filename"]), rng, usable=usable)
    renamed = next((t for t in takes if t.folder != t.emotion), None)
    if renamed and spec.frames != "none" and renamed not in spoiled:
        planted.append(datasets.stand_ins.Planted("folder of another emotion", renamed.code, "lies in the folder"))
    return planted


def _write_table(
    path: Path, lines: Sequence[Mapping[str, tables.Cell]], *, dirty: bool
) -> list[datasets.stand_ins.Planted]:
    header: list[tables.Cell] = [column.name for column in COLUMNS]
    grid = [[line[column.name] for column in COLUMNS] for line in lines]
    body, planted = datasets.stand_ins.soil_grid(header, grid) if dirty else ([header, *grid], [])
    datasets.stand_ins.write_book(path, {"Sheet1": body})
    return planted


def _expected(takes: Sequence[Take]) -> dict[str, int]:
    emotions = [take.emotion for take in takes]
    return {
        "subjects": len({take.subject for take in takes}),
        "clips": len(takes),
        "frames": sum(len(take.shot.frames()) for take in takes),
        "rows": len(takes),
        "micro": len(takes),
        **{emotion: emotions.count(emotion) for emotion in sorted(set(emotions))},
    }
