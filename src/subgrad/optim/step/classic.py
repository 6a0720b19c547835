"""The rules of the subgradient method, whose convergence for convex functions is known."""

from __future__ import annotations

from dataclasses import dataclass

from subgrad import ops, validators
from subgrad.errors import ArgumentError
from subgrad.graph.tensor import Tensor
from subgrad.optim.step.rule import BOYD, Rule


@dataclass(frozen=True)
class ConstantLength(Rule):
    """a_k = c / |g_k|, so that each step of a subgradient method has the length c; 0 where the gradient is 0.

    ``diverges`` and ``square_summable`` hold where the gradients are bounded, which the theory assumes anyway.

    Example:
        >>> from subgrad import optim
        >>> float(optim.step.ConstantLength(0.5)(1, grad_norm=4.0))
        0.125
    """

    c: float

    name = "constant_length"

    def __post_init__(self) -> None:
        validators.validate(self, c=validators.positive)

    def _at(self, k: Tensor, grad_norm: Tensor | None, loss: Tensor | None) -> Tensor:
        norm = _given(grad_norm, self, "grad_norm")
        return ops.where(norm == 0, 0, self.c / norm)

    def _series(self) -> tuple[bool, bool]:
        return True, False

    def describe(self) -> str:
        ends = f"f_best ends within {self.c / 2:g} G of f*"
        return f"a_k = {self.c:g}/|g_k|: {ends} for convex f with |g| <= G ({BOYD})."


@dataclass(frozen=True)
class SquareSummable(Rule):
    """a_k = a / (b + k): its sum diverges, the sum of its squares does not. 100/(100 + k) is the classic one.

    Example:
        >>> from subgrad import optim
        >>> rule = optim.step.SquareSummable(100, 100)
        >>> float(rule(100)), rule.diverges, rule.square_summable
        (0.5, True, True)
    """

    a: float
    b: float

    name = "square_summable"

    def __post_init__(self) -> None:
        validators.validate(self, a=validators.positive, b=validators.not_negative)

    def _at(self, k: Tensor, grad_norm: Tensor | None, loss: Tensor | None) -> Tensor:
        return self.a / (self.b + k)

    def _series(self) -> tuple[bool, bool]:
        return True, True

    def describe(self) -> str:
        return (
            f"a_k = {self.a:g}/({self.b:g} + k): square-summable but not summable, so f_best converges to f* for "
            f"convex f with |g| <= G, though at a guaranteed rate of only O(1/log k) ({BOYD})."
        )


@dataclass(frozen=True)
class InverseSqrt(Rule):
    """a_k = a / sqrt(k).

    Example:
        >>> from subgrad import optim
        >>> float(optim.step.InverseSqrt(1.0)(4))
        0.5
    """

    a: float

    name = "inverse_sqrt"

    def __post_init__(self) -> None:
        validators.validate(self, a=validators.positive)

    def _at(self, k: Tensor, grad_norm: Tensor | None, loss: Tensor | None) -> Tensor:
        return self.a / ops.sqrt(k)

    def _series(self) -> tuple[bool, bool]:
        return True, False

    def describe(self) -> str:
        return (
            f"a_k = {self.a:g}/sqrt(k): diminishing and not summable, so f_best converges to f* for convex f with "
            f"|g| <= G, at the rate O(log k / sqrt(k)) ({BOYD})."
        )


@dataclass(frozen=True)
class Polyak(Rule):
    """a_k = (f(x_k) - f_star) / |g_k|^2, for a function whose optimal value is known.

    It is 0 where the gradient is 0 or the loss is not above ``f_star``. Made for gradients that are neither
    clipped nor averaged: `Subgradient`, or `SGD` without momentum (Polyak, Introduction to Optimization, 1987).

    Example:
        >>> from subgrad import optim
        >>> float(optim.step.Polyak(1.0)(1, grad_norm=2.0, loss=3.0))
        0.5
    """

    f_star: float

    name = "polyak"

    def __post_init__(self) -> None:
        validators.validate(self, f_star=validators.number)

    def _at(self, k: Tensor, grad_norm: Tensor | None, loss: Tensor | None) -> Tensor:
        norm = _given(grad_norm, self, "grad_norm")
        gap = ops.maximum(_given(loss, self, "loss") - self.f_star, 0)
        return ops.where(norm == 0, 0, gap / norm / norm)  # twice, since the square of a small norm underflows

    def _series(self) -> tuple[None, None]:
        return None, None

    def describe(self) -> str:
        return (
            f"a_k = (f(x_k) - {self.f_star:g})/|g_k|^2: f_best - f* <= R G/sqrt(k) for convex f with |g| <= G and a "
            f"start at most R from an optimum ({BOYD})."
        )


def _given(value: Tensor | None, rule: Rule, what: str) -> Tensor:
    if value is None:
        raise ArgumentError(f"the step rule {rule} needs {what} at each step, got None")
    return value


__all__ = ["ConstantLength", "InverseSqrt", "Polyak", "SquareSummable"]
