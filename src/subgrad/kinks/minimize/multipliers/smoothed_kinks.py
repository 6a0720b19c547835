"""A graph whose kinks are smoothed around multipliers.

max(0, z) is the largest s z for s between 0 and 1. Less (s - m)^2 / (2 c), for a multiplier m and a stiffness c, it is
smooth: its slope is s = m + c z, held to [0, 1], and its value is off by 1 / (2 c) at most. Where s is m it is
max(0, z) itself, and m one of its slopes there. The largest of several is treated likewise, with slopes that sum to 1
(D. Bertsekas, "Nondifferentiable optimization via approximation", Mathematical Programming Study 3, 1975).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from subgrad import ops
from subgrad.compile.function import compile
from subgrad.compile.passes.simplify import Merger, rewrite
from subgrad.diff.reverse import gradients
from subgrad.graph.dtype import using_dtype
from subgrad.graph.kink import Breaks, Largest
from subgrad.graph.op import again
from subgrad.graph.order import dependents, toposort
from subgrad.graph.tensor import Tensor, constant
from subgrad.kinks.hull.linear_pieces import with_known_pieces
from subgrad.kinks.problem import Problem
from subgrad.ops import rules

ROUNDS = 12
"""How many Newton steps there are at most for the slopes of a largest: they are the exact ones after few."""

Arrays = list[np.ndarray]


class Smooth(NamedTuple):
    """An op whose kink is smoothed; ``part`` is the smoothed maxima in it."""

    value: Tensor
    slopes: Tensor
    arguments: Tensor
    part: Tensor


class Evaluation(NamedTuple):
    """The smoothed function at a point: its value and gradient, and for each op with a kink the slopes and what they
    belong to, in the shape of the multipliers."""

    x: np.ndarray
    value: float
    gradient: np.ndarray
    slopes: Arrays
    arguments: Arrays


class SmoothedKinks:
    """The function of a problem with smoothed kinks, native.

    Attributes:
        nodes: the ops whose kinks are smoothed. Others stay as they are: those of `where`, of norms, and of functions
            that are curved beside their kink.
        multipliers: for each op an array; at first slopes in the middle.
        stiffness: for each op c, a number above 0.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        (self._output,) = rewrite([with_known_pieces(problem.output)], Merger())  # a kink that is there twice is one
        self._order = toposort([self._output], is_leaf=lambda n: n.op is ops.stop_gradient)
        moving = dependents(self._order, problem.places)
        self.nodes = [node for node in self._order if node in moving and _slots(node) is not None]
        self.multipliers = [_first(node) for node in self.nodes]
        self.stiffness = np.ones(len(self.nodes))
        self._program = compile(lambda *given: self._traced(given))

    def __call__(self, x: np.ndarray) -> Evaluation:
        stiffness = self.stiffness.astype(self.problem.dtype)
        with using_dtype(self.problem.dtype):
            value, *rest = self._program(*self.problem.split(x), *self.multipliers, stiffness)
        places, count = len(self.problem.places), len(self.nodes)
        gradient = np.concatenate([g.ravel() for g in rest[:places]]).astype(np.float64)
        return Evaluation(x, float(value), gradient, rest[places : places + count], rest[places + count :])

    def graph(
        self, places: Sequence[Tensor], multipliers: Sequence[Tensor], stiffness: Sequence[Tensor] | None
    ) -> list[Smooth]:
        """The ops with smoothed kinks, and last the function as one without slopes, over ``places``. Without
        ``stiffness`` the multipliers are the slopes, wherever the point is: what is on the wrong side of a kink goes on
        as it does at the kink."""
        new = dict(zip(self.problem.places, places, strict=True))
        found = {}
        stiff = stiffness or [None] * len(multipliers)
        given = dict(zip(self.nodes, zip(multipliers, stiff, strict=True), strict=True))
        for node in self._order:
            if node in new:
                continue
            inputs = tuple(new.get(i, i) for i in node.inputs)
            if node in given:
                found[node] = _smoothed(node, inputs, *given[node])
                new[node] = found[node].value
            elif any(a is not b for a, b in zip(inputs, node.inputs, strict=True)):
                new[node] = again(node, inputs)
        y = new[self._output]
        return [*(found[node] for node in self.nodes), Smooth(y, y, y, y)]

    def arguments(self) -> list[Tensor]:
        """What the multipliers belong to, in the function as it is, over the places of the problem."""
        return [_arguments(node, node.inputs) for node in self.nodes]

    def _traced(self, given: Sequence[Tensor]) -> list[Tensor]:
        places, count = given[: len(self.problem.places)], len(self.nodes)
        multipliers, stiffness = given[len(places) : -1], given[-1]
        *kinks, (y, *_) = self.graph(places, multipliers, [stiffness[k] for k in range(count)])
        return [y, *gradients(y, places), *(k.slopes for k in kinks), *(k.arguments for k in kinks)]


