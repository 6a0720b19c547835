"""Relatives of Adam: a maximum in the place of a mean square, Nesterov's momentum in two forms, a careful start."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

from subgrad import ops, validators
from subgrad.graph.tensor import Tensor
from subgrad.optim import step
from subgrad.optim.adam import _decays, _pair, _seen
from subgrad.optim.optimizer import Descent, Now, State, Tensors, average, decayed, zeros
from subgrad.optim.step.parsing import step_rule


@dataclass(frozen=True)
class Adamax(Descent):
    """x <- x - a_k m / u, with m the bias-corrected running average of g and u <- max(b2 u, \\|g\\| + eps).

    Kingma and Ba, Adam, ICLR 2015, arXiv:1412.6980, algorithm 2. As in PyTorch.

    Args:
        lr: the step size a_k: a number, a step rule, or a rule's text.
        betas: the weights of the past in m and u, each in [0, 1).
        eps: keeps the quotient finite; above 0.

    Raises:
        ArgumentError: for a setting outside its domain.

    Example:
        >>> import subgrad as sg
        >>> from subgrad import optim
        >>> x = sg.Parameter([1.0, -200.0])
        >>> adamax = optim.Adamax(lr=0.5)
        >>> state = optim.update([x], sg.grad((x * x).sum(), [x]), adamax, adamax.init([x]))
        >>> [round(v, 4) for v in x.tolist()]
        [0.5, -199.5]
    """

    lr: step.Rule | float | str = 2e-3
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8

    name = "adamax"

    def __post_init__(self) -> None:
        validators.validate(self, lr=step_rule, betas=_pair, eps=validators.positive)

    def _start(self, params: Tensors) -> State:
        return {"mean": zeros(params), "largest": zeros(params)}

    def _directions(self, grads: Tensors, state: State, params: Tensors, now: Now) -> tuple[Tensors, State]:
        first, second = self.betas
        means = average(state["mean"], grads, first)
        largest = [ops.maximum(second * u, ops.abs(g) + self.eps) for u, g in zip(state["largest"], grads, strict=True)]
        correct = 1 / _seen(first, now.k)
        return [m * correct / u for m, u in zip(means, largest, strict=True)], {"mean": means, "largest": largest}


@dataclass(frozen=True)
class NAdam(Descent):
    """Adam with Nesterov's momentum, whose weight grows from b1/2 to b1 (Dozat, Incorporating Nesterov Momentum into
    Adam, ICLR workshop 2016). As in PyTorch.

    Args:
        lr: the step size a_k: a number, a step rule, or a rule's text.
        betas: the weights of the past in the two averages, each in [0, 1).
        eps: keeps the quotient finite; above 0.
        momentum_decay: how fast the weight of the momentum grows.

    Raises:
        ArgumentError: for a setting outside its domain.

    Example:
        >>> from subgrad import optim
        >>> optim.NAdam(0.1).lr
        Constant(a=0.1)
    """

    lr: step.Rule | float | str = 2e-3
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    momentum_decay: float = 4e-3

    name = "nadam"

    def __post_init__(self) -> None:
        validators.validate(self, lr=step_rule, betas=_pair, eps=validators.positive)
        validators.validate(self, momentum_decay=validators.not_negative)

    def _start(self, params: Tensors) -> State:
        return {"mean": zeros(params), "square": zeros(params), "product": ops.ones((), params[0].dtype)}

    def _weight(self, k: Tensor) -> Tensor:
        return self.betas[0] * (1 - 0.5 * ops.exp(math.log(0.96) * self.momentum_decay * k))

    def _directions(self, grads: Tensors, state: State, params: Tensors, now: Now) -> tuple[Tensors, State]:
        means = average(state["mean"], grads, self.betas[0])
        squares = average(state["square"], [g * g for g in grads], self.betas[1])
        weight, ahead = self._weight(now.k), self._weight(now.k + 1)
        product = state["product"] * weight
        of_gradient, of_mean = (1 - weight) / (1 - product), ahead / (1 - product * ahead)
        root = 1 / ops.sqrt(_seen(self.betas[1], now.k))
        directions = [
            (g * of_gradient + m * of_mean) / (ops.sqrt(v) * root + self.eps)
            for g, m, v in zip(grads, means, squares, strict=True)
        ]
        return directions, {"mean": means, "square": squares, "product": product}


@dataclass(frozen=True)
class RAdam(Descent):
    """Adam that steps along the average alone until there are gradients enough to know their size, and then with a
    rectified step (Liu et al., On the Variance of the Adaptive Learning Rate and Beyond, ICLR 2020, arXiv:1908.03265).
    As in PyTorch.

    Args:
        lr: the step size a_k: a number, a step rule, or a rule's text.
        betas: the weights of the past in the two averages, each in [0, 1).
        eps: keeps the quotient finite; above 0.

    Raises:
        ArgumentError: for a setting outside its domain.

    Example:
        >>> from subgrad import optim
        >>> optim.RAdam().betas
        (0.9, 0.999)
    """

    lr: step.Rule | float | str = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8

    name = "radam"

    def __post_init__(self) -> None:
        validators.validate(self, lr=step_rule, betas=_pair, eps=validators.positive)

    def _start(self, params: Tensors) -> State:
        return {"mean": zeros(params), "square": zeros(params)}

    def _directions(self, grads: Tensors, state: State, params: Tensors, now: Now) -> tuple[Tensors, State]:
        first, second = self.betas
        means = average(state["mean"], grads, first)
        squares = average(state["square"], [g * g for g in grads], second)
        seen, longest = _seen(second, now.k), 2 / (1 - second) - 1
        length = longest - 2 * now.k * (1 - seen) / seen  # of the average that squares are known by
        known = length > 5
        safe = ops.where(known, length, 6)
        part = (safe - 4) * (safe - 2) * longest / ((longest - 4) * (longest - 2) * safe)
        rectified, correct = ops.sqrt(part) * ops.sqrt(seen), 1 / _seen(first, now.k)
        directions = [
            m * correct * ops.where(known, rectified / (ops.sqrt(v) + self.eps), 1)
            for m, v in zip(means, squares, strict=True)
        ]
        return directions, {"mean": means, "square": squares}


@dataclass(frozen=True)
class Adan(Descent):
    """x <- (x - a_k (m + b2 v) / (sqrt(n) + eps)) / (1 + a_k weight_decay), with m, v and n the bias-corrected running
    averages of g, of its change d since the step before, and of (g + b2 d)²: Nesterov's momentum without a gradient at
    another point.

    Xie, Zhou, Li, Lin, Yan, Adan: Adaptive Nesterov Momentum Algorithm for Faster Optimizing Deep Models, IEEE TPAMI
    2024, arXiv:2208.06677, algorithm 1; the betas are 1 minus the paper's, and the averages are corrected, as in the
    authors' program.

    Args:
        lr: the step size a_k: a number, a step rule, or a rule's text.
        betas: the weights of the past in m, v and n, each in [0, 1).
        eps: keeps the quotient finite; above 0.
        weight_decay: the rate of the decay, times a_k.

    Raises:
        ArgumentError: for a setting outside its domain.

    Example:
        >>> import subgrad as sg
        >>> from subgrad import optim
        >>> x = sg.Parameter([1.0, -200.0])
        >>> adan = optim.Adan(lr=0.5)
        >>> state = optim.update([x], sg.grad((x * x).sum(), [x]), adan, adan.init([x]))
        >>> x.numpy().round(5).tolist()
        [0.5, -199.5]
    """

    lr: step.Rule | float | str = 1e-3
    betas: tuple[float, float, float] = (0.98, 0.92, 0.99)
    eps: float = 1e-8
    weight_decay: float = 0.0

    name = "adan"

    def __post_init__(self) -> None:
        validators.validate(self, lr=step_rule, betas=partial(_decays, count=3), eps=validators.positive)
        validators.validate(self, weight_decay=validators.not_negative)

    def _start(self, params: Tensors) -> State:
        return {name: zeros(params) for name in ("mean", "change", "square", "before")}

    def _directions(self, grads: Tensors, state: State, params: Tensors, now: Now) -> tuple[Tensors, State]:
        first, second, third = self.betas
        changes = [ops.where(now.k > 1, g - b, 0) for g, b in zip(grads, state["before"], strict=True)]
        means, mean_changes = average(state["mean"], grads, first), average(state["change"], changes, second)
        ahead = [g + second * d for g, d in zip(grads, changes, strict=True)]
        squares = average(state["square"], [a * a for a in ahead], third)
        of_mean, of_change = 1 / _seen(first, now.k), second / _seen(second, now.k)
        root = 1 / ops.sqrt(_seen(third, now.k))
        steps = [
            (m * of_mean + v * of_change) / (ops.sqrt(n) * root + self.eps)
            for m, v, n in zip(means, mean_changes, squares, strict=True)
        ]
        directions = decayed(steps, params, self.weight_decay)
        if self.weight_decay:  # the decay is of the point after the step
            directions = [d / (1 + now.size * self.weight_decay) for d in directions]
        return directions, {"mean": means, "change": mean_changes, "square": squares, "before": list(grads)}


__all__ = ["Adamax", "Adan", "NAdam", "RAdam"]
