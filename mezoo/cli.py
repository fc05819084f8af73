"""The command line: from what was typed to a command, and from its errors to words and exit codes.

What can be typed stands in `mezoo.arguments`; what a command does in `mezoo.commands_<room>`, imported when needed.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from importlib import import_module
from io import TextIOWrapper
from typing import Any

from mezoo.arguments import build_parser

ROOMS = {
    "fit": "fit",
    "gather": "fit",
    "predict": "predict",
    "export": "predict",
    "extract": "features",
    "view": "features",
    "report": "report",
    "score": "score",
    "leaderboard": "leaderboard",
    "submit": "claims",
    "verify": "claims",
    "diff": "claims",
    "audit": "audit",
    "plan": "plan",
    "doctor": "doctor",
    "new": "plugins",
    "plugins_check": "plugins",
    "recipe_cp": "plugins",
    "schema": "plugins",
    "completion": "plugins",
}
"""Commands whose function stands in `mezoo.commands_<room>`."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; 0 done, 1 something failed, 2 a mistake of the user, 130 interrupted, 143 terminated."""
    for stream in (sys.stdout, sys.stderr):  # names from disk may hold bytes that are no text
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    arguments = build_parser().parse_args(argv)
    command: Callable[[argparse.Namespace], int] = getattr(_module(arguments.command), arguments.command)
    from mezoo.errors import MezooError
    from mezoo.signals import Ending, answered
    from mezoo.tables_out import reserved_output

    ending = Ending()
    try:
        with answered(ending), reserved_output() if getattr(arguments, "json", False) else nullcontext():
            return command(arguments)
    except MezooError as error:
        show_error(error.what, error.hint)
        return 2
    except KeyboardInterrupt:
        show_error(ending.word, "the same command continues where this one stopped")
        return ending.code
    except BrokenPipeError as error:
        if _unread():
            return 0
        show_error(f"a process that was asked is gone: {error}", "the same command continues where this one stopped")
        return 1
    except OSError as error:
        show_error(
            f"{error.strerror or error}: {error.filename or 'no file named'}", "check the disk and the permissions"
        )
        return 1


def _unread() -> bool:
    """Whether nobody reads standard output any more, such as `head` when it has enough."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        return True
    return False


def _module(command: str) -> Any:
    room = "data" if command.startswith("data_") else ROOMS.get(command, "")
    return import_module(f"mezoo.commands_{room}" if room else "mezoo.commands")


def show_error(what: str, hint: str) -> None:
    """Print an error and what to do next, in colour on a terminal."""
    red, dim, plain = ("\033[31m", "\033[2m", "\033[0m") if sys.stderr.isatty() else ("", "", "")
    print(f"{red}error:{plain} {_printable(what)}", file=sys.stderr)
    if hint:
        print(f"{dim}  ->{plain} {_printable(hint)}", file=sys.stderr)


def _printable(text: str) -> str:
    """A message without what could steer a terminal: it may hold names from files of strangers."""
    return "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in text)


if __name__ == "__main__":
    sys.exit(main())
