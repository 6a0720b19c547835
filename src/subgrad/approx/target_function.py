"""What is to be approximated: a function of tensors, a function of arrays, or samples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np

from subgrad.approx.builders.points import spread
from subgrad.approx.expression import Expression
from subgrad.approx.pointwise import Function, Pointwise
from subgrad.bounds.box import as_box
from subgrad.errors import ArgumentError, DataError, NotTraceableError, ShapeError


class TargetFunction:
    """A function on a box, and how it can be asked for values.

    Args:
        f: as for `subgrad.approximate`.
        box: as for `subgrad.approximate`.

    Attributes:
        box: (d, 2).
        function, traced: the function of tensors, and it as a graph; or None.
        given: the samples (X, y), or None.
    """

    def __init__(self, f: Any, box: Any) -> None:
        self.function: Function | None = None
        self.traced: Pointwise | None = None
        self.given: tuple[np.ndarray, np.ndarray] | None = None
        self._call: Callable[[np.ndarray], Any] | None = None
        if isinstance(f, tuple):
            self.given = _samples(f)
            self.box = _around(self.given[0]) if box is None else as_box(box)
            self._check_inside()
            return
        if box is None:
            raise ArgumentError("a function is approximated on a box: approximate(f, (low, high))")
        self.box = as_box(box)
        self._take(Expression(f) if isinstance(f, str) else f)

    @property
    def dimensions(self) -> int:
        """d."""
        return len(self.box)

    @property
    def known(self) -> str:
        """What it is, in words."""
        if self.given is not None:
            return f"{len(self.given[1])} samples"
        return "a function of arrays, known by its values" if self.traced is None else "a traced function"

    def values(self, points: np.ndarray) -> np.ndarray:
        """f at points (N, d), as (N,). Raises `DataError` where it is not finite, `ShapeError` for another shape."""
        if self.traced is not None:
            found = self.traced.values(points)
        else:
            assert self._call is not None
            found = np.asarray(self._call(points), np.float64)
            if found.shape not in ((len(points),), (len(points), 1)):
                raise ShapeError(f"f takes points {points.shape} and returns ({len(points)},), got {found.shape}")
        found = found.reshape(-1)
        if not np.isfinite(found).all():
            raise DataError(f"f is {found[~np.isfinite(found)][0]} at {points[~np.isfinite(found)][0].tolist()}")
        return found

    def sample(self, n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """n points spread over the box with their values; the samples, if there are only those."""
        if self.given is not None:
            return self.given
        points = spread(self.box, n, seed)
        return points, self.values(points)

    def _take(self, f: Any) -> None:
        if not callable(f):
            raise ArgumentError(f"expected a function, a formula or samples (X, y), got {type(f).__name__}")
        try:
            self.traced = Pointwise(cast(Function, f), self.dimensions)
            self.function = cast(Function, f)
        except (NotTraceableError, TypeError):  # NumPy's functions refuse tensors with a TypeError
            self._call = f

    def _check_inside(self) -> None:
        assert self.given is not None
        if self.given[0].shape[1] != self.dimensions:
            raise ShapeError(f"the samples have {self.given[0].shape[1]} variables, the box has {self.dimensions}")
        outside = ((self.given[0] < self.box[:, 0]) | (self.given[0] > self.box[:, 1])).any(axis=1)
        if outside.any():
            raise DataError(f"{outside.sum()} samples lie outside of the box, such as {self.given[0][outside][0]}")


def _samples(pair: tuple[Any, ...]) -> tuple[np.ndarray, np.ndarray]:
    if len(pair) != 2:
        raise ArgumentError(f"samples are a pair (X, y), got {len(pair)} arrays")
    X, y = (np.array(a, np.float64) for a in pair)
    X, y = X.reshape(-1, 1) if X.ndim == 1 else X, y.reshape(-1)
    if X.ndim != 2 or len(X) != len(y) or not X.size:
        raise ShapeError(f"samples are X of shape (N, d) and y of shape (N,), got {X.shape} and {y.shape}")
    if not (np.isfinite(X).all() and np.isfinite(y).all()):
        raise DataError("samples are finite numbers, these have NaN or infinity")
    return X, y


def _around(X: np.ndarray) -> np.ndarray:
    return np.stack([X.min(axis=0), X.max(axis=0)], axis=1)
