"""What every model promises, checked by short trainings on examples of three subjects or more."""

import inspect
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from mezoo.records import Example, Sample
from mezoo.testing.cases import ModelCase
from mezoo.testing.no_network import offline
from mezoo.testing.outcome import NotMade, hold
from mezoo.testing.planted import planted

if TYPE_CHECKING:
    from mezoo.models import Model

_ALONE = 1e-4
"""Raw scores may differ by so much between a sample alone and in a batch, which libraries add up in another order."""
_DEVICES = 1e-3
_BY_CHANCE = 0.01


def names_its_sources(case: ModelCase) -> str:
    """`sources` says of every constructor argument where its default comes from."""
    kind = type(case.make())
    known = [name for name in inspect.signature(kind).parameters if name not in {"args", "kwargs"}]
    missing = [name for name in known if name not in kind.sources]
    hold(not missing, f"sources says nothing of {', '.join(missing)}: write [paper], [code] or [inferred] and why")
    extra = [name for name in kind.sources if name not in known]
    hold(not extra, f"sources names {', '.join(extra)}, which the constructor does not take")
    return f"{len(known)} arguments"


def prepares_plain_data(case: ModelCase) -> str:
    """`prepare` returns JSON, the same when asked again, and changes no example."""
    learned = _learned(case)
    before = [e.features.values.copy() for e in learned[:4]]
    one, two = (case.make().prepare(learned) for _ in range(2))
    hold(json.loads(json.dumps(one)) == _plain(one), f"prepare gave {sorted(one)}: only numbers, text, lists, mappings")
    hold(json.dumps(one) == json.dumps(two), "prepare differs when asked again: fix its seed")
    same = all(np.array_equal(a, e.features.values) for a, e in zip(before, learned[:4], strict=False))
    hold(same, "prepare changed the features that it was given")
    return f"{', '.join(one) or 'nothing'} from {len(learned)} examples"


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(value))


def builds_layers_from_it(case: ModelCase) -> str:
    """`build` creates the layers from what `prepare` returned, also when that was written to a file and read again."""
    model = case.make()
    hold(not [*model.parameters()], "the constructor creates layers: that is for build, which knows the shapes")
    model.build(_plain(model.prepare(_learned(case))))
    count = sum(p.numel() for p in model.parameters())
    hold(count, "there is no parameter to learn after build")
    return f"{count:,} parameters"


def cuts_samples_alike(case: ModelCase) -> str:
    """Training samples share names, shapes and dtypes, no float64, and have targets; the same rng gives the same."""
    model, learned = _built(case), _learned(case)
    one, two = (list(model.samples(learned, np.random.default_rng(3), 0)) for _ in range(2))
    hold(one, "samples(examples, rng, epoch=0) is empty")
    forms = Counter(_form(s) for s in one)
    hold(len(forms) == 1, f"samples differ in form: {' | '.join(str(f) for f in list(forms)[:2])}")
    hold(one[0].targets, "training samples have no targets")
    arrays = {**one[0].inputs, **one[0].targets}
    doubles = [name for name, a in arrays.items() if np.asarray(a).dtype == np.float64]
    hold(not doubles, f"{', '.join(doubles)} is float64: models learn in float32")
    hold(_equal(one, two), "the same generator gave other samples: draw from rng alone")
    return ", ".join(f"{name} {np.asarray(a).dtype} {np.asarray(a).shape}" for name, a in arrays.items())


def is_asked_without_targets(case: ModelCase) -> str:
    """Without an epoch, `samples` covers every example and carries no target; labels are not even looked at."""
    model, (_, asked) = _built(case), _parts(case)
    blind = _blind(case, asked)
    found = list(model.samples(blind, np.random.default_rng(0), None))
    hold(not any(s.targets for s in found), "samples of epoch None carry targets")
    lost = {e.video.key for e in asked} - {s.video for s in found}
    hold(not lost, f"no sample covers {sorted(lost)[:1]}")
    return f"{len(found)} samples of {len(asked)} examples"


def trains_and_answers(case: ModelCase) -> str:
    """Training runs, and raw scores are small finite arrays, at least one window for each example."""
    from mezoo.testing.trial import short

    trial = short(case, "once")
    windows = [w for some in trial.scores.values() for w in some]
    hold(all(trial.scores.values()), "an example has no window: predict_step gives one for each sample")
    for window in windows:
        for name, scores in window.scores.items():
            hold(np.isfinite(scores).all(), f"raw scores {name!r} are not all finite")
    size = sum(np.asarray(a).nbytes for w in windows for a in w.scores.values())
    names = sorted({name for w in windows for name in w.scores})
    return f"{len(windows)} windows of {', '.join(names)}, {size / max(1, len(windows)):.0f} bytes each"


