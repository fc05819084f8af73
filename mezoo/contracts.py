"""What a plugin for data or features promises. The model's side, which needs torch, is `mezoo.models`."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal, Protocol

from mezoo.errors import DataError
from mezoo.promises import whole_stream
from mezoo.records import Features, FeatureStream, Video

SYNTHETIC_MARK = "SYNTHETIC.json"
"""A file of this name at the root of a data folder says that everything in it was generated."""


@dataclass(frozen=True, slots=True)
class DatasetInfo:
    """What a person must know to get a dataset and to cite it; `class_maps` are the tasks that papers set on it.

    `family`: releases that show the same people under the same subject numbers share one; "" is the dataset's name.
    """

    title: str
    paper: str
    owner: str
    access: str
    layout: str
    fps: float
    emotions: tuple[str, ...] = ()
    class_maps: tuple[str, ...] = ()
    family: str = ""


@dataclass(frozen=True, slots=True)
class Excluded:
    """A row or folder that is not used as it stands, and why; `action` is what was done (clipped, dropped, kept)."""

    what: str
    reason: str
    action: str


@dataclass(frozen=True, slots=True)
class Verification:
    """Counts by name (subjects, videos, frames, micro, macro ...), exclusions, and problems that need the user.

    `classes` has, for every class map of the dataset, the number of expressions in each class.
    """

    expected: Mapping[str, int]
    found: Mapping[str, int]
    excluded: tuple[Excluded, ...] = ()
    problems: tuple[str, ...] = ()
    classes: Mapping[str, Mapping[str, int]] = field(default_factory=dict[str, dict[str, int]])

    @property
    def complete(self) -> bool:
        """Every expected count is met and there is no problem."""
        return not self.problems and all(self.found.get(k) == n for k, n in self.expected.items())


@dataclass(frozen=True, slots=True)
class StandIn:
    """Size and difficulty of a synthetic stand-in; `intensity` scales every expression (0: no movement at all).

    `dirty` plants the defects that real releases have. `frames`: "rendered", "empty" (files of no bytes, for what
    reads names only) or "none" (tables alone).
    """

    preset: str = "small"
    subjects: int | None = None
    videos: int | None = None
    seconds: float | None = None
    intensity: float = 1.0
    seed: int = 0
    dirty: bool = False
    frames: Literal["rendered", "empty", "none"] = "rendered"


class Bar(Protocol):
    """One counted piece of work."""

    def advance(self, text: str = "") -> None:
        """One step is done; `text` says what it was."""
        ...


Bars = Callable[[str, int], AbstractContextManager[Bar]]
"""Opens a progress bar from a title and a number of steps."""


class _Silent:
    def advance(self, text: str = "") -> None:
        del text


def no_bars(title: str, total: int) -> AbstractContextManager[Bar]:
    """Bars that show nothing."""
    del title, total
    return nullcontext(_Silent())


class Dataset(ABC):
    """Videos and their annotation in the owner's own layout.

    The constructor's first argument is `root: Path`, the folder as unzipped; it reads nothing. Every method raises
    DataError with a next step when the folder, the table or a column is not there.
    """

    info: DatasetInfo
    """Of the class; an option that changes it (another camera) may set it on the object."""
    root: Path

    @abstractmethod
    def videos(self) -> Sequence[Video]:
        """Every usable video with its expressions, sorted; reads tables and folder listings, no image."""

    def verify(self) -> Verification:
        """Compare what is on disk with what the owner published; here, counts, and files that are not there."""
        videos = self.videos()
        lost = [f"{v.key}: {f} is not there" for v in videos for f in v.frames.files() if not f.is_file()]
        found = {"subjects": len({(v.dataset, v.subject) for v in videos}), "videos": len(videos)}
        return Verification({}, found, problems=tuple(lost))

    @classmethod
    def write_synthetic(cls, out: Path, spec: StandIn, bars: Bars = no_bars) -> None:
        """Write a synthetic stand-in into `out` in this layout, with `SYNTHETIC_MARK` at its root written last.

        `bars("films", n)` opens a progress bar; call `advance` on it after each of the n steps. Raises DataError where
        a dataset writes none: it is then used with its own data only.
        """
        del out, spec, bars
        what = f"{cls.info.title} writes no stand-in"
        raise DataError(what, hint="leave --synthetic out, and give its folder as dataset.root")


class FeatureExtractor(ABC):
    """Turns the frames of one video into an array. Never sees annotation: label-blind by contract.

    The first line of a subclass's docstring says what it makes, with shape, dtype and unit; `mezoo list` shows it.
    """

    version: ClassVar[str]
    """Raise it when the numbers change: the store recomputes."""

    @abstractmethod
    def __call__(self, video: Video) -> Features:
        """Features of one video (given without expressions)."""

    def stream(self, video: Video) -> FeatureStream:
        """The same in blocks, which are written as they come; one block unless a subclass makes smaller ones.

        Such a subclass writes `return self.stream(video).collect()` as its `__call__`.
        """
        return whole_stream(self, self(video))

    def sources(self, video: Video) -> tuple[Path, ...]:
        """Files read beside the frames (landmarks); their size and time are part of the store's key."""
        del video
        return ()

    def environment(self) -> Mapping[str, str]:
        """Versions of libraries that change the numbers; part of the store's key."""
        return {}
