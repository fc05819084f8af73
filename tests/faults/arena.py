"""Where a reader meets its faults: a process of its own, with limits of memory and time, and an outcome for each.

The process forks a child for each reader, which takes one fault after the other. A child that dies or hangs costs that
fault only: the next child goes on behind it.
"""

import contextlib
import json
import os
import resource
import select
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MEMORY = 512 << 20
"""Bytes that a reader may take on top of what its libraries hold. A bomb unpacks to twice as many."""
SECONDS = 30
"""Longer than this is a hang; the machine may be slow and shared."""


@dataclass(frozen=True)
class Outcome:
    """`kind`: read (accepted, or read with a repair), refused (a clear error), or lost."""

    fault: str
    kind: str
    said: str = ""


Case = tuple[str, Callable[[], Any]]
"""The name of a fault, and what is to be done under it."""


def outcomes(cases: Callable[[], Iterator[Case]]) -> Iterator[Outcome]:
    """Every case in a child process, in order. The cases are made again in each child, so they must be the same."""
    done = 0
    while True:
        last, before = None, done
        for outcome in _child(cases, done):
            if outcome is None:
                return
            done, last = done + 1, outcome
            yield outcome
        if last is None or done == before or last.fault == "":
            raise RuntimeError(f"the harness itself failed: {last}")


def _child(cases: Any, skip: int) -> Iterator[Outcome | None]:
    """Outcomes from one child; ends after a fault that killed it, with None when all are done."""
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(reading)
        _work(cases, skip, writing)
    os.close(writing)
    pending, buffer = "", b""
    with os.fdopen(reading, "rb", buffering=0) as pipe:
        while True:
            ready, _, _ = select.select([pipe], [], [], SECONDS)
            if not ready:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                yield Outcome(pending, "lost", f"nothing after {SECONDS} s")
                return
            got = pipe.read(1 << 16)
            buffer += got
            *lines, buffer = buffer.split(b"\n")
            for line in lines:
                told = json.loads(line)
                if told is None:
                    os.waitpid(pid, 0)
                    yield None
                    return
                if isinstance(told, str):
                    pending = told
                else:
                    yield Outcome(*told)
            if not got:
                _, status = os.waitpid(pid, 0)
                yield Outcome(pending, "lost", f"the process died: {_died(status)}")
                return


def _died(status: int) -> str:
    return signal.Signals(os.WTERMSIG(status)).name if os.WIFSIGNALED(status) else f"exit {os.WEXITSTATUS(status)}"


def _work(cases: Any, skip: int, writing: int) -> None:
    def tell(what: Any) -> None:
        os.write(writing, json.dumps(what).encode() + b"\n")

    devnull = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1):
        os.dup2(devnull, standard)
    try:
        for number, (name, act) in enumerate(cases()):
            if number >= skip:
                tell(name)
                tell([name, *judged(act)])
                tell("")
        tell(None)
    except BaseException:  # of the harness: a child must never go on as its parent would
        traceback.print_exc()
    os._exit(0)


def judged(act: Callable[[], Any]) -> tuple[str, str]:
    """What became of one fault: `read`, `refused` and the message, or `lost` and why."""
    from mezoo.errors import MezooError

    with limited():
        try:
            said = act()
        except MezooError as error:
            return _worded(error)
        except MemoryError:
            return "lost", "MemoryError: " + _place(traceback.format_exc())
        except BaseException as error:
            return "lost", f"{type(error).__name__}: {str(error)[:150]} {_place(traceback.format_exc())}"
    return ("refused", said) if isinstance(said, str) else ("read", "")


def _worded(error: Any) -> tuple[str, str]:
    """A clear error says what in a few lines, and is not the memory limit in other words."""
    cause: Any = error
    while cause is not None:
        if isinstance(cause, MemoryError):
            return "lost", "the memory limit, in other words"
        cause = cause.__cause__ or cause.__context__
    if len(error.what) < 15 or len(str(error)) > 20_000:
        return "lost", f"not a message: {str(error)[:60]!r} of {len(str(error))} letters"
    return "refused", str(error)[:300]


def _place(text: str) -> str:
    places = [line.strip() for line in text.splitlines() if "/mezoo" in line and line.strip().startswith("File")]
    return places[-1].replace("File ", "at ")[:160] if places else ""


@contextlib.contextmanager
def limited() -> Iterator[None]:
    """Private memory no larger than now plus MEMORY."""
    told = Path("/proc/self/status").read_text() if Path("/proc/self/status").exists() else ""
    now = next((int(line.split()[1]) << 10 for line in told.splitlines() if line.startswith("VmData")), 0)
    before = resource.getrlimit(resource.RLIMIT_DATA)
    if now:
        resource.setrlimit(resource.RLIMIT_DATA, (now + MEMORY, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)


def command(*arguments: object) -> str | None:
    """Run the command line in this process: None for exit code 0, what it printed as an error for 1 and 2."""
    import io

    from mezoo.cli import main

    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main([str(a) for a in arguments])
        except SystemExit as stop:
            code = int(stop.code or 0)
    if code == 0:
        return None
    said = err.getvalue() + out.getvalue()
    if code not in (1, 2) or len(said.strip()) < 15 or "Traceback" in said:
        raise AssertionError(f"exit code {code} and {said[:200]!r}")
    return said[:300]


if __name__ == "__main__":
    import importlib

    sys.path[:0] = [str(Path(__file__).parents[1])]
    readers = importlib.import_module("faults.readers")
    folder, count, *names = sys.argv[1:]
    for name in names:
        for outcome in outcomes(readers.cases_of(name, Path(folder), int(count))):
            print(json.dumps([name, [outcome.fault, outcome.kind, outcome.said]]), flush=True)
