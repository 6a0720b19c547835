"""Properties of networks, each as numbers that must not be above 0 (or a tolerance) anywhere on the box."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import Any, Protocol

import numpy as np

from subgrad import ops
from subgrad.bounds.box import real
from subgrad.bounds.taylor.slopes import jumps, slopes
from subgrad.errors import ArgumentError
from subgrad.graph.tensor import Tensor


class Property(Protocol):
    """What `verify` takes: ``excess`` gives the numbers, ``quantity`` says what they are, ``tolerance`` limits them.

    One that has a method ``statement`` says what it is in terms that the checker of proofs knows; of others the checker
    sees numbers, and not what they mean. One that has a true attribute ``local`` is refuted by points around which all
    numbers are too large: a derivative at a kink says little.
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
        low, high = self._limits(y.size)
        above, below = np.isfinite(high), np.isfinite(low)
        if not (above.any() or below.any()):
            raise ArgumentError("Within needs a lower or an upper limit")
        return ops.concatenate([y[above] - high[above], low[below] - y[below]])

    def statement(self, outputs: int) -> dict[str, Any]:
        ends = ([v if np.isfinite(v) else None for v in end.tolist()] for end in self._limits(outputs))
        return {"property": "within", **dict(zip(("low", "high"), ends, strict=True))}

    def _limits(self, outputs: int) -> tuple[np.ndarray, np.ndarray]:
        """Both limits of each output, infinite ones for none."""
        return _limit(self.low, -np.inf, outputs), _limit(self.high, np.inf, outputs)


def _limit(value: Any, none: float, outputs: int) -> np.ndarray:
    try:
        ends = real(none if value is None else value)
    except (TypeError, ValueError):
        raise ArgumentError(f"limits are numbers, got {str(value)[:80]}") from None
    if ends.shape not in ((), (1,), (outputs,)):
        raise ArgumentError(f"limits are a number, or one for each of {outputs} outputs, got the shape {ends.shape}")
    if np.isnan(ends).any() or (ends == -none).any():
        raise ArgumentError(f"no output keeps the limit {ends[np.isnan(ends) | (ends == -none)].ravel()[0]}")
    return np.broadcast_to(ends, (outputs,))


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
        if isinstance(self.label, bool) or not isinstance(self.label, (int, np.integer)):
            raise ArgumentError(f"a class is an integer, got {self.label!r}")
        if not 0 <= self.label < y.size or y.size < 2:
            raise ArgumentError(f"the network has {y.size} outputs, a class {self.label} needs more")
        others = [k for k in range(y.size) if k != self.label]
        return ops.concatenate([y[k : k + 1] for k in others]) - y[self.label]

    def statement(self, outputs: int) -> dict[str, Any]:
        return {"property": "robust", "label": int(self.label)}


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
        if isinstance(self.variable, bool) or not isinstance(self.variable, (int, np.integer)):
            raise ArgumentError(f"a variable is an integer, got {self.variable!r}")
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
    try:
        x, low, high = real(x).ravel(), float(low), float(high)
    except (TypeError, ValueError):
        raise ArgumentError(f"a ball is around numbers, and has two ends, got {str(x)[:80]}") from None
    if not isinstance(eps, Real) or not eps >= 0:
        raise ArgumentError(f"a distance is a number of 0 or more, got {str(eps)[:80]}")
    return np.clip(np.stack([x - eps, x + eps], axis=1), low, high)


__all__ = ["Monotone", "Property", "Robust", "Within", "ball"]
