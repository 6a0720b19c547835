"""Elementwise functions of one input by their Taylor models: two parallel lines, with all rounding errors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from subgrad import ops
from subgrad.bounds.backward.curves import Curve, Relaxation, constant_where_unknown, wide
from subgrad.bounds.bounder import middle_and_half
from subgrad.bounds.taylor.rounding import TINY, UNIT
from subgrad.bounds.taylor.rules import taylor_models
from subgrad.bounds.taylor.taylor_model import TaylorModel
from subgrad.compile.runtime.interpret import Interpreter
from subgrad.errors import ArgumentError
from subgrad.graph.dtype import float64, using_dtype
from subgrad.graph.op import Op, apply
from subgrad.graph.tensor import constant, placeholder
from subgrad.intervals.arithmetic import Interval

BLOCK = 1024  # elements that are bounded at once


def by_taylor_model(op: Op, attrs: dict[str, Any], interval: Callable[[Sequence[Interval]], Interval]) -> Curve | None:
    """The curve of an elementwise op of one input; None if it has no Taylor model."""
    lines = _Lines(op, attrs)
    try:
        lines.interpreter  # noqa: B018
    except ArgumentError:
        return None

    def relax(xs: Sequence[Interval], z: Interval) -> Relaxation:
        slope, low, high = lines(xs[0])
        return constant_where_unknown(Relaxation([(slope, slope)], low, high), z)

    return Curve((0,), relax, interval, wide)


class _Lines:
    """The function between ``slope x + low`` and ``slope x + high``."""

    def __init__(self, op: Op, attrs: dict[str, Any]) -> None:
        self.op, self.attrs = op, attrs

    @cached_property
    def interpreter(self) -> Interpreter:
        middle, half = (placeholder((BLOCK, 1), float64, name) for name in ("middles", "halves"))
        x = placeholder((1,), float64, "a number")
        with using_dtype(float64):
            unit = constant(np.ones((1, 1, 1)))
            model = TaylorModel(half, middle, unit)
            (found,) = taylor_models([apply(self.op, (x,), self.attrs)], {x: model}, half)
            zero = ops.zeros((BLOCK, 1))
            slopes = zero if found.slopes is None else found.slopes.reshape(-1, 1)
            parts = found.centre, slopes, zero if found.radius is None else found.radius
            return Interpreter([middle, half], [ops.broadcast_to(p, (BLOCK, 1)) for p in parts])

    def __call__(self, x: Interval) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        shape, size = x.low.shape, x.low.size
        room = -size % BLOCK
        middle, half = middle_and_half(*(np.pad(e.ravel(), (0, room)) for e in x))
        blocks = zip(middle.reshape(-1, BLOCK, 1), half.reshape(-1, BLOCK, 1), strict=True)
        with np.errstate(all="ignore"):
            found = [self.interpreter(list(block)) for block in blocks]
            centre, slope, radius = (np.concatenate([f[k] for f in found]).ravel()[:size] for k in range(3))
            moved = slope * middle[:size]
            error = radius * (1 + 4 * UNIT) + 4 * UNIT * (np.abs(centre) + np.abs(moved)) + TINY
            offset = centre - moved
            return slope.reshape(shape), (offset - error).reshape(shape), (offset + error).reshape(shape)


__all__ = ["by_taylor_model"]
