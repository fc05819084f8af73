"""Every reader of files that others wrote: good files for it, which of them are harmed how, and how it is asked."""

import contextlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from faults.arena import Case, command
from faults.mutate import book_bytes, csv_bytes, harms, npy, zip_members, zipped

Ask = Callable[[Path], Any]
DATASETS = [
    "casme",
    "casme2",
    "cas_me_sq",
    "cas_me_sq_clips",
    "cas_me_cubed",
    "samm",
    "samm_long",
    "smic",
    "smic_e",
    "megc2019",
    "mmew",
    "4dme",
]


@dataclass(frozen=True)
class Reader:
    """`files` gives the files of a folder that are harmed, each with its family; `ask` reads the folder."""

    name: str
    about: str
    files: Callable[[Path], list[tuple[Path, str]]]
    ask: Ask
    each: int = 12
    """Harms of each file in a short run."""
    good: str = ""
    """The folder of good files, in what `prepare` wrote."""


def cases_of(name: str, store: Path, times: int) -> Callable[[], Iterator[Case]]:
    """The faults of a reader, `times` as many as in a short run, on a copy of its good files."""
    reader = next(r for r in READERS if r.name == name)
    work = store / f"work-{name}-{os.getpid()}"
    shutil.copytree(store / reader.good, work, symlinks=True)
    reader.ask(work)  # what is not harmed is read

    files = [(path, family, path.read_bytes()) for path, family in reader.files(work)]

    def cases() -> Iterator[Case]:
        for path, _, raw in files:  # a child that died left its harm behind
            kept = path.with_name(f"{path.name}.kept")
            kept.unlink(missing_ok=True)
            path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink(missing_ok=True)
            path.write_bytes(raw)
        if name == "folders of frames":
            yield from _layouts(work, times)
        for path, family, raw in files:
            where = path.relative_to(work)
            for what, harmed in harms(raw, family, f"{name} {where}", reader.each * times):
                yield f"{where}: {what}", partial(_with, path, harmed, raw, partial(reader.ask, work))
        for path, _, _ in files[:2] if name != "AU cells" else ():
            for what, put in PLACES.items():
                yield f"{path.relative_to(work)}: {what}", partial(_put, path, put, partial(reader.ask, work))

    return cases


def _with(path: Path, harmed: bytes, raw: bytes, ask: Callable[[], Any]) -> Any:
    path.write_bytes(harmed)
    try:
        return ask()
    finally:
        path.write_bytes(raw)


def _put(path: Path, put: Callable[[Path], None], ask: Callable[[], Any]) -> Any:
    kept = path.with_name(f"{path.name}.kept")
    path.rename(kept)
    try:
        put(path)
        return ask()
    finally:
        if path.is_dir() and not path.is_symlink():
            path.rmdir()
        path.unlink(missing_ok=True)
        kept.rename(path)


PLACES: dict[str, Callable[[Path], None]] = {
    "gone": lambda path: None,
    "a folder": lambda path: path.mkdir(),
    "a link to nothing": lambda path: path.symlink_to("nowhere"),
    "a link to itself": lambda path: path.symlink_to(path.name),
    "a link without end": lambda path: path.symlink_to("/dev/zero"),
    "a pipe that nobody writes": lambda path: os.mkfifo(path),
}


def prepare(store: Path) -> None:
    """Write the good files of all readers below `store`."""
    from mezoo.cli import main

    os.environ["MEZOO_CACHE"] = str(store / "cache")
    for name in DATASETS:
        shape = ["--subjects", "2", "--frames", "empty"]
        _quietly(main, ["data", "synth", name, "--out", str(store / "data" / name), *shape])
    _quietly(
        main, ["data", "synth", "auwgcn_segments", "--out", str(store / "data/auwgcn_segments"), "--subjects", "2"]
    )
    for name in ("toy", "toy_sides"):
        few = ["--set", "trainer.max_epochs=2"]
        _quietly(main, ["fit", name, "--synthetic", "--runs", str(store / "runs"), *few])
        next((store / "runs").glob(f"{name}-*")).rename(store / "runs" / name)
        _quietly(main, ["submit", str(store / "runs" / name), "--out", str(store / "claims" / f"{name}.zip")])
        for bulk in (store / "runs" / name).glob("folds/*/scores/000[1-9].npz"):
            bulk.unlink()
    _quietly(main, ["export", str(store / "runs/toy"), "--out", str(store / "exported/toy")])
    sidecars = sorted((store / "cache/features").glob("*/*/*.json"))
    _write(store / "cache/keys.json", json.dumps([json.loads(p.read_text())["key"] for p in sidecars]))
    for name, data in zip_members((store / "claims/toy.zip").read_bytes()).items():
        _write(store / "forged/toy" / name, data)
    for part in (_tables, _landmarks, _films, _recipes, _scores, _arrays):
        part(store)


