"""Files written so that a reader sees the old one or the whole new one, also after a power cut; and read without
trusting what they are."""

import csv
import errno
import io
import json
import os
import stat
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

LARGEST = 256 << 20
"""Bytes of the largest file that is read whole: far above any table of numbers, far below a machine's memory."""


def read_plain(path: Path, most: int = LARGEST) -> bytes:
    """The bytes of a regular file, which a link may lead to.

    Raises OSError, also for a pipe or a device, which may never end, and for more than `most` bytes.
    """
    told = path.stat()
    if not stat.S_ISREG(told.st_mode):
        raise OSError(errno.EINVAL, "is no file that can be read whole", str(path))
    if told.st_size > most:
        raise OSError(errno.EFBIG, f"has {told.st_size >> 20} MB, more than {most >> 20} MB", str(path))
    return path.read_bytes()


def read_json(path: Path) -> Any:
    """JSON in UTF-8. Raises OSError as `read_plain`, and ValueError for all that is none, however deep."""
    try:
        return json.loads(read_plain(path).decode("utf-8"))
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def read_object(path: Path) -> dict[str, Any]:
    """A JSON object. Raises as `read_json`; ValueError for JSON of another kind."""
    found = read_json(path)
    if not isinstance(found, dict):
        raise ValueError(f"it holds a {type(found).__name__}, not an object")
    return found


def read_rows(path: Path) -> list[dict[str, str]]:
    """Rows of a CSV file of ours by column; "" for cells that are not there, none for cells without a column.

    Raises OSError as `read_plain`, ValueError for what is no CSV in UTF-8.
    """
    try:
        text = read_plain(path).decode("utf-8")
        rows = csv.DictReader(io.StringIO(text, newline=""), restval="")
        return [{k: v for k, v in row.items() if k is not None} for row in rows]  # pyright: ignore[reportUnnecessaryComparison]
    except csv.Error as error:
        raise ValueError(f"no CSV table: {error}") from error


def write_atomic(path: Path, text: str, *, lasting: bool = True) -> None:
    """Write a UTF-8 text file, atomically. Not `lasting`: a power cut may take it, and no disk is waited for."""
    with replacing(path, lasting=lasting) as part:
        part.write_text(text, encoding="utf-8")


@contextmanager
def replacing(path: Path, *, lasting: bool = True) -> Generator[Path]:
    """A file beside `path` to be written: it takes its place when the block ends, and is removed when that fails."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        yield part
        (put if lasting else os.replace)(part, path)
    except BaseException:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise


def put(part: Path, path: Path) -> None:
    """Rename a written file to `path`, once its bytes are on the disk itself: else a power cut can leave it empty."""
    with part.open("rb+") as file:
        os.fsync(file.fileno())
    part.replace(path)
    with suppress(OSError):  # Windows, and some network disks, know no sync of a folder
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def remove_parts(folder: Path) -> None:
    """Remove what killed processes left half-written in a folder, which is held for writing; hidden names are kept."""
    for part in (*folder.glob("[!.]*.part"), *folder.glob("[!.]*.part.npz")):
        part.unlink(missing_ok=True)


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]], *, lasting: bool = True) -> None:
    """A CSV file with a header row, atomically; `lasting` as in `write_atomic`."""
    with replacing(path, lasting=lasting) as part, part.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
