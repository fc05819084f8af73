"""Small pieces of SVG as text. Positions along x are percentages: a figure takes any width, its text keeps its size."""

from html import escape
from math import ceil, floor, log10


def pct(share: float) -> str:
    """A share of the width as an SVG length: 0.125 -> 12.5%."""
    return f"{100 * share:.2f}".rstrip("0").rstrip(".") + "%"


def element(name: str, body: str = "", **attributes: object) -> str:
    """An SVG element; `class_` is class, `_` in a name is `-`; attribute values are escaped, the body is not."""
    pairs = ((k.rstrip("_").replace("_", "-"), escape(str(v))) for k, v in attributes.items())
    head = name + "".join(f' {k}="{v}"' for k, v in pairs)
    return f"<{head}>{body}</{name}>" if body else f"<{head}/>"


def text(words: str, x: str, y: float, **attributes: object) -> str:
    """Escaped text at x (an SVG length) and y pixels."""
    return element("text", escape(words), x=x, y=f"{y:g}", **attributes)


def ticks(low: float, high: float, most: int = 6, whole: bool = False) -> list[float]:
    """At most about `most` round numbers from low to high, `whole` ones if asked."""
    span = max(high - low, 1e-12)
    power = 10.0 ** floor(log10(span / most))
    step = next(s * power for s in (1, 2, 5, 10, 20) if span / (s * power) <= most)
    step = max(step, 1.0) if whole else step
    first = ceil(low / step - 1e-9)
    return [round(i * step, 10) for i in range(first, floor(high / step + 1e-9) + 1)]
