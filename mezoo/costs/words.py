"""The costs as rows: what, how much, and how that is known."""

import math
from datetime import datetime, timedelta

from mezoo.costs.counts import Counts, Spread
from mezoo.costs.features import FeatureCosts
from mezoo.costs.reckoning import Costs, Disk, Time
from mezoo.costs.trial import Stage, Trial
from mezoo.progress import duration

Row = list[str]


def rows(costs: Costs, now: datetime) -> list[Row]:
    """Every row of the screen."""
    return [
        *_data(costs.counts),
        *_features(costs.features),
        *(
            _model(costs.trial, costs.time.processes if costs.time else 1)
            if costs.trial
            else [["model", "unknown", costs.unknown]]
        ),
        *(_time(costs, costs.time, now) if costs.time and costs.trial else [["time", "unknown", costs.unknown]]),
        *_disk(costs.disk),
    ]


def _data(counts: Counts) -> list[Row]:
    classes = ", ".join(f"{n} {name}" for name, n in counts.classes.items())
    left = f", {counts.folds_done} of them done" if counts.folds_done else ""
    return [
        ["data", f"{counts.items} {counts.unit} of {counts.subjects} subjects, {counts.frames} frames", "counted"],
        ["", classes, ""],
        ["folds", f"{counts.folds}{left}", ""],
        ["", f"train {_spread(counts.train)} {counts.unit}, test {_spread(counts.test)}", "least, median, most"],
    ]


def _spread(spread: Spread) -> str:
    return f"{spread.least} / {spread.middle:g} / {spread.most}"


def _features(made: FeatureCosts) -> list[Row]:
    found = [["features", f"{made.stored} stored, {size(made.stored_bytes)}", "in the cache"]]
    if not made.missing:
        return found
    seconds, more = made.seconds, made.bytes
    if made.tried is None or seconds is None or more is None:
        return [*found, ["", f"{made.missing} to make ({made.missing_frames} frames)", f"time unknown: {made.why_not}"]]
    how = f"estimate from {made.tried.frames} frames of {made.tried.video}, for {made.processes} processes"
    about = f"about {duration(math.ceil(seconds))} and {size(more)}"
    return [*found, ["", f"{made.missing} to make ({made.missing_frames} frames): {about}", how]]


def _model(trial: Trial, processes: int) -> list[Row]:
    frozen = f", {trial.trainable:,} of them trained" if trial.trainable != trial.parameters else ""
    found = [["model", f"{trial.parameters:,} parameters{frozen}", f"built for fold {trial.fold}"]]
    found += [_flops(stage, len(trial.stages) > 1) for stage in trial.stages]
    states = f"weights {size(trial.weight_bytes)}, optimizer {size(trial.optimizer_bytes)}"
    found.append(["memory", f"{size(trial.peak_rss)} at most in main memory ({states})", "measured, features loaded"])
    if processes > 1:
        found.append(["", f"{size(trial.peak_rss * processes)} in {processes} processes", "estimate"])
    if trial.peak_device is not None:
        found.append(["", f"{size(trial.peak_device)} at most on the device", "measured"])
    free = "unknown" if trial.device_free is None else size(trial.device_free)
    return [*found, ["device", f"{trial.device}, {free} free", ""]]


def _flops(stage: Stage, named: bool) -> Row:
    name = f"{stage.name}: " if named else ""
    if not stage.flops:
        return ["", f"{name}no operations that can be counted", "products and convolutions are"]
    each = f"{operations(stage.flops / stage.batch)} a sample, {operations(stage.flops)} a step of {stage.batch}"
    return ["", f"{name}{each}", "forward and backward; products and convolutions"]


def _time(costs: Costs, time: Time, now: datetime) -> list[Row]:
    assert costs.trial is not None
    found: list[Row] = []
    for stage in costs.trial.stages:
        name = f"{stage.name}: " if len(costs.trial.stages) > 1 else ""
        steps = f"{stage.steps} step{'s' * (stage.steps != 1)} of {milliseconds(stage.step_s)}"
        end = f"{milliseconds(stage.end_s)} for held-out scores and checkpoint"
        found.append(["" if found else "epoch", f"{name}{steps}, {end}", f"measured on fold {costs.trial.fold}"])
    left = costs.counts.folds - costs.counts.folds_done
    shares = f"steps {_share(time.steps, time)}, samples {_share(time.draws, time)}, held-out scores "
    shares += f"{_share(time.held_out, time)}, checkpoints {_share(time.checkpoints, time)}"
    end = now + timedelta(seconds=time.until_end + (costs.features.seconds or 0))
    total = f"about {duration(time.until_end)} for {left} folds of {costs.epochs} epochs"
    if time.processes > 1:
        total += f", {time.processes} at a time"
    return [
        *found,
        ["time", total, f"estimate; {shares}"],
        ["end", f"{end:%a %d %b, %H:%M}", "begun now, without the report"],
    ]


def _share(part: float, time: Time) -> str:
    return f"{100 * part / max(time.total, 1e-9):.0f} %"


def _disk(disk: Disk) -> list[Row]:
    run = "unknown" if disk.run is None else f"about {size(disk.run)}"
    cache = "unknown" if disk.cache is None else f"about {size(disk.cache)}" if disk.cache else "nothing more"
    return [
        ["disk", f"run folder: {run}, {size(disk.run_free)} free", "estimate: weights, scores, one checkpoint"],
        ["", f"cache: {cache}, {size(disk.cache_free)} free", ""],
    ]


def size(number: float) -> str:
    """Bytes in words: '512 B', '3.4 MB'."""
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if number < 1000 or unit == "TB":
            return f"{number:.0f} {unit}" if unit == "B" or number >= 100 else f"{number:.1f} {unit}"
        number /= 1000
    raise AssertionError


def operations(number: float) -> str:
    """Floating point operations in words: '3.4 GFLOP'."""
    for unit in ("", "k", "M", "G", "T"):
        if number < 1000 or unit == "T":
            return f"{number:.3g} {unit}FLOP" if number < 1000 else f"{number:.0f} {unit}FLOP"
        number /= 1000
    raise AssertionError


def milliseconds(seconds: float) -> str:
    """'3.2 ms', '45 ms' or '1.3 s'."""
    if seconds >= 1:
        return f"{seconds:.1f} s"
    return f"{1000 * seconds:.1f} ms" if seconds < 0.01 else f"{1000 * seconds:.0f} ms"
