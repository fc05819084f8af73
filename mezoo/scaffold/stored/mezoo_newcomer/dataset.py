"""Maps that somebody computed, one file a clip, and a table of people and labels: a place to begin, without films."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mezoo import DataError, Dataset, Expression, Video, datasets, tables

TABLE = "clips.csv"
COLUMNS = [tables.Column(name) for name in ("dataset", "subject", "clip", "label")]
EMOTIONS = ("negative", "positive", "surprise")
SIDE = 28


class Newcomer(Dataset):
    """Maps of clips: DATASET/CLIP.npy below `root`, (height, width, channels), and `clips.csv` beside them.

    Its columns are dataset, subject, clip and label: an emotion, or its number, 0 for the first of `EMOTIONS`.
    """

    name = "newcomer"
    info = datasets.DatasetInfo(
        title="Newcomer",
        paper="authors, title, venue, year",
        owner="who grants the licence of the films",
        access="what a person must do to get or to make the maps",
        layout="clips.csv and DATASET/CLIP.npy",
        fps=1.0,  # a clip is one row
        emotions=EMOTIONS,
        class_maps=("native",),
    )

    def __init__(self, root: Path) -> None:
        self.root = Path(root)

    def videos(self) -> Sequence[Video]:
        """Every clip of the table, sorted by dataset, subject and code."""
        return sorted((self._video(row) for row in self._rows()), key=lambda video: video.key)

    def verify(self) -> datasets.Verification:
        """Count what is there. A stand-in knows its own counts; for real data put the published ones in `expected`."""
        videos = self.videos()
        classes = Counter(video.expressions[0].emotion for video in videos)
        subjects = {(video.dataset, video.subject) for video in videos}
        found = {"subjects": len(subjects), "clips": len(videos), **classes}
        files = [file for video in videos for file in video.frames.files()]
        problems = tuple(f"{file} is not there" for file in files if not file.is_file())
        mark = self.root / datasets.SYNTHETIC_MARK
        expected = json.loads(mark.read_text(encoding="utf-8"))["expected"] if mark.is_file() else {}
        return datasets.Verification(expected, found, problems=problems, classes={"native": classes})

    @classmethod
    def write_synthetic(cls, out: Path, spec: datasets.StandIn, bars: datasets.Bars = datasets.no_bars) -> None:
        """Write noise with a motion for each emotion, of the people of two datasets, with the mark last."""
        lines, labels = ["dataset,subject,clip,label"], Counter[str]()
        people = spec.subjects or 6
        with bars("maps", people) as bar:
            for person in range(people):
                for clip in range(spec.videos or 6):
                    part, code, label = ("first", "second")[person % 2], f"p{person}_c{clip}", (person + clip) % 3
                    rng = np.random.default_rng([spec.seed, person, clip])
                    maps = rng.normal(0, 0.3, (SIDE, SIDE, 3))
                    maps[9 * label : 9 * label + 9, :, 1] += spec.intensity * rng.uniform(0.5, 1.5)
                    (out / part).mkdir(parents=True, exist_ok=True)
                    np.save(out / part / f"{code}.npy", maps.astype(np.float32))
                    lines.append(f"{part},{person // 2 + 1:02d},{code},{label}")
                    labels[EMOTIONS[label]] += 1
                bar.advance(f"person {person + 1}")
        (out / TABLE).write_text("\n".join(lines) + "\n", encoding="utf-8")
        datasets.stand_ins.finish(out, cls.name, spec, {"subjects": people, "clips": len(lines) - 1, **labels})

    def _rows(self) -> tuple[tables.Row, ...]:
        hint = f"ask {self.info.owner}, or run with --synthetic"
        datasets.folders.require_folder(self.root, self.info.title, hint)
        if not (self.root / TABLE).is_file():
            raise DataError(f"no {TABLE} in {self.root}", hint=hint)
        return tables.read_table(self.root / TABLE, COLUMNS).rows

    def _file(self, row: tables.Row) -> Path:
        """Where a clip's maps lie: .npy, .npz or an image."""
        return self.root / tables.text(row["dataset"]) / f"{tables.text(row['clip'])}.npy"

    def _video(self, row: tables.Row) -> Video:
        """A map is the one row of a clip, and its expression is that row."""
        dataset, code = tables.text(row["dataset"]), tables.text(row["clip"])
        frames = datasets.StoredFrames((self._file(row),))
        told = Expression(code, "micro", 0, 0, emotion=self._emotion(row))
        return Video(dataset, tables.code(row["subject"]), code, self.info.fps, frames, (told,))

    def _emotion(self, row: tables.Row) -> str:
        label = tables.text(row["label"]).lower()
        names = {str(number): emotion for number, emotion in enumerate(EMOTIONS)}
        emotion = names.get(label, label)
        if emotion not in EMOTIONS:
            where = f"{self.root / TABLE}, line {row.line}"
            raise DataError(f"{where}: label {label!r} is none of {', '.join(EMOTIONS)}", hint="mend the table")
        return emotion
