"""Numbers and names as a page shows them."""

from __future__ import annotations

import math
from collections.abc import Sequence

_LONGEST = 28


def number(x: float, digits: int = 3) -> str:
    """A number for people, with so many significant digits at least.

    >>> number(0.81234), number(1234567.8), number(-12.5), number(1e-7), number(math.nan)
    ('0.812', '1,234,568', '−12.5', '1e−07', '–')
    """
    if not math.isfinite(x):
        return "–" if math.isnan(x) else ("−∞" if x < 0 else "∞")
    size = abs(x)
    if size >= 1e9 or 0 < size < 1e-4:
        text = f"{x:.{digits}g}"
    elif size >= 10 ** (digits - 1):
        text = f"{x:,.0f}" if size >= 10**digits or x == round(x) else f"{x:,.{digits}g}"
    else:
        text = f"{x:.{digits}g}"
    return text.replace("-", "−")


def aligned(values: Sequence[float], digits: int = 3) -> list[str]:
    """Numbers below each other, with as many decimals as show so many digits of the largest.

    >>> aligned([0.1234, 0.00321, -0.05])
    ['0.123', '0.003', '−0.050']
    """
    largest = max((abs(x) for x in values if math.isfinite(x)), default=0.0)
    decimals = max(digits - 1 - math.floor(math.log10(largest)), 0) if largest else 0
    if decimals > 6:
        return [number(x, digits) for x in values]
    rounded = [round(x, decimals) + 0.0 for x in values]  # no zero with a sign
    return [f"{x:,.{decimals}f}".replace("-", "−") if math.isfinite(x) else number(x) for x in rounded]


def percent(share: float) -> str:
    """A share of a whole: tenths below 10%.

    >>> percent(0.25), percent(0.034), percent(0.0), percent(0.0001), percent(0.9999)
    ('25%', '3.4%', '0%', '<0.1%', '>99%')
    """
    if 0 < share < 0.0005:
        return "<0.1%"
    if 0.995 <= share < 1:
        return ">99%"
    return f"{100 * share:.1f}%" if 0 < share < 0.0995 else f"{100 * share:.0f}%"


def tick(x: float, _: float = 0) -> str:
    """A number beside an axis.

    >>> tick(250000.0), tick(0.5), tick(-3.0), tick(2.5e6)
    ('250k', '0.5', '−3', '2.5M')
    """
    size = abs(x)
    if 1e4 <= size < 1e6:
        text = f"{x / 1e3:g}k"
    elif 1e6 <= size < 1e9:
        text = f"{x / 1e6:g}M"
    else:
        text = f"{x:.6g}"
    return text.replace("-", "−")


def short(name: object, longest: int = _LONGEST) -> str:
    """A name in one line of so many characters at most.

    >>> short("a rather long name of a column in a file", 20)
    'a rather long name …'
    """
    text = " ".join(str(name).split())
    return text if len(text) <= longest else text[: longest - 1] + "…"


def counted(n: int, thing: str) -> str:
    """A number of things.

    >>> counted(1, "row"), counted(1200, "row")
    ('1 row', '1,200 rows')
    """
    return f"{n:,} {thing}{'' if n == 1 else 's'}"


__all__ = ["aligned", "counted", "number", "percent", "short", "tick"]
