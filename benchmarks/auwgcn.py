"""AUW-GCN, folds trained and evaluated: mezoo's way beside the official code's way, in turn, on the same windows.

    python benchmarks/auwgcn.py --folds 2 --epochs 10 --rounds 3 --json benchmarks/auwgcn.json

Windows are those of the full stand-in of stored features: 30 subjects, 300 windows, as many as of SAMM Long Videos.
Official (`auwgcn_official.py`): one process with PyTorch's own number of threads and two loader processes, a checkpoint
file an epoch, and the checkpoints from a tenth of the epochs on evaluated afterwards. mezoo: `run_fold` as `mezoo fit`
calls it, each fold in one of two processes of one thread. Not timed: starting Python, imports, indexing the data.
"""

import argparse
import json
import multiprocessing
import os
import platform
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import auwgcn_official as official
import lightning as L
import numpy as np
import pandas as pd
import torch
from mezoo_auwgcn.losses import losses
from mezoo_auwgcn.model import AUWGCN
from mezoo_auwgcn.network import from_official
from mezoo_auwgcn.segments import AuwGcnSegments
from mezoo_auwgcn.segments_feature import SegmentFeature

from mezoo.contracts import StandIn
from mezoo.data import Loaders
from mezoo.fold import FoldJob, quiet_libraries, run_fold
from mezoo.fold_folder import FoldFolder
from mezoo.records import Example
from mezoo.tasks import SpottingTask
from mezoo.tracking import EpochCsv

PROCESSES = 2


class Silent:
    """A bar that shows nothing."""

    def advance(self, text: str = "") -> None:
        """Nothing."""


class Data:
    """The stand-in: features in memory for mezoo, paths of windows for the official way."""

    def __init__(self, root: Path) -> None:
        extract = SegmentFeature()
        self.examples = [Example(video, extract(video)) for video in AuwGcnSegments(root).videos()]
        self.subjects = sorted({e.video.subject for e in self.examples})
        self.paths = {s: sorted((root / s / "test").glob("*.npz")) for s in self.subjects}
        self.moving = {path for paths in self.paths.values() for path in paths if _moves(path)}

    def split(self, subject: str) -> tuple[list[Example], list[Example]]:
        """Training and left-out examples."""
        train = [e for e in self.examples if e.video.subject != subject]
        return train, [e for e in self.examples if e.video.subject == subject]

    def training_paths(self, subject: str) -> list[Path]:
        """Windows with an expression of all but one subject."""
        return [p for s in self.subjects if s != subject for p in self.paths[s] if p in self.moving]

    def truth(self, subject: str) -> pd.DataFrame:
        """Expressions of one subject as the official annotation has them."""
        rows = [
            (e.video.code, 2 if x.kind == "micro" else 1, x.onset, x.offset)
            for e in self.split(subject)[1]
            for x in e.video.expressions
        ]
        return pd.DataFrame(rows, columns=["video", "type", "start", "end"])


def _moves(path: Path) -> bool:
    with np.load(path) as file:
        return bool(file["label"][:, [3, 7]].any())


def model_of() -> AUWGCN:
    """Official settings, SAMM's."""
    return AUWGCN("samm_long", official=True)


