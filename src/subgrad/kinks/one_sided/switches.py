"""Conditions at their thresholds: which elements of a bool node switch at the point, and their value just after it.

``x < 1`` at x = 1 is False, and becomes True when x decreases. Along a direction, the tangents of the two operands
determine its next value. Logical ops and movement ops propagate this.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from subgrad.diff.conditions import is_comparison, matters, moved, moves, undecided
from subgrad.errors import GradientError
from subgrad.graph.tensor import Tensor
from subgrad.ops import logical_and, logical_not, logical_or


@dataclass(frozen=True)
class Switch:
    """The behaviour of a bool node at the point along a direction; arrays of its shape.

    Attributes:
        on: True where it is at its threshold.
        after: its value just after the point.
        slope: the derivative of the difference of the operands, where ``on``; NaN for two comparisons joined.
        loose: True where that slope is 0: then first derivatives do not determine the value after the point.
    """

    on: np.ndarray
    after: np.ndarray
    slope: np.ndarray
    loose: np.ndarray


def switch_of(node: Tensor, tangents: Sequence[Tensor | None], arriving: Sequence[Switch | None]) -> Switch | None:
    """The switch of the bool node ``node``, None if it stays as it is. Raises `GradientError` if that is not known."""
    if is_comparison(node.op) and any(t is not None for t in tangents):
        return _compared(node, tangents)
    if not any(s is not None and s.on.any() for s in arriving):
        return None
    if node.op is logical_not:
        (s,) = arriving
        assert s is not None
        return Switch(s.on, ~s.after, -s.slope, s.loose)
    parts = [_still(i) if s is None else s for i, s in zip(node.inputs, arriving, strict=True)]
    if node.op is logical_and or node.op is logical_or:
        return _both(node, *parts)
    if moves(node):
        after = moved(node, [p.after for p in parts], node.attrs.get("value", 0))
        on, slope, loose = (moved(node, [getattr(p, name) for p in parts], 0) for name in ("on", "slope", "loose"))
        return Switch(on, after, slope, loose)
    raise GradientError(f"{node.op.name} takes a condition that is at its threshold, and jumps where that switches")


def _compared(node: Tensor, tangents: Sequence[Tensor | None]) -> Switch | None:
    tie = undecided(node)
    on = np.zeros(()) if tie is None else tie.numpy()
    if not on.any():
        return None
    s, t = (0.0 if t is None else t.numpy() for t in tangents)
    slope = np.where(on, t - s, 0)
    return Switch(on, np.where(on, node.op.ref(0, slope), node.numpy()), slope, on & (slope == 0))


def _still(node: Tensor) -> Switch:
    no = np.zeros(node.shape, bool)
    return Switch(no, node.numpy(), np.zeros(node.shape), no)


def _both(node: Tensor, a: Switch, b: Switch) -> Switch:
    """Two conditions joined: an element at the threshold of one switches if the other does not determine the result."""
    of_a, of_b = matters(node)
    left, right = a.on & (of_a | b.on), b.on & (of_b | a.on)
    slope = np.where(left & right, np.nan, np.where(left, a.slope, b.slope))
    after = node.op.ref(a.after, b.after)
    return Switch(left | right, after, slope, (left & a.loose) | (right & b.loose))


__all__ = ["Switch", "switch_of"]
