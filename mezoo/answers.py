"""Tables of recognised clips: truth, answer and probabilities as CSV."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mezoo.files import write_csv
from mezoo.records import Video

Answer = tuple[str, int | None, NDArray[np.float32]]
"""Key of a clip, 0-based class index of the truth, and (classes,) probabilities."""
COLUMNS = ("dataset", "subject", "clip", "truth", "answer")


def write_answers(path: Path, classes: Sequence[str], answers: Iterable[Answer]) -> None:
    """CSV of one row a clip: names of the true and the most probable class, and `p_<class>` for every class."""
    rows = [
        (
            *key.split("/", 2),
            "" if truth is None else classes[truth],
            classes[int(p.argmax())],
            *(f"{x:.4f}" for x in p),
        )
        for key, truth, p in answers
    ]
    write_csv(path, (*COLUMNS, *(f"p_{name}" for name in classes)), rows)


def join_tables(path: Path, tables: Iterable[Path]) -> None:
    """All rows of tables with the same columns in one; those that are not there are left out."""
    header: list[str] = []
    rows: list[list[str]] = []
    for table in tables:
        if table.is_file():
            with table.open(newline="", encoding="utf-8") as file:
                header, *found = [*csv.reader(file)] or [header]
            rows += found
    write_csv(path, header, rows)


def write_clips(path: Path, clips: Iterable[Video], labels: Mapping[str, int], classes: Sequence[str]) -> None:
    """CSV of the clips as they were asked: class, the owner's emotion and units, published numbers of their ends."""
    rows = [
        (
            clip.dataset,
            clip.subject,
            clip.code,
            classes[labels[clip.key]],
            expression.emotion,
            expression.aus,
            clip.frames.number(0),
            clip.frames.number(expression.apex or 0),
            clip.frames.number(len(clip.frames) - 1),
            len(clip.frames),
        )
        for clip in clips
        for expression in clip.expressions[:1]
    ]
    header = ("dataset", "subject", "clip", "class", "emotion", "aus", "first", "apex", "last", "n_frames")
    write_csv(path, header, rows)
