"""Expressions cut out of their videos and given a class: what recognition walks over."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mezoo import sampling
from mezoo.datasets.class_maps import ClassMap
from mezoo.envelope import ClipsBlock
from mezoo.records import Cut, Expression, Frames, Video


@dataclass(frozen=True)
class TakenFrames:
    """Frames `indices` (0-based, repeats allowed) of others, in that order."""

    whole: Frames
    indices: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.indices)

    def read(self, index: int, *, grey: bool = False) -> NDArray[np.uint8]:
        """Image of frame `index` of the clip."""
        return self.whole.read(self.indices[index], grey=grey)

    def number(self, index: int) -> int:
        """Published number of frame `index` of the clip."""
        return self.whole.number(self.indices[index])

    def files(self) -> tuple[Path, ...]:
        """The files that are read: one a frame, or the film."""
        files = self.whole.files()
        return tuple(files[i] for i in self.indices) if len(files) == len(self.whole) else files


@dataclass(frozen=True, slots=True)
class Clips:
    """Labelled clips: `labels` are 0-based class indices by video key. Counts say what was left out or assumed."""

    videos: tuple[Video, ...]
    classes: tuple[str, ...]
    labels: Mapping[str, int]
    without_class: int = 0
    other_kind: int = 0
    without_apex: int = 0


def cut_clips(videos: Sequence[Video], block: ClipsBlock, classes: ClassMap) -> Clips:
    """Every expression that has a class, as a clip of its own, in the order of the videos.

    Where a video has one such expression the clip keeps its code, else the expression's code is put behind it.
    """
    clips: list[Video] = []
    labels: dict[str, int] = {}
    dropped, other, assumed = 0, 0, 0
    for video in videos:
        asked = [e for e in video.expressions if block.kind in {e.kind, "both"}]
        other += len(video.expressions) - len(asked)
        chosen = [(e, label) for e in asked if (label := classes.label(video.dataset, e)) is not None]
        dropped += len(asked) - len(chosen)
        for index, (expression, label) in enumerate(chosen):
            clip = cut(video, expression, block)
            if len(video.expressions) > 1:
                clip = replace(clip, code=f"{video.code}_{expression.code or index}_{expression.onset}")
            assumed += expression.apex is None
            clips.append(clip)
            labels[clip.key] = classes.classes.index(label)
    return Clips(tuple(clips), classes.classes, labels, dropped, other, assumed)


def cut(video: Video, expression: Expression, block: ClipsBlock) -> Video:
    """The clip of one expression: chosen frames only, with its onset, apex and offset in the clip's own frames.

    An apex that is not annotated is the middle frame, rounded down. `fps` is that of the chosen frames on average.
    """
    first, last = expression.onset, expression.offset
    apex = expression.apex if expression.apex is not None else (first + last) // 2
    indices = _taken(first, apex, last, block)
    end = apex if block.end == "apex" else last
    spread = max(1, end - first)
    fps = video.fps * max(1, len(indices) - 1) / spread if block.take != "all" else video.fps
    place = int(np.abs(np.asarray(indices) - apex).argmin())
    own = replace(expression, onset=0, apex=place, offset=len(indices) - 1)
    return replace(
        video,
        fps=fps,
        frames=TakenFrames(video.frames, indices),
        expressions=(own,),
        cut=Cut(len(video.frames), indices),
    )


def blind(clip: Video) -> Video:
    """The clip with onset, apex and offset, without anything that tells its emotion."""
    known = (Expression("", e.kind, e.onset, e.offset, e.apex) for e in clip.expressions)
    return replace(clip, expressions=tuple(known))


def _taken(onset: int, apex: int, offset: int, block: ClipsBlock) -> tuple[int, ...]:
    end = apex if block.end == "apex" else offset
    match block.take:
        case "all":
            indices = np.arange(onset, end + 1)
        case "linear":
            indices = sampling.between(onset, end, block.frames or 2)
        case "key_frames" | "key_frames_official":
            official = block.take == "key_frames_official"
            indices = sampling.key_frames(onset, apex, offset, official=official)
    return tuple(int(i) for i in indices)
