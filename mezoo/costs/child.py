"""One call in a process of its own: torch stays out of this one, its peak memory is its own, and it can be ended."""

from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any, TypeVar

T = TypeVar("T")


def in_child(function: Callable[..., T], *arguments: Any, limit_s: float | None = None) -> T | None:
    """What `function(*arguments)` returns in a fresh process; None if it is not done after `limit_s` seconds.

    Everything that goes in and out is pickled. Raises what the function raises; RuntimeError if the process dies.
    """
    context = get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_call, args=(theirs, function, arguments), daemon=True)
    process.start()
    theirs.close()
    try:
        if not ours.poll(limit_s):
            return None
        done, answer = ours.recv()
    except EOFError as error:
        process.join()
        raise RuntimeError(f"the process ended with code {process.exitcode}; is memory short?") from error
    finally:
        if process.is_alive():
            process.join(0.5)
        process.kill()
        process.join()
        ours.close()
    if not done:
        raise answer
    return answer


def _call(pipe: Connection, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    try:
        answer = True, function(*arguments)
    except Exception as error:
        answer = False, error
    try:
        pipe.send(answer)
    except Exception:  # an error that cannot travel
        pipe.send((False, RuntimeError(f"{type(answer[1]).__name__}: {answer[1]}")))
