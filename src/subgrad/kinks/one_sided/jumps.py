"""Undecided comparisons in a graph, and the jumps of `where`s that depend on them.

A comparison of equal numbers is undecided: near the point it may be true or false. A `where` with such a condition is
continuous only if its branches have equal values there; any other op that depends on the comparison has a jump.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from subgrad import ops
from subgrad.diff.conditions import is_comparison, matters, moved, moves, undecided
from subgrad.errors import GradientError
from subgrad.graph import source_location
from subgrad.graph.tensor import Tensor
from subgrad.kinks.hull.linear_pieces import Piece

MIXED = np.iinfo(np.int64).max
"""Marks an element that depends on several undecided comparisons, or on another discontinuous op."""


def moving(order: Sequence[Tensor], sources: Sequence[Tensor]) -> set[Tensor]:
    """The nodes of a topological order through which derivatives by ``sources`` flow."""
    found = set(sources)
    for node in order:
        if node.dtype.kind == "f" and node.op not in _FLAT and any(i in found for i in node.inputs):
            found.add(node)
    return found


_FLAT = {ops.sign, ops.stop_gradient}


class Undecided:
    """The undecided elements of a graph, propagated from the comparisons to the `where`s.

    Attributes:
        marks: for the nodes that have some, an array of ints: 0 for a decided element, k or -k for one that is the
            k-th undecided comparison or its negation, `MIXED` for one that depends on several or on another op.

    Raises:
        GradientError: if the function certainly has a jump.
    """

    def __init__(self, order: Sequence[Tensor], flows: set[Tensor]) -> None:
        self.marks: dict[Tensor, np.ndarray] = {}
        self._comparisons: list[tuple[Tensor, int]] = []
        for node in order:
            if any(i in flows for i in node.inputs):
                self._keep(node, self._started(node))
            if any(i in self.marks for i in node.inputs):
                self._keep(node, self._passed_on(node))

    def _keep(self, node: Tensor, marks: np.ndarray) -> None:
        if not marks.any():
            return
        if node.dtype.kind == "f":
            raise _jumps(node, f"{node.op.name} jumps here")
        self.marks[node] = marks

    def _started(self, node: Tensor) -> np.ndarray:
        """The marks of the undecided elements of a node, though derivatives may pass through it, as through a floor."""
        found = undecided(node)
        if found is None:
            return np.zeros(node.shape, np.int64)
        on = found.numpy()
        if not is_comparison(node.op):
            return np.where(on, MIXED, 0)
        places = np.flatnonzero(on)
        marks = np.zeros(node.size, np.int64)
        marks[places] = len(self._comparisons) + 1 + np.arange(len(places))
        self._comparisons += [(node, int(i)) for i in places]
        return marks.reshape(node.shape)

    def _passed_on(self, node: Tensor) -> np.ndarray:
        arriving = [self.marks.get(i, np.zeros(i.shape, np.int64)) for i in node.inputs]
        if node.op is ops.where and node.dtype.kind == "f":
            self._check_meeting(node, arriving[0])
            return np.zeros(node.shape, np.int64)
        if node.op is ops.logical_not:
            return np.where(arriving[0] == MIXED, MIXED, -arriving[0])
        if node.op in (ops.logical_and, ops.logical_or):
            return self._joined(node, *arriving)
        if moves(node):
            return moved(node, arriving, around=0)
        return np.full(node.shape, MIXED)

    def _joined(self, node: Tensor, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """The marks of two joined conditions; an undecided one counts where the other does not determine the result."""
        left, right = matters(node)
        a, b = np.where((b != 0) | left, a, 0), np.where((a != 0) | right, b, 0)
        return np.where((a != 0) & (b != 0), MIXED, a + b)

    def _check_meeting(self, node: Tensor, marks: np.ndarray) -> None:
        _, a, b = node.inputs
        if (a.numpy() != b.numpy())[marks != 0].any():
            raise jump_error(node)

    def choices(self, node: Tensor) -> list[Piece]:
        """The undecided elements of a `where` as pieces."""
        condition, a, b = node.inputs
        marks = self.marks.get(condition, np.zeros(0)).ravel()
        return [self._choice(int(marks[i]), a, b, i) for i in np.flatnonzero(marks).tolist()]

    def _choice(self, mark: int, a: Tensor, b: Tensor, i: int) -> Piece:
        """The piece of a `where` with this mark; near the point the numbers compared by == and != differ."""
        if mark == MIXED:
            return Piece(i, ((),), 0.0, ((b, i, 1.0),), ((a, i, 1.0), (b, i, -1.0)))
        comparison, k = self._comparisons[abs(mark) - 1]
        left, right = comparison.inputs
        holds, fails = (a, b) if (mark > 0) != (comparison.op is ops.not_equal) else (b, a)
        factor = 1.0 if comparison.op in (ops.less, ops.less_equal) else 0.0
        argument = ((right, k, 1.0), (left, k, -1.0))
        return Piece(i, (argument,), factor, ((fails, i, 1.0),), ((holds, i, 1.0), (fails, i, -1.0)))


def jump_error(node: Tensor) -> GradientError:
    """The error for a `where` whose branches have different values at the threshold."""
    return _jumps(node, "the condition of this where sits on its boundary and the branches do not meet there")


def _jumps(node: Tensor, message: str) -> GradientError:
    with source_location.inherit(node.site, node.scope):
        return GradientError(f"{message}: the function is not Lipschitz at this point and has no subdifferential")