def _quietly(main: Callable[[list[str]], int], arguments: list[str]) -> None:
    import io

    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()) as err:
        code = main(arguments)
    assert code == 0, f"{arguments}: {err.getvalue()}"


def _write(path: Path, data: bytes | str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)


def _tables(store: Path) -> None:
    grid: list[list[Any]] = [["Subject", "Filename", "Onset", "Apex", "Offset", "AU"]]
    grid += [[f"{i:02d}", f"EP{i:02d}", 3 * i + 1, 3 * i + 2, 3 * i + 3, "R12+L14 or 7"] for i in range(6)]
    _write(store / "tables/table.xlsx", book_bytes({"Cover": [["free text"]], "Codes": grid}))
    _write(store / "tables/table.csv", csv_bytes(grid))
    head = ["subject", "clip", "field", "published", "corrected", "reason"]
    _write(store / "tables/errata.csv", csv_bytes([head, ["1", "EP01", "Onset", "4", "5", "a slip"]]))
    _write(store / "tables/units.txt", "R12+L14\n6+12,24\nAU4B or 7\n14，L24，\n?\n")


def _landmarks(store: Path) -> None:
    points = np.random.default_rng(0).uniform(10, 90, (9, 68, 2))
    names = ["frame", "face_id", "confidence", "success", *(f"{axis}_{k}" for axis in "xy" for k in range(68))]
    rows = [[i + 1, 0, 0.9, 1, *np.round(p.T.ravel(), 2)] for i, p in enumerate(points)]
    folder = store / "landmarks"
    _write(folder / "a.csv", csv_bytes([names, *rows]))
    _write(folder / "a.npy", npy(points))
    members = {"landmarks.npy": npy(points), "score.npy": npy(np.ones(9))}
    _write(folder / "a.npz", zipped(members))
    _write(folder / "b.npz", zipped({"values.npy": npy(points), "positions.npy": npy(np.arange(9))}))
    lines = "\n".join(f"{x:.2f} {y:.2f}" for x, y in points[0])
    _write(folder / "a.pts", f"version: 1\nn_points: 68\n{{\n{lines}\n}}\n")
    _write(folder / "a.txt", lines)


def _films(store: Path) -> None:
    import av
    import cv2

    images = np.random.default_rng(0).integers(0, 255, (3, 24, 32, 3), dtype=np.uint8)
    for name, codec in (("a.avi", "mjpeg"), ("a.mp4", "libx264"), ("a.mkv", "mpeg4"), ("b.avi", "rawvideo")):
        path = store / "films" / name
        path.parent.mkdir(exist_ok=True)
        with av.open(str(path), "w") as container:
            stream: Any = container.add_stream(codec, rate=25)
            stream.width, stream.height = 32, 24
            stream.pix_fmt = {"mjpeg": "yuvj420p", "rawvideo": "bgr24"}.get(codec, "yuv420p")
            for i in range(8):
                frame = av.VideoFrame.from_ndarray(np.roll(images[i % 3], i, axis=0), format="rgb24")
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    for ending in ("jpg", "png", "bmp"):
        _write(store / f"images/img1.{ending}", cv2.imencode(f".{ending}", images[0])[1].tobytes())


def _recipes(store: Path) -> None:
    from mezoo.recipe import locate

    for name in ("toy", "toy_sides"):
        _write(store / f"recipes/{name}.yaml", locate(name).read_bytes())
    _write(store / "recipes/joint.yaml", JOINT)


