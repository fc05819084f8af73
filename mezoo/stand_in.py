"""Synthetic stand-ins: made once in a dataset's own layout, kept in the cache, shared by all runs that ask for them."""

import hashlib
import json
import shutil
from dataclasses import asdict
from pathlib import Path

from filelock import FileLock

from mezoo.contracts import SYNTHETIC_MARK, Dataset, StandIn
from mezoo.disk import told
from mezoo.errors import StoreError
from mezoo.progress import Progress
from mezoo.promises import asking
from mezoo.registry import plugins
from mezoo.source import UnreadableError, module_file

GENERATOR = "3"
"""Raise it when the renderer or a writer draws something else: stand-ins are then made anew."""


def stand_in_root(dataset: type[Dataset], name: str, spec: StandIn, cache: Path, progress: Progress) -> Path:
    """Folder of a dataset's stand-in; written now if it is not there yet. A half-written one never shows."""
    text = json.dumps([name, GENERATOR, asdict(spec), *_writer(dataset)], sort_keys=True)
    target = cache / "synthetic" / f"{name}-{spec.preset}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
    if (target / SYNTHETIC_MARK).is_file():
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        hint = "set MEZOO_CACHE to a folder of yours"
        raise StoreError(f"cannot write a stand-in to {target}: {error.strerror}", hint=hint) from error
    with FileLock(target.with_suffix(".lock")):
        if not (target / SYNTHETIC_MARK).is_file():
            progress.say(
                f"writing a synthetic stand-in of {name} ({spec.preset}, intensity {spec.intensity:g}) to {target}"
            )
            part = target.with_suffix(".part")
            shutil.rmtree(part, ignore_errors=True)
            try:
                with asking(dataset, "write_synthetic"):
                    dataset.write_synthetic(part, spec, progress.bar)
                shutil.rmtree(target, ignore_errors=True)
                part.rename(target)
            except OSError as error:
                hint = "free some space, or set MEZOO_CACHE to a folder of yours"
                raise StoreError(f"cannot write a stand-in: {told(error, part)}", hint=hint) from error
            finally:  # half of one is of no use, and may be what fills the disk
                shutil.rmtree(part, ignore_errors=True)
    return target


def _writer(dataset: type[Dataset]) -> list[str]:
    """Of a guest's dataset, a hash of its package's source: while its author works on the writer, none is stale."""
    ours = {p.module for p in plugins() if p.distribution == "mezoo"}
    if dataset.__module__ in ours:
        return []
    try:
        folder = module_file(dataset.__module__).parent
    except UnreadableError:
        return []
    digest = hashlib.sha256()
    for file in sorted(folder.glob("*.py")):
        digest.update(file.name.encode() + file.read_bytes())
    return [digest.hexdigest()]


def is_synthetic(root: Path) -> bool:
    """True if the folder, or one of the two above it, carries the mark of a stand-in."""
    return any((folder / SYNTHETIC_MARK).is_file() for folder in (root, *[*root.resolve().parents][:2]))
