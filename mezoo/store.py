"""Features on disk: content-addressed, written atomically, shared between recipes and processes.

One safetensors file a video and a JSON sidecar beside it, written last: an entry without sidecar does not exist.
"""

import hashlib
import json
import os
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from filelock import FileLock

from mezoo.contracts import FeatureExtractor
from mezoo.disk import room
from mezoo.errors import StoreError
from mezoo.files import put, read_object, write_atomic
from mezoo.promises import asking, check_stream, checked_blocks
from mezoo.records import Features, FeatureStream, Video
from mezoo.tensor_file import read_mapped, write_blocks

FORMAT = 1


def default_root() -> Path:
    """$MEZOO_CACHE, else the user's cache folder."""
    if given := os.environ.get("MEZOO_CACHE"):
        return Path(given)
    from platformdirs import user_cache_path

    return user_cache_path("mezoo")


def recipe_of(extractor: FeatureExtractor, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """What decides an extractor's numbers besides the video: name, version, arguments, library versions."""
    return {
        "extractor": name,
        "version": extractor.version,
        "arguments": json.loads(json.dumps(dict(sorted(arguments.items())), default=str)),
        "environment": dict(extractor.environment()),
    }


def fingerprint(files: tuple[Path, ...]) -> str:
    """Hash over name, size and modification time (ns) of files, in order."""
    digest = hashlib.sha256()
    for file in files:
        stat = file.stat()
        digest.update(f"{file.name}\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def key_of(video: Video, extractor: FeatureExtractor, made: Mapping[str, Any]) -> dict[str, Any]:
    """Everything that addresses one entry, as JSON."""
    return {
        "format": FORMAT,
        "dataset": video.dataset,
        "subject": video.subject,
        "video": video.code,
        "fps": video.fps,
        "frames": fingerprint(video.frames.files()),
        "cut": None if video.cut is None else [*video.cut.indices],
        "sources": fingerprint(extractor.sources(video)),
        **made,
    }


@dataclass(frozen=True, slots=True)
class Entry:
    """One stored feature as its sidecar tells."""

    path: Path
    key: Mapping[str, Any]
    size: int
    created: float
    used: float


class FeatureStore:
    """Features of videos under a folder; computes what is missing, once, whoever asks first."""

    def __init__(self, root: Path) -> None:
        self.root = root / "features"

    def path(self, key: Mapping[str, Any]) -> Path:
        """Where the entry of a key lies, whether it exists or not."""
        text = json.dumps(key, sort_keys=True, default=list)
        name = f"{key['video']}-{hashlib.sha256(text.encode()).hexdigest()[:16]}.safetensors"
        return self.root / str(key["extractor"]) / str(key["dataset"]) / name

    def load(self, key: Mapping[str, Any], verify: bool = True) -> Features | None:
        """The stored features, or None. A damaged entry counts as missing; without `verify` it is not looked for."""
        path = self.path(key)
        sidecar = _read_sidecar(path)
        if sidecar is None or not (self.has(key) if verify else path.is_file()):
            return None
        try:
            values, positions = read_mapped(path)
        except (OSError, ValueError):
            return None
        os.utime(path)
        return Features(values, positions, sidecar["n_frames"], sidecar["fps"], sidecar["facts"])

    def get(self, video: Video, extractor: FeatureExtractor, made: Mapping[str, Any], verify: bool = True) -> Features:
        """Features of a video: from disk, else made first. Raises StoreError if they cannot be written or read back."""
        if (stored := self.load(key_of(video, extractor, made), verify)) is not None:
            return stored
        key = self.ensure(video, extractor, made)
        stored = self.load(key)
        if stored is None:
            hint = f"check the disk of {self.root}, or set MEZOO_CACHE to another folder"
            raise StoreError(f"{self.path(key)} was written and cannot be read back", hint=hint)
        return stored

    def ensure(self, video: Video, extractor: FeatureExtractor, made: Mapping[str, Any]) -> dict[str, Any]:
        """Make the features of a video unless they are on disk, block by block under a lock; returns their key."""
        key = key_of(video, extractor, made)
        if self.has(key):
            return key
        path = self.path(key)
        with self._writing(), FileLock(self._prepared(path).with_suffix(".lock")):
            if not self.has(key):
                with asking(extractor, "__call__"):
                    stream = check_stream(extractor, extractor.stream(video.unlabelled()))
                    self._write(path, key, replace(stream, blocks=checked_blocks(extractor, stream)))
        return key

    def listed(self, key: Mapping[str, Any]) -> bool:
        """Whether there is an entry of this key; unlike `has`, it is not read to see if it is damaged."""
        path = self.path(key)
        return path.is_file() and _read_sidecar(path) is not None

    def has(self, key: Mapping[str, Any]) -> bool:
        """Whether an undamaged entry of this key is on disk."""
        path = self.path(key)
        sidecar = _read_sidecar(path)
        return sidecar is not None and path.is_file() and _checksum(path) == sidecar["sha256"]

    def _prepared(self, path: Path) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    @contextmanager
    def _writing(self) -> Generator[None]:
        """Turn a failure of the disk under the store into a StoreError; others pass."""
        try:
            yield
        except OSError as error:
            if not str(error.filename or self.root).startswith(str(self.root.parent)):
                raise
            reason = error.strerror or str(error)
            hint = "free some space, or set MEZOO_CACHE to a folder of yours"
            what = f"cannot write the feature store {self.root}: {reason}{room(error, self.root)}"
            raise StoreError(what, hint=hint) from error

    def _write(self, path: Path, key: Mapping[str, Any], stream: FeatureStream) -> None:
        for left in path.parent.glob(f"{path.stem}.*.part"):  # of a process that was killed: the lock is ours now
            left.unlink(missing_ok=True)
        part = path.with_suffix(f".{os.getpid()}.part")
        try:
            shape, dtype = write_blocks(part, stream.blocks)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        sidecar = {
            "key": dict(key),
            "sha256": _checksum(part),
            "n_frames": stream.n_frames,
            "fps": stream.fps,
            "facts": dict(stream.facts),
            "shape": shape,
            "dtype": dtype,
            "created": time.time(),
        }
        put(part, path)
        write_atomic(path.with_suffix(".json"), json.dumps(sidecar, indent=1, default=str))

    def entries(self) -> Iterator[Entry]:
        """Every complete entry, by path."""
        for path in sorted(self.root.glob("*/*/*.safetensors")):
            if sidecar := _read_sidecar(path):
                try:
                    stat = path.stat()
                except OSError:  # removed meanwhile, or a link that leads nowhere
                    continue
                yield Entry(path, sidecar["key"], stat.st_size, sidecar["created"], stat.st_mtime)

    def sound(self, entry: Entry) -> bool:
        """Whether an entry holds the bytes that were written; reads it once."""
        sidecar = _read_sidecar(entry.path)
        try:
            return sidecar is not None and _checksum(entry.path) == sidecar["sha256"]
        except OSError:
            return False

    def leftovers(self) -> list[Path]:
        """Files that belong to no entry: of processes that were ended, or with a damaged sidecar."""
        files = [path for path in sorted(self.root.glob("*/*/*")) if path.suffix != ".lock"]
        whole = {entry.path.stem for entry in self.entries()}
        return [path for path in files if path.stem not in whole]

    def explain(self, key: Mapping[str, Any]) -> str:
        """'stored', or why an entry is missing: which parts of the key differ from the nearest one of this video."""
        if self.load(key) is not None:
            return "stored"
        same = [e for e in self.entries() if all(e.key[k] == key[k] for k in ("extractor", "dataset", "video"))]
        if not same:
            return "never extracted"
        json_key = json.loads(json.dumps(key, default=list))
        nearest = min((_differing(e.key, json_key) for e in same), key=len)
        return f"differs from what is stored in: {', '.join(nearest)}" if nearest else "damaged on disk"

    def prune(self, older_than: float | None = None) -> tuple[int, int]:
        """Remove entries not used for `older_than` seconds (None: all). Entries removed, bytes freed."""
        removed = freed = 0
        for path in sorted(self.root.glob("*/*/*")):
            idle = time.time() - path.stat().st_mtime
            whole = path.with_suffix(".safetensors")
            last_use = time.time() - whole.stat().st_mtime if whole.is_file() else idle
            if older_than is None or min(last_use, idle) > older_than:
                removed, freed = removed + (path.suffix == ".safetensors"), freed + path.stat().st_size
                path.unlink(missing_ok=True)
        return removed, freed


def _read_sidecar(path: Path) -> dict[str, Any] | None:
    """What was written beside an entry; None where it is missing or not of the form that `_write` gives it."""
    kinds = {"key": dict, "sha256": str, "n_frames": int, "fps": int | float, "facts": dict, "created": int | float}
    try:
        found = read_object(path.with_suffix(".json"))
    except (OSError, ValueError):
        return None
    key = found.get("key")
    whole = all(isinstance(found.get(name), kind) for name, kind in kinds.items())
    return found if whole and isinstance(key, dict) and {"extractor", "dataset", "video"} <= {*key} else None


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _differing(stored: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    return [k for k in wanted if stored.get(k) != wanted[k]]
