"""A function and a point for the nonsmooth calculus: a graph over the numbers of x, traced once."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from subgrad.compile.runtime.interpret import Interpreter
from subgrad.diff.reverse import gradients, leaves_of
from subgrad.errors import ArgumentError, DTypeError, GradientError, ShapeError
from subgrad.graph import source_location, tracing
from subgrad.graph.dtype import float64, using_dtype
from subgrad.graph.evaluate import evaluate
from subgrad.graph.op import apply
from subgrad.graph.order import toposort
from subgrad.graph.tensor import Parameter, Tensor, TensorLike, as_tensor, constant, placeholder, tensor
from subgrad.graph.tree import Tree, as_tree, leaves, rebuild
from subgrad.kinks.one_sided.rooted import without_roots
from subgrad.kinks.space import Space
from subgrad.nn.functional_call import bound
from subgrad.ops import rules
from subgrad.recur.unroll import unrolled

Function = Callable[[Any], Tensor]
Point = Any
"""A tensor, array, number or list of numbers; or a module, or a list, tuple or dict of tensors and arrays."""


class Problem:
    """``f`` at ``x``, and as a function of the numbers of x, one after the other in one flat vector.

    An ``if`` on a value would hide a kink, so f is traced without values, and such an ``if`` raises.

    Args:
        f: a function that is given x; or a tensor that was made from the tensors of x.
        x: a tensor keeps its dtype, arrays and numbers become float64.

    Attributes:
        form: the tree that `rebuild` fills.
        places: a node for each tensor of x.
        output: the node of f, over ``places``.
        start: x as a flat float64 vector.

    Raises:
        ArgumentError: if f is neither a function nor a tensor, x holds NaN or inf, or a parameter has a new value since
            the graph f was made.
        GradientError: if x does not hold floats, or f does not return a float tensor.
        NotTraceableError: if f asks for a value.
    """

    def __init__(self, f: Function | Tensor, x: Point) -> None:
        if not (isinstance(f, Tensor) or callable(f)):
            raise ArgumentError(f"expected a function of tensors or a tensor, got {type(f).__name__}")
        given = held_still(x)
        self.form = as_tree(given)
        variables = leaves(self.form)
        self._graph_is_given = isinstance(f, Tensor)
        self.sizes = [v.size for v in variables]
        self.start = np.concatenate([np.zeros(0), *(_numbers(v, i) for i, v in enumerate(variables))])
        if isinstance(f, Tensor):
            self.places = _current(f, variables)
            y: Any = f
        else:
            self.places = [placeholder(v.shape, v.dtype, "a variable") for v in variables]
            with using_dtype(variables[0].dtype if variables else float64), tracing.recording():
                y = _call(f, given, self.places)
        self.output = without_roots(*unrolled([_float_node(y)]))

    def __deepcopy__(self, memo: dict[int, Any]) -> Problem:
        return self  # nothing of it changes

    def __reduce__(self) -> Any:
        return _not_pickled, ()

    @property
    def size(self) -> int:
        """The number of variables."""
        return self.start.size

    @property
    def dtype(self) -> np.dtype:
        """Of the variables, where they have one together."""
        return self.places[0].dtype

    @functools.cached_property
    def space(self) -> Space:
        """Where x is, without bounds."""
        no_bound = np.full(self.size, np.inf)
        return Space(tuple(p.shape for p in self.places), self.dtype, -no_bound, no_bound)

    def split(self, point: np.ndarray) -> list[np.ndarray]:
        """A flat vector as the arrays that f takes."""
        parts = np.split(np.asarray(point), np.cumsum(self.sizes)[:-1])
        return [p.astype(s.dtype).reshape(s.shape) for p, s in zip(parts, self.places, strict=True)]

    def rebuild(self, arrays: Iterable[Any]) -> Any:
        """``arrays``, one for each tensor of x, in the form of x."""
        return rebuild(self.form, arrays)

    def value(self, point: np.ndarray) -> float:
        """f at a flat vector."""
        return self.evaluate(point)[0]

    def gradient(self, point: np.ndarray) -> np.ndarray:
        """What plain backprop gives at a flat vector, as a flat float64 vector."""
        return self.evaluate(point)[1]

    def evaluate(self, point: np.ndarray) -> tuple[float, np.ndarray]:
        """Both."""
        value, *slopes = self._program(self.split(point))
        return float(value), np.concatenate([g.ravel() for g in slopes]).astype(np.float64)

    @functools.cached_property
    def _program(self) -> Interpreter:
        return Interpreter(self.places, [self.output, *gradients(self.output, self.places)])

    def moved(self, point: np.ndarray) -> Problem:
        """The same function at another point."""
        found = object.__new__(Problem)
        found.__dict__ = {**self.__dict__, "start": point, "_graph_is_given": False}
        found.__dict__.pop("_here", None)
        return found

    def in_units(self, length: float, value: float) -> Problem:
        """The function whose variables and values are measured in these units, at the same point."""
        found = object.__new__(Problem)
        found.form, found.sizes, found._graph_is_given = self.form, self.sizes, False
        found.start = self.start / length
        found.places = [placeholder(p.shape, p.dtype, "a variable") for p in self.places]
        found.output = self.over([p * length for p in found.places]) / value
        return found

    # The graph with values

    def at(self, point: np.ndarray) -> tuple[Tensor, list[Tensor]]:
        """The graph with values: its output, and the leaves that hold ``point``."""
        sources = [constant(part) for part in self.split(point)]
        return self.over(sources), sources

    def over(self, nodes: Sequence[Tensor]) -> Tensor:
        """The output of the graph with ``nodes`` as its variables."""
        new: dict[Tensor, Tensor] = dict(zip(self.places, nodes, strict=True))
        for node in toposort([self.output], is_leaf=new.__contains__):
            if node not in new:
                new[node] = _with_inputs(node, tuple(new[i] for i in node.inputs))
        return new[self.output]

    @functools.cached_property
    def _here(self) -> tuple[Tensor, list[Tensor]]:
        y, sources = (self.output, self.places) if self._graph_is_given else self.at(self.start)
        evaluate([y])
        if not np.isfinite(y.numpy()).all():
            with source_location.inherit(y.site, y.scope):
                raise GradientError("there is no derivative where the function is NaN or inf")
        return y, sources

    @property
    def y(self) -> Tensor:
        """The node of f(x), evaluated. Raises `GradientError` if f(x) is not finite."""
        return self._here[0]

    @property
    def sources(self) -> list[Tensor]:
        """The nodes that hold x in the graph of `y`."""
        return self._here[1]

    def direction(self, v: Point) -> list[Tensor]:
        """A direction in the form of x as nodes. Raises `ArgumentError` or `ShapeError` if it does not fit."""
        given = [v] if isinstance(self.form, Tensor) else _parts(v, self.form)
        found = [as_tensor(part, s.dtype) for part, s in zip(given, self.places, strict=True)]
        found = [rules.cast(t, s.dtype) for t, s in zip(found, self.places, strict=True)]
        for t, s in zip(found, self.places, strict=True):
            if t.shape != s.shape:
                raise ShapeError(f"a direction has the shape of its point {s.shape}, got {t.shape}")
            if not np.isfinite(t.numpy()).all():
                raise ArgumentError("the direction holds NaN or inf")
        return found


def _not_pickled() -> None:
    """What a pickle has in the place of a function, whose graph is code."""


def scalar_problem(f: Function | Tensor, x: Point) -> Problem:
    """A problem whose function is a scalar. Raises `GradientError` if it is not."""
    problem = Problem(f, x)
    scalar_node(problem.output)
    return problem


def flat_problem(f: Function | Tensor, x: Point) -> Problem:
    """A scalar function of one vector: of at least one variable, and all of one dtype.

    Raises:
        GradientError: if f is no scalar.
        ArgumentError: for no variables.
        DTypeError: for several dtypes.
    """
    problem = scalar_problem(f, x)
    dtypes = {p.dtype for p in problem.places}
    if not problem.size:
        raise ArgumentError("a point with at least one variable is needed, this one is empty")
    if len(dtypes) > 1:
        raise DTypeError(f"variables have one float dtype, these have {', '.join(sorted(map(str, dtypes)))}")
    return problem


def _call(f: Callable[[Any], Any], x: Tree, nodes: Sequence[Tensor]) -> Any:
    """f of ``x`` with nodes in the places of its tensors; a module stays one, its parameters stand for their nodes."""
    pairs = [(v, n) for v, n in zip(leaves(x), nodes, strict=True) if isinstance(v, Parameter)]
    with bound([v for v, _ in pairs], [n for _, n in pairs]):
        return f(_filled(x, iter(nodes)))


def _filled(x: Tree, nodes: Iterator[Tensor]) -> Tree:
    if isinstance(x, Tensor):
        return next(nodes)
    if isinstance(x, dict):
        return {key: _filled(part, nodes) for key, part in x.items()}
    if isinstance(x, (list, tuple)):
        return type(x)(_filled(part, nodes) for part in x)
    for _ in leaves(x):
        next(nodes)
    return x


def leaf(x: TensorLike) -> Tensor:
    """A node of its own: what else the function knows of x is another variable."""
    return constant(x.numpy()) if isinstance(x, Tensor) else tensor(x)


def held_still(x: Point) -> Tree:
    """A point with tensors, which do not change, in the place of arrays and numbers; modules stay as they are."""
    if isinstance(x, Tensor) or hasattr(x, "named_parameters"):
        return x
    if isinstance(x, dict):
        return {key: held_still(part) for key, part in x.items()}
    if isinstance(x, Iterator):
        return [held_still(part) for part in x]
    if isinstance(x, (list, tuple)) and _holds_arrays(x):
        return type(x)(held_still(part) for part in x)
    return tensor(x, float64)


def _holds_arrays(x: Sequence[Any]) -> bool:
    return any(
        isinstance(part, (Tensor, np.ndarray, dict))
        or hasattr(part, "named_parameters")
        or (isinstance(part, (list, tuple)) and _holds_arrays(part))
        for part in x
    )


def _numbers(variable: Tensor, i: int) -> np.ndarray:
    if variable.dtype.kind != "f":
        raise GradientError(f"derivatives are by floats, part {i} of the point is {variable.dtype}")
    found = variable.numpy().ravel().astype(np.float64)
    if not np.isfinite(found).all():
        raise ArgumentError(f"the point holds NaN or inf, in its part {i} of shape {variable.shape}")
    return found


def scalar_node(y: Any) -> Tensor:
    """The node of what a function returned. Raises `GradientError` unless it is a float scalar."""
    y = _float_node(y)
    if y.shape != ():
        with source_location.inherit(y.site, y.scope):
            raise GradientError(f"a subgradient is of a scalar, this function returned the shape {y.shape}")
    return y


def _float_node(y: Any) -> Tensor:
    if not isinstance(y, Tensor):
        raise GradientError(f"a function to differentiate returns a tensor, this one returned {type(y).__name__}")
    if y.dtype.kind != "f":
        with source_location.inherit(y.site, y.scope):
            raise GradientError(f"only floats have derivatives, this function returned {y.dtype}")
    return y.node


def _current(y: Tensor, tensors: Sequence[Tensor]) -> list[Tensor]:
    for t, nodes in zip(tensors, leaves_of([y], tensors), strict=True):
        if len(nodes) > 1:
            raise ArgumentError(f"{t!r} has a new value since this graph was made: give the function that makes it")
    return [t.node for t in tensors]


def _with_inputs(node: Tensor, inputs: tuple[Tensor, ...]) -> Tensor:
    if all(a is b for a, b in zip(inputs, node.inputs, strict=True)):
        return node
    with source_location.inherit(node.site, node.scope):
        return apply(node.op, inputs, node.attrs)


def _parts(v: Point, form: Tree) -> list[Any]:
    """The parts of a direction, in the order of those of the point."""
    if isinstance(form, dict):
        v = dict(v.named_parameters()) if hasattr(v, "named_parameters") else v
        if not isinstance(v, dict) or v.keys() != form.keys():
            raise ArgumentError(f"a direction is a dict with the names of the point: {', '.join(map(str, form))}")
        return [part for name, child in form.items() for part in _inner(v[name], child)]
    if not isinstance(v, (list, tuple)) or len(v) != len(form):
        raise ArgumentError(f"a direction is a list like the point, with {len(form)} parts")
    return [part for given, child in zip(v, form, strict=True) for part in _inner(given, child)]


def _inner(v: Any, form: Tree) -> list[Any]:
    return [v] if isinstance(form, Tensor) else _parts(v, as_tree(form))


__all__ = ["Function", "Point", "Problem", "flat_problem", "held_still", "leaf", "scalar_node", "scalar_problem"]
