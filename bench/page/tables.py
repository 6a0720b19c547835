"""Numbers and tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))


def duration(seconds: float) -> str:
    """Three digits and a unit.

    >>> duration(0.0000594), duration(1.2), duration(2e-10), duration(0.0)
    ('59.4 µs', '1.2 s', '0.2 ns', '0 s')
    """
    size, unit = next(((s, u) for s, u in UNITS if seconds >= s), UNITS[-1 if seconds else 0])
    return f"{seconds / size:.3g} {unit}" if seconds / size < 1000 else f"{seconds / size:.0f} {unit}"


def megabytes(size: int | None) -> str:
    return "" if size is None else f"{size / 2**20:.0f} MB"


def table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    rule = ["---", *("--:" for _ in head[1:])]
    return "\n".join("| " + " | ".join(line) + " |" for line in (head, rule, *lines))
