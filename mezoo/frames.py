"""Frames of a folder of images, read when asked, in numeric order. An index grows with its gaps, not its frames."""

import os
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise
from pathlib import Path
from typing import overload

import numpy as np
from numpy.typing import NDArray

from mezoo.errors import DataError
from mezoo.files import read_plain

LITTER = {".ds_store", "thumbs.db", "desktop.ini"}
"""Files that operating systems leave behind; never a frame and never worth a word."""


@dataclass(frozen=True, slots=True)
class Run:
    """Consecutive files: numbers `first..last` (both included), each `prefix` + number padded to `width` + `suffix`."""

    first: int
    last: int
    prefix: str
    width: int
    suffix: str

    def __len__(self) -> int:
        return self.last - self.first + 1

    def name(self, number: int) -> str:
        """File name of a number of this run."""
        return f"{self.prefix}{number:0{self.width}d}{self.suffix}"


class FrameNumbers(Sequence[int]):
    """The published numbers of a folder's frames, ascending; kept as runs of consecutive ones."""

    def __init__(self, runs: Sequence[Run]) -> None:
        self.runs = tuple(runs)
        self._ends = [*accumulate(map(len, self.runs))]

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    @overload
    def __getitem__(self, index: int) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[int, ...]: ...
    def __getitem__(self, index: int | slice) -> int | tuple[int, ...]:
        """Number of frame `index`."""
        if isinstance(index, slice):
            return tuple(self[i] for i in range(*index.indices(len(self))))
        run, offset = self._find(index)
        return run.first + offset

    def __iter__(self) -> Iterator[int]:
        return (n for run in self.runs for n in range(run.first, run.last + 1))

    def name(self, index: int) -> str:
        """File name of frame `index`."""
        run, offset = self._find(index)
        return run.name(run.first + offset)

    def names(self) -> Iterator[str]:
        """Every file name, in order."""
        return (run.name(n) for run in self.runs for n in range(run.first, run.last + 1))

    @property
    def missing(self) -> int:
        """How many numbers are absent between the first and the last."""
        return self[-1] - self[0] + 1 - len(self) if len(self) else 0

    @property
    def first_missing(self) -> int | None:
        """The first absent number between the first and the last."""
        return next((a.last + 1 for a, b in pairwise(self.runs) if b.first > a.last + 1), None)

    def _find(self, index: int) -> tuple[Run, int]:
        if not -len(self) <= index < len(self):
            raise IndexError(f"frame {index} of {len(self)}")
        index %= len(self)
        at = bisect_right(self._ends, index)
        return self.runs[at], index - (self._ends[at - 1] if at else 0)


@dataclass(frozen=True, slots=True)
class Listing:
    """What lies in a folder: frames, files not named like one (litter apart), how many numbers came twice."""

    numbers: FrameNumbers
    strays: tuple[str, ...] = ()
    doubled: int = 0


@dataclass(frozen=True)
class ImageFolder:
    """Images of `folder` whose whole name matches `pattern`, sorted by its group `n` (a number, not text).

    The folder is listed once, when first asked; `listing` never raises for a folder without frames, everything else
    does (DataError), as for a frame that cannot be decoded. A number with two files is read from the commoner padding.
    """

    folder: Path
    pattern: str = r"[^.]*?(?P<n>\d+)\.(?:jpg|jpeg|png|bmp)"

    @cached_property
    def listing(self) -> Listing:
        """Frames and strays of the folder, by their names alone: no file is opened or asked for its size."""
        try:
            names = os.listdir(self.folder)
        except OSError as error:
            hint = "check the disk and the permissions"
            raise DataError(f"cannot list {self.folder}: {error.strerror}", hint=hint) from error
        return list_names(names, self.pattern)

    @property
    def numbers(self) -> FrameNumbers:
        """Published numbers of the frames; raises DataError if there is none."""
        if not len(self.listing.numbers):
            raise DataError(
                f"{self.folder} holds no frame named like {self.pattern}",
                hint="unpack the images into this folder again, or leave the video out",
            )
        return self.listing.numbers

    def __len__(self) -> int:
        return len(self.numbers)

    def number(self, index: int) -> int:
        """Number in the name of frame `index`."""
        return self.numbers[index]

    def files(self) -> tuple[Path, ...]:
        """Every image, in order of its number."""
        return tuple(self.folder / name for name in self.numbers.names())

    def read(self, index: int, *, grey: bool = False) -> NDArray[np.uint8]:
        """Frame `index` (0-based), see `read_image`."""
        return read_image(self.folder / self.numbers.name(index), grey=grey)


