"""The contact sheet: the same pictures as on the page, in one image."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from mezoo.view import words
from mezoo.view.choose import Numbered
from mezoo.view.colours import Picture, legend
from mezoo.view.drawing import Line
from mezoo.view.features import Seen
from mezoo.view.shots import Material, Shot, Story

WIDTH, MARGIN, COLUMNS, GAP = 1440, 32, 10, 10
"""Width of the sheet and its margin, cards in a row and the space between them, px."""
SIDE = (WIDTH - 2 * MARGIN - (COLUMNS - 1) * GAP) // COLUMNS
PAPER, INK, SOFT, LINE = (252, 251, 248), (28, 32, 39), (85, 92, 104), (222, 218, 208)
KINDS = {"micro": (10, 102, 166), "macro": (135, 124, 105)}
WARN, WARN_INK, ALARM = (244, 182, 58), (43, 29, 0), (196, 82, 12)
MARKS, OWN_MARKS = (25, 227, 194), (255, 210, 63)
_LANE = 24


@dataclass(frozen=True, slots=True)
class Card:
    """One column of pictures with lines of words under it."""

    pictures: tuple[Picture, ...]
    caption: tuple[str, ...]

    @property
    def height(self) -> int:
        """Height on the sheet, px."""
        return sum(p.shape[0] + 3 for p in self.pictures) + 17 * len(self.caption) + 4


def contact_sheet(material: Material, told: Story) -> Picture:
    """The sheet as (height, 1440, 3) uint8 RGB: words, annotation on a time axis, expressions, overview, legend."""
    rows = [*_titled(_scenes_title(material, told), packed(_scene_cards(material, told)))]
    rows += _titled("Frames", packed([[_card(s, s.labels)] for s in told.overview]))
    lanes = [kind for kind in KINDS if any(e.kind == kind for e in material.video.expressions)]
    top = 150 + _LANE * max(len(lanes), 1) + 34
    height = top + sum(max(c.height for c in cards) + 18 + 34 * bool(title) for title, cards in rows) + 70
    pen = _Pen(height)
    _head(pen, material, told)
    _timeline(pen, material.video.fps, len(material.video.frames), material.expressions, lanes)
    for title, cards in rows:
        if title:
            pen.words((MARGIN, top), title, 18, bold=True)
            top += 34
        for column, card in enumerate(cards):
            _place(pen, card, MARGIN + column * (SIDE + GAP), top)
        top += max(c.height for c in cards) + 18
    _foot(pen, material.seen, top)
    return pen.picture()


def packed(groups: Sequence[Sequence[Card]]) -> list[list[Card]]:
    """Groups of cards in rows of at most `COLUMNS`; a group is not torn apart."""
    rows: list[list[Card]] = []
    for group in groups:
        if rows and len(rows[-1]) + len(group) <= COLUMNS:
            rows[-1] += group
        else:
            rows.append([*group])
    return rows


def _titled(title: str, rows: Sequence[list[Card]]) -> Iterator[tuple[str, list[Card]]]:
    return ((title if i == 0 else "", cards) for i, cards in enumerate(rows))


def _scenes_title(material: Material, told: Story) -> str:
    missing = words.left_out(material.expressions, [s.about.number for s in told.scenes])
    return f"Expressions, without {missing}" if missing else "Expressions"


class _Pen:
    """A white sheet and what is drawn on it."""

    def __init__(self, height: int) -> None:
        from PIL import Image, ImageDraw

        self.image = Image.new("RGB", (WIDTH, height), PAPER)
        self.draw: Any = ImageDraw.Draw(self.image)

    def words(
        self, at: tuple[float, float], text: str, size: int, *, colour: object = SOFT, bold: bool = False
    ) -> None:
        """One line of text with its upper left corner at `at`."""
        self.draw.text(at, text, fill=INK if bold else colour, font=_font(size, bold))

    def paste(self, picture: Picture, at: tuple[int, int]) -> None:
        """A picture with its upper left corner at `at`."""
        from PIL import Image

        self.image.paste(Image.fromarray(picture), at)

    def picture(self) -> Picture:
        """What was drawn."""
        return np.asarray(self.image, dtype=np.uint8)


@lru_cache(maxsize=16)
def _font(size: int, bold: bool) -> Any:
    """DejaVu Sans, which matplotlib brings along."""
    from matplotlib import get_data_path
    from PIL import ImageFont

    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(str(Path(get_data_path()) / "fonts" / "ttf" / name), size)


def _head(pen: _Pen, material: Material, told: Story) -> None:
    video = material.video
    if video.synthetic:
        for x in range(-10, WIDTH, 22):
            pen.draw.polygon([(x, 10), (x + 10, 0), (x + 24, 0), (x + 14, 10)], fill=WARN)
    pen.words((MARGIN, 26), f"{video.dataset} · subject {video.subject}", 14)
    pen.words((MARGIN, 46), video.code, 30, bold=True)
    about = f"{words.subtitle(video, told.size)}; {words.counts(video)}"
    pen.words((MARGIN, 88), f"{about}; feature {material.seen.name}" if material.seen else about, 15)
    if video.synthetic:
        box = (WIDTH - MARGIN - 174, 34, WIDTH - MARGIN, 72)
        pen.draw.rounded_rectangle(box, 6, fill=WARN)
        pen.draw.text((WIDTH - MARGIN - 87, 53), words.MARK, fill=WARN_INK, font=_font(21, True), anchor="mm")
    else:
        pen.draw.text((WIDTH - MARGIN, 34), words.LICENSED, fill=ALARM, font=_font(12, False), anchor="ra")


def _timeline(pen: _Pen, fps: float, n: int, expressions: Sequence[Numbered], lanes: Sequence[str]) -> None:
    left, right, top = MARGIN + 60, WIDTH - MARGIN, 128
    bottom = top + _LANE * max(len(lanes), 1)

    def x(frame: float) -> float:
        return left + frame / n * (right - left)

    for lane, kind in enumerate(lanes):
        y = top + lane * _LANE
        pen.words((MARGIN, y + 3), kind, 13)
        mine = [i for i in expressions if i.expression.kind == kind]
        following = [*(x(i.expression.onset) for i in mine[1:]), float(WIDTH)]
        for item, beyond in zip(mine, following, strict=True):
            e = item.expression
            pen.draw.rectangle((x(e.onset), y + 4, max(x(e.offset + 1), x(e.onset) + 2), y + 16), fill=KINDS[kind])
            if e.apex is not None:
                pen.draw.line((x(e.apex + 0.5), y + 1, x(e.apex + 0.5), y + 19), fill=INK, width=2)
            if len(expressions) > 1 and beyond - x(e.offset + 1) > 24:
                pen.words((x(e.offset + 1) + 4, y + 3), str(item.number), 12)
    pen.draw.line((left, bottom, right, bottom), fill=LINE, width=1)
    ends = ((left, "0 s", "la"), (right, f"{n / fps:.3g} s, {n} frames", "ra"))
    for at, text, anchor in ends:
        pen.draw.text((at, bottom + 4), text, fill=SOFT, font=_font(12, False), anchor=anchor)


def _scene_cards(material: Material, told: Story) -> list[list[Card]]:
    """For each expression its key frames and its difference; numbered where there are several."""
    groups: list[list[Card]] = []
    for scene in told.scenes:
        suffix = f" {scene.about.number}" if len(material.expressions) > 1 else ""
        group = [_card(s, tuple(f"{name.split(', no')[0]}{suffix}" for name in s.labels)) for s in scene.shots]
        if scene.difference is not None:
            group.append(Card((_small(scene.difference.image),), (f"{scene.difference.name}{suffix}",)))
        groups.append(group)
    return groups


def _card(shot: Shot, names: Sequence[str]) -> Card:
    caption = (f"{shot.frame} · {shot.seconds:.3f} s",)
    layers = tuple(_small(layer.image) for layer in shot.layers[:3])
    caption = (", ".join(names), *caption) if names else caption
    if shot.image is None:
        return Card((np.full((SIDE, SIDE, 3), LINE, dtype=np.uint8), *layers), ("cannot be read", *caption))
    image = _small(shot.image)
    for marks, colour in ((shot.marks, MARKS), (shot.feature_marks, OWN_MARKS)):
        image = with_lines(image, marks, colour)
    return Card((image, *layers), caption)


def _small(image: Picture) -> Picture:
    """A picture `SIDE` px wide; a smaller one is enlarged, so that columns are even."""
    import cv2

    size = SIDE, max(1, round(image.shape[0] * SIDE / image.shape[1]))
    how = cv2.INTER_AREA if image.shape[1] > SIDE else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, size, interpolation=how), dtype=np.uint8)


def with_lines(image: Picture, marks: Sequence[Line], colour: tuple[int, int, int]) -> Picture:
    """A copy of the picture with thin lines, whose points are shares of width and height."""
    import cv2

    drawn = image.copy()
    size = np.array([image.shape[1], image.shape[0]])
    for line in marks:
        # Sub-pixel points: four bits behind the point.
        points = np.rint((np.clip(line.points, -1, 2) * size - 0.5) * 16).astype(np.int32)
        cv2.polylines(drawn, [points], line.closed, colour, 1, cv2.LINE_AA, 4)
    return np.asarray(cv2.addWeighted(drawn, 0.65, image, 0.35, 0), dtype=np.uint8)


def _place(pen: _Pen, card: Card, x: int, y: int) -> None:
    for picture in card.pictures:
        pen.paste(picture, (x, y))
        y += picture.shape[0] + 3
    for i, text in enumerate(card.caption):
        bold = i == 0 and len(card.caption) > 1
        fits = (
            size for size in range(12, 7, -1) if pen.draw.textlength(text, font=_font(size, bold)) <= SIDE + GAP - 2
        )
        pen.words((x, y + 2 + 17 * i), text, next(fits, 7), bold=bold)


def _foot(pen: _Pen, seen: Seen | None, y: int) -> None:
    if seen is None or seen.look != "flow":
        return
    pen.paste(legend(44), (MARGIN, y))
    scales = zip(("length", *seen.channels), seen.scales, strict=True)
    named = ", ".join(f"{name} {scale:.3g}" for name, scale in scales if name != "grey")
    pen.words(
        (MARGIN + 58, y + 4), "Flow: the hue is the direction (red is to the right), the saturation the length.", 13
    )
    pen.words(
        (MARGIN + 58, y + 23), f"Full colour, the 99.5th percentile over the video: {named} ({seen.unit or 'px'}).", 13
    )
