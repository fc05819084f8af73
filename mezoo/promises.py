"""What a plugin gave, held against what its contract promises: a sentence with the plugin, its method and the mend."""

import json
import math
import sys
from collections.abc import Generator, Mapping, Sequence, Sized
from contextlib import contextmanager, redirect_stdout
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mezoo.errors import DataError, MezooError, PluginError
from mezoo.records import Example, Features, FeatureStream, Sample, Spot, Spotting, Window

_OURS = ("mezoo.", "lightning.", "torch.")
_NUMBERS = "biuf"
"""Kinds of NumPy's dtypes that are kept on disk: booleans, integers and floats."""
FINITE = "finite numbers (does it learn with a lower learning rate, --set model.lr=... --fresh?)"


@contextmanager
def asking(owner: Any, method: str) -> Generator[None]:
    """Turn what a plugin's method raises into a PluginError that names it; a MezooError and the disk's pass.

    What it prints goes to standard error meanwhile: standard output is the command's own, and may be read as JSON.
    """
    try:
        with redirect_stdout(sys.stderr):
            yield
    except (MezooError, OSError, MemoryError):
        raise
    except Exception as error:
        where = f"{_name(owner)}.{method}"
        what = f"{where} raised {type(error).__name__}: {error}"
        raise PluginError(what, hint=f"mend {where} in {_module(owner)}") from error


def refuse(owner: Any, method: str, gave: str, wanted: str) -> PluginError:
    """The error for a method that gave something else than its contract says."""
    return PluginError(
        f"{_name(owner)}.{method} gave {gave}", hint=f"it must give {wanted}: mend it in {_module(owner)}"
    )


def lost(owner: Any, method: str, gave: str, wanted: str) -> DataError:
    """The error for an answer that may depend on the data, as NaN does: a fold fails by it, and no other."""
    return DataError(f"{_name(owner)}.{method} gave {gave}", hint=f"it must give {wanted}: mend it in {_module(owner)}")


def guilty(trace: TracebackType | None) -> str:
    """`Class.method: ` of the model that a traceback passes through first, to begin a sentence with; "" if none."""
    while trace is not None:
        frame = trace.tb_frame
        owner, module = frame.f_locals.get("self"), frame.f_globals.get("__name__", "")
        if hasattr(owner, "predict_step") and not module.startswith(_OURS):
            return f"{type(owner).__name__}.{frame.f_code.co_name}: "
        trace = trace.tb_next
    return ""


def check_stream(owner: Any, stream: Any) -> FeatureStream:
    """The same stream. Raises PluginError for what is none, or without a length and a rate."""
    wanted = "Features(values, positions, n_frames, fps, facts) with n_frames >= 1 and fps > 0"
    if not isinstance(stream, FeatureStream):
        raise refuse(owner, "stream", f"a {type(stream).__name__}", "a FeatureStream")
    told: Any = stream
    fps, n_frames = told.fps, told.n_frames
    if not isinstance(n_frames, int | np.integer) or n_frames < 1:
        raise refuse(owner, "__call__", f"n_frames {n_frames!r}", wanted)
    if not isinstance(fps, int | float | np.number) or not (math.isfinite(fps) and fps > 0):
        raise refuse(owner, "__call__", f"fps {fps!r}", wanted)
    if not isinstance(told.facts, Mapping):
        raise refuse(owner, "__call__", f"facts that are a {type(told.facts).__name__}", "facts by name, a dict")
    return stream


def checked_blocks(owner: Any, stream: FeatureStream) -> Generator[tuple[Any, Any]]:
    """The blocks of a stream as they come. Raises PluginError for rows without increasing positions of their own."""
    before = -1
    for values, where in stream.blocks:
        if not isinstance(values, np.ndarray) or values.ndim < 1 or values.dtype.kind not in _NUMBERS:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise refuse(owner, "__call__", f"values that are {_told(values)}", "a NumPy array of numbers (rows, ...)")
        at = np.asarray(where)
        if len(at) != len(values):
            raise refuse(owner, "__call__", f"{len(at)} positions for {len(values)} rows", "a position for each row")
        steps = np.diff(np.concatenate([[before], at])) if at.dtype.kind in "iu" and at.ndim == 1 else np.zeros(1)
        if (steps <= 0).any() or (len(at) and at[-1] >= stream.n_frames):
            gave = f"positions {_told(at)} from {at.flat[0]} to {at.flat[-1]} of {stream.n_frames} frames"
            raise refuse(owner, "__call__", gave, "integers that increase, from 0 to n_frames - 1")
        before = int(at[-1]) if len(at) else before
        yield values, at
    if before < 0:
        raise refuse(owner, "__call__", "no row", "at least one row a video")


def whole_stream(owner: Any, features: Any) -> FeatureStream:
    """One block of an extractor's `Features`. Raises PluginError for anything else."""
    if not isinstance(features, Features):
        raise refuse(owner, "__call__", f"a {type(features).__name__}", "Features")
    blocks = iter([(features.values, features.positions)])
    return FeatureStream(blocks, features.n_frames, features.fps, features.facts)


