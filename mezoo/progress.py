"""Progress with time left: bars on a terminal, plain lines elsewhere. Everything goes to standard error."""

import sys
import time
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol

from mezoo.contracts import Bar


class Progress(Protocol):
    """Where work is reported; bars may be opened inside one another."""

    def bar(self, title: str, total: int, done: int = 0) -> AbstractContextManager[Bar]:
        """Open a bar; `done` steps of `total` were finished before."""
        ...

    def say(self, text: str) -> None:
        """A line that stays."""
        ...


class LineProgress:
    """Plain lines: outermost bars print every step, inner ones at most every `every` seconds."""

    def __init__(self, every: float = 10.0) -> None:
        self._every = every
        self._depth = 0

    @contextmanager
    def bar(self, title: str, total: int, done: int = 0) -> Generator[Bar]:
        """Open a counted piece of work."""
        self._depth += 1
        try:
            yield _LineBar(title, (done, total), self._every if self._depth > 1 else min(2.0, self._every))
        finally:
            self._depth -= 1

    def say(self, text: str) -> None:
        """Print a line."""
        print(text, file=sys.stderr, flush=True)


class _LineBar:
    def __init__(self, title: str, counts: tuple[int, int], every: float) -> None:
        self._title, (self._done, self._total), self._every = title, counts, every
        self._first, self._start, self._last = self._done, time.monotonic(), 0.0

    def advance(self, text: str = "") -> None:
        self._done += 1
        now = time.monotonic()
        if now - self._last < self._every and self._done < self._total:
            return
        self._last = now
        left = (now - self._start) / (self._done - self._first) * (self._total - self._done)
        note = f", {duration(left)} left" if self._done < self._total else f", took {duration(now - self._start)}"
        print(f"{self._title} {self._done}/{self._total}{note}  {text}".rstrip(), file=sys.stderr, flush=True)


class RichProgress:
    """Bars with time left, drawn by rich."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        columns = (
            TextColumn("{task.description}", style="bold"),
            BarColumn(bar_width=28),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(elapsed_when_finished=False),
            TextColumn("{task.fields[text]}", style="dim"),
        )
        self._rich = Progress(*columns, console=Console(stderr=True), transient=False)
        self._depth = 0

    @contextmanager
    def bar(self, title: str, total: int, done: int = 0) -> Generator[Bar]:
        """Open a bar; it is removed when it lies inside another."""
        self._depth += 1
        if self._depth == 1:
            self._rich.start()
        task = self._rich.add_task(title, total=total, completed=done, text="")
        try:
            yield _RichBar(self._rich, task)
        finally:
            self._depth -= 1
            if self._depth:
                self._rich.remove_task(task)
            else:
                self._rich.stop()
                self._rich.remove_task(task)

    def say(self, text: str) -> None:
        """Print a line above the bars."""
        self._rich.console.print(text, markup=False, highlight=False)


class _RichBar:
    def __init__(self, rich: Any, task: Any) -> None:
        self._rich, self._task = rich, task

    def advance(self, text: str = "") -> None:
        self._rich.update(self._task, advance=1, text=text)


def make_progress() -> Progress:
    """Bars if standard error is a terminal, else lines."""
    return RichProgress() if sys.stderr.isatty() else LineProgress()


def duration(seconds: float) -> str:
    """'42 s', '3 min 05 s' or '2 h 10 min'."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"
