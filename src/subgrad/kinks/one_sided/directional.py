"""The exact one-sided derivative of any function of tensors along a direction."""

from __future__ import annotations

from typing import Any

from subgrad.graph.tensor import Tensor
from subgrad.kinks.one_sided.walk import Walk
from subgrad.kinks.problem import Function, Point, Problem
from subgrad.ops import full


def directional_derivative(f: Function | Tensor, x: Point, v: Any) -> Tensor:
    """f'(x; v), the limit of (f(x + h v) - f(x)) / h as h falls to 0: exact, at kinks as well.

    Where f is differentiable this is the gradient times v. At a kink it is not linear in v: the absolute value has
    abs'(0; v) = \\|v\\|. Each op of the table passes on the one-sided derivatives of its arguments by its own rule, so
    no step size is involved.

    Args:
        f: a function that is given x; or a tensor made from the tensors of x.
        x: the point: an array or numbers, which are taken as float64, or a tensor; or a module, or a list or dict of
            tensors.
        v: the direction, in the form of x; for a module a dict of arrays by name.

    Returns:
        A tensor of the shape of f(x).

    Raises:
        GradientError: where there is no such derivative, naming the op and the line: sqrt at 0, ``x**p`` at 0 for
            0 < p < 1, sign at 0, `where` at a threshold at which its branches differ; or if f(x) is not finite.
        NotTraceableError: if f has an ``if`` on a value, which would hide a kink.
        ArgumentError: if x or v holds NaN or inf, or v does not have the form of x.
        ShapeError: if v does not have the shapes of x.

    Example:
        >>> import subgrad as sg
        >>> from subgrad.kinks import directional_derivative
        >>> f = lambda x: abs(x[0]) + sg.maximum(x[0], x[1])
        >>> float(directional_derivative(f, [0.0, 0.0], [-1.0, 2.0]))
        3.0
        >>> directional_derivative(sg.sqrt, 0.0, 1.0)
        Traceback (most recent call last):
        ...
        subgrad.errors.GradientError: no derivative along this direction: sqrt: of 0 its slope is infinite, ...
    """
    problem = Problem(f, x)
    walk = Walk(problem.y, problem.sources, problem.direction(v))
    walk.check()
    return full(problem.y.shape, 0, problem.y.dtype) if walk.slope is None else walk.slope


__all__ = ["directional_derivative"]
