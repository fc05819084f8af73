"""Load a run folder: everything that the report shows, and notes on what could not be read. Imports no torch."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite, nan
from pathlib import Path
from typing import Any, TypeVar
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from mezoo.arrays import load_arrays
from mezoo.errors import RunError
from mezoo.files import read_json, read_object, read_plain, read_rows
from mezoo.records import Graph

T = TypeVar("T")
Key = tuple[str, str, str]
"""Dataset, subject, code: names one video in every table of a run."""
Curves = Mapping[str, NDArray[Any]]
"""Of one video: `frames` (rows,) int64, the 0-based frame of each row, and for each kind (rows,) float32 in [0, 1]."""
Table = list[dict[str, str]]


@dataclass(frozen=True, slots=True)
class Event:
    """An annotated expression (`code` to `aus`) or a spot (`score`): 0-based frames, both ends included."""

    kind: str
    onset: int
    offset: int
    score: float = nan
    code: str = ""
    about: str = ""
    emotion: str = ""
    aus: str = ""


@dataclass(frozen=True, slots=True)
class Film:
    """One video of the run; `fps` and `n_frames` are 0 where videos.csv does not know it."""

    key: Key
    fps: float
    n_frames: int
    truth: tuple[Event, ...]
    spots: tuple[Event, ...]
    curves: Curves

    @property
    def anchor(self) -> str:
        """A name for links inside the page: letters and digits, whatever the video is called."""
        return f"v{crc32('/'.join(self.key).encode()):08x}"

    @property
    def length(self) -> int:
        """Frames of the time axis: those of the video, or up to the last event when that is not known."""
        return max([self.n_frames, *(e.offset + 1 for e in (*self.truth, *self.spots)), 1])


@dataclass(frozen=True, slots=True)
class Answer:
    """One recognised clip: names of the true and of the given class, and a probability for each class of the table."""

    key: Key
    truth: str
    answer: str
    chances: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Series:
    """One metric of one fold: epochs (n,) int64 as numbered in the file, increasing, and values (n,) float64."""

    epochs: NDArray[np.int64]
    values: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Run:
    """A run folder in memory; `notes` says what is missing.

    `history` is fold -> column -> Series, `graphs` fold -> its graphs, `packages` name -> version of all installed,
    `remarks` what folds noted of themselves.
    """

    result: Mapping[str, Any]
    recipe: str
    films: tuple[Film, ...]
    answers: tuple[Answer, ...]
    history: Mapping[str, Mapping[str, Series]]
    predicted: bool
    notes: tuple[str, ...] = field(default=())
    graphs: Mapping[str, Sequence[Graph]] = field(default_factory=dict[str, Sequence[Graph]])
    packages: Mapping[str, str] = field(default_factory=dict[str, str])
    remarks: tuple[str, ...] = ()


def load(run: Path) -> Run:
    """Read a run folder; only result.json must be there. Raises RunError when it is missing or no JSON object."""
    notes: list[str] = []

    def get(name: str, read: Callable[[Path], T], empty: T, expected: bool = True) -> T:
        path = run / name
        try:
            return read(path)
        except FileNotFoundError:
            notes.extend([f"{name} is not there"] if expected else [])
        except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
            notes.append(f"{name} cannot be read ({type(error).__name__}: {error})")
        return empty

    result = _result(run / "result.json")
    folds, inside = _folds(result), "spotter/" if result.get("task") == "strs" else ""
    films: tuple[Film, ...] = ()
    answers: tuple[Answer, ...] | None = None
    spots: Mapping[Key, Sequence[Event]] | None = None
    if result.get("task") == "recognition":
        answers = get("predictions.csv", _answers, None)
    else:
        spots = get("predictions.csv", _events, None)
        truth = get("truth.csv", _events, {})
        sizes = get("videos.csv", _sizes, {})
        curves = {name: get(f"{inside}folds/{name}/curves.npz", _curves, {}, done) for name, done in folds.items()}
        keys: set[Key] = {*sizes, *truth, *(spots or {})}
        films = tuple(
            Film(
                key,
                *sizes.get(key, (0.0, 0)),
                _of(key, truth),
                _of(key, spots or {}),
                _curves_of(key, curves),
            )
            for key in sorted(keys)
        )
    history = {
        name: get(f"folds/{name}/metrics.csv", _history, {}, done and not inside) for name, done in folds.items()
    }
    recipe = get("recipe.yaml", lambda path: read_plain(path).decode("utf-8"), "")
    graphs = {name: get(f"folds/{name}/graphs.json", _graphs, (), False) for name, done in folds.items() if done}
    said = (get(f"folds/{name}/fold.json", _said, (), False) for name in folds)
    remarks = tuple(f"fold {name}: {note}" for name, told in zip(folds, said, strict=True) for note in told)
    packages = get("environment.json", _packages, {}, False)
    drawn = {n: h for n, h in history.items() if h}, spots is not None, tuple(notes)
    return Run(result, recipe, films, answers or (), *drawn, {n: g for n, g in graphs.items() if g}, packages, remarks)


def _of(key: Key, table: Mapping[Key, Sequence[Event]]) -> tuple[Event, ...]:
    return tuple(sorted(table.get(key, ()), key=lambda e: (e.onset, e.offset, e.kind)))


def _result(path: Path) -> Mapping[str, Any]:
    hint = "give the folder of a run that has ended, or run the recipe again: finished folds are kept"
    try:
        result = read_json(path)
    except OSError as error:
        raise RunError(f"{path.parent} has no result.json that can be read", hint=hint) from error
    except ValueError as error:
        raise RunError(f"{path} is not valid JSON: {error}", hint=hint) from error
    if not isinstance(result, dict):
        raise RunError(f"{path} holds a {type(result).__name__}, not the object that a run writes", hint=hint)
    return result


def _folds(result: Mapping[str, Any]) -> dict[str, bool]:
    """Folder name of each fold and whether it is done; a name that is no plain folder name is never followed."""
    found = {str(s.get("subject")): s.get("state") == "done" for s in result.get("subjects") or []}
    return {name: found[name] for name in sorted(found) if Path(name).name == name}


def fold_names(key: Key) -> tuple[str, ...]:
    """Names that the fold of a video may have: of its subject, with its dataset in front, of its dataset, of itself."""
    return f"{key[0]}-{key[1]}", key[1], key[0], "-".join(key)


def _curves_of(key: Key, folds: Mapping[str, Mapping[str, Curves]]) -> Curves:
    return next((folds[name][key[2]] for name in fold_names(key) if key[2] in folds.get(name, ())), {})


def _rows(path: Path) -> Table:
    return read_rows(path)


def _key(row: Mapping[str, str]) -> Key:
    return row["dataset"], row["subject"], row["video"]


def _events(path: Path) -> dict[Key, list[Event]]:
    table: dict[Key, list[Event]] = {}
    for row in _rows(path):
        table.setdefault(_key(row), [])
        if not row["onset"]:  # a video without expressions
            continue
        score = float(row.get("score") or nan)
        span = int(float(row["onset"])), int(float(row["offset"]))
        told = row.get("emotion") or "", row.get("aus") or ""
        about = ", ".join(w for w in (*told, f"apex {row['apex']}" if row.get("apex") else "") if w)
        table[_key(row)].append(Event(row["kind"], *span, score, row.get("code") or "", about, *told))
    return table


def _answers(path: Path) -> tuple[Answer, ...]:
    """Clips in the order of their keys."""
    found: list[Answer] = []
    for row in _rows(path):
        chances = {name[2:]: float(value) for name, value in row.items() if name.startswith("p_")}
        found.append(Answer((row["dataset"], row["subject"], row["clip"]), row["truth"], row["answer"], chances))
    return tuple(sorted(found, key=lambda a: a.key))


def _sizes(path: Path) -> dict[Key, tuple[float, int]]:
    return {_key(row): (float(row["fps"]), int(float(row["n_frames"]))) for row in _rows(path)}


def _curves(path: Path) -> dict[str, Curves]:
    """Curves by video code; a curve that does not fit its frames is left out."""
    films: dict[str, dict[str, NDArray[Any]]] = {}
    arrays = load_arrays(path)
    for name in sorted(arrays):
        code, _, kind = name.rpartition("/")
        films.setdefault(code, {})[kind] = arrays[name]
    return {
        code: {kind: a for kind, a in film.items() if a.shape == film["frames"].shape}
        for code, film in films.items()
        if "frames" in film
    }


def _history(path: Path) -> dict[str, Series]:
    """Metric columns by epoch; several rows of one epoch are merged, empty and non-finite cells are skipped."""
    cells: dict[str, dict[int, float]] = {}
    for row in _rows(path):
        epoch = int(float(row["epoch"]))
        for name, text in row.items():
            if name not in ("epoch", "step") and text and isfinite(value := float(text)):
                cells.setdefault(name, {})[epoch] = value
    return {name: _series(by_epoch) for name, by_epoch in cells.items()}


def _graphs(path: Path) -> tuple[Graph, ...]:
    """Graphs of one fold. Raises ValueError for a matrix that does not fit its names."""
    found = [
        Graph(
            str(g["title"]),
            np.array(g["matrix"], dtype=np.float32),
            tuple(str(n) for n in g["names"]),
            tuple((float(x), float(y)) for x, y in g.get("places") or ()),
            str(g.get("note") or ""),
        )
        for g in read_object(path)["graphs"]
    ]
    for g in found:
        if g.matrix.shape != (len(g.names),) * 2 or len(g.places) not in (0, len(g.names)):
            raise ValueError(f"{g.title!r} has {g.matrix.shape} weights for {len(g.names)} names")
    return tuple(found)


def _said(path: Path) -> tuple[str, ...]:
    return tuple(str(n) for n in read_object(path).get("notes") or ())


def _packages(path: Path) -> dict[str, str]:
    found = read_object(path).get("packages") or {}
    return {str(name): str(version) for name, version in found.items()}


def _series(by_epoch: Mapping[int, float]) -> Series:
    epochs = sorted(by_epoch)
    return Series(np.array(epochs, dtype=np.int64), np.array([by_epoch[e] for e in epochs], dtype=np.float64))
