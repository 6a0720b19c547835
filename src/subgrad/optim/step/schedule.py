"""Rules that follow a plan over a known number of steps, as networks are trained."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any

from subgrad import ops, validators
from subgrad.errors import ArgumentError
from subgrad.graph.tensor import Tensor
from subgrad.optim.step.parsing import get, step_rule
from subgrad.optim.step.rule import Rule, short, tail


@dataclass(frozen=True)
class Cosine(Rule):
    """Half a cosine wave from a to ``end``: a_1 = a, and a_k = end for every k above ``steps``.

    a_k = end + (a - end) (1 + cos(pi (k - 1)/steps)) / 2 in between (Loshchilov and Hutter, SGDR, ICLR 2017,
    arXiv:1608.03983, without restarts).

    Example:
        >>> from subgrad import optim
        >>> rule = optim.step.Cosine(1.0, steps=10)
        >>> [round(float(rule(k)), 3) for k in (1, 6, 11, 99)]
        [1.0, 0.5, 0.0, 0.0]
    """

    a: float
    steps: int
    end: float = 0.0

    name = "cosine"

    def __post_init__(self) -> None:
        validators.validate(self, a=validators.positive, steps=validators.count, end=validators.not_negative)

    def _at(self, k: Tensor, grad_norm: Tensor | None, loss: Tensor | None) -> Tensor:
        done = ops.minimum((k - 1) / self.steps, 1)
        return self.end + (self.a - self.end) / 2 * (1 + ops.cos(math.pi * done))

    def _series(self) -> tuple[bool, bool]:
        return self.end > 0, self.end == 0

    def describe(self) -> str:
        return (
            f"a_k goes from {self.a:g} to {self.end:g} in {self.steps} steps along a cosine (Loshchilov and Hutter, "
            f"arXiv:1608.03983): {tail(self.end)}."
        )


@dataclass(frozen=True)
class Warmup(Rule):
    """The steps of another rule, times k/n for the first n = ``steps`` of them.

    The other rule counts on meanwhile: a_k = min(1, k/n) rule(k) (Goyal et al., Accurate, Large Minibatch SGD,
    2017, arXiv:1706.02677).

    Example:
        >>> from subgrad import optim
        >>> rule = optim.step.Warmup(optim.step.Constant(1.0), steps=4)
        >>> [float(rule(k)) for k in (1, 2, 4, 5)]
        [0.25, 0.5, 1.0, 1.0]
    """

    rule: Rule | float | str
    steps: int

    name = "warmup"

    def __post_init__(self) -> None:
        validators.validate(self, rule=step_rule, steps=validators.count)

    def _at(self, k: Tensor, grad_norm: Tensor | None, loss: Tensor | None) -> Tensor:
        return ops.minimum(k / self.steps, 1) * get(self.rule)(k, grad_norm, loss)

    def _series(self) -> tuple[bool | None, bool | None]:
        rule = get(self.rule)
        return rule.diverges, rule.square_summable

    def describe(self) -> str:
        return f"Times k/{self.steps} for the first {self.steps} steps, {get(self.rule).describe()}"


@dataclass(frozen=True)
class Piecewise(Rule):
    """Constant pieces: ``{0: a, 1000: b}`` takes 1000 steps of a, and steps of b from step k = 1001 on.

    A key is the number of steps that come before its value; there must be a key 0.

    Example:
        >>> from subgrad import optim
        >>> rule = optim.step.Piecewise({0: 1.0, 1000: 0.5})
        >>> float(rule(1000)), float(rule(1001))
        (1.0, 0.5)
    """

    values: Mapping[int, float] | Sequence[tuple[int, float]]

    name = "piecewise"

    def __post_init__(self) -> None:
        validators.validate(self, values=_pieces)

    def _at(self, k: Tensor, grad_norm: Tensor | None, loss: Tensor | None) -> Tensor:
        (_, first), *others = dict(self.values).items()
        size = ops.full((), first, k.dtype)
        for start, value in others:
            size = ops.where(k > start, value, size)
        return size

    def _series(self) -> tuple[bool, bool]:
        return self._last() > 0, self._last() == 0

    def describe(self) -> str:
        pieces = ", ".join(f"{value:g} after {start} steps" for start, value in dict(self.values).items())
        return f"a_k is {pieces}: {tail(self._last())}."

    def _last(self) -> float:
        return list(dict(self.values).values())[-1]

    def __str__(self) -> str:
        return f"{self.name}({{{', '.join(f'{k}: {short(v)}' for k, v in dict(self.values).items())}}})"


def _pieces(what: str, values: Any) -> tuple[tuple[int, float], ...]:
    try:
        pieces = dict(values)
    except (TypeError, ValueError):
        pieces = {}
    if 0 not in pieces or not all(isinstance(k, Integral) and int(k) >= 0 for k in pieces):
        wanted = "whole keys, one of them 0, as in {0: 0.1, 1000: 0.01}"
        raise ArgumentError(f"{what} need {wanted}, got {values!r}")
    return tuple((int(k), validators.not_negative(what, pieces[k])) for k in sorted(pieces))


__all__ = ["Cosine", "Piecewise", "Warmup"]