def decodes_within_bounds(case: ModelCase) -> str:
    """`decode` gives probabilities of the classes, or spots inside the video and curves in [0, 1]; twice the same."""
    from mezoo.testing.trial import short, task_of

    trial, (_, asked) = short(case, "once"), _parts(case)
    task = task_of(trial.model)
    said: list[str] = []
    for example in asked:
        windows, seen = trial.scores[example.video.key], task.blind(example)
        one, two = (task.decode(trial.model, windows, seen) for _ in range(2))
        if trial.model.task == "recognition":
            hold(np.array_equal(one, two), "decode differs when asked again")
            hold(one.min() >= 0 and abs(one.sum() - 1) < 1e-3, f"{one.tolist()} are no probabilities")
            said.append(f"{one.size} probabilities")
        else:
            hold(one.spots == two.spots, "decode differs when asked again")
            said.append(_spotted(one, example))
    return max(said)


def _spotted(found: Any, example: Example) -> str:
    last, rows = len(example.video.frames) - 1, len(example.features)
    for spot in found.spots:
        told = f"spot {spot.onset}..{spot.offset} ({spot.score:g})"
        hold(0 <= spot.onset <= spot.offset <= last, f"{told}: frames count from 0 to {last}, both ends included")
        hold(0 <= spot.score <= 1, f"{told}: a score is in [0, 1]")
        hold(spot.video == example.video.key, f"{told} is of {spot.video}, not of {example.video.key}")
    for name, curve in found.curves.items():
        hold(curve.shape == (rows,), f"curve {name!r} is {curve.shape} for {rows} rows")
        hold(curve.min() >= 0 and curve.max() <= 1, f"curve {name!r} leaves [0, 1]")
    return f"{len(found.spots)} spots, {len(found.curves)} curves"


def is_the_same_again(case: ModelCase) -> str:
    """A second training with the same seed ends in the same raw scores, to the bit."""
    from mezoo.testing.trial import short

    one, two = short(case, "once").scores, short(case, "again").scores
    differ = [key for key in one if not _same(one[key], two[key])]
    hold(not differ, f"the same seed gave other scores for {len(differ)} of {len(one)} examples")
    return f"{len(one)} examples equal to the bit"


def does_not_see_labels(case: ModelCase) -> str:
    """Raw scores of held-out examples do not change with their labels."""
    from mezoo.audit.blind import same_scores
    from mezoo.testing.trial import short

    finding = same_scores(short(case, "once").scores, short(case, "relabelled", relabel=True).scores)
    hold(finding.passed, f"{finding.found} with the annotation {finding.detail}")
    return finding.found


def saves_and_loads(case: ModelCase) -> str:
    """Weights written and read again give the same raw scores: nothing that was learnt lives outside them."""
    from mezoo.inference import raw_scores
    from mezoo.testing.trial import short
    from mezoo.weights import Card, load_weights, save_weights

    model, (learned, asked) = short(case, "once").model.cpu(), _parts(case)
    blind = _blind(case, asked)
    with TemporaryDirectory() as place:
        path = Path(place) / "weights.safetensors"
        save_weights(model, path, Card(_plain(case.make().prepare(learned)), {}, {"made": "by a check"}))
        again = load_weights(case.make(), path)
    one, two = raw_scores(model, blind), raw_scores(again, blind)
    differ = [key for key in one if not _same(one[key], two[key])]
    hold(not differ, f"{len(differ)} of {len(one)} examples get other scores from the loaded weights")
    return f"{len(model.state_dict())} tensors"


def copes_with_one_sample(case: ModelCase) -> str:
    """It trains on batches of one sample, as the last of an epoch may be, and answers one example as it does many."""
    from mezoo.inference import raw_scores
    from mezoo.testing.trial import short

    short(case, "one by one", batch_size=1)
    model, (_, asked) = short(case, "once").model.cpu(), _parts(case)
    blind = _blind(case, asked)
    together, alone = raw_scores(model, blind), raw_scores(model, blind[:1])
    apart = _apart(alone, {key: together[key] for key in alone})
    hold(apart <= _ALONE, f"asked alone, raw scores differ by {apart:.1e} from those in a batch (more than {_ALONE:g})")
    return f"{apart:.1e} apart from a batch"


def needs_no_network(case: ModelCase) -> str:
    """`prepare` and `build` with the recipe's settings fetch nothing."""
    with offline() as tried:
        _built(case)
    hold(not tried, f"it tried to reach {', '.join(tried[:2])}: fetch weights only where the user asks for them")
    return "works offline"