def is_choice(node: Tensor) -> bool:
    """Whether the slopes of a node along the last axis sum to 1: it is the largest element of each row."""
    return isinstance(node.op.kink, Largest) and node.op.kink.along


def _slots(node: Tensor) -> tuple[int, ...] | None:
    """The shape of the multipliers of a node; None for one that is not smoothed."""
    kink = node.op.kink
    if isinstance(kink, Breaks) and kink.straight:
        count = len(kink.points(**node.attrs))
        return (count, *node.shape) if count and node.size else None
    if isinstance(kink, Largest):
        shape = rules.groups(node).shape if kink.along else node.shape if len(node.inputs) == 2 else ()
        fits = shape[-1] > 1 if kink.along else len(node.inputs) == 2
        return shape if fits and node.size else None
    return None


def _first(node: Tensor) -> np.ndarray:
    shape = _slots(node)
    assert shape is not None
    return np.full(shape, 1 / shape[-1] if is_choice(node) else 0.5, node.dtype)


def _arguments(node: Tensor, inputs: Sequence[Tensor]) -> Tensor:
    """What the slopes of a node belong to, in the shape of its multipliers."""
    kink, x = node.op.kink, inputs[0]
    if isinstance(kink, Breaks):
        return ops.stack([x - b.at for b in kink.points(**node.attrs)])
    assert isinstance(kink, Largest)
    if not kink.along:
        return x - inputs[1] if kink.sign > 0 else inputs[1] - x
    axes = node.attrs["axis"]
    kept = [a for a in range(x.ndim) if a not in axes]
    return float(kink.sign) * ops.reshape(ops.transpose(x, [*kept, *axes]), rules.groups(node).shape)


def _smoothed(node: Tensor, inputs: Sequence[Tensor], m: Tensor, c: Tensor | None) -> Smooth:
    kink, z = node.op.kink, _arguments(node, inputs)
    if isinstance(kink, Breaks):
        return _of_breaks(node, kink, inputs[0], _hinge(z, m, c))
    assert isinstance(kink, Largest)
    found, sign = _largest(z, m, c) if kink.along else _hinge(z, m, c), float(kink.sign)
    if kink.along:
        return found._replace(value=sign * ops.reshape(found.value, node.shape))
    return found._replace(value=inputs[1] + sign * found.value)


def _of_breaks(node: Tensor, kink: Breaks, x: Tensor, hinges: Smooth) -> Smooth:
    """The line left of the first break, and at each break what the slope changes by times a hinge."""
    points = kink.points(**node.attrs)
    first = points[0]
    start = float(node.op.ref(np.array(first.at, node.dtype), **node.attrs))
    turns = constant(np.array([b.right - b.left for b in points], node.dtype).reshape(-1, *[1] * node.ndim))
    return hinges._replace(value=first.left * (x - first.at) + start + (turns * hinges.value).sum(0))


def _hinge(z: Tensor, m: Tensor, c: Tensor | None) -> Smooth:
    """max(0, z). The slope by z is the slope itself, as the best s has no influence of first order."""
    if c is None:
        value = m * z
        return Smooth(value, m, z, value)
    s = ops.stop_gradient(ops.clip(m + c * z, 0.0, 1.0))
    value = s * z - (s - m) ** 2 / (2 * c)
    return Smooth(value, s, z, value)


def _largest(rows: Tensor, m: Tensor, c: Tensor | None) -> Smooth:
    """The largest of each row."""
    if c is None:
        largest = (m * rows).sum(-1, keepdims=True)
        return Smooth(largest, m, rows, largest)
    top = ops.stop_gradient(rows.max(-1, keepdims=True))
    behind = rows - top  # which is exact where it matters
    s = ops.stop_gradient(_on_simplex(m + c * behind))
    largest = (s * behind - (s - m) ** 2 / (2 * c)).sum(-1, keepdims=True) + top
    return Smooth(largest, s, rows, largest)


def _on_simplex(w: Tensor) -> Tensor:
    """The nearest numbers of at least 0 that sum to 1 in each row: w less a level, which Newton's method finds from
    below (C. Michelot, "A finite algorithm for finding the projection of a point onto the canonical simplex", Journal
    of Optimization Theory and Applications 50, 1986)."""
    level = w.max(-1, keepdims=True) - 1
    for _ in range(min(w.shape[-1], ROUNDS)):
        above = w > level
        level = (ops.where(above, w, 0.0).sum(-1, keepdims=True) - 1) / above.astype(w.dtype).sum(-1, keepdims=True)
    return ops.relu(w - level)


__all__ = ["Evaluation", "Smooth", "SmoothedKinks", "is_choice"]
