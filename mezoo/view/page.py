"""From a video and its pictures to one HTML file that needs nothing else."""

from collections.abc import Sequence
from importlib.resources import files
from typing import Any

import numpy as np
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from mezoo.view import charts, words
from mezoo.view.choose import Numbered
from mezoo.view.colours import Picture, heat, legend
from mezoo.view.drawing import Line, jpeg_uri, line_path, png_uri, thumbnail
from mezoo.view.features import WORDS, Layer, Seen
from mezoo.view.shots import Material, Scene, Shot, Story

OUTLINES = "outlines"
"""Fact in which a feature of regions tells where they lie in one frame."""
MOST_CHARTS = 48
"""Charts of a feature; of more regions, the first ones."""


def render(material: Material, told: Story) -> str:
    """The page as text."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = files("mezoo.view").joinpath("page.html.j2").read_text(encoding="utf-8")
    return environment.from_string(template).render(context(material, told))


def context(material: Material, told: Story) -> dict[str, Any]:
    """Everything that the template names."""
    video = material.video
    pictured = [s.frame for scene in told.scenes for s in scene.shots] + [s.frame for s in told.overview]
    linked = [s.about.number for s in told.scenes]
    scenes = [_scene(material, s) for s in told.scenes]
    overview = [_shot(material, s) for s in told.overview]
    shown = {
        "video": video,
        "subtitle": words.subtitle(video, told.size),
        "counts": words.counts(video),
        "mark": words.MARK,
        "licensed": words.LICENSED,
        "timeline": Markup(charts.timeline(video, material.expressions, sorted({*pictured}), linked)),
        "rows": [_row(material, n, n.number in linked) for n in material.expressions],
        "columns": _columns(material.expressions),
        "scenes": scenes,
        "left_out": words.left_out(material.expressions, linked),
        "overview": overview,
        "feature": _feature(material.seen, material) if material.seen else None,
        "landmarks": material.landmarks is not None,
        "feature_landmarks": material.seen is not None and material.seen.look == "landmarks",
    }
    return shown | {"weight": _weight(scenes, overview)}


def _weight(scenes: Sequence[dict[str, Any]], overview: Sequence[dict[str, Any]]) -> str:
    """How many pictures there are and what they weigh, in words."""
    shots = [*overview, *(shot for scene in scenes for shot in scene["shots"])]
    uris = [uri for shot in shots for uri in (shot["uri"], shot["before"], *(layer["uri"] for layer in shot["layers"]))]
    uris += [scene["difference"]["uri"] for scene in scenes if scene["difference"]]
    uris = [uri for uri in uris if uri]
    return f"{len(uris)} pictures, {words.size_words(sum(map(len, uris)))}"


def _columns(expressions: Sequence[Numbered]) -> list[str]:
    """The owner's columns in the order in which they are met."""
    return [*dict.fromkeys(column for n in expressions for column in n.expression.published)]


def _row(material: Material, item: Numbered, linked: bool) -> dict[str, Any]:
    e = item.expression
    cells = words.row_of(e, material.video.fps)
    return {"number": item.number, "e": e, "units": words.units(e.aus), "linked": linked, **cells}


def _scene(material: Material, scene: Scene) -> dict[str, Any]:
    item, e = scene.about, scene.about.expression
    shots = [_shot(material, s) for s in scene.shots]
    for shot in shots:
        # Pointing at a later frame shows the first in its place: only so can a movement of a pixel be seen.
        shot["before"] = shots[0]["uri"] if shot["uri"] and shot["frame"] > shots[0]["frame"] else ""
    about = [e.code, e.emotion, e.aus and f"AU {e.aus}", f"{1000 * e.length / material.video.fps:.0f} ms"]
    return {
        "number": item.number,
        "name": item.name if len(material.expressions) > 1 else f"{e.kind}-expression",
        "about": [a for a in about if a],
        "when": charts.when(item, material.video.fps),
        "shots": shots,
        "difference": _layer(scene.difference, "") if scene.difference else None,
    }


