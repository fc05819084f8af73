"""How long a command takes before it does anything: medians over whole processes, beside a bare interpreter in turn.

python benchmarks/startup.py [--rounds 5] [--json FILE]
"""

import argparse
import json
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "mezoo --help": [sys.executable, "-m", "mezoo.cli", "--help"],
    "mezoo list": [sys.executable, "-m", "mezoo.cli", "list"],
    "mezoo check": [sys.executable, "-m", "mezoo.cli", "check", "mesnet_samm"],
    "mezoo show": [sys.executable, "-m", "mezoo.cli", "show", "mesnet_samm"],
    "import torch": [sys.executable, "-c", "import torch"],
}


def seconds(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    times: dict[str, list[float]] = {name: [seconds(command)] for name, command in COMMANDS.items()}
    for name in times:
        times[name].clear()  # the first round warms the disk cache
    for _ in range(arguments.rounds):
        for name, command in COMMANDS.items():
            times[name].append(seconds(command))
    bare = statistics.median(times["python -c pass"])
    print(f"{'command':<18}{'median s':>10}{'min':>8}{'max':>8}{'x bare':>8}")
    for name, row in times.items():
        median = statistics.median(row)
        print(f"{name:<18}{median:>10.3f}{min(row):>8.3f}{max(row):>8.3f}{median / bare:>8.1f}")
    if arguments.json:
        about = {"machine": platform.platform(), "python": platform.python_version(), "seconds": times}
        arguments.json.write_text(json.dumps(about, indent=1) + "\n")


if __name__ == "__main__":
    main()
