"""Inject the faults, count what became of them, and write tests/README.md: `python tests/faults/matrix.py [TIMES]`.

TIMES is how many times as many faults as the tests inject (1).
"""

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE.parent)]

from faults.arena import Outcome  # noqa: E402


def injected(readers: Sequence[str], store: Path, times: int) -> Iterator[tuple[str, Outcome]]:
    """Reader and outcome of every fault, injected in a process of its own."""
    paths = [HERE.parent, HERE.parent / "guest", ROOT, ROOT / "plugins"]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([*map(str, paths), os.environ.get("PYTHONPATH", "")]),
        "MEZOO_CACHE": str(store / "cache"),
        **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    }
    command = [sys.executable, str(HERE / "arena.py"), str(store), str(times), *readers]
    with (
        tempfile.TemporaryFile("w+") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment) as process,
    ):
        assert process.stdout is not None
        for line in process.stdout:
            reader, told = json.loads(line)
            yield reader, Outcome(*told)
        if process.wait():
            errors.seek(0)
            raise RuntimeError(errors.read()[-2000:])


def main(arguments: Sequence[str]) -> int:
    """Every reader in turn; prints what was lost."""
    from faults.readers import READERS, prepare

    times = int(arguments[0]) if arguments else 1
    chosen = [r for r in READERS if not arguments[1:] or r.name in arguments[1:]]
    counts: dict[str, Counter[str]] = {}
    given = os.environ.get("MEZOO_FAULTS_STORE")
    with tempfile.TemporaryDirectory() as folder:
        store = Path(given or folder)
        if not (store / "exported").is_dir():
            prepare(store)
        for reader, outcome in injected([r.name for r in chosen], store, times):
            counts.setdefault(reader, Counter())[outcome.kind] += 1
            if outcome.kind == "lost":
                print(f"LOST {reader}: {outcome.fault}: {outcome.said}", flush=True)
    for reader, found in counts.items():
        print(f"{reader:30s}{dict(found)}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
