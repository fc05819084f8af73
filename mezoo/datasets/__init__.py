"""What a dataset plugin needs: tolerant discovery, annotation rows, AUs, class maps, and a writer of stand-ins."""

from mezoo.contracts import (
    SYNTHETIC_MARK,
    Bars,
    DatasetInfo,
    Excluded,
    StandIn,
    Verification,
    no_bars,
)
from mezoo.datasets import action_units, annotations, class_maps, folders, stand_ins
from mezoo.datasets.index import Clip, Index, IndexedDataset, corrected
from mezoo.records import Annotation

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
    "Verification",
    "action_units",
    "annotations",
    "class_maps",
    "corrected",
    "folders",
    "no_bars",
    "stand_ins",
]
