"""Bounds on f, f' and f'' on small pieces of an interval, refined where the curvature is large."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from subgrad.approx.pointwise import Pointwise
from subgrad.approx.univariate.derivative_ranges import ranges

if TYPE_CHECKING:
    from subgrad.approx.target_function import TargetFunction

FIRST = 128  # pieces to begin with
FINER, FEWEST = 16, 8  # pieces in a line of the finished network, and in one of many: 8 cost 0.4 % more units than 16
MANY = 1000  # lines; pieces cost time
NARROWEST = 1e-14  # of the interval: across a jump the network is as steep as that
SOME, MORE = 1 << 14, 64  # pieces there may be, and so many more for each cell: beyond it the bounds stay as they are
MOST = 1 << 20  # pieces, whatever the number of cells: what takes seconds


@dataclass(frozen=True)
class PiecewiseBounds:
    """Lower and upper bounds, (2, m) each, on m pieces; infinite where nothing is known.

    Attributes:
        edges: the ends of the pieces, (m + 1,), rising.
        value, slope, curvature: of f, f', f''.
    """

    edges: np.ndarray
    value: np.ndarray
    slope: np.ndarray
    curvature: np.ndarray

    def units(self, eps: float) -> float:
        """How many cells an error of eps takes, for small eps: the integral of √(|f''| / 16 eps)."""
        bend = np.abs(self.curvature).max(axis=0)
        return float((np.sqrt(bend) * np.diff(self.edges)).sum() / math.sqrt(16 * eps))

    @property
    def straight(self) -> bool:
        """Whether nothing bends but at a few kinks, as far as is known: then f is piecewise linear."""
        known = np.isfinite(self.curvature).all(axis=0)
        return bool(known.any()) and not self.curvature[:, known].any()

    def kinks(self) -> np.ndarray:
        """The edges between two pieces of unknown curvature: where a kink at an edge is."""
        unknown = np.asarray(~np.isfinite(self.curvature).all(axis=0))
        return self.edges[1:-1][unknown[:-1] & unknown[1:]]

    def off_chord(self) -> tuple[np.ndarray, np.ndarray]:
        """How far f may lie above its chord on each piece, and how far below, (m,) each."""
        h = np.diff(self.edges)
        with np.errstate(all="ignore"):
            by_rise = h * np.ptp(self.slope, axis=0) / 4
            by_bend = np.maximum([-self.curvature[0], self.curvature[1]], 0) * h * h / 8
        above, below = np.fmin(by_bend, by_rise)
        return above, below

    def tube(self, values: np.ndarray, eps: float) -> tuple[np.ndarray, np.ndarray]:
        """Bounds at the edges that keep a function within eps of f, if it is linear between them.

        f lies near its chord on each piece, or in the range of its values, whichever says more. Where too little is
        known for an error of eps, the bounds are equal.

        Args:
            values: of f at the edges, (m + 1,).
        """
        above, below = self.off_chord()
        low = _at_edges(values, above, self.value[1]) - eps
        high = eps - _at_edges(-values, below, -self.value[0])
        with np.errstate(all="ignore"):
            middle = (low + high) / 2
        shut = ~(low <= high)
        low[shut] = high[shut] = np.where(np.isfinite(middle), middle, values)[shut]
        return low, high


def _at_edges(values: np.ndarray, above: np.ndarray, most: np.ndarray) -> np.ndarray:
    """The least numbers at the edges such that a function that is linear on each piece and has them lies above f."""
    left, right = values[:-1] + above, values[1:] + above
    flat = most < (left + right) / 2
    left, right = (np.where(flat, most, end) for end in (left, right))
    return np.fmax(np.append(left, -np.inf), np.insert(right, 0, -np.inf))


def on_pieces(f: Pointwise, edges: np.ndarray) -> PiecewiseBounds:
    """The bounds on the pieces between ``edges``."""
    return PiecewiseBounds(edges, *_bounds(f, edges[:-1], edges[1:]))


def refined(f: Pointwise, pieces: PiecewiseBounds, eps: float, cells: float) -> PiecewiseBounds:
    """The pieces halved until f is known to a small part of eps from its chords, as far as floats allow.

    Their number is limited by that of the expected ``cells``: where nothing is known of f, halving does not help.
    """
    most = min(SOME + MORE * cells, MOST)
    allowed = 2 * eps / (FINER if cells < MANY else FEWEST) ** 2
    shortest = NARROWEST * (pieces.edges[-1] - pieces.edges[0])
    while True:
        length = np.diff(pieces.edges)
        spacing = 4 * np.spacing(np.abs(pieces.edges[1:]))
        rough = np.fmin(np.maximum(*pieces.off_chord()), np.ptp(pieces.value, axis=0)) > allowed
        wide = rough & (length > np.maximum(spacing, shortest))
        if not wide.any() or len(length) + wide.sum() > most:
            return pieces
        pieces = _halved(f, pieces, wide)


def _bounds(f: Pointwise, low: np.ndarray, high: np.ndarray) -> list[np.ndarray]:
    return [np.stack([x.low.ravel(), x.high.ravel()]) for x in ranges(f, low[:, None], high[:, None])]


def _halved(f: Pointwise, pieces: PiecewiseBounds, which: np.ndarray) -> PiecewiseBounds:
    """Those ``which`` are True, in halves."""
    low, high = pieces.edges[:-1][which], pieces.edges[1:][which]
    middle = low + (high - low) / 2
    halves = _bounds(f, np.stack([low, middle], 1).ravel(), np.stack([middle, high], 1).ravel())
    times = 1 + which
    fresh = [np.repeat(old, times, axis=1) for old in (pieces.value, pieces.slope, pieces.curvature)]
    for array, new in zip(fresh, halves, strict=True):
        array[:, np.repeat(which, times)] = new
    return PiecewiseBounds(np.insert(pieces.edges, np.flatnonzero(which) + 1, middle), *fresh)


def estimated(target: TargetFunction, low: float, high: float, count: int = 4096) -> PiecewiseBounds:
    """Estimated bounds of a function that is known by its values: f'' by second differences, with no guarantee."""
    edges = np.linspace(low, high, count + 1)
    values = target.values(edges[:, None])
    with np.errstate(all="ignore"):  # a box may be as narrow as floats can make it
        second = np.nan_to_num(np.diff(values, 2) / (edges[1] - edges[0]) ** 2)
    second = np.concatenate([second[:1], second, second[-1:]])
    bounds = np.stack([np.minimum(second[:-1], second[1:]), np.maximum(second[:-1], second[1:])])
    nothing = np.stack([np.full(count, -np.inf), np.full(count, np.inf)])
    return PiecewiseBounds(edges, nothing, nothing, bounds)
