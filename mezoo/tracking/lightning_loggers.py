"""Lightning's own loggers, by the names that a recipe's `loggers:` may hold."""

from collections.abc import Sequence
from pathlib import Path

from lightning.pytorch.loggers import CSVLogger, Logger, TensorBoardLogger


def named_loggers(names: Sequence[str], folder: Path) -> list[Logger]:
    """The loggers of a fold, which write below `folder`; a fold that continues keeps what is there.

    csv: `csv/version_<n>/metrics.csv`, a new n each time, since CSVLogger would empty an old one.
    tensorboard: a further event file in `tensorboard/`, which TensorBoard shows as the same curve.
    """
    made: list[Logger] = []
    for name in names:
        if name == "csv":
            made.append(CSVLogger(folder, name="csv"))
        else:
            made.append(TensorBoardLogger(folder, name="tensorboard", version=""))
    return made
