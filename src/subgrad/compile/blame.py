"""Where the compiler was when it failed, as a note on the error."""

from __future__ import annotations

from subgrad.graph.tensor import Tensor


def blame(error: Exception, node: Tensor) -> None:
    """Note at which op the compiler was when ``error`` was raised; the innermost place counts."""
    error.add_note(f"at the op {node.op.name!r} of {node.site}")


__all__ = ["blame"]
