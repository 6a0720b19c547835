"""The rule that a number means: the step size that never changes."""

from __future__ import annotations

from dataclasses import dataclass

from subgrad import ops
from subgrad.graph.tensor import Tensor
from subgrad.optim import validators
from subgrad.optim.step.rule import Rule, tail


@dataclass(frozen=True)
class Constant(Rule):
    """a_k = a.

    Example:
        >>> from subgrad import optim
        >>> rule = optim.step.Constant(0.5)
        >>> float(rule(7)), rule.diverges, rule.square_summable
        (0.5, True, False)
    """

    a: float

    name = "constant"

    def __post_init__(self) -> None:
        validators.validate(self, a=validators.positive)

    def _at(self, k: Tensor, grad_norm: Tensor | None, loss: Tensor | None) -> Tensor:
        return ops.full((), self.a, k.dtype)

    def _series(self) -> tuple[bool, bool]:
        return True, False

    def describe(self) -> str:
        return f"a_k = {self.a:g}: {tail(self.a)}."


__all__ = ["Constant"]
