"""The page of a prediction: one HTML file that needs no other, made of everything that is known of it."""

from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from mezoo.contracts import Bars, no_bars
from mezoo.files import write_atomic
from mezoo.predicted import axis, charts, told
from mezoo.predicted.axis import Item
from mezoo.predicted.clock import Clock, clock_of
from mezoo.predicted.pictures import Scene, Shot, scenes
from mezoo.prediction import Method, Prediction
from mezoo.report.words import duration
from mezoo.result import environment
from mezoo.view import words
from mezoo.view.drawing import jpeg_uri

CARDS = 24
"""Intervals with pictures; of more, those of the highest score."""
PICTURE_BYTES = (4_000, 18_000)
"""The least and the most that one picture may have, before base64."""
_ALL_PICTURES = 720_000


def write_page(path: Path, prediction: Prediction, beside: Mapping[str, str], bars: Bars = no_bars) -> None:
    """Write the page; `beside` names the files that lie in its folder, and says what each is for."""
    write_atomic(path, render(prediction, beside, bars))


def render(prediction: Prediction, beside: Mapping[str, str], bars: Bars = no_bars) -> str:
    """The page as text. Frames are read one at a time, in order, each once."""
    made = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=FunctionLoader(lambda name: files("mezoo.predicted").joinpath(name).read_text(encoding="utf-8")),
    )
    return made.get_template("page.html.j2").render(context(prediction, beside, bars))


def context(prediction: Prediction, beside: Mapping[str, str], bars: Bars) -> dict[str, Any]:
    """Everything that the template names."""
    p, clock, version = prediction, clock_of(prediction.film), environment("")["mezoo"]
    items = numbered(p)
    drawn = [item for item in items if item.link.startswith("#e")]
    return {
        "p": p,
        "version": version,
        "title": told.title(p),
        "summary": told.summary(p, clock),
        "subtitle": f"{len(p.film.frames)} frames at {p.film.fps:.6g} per second",
        "even": clock.even,
        "spotting": told.is_spotting(p),
        "members": told.ensemble(p),
        "synthetic": [told.SYNTHETIC] * any(m.synthetic for m in p.methods),
        "licensed": words.LICENSED,
        "timeline": Markup(axis.timeline(p, clock, items)) if len(p.film.frames) else "",
        "kinds": [kind for kind in axis.KINDS if kind in p.curves],
        "cards": _cards(p, clock, scenes(p, drawn, bars)),
        "without": len(items) - len(drawn),
        "rows": [_row(p, clock, item) for item in items],
        "classes": told.classes(p),
        "face": _face(p, clock),
        "methods": [_method(m) for m in p.methods],
        "limits": told.limits(p),
        "beside": beside,
        "citation": told.citation(p, version),
        "facts": words.facts(p.facts),
        "took": duration(p.seconds) if p.seconds else "",
    }


def numbered(prediction: Prediction) -> list[Item]:
    """All intervals by time; the best `CARDS` lead to their pictures, the others nowhere."""
    found = told.in_time(prediction)
    best = sorted(range(len(found)), key=lambda i: -found[i].spot.score)[:CARDS]
    return [Item(i + 1, f, f"#e{i + 1}" if i in best else "") for i, f in enumerate(found)]


def _cards(p: Prediction, clock: Clock, all_: Sequence[Scene]) -> list[dict[str, Any]]:
    pictures = sum(len(s.shots) + (s.difference is not None) for s in all_)
    least, most = PICTURE_BYTES
    each = min(most, max(least, _ALL_PICTURES // max(pictures, 1)))
    return [_card(p, clock, scene, each) for scene in all_]


def _card(p: Prediction, clock: Clock, scene: Scene, most: int) -> dict[str, Any]:
    item, found = scene.item, scene.item.found
    change = scene.difference
    return {
        "number": item.number,
        "kind": found.spot.kind,
        "when": told.when(found, clock),
        "frames": told.frames(found),
        "score": f"{found.spot.score:.2f}",
        "votes": told.votes(p, found),
        "emotion": found.emotion,
        "bars": Markup(charts.bars(found.chances)) if found.chances else "",
        "shots": [_shot(shot, clock, item, most) for shot in scene.shots],
        "difference": {"uri": jpeg_uri(change.image, most), "size": change.image.shape[1::-1], "words": change}
        if change
        else None,
    }


def _shot(shot: Shot, clock: Clock, item: Item, most: int) -> dict[str, Any]:
    name = ", ".join(shot.names)
    return {
        "name": name,
        "frame": shot.frame,
        "seconds": f"{clock.start(shot.frame):.3f} s",
        "uri": "" if shot.image is None else jpeg_uri(shot.image, most),
        "size": (4, 3) if shot.image is None else shot.image.shape[1::-1],
        "alt": f"{name} of {item.number}: frame {shot.frame}, {clock.start(shot.frame):.3f} s",
        "box": _path(shot.box) if shot.box else "",
        "problem": shot.problem,
    }


def _path(box: tuple[float, float, float, float]) -> str:
    """The face as a path in a box of 1000 x 1000."""
    left, top, right, bottom = (f"{1000 * v:.0f}" for v in box)
    return f"M{left} {top}H{right}V{bottom}H{left}Z"


def _row(p: Prediction, clock: Clock, item: Item) -> dict[str, Any]:
    found = item.found
    return {
        "number": item.number,
        "found": found,
        "link": item.link,
        "seconds": f"{clock.start(found.spot.onset):.3f}–{clock.end(found.spot.offset):.3f}",
        "length": told.lasting(clock.end(found.spot.offset) - clock.start(found.spot.onset)),
        "chances": [f"{found.chances[name]:.2f}" if name in found.chances else "–" for name in told.classes(p)],
    }


def _face(p: Prediction, clock: Clock) -> dict[str, Any] | None:
    if p.face is None:
        return None
    return {
        "source": p.face.source,
        "lost": p.face.frames_lost,
        "runs": told.runs(p.face.lost, clock),
        "charts": [
            {"title": title, "unit": unit, "svg": Markup(svg)} for title, unit, svg in charts.face_charts(p.face, clock)
        ],
    }


def _method(method: Method) -> dict[str, Any]:
    return {
        "name": method.name,
        "synthetic": method.synthetic,
        "rows": [
            ("task", method.task),
            ("asked", told.members(method)),
            ("weights", method.source),
            ("trained on", method.trained_on),
            ("measured", method.measured),
        ],
    }
