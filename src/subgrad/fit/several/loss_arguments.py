"""What a loss may ask for by the names of its arguments, beside outputs, targets and weights."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from subgrad.fit.several.several_outputs import comes_with_us, pieces, weighted_sum
from subgrad.graph.tensor import Tensor

Loss = Callable[..., Tensor]

NAMES = "inputs", "step"
"""The inputs of the batch, as the model is called with them; and how many batches came before, None in evaluation."""


def asked(loss: Loss) -> set[str]:
    """Which of these a loss, or that of one of several outputs, takes: behind the first two arguments, or by name.

    >>> asked(lambda f, y, inputs: f), asked(lambda inputs, targets: inputs)
    ({'inputs'}, set())
    """
    return set().union(*map(_asked, pieces(loss).values()))


def told(loss: Loss, inputs: Any, step: Tensor | None) -> Loss:
    """The loss with what it asks for."""
    if None not in (parts := pieces(loss)):
        _, _, factors = loss.args  # pyright: ignore[reportFunctionMemberAccess]
        of_each = tuple(told(f, inputs, step) for f in parts.values())
        return functools.partial(weighted_sum, tuple(parts), of_each, factors)
    values = {"inputs": inputs, "step": step}
    wanted = {name: values[name] for name in _asked(loss)}
    return functools.partial(loss, **wanted) if wanted else loss


def _asked(loss: Loss) -> set[str]:
    if comes_with_us(loss):  # they ask for nothing, and to read what they take costs more than to know them
        return set()
    try:
        parameters = [*inspect.signature(loss).parameters.values()]
    except (TypeError, ValueError):
        return set()  # one that does not say what it takes
    bound = loss.keywords if isinstance(loss, functools.partial) else {}
    names = (p.name for i, p in enumerate(parameters)
             if p.kind is p.KEYWORD_ONLY or (p.kind is p.POSITIONAL_OR_KEYWORD and i >= 2))  # fmt: skip
    return {name for name in names if name in NAMES and name not in bound}


__all__ = ["asked", "told"]
