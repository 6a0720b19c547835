"""Where real functions are undefined, computations give NaN, which no interval holds."""

from __future__ import annotations

import math

import numpy as np

from subgrad.graph.tensor import Tensor
from subgrad.intervals.arithmetic import Interval
from subgrad.intervals.choice import reference


def where_defined(node: Tensor, x: Interval, found: Interval) -> Interval:
    """What was found of an elementwise op of one input, x; anything where an end of x is outside of its domain, which
    is an interval, or x is anything."""
    undefined = [np.isnan(reference(node, end)) for end in x]
    return unless(undefined[0] | undefined[1] | is_anything(x), found)


def is_anything(x: Interval) -> np.ndarray:
    """Where nothing is known of x: it may be no number at all."""
    return (x.low == -math.inf) & (x.high == math.inf)


def unless(unknown: np.ndarray, found: Interval) -> Interval:
    """What was found, or anything."""
    return Interval(np.where(unknown, -math.inf, found.low), np.where(unknown, math.inf, found.high))


__all__ = ["is_anything", "unless", "where_defined"]
