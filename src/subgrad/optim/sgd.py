"""Gradient descent, with momentum if wanted."""

from __future__ import annotations

from dataclasses import dataclass

from subgrad import validators
from subgrad.errors import ArgumentError
from subgrad.optim import step
from subgrad.optim.optimizer import Descent, Now, State, Tensors, decayed, zeros
from subgrad.optim.step.parsing import step_rule


@dataclass(frozen=True)
class SGD(Descent):
    """Stochastic gradient descent: x <- x - a_k d_k with d_k = g_k, or a sum of past gradients.

    With momentum m the buffer is b_k = m b_{k-1} + g_k and d_k = b_k (Polyak 1964), or g_k + m b_k with
    ``nesterov`` (Sutskever et al., On the importance of initialization and momentum in deep learning, ICML 2013).
    As in PyTorch.

    Args:
        lr: the step size a_k: a number, a step rule, or a rule's text. 0.01 if nothing is given.
        momentum: the weight m of the past, in [0, 1).
        nesterov: look ahead along the momentum.
        weight_decay: adds weight_decay x to the gradient, as a penalty weight_decay/2 |x|^2 would.

    Raises:
        ArgumentError: for a setting outside its domain, or ``nesterov`` without momentum.

    Example:
        >>> import subgrad as sg
        >>> from subgrad import optim
        >>> x = sg.Parameter([1.0, -2.0])
        >>> sgd = optim.SGD(0.25)
        >>> state = sgd.init([x])
        >>> state = optim.update([x], sg.grad((x * x).sum(), [x]), sgd, state)
        >>> x.tolist(), int(state["step"])
        ([0.5, -1.0], 1)
    """

    lr: step.Rule | float | str = 0.01
    momentum: float = 0.0
    nesterov: bool = False
    weight_decay: float = 0.0

    name = "sgd"

    def __post_init__(self) -> None:
        validators.validate(self, lr=step_rule, momentum=validators.decay, weight_decay=validators.not_negative)
        if self.nesterov and not self.momentum:
            raise ArgumentError("SGD with nesterov=True needs a momentum above 0")

    def _prepare(self, grads: Tensors, params: Tensors) -> Tensors:
        return decayed(grads, params, self.weight_decay)

    def _start(self, params: Tensors) -> State:
        return {"momentum": zeros(params)} if self.momentum else {}

    def _directions(self, grads: Tensors, state: State, params: Tensors, now: Now) -> tuple[Tensors, State]:
        if not self.momentum:
            return grads, {}
        buffers = [self.momentum * b + g for b, g in zip(state["momentum"], grads, strict=True)]
        ahead = [g + self.momentum * b for b, g in zip(buffers, grads, strict=True)]
        return ahead if self.nesterov else buffers, {"momentum": buffers}


__all__ = ["SGD"]
