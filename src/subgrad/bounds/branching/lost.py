"""What a bound loses at which elements of curves, and how much of that lies at which input."""

from __future__ import annotations

import math

import numpy as np

from subgrad.bounds.backward.affine import Affine
from subgrad.bounds.backward.linear_bounds import Boxes

SMALL = 1e-300


def losses(boxes: Boxes, trail: dict[int, np.ndarray], owner: np.ndarray) -> dict[int, np.ndarray]:
    """For rows with this trail, in the boxes ``owner``, what each element of a curve adds to the bound at most: the
    coefficient times the largest distance of its two lines. Shape (P, \\*T), by the numbers of the steps."""
    found = {}
    for k, a in trail.items():
        relaxed = boxes.relaxations[k]
        gap = np.zeros((boxes.count, *boxes.steps[k].shape))
        for offset, sign in ((relaxed.high, 1.0), (relaxed.low, -1.0)):
            if offset is not None:
                gap = gap + sign * offset
        for (low, high), i in zip(relaxed.slopes, boxes.steps[k].inputs, strict=True):
            if low.ndim > 1:
                ends = boxes.intervals[i]
                gap = gap + np.maximum((high - low) * ends.low, (high - low) * ends.high)
        found[k] = np.abs(a) * np.maximum(np.nan_to_num(gap[owner], posinf=0.0), 0.0)
    return found


def by_inputs(boxes: Boxes, trail: dict[int, np.ndarray], owner: np.ndarray) -> np.ndarray:
    """How much of the losses lies at each input, shape (P, d).

    A curve loses by the width of what it is of. Of that an input has the share by which it moves it, to first order,
    in its box; the rest has grown on the way and is nobody's. (On ACAS Xu, halving along the input with the most takes
    a fifth of the boxes that ``|slope| width`` takes, and hardly more than trying all inputs.)
    """
    lost = losses(boxes, trail, owner)
    dimensions = boxes.intervals[0].low[0].size
    found = np.zeros((len(owner), dimensions))
    with np.errstate(all="ignore"):
        moves = _moves(boxes, owner, max(trail, default=0))
        for k, a in lost.items():
            relaxed, n = boxes.relaxations[k], boxes.steps[k].shape
            flat = len(owner), math.prod(n)
            moved, width = np.zeros((dimensions, len(owner), *n)), np.full((len(owner), *n), SMALL)
            for (_, high), i in zip(relaxed.slopes, boxes.steps[k].inputs, strict=True):
                if high.ndim > 1:
                    slope = np.abs(high[owner])
                    moved += slope * np.abs(moves[i])
                    width += slope * (boxes.intervals[i].high - boxes.intervals[i].low)[owner]
            shares = np.nan_to_num(moved / width, posinf=0.0).reshape(dimensions, *flat)
            found += np.einsum("dpn,pn->pd", shares, np.nan_to_num(a).reshape(flat))
    return found


def _moves(boxes: Boxes, owner: np.ndarray, last: int) -> dict[int, np.ndarray]:
    """How each input, going through its width, moves the steps to first order, shape (d, P, \\*S)."""
    shape = boxes.steps[0].shape
    width = (boxes.intervals[0].high - boxes.intervals[0].low)[owner]
    d = width[0].size if len(width) else boxes.intervals[0].low[0].size
    width = width.reshape(len(owner), d)
    start = np.zeros((d, len(owner), d))
    start[np.arange(d), :, np.arange(d)] = width.T
    found = {0: start.reshape(d, len(owner), *shape)}
    for k in range(1, last):
        step = boxes.steps[k]
        value = np.zeros((d, len(owner), *step.shape))
        if isinstance(step.made, Affine):
            for (_, part), i in zip(step.made.parts, step.inputs, strict=True):
                value += part.forward(found[i].reshape(-1, *boxes.steps[i].shape)).reshape(value.shape)
        else:
            for (_, high), i in zip(boxes.relaxations[k].slopes, step.inputs, strict=True):
                if high.ndim > 1:
                    value += high[owner] * found[i]
        found[k] = value
    return found


__all__ = ["by_inputs", "losses"]
