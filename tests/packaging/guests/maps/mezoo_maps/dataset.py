"""A folder of flow maps with a table of people and labels; several datasets in one table keep their people apart."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mezoo import DataError, Dataset, Expression, Video, datasets, tables

COLUMNS = [tables.Column(name) for name in ("dataset", "subject", "clip", "label")]
EMOTIONS = ("negative", "positive", "surprise")
SIDE = 28


class FlowMaps(Dataset):
    """Maps (28, 28, 3) float32 of u, v and strain in `DATASET/CLIP.npy`; `clips.csv` has their people and labels."""

    info = datasets.DatasetInfo(
        title="Flow maps of a composite",
        paper="none",
        owner="the owners of the films",
        access="made from licensed films; no redistribution",
        layout="clips.csv (dataset, subject, clip, label 0..2) and DATASET/CLIP.npy",
        fps=1.0,
        emotions=EMOTIONS,
        class_maps=("native",),
    )

    def __init__(self, root: Path) -> None:
        self.root = Path(root)

    def videos(self) -> Sequence[Video]:
        return sorted((self._video(row) for row in self._rows()), key=lambda v: (v.dataset, v.subject, v.code))

    def verify(self) -> datasets.Verification:
        rows = self._rows()
        labels = Counter(EMOTIONS[tables.frame(row["label"])] for row in rows)
        lost = tuple(f"{self._file(row)} is not there" for row in rows if not self._file(row).is_file())
        found = {"clips": len(rows) - len(lost), **labels}
        return datasets.Verification({"clips": len(rows)}, found, problems=lost, classes={"native": labels})

    @classmethod
    def write_synthetic(cls, out: Path, spec: datasets.StandIn, bars: datasets.Bars = datasets.no_bars) -> None:
        lines = ["dataset,subject,clip,label"]
        with bars("maps", 2) as bar:
            for part in ("first", "second"):
                (out / part).mkdir(parents=True)
                for person in range(spec.subjects or 3):
                    for clip in range(spec.videos or 6):
                        rng = np.random.default_rng([spec.seed, len(part), person, clip])
                        label = (person + clip) % 3
                        flow = rng.normal(0, 0.3, (SIDE, SIDE, 3))
                        rows = slice(9 * label, 9 * label + 9)
                        flow[rows, :, 1] += spec.intensity * rng.uniform(0.5, 1.5)
                        np.save(out / part / f"p{person}_c{clip}.npy", flow.astype(np.float32))
                        lines.append(f"{part},{person:02d},p{person}_c{clip},{label}")
                bar.advance(part)
        (out / "clips.csv").write_text("\n".join(lines) + "\n")
        datasets.stand_ins.finish(out, "flow_maps", spec, {"clips": len(lines) - 1})

    def _rows(self) -> tuple[tables.Row, ...]:
        datasets.folders.require_folder(self.root, self.info.title, "give the folder of clips.csv, or use --synthetic")
        if not (self.root / "clips.csv").is_file():
            raise DataError(f"no clips.csv in {self.root}", hint="give its folder, or use --synthetic")
        return tables.read_table(self.root / "clips.csv", COLUMNS).rows

    def _file(self, row: tables.Row) -> Path:
        return self.root / tables.text(row["dataset"]) / f"{tables.text(row['clip'])}.npy"

    def _video(self, row: tables.Row) -> Video:
        """A map is the one row of a clip, and its expression is that row."""
        code, emotion = tables.text(row["clip"]), EMOTIONS[tables.frame(row["label"])]
        frames = datasets.StoredFrames((self._file(row),))
        told = (Expression(code, "micro", 0, 0, emotion=emotion),)
        return Video(tables.text(row["dataset"]), tables.code(row["subject"]), code, self.info.fps, frames, told)
