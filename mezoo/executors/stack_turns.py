"""Threads of which one runs at a time: each trains a fold until it asks for a step, and goes on with the answer."""

import random
from collections.abc import Callable, Sequence
from threading import Semaphore, Thread
from typing import Generic, TypeVar

import numpy as np

Asked = TypeVar("Asked")
Told = TypeVar("Told")


class Stopped(BaseException):
    """Ends a thread whose fold is not to be trained further now; no fold fails by it."""


class Seat(Generic[Asked, Told]):
    """A thread that works, asks, and waits. `ask` is what it waits for; `error` what ended it."""

    def __init__(self, name: str, work: Callable[["Seat[Asked, Told]"], object]) -> None:
        self.name = name
        self.ask: Asked | None = None
        self.ended = False
        self.error: BaseException | None = None
        self._work, self._answer, self._stopped = work, None, False
        self._go, self._back = Semaphore(0), Semaphore(0)
        self._running = False
        self._thread = Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def go_on(self, answer: Told | None = None) -> None:
        """Let it work until it asks again or ends; called from outside. Raises what ended it."""
        self.ask, self._answer = None, answer
        self._running = True
        self._go.release()
        self._back.acquire()
        self._running = False
        if self.error is not None:
            raise self.error

    def wait(self, ask: Asked) -> Told | None:
        """Ask and wait for the answer; called by the work itself. Its chance is as before afterwards, but torch's."""
        kept = random.getstate(), np.random.get_state()
        self.ask = ask
        self._back.release()
        self._go.acquire()
        if self._stopped:
            raise Stopped
        random.setstate(kept[0])
        np.random.set_state(kept[1])
        return self._answer

    def stop(self) -> None:
        """End it where it asks next; called from outside."""
        self._stopped = True
        if self._running:
            self._back.acquire()
        if not self.ended:
            self._go.release()
            self._thread.join()

    def _run(self) -> None:
        self._go.acquire()
        try:
            if not self._stopped:
                self._work(self)
        except Stopped:
            pass
        except BaseException as error:
            self.error = error
        self.ended = True
        self._back.release()


def stop_all(seats: Sequence[Seat[Asked, Told]]) -> None:
    """End every thread that has not ended."""
    for seat in seats:
        seat.stop()
