"""One writer a fold, also when the node of the one before was given up as dead and is only out of reach.

The lock of a fold keeps processes of one machine apart, and those of several where the shared disk locks for all. Where
it does not, or forgets a lock with its holder's connection, a name in `.writer` does: who comes writes its own, and who
no longer reads its own ends itself at once.
"""

import os
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from uuid import uuid4

from mezoo.errors import RunError
from mezoo.files import write_atomic
from mezoo.fold_folder import FoldFolder

WATCH_S = 1.0
"""How often a writer reads whether it still is the one."""
GRACE_S = 5.0
"""How long who comes waits for who was there to have read it."""
LOCK_S = 120.0
"""How long it waits for a lock: servers of network disks forget those of a lost machine after some 90 s."""


@contextmanager
def sole_writer(folder: FoldFolder) -> Generator[None]:
    """Be the one process that writes a fold; this process ends with code 1 when another becomes it.

    Raises RunError if the fold's lock stays held.
    """
    mark, own = folder.path / ".writer", uuid4().hex
    another = mark.is_file()
    write_atomic(mark, own)
    if another:
        time.sleep(GRACE_S)
    over = Event()
    watch = Thread(target=_watch, args=(mark, own, over), daemon=True)
    watch.start()
    try:
        _await_lock(folder)
        yield
    finally:
        over.set()
        watch.join()
        if _read(mark) == own:
            mark.unlink(missing_ok=True)


def _watch(mark: Path, own: str, over: Event) -> None:
    while not over.wait(WATCH_S):
        if _read(mark) not in (own, None):
            os._exit(1)  # nothing may be written from here on, not even by what tidies up


def _read(mark: Path) -> str | None:
    """The name of the writer, "" if there is none, None if the disk does not answer now."""
    try:
        return mark.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except OSError:
        return None


def _await_lock(folder: FoldFolder) -> None:
    end = time.monotonic() + LOCK_S
    while True:
        try:
            with folder.held():
                return
        except RunError:
            if time.monotonic() > end:
                raise
        time.sleep(0.2)
