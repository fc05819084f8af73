"""Whether anything looks at labels that it must not see, and what the fitted quantities depend on."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from mezoo.audit.finding import Finding
from mezoo.contracts import FeatureExtractor
from mezoo.records import Example, Expression, Fold, Video, Window
from mezoo.transfer import person

MANY = 3
"""Folds whose fitted quantities are compared."""


def other_labels(video: Video) -> Video:
    """The video as if its annotation said something else everywhere."""
    last = len(video.frames) - 1
    moved = (
        replace(e, onset=last - e.offset, offset=last - e.onset, apex=None, emotion="audit", aus="99", objective=None)
        for e in video.expressions
    )
    return replace(video, expressions=(*moved, Expression("audit", "macro", 0, last)))


def features(extractor: FeatureExtractor, video: Video) -> Finding:
    """Whether an extractor gives the same for a video whatever its annotation says."""
    one = extractor(video.unlabelled())
    try:
        other = extractor(other_labels(video))
    except Exception as error:  # a plugin may guard itself, in whatever words
        detail = f"{type(extractor).__name__} refuses annotation: {type(error).__name__}"
        return Finding("features are label-blind", True, "refuses annotation", "unchanged", detail)
    same = one.values.shape == other.values.shape and bool((one.values == other.values).all())
    found = "unchanged" if same else "changed with the annotation"
    detail = "" if same else f"{type(extractor).__name__} reads the expressions of {video.key}"
    return Finding("features are label-blind", same, found, "unchanged", detail)


def same_scores(a: Mapping[str, Sequence[Window]], b: Mapping[str, Sequence[Window]]) -> Finding:
    """Whether raw scores of held-out videos were the same with their labels changed."""
    differ = [k for k in a if _flat(a[k]) != _flat(b[k])]
    found = f"{len(differ)} of {len(a)} videos changed"
    detail = f"such as {differ[0]}" if differ else ""
    return Finding("predictions are label-blind", not differ, found, f"0 of {len(a)} videos changed", detail)


def _flat(windows: Sequence[Window]) -> list[tuple[int, str, bytes]]:
    return [(w.start, name, np.asarray(w.scores[name]).tobytes()) for w in windows for name in sorted(w.scores)]


def provenance(
    folds: Sequence[Fold], examples: Mapping[str, Example], prepare: Callable[[Sequence[Example]], Mapping[str, Any]]
) -> list[Finding]:
    """What `prepare` fits in several folds: what does not depend on the fold was not estimated from its subjects.

    One row: which measured quantities (numbers with a fraction) are equal in all folds looked at, and so are constants
    or estimated from everyone. The detail has a hash of the people that each fold's quantities saw.
    """
    looked = folds[:MANY]
    fitted = [dict(_leaves(prepare([examples[k] for k in f.train]))) for f in looked]
    prints = {f.name: saw(examples[k].video for k in f.train) for f in looked}
    measured = {path for found in fitted for path, value in found.items() if _measured(value)}
    expected = "each differs from fold to fold"
    if not measured:
        return [Finding("fitted quantities", True, "none", expected)]
    constant = sorted(path for path in measured if len({json.dumps(f.get(path)) for f in fitted}) == 1)
    seen = ", ".join(f"fold {name} saw {digest}" for name, digest in prints.items())
    found = f"{len(measured) - len(constant)} of {len(measured)} differ"
    if constant:
        seen = f"the same in every fold, so a constant or fitted on all subjects: {', '.join(constant)}; {seen}"
    return [Finding("fitted quantities", not constant, found, expected, seen)]


def saw(videos: Iterator[Video]) -> str:
    """Eight hex digits of the people whose videos were seen."""
    return hashlib.sha256(repr(sorted({person(v) for v in videos})).encode()).hexdigest()[:8]


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Quantities by name: a list is one quantity, a mapping several."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(inner, f"{path}.{key}" if path else str(key))
    else:
        yield path, value


def _measured(value: Any) -> bool:
    """Whether a quantity holds a number with a fraction: shapes and counts of classes are no estimates."""
    if isinstance(value, list | tuple):
        return any(_measured(v) for v in value)
    return isinstance(value, float) and not float(value).is_integer()
