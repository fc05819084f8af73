"""Writes synthetic stand-ins: films as folders of frames, tables as owners write them, and the mark that says so."""

import io
import json
import os
import re
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mezoo import synthetic
from mezoo.contracts import SYNTHETIC_MARK, Bars, StandIn
from mezoo.datasets.dirt import Line, Planted, soil_folders, soil_grid, soil_rows
from mezoo.errors import DataError
from mezoo.machine import cores
from mezoo.tables import Cell

__all__ = [
    "Line",
    "Planted",
    "Shot",
    "clip_script",
    "deal",
    "face_of",
    "finish",
    "soil_folders",
    "soil_grid",
    "soil_rows",
    "units",
    "within",
    "write_book",
    "write_shots",
]

_JPEG_QUALITY = 92
_LANDMARK_STEP = 4
_IN_ONE_PROCESS = 500
_DRAWN_AS = {"negative": "disgust", "positive": "happiness", "tense": "anger", "sad": "sadness"}


@dataclass(frozen=True, slots=True)
class Shot:
    """One film and the folder of frames that it becomes.

    `folder` and `landmarks` (a CSV in OpenFace's columns, "" for none) are relative to the stand-in; `file` is a
    format of the number `n`: `img{n:03d}.jpg`, `.bmp` too. Script frame i has the number `first` + i; `keep` (first
    and last script frame, both included) writes a part only. `face` is the seed of the person.
    """

    folder: str
    file: str
    first: int
    script: synthetic.Script
    film: synthetic.FilmSpec
    face: int
    keep: tuple[int, int] | None = None
    landmarks: str = ""

    def frames(self) -> range:
        """Script frames that are written."""
        first, last = self.keep or (0, self.script.n_frames - 1)
        return range(first, last + 1)

    def names(self) -> list[str]:
        """File names, in order."""
        return [self.file.format(n=self.first + i) for i in self.frames()]


def face_of(seed: int, subject: str) -> int:
    """Seed of a subject's face: the same in every film of the stand-in."""
    return int(np.random.default_rng([seed, *subject.encode()]).integers(2**31))


def clip_script(
    emotion: str, fps: float, rng: np.random.Generator, *, intensity: float = 1.0, head: float = 0.3, ms: float = 372.0
) -> synthetic.Script:
    """A film with one micro-expression of an emotion (any dataset's word) and some frames around it.

    `head` scales head motion (cropped releases are registered: 0.1), `ms` is the mean length of the movement.
    """
    drawn = _DRAWN_AS.get(emotion, emotion if emotion in synthetic.AUS_BY_EMOTION else "others")
    spec = synthetic.ScriptSpec(
        fps,
        int(np.ceil(1.3 * fps)) + 2,
        micro=1,
        intensity=intensity,
        emotions=(drawn,),
        head_scale=head,
        blinks_per_minute=0,
        micro_ms=(ms, 95.0, 200.0, max(505.0, 3500 / fps)),
    )
    return synthetic.write_script(spec, rng)


def units(movement: synthetic.Movement) -> Cell:
    """The AU cell of a movement: `R12+L14`, or a number where there is one plain AU (as spreadsheets store it)."""
    text = "+".join(f"{side}{unit}" for unit, side in movement.aus)
    return int(text) if text.isdigit() else text


def deal(classes: Mapping[str, int], subjects: Mapping[str, int], rng: np.random.Generator) -> dict[str, list[str]]:
    """A class for each clip of each subject, with exactly these totals a class and a subject, shuffled.

    Raises ValueError if the totals differ.
    """
    deck = [name for name, count in classes.items() for _ in range(count)]
    if len(deck) != sum(subjects.values()):
        raise ValueError(f"{len(deck)} labels for {sum(subjects.values())} clips")
    shuffled = iter(rng.permutation(deck).tolist())
    return {subject: [next(shuffled) for _ in range(count)] for subject, count in subjects.items()}


def within(name: str, spec: StandIn, presets: Sequence[str], most: int) -> None:
    """Raise DataError for a preset that is not among `presets` or more subjects than the dataset has (`most`)."""
    if spec.preset not in presets:
        raise DataError(f"{name} has no stand-in preset {spec.preset!r}", hint=f"known: {', '.join(presets)}")
    if spec.subjects is not None and not 1 <= spec.subjects <= most:
        raise DataError(f"{name} cannot have {spec.subjects} subjects", hint=f"use 1 to {most}")


