"""Adagrad: steps scaled by the sum of all squared gradients."""

from __future__ import annotations

from dataclasses import dataclass

from subgrad import ops, validators
from subgrad.optim import step
from subgrad.optim.optimizer import Descent, Now, State, Tensors, zeros
from subgrad.optim.step.parsing import step_rule


@dataclass(frozen=True)
class Adagrad(Descent):
    """x <- x - a_k g / (sqrt(s) + eps), with s the sum of g^2 over all steps so far.

    Duchi, Hazan and Singer, Adaptive Subgradient Methods for Online Learning and Stochastic Optimization,
    JMLR 12, 2011. As in PyTorch.

    Args:
        lr: the step size a_k: a number, a step rule, or a rule's text.
        eps: keeps the quotient finite; above 0.

    Raises:
        ArgumentError: for a setting outside its domain.

    Example:
        >>> import subgrad as sg
        >>> from subgrad import optim
        >>> x = sg.Parameter([1.0, -200.0])
        >>> adagrad = optim.Adagrad(lr=0.5)
        >>> state = optim.update([x], sg.grad((x * x).sum(), [x]), adagrad, adagrad.init([x]))
        >>> x.tolist()
        [0.5, -199.5]
    """

    lr: step.Rule | float | str = 1e-2
    eps: float = 1e-10

    name = "adagrad"

    def __post_init__(self) -> None:
        validators.validate(self, lr=step_rule, eps=validators.positive)

    def _start(self, params: Tensors) -> State:
        return {"sum": zeros(params)}

    def _directions(self, grads: Tensors, state: State, params: Tensors, now: Now) -> tuple[Tensors, State]:
        sums = [s + g * g for s, g in zip(state["sum"], grads, strict=True)]
        return [g / (ops.sqrt(s) + self.eps) for g, s in zip(grads, sums, strict=True)], {"sum": sums}


__all__ = ["Adagrad"]
