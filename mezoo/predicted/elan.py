"""A prediction as an annotation file of ELAN (EAF 3.0), to be corrected by hand over the film."""

import mimetypes
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import ceil
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5
from xml.etree import ElementTree as Xml

from mezoo.files import write_atomic
from mezoo.predicted import told
from mezoo.predicted.clock import Clock, clock_of, lanes
from mezoo.prediction import Prediction

_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_XSD = "http://www.mpi.nl/tools/elan/EAFv3.0.xsd"
_CONSTRAINTS = {
    "Time_Subdivision": "Time subdivision of parent annotation's time interval, no time gaps allowed within this "
    "interval",
    "Symbolic_Subdivision": "Symbolic subdivision of a parent annotation. Annotations refering to the same parent "
    "are ordered",
    "Symbolic_Association": "1-1 association with a parent annotation",
    "Included_In": "Time alignable annotations within the parent annotation's time interval, gaps are allowed",
}
"""The four that ELAN knows, in its own words."""
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold, escaped or not."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One annotation: milliseconds [begin, end), its words, and those of the tier below it ("" for none)."""

    begin: int
    end: int
    words: str
    below: str = ""


@dataclass(slots=True)
class _Ids:
    """Annotations are numbered through, time slots by their time when all are known."""

    annotations: int = 0
    slots: list[tuple[int, Xml.Element, str]] = field(default_factory=list[tuple[int, Xml.Element, str]])

    def annotation(self) -> str:
        self.annotations += 1
        return f"a{self.annotations}"


def write_eaf(path: Path, prediction: Prediction) -> None:
    """Tiers `micro`, `macro`, `apex` (one frame long) and `no face`; below the first two, `... emotion` where asked.

    Where no intervals were looked for, a tier `clip` takes the place of the first three. A tier of ELAN holds no
    overlap: what overlaps stands on a further tier (`micro 2`). An annotation begins with the first millisecond at
    which a player shows its first frame and ends with that of the frame after its last one.
    """
    document = _document(prediction, path.parent)
    Xml.indent(document, "    ")
    write_atomic(path, f'<?xml version="1.0" encoding="UTF-8"?>\n{Xml.tostring(document, encoding="unicode")}\n')


def tiers(prediction: Prediction) -> dict[str, list[Mark]]:
    """Marks by tier, in order of time and without overlap; `micro`, `macro` and `apex` are there even if empty."""
    clock = clock_of(prediction.film, as_played=True)
    found = _found(prediction, clock)
    if prediction.face is not None and prediction.face.lost:
        found["no face"] = [_mark(clock, run, "no face") for run in prediction.face.lost]
    return {name: row for kind, marks in found.items() for name, row in _apart(kind, marks)}


def _found(prediction: Prediction, clock: Clock) -> dict[str, list[Mark]]:
    spotting = told.is_spotting(prediction)
    found: dict[str, list[Mark]] = {"micro": [], "macro": [], "apex": []} if spotting else {"clip": []}
    for number, f in enumerate(told.in_time(prediction), start=1):
        words = ", ".join(w for w in (f"{number}", f"score {f.spot.score:.2f}", told.votes(prediction, f)) if w)
        emotion = f"{f.emotion} {f.chances[f.emotion]:.2f}" if f.emotion else ""
        tier = f.spot.kind if spotting else "clip"
        found[tier].append(_mark(clock, (f.spot.onset, f.spot.offset), words, emotion))
        if spotting:
            found["apex"].append(_mark(clock, (f.apex, f.apex), f"{f.spot.kind} {number}"))
    return found


def _mark(clock: Clock, frames: tuple[int, int], words: str, below: str = "") -> Mark:
    begin = _milliseconds(clock.start(frames[0]))
    return Mark(begin, max(_milliseconds(clock.end(frames[1])), begin + 1), words, below)


def _milliseconds(seconds: float) -> int:
    """Rounded up, so that the frame of that time is the one meant and not the one before it."""
    return ceil(round(1000 * seconds, 3))


def _apart(tier: str, marks: Sequence[Mark]) -> Iterable[tuple[str, list[Mark]]]:
    rows = lanes([(m.begin, m.end) for m in marks]) or [[]]
    for i, row in enumerate(rows, start=1):
        yield tier if i == 1 else f"{tier} {i}", [marks[j] for j in row]


