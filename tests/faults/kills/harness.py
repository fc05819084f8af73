"""Runs commands of mezoo, each in a fork of one process that has imported torch, and breaks each where it is told.

It reads jobs, a line of JSON each, and answers each with a line, its ending. A job: `arguments` of the command line,
`room` (its store and run folder lie there), `fault` or null. A fault: `at` (the event's number), `when` (before, half,
after), `how` (a signal, or the name of an errno: the disk then stays so if `lasting`). An ending: `code` (minus the
signal, as Python tells it), `out`, `err`, `events` as (what, file).
"""

import errno
import functools
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[2] / "guest"))

import lightning as L
import numpy as np
from mezoo_toy.feature import ToyMean, ToySides
from mezoo_toy.model import ToyThreshold
from mezoo_toy.recogniser import ToySide

import mezoo.commands_fit
import mezoo.fold
import mezoo.run
import mezoo.store
from mezoo.cli import main

WORK = [
    *((owner, "__call__") for owner in (ToyMean, ToySides)),
    *((owner, name) for owner in (ToyThreshold, ToySide) for name in ("prepare", "training_step", "predict_step")),
    (mezoo.fold, "choose"),
    *((mezoo.run, name) for name in ("write_tables", "summarise", "write_report", "log_summary")),
]
"""What takes time in a run and writes nothing itself."""


class Faults:
    """Counts what a run does, and breaks it at one of these events."""

    def __init__(self, fault: dict[str, Any] | None, log: Path) -> None:
        self.fault, self.count, self.inside, self.full = fault, 0, False, False
        self.log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def around(self, owner: Any, name: str, file: Callable[..., Any] = lambda *_: None, *, writes: bool = True) -> None:
        """Make each call of a function an event; those that it makes itself are none."""
        real = getattr(owner, name)

        @functools.wraps(real)
        def call(*given: Any, **named: Any) -> Any:
            path = file(*given, **named)
            if (self.inside and writes) or path is False:
                return real(*given, **named)
            number, self.count = self.count, self.count + 1
            what = f"{getattr(owner, '__name__', owner)}.{name}"
            os.write(self.log, f"{json.dumps([what, str(path or '')])}\n".encode())
            here = bool(self.fault) and self.fault["at"] == number
            if (writes and self.full) or (here and self.fault["when"] == "before"):
                self.strike(path)
            outer, self.inside = self.inside, self.inside or writes
            try:
                found = real(*given, **named)
            finally:
                self.inside = outer
            if here and self.fault["when"] == "half" and path and name not in ("replace", "rename", "unlink", "mkdir"):
                os.truncate(path, os.path.getsize(path) // 2)
            if here:
                self.strike(path)
            return found

        setattr(owner, name, call)

    def strike(self, path: Any) -> None:
        """End this process, or be a disk that takes no more."""
        how = self.fault["how"]
        if how.startswith("SIG"):
            # A torn write is what a process leaves that ends at once; other signals may be answered later.
            os.kill(os.getpid(), signal.SIGKILL if self.fault["when"] == "half" else getattr(signal, how))
            return
        self.full = self.fault.get("lasting", False)
        code = getattr(errno, how)
        raise OSError(code, os.strerror(code), *([str(path)] if path else []))


def install(faults: Faults) -> None:
    """Make events of all that a run writes, and of all that it works on."""
    faults.around(Path, "replace", lambda _, target: target)
    faults.around(Path, "rename", lambda _, target: target)
    faults.around(Path, "unlink", lambda path, **_: path if path.exists() else False)
    faults.around(Path, "mkdir", lambda path, *_, **__: path if not path.exists() else False)
    faults.around(Path, "write_text", lambda path, *_, **__: path)
    faults.around(Path, "write_bytes", lambda path, *_, **__: path)
    faults.around(Path, "open", lambda path, mode="r", *_, **__: path if "w" in mode else False)
    faults.around(np, "savez_compressed", lambda path, **_: path)
    faults.around(L.Trainer, "save_checkpoint", lambda _, path: path)
    faults.around(mezoo.store, "write_blocks", lambda path, _: path)
    for owner, name in WORK:
        faults.around(owner, name, writes=False)


def act(job: dict[str, Any], room: Path) -> None:
    """Be the process of a job; never returns."""
    code = 99
    try:
        for stream, name in ((sys.stdout, "out"), (sys.stderr, "err")):
            os.dup2(os.open(room / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream.fileno())
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.environ["MEZOO_CACHE"] = str(room / "cache")
        sys.argv = ["mezoo", *job["arguments"]]
        install(Faults(job["fault"], room / "events"))
        code = main([*job["arguments"], "--runs", str(room / "runs")])
    except SystemExit as stop:
        code = int(stop.code or 0)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def end_of(job: dict[str, Any]) -> dict[str, Any]:
    """Run a job to its end."""
    room = Path(job["room"])
    room.mkdir(parents=True, exist_ok=True)
    (room / "events").unlink(missing_ok=True)
    child = os.fork()
    if not child:
        act(job, room)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    told = {name: (room / name).read_text(encoding="utf-8", errors="replace") for name in ("out", "err")}
    events = [json.loads(line) for line in (room / "events").read_text().splitlines()]
    return {"code": code, **told, "events": events}


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(end_of(json.loads(line))), flush=True)
