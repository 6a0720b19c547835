"""Recurrence: loops in graphs, and backpropagation through time."""

from subgrad.recur import batch, mask  # noqa: F401  (the rules by which loops are mapped, and masked)
from subgrad.recur.checkpoint import checkpoint
from subgrad.recur.control import cond, fori_loop, while_loop
from subgrad.recur.scan import scan

__all__ = ["checkpoint", "cond", "fori_loop", "scan", "while_loop"]
