"""The wandb runs of a run: one a fold, grouped, and a summary. Nothing that wandb does can stop a training.

A fold that continues goes on in the run it had, under the same id. Online the server knows where it stopped. Offline
it is a second folder with the same id that asks to be joined: `wandb sync` sends both, in the order of their start.
"""

import glob
import logging
import netrc
import os
import shlex
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from lightning.pytorch.loggers import Logger
from lightning.pytorch.utilities import rank_zero_only

from mezoo.envelope import WandbBlock
from mezoo.files import write_atomic

INIT_TIMEOUT_S = 30
HEADER_BYTES = 7
"""Length of a `.wandb` file without a record."""
FINISH_TIMEOUT_S = 60
"""What a dead network may cost at the end of a fold; what was not sent then stays in the run's wandb folder."""
FLUSH_S = 1.0
"""How much of an offline run a killed process may lose."""
STEP = "trainer/step"
AXES = {"train/*": STEP, "held_out/*": "epoch"}
"""What a curve is drawn over."""


class WandbTracker:
    """Opens the wandb runs of a run. Falls back to offline, then to nothing."""

    def __init__(self, settings: WandbBlock, group: str, folder: Path, say: Callable[[str], None]) -> None:
        self._settings, self._group, self._folder, self._say = settings, group, folder, say
        self._told = False
        self.mode = choose_mode(settings)

    def open(self, name: str, job_type: str, config: Mapping[str, Any]) -> "WandbRun":
        """A wandb run, the one of an earlier call if there was one; one that swallows everything if it cannot start.

        It starts when there is something to log: loading and starting wandb takes longer than all else before a step.
        """
        identifier = f"{self._group}-{name}".replace("/", "-")
        _drop_empty(self._folder / "wandb", identifier)
        names, facts = (identifier, name, job_type), {"run": self._group, job_type: name, **config}
        steps = self._folder / "wandb" / f"{identifier}.steps"
        return WandbRun(lambda: self._begin(names, facts), self._complain, steps)

    def _begin(self, names: tuple[str, str, str], config: Mapping[str, Any]) -> Any:
        """Start a wandb run, offline if it must be; None if it cannot."""
        while self.mode != "disabled":
            try:
                run = self._init(names, config)
            except Exception as error:
                lower = "offline" if self.mode == "online" else "disabled"
                self._say(
                    f"wandb does not start {self.mode} ({_first_line(error)}); "
                    f"going on {lower}, training is not affected"
                )
                self.mode = lower
                _let_go()
                continue
            self._tell(run)
            if names[2] == "fold":
                self._define_axes(run)
            return run
        return None

    def _define_axes(self, run: Any) -> None:
        """Draw losses over steps and held-out scores over epochs."""
        try:
            for axis in sorted({*AXES.values()}):
                run.define_metric(axis, hidden=True)
            for names, axis in AXES.items():
                run.define_metric(names, step_metric=axis)
        except Exception as error:
            self._complain(error)

    def unsent(self) -> str:
        """The command that sends what was kept offline; "" where there is nothing to send."""
        files = (self._folder / "wandb").glob("offline-run-*/*.wandb")
        kept = (file for file in files if file.stat().st_size > HEADER_BYTES)
        if all(file.with_name(f"{file.name}.synced").exists() for file in kept):
            return ""
        return f"wandb sync {shlex.quote(str(self._folder / 'wandb'))}/offline-run-*"

    def _init(self, names: tuple[str, str, str], config: Mapping[str, Any]) -> Any:
        import wandb

        identifier, name, job_type = names
        settings = self._settings

        os.environ.setdefault("WANDB_SILENT", "true")
        logging.raiseExceptions = False  # else what wandb's own log cannot write is a traceback on the terminal
        (self._folder / "wandb").mkdir(parents=True, exist_ok=True)
        return wandb.init(
            project=settings.project,
            entity=settings.entity,
            notes=settings.notes,
            tags=list(settings.tags) or None,
            group=self._group,
            job_type=job_type,
            name=f"{settings.name or self._group.rpartition('-')[0]} {name}",
            id=identifier,
            resume="allow",
            mode=self.mode,  # pyright: ignore[reportArgumentType]
            dir=str(self._folder),
            config=dict(config),
            reinit="finish_previous",
            settings=_quiet(wandb),
        )

    def _tell(self, run: Any) -> None:
        """Say once where the runs can be looked at."""
        if self._told or self.mode != "online":
            return
        self._told = True
        if project := getattr(run, "project_url", None):
            self._say(f"wandb: {project}/groups/{self._group}")

    def _complain(self, error: Exception) -> None:
        if self.mode != "disabled":
            self._say(f"wandb stopped working ({_first_line(error)}); going on without it")
            self.mode = "disabled"


