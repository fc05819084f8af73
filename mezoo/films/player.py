"""Which readers a process keeps open: few, one at work at a time, none while it forks."""

import os
from pathlib import Path
from threading import Lock

from mezoo.errors import DataError
from mezoo.films.index import FilmIndex
from mezoo.films.readers import Image, Reader, decord_errors, open_reader

OPEN_FILMS = 4
"""Films that a process keeps open; a data set holds thousands."""


class Player:
    """The reader of one film, opened when first asked.

    A process has one lock for all players and at most `OPEN_FILMS` readers, the latest; none is open while it forks.
    """

    def __init__(self, path: Path, index: FilmIndex, *, alone: bool = False) -> None:
        self.path, self.index, self.alone = path, index, alone
        self.reader: Reader | None = None

    @property
    def name(self) -> str:
        """The library in use."""
        with _LOCK:
            return self._open().name

    def read(self, index: int) -> Image:
        """Frame `index` (0 to frames - 1): (height, width, 3) uint8 RGB. Raises DataError if it cannot be decoded."""
        with _LOCK:
            image = None if index in self.index.lost else self._read(index)
        if image is None:
            raise DataError(
                f"frame {index} of {self.path} cannot be decoded, though it is in the file",
                hint="copy the film from the owner's archive again, or leave this part of it out",
            )
        return image

    def close(self) -> None:
        """Close the reader; the next reading opens one again. Not locked."""
        if self.reader is not None:
            self.reader.close()
            self.reader = None
            _OPEN.remove(self)

    def _read(self, index: int) -> Image | None:
        try:
            return self._open().read(index)
        except decord_errors():
            if self.alone:
                raise
            self.alone = True
            self.close()
            return self._open().read(index)

    def _open(self) -> Reader:
        if self.reader is None:
            for oldest in _OPEN[: max(0, len(_OPEN) - OPEN_FILMS + 1)]:
                oldest.close()
            self.reader = open_reader(self.path, self.index, alone=self.alone)
            _OPEN.append(self)
        return self.reader


_LOCK = Lock()
_OPEN: list[Player] = []


def _before_fork() -> None:
    """A child would share the position in the file and inherit decoder threads that do not run in it."""
    _LOCK.acquire()
    for player in [*_OPEN]:
        player.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_LOCK.release, after_in_child=_LOCK.release)
