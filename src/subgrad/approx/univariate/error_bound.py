"""A bound on sup|F - f| for a relu network F of one variable, proven without search.

Between two knots F is linear, so on a piece of a cell F - f is a linear function plus the distance of f from its chord
there, which is at most h²/8 max |f''|. At the knots F is computed in rational numbers, at the ends of the pieces F and
f in intervals. All other arithmetic is rounded outwards.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction

import numpy as np

from subgrad.approx.pointwise import Pointwise
from subgrad.approx.univariate.derivative_ranges import ranges
from subgrad.approx.univariate.hinges import Hinges
from subgrad.approx.univariate.piecewise_bounds import PiecewiseBounds
from subgrad.intervals import arithmetic as iv
from subgrad.intervals.arithmetic import Interval


def proven_error(f: Pointwise, hinges: Hinges, pieces: PiecewiseBounds) -> float:
    """An upper bound of sup|f - F| between the first knot and the last.

    Args:
        f: the function.
        hinges: F, with its numbers as they are stored.
        pieces: bounds on f, f' and f'' between the first and the last knot.

    Returns:
        The bound; infinite where f is not known to be finite.
    """
    split = _split(pieces, hinges.knots)
    net = _between(hinges, split.edges)
    at = ranges(f, split.edges[:, None], split.edges[:, None]).value
    off = iv.add(net, iv.neg(at))  # F - f at the ends of the pieces
    bent = iv.hull(_left(off), _right(off))
    chord = iv.add(_chord_error(split), bent)
    direct = iv.add(iv.hull(_left(net), _right(net)), iv.neg(Interval(*split.value)))
    low, high = np.maximum(chord.low, direct.low), np.minimum(chord.high, direct.high)
    return float(np.maximum(-low, high).max())


def _outwards(numbers: Iterable[Fraction]) -> Interval:
    near = np.array([float(x) for x in numbers])  # the nearest floats
    return Interval(np.nextafter(near, -math.inf), np.nextafter(near, math.inf))


def _between(hinges: Hinges, points: np.ndarray) -> Interval:
    """F at points between the first and the last knot, from its values at the knots and its slopes."""
    values, slopes = map(_outwards, hinges.exactly())
    knots = hinges.knots
    cell = np.clip(np.searchsorted(knots, points, side="right") - 1, 0, len(knots) - 2)
    value, slope = (Interval(*(end[cell] for end in ends)) for ends in (values, slopes))
    step = iv.add(iv.exactly(points), iv.neg(iv.exactly(knots[cell])))
    found = iv.add(value, iv.mul(slope, step))
    here = points == knots[cell]  # where the step is 0, no more than the value's own rounding
    return Interval(np.where(here, value.low, found.low), np.where(here, value.high, found.high))


def _left(x: Interval) -> Interval:
    return Interval(x.low[:-1], x.high[:-1])


def _right(x: Interval) -> Interval:
    return Interval(x.low[1:], x.high[1:])


def _split(pieces: PiecewiseBounds, knots: np.ndarray) -> PiecewiseBounds:
    """The pieces, cut at the knots: what holds on a piece holds on its parts."""
    edges = np.union1d(pieces.edges, knots)
    edges = edges[(edges >= knots[0]) & (edges <= knots[-1])]
    inside = np.clip(np.searchsorted(pieces.edges, edges[:-1], side="right") - 1, 0, len(pieces.edges) - 2)
    return PiecewiseBounds(edges, *(x[:, inside] for x in (pieces.value, pieces.slope, pieces.curvature)))


def _chord_error(pieces: PiecewiseBounds) -> Interval:
    """Chord minus f, on each piece: by f'' or by f', whichever says more."""
    right, left = iv.exactly(pieces.edges[1:]), iv.exactly(pieces.edges[:-1])
    length = iv.add(right, iv.neg(left))
    eighth = iv.mul(iv.mul(length, length), iv.exactly(np.array(0.125)))
    bend = iv.hull(Interval(*pieces.curvature), iv.exactly(np.zeros(len(pieces.edges) - 1)))
    by_bend = iv.mul(eighth, bend)
    rise = iv.add(iv.exactly(pieces.slope[1]), iv.neg(iv.exactly(pieces.slope[0]))).high
    by_rise = iv.mul(length, Interval(-rise / 4, rise / 4))
    return Interval(np.maximum(by_bend.low, by_rise.low), np.minimum(by_bend.high, by_rise.high))
