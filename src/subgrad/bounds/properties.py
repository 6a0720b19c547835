"""Properties of networks, each as numbers that must not be above 0 (or a tolerance) anywhere on the box.

Those that limit outputs can be joined by ``&`` and ``|``. A joined one is given by what violates it: polytopes of
outputs.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from numbers import Real
from typing import Any, NamedTuple, Protocol

import numpy as np

from subgrad import ops
from subgrad.bounds.box import real
from subgrad.bounds.taylor.slopes import jumps, slopes
from subgrad.bounds.vnnlib.float_ends import float_above, float_below
from subgrad.errors import ArgumentError
from subgrad.graph.tensor import Tensor

MOST = 20_000  # polytopes of outputs

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


def finite_tolerance(value: Any) -> float:
    """A tolerance as a float. Raises `ArgumentError` for what is no finite number."""
    if not isinstance(value, Real) or not np.isfinite(float(value)):
        raise ArgumentError(f"a tolerance is a finite number, got {str(value)[:80]}")
    return float(value)


class HalfSpace(NamedTuple):
    """Outputs y with ``factors @ y`` below a number, which lies between two floats, the upper one included.

    Attributes:
        factors: shape (k,).
        below: the floats.
    """

    factors: np.ndarray
    below: tuple[float, float]

    @staticmethod
    def of(factors: np.ndarray, limit: float, tolerance: float) -> HalfSpace:
        """Where the limit is missed by more than the tolerance."""
        exact = Fraction(float(limit)) - Fraction(finite_tolerance(tolerance))
        return HalfSpace(factors, (float_below(exact, strictly=True), float_above(exact)))


class Joinable:
    """A property of outputs: ``p & q`` holds where both do, ``p | q`` where one of them does."""

    def violations(self, outputs: int) -> list[tuple[HalfSpace, ...]]:
        """For a network with so many outputs: the property holds of outputs that are in none of these polytopes."""
        raise NotImplementedError

    def __and__(self, other: Joinable) -> And:
        return And((self, other))

    def __or__(self, other: Joinable) -> Or:
        return Or((self, other))

    __rand__, __ror__ = __and__, __or__

    def __bool__(self) -> bool:
        raise ArgumentError("properties are joined by & and |: `and` and `or` would give one of them alone")


@dataclass(frozen=True)
class _Joined(Joinable):
    parts: Sequence[Joinable]

    def __post_init__(self) -> None:
        others = [p for p in self.parts if not isinstance(p, Joinable)]
        if others or not len(self.parts):
            got = str(others[0])[:80] if others else "none"
            raise ArgumentError(f"& and | join Within and Robust, and what they have made, got {got}")


@dataclass(frozen=True)
class And(_Joined):
    """All of some properties hold at each point: what ``Within(0, 1) & Robust(2)`` gives.

    >>> from subgrad.bounds import Robust, Within
    >>> (Within(0, 1) & Robust(2)).parts[1]
    Robust(label=2, tolerance=0.0)
    """

    def __str__(self) -> str:
        return " and ".join(f"({p})" if isinstance(p, Or) else str(p) for p in self.parts)

    def violations(self, outputs: int) -> list[tuple[HalfSpace, ...]]:
        return [v for part in self.parts for v in part.violations(outputs)]


@dataclass(frozen=True)
class Or(_Joined):
    """At each point one of some properties holds: what ``Robust(2) | Within(high=0.5)`` gives.

    >>> from subgrad.bounds import Robust, Within
    >>> len((Robust(2) | Within(high=0.5)).violations(3))    # one of 2 classes and one of 3 outputs are too large
    6
    """

    def __str__(self) -> str:
        return " or ".join(f"({p})" if isinstance(p, And) else str(p) for p in self.parts)

    def violations(self, outputs: int) -> list[tuple[HalfSpace, ...]]:
        each = [part.violations(outputs) for part in self.parts]
        if math.prod(map(len, each)) > MOST:
            raise ArgumentError(f"these properties can be violated in more than {MOST:,} ways")
        return [tuple(itertools.chain(*chosen)) for chosen in itertools.product(*each)]


@dataclass(frozen=True)
class Within(Joinable):
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
        return ops.concatenate([y[above] - high[above], low[below] - y[below]])

    def violations(self, outputs: int) -> list[tuple[HalfSpace, ...]]:
        low, high = self._limits(outputs)
        eye = np.eye(outputs)
        above = [(HalfSpace.of(-eye[k], -high[k], self.tolerance),) for k in np.flatnonzero(np.isfinite(high))]
        return above + [(HalfSpace.of(eye[k], low[k], self.tolerance),) for k in np.flatnonzero(np.isfinite(low))]

    def statement(self, outputs: int) -> dict[str, Any]:
        ends = ([v if np.isfinite(v) else None for v in end.tolist()] for end in self._limits(outputs))
        return {"property": "within", **dict(zip(("low", "high"), ends, strict=True))}

    def _limits(self, outputs: int) -> tuple[np.ndarray, np.ndarray]:
        """Both limits of each output, infinite ones for none."""
        low, high = _limit(self.low, -np.inf, outputs), _limit(self.high, np.inf, outputs)
        if not (np.isfinite(low).any() or np.isfinite(high).any()):
            raise ArgumentError("Within needs a lower or an upper limit")
        return low, high


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
class Robust(Joinable):
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
        return ops.concatenate([y[k : k + 1] for k in self._others(y.size)]) - y[self.label]

    def violations(self, outputs: int) -> list[tuple[HalfSpace, ...]]:
        others, eye = self._others(outputs), np.eye(outputs)
        return [(HalfSpace.of(eye[self.label] - eye[k], 0.0, self.tolerance),) for k in others]

    def _others(self, outputs: int) -> list[int]:
        """The other classes."""
        if isinstance(self.label, bool) or not isinstance(self.label, (int, np.integer)):
            raise ArgumentError(f"a class is an integer, got {self.label!r}")
        if not 0 <= self.label < outputs or outputs < 2:
            raise ArgumentError(f"the network has {outputs} outputs, a class {self.label} needs more")
        return [k for k in range(outputs) if k != self.label]

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


__all__ = [
    "And", "HalfSpace", "Joinable", "Monotone", "Or", "Property", "Robust", "Within", "ball", "finite_tolerance",
]  # fmt: skip
