"""Flow reduced to two numbers a region: the nodes of AUW-GCN and its kin, and MDMO."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from mezoo import DataError, FeatureExtractor, Features, FeatureStream, Video
from mezoo_face import landmarker as lm
from mezoo_face import mdmo
from mezoo_face.geometry import Points
from mezoo_face.regions import Cut, Flow, NoseBox, Placed, parse, place

AT_ONCE = 2_000_000
"""Vectors that are worked on at once."""


@dataclass(frozen=True)
class RoiFlow(FeatureExtractor):
    """Flow in facial regions: (pairs, regions, 2) float32, (x, y) or (length, angle) of each region's motion.

    `flow`: an extractor of (pairs, height, width, 2 or more) px, x before y; uint8 values are bytes of [-bound, bound]
    px, with `bound` in its facts. `regions`: "auwgcn12", "mdmo36", or a list of {landmark: 18, radius: 5},
    {rectangle: [left, top, right, bottom], unit: face or pixels} and {polygon: [17, 19, [36, 39]]}; landmarks are 0 to
    67, and a list among the corners is the middle of its landmarks. `reduce`: AUW-GCN's "main_direction", the "mean",
    or MDMO's "polar" (length, radians). `global_motion`: "nose" takes the motion of the nose off first, as AUW-GCN
    does. `scale`: "pixels" per pair, or "official": 8 bit steps, where 1 is 20 px, as AUW-GCN reads its files.
    `border`: "clip" cuts regions at the image's border, and the facts count those without a pixel, which give zeros;
    "error" refuses a region that reaches out, as the official code does.

    `at`: which frame of its pair a row of `flow` stands at. Landmarks are those of the second frame, as in AUW-GCN,
    from the `landmarker` that `face_crop` describes; they follow frames that were resized, and a crop that stands
    still. Raises DataError where landmarks and flow do not fit, and where there is no face.

    Yin et al., "AU-aware graph convolutional network for Macro- and Micro-expression spotting", ICME 2023; Liu et al.,
    IEEE TAFFC 7(4), 2016.
    """

    version: ClassVar[str] = "1"

    flow: FeatureExtractor
    regions: str | Sequence[Mapping[str, Any]] = "auwgcn12"
    reduce: Literal["main_direction", "mean", "polar"] = "main_direction"
    global_motion: Literal["nose", "none"] = "nose"
    scale: Literal["pixels", "official"] = "pixels"
    border: Literal["clip", "error"] = "clip"
    at: Literal["second", "first"] = "second"
    landmarks: Path | None = None
    landmarker: Literal["auto", "files", "mesh", "approximate"] = "auto"

    def __post_init__(self) -> None:
        parse(self.regions)

    def __call__(self, video: Video) -> Features:
        """Motion of the regions for every pair of the flow."""
        return self.stream(video).collect()

    def stream(self, video: Video) -> FeatureStream:
        """The same, block by block of the flow."""
        flow = self.flow.stream(video)
        track = lm.follow(video, self._wanted(video, flow.fps))
        components = ["length", "angle"] if self.reduce == "polar" else ["x", "y"]
        facts: dict[str, Any] = {
            **track.facts,
            "components": components,
            "empty_regions": 0,
            "empty_noses": 0,
            "flow": flow.facts,
        }
        return FeatureStream(self._blocks(video, flow, track, facts), flow.n_frames, flow.fps, facts)

    def _blocks(
        self, video: Video, stream: FeatureStream, track: lm.Track, facts: dict[str, Any]
    ) -> Iterator[tuple[Flow, NDArray[np.int64]]]:
        for values, positions in stream.blocks:
            flow = Features(values, positions, stream.n_frames, stream.fps, stream.facts)
            if values.ndim != 4 or values.shape[-1] < 2:
                raise DataError(
                    f"roi_flow: the flow of {video.key} has the shape {values.shape}",
                    hint="give an extractor of (pairs, height, width, 2 or more), such as tvl1",
                )
            points = track.points[_nearest(track.positions, self._ends(video, positions, stream.fps))]
            placed, nose = self._placed(self._to_flow(points, video, flow), video, flow)
            if "outlines" not in facts:
                size = (values.shape[2], values.shape[1])
                corners = self._from_flow(placed.outlines(0), video, stream.facts, size)
                facts["outlines"] = {"frame": int(positions[0]), "polygons": [p.round(1).tolist() for p in corners]}
            for start, stop in _blocks(placed, flow):
                yield self._motion(flow, (placed, nose), (start, stop), facts), positions[start:stop]

    def _motion(
        self, flow: Features, where: tuple[Placed, Placed | None], rows: tuple[int, int], facts: dict[str, Any]
    ) -> Flow:
        """Two numbers a region for some rows; counts regions and noses without a pixel."""
        placed, nose = where
        vectors = self._vectors(flow, *rows)
        cut = placed.rows(*rows).cut(vectors)
        facts["empty_regions"] += cut.empty
        if nose is not None:
            head = nose.rows(*rows).cut(vectors)
            facts["empty_noses"] += head.empty
            cut = cut.minus(mdmo.main_direction(head, mdmo.HEAD)[:, 0])
        return self._reduced(cut, flow)

    def sources(self, video: Video) -> tuple[Path, ...]:
        """The landmark file, if one is used, and what the flow reads."""
        return tuple(dict.fromkeys((*lm.sources(video, self._wanted(video, None)), *self.flow.sources(video))))

    def environment(self) -> Mapping[str, str]:
        """What the flow depends on and its own version; OpenCV finds directions; a landmarker may find the face."""
        own = {"flow": f"{type(self.flow).__name__} {self.flow.version}"}
        return {**lm.environment(lm.Wanted("roi_flow", self.landmarker)), **own, **self.flow.environment()}

    def _wanted(self, video: Video, fps: float | None) -> lm.Wanted:
        """Landmarks of every frame where a file has them, else at the rate of the flow."""
        wanted = lm.Wanted("roi_flow", self.landmarker, self.landmarks)
        return wanted if lm.file_of(video, wanted) else replace(wanted, fps=fps)

    def _ends(self, video: Video, positions: NDArray[np.int64], fps: float) -> NDArray[np.int64]:
        """Frames of the video that pairs end at."""
        if self.at == "second":
            return positions
        return np.minimum(positions + max(1, round(video.fps / fps)), len(video.frames) - 1)

    def _from_flow(
        self, outlines: Sequence[Points], video: Video, facts: Mapping[str, Any], size: tuple[int, int]
    ) -> list[Points]:
        """Corners from pixels of the flow of (width, height) `size` back to pixels of the frames."""
        height, width = video.frames.read(0, grey=True).shape
        box = np.array((facts.get("crop") or {}).get("first_box") or [0, 0, width, height], dtype=np.float64)
        return [(p + 0.5) * (box[2:] - box[:2]) / np.array(size) + box[:2] - 0.5 for p in outlines]

    def _to_flow(self, points: Points, video: Video, flow: Features) -> Points:
        """Landmarks from pixels of the frames to pixels of the flow, which may be of resized or cropped frames."""
        height, width = video.frames.read(0, grey=True).shape
        size = np.array([flow.values.shape[2], flow.values.shape[1]], dtype=np.float64)
        crop = flow.facts.get("crop") or {}
        box = crop.get("first_box")
        if (crop and crop.get("follow") != "first") or (box is None and getattr(self.flow, "crop", None) is not None):
            raise DataError(
                f"roi_flow: the flow of {video.key} is that of a crop, and where it lies in each frame is not known",
                hint="crop with face_crop and follow: first, or take the flow of whole frames",
            )
        box = np.array([0, 0, width, height] if box is None else box, dtype=np.float64)
        # A box is measured from pixel edges, a landmark from pixel centres.
        return (points + 0.5 - box[:2]) * (size / (box[2:] - box[:2])) - 0.5

    def _placed(self, points: Points, video: Video, flow: Features) -> tuple[Placed, Placed | None]:
        """The regions, and the nose if its motion is wanted. Raises DataError if `border` forbids what lies outside."""
        shape = flow.values.shape[1], flow.values.shape[2]
        placed = place(parse(self.regions), points, shape)
        nose = place([NoseBox()], points, shape) if self.global_motion == "nose" else None
        beyond = placed.beyond if nose is None else np.hstack([placed.beyond, nose.beyond])
        if self.border == "error" and beyond.any():
            row, region = (int(i) for i in np.argwhere(beyond)[0])
            name = f"region {region}" if region < placed.beyond.shape[1] else "the nose"
            raise DataError(
                f"roi_flow: {name} reaches out of the image at frame {flow.positions[row]} of {video.key}",
                hint="set border: clip, or crop wider",
            )
        return placed, nose

    def _vectors(self, flow: Features, start: int, stop: int) -> Flow:
        """A block of flow (stop - start, height, width, 2) float32, in px or, if it is of 8 bits, in official units."""
        values = flow.values[start:stop, ..., :2]
        if self.scale == "official" or values.dtype == np.uint8:
            return mdmo.official_units(values, _bound(flow))
        return np.asarray(values, dtype=np.float32)

    def _reduced(self, cut: Cut, flow: Features) -> Flow:
        """Two numbers a region, in the unit asked for."""
        reductions = {"main_direction": mdmo.main_direction, "mean": mdmo.mean, "polar": mdmo.polar}
        stored = flow.values.dtype == np.uint8 and self.scale == "pixels"
        unit = np.float32(2 * _bound(flow) if stored else 1)
        return reductions[self.reduce](cut) * np.array([unit, 1 if self.reduce == "polar" else unit], dtype=np.float32)


def _nearest(among: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.int64]:
    """Index into `among` (increasing) of the entry nearest to each of `wanted`, the earlier of two."""
    after = np.minimum(np.searchsorted(among, wanted), len(among) - 1)
    before = np.maximum(after - 1, 0)
    return np.where(np.abs(wanted - among[before]) <= np.abs(among[after] - wanted), before, after)


def _bound(flow: Features) -> float:
    return float(flow.facts.get("bound", 10.0))


def _blocks(placed: Placed, flow: Features) -> list[tuple[int, int]]:
    """First rows and ends of blocks small enough to work on at once."""
    rows, columns = placed.size
    window, picture = placed.boxes.shape[1] * rows * columns, flow.values.shape[1] * flow.values.shape[2]
    step = max(1, AT_ONCE // max(window, picture))
    return [(start, min(start + step, len(flow))) for start in range(0, len(flow), step)]
