"""Annotation, facts and sizes as words: pure functions that the page and the sheet share."""

from collections.abc import Mapping, Sequence
from typing import Any

from mezoo.datasets import action_units
from mezoo.records import Expression, Kind, Video
from mezoo.view.choose import Numbered

MARK = "SYNTHETIC"
LICENSED = "Pictures of a person: for your own eyes. Publish them only where the person and the licence allow it."
NAMES = {
    1: "inner brow raiser",
    2: "outer brow raiser",
    4: "brow lowerer",
    5: "upper lid raiser",
    6: "cheek raiser",
    7: "lid tightener",
    9: "nose wrinkler",
    10: "upper lip raiser",
    11: "nasolabial deepener",
    12: "lip corner puller",
    13: "sharp lip puller",
    14: "dimpler",
    15: "lip corner depressor",
    16: "lower lip depressor",
    17: "chin raiser",
    18: "lip pucker",
    20: "lip stretcher",
    22: "lip funneler",
    23: "lip tightener",
    24: "lip pressor",
    25: "lips part",
    26: "jaw drop",
    27: "mouth stretch",
    28: "lip suck",
    38: "nostril dilator",
    39: "nostril compressor",
    43: "eyes closed",
    45: "blink",
    46: "wink",
}
"""Action units of the face as FACS names them (Ekman, Friesen, Hager 2002)."""
_SIDES = {"L": "left", "R": "right", "A": "asymmetric", "T": "top", "B": "bottom"}
_FLAGS = {"ref": "scored with doubt", "or": "one of several", "keep": "held", "unsure": "unsure"}


def units(cell: str) -> list[str]:
    """Each action unit of a cell in words: `AU12 lip corner puller, left, intensity B`; [] where none is read."""
    found: list[str] = []
    for unit in action_units.parse(cell):
        side = " or ".join(_SIDES.get(s, s) for s in unit.side.split("/") if s)
        grade = unit.intensity and f"intensity {unit.intensity}"
        flags = [words for flag, words in _FLAGS.items() if flag in unit.flags]
        name = f"AU{unit.number} {NAMES.get(unit.number, '')}".strip()
        found.append(", ".join(w for w in (name, side, grade, *flags) if w))
    return found


def subtitle(video: Video, size: tuple[int, int]) -> str:
    """Length, rate and size of a video: `69 frames, 200 fps, 0.345 s, 140 × 170 px`."""
    n = len(video.frames)
    pixels = f", {size[1]} × {size[0]} px" if size[0] else ""
    return f"{n} frames, {video.fps:g} fps, {n / video.fps:.3g} s{pixels}" if n > 1 else f"1 frame{pixels}"


def kinds(given: Sequence[Kind]) -> str:
    """How many of each kind there are, in words, or "": `2 micro-expressions and 1 macro-expression`."""
    found = {kind: sum(k == kind for k in given) for kind in ("micro", "macro")}
    return " and ".join(f"{n} {kind}-expression{'' if n == 1 else 's'}" for kind, n in found.items() if n)


def counts(video: Video) -> str:
    """How many expressions of each kind a video has."""
    return kinds([e.kind for e in video.expressions]) or "no annotated expression"


def left_out(expressions: Sequence[Numbered], shown: Sequence[int]) -> str:
    """How many expressions are not among the numbers shown, in words, or ""."""
    return kinds([n.expression.kind for n in expressions if n.number not in shown])


def row_of(expression: Expression, fps: float) -> dict[str, str]:
    """Cells of the table of expressions: frames of the video (from 0, both ends included), times, emotion, class."""
    e = expression
    return {
        "onset": str(e.onset),
        "apex": "–" if e.apex is None else str(e.apex),
        "offset": str(e.offset),
        "seconds": f"{e.onset / fps:.3f}–{(e.offset + 1) / fps:.3f}",
        "length": f"{1000 * e.length / fps:.0f} ms",
        "emotion": e.emotion or "–",
        "objective": "–" if e.objective is None else str(e.objective),
    }


def facts(given: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The facts of a feature, nested ones by their path: `crop.follow`."""
    rows: list[tuple[str, str]] = []
    for name, value in given.items():
        if isinstance(value, Mapping):
            rows += [(f"{name}.{inner}", words) for inner, words in facts(value)]
        else:
            rows.append((str(name), show(value)))
    return rows


def show(value: object) -> str:
    """A value as a person writes it; a list longer than 12 by its first entries and its length."""
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "none"}[value]
    if isinstance(value, list | tuple):
        items: list[Any] = [*value]
        more = f", … ({len(items)} in all)" if len(items) > 12 else ""
        return ", ".join(show(v) for v in items[:12]) + more
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def size_words(count: int) -> str:
    """Bytes as `0.8 MB` or `12 kB`."""
    return f"{count / 1e6:.1f} MB" if count >= 100_000 else f"{max(1, round(count / 1000))} kB"
