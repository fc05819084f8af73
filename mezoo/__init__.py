"""mezoo: methods, datasets and features for micro-expressions. These names are all that a plugin needs."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mezoo import intervals as intervals
    from mezoo import synthetic as synthetic
    from mezoo import tables as tables
    from mezoo.contracts import Bars as Bars
    from mezoo.contracts import Dataset as Dataset
    from mezoo.contracts import DatasetInfo as DatasetInfo
    from mezoo.contracts import Excluded as Excluded
    from mezoo.contracts import FeatureExtractor as FeatureExtractor
    from mezoo.contracts import StandIn as StandIn
    from mezoo.contracts import Verification as Verification
    from mezoo.contracts import no_bars as no_bars
    from mezoo.errors import DataError as DataError
    from mezoo.frames import ImageFolder as ImageFolder
    from mezoo.models import Batch as Batch
    from mezoo.models import Recognizer as Recognizer
    from mezoo.models import Spotter as Spotter
    from mezoo.records import Example as Example
    from mezoo.records import Expression as Expression
    from mezoo.records import Features as Features
    from mezoo.records import Sample as Sample
    from mezoo.records import Spot as Spot
    from mezoo.records import Spotting as Spotting
    from mezoo.records import Video as Video
    from mezoo.records import Window as Window

_HOMES = {
    "mezoo.contracts": (
        "Bars",
        "Dataset",
        "DatasetInfo",
        "Excluded",
        "FeatureExtractor",
        "StandIn",
        "Verification",
        "no_bars",
    ),
    "mezoo.errors": ("DataError",),
    "mezoo.frames": ("ImageFolder",),
    "mezoo.models": ("Batch", "Recognizer", "Spotter"),
    "mezoo.records": ("Example", "Expression", "Features", "Sample", "Spot", "Spotting", "Video", "Window"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__version__ = "0.1.0"
__all__ = [
    "Bars",
    "Batch",
    "DataError",
    "Dataset",
    "DatasetInfo",
    "Example",
    "Excluded",
    "Expression",
    "FeatureExtractor",
    "Features",
    "ImageFolder",
    "Recognizer",
    "Sample",
    "Spot",
    "Spotter",
    "Spotting",
    "StandIn",
    "Verification",
    "Video",
    "Window",
    "intervals",
    "no_bars",
    "synthetic",
    "tables",
]


_TOOLBOXES = ("intervals", "synthetic", "tables")
"""Modules of helpers for plugins: interval arithmetic and NMS, the face renderer, tolerant annotation tables."""


def __getattr__(name: str) -> Any:
    if name in _TOOLBOXES:
        return import_module(f"mezoo.{name}")
    if name not in _HOME_OF:
        raise AttributeError(f"module 'mezoo' has no attribute {name!r}; it offers {', '.join(__all__)}")
    return getattr(import_module(_HOME_OF[name]), name)
