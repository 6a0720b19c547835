"""One turn of a loop that is being written."""

from __future__ import annotations

from dataclasses import dataclass

from subgrad.compile.codegen.llvm_values import Index, Value


@dataclass(slots=True)
class Turn:
    """One turn of a loop: its counter, and the values carried to the next turn (assign ``carry``).

    After the loop, both are what they were when it ended.
    """

    index: Index
    carry: tuple[Value, ...]


__all__ = ["Turn"]
