"""Peak memory of extracting one video into the store, for a short and for a long video; each in a process of its own.

python benchmarks/memory.py [--frames 500 2000] [--json FILE]

The video is a rendered face played again and again, with landmarks in a file. What grows per 1000 frames is printed
beside what the stored feature itself takes: an extractor that held its result would grow by that.
"""

import argparse
import json
import platform
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

FEATURES = {
    "face_crop": "{use: face_crop, size: 112}",
    "align": "{use: align, size: 112}",
    "landmarks": "{use: landmarks}",
    "dis": "{use: dis, size: 128}",
    "dis of crop": "{use: dis, crop: {use: face_crop, size: 112}}",
    "roi_flow": "{use: roi_flow, flow: {use: dis, size: 128}}",
    "evm": "{use: evm, size: 112}",
}


class Loop:
    """Rendered frames, repeated: long without taking room."""

    def __init__(self, n: int) -> None:
        import numpy as np

        from mezoo import synthetic

        rng = np.random.default_rng(0)
        script = synthetic.write_script(synthetic.ScriptSpec(30, 60, micro=1), rng)
        film = synthetic.Film(synthetic.make_face(1), script, synthetic.FilmSpec(256, 192, 120))
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


def child(feature: str, n: int, folder: Path) -> None:
    import numpy as np

    from mezoo import Video
    from mezoo.extraction import Extraction
    from mezoo.recipe import read_block

    frames = Loop(n)
    points = folder / "v.npy"
    np.save(points, np.resize(frames.landmarks, (n, 68, 2)))
    video = Video("loop", "01", "v", 30.0, frames, landmarks=points)
    here = Extraction(read_block("feature", feature), folder)
    for warm in (Video("loop", "01", "w", 30.0, Loop(40), landmarks=None),):
        here.ensure(warm)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    failure = here.ensure(video)
    if failure:
        raise SystemExit(f"{failure.reason}: {failure.hint}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    size = max(e.size for e in here.store.entries())
    print(json.dumps({"before_mb": before / 1024, "peak_mb": peak / 1024, "stored_mb": size / 2**20}))


def measure(feature: str, n: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="mezoo-memory-") as folder:
        command = [sys.executable, __file__, "--child", feature, str(n), folder]
        return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, nargs=2, default=(500, 2000))
    parser.add_argument("--json", type=Path)
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        child(arguments.child[0], int(arguments.child[1]), Path(arguments.child[2]))
        return
    short, long = arguments.frames
    results: dict[str, list[dict[str, float]]] = {}
    print(f"{'feature':<14}{f'peak MB, {short}':>16}{f'{long}':>8}{'grows MB/1000':>15}{'stored MB/1000':>16}")
    for name, feature in FEATURES.items():
        results[name] = a, b = [measure(feature, n) for n in (short, long)]
        thousands = (long - short) / 1000
        grows, stored = ((b[k] - a[k]) / thousands for k in ("peak_mb", "stored_mb"))
        print(f"{name:<14}{a['peak_mb']:>16.0f}{b['peak_mb']:>8.0f}{grows:>15.1f}{stored:>16.1f}", flush=True)
    if arguments.json:
        about = {"machine": platform.platform(), "python": platform.python_version(), "frames": [short, long]}
        arguments.json.write_text(json.dumps({**about, "results": results}, indent=1) + "\n")


if __name__ == "__main__":
    main()