JOINT = """
task: spot_then_recognize
dataset: {use: toy, root: nowhere}
spotter:
  features: {use: toy_mean, step: 2}
  model: {use: toy_threshold}
  trainer: {max_epochs: 4}
recognizer:
  clips: {classes: native}
  features: {use: toy_sides}
  model: {use: toy_side}
  trainer: {max_epochs: 6}
synthetic:
  data: {subjects: 3}
  spotter: {trainer: {max_epochs: 3}}
"""


def _scores(store: Path) -> None:
    truth: list[list[Any]] = [["dataset", "subject", "video", "onset", "offset", "kind", "emotion"]]
    pred: list[list[Any]] = [["dataset", "subject", "video", "onset", "offset", "kind", "score", "emotion"]]
    for i in range(6):
        word = ("happiness", "disgust")[i % 2]
        truth.append(["a", f"s{i % 3}", f"v{i}", 10 * i, 10 * i + 9, "micro", word])
        pred.append(["a", f"s{i % 3}", f"v{i}", 10 * i + 1, 10 * i + 9, "micro", 0.5, word])
    _write(store / "scores/truth.csv", csv_bytes(truth))
    _write(store / "scores/pred.csv", csv_bytes(pred))
    _write(store / "scores/labels.csv", csv_bytes([["subject", "sample", "label"], ["1", "a", "x"], ["2", "b", "y"]]))
    _write(
        store / "scores/chances.csv",
        csv_bytes([["subject", "sample", "x", "y"], ["1", "a", 0.7, 0.3], ["2", "b", 0.4, 0.6]]),
    )


def _arrays(store: Path) -> None:
    import torch

    _write(store / "arrays/adjacency.npy", npy(np.full((12, 12), 1 / 12)))
    _write(store / "arrays/adjacency.txt", "\n".join(" ".join(["0.08"] * 12) for _ in range(12)))
    torch.save({"a": torch.zeros(3)}, store / "arrays/weights.pth")


def _all(folder: Path, families: dict[str, str], pattern: str = "**/*") -> list[tuple[Path, str]]:
    found = sorted(p for p in folder.glob(pattern) if p.is_file() and p.suffix in families)
    return [(p, families[p.suffix]) for p in found]


_KINDS = {".xlsx": "xlsx", ".xls": "bytes", ".csv": "csv", ".json": "json", ".npz": "npz", ".yaml": "yaml"}


def _dataset_files(name: str, folder: Path) -> list[tuple[Path, str]]:
    found = _all(folder, {**_KINDS, ".xlsx": "book", ".txt": "text"})
    return [*found[:3], *[f for f in found[3:] if f[1] == "json"]] if name == "auwgcn_segments" else found


def _ask_dataset(name: str, folder: Path) -> Any:
    from mezoo import datasets

    said = command("data", "verify", name, "--root", folder)
    for video in datasets.find(name)(folder).videos():
        for e in video.expressions:
            assert 0 <= e.onset <= e.offset < len(video.frames), "an expression lies outside of its video"
    return said


def _ask_tables(folder: Path) -> Any:
    from mezoo import tables

    columns = [tables.Column(n) for n in ("Subject", "Filename", "Onset", "Apex", "Offset")]
    for name in ("table.xlsx", "table.csv"):
        for row in tables.read_table(folder / name, columns).rows:
            for cell in row.cells.values():
                (tables.text(cell), tables.number(cell), tables.frame(cell), tables.code(cell, 3))
    tables.read_errata(folder / "errata.csv")


def _ask_units(folder: Path) -> Any:
    from mezoo.datasets import action_units

    for line in (folder / "units.txt").read_text(encoding="utf-8", errors="replace").split("\n"):
        for unit in action_units.parse(line):
            assert unit.number >= 0


def _ask_landmarks(folder: Path) -> Any:
    from mezoo_face import landmarks

    for path in sorted(p for p in folder.iterdir() if p.suffix != ".kept"):
        found = landmarks.read_scored(path, 12)
        assert found.points.shape == (12, 68, 2)
        assert found.score.shape == (12,)


