"""A disk that is full or read-only: which one it is and how much is left, in a sentence."""

import errno
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from mezoo.errors import RunError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def is_of_disk(error: BaseException) -> bool:
    """Whether an error is the disk's, so that all that is written after it would meet the same."""
    return isinstance(error, OSError) and error.errno in {*_FULL, errno.EROFS}


def told(error: OSError, folder: Path) -> str:
    """What is wrong with which disk. An error without a file name is of `folder`, or of the temporary folder."""
    reason = error.strerror or str(error)
    places = [folder, Path(tempfile.gettempdir())]
    # Of a failed rename the second name is the one that could not be written.
    named = error.filename2 or error.filename
    if isinstance(named, str):
        places.insert(0, Path(named).parent)
    elif error.errno in _FULL:
        places.sort(key=left)
    return f"cannot write in {places[0]}: {reason}{room(error, places[0])}"


def room(error: OSError, folder: Path) -> str:
    """How much is left of the disk of a folder, to end a sentence with; "" where that is not what an error is about."""
    return f", {left(folder) / 2**20:.1f} MB are left there" if error.errno in _FULL else ""


def left(folder: Path) -> int:
    """Bytes that a user may still write in a folder, or where it would be made; 0 where nobody can tell."""
    for place in (folder, *folder.absolute().parents):
        try:
            return shutil.disk_usage(place).free
        except FileNotFoundError:
            continue
        except OSError:
            break
    return 0


@contextmanager
def watched(folder: Path) -> Generator[None]:
    """Raise RunError where a run in `folder` cannot go on for its disk; other errors pass."""
    try:
        yield
    except OSError as error:
        if not is_of_disk(error):
            raise
        hint = "free some space, or make it writable; the same command then continues where this one stopped"
        raise RunError(told(error, folder), hint=hint) from error
