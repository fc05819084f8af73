"""Where curves go: a CSV always, wandb when it works. Nothing that wandb does can stop a training."""

import csv
import netrc
import os
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from lightning.pytorch.loggers import Logger

from mezoo.envelope import WandbBlock
from mezoo.files import write_csv

INIT_TIMEOUT_S = 30


class EpochCsv(Logger):
    """`metrics.csv` of a fold: one row an epoch, step values averaged; earlier epochs stay when a fold continues."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._rows: dict[int, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
        if path.is_file():
            with path.open(newline="", encoding="utf-8") as file:
                for row in csv.DictReader(file):
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

    def save(self) -> None:
        """Write the file; Lightning calls it at the end of every epoch."""
        keys = sorted({k for row in self._rows.values() for k in row})
        mean = {e: {k: sum(v) / len(v) for k, v in row.items()} for e, row in self._rows.items()}
        rows = [[e, *(f"{mean[e][k]:.6g}" if k in mean[e] else "" for k in keys)] for e in sorted(mean) if e >= 0]
        write_csv(self._path, ["epoch", *keys], rows)

    def finalize(self, status: str) -> None:
        """Write what is left."""
        del status
        self.save()


class WandbTracker:
    """Opens the wandb runs of a run: one a fold, grouped, and a summary. Falls back to offline, then to nothing."""

    def __init__(self, settings: WandbBlock, group: str, folder: Path, say: Callable[[str], None]) -> None:
        self._settings, self._group, self._folder, self._say = settings, group, folder, say
        self.mode = choose_mode(settings)

    def open(self, name: str, job_type: str, config: Mapping[str, Any]) -> "WandbRun":
        """A wandb run; one that swallows everything if wandb cannot start."""
        identifier = f"{self._group}-{name}".replace("/", "-")
        while self.mode != "disabled":
            try:
                return WandbRun(self._init((identifier, name, job_type), config), self._complain)
            except Exception as error:
                lower = "offline" if self.mode == "online" else "disabled"
                self._say(
                    f"wandb does not start {self.mode} ({_first_line(error)}); "
                    f"going on {lower}, training is not affected"
                )
                self.mode = lower
                identifier += "-offline"  # wandb's own process may still hold the first one
        return WandbRun(None, self._complain)

    def _init(self, names: tuple[str, str, str], config: Mapping[str, Any]) -> Any:
        import wandb

        identifier, name, job_type = names

        os.environ.setdefault("WANDB_SILENT", "true")
        (self._folder / "wandb").mkdir(parents=True, exist_ok=True)
        return wandb.init(
            project=self._settings.project,
            entity=self._settings.entity,
            tags=list(self._settings.tags) or None,
            group=self._group,
            job_type=job_type,
            name=name,
            id=identifier,
            resume="allow" if self.mode == "online" else None,
            mode=self.mode,  # pyright: ignore[reportArgumentType]
            dir=str(self._folder),
            config=dict(config),
            reinit="finish_previous",
            settings=wandb.Settings(init_timeout=INIT_TIMEOUT_S, silent=True, console="off", x_disable_stats=True),
        )

    def _complain(self, error: Exception) -> None:
        if self.mode != "disabled":
            self._say(f"wandb stopped working ({_first_line(error)}); going on without it")
            self.mode = "disabled"


class WandbRun(Logger):
    """A wandb run as a Lightning logger whose every call may fail without consequence."""

    def __init__(self, run: Any, complain: Callable[[Exception], None]) -> None:
        super().__init__()
        self._run, self._complain = run, complain

    name = version = None  # pyright: ignore

    def log_hyperparams(self, *_: Any, **__: Any) -> None:
        """Given as config when the run was opened."""

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Log values; the x axis is Lightning's `epoch` or step beside them."""
        self.safely(lambda run: run.log({**metrics, "trainer/step": step}))

    def summarise(self, values: Mapping[str, Any]) -> None:
        """Set summary values."""
        self.safely(lambda run: run.summary.update(dict(values)))

    def finish(self) -> None:
        """End the run."""
        self.safely(lambda run: run.finish())
        self._run = None

    def safely(self, action: Callable[[Any], object]) -> None:
        """Do something with the wandb run if there is one, and survive it."""
        if self._run is None:
            return
        try:
            action(self._run)
        except Exception as error:
            self._run = None
            self._complain(error)


def choose_mode(settings: WandbBlock) -> str:
    """$WANDB_MODE, else the recipe's, else online where the user is logged in, else offline."""
    asked = os.environ.get("WANDB_MODE") or settings.mode
    if asked in {"online", "offline", "disabled"}:
        return asked
    return "online" if logged_in() else "offline"


def logged_in() -> bool:
    """A key in the environment or in netrc; nothing is sent."""
    if os.environ.get("WANDB_API_KEY"):
        return True
    host = urlparse(os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai")).hostname or ""
    places = [os.environ.get("NETRC"), Path.home() / ".netrc", Path.home() / "_netrc"]
    for place in places:
        try:
            if place and netrc.netrc(str(place)).authenticators(host):
                return True
        except (OSError, netrc.NetrcParseError):
            continue
    return False


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0][:160] or type(error).__name__
