"""What AUW-GCN sets for each dataset, in rows of its features: search ranges, lengths, how many spots are kept."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from mezoo import DataError


@dataclass(frozen=True, slots=True)
class Search:
    """How one kind is decoded; both ends of a range are included.

    `left`, `right`: rows from an apex back to its start and on to its end. `length`: end - start of what is kept.
    `keep`: spots a video at most.
    """

    left: tuple[int, int]
    right: tuple[int, int]
    length: tuple[int, int]
    keep: int


@dataclass(frozen=True, slots=True)
class Preset:
    """Settings of one dataset; `macro_weight` multiplies the macro losses.

    `label_shift` and `spot_shift`: rows by which the official frame numbers of labels and predictions are off on
    features whose row stands at the second frame of its pair; they count in official mode only.
    """

    micro: Search
    macro: Search
    macro_weight: float
    label_shift: int
    spot_shift: int

    @property
    def searches(self) -> tuple[Search, Search]:
        """Of micro, then macro."""
        return self.micro, self.macro


PRESETS: Mapping[str, Preset] = {
    "cas_me_sq": Preset(
        micro=Search((2, 7), (2, 7), (5, 30), 5),
        macro=Search((7, 29), (7, 29), (15, 88), 5),
        macro_weight=0.5,
        label_shift=2,
        spot_shift=-1,
    ),
    "samm_long": Preset(
        micro=Search((2, 7), (2, 7), (4, 13), 5),
        macro=Search((6, 27), (6, 27), (12, 81), 6),
        macro_weight=0.7,
        label_shift=1,
        spot_shift=0,
    ),
}
"""[code] for features of 30 rows a second (CAS(ME)^2) and of 25 (SAMM Long Videos)."""


def preset(
    name: str,
    micro: Mapping[str, Any] | None = None,
    macro: Mapping[str, Any] | None = None,
    macro_weight: float | None = None,
) -> Preset:
    """A preset with some of its fields replaced, such as `micro={"left": [2, 9], "keep": 8}`.

    Raises DataError for an unknown preset or field, and for a range that is not two increasing whole numbers.
    """
    if name not in PRESETS:
        raise DataError(f"AUW-GCN has no preset {name!r}", hint=f"known: {', '.join(PRESETS)}")
    found = PRESETS[name]
    weight = found.macro_weight if macro_weight is None else macro_weight
    return replace(
        found, micro=_search(found.micro, micro or {}), macro=_search(found.macro, macro or {}), macro_weight=weight
    )


def _search(search: Search, changes: Mapping[str, Any]) -> Search:
    known = [f.name for f in fields(Search)]
    if unknown := sorted(set(changes) - set(known)):
        raise DataError(f"AUW-GCN: {unknown[0]!r} is no setting of a kind", hint=f"known: {', '.join(known)}")
    checked = {key: value if key == "keep" else _range(key, value) for key, value in changes.items()}
    return replace(search, **checked)


def _range(key: str, value: Any) -> tuple[int, int]:
    try:
        low, high = (int(v) for v in value)
    except (TypeError, ValueError):
        low, high = 1, 0
    if not 0 <= low <= high:
        raise DataError(f"AUW-GCN: {key} {value!r} is no range of rows", hint="give [least, most], such as [2, 7]")
    return low, high
