"""The strip of one video: truth above, score curve in the middle, spots below; who found whom by `mezoo.intervals`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mezoo.intervals import iou, match
from mezoo.report.figures import figure
from mezoo.report.misses import Sorted, sort
from mezoo.report.reading import Event, Film
from mezoo.svg import element, pct, text, ticks

WORDS = {"micro": ("ME", "micro-expression"), "macro": ("MaE", "macro-expression")}
CURVE = 44
"""Height of the curve in pixels."""


@dataclass(frozen=True, slots=True)
class Lanes:
    """What every strip of a run shows: kinds with truth, kinds the model spots, and points a curve may have."""

    truth: tuple[str, ...]
    spots: tuple[str, ...]
    points: int = 400


@dataclass(frozen=True, slots=True)
class Judged:
    """Events of one kind in one video: (index of spot, index of truth) of every hit, one to one at IoU >= 0.5."""

    truth: tuple[Event, ...]
    spots: tuple[Event, ...]
    hits: tuple[tuple[int, int], ...]

    @property
    def counts(self) -> tuple[int, int, int]:
        """Found, missed, false alarms."""
        return len(self.hits), len(self.truth) - len(self.hits), len(self.spots) - len(self.hits)


def judge(film: Film, kind: str) -> Judged:
    """Match the spots of one kind with the truth of that kind."""
    truth = tuple(e for e in film.truth if e.kind == kind)
    spots = tuple(e for e in film.spots if e.kind == kind)
    return Judged(truth, spots, tuple(match(_spans(spots), _spans(truth))))


def _spans(events: Sequence[Event]) -> ArrayLike:
    return np.array([(e.onset, e.offset) for e in events], dtype=np.int64).reshape(-1, 2)


def strip(film: Film, lanes: Lanes, scored: bool) -> str:
    """One video as a strip on a time axis in seconds; `scored` is False when its fold has no predictions."""
    judged = {kind: judge(film, kind) for kind in {*lanes.truth, *lanes.spots}}
    words = {kind: sort(film.truth, film.spots, kind) for kind in lanes.spots if scored}
    parts, y = list[str](), 2.0
    for kind in reversed(lanes.truth):
        parts += [
            _lane(f"true {WORDS[kind][0]}", y + 5),
            *_truths(film, judged[kind], y, words.get(kind)),
        ]
        y += 14
    top, y = y + 4, y + 4 + CURVE + 5
    shaded = judged["micro"].truth if film.curves and "micro" in judged else ()
    shades = [_box(film, e, "", top, CURVE, class_="shade") for e in shaded]
    parts = [*shades, *parts, _lane("score", top + CURVE / 2), _curves(film, top, lanes)]
    for kind in lanes.spots:
        parts += [_lane(f"spot {WORDS[kind][0]}", y + 5), *_spots(film, judged[kind], y, words.get(kind))]
        y += 14
    below = top + CURVE + 5 + 14 * len(lanes.spots)
    return figure(
        "strip", below + 18, describe(film, lanes, scored), "".join([*_time(film, top + CURVE, below), *parts])
    )


def describe(film: Film, lanes: Lanes, scored: bool) -> str:
    """The strip in words: what is there, what was found."""
    words: list[str] = []
    for kind in lanes.truth:
        found, missed, alarms = judge(film, kind).counts
        plural = WORDS[kind][0] if found + missed == 1 else WORDS[kind][0] + "s"
        if not (scored and kind in lanes.spots):
            words.append(f"{found + missed} {plural}")
        else:
            words.append(
                f"{found} of {found + missed} {plural} found, {alarms} false alarm{'' if alarms == 1 else 's'}"
            )
    return "; ".join(words)


def _lane(words: str, y: float) -> str:
    return text(words, "-8", y + 3.5, text_anchor="end")


def _box(film: Film, event: Event, tip: str, y: float, height: float, **look: object) -> str:
    place = {"x": pct(event.onset / film.length), "width": pct((event.offset - event.onset + 1) / film.length)}
    body = element("title", escape(tip)) if tip else ""
    return element("rect", body, y=f"{y:g}", height=f"{height:g}", **place, **look)


def name_of(film: Film, side: str, kind: str, index: int) -> str:
    """The id of an event's box, to be linked to: `index` among the truths (side "t") or spots ("s") of its kind."""
    return f"{film.anchor}-{side}-{kind}-{index}"


def _truths(film: Film, judged: Judged, y: float, words: Sorted | None) -> list[str]:
    found = {t: s for s, t in judged.hits}
    boxes: list[str] = []
    for i, event in enumerate(judged.truth):
        state = ("found" if i in found else "missed") if words else "unasked"
        name = " ".join(w for w in (WORDS[event.kind][1], event.code) if w)
        why = f" ({words.truth[i][1]})" if words and state == "missed" else ""
        tip = "\n".join(w for w in (f"{name}: {state}{why}" if words else name, _when(film, event), event.about) if w)
        look = {"class_": f"true {event.kind} {state}", "id": name_of(film, "t", event.kind, i)}
        boxes.append(_box(film, event, tip, y, 10, rx="1.5", **look))
    return boxes


