"""Writes a synthetic stand-in of SMIC: rendered faces in clips from onset to offset, for all three cameras."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mezoo import datasets, synthetic
from mezoo_smic import stand_in_plan as plan
from mezoo_smic.release import FPS, Camera, Code

CLIPS = dict(zip(plan.SUBJECTS, (6, 6, 39, 19, 2, 4, 13, 4, 7, 9, 10, 10, 4, 7, 2, 22), strict=True))
CLASSES = ({"negative": 24, "positive": 28, "surprise": 19}, {"negative": 46, "positive": 23, "surprise": 24})
"""Classes of the eight subjects of all cameras, and of the others: 70, 51 and 43 together."""
MEAN_MS = 337.0
SMALL_CLIPS = 6


@dataclass(frozen=True, slots=True)
class Layout:
    """One of the two trees: prefix of its files, picture and face in pixels."""

    folder: str
    prefix: str
    height: int
    width: int
    face_width: int


CROPPED = Layout("SMIC_all_cropped", "reg_", 170, 140, 124)
RAW = Layout("SMIC_all_raw", "", 480, 640, 160)
PRESETS = {"small": (CROPPED,), "full": (CROPPED, RAW)}


def write(out: Path, spec: datasets.StandIn, bars: datasets.Bars) -> None:
    """Write the clips of every camera and, last, the marks: one for each camera, the one of HS at the root.

    Without frames, the clip folders are there but empty: they are all the annotation that SMIC has. Raises DataError
    for an unknown preset, too many subjects, and where `out` already holds clips.
    """
    datasets.stand_ins.within("smic", spec, tuple(PRESETS), len(plan.ORDER))
    rng = plan.generator(spec.seed, "hs", "classes")
    codes = plan.codes(plan.counts_of(CLIPS, spec, SMALL_CLIPS), CLASSES, rng)
    shots = {camera: _shots(plan.filmed(codes, camera), camera, spec) for camera in plan.CAMERAS}
    datasets.stand_ins.write_shots(out, [shot for some in shots.values() for shot in some], spec.frames, bars)
    if spec.frames == "none":
        for shot in (shot for some in shots.values() for shot in some):
            (out / shot.folder).mkdir(parents=True)
    planted = _soil(out, codes, spec) if spec.dirty else []
    for camera in reversed(plan.CAMERAS):
        some = plan.filmed(codes, camera)
        expected = {
            **plan.counted(some, "clips"),
            "micro": len(some),
            **Counter(code.emotion for code in some),
        }
        where = out if camera == "hs" else out / CROPPED.folder / camera.upper()
        where.mkdir(parents=True, exist_ok=True)
        datasets.stand_ins.finish(where, "smic", spec, expected, planted if camera == "hs" else ())


def _shots(codes: Sequence[Code], camera: Camera, spec: datasets.StandIn) -> list[datasets.stand_ins.Shot]:
    scripts = {code: _script(code, camera, spec) for code in codes}
    first = plan.numbering(spec.seed, camera, {code: s.n_frames for code, s in scripts.items()})
    return [
        _shot(layout, code, camera, scripts[code], first[code], spec.seed)
        for layout in PRESETS[spec.preset]
        for code in codes
    ]


def _script(code: Code, camera: Camera, spec: datasets.StandIn) -> synthetic.Script:
    rng = plan.generator(spec.seed, camera, code.code)
    return datasets.stand_ins.clip_script(
        code.emotion, FPS[camera], rng, intensity=spec.intensity, head=0.1, ms=MEAN_MS
    )


def _shot(
    layout: Layout, code: Code, camera: Camera, script: synthetic.Script, first: int, seed: int
) -> datasets.stand_ins.Shot:
    """Frames from onset to offset, as in SMIC; NIR is grey."""
    noise = int(plan.generator(seed, camera, code.code + layout.folder).integers(2**31))
    return datasets.stand_ins.Shot(
        folder=f"{layout.folder}/{_inner(camera, code)}",
        file=f"{layout.prefix}image{{n:06d}}.bmp",
        first=first,
        script=script,
        film=synthetic.FilmSpec(layout.height, layout.width, layout.face_width, seed=noise, colour=camera != "nir"),
        face=datasets.stand_ins.face_of(seed, code.subject),
        keep=(script.movements[0].onset, script.movements[0].offset),
        landmarks=f"{layout.folder}/landmarks/{camera.upper()}/{code.subject}/{code.code}.csv",
    )


def _inner(camera: Camera, code: Code) -> str:
    return f"{camera.upper()}/{code.code.split('_')[0]}/micro/{code.emotion}/{code.code}"


def _soil(out: Path, codes: Sequence[Code], spec: datasets.StandIn) -> list[datasets.stand_ins.Planted]:
    """Spoil the cropped HS clips: files, an emotion folder, padding. What only a table would tell is not planted."""
    tree = out / CROPPED.folder
    planted: list[datasets.stand_ins.Planted] = []
    spoiled, moved = codes[:-4:-1], codes[-4:-3]
    if spec.frames != "none":
        names = {tree / _inner("hs", code): code.name for code in spoiled}
        planted += datasets.stand_ins.soil_folders([*names], lambda folder: names[folder])
    for code in moved:
        wrong = "surprise" if code.emotion == "positive" else "positive"
        folder = tree / _inner("hs", code)
        target = folder.parents[1] / wrong
        target.mkdir(exist_ok=True)
        folder.rename(target / folder.name)
        shows = f"lies in the folder {wrong}"
        planted.append(datasets.stand_ins.Planted("clip in another emotion's folder", code.name, shows))
    padded = next((code for code in codes if code.subject.startswith("s0")), None)
    if padded is not None:
        clip = tree / _inner("hs", padded)
        plan.rename(clip, padded.code.replace(padded.code.split("_")[0], padded.subject))
        plan.rename(clip.parents[2], padded.subject)
        shows = "with a zero-padded or unpadded subject"
        planted.append(datasets.stand_ins.Planted("subject padding variants", "", shows))
    return planted
