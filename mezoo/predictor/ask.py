"""Asking trained members: features of a film, raw scores of each member, one answer."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mezoo.clips import cut
from mezoo.contracts import Bars, FeatureExtractor
from mezoo.errors import DataError, MezooError
from mezoo.inference import raw_scores
from mezoo.models import Model, Recognizer
from mezoo.plugin_objects import make
from mezoo.prediction import Found
from mezoo.predictor.ensemble import agreed, found, mean_curves
from mezoo.predictor.film import Rate, paced, watched
from mezoo.predictor.trained import Trained
from mezoo.records import Example, Expression, Features, Spot, Spotting, Video
from mezoo.store import FeatureStore, key_of, recipe_of
from mezoo.tasks import RecognitionTask, SpottingTask
from mezoo.weights import load_weights


class Asked:
    """A trained method with its features, ready to be asked on a device."""

    def __init__(self, trained: Trained, cache: Path, device: str) -> None:
        self.trained, self.device = trained, device
        self.model = trained.model
        next(self.models())  # weights that do not fit are refused before an hour of film is read
        block = trained.features
        self.extractor: FeatureExtractor = make(block)
        self.store = FeatureStore(cache)
        self.made = recipe_of(self.extractor, block.plugin.name, block.resolved())
        rates = trained.made["frames_per_second"], trained.made["rows_per_second"]
        self.rate = Rate(*map(float, rates))

    def features(self, video: Video, bars: Bars, title: str) -> Features:
        """Features of a video, from the store or made now with progress by frame. Raises DataError without a face."""
        if not self.store.listed(key_of(video, self.extractor, self.made)):
            seen, passes = watched(video, title, bars)
            try:
                self.store.ensure(seen, self.extractor, self.made)
            finally:
                passes.close()
        return self.store.get(video, self.extractor, self.made)

    def models(self) -> Iterator[tuple[str, Model]]:
        """Each member with its weights, one at a time, so that only one is in memory."""
        for name, path in self.trained.members.items():
            model: Model = make(self.model)
            if isinstance(model, Recognizer):
                model.classes = tuple(self.trained.made["classes"])
            yield name, load_weights(model, path).to(self.device)

    def spot(self, film: Video, bars: Bars) -> tuple[Features, dict[str, Spotting], list[str]]:
        """Features on the film's own frames, what each member spots, and notes."""
        pace = paced(film, self.rate)
        seen = self.features(pace.video, bars, self.extractor_title)
        example = Example(film.unlabelled(), pace.unpaced(seen, film))
        members: dict[str, Spotting] = {}
        with bars("asking the models", len(self.trained.members)) as bar:
            for name, model in self.models():
                windows = self._scores(model, [example])[film.key]
                members[name] = SpottingTask(("micro", "macro")).decode(model, windows, example)
                bar.advance(name)
        notes = [*([pace.note] if pace.note else []), *self.notes(seen)]
        return example.features, members, notes

    def recognise(
        self, spots: Sequence[tuple[Video, Found]], bars: Bars
    ) -> tuple[list[Mapping[str, float]], list[str]]:
        """Probability of every class for each interval of its film, the mean over the members, and notes."""
        classes = tuple(self.trained.made["classes"])
        examples = [self._clip(film, item, bars) for film, item in spots]
        total = np.zeros((len(examples), len(classes)))
        with bars("naming what was found", len(self.trained.members)) as bar:
            for name, model in self.models() if examples else ():
                scores = self._scores(model, examples)
                task = RecognitionTask(classes)
                total += [task.decode(model, scores[e.video.key], e) for e in examples]
                bar.advance(name)
        mean = total / max(1, len(self.trained.members))
        notes = [*dict.fromkeys(note for e in examples for note in self.notes(e.features))]
        return [dict(zip(classes, map(float, row), strict=True)) for row in mean], notes

    def notes(self, features: Features) -> list[str]:
        """What must be said of the landmarks that the features were made with."""
        source = _landmarks(features.facts)
        if not source.startswith("approximate"):
            return []
        name = self.trained.made["features"]["name"]
        what = f"{name} had approximate landmarks only, a mean face in a detector's box"
        return [f"{what}: install mezoo[faces] for exact ones"]

    @property
    def extractor_title(self) -> str:
        """What a bar says while features are made."""
        return f"features: {self.trained.made['features']['name']}"

    def _clip(self, film: Video, item: Found, bars: Bars) -> Example:
        spot = item.spot
        movement = Expression("", spot.kind, spot.onset, spot.offset, item.apex)
        clip = replace(cut(film, movement, self.trained.clips), code=f"{film.code}_{spot.kind}_{spot.onset}")
        return Example(clip, self.features(replace(clip, expressions=()), bars, f"clip at frame {spot.onset}"))

    def _scores(self, model: Model, examples: Sequence[Example]) -> dict[str, list[Any]]:
        try:
            return raw_scores(model, examples)
        except MezooError:
            raise
        except Exception as error:
            name, reason = examples[0].video.code, f"{type(error).__name__}: {error}"
            raise DataError(
                f"{self.trained.source} cannot be asked about {name}: {reason}",
                hint="are these features of the kind that it was trained on? see the notes of the run's report",
            ) from error


def answer(
    members: Mapping[str, Spotting], positions: NDArray[np.int64]
) -> tuple[list[Found], Mapping[Any, NDArray[np.float32]]]:
    """Intervals on which at least half of the members agree, with their apex, and the mean curves."""
    curves = mean_curves([*members.values()])
    spots = agreed([s.spots for s in members.values()])
    return [found(spot, votes, curves, positions) for spot, votes in spots], curves


def whole(film: Video, apex: int | None = None) -> Found:
    """A film that is itself one clip: from its first to its last frame, its apex in the middle unless given."""
    last = len(film.frames) - 1
    return Found(Spot(film.key, "micro", 0, last), last // 2 if apex is None else apex)


def _landmarks(facts: Mapping[str, Any]) -> str:
    """Where landmarks came from, wherever in nested facts it stands; "" where none were needed."""
    inner = [_landmarks(v) for v in facts.values() if isinstance(v, dict)]
    return next((text for text in [str(facts.get("landmarks", "")), *inner] if text), "")
