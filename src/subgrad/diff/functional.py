"""Derivatives as functions: of tensors that exist already (as in PyTorch), or of Python functions (as in JAX)."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from subgrad.diff.curvature import sides
from subgrad.diff.forward_mode import push_forward
from subgrad.diff.reverse import gradients, seed_for
from subgrad.errors import ArgumentError, GradientError
from subgrad.graph.tensor import Tensor, TensorLike, constant, tensor
from subgrad.graph.tree import Tree, as_tree, leaves, rebuild
from subgrad.ops import full, maximum, reshape, rules, stack, where

Function = Callable[..., Any]


def grad(y: Tensor | Function, wrt: Tree = None, cotangent: TensorLike = None) -> Any:
    """The gradient of ``y`` by ``wrt``, as nodes that can be differentiated again.

    Args:
        y: a scalar tensor; or a function that returns one, then the result is a function that gives the gradient by
            its first argument.
        wrt: a tensor, a module (all its parameters), or a list, tuple or dict of tensors; any node, not only leaves.
        cotangent: dE/dy, for a ``y`` that is no scalar.

    Returns:
        Gradients in the form of ``wrt``: zeros where y does not depend on it, a dict by name for a module.

    Raises:
        GradientError: if y is not a float scalar and no cotangent is given, or a tensor of ``wrt`` holds no floats.

    Example:
        >>> import subgrad as sg
        >>> x = sg.tensor(3.0)
        >>> float(sg.grad(x**3, x)), float(sg.grad(sg.grad(x**3, x), x))
        (27.0, 18.0)
        >>> float(sg.grad(lambda x: x**3)(3.0))
        27.0
    """
    if not isinstance(y, Tensor):
        return _of_function(y, lambda out, x: grad(out, x, cotangent), wrt)
    wrt, sources = _sources(wrt)
    return rebuild(wrt, gradients(y, sources, cotangent))


def value_and_grad(y: Tensor | Function, wrt: Tree = None) -> Any:
    """``y`` and its gradient: ``(y, grad(y, wrt))``; of a function, a function that returns both.

    Example:
        >>> import subgrad as sg
        >>> value, slope = sg.value_and_grad(lambda x: x**2)(3.0)
        >>> float(value), float(slope)
        (9.0, 6.0)
    """
    if not isinstance(y, Tensor):
        return _of_function(y, lambda out, x: (out, grad(out, x)), wrt)
    return y, grad(y, wrt)


def vjp(f: Function, *xs: TensorLike) -> tuple[Tensor, Callable[[TensorLike], tuple[Tensor, ...]]]:
    """``f(*xs)``, and the pullback from a cotangent of the output to one for each of ``xs``.

    Args:
        f: takes tensors, returns a tensor.
        xs: tensors, arrays or numbers.

    Example:
        >>> import subgrad as sg
        >>> y, pullback = sg.vjp(lambda a, b: a * b, [1.0, 2.0], [3.0, 4.0])
        >>> [g.tolist() for g in pullback([1.0, 1.0])]
        [[3.0, 4.0], [1.0, 2.0]]
    """
    points = _points(xs)
    y = _value(f, *points)
    return y, lambda cotangent: tuple(gradients(y, points, cotangent))


def jvp(f: Function, xs: TensorLike, tangents: TensorLike) -> tuple[Tensor, Tensor]:
    """``f(*xs)``, and its Jacobian times the tangents.

    At a kink this is the linear map that `grad` uses as well (so that <c, jvp> = <vjp, t>), and not the one-sided
    derivative.

    Args:
        f: takes tensors, returns a tensor.
        xs: one argument, or a list or tuple of all.
        tangents: of the same form as ``xs``.

    Raises:
        ArgumentError: if there are not as many tangents as arguments.
        ShapeError: if a tangent does not have its argument's shape.

    Example:
        >>> import subgrad as sg
        >>> y, t = sg.jvp(lambda x: x * x, sg.tensor([1.0, 2.0]), sg.tensor([1.0, 10.0]))
        >>> t.tolist()
        [2.0, 40.0]
    """
    points = _points(xs if isinstance(xs, (list, tuple)) else [xs])
    given = tangents if isinstance(tangents, (list, tuple)) else [tangents]
    if len(given) != len(points):
        raise ArgumentError(f"jvp needs one tangent for each argument: {len(points)} arguments, {len(given)} tangents")
    along = [seed_for(p, t) for p, t in zip(points, given, strict=True)]
    y = _value(f, *points)
    found = push_forward([y.node], [p.node for p in points], along)[0]
    return y, full(y.shape, 0, y.dtype) if found is None else found


def jacobian(y: Tensor | Function, wrt: Tree = None) -> Any:
    """All partial derivatives of ``y`` by ``wrt``: shape ``y.shape + x.shape`` for each x.

    Args:
        y: a tensor; or a function that returns one, then the result is a function that gives the Jacobian by its
            first argument.
        wrt: as in `grad`.

    Returns:
        A tensor in the place of each tensor of ``wrt``. The cost is one backward pass for each element of y.

    Example:
        >>> import subgrad as sg
        >>> sg.jacobian(lambda x: x * x)([1.0, 2.0]).tolist()
        [[2.0, 0.0], [0.0, 4.0]]
    """
    if not isinstance(y, Tensor):
        return _of_function(y, jacobian, wrt)
    wrt, sources = _sources(wrt)
    rows = [gradients(y, sources, unit) for unit in _units(y)]
    columns = zip(*rows, strict=True) if rows else [()] * len(sources)
    return rebuild(wrt, [_as_jacobian(list(c), y, x) for c, x in zip(columns, sources, strict=True)])


def hessian(y: Tensor | Function, wrt: Tensor | None = None) -> Any:
    """The second derivatives of the scalar ``y`` by one tensor: shape ``x.shape + x.shape``.

    On a kink that leaves the function smooth, as in ``norm(x)**2`` or ``sqrt((x**2).sum())**2`` at 0, these are its
    second derivatives: those beside the kink, if they are the same on several sides of it. Else, as in ``x * abs(x)``,
    there are none, and this is the derivative of the gradient that `grad` picks; ``jacobian(grad(f))`` is that
    everywhere, as it sees nothing of ``f`` but its gradient. The kinks inside of a long loop are not looked at, nor
    are the boundaries of a ``where``.

    Raises:
        ArgumentError: if ``wrt`` is not one tensor.
        GradientError: where the first derivatives do not say on which side of a kink a direction leads, as in
            ``abs(1 - cos(x))`` at 0, or terms cancel beside it, as in ``exp(norm(x)) + exp(-norm(x))``. Compiled code
            has NaN there.

    Example:
        >>> import subgrad as sg
        >>> sg.hessian(lambda x: (x**3).sum())([1.0, 2.0]).tolist()
        [[6.0, 0.0], [0.0, 12.0]]
        >>> sg.hessian(lambda x: sg.norm(x) ** 2)([0.0, 0.0]).tolist()
        [[2.0, 0.0], [0.0, 2.0]]
    """
    if not isinstance(y, Tensor):
        return _of_function(y, hessian, wrt)
    if not isinstance(wrt, Tensor):
        raise ArgumentError("hessian takes one tensor; concatenate several, or take jacobian(grad(y, a), b)")
    picked = jacobian(grad(y, wrt), wrt)
    beside = sides(y.node, wrt.node)
    if beside is None:
        return picked
    near, far = ([jacobian(grad(side, wrt), wrt) for side in some] for some in (beside.graphs, beside.far))
    agree = _agree(near, math.sqrt(np.finfo(near[0].dtype).eps))
    found = where(agree, near[0], picked)
    clear = _agree(far, 16 * beside.step) & (abs(far[0]).max() > 0)
    unsure = beside.unsure | (clear & ~(agree & _agree([near[0], far[0]], 16 * beside.step)))  # of terms that cancel
    if not beside.known:
        return where(unsure, math.nan, found)
    if unsure.numpy():
        raise GradientError(
            "the second derivatives at this point are not known: it is on a kink, and either first derivatives do not "
            "say on which side of it a direction leads, or terms cancel beside it; take the point a little off, or "
            "write the function without kinks"
        )
    return found


def _agree(matrices: list[Tensor], share: float) -> Tensor:
    """Whether all are the same up to a share of the largest element; never so with NaN."""
    first, *others = matrices
    apart = functools.reduce(maximum, [abs(first - m) for m in others]).max()
    return apart <= share * abs(first).max()


def _sources(wrt: Tree) -> tuple[Tree, list[Tensor]]:
    """What to differentiate by, as a tree and as its tensors."""
    if wrt is None:
        raise ArgumentError("a derivative of a tensor needs to know by what: sg.grad(loss, net) or a tensor")
    wrt = as_tree(wrt)
    sources = leaves(wrt)
    for x in sources:
        if x.dtype.kind != "f":
            raise GradientError(f"derivatives are by floats, this tensor is {x.dtype}")
    return wrt, sources


def _of_function(f: Function, derive: Callable[[Tensor, Any], Any], wrt: Tree) -> Function:
    """A function of the same arguments that applies ``derive(output, first argument)``."""
    if not callable(f):
        raise ArgumentError(f"expected a tensor or a function of tensors, got {type(f).__name__}")
    if wrt is not None:
        raise ArgumentError("a function is differentiated by its first argument: sg.grad(f)(x), not sg.grad(f, x)")

    @functools.wraps(f, assigned=("__name__", "__doc__"), updated=())
    def derived(x: TensorLike, *others: Any, **kwargs: Any) -> Any:
        point = _points([x])[0]
        return derive(_value(f, point, *others, **kwargs), point)

    return derived


def _value(f: Function, *args: Any, **kwargs: Any) -> Tensor:
    y = f(*args, **kwargs)
    if not isinstance(y, Tensor):
        raise GradientError(f"a function to differentiate returns a tensor, this one returned {type(y).__name__}")
    return y


def _points(xs: Iterable[TensorLike]) -> list[Tensor]:
    """Arguments as nodes of their own: a tensor that is passed twice, or that the function uses besides, is not one
    variable with its argument."""
    return [reshape(x, x.shape) if isinstance(x, Tensor) else rules.as_float(tensor(x)) for x in xs]


def _units(y: Tensor) -> list[Tensor]:
    """One cotangent for each element of y."""
    if y.dtype.kind != "f":
        raise GradientError(f"only floats have derivatives, this tensor is {y.dtype}")
    eye = np.eye(y.size, dtype=y.dtype).reshape(y.size, *y.shape)
    return [constant(row) for row in eye]


def _as_jacobian(rows: list[Tensor], y: Tensor, x: Tensor) -> Tensor:
    shape = (*y.shape, *x.shape)
    return stack(rows).reshape(shape) if rows else full(shape, 0, x.dtype)


__all__ = ["grad", "hessian", "jacobian", "jvp", "value_and_grad", "vjp"]
