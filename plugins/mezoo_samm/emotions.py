"""Emotions for SAMM Long Videos, whose table has none: those of SAMM, joined by name and checked by frame numbers."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from mezoo import datasets
from mezoo_samm import facs_table


def find_codes(samm: Path | None, root: Path) -> Path | None:
    """The table of SAMM: as given, else one that lies below `root` or above it, if there is one.

    Raises DataError if a given place holds none.
    """
    if samm is not None:
        return facs_table.locate(Path(samm))
    return next(iter(datasets.folders.find_files(root, facs_table.TABLE, facs_table.LEAF)), None)


def join(
    annotations: Sequence[datasets.Annotation], codes: facs_table.FacsTable
) -> tuple[list[datasets.Annotation], list[datasets.Excluded]]:
    """Rows of the long videos with emotion and objective class of the SAMM row of the same name; micro rows only.

    A macro-expression never gets one: 037_4_1 names a macro- and a micro-expression, and SAMM has only the latter.
    """
    partners = {a.code: a for a in codes.annotations}
    joined = [_with(a, partners[a.code]) if a.kind == "micro" and a.code in partners else a for a in annotations]
    return joined, [*_alone(annotations, partners, codes.path), *_shifted(annotations, partners)]


def _with(a: datasets.Annotation, partner: datasets.Annotation) -> datasets.Annotation:
    taken = (facs_table.ROLES.emotion, facs_table.ROLES.objective)
    cells = {name: partner.published[name] for name in taken if name in partner.published}
    return replace(a, emotion=partner.emotion, objective=partner.objective, published={**a.published, **cells})


def _alone(
    annotations: Sequence[datasets.Annotation], partners: Mapping[str, datasets.Annotation], path: Path
) -> Iterator[datasets.Excluded]:
    micro = {a.code for a in annotations if a.kind == "micro"}
    for a in annotations:
        if a.kind == "micro" and a.code not in partners:
            yield datasets.Excluded(a.name, f"no row of this name in {path.name}", "kept without emotion")
    for code, partner in partners.items():
        if code not in micro:
            what = f"{path.name}: {partner.name}"
            yield datasets.Excluded(what, "no micro-expression of this name in the long videos", "not used")


def _shifted(
    annotations: Sequence[datasets.Annotation], partners: Mapping[str, datasets.Annotation]
) -> Iterator[datasets.Excluded]:
    """Rows that are not where SAMM has them: a long video begins a constant number of frames into SAMM's film."""
    pairs = [(a, partners[a.code]) for a in annotations if a.kind == "micro" and a.code in partners]
    for video in dict.fromkeys(a.clip for a, _ in pairs):
        here = [(a, p, _shifts(a, p)) for a, p in pairs if a.clip == video]
        usual = next((s for s, _ in Counter(s for *_, found in here for s in found).most_common(1)), 0)
        for a, p, found in here:
            if any(shift != usual for shift in found):
                reason = f"{a.onset}..{a.offset} here and {p.onset}..{p.offset} in SAMM, not {usual} frames apart"
                yield datasets.Excluded(a.name, f"{reason} as {video} is on the whole", "kept")


def _shifts(a: datasets.Annotation, p: datasets.Annotation) -> list[int]:
    ends = ((a.onset, p.onset), (a.offset, p.offset))
    return [there - here for here, there in ends if here is not None and there is not None]
