"""Tables on a terminal."""

from collections.abc import Sequence


def print_table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table: drawn by rich on a terminal, tab-separated when piped."""
    import sys

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
