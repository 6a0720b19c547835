"""One exact element of Clarke's subdifferential, at the cost of a few gradients.

f'(x; v) has a gradient by v at almost every v, and that is a limit of gradients of f at points x + h v + o(h): an
element of the subdifferential. Backprop through f itself picks a slope at each kink on its own; backprop through
f'(x; .) picks all of them on the same side, that of one direction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from subgrad.diff.reverse import gradients
from subgrad.errors import ArgumentError, GradientError
from subgrad.graph import place
from subgrad.graph.evaluate import evaluate
from subgrad.graph.tensor import Tensor
from subgrad.kinks.locate import Spot
from subgrad.kinks.problem import Function, Point, Problem, scalar_problem
from subgrad.kinks.side import decided_by, lexicographic, random_direction, spots
from subgrad.kinks.trust import by_hand, continuous, snap
from subgrad.kinks.walk import Walk

MODES = ("random", "lexicographic")


@dataclass(frozen=True)
class ClarkeElement:
    """An element of Clarke's subdifferential of f at x.

    Attributes:
        gradient: the element, in the form of x: an array, a list of arrays, or a dict of arrays by name for a module.
        value: f(x).
        slope: f'(x; direction), which is the element times the direction.
        direction: along which the kinks were decided, in the form of x; in lexicographic mode the last one tried.
        exact: True if the element is one for certain, up to rounding: nothing was assumed, and nothing but what was on
            its kink exactly was taken to be there.
        decided: the kinks that the direction decided, with their number of elements and the lines of the program.
        assumed: what was taken on trust, in words; empty if nothing was.
    """

    gradient: Any
    value: float
    slope: float
    direction: Any
    exact: bool
    decided: tuple[Spot, ...] = ()
    assumed: tuple[str, ...] = ()


def subgradient(f: Function | Tensor, x: Point, mode: str = "random", seed: int = 0, tau: float = 0.0) -> ClarkeElement:
    """One element of Clarke's subdifferential of f at x, by a directional pass and a reverse pass.

    Where f is differentiable this is its gradient. At a kink `grad` multiplies slopes that each op picks by itself, and
    the product can be a number that f has nowhere near x: relu(x) - relu(-x) is x, and `grad` says 0 at 0. Here every
    kink is decided by the side on which x + h v lies, for one direction v and h falling to 0. For functions made of
    smooth ops, abs, max, norms and the like the result is a limit of gradients at points near x with probability 1 over
    v (Nesterov, Lexicographic differentiation of nonsmooth functions, 2005; Khan and Barton, ACM TOMS 39(4), 2013).

    In floats a direction misleads if its slope at a kink drowns in rounding, which happens with a probability of about
    the machine epsilon for each kink. Arguments are on a kink if they tie exactly; ``tau`` takes in those that rounding
    has pulled apart.

    Args:
        f: a function that is given x and returns a scalar; or a scalar tensor made from the tensors of x.
        x: the point: an array or numbers, which are taken as float64, or a tensor; or a module, or a list or dict of
            tensors.
        mode: ``random``, one random direction; or ``lexicographic``, the unit vectors in turn until all kinks are
            decided: the same element always, at up to one directional pass for each number in x.
        seed: of the random direction.
        tau: arguments within tau of their kink count as on it; the result then says it is not exact, if that mattered.

    Returns:
        `ClarkeElement`.

    Raises:
        GradientError: where f is not locally Lipschitz or not continuous, naming the op and the line: sqrt at 0, sign
            at 0, a `where` that jumps. Also if f(x) is no finite scalar, or the element overflows.
        NotTraceableError: if f has an ``if`` on a value, which would hide a kink.
        ArgumentError: for an unknown mode, a negative tau, or NaN or inf in x.

    Example:
        >>> import subgrad as sg
        >>> from subgrad.kinks import subgradient
        >>> identity = lambda x: sg.relu(x) - sg.relu(-x)
        >>> float(sg.grad(identity)(0.0)), float(subgradient(identity, 0.0).gradient)
        (0.0, 1.0)
        >>> found = subgradient(lambda x: abs(x[0] - x[1]), [2.0, 2.0], mode="lexicographic")
        >>> found.gradient.tolist(), found.exact, str(found.decided[0])
        ([1.0, -1.0], True, 'abs at <doctest...>:1: 1 of 1 on a kink')
    """
    if mode not in MODES:
        raise ArgumentError(f"unknown mode {mode!r}: expected one of {', '.join(MODES)}")
    if not tau >= 0:
        raise ArgumentError(f"tau is a distance of 0 or more, got {tau}")
    problem = scalar_problem(f, x)
    rng = np.random.default_rng(seed)
    points, near = snap(problem, tau)
    if mode == "random":
        along = random_direction(problem, rng)
        walk = Walk(problem.y, problem.sources, along, points)
        decided = decided_by(walk)
    else:
        walk, along, decided = lexicographic(problem, points)
    walk.check()
    assumed = [*continuous(problem, points, walk, rng), *by_hand(walk), *near]
    return _element(problem, walk, along, spots(decided), assumed)


def _element(
    problem: Problem, walk: Walk, along: list[Tensor], decided: tuple[Spot, ...], assumed: Sequence[str]
) -> ClarkeElement:
    y, slope = problem.y, 0.0
    found = [np.zeros(s.shape, s.dtype) for s in problem.sources]
    if walk.slope is not None:
        nodes = gradients(walk.slope, along)
        evaluate(nodes)
        found, slope = [np.array(n.numpy()) for n in nodes], float(walk.slope)
    if not all(np.isfinite(g).all() for g in found):
        with place.inherit(y.site, y.scope):
            raise GradientError(f"the subgradient overflows {y.dtype}")
    direction = problem.rebuild(np.array(a.numpy()) for a in along)
    exact = not assumed
    return ClarkeElement(problem.rebuild(found), float(y), slope, direction, exact, decided, tuple(assumed))


__all__ = ["ClarkeElement", "subgradient"]
