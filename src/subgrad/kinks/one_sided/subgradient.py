"""One exact element of Clarke's subdifferential, at the cost of a few gradients.

f'(x; v) has a gradient by v at almost every v, and that is a limit of gradients of f at points x + h v + o(h): an
element of the subdifferential. Backprop through f itself picks a slope at each kink on its own; backprop through
f'(x; .) picks all of them on the same side, that of one direction.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from subgrad.compile.function import CompiledFunction
from subgrad.diff.reverse import gradients
from subgrad.errors import ArgumentError, GradientError
from subgrad.graph import source_location
from subgrad.graph.evaluate import evaluate
from subgrad.graph.tensor import Parameter, Tensor, constant
from subgrad.graph.tree import Tree, as_tree, leaves, rebuild
from subgrad.kinks.locate import Spot
from subgrad.kinks.one_sided.assumptions import by_hand, continuous, snap
from subgrad.kinks.one_sided.branch_selection import decided_by, lexicographic, random_direction, spots
from subgrad.kinks.one_sided.native_subgradient import native
from subgrad.kinks.one_sided.walk import Walk
from subgrad.kinks.problem import Function, Point, Problem, held_still, scalar_problem
from subgrad.nn.functional_call import bound

MODES = ("random", "lexicographic")


@dataclass(frozen=True, eq=False)
class ClarkeElement:
    """An element of Clarke's subdifferential of f at x.

    Attributes:
        gradient: the element, in the form of x: an array, a list of arrays, or a dict of arrays by name for a module.
        value: f(x).
        slope: f'(x; direction), which is the element times the direction.
        exact: True if the element is one for certain, up to rounding: nothing was assumed, and nothing but what was on
            its kink exactly was taken to be there.
        assumed: what was assumed and not verified, as sentences; empty if nothing was.
    """

    gradient: Any
    value: float
    slope: float
    exact: bool
    assumed: tuple[str, ...]
    _sides: Callable[[], Sides] = field(repr=False)

    @functools.cached_property
    def _side(self) -> Sides:
        return self._sides()

    def __getstate__(self) -> dict[str, Any]:
        """What a pickle or a copy holds: the sides themselves, and not how they are found."""
        return {**{k: v for k, v in self.__dict__.items() if k != "_sides"}, "_side": self._side}

    @property
    def direction(self) -> Any:
        """Along which the kinks were decided, in the form of x; in lexicographic mode the last one tried."""
        return self._side.direction

    @property
    def decided(self) -> tuple[Spot, ...]:
        """The kinks that the direction decided, with their number of elements and the lines of the program."""
        return self._side.decided


@dataclass(frozen=True)
class Sides:
    """On which side of the kinks an element is; a native program leaves this to be found when somebody asks."""

    direction: Any
    decided: tuple[Spot, ...]


def subgradient(f: Function | Tensor, x: Point, mode: str = "random", seed: int = 0, tau: float = 0.0) -> ClarkeElement:
    """One element of Clarke's subdifferential of f at x, by a directional pass and a reverse pass.

    Where f is differentiable this is its gradient. At a kink `grad` multiplies slopes that each op picks by itself, and
    the product can be a number that f has nowhere near x: relu(x) - relu(-x) is x, and `grad` says 0 at 0. Here every
    kink is decided by the side on which x + h v lies, for one direction v and h falling to 0. For functions made of
    smooth ops, abs, max, norms and the like the result is a limit of gradients at points near x with probability 1 over
    v (Nesterov, Lexicographic differentiation of nonsmooth functions, 2005; Khan and Barton, ACM TOMS 39(4), 2013).

    Of a function that `compile` has made native the element comes from a native program, too, at the cost of two or
    three native gradients; only where it meets a condition at its threshold, or finds no element, are the ops
    interpreted, to say why.

    In floats a direction misleads if its slope at a kink drowns in rounding, which happens with a probability of about
    the machine epsilon for each kink. Arguments are on a kink if they tie exactly; ``tau`` takes in those that rounding
    has pulled apart.

    Args:
        f: a function that is given x and returns a scalar, also one made by `compile`; or a scalar tensor made from
            the tensors of x.
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
    if isinstance(f, CompiledFunction) and mode == "random" and tau == 0:
        point = held_still(x)
        form, found = as_tree(point), native(f, point, seed)
        if found is not None:
            gradient, value, slope = found
            return ClarkeElement(rebuild(form, gradient), value, slope, True, (), _later(f, point, form, seed))
    return _interpreted(scalar_problem(f, x), mode, seed, tau)


def _interpreted(problem: Problem, mode: str, seed: int, tau: float) -> ClarkeElement:
    points, near = snap(problem, tau)
    if mode == "random":
        along = [constant(v.numpy()) for v in random_direction(problem.sources, [seed, 0])]
        walk = Walk(problem.y, problem.sources, along, points)
        decided = decided_by(walk)
    else:
        walk, along, decided = lexicographic(problem, points)
    walk.check()
    assumed = (*continuous(problem, points, walk, seed), *by_hand(walk), *near)
    gradient, slope = _element(problem, walk, along)
    sides = Sides(problem.rebuild(np.array(a.numpy()) for a in along), spots(decided))
    return ClarkeElement(gradient, float(problem.y), slope, not assumed, assumed, lambda: sides)


def element(problem: Problem, point: np.ndarray, seed: int = 0) -> np.ndarray:
    """An element at a flat vector, as one. Raises `GradientError` where there is none."""
    y, sources = problem.at(point)
    evaluate([y])
    along = [constant(v.numpy()) for v in random_direction(sources, [seed, 0])]
    walk = Walk(y, sources, along)
    walk.check()
    if walk.slope is None:
        return np.zeros(problem.size)
    nodes = gradients(walk.slope, along)
    evaluate(nodes)
    return np.concatenate([n.numpy().ravel() for n in nodes]).astype(np.float64)


def _element(problem: Problem, walk: Walk, along: list[Tensor]) -> tuple[Any, float]:
    """The gradient of the slope by the direction, and the slope."""
    if walk.slope is None:
        return problem.rebuild(np.zeros(s.shape, s.dtype) for s in problem.sources), 0.0
    nodes = gradients(walk.slope, along)
    evaluate(nodes)
    found = [np.array(n.numpy()) for n in nodes]
    if not all(np.isfinite(g).all() for g in found):
        with source_location.inherit(problem.y.site, problem.y.scope):
            raise GradientError(f"the subgradient overflows {problem.y.dtype}")
    return problem.rebuild(found), float(walk.slope)


def _later(f: CompiledFunction, point: Point, form: Tree, seed: int) -> Callable[[], Sides]:
    """The interpreted pass at a point as it is now."""
    parameters = [v for v in leaves(form) if isinstance(v, Parameter)]
    nodes = [p.node for p in parameters]

    def found() -> Sides:
        with bound(parameters, nodes):
            return _interpreted(scalar_problem(f, point), "random", seed, 0.0)._side

    return found


__all__ = ["ClarkeElement", "element", "subgradient"]
