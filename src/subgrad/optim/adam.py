"""Adam, AdamW and Lion: steps along running averages of the gradient, whose length hardly depends on its own."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from subgrad import ops, validators
from subgrad.errors import ArgumentError
from subgrad.graph.tensor import Tensor
from subgrad.optim import step
from subgrad.optim.optimizer import Descent, Now, State, Tensors, average, decayed, zeros
from subgrad.optim.step.parsing import step_rule


@dataclass(frozen=True)
class Adam(Descent):
    """x <- x - a_k m / (sqrt(v) + eps), with m and v the bias-corrected running averages of g and g^2.

    Kingma and Ba, Adam: A Method for Stochastic Optimization, ICLR 2015, arXiv:1412.6980. As in PyTorch.

    Args:
        lr: the step size a_k: a number, a step rule, or a rule's text.
        betas: the weights of the past in the two averages, each in [0, 1).
        eps: keeps the quotient finite; above 0.
        weight_decay: adds weight_decay x to the gradient. `AdamW` decays the parameters themselves.

    Raises:
        ArgumentError: for a setting outside its domain.

    Example:
        >>> import subgrad as sg
        >>> from subgrad import optim
        >>> x = sg.Parameter([1.0, -200.0])
        >>> adam = optim.Adam(lr=0.5)
        >>> state = optim.update([x], sg.grad((x * x).sum(), [x]), adam, adam.init([x]))
        >>> [round(v, 6) for v in x.tolist()]  # the first step has the length lr in every coordinate
        [0.5, -199.5]
    """

    lr: step.Rule | float | str = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0.0

    name = "adam"

    def __post_init__(self) -> None:
        validators.validate(self, lr=step_rule, betas=_pair, eps=validators.positive)
        validators.validate(self, weight_decay=validators.not_negative)

    def _prepare(self, grads: Tensors, params: Tensors) -> Tensors:
        return decayed(grads, params, self.weight_decay)

    def _start(self, params: Tensors) -> State:
        return {"mean": zeros(params), "square": zeros(params)}

    def _directions(self, grads: Tensors, state: State, params: Tensors, now: Now) -> tuple[Tensors, State]:
        first, second = self.betas
        means = average(state["mean"], grads, first)
        squares = average(state["square"], [g * g for g in grads], second)
        # The corrections are two numbers: one division for each parameter is left, and it is what a step waits for.
        correct, correct_root = 1 / _seen(first, now.k), 1 / ops.sqrt(_seen(second, now.k))
        scales = [ops.sqrt(v) * correct_root + self.eps for v in squares]
        directions = [m * correct / scale for m, scale in zip(means, scales, strict=True)]
        return directions, {"mean": means, "square": squares}


@dataclass(frozen=True)
class AdamW(Adam):
    """Adam with weight decay apart from the gradient: x <- x - a_k (m / (sqrt(v) + eps) + weight_decay x).

    Loshchilov and Hutter, Decoupled Weight Decay Regularization, ICLR 2019, arXiv:1711.05101. As in PyTorch.

    Args:
        lr, betas, eps: as for `Adam`.
        weight_decay: the rate of the decay, times a_k.

    Raises:
        ArgumentError: for a setting outside its domain.

    Example:
        >>> import subgrad as sg
        >>> from subgrad import optim
        >>> x = sg.Parameter([1.0])
        >>> adamw = optim.AdamW(lr=0.5, weight_decay=0.5)
        >>> state = optim.update([x], [sg.zeros(1)], adamw, adamw.init([x]))
        >>> x.tolist()  # without a gradient only the decay is left
        [0.75]
    """

    weight_decay: float = 0.01

    name = "adamw"

    def _prepare(self, grads: Tensors, params: Tensors) -> Tensors:
        return grads

    def _directions(self, grads: Tensors, state: State, params: Tensors, now: Now) -> tuple[Tensors, State]:
        directions, slots = super()._directions(grads, state, params, now)
        return decayed(directions, params, self.weight_decay), slots


@dataclass(frozen=True)
class Lion(Descent):
    """x <- x - a_k (sign(b1 m + (1 - b1) g) + weight_decay x), then m <- b2 m + (1 - b2) g, where m starts at 0.

    Chen et al., Symbolic Discovery of Optimization Algorithms, NeurIPS 2023, arXiv:2302.06675, algorithm 2. Every
    coordinate moves by a_k: a size 3 to 10 times below Adam's suits, and a decay as many times above.

    Args:
        lr: the step size a_k: a number, a step rule, or a rule's text.
        betas: (b1, b2), the weights of the past in what is stepped along and in what is kept, each in [0, 1).
        weight_decay: the rate of the decay, times a_k.

    Raises:
        ArgumentError: for a setting outside its domain.

    Example:
        >>> import subgrad as sg
        >>> from subgrad import optim
        >>> x = sg.Parameter([1.0, -200.0, 0.0])
        >>> lion = optim.Lion(lr=0.5)
        >>> state = optim.update([x], sg.grad((x * x).sum(), [x]), lion, lion.init([x]))
        >>> x.tolist()  # a step of the length lr in every coordinate whose gradient is not 0
        [0.5, -199.5, 0.0]
    """

    lr: step.Rule | float | str = 1e-4
    betas: tuple[float, float] = (0.9, 0.99)
    weight_decay: float = 0.0

    name = "lion"

    def __post_init__(self) -> None:
        validators.validate(self, lr=step_rule, betas=_pair, weight_decay=validators.not_negative)

    def _start(self, params: Tensors) -> State:
        return {"mean": zeros(params)}

    def _directions(self, grads: Tensors, state: State, params: Tensors, now: Now) -> tuple[Tensors, State]:
        first, second = self.betas
        signs = [ops.sign(c) for c in average(state["mean"], grads, first)]
        return decayed(signs, params, self.weight_decay), {"mean": average(state["mean"], grads, second)}


def _seen(beta: float, k: Tensor) -> Tensor:
    """1 - beta^k, the weight of all gradients so far in a running average that began with 0.

    By expm1, since in float32 the difference would lose digits: 1 - 0.999 has four of them left.
    """
    return -ops.expm1(math.log(beta) * k) if beta else ops.ones_like(k)


def _pair(what: str, betas: Any) -> tuple[float, ...]:
    return _decays(what, betas, 2)


def _decays(what: str, betas: Any, count: int) -> tuple[float, ...]:
    if not isinstance(betas, (tuple, list)) or len(betas) != count:
        wanted = "a pair of numbers" if count == 2 else f"{count} numbers"
        raise ArgumentError(f"{what} needs to be {wanted}, got {betas!r}")
    return tuple(validators.decay(what, beta) for beta in betas)


__all__ = ["Adam", "AdamW", "Lion"]
