"""The files of a claim: the same bytes every time they are packed, and read without trusting any of them."""

import hashlib
import io
import json
import os
import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mezoo.claims.reasons import Refused
from mezoo.errors import RunError
from mezoo.files import read_plain

MANIFEST = "claim.json"
FORMAT, VERSION = "mezoo claim", 1
TABLES: Mapping[str, tuple[str, ...]] = {
    "spotting": ("predictions.csv", "truth.csv", "videos.csv"),
    "recognition": ("predictions.csv", "clips.csv"),
}
TRUTH: Mapping[str, str] = {"spotting": "truth.csv", "recognition": "clips.csv"}
"""The table of each task that holds the owner's annotation."""
FACTS = ("result.json", "recipe.yaml", "environment.json", "run.json")
FOLD_FILES = ("fold.json", "predictions.csv")
MOST_MEMBERS, LARGEST, LARGEST_IN_ALL = 20_000, 64 << 20, 256 << 20
"""Members, bytes of one, bytes of all, unpacked: far above any real claim, far below what would harm."""
_PLAIN = re.compile(r"[^/\\:\x00-\x1f]+")
_FIXED = {*FACTS, *(name for names in TABLES.values() for name in names), MANIFEST}
Members = dict[str, bytes]
"""Contents by name, as they stand in a run folder."""


def allowed(name: str) -> bool:
    """Whether a claim may have a member of that name: no other folder, no way out of the claim."""
    if name in _FIXED:
        return True
    top, _, rest = name.partition("/")
    fold, _, file = rest.rpartition("/")
    return top == "folds" and file in FOLD_FILES and bool(_PLAIN.fullmatch(fold)) and fold not in {".", ".."}


def read_folder(path: Path) -> Members:
    """Everything of a run folder that a claim may hold; frames, features, weights and raw scores are not read."""
    found = [p for p in (*path.glob("*"), *path.glob("folds/*/*")) if p.is_file()]
    names = {p.relative_to(path).as_posix(): p for p in found}
    return {name: read_plain(names[name]) for name in sorted(names) if allowed(name) and name != MANIFEST}


def read_zip(path: Path) -> Members:
    """The members of a claim, in memory. Raises RunError for a file that is no claim, Refused for an unsafe one."""
    hint = "give the file that mezoo submit wrote"
    try:
        with zipfile.ZipFile(io.BytesIO(read_plain(path, LARGEST_IN_ALL))) as file:
            if MANIFEST not in file.namelist():
                raise RunError(f"{path} is not a claim: it holds no {MANIFEST}", hint=hint)
            _check_names(file.infolist())
            return dict(_contents(file))
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror or error}", hint=hint) from error
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise RunError(f"{path} is not a claim: {error}", hint=hint) from error


def _check_names(members: list[zipfile.ZipInfo]) -> None:
    if len(members) > MOST_MEMBERS:
        raise Refused("archive", f"{len(members)} members, more than {MOST_MEMBERS}")
    seen: set[str] = set()
    for info in members:
        if not allowed(info.filename):
            raise Refused("archive", f"a claim has no member {info.filename!r}")
        if info.filename.lower() in seen:
            raise Refused("archive", f"two members are named {info.filename!r}")
        seen.add(info.filename.lower())


def _contents(file: zipfile.ZipFile) -> Iterator[tuple[str, bytes]]:
    """Members one by one; what a header says of sizes is not believed."""
    room = LARGEST_IN_ALL
    for info in file.infolist():
        try:
            with file.open(info) as member:
                data = member.read(min(LARGEST, room) + 1)
        except Exception as error:  # encrypted, cut off, an unknown method: zlib, lzma and zipfile each have their own
            raise Refused("archive", f"{info.filename} cannot be unpacked: {error}") from error
        if len(data) > min(LARGEST, room):
            raise Refused("archive", f"{info.filename} unpacks to more than a claim may hold")
        room -= len(data)
        yield info.filename, data


def write_zip(path: Path, members: Mapping[str, bytes]) -> None:
    """A zip of members, atomically; equal members give equal bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    with zipfile.ZipFile(part, "w") as file:
        for name in sorted(members, key=lambda n: (n != MANIFEST, n)):
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.external_attr = 0o644 << 16
            file.writestr(info, members[name], zipfile.ZIP_DEFLATED)
    part.replace(path)


def sha256(data: bytes) -> str:
    """Hex digest."""
    return hashlib.sha256(data).hexdigest()


def load_json(name: str, data: bytes) -> Any:
    """JSON of a member. Raises Refused for anything else, a key that is given twice included."""
    try:
        return json.loads(data.decode("utf-8"), object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise Refused("form", f"{name} is not JSON: {error}") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key is given twice")
    return found
