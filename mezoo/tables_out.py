"""What commands print: tables on a terminal, and JSON that nothing else gets into."""

import io
import json
import os
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, redirect_stdout
from typing import Any

_OUTPUT: list[Callable[[str], object]] = []
"""Writes to the standard output that is reserved, while one is."""


@contextmanager
def reserved_output() -> Generator[None]:
    """Keep standard output for `print_json`: what plugins, libraries and processes print goes to standard error."""
    real = sys.stdout
    try:
        whole = real.fileno() == 1
    except (AttributeError, OSError, ValueError, io.UnsupportedOperation):
        whole = False
    kept = os.dup(1) if whole else -1
    if whole:
        real.flush()
        os.dup2(2, 1)
    _OUTPUT.append((lambda text: _write(kept, text.encode())) if whole else real.write)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        _OUTPUT.pop()
        if whole:
            os.dup2(kept, 1)
            os.close(kept)


def _write(number: int, data: bytes) -> None:
    while data:
        data = data[os.write(number, data) :]


def print_json(value: Any) -> None:
    """Print a value as JSON, also where standard output is reserved."""
    print_text(json.dumps(value, indent=1))


def print_text(text: str) -> None:
    """Print what is JSON already."""
    (_OUTPUT[-1] if _OUTPUT else sys.stdout.write)(f"{text}\n")


def print_table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table: drawn by rich on a terminal, tab-separated when piped."""
    if not sys.stdout.isatty():
        print("\n".join("\t".join(row) for row in [*([[title]] if title else []), header, *rows]))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(title, style="table.title") if title else None, title_justify="left", header_style="bold")
    for name in header:
        table.add_column(name)
    for row in rows:
        table.add_row(*(Text(cell, style="red" if cell.startswith("broken") else "") for cell in row))
    Console().print(table)
