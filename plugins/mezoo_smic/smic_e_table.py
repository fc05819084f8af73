"""Rows of the SMIC-E tables: one a clip, with up to three micro-expressions and the leavings of formulas."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from mezoo import datasets, tables
from mezoo_smic.release import Camera, Code, code_of

WRITTEN = datasets.annotations.Roles("OnsetF", "OffsetF", emotion="Emotion")
"""The columns of the table itself; an annotation is made of `Onset`, `Offset` of one movement of a row."""
_READ = datasets.annotations.Roles("Onset", "Offset", emotion="Class")
_Span = tuple[int | None, int | None]


def columns(camera: Camera) -> list[tables.Column]:
    """Columns of the sheet of a camera: SMIC-E-HS has a third movement and the last frame, the others have neither."""
    required = ("Subject", "Filename", "OnsetF", "OffsetF", "FirstF", "Emotion")
    optional = ["Onset2F", "Offset2F", "TotalMF1", "TotalMF2", "TotalVL"]
    if camera == "hs":
        optional += ["Onset3F", "Offset3F", "TotalMF3", "LastF"]
    return [*map(tables.Column, required), *(tables.Column(name, required=False) for name in optional)]


@dataclass(frozen=True, slots=True)
class Reading:
    """Annotations of a table, first and last frame of each clip as the table has them, and what was odd."""

    annotations: list[datasets.Annotation] = field(default_factory=list[datasets.Annotation])
    spans: dict[tuple[str, str], _Span] = field(default_factory=dict[tuple[str, str], _Span])
    notes: list[datasets.Excluded] = field(default_factory=list[datasets.Excluded])
    problems: list[str] = field(default_factory=list[str])


def read(table: tables.Table, *, shared_clips: bool = False) -> Reading:
    """Every micro-expression of a table; `shared_clips`: rows of a subject with one FirstF lie in the first's clip.

    The second and third of a row count only within FirstF..LastF, with onset < offset, a positive length and no twin
    among those before: the rest is what formulas left behind. The first of a row is read like any other row.
    """
    reading = Reading()
    rows: list[tables.Row] = []
    published: list[tables.Row] = []
    remarks: list[int] = []
    homes: dict[tuple[str, int], Code] = {}
    for row in table.rows:
        code = code_of(tables.text(row["Filename"]))
        if code is None:
            if tables.frame(row["OnsetF"]) is None:
                remarks.append(row.line)
            else:
                reason = f"Filename {tables.text(row['Filename'])!r} is not like s3_ne_03"
                reading.notes.append(datasets.Excluded(f"row {row.line}", reason, "dropped"))
            continue
        span = _span(row)
        if row["FirstF"] is not None and span[0] is None:
            reason = f"FirstF is {tables.text(row['FirstF'])!r}, no frame number"
            reading.notes.append(datasets.Excluded(f"{code.name} (micro, row {row.line})", reason, "dropped"))
            continue
        clip = homes.setdefault((code.subject, span[0]), code) if shared_clips and span[0] is not None else code
        reading.spans.setdefault((clip.subject, clip.code), span)
        _check(row, code, reading)
        made = list(_movements(row, code, clip, span, reading.notes))
        rows += made
        published += [row] * len(made)
    if remarks:
        what = f"row {remarks[0]}{' ...' if len(remarks) > 1 else ''}"
        reading.notes.append(datasets.Excluded(what, f"{len(remarks)} row(s) without a clip", "skipped"))
    annotations, unread = datasets.annotations.read(rows, published, _READ, _key)
    reading.annotations.extend(annotations)
    reading.notes.extend(unread)
    return reading


def _key(row: tables.Row) -> tuple[str, str, str]:
    return tables.text(row["subject"]), tables.text(row["clip"]), tables.text(row["code"])


def _span(row: tables.Row) -> _Span:
    """First and last frame of the clip; the last from the length where there is no such column (VIS, NIR)."""
    first, last, length = (tables.frame(row[name]) for name in ("FirstF", "LastF", "TotalVL"))
    if last is None and first is not None and length is not None:
        last = first + length - 1
    return first, last


def _check(row: tables.Row, code: Code, reading: Reading) -> None:
    """Subject and emotion stand twice in a row; the code decides."""
    subject, emotion = tables.text(row["Subject"]), datasets.annotations.emotion(row["Emotion"])
    if any(sign.isdigit() for sign in subject) and datasets.annotations.digits(subject) != str(int(code.subject[1:])):
        reason = f"Subject is {subject!r}"
        reading.notes.append(datasets.Excluded(f"{code.name} (row {row.line})", reason, f"read as {code.subject}"))
    if emotion and emotion != code.emotion:
        reading.problems.append(
            f"{code.name} (row {row.line}): Emotion is {tables.text(row['Emotion'])!r}; "
            f"read as {code.emotion}, as its code says"
        )


def _movements(
    row: tables.Row, code: Code, clip: Code, span: _Span, notes: list[datasets.Excluded]
) -> Iterator[tables.Row]:
    """A row for each micro-expression; notes on what stands in their columns and is none."""
    before: list[_Span] = []
    for k in (1, 2, 3):
        ends = tables.frame(row[_nth("Onset", k)]), tables.frame(row[_nth("Offset", k)])
        if k > 1 and not any(ends):
            continue
        why = _not_one(ends, span, row[f"TotalMF{k}"], k) if k > 1 else ""
        if ends in before:
            why = f"it repeats ME {before.index(ends) + 1}"
        if why:
            notes.append(datasets.Excluded(f"{code.name}#{k} (micro, row {row.line})", f"no ME {k}: {why}", "ignored"))
            continue
        before.append(ends)
        mark = f"#{k}" if k > 1 else ""
        own: Mapping[str, tables.Cell] = {
            "subject": clip.subject,
            "clip": clip.code,
            "code": f"{code.code}{mark}",
            "Onset": ends[0],
            "Offset": ends[1],
            "Class": code.emotion,
        }
        yield tables.Row(row.line, own)


def _not_one(ends: _Span, span: _Span, length: tables.Cell, k: int) -> str:
    """Why the k-th pair of a row is no micro-expression; "" where it is one."""
    (onset, offset), (first, last) = ends, span
    total = tables.number(length)
    if total is not None and total <= 0:
        return f"TotalMF{k} is {tables.text(length)}"
    if onset is None or offset is None or not onset < offset:
        return f"onset {onset} is not before offset {offset}"
    if (first is not None and onset < first) or (last is not None and offset > last):
        return f"{onset}..{offset} is outside FirstF..LastF, {first}..{last}"
    return ""


def _nth(name: str, k: int) -> str:
    return f"{name}F" if k == 1 else f"{name}{k}F"
