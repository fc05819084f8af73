"""Every benchmark of mezoo in one command: a table of ratios with their spread, and the readings as JSON.

    python benchmarks/run.py [--quick] [--json FILE] [PART ...]

Parts: startup, training, flow, regions, scoring, extraction, memory, growth. Both sides of a pair are read in turn in
one run, so that what else the machine does hits both. It asserts nothing: machines differ.
"""

import argparse
import json
import sys
import time
from importlib import import_module
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent)]

from table import HEADER, PATHS, machine  # noqa: E402

PARTS = ("startup", "training", "flow", "regions", "scoring", "extraction", "memory", "growth")
"""Modules beside this file, each with `rows(quick) -> list[Row]`."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help="only these (default: all)")
    parser.add_argument("--quick", action="store_true", help="fewer pairs and smaller sizes: some four minutes")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every reading")
    arguments = parser.parse_args()
    if unknown := [name for name in arguments.parts if name not in PARTS]:
        parser.error(f"no part {', '.join(unknown)}; there are {', '.join(PARTS)}")
    sys.path[:0] = map(str, PATHS)
    about = {**machine(), "quick": arguments.quick}
    print("\n".join(f"{key}: {value}" for key, value in about.items()), f"\n{HEADER}", sep="\n", flush=True)
    results, failed = {}, []
    for name in arguments.parts or PARTS:
        began = time.monotonic()
        try:
            rows = import_module(name).rows(arguments.quick)
        except Exception as error:  # one part that cannot run must not hide the others
            failed.append(name)
            results[name] = {"error": f"{type(error).__name__}: {error}"}
            print(f"-- {name} failed: {str(error).strip().splitlines()[-1][:160]}", flush=True)
            continue
        seconds = time.monotonic() - began
        results[name] = {"seconds": seconds, "rows": [row.as_json() for row in rows]}
        print(f"-- {name} ({seconds:.0f} s)", *(row.as_text() for row in rows), sep="\n", flush=True)
    about["load_average_after"] = machine()["load_average"]
    if arguments.json:
        arguments.json.write_text(json.dumps({"machine": about, "parts": results}, indent=1) + "\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