def official_way(data: Data, subjects: list[str], epochs: int, folder: Path) -> dict[str, Any]:
    """Train and evaluate folds one after the other."""
    spent = {"train_s": 0.0, "evaluate_s": 0.0}
    for subject in subjects:
        place = folder / subject
        place.mkdir(parents=True)
        torch.manual_seed(1)
        net = official.Net(torch.tensor(model_of().prepare(data.split(subject)[0])["adjacency"]))
        begin = time.perf_counter()
        official.train(net, data.training_paths(subject), epochs, place)
        trained = time.perf_counter()
        official.evaluate(net, data.paths[subject], data.truth(subject), place, epochs // 10)
        spent["train_s"] += trained - begin
        spent["evaluate_s"] += time.perf_counter() - trained
    return spent


def mezoo_way(data: Data, subjects: list[str], epochs: int, folder: Path) -> dict[str, Any]:
    """Train and predict folds one after the other, as a run does."""
    torch.set_num_threads(1)
    for subject in subjects:
        train, test = data.split(subject)
        place = FoldFolder(folder / subject)
        job = FoldJob(
            subject, place, model_of, train, test, (), {"max_epochs": epochs, "accelerator": "cpu"},
            (EpochCsv(place.path / "metrics.csv"),), 1,
        )  # fmt: skip
        done = run_fold(job, SpottingTask(("micro", "macro")), Silent())
        assert done["state"] == "done", done
    return {}


WAYS: dict[str, Callable[..., dict[str, Any]]] = {"official": official_way, "mezoo": mezoo_way}


def child(way: str, root: Path, subjects: list[str], epochs: int, gate: Any, answers: Any) -> None:
    """Be ready, wait for the others, work, say what it took."""
    quiet_libraries()
    data = Data(root)
    with tempfile.TemporaryDirectory() as folder:
        before = cpu_seconds()
        gate.wait(300)
        facts = WAYS[way](data, subjects, epochs, Path(folder))
        answers.put({"cpu_s": cpu_seconds() - before, **facts})


def cpu_seconds() -> float:
    """Of this process and the children that it has seen end."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def timed(way: str, root: Path, subjects: list[str], epochs: int) -> dict[str, float]:
    """Wall and processor seconds of some folds, shared out over the processes that the way has."""
    context = multiprocessing.get_context("fork")  # torch has not computed anything yet
    shares = [subjects] if way == "official" else [subjects[i::PROCESSES] for i in range(PROCESSES)]
    gate, answers = context.Barrier(len(shares) + 1), context.Queue()
    children = [context.Process(target=child, args=(way, root, s, epochs, gate, answers)) for s in shares]
    for each in children:
        each.start()
    gate.wait(300)
    begin = time.perf_counter()
    found = [answers.get(timeout=3600) for _ in children]
    wall = time.perf_counter() - begin
    for each in children:
        each.join()
    return {"wall_s": wall, **{key: sum(f[key] for f in found) for key in found[0]}}


def agreement(data: Data) -> list[dict[str, float]]:
    """Losses of the first epoch of a fold, step by step, from the same state and the same windows."""
    subject = data.subjects[0]
    train, _ = data.split(subject)
    by_name = {path.stem: path for paths in data.paths.values() for path in paths}
    L.seed_everything(1, verbose=False)
    model, loaders, net, (optimizer, theirs) = both(train)
    found: list[dict[str, float]] = []
    for batch in loaders.train_dataloader():
        names = [f"{v.rsplit('/', 1)[1]}_{s:04d}" for v, s in zip(batch.videos, batch.starts.tolist(), strict=True)]
        items = official.Windows([by_name[name] for name in names])
        same = torch.utils.data.default_collate([items[i] for i in range(len(items))])
        a, b = official.step(net, theirs, same), mezoo_step(model, optimizer, batch)
        found.append({"windows": len(names), "official": a, "mezoo": b, "relative": abs(a - b) / a})
    return found


def both(train: list[Example]) -> tuple[AUWGCN, Loaders, official.Net, tuple[Any, Any]]:
    """mezoo's model and the official one in the same state, with their optimisers."""
    model = model_of()
    model.build(model.prepare(train))
    net = official.Net(model.network.adjacency.clone())
    net.load_state_dict(renamed(model, net))
    (optimizer,), _ = model.configure_optimizers()
    return model.train(), Loaders(model, train, 1), net.train(), (optimizer, official.optimizer_of(net)[0])


def renamed(model: AUWGCN, net: official.Net) -> dict[str, torch.Tensor]:
    """The model's state under the official names."""
    ours = model.network.state_dict()
    names = {name: next(iter(from_official({name: np.zeros((2, 16))}))) for name in net.state_dict()}
    turned = "graph_embedding.0.gc1.weight"
    return {name: (ours[n].T if name == turned else ours[n]).clone() for name, n in names.items()}


def mezoo_step(model: AUWGCN, optimizer: torch.optim.Optimizer, batch: Any) -> float:
    """One step as Lightning takes it, without its curves."""
    t = batch.targets
    loss = losses(model(batch.inputs["motion"]), t["phase"], t["apex"], t["action"]).total(model.preset.macro_weight)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def steps(data: Data, rounds: int) -> dict[str, dict[str, float]]:
    """Milliseconds of processor time of a step of 128 windows, one thread, in turn."""
    torch.set_num_threads(1)
    train, _ = data.split(data.subjects[0])
    model, loaders, net, (optimizer, theirs) = both(train)
    batch = next(iter(loaders.train_dataloader()))
    items = official.Windows(data.training_paths(data.subjects[0])[: official.BATCH])
    same = torch.utils.data.default_collate([items[i] for i in range(len(items))])
    jobs = {
        "official": lambda: official.step(net, theirs, same),
        "mezoo": lambda: mezoo_step(model, optimizer, batch),
    }
    times: dict[str, list[float]] = {name: [] for name in jobs}
    for turn in range(rounds + 1):
        for name, job in jobs.items():
            begin = time.process_time()
            job()
            if turn:
                times[name].append(1e3 * (time.process_time() - begin))
    return {name: spread(found) for name, found in {**times, "ratio": ratios(times)}.items()}


def ratios(times: dict[str, list[float]]) -> list[float]:
    """Official over mezoo, round by round."""
    return [a / b for a, b in zip(times["official"], times["mezoo"], strict=True)]


def spread(values: list[float]) -> dict[str, float]:
    """Median, least and most."""
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def folds(root: Path, subjects: list[str], epochs: int, rounds: int) -> dict[str, Any]:
    """Both ways in turn; seconds a fold and epoch."""
    count = len(subjects) * epochs
    found: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    for turn in range(rounds):
        for way in WAYS:
            found[way].append(timed(way, root, subjects, epochs))
            row = ", ".join(f"{key} {value / count:.3f}" for key, value in found[way][-1].items())
            print(f"round {turn + 1} {way:<9} a fold and epoch: {row}", flush=True)
    table = {way: {key: spread([row[key] / count for row in rows]) for key in rows[0]} for way, rows in found.items()}
    for key in ("wall_s", "cpu_s"):
        table[f"ratio_{key}"] = spread(ratios({way: [row[key] for row in rows] for way, rows in found.items()}))
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folds", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--data", type=Path, help="what `mezoo data synth auwgcn_segments --preset full --seed 1` wrote"
    )
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    quiet_libraries()
    os.environ.pop("OMP_NUM_THREADS", None)  # the official way takes what PyTorch takes
    with tempfile.TemporaryDirectory() as folder:
        root = arguments.data or Path(folder)
        if arguments.data is None:
            AuwGcnSegments.write_synthetic(root, StandIn("full", seed=1))
        data = Data(root)
        whole = folds(root, data.subjects[: arguments.folds], arguments.epochs, arguments.rounds)
        for name, row in whole.items():
            print(name, json.dumps(row))
        same, alone = agreement(data), steps(data, 10)
        for i, row in enumerate(same):
            print(f"first epoch, step {i + 1}: official {row['official']:.6f}, mezoo {row['mezoo']:.6f}", end="")
            print(f", relative difference {row['relative']:.1e}")
        print(f"step of {official.BATCH}, one thread, CPU ms: {json.dumps(alone)}", flush=True)
    if arguments.json:
        about = {
            "machine": platform.platform(), "cores": os.cpu_count(), "python": platform.python_version(),
            "torch": torch.__version__, "load": os.getloadavg(), "folds": arguments.folds,
            "epochs": arguments.epochs, "rounds": arguments.rounds,
        }  # fmt: skip
        report = {**about, "first_epoch": same, "step_cpu_ms": alone, "per_fold_and_epoch": whole}
        arguments.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
