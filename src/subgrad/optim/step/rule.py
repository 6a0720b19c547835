"""What a step rule is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import fields
from typing import Any, ClassVar

from subgrad.graph.tensor import Tensor, TensorLike, as_tensor
from subgrad.hints import Hinted
from subgrad.ops.rules import as_float

BOYD = "Boyd, EE364b notes on subgradient methods"
RULES: dict[str, type[Rule]] = {}
"""Every rule by name; a subclass of `Rule` with a name enters itself."""


class Rule(Hinted, ABC):
    """A step rule: called with k = 1, 2, ... it gives a_k. ``str(rule)`` is a short form that `get` reads back."""

    name: ClassVar[str]

    def __init_subclass__(cls) -> None:
        RULES[cls.name] = cls

    def __call__(self, k: TensorLike, grad_norm: TensorLike = None, loss: TensorLike = None) -> Tensor:
        """a_k, a node of shape () and of k's dtype (the default float dtype if k is an integer).

        Args:
            k: the number of the step, which counts from 1.
            grad_norm: the Euclidean norm of the gradient at step k, over all parameters.
            loss: the value of the function at step k.

        Raises:
            ArgumentError: if the rule needs the norm or the loss and it is not given.
        """
        k = as_float(as_tensor(k))
        return self._at(k, *(None if x is None else as_tensor(x, k.dtype) for x in (grad_norm, loss)))

    @property
    def diverges(self) -> bool | None:
        """Whether the sum of all a_k is infinite; None if that depends on the function."""
        return self._series()[0]

    @property
    def square_summable(self) -> bool | None:
        """Whether the sum of all a_k^2 is finite; None if that depends on the function."""
        return self._series()[1]

    @abstractmethod
    def describe(self) -> str:
        """One sentence: the formula, what it guarantees for convex functions, and the source."""

    @abstractmethod
    def _at(self, k: Tensor, grad_norm: Tensor | None, loss: Tensor | None) -> Tensor:
        """a_k, given scalars of one float dtype."""

    @abstractmethod
    def _series(self) -> tuple[bool | None, bool | None]:
        """``diverges`` and ``square_summable``."""

    def __str__(self) -> str:
        return f"{self.name}({', '.join(short(getattr(self, name)) for name in settings(type(self)))})"


def settings(rule: type[Rule]) -> list[str]:
    """The names of a rule's arguments."""
    return [f.name for f in fields(rule)]  # pyright: ignore[reportArgumentType]  (every rule is a dataclass)


def short(value: Any) -> str:
    """An argument as `get` reads it back, exactly."""
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)


def tail(last: float) -> str:
    """What theory says of a rule whose steps all have the size ``last`` in the end."""
    if last == 0:
        return "the sum of all steps is finite, so for convex f nothing beyond the bound reached then is guaranteed"
    return f"f_best ends within {last / 2:g} G^2 of f* for convex f with |g| <= G ({BOYD})"