def _spots(film: Film, judged: Judged, y: float, words: Sorted | None) -> list[str]:
    """Hits are tall, false alarms short: the difference does not hang on colour."""
    hits, boxes = dict(judged.hits), list[str]()
    for i, event in enumerate(judged.spots):
        score = f", score {event.score:.2f}" if np.isfinite(event.score) else ""
        name = name_of(film, "s", event.kind, i)
        if i in hits:
            found = judged.truth[hits[i]]
            share = float(iou(_spans([event]), _spans([found]))[0, 0])
            tip = f"hit {found.code} (IoU {share:.2f}){score}\n{_when(film, event)}"
            boxes.append(_box(film, event, tip, y, 10, rx="1.5", class_="spot hit", id=name))
        else:
            what = f"\n{words.spots[i][1]}" if words else ""
            tip = f"false alarm{score}{what}\n{_when(film, event)}"
            boxes.append(_box(film, event, tip, y, 5, rx="1.5", class_="spot alarm", id=name))
    return boxes


def _when(film: Film, event: Event) -> str:
    frames = f"frames {event.onset} to {event.offset}"
    return f"{frames}, {event.onset / film.fps:.2f} to {(event.offset + 1) / film.fps:.2f} s" if film.fps else frames


def _curves(film: Film, top: float, lanes: Lanes) -> str:
    kinds = [k for k in ("macro", "micro") if k in film.curves]
    lines = [element("line", class_="rail", x1="0", x2="100%", y1=f"{top + CURVE:g}", y2=f"{top + CURVE:g}")]
    if not kinds:
        return lines[0] + text("no score curve on disk", "50%", top + CURVE / 2 + 4, text_anchor="middle")
    for kind in kinds:
        xs, ys = decimate(film.curves["frames"], film.curves[kind], film.length, lanes.points)
        lines.append(element("path", class_=f"curve {kind}", d=path(xs, ys)))
    box = {"y": f"{top:g}", "viewBox": "0 0 1000 100", "preserveAspectRatio": "none"}
    return lines[0] + element("svg", "".join(lines[1:]), width="100%", height=CURVE, **box)


def decimate(
    frames: NDArray[np.int64], values: NDArray[np.float32], length: int, most: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """A curve as at most `most` points of a box 1000 x 100, y down; a peak is kept: each slice shows its highest row.

    frames (rows,) int64 increasing, values (rows,) float32 in [0, 1], length in frames -> x, y (points,) int64.
    """
    if len(frames) == 0:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    values = np.nan_to_num(np.clip(values, 0, 1), nan=0.0)
    slices = (np.arange(len(frames)) * most) // len(frames) if len(frames) > most else np.arange(len(frames))
    starts = np.flatnonzero(np.diff(slices, prepend=-1))
    ends = np.append(starts[1:], len(frames)) - 1
    xs = 1000 * (frames[starts] + frames[ends] + 1) / 2 / length
    ys = 100 * (1 - np.maximum.reduceat(values, starts))
    return xs.round().astype(np.int64), ys.round().astype(np.int64)


def path(xs: NDArray[np.int64], ys: NDArray[np.int64]) -> str:
    """An open SVG path that stands on the baseline, in relative steps (short); flat runs are one step."""
    if len(xs) == 0:
        return ""
    bends = np.ones(len(ys), dtype=bool)
    bends[1:-1] = (ys[1:-1] != ys[:-2]) | (ys[1:-1] != ys[2:])
    xs, ys = np.append(xs[bends], xs[-1]), np.append(ys[bends], 100)
    steps = zip(np.diff(xs, prepend=xs[0]).tolist(), np.diff(ys, prepend=100).tolist(), strict=True)
    return f"M{xs[0]} 100" + "".join(f"l{dx}{' ' if dy >= 0 else ''}{dy}" for dx, dy in steps)


def _time(film: Film, base: float, y: float) -> list[str]:
    end, unit = (film.length / film.fps, " s") if film.fps else (float(film.length), "")
    marks: list[str] = []
    for tick in ticks(0, end, 6):
        x = pct(tick / end)
        anchor = "start" if tick == 0 else "end" if tick > 0.97 * end else "middle"
        marks.append(element("line", class_="tick", x1=x, x2=x, y1=f"{base:g}", y2=f"{y:g}"))
        marks.append(text(f"{tick:g}{unit}", x, y + 13, text_anchor=anchor))
    return marks


def total(judged: Sequence[Judged]) -> Mapping[str, int]:
    """Found, missed and false alarms over several videos."""
    sums = np.array([j.counts for j in judged], dtype=np.int64).reshape(-1, 3).sum(axis=0)
    return {"found": int(sums[0]), "missed": int(sums[1]), "alarms": int(sums[2])}