def _document(prediction: Prediction, folder: Path) -> Xml.Element:
    Xml.register_namespace("xsi", _XSI)
    head = {
        "AUTHOR": "mezoo",
        "DATE": datetime.now(UTC).isoformat(timespec="seconds"),
        "FORMAT": "3.0",
        "VERSION": "3.0",
        f"{{{_XSI}}}noNamespaceSchemaLocation": _XSD,
    }
    root, ids = Xml.Element("ANNOTATION_DOCUMENT", head), _Ids()
    header = Xml.SubElement(root, "HEADER", MEDIA_FILE="", TIME_UNITS="milliseconds")
    order = Xml.SubElement(root, "TIME_ORDER")
    for name, marks in tiers(prediction).items():
        _tiers(root, name, marks, ids)
    _slots(order, ids)
    _types(root)
    _header(header, prediction, folder, ids.annotations)
    return root


def _header(header: Xml.Element, prediction: Prediction, folder: Path, last: int) -> None:
    film = told.film_file(prediction)
    if film is not None:
        Xml.SubElement(header, "MEDIA_DESCRIPTOR", _media(film, folder.resolve()))
    # The same film has the same name: two files of one film can be told to belong together.
    named = uuid5(NAMESPACE_URL, f"mezoo/{film or prediction.film.key}")
    _property(header, "URN", f"urn:nl-mpi-tools-elan-eaf:{named}")
    _property(header, "lastUsedAnnotationId", str(last))


def _media(film: Path, folder: Path) -> dict[str, str]:
    """ELAN reads the path behind `file://` as it stands and decodes no %20, so nothing is encoded."""
    kind = mimetypes.guess_type(film.name)[0] or "video/*"
    found = {"MEDIA_URL": f"file:///{_text(film.as_posix()).lstrip('/')}", "MIME_TYPE": kind}
    try:
        beside = Path(os.path.relpath(film, folder)).as_posix()
    except ValueError:  # another drive
        return found
    return {**found, "RELATIVE_MEDIA_URL": _text(beside if beside.startswith("../") else f"./{beside}")}


def _property(header: Xml.Element, name: str, value: str) -> None:
    Xml.SubElement(header, "PROPERTY", NAME=name).text = value


def _tiers(root: Xml.Element, name: str, marks: Sequence[Mark], ids: _Ids) -> None:
    """A tier on the time axis, and one below it where its marks have something to say there."""
    tier = Xml.SubElement(root, "TIER", LINGUISTIC_TYPE_REF="interval", TIER_ID=name)
    parents: list[tuple[str, Mark]] = []
    for mark in marks:
        own = ids.annotation()
        place = _annotation(tier, "ALIGNABLE_ANNOTATION", own, mark.words)
        ids.slots += [(mark.begin, place, "TIME_SLOT_REF1"), (mark.end, place, "TIME_SLOT_REF2")]
        parents += [(own, mark)] if mark.below else []
    if parents:
        child = {"LINGUISTIC_TYPE_REF": "emotion", "PARENT_REF": name, "TIER_ID": f"{name} emotion"}
        below = Xml.SubElement(root, "TIER", child)
        for parent, mark in parents:
            _annotation(below, "REF_ANNOTATION", ids.annotation(), mark.below).set("ANNOTATION_REF", parent)


def _annotation(tier: Xml.Element, kind: str, own: str, words: str) -> Xml.Element:
    place = Xml.SubElement(Xml.SubElement(tier, "ANNOTATION"), kind, ANNOTATION_ID=own)
    Xml.SubElement(place, "ANNOTATION_VALUE").text = _text(words)
    return place


def _slots(order: Xml.Element, ids: _Ids) -> None:
    """Every annotation has its own two: dragging one in ELAN must not move another."""
    for number, (time, place, name) in enumerate(sorted(ids.slots, key=lambda s: s[0]), start=1):
        Xml.SubElement(order, "TIME_SLOT", TIME_SLOT_ID=f"ts{number}", TIME_VALUE=str(time))
        place.set(name, f"ts{number}")


def _types(root: Xml.Element) -> None:
    below = {"CONSTRAINTS": "Symbolic_Association"}
    for name, alignable, constraint in (("interval", "true", {}), ("emotion", "false", below)):
        given = {"LINGUISTIC_TYPE_ID": name, "TIME_ALIGNABLE": alignable, "GRAPHIC_REFERENCES": "false", **constraint}
        Xml.SubElement(root, "LINGUISTIC_TYPE", given)
    Xml.SubElement(root, "LOCALE", COUNTRY_CODE="US", LANGUAGE_CODE="en")
    for name, words in _CONSTRAINTS.items():
        Xml.SubElement(root, "CONSTRAINT", DESCRIPTION=words, STEREOTYPE=name)


def _text(words: str) -> str:
    return _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", words)
