"""Spotting: micro- and macro-expressions matched apart, counts of all videos pooled."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from numpy.typing import ArrayLike

from mezoo.metrics.published import SCORERS, PublishedCounts
from mezoo.metrics.spotting import Counts, spotting_counts
from mezoo.scoring.intervals import KINDS, Videos, read_videos
from mezoo.scoring.protocol import check, held, stamp
from mezoo.scoring.tables import Options, Place
from mezoo.statistics import f1_interval

Tally = Counts | PublishedCounts
Rule = Callable[[ArrayLike, ArrayLike], Tally]
Parts = Mapping[str, Any]
"""Counts by kind."""


def score_spotting(truth: Path, predicted: Path, options: Options) -> dict[str, Any]:
    """Counts and ratios of micro, macro and overall, with `ci95` by subject, and by dataset where tables name them.

    Raises DataError with file and line for what cannot be read, and for denominators that a protocol does not have.
    """
    protocol = held(options, "spotting")
    videos = read_videos(truth, predicted, options)
    check(protocol, ((p[0], e.kind) for p, events in videos.truth.items() for e in events))
    rule: Rule = SCORERS[options.scorer] if options.scorer else spotting_counts
    counts = {place: _count(videos, place, rule) for place in {**videos.truth, **videos.predicted}}
    scores: dict[str, Any] = _parts(videos, counts, rule((), ()))
    if videos.by_dataset:
        for name in sorted({place[0] for place in counts}):
            own = {place: parts for place, parts in counts.items() if place[0] == name}
            scores.setdefault("by_dataset", {})[name] = _parts(videos, own, rule((), ()))
    return {**scores, **stamp(options, protocol)}


def _count(videos: Videos, place: Place, rule: Rule) -> Parts:
    """Counts of one video, micro and macro."""
    sides = videos.predicted.get(place, ()), videos.truth.get(place, ())
    return {kind: rule(*([(e.onset, e.offset) for e in side if e.kind == kind] for side in sides)) for kind in KINDS}


def _parts(videos: Videos, counts: Mapping[Place, Parts], nothing: Tally) -> dict[str, Any]:
    """Micro, macro and overall of some videos; sums begin with `nothing`."""
    scores: dict[str, Any] = {}
    for part, kinds in {**{kind: (kind,) for kind in KINDS}, "overall": KINDS}.items():
        by_subject: dict[Place, Any] = {}
        for place, own in counts.items():
            who = videos.subject(place)
            by_subject[who] = sum((own[kind] for kind in kinds), by_subject.get(who, nothing))
        scores[part] = dict(sum(by_subject.values(), nothing).as_dict())
        if videos.by_subject:
            scores[part]["ci95"] = list(f1_interval([_plain(tally) for tally in by_subject.values()]))
    return scores


def _plain(tally: Tally) -> Counts:
    """Counts with the same F1."""
    if isinstance(tally, Counts):
        return tally
    return Counts(tally.tp, tally.tp + tally.fp, tally.tp + tally.fn)
