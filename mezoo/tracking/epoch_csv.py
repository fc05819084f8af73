"""`metrics.csv` of a fold."""

from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import Logger

from mezoo.files import read_rows, write_csv


class EpochCsv(Logger):
    """`metrics.csv` of a fold: one row an epoch, step values averaged; earlier epochs stay when a fold continues."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._rows: dict[int, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
        # Curves of earlier epochs are drawn and judged by nobody: a damaged table is begun anew.
        with suppress(OSError, ValueError, KeyError):
            for row in read_rows(path):
                epoch = int(row.pop("epoch"))
                self._rows[epoch] = defaultdict(list, {k: [float(v)] for k, v in row.items() if v})
        self._kept = set(self._rows)

    name = version = None  # pyright: ignore

    def log_hyperparams(self, *_: Any, **__: Any) -> None:
        """The resolved recipe holds them."""

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Take values of an epoch; an epoch that is run again replaces what was there."""
        del step
        epoch = int(metrics.get("epoch", -1))
        if epoch in self._kept:
            self._rows.pop(epoch)
            self._kept.discard(epoch)
        for key, value in metrics.items():
            if key != "epoch":
                self._rows[epoch][key].append(float(value))

    def keep(self, epoch: int, metrics: Mapping[str, Any]) -> None:
        """Take and write the means of an epoch; to be given them once more changes nothing."""
        self.log_metrics({"epoch": epoch, **{k: float(v) for k, v in metrics.items() if k != "epoch"}})
        self.save()

    def save(self) -> None:
        """Write the file; Lightning calls it at the end of every epoch."""
        keys = sorted({k for row in self._rows.values() for k in row})
        mean = {e: {k: sum(v) / len(v) for k, v in row.items()} for e, row in self._rows.items()}
        rows = [[e, *(f"{mean[e][k]:.6g}" if k in mean[e] else "" for k in keys)] for e in sorted(mean) if e >= 0]
        write_csv(self._path, ["epoch", *keys], rows, lasting=False)

    def finalize(self, status: str) -> None:
        """Write what is left."""
        del status
        self.save()
