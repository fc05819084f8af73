"""Tables for a paper: LaTeX text for the package booktabs. Pure functions; every name is escaped."""

from collections.abc import Mapping, Sequence
from typing import Any

from mezoo.report import recognition, view
from mezoo.report.words import arguments, f3, number, show

_SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': r"\textquotedbl{}", "–": "--", "\n": " ", "\r": " ",
}  # fmt: skip
Result = Mapping[str, Any]


def escaped(value: object) -> str:
    """Any text as LaTeX that prints it."""
    return "".join(_SPECIAL.get(sign, sign) for sign in str(value))


def table(columns: str, header: Sequence[str], rows: Sequence[Sequence[object]], note: str) -> str:
    """A `tabular` with rules; `columns` is its specification, `note` a comment on top."""
    lines = [f"% {' '.join(note.split())}", "% \\usepackage{booktabs}", rf"\begin{{tabular}}{{{columns}}}", r"\toprule"]
    lines += [" & ".join(map(escaped, header)) + r" \\", r"\midrule"]
    lines += [" & ".join(map(escaped, row)) + r" \\" for row in rows]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", ""])


def tables(result: Result) -> dict[str, str]:
    """Scores, classes (recognition), subjects and arguments by file name; those without a row are left out."""
    recognised = result.get("task") == "recognition"
    note = _note(result)
    made = {
        "scores": _clip_scores(result) if recognised else _spot_scores(result),
        "classes": _classes(result) if recognised else ("", (), ()),
        "subjects": _subjects(result, recognised),
        "arguments": _arguments(result),
    }
    return {f"{name}.tex": table(*parts, note) for name, parts in made.items() if parts[2]}


Parts = tuple[str, Sequence[str], Sequence[Sequence[object]]]


def _note(result: Result) -> str:
    words = [f"mezoo {result.get('mezoo', '')}, run {result.get('run', '')}", f"epoch rule {view.asked(result)[1]}"]
    words += ["SYNTHETIC STAND-IN: says nothing about real data"] if result.get("synthetic") else []
    words += [f"control: {result['control']}"] if result.get("control") else []
    words += [f"NO RESULT, leak: {leak}" for leak in result.get("leaks") or []]
    words += ["PARTIAL: not all folds finished"] if result.get("status") == "partial" else []
    return "; ".join(words)


def _span(value: object) -> str:
    ends = view.span(value)
    return f"[{ends[0]:.3f}, {ends[1]:.3f}]" if ends else "–"


def _spot_scores(result: Result) -> Parts:
    header = ["Kind", "Precision", "Recall", "F1", "95 % interval", "TP", "Spotted", "Truth"]
    rows = [
        [row["name"], *(f3(row.get(k)) for k in ("precision", "recall", "f1")), _span(row.get("ci95"))]
        + [row.get(k, "–") for k in ("tp", "n_pred", "n_gt")]
        for row in view.score_rows(result)
    ]
    return "lccccrrr", header, rows


def _clip_scores(result: Result) -> Parts:
    names = {"uf1": "UF1", "uar": "UAR", "accuracy": "Accuracy"}
    header = ["Clips of", "n", *(w for name in names.values() for w in (name, "95 % interval"))]
    rows = [
        [row["name"], row.get("n", "–"), *(w for k in names for w in (f3(row.get(k)), _span(row.get(f"ci95_{k}"))))]
        for row in recognition.score_rows(result)
    ]
    return "lrcccccc", header, rows


def _classes(result: Result) -> Parts:
    rows = [
        [row["name"], row["total"], *(f3(row.get(k)) for k in ("precision", "recall", "f1"))]
        for row in recognition.confusion(result).get("rows", [])
    ]
    return "lrccc", ["Class", "n", "Precision", "Recall", "F1"], rows


def _subjects(result: Result, recognised: bool) -> Parts:
    ratio, counted = ("accuracy", ("correct", "n")) if recognised else ("f1", ("tp", "n_pred", "n_gt"))
    heads = {"correct": "Right", "n": "Clips", "tp": "TP", "n_pred": "Spotted", "n_gt": "Truth"}
    rows = [
        [row.get("subject", ""), f3(row["value"]), *(row["counts"].get(k, "–") for k in counted)]
        for row in view.subject_rows(result, ratio)
    ]
    name = "Accuracy" if recognised else "F1"
    return f"lc{'r' * len(counted)}", ["Subject", name, *(heads[k] for k in counted)], rows


def _arguments(result: Result) -> Parts:
    rows = [[a["name"], a["value"], a["tag"], a["source"]] for a in arguments(result.get("model") or {})]
    rows += [
        [f"{part}.{name}", show(value), "", ""]
        for part, given in (
            ("features", (result.get("features") or {}).get("arguments")),
            ("protocol", result.get("protocol")),
            ("trainer", result.get("trainer")),
        )
        for name, value in (given or {}).items()
    ]
    parameters = number((result.get("model") or {}).get("parameters"))
    rows += [["parameters", f"{parameters:.0f}", "", "counted"]] if parameters else []
    return r"lp{0.25\linewidth}lp{0.4\linewidth}", ["Argument", "Value", "Source", ""], rows
