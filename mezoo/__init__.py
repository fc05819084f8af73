"""mezoo: methods, datasets and features for micro-expressions. Plugins need these names and no others."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mezoo import datasets as datasets
    from mezoo import intervals as intervals
    from mezoo import outline as outline
    from mezoo import sampling as sampling
    from mezoo import synthetic as synthetic
    from mezoo import tables as tables
    from mezoo.contracts import Dataset as Dataset
    from mezoo.contracts import FeatureExtractor as FeatureExtractor
    from mezoo.errors import DataError as DataError
    from mezoo.films import VideoFile as VideoFile
    from mezoo.frames import ImageFolder as ImageFolder
    from mezoo.models import Batch as Batch
    from mezoo.models import Recognizer as Recognizer
    from mezoo.models import SampleTable as SampleTable
    from mezoo.models import Spotter as Spotter
    from mezoo.predictor import load_model as load_model
    from mezoo.records import Example as Example
    from mezoo.records import Expression as Expression
    from mezoo.records import Features as Features
    from mezoo.records import FeatureStream as FeatureStream
    from mezoo.records import Graph as Graph
    from mezoo.records import Sample as Sample
    from mezoo.records import Spot as Spot
    from mezoo.records import Spotting as Spotting
    from mezoo.records import Video as Video
    from mezoo.records import Window as Window

_HOMES = {
    "mezoo.contracts": ("Dataset", "FeatureExtractor"),
    "mezoo.errors": ("DataError",),
    "mezoo.films": ("VideoFile",),
    "mezoo.frames": ("ImageFolder",),
    "mezoo.models": ("Batch", "Recognizer", "SampleTable", "Spotter"),
    "mezoo.predictor": ("load_model",),
    "mezoo.records": (
        "Example",
        "Expression",
        "Features",
        "FeatureStream",
        "Graph",
        "Sample",
        "Spot",
        "Spotting",
        "Video",
        "Window",
    ),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}
_TOOLBOXES = ("datasets", "intervals", "outline", "sampling", "synthetic", "tables")
"""Modules of helpers for plugins: discovery and annotation; interval arithmetic; a face to draw on; which frames to
take; the renderer; tolerant tables."""

__version__ = "0.1.0"
__all__ = [
    "Batch",
    "DataError",
    "Dataset",
    "Example",
    "Expression",
    "FeatureExtractor",
    "FeatureStream",
    "Features",
    "Graph",
    "ImageFolder",
    "Recognizer",
    "Sample",
    "SampleTable",
    "Spot",
    "Spotter",
    "Spotting",
    "Video",
    "VideoFile",
    "Window",
    "datasets",
    "intervals",
    "load_model",
    "outline",
    "sampling",
    "synthetic",
    "tables",
]


def __getattr__(name: str) -> Any:
    if name in _TOOLBOXES:
        return import_module(f"mezoo.{name}")
    if name not in _HOME_OF:
        raise AttributeError(f"module 'mezoo' has no attribute {name!r}; it offers {', '.join(__all__)}")
    return getattr(import_module(_HOME_OF[name]), name)
