"""Boxes that are not decided: bounds of them, and what is known of those in which outputs may be in a polytope."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from subgrad.bounds.backward.linear_bounds import LinearBounds
from subgrad.bounds.backward.tightening import tightened
from subgrad.bounds.branching.arrays_of_parts import Columns
from subgrad.bounds.branching.clipping import clipped, cut_off
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


@dataclass(frozen=True, eq=False)
class Undecided(Columns):
    """What bounds say of boxes that they do not decide.

    Attributes:
        low, high: corners, shape (n, d).
        below: lower bounds of all rows, shape (n, m).
        slopes: of the linear functions that have them, shape (n, m, d).
        row: the row that comes nearest to deciding the worst polytope, shape (n,).
        lost: how much of what its bound loses lies at each input, shape (n, d).
        inner_low, inner_high: as `Open` has them.
    """

    low: np.ndarray
    high: np.ndarray
    below: np.ndarray
    slopes: np.ndarray
    row: np.ndarray
    lost: np.ndarray
    inner_low: np.ndarray
    inner_high: np.ndarray


class Bounded(NamedTuple):
    """What became of some boxes.

    Attributes:
        open: what is not decided of them.
        done: the largest excess of all else.
        low, high: corners of boxes, which are all else.
    """

    open: Open
    done: float
    low: np.ndarray
    high: np.ndarray


def bounded(
    bounds: LinearBounds, of: Polytopes, low: np.ndarray, high: np.ndarray, inside: Interval | None
) -> Bounded:  # fmt: skip
    """What linear bounds say of boxes.

    Args:
        inside: what is known of the steps, of boxes that hold these; None for nothing.
    """
    done, decided = -np.inf, []
    if inside is not None:  # the intervals of larger boxes decide some
        excess = of.excess(bounds.over(low, high, inside, refined=False).below(of.rows).bound).max(axis=1)
        left = excess >= 0
        done = float(excess[~left].max(initial=-np.inf))
        decided.append((low[~left], high[~left]))
        low, high, inside = low[left], high[left], Interval(*(x[left] for x in inside))
        if not len(low):
            return Bounded(Open.none(low.shape[1], inside.low.shape[1]), done, *decided[0])
    over = bounds.over(low, high, inside)
    found, inner = over.below(of.rows), over.kept
    below, slopes = found.bound, found.slopes
    excess, rows = nearest(of, below)
    owner, member = np.nonzero(excess >= 0)
    if not len(owner):
        done = max(done, float(excess.max(axis=1).max()))
        decided.append((low, high))
        return Bounded(Open.none(low.shape[1], inner.low.shape[1]), done, *joined(decided))
    rows, last = rows[owner, member], len(over.steps) - 1
    a = -of.rows[rows].reshape(-1, *over.steps[last].shape)
    tight = tightened(over, last, a, owner, ROUNDS, -of.limits[rows, 1])
    better = np.flatnonzero(-tight.above > below[owner, rows])
    below[owner[better], rows[better]] = -tight.above[better]
    slopes[owner[better], rows[better]] = -tight.slopes[better]
    excess = of.excess(below)
    worst = _worst(owner, excess[owner, member])
    left, most = owner[worst], excess.max(axis=1)
    done = max(done, float(most[most < 0].max(initial=-np.inf)))
    decided.append((low[most < 0], high[most < 0]))
    lost = by_inputs(over, tight.choice[worst].trail, left)
    boxes = Undecided(low[left], high[left], below[left], slopes[left], rows[worst], lost, *(x[left] for x in inner))
    return settled(of, boxes, done, decided)


def settled(
    of: Polytopes, boxes: Undecided, done: float, decided: list[tuple[np.ndarray, np.ndarray]]
) -> Bounded:  # fmt: skip
    """The boxes without what can be cut off them, and along which input each is to be halved.

    Args:
        done, decided: the largest excess, and the corners, of boxes that are decided.
    """
    excess = of.excess(boxes.below)
    found = clipped(of, boxes.low, boxes.high, boxes.below, boxes.slopes, excess >= 0)
    gone = ~found.some
    decided.append((boxes.low[gone], boxes.high[gone]))
    decided += cut_off(boxes.low[found.some], boxes.high[found.some], found.low[found.some], found.high[found.some])
    boxes, excess = boxes[found.some], excess[found.some].max(axis=1)
    low, high = found.low[found.some], found.high[found.some]
    slopes = boxes.slopes[np.arange(len(boxes)), boxes.row]
    axis, corner = _axes(boxes, slopes, low, high), np.where(slopes > 0, low, high)
    left = Open(low, high, axis, corner, excess, boxes.inner_low, boxes.inner_high)
    return Bounded(left, max(done, found.done), *joined(decided))


def nearest(of: Polytopes, below: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each box and polytope the excess, and the row that comes nearest to deciding it."""
    off = of.limits[:, 1] - below
    rows = [members[np.argmin(off[:, members], axis=1)] for members in of.members]
    return of.excess(below), np.stack(rows, axis=1)


def _worst(owner: np.ndarray, excess: np.ndarray) -> np.ndarray:
    """For each box that is not decided the number of its worst polytope, among pairs of a box and a polytope."""
    order = np.lexsort((excess, owner))
    last = order[np.flatnonzero(np.append(np.diff(owner[order]) > 0, len(owner) > 0))]
    return last[excess[last] >= 0]


def _axes(boxes: Undecided, slopes: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """The input along which what is left of each box is halved, -1 if no side has a float inside.

    That with most of the losses, which are about in proportion to its side; where nothing is lost, that which moves the
    linear bound most.
    """
    middle = low / 2 + high / 2
    inside = (low < middle) & (middle < high)
    with np.errstate(all="ignore"):
        left = np.where(boxes.high > boxes.low, (high - low) / (boxes.high - boxes.low), 0.0)
    moved, lost = np.nan_to_num(np.abs(slopes), posinf=0.0) * (high - low), boxes.lost * left
    shares = np.where(np.where(inside, lost, 0.0).any(axis=1, keepdims=True), lost, moved)
    return np.where(inside.any(axis=1), np.argmax(np.where(inside, shares, -1.0), axis=1), -1)


def joined(ends: list[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """The corners of all boxes, one behind the other."""
    low, high = zip(*ends, strict=True)
    return np.concatenate(low), np.concatenate(high)


__all__ = ["Bounded", "Open", "Undecided", "bounded", "joined", "nearest", "settled"]
