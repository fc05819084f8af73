"""Is this machine fit to run on? Versions, combinations known to be bad, disk, memory, store, devices."""

from collections.abc import Iterator
from pathlib import Path

from mezoo.contracts import Bars
from mezoo.doctor.devices import devices, films
from mezoo.doctor.finding import Finding
from mezoo.doctor.machine import disks, machine, places, wandb_login
from mezoo.doctor.stored import stored
from mezoo.doctor.versions import bad_together, requirements, versions

__all__ = ["Finding", "examine"]


def examine(cache: Path, runs: Path, bars: Bars) -> Iterator[Finding]:
    """Every finding, what can be said at once first: torch is imported for the last ones only."""
    yield from versions()
    yield from requirements()
    yield from bad_together()
    yield from machine()
    yield from disks(cache, runs)
    yield from places()
    yield wandb_login()
    yield from stored(cache, bars)
    yield films()
    yield from devices()
