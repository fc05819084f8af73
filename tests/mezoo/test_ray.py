"""Folds and videos on a Ray cluster of two nodes on this machine, one of which is killed; and one writer a fold."""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from threading import Thread

import pytest

from mezoo import DataError, cluster
from mezoo.cluster import Errand, spread
from mezoo.errors import RunError
from mezoo.executors import sole_writer as writers
from mezoo.fold_folder import FoldFolder

# Read when Ray is loaded: nothing leaves this machine, nothing listens to others.
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
GUEST = Path(__file__).parents[1] / "guest"
PATHS = os.pathsep.join([str(GUEST), *map(os.path.abspath, os.environ.get("PYTHONPATH", "").split(os.pathsep))])
needs_ray = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="needs the extra `ray`")


@pytest.fixture(scope="module")
def nodes():
    """A cluster whose first node has one core; a test may add others, and take them away."""
    import ray
    from ray.cluster_utils import Cluster

    place = Path(tempfile.mkdtemp(prefix="ray", dir="/tmp"))  # paths of sockets must be short
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", PATHS)
        patch.setenv("RAY_TMPDIR", str(place))
        (place / "ray").mkdir()  # Ray writes there, too, and does not make it
        made = Cluster(True, head_node_args={"num_cpus": 1, "include_dashboard": False, "temp_dir": str(place)})
        yield made
        ray.shutdown()
        made.shutdown()
    shutil.rmtree(place, ignore_errors=True)
    assert not [line for line in _processes() if str(place) in line]


@pytest.fixture
def joined(nodes, monkeypatch):
    """This process is a driver of the cluster."""
    import ray

    monkeypatch.setenv("RAY_ADDRESS", nodes.address)
    yield
    ray.shutdown()


def _processes() -> list[str]:
    lines = [p.read_bytes().replace(b"\0", b" ").decode() for p in _readable(Path("/proc").glob("[0-9]*/cmdline"))]
    return [line for line in lines if line]


def _readable(files):
    for file in files:
        try:
            file.read_bytes()
        except OSError:
            continue
        yield file


def begun(runs: Path) -> list[Path]:
    """Folds in training that have finished an epoch."""
    files = [f for f in runs.glob("toy-*/folds/*/fold.json") if (f.parent / "last.ckpt").is_file()]
    return [f.parent for f in files if json.loads(f.read_text()).get("epochs_done", 0) >= 1]


def tensors(runs: Path) -> dict[str, bytes]:
    from safetensors.numpy import load_file

    files = runs.glob("toy-*/folds/*/weights.safetensors")
    return {f"{f.parent.name} {name}": t.tobytes() for f in files for name, t in sorted(load_file(f).items())}


def once(what, seconds: float = 90):
    """The first true answer of `what`."""
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return found


@needs_ray
def test_a_run_outlives_a_node(nodes, joined, mezoo, cache, tmp_path):
    long = ("fit", "toy", "--synthetic", "--set", "trainer.max_epochs=10")
    assert mezoo(*long, "--runs", tmp_path / "one")[0] == 0
    shutil.rmtree(cache / "features")
    second, runs = nodes.add_node(num_cpus=1), tmp_path / "two"
    first_epochs: dict[Path, int] = {}

    def kill() -> None:
        both = once(lambda: len(found := begun(runs)) == 2 and found)
        first_epochs.update({fold: (fold / "scores/0000.npz").stat().st_mtime_ns for fold in both})
        nodes.remove_node(second, allow_graceful=False)

    killer = Thread(target=kill)
    killer.start()
    code, out, err = mezoo(*long, "--runs", runs, "--executor", "ray", "--set", "model.sleep=0.2")
    killer.join()
    assert code == 0, err
    assert "was lost: its node died" in err
    assert "raylet" not in out + err
    assert "features: toy_mean 8/8" in err
    assert re.search(r"0\d: epochs \d+/10", err)
    (run,) = runs.glob("toy-*")
    assert json.loads((run / "result.json").read_text())["status"] == "complete"
    assert tensors(runs) == tensors(tmp_path / "one")
    assert len(first_epochs) == 2
    assert first_epochs == {f: (f / "scores/0000.npz").stat().st_mtime_ns for f in first_epochs}, "begun anew"
    assert all((fold / "log.txt").is_file() for fold in run.glob("folds/*"))
    assert not [*run.rglob(".writer"), *run.rglob(".seen-*"), *cache.rglob(".seen-*")]


@needs_ray
def test_an_interruption_leaves_no_task_behind(joined, tmp_path):
    def call(tool, item):
        (tmp_path / "pid").write_text(str(os.getpid()))
        time.sleep(60)

    events = spread(Errand(str, call, "", (tmp_path,)), [1, 2], None)
    file = tmp_path / "pid"
    next(event for event in events if event.kind == "look" and file.is_file() and file.read_text())
    events.close()
    once(lambda: not Path("/proc", file.read_text()).exists(), 20)


