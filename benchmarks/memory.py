"""Peak memory and processor time of one film of n, 2n and 4n frames: extracted into the store, and asked of weights.

Each in a process of its own. The film is a rendered face played again and again; of the extraction it has landmarks in
a file. An extractor that held its result would grow by what it stores, which the JSON tells beside the peak.
"""

import json
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from table import Row, process

FEATURES = {
    "face_crop": "{use: face_crop, size: 112}",
    "align": "{use: align, size: 112}",
    "landmarks": "{use: landmarks}",
    "dis of crop": "{use: dis, crop: {use: face_crop, size: 112}}",
    "roi_flow": "{use: roi_flow, flow: {use: dis, size: 128}}",
    "evm": "{use: evm, size: 112}",
}
QUICK = ("face_crop", "dis of crop")
SIZE = (256, 192, 120)
"""Height and width of the film, and of the face in it, px."""


class Loop:
    """Rendered frames, repeated: long without taking room."""

    def __init__(self, n: int) -> None:
        import numpy as np

        from mezoo import synthetic

        rng = np.random.default_rng(0)
        script = synthetic.write_script(synthetic.ScriptSpec(30, 60, micro=1), rng)
        film = synthetic.Film(synthetic.make_face(1), script, synthetic.FilmSpec(*SIZE))
        self.images = [film.frame(i) for i in range(60)]
        self.landmarks = np.stack([film.landmarks(i) for i in range(60)])
        self.n = n

    def __len__(self) -> int:
        return self.n

    def read(self, index: int, *, grey: bool = False):
        import numpy as np

        image = self.images[index % 60]
        return image if grey else np.repeat(image[..., None], 3, axis=2)

    def number(self, index: int) -> int:
        return index + 1

    def files(self) -> tuple[Path, ...]:
        return ()


def rows(quick: bool) -> list[Row]:
    """Peaks, then processor time, a row a doubling."""
    sizes = (300, 600, 1200) if quick else (500, 1000, 2000)
    jobs = {name: ("extract", feature) for name, feature in FEATURES.items() if not quick or name in QUICK}
    jobs["predict"] = ("predict", "")
    made: dict[str, list[Row]] = {"peak": [], "cpu": []}
    with tempfile.TemporaryDirectory(prefix="mezoo-memory-") as folder:
        run = trained(Path(folder))
        for name, (job, feature) in jobs.items():
            told = [[measure(job, feature, n, run) for _ in range(1 if quick else 3)] for n in sizes]
            for n, less, more in zip(sizes, told, told[1:], strict=False):
                for kind, unit, ideal in (("peak", "MB", "1"), ("cpu", "s CPU", "<= 2")):
                    sides = [[t[kind] for t in side] for side in (more, less)]
                    facts = {"stored_mb": [side[0]["stored_mb"] for side in (more, less)]}
                    what = f"{2 * n} / {n} frames, {'peak memory' if kind == 'peak' else 'time'}"
                    made[kind].append(Row(name, what, *sides, unit, ideal, facts))
    return [*made["peak"], *made["cpu"]]


def trained(folder: Path) -> Path:
    """The run of a small recipe, to be asked."""
    more = {"MEZOO_CACHE": str(folder / "cache"), "WANDB_MODE": "disabled"}
    process(["-m", "mezoo.cli", "fit", "toy", "--synthetic", "--runs", str(folder / "runs")], **more)
    (run,) = (folder / "runs").glob("toy-*")
    return run


def measure(job: str, feature: str, n: int, run: Path) -> dict[str, float]:
    """One film in a new process with an empty store."""
    with tempfile.TemporaryDirectory(prefix="mezoo-memory-") as folder:
        command = [__file__, job, feature, str(n), folder, str(run)]
        return json.loads(process(command, MEZOO_CACHE=f"{folder}/cache").output.strip().splitlines()[-1])


def extract(feature: str, n: int, folder: Path) -> dict[str, Any]:
    """A long film after a short one, so that libraries are loaded and warm."""
    import numpy as np

    from mezoo import Video
    from mezoo.extraction import Extraction
    from mezoo.recipe import read_block

    frames = Loop(n)
    points = folder / "v.npy"
    np.save(points, np.resize(frames.landmarks, (n, 68, 2)))
    here = Extraction(read_block("feature", feature), folder)
    here.ensure(Video("loop", "01", "w", 30.0, Loop(40), landmarks=None))
    before = time.process_time()
    failure = here.ensure(Video("loop", "01", "v", 30.0, frames, landmarks=points))
    if failure:
        raise SystemExit(f"{failure.reason}: {failure.hint}")
    spent = time.process_time() - before
    return {"cpu": spent, "stored_mb": max(e.size for e in here.store.entries()) / 2**20}


def predict(n: int, folder: Path, run: Path) -> dict[str, Any]:
    """`mezoo predict` as Python calls it, and the files that it writes."""
    import mezoo
    from mezoo.predicted import write_all

    film = folder / "film.avi"
    write_film(film, n)
    model = mezoo.load_model(run)
    before = time.process_time()
    write_all(model.predict(film), folder / "out")
    return {"cpu": time.process_time() - before, "stored_mb": 0.0}


def write_film(path: Path, n: int) -> None:
    """A film of n frames, each a key frame."""
    import av

    frames = Loop(n)
    with av.open(str(path), "w") as film:
        stream = film.add_stream("mjpeg", rate=30)
        stream.width, stream.height, stream.pix_fmt = SIZE[1], SIZE[0], "yuvj420p"
        for i in range(n):
            film.mux(stream.encode(av.VideoFrame.from_ndarray(frames.read(i), format="rgb24")))
        film.mux(stream.encode())


def peak_mb() -> float:
    """Largest memory of this process. What getrusage tells counts the process that started it, too."""
    status = Path("/proc/self/status")
    if not status.is_file():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def main() -> None:
    job, feature, n, folder, run = sys.argv[1:]
    told = extract(feature, int(n), Path(folder)) if job == "extract" else predict(int(n), Path(folder), Path(run))
    print(json.dumps({**told, "peak": peak_mb()}))


if __name__ == "__main__":
    main()
