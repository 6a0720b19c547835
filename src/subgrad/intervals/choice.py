"""Comparisons, logic and what they choose, over intervals: what may go either way goes both ways."""

from __future__ import annotations

import numpy as np

from subgrad.graph.tensor import Tensor
from subgrad.intervals import arithmetic as iv
from subgrad.intervals.arithmetic import Interval, hull


def reference(node: Tensor, *arrays: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        found = np.asarray(node.op.ref(*arrays, **node.attrs))
    return found.astype(np.float64) if found.dtype.kind in "fO" else found


def chosen(node: Tensor, c: Interval, a: Interval, b: Interval) -> Interval:
    both = hull(a, b) if a.low.dtype.kind == "f" else Interval(a.low & b.low, a.high | b.high)
    low = np.where(c.low, a.low, np.where(c.high, both.low, b.low))
    return Interval(low, np.where(c.low, a.high, np.where(c.high, both.high, b.high)))


def less(node: Tensor, a: Interval, b: Interval) -> Interval:
    """Numbers that do not change over the box are compared as they are; intervals that touch may go both ways."""
    fixed = _fixed(a, b)
    now = reference(node, a.low, b.low)
    return Interval(np.where(fixed, now, a.high < b.low), np.where(fixed, now, a.low <= b.high))


def equal(node: Tensor, a: Interval, b: Interval) -> Interval:
    fixed = _fixed(a, b)
    return Interval(fixed & (a.low == b.low), (a.low <= b.high) & (b.low <= a.high))


def _fixed(a: Interval, b: Interval) -> np.ndarray:
    return (a.low == a.high) & (b.low == b.high)


def negated(node: Tensor, c: Interval) -> Interval:
    return Interval(~c.high, ~c.low)


def not_equal(node: Tensor, a: Interval, b: Interval) -> Interval:
    return negated(node, equal(node, a, b))


def logic(node: Tensor, a: Interval, b: Interval) -> Interval:
    return Interval(reference(node, a.low, b.low), reference(node, a.high, b.high))


def sign(node: Tensor, x: Interval) -> Interval:
    return Interval(np.where(x.low > 0, 1.0, -1.0), np.where(x.high < 0, -1.0, 1.0))


def isfinite(node: Tensor, x: Interval) -> Interval:
    return Interval(np.isfinite(x.largest), np.ones(node.shape, bool))


def isnan(node: Tensor, x: Interval) -> Interval:
    return negated(node, isfinite(node, x))


def converted(node: Tensor, x: Interval) -> Interval:
    """Floats become integers by leaving out what is behind the point, if the dtype has such integers."""
    if node.dtype.kind == "f":
        return Interval(x.low.astype(np.float64), x.high.astype(np.float64))
    if x.low.dtype.kind != "f":
        return Interval(*(e.astype(node.dtype) for e in x))
    if node.dtype.kind == "b":
        return iv.anything(node.shape)
    low, high = np.trunc(x.low), np.trunc(x.high)
    limits = np.iinfo(node.dtype)
    known = (low >= limits.min) & (high < limits.max)
    return Interval(np.where(known, low, -np.inf), np.where(known, high, np.inf))
