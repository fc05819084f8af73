"""What is asked of a model and how the answer is scored: the core's own ruler, no plugin may bring another."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mezoo.metrics import Counts, pooled, spotting_counts
from mezoo.records import Example, Kind, Spot, Spotting, Video, Window
from mezoo.statistics import f1_interval

if TYPE_CHECKING:
    from mezoo.models import Spotter

KINDS: tuple[Kind, ...] = ("micro", "macro")
Tally = Mapping[str, Counts]


@dataclass(frozen=True, slots=True)
class SpottingTask:
    """Find intervals in long videos. MEGC rule: ME and MaE matched apart, one to one, IoU >= 1/2, counts pooled."""

    kinds: tuple[Kind, ...]
    """Kinds that the model can find at all."""

    @property
    def headline(self) -> str:
        """The score that stands for the run: of the only kind that the model spots, else of both pooled."""
        return self.kinds[0] if len(self.kinds) == 1 else "overall"

    @property
    def metric(self) -> str:
        """Name of the headline."""
        return {"micro": "ME F1", "macro": "MaE F1"}.get(self.headline, "F1")

    def decode(self, model: "Spotter", windows: Sequence[Window], example: Example) -> Spotting:
        """Spots of one video, kept inside it and in order; the example carries no labels."""
        raw = model.decode(windows, example)
        last = len(example.video.frames) - 1
        kept = [s for s in raw.spots if 0 <= s.onset <= s.offset <= last]
        kept.sort(key=lambda s: (s.onset, s.offset, s.kind))
        return Spotting(tuple(kept), raw.curves)

    def tally(self, videos: Iterable[Video], spots: Iterable[Spot]) -> dict[str, Counts]:
        """Counts for micro, macro and overall, pooled over videos, those without truth or spots included."""
        by_video: dict[tuple[str, Kind], list[tuple[int, int]]] = defaultdict(list)
        for spot in spots:
            by_video[spot.video, spot.kind].append((spot.onset, spot.offset))
        counts: dict[str, Counts] = {kind: Counts() for kind in KINDS}
        for video in videos:
            for kind in KINDS:
                truth = [(e.onset, e.offset) for e in video.expressions if e.kind == kind]
                counts[kind] += spotting_counts(by_video[video.key, kind], truth)
        return {**counts, "overall": pooled(counts.values())}

    def score(self, by_subject: Sequence[Tally]) -> dict[str, dict[str, Any]]:
        """Pooled scores with a subject-bootstrap 95 % interval, for micro, macro and overall."""
        scores: dict[str, dict[str, Any]] = {}
        for part in (*KINDS, "overall"):
            counts = [tally[part] for tally in by_subject]
            scores[part] = {**pooled(counts).as_dict(), "ci95": list(f1_interval(counts))}
        return scores
