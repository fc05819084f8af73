"""Class maps: which classes a paper recognises, and which expressions belong to none of them. Named and cited."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from mezoo.datasets.action_units import parse
from mezoo.errors import DataError
from mezoo.records import Expression


@dataclass(frozen=True, slots=True)
class ClassMap:
    """Names of classes in the order of their indices, and how an expression gets one; `source` is the citation.

    `emotions` maps a dataset's emotions to classes ("*": any dataset). Without it, the class is the objective class.
    """

    name: str
    classes: tuple[str, ...]
    source: str
    emotions: Mapping[str, Mapping[str, str]] = field(default_factory=dict[str, dict[str, str]])

    def label(self, dataset: str, expression: Expression) -> str | None:
        """Class of an expression of a dataset; None where the map leaves it out."""
        if self.emotions:
            chosen = self.emotions.get(dataset, self.emotions.get("*", {})).get(expression.emotion)
        else:
            chosen = _objective(expression)
        return chosen if chosen in self.classes else None

    def counts(self, dataset: str, expressions: Iterable[Expression]) -> dict[str, int]:
        """Expressions in every class, in the order of the classes."""
        found = Counter(self.label(dataset, e) for e in expressions)
        return {name: found[name] for name in self.classes}


@dataclass(frozen=True, slots=True)
class AuLabels:
    """Many labels at once: which of `units` (FACS numbers) an expression shows; `source` is the citation."""

    name: str
    units: tuple[int, ...]
    source: str

    def label(self, expression: Expression, *, doubtful: bool = True) -> tuple[int, ...]:
        """One 0 or 1 a unit; `doubtful=False` leaves out units scored with doubt, as an alternative or as held."""
        cell = parse(expression.aus)
        shown = cell.numbers if doubtful else cell.certain
        return tuple(int(unit in shown) for unit in self.units)

    def counts(self, expressions: Iterable[Expression], *, doubtful: bool = True) -> dict[int, int]:
        """Expressions that show each unit."""
        rows = [self.label(e, doubtful=doubtful) for e in expressions]
        return {unit: sum(row[i] for row in rows) for i, unit in enumerate(self.units)}


_SETS = (
    ((6,), (12,), (6, 12), (6, 7, 12), (7, 12)),
    ((1, 2), (5,), (25,), (1, 2, 25), (25, 26), (5, 24)),
    ((23,), (4,), (4, 7), (4, 5), (4, 5, 7), (17, 24), (4, 6, 7), (4, 38)),
    ((10,), (9,), (4, 9), (4, 40), (4, 5, 40), (4, 7, 9), (4, 9, 17), (4, 7, 10), (4, 5, 7, 9), (7, 10)),
    ((1,), (15,), (1, 4), (6, 15), (15, 17)),
    ((1, 2, 4), (20,)),
)
OBJECTIVE = ("I", "II", "III", "IV", "V", "VI", "VII")
_CLASS_OF = {frozenset(units): number for number, sets in enumerate(_SETS, start=1) for units in sets}


def objective_class(aus: str) -> int | None:
    """Objective class 1..7 of a cell of AUs, sides and intensities left out; None where the cell names no AU.

    AUs scored with doubt (`ref`) count only where there is no other. For tables without the column: the owners'
    column differs in 2 of 255 rows of CASME II. Davison, Merghani, Yap, J. Imaging 4(10):119, 2018.
    """
    cell = parse(aus)
    shown = frozenset(u.number for u in cell if "ref" not in u.flags) or cell.numbers
    return _CLASS_OF.get(shown, 7) if shown else None


def _objective(expression: Expression) -> str | None:
    number = objective_class(expression.aus) if expression.objective is None else expression.objective
    return OBJECTIVE[number - 1] if number is not None and 1 <= number <= len(OBJECTIVE) else None


def _same(*names: str) -> dict[str, str]:
    return {name: name for name in names}


def _to(name: str, *emotions: str) -> dict[str, str]:
    return dict.fromkeys(emotions, name)


_MEGC = ("negative", "positive", "surprise")
_SAMM_NEGATIVE = ("anger", "contempt", "disgust", "fear", "sadness")
_VALENCE = {**_same(*_MEGC), **_to("positive", "happiness")}
_DAVISON = (
    "Davison, Merghani, Yap, Objective Classes for Micro-Facial Expression Recognition, J. Imaging 4(10):119, 2018"
)
_CASME2 = "Yan et al., CASME II, PLoS ONE 9(1) e86041, 2014"

_MAPS = (
    ClassMap(
        "megc2019_3",
        _MEGC,
        "See, Yap, Li, Hong, Wang, MEGC 2019, FG 2019; CASME II without sadness, fear and others",
        {
            "casme2": {**_VALENCE, **_to("negative", "disgust", "repression")},
            "samm": {**_VALENCE, **_to("negative", *_SAMM_NEGATIVE)},
            "samm_long": {**_VALENCE, **_to("negative", *_SAMM_NEGATIVE)},
            "smic": _VALENCE,
            "smic_e": _VALENCE,
        },
    ),
    ClassMap(
        "casme2_5",
        ("happiness", "disgust", "repression", "surprise", "others"),
        f"{_CASME2}; fear and sadness dropped",
        {"*": _same("happiness", "disgust", "repression", "surprise", "others")},
    ),
    ClassMap(
        "samm_5",
        ("anger", "contempt", "happiness", "surprise", "others"),
        "Xia, Peng, Khor, Feng, Zhao, IEEE TIP 29, 2020; disgust, fear and sadness dropped",
        {"*": _same("anger", "contempt", "happiness", "surprise", "others")},
    ),
    ClassMap(
        "casme_4",
        ("tense", "disgust", "repression", "surprise"),
        "Yan, Wu, Liu, Wang, Fu, CASME, FG 2013; the four classes with enough samples",
        {"*": _same("tense", "disgust", "repression", "surprise")},
    ),
    ClassMap(
        "casme2_4",
        ("negative", "positive", "surprise", "others"),
        "papers on CASME II with four classes; disgust, sadness, fear | happiness | surprise | repression, others",
        {
            "*": {
                **_to("negative", "disgust", "sadness", "fear"),
                **_to("positive", "happiness"),
                **_to("others", "repression", "others"),
                "surprise": "surprise",
            }
        },
    ),
    ClassMap(
        "cas_me_sq_3",
        _MEGC,
        "Qu, Wang, Yan, Li, Wu, Fu, CAS(ME)^2, IEEE TAFFC 9(4):424-436, 2018; others dropped",
        {"*": _same(*_MEGC)},
    ),
    ClassMap(
        "cas_me_sq_4",
        (*_MEGC, "others"),
        "Qu, Wang, Yan, Li, Wu, Fu, CAS(ME)^2, IEEE TAFFC 9(4):424-436, 2018",
        {"*": _same(*_MEGC, "others")},
    ),
    ClassMap(
        "cas_me_cubed_3",
        _MEGC,
        "Wang et al., HTNet, Neurocomputing 602, 2024; anger, disgust, fear, sadness | happiness | surprise",
        {
            "*": {
                **_to("negative", "anger", "disgust", "fear", "sadness"),
                "happiness": "positive",
                "surprise": "surprise",
            }
        },
    ),
    ClassMap(
        "cas_me_cubed_7",
        ("disgust", "surprise", "others", "fear", "anger", "sadness", "happiness"),
        "Li et al., CAS(ME)^3, IEEE TPAMI 45(3):2782-2800, 2023",
        {"*": _same("disgust", "surprise", "others", "fear", "anger", "sadness", "happiness")},
    ),
    ClassMap("objective_7", OBJECTIVE, _DAVISON),
    ClassMap("objective_5", OBJECTIVE[:5], f"{_DAVISON}; classes I to V as in MEGC 2018 (Yap et al., FG 2018)"),
)
CLASS_MAPS: Mapping[str, ClassMap] = {m.name: m for m in _MAPS}
"""Every map with fixed classes; `native` depends on a dataset's own emotions, see `class_map`."""

AU_LABELS = AuLabels(
    "action_units",
    (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 24, 25, 26),
    "Ekman, Friesen, Hager, Facial Action Coding System, 2002; the units scored in micro-expression tables",
)


def class_map(name: str, emotions: tuple[str, ...] = ()) -> ClassMap:
    """The map of a name; `native` takes a dataset's own `emotions` as they are. Raises DataError for an unknown one."""
    if name == "native":
        return ClassMap("native", emotions, "the owner's own labels", {"*": _same(*emotions)})
    if name not in CLASS_MAPS:
        raise DataError(f"no class map {name!r}", hint=f"known: native, {', '.join(CLASS_MAPS)}")
    return CLASS_MAPS[name]
