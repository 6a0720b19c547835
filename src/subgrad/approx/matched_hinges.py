"""A bound on sup|f - F| where f is piecewise linear with one layer of kinks, as the network F is: without a search.

Both are an affine function and a sum of hinges g relu(z), z affine. A hinge of the network whose kink is that of f,
but for rounding, is nearly a multiple of it. They are taken together, so that they cancel before anything is bounded:
boxes would have to be as small as the error, all along the kink.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from subgrad.bounds.backward.affine import Affine
from subgrad.bounds.backward.curves import Curve
from subgrad.bounds.backward.linear_bounds import LinearBounds
from subgrad.bounds.backward.walk_back import Step
from subgrad.bounds.taylor.rounding import TINY, UNIT
from subgrad.bounds.traced import traced
from subgrad.bounds.vnnlib.float_ends import float_above
from subgrad.errors import SubgradError
from subgrad.graph.dtype import float64, using_dtype
from subgrad.graph.tensor import placeholder

MOST = 64  # hinges
NEAR = Fraction(1, 10**6)  # how far apart the arguments of two hinges are that count as one, relative to their range
SLACK = 1 + 1e-6  # what sums of errors may be off themselves, relatively


def matched_error(f: Any, net: Any, box: np.ndarray) -> float:
    """An upper bound of sup|f - F| on a box (d, 2), counting all roundings; infinite for other functions."""
    point = placeholder((1, len(box)), float64, "a point")
    try:
        one, other = traced(f, point, "f"), traced(net, point, "the network")
        with using_dtype(float64):
            off = one.output - other.output
        known = dict(zip(one.weights + other.weights, one.values + other.values, strict=True))
        found = _Forms(LinearBounds(point, off, known).steps, box)
    except SubgradError:  # an op without bounds
        return math.inf
    if found.last is None or len(found.hinges) > MOST:
        return math.inf
    return max(found.error(k) for k in range(found.last.rows.shape[1]))


class _Elements(NamedTuple):
    """The elements of a step.

    Attributes:
        rows: a number and factors of variables, and then of hinges, for each element: (1 + d + m, n).
        off: how far they may be from that anywhere on the box, (n,).
    """

    rows: np.ndarray
    off: np.ndarray


@dataclass(frozen=True)
class _Linear:
    """An affine function in rational numbers."""

    number: Fraction
    factors: list[Fraction]

    def plus(self, other: _Linear, by: Fraction) -> _Linear:
        factors = [a + by * b for a, b in zip(self.factors, other.factors, strict=True)]
        return _Linear(self.number + by * other.number, factors)

    def ends(self, box: list[list[Fraction]]) -> tuple[Fraction, Fraction]:
        """Its range on a box."""
        pairs = [sorted((a * low, a * high)) for a, (low, high) in zip(self.factors, box, strict=True)]
        return self.number + sum(p[0] for p in pairs), self.number + sum(p[1] for p in pairs)


class _Forms:
    """The steps of a graph as sums of hinges.

    Attributes:
        hinges: their arguments, (1 + d,) each.
        last: the last step; None if it is no such sum.
    """

    def __init__(self, steps: Sequence[Step], box: np.ndarray) -> None:
        d = len(box)
        self.box = box
        self.hinges: list[np.ndarray] = []
        self._sizes = [1.0, *np.abs(box).max(axis=1).tolist()]  # of the numbers that rows are factors of
        self.last: _Elements | None = None
        known: list[_Elements] = []
        for step in steps:
            if step.made is None:
                known.append(_Elements(np.eye(1 + d)[:, 1:], np.zeros(d)))
                continue
            inputs = [known[i] for i in step.inputs]
            if isinstance(step.made, Affine) and _is_finite(step.made):
                known.append(self._affine(step.made, inputs, [steps[i].shape for i in step.inputs], step.shape))
            elif isinstance(step.made, Curve) and step.made.pieces and not any(self._bends(i) for i in inputs):
                known.append(self._bent(step.made, inputs))
            else:
                return
        self.last = _Elements(self._wide(known[-1].rows), known[-1].off)

    def _bends(self, x: _Elements) -> bool:
        """Whether there are hinges in it."""
        return bool(x.rows[1 + len(self.box) :].any())

    def _wide(self, rows: np.ndarray) -> np.ndarray:
        """With room for all hinges."""
        return np.pad(rows, ((0, len(self._sizes) - len(rows)), (0, 0)))

    def _size(self, x: _Elements) -> np.ndarray:
        """The largest magnitudes of the elements, at most."""
        return (np.array(self._sizes) @ np.abs(self._wide(x.rows)) + x.off) * SLACK

    def _affine(
        self, made: Affine, inputs: list[_Elements], of: list[tuple[int, ...]], to: tuple[int, ...]
    ) -> _Elements:  # fmt: skip
        n = math.prod(to)
        rows, total, off = np.zeros((len(self._sizes), n)), np.zeros(n), np.zeros(n)
        for (_, part), x, shape in zip(made.parts, inputs, of, strict=True):
            size, lost = self._size(x).reshape(1, *shape), x.off.reshape(1, *shape)
            rows += part.forward(self._wide(x.rows).reshape(-1, *shape)).reshape(-1, n)
            total += part.size(size).ravel()
            off += part.size(lost).ravel() + np.broadcast_to(part.error(size), (1, *to)).ravel()
        if made.centre is not None:
            centre = np.broadcast_to(made.centre, to).ravel()
            rows[0] += centre
            total += np.abs(centre)
            off += np.broadcast_to(made.constant_error, to).ravel()
        return _Elements(rows, (off + UNIT * (len(inputs) + 1) * total + TINY) * SLACK)

    def _bent(self, made: Curve, inputs: list[_Elements]) -> _Elements:
        """max(x, slope x) = slope x + (1 - slope) relu(x), or max(x, y) = y + relu(x - y)."""
        x = inputs[0]
        if made.least is not None:
            rest, slope = _Elements(made.least * x.rows, x.off), made.least
        else:
            y = inputs[1]
            rest, slope = y, 0.0
            x = _Elements(self._wide(x.rows) - self._wide(y.rows), x.off + y.off)
        size = sum(self._size(i) for i in inputs)
        n = x.rows.shape[1]
        rows = np.pad(self._wide(rest.rows), ((0, n), (0, 0)))
        rows[-n:] = (1.0 - slope) * np.eye(n)
        self.hinges += list(x.rows[: 1 + len(self.box)].T)
        self._sizes += self._size(x).tolist()
        off = max(1.0, abs(slope)) * x.off + 4 * UNIT * max(1.0, abs(slope)) * size + TINY
        return _Elements(rows, off * SLACK)

    # In rational numbers

    def error(self, k: int) -> float:
        """How large element k of the last step is at most, in magnitude."""
        assert self.last is not None
        box = [[Fraction(v) for v in pair] for pair in self.box.tolist()]
        number, *factors = (Fraction(v) for v in self.last.rows[:, k].tolist())
        d = len(box)
        rest, slack = _Linear(number, factors[:d]), Fraction(float(self.last.off[k]))
        groups: list[list[Any]] = []
        for g, argument in zip(factors[d:], self.hinges, strict=True):
            number, *own = (Fraction(v) for v in argument.tolist())
            z = _Linear(number, own)
            low, high = z.ends(box)
            if low >= 0:
                rest = rest.plus(z, g)
            elif g and high > 0:
                for group in groups:
                    by, apart = _ratio(z, group[0], box)
                    if apart <= NEAR * (high - low):  # relu(-t) is relu(t) - t
                        group[1] += g * abs(by)
                        rest = rest.plus(group[0], g * by) if by < 0 else rest
                        slack += abs(g) * apart
                        break
                else:
                    groups.append([z, g])
        low, high = rest.ends(box)
        for z, g in groups:
            most = g * z.ends(box)[1]
            low, high = low + min(most, 0), high + max(most, 0)
        return float_above(max(high, -low) + slack)


def _is_finite(made: Affine) -> bool:
    """Whether all that is added is: the padding of a pooling is not."""
    return made.constant is None or bool(np.isfinite(made.constant.largest).all())


def _ratio(z: _Linear, other: _Linear, box: list[list[Fraction]]) -> tuple[Fraction, Fraction]:
    """A number, and how far z is from so many times the other at most."""
    widths = [abs(a) * (high - low) for a, (low, high) in zip(other.factors, box, strict=True)]
    most = max(range(len(widths)), key=widths.__getitem__)
    by = z.factors[most] / other.factors[most] if other.factors[most] else Fraction(0)
    return by, max(map(abs, z.plus(other, -by).ends(box)))


__all__ = ["matched_error"]
