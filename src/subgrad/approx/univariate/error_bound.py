"""A bound on sup|F - f| for a relu network F of one variable, proven without search.

Between two knots F is linear, and the distance of f from its own chord is at most h²/8 max |f''|. At the knots F is
computed in rational numbers and f in intervals. All other arithmetic is rounded outwards.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction

import numpy as np

from subgrad.approx.pointwise import Pointwise
from subgrad.approx.univariate.derivative_ranges import ranges
from subgrad.approx.univariate.piecewise_bounds import PiecewiseBounds
from subgrad.intervals import arithmetic as iv
from subgrad.intervals.arithmetic import Interval


def proven_error(f: Pointwise, knots: np.ndarray, v: np.ndarray, c: float, pieces: PiecewiseBounds) -> float:
    """An upper bound of sup|f - F| for F(x) = c + Σ v_j relu(x - knots_j) between the first knot and the last.

    Args:
        f: the function.
        knots: n + 1 rising numbers; the last one is where the box ends.
        v, c: the n slope changes and the constant, as they are stored.
        pieces: bounds on f, f' and f'' between the first and the last knot.

    Returns:
        The bound; infinite where f is not known to be finite.
    """
    net = _outwards(exact_values(knots, v, c))
    at = ranges(f, knots[:, None], knots[:, None]).value
    off = iv.add(net, iv.neg(at))  # F - f at the knots
    split = _split(pieces, knots)
    cells = split.cells(np.searchsorted(split.edges, knots[:-1]))
    bent = iv.hull(_left(off), _right(off))
    chord = iv.add(_chord_error(knots, cells), bent)
    direct = iv.add(iv.hull(_left(net), _right(net)), iv.neg(Interval(*cells.value)))
    low, high = np.maximum(chord.low, direct.low), np.minimum(chord.high, direct.high)
    return float(np.maximum(-low, high).max())


def exact_values(knots: np.ndarray, v: np.ndarray, c: float) -> Iterable[Fraction]:
    """F at the knots, in rational arithmetic."""
    value, slope = Fraction(c), Fraction(0)
    yield value
    places = [Fraction(k) for k in knots.tolist()]
    for i, change in enumerate(v.tolist()):
        slope += Fraction(change)
        value += slope * (places[i + 1] - places[i])
        yield value


def _outwards(numbers: Iterable[Fraction]) -> Interval:
    near = np.array([float(x) for x in numbers])  # the nearest floats
    return Interval(np.nextafter(near, -math.inf), np.nextafter(near, math.inf))


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


def _chord_error(knots: np.ndarray, cells: PiecewiseBounds) -> Interval:
    """Chord minus f, on each cell: by f'' or by f', whichever says more."""
    right, left = iv.exactly(knots[1:]), iv.exactly(knots[:-1])
    length = iv.add(right, iv.neg(left))
    eighth = iv.mul(iv.mul(length, length), iv.exactly(np.array(0.125)))
    bend = iv.hull(Interval(*cells.curvature), iv.exactly(np.zeros(len(cells.edges) - 1)))
    by_bend = iv.mul(eighth, bend)
    rise = iv.add(iv.exactly(cells.slope[1]), iv.neg(iv.exactly(cells.slope[0]))).high
    by_rise = iv.mul(length, Interval(-rise / 4, rise / 4))
    return Interval(np.maximum(by_bend.low, by_rise.low), np.minimum(by_bend.high, by_rise.high))
