"""Boxes that are not decided: bounds of them, and what is known of those in which outputs may be in a polytope."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from subgrad.bounds.backward.linear_bounds import Boxes, LinearBounds
from subgrad.bounds.backward.tightening import tightened
from subgrad.bounds.branching.arrays_of_parts import Columns
from subgrad.bounds.branching.lost import by_inputs
from subgrad.bounds.branching.polytopes import Polytopes
from subgrad.intervals.arithmetic import Interval

ROUNDS = 4  # of descent for a row that does not decide a box at once


@dataclass(frozen=True, eq=False)
class Open(Columns):
    """Boxes that are not decided.

    Attributes:
        low, high: corners, shape (n, d).
        axis: the input to halve, shape (n,); -1 if no side has a float inside.
        corner: the point where the linear bound is least, shape (n, d).
        excess: how far outputs may be inside of a polytope, shape (n,).
        inner_low, inner_high: what was found of the steps inside, shape (n, W); halves start from it.
    """

    low: np.ndarray
    high: np.ndarray
    axis: np.ndarray
    corner: np.ndarray
    excess: np.ndarray
    inner_low: np.ndarray
    inner_high: np.ndarray

    @staticmethod
    def none(d: int, width: int) -> Open:
        """No boxes of d inputs, of which so many numbers are kept."""
        none, inner = np.empty((0, d)), np.empty((0, width))
        return Open(none, none, np.empty(0, np.int64), none, np.empty(0), inner, inner)


def bounded(
    bounds: LinearBounds, of: Polytopes, low: np.ndarray, high: np.ndarray, inside: Interval | None
) -> tuple[Open, float, np.ndarray]:
    """Those of the boxes that are not decided, the largest excess of the others, and the numbers of the first.

    Args:
        inside: what is known of the steps, of boxes that hold these; None for nothing.
    """
    done, places = -np.inf, np.arange(len(low))
    if inside is not None:  # the intervals of larger boxes decide some
        excess = of.excess(bounds.over(low, high, inside, refined=False).below(of.rows).bound).max(axis=1)
        left = excess >= 0
        done = float(excess[~left].max(initial=-np.inf))
        low, high, inside = low[left], high[left], Interval(*(x[left] for x in inside))
        places = places[left]
    if not len(low):
        return Open.none(low.shape[1], 0 if inside is None else inside.low.shape[1]), done, places
    over = bounds.over(low, high, inside)
    found = over.below(of.rows).bound
    excess = of.excess(found)
    owner, member = np.nonzero(excess >= 0)
    off = of.limits[:, 1] - found
    if not len(owner):
        return Open.none(low.shape[1], over.kept.low.shape[1]), max(done, float(excess.max(axis=1).max())), places[:0]
    rows = np.array([of.members[p][np.argmin(off[b, of.members[p]])] for b, p in zip(owner, member, strict=True)], int)
    last = len(over.steps) - 1
    a = -of.rows[rows].reshape(-1, *over.steps[last].shape)
    tight = tightened(over, last, a, owner, ROUNDS, -of.limits[rows, 1])
    excess[owner, member] = np.minimum(excess[owner, member], np.nextafter(of.limits[rows, 1] + tight.above, np.inf))
    most = excess.max(axis=1)
    done = max(done, float(most[most < 0].max(initial=-np.inf)))
    worst = _worst(owner, excess[owner, member])
    boxes = owner[worst]
    low, high, slopes = low[boxes], high[boxes], tight.slopes[worst]
    axis = _axes(over, tight.choice[worst].trail, boxes, slopes)
    corner, kept = np.where(slopes > 0, high, low), over.kept
    left = Open(low, high, axis, corner, most[boxes], kept.low[boxes], kept.high[boxes])
    return left, done, places[boxes]


def _worst(owner: np.ndarray, excess: np.ndarray) -> np.ndarray:
    """For each box that is not decided the number of its worst polytope, among pairs of a box and a polytope."""
    order = np.lexsort((excess, owner))
    last = order[np.flatnonzero(np.append(np.diff(owner[order]) > 0, len(owner) > 0))]
    return last[excess[last] >= 0]


def _axes(over: Boxes, trail: dict[int, np.ndarray], boxes: np.ndarray, slopes: np.ndarray) -> np.ndarray:
    """The input along which each box is halved, -1 if none has a float inside.

    That with most of the losses; where nothing is lost, that which moves the linear bound most.
    """
    low, high = (e[boxes].reshape(slopes.shape) for e in over.intervals[0])
    middle = low / 2 + high / 2
    inside = (low < middle) & (middle < high)
    moved = np.nan_to_num(np.abs(slopes), posinf=0.0) * (high - low)
    lost = by_inputs(over, trail, boxes)
    shares = np.where(np.where(inside, lost, 0.0).any(axis=1, keepdims=True), lost, moved)
    return np.where(inside.any(axis=1), np.argmax(np.where(inside, shares, -1.0), axis=1), -1)


__all__ = ["Open", "bounded"]
