"""What one fold leaves on disk: its state, held-out raw scores after every epoch, weights, the chosen predictions."""

import json
import time
import zipfile
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from mezoo.answers import Answer, write_answers
from mezoo.arrays import load_arrays
from mezoo.errors import RunError
from mezoo.files import read_object, remove_parts, replacing, write_atomic
from mezoo.records import Features, Graph, Spot, Spotting, Window
from mezoo.spots import write_spots

State = Literal["pending", "running", "done", "failed"]


@dataclass(frozen=True, slots=True)
class FoldFolder:
    """Paths and atomic reads and writes of one fold."""

    path: Path

    @property
    def checkpoint(self) -> Path:
        """Lightning checkpoint of the last finished epoch; gone when the fold is done."""
        return self.path / "last.ckpt"

    @property
    def weights(self) -> Path:
        """Weights after the last epoch; the metadata hold what `prepare` fitted."""
        return self.path / "weights.safetensors"

    @contextmanager
    def held(self) -> Generator[None]:
        """Hold the fold for writing. Raises RunError if another process does."""
        self.path.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.path / ".lock")
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            hint = "wait for it, or end that process"
            raise RunError(
                f"fold {self.path.name} of {self.path.parents[1]} is in another process", hint=hint
            ) from error
        try:
            for folder in (self.path, self.path / "scores"):
                remove_parts(folder)
            yield
        finally:
            lock.release()

    def status(self) -> dict[str, Any]:
        """`state` and, once done, everything that `record` was given."""
        try:
            found = read_object(self.path / "fold.json")
        except (OSError, ValueError):
            return {"state": "pending"}
        return found if found.get("state") in ("pending", "running", "done", "failed") else {"state": "pending"}

    def epochs_done(self) -> int:
        """Epochs behind the checkpoint, so that a bar begins where training does."""
        return int(self.status().get("epochs_done", 0)) if self.checkpoint.is_file() else 0

    def record(self, state: State, **facts: Any) -> None:
        """Write the state and facts of the fold; a running one stands on its checkpoint, so no disk is waited for."""
        text = json.dumps({"state": state, "at": time.time(), **facts}, indent=1)
        write_atomic(self.path / "fold.json", text, lasting=state in ("done", "failed"))

    def drop_damaged_checkpoint(self) -> str:
        """Remove a checkpoint that is cut off or fails its checksums, so that the fold begins anew; a note of it."""
        if not self.checkpoint.is_file():
            return ""
        try:
            with zipfile.ZipFile(self.checkpoint) as file:
                damaged = file.testzip()
        except (zipfile.BadZipFile, ValueError, EOFError) as error:
            damaged = str(error)
        if damaged is None:
            return ""
        self.checkpoint.unlink(missing_ok=True)
        return f"its checkpoint was damaged ({damaged}): trained anew from the first epoch"

    def drop_checkpoint(self) -> None:
        """Remove the checkpoint of a fold that is done, also where the process that finished it was killed before."""
        if self.status()["state"] == "done":
            self.checkpoint.unlink(missing_ok=True)

    def save_scores(self, epoch: int, windows: Mapping[str, Sequence[Window]]) -> None:
        """Keep raw scores of a 0-based epoch, by video key."""
        arrays: dict[str, NDArray[Any]] = {}
        for video, parts in windows.items():
            for window in parts:
                arrays |= {f"{video}|{window.start}|{name}": array for name, array in window.scores.items()}
        target = self.path / "scores" / f"{epoch:04d}.npz"
        with replacing(target) as part, part.open("wb") as file:
            np.savez_compressed(file, **arrays)  # pyright: ignore[reportArgumentType]

    def epochs(self) -> list[int]:
        """Epochs whose scores are kept."""
        return sorted(int(p.stem) for p in (self.path / "scores").glob("[0-9]*.npz") if p.stem.isdigit())

    def load_scores(self, epoch: int) -> dict[str, list[Window]]:
        """Raw scores of an epoch, by video key, windows in order of their start."""
        grouped: dict[str, dict[int, dict[str, NDArray[Any]]]] = {}
        file = self.path / "scores" / f"{epoch:04d}.npz"
        try:
            for key, array in load_arrays(file).items():
                video, start, name = key.rsplit("|", 2)
                grouped.setdefault(video, {}).setdefault(int(start), {})[name] = array
        except (OSError, ValueError) as error:
            hint = f"delete the folder {self.path} and give the same command again: this fold is then trained anew"
            raise RunError(f"{file} is damaged: {error}", hint=hint) from error
        return {v: [Window(start, parts[start]) for start in sorted(parts)] for v, parts in grouped.items()}

    @property
    def predictions(self) -> Path:
        """What was predicted of the left-out subject at the epoch that counts, as CSV."""
        return self.path / "predictions.csv"

    def save_spots(self, spots: Iterable[Spot]) -> None:
        """Write the chosen epoch's spots; 0-based frames, both ends included."""
        write_spots(self.predictions, spots)

    def save_answers(self, classes: Sequence[str], answers: Iterable[Answer]) -> None:
        """Write the chosen epoch's classes, one clip a row, see `write_answers`."""
        write_answers(self.predictions, classes, answers)

    def save_graphs(self, graphs: Iterable[Graph]) -> None:
        """Write weights between regions as JSON. Raises ValueError for a matrix that is not (n, n) finite numbers."""
        rows: list[dict[str, Any]] = []
        for graph in graphs:
            matrix, n = np.asarray(graph.matrix, dtype=np.float64), len(graph.names)
            if matrix.shape != (n, n) or not np.isfinite(matrix).all() or len(graph.places) not in (0, n):
                raise ValueError(f"{graph.title!r}: {matrix.shape} weights, {n} names, {len(graph.places)} places")
            weights = [[float(f"{w:.6g}") for w in row] for row in matrix.tolist()]
            rows.append({**asdict(graph), "matrix": weights})
        write_atomic(self.path / "graphs.json", json.dumps({"graphs": rows}, indent=1))

    def save_curves(self, decoded: Mapping[str, tuple[Spotting, Features]]) -> None:
        """Keep the score curves of the chosen epoch, to be drawn: `<video>/<kind>` and `<video>/frames`."""
        arrays: dict[str, NDArray[Any]] = {}
        for key, (spotting, features) in decoded.items():
            code = key.rsplit("/", 1)[1]
            arrays |= {f"{code}/{kind}": curve for kind, curve in spotting.curves.items()}
            arrays[f"{code}/frames"] = np.asarray(features.positions)
        with replacing(self.path / "curves.npz") as part, part.open("wb") as file:
            np.savez_compressed(file, **arrays)  # pyright: ignore[reportArgumentType]
