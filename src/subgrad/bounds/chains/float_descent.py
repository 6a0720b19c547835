"""Descent in float32 for parts of a box by signs of units, of networks that are chains of affine maps and relus.

It does what `subgrad.bounds.backward.tightening` does, in a fraction of the time, and counts no rounding: what it
chooses is bounded anew by whoever relies on it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from subgrad.bounds.backward.tightening import FADE, FADE_SQUARES, FIRST, LAST, SCALE
from subgrad.bounds.chains.layer_chain import Layer
from subgrad.intervals.arithmetic import Interval

FEWER = 0.75  # of the parts are left: then only those are gone on with
Arrays = list[np.ndarray]


@dataclass(frozen=True, eq=False)
class Chosen:
    """What was chosen for parts.

    Attributes:
        above: about what no value exceeds, shape (P,).
        slopes, weights: of the lines below units, and multipliers, shape (P, W).
    """

    above: np.ndarray
    slopes: np.ndarray
    weights: np.ndarray


class FloatDescent:
    """The descent for a network over one box.

    Args:
        layers: the network.
        ends: the intervals of the arguments of all bends, layer by layer, shape (1, \\*S).
        box: shape (d, 2).
        rows: linear functions of the outputs, to be bounded from above, shape (m, k).
    """

    def __init__(self, layers: list[Layer], ends: list[Interval], box: np.ndarray, rows: np.ndarray) -> None:
        *hidden, last = layers
        self._weights = [_single(h.weights) for h in hidden]
        self._turned = [np.ascontiguousarray(w.T) for w in self._weights]
        self._constants = [_single(h.constant) for h in hidden]
        self._least = [np.float32(h.slope) for h in hidden]
        self._low, self._high = _single(box[:, 0]), _single(box[:, 1])
        self._rows, self._row_constants = _single(rows @ last.weights), _single(rows @ last.constant)
        self._ends = [(_single(e.low.ravel()), _single(e.high.ravel())) for e in ends]
        self._cuts = np.cumsum([0, *(len(h.constant) for h in hidden)])

    def bound(self, row: np.ndarray, signs: np.ndarray, slopes: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """About what no value of the rows exceeds in parts, by these slopes and multipliers."""
        return _Parts(self, row, signs, slopes, weights).back()

    def chosen(
        self, row: np.ndarray, signs: np.ndarray, slopes: np.ndarray, weights: np.ndarray, rounds: int,
        wanted: np.ndarray, late: Callable[[], bool],
    ) -> Chosen:  # fmt: skip
        """Slopes and multipliers after so many rounds, or fewer where a bound is below what is ``wanted``.

        Args:
            row: the number of each part's row, shape (P,).
            signs: of units, 1 or -1 for those that are split, else 0, shape (P, W).
        """
        parts = _Parts(self, row, signs, slopes, weights)
        best = Chosen(parts.back(), self._joined(parts.lower), self._joined(parts.added))
        active = np.arange(len(row))
        for number in range(rounds):
            left = np.flatnonzero(best.above[active] >= wanted[active])
            if not len(left) or late():
                break
            if len(left) < FEWER * len(active):
                active, parts = active[left], parts.some(left)
            parts.step(number, LAST ** (number / rounds))
            above = parts.back()
            better = np.flatnonzero(above < best.above[active])
            best.above[active[better]] = above[better]
            for to, own in ((best.slopes, parts.lower), (best.weights, parts.added)):
                for k, x in enumerate(own):
                    to[active[better], self._cuts[k] : self._cuts[k + 1]] = x[better]
        return best

    def _joined(self, parts: Arrays) -> np.ndarray:
        return np.concatenate(parts, axis=1)

    def _parted(self, x: np.ndarray) -> Arrays:
        return [_single(x[:, a:b]) for a, b in zip(self._cuts[:-1], self._cuts[1:], strict=True)]


class _Parts:
    """The lines of units in parts, what is free, and the way of the rows that went back last."""

    def __init__(
        self, of: FloatDescent, row: np.ndarray, signs: np.ndarray, slopes: np.ndarray, weights: np.ndarray
    ) -> None:  # fmt: skip
        self._of, self._row, self._signs = of, row, of._parted(signs)
        self.added = of._parted(weights)
        self.lower, self._upper, self._offset, self._open = [], [], [], []
        for s, (low, high), least, alpha in zip(self._signs, of._ends, of._least, of._parted(slopes), strict=True):
            both = (low < 0) & (high > 0)
            chord = np.where(both, (high - least * low) / np.where(both, high - low, 1.0), 1.0).astype(np.float32)
            open_ = both & (s == 0)
            beside = np.where((low >= 0) | (s > 0), np.float32(1.0), least)
            self._open.append(open_)
            self._upper.append(np.where(open_, chord, beside))
            self._offset.append(np.where(open_, (1.0 - chord) * high, np.float32(0.0)))
            self.lower.append(np.where(open_, alpha, beside))
        self._moments: list[Arrays] = []

    def some(self, left: np.ndarray) -> _Parts:
        """Some of the parts."""
        found = object.__new__(_Parts)
        found._of, found._row = self._of, self._row[left]
        for name in ("_signs", "added", "lower", "_upper", "_offset", "_open", "_trail"):
            setattr(found, name, [x[left] for x in getattr(self, name)])
        found._moments = [[x[left] for x in four] for four in self._moments]
        found._slopes = self._slopes[left]
        return found

    def back(self) -> np.ndarray:
        """About what no value of the rows exceeds."""
        of, self._trail = self._of, []
        a, total = of._rows[self._row], of._row_constants[self._row].copy()
        for k in range(len(of._weights) - 1, -1, -1):
            self._trail.insert(0, a)
            above = np.maximum(a, 0)
            total += np.einsum("pn,pn->p", above, self._offset[k])
            b = above * self._upper[k]
            b += (a - above) * self.lower[k]
            b += self._signs[k] * self.added[k]
            total += b @ of._constants[k]
            a = b @ of._weights[k]
        self._slopes = a
        above = np.maximum(a, 0)
        return total + above @ of._high + (a - above) @ of._low

    def step(self, number: int, size: float) -> None:
        """Move all that is free towards lower bounds, where the last rows have left their trail."""
        of = self._of
        self._moments = self._moments or [[np.zeros_like(x) for _ in range(4)] for x in self.lower]
        x = np.where(self._slopes > 0, of._high, of._low)
        for k, turned in enumerate(of._turned):
            z, trail = x @ turned + of._constants[k], self._trail[k]
            below, moments = np.minimum(trail, 0), self._moments[k]
            x = np.maximum(trail, 0)
            x = np.where(x > 0, self._upper[k] * z + self._offset[k], self.lower[k] * z)
            moved = self.lower[k] - _direction(below * z, moments, 0, FIRST * size, number)
            np.clip(moved, of._least[k], 1.0, out=moved)
            np.copyto(self.lower[k], moved, where=self._open[k])
            scale = SCALE * size * np.abs(trail).max(axis=1, keepdims=True)
            added = self.added[k] - _direction(self._signs[k] * z, moments, 2, 1.0, number) * scale
            np.maximum(added, 0, out=added)
            added *= np.abs(self._signs[k])
            self.added[k] = added


def _direction(by: np.ndarray, moments: Arrays, start: int, size: float, number: int) -> np.ndarray:
    """Adam's step: Kingma and Ba 2015."""
    mean, square = moments[start], moments[start + 1]
    mean *= np.float32(FADE)
    mean += np.float32(1 - FADE) * by
    square *= np.float32(FADE_SQUARES)
    by *= by
    square += np.float32(1 - FADE_SQUARES) * by
    root = np.sqrt(square)
    root *= np.float32(1 / np.sqrt(1 - FADE_SQUARES ** (number + 1)))
    root += np.float32(1e-12)
    np.divide(mean, root, out=root)
    root *= np.float32(size / (1 - FADE ** (number + 1)))
    return root


def _single(x: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(x, np.float32)


__all__ = ["Chosen", "FloatDescent"]
