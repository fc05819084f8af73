"""Spot-then-recognise: micro-expressions found, and the emotions of those that were."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mezoo.metrics.published_strs import strs_official
from mezoo.metrics.spotting import Counts, pooled, spotting_counts
from mezoo.metrics.strs import Analysis, Named, Pair, analysis, found_pairs, strs
from mezoo.scoring.intervals import Event, Videos, read_videos
from mezoo.scoring.protocol import check, held, stamp
from mezoo.scoring.tables import Options, Place
from mezoo.statistics import f1_interval, strs_interval

Found = tuple[Counts, list[Pair]]


def score_strs(truth: Path, predicted: Path, options: Options) -> dict[str, Any]:
    """`strs`, `spotting` and `analysis`, with `ci95` by subject, and by dataset where tables name them.

    The list of emotions is `options.classes`, else that of the protocol, else every one of the truth. Raises DataError.
    """
    protocol = held(options, "strs")
    videos = read_videos(truth, predicted, options, emotions=True)
    _leave_macro_out(videos, options)
    check(protocol, ((p[0], e.kind) for p, events in videos.truth.items() for e in events))
    real = [e.emotion for events in videos.truth.values() for e in events]
    emotions = options.classes or (protocol.classes if protocol else ()) or tuple(sorted({*real}))
    if options.scorer:
        return {**_official(videos, emotions), **stamp(options, protocol)}
    found = {place: _find(videos, place) for place in {**videos.truth, **videos.predicted}}
    scores = _scores(videos, found, emotions)
    if videos.by_dataset:
        names = sorted({place[0] for place in found})
        own = {n: {p: f for p, f in found.items() if p[0] == n} for n in names}
        scores["by_dataset"] = {n: _scores(videos, own[n], emotions) for n in names}
    return {**scores, **stamp(options, protocol)}


def _leave_macro_out(videos: Videos, options: Options) -> None:
    removed = 0
    for side in (videos.truth, videos.predicted):
        for events in side.values():
            micro = [e for e in events if e.kind == "micro"]
            removed += len(events) - len(micro)
            events[:] = micro
    if removed:
        options.notes.append(f"STRS is of micro-expressions: {removed} rows of macro-expressions are left out")


def _find(videos: Videos, place: Place) -> Found:
    predicted, truth = (_named(side.get(place, ())) for side in (videos.predicted, videos.truth))
    counts = spotting_counts([p[:2] for p in predicted], [t[:2] for t in truth])
    return counts, found_pairs(predicted, truth)


def _named(events: Iterable[Event]) -> list[Named]:
    return [(e.onset, e.offset, e.emotion) for e in events]


def _scores(videos: Videos, found: Mapping[Place, Found], emotions: Sequence[str]) -> dict[str, Any]:
    by_subject: dict[Place, list[Found]] = {}
    for place, own in found.items():
        by_subject.setdefault(videos.subject(place), []).append(own)
    sums = [
        (pooled(c for c, _ in own), analysis((pair for _, pairs in own for pair in pairs), emotions))
        for own in by_subject.values()
    ]
    counts = pooled(c for c, _ in sums)
    total = analysis((pair for _, pairs in found.values() for pair in pairs), emotions)
    scores: dict[str, Any] = {"strs": strs(counts, total), "spotting": counts.as_dict(), "analysis": _said(total)}
    if videos.by_subject:
        scores["spotting"]["ci95"] = list(f1_interval([c for c, _ in sums]))
        scores["ci95"] = list(strs_interval([(c, a.matrix) for c, a in sums]))
    return scores


def _said(found: Analysis) -> dict[str, Any]:
    ratios = {name: getattr(found, name) for name in ("precision", "recall", "f1", "uf1", "uar")}
    return {
        **ratios,
        "emotions": list(found.emotions),
        "n_pairs": int(found.matrix.sum()),
        "confusion": found.matrix.tolist(),
    }


def _official(videos: Videos, emotions: Sequence[str]) -> dict[str, Any]:
    """The public scorer; it knows no datasets, so that a subject is named with its own."""
    real, given = (
        {("/".join(place[:2]), place[2]): _named(events) for place, events in side.items()}
        for side in (videos.truth, videos.predicted)
    )
    return strs_official(given, real, emotions).as_dict()
