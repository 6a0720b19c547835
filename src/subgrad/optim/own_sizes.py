"""Methods that find the sizes of their steps: Adadelta by the changes so far, Rprop by the signs of gradients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from subgrad import ops, validators
from subgrad.errors import ArgumentError
from subgrad.optim import step
from subgrad.optim.optimizer import Descent, Now, State, Tensors, average, zeros
from subgrad.optim.step.parsing import step_rule


@dataclass(frozen=True)
class Adadelta(Descent):
    """x <- x - a_k d, d = g sqrt(u + eps) / sqrt(v + eps), with v and u the running averages of g^2 and of d^2.

    Zeiler, ADADELTA: An Adaptive Learning Rate Method, 2012, arXiv:1212.5701. As in PyTorch.

    Args:
        lr: the step size a_k: a number, a step rule, or a rule's text; 1 in the paper.
        rho: the weight of the past in the two averages, in [0, 1).
        eps: what the first steps are made of; above 0.

    Raises:
        ArgumentError: for a setting outside its domain.

    Example:
        >>> from subgrad import optim
        >>> optim.Adadelta().rho
        0.9
    """

    lr: step.Rule | float | str = 1.0
    rho: float = 0.9
    eps: float = 1e-6

    name = "adadelta"

    def __post_init__(self) -> None:
        validators.validate(self, lr=step_rule, rho=validators.decay, eps=validators.positive)

    def _start(self, params: Tensors) -> State:
        return {"square": zeros(params), "change": zeros(params)}

    def _directions(self, grads: Tensors, state: State, params: Tensors, now: Now) -> tuple[Tensors, State]:
        squares = average(state["square"], [g * g for g in grads], self.rho)
        directions = [
            g * ops.sqrt(u + self.eps) / ops.sqrt(v + self.eps)
            for g, u, v in zip(grads, state["change"], squares, strict=True)
        ]
        changes = average(state["change"], [d * d for d in directions], self.rho)
        return directions, {"square": squares, "change": changes}


@dataclass(frozen=True)
class Rprop(Descent):
    """x <- x - s sign(g), with a size s for each element that grows while the sign stays and shrinks when it changes;
    then this element rests for a step. For gradients of the whole data set.

    Riedmiller and Braun, A direct adaptive method for faster backpropagation learning: the RPROP algorithm, 1993. As in
    PyTorch.

    Args:
        lr: the size of the first step; a number.
        etas: by what sizes shrink and grow, one below and one above 1.
        sizes: the least and the largest size.

    Raises:
        ArgumentError: for a setting outside its domain.

    Example:
        >>> import subgrad as sg
        >>> from subgrad import optim
        >>> x = sg.Parameter([1.0, -200.0])
        >>> rprop = optim.Rprop(0.5)
        >>> state = optim.update([x], sg.grad((x * x).sum(), [x]), rprop, rprop.init([x]))
        >>> x.tolist()
        [0.5, -199.5]
    """

    lr: float = 1e-2  # pyright: ignore[reportIncompatibleVariableOverride]
    etas: tuple[float, float] = (0.5, 1.2)
    sizes: tuple[float, float] = (1e-6, 50.0)

    name = "rprop"

    def __post_init__(self) -> None:
        validators.validate(self, lr=validators.positive, etas=_around_one, sizes=_rising)

    def _start(self, params: Tensors) -> State:
        return {"before": zeros(params), "size": [ops.full(p.shape, self.lr, p.dtype) for p in params]}

    def _directions(self, grads: Tensors, state: State, params: Tensors, now: Now) -> tuple[Tensors, State]:
        directions, sizes, before = [], [], []
        for g, b, s in zip(grads, state["before"], state["size"], strict=True):
            agree = ops.sign(g * b)
            factor = ops.where(agree > 0, self.etas[1], ops.where(agree < 0, ops.full((), self.etas[0], s.dtype), 1))
            sizes.append(ops.clip(s * factor, *self.sizes))
            before.append(ops.where(agree < 0, 0, g))
            directions.append(ops.sign(before[-1]) * sizes[-1] / now.size)
        return directions, {"before": before, "size": sizes}


def _around_one(what: str, value: Any) -> tuple[float, float]:
    low, high = _two(what, value)
    if not 0 < low < 1 < high:
        raise ArgumentError(f"{what} needs one number below 1 and one above, got {value!r}")
    return low, high


def _rising(what: str, value: Any) -> tuple[float, float]:
    low, high = _two(what, value)
    if not 0 < low < high:
        raise ArgumentError(f"{what} needs two positive numbers that rise, got {value!r}")
    return low, high


def _two(what: str, value: Any) -> tuple[float, float]:
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise ArgumentError(f"{what} needs to be a pair of numbers, got {value!r}")
    return validators.number(what, value[0]), validators.number(what, value[1])


__all__ = ["Adadelta", "Rprop"]