def write_shots(out: Path, shots: Sequence[Shot], frames: Literal["rendered", "empty", "none"], bars: Bars) -> None:
    """Write every shot below `out`: pictures and landmarks, empty files of the right names, or nothing.

    Raises DataError if a folder exists already (nothing is ever written over data) or the disk refuses.
    """
    taken = next((out / s.folder for s in shots if (out / s.folder).exists()), None)
    if taken is not None:
        raise DataError(f"{taken} exists already", hint="give an empty folder, or delete the old stand-in")
    try:
        out.mkdir(parents=True, exist_ok=True)
        if frames == "none":
            return
        work = _touch if frames == "empty" else _render
        alone = frames == "empty" or sum(len(s.frames()) for s in shots) <= _IN_ONE_PROCESS
        workers = 1 if alone else min(cores(), len(shots))
        with bars("films", len(shots)) as bar:
            for name in _each(work, out, shots, workers):
                bar.advance(name)
    except OSError as error:
        raise DataError(
            f"cannot write the stand-in into {out}: {error}", hint="free some space or choose another folder"
        ) from error


def _each(work: Callable[[Path, Shot], None], out: Path, shots: Sequence[Shot], workers: int) -> Iterable[str]:
    if workers == 1:
        for shot in shots:
            work(out, shot)
            yield Path(shot.folder).name
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        tasks = {pool.submit(work, out, shot): shot for shot in shots}
        for task in as_completed(tasks):
            task.result()
            yield Path(tasks[task].folder).name


def _touch(out: Path, shot: Shot) -> None:
    folder = out / shot.folder
    folder.mkdir(parents=True)
    for name in shot.names():
        os.close(os.open(folder / name, os.O_CREAT | os.O_WRONLY))


def _render(out: Path, shot: Shot) -> None:
    import cv2

    cv2.setNumThreads(1)
    film = synthetic.Film(synthetic.make_face(shot.face, colour=shot.film.colour), shot.script, shot.film)
    folder = out / shot.folder
    folder.mkdir(parents=True)
    ending = Path(shot.file).suffix
    options = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY] if ending == ".jpg" else []
    for i, name in zip(shot.frames(), shot.names(), strict=True):
        picture = film.frame(i)
        picture = picture[..., ::-1] if picture.ndim == 3 else picture
        (folder / name).write_bytes(cv2.imencode(ending, picture, options)[1].tobytes())
    if shot.landmarks:
        _write_landmarks(out / shot.landmarks, _landmarks(film, shot.frames()))


def _landmarks(film: synthetic.Film, frames: range) -> NDArray[np.float64]:
    """Landmarks of every frame (frames, 136): x_0..x_67, y_0..y_67; exact at every fourth frame, linear in between.

    Asking for them costs five times a frame; the lines between are 0.02 px off on average (measured), 0.1 at most.
    """
    exact = np.unique([*frames[::_LANDMARK_STEP], frames[-1]])
    known = np.stack([film.landmarks(int(i)).T.ravel() for i in exact])
    return np.stack([np.interp(frames, exact, column) for column in known.T], axis=1)


def _write_landmarks(path: Path, points: NDArray[np.float64]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    names = ["frame", "confidence", "success", *(f"{axis}_{k}" for axis in "xy" for k in range(68))]
    table = np.hstack([[(i + 1, 0.98, 1) for i in range(len(points))], points])
    formats = ["%d", "%.2f", "%d", *["%.2f"] * 136]
    np.savetxt(path, table, fmt=formats, delimiter=",", header=",".join(names), comments="")


def write_book(path: Path, sheets: Mapping[str, Sequence[Sequence[Cell]]]) -> None:
    """Write a workbook of plain values (a formula would have no value until a spreadsheet program opens it)."""
    import openpyxl

    book = openpyxl.Workbook(write_only=True)
    for title, grid in sheets.items():
        sheet = book.create_sheet(title)
        for line in grid:
            sheet.append([None if cell == "" else cell for cell in line])
    whole = io.BytesIO()
    book.save(whole)
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(whole) as told, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as kept:
        for part in told.namelist():  # openpyxl stamps the time of saving: equal seeds give equal files
            undated = re.sub(rb"(<dcterms:\w+ [^>]*>)[^<]*", rb"\g<1>2000-01-01T00:00:00Z", told.read(part))
            kept.writestr(zipfile.ZipInfo(part), undated, zipfile.ZIP_DEFLATED)


def finish(
    out: Path, dataset: str, spec: StandIn, expected: Mapping[str, int], planted: Sequence[Planted] = ()
) -> None:
    """Write the mark, a stand-in's last file: what was asked for, what `verify` must count, what is wrong."""
    mark = {
        "dataset": dataset,
        "spec": asdict(spec),
        "expected": dict(expected),
        "planted": [asdict(p) for p in planted],
    }
    (out / SYNTHETIC_MARK).write_text(json.dumps(mark, indent=2) + "\n", encoding="utf-8")
