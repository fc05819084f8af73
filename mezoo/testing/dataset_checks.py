"""What every dataset promises, checked on its own stand-in, or on its own data where it writes none."""

import inspect
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any
from zipfile import ZipFile, is_zipfile

import numpy as np

from mezoo.contracts import SYNTHETIC_MARK
from mezoo.errors import DataError
from mezoo.records import Expression, Video
from mezoo.testing.cases import SMALLEST, DatasetCase
from mezoo.testing.no_network import offline
from mezoo.testing.outcome import ContractError, NotMade, hold


def says_what_it_is(case: DatasetCase) -> str:
    """`info` names title, paper, owner, access and layout, a frame rate, and class maps that there are."""
    from mezoo.datasets.class_maps import class_map

    info = case.kind.info
    empty = [name for name in ("title", "paper", "owner", "access", "layout") if not getattr(info, name).strip()]
    hold(not empty, f"info.{' and info.'.join(empty)} is empty: a reader must know what it is and whom to ask")
    hold(info.fps > 0, f"info.fps is {info.fps}: frames per second, above 0")
    for name in info.class_maps:
        hold(class_map(name, info.emotions).classes, f"the class map {name} has no class: name info.emotions")
    return f"{info.title}, {len(info.emotions)} emotions, {len(info.class_maps)} class maps"


def takes_its_folder_as_root(case: DatasetCase) -> str:
    """The constructor's first argument is `root`; it reads nothing, and a missing folder is a DataError with a hint."""
    first = next(iter(inspect.signature(case.kind).parameters), "")
    hold(first == "root", f"the constructor's first argument is {first!r}: call it root, a Path")
    nowhere = case.folder / "nowhere"
    dataset = case.open(nowhere)
    hold(Path(dataset.root) == nowhere, "`self.root` is not the folder that was given")
    for ask in (dataset.videos, dataset.verify):
        try:
            ask()
        except DataError as error:
            hold(error.hint, f"{ask.__name__}() of a missing folder: the DataError needs a hint, what to do next")
        else:
            raise ContractError(f"{ask.__name__}() of a missing folder raised nothing: raise DataError")
    return "reads nothing before it is asked"


def writes_a_stand_in(case: DatasetCase) -> str:
    """`write_synthetic` fills an empty folder and writes the mark; the same seed gives the same files."""
    root, again = case.root("smallest", SMALLEST), case.root("again", SMALLEST)
    hold((root / SYNTHETIC_MARK).is_file(), f"{SYNTHETIC_MARK} is missing: write it last, at the root")
    files, same = _files(root), _files(again)
    differ = sorted(name for name in files.keys() | same.keys() if files.get(name) != same.get(name))
    hold(not differ, f"the same seed wrote another {' and '.join(differ[:2])}: draw from spec.seed alone")
    other = _files(case.root("other", replace(SMALLEST, seed=1)))
    hold(files != other, "another seed wrote the same files: draw from spec.seed")
    return f"{len(files)} files, equal for equal seeds"


def _files(root: Path) -> dict[str, bytes]:
    found = (p for p in sorted(root.rglob("*")) if p.is_file() and p.name != SYNTHETIC_MARK)
    return {p.relative_to(root).as_posix(): _told_by(p) for p in found}


def _told_by(file: Path) -> bytes:
    """The bytes of a file; of a workbook only its sheets, for it also holds the second that it was written in."""
    if file.suffix != ".xlsx" or not is_zipfile(file):
        return file.read_bytes()
    with ZipFile(file) as book:
        return b"".join(name.encode() + book.read(name) for name in book.namelist() if not name.startswith("docProps"))


def lists_videos(case: DatasetCase) -> str:
    """Videos are sorted, each with its own key, a subject as text, a frame rate and frames; twice the same."""
    videos = list(case.open().videos())
    hold(videos, "videos() is empty")
    for video in videos:
        parts: Any = (video.dataset, video.subject, video.code)
        hold(
            all(isinstance(p, str) and p for p in parts), f"{video.key}: dataset, subject and code are text, not empty"
        )
        hold(video.fps > 0, f"{video.key}: fps is {video.fps}")
        hold(len(video.frames) > 0, f"{video.key} has no frame")
    twice = [key for key, n in Counter(v.key for v in videos).items() if n > 1]
    hold(not twice, f"{twice[:1]} names two videos: dataset, subject and code together must be unique")
    hold(
        [v.key for v in videos] == sorted(v.key for v in videos), "videos() is not sorted by dataset, subject and code"
    )
    again = [_told(v) for v in case.open().videos()]
    hold([_told(v) for v in videos] == again, "videos() differs when asked again")
    subjects = {(v.dataset, v.subject) for v in videos}
    hold(len(subjects) > 1, "there is one subject: leaving one out needs two")
    return f"{len(videos)} videos of {len(subjects)} subjects"


