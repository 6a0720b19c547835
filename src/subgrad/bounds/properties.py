"""Properties of networks, each as numbers that must not be above 0 (or a tolerance) anywhere on the box."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from subgrad import ops
from subgrad.bounds.slopes import jumps, slopes
from subgrad.errors import ArgumentError
from subgrad.graph.dtype import float64
from subgrad.graph.tensor import Tensor, tensor


class Property(Protocol):
    """What `verify` takes: ``excess`` gives the numbers, ``quantity`` says what they are, ``tolerance`` limits them.

    One that has a true attribute ``local`` is refuted by points around which all numbers are too large: a derivative at
    a kink says little.
    """

    tolerance: float

    @property
    def quantity(self) -> str: ...

    def excess(self, y: Tensor, x: Tensor) -> Tensor:
        """The numbers, given the network's outputs, shape (k,), at a point x, shape (1, d)."""
        ...


@dataclass(frozen=True)
class Within:
    """All outputs lie between ``low`` and ``high``: numbers, or one for each output; None for no limit.

    >>> from subgrad.bounds import Within
    >>> Within(-1, 1).quantity
    'the most by which an output leaves its limits'
    """

    low: Any = None
    high: Any = None
    tolerance: float = 0.0
    quantity: str = "the most by which an output leaves its limits"

    def excess(self, y: Tensor, x: Tensor) -> Tensor:
        parts = [y - _limit(self.high, y)] if self.high is not None else []
        parts += [_limit(self.low, y) - y] if self.low is not None else []
        if not parts:
            raise ArgumentError("Within needs a lower or an upper limit")
        return ops.concatenate(parts)


def _limit(value: Any, y: Tensor) -> Tensor:
    ends = tensor(np.asarray(value, np.float64), float64)
    if ends.shape not in ((), (1,), y.shape):
        raise ArgumentError(f"limits are a number, or one for each of {y.size} outputs, got the shape {ends.shape}")
    return ops.broadcast_to(ends, y.shape)


@dataclass(frozen=True)
class Robust:
    """No other output is larger than the one of class ``label``: the classification is the same everywhere.

    >>> from subgrad.bounds import Robust
    >>> Robust(3).quantity
    'the most by which the score of another class exceeds that of class 3'
    """

    label: int
    tolerance: float = 0.0

    @property
    def quantity(self) -> str:
        return f"the most by which the score of another class exceeds that of class {self.label}"

    def excess(self, y: Tensor, x: Tensor) -> Tensor:
        if not 0 <= self.label < y.size or y.size < 2:
            raise ArgumentError(f"the network has {y.size} outputs, a class {self.label} needs more")
        others = [k for k in range(y.size) if k != self.label]
        return ops.concatenate([y[k : k + 1] for k in others]) - y[self.label]


@dataclass(frozen=True)
class Monotone:
    """All outputs rise with variable number ``variable``, or fall if not ``increasing``.

    Shown by derivatives of at least ``-tolerance`` (at kinks, all elements of Clarke's): a dead unit has the derivative
    0, of which rounding errors leave a little. Nothing is proven of a network that may jump in the box, such as one of
    steps.
    """

    local = True

    variable: int
    increasing: bool = True
    tolerance: float = 1e-9

    @property
    def quantity(self) -> str:
        return f"the steepest {'fall' if self.increasing else 'rise'} along variable {self.variable}"

    def excess(self, y: Tensor, x: Tensor) -> Tensor:
        if not 0 <= self.variable < x.shape[1]:
            raise ArgumentError(f"the network has {x.shape[1]} inputs, there is no variable {self.variable}")
        found, jump = slopes(y, x, self.variable), jumps(y, x)
        found = -found if self.increasing else found
        return found if jump is None else ops.concatenate([found, jump])


def ball(x: Any, eps: float, low: float = -np.inf, high: float = np.inf) -> np.ndarray:
    """The box of all points within ``eps`` of x in each variable, and between ``low`` and ``high``: shape (d, 2).

    >>> from subgrad.bounds import ball
    >>> ball([0.0, 0.5], 0.25, low=0).tolist()
    [[0.0, 0.25], [0.25, 0.75]]
    """
    x = np.asarray(x, np.float64).ravel()
    if not eps >= 0:
        raise ArgumentError(f"a distance is a number of 0 or more, got {eps}")
    return np.clip(np.stack([x - eps, x + eps], axis=1), low, high)


__all__ = ["Monotone", "Property", "Robust", "Within", "ball"]
