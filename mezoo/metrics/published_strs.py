"""The public scorer of MEGC 2024 and 2025 (genbing99/STRS-Metric), its defects included, to reproduce its numbers.

Subjects without predictions and videos without truth are skipped; a prediction may claim several truths; what is
printed as UAR is macro precision; an emotion to which all pairs belong scores 0; 0 / 0 is not caught.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mezoo.metrics.published import PublishedCounts, strs_pairs, strs_spotting
from mezoo.metrics.strs import Named, Pair

Videos = Mapping[tuple[str, str], Sequence[Named]]
"""Intervals with emotions by (subject, video)."""


@dataclass(frozen=True, slots=True)
class OfficialStrs:
    """What the scorer prints. Where it prints NaN or crashes, the numbers that it lacks are None, for a `reason`."""

    spotting: PublishedCounts
    tp: int
    """Pairs whose emotion is right."""
    fp: int
    """Pairs with another emotion of the list; the scorer prints this number as false negatives too."""
    precision: float | None
    recall: float | None
    f1: float | None
    uf1: float | None
    reason: str = ""

    @property
    def strs(self) -> float | None:
        """F1 of spotting times F1 of analysis."""
        return None if self.f1 is None else self.spotting.f1 * self.f1

    def as_dict(self) -> dict[str, Any]:
        """STRS, spotting and analysis, `uar` being macro precision as in the scorer."""
        counts = {"tp": self.tp, "fp": self.fp, "fn": self.fp}
        ratios = {"precision": self.precision, "recall": self.recall, "f1": self.f1}
        analysis = {**counts, **ratios, "uf1": self.uf1, "uar": self.precision}
        return {"strs": self.strs, "spotting": self.spotting.as_dict(), "analysis": analysis, "reason": self.reason}


def strs_official(predicted: Videos, truth: Videos, emotions: Sequence[str] | None = None) -> OfficialStrs:
    """Score as the public scorer does; `emotions` are those of the truth where none are given."""
    names = sorted({e for rows in truth.values() for *_, e in rows}) if emotions is None else [*emotions]
    seen = {subject for (subject, _), rows in predicted.items() if rows}
    counts, pairs = PublishedCounts(), list[Pair]()
    for key, real in truth.items():
        if key[0] not in seen or not real:
            continue
        given = predicted.get(key, ())
        spans = [p[:2] for p in given], [t[:2] for t in real]
        counts += strs_spotting(*spans)
        pairs += [(real[t][2], given[p][2]) for p, t in strs_pairs(*spans)]
    return _analysed(counts, pairs, names)


def _analysed(counts: PublishedCounts, pairs: Sequence[Pair], names: Sequence[str]) -> OfficialStrs:
    kept = [(true, given) for true, given in pairs if true in names]
    right = sum(true == given for true, given in kept)
    wrong = sum(true != given and given in names for true, given in kept)
    if not pairs:
        reason = "the scorer crashes where nothing was found"
        return OfficialStrs(counts, 0, 0, None, None, None, None, reason)
    if not names:
        return OfficialStrs(counts, 0, 0, None, None, None, None, "the scorer prints NaN without emotions")
    each = [_of_emotion(kept, name) for name in names]
    precision, recall, uf1 = (sum(getattr(c, r) for c in each) / len(each) for r in ("precision", "recall", "f1"))
    if precision + recall == 0:
        reason = "the scorer prints NaN: macro precision and recall are both 0"
        return OfficialStrs(counts, right, wrong, precision, recall, None, uf1, reason)
    return OfficialStrs(counts, right, wrong, precision, recall, 2 * precision * recall / (precision + recall), uf1)


def _of_emotion(pairs: Sequence[Pair], name: str) -> PublishedCounts:
    """One emotion against the rest; nothing where every pair is it, in truth and answer: the matrix is then 1 x 1."""
    cells = [(true == name, given == name) for true, given in pairs]
    if len({cell for pair in cells for cell in pair}) < 2:
        return PublishedCounts()
    return PublishedCounts(cells.count((True, True)), cells.count((False, True)), cells.count((True, False)))