def _shot(material: Material, shot: Shot) -> dict[str, Any]:
    video, place = material.video, f"frame {shot.frame}"
    what = f"{', '.join(shot.labels)}: " if shot.labels else ""
    return {
        "frame": shot.frame,
        "published": shot.published,
        "seconds": f"{shot.seconds:.3f} s",
        "labels": shot.labels,
        "key": any(name.split()[0] in {"onset", "apex", "offset"} for name in shot.labels),
        "uri": "" if shot.image is None else jpeg_uri(shot.image),
        "before": "",
        "size": (4, 3) if shot.image is None else shot.image.shape[1::-1],
        "alt": f"{what}{place} of {video.code}, {shot.seconds:.3f} s",
        "marks": _path(shot.marks),
        "feature_marks": _path(shot.feature_marks),
        "layers": [_layer(layer, place) for layer in shot.layers],
        "problem": shot.problem,
    }


def _path(marks: Sequence[Line]) -> str:
    return "".join(line_path(line) for line in marks)


def _layer(layer: Layer, place: str) -> dict[str, Any]:
    alt = ", ".join(w for w in (layer.name, place, layer.tip) if w)
    return {
        "name": layer.name,
        "uri": jpeg_uri(layer.image),
        "alt": alt,
        "tip": layer.tip,
        "size": layer.image.shape[1::-1],
    }


def _feature(seen: Seen, material: Material) -> dict[str, Any]:
    """Words, legends, charts and facts of the feature."""
    f, n = seen.features, seen.n_frames
    curves = seen.curves
    shape = " × ".join(str(s) for s in f.values.shape)
    table = [
        ("looks like", WORDS[seen.look]),
        ("shape", f"{shape}, {f.values.dtype}"),
        ("rows per second", f"{f.fps:g}"),
    ]
    drawn = [
        {"title": c.title, "unit": c.unit, "svg": Markup(charts.chart(c, material.expressions, n, _height(curves)))}
        for c in curves[:MOST_CHARTS]
    ]
    image = scale = None
    if seen.look == "table" and not curves:
        image, scale = charts.table_map(seen)
    rows = int(f.values[0].size) if len(f) else 0
    return {
        "name": seen.name,
        "look": seen.look,
        "small": len(curves) > 3,
        "facts": [*table, *words.facts({k: v for k, v in f.facts.items() if k != OUTLINES})],
        "legends": _legends(seen),
        "regions": _regions(seen, material),
        "charts": drawn,
        "more": len(curves) - len(drawn),
        "line_names": curves[0].names if len(curves) > 3 else (),
        "map": Markup(charts.table_chart(image, rows, material.expressions, n)) if image is not None else "",
        "scale": scale or "",
    }


def _regions(seen: Seen, material: Material) -> dict[str, Any] | None:
    """The frame and the outlines that a feature's facts give: `{frame: 12, polygons: [[[x, y], ...], ...]}` px."""
    given = seen.features.facts.get(OUTLINES)
    if not given or not given["polygons"]:
        return None
    image = material.video.frames.read(given["frame"])
    scale = 1000 / np.array(image.shape[1::-1])
    polygons = [(np.array(p) + 0.5) * scale for p in given["polygons"]]
    paths = [line_path(Line(str(i), p / 1000, closed=True)) for i, p in enumerate(polygons)]
    small = thumbnail(image, 420)
    return {"frame": given["frame"], "uri": jpeg_uri(small, 60_000), "size": small.shape[1::-1], "paths": paths}


def _height(curves: Sequence[object]) -> int:
    return 70 if len(curves) > 3 else 90


def _legends(seen: Seen) -> list[dict[str, Any]]:
    """The wheel, and a bar for each scale of one number."""
    if seen.look == "flow":
        rim = f"{seen.scales[0]:.3g} {seen.unit or 'px'}"
        named = zip(seen.channels, seen.scales[1:], strict=True)
        bars = [{"kind": "bar", "name": c, "high": f"{s:.3g}", "uri": _bar()} for c, s in named if c != "grey"]
        return [{"kind": "wheel", "name": "flow", "high": rim, "uri": png_uri(legend(168))}, *bars]
    if seen.look == "maps":
        return [{"kind": "bar", "name": seen.name, "high": f"{seen.scales[0]:.3g}", "uri": _bar()}]
    return []


def _bar() -> str:
    return png_uri(heat_bar(160, 12))


def heat_bar(width: int, height: int) -> Picture:
    """The heat scale from its low end at the left to its high end at the right."""
    return heat(np.tile(np.linspace(0, 1, width), (height, 1)), 0, 1)
