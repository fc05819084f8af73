"""SMIC: the clips that its owner ships, which have no table: folders say everything."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

from mezoo import DataError, datasets
from mezoo_smic import release

Layout = Literal["auto", "raw", "cropped"]
LAYOUT = re.compile(r"(?:smic.*?)?(?P<layout>raw|crop)(?:ped)?", re.IGNORECASE)
PUBLISHED: dict[release.Camera, dict[str, int]] = {
    "hs": {"subjects": 16, "clips": 164, "micro": 164, "negative": 70, "positive": 51, "surprise": 43},
    "vis": {"subjects": 8, "clips": 71, "micro": 71, "negative": 24, "positive": 28, "surprise": 19},
    "nir": {"subjects": 8, "clips": 71, "micro": 71, "negative": 24, "positive": 28, "surprise": 19},
}


class Smic(datasets.IndexedDataset):
    """SMIC: 164 clips of 16 subjects, 100 fps (VIS and NIR: 71 of 8, 25 fps); negative, positive, surprise; no AUs.

    `root` is the folder as unzipped, the one above it, `SMIC_all_cropped`, or the folder of a camera itself. `camera`
    is `hs`, `vis` or `nir`. `layout` chooses `SMIC_all_raw` or `SMIC_all_cropped` where both are there; `auto` takes
    the cropped clips, and the raw ones if there are no others. A clip is one micro-expression, from its first file to
    its last; nobody annotated an apex. `landmarks` is a folder with `HS/s03/s3_ne_03.csv` (OpenFace) or `.npy`; without
    it, a folder `landmarks` beside or above the clips is used if there is one. `strict` refuses a set with anything
    missing. Subjects are named `s03`, clips `s3_ne_03`, however they are padded on disk.

    Source: Li, Pfister, Huang, Zhao, Pietikainen, FG 2013.
    """

    name = "smic"
    apex_annotated = False
    info: datasets.DatasetInfo = datasets.DatasetInfo(
        family="smic",
        title="SMIC-HS",
        paper="X. Li, T. Pfister, X. Huang, G. Zhao, M. Pietikainen, A Spontaneous Micro-expression Database: "
        "Inducement, Collection and Baseline, FG 2013",
        owner="Center for Machine Vision and Signal Analysis, University of Oulu",
        access="signed form from the owner; research use, no redistribution",
        layout="SMIC_all_cropped/HS/s1/micro/negative/s1_ne_01/reg_image559740.bmp ..., SMIC_all_raw/HS/...; no table",
        fps=100.0,
        emotions=("negative", "positive", "surprise"),
        class_maps=("native", "megc2019_3"),
    )

    def __init__(
        self,
        root: Path,
        *,
        camera: Literal["hs", "vis", "nir"] = "hs",
        layout: Literal["auto", "raw", "cropped"] = "auto",
        landmarks: Path | None = None,
        strict: bool = False,
    ) -> None:
        self.root = Path(root)
        self.strict = strict
        self._camera: release.Camera = camera
        self._layout: Layout = layout
        self._landmarks = landmarks
        self.info = replace(type(self).info, title=f"SMIC-{camera.upper()}", fps=release.FPS[camera])

    def index(self) -> datasets.Index:
        """Clip folders of the camera: root itself, up to 5 levels below it."""
        datasets.folders.require_folder(self.root, self.info.title, self.help())
        chosen = self._chosen()
        anchor = chosen[0].anchor
        folders = release.sort_out(chosen)
        places = [self._landmarks] if self._landmarks else datasets.folders.landmark_folders(anchor, self.root)
        clips = release.clips_of(folders, places, self._camera)
        return datasets.Index(
            where=anchor,
            table=None,
            clips=clips if any(len(clip.frames.listing.numbers) for clip in clips) else (),
            annotations=[_annotation(clip, folders.by_code[clip.subject, clip.code]) for clip in clips],
            expected=PUBLISHED[self._camera],
            excluded=folders.notes,
            problems=[*folders.problems, *_disagreements(folders.by_code.values())],
            mark=datasets.folders.mark_above(anchor, self.root),
        )

    @classmethod
    def write_synthetic(cls, out: Path, spec: datasets.StandIn, bars: datasets.Bars = datasets.no_bars) -> None:
        """Write a stand-in of rendered faces for all three cameras; presets `small` (8 subjects) and `full`."""
        from mezoo_smic import stand_in_smic

        stand_in_smic.write(out, spec, bars)

    def _chosen(self) -> list[release.Tree]:
        """Trees of the camera and the layout; of several, those of the layout that comes first."""
        found = release.trees(self.root, emotions=True)
        mine = release.of_camera(found, self._camera, self.root)
        wanted = ("crop", "", "raw") if self._layout == "auto" else (self._layout.removesuffix("ped"), "")
        for layout in wanted:
            chosen = [tree for tree in mine if _layout_of(tree.anchor, self.root) == layout]
            if chosen:
                return chosen
        there = ", ".join(str(tree.anchor) for tree in found) or datasets.folders.glimpse(self.root)
        what = "" if self._layout == "auto" else f"{self._layout} "
        raise DataError(f"{self.info.title}: no {what}clips in {self.root}; it holds {there}", hint=self.help())


def _layout_of(anchor: Path, root: Path) -> str:
    found = (LAYOUT.fullmatch(name) for name in release.names_above(anchor, root))
    return next((match["layout"].lower() for match in found if match), "")


def _annotation(clip: datasets.Clip, found: release.ClipFolder) -> datasets.Annotation:
    """The clip as a row: first and last file number, both unknown in an empty folder."""
    numbers = clip.frames.listing.numbers
    ends = (numbers[0], numbers[-1]) if len(numbers) else (None, None)
    published = {"folder": found.folder.relative_to(found.within.parent).as_posix()}
    return datasets.Annotation(
        clip.subject, clip.code, clip.code, "micro", *ends, emotion=found.code.emotion, published=published
    )


def _disagreements(found: Iterable[release.ClipFolder]) -> Iterator[str]:
    for clip in found:
        if clip.emotion != clip.code.emotion:
            yield f"{clip.code.name}: lies in the folder {clip.emotion}; read as {clip.code.emotion}, as its name says"