def _told(video: Video) -> tuple[Any, ...]:
    return video.key, video.fps, len(video.frames), video.expressions


def places_expressions(case: DatasetCase) -> str:
    """0-based frames inside the video, both ends included, apex between them, emotions as in `info.emotions`."""
    videos = case.open().videos()
    found = [(v, e) for v in videos for e in v.expressions]
    hold(found, "no video has an expression")
    for video, expression in found:
        _placed(video, expression)
        known = case.kind.info.emotions
        if expression.emotion and known:
            hold(expression.emotion in known, f"{video.key}: emotion {expression.emotion!r} is not in info.emotions")
    kinds = Counter(e.kind for _, e in found)
    return ", ".join(f"{n} {kind}" for kind, n in kinds.items())


def _placed(video: Video, e: Expression) -> None:
    last, told = len(video.frames) - 1, f"{video.key}: onset {e.onset}, apex {e.apex}, offset {e.offset}"
    hold(e.kind in {"micro", "macro"}, f"{video.key}: kind {e.kind!r} is neither micro nor macro")
    hold(0 <= e.onset <= e.offset <= last, f"{told}: frames count from 0 to {last}, both ends included")
    hold(e.apex is None or e.onset <= e.apex <= e.offset, f"{told}: the apex lies outside")
    hold(e.emotion == e.emotion.lower(), f"{video.key}: emotion {e.emotion!r} is not in lower case")


def reads_frames(case: DatasetCase) -> str:
    """Frames are uint8, (height, width) grey or (height, width, 3) RGB, and their files are there."""
    video = case.open().videos()[0]
    for file in video.frames.files():
        hold(Path(file).is_file(), f"{video.key}: {file} is not there")
    hold(video.frames.files(), f"{video.key}: files() names no file, so a changed video would not be read again")
    try:
        colour, grey = video.frames.read(0), video.frames.read(0, grey=True)
    except DataError as error:
        hold(error.hint, "frames that cannot be read: the DataError needs a hint")
        return f"no images: {error.what}"
    hold(colour.dtype == grey.dtype == np.uint8, f"frames are {colour.dtype} and {grey.dtype} (grey), not uint8")
    hold(colour.ndim == 3 and colour.shape[2] == 3, f"a frame is {colour.shape}, not (height, width, 3)")
    hold(grey.shape == colour.shape[:2], f"a grey frame is {grey.shape}, not (height, width)")
    hold(np.array_equal(grey, video.frames.read(0, grey=True)), "a frame differs when read again")
    return f"{colour.shape[1]} x {colour.shape[0]} px"


def verifies_its_stand_in(case: DatasetCase) -> str:
    """`verify` finds the stand-in complete, and notices when a file is gone."""
    found = case.open(case.root()).verify()
    wrong = [f"{k}: {n} expected, {found.found.get(k)} found" for k, n in found.expected.items()]
    wrong = [w for w, (k, n) in zip(wrong, found.expected.items(), strict=True) if found.found.get(k) != n]
    hold(found.complete, f"its own stand-in is not complete: {'; '.join([*wrong, *found.problems][:3])}")
    hold(found.expected, "verify() expects no count, so that any folder is complete: count at least the videos")
    return ", ".join(f"{n} {name}" for name, n in list(found.found.items())[:4])


def has_clips_of_its_classes(case: DatasetCase) -> str:
    """Each class map that `info` names finds clips of two classes or more."""
    from mezoo.datasets.class_maps import class_map

    info = case.kind.info
    maps = info.class_maps or (("native",) if info.emotions else ())
    if not maps:
        raise NotMade("info names neither emotions nor class maps: only for spotting")
    videos = case.open().videos()
    said: list[str] = []
    for name in maps:
        labels = Counter(class_map(name, info.emotions).label(v.dataset, e) for v in videos for e in v.expressions)
        classes = [label for label in labels if label is not None]
        hold(len(classes) > 1, f"class map {name}: there are clips of {len(classes)} class(es), two are needed")
        said.append(f"{name}: {len(classes)} classes")
    return "; ".join(said)


def copes_with_one_video_each(case: DatasetCase) -> str:
    """A stand-in of two subjects with one video each can be written and read."""
    return f"{len(case.open(case.root('smallest', SMALLEST)).videos())} videos"


def needs_no_network(case: DatasetCase) -> str:
    """Nothing is fetched: no dataset is downloaded, and a stand-in is made here."""
    with offline() as tried:
        (case.open(case.root("offline", SMALLEST)) if case.writes else case.open()).videos()
    hold(not tried, f"it tried to reach {', '.join(tried[:2])}")
    return "reads its folder only"


DATASET_CHECKS = (
    says_what_it_is,
    takes_its_folder_as_root,
    writes_a_stand_in,
    lists_videos,
    places_expressions,
    reads_frames,
    verifies_its_stand_in,
    has_clips_of_its_classes,
    copes_with_one_video_each,
    needs_no_network,
)
