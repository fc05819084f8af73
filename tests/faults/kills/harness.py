"""Runs commands of mezoo, each in a fork of one process that has imported torch, and breaks each where it is told.

It reads lines of JSON, each some jobs that begin at the same moment, and answers each with a line, their endings.

A job: `arguments` of the command line ({runs} and {run} stand for the folders), `room` (its store and run folder lie
there), `name` among those at the same moment, `fault` or null. A fault: `at` (the event's number, or what is done, on
which file, which of them), `when` (before, half, after), `how` (a signal; another: a process that writes `text` to
`file`; or the name of an errno: the disk then stays so if `lasting`), `who` (worker: a process that the command
started; else the command's own), `whom` (parent, or group: who gets the signal, if not who meets the event).

An ending: `code` (minus the signal, as Python tells it), `out`, `err`, `events` as (what, file), and `left`, how many
processes of it were still there when it had been gone for some seconds.

Processes that a command starts are forked, too: what they do is the same, and torch is there already. With a fault that
goes to the group they are spawned, as they are everywhere else.
"""

import ctypes
import errno
import functools
import json
import multiprocessing
import os
import signal
import sys
import time
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
import mezoo.executors.process
import mezoo.executors.stacked
import mezoo.fold
import mezoo.run
import mezoo.signals
import mezoo.store
from mezoo.cli import main
from mezoo.executors.worker import PipeBar

FORK = multiprocessing.get_context("fork")
GONE_S = 10.0
"""How long what a command started may outlive it."""
LOADING_S = 0.3
"""When a process that was spawned is somewhere in its imports."""
WORK = [
    *((owner, "__call__") for owner in (ToyMean, ToySides)),
    *((owner, name) for owner in (ToyThreshold, ToySide) for name in ("prepare", "training_step", "predict_step")),
    (mezoo.fold, "choose"),
    (PipeBar, "advance"),
    (mezoo.executors.stacked, "together"),
    (mezoo.signals, "start"),
    *((mezoo.run, name) for name in ("write_tables", "summarise", "write_report", "log_summary")),
]
"""What takes time in a run and writes nothing itself."""


class Faults:
    """Counts what a run does, and breaks it at one of these events."""

    def __init__(self, fault: dict[str, Any] | None, log: Path) -> None:
        self.fault, self.count, self.inside, self.full = fault, 0, False, False
        self.seen, self.owner, self.struck = 0, os.getpid(), log.with_name("struck")
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
            here = bool(self.fault) and self.due(number, what, str(path or ""))
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

    def due(self, number: int, what: str, file: str) -> bool:
        """Whether this is the event of the fault; of several processes, the first that comes to it."""
        at = self.fault["at"]
        if isinstance(at, int):
            return at == number
        if (self.fault.get("who") == "worker") != (os.getpid() != self.owner) or at[0] not in what or at[1] not in file:
            return False
        self.seen += 1
        if self.seen != at[2] + 1 or self.struck.exists():
            return False
        self.struck.touch()
        return True

    def strike(self, path: Any) -> None:
        """End this process or its parent, or be a disk that takes no more."""
        how = self.fault["how"]
        if self.fault.get("whom") == "parent":
            os.kill(os.getppid(), getattr(signal, how))
            time.sleep(GONE_S)  # until the parent ends this process, or it ends itself
            return
        if self.fault.get("whom") == "group":
            time.sleep(LOADING_S)
            os.killpg(0, getattr(signal, how))
            return
        if how == "another":
            Path(self.fault["file"]).write_text(self.fault["text"])
            return
        if how.startswith("SIG"):
            # A torn write is what a process leaves that ends at once; other signals may be answered later.
            os.kill(os.getpid(), signal.SIGKILL if self.fault["when"] == "half" else getattr(signal, how))
            return
        self.full = self.fault.get("lasting", False)
        code = getattr(errno, how)
        raise OSError(code, os.strerror(code), *([str(path)] if path else []))


def install(faults: Faults) -> None:
    """Make events of all that a run writes, and of all that it works on."""
    faults.around(os, "replace", lambda _, target: target)
    faults.around(Path, "replace", lambda _, target: target)
    faults.around(Path, "rename", lambda _, target: target)
    faults.around(Path, "unlink", lambda path, **_: path if path.exists() else False)
    faults.around(Path, "mkdir", lambda path, *_, **__: path if not path.exists() else False)
    faults.around(Path, "write_text", lambda path, *_, **__: path)
    faults.around(Path, "write_bytes", lambda path, *_, **__: path)
    faults.around(Path, "open", lambda path, mode="r", *_, **__: path if "w" in mode else False)
    faults.around(np, "savez_compressed", lambda file, **_: getattr(file, "name", file))
    faults.around(L.Trainer, "save_checkpoint", lambda _, path: path)
    faults.around(mezoo.store, "write_blocks", lambda path, _: path)
    for owner, name in WORK:
        faults.around(owner, name, writes=False)


def act(job: dict[str, Any], room: Path) -> None:
    """Be the process of a job; never returns."""
    code = 99
    try:
        for stream, name in ((sys.stdout, "out"), (sys.stderr, "err")):
            os.dup2(os.open(room / f"{name}{job['name']}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream.fileno())
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.environ["MEZOO_CACHE"] = str(room / "cache")
        sys.argv = ["mezoo", *job["arguments"]]
        if (job["fault"] or {}).get("whom") != "group":
            multiprocessing.get_context = lambda *_: FORK
        os.setpgid(0, 0)
        install(Faults(job["fault"], room / f"events{job['name']}"))
        run = next(iter(room.glob("runs/*")), room)
        code = main([{"{runs}": str(room / "runs"), "{run}": str(run)}.get(a, a) for a in job["arguments"]])
    except SystemExit as stop:
        code = int(stop.code or 0)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def begun(job: dict[str, Any]) -> int:
    """Begin a job; the number of its process."""
    room = Path(job["room"])
    room.mkdir(parents=True, exist_ok=True)
    for left in (f"events{job['name']}", "struck"):
        (room / left).unlink(missing_ok=True)
    child = os.fork()
    if not child:
        act(job, room)
    return child


def told(job: dict[str, Any], code: int, left: int) -> dict[str, Any]:
    """The ending of a job."""
    room, name = Path(job["room"]), job["name"]
    said = {n: (room / f"{n}{name}").read_text(encoding="utf-8", errors="replace") for n in ("out", "err")}
    events = [json.loads(line) for line in (room / f"events{name}").read_text().splitlines()]
    return {"code": code, **said, "events": events, "left": left}


def ends_of(jobs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Run jobs at the same time to their ends."""
    children = [begun(job) for job in jobs]
    codes = dict.fromkeys(children, 0)
    for child in children:
        codes[child] = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    left = orphans()
    return [told(job, codes[child], left) for job, child in zip(jobs, children, strict=True)]


def orphans() -> int:
    """Wait for what the commands started and left to this process; how many end by force alone."""
    end, forced = time.monotonic() + GONE_S, 0
    while True:
        try:
            gone, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return forced
        if gone:
            continue
        if time.monotonic() > end:
            own = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
            forced += len(own)
            for orphan in own:
                os.kill(int(orphan), signal.SIGKILL)
            end += GONE_S
        time.sleep(0.01)


if __name__ == "__main__":
    subreaper = 36  # PR_SET_CHILD_SUBREAPER: orphans come to this process
    ctypes.CDLL(None).prctl(subreaper, 1)
    for line in sys.stdin:
        print(json.dumps(ends_of(json.loads(line))), flush=True)
