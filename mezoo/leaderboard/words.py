"""Values as short words, for cells of a table."""

NONE = "–"


def f3(value: float | None) -> str:
    """A ratio with three decimals, or a dash."""
    return NONE if value is None else f"{value:.3f}"


def signed(value: float | None) -> str:
    """A difference with its sign and three decimals, or a dash."""
    return NONE if value is None else f"{value:+.3f}"


def span(interval: tuple[float, float] | None) -> str:
    """0.123 to 0.456, or a dash."""
    return NONE if interval is None else f"{interval[0]:.3f} to {interval[1]:.3f}"


def short_count(value: float | None) -> str:
    """950, 12.3k, 4.56M, or a dash."""
    if value is None:
        return NONE
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:g}"


def short_time(seconds: float | None) -> str:
    """9 s, 12 min, 3.4 h, 2.1 d, or a dash."""
    if seconds is None:
        return NONE
    for size, unit in ((172_800, "d"), (7_200, "h"), (120, "min")):
        if seconds >= size:
            return f"{seconds / {'d': 86_400, 'h': 3_600, 'min': 60}[unit]:.3g} {unit}"
    return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"


def plural(count: int, noun: str) -> str:
    """1 run, 2 runs."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def p_value(p: float | None) -> str:
    """p as a person reads it."""
    return NONE if p is None else "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