def list_names(names: Iterable[str], pattern: str) -> Listing:
    """Sort file names into frames (whole name matches `pattern`, group `n` is the number) and strays."""
    matcher = re.compile(pattern, re.IGNORECASE)
    names = [name for name in names if name.casefold() not in LITTER]
    if run := _one_run(names, matcher):
        return Listing(FrameNumbers([run]))
    found: list[tuple[int, str, str, str]] = []
    strays: list[str] = []
    for name in names:
        match = matcher.fullmatch(name)
        if match:
            start, end = match.span("n")
            found.append((int(name[start:end]), name[:start], name[start:end], name[end:]))
        else:
            strays.append(name)
    found.sort()
    kept = _one_file_a_number(found)
    return Listing(FrameNumbers(_runs(kept)), tuple(sorted(strays)), len(found) - len(kept))


def _one_run(names: list[str], matcher: re.Pattern[str]) -> Run | None:
    """The run that a whole folder is, as nearly all are; None if it is not. Saves matching every name."""
    if len(names) < 2:
        return None
    ordered = sorted(names)
    ordered.sort(key=len)
    first, last = (matcher.fullmatch(ordered[end]) for end in (0, -1))
    if not first or not last:
        return None
    start, end = first.span("n")
    run = Run(int(first["n"]), int(last["n"]), first[0][:start], end - start, first[0][end:])
    if run.last - run.first + 1 != len(ordered):
        return None
    form = f"{run.prefix.replace('%', '%%')}%0{run.width}d{run.suffix.replace('%', '%%')}"
    return run if [*map(form.__mod__, range(run.first, run.last + 1))] == ordered else None


def _one_file_a_number(found: list[tuple[int, str, str, str]]) -> list[tuple[int, str, str, str]]:
    if all(a[0] != b[0] for a, b in pairwise(found)):
        return found
    styles = Counter((prefix, len(digits), suffix) for _, prefix, digits, suffix in found)
    best: dict[int, tuple[int, str, str, str]] = {}
    for item in sorted(found, key=lambda f: -styles[f[1], len(f[2]), f[3]]):
        best.setdefault(item[0], item)
    return sorted(best.values())


def _runs(found: list[tuple[int, str, str, str]]) -> list[Run]:
    runs: list[Run] = []
    first = last = width = -1
    prefix = suffix = ""
    for number, head, digits, tail in found:
        size = len(digits)
        fits = size == width or (size > width and digits[0] != "0")
        if number == last + 1 and fits and head == prefix and tail == suffix:
            last = number
            continue
        if last >= 0:
            runs.append(Run(first, last, prefix, width, suffix))
        # Only a leading zero tells the padding; without one it is at most the number's own length.
        first = last = number
        prefix, width, suffix = head, size, tail
    if last >= 0:
        runs.append(Run(first, last, prefix, width, suffix))
    return runs


def read_image(path: Path, *, grey: bool = False) -> NDArray[np.uint8]:
    """Decode an image file: (height, width) uint8 if grey, else (height, width, 3) uint8 RGB.

    Raises DataError for a file that is missing, empty, truncated or no image.
    """
    import cv2

    try:
        raw = read_plain(path)
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}", hint="check the disk and the permissions") from error
    cut = path.suffix.lower() in {".jpg", ".jpeg"} and b"\xff\xd9" not in raw[-64:]
    flag = cv2.IMREAD_GRAYSCALE if grey else cv2.IMREAD_COLOR_RGB
    try:
        image = None if cut or not raw else cv2.imdecode(np.frombuffer(raw, dtype=np.uint8), flag)
    except cv2.error:  # a header that says more pixels than `mezoo` lets OpenCV make room for
        image = None
    if image is None:
        size = f"{len(raw)} bytes"
        raise DataError(
            f"{path} is truncated or not an image ({size})",
            hint="copy this file from the owner's archive again; nothing that was finished is lost",
        )
    return np.asarray(image, dtype=np.uint8)
