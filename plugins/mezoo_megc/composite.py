"""The clips of the MEGC 2019 composite: which belong to it, by the official list or by rule, and as what."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from mezoo import DataError, datasets, tables

CLASSES = ("negative", "positive", "surprise")
FILE = "combined_3class_gt.csv"
NAME = re.compile(r"combined_3class_gt.*\.csv$", re.IGNORECASE)
NOT_LISTED = frozenset(
    {
        ("casme2", "4", "ep12_01f"),
        ("casme2", "5", "ep09_05f"),
        ("casme2", "9", "ep02_02f"),
        ("casme2", "24", "ep07_01"),
        ("casme2", "24", "ep07_04f"),
        ("casme2", "24", "ep10_03"),
    }
)
"""Clips that the class map takes and the list does not: two without a usable apex, one of the release of 257 rows,
three that the coding of 2019 calls surprise and that of 2014, which the list was made from, sadness."""

Key = tuple[str, str, str]
"""Dataset, subject and clip, without zero padding of the subject and in lower case."""


def key(dataset: str, subject: str, clip: str) -> Key:
    """Name of a clip that is the same however subjects are padded: `samm, 6` is 006, `s03_ne_03` is `s3_ne_03`."""
    return dataset, datasets.annotations.digits(subject), re.sub(r"^s0*(?=\d)", "s", clip.casefold())


@dataclass(frozen=True, slots=True)
class Listed:
    """The official list: a class for each clip, and lines that cannot be read."""

    path: Path
    classes: Mapping[Key, str]
    problems: tuple[str, ...] = ()


def read_list(path: Path) -> Listed:
    """The list from its CSV without header: dataset, subject, clip, label 0..2. Raises DataError if it is empty."""
    classes: dict[Key, str] = {}
    problems: list[str] = []
    for line, cells in enumerate(tables.read_sheets(path)[0].grid, start=1):
        dataset, subject, clip, given = (*map(tables.text, cells), "", "", "", "")[:4]
        label = tables.frame(given)
        if dataset and label is not None and label in range(len(CLASSES)):
            classes[key(dataset.casefold(), subject, clip)] = CLASSES[label]
        elif line > 1 and dataset:
            problems.append(f"{path.name}, line {line}: {dataset}, {subject}, {clip} has no class 0, 1 or 2")
    if not classes:
        hint = f"use {FILE} of MEGC 2019 as published: lines such as samm,6,006_1_2,1 without a header"
        raise DataError(f"{path} lists no clip", hint=hint)
    return Listed(path, classes, tuple(problems))


@dataclass(frozen=True, slots=True)
class Part:
    """One dataset of the composite, read: its rows in the composite with their classes, and its other rows."""

    name: str
    dataset: datasets.IndexedDataset
    chosen: Mapping[Key, str]
    others: frozenset[str]

    def belongs(self, subject: str, clip: str) -> str | None:
        """Class of a clip, None where it is not in the composite."""
        return self.chosen.get(key(self.name, subject, clip))


def choose(name: str, dataset: datasets.IndexedDataset, listed: Listed | None) -> Part:
    """Sort the rows of a dataset into those of the composite and others. Raises DataError as the dataset does."""
    chosen: dict[Key, str] = {}
    others: set[str] = set()
    rule = datasets.class_maps.class_map("megc2019_3")
    for a in dataset.annotations():
        at = key(name, a.subject, a.clip)
        label = rule.label(name, a.expression()) if at not in NOT_LISTED else None
        label = listed.classes.get(at) if listed else label
        if label is None:
            others |= {a.name, a.name.partition(" (")[0]}
        else:
            chosen[at] = label
    return Part(name, dataset, chosen, frozenset(others))


def missing(parts: Iterable[Part], listed: Listed | None) -> Iterator[str]:
    """Listed clips that no row and no folder of their dataset names."""
    found = {at for part in parts for at in part.chosen}
    for at in listed.classes if listed else ():
        if at not in found:
            yield f"{'/'.join(at)}: in {listed.path.name if listed else ''}, but {at[0]} has no such clip"
