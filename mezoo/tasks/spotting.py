"""Spotting: intervals in long videos, matched one to one and pooled."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mezoo.fold_folder import FoldFolder
from mezoo.metrics import Counts, pooled, spotting_counts
from mezoo.promises import check_spotting
from mezoo.records import Example, Kind, Spot, Spotting, Video, Window
from mezoo.statistics import f1_interval

KINDS: tuple[Kind, ...] = ("micro", "macro")


@dataclass(frozen=True, slots=True)
class SpottingTask:
    """Find intervals in long videos. MEGC rule: ME and MaE matched apart, one to one, IoU >= 1/2, counts pooled."""

    kinds: tuple[Kind, ...]
    """Kinds that the model can find at all."""
    ratio: str = "f1"
    fold_ratio: str = "f1"

    @property
    def headline(self) -> str:
        """The score that stands for the run: of the only kind that the model spots, else of both pooled."""
        return self.kinds[0] if len(self.kinds) == 1 else "overall"

    @property
    def metric(self) -> str:
        """Name of the headline."""
        return {"micro": "ME F1", "macro": "MaE F1"}.get(self.headline, "F1")

    def blind(self, example: Example) -> Example:
        """The video without its annotation."""
        return Example(example.video.unlabelled(), example.features)

    def decode(self, model: Any, windows: Sequence[Window], example: Example) -> Spotting:
        """Spots of one video, in order. Raises PluginError and DataError as `check_spotting`."""
        raw = check_spotting(model, model.decode(windows, example), example, self.kinds)
        return replace(raw, spots=tuple(sorted(raw.spots, key=lambda s: (s.onset, s.offset, s.kind))))

    def tally(self, decoded: Sequence[tuple[Example, Spotting]]) -> dict[str, dict[str, Any]]:
        """Counts for micro, macro and overall, pooled over videos, those without truth or spots included."""
        spots = (spot for _, spotting in decoded for spot in spotting.spots)
        return {part: counts.as_dict() for part, counts in count((e.video for e, _ in decoded), spots).items()}

    def score(self, by_subject: Sequence[Mapping[str, Mapping[str, Any]]]) -> dict[str, dict[str, Any]]:
        """Pooled scores with a subject-bootstrap 95 % interval of F1, for micro, macro and overall."""
        scores: dict[str, dict[str, Any]] = {}
        for part in (*KINDS, "overall"):
            counts = [Counts(t[part]["tp"], t[part]["n_pred"], t[part]["n_gt"]) for t in by_subject]
            scores[part] = {**pooled(counts).as_dict(), "ci95": list(f1_interval(counts))}
        return scores

    def save(self, folder: FoldFolder, decoded: Sequence[tuple[Example, Spotting]]) -> None:
        """Write spots and curves."""
        folder.save_spots(spot for _, spotting in decoded for spot in spotting.spots)
        folder.save_curves({e.video.key: (spotting, e.features) for e, spotting in decoded})

    def describe(self, counts: Mapping[str, Any]) -> str:
        """Hits, truths and spots."""
        return f"hit {counts['tp']} of {counts['n_gt']} with {counts['n_pred']} spots"


def count(videos: Iterable[Video], spots: Iterable[Spot]) -> dict[str, Counts]:
    """Counts of spots against the expressions of videos, for micro, macro and overall."""
    by_video: dict[tuple[str, Kind], list[tuple[int, int]]] = defaultdict(list)
    for spot in spots:
        by_video[spot.video, spot.kind].append((spot.onset, spot.offset))
    counts: dict[str, Counts] = {kind: Counts() for kind in KINDS}
    for video in videos:
        for kind in KINDS:
            truth = [(e.onset, e.offset) for e in video.expressions if e.kind == kind]
            counts[kind] += spotting_counts(by_video[video.key, kind], truth)
    return {**counts, "overall": pooled(counts.values())}