def _ask_recipe(folder: Path) -> Any:
    from mezoo.joint_recipe import read_any

    for path in sorted(p for p in folder.iterdir() if p.suffix == ".yaml"):
        read_any(str(path), synthetic=True)


def _ask_scores(folder: Path) -> Any:
    said = []
    for task, truth, pred in (
        ("spotting", "truth.csv", "pred.csv"),
        ("strs", "truth.csv", "pred.csv"),
        ("recognition", "labels.csv", "chances.csv"),
    ):
        said.append(command("score", "--task", task, "--truth", folder / truth, "--pred", folder / pred))
    return next((s for s in said if s), None)


def _ask_claim(folder: Path) -> Any:
    both = sorted(folder.glob("*.zip"))
    said = [command("verify", path) for path in both]
    said.append(command("verify", "--json", folder / "toy.zip"))
    said.append(command("diff", folder / "toy.zip", folder / "toy.zip"))
    return next((s for s in said if s), None)


def _ask_forged(folder: Path) -> Any:
    """The members as files, packed again with a manifest that agrees with them: what a careful liar sends."""
    from mezoo.claims.archive import sha256

    members = {p.relative_to(folder / "toy").as_posix(): p for p in (folder / "toy").rglob("*") if p.is_file()}
    data = {n: p.read_bytes() for n, p in members.items() if p.suffix != ".kept"}
    with contextlib.suppress(ValueError, KeyError, AttributeError, TypeError, RecursionError):
        told = json.loads(data["claim.json"])
        told["members"] = {n: sha256(data[n]) for n in told["members"] if n in data}
        data["claim.json"] = json.dumps(told).encode()
    _write(folder / "forged.zip", zipped(data))
    said = [command("verify", folder / "forged.zip"), command("diff", folder / "forged.zip", folder / "forged.zip")]
    return said[0] or said[1]


def _ask_run(name: str, folder: Path) -> Any:
    """Every command that reads a finished run."""
    said = [command("report", folder / name), command("diff", folder / name, folder / name)]
    said.append(command("submit", folder / name, "--out", folder / "out.zip"))
    said.append(command("leaderboard", folder / name, "--html", folder / "board.html"))
    return next((s for s in said if s), None)


def _run_files(name: str, folder: Path) -> list[tuple[Path, str]]:
    names = [
        "result.json",
        "run.json",
        "recipe.yaml",
        "environment.json",
        "truth.csv",
        "videos.csv",
        "predictions.csv",
        "clips.csv",
    ]
    names += [f"folds/00/{n}" for n in ("fold.json", "predictions.csv", "curves.npz", "metrics.csv")]
    found = [folder / name / file for file in names]
    return [(p, _KINDS[p.suffix]) for p in found if p.is_file()]


def _ask_continued(folder: Path) -> Any:
    """The command of a run again: the plan reads its folder, and `fit` would go on from there."""
    from mezoo.fold_folder import FoldFolder
    from mezoo.run_folder import RunFolder
    from mezoo.tracking.epoch_csv import EpochCsv

    run = RunFolder(folder / "toy")
    fold = run.fold("00")
    run.check({"data": "", "counts": ""}) if not (run.path / "run.json").is_file() else run.told()
    assert isinstance(fold.status()["state"], str)
    fold.epochs_done()
    EpochCsv(fold.path / "metrics.csv").save()
    for epoch in FoldFolder(fold.path).epochs()[:1]:
        fold.load_scores(epoch)


def _ask_weights(folder: Path) -> Any:
    from mezoo.cli import main  # noqa: F401
    from mezoo.models import Model
    from mezoo.plugin_objects import make
    from mezoo.predictor.trained import find
    from mezoo.transfer import read_source
    from mezoo.weights import load_weights

    trained = find(folder / "toy")
    trained.method()
    model: Model = make(trained.model)
    trained.features  # noqa: B018
    for path in trained.members.values():
        read_source(path).trouble({("toy", "0")})
        load_weights(model, path)


