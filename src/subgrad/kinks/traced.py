"""A scalar function as a graph over one flat vector: traced once, then evaluated at any point."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from subgrad.compile.interpret import Interpreter
from subgrad.diff.reverse import gradients
from subgrad.errors import ArgumentError, DTypeError, GradientError
from subgrad.graph import place
from subgrad.graph.dtype import float64, using_dtype
from subgrad.graph.op import apply
from subgrad.graph.order import toposort
from subgrad.graph.tensor import Parameter, Tensor, constant, placeholder, tensor
from subgrad.graph.tree import leaves, rebuild
from subgrad.nn.binding import bound

Function = Callable[[Any], Tensor]


class Traced:
    """``f`` as a function of the elements of ``x``, one after the other.

    An ``if`` on a value would hide a kink, so f is traced without values, and such an ``if`` raises.

    Args:
        f: from a tensor (or whatever ``x`` is) to a scalar tensor.
        x: a tensor, which keeps its dtype; an array or numbers, taken as float64; or a module, list, tuple or dict of
            tensors, given to f as such.

    Raises:
        ArgumentError: for no variables, or NaN or infinity among them.
        GradientError: if f does not return a float scalar.
        NotTraceableError: if f asks for a value.
    """

    def __init__(self, f: Function, x: Any) -> None:
        variables, call = _variables(f, x)
        self.shapes = [v.shape for v in variables]
        self.dtype = variables[0].dtype
        self.start = np.concatenate([v.numpy().ravel() for v in variables]).astype(np.float64)
        if not np.isfinite(self.start).all():
            raise ArgumentError("a point of finite numbers is needed, this one has NaN or infinity")
        self.places = [placeholder(v.shape, v.dtype, "a variable") for v in variables]
        with using_dtype(self.dtype):
            found = call(self.places)
        if not isinstance(found, Tensor) or found.shape != () or found.dtype.kind != "f":
            raise GradientError(f"a function to a float scalar is needed, this one returned {_described(found)}")
        self.output = found.node

    @property
    def size(self) -> int:
        """The number of variables."""
        return self.start.size

    def split(self, point: np.ndarray) -> list[np.ndarray]:
        """A flat vector as the arrays that f takes."""
        ends = np.cumsum([math.prod(s) for s in self.shapes])[:-1]
        parts = np.split(np.asarray(point), ends)
        return [p.astype(self.dtype).reshape(s) for p, s in zip(parts, self.shapes, strict=True)]

    def value(self, point: np.ndarray) -> float:
        """f at a flat vector."""
        return float(self._run(point)[0])

    def gradient(self, point: np.ndarray) -> np.ndarray:
        """What plain backprop gives at a flat vector, as a flat float64 vector."""
        return np.concatenate([g.ravel() for g in self._run(point)[1:]]).astype(np.float64)

    def _run(self, point: np.ndarray) -> list[np.ndarray]:
        return self._program(self.split(point))

    @functools.cached_property
    def _program(self) -> Interpreter:
        return Interpreter(self.places, [self.output, *gradients(self.output, self.places)])

    def at(self, point: np.ndarray) -> tuple[Tensor, list[Tensor]]:
        """The graph with values: its output, and the leaves that hold ``point``."""
        sources = [constant(part) for part in self.split(point)]
        new: dict[Tensor, Tensor] = dict(zip(self.places, sources, strict=True))
        for node in toposort([self.output], is_leaf=new.__contains__):
            if node not in new:
                new[node] = _with_inputs(node, tuple(new[i] for i in node.inputs))
        return new[self.output], sources


def _with_inputs(node: Tensor, inputs: tuple[Tensor, ...]) -> Tensor:
    if all(a is b for a, b in zip(inputs, node.inputs, strict=True)):
        return node
    with place.inherit(node.site, node.scope):
        return apply(node.op, inputs, node.attrs)


def _variables(f: Function, x: Any) -> tuple[list[Tensor], Callable[[list[Tensor]], Any]]:
    """The tensors that f depends on, and f as a function of nodes in their places."""
    if isinstance(x, Parameter) or not _is_tree(x):
        single = x.node if isinstance(x, Tensor) else tensor(x, float64)
        return _checked([single]), lambda nodes: f(nodes[0])
    found = _checked(leaves(x))
    parameters = [v for v in found if isinstance(v, Parameter)]
    if len(parameters) < len(found):
        return found, lambda nodes: f(rebuild(x, nodes))

    def call(nodes: list[Tensor]) -> Any:
        with bound(parameters, nodes):
            return f(x)

    return found, call


def _is_tree(x: Any) -> bool:
    if isinstance(x, (list, tuple)):
        return any(isinstance(part, Tensor) or _is_tree(part) for part in x)
    return isinstance(x, (dict, Iterator)) or hasattr(x, "named_parameters")


def _checked(variables: list[Tensor]) -> list[Tensor]:
    if not sum(v.size for v in variables):
        raise ArgumentError("a point with at least one variable is needed, this one is empty")
    dtypes = {v.dtype for v in variables}
    if len(dtypes) > 1 or variables[0].dtype.kind != "f":
        raise DTypeError(f"variables have one float dtype, these have {', '.join(sorted(map(str, dtypes)))}")
    return variables


def _described(found: Any) -> str:
    return f"{found.dtype}{found.shape}" if isinstance(found, Tensor) else type(found).__name__
