"""How long the index of a full dataset takes, and what it holds in memory, on stand-ins of empty files.

python benchmarks/index.py [--rounds 5] [--only samm_long ...] [--json FILE]

Each reading is a process of its own: `import`, then `Dataset(root).videos()`. "cold" comes after the page, directory
and inode caches of Linux were dropped, which needs root; without it that column stays empty.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

DATASETS = (
    *("casme", "casme2", "samm", "samm_long", "smic", "smic_e", "mmew", "4dme"),
    *("cas_me_sq_clips", "megc2019", "cas_me_sq", "cas_me_cubed"),
)

READ = """
import json, sys, time, tracemalloc
from pathlib import Path
from mezoo import datasets
kind = datasets.find(sys.argv[1])
start = time.perf_counter()
videos = kind(Path(sys.argv[2])).videos()
seconds = time.perf_counter() - start
del videos
tracemalloc.start()
videos = kind(Path(sys.argv[2])).videos()
held = tracemalloc.get_traced_memory()[0]
frames = sum(len(v.frames) for v in videos)
print(json.dumps({"seconds": seconds, "held": held, "videos": len(videos), "frames": frames}))
"""
WRITE = """
import sys
from pathlib import Path
from mezoo import datasets
spec = datasets.StandIn(preset="full", frames="empty")
datasets.find(sys.argv[1]).write_synthetic(Path(sys.argv[2]), spec)
"""


def read(name: str, root: Path) -> dict[str, float]:
    run = subprocess.run([sys.executable, "-c", READ, name, str(root)], capture_output=True, text=True, check=True)
    return json.loads(run.stdout)


def drop_caches() -> bool:
    try:
        os.sync()
        Path("/proc/sys/vm/drop_caches").write_text("3")
    except OSError:
        return False
    return True


def measure(name: str, root: Path, rounds: int) -> dict[str, object]:
    cold = read(name, root)["seconds"] if drop_caches() else None
    rows = [read(name, root) for _ in range(rounds)]
    seconds = [row["seconds"] for row in rows]
    facts = {key: rows[0][key] for key in ("videos", "frames", "held")}
    return {**facts, "warm": seconds, "median": statistics.median(seconds), "cold": cold}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="+", default=DATASETS)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    results: dict[str, dict[str, object]] = {}
    print(f"{'dataset':<14}{'videos':>8}{'frames':>10}{'warm s':>9}{'min':>7}{'max':>7}{'cold s':>8}{'held MB':>9}")
    for name in arguments.only:
        with tempfile.TemporaryDirectory(prefix="mezoo-index-") as folder:
            subprocess.run([sys.executable, "-c", WRITE, name, folder], check=True)
            results[name] = row = measure(name, Path(folder), arguments.rounds)
        warm, cold = row["warm"], row["cold"]
        cold_text = "-" if cold is None else f"{cold:.2f}"
        counts = f"{name:<14}{row['videos']:>8}{row['frames']:>10}"
        times = f"{row['median']:>9.2f}{min(warm):>7.2f}{max(warm):>7.2f}{cold_text:>8}"
        print(f"{counts}{times}{row['held'] / 2**20:>9.2f}", flush=True)
    if arguments.json:
        about = {"machine": platform.platform(), "python": platform.python_version(), "results": results}
        arguments.json.write_text(json.dumps(about, indent=1) + "\n")


if __name__ == "__main__":
    main()
