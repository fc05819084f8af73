"""What all outputs say of a prediction: names, numbers and sentences, each made in one place."""

import re
from collections.abc import Iterable
from pathlib import Path

from mezoo.predicted.clock import Clock
from mezoo.prediction import Found, Method, Prediction

SYNTHETIC = "SYNTHETIC weights: trained on a rendered stand-in. What is found here says nothing about people."


def film_file(prediction: Prediction) -> Path | None:
    """The file of the film, absolute; None where its frames are not in one file."""
    files = prediction.film.frames.files()
    return files[0].resolve() if len(files) == 1 else None


def title(prediction: Prediction) -> str:
    """The film as a person knows it: the name of its file, else its code."""
    file = film_file(prediction)
    return file.name if file else prediction.film.code


def stem(prediction: Prediction) -> str:
    """The film's code as part of a file name; what a file name cannot hold is `_`."""
    return re.sub(r"[^\w.()+-]", "_", prediction.film.code).lstrip(".") or "film"


def in_time(prediction: Prediction) -> list[Found]:
    """What was found, in order of time; the number of an interval is its place here, from 1."""
    return sorted(prediction.found, key=lambda f: (f.spot.onset, f.spot.offset, f.spot.kind != "micro"))


def classes(prediction: Prediction) -> list[str]:
    """Every class that a recogniser can say, whether or not there was anything to name."""
    able = [name for method in prediction.methods for name in method.classes]
    return [*dict.fromkeys([*able, *(name for found in prediction.found for name in found.chances)])]


def is_spotting(prediction: Prediction) -> bool:
    """Whether intervals were looked for; else the whole film was taken as one clip and named."""
    return bool(prediction.curves) or any(m.task == "spotting" for m in prediction.methods)


def ensemble(prediction: Prediction) -> int:
    """How many members could find an interval."""
    return len(prediction.members) or sum(len(m.members) for m in prediction.methods if m.task == "spotting")


def votes(prediction: Prediction, found: Found) -> str:
    """`found by 5 of 6 members`; "" where one was asked, or none looked for intervals."""
    asked = ensemble(prediction)
    return f"found by {found.votes} of {asked} members" if asked > 1 and is_spotting(prediction) else ""


def when(found: Found, clock: Clock) -> str:
    """`0.417 to 0.834 s, 417 ms`."""
    start, end = clock.start(found.spot.onset), clock.end(found.spot.offset)
    return f"{start:.3f} to {end:.3f} s, {lasting(end - start)}"


def lasting(seconds: float) -> str:
    """`417 ms`; from ten seconds on `19.7 s` or `3 min 5 s`."""
    return f"{1000 * seconds:.0f} ms" if seconds < 10 else length(seconds)


def frames(found: Found) -> str:
    """`frames 10 to 19, apex 14`."""
    return f"frames {found.spot.onset} to {found.spot.offset}, apex {found.apex}"


def summary(prediction: Prediction, clock: Clock) -> str:
    """What was found, in a line: `3 micro-expressions and 1 macro-expression in 19.7 s`."""
    if not is_spotting(prediction):
        named = [f"{f.emotion} ({100 * f.chances[f.emotion]:.0f} %)" for f in prediction.found if f.emotion]
        return f"{'; '.join(named) or 'no answer'}, of {length(clock.seconds)} taken as one clip"
    return f"{kinds(prediction.found) or 'nothing was found'} in {length(clock.seconds)}"


def kinds(found: Iterable[Found]) -> str:
    """How many of each kind, in words; "" for none."""
    all_ = [f.spot.kind for f in found]
    counts = ((kind, all_.count(kind)) for kind in ("micro", "macro"))
    return " and ".join(f"{n} {kind}-expression{'' if n == 1 else 's'}" for kind, n in counts if n)


def length(seconds: float) -> str:
    """`19.7 s`, `3 min 5 s`, `1 h 2 min 5 s`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "h"), (minutes, "min"), (rest, "s"))
    return " ".join(f"{n} {unit}" for n, unit in parts if n)


def runs(given: Iterable[tuple[int, int]], clock: Clock, most: int = 8) -> str:
    """Runs of frames as times: `0.42–0.92 s, 3.00–3.04 s`; of more than `most`, the first ones and how many more."""
    all_ = [f"{clock.start(first):.2f}–{clock.end(last):.2f} s" for first, last in given]
    return ", ".join(all_[:most]) + (f" and {len(all_) - most} more" if len(all_) > most else "")


def members(method: Method) -> str:
    """`6 members: fold 01, 02`; a single one by its name."""
    names = ", ".join(method.members)
    return names if len(method.members) < 2 else f"{len(method.members)} members: {names}"


def citation(prediction: Prediction, version: str) -> str:
    """One sentence for a paper: which methods, trained on what, from where, with which mezoo."""
    verbs = {"spotting": "spotted", "recognition": "named"}
    parts = [
        f"{verbs.get(m.task, m.task)} with {m.name} ({_count(len(m.members))} trained on {m.trained_on}; {m.source})"
        for m in prediction.methods
    ]
    what = "Expressions were" if is_spotting(prediction) else "The expression of the clip was"
    return f"{what} {' and '.join(parts) or 'looked for'}, using mezoo {version}."


def _count(members: int) -> str:
    return "one model" if members < 2 else f"an ensemble of {members} models"


def limits(prediction: Prediction) -> list[str]:
    """What the methods must not be used for, each sentence once."""
    return [*dict.fromkeys(line for m in prediction.methods for line in m.limits)]
