"""A function of points, traced once: its values, and intervals that hold it and its derivatives over boxes.

Only one point is traced, and the graph is rewritten for many. So whatever f does, it is a function of a point, and a
proof about it means what it says.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from subgrad import ops
from subgrad.bounds.taylor.slopes import as_computed
from subgrad.compile.runtime.interpret import Interpreter
from subgrad.diff import grad
from subgrad.diff.vmap import for_all
from subgrad.errors import NotTraceableError, ShapeError
from subgrad.graph.dtype import float64, using_dtype
from subgrad.graph.tensor import Parameter, Tensor, constant, placeholder
from subgrad.nn.functional_call import bound
from subgrad.nn.module import Module
from subgrad.nn.running import evaluating

Function = Callable[[Any], Tensor]


class Pointwise:
    """``f``, from points of shape (N, d) to N numbers, as a graph in float64.

    Args:
        f: takes a tensor of shape (N, d), returns one of shape (N,) or (N, 1). A module is taken in evaluation mode,
            its parameters as the numbers that they are.
        dimensions: d.

    Raises:
        ShapeError: if f returns another shape.
        NotTraceableError: if f asks for a value, as functions of NumPy do, or returns no tensor.
        TypeError: if f hands a tensor to a function of NumPy.

    Example:
        >>> import numpy as np, subgrad as sg
        >>> f = Pointwise(lambda x: sg.exp(-(x * x).sum(1)), 2)
        >>> f.values(np.array([[0.0, 0.0], [0.0, 2.0]])).round(3).tolist()
        [1.0, 0.018]
        >>> f.gradients(np.array([[1.0, 1.0]])).round(3).tolist()
        [[-0.271, -0.271]]
    """

    def __init__(self, f: Function, dimensions: int) -> None:
        self.dimensions = dimensions
        self.point = placeholder((dimensions,), float64, "a point")
        with using_dtype(float64), _as_numbers(f):
            found = f(self.point.reshape(1, dimensions))
        if not isinstance(found, Tensor):
            raise NotTraceableError(f"f is to be traced, and it returned no tensor but {type(found).__name__}")
        if found.shape not in ((1,), (1, 1)):
            raise ShapeError(f"f takes points (N, {dimensions}) and returns (N,); for N = 1 it returned {found.shape}")
        self.value = as_computed(ops.astype(found.node, float64).reshape(()))

    @functools.cached_property
    def slope(self) -> Tensor:
        """The node of the gradient, (d,)."""
        return grad(self.value, self.point)

    @functools.cached_property
    def curvature(self) -> Tensor:
        """The node of the Hessian, (d, d)."""
        rows = [grad(self.slope[i], self.point) for i in range(self.dimensions)]
        return ops.stack(rows)

    def values(self, points: np.ndarray) -> np.ndarray:
        """f at points of shape (N, d)."""
        return self._run((self.value,), points)[0]

    def gradients(self, points: np.ndarray) -> np.ndarray:
        """The gradients at points of shape (N, d), of that shape."""
        return self._run((self.slope,), points)[0]

    def _run(self, nodes: tuple[Tensor, ...], points: np.ndarray) -> list[np.ndarray]:
        points = np.ascontiguousarray(points, np.float64)
        if not len(points):
            return [np.empty((0, *n.shape)) for n in nodes]
        place, found = self.for_points(nodes, len(points))
        return Interpreter([place], found)([points])

    def for_points(self, nodes: Sequence[Tensor], n: int) -> tuple[Tensor, list[Tensor]]:
        """A placeholder for n points, (n, d), and nodes of the graph of one point as nodes for all of them."""
        points = placeholder((n, self.dimensions), float64, "points")
        return points, for_all(nodes, {self.point: points}, n)


@contextmanager
def _as_numbers(f: Any) -> Iterator[None]:
    """The parameters of a module stand for float64 constants inside, and it is in evaluation mode."""
    if not isinstance(f, Module):
        yield
        return
    parameters: list[Parameter] = [p for _, p in f.named_state()]
    with evaluating(f), bound(parameters, [constant(p.numpy().astype(np.float64)) for p in parameters]):
        yield
