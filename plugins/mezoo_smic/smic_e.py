"""SMIC-E: long clips around the micro-expressions of SMIC, for spotting, as the owner ships them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from mezoo import datasets, tables
from mezoo_smic import release, smic_e_table

PUBLISHED: dict[release.Camera, dict[str, int]] = {
    "hs": {"subjects": 16, "videos": 157, "micro": 166},
    "vis": {"subjects": 8, "videos": 71},
    "nir": {"subjects": 8, "videos": 71},
}
ENDING = r".*\.(?:xlsx|xls|csv)$"


class SmicE(datasets.IndexedDataset):
    """SMIC-E: 157 long clips of 16 subjects, 100 fps (VIS and NIR: 71 of 8, 25 fps), 166 micro-expressions; no AUs.

    `root` is the folder as unzipped, the one above it, or the folder of a camera with its table. `camera` is `hs`,
    `vis` or `nir`. Of several tables, `..._annotation_2019` is read before `..._annotation`, and that before
    `..._orig`, which has a row for each micro-expression and not for each clip. Codes are `s4_ne_04` and, for the
    second and third micro-expression of a clip, `s4_ne_04#2` and `s4_ne_04#3`; nobody annotated an apex. `landmarks`
    is a folder with `HS/s03/s3_ne_03.csv` (OpenFace) or `.npy`; without it, a folder `landmarks` beside or above the
    clips is used if there is one. `strict` refuses a set with anything missing.

    Source: Li et al., IEEE TAFFC 9(4):563-577, 2018.
    """

    name = "smic_e"
    long_videos = True
    apex_annotated = False
    info: datasets.DatasetInfo = datasets.DatasetInfo(
        family="smic",
        title="SMIC-E-HS",
        paper="X. Li, X. Hong, A. Moilanen, X. Huang, T. Pfister, G. Zhao, M. Pietikainen, Towards Reading Hidden "
        "Emotions: A Comparative Study of Spontaneous Micro-Expression Spotting and Recognition Methods, IEEE TAFFC "
        "9(4):563-577, 2018",
        owner="Center for Machine Vision and Signal Analysis, University of Oulu",
        access="signed form from the owner; research use, no redistribution",
        layout="HS_long/SMIC-HS-E/s20/s20_ne_01/image17581039.jpg ... and HS_long/SMIC-HS-E_annotation.xlsx",
        fps=100.0,
        emotions=("negative", "positive", "surprise"),
        class_maps=("native", "megc2019_3"),
    )

    def __init__(
        self,
        root: Path,
        *,
        camera: Literal["hs", "vis", "nir"] = "hs",
        landmarks: Path | None = None,
        strict: bool = False,
    ) -> None:
        self.root = Path(root)
        self.strict = strict
        self._camera: release.Camera = camera
        self._landmarks = landmarks
        self.info = replace(type(self).info, title=f"SMIC-E-{camera.upper()}", fps=release.FPS[camera])

    def index(self) -> datasets.Index:
        """Table and clip folders of the camera: root itself, below it, the table also above."""
        datasets.folders.require_folder(self.root, self.info.title, self.help())
        path = self._table()
        table = tables.read_table(path, smic_e_table.columns(self._camera), sheet=self._camera.upper())
        by_expression = "orig" in path.stem.lower()
        reading = smic_e_table.read(table, shared_clips=by_expression)
        chosen = release.of_camera(release.trees(self.root, emotions=False), self._camera, self.root)
        folders = release.sort_out(chosen)
        anchor = chosen[0].anchor if chosen else self.root
        places = [self._landmarks] if self._landmarks else datasets.folders.landmark_folders(anchor, self.root)
        clips = release.clips_of(folders, places, self._camera)
        habits = datasets.annotations.habits(table, smic_e_table.WRITTEN)
        published = PUBLISHED[self._camera]
        return datasets.Index(
            where=anchor,
            table=path,
            clips=clips,
            annotations=reading.annotations,
            expected={k: n for k, n in published.items() if k != "micro" or not by_expression},
            excluded=[*habits, *reading.notes, *folders.notes, *_cut(clips, reading.spans)],
            problems=[*reading.problems, *folders.problems],
            mark=datasets.folders.mark_above(*([anchor] if chosen else []), path.parent, self.root),
        )

    @classmethod
    def write_synthetic(cls, out: Path, spec: datasets.StandIn, bars: datasets.Bars = datasets.no_bars) -> None:
        """Write a stand-in of rendered faces for all three cameras; presets `small` (8 subjects) and `full`."""
        from mezoo_smic import stand_in_smic_e

        stand_in_smic_e.write(out, spec, bars)

    def _table(self) -> Path:
        """The table of the camera: `_2019` before others, `_orig` last, then the nearest to root."""
        name = rf"smic[-_ ]*{self._camera}[-_ ]*e(?![a-z])"
        newest = re.compile(rf"{name}(?!.*orig)(?:.*_(?P<version>20\d\d))?{ENDING}", re.IGNORECASE)
        found = datasets.folders.find_files(self.root, newest, release.SUBJECT)
        if found:
            return found[0]
        wanted = f"SMIC-{self._camera.upper()}-E_annotation.xlsx"
        any_table = re.compile(f"{name}{ENDING}", re.IGNORECASE)
        title, hint = self.info.title, self.help()
        return datasets.folders.find_table(self.root, any_table, release.SUBJECT, wanted=wanted, title=title, hint=hint)


def _cut(
    clips: Sequence[datasets.Clip], spans: Mapping[tuple[str, str], tuple[int | None, int | None]]
) -> Iterator[datasets.Excluded]:
    """Clips that begin later or end earlier on disk than in the table."""
    for clip in clips:
        numbers = clip.frames.listing.numbers
        first, last = spans.get((clip.subject, clip.code), (None, None))
        if len(numbers) and first is not None and numbers[0] > first:
            reason = f"its first frame on disk is {numbers[0]}, FirstF is {first}"
            yield datasets.Excluded(clip.name, reason, "kept; frames are found by number")
        if len(numbers) and last is not None and numbers[-1] < last:
            reason = f"its last frame on disk is {numbers[-1]}, LastF is {last}"
            yield datasets.Excluded(clip.name, reason, "kept; frames are found by number")
