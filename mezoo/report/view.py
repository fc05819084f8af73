"""From a loaded run to what the page of any task shows, and that of spotting: words, rows and figures, no markup."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

import numpy as np
from markupsafe import Markup

from mezoo.report import taxonomy
from mezoo.report.figures import Mark, Panel, ceiling, dot_plot, learning, range_bar, score_bar, tally
from mezoo.report.heat import graph_rows
from mezoo.report.reading import Film, Run, fold_names
from mezoo.report.timeline import WORDS, Lanes, describe, judge, strip, total
from mezoo.report.words import arguments, number, plural

TEMPLATE = "spotting.html.j2"
OPEN_STRIPS = 12
"""Videos whose strips are open at first."""
CURVE_POINTS = 120_000
"""Points of all score curves together, so that a large run stays a small page."""
PROTOCOLS = {"loso": "leave-one-subject-out", "lodo": "leave-one-dataset-out", "lovo": "leave-one-video-out"}
RULES = ("last", "validation", "oracle")
NAMES = {"micro": ("micro", "-expressions"), "macro": ("macro", "-expressions"), "overall": ("both", " together")}
"""What a kind is called; the second half is dropped where there is no room."""
KINDS = {kind: "".join(halves) for kind, halves in NAMES.items()}
HELD_OUT = tuple(f"{kind}_f1" for kind in KINDS)
"""Held-out ratios of spotting that may be drawn by epoch."""


def context(run: Run) -> dict[str, Any]:
    """Everything that the page of a spotting run names."""
    result = run.result
    kind, _ = asked(result)
    lanes = lanes_of(run)
    return {
        **frame(run, "f1"),
        "kind": kind,
        "short": WORDS.get(kind, ("", ""))[0],
        "plain": KINDS.get(kind, kind),
        "head": headline(result),
        "scores": score_rows(result),
        "only": KINDS[kind] if lanes.spots == (kind,) and kind in KINDS else "",
        "subjects": subject_rows(result, "f1"),
        "strips": strips(run, lanes),
        "wrongs": taxonomy.context(scored_films(run), lanes.spots),
        "lanes": lanes,
        "panels": panels(run, HELD_OUT),
    }


def frame(run: Run, ratio: str) -> dict[str, Any]:
    """What the pages of all tasks name; `ratio` is the headline's key in the scores."""
    result = run.result
    return {
        "r": result,
        "run": run,
        "rule": asked(result)[1],
        "title": title(result),
        "subtitle": subtitle(result),
        "states": states(result),
        "head": standing(result, ratio),
        "graphs": graph_rows(run.graphs),
        "learnt": learnt(result, "accuracy" if ratio == "uf1" else ratio),
        "arguments": {k: arguments(result.get(k) or {}) for k in ("model", "features")}
        | {k: arguments({"arguments": result.get(k)}) for k in ("protocol", "trainer")},
    }


def asked(result: Mapping[str, Any]) -> tuple[str, str]:
    """Kind and epoch rule of the headline."""
    headline = result.get("headline") or {}
    return headline.get("kind") or "micro", headline.get("epoch_rule") or "last"


def title(result: Mapping[str, Any]) -> str:
    """Method on dataset; a `title` is used where the result has one, else the name."""
    model, data = result.get("model") or {}, result.get("data") or {}
    method = model.get("title") or model.get("name") or result.get("recipe") or "A run"
    dataset = data.get("title") or data.get("dataset")
    return f"{method} on {dataset}" if dataset else str(method)


def subtitle(result: Mapping[str, Any]) -> str:
    """Task, protocol and number of subjects."""
    protocol = (result.get("protocol") or {}).get("split", "")
    task = str(result.get("task", ""))
    words = ["spot, then recognise" if task == "strs" else task, PROTOCOLS.get(protocol, protocol.replace("_", " "))]
    return ", ".join(w for w in [*words, plural(len(result.get("subjects") or []), "subject")] if w)


def states(result: Mapping[str, Any]) -> dict[str, int]:
    """Folds in each state, and their number as `all`."""
    found = [str(s.get("state", "pending")) for s in result.get("subjects") or []]
    return {"all": len(found), **{s: found.count(s) for s in ("done", "failed")}}


def score(table: Mapping[str, Any], rule: str, kind: str) -> Mapping[str, Any]:
    """Counts and ratios under an epoch rule; {} where there are none."""
    return ((table.get("scores") or {}).get(rule) or {}).get(kind) or {}


