"""Methods, datasets and features for micro-expressions. From a notebook or a script, each step is a line:

    import mezoo

    data = mezoo.load_dataset("smic", synthetic=True)            # a stand-in; with your licence root="/data/SMIC"
    for clip in data.videos():
        print(clip.key, len(clip.frames), clip.expressions[0].emotion)
    motion = mezoo.extract("farneback", clip, size=[64, 64])     # motion.values: (pairs, height, width, 2), px
    run = mezoo.fit("adaptive_gat_smic", synthetic=True, folds=["s03"])     # one fold; without `folds`, all
    run.scores()                                                 # a DataFrame; also .subjects(), .predictions()
    run.plot().savefig("run.png")                                # also .figures(), their names
    mezoo.load_run(run.path)                                     # the same, another day

`help(mezoo.fit)` and the like say more; `mezoo list` in a shell names datasets, features, models and recipes. Plugins
need the names in `mezoo.__all__` and no others.
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mezoo import datasets as datasets
    from mezoo import intervals as intervals
    from mezoo import outline as outline
    from mezoo import sampling as sampling
    from mezoo import synthetic as synthetic
    from mezoo import tables as tables
    from mezoo import testing as testing
    from mezoo.contracts import Dataset as Dataset
    from mezoo.contracts import FeatureExtractor as FeatureExtractor
    from mezoo.errors import DataError as DataError
    from mezoo.films import VideoFile as VideoFile
    from mezoo.frames import ImageFolder as ImageFolder
    from mezoo.models import Batch as Batch
    from mezoo.models import Recognizer as Recognizer
    from mezoo.models import SampleTable as SampleTable
    from mezoo.models import Spotter as Spotter
    from mezoo.notebook import extract as extract
    from mezoo.notebook import fit as fit
    from mezoo.notebook import load_dataset as load_dataset
    from mezoo.notebook import load_run as load_run
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
    "mezoo.notebook": ("extract", "fit", "load_dataset", "load_run"),
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
_TOOLBOXES = ("datasets", "intervals", "outline", "sampling", "synthetic", "tables", "testing")
"""Modules of helpers for plugins: discovery and annotation; interval arithmetic; a face to draw on; which frames to
take; the renderer; tolerant tables; the contract checks."""

# Read by OpenCV when it is loaded: an image whose header says more is refused before room is made for it.
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(1 << 26))

__version__ = "0.1.0"
API_VERSION = 1
"""Version of what `from mezoo import ...` gives. It rises when a name goes, or means something else, and only then.

A plugin declares for which versions it was written, as the name of an entry point that is read before any import:
`[project.entry-points."mezoo.api"]` with `"1" = "mezoo_x"`, or `"1-2" = "mezoo_x"`.
"""
__all__ = [
    "API_VERSION",
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
    "extract",
    "fit",
    "intervals",
    "load_dataset",
    "load_model",
    "load_run",
    "outline",
    "sampling",
    "synthetic",
    "tables",
    "testing",
]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def __getattr__(name: str) -> Any:
    if name in _TOOLBOXES:
        return import_module(f"mezoo.{name}")
    if name not in _HOME_OF:
        raise AttributeError(f"module 'mezoo' has no attribute {name!r}; it offers {', '.join(__all__)}")
    return getattr(import_module(_HOME_OF[name]), name)
