"""Clips as folders of images, and a table that says what they show: a place to begin. Replace what differs in yours."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from mezoo import DataError, Dataset, Expression, ImageFolder, Video, datasets, synthetic, tables

TABLE = "clips.csv"
COLUMNS = [tables.Column(name) for name in ("subject", "clip", "onset", "apex", "offset", "emotion")]
EMOTIONS = ("negative", "positive", "surprise")
FPS = 30.0


class Newcomer(Dataset):
    """Clips with one micro-expression each: SUBJECT/CLIP/001.jpg ... below `root`, and `clips.csv` beside them.

    Its columns are subject, clip, onset, apex, offset (numbers of files, both ends included) and emotion.
    """

    name = "newcomer"
    info = datasets.DatasetInfo(
        title="Newcomer",
        paper="authors, title, venue, year",
        owner="who grants the licence",
        access="what a person must do to get it",
        layout="clips.csv and SUBJECT/CLIP/001.jpg ...",
        fps=FPS,
        emotions=EMOTIONS,
        class_maps=("native",),
    )

    def __init__(self, root: Path) -> None:
        self.root = Path(root)

    def videos(self) -> Sequence[Video]:
        """Every clip of the table, sorted by subject and code."""
        made = [self._video(row) for row in self._rows()]
        return sorted(made, key=lambda video: (video.subject, video.code))

    def verify(self) -> datasets.Verification:
        """Count what is there. A stand-in knows its own counts; for real data put the published ones in `expected`."""
        rows = self._rows()
        emotions = Counter(tables.text(row["emotion"]) for row in rows)
        found = {"subjects": len({tables.code(row["subject"]) for row in rows}), "clips": len(rows), **emotions}
        lost = [row for row in rows if not self._folder(row).is_dir()]
        problems = tuple(f"{self._folder(row)} is not there" for row in lost)
        mark = self.root / datasets.SYNTHETIC_MARK
        expected = json.loads(mark.read_text(encoding="utf-8"))["expected"] if mark.is_file() else {"clips": 0}
        return datasets.Verification(expected, found, problems=problems, classes={"native": emotions})

    @classmethod
    def write_synthetic(cls, out: Path, spec: datasets.StandIn, bars: datasets.Bars = datasets.no_bars) -> None:
        """Write rendered faces in the layout above, with the mark last."""
        shots = list(_shots(spec))
        datasets.stand_ins.write_shots(out, [shot for shot, _ in shots], spec.frames, bars)
        lines = [",".join(column.name for column in COLUMNS)]
        for shot, emotion in shots:
            movement = shot.script.movements[0]
            ends = (movement.onset + 1, movement.apex + 1, movement.offset + 1)
            lines.append(",".join(map(str, (*shot.folder.split("/"), *ends, emotion))))
        out.mkdir(parents=True, exist_ok=True)
        (out / TABLE).write_text("\n".join(lines) + "\n", encoding="utf-8")
        emotions = Counter(emotion for _, emotion in shots)
        subjects = {shot.folder.split("/")[0] for shot, _ in shots}
        expected = {"subjects": len(subjects), "clips": len(shots), **emotions}
        datasets.stand_ins.finish(out, cls.name, spec, expected)

    def _rows(self) -> tuple[tables.Row, ...]:
        hint = f"ask {self.info.owner}, or run with --synthetic"
        datasets.folders.require_folder(self.root, self.info.title, hint)
        if not (self.root / TABLE).is_file():
            raise DataError(f"no {TABLE} in {self.root}", hint=hint)
        return tables.read_table(self.root / TABLE, COLUMNS).rows

    def _folder(self, row: tables.Row) -> Path:
        return self.root / tables.code(row["subject"], 2) / tables.code(row["clip"])

    def _video(self, row: tables.Row) -> Video:
        """A row as a video: published numbers become 0-based frames."""
        subject, code = tables.code(row["subject"], 2), tables.code(row["clip"])
        frames = ImageFolder(self._folder(row))
        numbers = [*frames.numbers]
        onset, apex, offset = (self._place(row, name, numbers) for name in ("onset", "apex", "offset"))
        emotion = tables.text(row["emotion"]).lower()
        told = Expression(code, "micro", onset, offset, apex, emotion)
        return Video(self.name, subject, code, self.info.fps, frames, (told,))

    def _place(self, row: tables.Row, column: str, numbers: list[int]) -> int:
        number = tables.frame(row[column])
        if number not in numbers:
            where = f"{self.root / TABLE}, line {row.line}"
            raise DataError(f"{where}: {column} {number} is no image of that clip", hint="mend the table")
        return numbers.index(number)


def _shots(spec: datasets.StandIn) -> Iterator[tuple[datasets.stand_ins.Shot, str]]:
    """Films of made-up people, a few clips each, with the emotion that each shows."""
    for person in range(spec.subjects or 6):
        for clip in range(spec.videos or 4):
            emotion = EMOTIONS[(person + clip) % len(EMOTIONS)]
            rng = np.random.default_rng([spec.seed, person, clip])
            script = datasets.stand_ins.clip_script(emotion, FPS, rng, intensity=spec.intensity, head=0.1)
            film = synthetic.FilmSpec(height=128, width=112, face_width=96, seed=int(rng.integers(2**31)))
            face = datasets.stand_ins.face_of(spec.seed, f"{person + 1:02d}")
            folder = f"{person + 1:02d}/c{clip + 1}"
            yield datasets.stand_ins.Shot(folder, "{n:03d}.jpg", 1, script, film, face), emotion
