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
FINER = 12  # pieces in a cell of the finished network: more of them cost time, fewer cost units
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

    def cells(self, starts: np.ndarray) -> PiecewiseBounds:
        """The bounds on runs of pieces, each from one of ``starts`` up to the next."""
        both = [
            np.stack([np.minimum.reduceat(x[0], starts), np.maximum.reduceat(x[1], starts)])
            for x in (self.value, self.slope, self.curvature)
        ]
        return PiecewiseBounds(np.append(self.edges[starts], self.edges[-1]), *both)

    def units(self, eps: float) -> float:
        """How many cells an error of eps takes, for small eps: the integral of √(|f''| / 16 eps)."""
        bend = np.abs(self.curvature).max(axis=0)
        return float((np.sqrt(bend) * np.diff(self.edges)).sum() / math.sqrt(16 * eps))

    def reach(self, eps: float) -> np.ndarray:
        """The length up to which the bounds guarantee that a chord on each piece is off by at most eps, (m,)."""
        with np.errstate(all="ignore"):
            bend = np.abs(self.curvature).max(axis=0)
            longest = np.maximum(np.sqrt(8 * eps / bend), 4 * eps / np.ptp(self.slope, axis=0))
        return np.where(np.ptp(self.value, axis=0) <= eps, np.inf, longest)


def on_pieces(f: Pointwise, edges: np.ndarray) -> PiecewiseBounds:
    """The bounds on the pieces between ``edges``."""
    return PiecewiseBounds(edges, *_bounds(f, edges[:-1], edges[1:]))


def refined(f: Pointwise, pieces: PiecewiseBounds, eps: float, cells: float) -> PiecewiseBounds:
    """The pieces halved until each is a small part of a chord with error eps, as far as floats allow.

    Their number is limited by that of the expected ``cells``: where nothing is known of f, halving does not help.
    """
    most = min(SOME + MORE * cells, MOST)
    shortest = NARROWEST * (pieces.edges[-1] - pieces.edges[0])
    while True:
        length = np.diff(pieces.edges)
        spacing = 4 * np.spacing(np.abs(pieces.edges[1:]))
        wide = (length > pieces.reach(eps) / FINER) & (length > np.maximum(spacing, shortest))
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
