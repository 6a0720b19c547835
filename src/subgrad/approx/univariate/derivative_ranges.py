"""Intervals that hold a function, its gradient and its Hessian on boxes, rounded outwards.

The graphs of the derivatives are evaluated in interval arithmetic. The result is valid where the functions in them are
smooth. A comparison that is undecided on a box may select another branch inside of the box, at a jump; then the
derivatives of the graph with that comparison are unbounded.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from subgrad import ops
from subgrad.approx.pointwise import Pointwise
from subgrad.graph.order import toposort
from subgrad.graph.tensor import Tensor
from subgrad.intervals import arithmetic as iv
from subgrad.intervals.arithmetic import Interval
from subgrad.intervals.choice import reference
from subgrad.intervals.interval_rules import INTERVAL

LARGEST = np.finfo(np.float64).max


class DerivativeRanges(NamedTuple):
    """Of n boxes: intervals (n,) of the values, (n, d) of the gradients, (n, d, d) of the Hessians."""

    value: Interval
    slope: Interval
    curvature: Interval


def ranges(f: Pointwise, low: np.ndarray, high: np.ndarray) -> DerivativeRanges:
    """What is known of f on boxes with the corners ``low`` and ``high``, (n, d) each; infinite where nothing is."""
    n = len(low)
    point, nodes = f.for_points((f.value, f.slope, f.curvature), n)
    known = {point: Interval(low.astype(np.float64), high.astype(np.float64))}
    found, doubt = [], np.zeros(n, bool)
    for node in nodes:
        with np.errstate(all="ignore"):
            undecided = _extend(known, node, n)
        found.append(_unless(doubt, known.get(node) or iv.exactly(node.numpy())))
        doubt = doubt | undecided
    return DerivativeRanges(*found)


def _extend(known: dict[Tensor, Interval], output: Tensor, n: int) -> np.ndarray:
    """Adds to ``known`` what ``output`` is made of; on which boxes something new is undecided or undefined."""
    doubt = np.zeros(n, bool)
    for node in toposort([output], is_leaf=known.__contains__):
        if node in known or not any(i in known for i in node.inputs):
            continue
        inputs = [known.get(i) or iv.exactly(i.numpy()) for i in node.inputs]
        rule = INTERVAL.get(node.op)
        known[node] = rule(node, *inputs) if rule else iv.anything(node.shape)
        doubt |= rule is None
        if node.op.elementwise and len(inputs) == 1:
            known[node] = _unless(_outside(node, inputs[0]), known[node])
        if node.dtype.kind != "f" or node.op in (ops.sign, ops.stop_gradient):
            doubt |= _of_boxes(known[node].low != known[node].high, n)
    return doubt


def _outside(node: Tensor, x: Interval) -> np.ndarray:
    """Where a function of one number is undefined at an end of x: it gives NaN there."""
    ends = (np.clip(e, -LARGEST, LARGEST) for e in x)  # a sine of infinity is NaN as well
    return np.logical_or(*(np.isnan(reference(node, e)) for e in ends))


def _of_boxes(flags: np.ndarray, n: int) -> np.ndarray:
    """On which of n boxes a flag is set; on all of them, if the axis of boxes is not in front."""
    if flags.shape[:1] == (n,):
        return np.any(flags.reshape(n, -1), axis=1)
    return np.full(n, flags.any())


def _unless(doubt: np.ndarray, x: Interval) -> Interval:
    """Nothing known where there is doubt."""
    doubt = doubt.reshape(doubt.shape + (1,) * (x.low.ndim - doubt.ndim))
    return Interval(np.where(doubt, -np.inf, x.low), np.where(doubt, np.inf, x.high))