def agrees_on_cpu_and_gpu(case: ModelCase) -> str:
    """The trained model gives the same raw scores on a GPU, to 1e-3."""
    import torch

    from mezoo.inference import raw_scores
    from mezoo.testing.trial import short

    if not torch.cuda.is_available():
        raise NotMade("there is no GPU here")
    model, (_, asked) = short(case, "once").model, _parts(case)
    blind = _blind(case, asked)
    exact = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    try:
        apart = _apart(raw_scores(model.cuda(), blind), raw_scores(model.cpu(), blind))
    finally:
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = exact
        model.cpu()
    hold(apart <= _DEVICES, f"CPU and GPU differ by {apart:.1e}, more than {_DEVICES:g}")
    return f"{apart:.1e} apart"


def learns_a_planted_signal(case: ModelCase) -> str:
    """Trained as the recipe says, it finds on other people what was planted, as chance would one time in 100."""
    from mezoo.fold import decode
    from mezoo.testing.trial import parts, task_of, trained

    learned, asked = parts(case)
    recognises = case.make().task == "recognition"
    if recognises and case.planted:
        both = planted([*learned, *asked], len(_classes(case)))
        learned, asked = both[: len(learned)], both[len(learned) :]
    trial = trained(case, learned, asked, {})
    task = task_of(trial.model)
    decoded = decode(task, trial.model, trial.scores, asked)
    return _named(decoded) if recognises else _found(task, decoded)


def _named(decoded: Sequence[tuple[Example, Any]]) -> str:
    from scipy.stats import binom

    right = sum(int(p.argmax()) == e.label for e, p in decoded)
    usual = max(Counter(e.label for e, _ in decoded).values()) / len(decoded)
    lucky = float(binom.sf(right - 1, len(decoded), min(usual, 0.999)))
    told = f"{right} of {len(decoded)} clips right, where the commonest class has {usual:.0%}"
    hold(lucky < _BY_CHANCE, f"{told}: chance does as well {lucky:.0%} of the time")
    return told


def _found(task: Any, decoded: Any) -> str:
    from mezoo.audit.control import shuffled

    finding = shuffled(task, decoded)
    told = f"{finding.found} on the stand-in's expressions, {finding.expected}"
    hold(finding.passed is False, f"{told}: it finds no more than spots moved round would")
    return told


def _classes(case: ModelCase) -> tuple[str, ...]:
    classes: tuple[str, ...] = getattr(case.make(), "classes", ())
    hold(classes, "the case's model has no classes: set `model.classes` in `make`")
    return classes


def _parts(case: ModelCase) -> tuple[list[Example], list[Example]]:
    from mezoo.testing.trial import small_parts

    return small_parts(case)


def _learned(case: ModelCase) -> list[Example]:
    return _parts(case)[0]


def _blind(case: ModelCase, examples: Sequence[Example]) -> list[Example]:
    from mezoo.testing.trial import blind

    return blind(case, examples)


def _built(case: ModelCase) -> "Model":
    import torch

    torch.manual_seed(0)
    model = case.make()
    model.build(_plain(model.prepare(_learned(case))))
    return model


def _form(sample: Sample) -> tuple[tuple[str, str, tuple[int, ...]], ...]:
    arrays = {**sample.inputs, **sample.targets}
    return tuple((name, str(np.asarray(a).dtype), np.asarray(a).shape) for name, a in sorted(arrays.items()))


def _equal(one: Sequence[Sample], two: Sequence[Sample]) -> bool:
    def flat(sample: Sample) -> list[bytes]:
        return [np.asarray(a).tobytes() for part in (sample.inputs, sample.targets) for _, a in sorted(part.items())]

    return len(one) == len(two) and all(flat(a) == flat(b) for a, b in zip(one, two, strict=True))


def _same(one: Any, two: Any) -> bool:
    return _apart({"": one}, {"": two}) == 0 and len(one) == len(two)


def _apart(one: Any, two: Any) -> float:
    """The largest difference of raw scores, window by window; infinite where their shapes differ."""
    most = 0.0
    for key, windows in one.items():
        for a, b in zip(windows, two[key], strict=False):
            for name, values in a.scores.items():
                x, y = np.asarray(values, dtype=np.float64), np.asarray(b.scores[name], dtype=np.float64)
                if x.shape != y.shape:
                    return float("inf")
                most = max(most, float(np.abs(x - y).max(initial=0)))
    return most


QUICK_MODEL_CHECKS = (
    names_its_sources,
    prepares_plain_data,
    builds_layers_from_it,
    cuts_samples_alike,
    is_asked_without_targets,
    trains_and_answers,
    decodes_within_bounds,
    is_the_same_again,
    does_not_see_labels,
    saves_and_loads,
    copes_with_one_sample,
    needs_no_network,
    agrees_on_cpu_and_gpu,
)
MODEL_CHECKS = (*QUICK_MODEL_CHECKS, learns_a_planted_signal)
