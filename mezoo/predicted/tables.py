"""A prediction as a table that `mezoo score` reads, and as JSON with everything in it."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from mezoo.files import write_atomic
from mezoo.files import write_csv as write_rows
from mezoo.predicted import told
from mezoo.predicted.clock import Clock, clock_of
from mezoo.prediction import FaceTrack, Found, Prediction
from mezoo.result import environment

SCHEMA = 1
COLUMNS = ("video", "kind", "onset", "offset", "apex", "score", "votes", "onset_s", "apex_s", "offset_s", "emotion")


def write_csv(path: Path, prediction: Prediction) -> None:
    """A row for each interval in order of time: 0-based frames, both ends included, and seconds of the film.

    `onset_s` and `apex_s` are when the frame is shown first, `offset_s` is when the last one ends. `p_NAME` is the
    probability of a class, where a recogniser was asked.
    """
    clock, names = clock_of(prediction.film), told.classes(prediction)
    rows = [
        (prediction.film.code, *_cells(found, clock).values(), *(_four(found.chances.get(n)) for n in names))
        for found in told.in_time(prediction)
    ]
    write_rows(path, (*COLUMNS, *(f"p_{name}" for name in names)), rows)


def _cells(found: Found, clock: Clock) -> dict[str, Any]:
    """Every column but the video and the probabilities."""
    spot = found.spot
    return {
        "kind": spot.kind,
        "onset": spot.onset,
        "offset": spot.offset,
        "apex": found.apex,
        "score": _four(spot.score),
        "votes": found.votes,
        "onset_s": f"{clock.start(spot.onset):.4f}",
        "apex_s": f"{clock.start(found.apex):.4f}",
        "offset_s": f"{clock.end(spot.offset):.4f}",
        "emotion": found.emotion,
    }


def _four(value: float | None) -> str:
    return "" if value is None or not math.isfinite(value) else f"{value:.4f}"


def write_json(path: Path, prediction: Prediction) -> None:
    """Everything as JSON of `SCHEMA`: one top-level entry a line, numbers that are not finite as null."""
    entries = {key: json.dumps(plain(value), allow_nan=False) for key, value in _document(prediction).items()}
    lines = ",\n".join(f"{json.dumps(key)}: {text}" for key, text in entries.items())
    write_atomic(path, f"{{\n{lines}\n}}\n")


def _document(p: Prediction) -> dict[str, Any]:
    clock, file = clock_of(p.film), told.film_file(p)
    film = {
        "path": "" if file is None else str(file),
        "dataset": p.film.dataset,
        "subject": p.film.subject,
        "video": p.film.code,
        "synthetic": p.film.synthetic,
        "fps": p.film.fps,
        "n_frames": clock.n_frames,
        "seconds": round(clock.seconds, 4),
        "even_rate": clock.even,
    }
    return {
        "schema": SCHEMA,
        "mezoo": environment("")["mezoo"],
        "film": film,
        "found": [_found(f, clock) for f in told.in_time(p)],
        "notes": p.notes,
        "methods": [asdict(m) for m in p.methods],
        "seconds": round(p.seconds, 3),
        "facts": p.facts,
        "face": None if p.face is None else _face(p.face),
        "positions": p.positions,
        "curves": _rounded(p.curves),
        "members": {name: _rounded(curves) for name, curves in p.members.items()},
    }


def _found(found: Found, clock: Clock) -> dict[str, Any]:
    cells = _cells(found, clock)
    numbers = {key: float(cells[key] or "nan") for key in ("score", "onset_s", "apex_s", "offset_s")}
    return {**cells, **numbers, "chances": {name: round(p, 4) for name, p in found.chances.items()}}


def _face(face: FaceTrack) -> dict[str, Any]:
    boxes = np.round(face.boxes.astype(np.float64), 1)
    return {
        "source": face.source,
        "frames_lost": face.frames_lost,
        "lost": face.lost,
        "frames": face.frames,
        "boxes": boxes,
    }


def _rounded(curves: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(kind): np.round(values.astype(np.float64), 4) for kind, values in curves.items()}


def plain(value: Any) -> Any:
    """What JSON holds: arrays as lists, paths and other things as text, numbers that are not finite as None."""
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if isinstance(value, int | str | bool) or value is None else str(value)