def _ask_exported(folder: Path) -> Any:
    from mezoo.predictor.trained import find

    find(folder / "toy").method()


def _ask_store(folder: Path) -> Any:
    from mezoo.store import FeatureStore

    store = FeatureStore(folder)
    for key in json.loads((folder / "keys.json").read_text()):
        store.load(key)
        store.explain(key)
    os.environ["MEZOO_CACHE"] = str(folder)
    said = command("store", "list")
    for path in sorted(p for p in (folder / "features").glob("*/*/*.safetensors") if p.is_file()):
        from mezoo.tensor_file import read_mapped

        with contextlib.suppress(ValueError, OSError):
            values, positions = read_mapped(path)
            float(np.asarray(values, dtype=np.float64).sum() + positions.sum())
    return said


def _ask_film(folder: Path) -> Any:
    from mezoo.errors import MezooError
    from mezoo.films import VideoFile

    for path in sorted(p for p in folder.iterdir() if p.suffix != ".kept"):
        film = VideoFile(path)
        n = len(film)
        assert n < 100_000
        for index in {0, n // 2, n - 1}:
            with contextlib.suppress(MezooError):  # a lost frame inside has its own message
                film.read(index)
        with contextlib.suppress(MezooError):
            film.check()
        assert film.fps > 0
        assert np.all(np.diff(film.times()) > 0)


def _ask_images(folder: Path) -> Any:
    from mezoo.frames import read_image

    for path in sorted(p for p in folder.iterdir() if p.suffix != ".kept"):
        read_image(path)
        read_image(path, grey=True)


def _ask_arrays(folder: Path) -> Any:
    from mezoo_auwgcn import au_graph
    from mezoo_mergcn import trunks
    from mezoo_resnet_lstm import pretrained

    au_graph.given(folder / "adjacency.npy")
    au_graph.given(folder / "adjacency.txt")
    trunks._read(folder / "weights.pth")
    pretrained._read(folder / "weights.pth")


def _layouts(work: Path, times: int) -> Iterator[Case]:
    """Folders and file names that no release has."""
    for name in [*DATASETS, "auwgcn_segments"]:
        root = work / name
        folders = sorted({p.parent for p in root.rglob("*") if p.suffix in {".jpg", ".bmp", ".png", ".avi", ".npz"}})
        rng = Random(name)
        for what in rng.sample([*LAYOUTS], min(len(LAYOUTS), 4 * times)):
            folder = rng.choice(folders)
            yield f"{name}: {what}", partial(_in_copy, root, LAYOUTS[what], folder, partial(_ask_dataset, name))


def _in_copy(root: Path, change: Callable[[Path], None], folder: Path, ask: Ask) -> Any:
    copy = root.with_name("copy")
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(root, copy, symlinks=True, copy_function=os.link)
    try:
        change(copy / folder.relative_to(root))
        return ask(copy)
    finally:
        shutil.rmtree(copy)


def _first(folder: Path) -> Path:
    return min(p for p in folder.iterdir() if p.is_file())


LAYOUTS: dict[str, Callable[[Path], Any]] = {
    "a folder named as a script": lambda f: f.rename(f.with_name("<script>alert(1)<")),
    "a folder that is no UTF-8": lambda f: f.rename(os.fsdecode(os.fsencode(f.parent) + b"/s\xff\xfe1")),
    "a folder with a line break": lambda f: f.rename(f.with_name("s1\n\x1b[31m")),
    "a link that leads up": lambda f: (f / "up").symlink_to(".."),
    "a link to itself": lambda f: (f / "img000.jpg").symlink_to("img000.jpg"),
    "a folder named as a frame": lambda f: (f / "img9999.jpg").mkdir(),
    "a frame number of 200 digits": lambda f: (f / f"img{'9' * 200}.jpg").touch(),
    "frame numbers in other digits": lambda f: (f / "img٣٤.jpg").touch(),
    "frame number minus one": lambda f: (f / "img-1.jpg").touch(),
    "a file where a folder was": lambda f: (shutil.rmtree(f), f.touch()),
    "only one frame": lambda f: [p.unlink() for p in sorted(f.iterdir())[1:] if p.is_file()],
    "a frame that is a pipe": lambda f: os.mkfifo(f / "img5555.jpg"),
    "names that are no UTF-8": lambda f: _first(f).rename(os.fsdecode(os.fsencode(f) + b"/img\xff1.jpg")),
    "two names for a number": lambda f: shutil.copy(_first(f), f / f"x{_first(f).name}"),
}

READERS = (
    *(
        Reader(
            f"dataset {n}",
            "its tables and marks",
            partial(_dataset_files, n),
            partial(_ask_dataset, n),
            5,
            f"data/{n}",
        )
        for n in [*DATASETS, "auwgcn_segments"]
    ),
    Reader("folders of frames", "names, links and numbers in every dataset", lambda f: [], lambda f: None, 1, "data"),
    Reader("tables", "xlsx, csv, errata", lambda f: _all(f, _KINDS), _ask_tables, 20, "tables"),
    Reader(
        "AU cells", "action units as owners write them", lambda f: [(f / "units.txt", "csv")], _ask_units, 40, "tables"
    ),
    Reader(
        "landmarks",
        "csv, npy, npz, pts, txt",
        lambda f: _all(f, {".csv": "csv", ".npy": "npy", ".npz": "npz", ".pts": "text", ".txt": "text"}),
        _ask_landmarks,
        16,
        "landmarks",
    ),
    Reader(
        "images",
        "jpg, png, bmp",
        lambda f: _all(f, dict.fromkeys((".jpg", ".png", ".bmp"), "image")),
        _ask_images,
        8,
        "images",
    ),
    Reader(
        "films",
        "avi, mp4, mkv",
        lambda f: _all(f, dict.fromkeys((".avi", ".mp4", ".mkv"), "film")),
        _ask_film,
        10,
        "films",
    ),
    Reader("recipes", "one method, and spot-then-recognise", lambda f: _all(f, _KINDS), _ask_recipe, 24, "recipes"),
    Reader(
        "stored features",
        "safetensors and their sidecars",
        lambda f: _all(f, {".safetensors": "tensors", ".json": "json"}, "features/*/*/*")[:4],
        _ask_store,
        14,
        "cache",
    ),
    Reader(
        "scored tables", "truth and predictions of `mezoo score`", lambda f: _all(f, _KINDS), _ask_scores, 10, "scores"
    ),
    Reader("claims", "the zip", lambda f: [(p, "zip") for p in sorted(f.glob("toy*.zip"))], _ask_claim, 26, "claims"),
    Reader(
        "forged claims",
        "members under a manifest that agrees with them",
        lambda f: _all(f, _KINDS, "toy/**/*"),
        _ask_forged,
        3,
        "forged",
    ),
    *(
        Reader(
            f"run folders, {task}",
            "report, diff, submit, leaderboard",
            partial(_run_files, n),
            partial(_ask_run, n),
            3,
            "runs",
        )
        for n, task in (("toy", "spotting"), ("toy_sides", "recognition"))
    ),
    Reader(
        "runs continued",
        "state, scores, curves of a fold",
        lambda f: [
            (f / "toy/folds/00/fold.json", "json"),
            (f / "toy/folds/00/scores/0000.npz", "npz"),
            (f / "toy/folds/00/metrics.csv", "csv"),
            (f / "toy/run.json", "json"),
        ],
        _ask_continued,
        12,
        "runs",
    ),
    Reader(
        "weights",
        "safetensors of a fold",
        lambda f: [(f / "toy/folds/00/weights.safetensors", "tensors"), (f / "toy/result.json", "json")],
        _ask_weights,
        26,
        "runs",
    ),
    Reader(
        "exported folders",
        "model.json and weights",
        lambda f: _all(f, {".json": "json", ".safetensors": "tensors"}),
        _ask_exported,
        6,
        "exported",
    ),
    Reader(
        "arrays and trunks of plugins",
        "adjacency, pretrained weights",
        lambda f: _all(f, {".npy": "npy", ".txt": "text", ".pth": "zip"}),
        _ask_arrays,
        12,
        "arrays",
    ),
)
