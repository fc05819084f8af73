"""Protocols that numbers are compared under: a split, classes, and fixed denominators, named, hashed and cited."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Literal

from mezoo.errors import RecipeError

Split = Literal["loso", "lodo", "lovo"]
Counts = Mapping[str, Mapping[str, int]]
"""Dataset -> what is counted there: expressions by kind, or clips by class."""
SPLITS: Mapping[Split, str] = {
    "loso": "leave one subject out; a subject is (dataset, subject), never the bare name",
    "lodo": "leave one dataset out, with every release of the same people",
    "lovo": "leave one video out",
}
LEAKS: Mapping[Split, str] = {"lovo": "leave-one-video-out: other videos of a tested subject are trained on"}
"""What is wrong with a split, so that its numbers are no results."""


@dataclass(frozen=True, slots=True)
class Protocol:
    """What makes two numbers comparable. `classes` are empty for spotting, `denominators` where data are not fixed.

    `units` are the action units of a multi-label protocol. `digest` changes with everything but title and citation.
    """

    name: str
    task: Literal["spotting", "recognition", "strs", "action_units"]
    split: Split
    title: str
    source: str
    denominators: Counts = field(default_factory=dict[str, dict[str, int]])
    classes: tuple[str, ...] = ()
    units: tuple[int, ...] = ()

    @property
    def datasets(self) -> tuple[str, ...]:
        """Datasets whose denominators are fixed."""
        return tuple(sorted(self.denominators))

    @property
    def digest(self) -> str:
        """Twelve hex digits of the rule: task, split, classes, units and denominators."""
        rule = {k: v for k, v in asdict(self).items() if k not in {"title", "source"}}
        return hashlib.sha256(json.dumps(rule, sort_keys=True).encode()).hexdigest()[:12]

    @property
    def leak(self) -> str:
        """Why numbers under this protocol are only for comparison with published ones; "" where they are results."""
        return LEAKS.get(self.split, "")


_MEGC = ("negative", "positive", "surprise")
_LONG: Counts = {"cas_me_sq": {"micro": 57, "macro": 300}, "samm_long": {"micro": 159, "macro": 343}}
_COMPOSITE: Counts = {
    "smic": {"negative": 70, "positive": 51, "surprise": 43},
    "casme2": {"negative": 88, "positive": 32, "surprise": 25},
    "samm": {"negative": 92, "positive": 26, "surprise": 15},
}
_CASME2 = {"others": 99, "disgust": 63, "happiness": 32, "repression": 27, "surprise": 25, "sadness": 7, "fear": 2}
_SAMM = {
    "anger": 57, "happiness": 26, "others": 26, "surprise": 15, "contempt": 12, "disgust": 9, "fear": 8, "sadness": 6,
}  # fmt: skip
_FIVE = ("happiness", "disgust", "repression", "surprise", "others")
_SAMM_FIVE = ("anger", "contempt", "happiness", "surprise", "others")
_MEGC2019 = "See, Yap, Li, Hong, Wang, MEGC 2019, FG 2019"
_MEGC2021 = "Li, Yap, Cheng, See, Hong, Li, Wang, FME'21: 1st Workshop on Facial Micro-Expression, ACM MM 2021"
_CASME2_PAPER = "Yan et al., CASME II, PLoS ONE 9(1) e86041, 2014"
_SAMM_PAPER = "Davison, Lansley, Costen, Tan, Yap, SAMM, IEEE TAFFC 9(1), 2018"
_SMIC_PAPER = "Li, Pfister, Huang, Zhao, Pietikainen, SMIC, FG 2013"


def _spotting() -> Iterator[Protocol]:
    title = "MEGC spotting of micro- and macro-expressions"
    for dataset, counts in _LONG.items():
        yield Protocol(f"megc2020_{dataset}", "spotting", "loso", f"{title}, {dataset}", _MEGC2021, {dataset: counts})
    yield Protocol("megc2021", "spotting", "loso", f"{title}, both datasets", _MEGC2021, _LONG)


def _single() -> Iterator[Protocol]:
    """Recognition inside one dataset; of CASME II the releases of 2014 and 2019 differ in three emotions."""
    for release, codes in (("", _CASME2), ("_2019", {**_CASME2, "surprise": 28, "sadness": 4})):
        year = f", coding of {release[1:] or 2014}"
        three = {"negative": codes["disgust"] + codes["repression"], "positive": 32, "surprise": codes["surprise"]}
        yield _loso(f"casme2_3{release}", "casme2", f"CASME II in three classes{year}", three, _MEGC)
        yield _loso(f"casme2_5{release}", "casme2", f"CASME II in five classes{year}", codes, _FIVE)
        yield _loso(f"casme2_7{release}", "casme2", f"CASME II in its seven emotions{year}", codes, tuple(codes))
    yield _loso("samm_3", "samm", "SAMM in three classes", _COMPOSITE["samm"], _MEGC)
    yield _loso("samm_5", "samm", "SAMM in five classes", _SAMM, _SAMM_FIVE)
    yield _loso("samm_8", "samm", "SAMM in its eight emotions", _SAMM, tuple(_SAMM))
    yield _loso("smic_3", "smic", "SMIC-HS in three classes", _COMPOSITE["smic"], _MEGC)
    slow = {"negative": 24, "positive": 28, "surprise": 19}
    yield _loso("smic_vis_nir_3", "smic", "SMIC-VIS or SMIC-NIR in three classes", slow, _MEGC)


def _loso(name: str, dataset: str, title: str, counts: Mapping[str, int], classes: tuple[str, ...]) -> Protocol:
    source = {"casme2": _CASME2_PAPER, "samm": _SAMM_PAPER, "smic": _SMIC_PAPER}[dataset]
    kept = {name: counts[name] for name in classes}
    return Protocol(name, "recognition", "loso", title, source, {dataset: kept}, classes)


def _composite() -> Iterator[Protocol]:
    title = "MEGC 2019 composite: SMIC-HS, CASME II and SAMM in three classes"
    yield Protocol("megc2019", "recognition", "loso", f"{title}, 68 subjects", _MEGC2019, _COMPOSITE, _MEGC)
    yield Protocol("megc2019_lodo", "recognition", "lodo", f"{title}, holdout database", _MEGC2019, _COMPOSITE, _MEGC)
    yield Protocol("megc2019_lovo", "recognition", "lovo", f"{title}, subjects leak", _MEGC2019, _COMPOSITE, _MEGC)
    yield Protocol(
        "cd6me",
        "action_units",
        "lodo",
        "Cross-dataset action units over CASME, CASME II, SAMM, 4DME, MMEW and CAS(ME)^3: 2031 clips",
        "Varanka, Li, Peng, Zhao, Data Leakage and Evaluation Issues in Micro-Expression Analysis, IEEE TAFFC, 2023",
        units=(1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17),
    )
    yield Protocol(
        "strs",
        "strs",
        "loso",
        "Spot, then recognise: F1 of spotting times F1 of the emotions of what was found",
        "Liong, See, Chan, Spot-then-recognize: a micro-expression analysis network, SPIC 110, 2023",
    )


PROTOCOLS: Mapping[str, Protocol] = {p.name: p for make in (_spotting, _single, _composite) for p in make()}


def find(name: str) -> Protocol:
    """The protocol of a name. Raises RecipeError with those that are known."""
    if name not in PROTOCOLS:
        raise RecipeError(f"no protocol {name!r}", hint=f"known: {', '.join(PROTOCOLS)}")
    return PROTOCOLS[name]


def named(task: str, split: str, counts: Counts, classes: tuple[str, ...] = ()) -> Protocol | None:
    """The protocol that data with these denominators are: same task, split, classes in any order, and counts."""
    for protocol in PROTOCOLS.values():
        same = (protocol.task, protocol.split) == (task, split) and {*protocol.classes} == {*classes}
        if same and protocol.denominators and _equal(protocol.denominators, counts):
            return protocol
    return None


def expected(task: str, split: str, datasets: tuple[str, ...], classes: tuple[str, ...] = ()) -> tuple[Protocol, ...]:
    """Protocols for these datasets and classes, whatever the counts: what data of another size should have been."""
    return tuple(
        p
        for p in PROTOCOLS.values()
        if (p.task, p.split, p.datasets) == (task, split, tuple(sorted(datasets))) and {*p.classes} == {*classes}
    )


def _equal(fixed: Counts, found: Counts) -> bool:
    """Whether all counts agree; a count of 0 may be left out."""
    strip = {d: {k: n for k, n in parts.items() if n} for d, parts in found.items()}
    return {d: dict(parts) for d, parts in fixed.items()} == strip


@dataclass(frozen=True, slots=True)
class Terms:
    """The protocol of one run: `id` and `digest` are equal for runs that may be compared."""

    id: str
    title: str
    source: str
    digest: str
    counts: Counts
    leak: str


def terms(task: str, split: Split, counts: Counts, classes: tuple[str, ...], own_name: str | None = None) -> Terms:
    """What a run on real data is compared under: a known protocol, one of the user's own name, or none of these.

    Raises RecipeError where the datasets have fixed denominators and the data do not meet them, unless the user names
    a protocol of their own: a number over other data is another number.
    """
    known = named(task, split, counts, classes)
    if own_name is None and known is not None:
        return Terms(known.name, known.title, known.source, known.digest, counts, known.leak)
    wanted = expected(task, split, tuple(counts), classes)
    if own_name is None and wanted:
        raise RecipeError(
            f"{_said(counts)} found; {' or '.join(f'{p.name} has {_said(p.denominators)}' for p in wanted)}",
            hint="mezoo data verify says what is missing; or give these data a protocol of your own name: "
            "--set protocol.name=NAME",
        )
    if own_name in PROTOCOLS:
        raise RecipeError(f"protocol.name {own_name!r} is a known protocol", hint="the data decide that: leave it out")
    return unnamed(task, split, counts, classes, own_name)


def unnamed(task: str, split: Split, counts: Counts, classes: tuple[str, ...], own_name: str | None = None) -> Terms:
    """Terms of data that no known protocol fixes."""
    rule = json.dumps([task, split, {d: dict(c) for d, c in counts.items()}, sorted(classes)], sort_keys=True)
    name = own_name or f"{split}_{'_'.join(sorted(counts))}"
    digest = hashlib.sha256(rule.encode()).hexdigest()[:12]
    return Terms(name, f"{SPLITS[split]}; counts not fixed by a paper", "", digest, counts, LEAKS.get(split, ""))


def _said(counts: Counts) -> str:
    return "; ".join(f"{d}: {', '.join(f'{n} {k}' for k, n in parts.items())}" for d, parts in counts.items())