def span(value: object) -> tuple[float, float] | None:
    """A 95 % interval (low, high), or None."""
    ends = [number(v) for v in value] if isinstance(value, list | tuple) else []
    match ends:
        case [float(low), float(high)]:
            return low, high
        case _:
            return None


def headline(result: Mapping[str, Any]) -> dict[str, Any]:
    """Of a spotting run: `standing`, and what was found."""
    kind, rule = asked(result)
    counts = score(result, rule, kind)
    n = {k: int(counts.get(k) or 0) for k in ("tp", "n_pred", "n_gt")}
    drawn = Markup(tally(n["tp"], n["n_gt"] - n["tp"], n["n_pred"] - n["tp"]))
    return {**standing(result, "f1"), "counts": n if counts else None, "tally": drawn}


def standing(result: Mapping[str, Any], ratio: str) -> dict[str, Any]:
    """The one number, its interval, and how the epoch rules compare."""
    kind, rule = asked(result)
    given = result.get("headline") or {}
    counts = score(result, rule, kind)
    value = number(given.get("value"))
    value = value if value is not None else number(counts.get(ratio))
    if not states(result)["done"]:
        value = None
    interval = span(given.get("ci95")) or span(counts.get("ci95"))
    marks = list(_marks(result, ratio, interval))
    top = ceiling([*(v for m in marks for v in (m.value, *(m.interval or ()))), value or 0.0, *(interval or ())])
    oracle = next((m.value for m in marks if m.hollow), None)
    return {
        "value": value,
        "interval": interval,
        "metric": given.get("metric") or ratio.upper(),
        "bar": Markup(range_bar(value, interval, top)) if value is not None else "",
        "dots": Markup(dot_plot(marks, top)) if len(marks) > 1 else "",
        "gap": oracle - value if oracle is not None and value is not None else None,
    }


def _marks(result: Mapping[str, Any], ratio: str, interval: tuple[float, float] | None) -> Iterator[Mark]:
    kind, rule = asked(result)
    for name in RULES:
        counts = score(result, name, kind)
        value = number(counts.get(ratio))
        if value is not None:
            band = span(counts.get("ci95")) or (interval if name == rule else None)
            yield Mark(name, value, band, headline=name == rule, hollow=name == "oracle")