def check_samples(owner: Any, samples: Any, *, learn: bool) -> Sequence[Sample]:
    """The same samples. Raises PluginError for what is no sequence of Sample, and for none to learn from."""
    if not isinstance(samples, Sized) or not hasattr(samples, "__getitem__"):
        raise refuse(owner, "samples", f"a {type(samples).__name__}", "a list of Sample, or a SampleTable")
    found: Any = samples
    if learn and not len(found):
        raise refuse(owner, "samples", "no sample to train on", "at least one training sample an epoch")
    if len(found) and not isinstance(found[0], Sample):
        raise refuse(owner, "samples", f"items that are a {type(found[0]).__name__}", "a list of Sample")
    return found


def check_fitted(owner: Any, fitted: Any) -> Mapping[str, Any]:
    """What `prepare` estimated. Raises PluginError for what JSON cannot hold: weights are built from it again."""
    wanted = "values by name that JSON can hold (no arrays: .tolist(), float(...)), {} where there are none"
    if not isinstance(fitted, Mapping):
        raise refuse(owner, "prepare", f"a {type(fitted).__name__}", wanted)
    found: Mapping[str, Any] = fitted
    try:
        json.dumps(dict(found))
    except (TypeError, ValueError, RecursionError) as error:
        raise refuse(owner, "prepare", f"what JSON cannot hold ({error})", wanted) from error
    return found


def check_windows(owner: Any, windows: Any, videos: Sequence[str], known: Mapping[str, Any]) -> Sequence[Window]:
    """Raw scores of a batch. Raises PluginError unless they are one Window a sample, of numbers, by plain names.

    Raises DataError for numbers that are NaN or infinite.
    """
    wanted = "one Window a sample, with an integer start and NumPy arrays of numbers by name (no | in it)"
    if not isinstance(windows, Sequence) or len(windows) != len(videos):
        count = f"{len(windows)} items" if isinstance(windows, Sized) else f"a {type(windows).__name__}"
        raise refuse(owner, "predict_step", f"{count} for {len(videos)} samples", wanted)
    found: Sequence[Any] = windows
    for video, window in zip(videos, found, strict=True):
        start: Any = getattr(window, "start", None)
        if not isinstance(window, Window) or not isinstance(start, int | np.integer):
            raise refuse(owner, "predict_step", f"{_told(window)} in its list, or no integer start", wanted)
        for name, array in window.scores.items():
            if "|" in name or np.asarray(array).dtype.kind not in _NUMBERS:
                raise refuse(owner, "predict_step", f"scores {name!r} that are {_told(array)}", wanted)
            if not np.isfinite(array).all():
                raise lost(owner, "predict_step", f"scores {name!r} with NaN or infinity for {video}", FINITE)
    if strange := [v for v in videos if v not in known]:
        raise refuse(owner, "samples", f"a sample of the video {strange[0]!r}", "the key of the example's own video")
    return found


def check_spotting(owner: Any, given: Any, example: Example, kinds: Sequence[str]) -> Spotting:
    """The same answer of one example. Raises PluginError for spots and curves of another form, video or kind.

    Raises DataError for what only some videos may show: NaN, infinity, and spots that do not lie inside the video.
    """
    key, frames, rows = example.video.key, len(example.video.frames), len(example.features)
    form = f"Spot(video={key!r}, kind in {', '.join(kinds)}, integer frames, a number as score)"
    if not isinstance(given, Spotting):
        raise refuse(owner, "decode", f"a {type(given).__name__}", f"Spotting with {form}")
    for spot in given.spots:
        if not isinstance(spot, Spot) or not _formed(spot, key, kinds):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise refuse(owner, "decode", repr(spot), f"Spotting with {form}; `kinds` of its class declares the kinds")
        if not math.isfinite(spot.score):
            raise lost(owner, "decode", repr(spot), FINITE)
        if not 0 <= spot.onset <= spot.offset < frames:
            inside = f"0 <= onset <= offset <= {frames - 1}, frames of the video with both ends included"
            raise lost(owner, "decode", repr(spot), inside)
    for kind, curve in given.curves.items():
        _check_curve(owner, kind, np.asarray(curve), (key, rows, kinds))
    return given


def _check_curve(owner: Any, kind: str, curve: NDArray[Any], told: tuple[str, int, Sequence[str]]) -> None:
    video, rows, kinds = told
    if kind not in kinds:
        wanted = f"curves of {', '.join(kinds)} alone, which `kinds` of its class declares"
        raise refuse(owner, "decode", f"a curve {kind!r}", wanted)
    if curve.shape != (rows,) or curve.dtype.kind not in _NUMBERS:
        raise refuse(owner, "decode", f"a curve {kind!r} that is {_told(curve)}", f"a number for each of {rows} rows")
    if not np.isfinite(curve).all():
        raise lost(owner, "decode", f"a curve {kind!r} with NaN or infinity for {video}", FINITE)


def _formed(spot: Any, video: str, kinds: Sequence[str]) -> bool:
    whole = all(isinstance(end, int | np.integer) for end in (spot.onset, spot.offset))
    score = isinstance(spot.score, int | float | np.number)
    return whole and score and spot.video == video and spot.kind in kinds


def _told(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"an array {value.shape} of {value.dtype}"
    return f"a {type(value).__name__}"


def _name(owner: Any) -> str:
    return (owner if isinstance(owner, type) else type(owner)).__name__


def _module(owner: Any) -> str:
    return (owner if isinstance(owner, type) else type(owner)).__module__
