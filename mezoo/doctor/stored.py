"""The feature store: how much there is, and whether it is what was written."""

from collections.abc import Iterator
from pathlib import Path

from mezoo.contracts import Bars
from mezoo.doctor.finding import Finding
from mezoo.store import FeatureStore


def stored(cache: Path, bars: Bars) -> Iterator[Finding]:
    """Entries by number, size and checksum; files that no entry belongs to. Reads every entry once."""
    store = FeatureStore(cache)
    entries = [*store.entries()]
    size = sum(entry.size for entry in entries)
    damaged: list[str] = []
    with bars("checksums of stored features", len(entries)) as bar:
        for entry in entries:
            if not store.sound(entry):
                damaged.append(entry.path.name)
            bar.advance()
    text = f"{len(entries)} features, {size / (1 << 20):.0f} MiB in {store.root}"
    if damaged:
        what = f"{len(damaged)} of {text} are damaged (first: {damaged[0]})"
        yield Finding("store", what, "wrong", "nothing is lost: a run makes them again; if it recurs, check the disk")
    else:
        yield Finding("store", f"{text}, each with the checksum that it was written with")
    left = store.leftovers()
    if left:
        bulk = sum(path.stat().st_size for path in left if path.is_file()) >> 20
        what = f"{len(left)} files ({bulk} MiB) without an entry, left by commands that were ended"
        yield Finding("store", what, "note", "mezoo store prune --days 1 removes what was not used for a day")
