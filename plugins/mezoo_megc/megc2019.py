"""MEGC 2019: the composite of SMIC-HS, CASME II and SAMM in three classes."""

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mezoo import DataError, Dataset, Video, datasets
from mezoo_megc import composite

PUBLISHED = {
    "clips": 442,
    "subjects": 68,
    "negative": 250,
    "positive": 109,
    "surprise": 83,
    "casme2": 145,
    "smic": 164,
    "samm": 133,
}
FOLDERS = {"casme2": "CASME2", "smic": "SMIC", "samm": "SAMM"}
"""Where the stand-in puts each part."""
SPELLINGS = {
    "casme2": re.compile(r"casme[ _-]?(?:2|ii)(?![a-z0-9]).*", re.IGNORECASE),
    "smic": re.compile(r"smic(?!.*[ _-]e(?![a-z])).*", re.IGNORECASE),
    "samm": re.compile(r"samm(?!.*long)(?!.*lv).*", re.IGNORECASE),
}
BARE = re.compile(r"casme[ _-]?(?:2|ii)|smic|samm", re.IGNORECASE)
LEAF = re.compile(r"sub\d+|s\d+|\d{3}(?:_\d+)*", re.IGNORECASE)
DEPTH = 2


class Megc2019(Dataset):
    """MEGC 2019 composite: 442 clips of 68 subjects from SMIC-HS (164), CASME II (145) and SAMM (133); 3 classes.

    `root` is a folder that holds the three releases; `casme2`, `smic` and `samm` name the folder of each where it lies
    elsewhere or is called otherwise. Each is read by the dataset plugin of that name with its default options, and its
    videos keep that name and their subject, so that a subject of the composite is a subject of one dataset. Emotions
    are negative, positive and surprise; the owner's word stays in `published`.

    `labels` is the official `combined_3class_gt.csv`; without it, one below `root` is used if there is one. It then
    decides which clips belong and as what. Without any, the same 442 clips follow from the class map `megc2019_3` and
    the six clips of CASME II that the list lacks. `strict` refuses a composite with a clip missing.

    Source: See, Yap, Li, Hong, Wang, MEGC 2019 - The Second Facial Micro-Expressions Grand Challenge, FG 2019.
    """

    name = "megc2019"
    info: datasets.DatasetInfo = datasets.DatasetInfo(
        title="MEGC 2019 composite",
        paper="J. See, M. H. Yap, J. Li, X. Hong, S.-J. Wang, MEGC 2019 - The Second Facial Micro-Expressions Grand "
        "Challenge, FG 2019",
        owner="the owners of SMIC, CASME II and SAMM, each for their part",
        access="a licence of each of the three datasets; research use, no redistribution",
        layout="CASME2/, SMIC/ and SAMM/ as their owners ship them; combined_3class_gt.csv of the challenge if at hand",
        fps=200.0,
        emotions=composite.CLASSES,
        class_maps=("native",),
    )

    def __init__(
        self,
        root: Path,
        *,
        casme2: Path | None = None,
        smic: Path | None = None,
        samm: Path | None = None,
        labels: Path | None = None,
        strict: bool = False,
    ) -> None:
        self.root = Path(root)
        self.strict = strict
        self._given = {"casme2": casme2, "smic": smic, "samm": samm}
        self._labels = labels

    def videos(self) -> Sequence[Video]:
        """The clips of the composite that have frames, by dataset, subject and code."""
        listed = self._list()
        parts = [self._part(name, listed) for name in FOLDERS]
        made = [v for part in parts for v in _videos(part)]
        present = {composite.key(v.dataset, v.subject, v.code) for v in made}
        lost = ["/".join(at) for part in parts for at in part.chosen if at not in present]
        lost += composite.missing(parts, listed)
        if self.strict and lost:
            more = f" (and {len(lost) - 3} more)" if len(lost) > 3 else ""
            raise DataError(
                f"{self.info.title}, strict: {len(lost)} clip(s) missing: {'; '.join(lost[:3])}{more}",
                hint=f"`mezoo data verify {self.name}` says why",
            )
        return sorted(made, key=lambda v: (v.dataset, v.subject, v.code))

    def verify(self) -> datasets.Verification:
        """Count the composite's clips in the three parts; what concerns other clips of a part is no problem here."""
        listed = self._list()
        problems = list(listed.problems if listed else ())
        excluded: list[datasets.Excluded] = []
        parts: list[composite.Part] = []
        for name in FOLDERS:
            try:
                parts.append(self._part(name, listed))
            except DataError as error:
                problems.append(f"{name}: {error}".splitlines()[0])
                continue
            concerning, beside = _report(parts[-1])
            problems += concerning
            excluded += beside
        present = {p.name for p in parts}
        gone = composite.missing(parts, listed)
        problems += [p for p in gone if p.split("/")[0] in present]
        found = _counts(parts)
        native = {c: found[c] for c in composite.CLASSES}
        return datasets.Verification(self._expected(), found, tuple(excluded), tuple(problems), {"native": native})

    @classmethod
    def write_synthetic(cls, out: Path, spec: datasets.StandIn, bars: datasets.Bars = datasets.no_bars) -> None:
        """Write the stand-ins of the three parts into `CASME2`, `SMIC` and `SAMM`, each with a mark of its own."""
        planted: list[datasets.stand_ins.Planted] = []
        for name, folder in FOLDERS.items():
            datasets.find(name).write_synthetic(out / folder, spec, bars)
            mark = json.loads((out / folder / datasets.SYNTHETIC_MARK).read_text(encoding="utf-8"))
            planted += [datasets.stand_ins.Planted(**p) for p in mark["planted"]]
        made = cls(out)
        expected = _counts([made._part(name, None) for name in FOLDERS])
        datasets.stand_ins.finish(out, cls.name, spec, expected, planted)

    def _list(self) -> composite.Listed | None:
        datasets.folders.require_folder(self.root, self.info.title, self._hint())
        given = [self._labels] if self._labels else datasets.folders.find_files(self.root, composite.NAME, LEAF, DEPTH)
        return composite.read_list(Path(given[0])) if given else None

    def _part(self, name: str, listed: composite.Listed | None) -> composite.Part:
        """One dataset of the composite. Raises DataError if its folder holds none."""
        plugin: Any = datasets.find(name)
        dataset = plugin(self._folder(name))
        if not isinstance(dataset, datasets.IndexedDataset):
            raise DataError(f"the dataset {name!r} has no rows to choose from", hint="use the one that mezoo ships")
        return composite.choose(name, dataset, listed)

    def _folder(self, name: str) -> Path:
        """Folder of a part: as given; the only one of its name nearest to root, or the one of its bare name; root."""
        given = self._given[name]
        if given is not None:
            return Path(given)
        for level in datasets.folders.levels(self.root, LEAF, DEPTH):
            named = [f for f in level if f != self.root and SPELLINGS[name].fullmatch(f.name)]
            bare = [f for f in named if BARE.fullmatch(f.name)]
            if named:
                return named[0] if len(named) == 1 else bare[0] if len(bare) == 1 else self.root
        return self.root

    def _expected(self) -> dict[str, int]:
        mark = datasets.folders.mark_above(self.root)
        written = None if mark is None else datasets.expected_of(mark, self.name)
        return dict(PUBLISHED) if written is None else written

    @classmethod
    def _hint(cls) -> str:
        return (
            "put the releases of SMIC, CASME II and SAMM into one folder and give it as `root`, or name the folder of "
            "each; or run with --synthetic, which needs no licence"
        )


