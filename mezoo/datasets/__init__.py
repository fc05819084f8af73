"""What a dataset plugin needs: tolerant discovery, annotation rows, AUs, class maps, and a writer of stand-ins."""

from mezoo.arrays import load_arrays
from mezoo.contracts import (
    SYNTHETIC_MARK,
    Bars,
    Dataset,
    DatasetInfo,
    Excluded,
    StandIn,
    Verification,
    no_bars,
)
from mezoo.datasets import action_units, annotations, class_maps, folders, stand_ins
from mezoo.datasets.index import Clip, Index, IndexedDataset, corrected, expected_of
from mezoo.datasets.stored import StoredFrames, taken
from mezoo.errors import PluginError
from mezoo.records import Annotation
from mezoo.registry import find as _find
from mezoo.registry import load as _load

__all__ = [
    "SYNTHETIC_MARK",
    "Annotation",
    "Bars",
    "Clip",
    "DatasetInfo",
    "Excluded",
    "Index",
    "IndexedDataset",
    "StandIn",
    "StoredFrames",
    "Verification",
    "action_units",
    "annotations",
    "class_maps",
    "corrected",
    "expected_of",
    "family_of",
    "find",
    "folders",
    "load_arrays",
    "no_bars",
    "stand_ins",
    "taken",
]


def find(name: str) -> type[Dataset]:
    """The dataset plugin of a name: how a composite meets its parts. Raises PluginError with names that are known."""
    return _load(_find("dataset", name))


def family_of(name: str) -> str:
    """Family of the dataset of a name, see `DatasetInfo`; of a name that no plugin has, the name itself."""
    try:
        return find(name).info.family or name
    except PluginError:
        return name