class WandbRun(Logger):
    """A wandb run as a Lightning logger whose every call may fail without consequence; `begin` makes it when needed.

    `steps` is a file with the number of rows logged so far: a run that continues numbers its rows on from there, as
    rows with a number that was used before would be dropped or written over. Without it rows are not numbered.
    """

    def __init__(self, begin: Callable[[], Any], complain: Callable[[Exception], None], steps: Path) -> None:
        super().__init__()
        self._begin: Callable[[], Any] | None = begin
        self._run: Any = None
        self._complain, self._steps, self._next = complain, steps, 0

    def start(self) -> None:
        """Start now, if it has not begun: processes that are forked from this one then share it."""
        if self._begin is None:
            return
        begin, self._begin = self._begin, None
        self._run = begin()
        self._next = max(_read_number(self._steps), int(getattr(self._run, "step", 0) or 0))

    name = version = None  # pyright: ignore

    def log_hyperparams(self, *_: Any, **__: Any) -> None:
        """Given as config when the run was opened."""

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Log values; the x axis is Lightning's `epoch` or step beside them."""
        self.safely(lambda run: self._log(run, {**metrics, STEP: step}))

    def log_media(self, media: Mapping[str, Any]) -> None:
        """Log tables, pictures and pages."""
        self.safely(lambda run: self._log(run, dict(media)))

    def _log(self, run: Any, row: dict[str, Any]) -> None:
        run.log(row, step=self._next)
        self._next += 1
        write_atomic(self._steps, str(self._next), lasting=False)  # once a step

    def summarise(self, values: Mapping[str, Any]) -> None:
        """Set summary values."""
        self.safely(lambda run: run.summary.update(dict(values)))

    def finish(self, *, failed: bool = False) -> None:
        """End the run."""
        self.safely(lambda run: run.finish(exit_code=int(failed)))
        self._run = None

    def safely(self, action: Callable[[Any], object]) -> None:
        """Do something with the wandb run if there is one, and survive it."""
        self.start()
        if self._run is None:
            return
        try:
            action(self._run)
        except Exception as error:
            broken, self._run = self._run, None
            self._complain(error)
            with suppress(Exception):
                broken.finish(exit_code=1)


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


def _quiet(wandb: Any) -> Any:
    """Settings of every run, as far as the installed wandb knows them."""
    wanted = {
        "init_timeout": INIT_TIMEOUT_S,
        "finish_timeout": FINISH_TIMEOUT_S,
        "silent": True,
        "console": "off",
        "x_disable_stats": True,
        "x_transaction_log_flush_interval": FLUSH_S,
    }
    known = getattr(wandb.Settings, "model_fields", wanted)
    return wandb.Settings(**{name: value for name, value in wanted.items() if name in known})


def _let_go() -> None:
    """End wandb's own process, which goes on holding the name of a run that did not start."""
    with suppress(Exception):
        import wandb

        wandb.teardown()


def _drop_empty(folder: Path, identifier: str) -> None:
    """Remove what a process left of this run that was killed before it wrote anything: `wandb sync` stops at that.

    Other runs are left alone: they may be written at this moment.
    """
    for file in folder.glob(f"offline-run-*/run-{glob.escape(identifier)}.wandb"):
        if file.stat().st_size <= HEADER_BYTES:
            shutil.rmtree(file.parent, ignore_errors=True)


def _read_number(file: Path) -> int:
    try:
        return int(file.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 0


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0][:160] or type(error).__name__
