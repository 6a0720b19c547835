"""Where a graph chooses and does not compute: comparisons and `where`, and what they choose when they are undecided.

A comparison of equal numbers is undecided: next to the point it goes either way. A `where` that hangs on it is
continuous only if its branches meet there; everything else that hangs on it jumps.
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
"""Stands for an element that hangs on something else than one comparison."""


def moving(order: Sequence[Tensor], sources: Sequence[Tensor]) -> set[Tensor]:
    """The nodes of a topological order through which derivatives by ``sources`` flow."""
    found = set(sources)
    for node in order:
        if node.dtype.kind == "f" and node.op not in _FLAT and any(i in found for i in node.inputs):
            found.add(node)
    return found


_FLAT = {ops.sign, ops.stop_gradient}


class Undecided:
    """The undecided elements of a graph, followed from the comparisons to the `where`s.

    Attributes:
        marks: for the nodes that have some, an array of ints: 0 for a decided element, k or -k for one that is the
            k-th undecided comparison or its opposite, `MIXED` for one that hangs on several or on something else.

    Raises:
        GradientError: if the function jumps for sure.
    """

    def __init__(self, order: Sequence[Tensor], flows: set[Tensor]) -> None:
        self.marks: dict[Tensor, np.ndarray] = {}
        self._comparisons: list[tuple[Tensor, int]] = []
        for node in order:
            if node not in flows and any(i in flows for i in node.inputs):
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
        """The elements of a node that derivatives do not pass, on the boundary of what it tells apart."""
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
        """An undecided side counts where the other one does not decide alone."""
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
        """What a `where` is on both sides of a comparison; next to equal numbers are numbers that are not equal."""
        if mark == MIXED:
            return Piece(i, ((),), 0.0, ((b, i, 1.0),), ((a, i, 1.0), (b, i, -1.0)))
        comparison, k = self._comparisons[abs(mark) - 1]
        left, right = comparison.inputs
        holds, fails = (a, b) if (mark > 0) != (comparison.op is ops.not_equal) else (b, a)
        factor = 1.0 if comparison.op in (ops.less, ops.less_equal) else 0.0
        argument = ((right, k, 1.0), (left, k, -1.0))
        return Piece(i, (argument,), factor, ((fails, i, 1.0),), ((holds, i, 1.0), (fails, i, -1.0)))


def jump_error(node: Tensor) -> GradientError:
    """The error for a `where` whose branches do not meet."""
    return _jumps(node, "the condition of this where sits on its boundary and the branches do not meet there")


def _jumps(node: Tensor, message: str) -> GradientError:
    with source_location.inherit(node.site, node.scope):
        return GradientError(f"{message}: the function is not Lipschitz at this point and has no subdifferential")
