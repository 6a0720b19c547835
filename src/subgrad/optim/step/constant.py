"""The rule that a number means: the step size that never changes.

It is a constant of a graph, unless whoever traces a step wants it as an argument: then runs that differ in it share one
program.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass

import numpy as np

from subgrad import ops, validators
from subgrad.graph.tensor import Tensor, placeholder
from subgrad.optim.step.rule import Rule, tail

_Sizes = dict[tuple[float, np.dtype], Tensor]
_asked: ContextVar[_Sizes | None] = ContextVar("asked", default=None)


@contextlib.contextmanager
def as_arguments() -> Iterator[_Sizes]:
    """Inside, each constant step size is a placeholder: those asked for, by their values and dtypes."""
    sizes: _Sizes = {}
    before = _asked.set(sizes)
    try:
        yield sizes
    finally:
        _asked.reset(before)


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
        sizes = _asked.get()
        if sizes is None:
            return ops.full((), self.a, k.dtype)
        if (self.a, k.dtype) not in sizes:
            sizes[self.a, k.dtype] = placeholder((), k.dtype, "step size")
        return sizes[self.a, k.dtype]

    def _series(self) -> tuple[bool, bool]:
        return True, False

    def describe(self) -> str:
        return f"a_k = {self.a:g}: {tail(self.a)}."


__all__ = ["Constant", "as_arguments"]
