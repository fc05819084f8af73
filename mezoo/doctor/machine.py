"""Cores, memory, disks, folders of data, and whether results can be sent."""

import netrc
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from mezoo.doctor.finding import Finding
from mezoo.machine import cores

LEAST, FEW = 1 << 30, 10 << 30
"""Bytes of free disk: below the first nothing can be finished, below the second features of a dataset may not fit."""


def machine() -> Iterator[Finding]:
    """Cores that this process may use, and memory."""
    yield Finding("cores", f"{cores()} usable of {os.cpu_count()}")
    memory = _memory()
    if memory is not None:
        total, free = memory
        short = free < 2 << 30
        hint = "close other programs, or give fewer --workers" if short else ""
        yield Finding("memory", f"{_size(free)} free of {_size(total)}", "note" if short else "fine", hint)


def disks(cache: Path, runs: Path) -> Iterator[Finding]:
    """Free space, and whether it can be written, where features and runs go."""
    for topic, place, move in (("cache", cache, "set MEZOO_CACHE to another folder"), ("runs", runs, "give --runs")):
        there = next((p for p in (place, *place.absolute().parents) if p.is_dir()), Path("/"))
        free = shutil.disk_usage(there).free
        if not os.access(there, os.W_OK):
            yield Finding(f"disk of {topic}", f"{there} cannot be written", "wrong", move)
        elif free < LEAST:
            yield Finding(f"disk of {topic}", f"{_size(free)} free at {place}", "wrong", f"free some space, or {move}")
        else:
            text = f"{_size(free)} free at {place}"
            yield Finding(f"disk of {topic}", text, "note" if free < FEW else "fine", move if free < FEW else "")


def places() -> Iterator[Finding]:
    """The folder of licensed data that recipes name."""
    given = os.environ.get("MEZOO_DATA")
    if not given:
        hint = "export MEZOO_DATA=/where/the/datasets/are; --synthetic needs none"
        yield Finding("data", "MEZOO_DATA is not set: recipes find no licensed data", "note", hint)
    elif not Path(given).is_dir():
        yield Finding("data", f"MEZOO_DATA is {given}, which is no folder", "wrong", "mend the variable, or mount it")
    else:
        inside = sorted(p.name for p in Path(given).iterdir() if p.is_dir())
        yield Finding("data", f"MEZOO_DATA is {given}, with {', '.join(inside[:8]) or 'no folder'}")


def wandb_login() -> Finding:
    """Whether wandb would send; no key is printed, and nothing is asked of a server."""
    mode = os.environ.get("WANDB_MODE", "online")
    if mode != "online":
        return Finding("wandb", f"WANDB_MODE is {mode}: nothing is sent", "note")
    if os.environ.get("WANDB_API_KEY") or _in_netrc():
        return Finding("wandb", "logged in")
    return Finding("wandb", "not logged in: runs are kept offline", "note", "wandb login, or --set wandb.mode=disabled")


def _in_netrc() -> bool:
    place = Path(os.environ.get("NETRC", "~/.netrc")).expanduser()
    host = os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai").partition("://")[2].partition("/")[0]
    try:
        return netrc.netrc(str(place)).authenticators(host) is not None
    except (OSError, netrc.NetrcParseError, UnicodeDecodeError):
        return False


def _memory() -> tuple[int, int] | None:
    """Bytes in all and free; None where the system does not tell."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        told = {line.partition(":")[0]: int(line.split()[1]) << 10 for line in lines if line.endswith("kB")}
        return told["MemTotal"], told["MemAvailable"]
    except (OSError, ValueError, KeyError, IndexError):
        return None


def _size(n: float) -> str:
    return f"{n / (1 << 30):.1f} GiB"