def _videos(part: composite.Part) -> list[Video]:
    chosen = ((v, part.belongs(v.subject, v.code)) for v in part.dataset.videos())
    return [
        replace(v, expressions=tuple(replace(e, emotion=label) for e in v.expressions)) for v, label in chosen if label
    ]


def _counts(parts: Sequence[composite.Part]) -> dict[str, int]:
    """Clips that have frames; subjects, classes and parts by their rows, so that tables alone can be counted."""
    classes = Counter(label for part in parts for label in part.chosen.values())
    return {
        "clips": sum(_on_disk(part) for part in parts),
        "subjects": len({at[:2] for part in parts for at in part.chosen}),
        **{name: classes[name] for name in composite.CLASSES},
        **{part.name: len(part.chosen) for part in parts},
    }


def _on_disk(part: composite.Part) -> int:
    try:
        return len(_videos(part))
    except DataError:  # no frames at all: the part's own report says so
        return 0


def _report(part: composite.Part) -> tuple[list[str], list[datasets.Excluded]]:
    """Problems of a part that concern the composite, and what else it reports; both begin with the part's name."""
    report = part.dataset.verify()
    excluded = [replace(x, what=f"{part.name}: {x.what}") for x in report.excluded]
    problems: list[str] = []
    for problem in report.problems:
        what, _, reason = problem.partition(": ")
        if what in part.others:
            excluded.append(datasets.Excluded(f"{part.name}: {what}", reason, "not part of the composite"))
        else:
            problems.append(f"{part.name}: {problem}")
    return problems, excluded
