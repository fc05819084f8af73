"""Trained methods, asked about new films: `mezoo.load_model(place).predict("film.mp4")`."""

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from mezoo.contracts import Bars, no_bars
from mezoo.errors import RunError
from mezoo.prediction import FaceTrack, Prediction
from mezoo.predictor.ask import Asked, answer, whole
from mezoo.predictor.faces import face_track
from mezoo.predictor.film import open_film
from mezoo.predictor.trained import Trained, find, parts
from mezoo.records import Video
from mezoo.store import default_root

__all__ = ["Predictor", "load_model"]


_ONE_CLIP = (
    "the whole film was taken as one clip, which recognisers are not made for: a movement lasts half a second; give a "
    "spotter as the run and this one as --recognizer"
)


class Predictor:
    """A spotter, a recogniser, or both, with the weights of an ensemble or of one member."""

    def __init__(
        self, spotter: Trained | None, recognizer: Trained | None, device: str = "auto", cache: Path | None = None
    ) -> None:
        where = best_device(device)
        self.cache = cache or default_root()
        self.spotter = None if spotter is None else Asked(spotter, self.cache, where)
        self.recognizer = None if recognizer is None else Asked(recognizer, self.cache, where)

    def predict(self, film: str | Path, fps: float | None = None, bars: Bars = no_bars) -> Prediction:
        """What is found in a film (avi, mp4, mov, mkv ...) or a folder of numbered images.

        `fps`: frames a second; needed for images, and overrides a film's own. Without a spotter the film is one clip.
        Raises DataError for what cannot be read, and where no face is found.
        """
        video, notes = open_film(Path(film).expanduser(), fps)
        return self.ask(video, notes, bars)

    def ask(self, film: Video, notes: Sequence[str] = (), bars: Bars = no_bars) -> Prediction:
        """The same of a Video, whatever annotation it has: none is looked at."""
        begun, film = time.monotonic(), film.unlabelled()
        prediction = self._spotted(film, bars)
        if self.recognizer:
            named, said = self.recognizer.recognise([(film, f) for f in prediction.found], bars)
            found = tuple(replace(f, chances=c) for f, c in zip(prediction.found, named, strict=True))
            prediction = replace(prediction, found=found, notes=(*prediction.notes, *said))
        face = face_track(film, self.cache, bars)
        methods = tuple(a.trained.method() for a in (self.spotter, self.recognizer) if a)
        notes = (*notes, *dict.fromkeys(prediction.notes), *face_notes(film, face))
        return replace(prediction, methods=methods, face=face, notes=notes, seconds=time.monotonic() - begun)

    def _spotted(self, film: Video, bars: Bars) -> Prediction:
        if self.spotter is None:
            one = Prediction(film, (whole(film),), {}, np.empty(0, dtype=np.int64), ())
            return replace(one, notes=(_ONE_CLIP,)) if len(film.frames) > 2 * film.fps else one
        features, members, notes = self.spotter.spot(film, bars)
        found, curves = answer(members, features.positions)
        drawn = {name: spotting.curves for name, spotting in members.items()}
        facts = {"features": self.spotter.trained.made["features"]["name"], **features.facts}
        return Prediction(film, tuple(found), curves, features.positions, (), drawn, facts=facts, notes=tuple(notes))


def load_model(
    place: str | Path, recognizer: str | Path | None = None, fold: str | None = None, device: str = "auto"
) -> Predictor:
    """A trained method, ready for new films: `load_model("runs/mesnet_samm-1a2b3c4d").predict("film.mp4")`.

    `place`: the folder of a run, or one that `mezoo export` wrote; the weights of all its folds are asked and half of
    them must agree, or those of `fold` alone ("final" is the model of `mezoo fit --final`). `recognizer` is a second
    such folder, which names what the first one spots. `device`: "auto" is a GPU where there is one.
    Raises RunError for a folder without weights, or with weights that do not belong together.
    """
    first, second = parts(Path(place).expanduser())
    if recognizer is not None:
        second = Path(recognizer).expanduser()
    methods = [find(first, fold)] + ([find(second, fold if recognizer is None else None)] if second else [])
    by_task = {m.task: m for m in methods}
    if len(by_task) < len(methods):
        raise RunError(
            f"{methods[0].source} and {methods[1].source} are both for {methods[0].task}",
            hint="give a spotter as the run and a recogniser beside it",
        )
    return Predictor(by_task.get("spotting"), by_task.get("recognition"), device)


def best_device(asked: str) -> str:
    """A torch device by name; "auto" is a GPU where there is one. Raises RunError for one that is not there."""
    import torch

    if asked == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=asked)
    except (RuntimeError, AssertionError) as error:
        raise RunError(f"there is no device {asked!r} here: {_first_line(error)}", hint="give cpu, or auto") from error
    return asked


def face_notes(film: Video, face: FaceTrack | None) -> tuple[str, ...]:
    """What must be said about frames without a face."""
    n = len(film.frames)
    if face is None:
        return (f"no face was found in any of the {n} frames: what is said of them is worth nothing",)
    lost = face.frames_lost
    if not lost:
        return ()
    share = f"{lost} of {n} frames ({lost / film.fps:.1f} of {n / film.fps:.1f} s)"
    return (f"there was no face in {share}: nothing can be seen there",)


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0]
