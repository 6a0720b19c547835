"""Functions of points as graphs in real numbers: one point, float64, the parameters of networks as inputs."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from subgrad.errors import ArgumentError, DTypeError, NotTraceableError, ShapeError, without_line
from subgrad.graph.dtype import float64, using_dtype
from subgrad.graph.tensor import Parameter, Tensor, placeholder
from subgrad.nn.functional_call import bound
from subgrad.nn.module import Module
from subgrad.nn.running import evaluating
from subgrad.recur.unroll import unrolled

Function = Callable[[Any], Any]


@dataclass(frozen=True, eq=False)
class Traced:
    """A function at one point.

    Attributes:
        point: the placeholder of the point, shape (1, d).
        output: the node of the values, shape (k,), in float64.
        weights: placeholders of the parameters that the function was traced with.
        values: what they hold, in float64.
    """

    point: Tensor
    output: Tensor
    weights: list[Tensor]
    values: list[np.ndarray]


def traced(f: Function, point: Tensor, name: str) -> Traced:
    """``f``, from points (N, d) to values (N,) or (N, k), at the one ``point``.

    A module is traced in evaluation mode, with its parameters and running statistics taken as the float64 numbers that
    they are. Loops are written out.

    Raises:
        ArgumentError: if f is no function of tensors.
        NotTraceableError: if f is a function of arrays.
        ShapeError: if it does not take such points, or return a row of values for each.
    """
    if not callable(f):
        raise ArgumentError(
            f"{name} is a function of tensors or a module, got {type(f).__name__}: "
            "of samples nothing can be proven, and formulas are read by subgrad.approx.Expression"
        )
    module = f if isinstance(f, Module) else None
    parameters: list[Parameter] = [p for _, p in module.named_state()] if module else []
    _check_finite(module)
    weights = [placeholder(p.shape, float64, "a parameter") for p in parameters]
    mode = evaluating(module) if module else contextlib.nullcontext()
    with using_dtype(float64), mode, bound(parameters, weights):
        output = _row(_called(f, point, name), name)
    return Traced(point, output, weights, [p.numpy().astype(np.float64) for p in parameters])


def _called(f: Function, point: Tensor, name: str) -> Any:
    try:
        return f(point)
    except ShapeError as error:
        said = without_line(str(error))
        raise ShapeError(f"{name} takes no points of {point.shape[1]} variables, as the box has: {said}") from error
    except TypeError as error:  # NumPy's functions refuse tensors with one
        if "__array_ufunc__" not in str(error):
            raise
        raise NotTraceableError(
            f"{name} is made of NumPy's functions, and of values alone nothing can be proven: subgrad has the same ones"
        ) from error


def _row(found: Any, name: str) -> Tensor:
    if not isinstance(found, Tensor):
        raise ArgumentError(f"{name} must return a tensor made of subgrad's ops, it returned {type(found).__name__}")
    if found.ndim not in (1, 2) or found.shape[0] != 1 or not found.size:
        raise ShapeError(f"{name} takes points (N, d) to values (N,) or (N, k); for (1, d) it returned {found.shape}")
    if found.dtype.kind in "iub":
        found = found.astype(float64)
    if found.dtype != float64:
        raise DTypeError(f"{name} must keep float64, it returned {found.dtype}: its constants may be of another dtype")
    return unrolled([found.node])[0].reshape(found.size)


def _check_finite(module: Module | None) -> None:
    """Raises `ArgumentError` for a weight that is no number: nothing can be proven of what is computed with it."""
    for name, p in module.named_state() if module else ():
        if not np.isfinite(p.numpy()).all():
            raise ArgumentError(f"nothing can be proven of a network with weights that are infinite or NaN: {name} is")


class AtOnePoint(Module):
    """A module with an input of some shape, whose first axis is that of samples, as one of a point (1, d).

    >>> from subgrad import nn, zeros
    >>> AtOnePoint(nn.Flatten(), (1, 2, 3))(zeros((1, 6))).shape
    (1, 6)
    """

    def __init__(self, net: Module, shape: tuple[int, ...]) -> None:
        self.net, self.shape = net, shape

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x.reshape(self.shape)).reshape(1, -1)


__all__ = ["AtOnePoint", "Function", "Traced", "traced"]
