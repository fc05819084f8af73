"""What a check looks at: a dataset, a feature or a model, with what it needs to be asked."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

from mezoo.contracts import Dataset, FeatureExtractor, StandIn
from mezoo.records import Example, Video
from mezoo.testing.outcome import NotMade

if TYPE_CHECKING:
    from mezoo.models import Model

SMALL = StandIn(subjects=3)
"""The stand-in that datasets are looked at on."""
SMALLEST = StandIn(subjects=2, videos=1)
"""The one that is written several times."""


def _new_folder() -> Path:
    return Path(mkdtemp(prefix="mezoo-check-"))


@dataclass(frozen=True, slots=True)
class DatasetCase:
    """A dataset's class; stand-ins are written below `folder`, once each. `options` go to its constructor.

    `own` is a folder of its own data, looked at where it writes no stand-in.
    """

    kind: type[Dataset]
    folder: Path = field(default_factory=_new_folder)
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    spec: StandIn = SMALL
    own: Path | None = None

    @property
    def writes(self) -> bool:
        """Whether the dataset has a `write_synthetic` of its own."""
        return next(k for k in self.kind.__mro__ if "write_synthetic" in vars(k)) is not Dataset

    def root(self, name: str = "once", spec: StandIn | None = None) -> Path:
        """A stand-in of this name, written now if it is not there yet. Raises NotMade where there is none."""
        if not self.writes:
            raise NotMade("it writes no stand-in (write_synthetic): --synthetic is not for it")
        where = self.folder / name
        if not where.exists():
            self.kind.write_synthetic(where, spec or self.spec)
        return where

    def open(self, root: Path | None = None) -> Dataset:
        """The dataset on any folder, else on a stand-in, else on its own data. Raises NotMade for neither."""
        made: Any = self.kind
        return made(root=root or (self.own if self.own and not self.writes else self.root()), **self.options)


@dataclass(frozen=True, slots=True)
class FeatureCase:
    """How to make an extractor, and videos (with annotation) that it can be asked with."""

    make: Callable[[], FeatureExtractor]
    videos: Sequence[Video]

    @property
    def video(self) -> Video:
        """The first one."""
        return self.videos[0]


@dataclass(frozen=True, slots=True)
class ModelCase:
    """How to make a model (not yet built), labelled examples of at least three subjects, and how it is trained.

    `make` sets `classes` of a recogniser. `trainer` goes to lightning.Trainer for the check that it learns, where
    `max_epochs` counts; `planted` puts a signal into the features of clips there, which any recogniser must find.
    """

    make: Callable[[], "Model"]
    examples: Sequence[Example]
    trainer: Mapping[str, Any] = field(default_factory=dict[str, Any])
    planted: bool = True
    kept: dict[str, Any] = field(default_factory=dict[str, Any], compare=False)
    """What one check trained, for the next."""
