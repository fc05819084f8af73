"""Writes a synthetic stand-in of stored features: what rendered faces' landmarks do, cut into windows."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mezoo import DataError, datasets, synthetic

from .segment_files import ROWS
from .segment_labels import COLUMNS
from .targets import WINDOW, Span, cut, labels_of

FPS = 25.0
LANDMARKS = [18, 19, 20, 23, 24, 25, 28, 30, 48, 51, 54, 57]
NOSE = [29, 30]
NOISE = 0.02
"""Deviation in pixels of each number: what optical flow is off, averaged over a patch."""
FACE_WIDTH = 240.0
TABLE = "annotation.csv"
PRESETS = {"small": (8, 2, 20.0), "full": (30, 5, 20.0)}
"""Subjects, videos of each, seconds of each."""


@dataclass(frozen=True, slots=True)
class Take:
    """One video: features (rows, 12, 2) and labels (rows, 8), and its expressions with their AU cells."""

    subject: str
    code: str
    features: NDArray[np.float64]
    labels: NDArray[np.int8]
    rows: Sequence[tuple[Span, str]]


def write(out: Path, spec: datasets.StandIn, bars: datasets.Bars) -> None:
    """Write windows, annotation table and, last, the mark below `out`.

    `frames="empty"` fills the features with noise and `"none"` writes no window: films take their time. Raises
    DataError for an unknown preset, sizes that cannot be named, and where `out` holds windows or a table.
    """
    subjects, videos, seconds = _sizes(spec)
    if (out / TABLE).exists() or any(out.glob("samm_*")):
        raise DataError(f"{out} holds stored features already", hint="give an empty folder, or delete the old stand-in")
    out.mkdir(parents=True, exist_ok=True)
    takes: list[Take] = []
    with bars("films", subjects * videos) as bar:
        for subject in range(1, subjects + 1):
            for video in range(1, videos + 1):
                takes.append(_take(subject, video, round(seconds * FPS), spec))
                bar.advance(takes[-1].code)
    files = [] if spec.frames == "none" else [path for take in takes for path in _windows(out, take, takes[0].subject)]
    _write_table(out / TABLE, takes)
    planted = _soil(out, takes) if spec.dirty and spec.frames != "none" else []
    datasets.stand_ins.finish(out, "auwgcn_segments", spec, _expected(takes, files), planted)


def _sizes(spec: datasets.StandIn) -> tuple[int, int, float]:
    datasets.stand_ins.within("auwgcn_segments", spec, tuple(PRESETS), 999)
    subjects, videos, seconds = PRESETS[spec.preset]
    videos = videos if spec.videos is None else spec.videos
    seconds = seconds if spec.seconds is None else spec.seconds
    if not 1 <= videos <= 9 or not 4 <= seconds <= 300:
        raise DataError(
            f"auwgcn_segments cannot have {videos} videos a subject of {seconds:g} s",
            hint="use 1 to 9 videos of 4 to 300 seconds",
        )
    return spec.subjects or subjects, videos, seconds


def _take(subject: int, video: int, rows: int, spec: datasets.StandIn) -> Take:
    """One video of `rows` rows: micro- and macro-expressions as often as in the stand-in of SAMM Long Videos."""
    rng = np.random.default_rng([spec.seed, subject, video])
    seconds = rows / FPS
    wanted = synthetic.ScriptSpec(
        FPS,
        rows + 1,
        micro=max(1, round(0.2 * seconds)),
        macro=max(1, round(0.1 * seconds)),
        intensity=spec.intensity,
    )
    script = synthetic.write_script(wanted, rng)
    face = int(np.random.default_rng([spec.seed, subject]).integers(2**31))
    noise = rng.normal(0, NOISE, (rows, len(LANDMARKS), 2))
    motion = _motion(script, face) if spec.frames == "rendered" else 0.0
    rowed = [
        (Span(m.kind, max(0, m.onset - 1), max(0, m.apex - 1), min(m.offset - 1, rows - 1)), _cell(m))
        for m in script.movements
    ]
    labels = labels_of([span for span, _ in rowed], rows)
    return Take(f"samm_{subject:03d}", f"samm_{subject:03d}_{video}", motion + noise, labels, rowed)


def _motion(script: synthetic.Script, face: int) -> NDArray[np.float64]:
    """Motion of the twelve landmarks between frames less that of the nose: (frames - 1, 12, 2) px."""
    camera = synthetic.FilmSpec(64, 64, FACE_WIDTH, noise=0)
    film = synthetic.Film(synthetic.make_face(face, colour=False), script, camera)
    steps = np.diff(np.stack([film.landmarks(i) for i in range(script.n_frames)]).astype(np.float64), axis=0)
    return steps[:, LANDMARKS] - steps[:, NOSE].mean(axis=1, keepdims=True)


def _cell(movement: synthetic.Movement) -> str:
    return str(datasets.stand_ins.units(movement))


def _windows(out: Path, take: Take, first: str) -> list[Path]:
    """Write the windows of a video into its subject's test folder, and copies of moving ones to train for another."""
    written: list[Path] = []
    for start in range(0, len(take.features), WINDOW):
        arrays = {"feature": cut(take.features, start), "label": cut(take.labels, start).astype(np.int64)}
        path = out / take.subject / "test" / f"{take.code}_{start:04d}.npz"
        written.append(_save(path, take.code, **arrays))
        if take.subject != first and arrays["label"].any():
            _save(out / first / "train" / path.name, take.code, **arrays)
    return written


