"""The page's figures as SVG files of their own: stacked under titles, colours written out, on white."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files

FONT = "font-family: 'Helvetica Neue', Helvetica, Arial, 'DejaVu Sans', sans-serif"
_SIZE = re.compile(r'viewBox="0 0 (?P<width>[\d.]+) (?P<height>[\d.]+)"')
_HEIGHT = re.compile(r' height="(?P<height>[\d.]+)"')


@dataclass(frozen=True, slots=True)
class Part:
    """A figure of the page with a title above it, or words beside it; margins in px hold what sticks out."""

    svg: str
    title: str = ""
    left: int = 0
    right: int = 0
    before: str = ""
    after: str = ""


def sheet(parts: Sequence[Part], width: int = 760) -> str:
    """One SVG document of the parts, one below the other."""
    y, body = 12.0, list[str]()
    for part in parts:
        if part.title:
            body.append(f'<text class="title" x="12" y="{y + 12:g}">{escape(part.title)}</text>')
            y += 24
        room = width - 24 - part.left - part.right
        drawn, height = _placed(part.svg, 12 + part.left, y, room)
        for words, x, anchor in ((part.before, 4 + part.left, "end"), (part.after, width - 12, "end")):
            if words:
                place = f'x="{x}" y="{y + height / 2 + 4:g}" text-anchor="{anchor}"'
                body.append(f'<text class="beside" {place}>{escape(words)}</text>')
        body.append(drawn)
        y += height + 10
    head = f'xmlns="http://www.w3.org/2000/svg" width="{width}" height="{y:.0f}" viewBox="0 0 {width} {y:.0f}"'
    return (
        f'<svg {head}><style>{style()}</style><rect width="100%" height="100%" fill="#ffffff"/>{"".join(body)}</svg>\n'
    )


def _placed(svg: str, x: float, y: float, room: float) -> tuple[str, float]:
    """A figure of the page at (x, y), as wide as there is room or as its view box asks, and its height."""
    head, rest = svg.split(">", 1)
    fixed, box = _HEIGHT.search(head), _SIZE.search(head)
    if fixed is None and box is not None:
        wide = min(room, float(box["width"]))
        high = float(box["height"]) * wide / float(box["width"])
        size = f'width="{wide:g}" height="{high:g}"'
    else:
        high = float(fixed["height"]) if fixed else 0.0
        size = f'width="{room:g}"'
    place = f'x="{x:g}" y="{y:g}" {size}'
    return head.replace('width="100%"', place, 1) + ">" + rest, high


def style() -> str:
    """The rules that paint the figures, with the colours of the light page in them."""
    colours = dict(re.findall(r"--([\w-]+): (#\w+)", _read("colours.css").split("@media")[0])) | {"paper": "#ffffff"}
    rules = re.sub(r"var\(--([\w-]+)\)", lambda m: colours[m[1]], _read("figures.css"))
    own = f".title {{ font-size: 13px; font-weight: 620; fill: {colours['ink']}; }} text {{ {FONT}; }}"
    return f"{rules} {own} .beside {{ font-size: 11px; fill: {colours['ink']}; }}"


def _read(name: str) -> str:
    return files("mezoo.report").joinpath(name).read_text(encoding="utf-8")
