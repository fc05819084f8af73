"""What `mezoo extract` and `mezoo view` do. Imports stand inside, so that a command pays only for what it does."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mezoo.errors import DataError, RecipeError
from mezoo.tables_out import print_json, print_table

if TYPE_CHECKING:
    from mezoo.extraction import Failure
    from mezoo.inputs import Asked
    from mezoo.recipe import Block
    from mezoo.records import Video

Arguments = argparse.Namespace


def extract(arguments: Arguments) -> int:
    """Put the features of every video into the store; 1 if some cannot be made."""
    from mezoo import extraction
    from mezoo.inputs import videos_and_feature
    from mezoo.progress import make_progress
    from mezoo.store import default_root

    progress, cache = make_progress(), default_root()
    videos, block = videos_and_feature(_asked(arguments), cache, progress)
    if block is None:
        raise RecipeError("no feature is named", hint="add --feature NAME; mezoo list features has the names")
    failures = extraction.extract(block, videos, cache, progress, arguments.workers, arguments.executor)
    if arguments.out:
        _export(block, [v for v in videos if v.key not in {f.video for f in failures}], cache, Path(arguments.out))
    _report(arguments.json, block, videos, failures)
    return 1 if failures else 0


def _report(as_json: bool, block: "Block", videos: Sequence["Video"], failures: Sequence["Failure"]) -> None:
    done = len(videos) - len(failures)
    if as_json:
        rows = [{"video": f.video, "reason": f.reason, "next": f.hint} for f in failures]
        print_json({"feature": block.plugin.name, "videos": len(videos), "stored": done, "failed": rows})
        return
    if failures:
        print_table("not made", ["video", "reason", "next"], [[f.video, f.reason, f.hint] for f in failures])
    print(f"{block.plugin.name}: {done} of {len(videos)} videos are in the store")


def _export(block: "Block", videos: Sequence["Video"], cache: Path, out: Path) -> None:
    """Features as .npz beside one another: `<out>/<subject>/<code>.npz` with values, positions, fps."""
    import numpy as np

    from mezoo.extraction import Extraction

    here = Extraction(block, cache)
    for video in videos:
        made = here.store.get(video, here.extractor, here.made)
        folder = out.expanduser() / (video.subject if video.subject != "-" else "")
        folder.mkdir(parents=True, exist_ok=True)
        np.savez(folder / f"{video.code}.npz", values=made.values, positions=made.positions, fps=made.fps)


def view(arguments: Arguments) -> int:
    """Write a page and a contact sheet of one video."""
    from mezoo.extraction import Extraction
    from mezoo.inputs import FILMS, videos_and_feature
    from mezoo.progress import make_progress
    from mezoo.store import default_root
    from mezoo.view import write_page

    progress, cache = make_progress(), default_root()
    name, _, code = arguments.what.partition("/")
    film = Path(arguments.what).suffix.lower() in FILMS
    asked = _asked(arguments, films=(arguments.what,)) if film else _asked(arguments, dataset=name)
    videos, block = videos_and_feature(asked, cache, progress)
    video = videos[0] if film else _chosen(videos, code)
    feature = None
    if block is not None:
        here = Extraction(block, cache)
        feature = block.plugin.name, here.store.get(video, here.extractor, here.made)
    out = Path(arguments.out).expanduser() / video.dataset / (video.subject if video.subject != "-" else "")
    page, sheet = write_page(video, out, feature=feature, landmarks=_points(video))
    print(f"page: {page}\nsheet: {sheet}")
    return 0


def _points(video: "Video") -> Any:
    """Landmarks of the video's own file, (frames, 68, 2) px, through the feature that reads it; None without a file."""
    if video.landmarks is None:
        return None
    from mezoo.plugin_objects import make
    from mezoo.recipe import read_block

    made = make(read_block("feature", "{use: landmarks, landmarker: files}"))(video)
    return made.values


def _chosen(videos: Sequence["Video"], wanted: str) -> "Video":
    """The video whose code, or subject/code, was typed."""
    from mezoo.registry import did_you_mean

    found = [v for v in videos if wanted in {v.code, f"{v.subject}/{v.code}"}]
    if len(found) == 1:
        return found[0]
    names = [f"{v.subject}/{v.code}" for v in (found or videos)]
    what = f"several videos are called {wanted!r}" if found else f"no video {wanted!r}{did_you_mean(wanted, names)}"
    raise DataError(what, hint=f"there are {', '.join(names[:6])}{' ...' if len(names) > 6 else ''}")


def _asked(arguments: Arguments, **given: Any) -> "Asked":
    from mezoo.inputs import Asked

    typed: dict[str, Any] = {name: getattr(arguments, name, None) for name in ("recipe", "dataset", "root", "feature")}
    typed |= {"overrides": tuple(arguments.set), "synthetic": arguments.synthetic}
    typed["films"] = tuple(getattr(arguments, "film", None) or ())
    return Asked(**{**typed, **given})