@needs_ray
def test_what_dies_each_time_is_lost_and_the_rest_is_done(joined, monkeypatch, tmp_path):
    monkeypatch.setattr(cluster, "TRIES", 2)

    def call(tool, item):
        if item == "b":
            os._exit(3)
        return tool + item

    events = [*spread(Errand(lambda given: given * 2, call, "x", (tmp_path,)), ["a", "b", "c"], 1)]
    told = [event for event in events if event.kind in {"done", "again", "lost"}]
    assert [(e.kind, e.item) for e in told] == [("done", "a"), ("again", "b"), ("lost", "b"), ("done", "c")]
    assert [e.value for e in told] == ["xxa", "its process died", "its process died", "xxc"]
    assert not [*tmp_path.iterdir()]


@needs_ray
def test_an_error_of_a_task_reaches_the_user(joined, tmp_path):
    def call(tool, item):
        if item:
            raise DataError("no face in v3", hint="leave it out")
        return Path("/nowhere/at/all").read_text()

    with pytest.raises(DataError, match="no face in v3") as caught:
        [*spread(Errand(str, call, "", (tmp_path,)), [1], None)]
    assert caught.value.hint == "leave it out"
    with pytest.raises(RunError, match=r"on node .* failed: FileNotFoundError: .*/nowhere/at/all"):
        [*spread(Errand(str, call, "", (tmp_path,)), [0], None)]


@needs_ray
def test_a_node_that_does_not_see_the_folder_is_named(joined, monkeypatch, tmp_path):
    from contextlib import nullcontext

    monkeypatch.setattr(cluster, "_marked", lambda places: nullcontext("a-file-that-is-elsewhere"))
    with pytest.raises(RunError, match=rf"node \S+ does not see {tmp_path}"):
        [*spread(Errand(str, str, "", (tmp_path,)), [1], None)]


@needs_ray
def test_features_are_made_on_a_cluster(joined, mezoo, cache, tmp_path):
    assert mezoo("extract", "toy", "--synthetic", "--executor", "ray")[0] == 0
    there = {p.name: p.read_bytes() for p in (cache / "features").rglob("*.safetensors")}
    assert len(there) == 8
    shutil.rmtree(cache / "features")
    assert mezoo("extract", "toy", "--synthetic")[0] == 0
    assert {p.name: p.read_bytes() for p in (cache / "features").rglob("*.safetensors")} == there


@needs_ray
def test_no_cluster_at_an_address(mezoo, cache, tmp_path, monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", "nonsense")
    code, _, err = mezoo("fit", "toy", "--synthetic", "--runs", tmp_path, "--executor", "ray")
    assert code == 2
    assert "RAY_ADDRESS=nonsense" in err


@pytest.mark.parametrize("command", ["fit", "extract"])
def test_without_ray_it_is_told_what_to_install(command, mezoo, cache, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "find_spec", lambda name: None)
    runs = ["--runs", tmp_path] if command == "fit" else []
    code, _, err = mezoo(command, "toy", "--synthetic", "--executor", "ray", *runs)
    assert code == 2
    assert 'pip install "mezoo[ray]"' in err
    assert not [*tmp_path.glob("toy-*")]


def test_who_comes_ends_who_was_there(tmp_path, monkeypatch):
    folder = FoldFolder(tmp_path / "run" / "folds" / "01")
    code = (
        "import sys, time; from pathlib import Path; from mezoo.fold_folder import FoldFolder\n"
        "from mezoo.executors import sole_writer as s; s.WATCH_S = 0.1\n"
        "with s.sole_writer(FoldFolder(Path(sys.argv[1]))): print('in', flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", code, str(folder.path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    monkeypatch.setattr(writers, "GRACE_S", 1.0)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "in\n"
        with writers.sole_writer(folder):
            assert process.wait(timeout=0.1) == 1
    finally:
        process.kill()
        process.wait()
    assert not (folder.path / ".writer").exists()


def test_a_lock_that_stays_held_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(writers, "LOCK_S", 0.3)
    folder = FoldFolder(tmp_path / "run" / "folds" / "01")
    with (
        folder.held(),
        pytest.raises(RunError, match="is in another process"),
        writers.sole_writer(folder),
    ):
        pass
    assert not (folder.path / ".writer").exists()


@pytest.mark.parametrize(
    ("block", "typed", "chosen"),
    [
        ("{use: ray}", ["--workers", "2"], "ray"),
        ("{use: inline}", ["--workers", "2"], "process"),
        ("{use: inline}", ["--executor", "ray"], "ray"),
        ("{use: ray, cpus: 2, gpus: 0.5}", ["--executor", "inline", "--workers", "2"], "inline"),
    ],
)
def test_the_command_line_goes_before_the_recipe(tmp_path, block, typed, chosen):
    from mezoo.arguments import build_parser
    from mezoo.commands_fit import _where
    from mezoo.recipe import read_recipe

    (tmp_path / "r.yaml").write_text((GUEST / "mezoo_toy/recipes/toy.yaml").read_text() + f"executor: {block}\n")
    recipe = read_recipe(str(tmp_path / "r.yaml"), [], synthetic=True)
    arguments = build_parser().parse_args(["fit", "r.yaml", *typed])
    assert _where(arguments, recipe)["executor"] == chosen
