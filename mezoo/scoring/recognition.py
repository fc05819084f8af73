"""Recognition: one confusion matrix of all clips over a fixed list of classes."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mezoo.errors import DataError
from mezoo.metrics.recognition import Confusion, confusion
from mezoo.scoring.protocol import check, held, stamp
from mezoo.scoring.tables import PLACE, Options, Place, Row, Table, locator, read_table
from mezoo.statistics import confusion_intervals

TRUTH_NAMES = {"clip": "sample", "class": "label", "truth": "label"}
"""Columns of a run's own tables, and what they are called here."""
ANSWER_NAMES = {"clip": "sample", "answer": "label"}
RATIOS = ("accuracy", "uf1", "uar", "weighted_f1")


def score_recognition(truth: Path, predicted: Path, options: Options) -> dict[str, Any]:
    """Ratios, `per_class`, `confusion` [truth, answer], with `ci95` by subject, and by dataset where tables name them.

    Raises DataError with file and line: also for a clip without prediction, and for a class outside a fixed list.
    """
    protocol = held(options, "recognition")
    real = read_table(truth, ("sample", "label"), TRUTH_NAMES)
    given = read_table(predicted, ("sample",), ANSWER_NAMES)
    rows = _by_place(real)
    fixed = options.classes or (protocol.classes if protocol else ())
    answers = _answers(given, real, rows, fixed)
    if not fixed:
        words = {name for _, name in answers.values()} if "label" in given.columns else {*_probabilities(given, ())}
        _share_words({row.text("label") for row in rows.values()}, words, given)
    names = fixed or _classes([row.text("label") for row in rows.values()], answers, given)
    places = {name: i for i, name in enumerate(names)}
    pairs = {p: (_index(row, row.text("label"), places), _index(*answers[p], places)) for p, row in rows.items()}
    check(protocol, ((p[0], row.text("label")) for p, row in rows.items()))
    scores = _scores(pairs, names, by_subject="subject" in real.columns)
    if "dataset" in real.columns:
        parts = {d: {p: x for p, x in pairs.items() if p[0] == d} for d in sorted({p[0] for p in pairs})}
        scores["by_dataset"] = {d: _scores(x, names, "subject" in real.columns) for d, x in parts.items()}
    return {**scores, **stamp(options, protocol)}


def _by_place(table: Table) -> dict[Place, Row]:
    rows: dict[Place, Row] = {}
    for row in table.rows:
        place = row.place("sample")
        if place in rows:
            row.fail(f"sample {place[2]!r} is given twice, first on line {rows[place].line}")
        rows[place] = row
    if not rows:
        raise DataError(f"{table.file}: has no rows", hint="a table of truth names every clip")
    return rows


def _answers(
    given: Table, real: Table, rows: Mapping[Place, Row], fixed: Sequence[str]
) -> dict[Place, tuple[Row, str]]:
    """The row and the class that was answered of every clip of the truth."""
    columns = {} if "label" in given.columns else _probabilities(given, fixed)
    find = locator(real, given, [*rows], "sample")
    answers: dict[Place, tuple[Row, str]] = {}
    for row in given.rows:
        place = find(row)
        if place is None:
            row.fail(
                f"sample {row.cells['sample']!r} is not in {real.file}", "predictions are of the clips of the truth"
            )
        if place in answers:
            row.fail(f"sample {place[2]!r} is given twice, first on line {answers[place][0].line}")
        answers[place] = row, _best(row, columns) if columns else row.text("label")
    missing = [row for place, row in rows.items() if place not in answers]
    if missing:
        missing[0].fail(
            f"sample {missing[0].cells['sample']!r} has no prediction in {given.file}, as {len(missing)} in all",
            "a clip that is left out cannot be scored: predict every clip",
        )
    return answers


def _probabilities(table: Table, fixed: Sequence[str]) -> dict[str, str]:
    """Class -> column of its probability: named as the class, or p_<class>."""
    other = {"sample", "truth", "score", *PLACE}
    found = {c.removeprefix("p_") if c not in fixed else c: c for c in table.columns if c not in other}
    lacking = [name for name in fixed if name not in found]
    if lacking or not found:
        raise DataError(
            f"{table.file}: no column label" + (f", and none for class {lacking[0]!r}" if lacking else ""),
            hint="give sample,label or one column of probabilities a class",
        )
    return {name: found[name] for name in fixed or found}


def _best(row: Row, columns: Mapping[str, str]) -> str:
    """The class of the largest probability, the first of equal ones."""
    values = {name: row.number(column) for name, column in columns.items()}
    return max(values, key=values.__getitem__)


def _share_words(labels: set[str], answered: set[str], given: Table) -> None:
    """Raise DataError where several classes are answered and none is of the truth's several: they have other names."""
    if labels.isdisjoint(answered) and min(len(labels), len(answered)) > 1:
        raise DataError(
            f"{given.file}: the answers are {', '.join(sorted(answered))}, the classes of the truth "
            f"{', '.join(sorted(labels))}: not one is the same",
            hint="write the classes in the same words, or give --classes if every answer is wrong indeed",
        )


def _classes(labels: Sequence[str], answers: Mapping[Place, tuple[Row, str]], given: Table) -> tuple[str, ...]:
    """Every class that occurs or has a column, in order; numbers by their value."""
    columns = {} if "label" in given.columns else _probabilities(given, ())
    names = {*labels, *(name for _, name in answers.values()), *columns}
    digits = all(name.isdecimal() for name in names)
    return tuple(sorted(names, key=(lambda n: (int(n), n)) if digits else (lambda n: (0, n))))


def _index(row: Row, label: str, places: Mapping[str, int]) -> int:
    if label not in places:
        row.fail(
            f"class {label!r} is not one of {','.join(places)}", "the list of classes is fixed: correct the row or it"
        )
    return places[label]


def _scores(pairs: Mapping[Place, tuple[int, int]], names: Sequence[str], by_subject: bool) -> dict[str, Any]:
    whole = _matrix([*pairs.values()], len(names))
    table = {name: getattr(whole, name).tolist() for name in ("precision", "recall", "f1")}
    clips = whole.matrix.sum(axis=1).tolist()
    scores: dict[str, Any] = {
        "n": int(whole.matrix.sum()),
        "correct": int(whole.matrix.trace()),
        **{ratio: getattr(whole, ratio) for ratio in RATIOS},
        "classes": list(names),
        "per_class": {
            name: {**{ratio: table[ratio][i] for ratio in table}, "n": clips[i]} for i, name in enumerate(names)
        },
        "confusion": whole.matrix.tolist(),
    }
    if by_subject:
        own: dict[tuple[str, str], list[tuple[int, int]]] = {}
        for place, pair in pairs.items():
            own.setdefault(place[:2], []).append(pair)
        spans = confusion_intervals([_matrix(x, len(names)).matrix for x in own.values()])
        scores["ci95"] = list(spans["uf1"])
        scores |= {f"ci95_{ratio}": list(spans[ratio]) for ratio in RATIOS}
    return scores


def _matrix(pairs: Sequence[tuple[int, int]], classes: int) -> Confusion:
    table = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return confusion(table[:, 0].tolist(), table[:, 1].tolist(), classes)
