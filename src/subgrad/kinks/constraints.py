"""Constraints as one more kink: the exact penalty function, which minimisers of functions with kinks can take."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from subgrad import ops
from subgrad.errors import ArgumentError, ShapeError
from subgrad.graph.tensor import Tensor, tensor
from subgrad.graph.tree import as_tree, leaves
from subgrad.kinks.problem import held_still


@dataclass(frozen=True)
class Constraint:
    """low <= fun(x) <= high, element by element."""

    fun: Callable[[Any], Any]
    low: np.ndarray
    high: np.ndarray

    def value(self, x: Any) -> Tensor:
        """All elements, one after the other."""
        return ops.reshape(_as_tensor(self.fun(x)), (-1,))

    def ends(self, value: Tensor) -> tuple[np.ndarray, np.ndarray]:
        """The limits of all elements."""
        return _like(self.low, value), _like(self.high, value)

    def excess(self, x: Any) -> Tensor:
        """How far each element is outside, flat: 0 where it is not."""
        value = self.value(x)
        low, high = self.ends(value)
        exact = low == high
        below, above = (np.isfinite(end) & ~exact for end in (low, high))
        parts = [ops.abs(value[exact] - low[exact]), ops.relu(low[below] - value[below]),
                 ops.relu(value[above] - high[above])]  # fmt: skip
        return ops.concatenate([part for part in parts if part.size] or [value * 0])


@dataclass(frozen=True)
class Penalised:
    """f(x) + weight v(x), v being the sum of what the constraints are violated by.

    Its local minima that satisfy the constraints are those of f within them, if the weight is above all multipliers of
    the constraints there (Han, Mangasarian 1979, *Exact penalty functions in nonlinear programming*, Mathematical
    Programming 17): no weight needs to grow without end, for v has kinks where constraints begin.

    Attributes:
        f: the function.
        constraints: its constraints.
        weight: that of their violation.
    """

    f: Callable[[Any], Any]
    constraints: tuple[Constraint, ...]
    weight: float

    def __call__(self, x: Any) -> Tensor:
        x = held_still(x)
        return self.f(x) + self.weight * self._excesses(x).sum()

    def violation(self, x: Any) -> Tensor:
        """The largest excess."""
        return self._excesses(held_still(x)).max()

    def _excesses(self, x: Any) -> Tensor:
        return ops.concatenate([c.excess(x) for c in self.constraints])


def read_constraints(constraints: Any) -> tuple[Constraint, ...]:
    """The constraints in SciPy's forms: dicts with ``type`` and ``fun``; objects with ``lb``, ``ub``, ``fun`` or ``A``.

    Raises:
        ArgumentError: for anything else.
    """
    single = isinstance(constraints, Mapping) or hasattr(constraints, "lb")
    if not (single or isinstance(constraints, Iterable)):
        raise ArgumentError(
            f"constraints are a dict, an object as SciPy's, or a list, got {type(constraints).__name__}"
        )
    return tuple(_read(c) for c in ([constraints] if single else constraints))


def _read(given: Any) -> Constraint:
    if isinstance(given, Mapping):
        kind, fun = given.get("type"), given.get("fun")
        if kind not in ("eq", "ineq") or not callable(fun):
            raise ArgumentError(f"a constraint has a type 'eq' or 'ineq' and a function fun, got {_short(given)}")
        arguments = tuple(given.get("args", ()))
        wrapped = fun if not arguments else lambda x: fun(x, *arguments)
        return Constraint(wrapped, np.zeros(()), np.full((), np.inf if kind == "ineq" else 0.0))
    if not (hasattr(given, "lb") and hasattr(given, "ub")):
        raise ArgumentError(f"a constraint is a dict or has lb and ub, as SciPy's have, got {type(given).__name__}")
    low, high = (np.asarray(end, np.float64) for end in (given.lb, given.ub))
    if not ((low <= high) & (low < np.inf) & (high > -np.inf)).all():
        raise ArgumentError("a constraint has a lower bound above its upper bound, bounds that nothing fits, or NaN")
    if hasattr(given, "A"):
        matrix = np.asarray(given.A.toarray() if hasattr(given.A, "toarray") else given.A, np.float64)
        return Constraint(lambda x: _product(matrix, x), low, high)
    if not callable(getattr(given, "fun", None)):
        raise ArgumentError(f"{type(given).__name__} has neither a function fun nor a matrix A")
    return Constraint(given.fun, low, high)


def _product(matrix: np.ndarray, x: Any) -> Tensor:
    """A matrix times all variables, one after the other."""
    flat = ops.concatenate([ops.reshape(part, (-1,)) for part in leaves(as_tree(x))])
    if matrix.ndim > 2 or matrix.shape[-1:] != flat.shape:
        raise ShapeError(f"a matrix A of shape {matrix.shape} does not fit x0 with {flat.size} elements")
    return tensor(matrix, flat.dtype) @ flat


def _as_tensor(value: Any) -> Tensor:
    if isinstance(value, (list, tuple)):
        return ops.stack(list(value))
    if not isinstance(value, Tensor):
        raise ArgumentError(f"a constraint is made of subgrad's ops and returns a tensor, got {type(value).__name__}")
    return value


def _like(end: np.ndarray, value: Tensor) -> np.ndarray:
    try:
        return np.broadcast_to(end.ravel() if end.ndim else end, value.shape).astype(value.dtype)
    except ValueError:
        raise ShapeError(f"bounds of shape {end.shape} do not fit a constraint with {value.size} elements") from None


def _short(given: Mapping[Any, Any]) -> str:
    return f"one with the keys {', '.join(map(repr, list(given)[:5]))}" if given else "an empty one"
