"""The error for a graph that cannot become native code."""

from __future__ import annotations

from subgrad.errors import ArgumentError


class UnknownOp(ArgumentError):
    """No kernel can compute an op: it is not made of others, and has no rule of its own."""

    def __init__(self, op: str) -> None:
        super().__init__(f"the compiler does not know the op {op!r}: give it an expand=, or a lower rule")
        self.op = op
