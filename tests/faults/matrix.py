"""Inject the faults, count what became of them, and write tests/README.md: `python tests/faults/matrix.py [TIMES]`.

TIMES is how many times as many faults the readers get as in the tests (1); `runs` instead: only what is done to runs.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
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


def counted(times: int, names: Sequence[str] = ()) -> tuple[dict[str, Counter[str]], list[str]]:
    """Outcomes by reader, and a line for each fault that was lost. `names`: only these readers."""
    from faults.readers import READERS, prepare

    chosen = [r.name for r in READERS if not names or r.name in names]
    counts = {name: Counter[str]() for name in chosen}
    lost: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        store = Path(os.environ.get("MEZOO_FAULTS_STORE") or folder)
        if not (store / "exported").is_dir():
            prepare(store)
        for reader, outcome in injected(chosen, store, times):
            counts[reader][outcome.kind] += 1
            if outcome.kind == "lost":
                lost.append(f"{reader}: {outcome.fault}: {outcome.said}")
                print(lost[-1], file=sys.stderr, flush=True)
    return counts, lost


def page(counts: Mapping[str, Counter[str]]) -> str:
    """The table of counts, as it stands in tests/README.md between its two marks."""
    from faults.readers import READERS

    about = {r.name: r.about for r in READERS}
    lines = ["| reader | what is harmed | faults injected | clear error | read or repaired | lost |"]
    lines += ["|---|---|--:|--:|--:|--:|"]
    total = Counter[str]()
    for name, found in counts.items():
        total.update(found)
        lines.append(_line(name, about[name], found))
    return "\n".join([*lines, _line("**all**", "", total)])


def _line(name: str, about: str, found: Mapping[str, int]) -> str:
    parts = sum(found.values()), *(found.get(kind, 0) for kind in ("refused", "read", "lost"))
    return f"| {name} | {about} | {' | '.join(map(str, parts))} |"


def told(text: str) -> dict[str, tuple[int, int]]:
    """Faults injected and lost by reader, from the table in tests/README.md."""
    rows = [[c.strip() for c in line.strip("| ").split("|")] for line in text.splitlines() if line.startswith("| ")]
    return {row[0]: (int(row[2]), int(row[5])) for row in rows if len(row) == 6 and row[2].isdigit() and row[1]}


def tally_page(counts: Mapping[str, Counter[str]]) -> str:
    """The table of faults that tests inject."""
    lines = ["| what is done to a run | faults injected | survived | lost |", "|---|--:|--:|--:|"]
    total = sum(counts.values(), Counter[str]())
    for name, found in {**counts, "**all**": total}.items():
        lines.append(f"| {name} | {sum(found.values())} | {found['survived']} | {found['lost']} |")
    return "\n".join(lines)


def tally_told(text: str) -> dict[str, tuple[int, int]]:
    """Faults injected and lost by row, from that table in tests/README.md."""
    rows = [[c.strip() for c in line.strip("| ").split("|")] for line in text.splitlines() if line.startswith("| ")]
    return {r[0]: (int(r[1]), int(r[3])) for r in rows if len(r) == 4 and r[1].isdigit() and "*" not in r[0]}


README = HERE.parent / "README.md"


def put(mark: str, table: str) -> None:
    """Write a table into tests/README.md between its two marks."""
    begin, end = f"<!-- {mark}: begin -->", f"<!-- {mark}: end -->"
    before, _, rest = README.read_text(encoding="utf-8").partition(begin)
    README.write_text(f"{before}{begin}\n{table}\n{end}{rest.partition(end)[2]}", encoding="utf-8")


def main(arguments: Sequence[str]) -> int:
    """Every reader, or those that are named, or `runs`; the page is written by a whole short run."""
    if arguments == ["runs"]:
        return _runs()
    times, names = int(arguments[0]) if arguments else 1, arguments[1:]
    counts, lost = counted(times, names)
    table = page(counts)
    print(table)
    if times == 1 and not names:
        put("faults", table)
        return max(1 if lost else 0, _runs())
    return 1 if lost else 0


def _runs() -> int:
    """What tests do to runs, by running them."""
    from faults.tally import run

    counts = run()
    table = tally_page(counts)
    print(table)
    put("runs", table)
    return 1 if any(found["lost"] for found in counts.values()) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
