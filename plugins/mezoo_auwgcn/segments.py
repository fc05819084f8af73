"""The feature files of the official AUW-GCN code as a dataset: videos without images."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mezoo import DataError, Dataset, Video, datasets

from . import segment_files, segment_labels

SUBJECT = re.compile(r"(?P<set>[A-Za-z]+)_?(?P<number>\d+)")
PUBLISHED = {
    "casme": {"subjects": 22, "micro": 57, "macro": 300},
    "samm": {"subjects": 30, "micro": 159, "macro": 343},
}
FPS = {"samm": 25.0}


@dataclass(frozen=True, slots=True)
class StoredRows:
    """Frames of which only features are left: `paths` are the windows that hold them."""

    paths: tuple[Path, ...]
    rows: int

    def __len__(self) -> int:
        return self.rows

    def read(self, index: int, *, grey: bool = False) -> NDArray[np.uint8]:
        """Raises DataError: there are no images."""
        del index, grey
        raise DataError(
            f"there are no images in {self.paths[0].parent}, only stored features",
            hint="use the feature auwgcn_segments, or a dataset with frames",
        )

    def number(self, index: int) -> int:
        """The row itself."""
        return index

    def files(self) -> tuple[Path, ...]:
        """The windows, in order."""
        return self.paths


@dataclass(frozen=True, slots=True)
class _Read:
    videos: list[Video]
    windows: int
    excluded: list[datasets.Excluded]
    problems: list[str]


class AuwGcnSegments(Dataset):
    """Stored features of AUW-GCN (CAS(ME)^2 at 30 rows a second, SAMM Long Videos at 25), with labels, without images.

    `root` is the folder of windows `<subject>/<train, test, or nothing>/samm_006_1_0256.npz`, or one above; each window
    is read once, however many folders hold a copy. A window is `feature` (270, 12, 2), `label` (270, 8), `video_name`:
    rows START - 7 to START + 262. Windows are joined, and a video's frames are its rows. The name gives subject and
    rate: `casme_015_0101` is of subject casme_015; `fps` overrides the rate.
    `table` is an annotation (CSV, XLSX) with video_name, start, type and au: the files hold no action units, of which
    AUW-GCN's graph is made; without it, the only CSV directly in `root` is taken, if there is one.

    Source: github.com/xjtupanda/AUW-GCN; Yin et al., ICME 2023.
    """

    name = "auwgcn_segments"
    info: datasets.DatasetInfo = datasets.DatasetInfo(
        title="Stored features of AUW-GCN",
        paper="S. Yin, S. Wu, T. Xu, S. Liu, S. Zhao, E. Chen, AU-aware graph convolutional network for Macro- and "
        "Micro-expression spotting, ICME 2023, 228-233, arXiv 2303.09114",
        owner="the authors of AUW-GCN (github.com/xjtupanda/AUW-GCN), with the owners of CAS(ME)^2 and SAMM",
        access="made from licensed films; research use, no redistribution",
        layout="feature_segment/samm_006/test/samm_006_1_0000.npz, samm_006_1_0256.npz ...",
        fps=30.0,
    )

    def __init__(self, root: Path, *, table: Path | None = None, fps: float | None = None) -> None:
        self.root = Path(root)
        self._table = table
        self._fps = fps

    def videos(self) -> Sequence[Video]:
        """Every video with a window that can be read, sorted by name."""
        return self._read().videos

    def verify(self) -> datasets.Verification:
        """Compare what is there with the published counts (or with the stand-in's mark)."""
        read = self._read()
        kinds = Counter(e.kind for v in read.videos for e in v.expressions)
        found = {
            "subjects": len({v.subject for v in read.videos}),
            "videos": len(read.videos),
            "windows": read.windows,
            "rows": sum(len(v.frames) for v in read.videos),
            "micro": kinds["micro"],
            "macro": kinds["macro"],
        }
        return datasets.Verification(self._expected(read), found, tuple(read.excluded), tuple(read.problems))

    @classmethod
    def write_synthetic(cls, out: Path, spec: datasets.StandIn, bars: datasets.Bars = datasets.no_bars) -> None:
        """Write windows of moving landmarks; presets `small` (8 subjects, 2 videos of 20 s) and `full` (30, 5)."""
        from . import stand_in

        stand_in.write(out, spec, bars)

    def _read(self) -> _Read:
        datasets.folders.require_folder(self.root, self.info.title, self._help())
        found = segment_files.find(self.root)
        rows = self._units()
        read = _Read([], 0, [datasets.Excluded(p.name, "not named like a window", "ignored") for p in found.strays], [])
        for video, windows in found.windows.items():
            self._add(read, video, windows, rows)
        if not read.videos:
            wrong = f" ({'; '.join(read.problems[:2])})" if read.problems else ""
            raise DataError(
                f"{self.info.title}: no readable window VIDEO_0000.npz in {self.root} or below it{wrong}",
                hint=self._help(),
            )
        unmet = {row.video for row in rows} - set(found.windows)
        read.problems.extend(f"{video}: in the table, but no window of it is there" for video in sorted(unmet))
        windows = sum(len(v.frames.files()) for v in read.videos)
        return _Read(read.videos, windows, read.excluded, read.problems)

    def _add(
        self,
        read: _Read,
        video: str,
        windows: segment_files.Windows,
        rows: Sequence[segment_labels.TableRow],
    ) -> None:
        """Join one video; what is odd about it goes into the lists."""
        for copies in windows.values():
            if len({path.stat().st_size for path in copies}) > 1:
                reason = f"one of its {len(copies)} copies differs in size"
                read.excluded.append(
                    datasets.Excluded(copies[0].name, reason, f"the one in {copies[0].parent} is read")
                )
        try:
            joined = segment_files.join([copies[0] for copies in windows.values()])
        except DataError as error:
            read.problems.append(error.what)
            return
        read.problems.extend(joined.problems)
        read.problems.extend(f"{video}: no window holds rows {a}..{b}" for a, b in joined.gaps)
        found, notes = segment_labels.expressions(joined.labels, video)
        found, left = segment_labels.with_units(found, video, rows)
        notes += [f"{row.kind} at {row.start} of the table is not in the labels" for row in left]
        read.excluded.extend(datasets.Excluded(video, note, "kept as it is") for note in notes)
        match = SUBJECT.match(video)
        subject = match[0] if match else video
        rate = self._fps or FPS.get(match["set"].casefold() if match else "", self.info.fps)
        synthetic = datasets.folders.mark_above(self.root) is not None
        frames = StoredRows(joined.files, len(joined.features))
        read.videos.append(Video(self.name, subject, video, rate, frames, tuple(found), synthetic=synthetic))

    def _units(self) -> list[segment_labels.TableRow]:
        beside = sorted(self.root.glob("*.csv"))
        path = self._table or (beside[0] if len(beside) == 1 else None)
        return [] if path is None else segment_labels.read_table(Path(path))

    def _expected(self, read: _Read) -> dict[str, int]:
        mark = datasets.folders.mark_above(self.root)
        if mark is not None:
            return datasets.expected_of(mark) or {}
        total: Counter[str] = Counter()
        for name in {v.subject.split("_")[0].casefold() for v in read.videos}:
            total.update(PUBLISHED.get(name, {}))
        return dict(total)

    @classmethod
    def _help(cls) -> str:
        return (
            f"ask {cls.info.owner}, or make them with the official code, and give the folder as `root`; "
            "or run with --synthetic, which needs no licence"
        )
