"""The folder of a run: what it was made of, one folder a fold, results. One process at a time may write it."""

import json
import shutil
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from mezoo.disk import room, watched
from mezoo.errors import RunError
from mezoo.files import read_object, remove_parts, write_atomic
from mezoo.fold_folder import FoldFolder

FINAL = "final"
"""Name of the model that is trained on all subjects, and of its folder."""


@dataclass(frozen=True, slots=True)
class RunFolder:
    """`runs/<recipe>-<digest>/`."""

    path: Path

    @property
    def result(self) -> Path:
        """`result.json`: there once every fold was tried."""
        return self.path / "result.json"

    @property
    def report(self) -> Path:
        """The page, written last: gone before a new result is written, there once its own page is."""
        return self.path / "report.html"

    def fold(self, name: str) -> FoldFolder:
        """The folder of one fold."""
        return FoldFolder(self.path / "folds" / name)

    @property
    def final(self) -> FoldFolder:
        """The folder of the model that is trained on all subjects."""
        return FoldFolder(self.path / FINAL)

    @contextmanager
    def opened(self, identity: Mapping[str, Any]) -> Generator[None]:
        """Hold the run for writing. Raises RunError if another process does, and for a full or read-only disk."""
        with self._locked(), watched(self.path):
            remove_parts(self.path)
            self.begin(identity)
            yield

    def begin(self, identity: Mapping[str, Any]) -> None:
        """Write what the run is made of, unless it is there. Raises RunError if the folder cannot be written."""
        if not (self.path / "run.json").is_file():
            try:
                write_atomic(self.path / "run.json", json.dumps(dict(identity), indent=1))
            except OSError as error:
                raise _unwritable(self.path, error) from error

    def told(self) -> dict[str, Any]:
        """What `begin` wrote. Raises RunError for a folder that is no run."""
        try:
            return read_object(self.path / "run.json")
        except (OSError, ValueError) as error:
            what = f"{self.path} is no run folder: it has no run.json that can be read"
            raise RunError(what, hint="mezoo fit makes one") from error

    def discard(self) -> None:
        """Remove everything that an earlier run left. Raises RunError if another process writes it, or a fold of it."""
        if not self.path.is_dir():
            return
        with self._locked(), ExitStack() as folds:
            for folder in (*self.path.glob("folds/*/"), *self.path.glob(FINAL)):
                folds.enter_context(FoldFolder(folder).held())
            shutil.rmtree(self.path)

    @contextmanager
    def _locked(self) -> Generator[None]:
        lock = FileLock(self.path / ".lock")
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            lock.acquire(timeout=0)
        except Timeout as error:
            hint = "wait for it, or give another --runs folder"
            raise RunError(f"{self.path} is being written by another mezoo", hint=hint) from error
        except OSError as error:
            raise _unwritable(self.path, error) from error
        try:
            yield
        finally:
            lock.release()

    def check(self, identity: Mapping[str, Any]) -> None:
        """Raise RunError if the run was begun with other data: a continued run must never mix two."""
        try:
            known = read_object(self.path / "run.json")
        except (OSError, ValueError):
            return
        if known.get("data") != identity["data"]:
            raise RunError(
                f"{self.path} was begun with other data: {known.get('counts')} then, {identity['counts']} now",
                hint="point root at the same data, or begin anew with --fresh",
            )


def _unwritable(path: Path, error: OSError) -> RunError:
    reason = error.strerror or str(error)
    return RunError(
        f"cannot write the run folder {path}: {reason}{room(error, path)}", hint="give another one with --runs"
    )
