"""Video files as frames: counted in the order they are shown, read exactly at any index, in little memory."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mezoo.errors import DataError
from mezoo.films.index import FilmIndex, scan
from mezoo.films.opening import count_sound
from mezoo.films.player import Player


@dataclass(frozen=True)
class VideoFile:
    """Frames of a film (avi, mp4, mkv, mov ...), in the order and the orientation in which they are shown.

    The film is indexed once, when first asked; reading forward decodes each frame once, another order costs a jump
    to the key frame before. A few decoders are kept open in a process; none goes into a pickle or through a fork.
    Frames lost at the end of a damaged film are not counted; a lost one inside keeps its number and cannot be read.
    Not every kind of file tells that its end is missing: avi, mp4, mov and mkv do, a transport stream does not.
    `decoder`: "auto" is decord where it is installed and reads this film as PyAV does, else PyAV.
    Raises DataError, at first use, for a file that is missing, empty or no film.
    """

    path: Path
    decoder: Literal["auto", "pyav"] = "auto"

    def __len__(self) -> int:
        return len(self._index)

    def read(self, index: int, *, grey: bool = False) -> NDArray[np.uint8]:
        """Frame `index` (0-based): (height, width) uint8 if grey, else (height, width, 3) uint8 RGB.

        Grey is 0.299 R + 0.587 G + 0.114 B. Raises DataError for a frame that cannot be decoded, IndexError outside
        the film.
        """
        image = self._player.read(self._within(index))
        if not grey:
            return image
        import cv2

        return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), dtype=np.uint8)

    def number(self, index: int) -> int:
        """Films number their frames from 1: `index` + 1."""
        return self._within(index) + 1

    def files(self) -> tuple[Path, ...]:
        """The film itself."""
        return (self.path,)

    @property
    def fps(self) -> float:
        """Frames per second: as the film states it where its frames agree, else their average."""
        return self._index.fps

    def times(self) -> NDArray[np.float64]:
        """When each frame is shown: (frames,) float64 seconds after the first one, increasing."""
        return self._index.times()

    @property
    def damage(self) -> str:
        """What is known to be wrong with the film, "" if nothing; `check` looks at every frame."""
        return self._index.damage

    @property
    def reader(self) -> str:
        """The library that decodes this film: "decord" or "pyav"."""
        return self._player.name

    def check(self) -> None:
        """Decode the whole film once, strictly: raises DataError for a film cut short and for errors in its data.

        Reading is not that strict: many decoders paint over errors, and then the frame counts as one.
        """
        if self.damage:
            raise self._damaged(self.damage)
        n, sound = len(self), count_sound(self.path)
        if sound < n:
            raise self._damaged(f"{n - sound} of its {n} frames have errors in their data")

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_player"}

    @cached_property
    def _index(self) -> FilmIndex:
        return scan(self.path)

    @cached_property
    def _player(self) -> Player:
        return Player(self.path, self._index, alone=self.decoder == "pyav")

    def _within(self, index: int) -> int:
        n = len(self)
        if -n <= index < n:
            return index % n
        if self.damage and index >= n:
            raise self._damaged(self.damage, f"frame {index}: ")
        raise IndexError(f"frame {index} of {n}")

    def _damaged(self, damage: str, where: str = "") -> DataError:
        return DataError(
            f"{where}{self.path} is damaged: {damage}",
            hint=f"copy it from the owner's archive again; {len(self)} frames of it can be used as it is",
        )