def score_rows(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows of the score table: micro, macro, overall."""
    _, rule = asked(result)
    return [{"name": NAMES[k][0], "rest": NAMES[k][1], **counts} for k in KINDS if (counts := score(result, rule, k))]


def lanes_of(run: Run) -> Lanes:
    """Kinds with truth and kinds that the model spots: those predicted, drawn as a curve, or in the headline."""
    headline_kind, rule = asked(run.result)
    seen = {e.kind for f in run.films for e in f.spots} | {k for f in run.films for k in f.curves if k in WORDS}
    seen |= {k for k in WORDS if score(run.result, rule, k).get("n_pred")}
    stated = (run.result.get("model") or {}).get("kinds")
    seen |= set(stated or (WORDS if headline_kind == "overall" else (headline_kind,)))
    truth = tuple(k for k in WORDS if any(e.kind == k for f in run.films for e in f.truth))
    drawn = sum(len(f.curves) - 1 for f in run.films if f.curves)
    return Lanes(truth, tuple(k for k in WORDS if k in seen), max(100, min(500, CURVE_POINTS // max(drawn, 1))))


def subject_rows(result: Mapping[str, Any], ratio: str) -> list[dict[str, Any]]:
    """One row a fold, sorted by subject, with a bar of its `ratio`."""
    kind, rule = asked(result)
    rows: list[dict[str, Any]] = []
    for subject in sorted(result.get("subjects") or [], key=lambda s: str(s.get("subject", ""))):
        counts, best = score(subject, rule, kind), score(subject, "oracle", kind)
        value, oracle = number(counts.get(ratio)), number(best.get(ratio))
        drawn = value is not None and any(counts.get(k) for k in ("n_gt", "n_pred", "n"))
        bar = Markup(score_bar(value, oracle, ratio)) if value is not None and drawn else ""
        lines = str(subject.get("error") or "").strip().splitlines()
        rows.append(
            {
                **subject,
                "counts": counts,
                "value": value if drawn else None,
                "oracle": oracle,
                "bar": bar,
                "error": lines[:2],
                "trace": lines[2:] and lines,
            }
        )
    return rows


def learnt(result: Mapping[str, Any], ratio: str) -> str:
    """The gap between last and oracle epoch over folds, in words; "" where it is not known."""
    kind, _ = asked(result)
    done = [s for s in result.get("subjects") or [] if s.get("oracle_epoch") is not None and s.get("epochs")]
    pairs = [(number(score(s, "last", kind).get(ratio)), number(score(s, "oracle", kind).get(ratio))) for s in done]
    known = [(a, b) for a, b in pairs if a is not None and b is not None]
    if not known or len(known) < len(done):
        return ""
    last, best = (sum(values) / len(known) for values in zip(*known, strict=True))
    early = float(np.median([s["epochs"] - 1 - s["oracle_epoch"] for s in done]))
    name = "F1" if ratio == "f1" else ratio
    return (
        f"The gap, fold by fold: mean held-out {name} {last:.3f} at the last epoch, {best:.3f} at each fold's oracle "
        f"epoch, which lies {early:g} epochs before the last (median over {plural(len(known), 'fold')}). "
        "No honest rule can choose that epoch: it needs the answers."
    )


def unfinished(run: Run) -> dict[str, str]:
    """State of every fold that has not ended well, by its name."""
    rows = run.result.get("subjects") or []
    return {str(s.get("subject")): s.get("state") or "pending" for s in rows if s.get("state") != "done"}


def scored_films(run: Run) -> list[Film]:
    """Videos whose fold has predictions."""
    failed = unfinished(run)
    return [f for f in run.films if run.predicted and not any(name in failed for name in fold_names(f.key))]


def strips(run: Run, lanes: Lanes) -> list[dict[str, Any]]:
    """Strips grouped by subject; groups are open until `OPEN_STRIPS` videos are shown."""
    failed = unfinished(run)
    groups, shown = list[dict[str, Any]](), 0
    several = len({f.key[0] for f in run.films}) > 1
    for (dataset, subject), films in groupby(run.films, key=lambda f: f.key[:2]):
        videos = list(films)
        state = next((failed[name] for name in fold_names(videos[0].key) if name in failed), "")
        scored = run.predicted and not state
        counts = total([judge(f, k) for f in videos for k in lanes.spots])
        groups.append(
            {
                "name": f"{dataset}, subject {subject}" if several else f"Subject {subject}",
                "state": state if run.predicted else "no predictions",
                "words": summary(counts) if scored else "",
                "open": len(run.films) <= OPEN_STRIPS or shown + len(videos) <= OPEN_STRIPS or not groups,
                "videos": [_strip(f, lanes, scored) for f in videos],
            }
        )
        shown += len(videos)
    return groups


def _strip(film: Film, lanes: Lanes, scored: bool) -> dict[str, Any]:
    seconds = f"{film.length / film.fps:.1f} s at {film.fps:g} fps" if film.fps else f"{film.length} frames"
    words = describe(film, lanes, scored)
    return {"code": film.key[2], "facts": seconds, "words": words, "svg": Markup(strip(film, lanes, scored))}


def summary(counts: Mapping[str, int]) -> str:
    """Found, missed and false alarms in words."""
    found, missed = counts["found"], counts["missed"]
    return f"found {found} of {found + missed}, {plural(counts['alarms'], 'false alarm')}"


def panels(run: Run, held_out: Sequence[str]) -> list[dict[str, Any]]:
    """Learning curves, drawn."""
    return [
        {"title": p.title, "column": p.column, "folds": len(p.folds), "svg": Markup(learning(p))}
        for p in curves(run, held_out)
    ]


def curves(run: Run, held_out: Sequence[str]) -> list[Panel]:
    """Learning curves: losses first, then held-out ratios, with the last and the oracle epoch of every fold."""
    columns = {c for h in run.history.values() for c in h}
    losses = sorted(c for c in columns if c.startswith("train/") and "loss" in c)
    chosen = [*losses, *(f"held_out/{name}" for name in held_out)]
    oracle = {
        str(s.get("subject")): s["oracle_epoch"]
        for s in run.result.get("subjects") or []
        if s.get("oracle_epoch") is not None
    }
    epochs = [int(e) for h in run.history.values() for s in h.values() for e in s.epochs]
    shown: list[Panel] = []
    for column in (c for c in chosen if c in columns):
        folds = {name: h[column] for name, h in run.history.items() if column in h}
        held = column.startswith("held_out/")
        ends = min(epochs), max(epochs)
        shown.append(Panel(_metric(column), column, folds, ends, oracle if held else {}, unit=held))
    return shown


def _metric(column: str) -> str:
    group, _, name = column.partition("/")
    if group != "held_out":
        return f"training {name.replace('_', ' ')}"
    kind, _, ratio = name.rpartition("_")
    return f"held-out F1, {KINDS.get(kind, kind)}" if ratio == "f1" else f"held-out {ratio}"
