"""The tables of a stand-in of CAS(ME)^2: three sheets without headers, with the oddities of the real ones."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from mezoo import datasets, synthetic, tables
from mezoo_casme.cas_me_sq_table import COLUMNS, NUMBERS, ROLES, STIMULI

TABLE, BLINKS = "CAS(ME)^2code_final(Updated).xlsx", "CAS(ME)^2blink-code.xlsx"
TYPES = {"micro": "micro-expression", "macro": "macro-expression"}
FEELINGS = {
    "negative": ("disgust", "anger", "fear", "sadness"),
    "positive": ("happiness",),
    "surprise": ("surprise",),
    "others": ("helpless", "pain", "confused", "sympathy"),
}
UNKNOWN_OFFSETS = 44 / 300
UNSCORED = {"NULL": 4 / 357, "null": 7 / 357}


def line_of(participant: int, code: str, m: synthetic.Movement, rng: np.random.Generator) -> datasets.stand_ins.Line:
    """The row of a movement, its frames counted from 1."""
    felt = FEELINGS[m.emotion][int(rng.integers(len(FEELINGS[m.emotion])))]
    frames = (m.onset + 1, m.apex + 1, m.offset + 1)
    cells = (participant, code, *frames, datasets.stand_ins.units(m), m.emotion, TYPES[m.kind], felt)
    return dict(zip(COLUMNS, cells, strict=True))


def with_slips(lines: Sequence[datasets.stand_ins.Line], rng: np.random.Generator) -> set[int]:
    """Give rows, in place, the slips of the real table; their indices.

    Macro-expressions without offset, one apex after its offset, one of 0; AUs not scored, joined by commas, as
    alternatives; a feeling misspelt.
    """
    macro = [i for i, line in enumerate(lines) if line["Type"] == TYPES["macro"]]
    rows: Iterator[int] = iter(rng.permutation(macro).tolist())
    changes: list[tuple[str, tables.Cell]] = [("Offset", 0)] * round(UNKNOWN_OFFSETS * len(macro))
    changes += [("Apex", 0), ("Action Units", "4,7"), ("Action Units", "12 or 14"), ("Self-report", "happyiness")]
    changes += [("Action Units", word) for word, share in UNSCORED.items() for _ in range(_share(share, lines))]
    slipped: set[int] = set()
    late = next(rows, None)
    if late is not None:
        lines[late]["Apex"] = int(lines[late]["Offset"] or 0) + 3
        slipped.add(late)
    for (column, cell), i in zip(changes, rows, strict=False):
        lines[i][column] = cell
        slipped.add(i)
    return slipped


def _share(share: float, lines: Sequence[datasets.stand_ins.Line]) -> int:
    return max(1, round(share * len(lines)))


def soil(
    lines: list[datasets.stand_ins.Line], usable: Sequence[int], rng: np.random.Generator, *, pairs: bool
) -> list[datasets.stand_ins.Planted]:
    """Plant the defects of real tables in rows with the indices `usable`; `pairs`: one code for two types, too."""
    planted: list[datasets.stand_ins.Planted] = []
    left = list(usable)
    pair = _pair(lines, left) if pairs else None
    if pair is not None:
        micro, macro = pair
        lines[micro]["Code"] = lines[macro]["Code"]
        name = f"{lines[macro]['Participant']}/{lines[macro]['Code']}"
        planted.append(datasets.stand_ins.Planted("one code, two types", name, "names 2 rows"))
        left = [i for i in left if i not in pair]
    return [*planted, *datasets.stand_ins.soil_rows(lines, ROLES, where, rng, usable=left)]


def _pair(lines: Sequence[datasets.stand_ins.Line], usable: Sequence[int]) -> tuple[int, int] | None:
    """A micro- and a macro-expression of one film."""
    film = {i: (lines[i]["Participant"], str(lines[i]["Code"]).split("_")[0]) for i in usable}
    micro = [i for i in usable if lines[i]["Type"] == TYPES["micro"]]
    macro = [i for i in usable if lines[i]["Type"] == TYPES["macro"]]
    return next(((a, b) for a in micro for b in macro if film[a] == film[b]), None)


def where(line: datasets.stand_ins.Line) -> str:
    """A row as a report names it: `s15/anger1_12`."""
    return f"s{_number(line)}/{line['Code']}"


def _number(line: datasets.stand_ins.Line) -> int:
    return NUMBERS[int(line["Participant"] or 1) - 1]


def write_table(
    path: Path, lines: Sequence[datasets.stand_ins.Line], *, dirty: bool
) -> list[datasets.stand_ins.Planted]:
    """Write the annotation and both sheets of naming rules; `dirty` puts free text above and blank columns between."""
    grid = [[line[column] for column in COLUMNS] for line in lines]
    planted: list[datasets.stand_ins.Planted] = []
    if dirty and grid:
        grid, planted = datasets.stand_ins.soil_grid(grid[0], grid[1:])
    rule1 = [[number := _number(line), f"s{number}", line["Participant"]] for line in lines]
    rule2: list[list[tables.Cell]] = [[video[:4], stem] for stem, video in STIMULI.items()]
    sheets = {"CASFEcode_final": grid, "naming rule1": rule1, "naming rule2": rule2}
    datasets.stand_ins.write_book(path, sheets)
    return planted


def write_blinks(path: Path, blinks: Mapping[str, Sequence[tuple[int, int]]]) -> None:
    """Write the table of eye blinks by video (`15_0101disgustingteeth`): first and last frame, counted from 1."""
    grid: list[Sequence[tables.Cell]] = [["subject", "video", "number", "onset", "offset"]]
    for code, found in blinks.items():
        grid += [(f"s{code[:2]}", code[3:7], n, a + 1, b + 1) for n, (a, b) in enumerate(found, start=1)]
    datasets.stand_ins.write_book(path, {"blink": grid})
