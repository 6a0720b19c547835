"""A function and a point, as the nonsmooth calculus sees them: the node of f(x), the nodes of x, and x's form."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from subgrad.diff.reverse import leaves_of
from subgrad.errors import ArgumentError, GradientError, ShapeError
from subgrad.graph import place
from subgrad.graph.evaluate import evaluate
from subgrad.graph.tensor import Tensor, TensorLike, as_tensor, constant, tensor
from subgrad.graph.tree import Tree, as_tree, leaves, rebuild
from subgrad.ops import rules

Function = Callable[..., Tensor]
Point = Any
"""One tensor (array, number, list of numbers), a list of tensors, or a module: then the function takes no arguments."""


class Problem:
    """f at x.

    Args:
        f: a function of tensors: of one for a tensor, of all for a list of tensors, of none for a module. Or a tensor
            that was made from the tensors of x.
        x: where to look at it.

    Attributes:
        y: the node of f(x), evaluated.
        sources: the nodes of x.
        form: the tree that `rebuild` fills.

    Raises:
        ArgumentError: if f is neither a function nor a tensor, x holds NaN or inf, or a parameter has a new value since
            the graph f was made.
        GradientError: if f returns no float tensor, or f(x) is not finite.
    """

    def __init__(self, f: Function | Tensor, x: Point) -> None:
        if isinstance(f, Tensor):
            self.form = as_tree(x)
            self.sources = _current(f, leaves(self.form))
            y: Any = f
        elif not callable(f):
            raise ArgumentError(f"expected a function of tensors or a tensor, got {type(f).__name__}")
        elif hasattr(x, "named_parameters"):
            self.form = as_tree(x)
            self.sources = [p.node for p in self.form.values()]
            y = f()
        else:
            self.form = _leaves(x)
            self.sources = [self.form] if isinstance(self.form, Tensor) else list(self.form)
            y = f(*self.sources)
        if not isinstance(y, Tensor):
            raise GradientError(f"a function to differentiate returns a tensor, this one returned {type(y).__name__}")
        self.y = y.node
        self._check()

    def _check(self) -> None:
        for i, source in enumerate(self.sources):
            if source.dtype.kind != "f":
                raise GradientError(f"derivatives are by floats, part {i} of the point is {source.dtype}")
            if not np.isfinite(source.numpy()).all():
                raise ArgumentError(f"the point holds NaN or inf, in its part {i} of shape {source.shape}")
        y = self.y
        evaluate([y])
        with place.inherit(y.site, y.scope):
            if y.dtype.kind != "f":
                raise GradientError(f"only floats have derivatives, this function returned {y.dtype}")
            if not np.isfinite(y.numpy()).all():
                raise GradientError("there is no derivative where the function is NaN or inf")

    def scalar(self) -> Tensor:
        """The node of f(x); raises `GradientError` unless it is a scalar."""
        if self.y.shape != ():
            with place.inherit(self.y.site, self.y.scope):
                raise GradientError(f"a subgradient is of a scalar, this function returned the shape {self.y.shape}")
        return self.y

    def direction(self, v: Point) -> list[Tensor]:
        """A direction in the form of x as nodes. Raises `ArgumentError` or `ShapeError` if it does not fit."""
        given = [v] if isinstance(self.form, Tensor) else _parts(v, self.form)
        found = [as_tensor(part, source.dtype) for part, source in zip(given, self.sources, strict=True)]
        found = [rules.cast(t, source.dtype) for t, source in zip(found, self.sources, strict=True)]
        for t, source in zip(found, self.sources, strict=True):
            if t.shape != source.shape:
                raise ShapeError(f"a direction has the shape of its point {source.shape}, got {t.shape}")
            if not np.isfinite(t.numpy()).all():
                raise ArgumentError("the direction holds NaN or inf")
        return found

    def rebuild(self, arrays: Iterable[Any]) -> Any:
        """``arrays``, one for each node of x, in the form of x."""
        return rebuild(self.form, arrays)


def _current(y: Tensor, tensors: Sequence[Tensor]) -> list[Tensor]:
    for t, nodes in zip(tensors, leaves_of([y], tensors), strict=True):
        if len(nodes) > 1:
            raise ArgumentError(f"{t!r} has a new value since this graph was made: give the function that makes it")
    return [t.node for t in tensors]


def _leaves(x: Point) -> Tensor | Sequence[Tensor]:
    if isinstance(x, (list, tuple)) and any(isinstance(part, (Tensor, np.ndarray)) for part in x):
        return type(x)(rules.as_float(leaf(part)) for part in x)
    return rules.as_float(leaf(x))


def leaf(x: TensorLike) -> Tensor:
    """A node of its own: what else the function knows of x is another variable."""
    return constant(x.numpy()) if isinstance(x, Tensor) else tensor(x)


def _parts(v: Point, form: Tree) -> list[Any]:
    if isinstance(form, dict):
        v = dict(v.named_parameters()) if hasattr(v, "named_parameters") else v
        if not isinstance(v, dict) or v.keys() != form.keys():
            raise ArgumentError(f"a direction is a dict with the names of the point: {', '.join(map(str, form))}")
        return [v[name] for name in form]
    if not isinstance(v, (list, tuple)) or len(v) != len(form):
        raise ArgumentError(f"a direction is a list like the point, with {len(form)} parts")
    return list(v)


__all__ = ["Problem", "leaf"]
