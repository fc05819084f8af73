"""Who does what in the stand-ins of SMIC and SMIC-E: the real subjects, clips a subject, and classes."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from mezoo import datasets
from mezoo_smic.release import EMOTIONS, FPS, Camera, Code, code_of

THREE_CAMERAS: tuple[str, ...] = ("s11", "s12", "s13", "s14", "s15", "s18", "s19", "s20")
"""Subjects whom all three cameras filmed; the others were filmed by HS alone."""
ORDER: tuple[str, ...] = (
    "s11",
    "s03",
    "s12",
    "s04",
    "s13",
    "s14",
    "s18",
    "s20",
    "s01",
    "s02",
    "s05",
    "s06",
    "s08",
    "s09",
    "s15",
    "s19",
)
"""The first ones make up the small stand-ins, so that each of them has clips of every camera."""
SUBJECTS: tuple[str, ...] = tuple(sorted(ORDER))
SMALL_SUBJECTS = 8
CAMERAS: tuple[Camera, ...] = ("hs", "vis", "nir")
_TAGS = {emotion: tag for tag, emotion in EMOTIONS.items()}


def codes(
    counts: Mapping[str, int], classes: tuple[Mapping[str, int], Mapping[str, int]], rng: np.random.Generator
) -> list[Code]:
    """Codes of `counts` clips a subject; `classes` are the real totals of the three-camera subjects and of the others.

    Fewer clips get the classes in the same proportion.
    """
    made: list[Code] = []
    for own, everywhere in zip(classes, (True, False), strict=True):
        group = {s: n for s, n in counts.items() if (s in THREE_CAMERAS) == everywhere}
        dealt = datasets.stand_ins.deal(_share(own, sum(group.values())), group, rng)
        made += [code for subject, labels in dealt.items() for code in _named(subject, labels)]
    return sorted(made, key=lambda code: (code.subject, code.code))


def _named(subject: str, labels: Sequence[str]) -> Iterator[Code]:
    running: Counter[str] = Counter()
    for label in labels:
        running[label] += 1
        code = code_of(f"{subject}_{_TAGS[label]}_{running[label]:02d}")
        assert code is not None
        yield code


def _share(classes: Mapping[str, int], total: int) -> dict[str, int]:
    """The classes in the same proportion, `total` in all (largest remainders)."""
    exact = {name: count * total / sum(classes.values()) for name, count in classes.items()}
    shared = {name: int(value) for name, value in exact.items()}
    late = sorted(exact, key=lambda name: shared[name] - exact[name])
    for name in late[: total - sum(shared.values())]:
        shared[name] += 1
    return shared


def counts_of(real: Mapping[str, int], spec: datasets.StandIn, most: int) -> dict[str, int]:
    """Clips of each subject that is wanted: the real number in `full`, at most `most` in `small`."""
    subjects = spec.subjects or (SMALL_SUBJECTS if spec.preset == "small" else len(ORDER))
    limit = spec.videos or (most if spec.preset == "small" else max(real.values()))
    return {subject: min(real[subject], limit) for subject in ORDER[:subjects]}


def filmed(all_codes: Sequence[Code], camera: Camera) -> list[Code]:
    """The clips that a camera filmed."""
    return [code for code in all_codes if camera == "hs" or code.subject in THREE_CAMERAS]


def generator(seed: int, camera: Camera, name: str) -> np.random.Generator:
    """The dice of one clip or subject as filmed by one camera."""
    return np.random.default_rng([seed, int(FPS[camera]), CAMERAS.index(camera), *name.encode()])


def numbering(seed: int, camera: Camera, lengths: Mapping[Code, int]) -> dict[Code, int]:
    """Number of the first file of each clip, of six digits or more: it counts on from clip to clip of a subject."""
    first: dict[Code, int] = {}
    at: dict[str, int] = {}
    for code, length in lengths.items():
        rng = generator(seed, camera, code.subject)
        start = at.setdefault(code.subject, int(rng.integers(100_000, 30_000_000)))
        first[code] = start
        at[code.subject] = start + length + 500
    return first


def counted(some: Sequence[Code], unit: str) -> dict[str, int]:
    """Subjects and clips (or videos, as `unit` says) that verify must find."""
    return {"subjects": len({code.subject for code in some}), unit: len(some)}


def rename(path: Path, name: str) -> Path:
    """Give a folder another name beside its own."""
    return path.rename(path.with_name(name))