def _save(path: Path, video: str, **arrays: NDArray[np.float64] | NDArray[np.int64]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, video_name=np.array(video), allow_pickle=False, **arrays)
    return path


def _write_table(path: Path, takes: Sequence[Take]) -> None:
    lines = [",".join(column.name for column in COLUMNS)]
    for take in takes:
        lines += [f"{take.code},{s.start},{1 if s.kind == 'macro' else 2},{cell}" for s, cell in take.rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _expected(takes: Sequence[Take], files: Sequence[Path]) -> dict[str, int]:
    kinds = [span.kind for take in takes for span, _ in take.rows]
    return {
        "subjects": len({take.subject for take in takes}),
        "videos": len(takes),
        "windows": len(files),
        "rows": sum(len(take.features) for take in takes),
        "micro": kinds.count("micro"),
        "macro": kinds.count("macro"),
    }


Planted = datasets.stand_ins.Planted


def _soil(out: Path, takes: Sequence[Take]) -> list[Planted]:
    """Spoil the first window of up to seven videos, each in its own way."""
    for take in takes:  # copies would stand in for what is spoiled
        (out / takes[0].subject / "train" / f"{take.code}_0000.npz").unlink(missing_ok=True)
    ways = (_truncated, _missing, _without_margins, _not_a_number, _misnamed, _copied, _beside)
    places = [(take, out / take.subject / "test" / f"{take.code}_0000.npz") for take in takes]
    return [way(take, path) for way, (take, path) in zip(ways, places, strict=False)]


def _truncated(take: Take, path: Path) -> Planted:
    del take
    path.write_bytes(path.read_bytes()[:2000])
    return Planted("truncated file", path.name, "cannot be read")


def _missing(take: Take, path: Path) -> Planted:
    path.unlink()
    return Planted("missing window", take.code, "no window holds rows")


def _without_margins(take: Take, path: Path) -> Planted:
    _save(path, take.code, feature=np.zeros((WINDOW, 12, 2)), label=np.zeros((WINDOW, 8), np.int64))
    return Planted("a window without margins", path.name, f"not ({ROWS}, 12, 2)")


def _not_a_number(take: Take, path: Path) -> Planted:
    feature = cut(take.features, 0)
    feature[20, 3] = np.nan
    _save(path, take.code, feature=feature, label=cut(take.labels, 0).astype(np.int64))
    return Planted("not a number", path.name, "not finite")


def _misnamed(take: Take, path: Path) -> Planted:
    _save(path, "samm_999_9", feature=cut(take.features, 0), label=cut(take.labels, 0).astype(np.int64))
    return Planted("another video's name inside", path.name, "video_name is samm_999_9")


def _copied(take: Take, path: Path) -> Planted:
    copy = path.parents[1] / "train" / path.name
    _save(copy, take.code, feature=np.zeros((9, 12, 2)), label=np.zeros((9, 8), np.int64))
    return Planted("a copy that differs", path.name, "differs in size")


def _beside(take: Take, path: Path) -> Planted:
    del take
    (path.parent / "whole_video.npz").touch()
    return Planted("a stray file", "whole_video.npz", "not named like a window")
