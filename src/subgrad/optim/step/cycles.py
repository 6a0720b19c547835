"""More plans over steps: exponential and linear decay, one cycle or many, restarts, and a function of one's own."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from subgrad import ops, validators
from subgrad.errors import ArgumentError
from subgrad.graph.tensor import Tensor, as_tensor
from subgrad.optim.step.rule import Rule, tail


@dataclass(frozen=True)
class Exponential(Rule):
    """a_k = a rate^((k - 1) / every): by the factor ``rate`` in ``every`` steps.

    Example:
        >>> from subgrad import optim
        >>> rule = optim.step.Exponential(1.0, 0.5, every=10)
        >>> [round(float(rule(k)), 6) for k in (1, 11, 21)]
        [1.0, 0.5, 0.25]
    """

    a: float
    rate: float
    every: int = 1

    name = "exponential"

    def __post_init__(self) -> None:
        validators.validate(self, a=validators.positive, rate=_below_one, every=validators.count)

    def _at(self, k: Tensor, grad_norm: Tensor | None, loss: Tensor | None) -> Tensor:
        return self.a * ops.exp(math.log(self.rate) * ((k - 1) / self.every))

    def _series(self) -> tuple[bool, bool]:
        return False, True

    def describe(self) -> str:
        return f"a_k = {self.a:g}·{self.rate:g}^((k - 1)/{self.every}): {tail(0)}."


@dataclass(frozen=True)
class Linear(Rule):
    """A straight line from a_1 = a to ``end`` in ``steps`` steps, and ``end`` from there on.

    Example:
        >>> from subgrad import optim
        >>> [float(optim.step.Linear(1.0, 4)(k)) for k in (1, 3, 5, 99)]
        [1.0, 0.5, 0.0, 0.0]
    """

    a: float
    steps: int
    end: float = 0.0

    name = "linear"

    def __post_init__(self) -> None:
        validators.validate(self, a=validators.positive, steps=validators.count, end=validators.not_negative)

    def _at(self, k: Tensor, grad_norm: Tensor | None, loss: Tensor | None) -> Tensor:
        done = ops.minimum((k - 1) / self.steps, 1)
        return self.a * (1 - done) + self.end * done

    def _series(self) -> tuple[bool, bool]:
        return self.end > 0, self.end == 0

    def describe(self) -> str:
        return f"a_k goes from {self.a:g} to {self.end:g} in {self.steps} steps along a line: {tail(self.end)}."


@dataclass(frozen=True)
class OneCycle(Rule):
    """Up along a cosine from a/``div`` to a in the first ``rise`` of ``steps``, and down to a/(``div`` ``final_div``).

    Smith and Topin, Super-Convergence, 2017, arXiv:1708.07120. The sizes are those of PyTorch's ``OneCycleLR``.

    Example:
        >>> from subgrad import optim
        >>> rule = optim.step.OneCycle(1.0, steps=11, rise=0.5, div=10)
        >>> [round(float(rule(k)), 3) for k in (1, 5.5, 11)]
        [0.1, 1.0, 0.0]
    """

    a: float
    steps: int
    rise: float = 0.3
    div: float = 25.0
    final_div: float = 1e4

    name = "one_cycle"

    def __post_init__(self) -> None:
        validators.validate(self, a=validators.positive, steps=validators.count, rise=_below_one)
        validators.validate(self, div=validators.positive, final_div=validators.positive)

    def _at(self, k: Tensor, grad_norm: Tensor | None, loss: Tensor | None) -> Tensor:
        first, last = self.a / self.div, self.a / self.div / self.final_div
        top = max(self.rise * self.steps - 1, 1e-9)
        up = ops.minimum((k - 1) / top, 1)
        down = ops.clip((k - 1 - top) / max(self.steps - 1 - top, 1e-9), 0.0, 1.0)
        rising = self.a + (first - self.a) / 2 * (1 + ops.cos(math.pi * up))
        falling = last + (self.a - last) / 2 * (1 + ops.cos(math.pi * down))
        return ops.where(k - 1 <= top, rising, falling)

    def _series(self) -> tuple[bool, bool]:
        return True, False

    def describe(self) -> str:
        last = self.a / self.div / self.final_div
        source = "Smith and Topin, arXiv:1708.07120"
        return f"a_k rises to {self.a:g} and falls, in {self.steps} steps ({source}): {tail(last)}."


@dataclass(frozen=True)
class Cyclic(Rule):
    """Up a line from ``low`` to ``high`` in ``up`` steps and down again in as many, over and over.

    Smith, Cyclical Learning Rates for Training Neural Networks, WACV 2017, arXiv:1506.01186. As in PyTorch.

    Example:
        >>> from subgrad import optim
        >>> [float(optim.step.Cyclic(0.0, 1.0, up=2)(k)) for k in (1, 2, 3, 4, 5)]
        [0.0, 0.5, 1.0, 0.5, 0.0]
    """

    low: float
    high: float
    up: int

    name = "cyclic"

    def __post_init__(self) -> None:
        validators.validate(self, low=validators.not_negative, high=validators.positive, up=validators.count)
        if self.low >= self.high:
            raise ArgumentError(f"Cyclic needs low below high, got {self.low:g} and {self.high:g}")

    def _at(self, k: Tensor, grad_norm: Tensor | None, loss: Tensor | None) -> Tensor:
        place = ops.remainder(k - 1, 2.0 * self.up)
        return self.low + (self.high - self.low) * (1 - ops.abs(place - self.up) / self.up)

    def _series(self) -> tuple[bool, bool]:
        return True, False

    def describe(self) -> str:
        return (
            f"a_k goes up and down between {self.low:g} and {self.high:g} in {2 * self.up} steps (Smith, "
            f"arXiv:1506.01186): {tail(self.high)}."
        )


@dataclass(frozen=True)
class CosineRestarts(Rule):
    """`Cosine` over and over: from a to ``end`` in ``steps`` steps, then again in ``factor`` times as many, and so on.

    Loshchilov and Hutter, SGDR, ICLR 2017, arXiv:1608.03983. As in PyTorch.

    Example:
        >>> from subgrad import optim
        >>> rule = optim.step.CosineRestarts(1.0, steps=2, factor=2)
        >>> [round(float(rule(k)), 3) for k in (1, 2, 3, 5, 7)]  # 7 starts the third
        [1.0, 0.5, 1.0, 0.5, 1.0]
    """

    a: float
    steps: int
    factor: int = 1
    end: float = 0.0

    name = "cosine_restarts"

    def __post_init__(self) -> None:
        validators.validate(self, a=validators.positive, steps=validators.count, factor=validators.count)
        validators.validate(self, end=validators.not_negative)

    def _at(self, k: Tensor, grad_norm: Tensor | None, loss: Tensor | None) -> Tensor:
        place = (k - 1) / self.steps
        if self.factor == 1:
            part = ops.remainder(place, 1.0)
        else:  # run i begins at (factor^i - 1) / (factor - 1)
            grown = place * (self.factor - 1) + 1
            run = ops.floor(ops.log(grown) / math.log(self.factor) + 1e-5)
            length = ops.exp(run * math.log(self.factor))
            part = ops.clip((place - (length - 1) / (self.factor - 1)) / length, 0.0, 1.0)
        return self.end + (self.a - self.end) / 2 * (1 + ops.cos(math.pi * part))

    def _series(self) -> tuple[bool, bool]:
        return True, False

    def describe(self) -> str:
        return (
            f"a_k goes from {self.a:g} to {self.end:g} along a cosine, in {self.steps} steps at first, over and over "
            f"(Loshchilov and Hutter, arXiv:1608.03983): {tail(self.a)}."
        )


@dataclass(frozen=True)
class Lambda(Rule):
    """a_k = function(k), a function of one's own, made of ops. It has no text form: a run with it cannot be written
    down.

    Example:
        >>> from subgrad import optim
        >>> float(optim.step.Lambda(lambda k: 1 / k)(4))
        0.25
    """

    function: Callable[[Tensor], Any]

    name = "function"

    def __post_init__(self) -> None:
        if not callable(self.function):
            raise ArgumentError(f"Lambda takes a function of k, got {self.function!r}")

    def _at(self, k: Tensor, grad_norm: Tensor | None, loss: Tensor | None) -> Tensor:
        return as_tensor(self.function(k), k.dtype).astype(k.dtype)

    def _series(self) -> tuple[None, None]:
        return None, None

    def describe(self) -> str:
        return "a_k is what a function says: nothing is known of its sums."


def _below_one(what: str, value: Any) -> float:
    rate = validators.positive(what, value)
    if rate >= 1:
        raise ArgumentError(f"{what} needs to be a number between 0 and 1, got {value!r}")
    return rate


__all__ = ["CosineRestarts", "Cyclic", "Exponential", "Lambda", "Linear", "OneCycle"]
