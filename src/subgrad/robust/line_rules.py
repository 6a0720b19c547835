"""Lines below and above an op that is not linear: ``rule(node, found, *given)``, with the ends
of the node (CROWN: Zhang et al., "Efficient neural network
robustness certification with general activation functions", 2018, arXiv 1811.00866).

They touch the op where the inputs have the values of the graph, or at ends, and hold between the ends. Nothing here
divides by the width of an interval that may be 0.
"""

from __future__ import annotations

from collections.abc import Callable

from subgrad import ops
from subgrad.graph.op import cotangents
from subgrad.graph.tensor import Tensor
from subgrad.robust.end_rules import statistics
from subgrad.robust.ends import Ends, Given, Line, Lines, of

NARROW = 1e-3
"""Intervals whose ends are too near to each other for the slope between them, in units of the input."""


def level(node: Tensor, at: Tensor) -> Line:
    """One number for each element."""
    return Line(at - node, lambda g: [None] * len(node.inputs))


def straight(node: Tensor, slope: Tensor, at: Tensor | float, value: Tensor | float) -> Line:
    """Through ``value`` at ``at``, for an elementwise op of one input."""
    return Line(value + slope * (node.inputs[0] - at) - node, lambda g: [ops.scale(g, slope)])


def tangent(node: Tensor) -> Line:
    """Through the node itself, with its slope."""
    return Line(ops.full(node.shape, 0.0, node.dtype), lambda g: cotangents(node, g))


def bent(slope: Callable[[Tensor], float]) -> Callable[[Tensor, Ends, Ends], Lines]:
    """A function of slope 1 above 0, and ``slope(node)`` below: between a chord and a line through 0, which has the
    slope of the longer side, for that leaves the smaller area (Zhang et al. 2018).
    """

    def rule(node: Tensor, found: Ends, x: Ends) -> Lines:
        beside = slope(node)
        up, down = ops.relu(x.high), ops.relu(-x.low)
        reach = up + down
        steep = beside + (1 - beside) * (up / ops.where(reach > 0, reach, 1))
        flat = ops.where(up > down, 1.0, ops.full(up.shape, beside, up.dtype))
        touching, chord = straight(node, flat, 0.0, 0.0), straight(node, steep, x.low, of(node, x.low))
        return (touching, chord) if beside <= 1 else (chord, touching)

    return rule


def convex(node: Tensor, found: Ends, x: Ends) -> Lines:
    """A smooth function of one variable that rises ever more steeply: a tangent, and a chord."""
    flat = ops.full(node.shape, 0.0, node.dtype)
    return tangent(node), straight(node, _chord(x, found, flat), x.high, found.high)


def largest(node: Tensor, found: Ends, *given: Given) -> Lines:
    """A convex function of several elements: a tangent, and its upper end."""
    return tangent(node), level(node, found.high)


def curved(node: Tensor, found: Ends, x: Ends) -> Lines:
    """A rising curve that is steepest at 0, as a sigmoid is: the least slope, through an end; a chord where it bends
    one way (Singh et al., "An abstract domain for certifying neural networks", POPL 2019)."""
    least = ops.minimum(_slope(found.low), _slope(found.high))
    chord = _chord(x, found, least)
    below = straight(node, ops.where(x.low >= 0, chord, least), x.low, found.low)
    return below, straight(node, ops.where(x.high <= 0, chord, least), x.high, found.high)


def standardized(node: Tensor, found: Ends, x: Ends) -> Lines:
    """The same factor for both, where mean and variance are those of the batch."""
    _, factor = statistics(node)
    line = Line(ops.full(node.shape, 0.0, node.dtype), lambda g: [g * factor])
    return line, line


def _chord(x: Ends, found: Ends, narrow: Tensor) -> Tensor:
    """The slope from end to end."""
    width = x.high - x.low
    wide = width > NARROW
    return ops.where(wide, (found.high - found.low) / ops.where(wide, width, 1), narrow)


def _slope(value: Tensor) -> Tensor:
    """The derivative of a value of an elementwise op."""
    (found,) = cotangents(value, ops.full(value.shape, 1.0, value.dtype))
    assert found is not None
    return found


__all__ = ["bent", "convex", "curved", "level", "standardized", "straight", "tangent"]
