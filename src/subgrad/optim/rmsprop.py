"""RMSprop: steps scaled by a running average of the squared gradient."""

from __future__ import annotations

from dataclasses import dataclass

from subgrad import ops, validators
from subgrad.optim import step
from subgrad.optim.optimizer import Descent, Now, State, Tensors, average, zeros
from subgrad.optim.step.parsing import step_rule


@dataclass(frozen=True)
class RMSprop(Descent):
    """x <- x - a_k g / (sqrt(v) + eps), with v the running average of g^2, which starts at 0.

    Tieleman and Hinton, Neural Networks for Machine Learning, lecture 6.5, Coursera 2012. As in PyTorch.

    Args:
        lr: the step size a_k: a number, a step rule, or a rule's text.
        alpha: the weight of the past in the average, in [0, 1).
        eps: keeps the quotient finite; above 0.
        momentum: the weight of the past in a sum of the quotients that takes their place, in [0, 1).

    Raises:
        ArgumentError: for a setting outside its domain.

    Example:
        >>> import subgrad as sg
        >>> from subgrad import optim
        >>> x = sg.Parameter([1.0, -200.0])
        >>> rmsprop = optim.RMSprop(lr=0.05)
        >>> state = optim.update([x], sg.grad((x * x).sum(), [x]), rmsprop, rmsprop.init([x]))
        >>> [round(v, 4) for v in x.tolist()]  # the first step has the length lr / sqrt(1 - alpha)
        [0.5, -199.5]
    """

    lr: step.Rule | float | str = 1e-2
    alpha: float = 0.99
    eps: float = 1e-8
    momentum: float = 0.0

    name = "rmsprop"

    def __post_init__(self) -> None:
        validators.validate(self, lr=step_rule, alpha=validators.decay, eps=validators.positive)
        validators.validate(self, momentum=validators.decay)

    def _start(self, params: Tensors) -> State:
        momentum = {"momentum": zeros(params)} if self.momentum else {}
        return {"square": zeros(params), **momentum}

    def _directions(self, grads: Tensors, state: State, params: Tensors, now: Now) -> tuple[Tensors, State]:
        squares = average(state["square"], [g * g for g in grads], self.alpha)
        scaled = [g / (ops.sqrt(v) + self.eps) for g, v in zip(grads, squares, strict=True)]
        if not self.momentum:
            return scaled, {"square": squares}
        buffers = [self.momentum * b + d for b, d in zip(state["momentum"], scaled, strict=True)]
        return buffers, {"square": squares, "momentum": buffers}


__all__ = ["RMSprop"]
